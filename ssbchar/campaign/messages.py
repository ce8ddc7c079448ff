"""The page of all messages, made from the sources: what every fault says and what it asks for.

A fault is a call of `ssbchar.errors.BadInput` (or a kind of it) with problem and remedy, or, of
config and sheet, a line of the form ``problem; remedy``. Texts are followed through names, through
functions of the module and through constants of others; what is known only when the program runs
stands as an ellipsis.
"""

from __future__ import annotations

import ast
import functools
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import ssbchar

MESSAGES_PAGE = Path("docs/messages.md")
UNKNOWN = "…"
"""Stands for what only a run knows."""
FAULTS = ("BadInput", "BadYaml", "UnknownWavelength", "UnknownAtom", "Fault", "reword")
"""Functions and classes that take a problem and a remedy, the last two of their arguments."""
PLAIN_LINES = ("campaign/", "runtime/options.py")
"""Modules whose faults are lines of text."""
NO_FAULTS = (
    "campaign/new/",
    "campaign/messages.py",
    "campaign/data_model.py",
    "campaign/schema.py",
)
"""Modules that say other things than faults, or write pages."""
GROUPS = {
    "campaign": "Config and sample sheet",
    "runtime": "Config and sample sheet",
    "storage": "Any file",
    "crystal": "CIFs and the phases file",
    "hexrd": "HEXRD",
    "xas": "XAS",
    "nmr": "NMR",
    "results": "A finished run",
    "pipeline": "Commands",
}
"""Headings of the page, by the packages that speak there."""
DEEPEST = 4
"""So many names or calls a text is followed through."""
MOST = 12
"""So many wordings of one fault are listed."""
FEWEST_LETTERS = 8
"""A wording with fewer letters of its own says nothing by itself."""
_INTRODUCTION = """\
# All messages

Written by `ssbchar schema` from the program's sources; `…` stands for a name or a number. \
The frequent ones are explained under [error messages](faq.md).
A message begins with its
place (file, line, column, frame, option); then come these two parts.
"""


@dataclass(frozen=True, kw_only=True, order=True)
class Message:
    """What a fault says."""

    group: str
    problem: str
    remedy: str


@dataclass(frozen=True, kw_only=True)
class _Module:
    """A source file, with what texts may be followed through."""

    path: str
    """Below the package."""
    tree: ast.Module
    constants: dict[str, ast.expr] = field(default_factory=dict)
    functions: dict[str, ast.FunctionDef] = field(default_factory=dict)
    imported: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Module and name there, by the name here; an empty name for the module itself."""


def list_messages() -> list[Message]:
    """Return every message of the program's sources, each once."""
    root = Path(ssbchar.__file__).parent
    found: set[Message] = set()
    for path in sorted(root.rglob("*.py")):
        place = path.relative_to(root).as_posix()
        group = GROUPS.get(place.split("/")[0])
        if group is not None and not place.startswith(NO_FAULTS):
            module = _read_module(place)
            found |= set(_list_of_module(module, group))
    return sorted(found, key=lambda one: (list(GROUPS.values()).index(one.group), one))


def format_page() -> str:
    """Return the page of all messages (Markdown)."""
    parts = [_INTRODUCTION]
    for group, messages in itertools.groupby(list_messages(), lambda one: one.group):
        parts += [f"## {group}", "", "| what is wrong | what to do |", "|---|---|"]
        parts += [f"| {_escape(one.problem)} | {_escape(one.remedy)} |" for one in messages]
        parts.append("")
    return "\n".join(parts)


def _escape(text: str) -> str:
    return re.sub(r"([|*_<>\[\]`])", r"\\\1", text)


@functools.cache
def _read_module(place: str) -> _Module:
    path = Path(ssbchar.__file__).parent / place
    tree = ast.parse(path.read_text(encoding="utf-8"))
    module = _Module(path=place, tree=tree)
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            module.constants[node.targets[0].id] = node.value
        elif isinstance(node, ast.FunctionDef):
            module.functions[node.name] = node
    for other in ast.walk(tree):
        if isinstance(other, ast.ImportFrom) and (other.module or "").startswith("ssbchar"):
            for alias in other.names:
                module.imported[alias.asname or alias.name] = (other.module or "", alias.name)
    return module


def _list_of_module(module: _Module, group: str) -> Iterator[Message]:
    for function, node in _walk_with_function(module.tree):
        if isinstance(node, ast.Call) and _name_call(node) in FAULTS:
            for texts in _read_fault(node, _Scope(module=module, function=function)):
                problem, remedy = map(_tidy, texts)
                if _says_something(problem):
                    yield Message(group=group, problem=problem, remedy=remedy)
        elif module.path.startswith(PLAIN_LINES) and isinstance(node, ast.JoinedStr | ast.Constant):
            for text in _Scope(module=module, function=function).read(node):
                problem, mark, remedy = _tidy(text).partition("; ")
                # The place comes first.
                problem = re.sub(rf"^({UNKNOWN}[:.]? ?)+: ", "", problem)
                if mark and "\n" not in text and _says_something(problem):
                    yield Message(group=group, problem=problem, remedy=remedy)


