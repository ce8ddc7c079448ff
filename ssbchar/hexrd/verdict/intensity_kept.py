"""Whether a phase kept its intensity: over heating and cooling against its own smooth trend, over a
hold, and after cooling against before heating."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.decision import Estimate
from ssbchar.hexrd.furnace.segments import SegmentKind
from ssbchar.hexrd.verdict import sentences, trend
from ssbchar.hexrd.verdict.common_change import RECTANGULAR, SURELY, BeamPath
from ssbchar.hexrd.verdict.comparison import (
    AT_REST,
    Compared,
    Comparison,
    Stretch,
    read_times,
)
from ssbchar.hexrd.verdict.line_area import ExplainedArea
from ssbchar.hexrd.verdict.options import Stability
from ssbchar.hexrd.verdict.reference_cells import ReferenceFrames, RefinedSeries
from ssbchar.storage import row_file
from ssbchar.storage.lazy_rows import RowReader
from ssbchar.typing import Array, Index
from ssbchar.uncertain import average_by_weight

if TYPE_CHECKING:
    import xarray as xr

ALIKE = 5
"""Phases have lost alike where they differ from their mean by less than a fifth of it."""
KEPT = 100.0
"""What stands for all of the intensity [percent]."""
GAIN = ""
"""Name under which the background stands among the phases."""
MOST_ABSENT = 0.2
"""Share of a stretch's frames that may lack a phase by chance [1]."""
UNKNOWN_SCATTER = 0.02
"""Relative error [1] of the background of a single frame: monitors are no better."""


@dataclass(frozen=True, kw_only=True)
class IntensityChange:
    """Logarithm of the intensity at the end over that at the beginning, of one phase."""

    phase: str
    value: float
    """[1]"""
    stderr: float
    systematic: float
    """Of the trend, one standard deviation of the ratio [1]."""
    basis: str
    dof: float = np.inf


def compare_intensities(
    series: RefinedSeries,
    phases: Sequence[str],
    frames: ReferenceFrames,
    *,
    stretches: Sequence[Stretch],
    explained: ExplainedArea,
    path: BeamPath,
    options: Stability,
    parted: Collection[str] = (),
) -> list[Comparison]:
    """Return the comparisons of the intensities of phases with themselves [percent].

    What all phases share (the beam, the monitor, the sample in the beam) is no change of any of
    them: the change of the phase that changed least is a limit of the others' systematic, and with
    one phase its own. An internal standard counts among the phases; so does a background that rises
    where lines weaken, which no gain does.

    Parameters
    ----------
    series : RefinedSeries
    phases : sequence of str
        Those there at the start.
    frames : ReferenceFrames
        Before heating and after cooling.
    stretches : sequence of Stretch
    explained : ExplainedArea
        Frames whose lines the refinement does not explain are left out.
    path : BeamPath
        The internal standard, where there is one.
    options : Stability
        Tolerance of the intensity [percent].
    parted : collection of str
        Phases whose lines are those of two cells at one end: whose intensity it is, is open.
    """
    found: list[Comparison] = []
    names = [*phases, *([path.standard] if path.standard else [])]
    for stretch in stretches:
        changes = [
            change
            for name in names
            if (change := measure_over_stretch(series, name, stretch, explained)) is not None
        ]
        if stretch.kind == SegmentKind.HOLD:
            rise = measure_background_rise(series.lattice, stretch.frames, stretch.frames)
            changes += [] if rise is None else [rise]
        is_trend = stretch.kind != SegmentKind.HOLD
        found += _build_comparisons(changes, stretch.name, path, options, is_trend=is_trend)
    if frames.before.size and frames.after.size:
        changes = [
            change
            for name in names
            if name not in parted
            and (change := measure_at_rest(series, name, frames, explained)) is not None
        ]
        rise = measure_background_rise(series.lattice, frames.before, frames.after)
        changes += [] if rise is None else [rise]
        found += _build_comparisons(changes, AT_REST, path, options)
    return found


