"""Decay times and the echo delay of an experiment, from its pulse program, parameters and lists."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.nmr.bruker import delays
from ssbchar.nmr.bruker.acquisition import Acquisition
from ssbchar.nmr.bruker.files import Experiment
from ssbchar.typing import Array

LISTS = (("vd", "VDLIST"), ("vc", "VCLIST"))
"""Names that vary from slice to slice, and the parameters that name their lists."""


@dataclass(frozen=True, kw_only=True)
class DecayAxis:
    """The decay time of each slice."""

    formula: str
    """In the pulse program's own terms; empty where none is known."""
    times: Array
    """[s], shape (slice,); NaN where a slice has none."""


def find_decay_axis(
    experiment: Experiment, acquisition: Acquisition, *, slices: int, given: str, needed: bool
) -> DecayAxis:
    """Return the decay axis as a formula, and its value in each slice.

    Parameters
    ----------
    experiment : Experiment
        Where the files are.
    acquisition : Acquisition
        Its parameters and pulse program.
    slices : int
        Number of slices recorded.
    given : str
        The user's own formula, empty for the program's.
    needed : bool
        Whether there must be a time for each slice.

    Returns
    -------
    DecayAxis
        Times in s, NaN where a single spectrum does not tell.

    Raises
    ------
    BadInput
        A series has no time axis that can be told, or a formula of the user's cannot be evaluated.
    """
    place = experiment.shown / "pulseprogram"
    try:
        formula = given or delays.derive_formula(acquisition.program)
        lists = _read_lists(experiment.folder, acquisition.acqus, formula)
        count = min([slices, *map(len, lists.values())])
        times = [_evaluate_slice(formula, acquisition, lists, slice_) for slice_ in range(count)]
    except ValueError as error:
        if needed or given:
            raise BadInput(place, f"decay time not found: {error}", delays.ASK) from error
        return DecayAxis(formula="", times=np.full(slices, np.nan))
    if needed and len(times) > 1 and len(set(times)) == 1:
        raise BadInput(place, f"the decay time {formula} is the same in all slices", delays.ASK)
    return DecayAxis(formula=formula, times=np.array(times + [np.nan] * (slices - count)))


def find_echo_delay(experiment: Experiment, acquisition: Acquisition) -> float:
    """Return TR, the delay between the two pulses of a solid or Hahn echo [s].

    NaN for sequences that are not pulse, delay, pulse, delay.
    """
    try:
        parts = delays.derive_formula(acquisition.program).split("+")
        if len(parts) != 3 or not parts[1].startswith("p"):
            return float("nan")
        lists = _read_lists(experiment.folder, acquisition.acqus, parts[0])
        return _evaluate_slice(parts[0], acquisition, lists, 0)
    except (ValueError, BadInput):
        return float("nan")


def _evaluate_slice(
    formula: str, acquisition: Acquisition, lists: Mapping[str, list[float]], slice_: int
) -> float:
    varying = {name: values[slice_] for name, values in lists.items()}
    return delays.evaluate(formula, {**acquisition.names, **varying})


def _read_lists(folder: Path, acqus: Mapping[str, Any], formula: str) -> dict[str, list[float]]:
    """Return the lists that a formula needs: beside the data, or TopSpin's own by their name."""
    lists = {}
    for name, parameter in LISTS:
        if re.search(rf"\b{name}\b", formula):
            beside = folder / f"{name}list"
            by_name = folder / "lists" / name / Path(str(acqus.get(parameter, ""))).name
            path = by_name if by_name.is_file() and not beside.is_file() else beside
            lists[name] = delays.read_list(path, counts=name == "vc")
    return lists
