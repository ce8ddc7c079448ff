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
from ssbchar.nmr.bruker.slice_names import LIST_NAMES, SliceNames
from ssbchar.typing import Array

LISTS = (("vd", "VDLIST"), ("vc", "VCLIST"), ("vp", "VPLIST"))
"""Names that vary from slice to slice, and the parameters that name their lists."""


ASK_DELAY = "give the sample-sheet column 'read.decay_axis', such as vd, p15 or '10m, 1s, 10s'"
"""Remedy where the delay of a relaxation cannot be told."""
BASEOPT = 3
"""Value of DIGMOD where the points are shifted so that they begin at the middle of the pulse."""


@dataclass(frozen=True, kw_only=True)
class DecayAxis:
    """The decay time of each slice."""

    formula: str
    """In the pulse program's own terms; empty where none is known."""
    times: Array
    """[s], shape (slice,); NaN where a slice has none."""
    remarks: tuple[str, ...] = ()
    """What was assumed, one line each."""


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
    if _is_list_of_times(given):
        return _take_given_times(experiment, given, slices)
    place = experiment.shown / "pulseprogram"
    known = SliceNames(program=acquisition.program, names=acquisition.names)
    try:
        formula = given.lower() or delays.derive_formula(acquisition.program)
        lists = _read_lists(experiment.folder, acquisition.acqus, known.find_needed(formula))
        count = min([slices, *map(len, lists.values())])
        times = known.evaluate(formula, lists, count)
    except ValueError as error:
        if needed or given:
            raise BadInput(place, f"decay time not found: {error}", delays.ASK) from error
        return DecayAxis(formula="", times=np.full(slices, np.nan))
    formula = given or known.expand(formula)
    told = delays.shorten_formula(formula)
    if needed and len(times) > 1 and len(set(times)) == 1:
        raise BadInput(place, f"the decay time {told} is the same in all slices", delays.ASK)
    if needed and min(times) < 0:
        problem = f"the decay time {told} is {1e6 * min(times):g} us in a slice"
        raise BadInput(place, problem, delays.ASK)
    remarks: tuple[str, ...] = ()
    counters = delays.find_counters(acquisition.program) & known.changes.keys()
    if len(times) > 1 and times[0] == times[1] and counters:
        remarks = ("slices 1 and 2 have one decay time: a loop of count 0 runs once, as that of 1",)
    return DecayAxis(
        formula=formula,
        times=np.array(times + [np.nan] * (slices - count)),
        remarks=remarks,
    )


def find_relaxation_axis(
    experiment: Experiment, acquisition: Acquisition, *, slices: int, given: str
) -> tuple[DecayAxis, str]:
    """Return the delay of a recovery, or the length of a spin lock, of each slice, and which of
    both it is.

    It is the one delay or pulse of the sequence that varies from slice to slice; what follows it
    (an echo, say) is the same for all.

    Parameters
    ----------
    experiment : Experiment
        Where the files are.
    acquisition : Acquisition
        Its parameters and pulse program.
    slices : int
        Number of slices recorded.
    given : str
        The user's own axis, empty for the program's.

    Returns
    -------
    axis : DecayAxis
        Times in s.
    kind : str
        ``recovery`` where a delay varies, ``spin_lock`` where a pulse does; empty where the user's
        axis does not tell.

    Raises
    ------
    BadInput
        There is no such time, or more than one.
    """
    kind = ""
    formula = given
    if not given:
        place = experiment.shown / "pulseprogram"
        try:
            varying = _find_varying_times(experiment, acquisition, slices)
        except ValueError as error:
            raise BadInput(place, f"the delay is not found: {error}", ASK_DELAY) from error
        if len(varying) != 1:
            named = ", ".join(one.text for one in varying) or "nothing"
            problem = f"{delays.shorten_formula(named)} varies from slice to slice, not one delay"
            raise BadInput(place, problem, ASK_DELAY)
        (one,) = varying
        if not (one.is_pulse or one.is_read):
            problem = f"no pulse stands behind {one.text}, and a recovery is read by one"
            raise BadInput(place, problem, ASK_DELAY)
        formula, kind = one.text, "spin_lock" if one.is_pulse else "recovery"
    axis = find_decay_axis(experiment, acquisition, slices=slices, given=formula, needed=True)
    return axis, kind