def _walk_with_function(
    node: ast.AST, function: ast.FunctionDef | None = None
) -> Iterator[tuple[ast.FunctionDef | None, ast.AST]]:
    """Yield every part of a tree but docstrings and parts of texts, with the function around it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
            continue
        inner = child if isinstance(child, ast.FunctionDef) else function
        yield inner, child
        if not isinstance(child, ast.JoinedStr):
            yield from _walk_with_function(child, inner)


def _name_call(call: ast.Call) -> str:
    called = call.func
    if isinstance(called, ast.Attribute):
        return called.attr
    return called.id if isinstance(called, ast.Name) else ""


def _says_something(text: str) -> bool:
    return sum(map(str.isalpha, text)) >= FEWEST_LETTERS


def _read_fault(call: ast.Call, scope: _Scope) -> Iterator[tuple[str, str]]:
    """Yield problem and remedy of a fault, in each wording."""
    named = {word.arg: word.value for word in call.keywords if word.arg}
    parts: Sequence[ast.expr] = call.args[-2:]
    if "problem" in named:
        parts = [named["problem"], named.get("remedy", ast.Constant(value=""))]
    if len(parts) < 2:
        return
    problems, remedies = (scope.read(part) for part in parts)
    if len(problems) == len(remedies):
        # Set side by side in the branches of one function.
        yield from zip(problems, remedies, strict=True)
    else:
        yield from itertools.islice(itertools.product(problems, remedies), MOST)


@dataclass(frozen=True, kw_only=True)
class _Scope:
    """Where a text stands: names are looked up there."""

    module: _Module
    function: ast.FunctionDef | None
    depth: int = 0

    def read(self, node: ast.expr) -> list[str]:
        """Return the wordings that an expression may have."""
        found: list[str] = []
        if isinstance(node, ast.Constant):
            found = [node.value] if isinstance(node.value, str) else [UNKNOWN]
        elif isinstance(node, ast.JoinedStr):
            found = self._join([self._read_part(part) for part in node.values])
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            found = self._join([self.read(node.left), self.read(node.right)])
        elif isinstance(node, ast.IfExp):
            found = [*self.read(node.body), *self.read(node.orelse)]
        elif isinstance(node, ast.BoolOp):
            found = [text for value in node.values for text in self.read(value)]
        elif isinstance(node, ast.Name) and self.depth < DEEPEST:
            found = self._read_name(node.id)
        elif isinstance(node, ast.Call) and self.depth < DEEPEST:
            found = self._read_call(node)
        return list(dict.fromkeys(text for text in found if text))[:MOST] or [UNKNOWN]

    def _read_part(self, part: ast.expr) -> list[str]:
        """Return the wordings of a part of a formatted text: its own, and those of names in it that
        stand for constants of a module."""
        if not isinstance(part, ast.FormattedValue):
            return self.read(part)
        if isinstance(part.value, ast.Name) and part.value.id.isupper() and self.depth < DEEPEST:
            return self._read_name(part.value.id)
        return [UNKNOWN]

    def _join(self, parts: Sequence[Sequence[str]]) -> list[str]:
        return ["".join(words) for words in itertools.islice(itertools.product(*parts), MOST)]

    def _read_name(self, name: str) -> list[str]:
        deeper = _Scope(module=self.module, function=self.function, depth=self.depth + 1)
        given = [] if self.function is None else list(_find_assigned(self.function, name))
        if given:
            return [text for value in given for text in deeper.read(value)]
        if name in self.module.constants:
            outside = _Scope(module=self.module, function=None, depth=self.depth + 1)
            return outside.read(self.module.constants[name])
        if name in self.module.imported:
            place, theirs = self.module.imported[name]
            path = f"{'/'.join(place.split('.')[1:])}.py"
            if (Path(ssbchar.__file__).parent / path).is_file():
                there = _Scope(module=_read_module(path), function=None, depth=self.depth + 1)
                return there._read_name(theirs)
        return [UNKNOWN]

    def _read_call(self, call: ast.Call) -> list[str]:
        """Return what a function of the module may return."""
        function = self.module.functions.get(_name_call(call))
        if function is None or not isinstance(call.func, ast.Name):
            return [UNKNOWN]
        inside = _Scope(module=self.module, function=function, depth=self.depth + 1)
        returned = [n.value for n in ast.walk(function) if isinstance(n, ast.Return) and n.value]
        return [text for value in returned for text in inside.read(value)]


def _find_assigned(function: ast.FunctionDef, name: str) -> Iterator[ast.expr]:
    """Yield what a function assigns to a name."""
    for node in ast.walk(function):
        if not isinstance(node, ast.Assign):
            continue
        for target in node.targets:
            if isinstance(target, ast.Name) and target.id == name:
                yield node.value
            elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                for one, value in zip(target.elts, node.value.elts, strict=False):
                    if isinstance(one, ast.Name) and one.id == name:
                        yield value


def _tidy(text: str) -> str:
    """Return a text with its gaps joined: several unknown parts in a row say no more than one."""
    return re.sub(rf"{UNKNOWN}(?:[\s,]*{UNKNOWN})+", UNKNOWN, " ".join(text.split()))
