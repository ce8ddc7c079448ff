"""Digest of the source a step depends on: its module and every ssbchar module it reaches by
import."""

from __future__ import annotations

import functools
import hashlib
import os
import re
from pathlib import Path

import ssbchar
from ssbchar.runtime import exports

ROOT = Path(ssbchar.__file__).parent
COMMON_MODULES = (
    "ssbchar.pipeline.step",
    "ssbchar.storage.store",
    "ssbchar.runtime.options",
    "ssbchar.conclusion",
)
"""Modules every step runs through."""
DATA_SUFFIXES = (".j2", ".css", ".js")
"""Files beside a module that count as its source."""
IMPORT_STATEMENT = re.compile(
    r"^[ \t]*(?:"
    r"from[ \t]+(ssbchar[\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^(\n]*)"
    r"|import[ \t]+([^\n]*)"
    r")",
    re.M,
)
"""An import statement: ``from (module) import (names)``, or ``import (modules)``."""


@functools.cache
def digest_sources(step: str) -> str:
    """Return a digest of the sources of a step such as ``hexrd.refinement.refine_series``.

    Snakemake re-runs a step when it changes.
    """
    reached: set[Path] = set()
    for name in (exports.find_module(step), *COMMON_MODULES):
        _collect_sources(ROOT.joinpath(*name.split(".")[1:]).with_suffix(".py"), reached)
    total = hashlib.sha256()
    for path in sorted(reached):
        total.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return total.hexdigest()[:16]


def set_workflow_folder(folder: str) -> None:
    """Put the folder of the workflow's own text into the environment of the steps."""
    # As a parameter of a rule, a workflow in another place would re-run its steps.
    os.environ["SSBCHAR_WORKFLOW"] = folder


def _collect_sources(path: Path, reached: set[Path]) -> None:
    """Add a module's file, and all it reaches, to a set."""
    if path in reached or not path.is_file():
        return
    reached.add(path)
    reached.update(p for p in path.parent.iterdir() if p.suffix in DATA_SUFFIXES)
    for name in _find_imports(path):
        module = ROOT.joinpath(*name.split(".")[1:])
        _collect_sources(module.with_suffix(".py"), reached)
        _collect_sources(module / "__init__.py", reached)


@functools.cache
def _find_imports(path: Path) -> tuple[str, ...]:
    """Return the ssbchar modules a file imports anywhere, also inside functions."""
    # By its lines, not its syntax tree, which took a third of the workflow's start. An example in a
    # docstring counts, too.
    names: list[str] = []
    for module, listed, several in IMPORT_STATEMENT.findall(path.read_text(encoding="utf-8")):
        text = re.sub(r"#.*|[()]", "", listed or several)
        words = [part.split()[0] for part in text.split(",") if part.strip()]
        names += [module, *(f"{module}.{word}" for word in words)] if module else words
    return tuple(name for name in names if name.split(".")[0] == "ssbchar")
