"""YAML that a user wrote, read strictly: what it would drop or change in silence is refused in one
line."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import yaml

from ssbchar.errors import BadInput
from ssbchar.storage.user_text import read_user_text

MOST_BYTES = 2_000_000
"""Size above which YAML is no file that somebody wrote [byte]."""
DEEPEST = 40
"""Most levels of nesting, aliases unfolded."""
MOST_NODES = 200_000
"""Most values and keys, aliases unfolded."""
SCALARS = ("str", "int", "float", "bool", "null", "timestamp", "value", "merge")
TAG = "tag:yaml.org,2002:"
EXPONENT = re.compile(r"[-+]?(\d[\d_]*\.?\d*|\.\d+)[eE][-+]?\d+")
"""A number that YAML 1.1 takes as a word: ``1e-3``."""
SEXAGESIMAL = re.compile(r"[-+]?\d[\d_]*(:[0-5]?\d)+(\.\d*)?")
"""A number to the base of 60 in YAML 1.1: ``12:30`` is 750."""
OCTAL = re.compile(r"[-+]?0[0-7_]+")
TRUE = ("yes", "true", "on")
SPECIAL = "*&!%@`|>{}[],?#"
"""Characters that a word without quotes may not begin with."""
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class BadYaml(BadInput):
    """YAML with faults; as a `BadInput` it is the first of them."""

    def __init__(self, faults: list[BadInput]) -> None:
        super().__init__(faults[0].where, faults[0].problem, faults[0].remedy)
        self.faults = faults


def list_faults(error: BadInput) -> list[str]:
    """Return every fault of a file of YAML, one line each.

    Parameters
    ----------
    error : BadInput
        As `load_yaml` raises it.
    """
    faults = error.faults if isinstance(error, BadYaml) else [error]
    return [str(fault) for fault in faults]


def load_yaml(path: Path | str) -> Any:
    """Return the content of a YAML file; None if it is empty.

    Keys are text, whatever they look like. ``1e-3`` is a number, a date is a word.

    Raises
    ------
    BadInput
        The file is no YAML; a key is given twice; a word that YAML takes as another value
        (``12:30``, ``010``); tags; aliases that unfold to more than 200 000 values.
    """
    read = read_user_text(path)
    return parse_yaml(read.text, str(path))


def parse_yaml(text: str, place: str) -> Any:
    """Return the content of YAML text, as `load_yaml`; `place` names it in messages."""
    if len(text) > MOST_BYTES:
        raise BadInput(
            place,
            f"{len(text) / 1e6:.1f} MB are no YAML that somebody wrote",
            f"correct the path (at most {MOST_BYTES / 1e6:.0f} MB)",
        )
    try:
        _limit_size(text, place)
        node = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise _describe_fault(error, text, place) from error
    if node is None:
        return None
    builder = _Builder(place=place)
    content = builder.build(node)
    if builder.faults:
        raise BadYaml(builder.faults)
    return content


def _describe_fault(error: yaml.YAMLError, text: str, place: str) -> BadInput:
    """Return one line about text that is no YAML."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = " ".join(str(getattr(error, "problem", None) or error).split())
    if mark is None:
        return BadInput(place, f"no valid YAML ({problem})", "correct it")
    lines = text.split("\n")
    number = min(mark.line, len(lines) - 1)
    line = lines[number]
    remedy = "correct it"
    value = re.search(rf"(?:: |- |^)([{re.escape(SPECIAL)}]\S*)", line.strip())
    if re.match(r" *\t", line) or "\\t" in problem or "'\\t'" in problem:
        remedy = "indent with spaces, not with tabs"
    elif "another document" in problem:
        remedy = "keep one document, without '---' lines"
    elif value and value[1][0] not in "[{":
        remedy = f'quote a word that begins with {value[1][0]}: "{value[1]}"'
    return BadInput(f"{place}:{number + 1}", f"no valid YAML ({problem})", remedy)


@dataclass(kw_only=True)
class _Open:
    """A collection whose end has not been reached."""

    anchor: str | None
    nodes: int = 1
    height: int = 1


@dataclass(kw_only=True)
class _Sizes:
    """Numbers of nodes and levels behind each finished anchor."""

    finished: dict[str, tuple[int, int]] = field(default_factory=dict)
    stack: list[_Open] = field(default_factory=list)

    def add(self, anchor: str | None, nodes: int, height: int) -> None:
        """Count a finished node, and add it to the collection it stands in."""
        if anchor:
            self.finished[anchor] = nodes, height
        if self.stack:
            self.stack[-1].nodes += nodes
            self.stack[-1].height = max(self.stack[-1].height, height + 1)


