"""A phase's cell as its free parameters: what symmetry ties and fixes is found from the cells
themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ssbchar.crystal.cell import volume_from_cell
from ssbchar.hexrd.expansion import tensor
from ssbchar.hexrd.refinement.cell_status import CellStatus
from ssbchar.typing import Array, Bool

if TYPE_CHECKING:
    import xarray as xr

USABLE_VERDICTS = (CellStatus.OK, CellStatus.DEVIATES, CellStatus.INCONSISTENT)
"""Verdicts of the refinement whose cells count; those held by their prior, or not converged, do
not."""
PARAMETERS = 6
"""a, b, c, alpha, beta, gamma."""
LENGTHS = 3
"""The first of them are lengths."""
ALMOST_ONE = 1e-6
"""How far correlations are kept from one."""
LEAST_SHARE = 1e-6
"""Share of a variance that stays a frame's own, so that its covariance can be inverted."""


@dataclass(frozen=True, kw_only=True)
class FreeParameters:
    """Which cell parameters are free: cell = fixed + spread @ free."""

    free: NDArray[np.intp]
    """Places of the free parameters among a, b, c, alpha, beta, gamma, shape (p,)."""
    spread: Array
    """Shape (6, p): a tied parameter repeats the row of the one it follows."""
    fixed: Array
    """What symmetry fixes [angstrom, degree], else zero, shape (6,)."""

    @property
    def count(self) -> int:
        """How many parameters are free [1], an int."""
        return self.free.size

    def build_cell(self, free: Array) -> Array:
        """Return cells [angstrom, degree], shape (..., 6), from free parameters, shape (..., p)."""
        return np.asarray(self.fixed + free @ self.spread.T)

    def build_rate(self, rates: Array) -> Array:
        """Return the rates of cells [per K], shape (..., 6), from those of free parameters, shape
        (..., p)."""
        return np.asarray(rates @ self.spread.T)


def find_free_parameters(cell: Array, stderr: Array) -> FreeParameters:
    """Return the free parameters of a phase: those with an error, less those equal to an earlier
    one in all frames.

    Parameters
    ----------
    cell, stderr : ndarray, shape (frames, 6)
        a, b, c [angstrom], alpha, beta, gamma [degree].
    """
    has_error = np.any(np.nan_to_num(stderr) > 0, axis=0)
    free: list[int] = []
    spread = np.zeros((PARAMETERS, PARAMETERS))
    fixed = np.zeros(PARAMETERS)
    for i in range(PARAMETERS):
        if not has_error[i]:
            fixed[i] = np.nanmedian(cell[:, i])
            continue
        # A length never follows an angle of the same number.
        alike = [j for j in free if (j < LENGTHS) == (i < LENGTHS)]
        same = [j for j in alike if np.allclose(cell[:, i], cell[:, j], rtol=1e-9, atol=0)]
        if not same:
            free.append(i)
        spread[i, same[0] if same else i] = 1.0
    return FreeParameters(free=np.array(free, dtype=np.intp), spread=spread[:, free], fixed=fixed)


