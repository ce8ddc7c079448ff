"""Facts and tables of facts, and numbers in words."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

NOT_STATED = "not stated in the files"


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A fact with its name."""

    name: str
    value: str


@dataclass(frozen=True, kw_only=True)
class FactTable:
    """A table of facts."""

    title: str
    header: tuple[str, ...]
    rows: list[tuple[str, ...]]


def write_uncertain(value: float, stderr: float, unit: str) -> str:
    """Return a number with its standard error and unit; the number alone without an error.

    Parameters
    ----------
    value, stderr : float
        In the unit.
    unit : str
    """
    if not np.isfinite(value):
        return "unknown"
    if not np.isfinite(stderr) or stderr <= 0:
        return f"{value:.7g} {unit}".strip()
    places = max(0, 1 - int(np.floor(np.log10(stderr))))
    return f"{value:.{places}f} ± {stderr:.{places}f} {unit}".strip()


def write_range(values: Any, form: str = ".3g") -> str:
    """Return the median and the range of numbers, those that are not finite left out.

    Parameters
    ----------
    values : array_like
    form : str
        Of one number.
    """
    known = np.asarray(values, float)
    known = known[np.isfinite(known)]
    if not known.size:
        return "unknown"
    middle, low, high = (f"{v:{form}}" for v in (np.median(known), known.min(), known.max()))
    return middle if low == high else f"{middle} ({low} to {high})"


def read_options(table: xr.Dataset) -> dict[str, Any]:
    """Return the departures from the defaults with which a table was made."""
    made_by = json.loads(str(table["provenance"].values)) if "provenance" in table else {}
    found: dict[str, Any] = made_by.get("options") or {}
    return found


def list_inputs(table: xr.Dataset, name: str) -> list[str]:
    """Return the measurements whose tables a step took under an argument's name."""
    made_by = json.loads(str(table["provenance"].values)) if "provenance" in table else {}
    inputs = made_by.get("inputs") or []
    return [str(one["path"]).split("/")[-2] for one in inputs if one["name"] == name]
