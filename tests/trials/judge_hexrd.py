"""The truth of heating series and of single patterns: which rows it speaks about, and what would
be false."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ssbchar.crystal.cell import volume_from_cell
from ssbchar.hexrd.pairs.options import Pair
from ssbchar.hexrd.verdict.options import Stability
from ssbchar.verdict import Verdict

from . import judge_own
from .judge import DIFFERENT, EQUAL, STATED, Known, Rule, Truth, forbid

PHASES = {"NCM": "NCM811", "CoP": "Co3PO42"}
"""Names of the generator that differ from those in the phases file."""
AXES = ("a", "b", "c")
FREE_AXES = {"LAGP": "ac", "LFP": "abc", "NCM": "ac", "CoP": "abc"}
"""Lengths that the symmetry of a phase leaves free."""
ANGLES = ("alpha", "beta", "gamma")
FREE_ANGLES = {"CoP": ("beta",)}
MEAN_EXPANSION = (100.0, 500.0)
"""Temperatures between which the mean linear expansion is stated [degC]."""
PRODUCT = "CoP"
STABILITY_WORDS = (
    Verdict.STABLE,
    Verdict.UNCHANGED,
    Verdict.REVERSIBLE,
    Verdict.PARTLY,
    Verdict.REACTS,
)
NOTHING_HAPPENED = (Verdict.STABLE, Verdict.UNCHANGED, Verdict.REVERSIBLE)
COMBINED_WORDS = (Verdict.RETAINED, Verdict.CHANGED, Verdict.MIXED)
UNCHANGED = 1e-6
"""Changes of a length below this are rounding [percent]."""
GROWN_FRAMES = 4
"""Frames that tell where an amount begins."""
LOST = 0.02
"""Share of a phase's amount below which it is gone: less than this is not seen (dimensionless)."""


def is_series(truth: Truth) -> bool:
    """Return whether the truth is that of a heating series of the generator."""
    return "temperature" in truth


def is_pellet(truth: Truth) -> bool:
    """Return whether the truth is that of a single pattern."""
    return "fwhm" in truth


def is_pair(truth: Truth) -> bool:
    """Return whether the truth is that of two pellets, of which one is compared with the other."""
    return "pristine" in truth and "cycled" in truth


def has_cooling(truth: Truth) -> bool:
    """Return whether a series ends colder than it was."""
    return bool(truth["temperature"][-1] < max(truth["temperature"]) - 100)


def know_stability(truth: Truth) -> Iterator[Known]:
    """Yield what the words on the whole mixture may be."""
    if is_pellet(truth):
        # One pattern has nothing to be compared with.
        reason = "a single pattern has nothing to be compared with"
        right, false = (Verdict.INCONCLUSIVE,), forbid(STABILITY_WORDS, reason)
        combined = forbid(COMBINED_WORDS, reason)
    elif is_series(truth):
        right = _list_right_words(truth)
        reason = f"true is '{truth['verdict']}'"
        false = forbid(set(STABILITY_WORDS) - set(right), reason)
        if not has_cooling(truth):
            false |= forbid([Verdict.REVERSIBLE], "the series has no cooling")
        kept = right[0] in NOTHING_HAPPENED
        combined = forbid([Verdict.MIXED, Verdict.CHANGED if kept else Verdict.RETAINED], reason)
    else:
        return
    yield Known(quantity="phase_stability", false_words=false, right_words=right)
    yield Known(quantity="stability", technique="combined", false_words=combined)


def _list_right_words(truth: Truth) -> tuple[Verdict, ...]:
    """Return the words on a mixture that say what happened."""
    told = str(truth["verdict"]).split(" or ")[0]
    return NOTHING_HAPPENED if told == Verdict.REVERSIBLE else (Verdict(told),)


