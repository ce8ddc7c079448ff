"""Every sentence of this room: reasons and methods, built last from fields that were decided
before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.conclusion import Conclusion
from ssbchar.decision import describe_open_difference
from ssbchar.hexrd.refinement.cell_status import CellStatus
from ssbchar.verdict import Verdict

if TYPE_CHECKING:
    import xarray as xr

    from ssbchar.hexrd.verdict.cell_scale_check import ScaleCheck
    from ssbchar.hexrd.verdict.common_change import CommonChange
    from ssbchar.hexrd.verdict.comparison import Decided
    from ssbchar.hexrd.verdict.line_area import ExplainedArea
    from ssbchar.hexrd.verdict.options import Stability
    from ssbchar.hexrd.verdict.phase_rows import MeanExpansion, PublishedExpansion
    from ssbchar.hexrd.verdict.phase_stability import (
        MixtureHistory,
        PhaseHistory,
        UnexplainedGroup,
    )
    from ssbchar.hexrd.verdict.quality_rows import LinesSeen, RefinedFrames
    from ssbchar.hexrd.verdict.reference_cells import ReferenceCell, ReferenceFrames
    from ssbchar.hexrd.verdict.trend import Departure, Drift
    from ssbchar.typing import Index

CELL_METHOD = "whole-pattern refinement, weighted mean"
RETURN_METHOD = "reference volumes, brought to one temperature"
REFINED_METHOD = "whole-pattern refinement forward and backward, beside one smooth cell(T)"
PHASE_NOTES_METHOD = "cell, symmetry and atoms of the CIF against each other"
READING_NOTES_METHOD = "names and units in the headers of patterns and furnace log"
BREADTH_METHOD = "Williamson-Hall, integral breadths of the known lines"
SCALE_METHOD = (
    "reference cells before heating over those of the phases file, cube root of the volumes"
)
MIXTURE_METHOD = (
    "presence at both ends; cells and intensities before and after, over holds, and against their "
    "own trends; lines that are not explained"
)
EXPLAINED_METHOD = (
    "net area of the residual about the lines fitted one by one and those no phase explains, over "
    "their area"
)
COMMON_METHOD = "change of the lengths of the phase that changed least"
KEPT_METHOD = (
    "refined intensity; over heating and cooling against a line of its logarithm in temperature"
)
HOLD_METHOD = "straight line in time, brought to one temperature"
TREND_METHOD = "parabola in temperature through the first half, carried on to the end"
NOT_GOOD = {
    CellStatus.HELD: "held near the smooth cell(T)",
    CellStatus.DEVIATES: "far from the smooth cell(T)",
    CellStatus.INCONSISTENT: "different in the forward and the backward pass",
    CellStatus.NOT_CONVERGED: "not converged",
}
"""Cells that were refined and are not simply good."""
SCATTERED = 2.0
"""Reduced chi-square from which the scatter of frames is mentioned."""

MOSTLY_PLACED = 0.5
"""Share of the line area from which a misfit is one of intensities, not of places [1]: lines that
are weak with the expected intensities are not followed."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Rows that the sentences on a mixture quote."""

    changes: Sequence[Conclusion]
    """Onsets and ends of the phases."""
    unexplained_changes: Sequence[Conclusion]
    """Onsets and ends of unexplained groups."""
    limits: Sequence[Conclusion]
    """Detection limit of the mixture."""
    lines: Mapping[str, LinesSeen]
    """Known lines of each phase."""


@dataclass(frozen=True, kw_only=True)
class LengthErrors:
    """What the systematic of a length holds, for its reason."""

    scale_stderr: float
    """Relative error [1] of the wavelength (and distance); 0 where none is stated."""
    displacement: float
    """Relative error [1] of a sample that may have moved; 0 where it is not applied."""
    standard: str = ""
    """The internal standard that the lengths were divided by."""