def _build_comparisons(
    changes: Sequence[IntensityChange],
    stretch: str,
    path: BeamPath,
    options: Stability,
    *,
    is_trend: bool = False,
) -> list[Comparison]:
    """Return the comparisons of one stretch, each with what all phases share in its systematic."""
    shared = find_shared_change(_drop_doubtful_background(changes))
    return [
        Comparison(
            phase=change.phase,
            quantity=Compared.INTENSITY,
            stretch=stretch,
            axis="",
            estimate=_build_estimate(change, shared),
            bound=options.intensity_tolerance,
            reference=KEPT,
            unit="percent",
            basis=sentences.describe_shared_intensity(change.basis, shared, len(changes)),
            method=sentences.KEPT_METHOD,
            is_against_trend=is_trend,
        )
        for change in changes
        if change.phase not in (GAIN, path.standard)
    ]


def _drop_doubtful_background(changes: Sequence[IntensityChange]) -> list[IntensityChange]:
    """Return the changes without that of the background where several phases have lost alike: a
    beam that weakens beside a detector's dark counts, fluorescence or the furnace's own light does
    the same."""
    phases = [change for change in changes if change.phase != GAIN]
    if len(phases) < 2:
        return list(changes)
    middle = float(np.mean([change.value for change in phases]))
    alike = all(
        abs(change.value - middle)
        <= SURELY * np.hypot(change.stderr, change.systematic) + abs(middle) / ALIKE
        for change in phases
    )
    return phases if alike else list(changes)


def _build_estimate(change: IntensityChange, shared: float) -> Estimate:
    """Return the intensity kept [percent]; without what may be shared it would be kept / exp
    (shared), and anything between is possible."""
    kept = KEPT * float(np.exp(change.value))
    common = RECTANGULAR * abs(kept - kept * float(np.exp(-shared)))
    return Estimate(
        value=kept,
        stderr=kept * change.stderr,
        systematic=float(np.hypot(KEPT * change.systematic, common)),
        dof=change.dof,
    )


def find_shared_change(changes: Sequence[IntensityChange]) -> float:
    """Return the logarithm [1] of the factor that all phases may share: that of the phase that
    changed least.

    Parameters
    ----------
    changes : sequence of IntensityChange
    """
    if not changes:
        return 0.0
    return min(changes, key=lambda one: abs(one.value) + SURELY * one.stderr).value


def measure_over_stretch(
    series: RefinedSeries,
    phase: str,
    stretch: Stretch,
    explained: ExplainedArea,
) -> IntensityChange | None:
    """Return how much intensity a phase has at the end of a stretch over that at its beginning,
    less what its own trend explains [1]. None where too few frames show it, or where it is gone.

    Thermal motion weakens lines smoothly: the logarithm of the intensity falls about linearly with
    temperature (Debye and Waller). Without cooling nobody knows what of the trend itself is a loss:
    the value is the middle between all of it and nothing, and the systematic reaches both.

    Parameters
    ----------
    series : RefinedSeries
        Intensities [count degree], temperatures [degC].
    phase : str
    stretch : Stretch
    explained : ExplainedArea
    """
    lattice, furnace = series.lattice, series.furnace
    one = lattice.isel(phase=list(lattice["phase"].values.astype(str)).index(phase))
    intensity, stderr = one["intensity"].values, one["intensity_stderr"].values
    frames = stretch.frames[~explained.misfit[stretch.frames]]
    is_there = (one["present"].values == 1) & (intensity > 0) & (stderr > 0)
    used = frames[is_there[frames]]
    # A phase that is gone at either end, or for a while, was not kept by frames that show it.
    is_gone = (one["present"].values == 0)[frames]
    ends = is_gone[: trend.LAST].all() or is_gone[-trend.LAST :].all()
    if is_gone.size and (ends or is_gone.mean() > MOST_ABSENT):
        return None
    log, log_stderr = np.log(intensity[used]), stderr[used] / intensity[used]
    if stretch.kind == SegmentKind.HOLD:
        drift = trend.measure_drift(read_times(furnace)[used], log, log_stderr)
        if drift is None:
            return None
        return IntensityChange(
            phase=phase,
            value=drift.value,
            stderr=drift.stderr,
            systematic=drift.form,
            basis=sentences.describe_drift(drift, furnace, used),
            dof=drift.dof,
        )
    temperature = furnace["temperature"].values.astype(float)[used]
    departure = trend.measure_departure(temperature, log, log_stderr, order=1)
    if departure is None:
        return None
    # Between all of the trend being thermal and none of it anything is possible.
    with_trend, plain = float(np.exp(departure.value)), float(np.exp(departure.plain))
    middle, half_width = (with_trend + plain) / 2, abs(with_trend - plain) / 2
    return IntensityChange(
        phase=phase,
        value=float(np.log(middle)),
        stderr=departure.stderr,
        systematic=float(np.hypot(with_trend * departure.form, RECTANGULAR * half_width)),
        basis=sentences.describe_departure(departure, furnace, used),
    )