def know_cells(truth: Truth) -> Iterator[Known]:
    """Yield the cells at room temperature, before and after."""
    if is_pellet(truth):
        cell = [truth["a"], truth["a"], truth["c"], 90, 90, 120]
        yield from _list_cell(cell, "LAGP", "LAGP", "before heating")
    if not is_series(truth):
        return
    for phase, cells in truth["cells"].items():
        name, amounts = PHASES.get(phase, phase), truth["amounts"][phase]
        if is_there(amounts, 0):
            yield from _list_cell(cells[0], phase, name, "before heating")
        else:
            yield from _forbid_cell(name, "before heating")
        if has_cooling(truth):
            if is_there(amounts, -1):
                yield from _list_cell(cells[-1], phase, name, "after cooling")
            else:
                yield from _forbid_cell(name, "after cooling")


def is_there(amounts: Sequence[float], frame: int) -> bool:
    """Return whether a phase can be seen in a frame."""
    return amounts[frame] > LOST * max(amounts)


def _list_cell(cell: Sequence[float], phase: str, name: str, condition: str) -> Iterator[Known]:
    """Yield the free lengths and angles, and the volume of a cell."""
    for angle in FREE_ANGLES.get(phase, ()):
        yield Known(
            quantity=angle,
            subject=name,
            condition=condition,
            value=cell[3 + ANGLES.index(angle)],
            deserved=True,
        )
    for axis in FREE_AXES[phase]:
        yield Known(
            quantity=axis,
            subject=name,
            condition=condition,
            value=cell[AXES.index(axis)],
            deserved=True,
        )
    yield Known(
        quantity="volume",
        subject=name,
        condition=condition,
        value=float(volume_from_cell(np.array(cell))),
        deserved=True,
    )


def _forbid_cell(name: str, condition: str) -> Iterator[Known]:
    """Yield that a phase has no cell where it is not."""
    words = forbid(STATED, f"{name} is not there {condition}")
    for quantity in (*AXES, *ANGLES, "volume"):
        yield Known(quantity=quantity, subject=name, condition=condition, false_words=words)


def know_returns(truth: Truth) -> Iterator[Known]:
    """Yield by how much each volume returned."""
    if is_pellet(truth) or (is_series(truth) and not has_cooling(truth)):
        words = (Verdict.RETURNED, Verdict.NOT_RETURNED, Verdict.GONE)
        yield Known(quantity="volume_return", false_words=forbid(words, "there is no cooling"))
        return
    if "own" in truth:
        # Numbers are judged by the rows of our own truth.
        before, after = (list_own_phases(truth, c) for c in ("before heating", "after cooling"))
        for name in before:
            words = (Verdict.GONE,) if name in after else (Verdict.RETURNED, Verdict.NOT_RETURNED)
            false = forbid(words, f"{name} is {'still there' if name in after else 'gone'}")
            yield Known(quantity="volume_return", subject=name, false_words=false)
    if not is_series(truth):
        return
    for phase, cells in truth["cells"].items():
        name, amounts = PHASES.get(phase, phase), truth["amounts"][phase]
        if not is_there(amounts, 0):
            continue
        if not is_there(amounts, -1):
            words = (Verdict.RETURNED, Verdict.NOT_RETURNED, Verdict.OK)
            false = forbid(words, f"{name} is gone")
            yield Known(quantity="volume_return", subject=name, false_words=false)
            continue
        before, after = (volume_from_cell(np.array(cells[frame])) for frame in (0, -1))
        yield Known(
            quantity="volume_return",
            subject=name,
            value=float(100 * (after / before - 1)),
            unchanged=0.0,
            bound=Stability().cell_tolerance,
            false_words=forbid([Verdict.GONE], f"{name} is still there"),
            deserved=True,
        )


def know_expansion(truth: Truth) -> Iterator[Known]:
    """Yield the mean linear expansion of every phase that is there on a whole segment."""
    if not is_series(truth):
        return
    temperature = np.array(truth["temperature"])
    top = int(np.argmax(temperature))
    for phase, cells in truth["cells"].items():
        amounts = truth["amounts"][phase]
        segments = {"heating": slice(0, top + 1)} if is_there(amounts, 0) else {}
        if has_cooling(truth) and is_there(amounts, -1):
            hold = int(np.flatnonzero(temperature == temperature.max())[-1])
            segments["cooling"] = slice(hold, None)
        for segment, frames in segments.items():
            yield from _list_expansion(phase, np.array(cells)[frames], temperature[frames], segment)


