"""The verdict on a mixture: what became of each phase, and of lines that no phase explains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.conclusion import Conclusion
from ssbchar.hexrd.furnace.segments import SegmentKind
from ssbchar.hexrd.unindexed.identify import FEWEST as LINES_OF_A_GROUP
from ssbchar.hexrd.verdict import sentences
from ssbchar.hexrd.verdict.common_change import CommonChange
from ssbchar.hexrd.verdict.comparison import AT_REST, Compared, Decided, Stretch
from ssbchar.hexrd.verdict.intensity_kept import average_background
from ssbchar.hexrd.verdict.options import Stability
from ssbchar.hexrd.verdict.reference_cells import ReferenceFrames
from ssbchar.typing import Index
from ssbchar.verdict import Verdict

if TYPE_CHECKING:
    import xarray as xr

LINES_OF_A_PHASE = 3
"""Fewer unexplained lines than this are reported but do not make a product."""
FEW = 3
"""Frames at either end, at most, that show a phase where no reference frames are known."""
SHORT = 4
"""Frames of a stretch that is too short to be asked for, where there are longer ones."""
BEST = 3
"""Frames in which a group of unexplained lines is strongest, whose median is its area."""
BEAM = 0.5
"""Share of the background [1] that is left where lines went and the beam did not."""
ONSETS = ("onset_temperature", "onset_frame")
ENDS = ("end_temperature", "end_frame")
LEFTOVERS = "the lines may be no more than strong lines leave over"
"""Why an onset of unexplained lines is doubtful."""


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
    decided: Sequence[Decided] = ()
    """What was compared of it, and the decision on each."""

    @property
    def cell_at_rest(self) -> list[Decided]:
        """Cell parameters and volume after cooling against before heating."""
        return [
            one
            for one in self.decided
            if one.comparison.stretch == AT_REST and one.comparison.quantity != Compared.INTENSITY
        ]

    @property
    def kept_at_rest(self) -> list[Decided]:
        """The intensity after cooling against before heating, at most one."""
        return [
            one
            for one in self.decided
            if one.comparison.stretch == AT_REST and one.comparison.quantity == Compared.INTENSITY
        ]

    @property
    def on_the_way(self) -> list[Decided]:
        """What was compared over heating, holds and cooling."""
        return [one for one in self.decided if one.comparison.stretch != AT_REST]

    @property
    def changed_at_rest(self) -> list[Decided]:
        """What has changed for good, beyond its tolerance."""
        return _select([*self.cell_at_rest, *self.kept_at_rest], Verdict.CHANGED)

    @property
    def changed_on_the_way(self) -> list[Decided]:
        """What changed over heating, holds or cooling, beyond its tolerance.

        A cell that leaves its own expansion may do so for thermal reasons: it stays open.
        """
        return [
            one
            for one in _select(self.on_the_way, Verdict.CHANGED)
            if not (one.comparison.is_against_trend and one.comparison.quantity == Compared.CELL)
        ]

    @property
    def has_returned(self) -> bool:
        """Whether every cell parameter and the intensity are the same within their tolerances."""
        compared = [*self.cell_at_rest, *self.kept_at_rest]
        is_complete = bool(self.cell_at_rest) and bool(self.kept_at_rest)
        return is_complete and len(_select(compared, Verdict.RETAINED)) == len(compared)

    def was_kept(self, stretches: Sequence[str]) -> bool:
        """Return whether cell and intensity stayed the same within their tolerances over every one
        of some stretches (names), a bool."""
        for stretch in stretches:
            own = [one for one in self.on_the_way if one.comparison.stretch == stretch]
            kinds = {one.comparison.quantity for one in own}
            is_complete = kinds == {Compared.CELL, Compared.INTENSITY}
            if not is_complete or len(_select(own, Verdict.RETAINED)) < len(own):
                return False
        return bool(stretches)


def _select(decided: Sequence[Decided], verdict: Verdict) -> list[Decided]:
    """Return the comparisons with a verdict."""
    return [one for one in decided if one.decision.verdict == verdict]


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
    share: float = float("inf")
    """Of the line area [1]; infinite where it was not measured."""

    def is_product(self, options: Stability) -> bool:
        """Return whether the lines are a phase that formed, not what the refinement leaves over
        beside strong lines.

        Named by a candidate, or more than their share of the line area [percent].
        """
        is_named = self.verdict in (Verdict.NAMED, Verdict.AMBIGUOUS)
        return is_named or 100 * self.share > options.unexplained_area


@dataclass(frozen=True, kw_only=True)
class MixtureHistory:
    """Everything the verdict on a mixture rests on."""

    phases: Sequence[PhaseHistory]
    unexplained: Sequence[UnexplainedGroup]
    highest: float | None
    """Highest temperature [degC], None where no temperature is known."""
    lowest: float | None
    frames: int
    """How many frames were refined."""
    at_one_temperature: bool
    """Whether the whole series is."""
    duration: float
    """From the first frame to the last [min], NaN where no times are known."""
    cooled: bool
    """Whether frames near the lowest temperature were measured before heating and after cooling."""
    stretches: Sequence[str]
    """Names of the stretches over which every phase is to be compared."""
    explained_at_first: bool
    """Whether the refinement explains the lines at the start."""
    explained: bool
    """Whether it does so over the whole series and at both ends."""
    explained_share: float
    """Median share of the line area that the refinement explains [1]."""
    beam_stayed: bool
    """Whether something else than the lines of a phase shows that the beam was there at the
    end."""
    common: CommonChange | None = None
    """What all lengths changed by after cooling."""
    transitions: Sequence[Conclusion] = ()
    """Where axes of a phase became equal, or parted."""

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
    first: Index,
    last: Index,
    decided: Sequence[Decided],
) -> PhaseHistory:
    """Return what became of a phase: its presence at both ends, and what was compared of it.

    Parameters
    ----------
    name : str
        The phase.
    lattice : Dataset
        ``lattice.nc``: ``present`` of shape (frame, phase).
    first, last : ndarray of int
        Indices of the frames at either end (`select_ends`).
    decided : sequence of Decided
        Of all phases.
    """
    one = lattice.isel(phase=list(lattice["phase"].values.astype(str)).index(name))
    present = one["present"].values == 1
    return PhaseHistory(
        name=name,
        first=bool(first.size) and bool(np.mean(present[first]) > 0.5),
        last=bool(last.size) and bool(np.mean(present[last]) > 0.5),
        ever=bool(present.sum() >= 2),
        decided=[one for one in decided if one.comparison.phase == name],
    )


def select_ends(
    lattice: xr.Dataset, frames: ReferenceFrames, *, at_one_temperature: bool
) -> tuple[Index, Index]:
    """Return the indices of the frames that stand for the start and the end of a series.

    The reference frames, or without them, and at one temperature, where all frames are at rest, a
    few at either end.

    Parameters
    ----------
    lattice : Dataset
        ``lattice.nc``: ``intensity_stderr`` of shape (frame, phase).
    frames : ReferenceFrames
    at_one_temperature : bool
    """
    is_measured = np.isfinite(lattice["intensity_stderr"].values).any(axis=1)
    measured = np.flatnonzero(is_measured)
    has_before = frames.before.size and not at_one_temperature
    # The two ends of a few frames share none of them.
    few = min(FEW, max(1, measured.size // 2))
    first = frames.before if has_before else measured[:few]
    last = frames.after if frames.after.size else measured[-few:]
    return first, last


def list_asked_stretches(stretches: Sequence[Stretch]) -> list[str]:
    """Return the names of the stretches over which every phase is to be compared: all but the very
    short, where there are longer ones.

    Parameters
    ----------
    stretches : sequence of Stretch
    """
    long = [stretch.name for stretch in stretches if stretch.frames.size >= SHORT]
    return long or [stretch.name for stretch in stretches]


def find_unexplained_groups(
    candidates: Sequence[Conclusion],
    changes: Sequence[Conclusion],
    shares: Mapping[str, float] | None = None,
) -> list[UnexplainedGroup]:
    """Return the groups of peaks that no phase explains and that came during the series, but those
    that were gone before it was heated.

    Parameters
    ----------
    candidates : sequence of Conclusion
        ``candidates.json``: `unexplained_lines` (value: a number of lines [1], a float) and
        `candidate`, the best of a group first.
    changes : sequence of Conclusion
        Onsets and ends [degC] of phases and groups.
    shares : mapping or None
        Group to its share of the line area [1].
    """
    groups = []
    for row in candidates:
        is_new_phase = row.quantity == "unexplained_lines" and row.verdict != Verdict.KNOWN_PHASE
        if not is_new_phase or row.value is None or row.value < LINES_OF_A_PHASE:
            continue
        own = [change for change in changes if change.subject == row.subject]
        onsets = [change for change in own if change.quantity in ONSETS]
        if not any(onset.value is not None for onset in onsets) or _is_gone_before_heating(onsets):
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
            share=(shares or {}).get(row.subject, float("inf")),
        )
        groups.append(group)
    return groups


def _is_gone_before_heating(onsets: Sequence[Conclusion]) -> bool:
    """Return whether a group came and went at rest before the first heating: something lay in the
    beam while the sample was set up. Onsets in the order of their segments."""
    heating = [str(onset.condition).startswith(SegmentKind.HEATING) for onset in onsets]
    if not any(heating):
        return False
    later = onsets[heating.index(True) :]
    return all(onset.value is None and onset.verdict == Verdict.NOT_SEEN for onset in later)


def doubt_leftovers(
    candidates: Sequence[Conclusion], groups: Sequence[UnexplainedGroup], options: Stability
) -> list[Conclusion]:
    """Return the rows with those of when lines came and went `doubtful` where the lines are no
    phase of their own: what a refinement leaves over beside strong lines comes and goes with its
    misfit.

    Parameters
    ----------
    candidates : sequence of Conclusion
        ``candidates.json``.
    groups : sequence of UnexplainedGroup
        From `find_unexplained_groups`.
    options : Stability
        Share of the line area [percent] from which a group is a phase.
    """
    products = {group.name for group in groups if group.is_product(options)}
    leftovers = {
        row.subject for row in candidates if row.quantity == "unexplained_lines"
    } - products
    return [
        replace(
            row, verdict=Verdict.DOUBTFUL, reason="; ".join(filter(None, (row.reason, LEFTOVERS)))
        )
        if row.subject in leftovers
        and row.quantity in (*ONSETS, *ENDS)
        and row.verdict == Verdict.OK
        else row
        for row in candidates
    ]


def measure_group_shares(tracks: xr.Dataset | None) -> dict[str, float]:
    """Return the share of the line area [1] that each group of unexplained lines has where it is
    strongest.

    Parameters
    ----------
    tracks : Dataset or None
        ``tracks.nc``: ``area`` [count degree] of shape (frame, track), ``group`` and
        ``known_intensity``.
    """
    if tracks is None or not tracks.sizes.get("track"):
        return {}
    number = tracks["group"].values
    known = float(np.nansum(tracks["known_intensity"].values))
    groups = [group for group in np.unique(number) if np.sum(number == group) >= LINES_OF_A_GROUP]
    shares = {}
    for place, group in enumerate(groups, start=1):
        area = np.nansum(tracks["area"].values[:, number == group], axis=1)
        best = float(np.median(np.sort(area)[-BEST:]))
        total = known + max(best, 0.0)
        shares[f"unexplained {place}"] = best / total if total > 0 else float("inf")
    return shares


def has_beam(lattice: xr.Dataset, first: Index, last: Index) -> bool:
    """Return whether at least half of the background is left at the end, so that lines that are
    gone did not go with the beam.

    Parameters
    ----------
    lattice : Dataset
        ``lattice.nc``: ``background`` [count] of shape (frame, two_theta).
    first, last : ndarray of int
        Indices of frames.
    """
    if "background" not in lattice or not first.size or not last.size:
        return False
    start, end = (average_background(lattice, part)[0] for part in (first, last))
    return bool(end >= BEAM * start > 0)


def judge_mixture(history: MixtureHistory, options: Stability) -> Verdict:
    """Return the verdict on the mixture.

    `reacts`: an initial phase is gone, beside a product, or after cooling while the beam was there.
    `partly`: a new phase stays (without cooling: came, a phase went through a transition, or is
    gone without a product while the beam was there), or a cell or an intensity has changed beyond
    its tolerance. `reversible`: every cell parameter and
    intensity is, after cooling, the same as before heating within its tolerance. Without cooling,
    where cells and intensities kept to their tolerances: `stable` over time at one temperature,
    long enough to tell, `unchanged` up to the highest.
    `inconclusive`: all else; nothing to compare with, no initial phase, a refinement that does not
    explain the lines, limits that are too wide.

    Parameters
    ----------
    history : MixtureHistory
    options : Stability
        Tolerances [percent].

    Returns
    -------
    Verdict
        A str.
    """
    initial = history.initial
    if not initial or history.highest is None or history.frames < 2:
        return Verdict.INCONCLUSIVE
    if not history.explained_at_first:
        return Verdict.INCONCLUSIVE
    products = [group for group in history.unexplained if group.is_product(options)]
    if history.gone:
        return _judge_loss(history, has_product=bool(history.new or products))
    stays = [phase for phase in history.new if phase.last]
    stays_unexplained = [group for group in products if group.stays]
    if stays or stays_unexplained:
        return Verdict.PARTLY
    if not history.explained:
        return Verdict.INCONCLUSIVE
    if history.cooled:
        if any(phase.changed_at_rest for phase in initial):
            return Verdict.PARTLY
        returned = all(phase.has_returned for phase in initial)
        return Verdict.REVERSIBLE if returned else Verdict.INCONCLUSIVE
    # Without cooling nobody knows whether what came and went would have come back.
    came_and_went = bool(history.new or products or history.transitions)
    if came_and_went or any(phase.changed_on_the_way for phase in initial):
        return Verdict.PARTLY
    if not all(phase.was_kept(history.stretches) for phase in initial):
        return Verdict.INCONCLUSIVE
    if not history.at_one_temperature:
        return Verdict.UNCHANGED
    # Repeated exposures of one specimen show that the exposure is repeated.
    is_long = history.duration >= options.shortest
    return Verdict.STABLE if is_long else Verdict.INCONCLUSIVE


def _judge_loss(history: MixtureHistory, *, has_product: bool) -> Verdict:
    """Return the verdict where an initial phase is gone at the end.

    A phase that is gone while hot, without a product, may have melted, and may come back.
    """
    if has_product:
        return Verdict.REACTS
    has_stayed = history.beam_stayed or len(history.gone) < len(history.initial)
    if not has_stayed:
        return Verdict.INCONCLUSIVE
    return Verdict.REACTS if history.cooled else Verdict.PARTLY


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