def describe_reference_cell(
    cell: ReferenceCell,
    frames: ReferenceFrames,
    *,
    told: LengthErrors,
    before: bool,
) -> str:
    """Return the reason of a cell: its frames, temperature [degC], scatter and drift.

    Parameters
    ----------
    cell : ReferenceCell
    frames : ReferenceFrames
    told : LengthErrors
    before : bool
        Whether the cell is that before heating.
    """
    at_start_of_heating = before and not frames.on_hold
    where = "first frames (no hold before heating)" if at_start_of_heating else "reference frames"
    if np.isfinite(frames.temperature):
        parts = [f"{cell.frames} {where}, brought to {frames.temperature:.1f} degC"]
    else:
        parts = [f"{cell.frames} first frames, as measured: no temperature is known"]
    if not cell.is_fitted:
        parts.append("the refinement does not explain the lines of these frames")
    if not cell.is_one:
        parts.append("the lines are those of two cells (row second_cell): this is neither")
    if cell.is_drifting:
        parts.append("the cell drifted over them by more than its errors: the mean is no one cell")
    elif np.any(cell.drift != 0):
        parts.append("the cell drifted over them, within its errors")
    if cell.is_scattered:
        times = np.sqrt(cell.scatter)
        parts.append(f"frames scatter {times:.1f} times their esds: the mean is no one cell")
    elif cell.scatter > SCATTERED:
        times = np.sqrt(cell.scatter)
        parts.append(f"frames scatter {times:.1f} times their esds, which the error includes")
    if told.standard:
        parts.append(f"divided by the internal standard {told.standard}, frame by frame")
    if told.scale_stderr == 0:
        parts.append("the wavelength has no stated error")
    return "; ".join(parts)


def describe_return(
    volume: Decided, decided: Sequence[Decided], *, is_fitted: bool, is_one: bool = True
) -> str:
    """Return the reason of the change of a volume [percent].

    Parameters
    ----------
    volume : Decided
    decided : sequence of Decided
        Everything of the phase that was compared after cooling.
    is_fitted : bool
        Whether the refinement explains the lines at both ends.
    is_one : bool
        Whether the lines at both ends are those of one cell.
    """
    parts = [] if is_fitted else ["the refinement does not explain the lines"]
    parts += [] if is_one else ["the lines are those of two cells"]
    parts.append(f"tolerance {volume.comparison.bound:g} %")
    axes = [one for one in decided if one.comparison.axis and one.comparison.unit == "percent"]
    if axes:
        worst = max(axes, key=lambda one: abs(one.decision.value))
        change = worst.decision.value
        parts.append(f"largest change of a length: {worst.comparison.axis} by {change:+.3f} %")
    if volume.decision.verdict == Verdict.INCONCLUSIVE:
        parts.append(describe_open_difference(volume.decision, "%"))
    return "; ".join(filter(None, [*parts, volume.comparison.basis]))


def describe_no_return(*, cooled: bool, is_gone: bool) -> str:
    """Return why no volume after cooling is told.

    Parameters
    ----------
    cooled : bool
        Whether frames near the starting temperature were measured after cooling.
    is_gone : bool
        Whether the phase is not there in them.
    """
    if not cooled:
        return "no frames near the starting temperature both before heating and after cooling"
    if is_gone:
        return "the phase is not there after cooling"
    return "no usable cell at both ends"


def describe_comparison(decided: Decided) -> str:
    """Return the reason of a comparison: its tolerance, what stays open, and what it rests on."""
    one, decision = decided.comparison, decided.decision
    unit = "%" if one.unit == "percent" else one.unit
    parts = [f"tolerance {one.bound:.3g} {unit}"]
    if decision.verdict == Verdict.INCONCLUSIVE:
        parts.append(describe_open_difference(decision, unit))
    elif decision.verdict == Verdict.RETAINED and decision.is_difference_seen:
        difference = decision.value - decision.reference
        parts.append(f"a difference of {difference:+.2g} {unit} is there, within it")
    return "; ".join(filter(None, [*parts, one.basis]))


def describe_drift(drift: Drift, furnace: xr.Dataset, frames: Index) -> str:
    """Return over which frames a hold was judged: how many, how long, at what temperature [degC].

    Parameters
    ----------
    drift : Drift
    furnace : Dataset
        ``furnace.nc``: ``temperature`` [degC] and ``time`` [s].
    frames : ndarray of int
    """
    temperature = float(np.median(furnace["temperature"].values[frames]))
    parts = [f"{drift.points} frames at {temperature:.0f} degC"]
    if "time" in furnace:
        minutes = float(np.ptp(furnace["time"].values[frames])) / 60
        if np.isfinite(minutes):
            parts.append(f"over {minutes:.0f} min")
    if drift.chi2 > SCATTERED:
        times = np.sqrt(drift.chi2)
        parts.append(f"scattering {times:.1f} times their errors, which the error includes")
    return " ".join(parts)