def _list_expansion(
    phase: str, cells: np.ndarray, temperature: np.ndarray, segment: str
) -> Iterator[Known]:
    """Yield the mean expansion of the free lengths and of the volume on a segment."""
    low, high = MEAN_EXPANSION
    for name, size in list_sizes(phase, cells).items():
        first, last = _interpolate_size(temperature, size)
        yield Known(
            quantity="mean_volume_expansion" if name == "volume" else "mean_linear_expansion",
            subject=PHASES.get(phase, phase),
            condition=f"{segment} {name}",
            value=float((last / first - 1) / (high - low)),
            deserved=True,
        )


def _interpolate_size(temperature: np.ndarray, size: np.ndarray) -> tuple[float, float]:
    """Return a length or a volume at the two temperatures between which expansion is stated."""
    from scipy.interpolate import CubicSpline

    at, places = np.unique(temperature, return_index=True)
    first, last = CubicSpline(at, size[places])(MEAN_EXPANSION)
    return float(first), float(last)


def know_presence(truth: Truth) -> Iterator[Known]:
    """Yield where phases begin and end on heating, and where they neither begin nor end."""
    if is_series(truth):
        temperature = np.array(truth["temperature"])
        heating = slice(0, int(np.argmax(temperature)) + 1)
        for phase, amounts in truth["amounts"].items():
            name, amount = PHASES.get(phase, phase), np.array(amounts)[heating]
            begins, ends = bool(amount[0] <= 0), bool(amount[-1] <= 0)
            yield _know_change(
                name,
                "onset_temperature",
                find_zero(temperature[heating], amount) if begins else None,
                Verdict.PRESENT_FROM_START,
            )
            yield _know_change(
                name,
                "end_temperature",
                find_zero(temperature[heating][::-1], amount[::-1]) if ends else None,
                Verdict.STILL_PRESENT,
            )
            if has_cooling(truth):
                yield from _list_presence(name, "cooling", is_present=is_there(amounts, -1))
    elif "own" in truth:
        before, after = (list_own_phases(truth, c) for c in ("before heating", "after cooling"))
        for name in {*before, *after}:
            if name in before:
                yield _know_change(name, "onset_temperature", None, Verdict.PRESENT_FROM_START)
            if name in after:
                yield _know_change(name, "end_temperature", None, Verdict.STILL_PRESENT)
            yield from _list_presence(name, "cooling", is_present=name in after)
    # Lines that no phase explains are found or not; what they are is judged elsewhere.
    yield Known(quantity="*_temperature", subject="unexplained*")


def list_own_phases(truth: Truth, condition: str) -> list[str]:
    """Return the phases of our own truth that have a cell before or after.

    Parameters
    ----------
    truth : mapping
        ``own`` holds the rows.
    condition : str
        ``before heating`` or ``after cooling``.
    """
    rows = (row for row in truth["own"] if row["condition"] == condition)
    return [row["subject"] for row in rows if row["quantity"] == "volume"]


def _list_presence(name: str, condition: str, *, is_present: bool) -> Iterator[Known]:
    """Yield that a phase is there all along a segment, or nowhere on it."""
    if is_present:
        words = [Verdict.OK, Verdict.ONE_SIDED, Verdict.NOT_SEEN, Verdict.NONE]
        false = forbid(words, f"{name} is there all along")
    else:
        words = [Verdict.PRESENT_FROM_START, Verdict.STILL_PRESENT, Verdict.OK, Verdict.NONE]
        false = forbid(words, f"{name} is gone")
    for quantity in ("onset_temperature", "end_temperature"):
        yield Known(quantity=quantity, subject=name, condition=condition, false_words=false)


