"""The verdict on a mixture: what became of each phase, and of lines that no phase explains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.conclusion import Conclusion
from ssbchar.hexrd.expansion.dataset import VOLUME
from ssbchar.hexrd.furnace.segments import has_cooling
from ssbchar.hexrd.verdict import sentences
from ssbchar.hexrd.verdict.options import Stability
from ssbchar.hexrd.verdict.reference_cells import ReferenceCell, ReferenceFrames, compare_cells
from ssbchar.statistics import ROUNDED_Z95
from ssbchar.verdict import Verdict

if TYPE_CHECKING:
    import xarray as xr

LINES_OF_A_PHASE = 3
"""Fewer unexplained lines than this are reported but do not make a product."""
SIZES = np.array([0, 1, 2, VOLUME])
"""Places of a, b, c and volume among the quantities of a cell: angles do not count as a change."""
FEW = 3
"""Frames at either end that show a phase where no reference frames are known."""
ONSETS = ("onset_temperature", "onset_frame")
ENDS = ("end_temperature", "end_frame")


@dataclass(frozen=True, kw_only=True)
class PhaseHistory:
    """What became of one phase."""

    name: str
    first: bool
    """There at the start."""
    last: bool
    """There at the end of what was measured."""
    ever: bool
    """There in at least two frames."""
    change: float
    """Largest relative change of a cell length or of the volume, after / before - 1 [percent]; NaN
    not measured."""
    change_stderr: float
    kept: float
    """Intensity after over before [percent]; NaN not measured."""
    kept_stderr: float

    @property
    def change_limit(self) -> float:
        """What the change [percent] is below, with 95 % confidence, a float."""
        return abs(self.change) + ROUNDED_Z95 * self.change_stderr

    def has_changed_cell(self, options: Stability) -> bool:
        """Return whether the cell surely differs by more than its tolerance [percent]."""
        return abs(self.change) - ROUNDED_Z95 * self.change_stderr > options.cell_tolerance

    def has_lost_intensity(self, options: Stability) -> bool:
        """Return whether intensity was surely lost, beyond its tolerance [percent]."""
        return self.kept + ROUNDED_Z95 * self.kept_stderr < 100 - options.intensity_tolerance

    def has_changed(self, options: Stability) -> bool:
        """Return whether cell or intensity have surely not returned within their tolerances
        [percent]."""
        return self.has_changed_cell(options) or self.has_lost_intensity(options)

    def is_open(self, options: Stability) -> bool:
        """Return whether it stays unknown if the cell returned within its tolerance [percent]."""
        if not self.last:
            return False
        if not np.isfinite(self.change):
            return True
        # Neither surely within the tolerance nor surely beyond it.
        return self.change_limit > options.cell_tolerance and not self.has_changed(options)


@dataclass(frozen=True, kw_only=True)
class UnexplainedGroup:
    """Peaks of no listed phase that came together."""

    name: str
    lines: float
    """How many lines."""
    verdict: str
    """Whether a candidate names them."""
    candidate: str
    """The best candidate, empty where there is none."""
    stays: bool
    """Whether they are there at the end."""


@dataclass(frozen=True, kw_only=True)
class MixtureHistory:
    """Everything the verdict on a mixture rests on."""

    phases: Sequence[PhaseHistory]
    unexplained: Sequence[UnexplainedGroup]
    highest: float | None
    """Highest temperature [degC], None where no temperature is known."""
    cooled: bool
    """Whether cooling was measured."""

    @property
    def initial(self) -> list[PhaseHistory]:
        """Phases there at the start."""
        return [phase for phase in self.phases if phase.first]

    @property
    def gone(self) -> list[PhaseHistory]:
        """Phases there at the start and not at the end."""
        return [phase for phase in self.initial if not phase.last]

    @property
    def new(self) -> list[PhaseHistory]:
        """Phases that came."""
        return [phase for phase in self.phases if phase.ever and not phase.first]


def describe_history(
    name: str,
    lattice: xr.Dataset,
    frames: ReferenceFrames,
    before: ReferenceCell | None,
    after: ReferenceCell | None,
) -> PhaseHistory:
    """Return what became of a phase, from its presence at both ends and its reference cells and
    intensities.

    Parameters
    ----------
    name : str
        The phase.
    lattice : Dataset
        ``lattice.nc``: ``present`` and ``intensity_stderr`` [counts] of shape (frame, phase).
    frames : ReferenceFrames
    before, after : ReferenceCell or None
        Before heating and after cooling; None where the phase was not there.
    """
    one = lattice.isel(phase=list(lattice["phase"].values.astype(str)).index(name))
    present = one["present"].values == 1
    measured = np.flatnonzero(np.isfinite(one["intensity_stderr"].values))
    # Without temperatures the ends of the series stand for the reference frames.
    first = frames.before if frames.before.size else measured[:FEW]
    last = frames.after if frames.after.size else measured[-FEW:]
    change = change_stderr = kept = kept_stderr = float("nan")
    if before is not None and after is not None:
        change, change_stderr = _find_largest_change(before, after)
        kept, kept_stderr = _kept_from_intensities(before, after)
    return PhaseHistory(
        name=name,
        first=bool(first.size) and bool(np.mean(present[first]) > 0.5),
        last=bool(last.size) and bool(np.mean(present[last]) > 0.5),
        ever=bool(present.sum() >= 2),
        change=change,
        change_stderr=change_stderr,
        kept=kept,
        kept_stderr=kept_stderr,
    )


def _find_largest_change(before: ReferenceCell, after: ReferenceCell) -> tuple[float, float]:
    """Return the largest change of a free length or the volume [percent], with its error."""
    # What symmetry fixes cannot change and has no error.
    free = SIZES[before.stderr[SIZES] > 0]
    change = compare_cells(before, after)
    worst = free[int(np.argmax(np.abs(change.value[free])))]
    return 100 * float(change.value[worst]), 100 * float(change.stderr[worst])


def _kept_from_intensities(before: ReferenceCell, after: ReferenceCell) -> tuple[float, float]:
    """Return intensity after over before [percent], with its error."""
    share = after.intensity / before.intensity
    relative = np.hypot(
        after.intensity_stderr / after.intensity,
        before.intensity_stderr / before.intensity,
    )
    return 100 * share, 100 * share * float(relative)


def find_unexplained_groups(
    candidates: Sequence[Conclusion],
    changes: Sequence[Conclusion],
) -> list[UnexplainedGroup]:
    """Return the groups of peaks that no phase explains and that came during the series.

    Parameters
    ----------
    candidates : sequence of Conclusion
        ``candidates.json``: `unexplained_lines` (value: a number of lines [1], a float) and
        `candidate`, the best of a group first.
    changes : sequence of Conclusion
        Onsets and ends [degC] of phases and groups.
    """
    groups = []
    for row in candidates:
        is_new_phase = row.quantity == "unexplained_lines" and row.verdict != Verdict.KNOWN_PHASE
        if not is_new_phase or row.value is None or row.value < LINES_OF_A_PHASE:
            continue
        own = [change for change in changes if change.subject == row.subject]
        if not any(change.quantity in ONSETS and change.value is not None for change in own):
            continue
        ends = [change for change in own if change.quantity in ENDS]
        # Rows of a group's candidates follow it, the best first.
        names = [
            other.subject
            for other in candidates
            if other.quantity == "candidate" and other.condition == row.subject
        ]
        group = UnexplainedGroup(
            name=row.subject,
            lines=float(row.value),
            verdict=row.verdict,
            candidate=names[0] if names else "",
            stays=bool(ends) and ends[-1].verdict == Verdict.STILL_PRESENT,
        )
        groups.append(group)
    return groups


def collect_history(
    phases: Sequence[PhaseHistory],
    unexplained: Sequence[UnexplainedGroup],
    furnace: xr.Dataset,
) -> MixtureHistory:
    """Return everything the verdict rests on.

    Parameters
    ----------
    phases : sequence of PhaseHistory
    unexplained : sequence of UnexplainedGroup
    furnace : Dataset
        ``furnace.nc``: ``temperature`` [degC] and ``segment`` of shape (frames,).
    """
    temperature = furnace["temperature"].values.astype(float)
    known = temperature[np.isfinite(temperature)]
    return MixtureHistory(
        phases=phases,
        unexplained=unexplained,
        highest=float(known.max()) if known.size else None,
        cooled=has_cooling(furnace),
    )


def judge_mixture(history: MixtureHistory, options: Stability) -> Verdict:
    """Return the verdict on the mixture.

    `reacts`: an initial phase is gone at the end. `partly`: the initial phases are there, but a new
    one stays, or a cell or intensity has not returned. `reversible`: all returned after cooling.
    `stable`: nothing came or went up to the highest temperature, and cooling was not measured.
    `inconclusive`: no initial phase, or cells too uncertain.

    Parameters
    ----------
    history : MixtureHistory
    options : Stability
        Tolerances of cells and intensities [percent].

    Returns
    -------
    Verdict
        A str.
    """
    initial = history.initial
    stays = [phase for phase in history.new if phase.last]
    stays_unexplained = [group for group in history.unexplained if group.stays]
    changed = [phase for phase in initial if phase.has_changed(options)]
    if not initial or history.highest is None:
        return Verdict.INCONCLUSIVE
    if history.gone:
        return Verdict.REACTS
    if stays or changed or stays_unexplained:
        return Verdict.PARTLY
    if history.cooled:
        is_open = any(phase.is_open(options) for phase in initial)
        return Verdict.INCONCLUSIVE if is_open else Verdict.REVERSIBLE
    # Without cooling nobody knows whether what came and went would have come back.
    came_and_went = bool(history.new or history.unexplained)
    return Verdict.PARTLY if came_and_went else Verdict.STABLE


def conclude_mixture(
    history: MixtureHistory,
    evidence: sentences.Evidence,
    options: Stability,
) -> Conclusion:
    """Return the row of the mixture: its verdict, and a sentence on each phase [percent, degC].

    Parameters
    ----------
    history : MixtureHistory
    evidence : Evidence
        Rows that the sentences quote.
    options : Stability

    Returns
    -------
    Conclusion
        With a verdict (str) and no value.
    """
    return Conclusion(
        "phase_stability",
        verdict=judge_mixture(history, options),
        reason=sentences.describe_mixture(history, evidence, options),
        method=sentences.MIXTURE_METHOD,
    )
