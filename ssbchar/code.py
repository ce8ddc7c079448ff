"""Digest of the source a step depends on: its module and every ssbchar module reached from it by import."""

from __future__ import annotations

import ast
import functools
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent
HOUSE = ("step", "store", "options", "conclusion")
"""Modules every step runs through."""


@functools.cache
def digest(step: str) -> str:
    """Return a digest of the sources of a step ``slice.module.function``; it changes when one of them does."""
    reached: set[Path] = set()
    for name in (step.rpartition(".")[0], *HOUSE):
        _reach(ROOT.joinpath(*name.split(".")).with_suffix(".py"), reached)
    total = hashlib.sha256()
    for path in sorted(reached):
        total.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return total.hexdigest()[:16]


def tell_steps(folder: str) -> None:
    """Tell steps where the workflow's own text is, by their environment: another place then re-runs nothing."""
    os.environ["SSBCHAR_WORKFLOW"] = folder


def _reach(path: Path, reached: set[Path]) -> None:
    if path in reached or not path.is_file():
        return
    reached.add(path)
    if path.parent.name == "results":
        reached.update(p for p in path.parent.iterdir() if p.suffix in (".j2", ".css"))
    for name in _imported(path):
        module = ROOT.joinpath(*name.split(".")[1:])
        _reach(module.with_suffix(".py"), reached)
        _reach(module / "__init__.py", reached)


@functools.cache
def _imported(path: Path) -> tuple[str, ...]:
    """Return the ssbchar modules a file imports anywhere, also inside functions."""
    names: list[str] = []
    for node in _statements(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "ssbchar":
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names if alias.name.split(".")[0] == "ssbchar"]
    return tuple(names)


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """Yield all statements under a node; expressions, which hold none, are not looked into."""
    for block in ("body", "orelse", "finalbody", "handlers", "cases"):
        for child in getattr(node, block, ()):
            yield child
            yield from _statements(child)