def _limit_size(text: str, place: str) -> None:
    """Refuse text that unfolds to too many nodes or levels, before anything is built."""
    sizes = _Sizes()
    for event in yaml.parse(text, Loader=_Loader):
        mark = event.start_mark
        where = f"{place}:{mark.line + 1}" if mark else place
        if isinstance(event, yaml.AliasEvent):
            if event.anchor in sizes.finished:
                sizes.add(None, *sizes.finished[event.anchor])
            elif any(part.anchor == event.anchor for part in sizes.stack):
                raise BadInput(where, f"*{event.anchor} stands inside itself", "write it out")
        elif isinstance(event, yaml.ScalarEvent):
            sizes.add(event.anchor, 1, 1)
        elif isinstance(event, yaml.CollectionStartEvent):
            sizes.stack.append(_Open(anchor=event.anchor))
        elif isinstance(event, yaml.CollectionEndEvent):
            closed = sizes.stack.pop()
            sizes.add(closed.anchor, closed.nodes, closed.height)
        top = sizes.stack[-1] if sizes.stack else None
        if len(sizes.stack) + (top.height if top else 0) > DEEPEST + 1:
            raise BadInput(where, f"nested deeper than {DEEPEST} levels", "write it flatter")
        if top and top.nodes > MOST_NODES:
            raise BadInput(
                where, f"unfolds to more than {MOST_NODES} values", "leave out its aliases"
            )


@dataclass(frozen=True, kw_only=True)
class _Builder:
    """Makes plain data of nodes, and notes every fault."""

    place: str
    faults: list[BadInput] = field(default_factory=list)

    def build(self, node: yaml.Node) -> Any:
        """Return what a node stands for."""
        if isinstance(node, yaml.MappingNode):
            self.check_tag(node, "map")
            return self.build_mapping(node)
        if isinstance(node, yaml.SequenceNode):
            self.check_tag(node, "seq")
            return [self.build(part) for part in node.value]
        return self.build_scalar(cast("yaml.ScalarNode", node))

    def refuse(self, node: yaml.Node, problem: str, remedy: str) -> None:
        """Note a fault at a node."""
        fault = BadInput(f"{self.place}:{node.start_mark.line + 1}", problem, remedy)
        if str(fault) not in map(str, self.faults):  # behind an alias a node is built again
            self.faults.append(fault)

    def check_tag(self, node: yaml.Node, expected: str) -> None:
        """Note a tag that is not that of the node's kind."""
        if node.tag != f"{TAG}{expected}":
            tag = node.tag.replace(TAG, "!!")
            self.refuse(node, f"the tag {tag} is not read", "leave it out")

    def build_mapping(self, node: yaml.MappingNode) -> dict[str, Any]:
        """Return a mapping; keys are text."""
        own: dict[str, Any] = {}
        lines: dict[str, int] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self.read_key(key_node)
            line = key_node.start_mark.line + 1
            if key in lines:
                problem = f"'{key}' is given twice, in lines {lines[key]} and {line}"
                self.refuse(key_node, problem, "keep one, with all that belongs under it")
            lines[key] = line
            if key_node.tag == f"{TAG}merge":
                merged = self.merge(value_node)
            else:
                own[key] = self.build(value_node)
        return {**merged, **own}

    def read_key(self, node: yaml.Node) -> str:
        """Return a key as the text it is."""
        if not isinstance(node, yaml.ScalarNode):
            self.refuse(node, "a key is no word", "write 'key: value'")
        elif not node.value:
            self.refuse(node, "a key is empty", "write 'key: value'")
        return str(node.value)

    def merge(self, node: yaml.Node) -> dict[str, Any]:
        """Return the mappings behind ``<<``; the first that holds a key counts, as YAML defines."""
        parts = node.value if isinstance(node, yaml.SequenceNode) else [node]
        merged: dict[str, Any] = {}
        for part in parts:
            if isinstance(part, yaml.MappingNode):
                merged = {**self.build_mapping(part), **merged}
            else:
                self.refuse(part, "'<<' names no mapping", "write it out")
        return merged

    def build_scalar(self, node: yaml.ScalarNode) -> Any:
        """Return a word, a number, a truth value or None."""
        kind, text = node.tag.removeprefix(TAG), node.value
        if kind not in SCALARS:
            self.check_tag(node, "str")
        # The two parsers of PyYAML mark a word without quotes by None and by ''.
        is_plain = not node.style
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() in TRUE
        if kind in ("int", "float") and is_plain and SEXAGESIMAL.fullmatch(text):
            self.refuse_trap(node, "a number to the base of 60")
            return text
        if kind == "int":
            if is_plain and OCTAL.fullmatch(text):
                self.refuse_trap(node, f"{int(text.replace('_', ''), 8)}, an octal number")
                return text
            return int(text.replace("_", ""), 0)
        if kind == "float" or (kind == "str" and is_plain and EXPONENT.fullmatch(text)):
            return _read_float(text)
        return text

    def refuse_trap(self, node: yaml.ScalarNode, meaning: str) -> None:
        """Note a word that YAML takes for another value."""
        self.refuse(
            node,
            f"{node.value} means {meaning} in YAML",
            f'quote it ("{node.value}") where meant as a word, else write the number',
        )


def _read_float(text: str) -> float:
    word = text.replace("_", "").lower()
    special = {".inf": "inf", "+.inf": "inf", "-.inf": "-inf", ".nan": "nan"}
    return float(special.get(word, word))
