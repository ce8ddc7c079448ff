"""Whether a phase kept its cell: over a hold, or over time at one temperature; over heating and
cooling against its own thermal expansion; and after cooling against before heating."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.decision import Estimate
from ssbchar.hexrd.expansion import cell_parameters
from ssbchar.hexrd.expansion.dataset import AXES, VOLUME
from ssbchar.hexrd.furnace.segments import SegmentKind
from ssbchar.hexrd.verdict import sentences, trend
from ssbchar.hexrd.verdict.common_change import (
    POWER_OF_LENGTH,
    BeamPath,
    CommonChange,
    PhaseChange,
    find_common_change,
    list_length_changes,
)
from ssbchar.hexrd.verdict.comparison import (
    AT_REST,
    Compared,
    Comparison,
    Stretch,
    read_times,
)
from ssbchar.hexrd.verdict.line_area import ExplainedArea
from ssbchar.hexrd.verdict.options import Stability
from ssbchar.hexrd.verdict.reference_cells import (
    ReferenceCell,
    ReferenceFrames,
    RefinedSeries,
    append_volume,
    compare_cells,
    find_slope,
    propagate_to_volume,
)
from ssbchar.statistics import sigma_from_deviations
from ssbchar.typing import Array, Index

if TYPE_CHECKING:
    import xarray as xr

PERCENT = 100.0
ANGLES = (3, 4, 5)
"""Places of the angles among the quantities of a cell."""
BROADER = 3.0
"""Standard deviations of the frames' breadths from which lines are broader."""
BROADER_RATIO = 1.2
"""Lines are broader where their breadth has grown by so much [1]."""
TOLD_SHARE = 0.1
"""Share of the tolerance from which broader lines are told [1]."""
ORDER = 2
"""Of the polynomial in temperature that a thermal expansion follows."""


@dataclass(frozen=True, kw_only=True)
class StretchChange:
    """Change of every quantity of a cell over a stretch, shape (7,): relative [1]; of angles
    [radian]. NaN where it was not measured."""

    phase: str
    value: Array
    stderr: Array
    form: Array
    """Error of the form of the trend, and of lines that became broader, one standard deviation."""
    dof: Array
    basis: str


def compare_over_stretches(
    series: RefinedSeries,
    phases: Sequence[str],
    stretches: Sequence[Stretch],
    explained: ExplainedArea,
    path: BeamPath,
    options: Stability,
) -> tuple[list[Comparison], dict[str, CommonChange]]:
    """Return the comparisons of the cells of phases with themselves over every stretch [percent;
    angles degree], and what all lengths share over each.

    Over a hold the change from its first to its last frame by a straight line in time, at one
    temperature; over heating and cooling what the end has beyond the expansion of the beginning.

    Parameters
    ----------
    series : RefinedSeries
        Cells [angstrom, degree].
    phases : sequence of str
    stretches : sequence of Stretch
    explained : ExplainedArea
        Frames whose lines the refinement does not explain are left out.
    path : BeamPath
    options : Stability
        Tolerance of the cell [percent].
    """
    found: list[Comparison] = []
    shared: dict[str, CommonChange] = {}
    for stretch in stretches:
        changes = [
            change
            for name in phases
            if (change := measure_stretch(series, name, stretch, explained)) is not None
        ]
        lengths = [list_length_changes(c.phase, c.value, c.stderr) for c in changes]
        common = find_common_change(lengths, path, at_rest=False)
        shared[stretch.name] = common
        for change in changes:
            found += [
                _build_comparison(change, place, stretch, common, options)
                for place in range(len(AXES))
                if np.isfinite(change.value[place]) and change.stderr[place] > 0
            ]
    return found, shared


