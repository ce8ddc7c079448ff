"""Digest of the source a step depends on: its module and every ssbchar module reached from it by
import."""

from __future__ import annotations

import functools
import hashlib
import os
import re
from pathlib import Path

import ssbchar
from ssbchar.pipeline import exports

ROOT = Path(ssbchar.__file__).parent
COMMON_MODULES = (
    "ssbchar.pipeline.step",
    "ssbchar.storage.store",
    "ssbchar.runtime.options",
    "ssbchar.conclusion",
)
"""Modules every step runs through."""
IMPORT_STATEMENT = re.compile(
    r"^[ \t]*(?:from[ \t]+(ssbchar[\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^(\n]*)|import[ \t]+([^\n]*))",
    re.M,
)
"""An import statement: ``from (module) import (names)``, or ``import (modules)``."""


@functools.cache
def digest_sources(step: str) -> str:
    """Return a digest of the sources of a step ``hexrd.refinement.refine_series``; it changes when
    one of them does."""
    reached: set[Path] = set()
    for name in (exports.find_module(step), *COMMON_MODULES):
        _reach(ROOT.joinpath(*name.split(".")[1:]).with_suffix(".py"), reached)
    total = hashlib.sha256()
    for path in sorted(reached):
        total.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return total.hexdigest()[:16]


def set_workflow_folder(folder: str) -> None:
    """Tell steps where the workflow's own text is, by their environment: another place then re-runs
    nothing."""
    os.environ["SSBCHAR_WORKFLOW"] = folder


def _reach(path: Path, reached: set[Path]) -> None:
    if path in reached or not path.is_file():
        return
    reached.add(path)
    reached.update(p for p in path.parent.iterdir() if p.suffix in (".j2", ".css"))
    for name in _imported(path):
        module = ROOT.joinpath(*name.split(".")[1:])
        _reach(module.with_suffix(".py"), reached)
        _reach(module / "__init__.py", reached)


@functools.cache
def _imported(path: Path) -> tuple[str, ...]:
    """Return the ssbchar modules a file imports anywhere, also inside functions.

    By its lines, not its syntax tree, which took a third of the workflow's start. An example in a
    docstring counts, too.
    """
    names: list[str] = []
    for module, listed, several in IMPORT_STATEMENT.findall(path.read_text(encoding="utf-8")):
        words = [
            part.split()[0]
            for part in re.sub(r"#.*|[()]", "", listed or several).split(",")
            if part.strip()
        ]
        names += [module, *(f"{module}.{word}" for word in words)] if module else words
    return tuple(name for name in names if name.split(".")[0] == "ssbchar")