def describe_departure(departure: Departure, furnace: xr.Dataset, frames: Index) -> str:
    """Return over which frames a trend was judged: how many, from where to where [degC].

    Parameters
    ----------
    departure : Departure
    furnace : Dataset
        ``furnace.nc``: ``temperature`` [degC].
    frames : ndarray of int
    """
    temperature = furnace["temperature"].values[frames]
    return (
        f"{departure.points} frames from {temperature[0]:.0f} to {temperature[-1]:.0f} degC, "
        "against their own trend"
    )


def describe_rest(frames: ReferenceFrames) -> str:
    """Return which frames are compared after cooling, and at what temperature [degC]."""
    return (
        f"{frames.after.size} frames after cooling against {frames.before.size} before heating, "
        f"at {frames.temperature:.0f} degC"
    )


def describe_shared_intensity(basis: str, shared: float, phases: int) -> str:
    """Return what an intensity rests on, and what all phases may share.

    Parameters
    ----------
    basis : str
        The frames.
    shared : float
        Logarithm of the factor [1] that all may share.
    phases : int
        How many are compared, the background among them where it rose.
    """
    percent = 100 * (np.exp(shared) - 1)
    if phases == 1:
        return f"{basis}; one phase: all of its change may be beam, monitor or sample in the beam"
    return f"{basis}; all may share {percent:+.1f} % (beam, monitor, sample in the beam)"


def describe_cell_basis(basis: str, common: CommonChange, options: Stability) -> str:
    """Return what the change of a cell rests on, and what of it may be geometry.

    Parameters
    ----------
    basis : str
        The frames.
    common : CommonChange
    options : Stability
    """
    return "; ".join(filter(None, [basis, _describe_geometry(common, options)]))


def _describe_geometry(common: CommonChange, options: Stability) -> str:
    """Return what of a change of lengths may be the sample's place."""
    if common.standard:
        return f"relative to the internal standard {common.standard}"
    parts = []
    if common.is_seen:
        who = "all phases" if common.all_alike else common.phase
        parts.append(
            f"the change of {who} by {100 * common.value:+.4f} % in lengths may be displacement"
        )
    if common.displacement:
        parts.append(f"a sample moved by {options.displacement:g} mm included")
    elif not common.distance:
        parts.append("no displacement included (distance to the detector not known)")
    return ", ".join(parts)


def describe_common_change(common: CommonChange, options: Stability) -> str:
    """Return what the common change of lengths may be, in mm where the distance is known."""
    if common.standard:
        return (
            f"taken out: every cell is relative to the internal standard {common.standard}, frame "
            "by frame"
        )
    percent = 100 * common.value
    if not common.is_seen:
        text = "no common change seen"
    elif common.all_alike:
        text = (
            f"every length of every phase changed by about {percent:+.4f} %: possible "
            "displacement of the sample along the beam"
        )
        if common.distance:
            text += f" ({common.value * common.distance:+.2f} mm of {common.distance:.0f} mm)"
        text += ", or a temperature or wavelength that moved"
    else:
        text = f"{common.phase} changed least, by {percent:+.4f} %: so much may be displacement"
    applied = (
        f"a sample that may have moved by {options.displacement:g} mm is in the systematics"
        if common.displacement
        else "distance to the detector not known (hexrd.stability.distance): a displacement within "
        "hexrd.stability.displacement is not in the systematics"
    )
    remedy = "an internal standard (hexrd.stability.standard) takes it out"
    return f"{text}; in the systematic of every cell after cooling; {applied}; {remedy}"


def describe_explained_area(explained: ExplainedArea) -> str:
    """Return in how many frames [1] the refinement explains the lines."""
    known = explained.share[np.isfinite(explained.share)]
    if not known.size:
        return "no line was seen in any frame, or nothing was refined"
    low, high = np.percentile(known, [5, 95])
    text = f"median of {known.size} frames, {100 * low:.1f} to {100 * high:.1f} % in nine of ten"
    bad = int(np.sum(known < explained.bound))
    if bad:
        text += f"; below {100 * explained.bound:g} % in {bad}, which are left out"
    if explained.usual < explained.bound:
        text += "; the refinement does not explain the lines: no cell and no verdict rests on it"
        text += _describe_misfit(explained.placed)
    return text


