"""Steps in a notebook: which there are, one called with its default options, its figures and
conclusions as a notebook shows them."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from ssbchar.conclusion import Conclusion, convert_to_rows
from ssbchar.pipeline import step
from ssbchar.runtime import options as opts
from ssbchar.storage.store import mark_synthetic

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

Technique = Literal["hexrd", "xas", "nmr"]
ROOMS = ("crystal", "hexrd", "xas", "nmr")
"""Packages whose rooms hold the steps of a measurement."""
DRAWN_BY = {
    "hexrd": "results.figures.hexrd.draw_series",
    "xas": "results.figures.xas.draw_measurement",
    "nmr": "results.figures.nmr.draw_measurement",
}
"""The step that draws the figures of a technique."""
SHOWN = ("quantity", "value", "stderr", "systematic", "lower95", "upper95", "unit", "verdict")
"""Columns of conclusions that come first."""


def list_steps(room: str = "") -> pd.DataFrame:
    """Return the steps that `call_step` takes, with what they need.

    Parameters
    ----------
    room : str
        Where to look: a technique, or one of its rooms (``nmr``, ``hexrd.refinement``); by default
        everywhere.

    Returns
    -------
    DataFrame
        Columns ``step``, ``inputs`` (what may be left out in brackets), ``options`` (the class with
        their defaults) and ``does``.
    """
    import pandas as pd

    rows = [
        _describe_step(name)
        for name in _find_steps()
        if not room or name.startswith(f"{room}.") or name == room
    ]
    return pd.DataFrame(rows, columns=["step", "inputs", "options", "does"])


def _find_steps() -> Iterator[str]:
    for name in ROOMS:
        package = importlib.import_module(f"ssbchar.{name}")
        inner = [
            one.name
            for one in pkgutil.walk_packages(package.__path__, f"ssbchar.{name}.")
            if one.ispkg
        ]
        for place in (f"ssbchar.{name}", *inner):
            room = place.removeprefix("ssbchar.")
            for function in getattr(importlib.import_module(place), "STEPS", {}):
                yield f"{room}.{function}"


def _describe_step(name: str) -> tuple[str, str, str, str]:
    function = step.find_function(name)
    inputs = [
        f"[{one}]" if _may_be_left_out(function, one) else one
        for one in inspect.signature(function).parameters
        if one != "options"
    ]
    kind = step.read_hints(function).get("options")
    first_line = (function.__doc__ or "").strip().partition("\n\n")[0]
    return name, ", ".join(inputs), kind.__name__ if kind else "", " ".join(first_line.split())


def _may_be_left_out(function: Callable[..., Any], argument: str) -> bool:
    has_default = (
        inspect.signature(function).parameters[argument].default is not inspect.Parameter.empty
    )
    return has_default or argument == "labels" or _admits_none(function, argument)


def _admits_none(function: Callable[..., Any], argument: str) -> bool:
    hint = step.read_hints(function).get(argument)
    return type(None) in typing.get_args(hint)


def call_step(name: str, options: Any = None, **inputs: Any) -> Any:
    """Return what a step makes of its inputs, with its default options unless others are given.

    Parameters
    ----------
    name : str
        ``room.function`` as in the workflow and the logs: ``hexrd.refinement.refine_series``.
    options : dataclass or mapping, optional
        The step's options, or departures from their defaults.
    **inputs
        Datasets, paths and lists of them by the names of the function's arguments; ``labels``, a
        dict, where a step takes them. What may be None can be left out.

    Raises
    ------
    TypeError
        The inputs do not fit the function's arguments.
    ValueError
        The departures do not fit the options.
    """
    function = step.find_function(name)
    parameters = inspect.signature(function).parameters
    if "options" in parameters:
        kind = step.read_hints(function)["options"]
        is_given = options is not None and not isinstance(options, dict)
        inputs["options"] = options if is_given else opts.build_options(kind, options or {})
    for argument, parameter in parameters.items():
        if argument in inputs or parameter.default is not inspect.Parameter.empty:
            continue
        if argument == "labels":
            inputs[argument] = {}
        elif _admits_none(function, argument):
            inputs[argument] = None
    made = function(**inputs)
    if hasattr(made, "attrs"):
        made.attrs |= _collect_carried(inputs).as_attributes()
    return made


def _collect_carried(tables: Mapping[str, Any]) -> step.Carried:
    """Return what tables say of what is made of them: that their data are synthetic."""
    carried = step.Carried()
    for given in tables.values():
        for table in given if isinstance(given, list | tuple) else [given]:
            if hasattr(table, "attrs"):
                carried.add({"synthetic": table.attrs.get("synthetic", 0)})
    return carried


def draw(technique: Technique, **tables: Any) -> dict[str, Figure]:
    """Return the figures of the report for tables that are at hand, by name; a notebook shows the
    one that ends a cell.

    Parameters
    ----------
    technique : str
        ``hexrd``, ``xas`` or ``nmr``.
    **tables
        As the technique's step of figures takes them (``list_steps`` names those of all others):
        ``patterns``, ``furnace``, ``lattice``, ``expansion``, ``peaks`` and ``phases`` of a series
        of patterns; ``normalised`` and ``exafs`` of spectra, with ``pristine``,
        ``pristine_exafs``, ``comparison`` of a pair; ``lines`` and ``spectrum`` of an NMR
        measurement. ``labels`` may hold ``measurement`` and ``sample``.

    Raises
    ------
    TypeError
        A table that is needed is missing.
    """
    if "labels" in inspect.signature(step.find_function(DRAWN_BY[technique])).parameters:
        labels = tables.get("labels") or {}
        tables["labels"] = {"measurement": "", "sample": "", **labels}
    drawings = call_step(DRAWN_BY[technique], **tables)
    if _collect_carried(tables).synthetic:
        for drawing in drawings.values():
            mark_synthetic(drawing.figure)
    return {name: drawing.figure for name, drawing in drawings.items()}


def tabulate(conclusions: Iterable[Conclusion]) -> pd.DataFrame:
    """Return conclusions as a table, a row each, value and verdict first; columns that hold nothing
    are left out.

    Parameters
    ----------
    conclusions : iterable of Conclusion
    """
    import pandas as pd

    table = pd.DataFrame(convert_to_rows(conclusions))
    first = [name for name in SHOWN if name in table]
    table = table[[*first, *(name for name in table if name not in first)]]
    is_empty = table.isna() | (table == "")
    return table.loc[:, ~is_empty.all()]