def _build_comparison(
    change: StretchChange,
    place: int,
    stretch: Stretch,
    common: CommonChange,
    options: Stability,
) -> Comparison:
    """Return the comparison of one quantity of a cell, with what all phases share."""
    # A shear strain of 0.2 % is an angle of 0.002 radian.
    unit, scale = ("degree", np.degrees(1.0)) if place in ANGLES else ("percent", PERCENT)
    systematic = float(np.hypot(change.form[place], common.systematic[place]))
    is_hold = stretch.kind == SegmentKind.HOLD
    return Comparison(
        phase=change.phase,
        quantity=Compared.CELL,
        stretch=stretch.name,
        axis=AXES[place],
        estimate=Estimate(
            value=scale * float(change.value[place]),
            stderr=scale * float(change.stderr[place]),
            systematic=scale * systematic,
            dof=float(change.dof[place]),
        ),
        bound=scale * options.cell_tolerance / PERCENT,
        reference=0.0,
        unit=unit,
        basis=sentences.describe_cell_basis(change.basis, common, options),
        method=sentences.HOLD_METHOD if is_hold else sentences.TREND_METHOD,
        is_against_trend=not is_hold,
    )


def measure_stretch(
    series: RefinedSeries,
    phase: str,
    stretch: Stretch,
    explained: ExplainedArea,
) -> StretchChange | None:
    """Return how a phase's cell changed over a stretch, or departed from its own expansion; None
    where too few frames have it.

    Parameters
    ----------
    series : RefinedSeries
        Cells [angstrom, degree], temperatures [degC].
    phase : str
    stretch : Stretch
    explained : ExplainedArea
    """
    lattice, furnace = series.lattice, series.furnace
    p = list(lattice["phase"].values.astype(str)).index(phase)
    frames = stretch.frames[~explained.misfit[stretch.frames]]
    used = frames[
        cell_parameters.select_usable(lattice, furnace, p, frames=frames, significance=0.0)
    ]
    if used.size < 2:
        return None
    return _measure(series, p, phase, used, is_hold=stretch.kind == SegmentKind.HOLD)


