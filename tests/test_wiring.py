"""The house keeps its rules: imports run one way, every rule calls a step by the step's own
argument names."""

import ast
import dataclasses
import importlib
import inspect
import re
import typing
from pathlib import Path

import pydantic
import pytest
from house import figures

from ssbchar.campaign import config
from ssbchar.pipeline import step
from ssbchar.runtime import options

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "ssbchar"
MODULES = sorted(PACKAGE.rglob("*.py"))
TECHNIQUES = tuple(config.ROLES)
FITTERS = TECHNIQUES
TOP = ("campaign", "cli", "live", "pipeline", "__main__")
"""Modules that join everything; they may import from any slice."""


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return names


def slices_used(path: Path) -> set[str]:
    return {
        n.split(".")[1] for n in imported(path) if n.startswith("ssbchar.") and n.count(".") >= 1
    }


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_imports_run_one_way(path: Path) -> None:
    home = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    used = slices_used(path)
    slices = {*TECHNIQUES, "results", "simulate"}
    if home in TECHNIQUES:
        assert not used & (slices - {home}), f"{home} imports {used & (slices - {home})}"
    elif home == "simulate":
        assert not used & {*FITTERS, "results"}, "the simulator must not know the fitters"
    elif home == "results":
        assert "simulate" not in used
    elif home not in TOP:
        assert not used & slices, f"shared module {home} imports {used & slices}"


def test_pymatgen_is_imported_in_one_module() -> None:
    users = {p.name for p in MODULES if any(n.split(".")[0] == "pymatgen" for n in imported(p))}
    assert users <= {"structures.py"}


@dataclasses.dataclass(frozen=True)
class Rule:
    name: str
    step: str
    inputs: tuple[str, ...]
    stage: str
    shared: str


def section_class(place: str) -> object:
    part: object = config.Config
    for name in place.split("."):
        part = next(f for f in dataclasses.fields(part) if f.name == name).default_factory  # type: ignore[arg-type]
    return part


def rule_texts() -> dict[str, str]:
    """The body of every rule but the one whose parts all share."""
    found = {}
    for path in [ROOT / "workflow/Snakefile", *sorted((ROOT / "workflow/rules").glob("*.smk"))]:
        text = path.read_text(encoding="utf-8")
        for head in re.finditer(
            r"^(?:use rule step as (\w+) with|rule (\w+)):\n", text, flags=re.M
        ):
            body = re.match(r"(?:    .*\n|\n)*", text[head.end() :])
            assert body
            found[head[1] or head[2]] = body[0]
    for name in ("step", "all", "selected"):
        found.pop(name)
    return found


def rules() -> list[Rule]:
    found = []
    for name, block in rule_texts().items():
        section = re.search(r"    input:\n(.*?)\n    output:", block, flags=re.S)
        assert section, f"rule {name} has no named input"
        call = re.search(r'\*\*call_step\(\s*"([\w.]+)"', block)
        assert call, f"rule {name} names no step"
        assert block.count(call[1]) == 1, f"rule {name} names its step twice"
        stage = re.search(r'options=options\(\s*"([\w.]+)"(?:,\s*shared="([\w.]+)")?,?\s*\)', block)
        inputs = tuple(re.findall(r"^        (\w+)=", section[1], flags=re.M))
        own, shared = (stage[1], stage[2] or "") if stage else ("", "")
        found.append(Rule(name, call[1], inputs, own, shared))
    return found


