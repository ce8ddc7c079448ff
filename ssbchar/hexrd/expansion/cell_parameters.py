"""A phase's cell as its free parameters: what symmetry ties and fixes is found from the cells
themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ssbchar.crystal.cell import volume_from_cell
from ssbchar.hexrd.expansion import tensor
from ssbchar.typing import Array

if TYPE_CHECKING:
    import xarray as xr

USABLE_VERDICTS = ("ok", "departs", "inconsistent")
"""Verdicts of the refinement whose cells count; those held by their prior, or not converged, do
not."""


@dataclass(frozen=True)
class FreeParameters:
    """Which cell parameters are free: cell = fixed + spread @ free."""

    free: NDArray[np.intp]
    spread: Array
    """Shape (6, p): a tied parameter repeats the row of the one it follows."""
    fixed: Array

    def cell(self, free: Array) -> Array:
        """Return cells (..., 6) from free parameters (..., p)."""
        return np.asarray(self.fixed + free @ self.spread.T)


def find_free_parameters(cell: Array, stderr: Array) -> FreeParameters:
    """Return the free parameters of a phase: those with an error, less those equal to an earlier
    one in all frames."""
    moves = np.array([np.any(np.nan_to_num(stderr[:, i]) > 0) for i in range(6)])
    free: list[int] = []
    spread = np.zeros((6, 6))
    fixed = np.zeros(6)
    for i in range(6):
        if not moves[i]:
            fixed[i] = np.nanmedian(cell[:, i])
            continue
        same = [
            j
            for j in free
            if (j < 3) == (i < 3) and np.allclose(cell[:, i], cell[:, j], rtol=1e-9, atol=0)
        ]
        if not same:
            free.append(i)
        spread[i, same[0] if same else i] = 1.0
    return FreeParameters(np.array(free, dtype=np.intp), spread[:, free], fixed)


def select_usable(
    lattice: xr.Dataset,
    furnace: xr.Dataset,
    phase: int,
    *,
    frames: NDArray[np.intp],
    significance: float,
) -> Any:
    """Return which of `frames` have a cell of a phase, good enough to be used, and a
    temperature."""
    at = lattice.isel(phase=phase, frame=frames)
    cell, stderr = at["cell"].values, at["cell_stderr"].values
    good = np.all(np.isfinite(cell), axis=1) & np.any(np.nan_to_num(stderr) > 0, axis=1)
    good &= (at["present"].values == 1) & (
        np.nan_to_num(at["significance"].values, nan=0.0) >= significance
    )
    good &= np.isin(at["verdict"].values.astype(str), USABLE_VERDICTS)
    return good & np.isfinite(furnace["temperature"].values[frames])


def split_covariance(
    lattice: xr.Dataset, frames: NDArray[np.intp], phase: int
) -> tuple[Array, Array]:
    """Return the covariance of a phase's cells that is each frame's own (n, 6, 6), and the error
    they share (n, 6).

    The shared part (one sigma, signed; ``cell_shared``, from a zero of 2theta held for the series)
    neither averages out over frames nor scatters them.
    """
    full = lattice["cell_covariance"].values[frames, phase]
    if "cell_shared" not in lattice:
        return full, np.zeros(full.shape[:2])
    shared = np.nan_to_num(lattice["cell_shared"].values[frames, phase])
    own = full - shared[:, :, None] * shared[:, None, :]
    least = 1e-6 * np.einsum("tii->ti", full)
    index = np.arange(6)
    own[:, index, index] = np.maximum(own[:, index, index], least)
    return own, shared


def condition_covariance(covariance: Array) -> Array:
    """Return covariances whose correlations stop short of one, so that they can be inverted."""
    size = np.sqrt(np.einsum("tii->ti", covariance))
    unit = covariance / size[:, :, None] / size[:, None, :]
    unit = unit * (1 - 1e-6) + 1e-6 * np.eye(covariance.shape[1])
    return np.asarray(unit * size[:, :, None] * size[:, None, :])


def cell_and_volume_from_state(free: FreeParameters, state: Array) -> Array:
    """Return a, b, c, alpha, beta, gamma and volume (n, 7) of states (n, >= p) that begin with the
    free parameters."""
    cell = free.cell(state[:, : free.free.size])
    return np.concatenate([cell, volume_from_cell(cell)[:, None]], axis=1)


def _rate(free: FreeParameters, state: Array) -> Array:
    return np.asarray(state[:, free.free.size :] @ free.spread.T)


def expansion_from_state(free: FreeParameters, state: Array) -> Array:
    """Return (1/L) dL/dT of a, b, c and (1/V) dV/dT (the trace of the tensor), shape (n, 4), of
    such states."""
    cell, rate = free.cell(state[:, : free.free.size]), _rate(free, state)
    trace = np.einsum("nii->n", tensor.tensor_from_cell_rate(cell, rate))
    return np.concatenate([rate[:, :3] / cell[:, :3], trace[:, None]], axis=1)


def tensor_from_state(free: FreeParameters, state: Array) -> Array:
    """Return the six components of the expansion tensor [1/K] of states: free parameters, then
    their rates."""
    full = tensor.tensor_from_cell_rate(free.cell(state[:, : free.free.size]), _rate(free, state))
    return np.stack([full[:, i, j] for i, j in tensor.PAIRS], axis=1)


def matrix_from_components(components: Array) -> Array:
    """Return symmetric matrices (n, 3, 3) from six components (n, 6)."""
    out = np.empty((len(components), 3, 3))
    for n, (i, j) in enumerate(tensor.PAIRS):
        out[:, i, j] = out[:, j, i] = components[:, n]
    return out