def _describe_misfit(placed: float) -> str:
    """Return what a misfit points to, by the share of the line area that lies where a phase has
    lines [1]."""
    if not np.isfinite(placed):
        return ""
    if placed >= MOSTLY_PLACED:
        return (
            f"; {100 * placed:.0f} % of the line area lies where the listed phases have lines, "
            "with other intensities: another radiation (neutrons), other atoms, or strong texture"
        )
    return (
        f"; {100 * (1 - placed):.0f} % of the line area lies where no listed phase has lines: "
        "another compound, a cell far off, or another wavelength"
    )


def describe_expansion(
    found: MeanExpansion, published: PublishedExpansion | None, *, is_moved: bool
) -> str:
    """Return the reason of a mean linear expansion: range [degC], frames, and the published
    value [1/K].

    Parameters
    ----------
    found : MeanExpansion
    published : PublishedExpansion or None
        None where the phases file has no value.
    is_moved : bool
        Whether the systematic holds a sample that may have moved along the beam.

    Returns
    -------
    str
    """
    parts = [
        f"{found.low:.0f}-{found.high:.0f} degC, {found.frames_used} frames, "
        f"reduced chi-square {found.chi2:.2g}"
    ]
    if np.isfinite(found.reacting_from):
        parts.append(f"reacting from {found.reacting_from:.0f} degC")
    if found.frames_rejected:
        parts.append(f"{found.frames_rejected} frames off the curve left out")
    moved = "in the systematic" if is_moved else "not in the systematic (distance not known)"
    parts.append(f"a sample that may have moved along the beam is {moved}")
    if published is not None:
        word = "agrees with" if published.agrees else "differs from"
        parts.append(
            f"{word} {published.value:.3g} 1/K ({published.range}; {published.source}): "
            f"{published.apart:.1f} sigma"
        )
    return "; ".join(parts)


def describe_refined_frames(found: RefinedFrames) -> str:
    """Return in how many frames [1] a phase has a good cell, and what became of the others."""
    parts = [f"{found.good} of {found.there} frames with the phase"]
    parts += [
        f"{found.counts[status]} {text}"
        for status, text in NOT_GOOD.items()
        if found.counts[status]
    ]
    if found.counts[CellStatus.ABSENT]:
        parts.append(f"absent in {found.counts[CellStatus.ABSENT]}")
    if found.counts[CellStatus.NOT_MEASURED]:
        parts.append(f"{found.counts[CellStatus.NOT_MEASURED]} not measured")
    return "good in " + "; ".join(parts)


def describe_breadth(frames: int, instrument: float) -> str:
    """Return the reason of a breadth.

    Parameters
    ----------
    frames : int
        How many frames the mean is over.
    instrument : float
        The instrument's own breadth [degree], 0 where unknown.
    """
    if instrument > 0:
        return f"{frames} frames; corrected for the instrument's {instrument:g} degree"
    return f"{frames} frames; the instrument's breadth is included"


def describe_scale(check: ScaleCheck) -> str:
    """Return what the scale of the cells [1] says of the wavelength."""
    if check.wavelength_stderr:
        carried = f"the cells' errors include {1e6 * check.wavelength_stderr:.0f} ppm for it"
    else:
        carried = "its error is not stated: the cells' errors do not include it"
    if check.standard:
        if check.value is None:
            return f"the internal standard {check.standard} was not found; {carried}"
        assert check.tolerance is not None
        percent = 100 * check.tolerance
        text = f"internal standard {check.standard}, tolerance {percent:g} %"
        if check.verdict == Verdict.OFF:
            text += f"; the wavelength should be {1 / check.value:.6f} times the one used"
        return text
    if check.value is None:
        return f"no reference cell; {carried}"
    each = ", ".join(f"{name} {scale.value:.5f}" for name, scale in check.phases.items())
    if check.verdict == Verdict.OFF:
        return (
            f"all cells are off alike ({each}): the wavelength is probably "
            f"{1 / check.value:.4f} times the one used"
        )
    return (
        "the wavelength was not checked (name an internal standard in "
        f"hexrd.stability.standard); {carried}; {each}"
    )