@dataclass(frozen=True, kw_only=True)
class _VaryingTime:
    """A delay or a pulse of a sequence that varies from slice to slice."""

    text: str
    is_pulse: bool
    is_read: bool
    """A pulse follows."""


def _find_varying_times(
    experiment: Experiment, acquisition: Acquisition, slices: int
) -> list[_VaryingTime]:
    """Return the delays and pulses of a sequence that vary."""
    known = SliceNames(program=acquisition.program, names=acquisition.names)
    if delays.find_counters(acquisition.program) & {"vc", *known.changes}:
        raise ValueError("the number of loops varies from slice to slice")
    varying = []
    times = delays.list_times(acquisition.program)
    for place, (text, is_pulse) in enumerate(times):
        needed = known.find_needed(text)
        if not needed & {*LIST_NAMES, *known.changes}:
            continue
        lists = _read_lists(experiment.folder, acquisition.acqus, needed)
        count = min([slices, *map(len, lists.values())])
        if len(set(known.evaluate(text, lists, count))) == 1:
            continue
        is_read = any(behind for _, behind in times[place + 1 :])
        varying.append(_VaryingTime(text=text, is_pulse=is_pulse, is_read=is_read))
    return varying


def _is_list_of_times(given: str) -> bool:
    return bool(re.search(r"[,;\s]", given.strip())) and not re.search(
        r"(?<![\w.])[a-z]", given.lower()
    )


def _take_given_times(experiment: Experiment, given: str, slices: int) -> DecayAxis:
    """Return the decay times that the user gave one by one."""
    words = re.split(r"[,;\s]+", given.strip())
    try:
        times = [delays.evaluate(word, {}) for word in words]
    except ValueError as error:
        raise BadInput(
            experiment.shown, f"read.decay_axis: {error}", "give times such as '10u, 20u, 1m'"
        ) from error
    if len(times) != slices:
        problem = f"read.decay_axis has {len(times)} times, and there are {slices} slices"
        raise BadInput(experiment.shown, problem, "give one time per slice")
    return DecayAxis(formula="times as given", times=np.array(times))


def find_echo_delay(experiment: Experiment, acquisition: Acquisition) -> float:
    """Return TR, the delay between the two pulses of a solid or Hahn echo [s].

    NaN for sequences that are not pulse, delay, pulse, delay.
    """
    try:
        parts = delays.derive_formula(acquisition.program).split("+")
        if len(parts) != 3 or not parts[1].startswith("p"):
            return float("nan")
        known = SliceNames(program=acquisition.program, names=acquisition.names)
        lists = _read_lists(experiment.folder, acquisition.acqus, known.find_needed(parts[0]))
        return known.evaluate(parts[0], lists, 1)[0]
    except (ValueError, BadInput):
        return float("nan")


def find_dead_time(acquisition: Acquisition) -> float:
    """Return DE, the delay between the last pulse and the first point [s].

    NaN where the acquisition does not follow a pulse at once, and where the receiver's points
    already begin at the pulse (``baseopt``, DIGMOD 3); zero where DE is not stated.
    """
    is_shifted = acquisition.acqus.get("DIGMOD") == BASEOPT
    if is_shifted or not delays.ends_with_pulse(acquisition.program):
        return float("nan")
    return acquisition.names["de"]


def _read_lists(folder: Path, acqus: Mapping[str, Any], needed: set[str]) -> dict[str, list[float]]:
    """Return the lists that a formula needs: beside the data, or TopSpin's own by their name."""
    lists = {}
    for name, parameter in LISTS:
        if name in needed:
            beside = folder / f"{name}list"
            by_name = folder / "lists" / name / Path(str(acqus.get(parameter, ""))).name
            path = by_name if by_name.is_file() and not beside.is_file() else beside
            lists[name] = delays.read_list(path, counts=name == "vc", suffixed=name == "vp")
    return lists
