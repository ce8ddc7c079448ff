"""Every sentence of this room: reasons and methods, built last from fields that were decided
before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.conclusion import Conclusion
from ssbchar.hexrd.refinement.cell_status import CellStatus
from ssbchar.verdict import Verdict

if TYPE_CHECKING:
    from ssbchar.hexrd.verdict.cell_scale_check import ScaleCheck
    from ssbchar.hexrd.verdict.options import Stability
    from ssbchar.hexrd.verdict.phase_rows import MeanExpansion, PublishedExpansion, VolumeReturn
    from ssbchar.hexrd.verdict.phase_stability import (
        MixtureHistory,
        PhaseHistory,
        UnexplainedGroup,
    )
    from ssbchar.hexrd.verdict.quality_rows import LinesSeen, RefinedFrames
    from ssbchar.hexrd.verdict.reference_cells import ReferenceCell, ReferenceFrames

CELL_METHOD = "whole-pattern refinement, weighted mean"
RETURN_METHOD = "reference volumes, brought to one temperature"
REFINED_METHOD = "whole-pattern refinement forward and backward, beside one smooth cell(T)"
PHASE_NOTES_METHOD = "cell, symmetry and atoms of the CIF against each other"
READING_NOTES_METHOD = "names and units in the headers of patterns and furnace log"
BREADTH_METHOD = "Williamson-Hall, integral breadths of the known lines"
SCALE_METHOD = (
    "reference cells before heating over those of the phases file, cube root of the volumes"
)
MIXTURE_METHOD = "presence at both ends, reference cells and intensities before and after"
NOT_GOOD = {
    CellStatus.HELD: "held near the smooth cell(T)",
    CellStatus.DEVIATES: "far from the smooth cell(T)",
    CellStatus.INCONSISTENT: "different in the forward and the backward pass",
    CellStatus.NOT_CONVERGED: "not converged",
}
"""Cells that were refined and are not simply good."""
SCATTERED = 2.0
"""Reduced chi-square from which the scatter of frames is mentioned."""


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


def describe_reference_cell(
    cell: ReferenceCell,
    frames: ReferenceFrames,
    *,
    before: bool,
    scale_stderr: float,
) -> str:
    """Return the reason of a cell: its frames, temperature [degC] and scatter.

    Parameters
    ----------
    cell : ReferenceCell
    frames : ReferenceFrames
    before : bool
        Whether the cell is that before heating.
    scale_stderr : float
        Relative error [1] that all lengths share; 0 where none is stated.
    """
    at_start_of_heating = before and not frames.on_hold
    where = "first frames (no hold before heating)" if at_start_of_heating else "reference frames"
    parts = [f"{cell.frames} {where}, brought to {frames.temperature:.1f} degC"]
    if cell.scatter > SCATTERED:
        times = np.sqrt(cell.scatter)
        parts.append(f"frames scatter {times:.1f} times their esds, which the error includes")
    if scale_stderr == 0:
        parts.append("the wavelength has no stated error")
    return "; ".join(parts)


def describe_return(found: VolumeReturn, options: Stability) -> str:
    """Return the reason of the change of a volume [percent]."""
    match found.verdict:
        case Verdict.NOT_MEASURED if not found.cooled:
            return "the series has no cooling"
        case Verdict.NOT_MEASURED:
            return "no frame near the starting temperature after cooling"
        case Verdict.GONE:
            return "the phase is not there after cooling"
        case _:
            return (
                f"tolerance {options.cell_tolerance:g} %; largest change of the cell: "
                f"{found.largest_axis} by {found.largest_change:+.3f} %"
            )


def describe_expansion(found: MeanExpansion, published: PublishedExpansion | None) -> str:
    """Return the reason of a mean linear expansion: range [degC], frames, and the published
    value [1/K].

    Parameters
    ----------
    found : MeanExpansion
    published : PublishedExpansion or None
        None where the phases file has no value.

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
    initial = history.initial
    # What came and went stands before what returned: the reader looks for the reaction first.
    parts = [
        "no temperatures" if history.highest is None else f"up to {history.highest:.0f} degC",
        "" if history.cooled else "reversibility not measured (no cooling)",
    ]
    parts += [_describe_new(phase, evidence) for phase in history.new]
    parts += [
        f"gone: {phase.name}{_describe_change(evidence.changes, phase.name, 'end')}"
        for phase in history.gone
    ]
    parts += [_describe_unexplained(group, evidence) for group in history.unexplained]
    parts += [text for phase in initial for text in _describe_deviation(phase, options)]
    parts += [_describe_open(phase) for phase in initial if phase.is_open(options)]
    parts += [
        f"{phase.name} back within {phase.change_limit:.2g} % (95 %)"
        for phase in initial
        if np.isfinite(phase.change) and not phase.has_changed(options)
    ]
    parts += [
        f"any listed phase above {limit.value:.2g} % ({limit.basis}) would have been seen"
        for limit in evidence.limits
    ]
    return "; ".join(part for part in parts if part)


def _describe_new(phase: PhaseHistory, evidence: Evidence) -> str:
    text = f"new: {phase.name}{_describe_change(evidence.changes, phase.name, 'onset')}"
    lines = evidence.lines.get(phase.name)
    if lines is None:
        return text
    return (
        f"{text}, {lines.seen} of {lines.known} known lines above 5 sigma (best {lines.best:.0f})"
    )


def _describe_unexplained(group: UnexplainedGroup, evidence: Evidence) -> str:
    # A group without a name is described by its verdict: ambiguous, not named.
    is_named = group.verdict == Verdict.NAMED
    what = group.candidate if is_named else group.verdict.replace("_", " ")
    when = _describe_change(evidence.unexplained_changes, group.name, "onset")
    return f"{group.lines:.0f} unexplained lines{when}: {what}"


def _describe_deviation(phase: PhaseHistory, options: Stability) -> list[str]:
    """Return what of a phase has surely not returned."""
    texts = []
    if phase.has_changed_cell(options):
        texts.append(
            f"the cell of {phase.name} is off by {phase.change:+.3f}({phase.change_stderr:.3f}) %"
        )
    if phase.has_lost_intensity(options):
        texts.append(
            f"{phase.name} kept {phase.kept:.0f}({phase.kept_stderr:.0f}) % of its intensity"
        )
    return texts


def _describe_open(phase: PhaseHistory) -> str:
    if not np.isfinite(phase.change):
        return f"the cell of {phase.name} could not be compared"
    size = f"{phase.change:+.3f}({phase.change_stderr:.3f}) %"
    return f"whether the cell of {phase.name} returned is open ({size})"


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
