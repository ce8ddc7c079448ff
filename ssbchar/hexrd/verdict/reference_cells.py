"""Reference cells, before and after the programme: means over frames, brought to one
temperature."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ssbchar.crystal.cell import volume_from_cell
from ssbchar.hexrd.expansion import cell_parameters, tensor
from ssbchar.hexrd.expansion.dataset import AXES
from ssbchar.hexrd.furnace.segments import SegmentKind, has_cooling
from ssbchar.hexrd.verdict import trend
from ssbchar.hexrd.verdict.common_change import POWER_OF_LENGTH, RECTANGULAR
from ssbchar.hexrd.verdict.comparison import read_times
from ssbchar.hexrd.verdict.options import Stability
from ssbchar.statistics import chi_square_from_probability, student_t_from_probability
from ssbchar.typing import Array, Bool
from ssbchar.uncertain import average_by_weight

if TYPE_CHECKING:
    import xarray as xr

FEW = 8
"""Frames used at most where the programme starts (or ends) without a hold."""
FEW_WITHOUT_TEMPERATURE = 3
"""Frames used at most where no temperature is known."""
FEWEST_FOR_DRIFT = 4
"""Frames at rest from which a drift is told from scatter."""
RARE = 1e-3
"""Probability by chance below which frames at rest drift, over all quantities of a cell."""
VERY_RARE = 1e-4
"""Probability by chance below which frames at rest scatter beyond their errors."""
LARGEST_SCATTER = 9.0
"""Reduced chi-square up to which the mean's error holds the scatter, however improbable it is:
stated errors are seldom right to a factor of three."""
STEP = 1e-5
"""Step of cell parameters [angstrom, degree] for numerical derivatives."""


@dataclass(frozen=True, kw_only=True)
class RefinedSeries:
    """A heating series as refined: what the verdict is drawn from."""

    lattice: xr.Dataset
    """``lattice.nc``"""
    furnace: xr.Dataset
    """``furnace.nc``"""
    expansion: xr.Dataset
    """``expansion.nc``"""
    displacement: float = 0.0
    """Relative error [1] of lengths of a sample that may have moved along the beam."""
    length_scale_stderr: float | None = None
    """Relative error [1] that all lengths share (wavelength, detector distance); None takes that of
    ``lattice.nc``."""


@dataclass(frozen=True, kw_only=True)
class ReferenceFrames:
    """Frames before heating and after cooling, and the temperature their cells are brought to."""

    before: NDArray[np.intp]
    """Indices of frames."""
    after: NDArray[np.intp]
    temperature: float
    """[degC]"""
    on_hold: bool
    """Whether the frames before were taken on a hold, not on the first part of the heating."""


@dataclass(frozen=True, kw_only=True)
class ReferenceCell:
    """A phase before heating or after cooling; arrays hold a, b, c [angstrom], alpha, beta, gamma
    [degree] and the volume [angstrom^3], shape (7,)."""

    value: Array
    stderr: Array
    common: Array
    """Part of the standard error that all frames of the series share."""
    systematic: Array
    frames: int
    """How many frames the mean is over."""
    scatter: float
    """Largest reduced chi-square [1] of the frames about their mean."""
    drift: Array = field(default_factory=lambda: np.zeros(len(AXES)))
    """Change over the frames where it is beyond chance, else 0, shape (7,)."""
    is_scattered: bool = False
    """Whether the frames scatter about their mean so that they are not one cell."""
    is_fitted: bool = True
    """Whether the refinement explains the lines of the frames."""
    is_one: bool = True
    """Whether no frame shows two cells of the phase."""

    @property
    def is_drifting(self) -> bool:
        """Whether the cell changed over the frames by more than its own errors, so that it is not
        one cell."""
        # The systematic holds the drift itself, at less than a third of it.
        told = np.hypot(self.stderr, self.systematic)
        return bool(np.any(np.abs(self.drift) / 2 > told))

    @property
    def own_relative_stderr(self) -> Array:
        """Standard error over value [1], without what all frames share, shape (7,)."""
        own = np.sqrt(np.maximum(self.stderr**2 - self.common**2, 0))
        return np.asarray(own / self.value)


@dataclass(frozen=True, kw_only=True)
class CellChange:
    """Relative change of a, b, c, alpha, beta, gamma and volume, shape (7,) [1]."""

    value: Array
    stderr: Array
    drift: Array
    """Error of both cells that drifted while they were measured."""


def select_reference_frames(
    furnace: xr.Dataset, options: Stability, misfit: Bool | None = None
) -> ReferenceFrames:
    """Return the frames before heating and after cooling, and their common temperature.

    Both are within `options.rest_above` of the lowest temperature, and where any frame there
    changes slower than `options.rest_rate`, only such frames. Frames whose lines the refinement
    does not explain are left out where others are there.

    Parameters
    ----------
    furnace : Dataset
        ``furnace.nc``: ``temperature`` [degC], ``rate`` [K/min] and ``segment`` of shape (frames,).
    options : Stability
        Limits of rate [K/min] and temperature [K].
    misfit : ndarray of bool, shape (frames,), or None
        Frames whose lines the refinement does not explain.
    """
    temperature = furnace["temperature"].values.astype(float)
    rate = np.abs(np.nan_to_num(furnace["rate"].values.astype(float)))
    known = np.flatnonzero(np.isfinite(temperature))
    none = np.array([], dtype=np.intp)
    if known.size == 0:
        # a cell needs no temperature; whether the frames are one cell their scatter says
        first = np.arange(min(temperature.size, FEW_WITHOUT_TEMPERATURE))
        if misfit is not None:
            first = _leave_out(first, misfit)
        return ReferenceFrames(before=first, after=none, temperature=float("nan"), on_hold=False)
    # The lowest temperature, not the first: a series may begin warm and end cold.
    lowest = float(temperature[known].min())
    is_cold = temperature[known] <= lowest + options.rest_above
    warm = np.flatnonzero(~is_cold)
    first = known[: warm[0]] if warm.size else known
    last = known[warm[-1] + 1 :] if warm.size and has_cooling(furnace) else none
    slow_first = first[rate[first] <= options.rest_rate]
    slow_last = last[rate[last] <= options.rest_rate]
    on_hold = slow_first.size > 0
    before = slow_first if on_hold else first[:FEW]
    after = slow_last if slow_last.size else last
    after = after[-max(FEW, slow_last.size) :]
    if misfit is not None:
        before, after = _leave_out(before, misfit), _leave_out(after, misfit)
    return ReferenceFrames(
        before=before,
        after=after,
        temperature=float(np.median(temperature[before])) if before.size else lowest,
        on_hold=on_hold,
    )


def _leave_out(frames: NDArray[np.intp], misfit: Bool) -> NDArray[np.intp]:
    """Return the frames that are no misfit, all where every one is."""
    fitted = frames[~misfit[frames]]
    return fitted if fitted.size else frames


def average_reference_cell(
    series: RefinedSeries,
    phase: int,
    *,
    frames: NDArray[np.intp],
    temperature: float,
    segment: SegmentKind,
) -> ReferenceCell | None:
    """Return a phase's mean cell over frames, at one temperature; None where it was not there.

    Each frame's cell is moved to `temperature` by the expansion curve of `segment`; its error holds
    that of its temperature. Systematic are the temperature scale, through the same curve, and the
    wavelength.

    Parameters
    ----------
    series : RefinedSeries
    phase : int
        Place of the phase.
    frames : ndarray of int, shape (n,)
        Indices of the frames to average.
    temperature : float
        [degC]
    segment : SegmentKind
        Whose expansion curve is used, where it was fitted.
    """
    lattice, furnace = series.lattice, series.furnace
    if not frames.size:
        return None
    # without a reference temperature no cell is moved, and none needs its own
    has_temperature = bool(np.isfinite(temperature))
    good = frames[
        cell_parameters.select_usable(
            lattice,
            furnace,
            phase,
            frames=frames,
            significance=0.0,
            temperature_needed=has_temperature,
        )
    ]
    if good.size == 0:
        return None
    cell = lattice["cell"].values[good, phase]
    values = append_volume(cell)
    stderr, common = propagate_to_volume(lattice, phase, good, cell)
    # Frames differ by tens of kelvin: without this the mean would depend on which were usable.
    slope = np.zeros(len(AXES))
    excess = np.zeros((good.size, 1))
    if has_temperature:
        slope = find_slope(series.expansion, phase, segment, temperature)
        excess = (furnace["temperature"].values[good] - temperature)[:, None]
    temperature_stderr = np.nan_to_num(furnace["temperature_stderr"].values[good])[:, None]
    moved = values - slope * excess
    error = np.hypot(stderr, slope * temperature_stderr)
    mean, sigma, scatter = values[0].copy(), np.zeros(len(AXES)), np.ones(len(AXES))
    drift = np.zeros(len(AXES))
    measured = np.flatnonzero(np.all(error > 0, axis=0))
    time = read_times(furnace)[good]
    for i in measured:
        # What symmetry fixes has no error and needs no mean.
        mean[i], sigma[i], scatter[i] = average_by_weight(moved[:, i], error[:, i])
        drift[i] = _find_drift(time, moved[:, i], error[:, i], tests=measured.size)
    shift = float(np.mean(np.nan_to_num(furnace["temperature_systematic"].values[good])))
    # A wrong wavelength scales lengths alike, leaves angles, and triples in the volume.
    stated = series.length_scale_stderr
    scale = read_length_scale_stderr(lattice) if stated is None else stated
    scale = float(np.hypot(scale, series.displacement))
    relative = scale * POWER_OF_LENGTH
    return ReferenceCell(
        value=mean,
        stderr=np.hypot(sigma, common),
        common=common,
        systematic=np.hypot(np.hypot(slope * shift, relative * mean), RECTANGULAR * drift / 2),
        frames=int(good.size),
        scatter=float(scatter.max()),
        drift=drift,
        is_scattered=_is_scattered(float(scatter.max()), int(good.size), measured.size),
    )


def _find_drift(time: Array, values: Array, stderr: Array, *, tests: int) -> float:
    """Return how much values changed over the frames where chance does not explain it, else 0."""
    if time.size < FEWEST_FOR_DRIFT:
        return 0.0
    found = trend.measure_drift(time, values, stderr)
    if found is None:
        return 0.0
    limit = student_t_from_probability(1 - RARE / 2 / tests, time.size - 2)
    return found.value if abs(found.value) > limit * found.stderr else 0.0


def _is_scattered(chi2: float, frames: int, tests: int) -> bool:
    """Return whether frames scatter about their mean beyond what their errors may be wrong by."""
    if frames < 2:
        return False
    likely = chi_square_from_probability(1 - VERY_RARE / max(tests, 1), frames - 1) / (frames - 1)
    return chi2 > max(LARGEST_SCATTER, likely)


def append_volume(cell: Array) -> Array:
    """Return a, b, c, alpha, beta, gamma and the volume (n, 7) of cells (n, 6)."""
    return np.concatenate([cell, volume_from_cell(cell)[:, None]], axis=1)


def propagate_to_volume(
    lattice: xr.Dataset,
    phase: int,
    frames: NDArray[np.intp],
    cell: Array,
) -> tuple[Array, Array]:
    """Return the standard errors (n, 7) of cells and volumes that are each frame's own, and those
    (7,) that all share."""
    # Covariances, not errors: a, b, c and angles are correlated in the volume.
    own, shared = cell_parameters.split_covariance(lattice, frames, phase)
    turn = tensor.differentiate(append_volume, cell, np.full_like(cell, STEP))
    variance = np.einsum("tai,tij,taj->ta", turn, np.nan_to_num(own), turn)
    common = np.abs(np.einsum("tai,ti->ta", turn, shared)).mean(axis=0)
    return np.sqrt(np.maximum(variance, 0)), common


def compare_cells(before: ReferenceCell, after: ReferenceCell) -> CellChange:
    """Return after / before - 1 [1] of every quantity, shape (7,); errors that both share
    cancel."""
    # Wavelength and zero move both cells alike: only what is each one's own is left.
    ratio = after.value / before.value
    error = np.hypot(before.own_relative_stderr, after.own_relative_stderr)
    drift = RECTANGULAR * np.hypot(before.drift / before.value, after.drift / after.value) / 2
    return CellChange(
        value=ratio - 1,
        stderr=np.abs(ratio) * error,
        drift=np.abs(ratio) * drift,
    )


def read_length_scale_stderr(lattice: xr.Dataset) -> float:
    """Return the relative error [1] that all lengths share (wavelength, detector distance), a
    float; zero where none is stated."""
    value = float(lattice.attrs.get("length_scale_stderr", 0.0))
    return value if np.isfinite(value) else 0.0


def find_slope(
    expansion: xr.Dataset,
    phase: int,
    segment: SegmentKind,
    temperature: float,
) -> Array:
    """Return the rate of change per K of every quantity (7,) at a temperature [degC]; zero where no
    curve was fitted.

    The curve of another segment is better than none.
    """
    names = [str(name) for name in expansion["segment"].values]
    grid = expansion["temperature"].values
    for name in sorted(names, key=lambda name: name != segment):
        curve = expansion["cell"].values[phase, names.index(name)]
        inside = np.flatnonzero(np.isfinite(curve[0]))
        if inside.size >= 2:
            rates = np.gradient(curve[:, inside], grid[inside], axis=1)
            nearest = int(np.argmin(np.abs(grid[inside] - temperature)))
            return np.asarray(rates[:, nearest])
    return np.zeros(len(AXES))