def select_usable(
    lattice: xr.Dataset,
    furnace: xr.Dataset,
    phase: int,
    *,
    frames: NDArray[np.intp],
    significance: float,
    temperature_needed: bool = True,
) -> Bool:
    """Return which frames have a cell of a phase that is good enough to be used, and a temperature.

    Parameters
    ----------
    lattice, furnace : Dataset
        ``lattice.nc`` and ``furnace.nc`` (temperature [degC]), over the same frames.
    phase : int
        Place of the phase.
    frames : ndarray of int, shape (n,)
        Indices of frames.
    significance : float
        Least significance of the phase [standard deviations].
    temperature_needed : bool
        Whether frames without a temperature are left out.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    one = lattice.isel(phase=phase, frame=frames)
    has_cell = np.all(np.isfinite(one["cell"].values), axis=1)
    has_error = np.any(np.nan_to_num(one["cell_stderr"].values) > 0, axis=1)
    is_present = one["present"].values == 1
    is_clear = np.nan_to_num(one["significance"].values, nan=0.0) >= significance
    # A cell held by its prior says again what the smooth cell(T) says.
    is_good = np.isin(one["verdict"].values.astype(str), USABLE_VERDICTS)
    has_temperature = np.isfinite(furnace["temperature"].values[frames]) | (not temperature_needed)
    return np.asarray(has_cell & has_error & is_present & is_clear & is_good & has_temperature)


def split_covariance(
    lattice: xr.Dataset,
    frames: NDArray[np.intp],
    phase: int,
) -> tuple[Array, Array]:
    """Return the covariance of a phase's cells that is each frame's own, and the error that all
    share.

    The shared part (one sigma, signed; ``cell_shared``, from a zero of 2theta held for the series)
    neither averages out over frames nor scatters them.

    Parameters
    ----------
    lattice : Dataset
        ``lattice.nc``, ``cell_covariance`` [angstrom, degree] of shape (frame, phase, axis, axis2).
    frames : ndarray of int, shape (n,)
        Indices of frames.
    phase : int
        Place of the phase.

    Returns
    -------
    own : ndarray, shape (n, 6, 6)
    shared : ndarray, shape (n, 6)
    """
    full = lattice["cell_covariance"].values[frames, phase]
    if "cell_shared" not in lattice:
        return full, np.zeros(full.shape[:2])
    shared = np.nan_to_num(lattice["cell_shared"].values[frames, phase])
    own = full - shared[:, :, None] * shared[:, None, :]
    # Rounding may leave less than nothing where the shared error is nearly all there is.
    least = LEAST_SHARE * np.einsum("tii->ti", full)
    index = np.arange(PARAMETERS)
    own[:, index, index] = np.maximum(own[:, index, index], least)
    return own, shared


def condition_covariance(covariance: Array) -> Array:
    """Return covariances whose correlations stop short of one, so that they can be inverted.

    Parameters
    ----------
    covariance : ndarray, shape (n, p, p)
        [angstrom, degree]
    """
    # Tied parameters that are refined apart agree almost exactly: singular to rounding.
    size = np.sqrt(np.einsum("tii->ti", covariance))
    unit = covariance / size[:, :, None] / size[:, None, :]
    unit = unit * (1 - ALMOST_ONE) + ALMOST_ONE * np.eye(covariance.shape[1])
    return np.asarray(unit * size[:, :, None] * size[:, None, :])


def cell_and_volume_from_state(free: FreeParameters, state: Array) -> Array:
    """Return a, b, c [angstrom], alpha, beta, gamma [degree] and volume [angstrom^3], shape (n, 7),
    of states (n, >= p) that begin with the free parameters."""
    cell = free.build_cell(state[:, : free.count])
    return np.concatenate([cell, volume_from_cell(cell)[:, None]], axis=1)


def expansion_from_state(free: FreeParameters, state: Array) -> Array:
    """Return (1/L) dL/dT of a, b, c and (1/V) dV/dT (the trace of the tensor) [1/K], shape (n, 4),
    of states (n, 2p): free parameters, then their rates."""
    cell = free.build_cell(state[:, : free.count])
    rate = free.build_rate(state[:, free.count :])
    trace = np.einsum("nii->n", tensor.tensor_from_cell_rate(cell, rate))
    return np.concatenate([rate[:, :LENGTHS] / cell[:, :LENGTHS], trace[:, None]], axis=1)


def tensor_from_state(free: FreeParameters, state: Array) -> Array:
    """Return the six components of the expansion tensor [1/K], shape (n, 6), of states (n, 2p):
    free parameters, then their rates."""
    cell = free.build_cell(state[:, : free.count])
    rate = free.build_rate(state[:, free.count :])
    return components_from_matrix(tensor.tensor_from_cell_rate(cell, rate))


def components_from_matrix(matrix: Array) -> Array:
    """Return the six components, shape (n, 6), of symmetric matrices, shape (n, 3, 3), of any
    unit."""
    return np.stack([matrix[:, i, j] for i, j in tensor.PAIRS], axis=1)


def matrix_from_components(components: Array) -> Array:
    """Return symmetric matrices, shape (n, 3, 3), from six components, shape (n, 6), of any
    unit."""
    out = np.empty((len(components), 3, 3))
    for n, (i, j) in enumerate(tensor.PAIRS):
        out[:, i, j] = out[:, j, i] = components[:, n]
    return out