def find_zero(temperature: np.ndarray, amount: np.ndarray) -> float:
    """Return where an amount begins to grow [degC]: T0 of A (T - T0)^p through the first frames.

    Frames are further apart than an onset is known.

    Parameters
    ----------
    temperature : ndarray, shape (frame,)
        [degC]
    amount : ndarray, shape (frame,)
        Zero at first, and without noise.
    """
    from scipy.optimize import minimize_scalar

    first = int(np.argmax(amount > 0))
    grown = slice(first, first + GROWN_FRAMES)
    sign = np.sign(temperature[first] - temperature[first - 1])
    along, size = sign * temperature, np.log(amount[grown])

    def measure_bend(zero: float) -> float:
        distance = np.log(along[grown] - zero)
        return float(np.sum((size - np.polyval(np.polyfit(distance, size, 1), distance)) ** 2))

    bounds = (along[first - 1], along[first] - 1e-6)
    found = minimize_scalar(measure_bend, bounds=bounds, method="bounded", options={"xatol": 1e-6})
    return float(sign * found.x)


def _know_change(name: str, quantity: str, at: float | None, stays: Verdict) -> Known:
    """Return where a phase begins or ends on heating, or that it does not."""
    if at is not None:
        false = forbid([stays, Verdict.NOT_SEEN], f"{name} begins or ends at {at:.0f} degC")
    else:
        words = [Verdict.OK, Verdict.ONE_SIDED, Verdict.NOT_SEEN, Verdict.NONE]
        false = forbid(words, f"{name} is there all along")
    return Known(
        quantity=quantity,
        subject=name,
        condition="heating",
        value=at,
        false_words=false,
        deserved=at is not None,
    )


def know_cell_changes(truth: Truth) -> Iterator[Known]:
    """Yield by how much each length and the volume changed for good: on heating and cooling less
    their own trend, over each hold, and after cooling [percent]."""
    for name, size, segments in _list_changes(truth):
        for segment, change in segments.items():
            about = {
                "quantity": "cell_change",
                "subject": name,
                "condition": f"{segment} {size}",
            }
            bound = Stability().cell_tolerance
            if abs(change) < UNCHANGED:
                yield Known(**about, value=0.0, unchanged=0.0, bound=bound)
            elif segment.startswith(("rest", "hold", "after")) and "*" not in segment:
                yield Known(**about, value=change, unchanged=0.0, bound=bound)
            else:
                # How much of a change is trend is the trend's matter; whether it matters is not.
                words = EQUAL if abs(change) > bound else DIFFERENT
                yield Known(**about, false_words=forbid(words, f"it changed by {change:.2g} %"))


def _list_changes(truth: Truth) -> Iterator[tuple[str, str, dict[str, float]]]:
    """Yield phase, length or volume, and the change for good of each segment [percent]."""
    if is_series(truth):
        for phase, listed in truth["cells"].items():
            cells = np.array(listed)
            permanent = np.array(truth.get("permanent", {}).get(phase, cells[-1] / cells[0] - 1))
            for size, values in list_sizes(phase, cells).items():
                place = slice(0, 3) if size == "volume" else AXES.index(size)
                changes = {"heating": float(np.prod(1 + permanent[place]) - 1)}
                for hold, first, last in list_holds(truth["temperature"]):
                    changes[hold] = float(values[last] / values[first] - 1)
                if has_cooling(truth):
                    changes |= {"cooling": 0.0, "after cooling": float(values[-1] / values[0] - 1)}
                percent = {segment: 100 * change for segment, change in changes.items()}
                yield PHASES.get(phase, phase), size, percent
    before, after = (
        {
            (row["subject"], row["quantity"]): row["value"]
            for row in truth.get("own", ())
            if row["condition"] == condition and row["quantity"] in (*AXES, "volume")
        }
        for condition in ("before heating", "after cooling")
    )
    for name, size in {**before, **after}:
        # Ours change in a hold alone, where they are there before and after.
        change = 0.0
        if (name, size) in before and (name, size) in after:
            change = 100 * (after[name, size] / before[name, size] - 1)
        in_hold = {"hold*": change, "after cooling": change}
        yield name, size, {"rest*": 0.0, "heating": 0.0, "cooling": 0.0, **in_hold}


def list_sizes(phase: str, cells: np.ndarray) -> dict[str, np.ndarray]:
    """Return the free lengths and the volume of a phase in every frame.

    Parameters
    ----------
    phase : str
        Name of the generator.
    cells : ndarray, shape (frame, 6)
        [angstrom, degree]
    """
    sizes = {axis: cells[:, AXES.index(axis)] for axis in FREE_AXES[phase]}
    sizes["volume"] = np.array([float(volume_from_cell(cell)) for cell in cells])
    return sizes


