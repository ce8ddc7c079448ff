"""Cells at rest, before and after the programme: means over frames, brought to one temperature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ssbchar.crystal.cell import volume_from_cell
from ssbchar.hexrd.expansion import cell_parameters, tensor
from ssbchar.hexrd.verdict.options import Stability
from ssbchar.typing import Array
from ssbchar.uncertain import average_by_weight

if TYPE_CHECKING:
    import xarray as xr

FEW = 8
"""Frames used at most where the programme starts (or ends) without a rest."""


@dataclass(frozen=True)
class ReferenceFrames:
    """Frames at rest and the temperature their cells are brought to."""

    before: NDArray[np.intp]
    after: NDArray[np.intp]
    temperature: float
    """[degC]"""
    still: bool
    """Whether the frames before were at rest, not on the first part of a ramp."""


@dataclass(frozen=True)
class ReferenceCell:
    """A phase at rest: a, b, c, alpha, beta, gamma, volume with errors, and its intensity."""

    value: Array
    stderr: Array
    common: Array
    """Part of the standard error that all frames of the series share."""
    systematic: Array
    frames: int
    scatter: float
    """Largest reduced chi-square of the frames about their mean."""
    intensity: tuple[float, float]
    """Mean and standard error."""


def select_reference_frames(furnace: xr.Dataset, options: Stability) -> ReferenceFrames:
    """Return the frames at rest before heating and after cooling, and their common temperature."""
    temperature = furnace["temperature"].values.astype(float)
    rate = np.abs(np.nan_to_num(furnace["rate"].values.astype(float)))
    known = np.flatnonzero(np.isfinite(temperature))
    none = np.array([], dtype=np.intp)
    if known.size == 0:
        return ReferenceFrames(none, none, float("nan"), False)
    low = float(temperature[known].min())
    cool = temperature[known] <= low + options.rest_above
    warm = np.flatnonzero(~cool)
    first = known[: warm[0]] if warm.size else known
    last = known[warm[-1] + 1 :] if warm.size else none
    if not np.any(furnace["segment"].values.astype(str) == "cooling"):
        last = none
    still = bool(np.any(rate[first] <= options.rest_rate))
    before, after = (
        part[rate[part] <= options.rest_rate] if np.any(rate[part] <= options.rest_rate) else part
        for part in (first, last)
    )
    before, after = (
        (before if still else before[:FEW]),
        after[-max(FEW, int(np.sum(rate[after] <= options.rest_rate))) :],
    )
    return ReferenceFrames(
        before, after, float(np.median(temperature[before])) if before.size else low, still
    )


def average_reference_cell(
    lattice: xr.Dataset,
    furnace: xr.Dataset,
    expansion: xr.Dataset,
    phase: int,
    frames: NDArray[np.intp],
    temperature: float,
    ramp: str,
) -> ReferenceCell | None:
    """Return a phase's mean cell over frames, at one temperature; None where it was not there.

    Each frame's cell is moved to `temperature` by the expansion curve of `ramp`; its error holds
    that of its temperature. Systematic: the temperature scale through the same curve, and the
    wavelength.
    """
    good = (
        frames[cell_parameters.select_usable(lattice, furnace, phase, frames, 0.0)]
        if frames.size
        else frames
    )
    if good.size == 0:
        return None
    cell = lattice["cell"].values[good, phase]
    values = _sizes(cell)
    own, shared = cell_parameters.split_covariance(lattice, good, phase)
    turn = tensor.differentiate(_sizes, cell, np.full_like(cell, 1e-5))
    stderr = np.sqrt(np.maximum(np.einsum("tai,tij,taj->ta", turn, np.nan_to_num(own), turn), 0))
    common = np.abs(np.einsum("tai,ti->ta", turn, shared)).mean(axis=0)
    slope = _slope(expansion, phase, ramp, temperature)
    moved = values - slope * (furnace["temperature"].values[good] - temperature)[:, None]
    error = np.hypot(
        stderr, slope * np.nan_to_num(furnace["temperature_stderr"].values[good])[:, None]
    )
    mean, sigma, scatter = values[0].copy(), np.zeros(7), np.ones(7)
    for i in range(7):
        if np.all(error[:, i] > 0):
            mean[i], sigma[i], scatter[i] = average_by_weight(moved[:, i], error[:, i])
    sigma = np.hypot(sigma, common)
    shift = float(np.mean(np.nan_to_num(furnace["temperature_systematic"].values[good])))
    relative = read_length_scale_stderr(lattice) * np.array([1, 1, 1, 0, 0, 0, 3])
    systematic = np.hypot(slope * shift, relative * mean)
    intensity = average_by_weight(
        lattice["intensity"].values[good, phase], lattice["intensity_stderr"].values[good, phase]
    )
    return ReferenceCell(
        mean, sigma, common, systematic, int(good.size), float(scatter.max()), intensity[:2]
    )


def _sizes(cell: Array) -> Array:
    """Return a, b, c, alpha, beta, gamma and the volume, shape (n, 7)."""
    return np.concatenate([cell, volume_from_cell(cell)[:, None]], axis=1)


def compare_cells(before: ReferenceCell, after: ReferenceCell) -> tuple[Array, Array]:
    """Return after / before - 1 of a, b, c, alpha, beta, gamma, volume and its error; what is
    shared cancels."""
    ratio = after.value / before.value
    part = [np.sqrt(np.maximum(x.stderr**2 - x.common**2, 0)) / x.value for x in (before, after)]
    return ratio - 1, np.abs(ratio) * np.hypot(*part)


def read_length_scale_stderr(lattice: xr.Dataset) -> float:
    """Return the relative error that all lengths share (wavelength, detector distance), zero where
    none is stated."""
    value = float(lattice.attrs.get("length_scale_stderr", 0.0))
    return value if np.isfinite(value) else 0.0


def _slope(expansion: xr.Dataset, phase: int, ramp: str, temperature: float) -> Array:
    """Return the rate of change of a, b, c, alpha, beta, gamma, volume at a temperature; zero where
    not fitted."""
    names = [str(s) for s in expansion["segment"].values]
    for name in [ramp, *(n for n in names if n != ramp)]:
        if name not in names:
            continue
        curve = expansion["cell"].values[phase, names.index(name)]
        grid = expansion["temperature"].values
        inside = np.flatnonzero(np.isfinite(curve[0]))
        if inside.size >= 2:
            rates = np.gradient(curve[:, inside], grid[inside], axis=1)
            return np.asarray(rates[:, int(np.argmin(np.abs(grid[inside] - temperature)))])
    return np.zeros(7)
