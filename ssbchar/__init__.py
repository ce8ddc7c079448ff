"""ssbchar: solid-state-battery characterization, from raw HEXRD, XAS and 7Li NMR files to a
report.

In a notebook, ``ssbchar.open("results/mine")`` gives the rows, tables and figures of a finished
run, and ``ssbchar.call_step(name, ...)`` runs a single step with its default options.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_LAZY = {"open": "open_run", "call_step": "call_step"}
"""Names of this package that lead to functions of `ssbchar.results.open_run`, which takes a second
to import."""


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module("ssbchar.results.open_run"), _LAZY[name])
    raise AttributeError(f"module 'ssbchar' has no attribute '{name}'")
