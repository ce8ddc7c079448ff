"""What follows from a fitted curve: cells, expansion and its tensor on a grid, and the mean
expansion between two temperatures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.hexrd.expansion import cell_parameters, tensor
from ssbchar.hexrd.expansion.cell_parameters import FreeParameters
from ssbchar.hexrd.expansion.curves import CellCurve
from ssbchar.hexrd.expansion.dataset import AXES, SIZES, ExpansionValues
from ssbchar.hexrd.expansion.options import Expansion
from ssbchar.typing import Array

if TYPE_CHECKING:
    import xarray as xr

STEP = 0.1
"""Half-width of numerical derivatives [standard errors]."""


@dataclass(frozen=True, kw_only=True)
class PhaseCurve:
    """The curve of one phase on one segment, and its place in the table."""

    curve: CellCurve
    free: FreeParameters
    place: tuple[int, int]
    """Phase and segment."""


@dataclass(frozen=True, kw_only=True)
class Propagated:
    """A function of the curve at n temperatures, with its errors."""

    value: Array
    """Shape (n, q)."""
    stderr: Array
    """Shape (n, q)."""
    covariance: Array
    """Shape (n, q, q)."""


def fill_grid(out: ExpansionValues, one: PhaseCurve, step: float) -> None:
    """Put cells, expansion, tensor and axes on the grid, inside the range of the frames.

    Parameters
    ----------
    out : ExpansionValues
        Filled in place.
    one : PhaseCurve
    step : float
        Spacing of the grid [K].
    """
    curve, free, at, grid = one.curve, one.free, one.place, out.grid
    low, high = curve.basis.low, curve.basis.high
    inside = np.flatnonzero((grid >= low - step / 2) & (grid <= high + step / 2))
    found = curve.evaluate(np.clip(grid[inside], low, high))
    # Values and rates come from the same coefficients: their covariance goes along.
    covariance = found.jacobian @ curve.covariance @ np.swapaxes(found.jacobian, 1, 2)
    state = np.concatenate([found.values, found.rates], axis=1)
    sigma = np.sqrt(np.einsum("tii->ti", covariance))
    # A parameter without an error still needs a step that is not zero.
    width = np.maximum(STEP * sigma, 1e-9 * np.abs(state) + 1e-14)

    def propagate(function: Callable[[FreeParameters, Array], Array]) -> Propagated:
        def of_state(x: Array) -> Array:
            return function(free, x)

        turn = tensor.differentiate(of_state, state, width)
        full = turn @ covariance @ np.swapaxes(turn, 1, 2)
        variance = np.maximum(np.einsum("tii->ti", full), 0.0)
        return Propagated(value=of_state(state), stderr=np.sqrt(variance), covariance=full)

    cell = propagate(cell_parameters.cell_and_volume_from_state)
    out["cell"][at][:, inside] = cell.value.T
    out["cell_stderr"][at][:, inside] = cell.stderr.T
    expansion = propagate(cell_parameters.expansion_from_state)
    out["linear_expansion"][at][SIZES[:, None], inside] = expansion.value.T
    out["linear_expansion_stderr"][at][SIZES[:, None], inside] = expansion.stderr.T
    components = propagate(cell_parameters.tensor_from_state)
    out["tensor"][at][inside] = components.value
    out["tensor_stderr"][at][inside] = components.stderr
    matrix = cell_parameters.matrix_from_components(components.value)
    value, vector = tensor.find_principal_axes(matrix)
    value_stderr = tensor.propagate_to_principal_values(vector, components.covariance)
    axis_stderr = tensor.propagate_to_principal_axes(value, vector, components.covariance)
    out["principal_expansion"][at][:, inside] = value.T
    out["principal_expansion_stderr"][at][:, inside] = value_stderr.T
    out["principal_axis"][at][:, inside] = np.transpose(vector, (2, 0, 1))
    out["principal_axis_stderr"][at][:, inside] = axis_stderr.T
    parameters = cell.value[:, : cell_parameters.PARAMETERS]
    strain = tensor.strain_from_cell(parameters, parameters[0])
    out["lagrangian_strain"][at][inside] = cell_parameters.components_from_matrix(strain)
    out["inflation"][at][free.free] = curve.inflation
    out["chi2"][at] = curve.chi2
    out["order"][at] = curve.basis.order
    out["characteristic_temperature"][at] = curve.basis.theta
    out["frames_used"][at] = curve.used.sum()
    out["frames_rejected"][at] = (~curve.used).sum()


def fill_mean(
    out: ExpansionValues,
    one: PhaseCurve,
    furnace: xr.Dataset,
    options: Expansion,
) -> None:
    """Put the mean linear expansion [1/K] between two temperatures, shortened to where the phase
    was seen.

    The systematic error is the change of the mean where both temperatures are off by the error of
    the temperature scale, and where both cells are off, each in its own way, by what their errors
    hold beside scatter: a misfit that overlapping lines turn into a deviation which changes slowly
    with temperature.

    Parameters
    ----------
    out : ExpansionValues
        Filled in place.
    one : PhaseCurve
    furnace : Dataset
        ``furnace.nc``: ``temperature`` [degC] and ``temperature_systematic`` [K] of shape
        (frames,).
    options : Expansion
        The two temperatures [degC].
    """
    curve, free, at = one.curve, one.free, one.place
    window = options.choose_window(curve.basis.low, curve.basis.high)
    if window is None:
        return
    low, high = window
    ends = np.array([low, high])
    found = curve.evaluate(ends)
    p = free.count
    by_coefficient = found.jacobian[:, :p].reshape(2 * p, -1)
    covariance = (by_coefficient @ curve.covariance @ by_coefficient.T)[None]

    def mean_from_ends(x: Array) -> Array:
        cells = cell_parameters.cell_and_volume_from_state(free, x.reshape(-1, p))
        pairs = cells.reshape(-1, 2, len(AXES))
        growth = pairs[:, 1] / pairs[:, 0] - 1
        return np.asarray(growth / (high - low))[:, SIZES]

    flat = found.values.reshape(1, -1)
    width = np.maximum(STEP * np.sqrt(np.einsum("tii->ti", covariance)), 1e-9)
    turn = tensor.differentiate(mean_from_ends, flat, width)[0]
    mean = mean_from_ends(flat)[0]
    shift = _interpolate_systematic(furnace, ends)
    margin = np.max(shift)
    # Beyond the frames by the shift alone: the polynomial is not to be extrapolated further.
    moved = np.clip(ends + shift, curve.basis.low - margin, curve.basis.high + margin)
    off = mean_from_ends(curve.evaluate(moved).values.reshape(1, -1))
    out["mean_linear_expansion"][at][SIZES] = mean
    stderr = np.sqrt(np.einsum("qi,ij,qj->q", turn, covariance[0], turn))
    out["mean_linear_expansion_stderr"][at][SIZES] = stderr
    unscattered = np.kron(np.eye(2), curve.unscattered)
    misfit = np.sqrt(np.einsum("qi,ij,qj->q", turn, unscattered, turn))
    systematic = np.hypot(np.abs(off - mean)[0], misfit)
    out["mean_linear_expansion_systematic"][at][SIZES] = systematic
    out["mean_from"][at] = low
    out["mean_to"][at] = high


def _interpolate_systematic(furnace: xr.Dataset, temperature: Array) -> Array:
    """Return the systematic error of the temperature scale [K] at temperatures [degC]."""
    at, value = furnace["temperature"].values, furnace["temperature_systematic"].values
    good = np.isfinite(at) & np.isfinite(value)
    if not good.any():
        return np.zeros_like(temperature)
    order = np.argsort(at[good], kind="stable")
    return np.asarray(np.interp(temperature, at[good][order], value[good][order]))