def describe_mixture(history: MixtureHistory, evidence: Evidence, options: Stability) -> str:
    """Return the evidence of the verdict on a mixture, phase by phase [percent, degC]."""
    # What came and went stands before what returned: the reader looks for the reaction first.
    parts = [_describe_range(history, options), _describe_gate(history, options)]
    parts += [_describe_new(phase, evidence) for phase in history.new]
    parts += [
        f"gone: {phase.name}{_describe_change(evidence.changes, phase.name, 'end')}"
        for phase in history.gone
    ]
    parts += [
        f"{phase.name} went{end} and came back"
        f"{_describe_change(evidence.changes, phase.name, 'onset')}"
        for phase in history.initial
        if phase.last and (end := _describe_change(evidence.changes, phase.name, "end"))
    ]
    parts += [_describe_unexplained(group, evidence, options) for group in history.unexplained]
    parts += [
        f"{row.subject} goes through a transition at {row.value:.0f} degC ({row.condition}): "
        f"{row.reason}"
        for row in history.transitions
    ]
    parts.append(_describe_possible_displacement(history))
    # What is gone has nothing more to compare.
    there = [phase for phase in history.initial if phase.last]
    parts += [text for phase in there for text in _describe_phase(phase, history)]
    parts += [
        f"any listed phase above {limit.value:.2g} % ({limit.basis}) would have been seen"
        for limit in evidence.limits
    ]
    return "; ".join(part for part in parts if part)


def _describe_possible_displacement(history: MixtureHistory) -> str:
    """Return that all phases changed alike, where they did."""
    common = history.common
    if common is None or not (common.is_seen and common.all_alike):
        return ""
    return (
        f"every length of every phase changed by about {100 * common.value:+.4f} % after cooling: "
        "possible displacement of the sample"
    )


def _describe_range(history: MixtureHistory, options: Stability) -> str:
    """Return which temperatures [degC] were measured, and what was not."""
    if history.highest is None or history.lowest is None:
        return "no temperatures"
    if history.frames < 2:
        return (
            f"one pattern, at {history.highest:.0f} degC: nothing to compare with; a series or a "
            "second pattern (compare_to) would be needed"
        )
    if history.at_one_temperature:
        text = f"{history.frames} frames at {history.highest:.0f} degC"
        if not np.isfinite(history.duration):
            return f"{text}, at unknown times: nothing to tell stability by"
        text += f" over {history.duration:.3g} min"
        if history.duration < options.shortest:
            text += (
                ": too short to tell stability by (hexrd.stability.shortest, "
                f"{options.shortest:g} min)"
            )
        return text
    text = f"up to {history.highest:.0f} degC"
    if not history.cooled:
        text += f" (from {history.lowest:.0f}); reversibility not measured (no cooling back)"
    return text


def _describe_gate(history: MixtureHistory, options: Stability) -> str:
    """Return that the refinement does not explain the lines, where it does not."""
    if history.explained and history.explained_at_first:
        return ""
    if not np.isfinite(history.explained_share):
        return "no lines were seen that a refinement could explain"
    share = 100 * history.explained_share
    where = "up to the end" if history.explained_at_first else "at the start"
    return (
        f"the refinement does not explain the lines {where} (over the series {share:.0f} % of "
        f"their area; {options.explained_area:g} % needed at both ends and over it)"
    )


def _describe_phase(phase: PhaseHistory, history: MixtureHistory) -> list[str]:
    """Return what of a phase has changed, what has not, and what is open."""
    if history.frames < 2 or history.highest is None:
        return []
    if history.cooled:
        return _describe_at_rest(phase)
    changed = [_describe_changed(one) for one in phase.changed_on_the_way]
    if changed:
        return changed
    open_ones = [one for one in phase.on_the_way if one.decision.verdict != Verdict.RETAINED]
    texts = [_describe_open(one) for one in open_ones]
    kept = [one for one in phase.on_the_way if one.decision.verdict == Verdict.RETAINED]
    for what, unit in (("intensity", "intensity_kept"), ("cell", "cell_change")):
        of_unit = [one for one in kept if one.comparison.quantity == unit]
        limits = [_find_limit(one) for one in of_unit if one.comparison.unit == "percent"]
        if limits:
            # Where something else is open, the limits are of what is not.
            is_open = any(one.comparison.quantity == unit for one in open_ones)
            stretches = dict.fromkeys(one.comparison.stretch for one in of_unit)
            over = f" over {', '.join(stretches)}" if is_open else ""
            texts.append(f"{what} of {phase.name} kept within {max(limits):.2g} %{over} (95 %)")
    if not phase.on_the_way:
        texts.append(f"too few frames to compare {phase.name} with itself")
    return texts