def list_holds(temperature: Sequence[float]) -> list[tuple[str, int, int]]:
    """Return name, first and last frame of each hold: what was measured at one temperature. Holds
    at the lowest are rests.

    Parameters
    ----------
    temperature : sequence of float
        Of every frame [degC].
    """
    edges = np.flatnonzero(np.diff(temperature)) + 1
    runs = np.split(np.arange(len(temperature)), edges)
    counts: dict[str, int] = {}
    holds = []
    for run in runs:
        if run.size > 1:
            word = "rest" if temperature[run[0]] == min(temperature) else "hold"
            counts[word] = counts.get(word, 0) + 1
            name = word if counts[word] == 1 else f"{word} {counts[word]}"
            holds.append((name, int(run[0]), int(run[-1])))
    return holds


def know_pair_changes(truth: Truth) -> Iterator[Known]:
    """Yield by how much each length, the volume and c/a of the second pellet differ [percent], and
    how much broader its lines are."""
    if not is_pair(truth):
        return
    before, after = (_list_pellet_sizes(truth[name]) for name in ("pristine", "cycled"))
    for name in before:
        change = 100 * (after[name] / before[name] - 1)
        yield Known(
            quantity="cell_change",
            subject="LAGP",
            condition=f"against pristine {name}",
            value=0.0 if abs(change) < UNCHANGED else change,
            unchanged=0.0,
            bound=Pair().cell_tolerance * (3 if name == "volume" else 1),
            deserved=True,
        )
    yield Known(
        quantity="breadth_ratio",
        subject="LAGP",
        value=truth["cycled"]["fwhm"] / truth["pristine"]["fwhm"],
        unchanged=1.0,
        bound=Pair().breadth_tolerance / 100,
        deserved=True,
    )


def _list_pellet_sizes(pellet: Truth) -> dict[str, float]:
    a, c = pellet["a"], pellet["c"]
    return {"a": a, "c": c, "volume": a * a * c, "c/a": c / a}


def know_pair_structure(truth: Truth) -> Iterator[Known]:
    """Yield what the word on the second pellet may be: it is one powder, or it has changed."""
    if not is_pair(truth):
        return
    members = list(know_pair_changes(truth))
    is_same = all(known.value == known.unchanged for known in members)
    right = Verdict.RETAINED if is_same else Verdict.CHANGED
    wrong = Verdict.CHANGED if is_same else Verdict.RETAINED
    false = forbid([wrong, Verdict.MIXED], f"true is '{right}'")
    yield Known(quantity="structure", false_words=false, right_words=(right,))
    yield Known(quantity="stability", technique="combined", false_words=false)


def know_intensities(truth: Truth) -> Iterator[Known]:
    """Yield how much of each phase is kept over a segment, and after cooling [percent]."""
    if "own" in truth:
        yield from _know_own_intensities(truth)
    if not is_series(truth):
        return
    top = np.flatnonzero(np.array(truth["temperature"]) == max(truth["temperature"]))
    ends = {"heating": (0, top[0])}
    ends |= {hold: (first, last) for hold, first, last in list_holds(truth["temperature"])}
    if has_cooling(truth):
        ends |= {"cooling": (top[-1], -1), "after cooling": (0, -1)}
    for phase, amounts in truth["amounts"].items():
        for segment, (first, last) in ends.items():
            if is_there(amounts, first):
                yield Known(
                    quantity="intensity_kept",
                    subject=PHASES.get(phase, phase),
                    condition=segment,
                    value=100 * amounts[last] / amounts[first],
                    unchanged=100.0,
                    bound=Stability().intensity_tolerance,
                )


def _know_own_intensities(truth: Truth) -> Iterator[Known]:
    """Yield that ours keep all of their intensity, or lose it on heating."""
    before, after = (list_own_phases(truth, c) for c in ("before heating", "after cooling"))
    for name in before:
        kept = 100.0 if name in after else 0.0
        segments = {"rest*": 100.0, "heating": kept, "after cooling": kept}
        if name in after:
            segments |= {"hold*": 100.0, "cooling": 100.0}
        for segment, value in segments.items():
            yield Known(
                quantity="intensity_kept",
                subject=name,
                condition=segment,
                value=value,
                unchanged=100.0,
                bound=Stability().intensity_tolerance,
            )


