"""Decay times and the echo delay of an experiment, from its pulse program, parameters and lists."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssbchar.errors import BadInput
from ssbchar.nmr.bruker import delays


def decay_times(
    folder: Path,
    shown: Path,
    acqus: Mapping[str, Any],
    program: str,
    names: Mapping[str, float],
    slices: int,
    axis: str,
    series: bool,
) -> tuple[str, NDArray[np.float64]]:
    """Return the decay axis as a formula, and its value in each slice [s] (NaN where a spectrum
    does not tell).

    Parameters
    ----------
    folder, shown : Path
        The experiment, and its name in messages.
    acqus : mapping
        Its parameters.
    program : str
        Its pulse program.
    names : mapping
        What the program's names stand for (`delays.names_from`).
    slices : int
        Number of slices.
    axis : str
        The user's own formula, empty for the program's.
    series : bool
        Whether there must be a time for each slice.

    Raises
    ------
    BadInput
        A series has no time axis that can be told.
    """
    given = bool(axis)
    try:
        axis = axis or delays.formula(program)
        lists = _lists(folder, acqus, axis)
        count = min([slices, *map(len, lists.values())])
        values = [
            delays.evaluate(axis, {**names, **{k: v[i] for k, v in lists.items()}})
            for i in range(count)
        ]
    except ValueError as error:
        if series or given:
            raise BadInput(
                shown / "pulseprogram", f"decay time not found: {error}", delays.ASK
            ) from error
        return "", np.full(slices, np.nan)
    if series and len(values) > 1 and len(set(values)) == 1:
        raise BadInput(
            shown / "pulseprogram", f"the decay time {axis} is the same in all slices", delays.ASK
        )
    return axis, np.array(values + [np.nan] * (slices - count))


def echo_delay(
    folder: Path, acqus: Mapping[str, Any], program: str, names: Mapping[str, float]
) -> float:
    """Return TR, the delay between the two pulses of a solid or Hahn echo [s]; NaN for other
    sequences."""
    try:
        parts = delays.formula(program).split("+")
        if len(parts) != 3 or not parts[1].startswith("p"):
            return float("nan")
        lists = _lists(folder, acqus, parts[0])
        return delays.evaluate(parts[0], {**names, **{k: v[0] for k, v in lists.items()}})
    except (ValueError, BadInput):
        return float("nan")


def _lists(folder: Path, acqus: Mapping[str, Any], axis: str) -> dict[str, list[float]]:
    found = {}
    for name, key in (("vd", "VDLIST"), ("vc", "VCLIST")):
        if re.search(rf"\b{name}\b", axis):
            path = folder / f"{name}list"
            named = folder / "lists" / name / str(acqus.get(key, ""))
            found[name] = delays.read_list(
                named if named.is_file() and not path.is_file() else path, name == "vc"
            )
    return found