def _describe_at_rest(phase: PhaseHistory) -> list[str]:
    """Return what of a phase has returned after cooling."""
    texts = [_describe_changed(one) for one in phase.changed_at_rest]
    if not phase.cell_at_rest:
        texts.append(f"the cell of {phase.name} could not be compared")
    if not phase.kept_at_rest:
        texts.append(f"the intensity of {phase.name} could not be compared")
    decided = [*phase.cell_at_rest, *phase.kept_at_rest]
    texts += [
        _describe_open(one) for one in decided if one.decision.verdict == Verdict.INCONCLUSIVE
    ]
    cell = [one for one in phase.cell_at_rest if one.comparison.unit == "percent"]
    if cell and all(one.decision.verdict == Verdict.RETAINED for one in phase.cell_at_rest):
        limit = max(_find_limit(one) for one in cell)
        texts.append(f"{phase.name} back within {limit:.2g} % (95 %)")
    texts += [
        f"{phase.name} kept {one.decision.value:.0f}({one.decision.sigma:.0f}) % of its intensity"
        for one in phase.kept_at_rest
        if one.decision.verdict == Verdict.RETAINED
    ]
    return texts


def _find_limit(decided: Decided) -> float:
    """Return what a difference is below, with 95 % confidence."""
    decision = decided.decision
    return max(
        abs(decision.lower95 - decision.reference), abs(decision.upper95 - decision.reference)
    )


def _describe_changed(decided: Decided) -> str:
    one, decision = decided.comparison, decided.decision
    where = "" if one.stretch == "after cooling" else f" over {one.stretch}"
    if one.quantity == "intensity_kept":
        kept = f"{decision.value:.0f}({decision.sigma:.0f})"
        return f"{one.phase} kept {kept} % of its intensity{where}"
    unit = "%" if one.unit == "percent" else one.unit
    axis = one.axis or "volume"
    return (
        f"{axis} of {one.phase} is off by {decision.value:+.3f}({decision.sigma:.3f}) {unit}{where}"
    )


def _describe_open(decided: Decided) -> str:
    one, decision = decided.comparison, decided.decision
    where = one.stretch if one.stretch == "after cooling" else f"over {one.stretch}"
    what = "intensity" if one.quantity == "intensity_kept" else one.axis or "volume"
    unit = "%" if one.unit == "percent" else one.unit
    if decision.verdict == Verdict.CHANGED:
        return (
            f"{what} of {one.phase} {where} leaves its own trend by {decision.value:+.3f}"
            f"({decision.sigma:.3f}) {unit}: thermal or for good, cooling would tell"
        )
    return f"{what} of {one.phase} {where} is open: {describe_open_difference(decision, unit)}"


def _describe_new(phase: PhaseHistory, evidence: Evidence) -> str:
    text = f"new: {phase.name}{_describe_change(evidence.changes, phase.name, 'onset')}"
    lines = evidence.lines.get(phase.name)
    if lines is None:
        return text
    return (
        f"{text}, {lines.seen} of {lines.known} known lines above 5 sigma (best {lines.best:.0f})"
    )


def _describe_unexplained(group: UnexplainedGroup, evidence: Evidence, options: Stability) -> str:
    # A group without a name is described by its verdict: ambiguous, not named.
    is_named = group.verdict == Verdict.NAMED
    what = group.candidate if is_named else group.verdict.replace("_", " ")
    when = _describe_change(evidence.unexplained_changes, group.name, "onset")
    text = f"{group.lines:.0f} unexplained lines{when}: {what}"
    if not group.is_product(options):
        text += (
            f", {100 * group.share:.2g} % of the line area: no more than strong lines leave over"
        )
    return text


def _describe_change(rows: Sequence[Conclusion], subject: str, change: str) -> str:
    """Return the temperature [degC] of the first onset or end of a subject, else its frame."""
    word = "from" if change == "onset" else "at"
    # A temperature says more than a frame, which is all that a hold can give.
    known = [row for row in rows if row.subject == subject and row.value is not None]
    for row in known:
        if row.quantity == f"{change}_temperature":
            limits = ""
            if row.lower95 is not None and row.upper95 is not None:
                limits = f" ({row.lower95:.0f}-{row.upper95:.0f})"
            return f" {word} {row.value:.0f}{limits} degC on {row.condition}"
    for row in known:
        if row.quantity == f"{change}_frame":
            return f" {word} frame {row.value:.0f} on {row.condition}"
    return ""