def measure_at_rest(
    series: RefinedSeries,
    phase: str,
    frames: ReferenceFrames,
    explained: ExplainedArea,
) -> IntensityChange | None:
    """Return how much intensity [1] a phase has after cooling over that before heating, None where
    it was not measured; a phase that is gone has what the noise gives it.

    Parameters
    ----------
    series : RefinedSeries
    phase : str
    frames : ReferenceFrames
    explained : ExplainedArea
    """
    one = series.lattice.isel(phase=list(series.lattice["phase"].values.astype(str)).index(phase))
    intensity, stderr = one["intensity"].values, one["intensity_stderr"].values
    means = []
    for chosen in (frames.before, frames.after):
        good = chosen[np.isfinite(intensity[chosen]) & (stderr[chosen] > 0)]
        good = good[~explained.misfit[good]]
        if not good.size:
            return None
        means.append(average_by_weight(intensity[good], stderr[good])[:2])
    (before, before_stderr), (after, after_stderr) = means
    if not before > 0:
        return None
    # An intensity that is gone has no logarithm: what is left is at most what the noise hides.
    floor = max(after, SURELY * after_stderr)
    return IntensityChange(
        phase=phase,
        value=float(np.log(floor / before)),
        stderr=float(np.hypot(after_stderr / floor, before_stderr / before)),
        systematic=0.0,
        basis=sentences.describe_rest(frames),
    )


def measure_background_rise(
    lattice: xr.Dataset, before: Index, after: Index
) -> IntensityChange | None:
    """Return by how much the background has risen between frames [1], None where it has not.

    A beam that weakens, or a sample that leaves it, takes background with it; what becomes
    amorphous gives to it. Of a single stretch the first and the last third are compared.

    Parameters
    ----------
    lattice : Dataset
        ``lattice.nc``: ``background`` [count] of shape (frame, two_theta).
    before, after : ndarray of int
        Indices of frames; the same for a single stretch.
    """
    if "background" not in lattice:
        return None
    if np.array_equal(before, after):
        third = max(1, before.size // 3)
        before, after = before[:third], after[-third:]
    levels = [average_background(lattice, frames) for frames in (before, after)]
    (first, first_stderr), (last, last_stderr) = levels
    if not first > 0 or not last > 0:
        return None
    value = float(np.log(last / first))
    stderr = float(np.hypot(first_stderr / first, last_stderr / last))
    if not value > SURELY * stderr:
        return None
    return IntensityChange(phase=GAIN, value=value, stderr=stderr, systematic=0.0, basis="")


def average_background(lattice: xr.Dataset, frames: Index) -> tuple[float, float]:
    """Return the mean of the background over frames [count], and its standard error from their
    scatter.

    Parameters
    ----------
    lattice : Dataset
        ``lattice.nc``: ``background`` [count] of shape (frame, two_theta).
    frames : ndarray of int
        Indices of frames.
    """
    reader = RowReader(lattice["background"])
    levels: list[float] = []
    for part in row_file.split_rows((frames.size, *lattice["background"].shape[1:])):
        levels += np.nanmean(reader[np.sort(frames)[part]].astype(float), axis=1).tolist()
    known: Array = np.array([level for level in levels if np.isfinite(level)])
    if not known.size:
        return float("nan"), float("nan")
    scatter = float(np.std(known, ddof=1)) if known.size > 1 else UNKNOWN_SCATTER * float(known[0])
    return float(known.mean()), scatter / float(np.sqrt(known.size))