def test_every_rule_is_seen_and_short() -> None:
    found = rule_texts()
    names = {
        name
        for path in [ROOT / "workflow/Snakefile", *(ROOT / "workflow/rules").glob("*.smk")]
        for name in re.findall(
            r"^(?:use rule step as |rule )(\w+)", path.read_text(encoding="utf-8"), flags=re.M
        )
    }
    assert set(found) == names - {"step", "all", "selected"}
    lengths = sorted(len(body.strip().splitlines()) + 1 for body in found.values())
    assert lengths[len(lengths) // 2] <= 15


@pytest.mark.parametrize("rule", rules(), ids=lambda r: r.name)
def test_rule_calls_its_step_by_argument_names(rule: Rule) -> None:
    call = step.find_function(rule.step)
    hints = step.read_hints(call)
    parameters = inspect.signature(call).parameters
    received = {rule.shared.rpartition(".")[2]} if rule.shared else set()
    known = set(parameters) - {"options", "labels"} - received
    ours = set(rule.inputs)
    assert ours <= known, f"{rule.step} has no argument {ours - known}"
    needed = {n for n in known if type(None) not in typing.get_args(hints[n])}
    assert needed <= ours, f"rule {rule.name} does not give {needed - ours}"
    if rule.stage:
        part = section_class(rule.stage)
        assert hints["options"] is part, (
            f"{rule.step} takes {hints['options']}, the config gives {part}"
        )
    else:
        assert "options" not in parameters
    for argument in received:
        assert hints[argument] is section_class(rule.shared)


def option_classes() -> list[type]:
    return [kind for _, kind in options.list_sections(config.Config)]


@pytest.mark.parametrize("kind", option_classes(), ids=lambda k: k.__name__)
def test_every_option_is_frozen_and_documented(kind: type) -> None:
    docs = options.read_field_docs(kind)
    assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert not [f.name for f in dataclasses.fields(kind) if not docs.get(f.name)]


NOT_YET_BOUNDED: set[str] = set()
"""Option classes whose words and numbers are not all limited yet; the list only shrinks."""


def free_values(hint: object) -> list[str]:
    """What an option may hold without any limit."""
    if typing.get_origin(hint) is typing.Annotated:
        inner, *marks = typing.get_args(hint)
        if any(isinstance(mark, options.FreeText) for mark in marks):
            return []
        limits = [m for mark in marks for m in getattr(mark, "metadata", [mark])]
        limited = any(hasattr(m, name) for m in limits for name in ("ge", "gt", "le", "lt"))
        return [] if limited else free_values(inner)
    if typing.get_origin(hint) is typing.Literal or dataclasses.is_dataclass(hint):
        return []
    if hint in (float, int, str):
        return [hint.__name__]  # type: ignore[attr-defined]
    return [f for part in typing.get_args(hint) for f in free_values(part)]


@pytest.mark.parametrize("kind", option_classes(), ids=lambda k: k.__name__)
def test_every_word_and_number_has_its_limits(kind: type) -> None:
    """A string is a word of a list, a path or a name; a number has a bound."""
    hints = typing.get_type_hints(kind, include_extras=True)
    free = {
        field.name: found
        for field in dataclasses.fields(kind)
        if (found := free_values(hints[field.name]))
    }
    if kind.__name__ in NOT_YET_BOUNDED:
        assert free, f"{kind.__name__} is limited now: take it off the list"
    else:
        assert not free


def test_the_walk_finds_what_has_no_limit() -> None:
    bounded = typing.Annotated[float, pydantic.Field(gt=0)]
    assert free_values(str) == ["str"] and free_values(str | None) == ["str"]
    assert free_values(float) == ["float"] and free_values(bounded) == []
    assert free_values(tuple[bounded, float]) == ["float"]
    assert free_values(tuple[float, str]) == ["float", "str"]
    assert free_values(tuple[tuple[bounded, float], ...]) == ["float"]
    assert free_values(dict[str, bounded] | None) == ["str"]
    assert free_values(options.Name) == [] and free_values(typing.Literal["a"] | bool) == []


def test_every_module_and_public_function_says_what_it_is() -> None:
    silent = []
    for path in MODULES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if not ast.get_docstring(tree):
            silent.append(path.name)
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                if not ast.get_docstring(node):
                    silent.append(f"{path.name}:{node.name}")
    assert not silent


def test_no_module_imports_itself_by_way_of_others() -> None:
    assert figures.cycles(figures.import_graph(figures.read_modules(PACKAGE))) == []


def test_no_room_imports_itself_by_way_of_others() -> None:
    graph = figures.rooms(figures.read_modules(PACKAGE))
    assert len(graph) > 30
    assert figures.cycles(graph) == []


def test_a_cycle_would_be_found() -> None:
    assert figures.cycles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]


def test_every_step_of_a_room_stands_in_a_rule_and_every_rule_names_one() -> None:
    offered = set()
    for path in PACKAGE.rglob("__init__.py"):
        room = ".".join(path.parent.relative_to(PACKAGE.parent).parts)
        steps = getattr(importlib.import_module(room), "STEPS", {})
        offered |= {f"{room.removeprefix('ssbchar.')}.{name}" for name in steps}
    called = {rule.step for rule in rules()} | {"results.provenance.describe_run"}
    assert offered <= called, f"no rule calls {offered - called}"
    assert {name for name in called - offered if name not in STEPS_OF_SINGLE_MODULES} == set()
    for name in called:
        assert callable(step.find_function(name))


STEPS_OF_SINGLE_MODULES = ("nmr.topspin_check.compare_with_topspin", "xas.xdi.export_xdi")
"""Steps whose module is no room."""