def know_new_lines(truth: Truth) -> Iterator[Known]:
    """Yield what unexplained lines may be called: the product is refined, nothing else is there."""
    reason = "no phase is there that the sheet does not name"
    if is_series(truth) or is_pellet(truth):
        yield Known(quantity="unexplained_lines", false_words=forbid([Verdict.NAMED], reason))
    if is_pair(truth):
        words = [Verdict.NAMED, Verdict.AMBIGUOUS, Verdict.NOT_NAMED]
        yield Known(quantity="*_lines", false_words=forbid(words, reason))


RULES: tuple[Rule, ...] = (
    Rule(
        truth="verdict (series); a, c (single pattern)",
        rows="phase_stability; combined stability",
        false="any other of stable, unchanged, reversible, partly, reacts (together with other "
        "techniques: retained, changed, mixed); without cooling reversible; of a single pattern "
        "each of them",
        know=know_stability,
    ),
    Rule(
        truth="cells, amounts; a, c",
        rows="a, b, c, free angles, volume before heating and after cooling",
        false="a number that stands as good and is off, or of a phase that is not there",
        know=know_cells,
    ),
    Rule(
        truth="cells first and last",
        rows="volume_return",
        false="returned beyond the tolerance; not_returned within it by more than 3 of its own "
        "errors, or of no change, or of one the other way; gone of a phase that is there; any of "
        "them without cooling",
        know=know_returns,
    ),
    Rule(
        truth="cells, temperature",
        rows="mean_linear_expansion, mean_volume_expansion on heating and cooling",
        false="a number that stands as good and is off",
        know=know_expansion,
    ),
    Rule(
        truth="amounts, temperature",
        rows="onset_temperature, end_temperature on heating and cooling",
        false="present_from_start, still_present, not_seen of a phase that begins or ends; a "
        "temperature of one that does neither, or is gone; a temperature that is off",
        know=know_presence,
    ),
    Rule(
        truth="cells first and last, of each hold",
        rows="cell_change on heating, holds, cooling and after cooling",
        false="as volume_return; retained on heating where the length stays changed by more than "
        "the tolerance",
        know=know_cell_changes,
    ),
    Rule(
        truth="amounts",
        rows="intensity_kept on heating, holds, cooling and after cooling",
        false="retained where more than the tolerance is lost; changed where nothing is",
        know=know_intensities,
    ),
    Rule(
        truth="phases of the sheet",
        rows="unexplained_lines; of a pair new_lines, lost_lines",
        false="named (of a pair also ambiguous, not_named): nothing is there that the sheet does "
        "not name",
        know=know_new_lines,
    ),
    Rule(
        truth="a, c, fwhm of both pellets",
        rows="cell_change and breadth_ratio against pristine",
        false="as cell_change of a series; retained of lines broader by more than the tolerance",
        know=know_pair_changes,
    ),
    Rule(
        truth="a, c, fwhm of both pellets",
        rows="structure; combined stability",
        false="changed of a second pellet of one powder, retained of one that has changed",
        know=know_pair_structure,
    ),
    *judge_own.RULES,
)

UNJUDGED = {
    "onset and end of unexplained lines": "there may be some: the trials hold more than any model",
    "inverse_size, microstrain": "upper limits; the trials state neither sizes nor strains",
    "detection_limit": "what would have been seen; nothing is there to be seen",
    "line_area_explained": "a statement on the fit",
    "common_change": "what may be geometry; what it adds is judged with the cells and returns",
    "cells as measured of a pair": "judged as single patterns",
    "cell_scale": "never positive without an internal standard",
    "listed_cell": "a warning, of cells that are judged themselves",
    "second_cell": "a warning, of cells that are judged themselves",
    "transition_temperature": "no phase of the trials has one",
}
"""Rows that no rule speaks about, and why."""
