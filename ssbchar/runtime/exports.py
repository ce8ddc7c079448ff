"""Steps under the name of their room: ``hexrd.refinement.refine_series``, whichever module holds
the function."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any


def make_step_getter(room: str, steps: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a room (PEP 562) that loads a step's module when the step is
    asked for.

    A room is imported whenever one of its modules is, its options for one by the config's check;
    loading its steps then would bring NumPy and SciPy along.

    Parameters
    ----------
    room : str
        Full name of the package.
    steps : mapping
        Name of each step, and the module inside the package that holds it.

    Raises
    ------
    AttributeError
        By the function returned, for a name that is no step.
    """

    def load(name: str) -> Any:
        if name not in steps:
            raise AttributeError(f"module {room!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{room}.{steps[name]}"), name)

    return load


def find_module(step: str) -> str:
    """Return the full name of the module that holds a step such as
    ``hexrd.refinement.refine_series``.

    Raises
    ------
    ModuleNotFoundError
        No such room or module.
    """
    place, _, name = step.rpartition(".")
    room = f"ssbchar.{place}"
    steps: Mapping[str, str] = getattr(importlib.import_module(room), "STEPS", {})
    return f"{room}.{steps[name]}" if name in steps else room