def _measure(
    series: RefinedSeries, p: int, phase: str, used: Index, *, is_hold: bool
) -> StretchChange | None:
    """Return the changes of the free quantities of a cell over some frames."""
    lattice, furnace = series.lattice, series.furnace
    cell = lattice["cell"].values[used, p]
    values = append_volume(cell)
    stderr, _ = propagate_to_volume(lattice, p, used, cell)
    temperature = furnace["temperature"].values.astype(float)[used]
    time = read_times(furnace)[used]
    free = [*cell_parameters.find_free_parameters(cell, stderr[:, :6]).free, VOLUME]
    size = len(AXES)
    found = {name: np.full(size, np.nan) for name in ("value", "stderr", "form")}
    dof, basis = np.full(size, np.inf), ""
    slope = find_slope(series.expansion, p, SegmentKind.HEATING, float(np.median(temperature)))
    wobble = np.nan_to_num(furnace["temperature_stderr"].values[used])
    for place in free:
        unit = np.degrees(1.0) if place in ANGLES else float(np.median(values[:, place]))
        y, error = values[:, place] / unit, stderr[:, place] / unit
        if not np.all(error > 0):
            continue
        if is_hold:
            # A furnace that wanders over the hold moves the cell by its expansion alone.
            rate = slope[place] / unit
            y = y - rate * (temperature - np.median(temperature))
            drift = trend.measure_drift(time, y, np.hypot(error, rate * wobble))
            if drift is None:
                continue
            found["value"][place], found["stderr"][place] = drift.value, drift.stderr
            found["form"][place], dof[place] = drift.form, drift.dof
            basis = sentences.describe_drift(drift, furnace, used)
            continue
        departure = trend.measure_departure(temperature, y, error, order=ORDER)
        if departure is None:
            continue
        found["value"][place], found["stderr"][place] = departure.value, departure.stderr
        found["form"][place] = departure.form
        basis = sentences.describe_departure(departure, furnace, used)
    if not np.isfinite(found["value"]).any():
        return None
    if is_hold:
        third = max(1, used.size // 3)
        hidden = measure_broadening(lattice, p, used[:third], used[-third:])
        # A cell that parts shears by as much: an angle by so many radian.
        found["form"] = np.hypot(found["form"], hidden * np.maximum(POWER_OF_LENGTH, 1))
    return StretchChange(phase=phase, dof=dof, basis=basis, **found)


def measure_broadening(lattice: xr.Dataset, phase: int, before: Index, after: Index) -> float:
    """Return the relative breadth of d [1] by which the lines of a phase became broader between
    frames, a float; 0 where chance explains it.

    Lines of breadth w tan(theta) [radian of 2theta] are those of planes that differ by w / 2. Two
    lines in the place of one are about as broad together as they are apart, beside the root of the
    square of their own breadth.

    Parameters
    ----------
    lattice : Dataset
        ``lattice.nc``: ``strain_width`` [degree] of shape (frame, phase).
    phase : int
    before, after : ndarray of int
        Indices of frames.
    """
    if "strain_width" not in lattice:
        return 0.0
    width = np.radians(lattice["strain_width"].values[:, phase]) / 2
    first, last = (width[frames][np.isfinite(width[frames])] for frames in (before, after))
    if not first.size or not last.size:
        return 0.0
    old, new = float(np.median(first)), float(np.median(last))
    scatter = np.hypot(sigma_from_deviations(first - old), sigma_from_deviations(last - new))
    if new - old <= BROADER * scatter or new < BROADER_RATIO * old:
        return 0.0
    return float(np.sqrt(new**2 - old**2))


def compare_at_rest(
    before: Mapping[str, ReferenceCell],
    after: Mapping[str, ReferenceCell],
    free: Mapping[str, Sequence[int]],
    frames: ReferenceFrames,
    path: BeamPath,
    options: Stability,
    *,
    broadening: Mapping[str, float] | None = None,
) -> tuple[list[Comparison], CommonChange]:
    """Return the comparisons of the cells after cooling with those before heating, and the change
    that all lengths share.

    Parameters
    ----------
    before, after : mapping
        Phase to its cell [angstrom, degree]; only phases in both are compared.
    free : mapping
        Phase to the places of the quantities that symmetry leaves free.
    frames : ReferenceFrames
    path : BeamPath
    options : Stability
        Tolerance of the cell [percent].
    broadening : mapping of str to float, optional
        Phase to the relative breadth of its lines [1] that has come in between: a cell that has
        parted by less, to a lower symmetry say, would not be told from it.
    """
    changes = {name: compare_cells(before[name], after[name]) for name in before if name in after}
    lengths: list[PhaseChange] = [
        list_length_changes(name, change.value, change.stderr) for name, change in changes.items()
    ]
    common = find_common_change(lengths, path, at_rest=True)
    found = []
    for name, change in changes.items():
        basis = sentences.describe_cell_basis(sentences.describe_rest(frames), common, options)
        hidden = (broadening or {}).get(name, 0.0)
        if PERCENT * hidden > TOLD_SHARE * options.cell_tolerance:
            basis += f"; its lines are broader by {PERCENT * hidden:.2g} % of d: it may have parted"
        ends = (before[name], after[name])
        is_usable = all(one.is_fitted and one.is_one for one in ends)
        for place in free[name]:
            # The row of the volume says so itself.
            if not is_usable and place != VOLUME:
                continue
            is_angle = place in ANGLES
            scale = float(before[name].value[place]) if is_angle else PERCENT
            shear = float(np.degrees(options.cell_tolerance / PERCENT))
            geometry = float(np.hypot(change.drift[place], common.systematic[place]))
            # A cell that parts shears by as much: an angle by so many radian.
            by_breadth = np.degrees(hidden) / scale if is_angle else hidden * POWER_OF_LENGTH[place]
            systematic = float(np.hypot(geometry, by_breadth))
            found.append(
                Comparison(
                    phase=name,
                    quantity=Compared.VOLUME if place == VOLUME else Compared.CELL,
                    stretch=AT_REST,
                    axis="" if place == VOLUME else AXES[place],
                    estimate=Estimate(
                        value=scale * float(change.value[place]),
                        stderr=scale * float(change.stderr[place]),
                        systematic=scale * systematic,
                    ),
                    bound=shear if is_angle else options.cell_tolerance,
                    reference=0.0,
                    unit="degree" if is_angle else "percent",
                    basis=basis,
                    method=sentences.RETURN_METHOD,
                )
            )
    return found, common
