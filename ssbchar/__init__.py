"""ssbchar: solid-state-battery characterization, from raw HEXRD, XAS and 7Li NMR files to a
report.

In a notebook, ``ssbchar.open("results/mine")`` gives the rows, tables and figures of a finished
run, ``ssbchar.list_steps("nmr")`` names the steps, ``ssbchar.call_step(name, ...)`` runs one with
its default options, ``ssbchar.draw("nmr", ...)`` draws what they made and ``ssbchar.tabulate(...)``
shows conclusions as a table.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_LAZY = {
    "open": ("open_run", "open_run"),
    "call_step": ("notebook", "call_step"),
    "list_steps": ("notebook", "list_steps"),
    "draw": ("notebook", "draw"),
    "tabulate": ("notebook", "tabulate"),
}
"""Names of this package that lead to functions of modules in `ssbchar.results`, which take a second
to import."""


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        module, function = _LAZY[name]
        return getattr(import_module(f"ssbchar.results.{module}"), function)
    raise AttributeError(f"module 'ssbchar' has no attribute '{name}'")
