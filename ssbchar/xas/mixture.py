"""A spectrum as a sum of references, with the energy axis of each spectrum free."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ssbchar.errors import BadInput
from ssbchar.xas.options import Mixture

if TYPE_CHECKING:
    import xarray as xr

Array = NDArray[np.float64]


def mixture(normalised: xr.Dataset, references: list[xr.Dataset], options: Mixture) -> xr.Dataset:
    """Return the weights of references in every spectrum of a measurement.

    Parameters
    ----------
    normalised : Dataset
        From `ssbchar.xas.normalise.normalise`.
    references : list of Dataset
        The same, of the reference compounds; each one's merged spectrum counts.
    options : Mixture
        Range, shift.

    Returns
    -------
    Dataset, dims spectrum, reference, energy
        ``weight``, ``weight_stderr``, ``shift`` [eV] with ``shift_stderr``, ``covariance`` (spectrum, parameter,
        parameter2:
        weights then shift), ``r_factor``, ``verdict``; ``fitted`` and ``measured`` over the fit range; attrs
        ``reduced`` (the reference of lowest edge energy), ``method``.
    """
    import xarray as xr

    element = (normalised.attrs["element"], normalised.attrs["edge"])
    fitting = [r for r in references if (r.attrs["element"], r.attrs["edge"]) == element]
    where = str(normalised.attrs.get("measurement", "spectrum"))
    if not fitting:
        raise BadInput(where, f"none of its references is measured at {' '.join(element)}", "correct 'reference'")
    e0 = float(normalised["e0"])
    lows = [float(r["energy"][0]) for r in [normalised, *fitting]]
    highs = [float(r["energy"][-1]) for r in [normalised, *fitting]]
    slack = options.max_shift if options.shift else 0.0
    low, high = max(e0 + options.window[0], max(lows) + slack), min(e0 + options.window[1], min(highs) - slack)
    energy = normalised["energy"].values
    use = (energy >= low) & (energy <= high)
    if use.sum() < len(fitting) + 3:
        raise BadInput(where, "its references do not cover its edge", "widen mixture.window or give other references")
    done = combine(
        energy[use],
        normalised["norm"].values[:, use],
        normalised["norm_stderr"].values[:, use],
        [(r["energy"].values, r["norm"].values[-1]) for r in fitting],
        options,
    )
    names = [str(r.attrs.get("measurement", f"reference {i + 1}")) for i, r in enumerate(fitting)]
    free = [f"weight {n}" for n in names] + (["shift"] if options.shift else [])
    ds = xr.Dataset(coords={"energy": ("energy", energy[use], {"units": "eV"})}, attrs=dict(normalised.attrs))
    ds["reference"] = ("reference", names)
    ds["parameter"] = ("parameter", free)
    ds["weight"] = (("spectrum", "reference"), done.weight, {"units": "1", "ancillary_variables": "weight_stderr"})
    errors = np.sqrt(np.einsum("sii->si", done.covariance))
    ds["weight_stderr"] = (("spectrum", "reference"), errors[:, : len(names)], {"units": "1"})
    ds["shift"] = ("spectrum", done.shift, {"units": "eV"})
    ds["shift_stderr"] = ("spectrum", errors[:, -1] if options.shift else np.zeros(len(errors)), {"units": "eV"})
    ds["covariance"] = (("spectrum", "parameter", "parameter2"), done.covariance, {"units": "1"})
    ds["r_factor"] = ("spectrum", done.r_factor, {"units": "1"})
    ds["reduced_chi_square"] = ("spectrum", done.chi2, {"units": "1"})
    ds["verdict"] = ("spectrum", np.where(np.abs(done.shift) >= options.max_shift, "at_edge", "ok"))
    ds["fitted"] = (("spectrum", "energy"), done.fitted, {"units": "1"})
    ds["measured"] = (("spectrum", "energy"), normalised["norm"].values[:, use], {"units": "1"})
    ds["name"] = normalised["name"]
    lowest = min(range(len(fitting)), key=lambda i: float(fitting[i]["e0_half"].values[-1]))
    ds.attrs["reduced"] = names[lowest]
    ds.attrs["method"] = f"{low - e0:+.0f} to {high - e0:+.0f} eV, shift {'free' if options.shift else 'fixed'}"
    return ds


class Combined:
    """Result of `combine`: arrays over spectra."""

    def __init__(self, weight: Array, shift: Array, covariance: Array, fitted: Array, r_factor: Array, chi2: Array):
        self.weight, self.shift, self.covariance = weight, shift, covariance
        self.fitted, self.r_factor, self.chi2 = fitted, r_factor, chi2


def combine(
    energy: Array, norm: Array, stderr: Array, references: list[tuple[Array, Array]], options: Mixture
) -> Combined:
    """Return weights w and shift s of norm(E) = sum_i w_i ref_i(E - s), by weighted least squares, all spectra at once.

    Gauss-Newton in (w, s); references are cubic splines. The covariance is scaled by the reduced chi-square where that
    exceeds 1 (references are never the sample).

    Parameters
    ----------
    energy : array, shape (energy,)
        [eV]
    norm, stderr : array, shape (spectrum, energy)
    references : list of (energies, norm)
    options : Mixture
    """
    from scipy.interpolate import CubicSpline

    splines = [CubicSpline(x, y) for x, y in references]
    slopes = [s.derivative() for s in splines]
    n, m = norm.shape[0], len(splines)
    sigma = np.maximum(stderr, 1e-12)
    shift = np.zeros(n)
    for _ in range(25 if options.shift else 1):
        x = energy[None] - shift[:, None]
        basis = np.stack([s(x) for s in splines], axis=2)
        weight = _solve(basis, norm, sigma, options.sum_to_one)
        fitted = np.einsum("nek,nk->ne", basis, weight)
        columns = [basis]
        if options.shift:
            columns.append(-np.stack([s(x) for s in slopes], axis=2) @ weight[:, :, None])
            full = np.concatenate(columns, axis=2)
            step = _solve(full, norm - fitted, sigma)[:, -1]
            shift = np.clip(shift + np.clip(step, -0.5, 0.5), -options.max_shift, options.max_shift)
            if np.abs(step).max() < 1e-9:
                break
    full = np.concatenate(columns, axis=2) / sigma[:, :, None]
    free = m + int(options.shift) - int(options.sum_to_one)
    residual = norm - fitted
    chi2 = ((residual / sigma) ** 2).sum(axis=1) / max(energy.size - free, 1)
    covariance = _covariance(full, m, options.sum_to_one) * np.maximum(chi2, 1.0)[:, None, None]
    r_factor = (residual**2).sum(axis=1) / (norm**2).sum(axis=1)
    return Combined(weight, shift, covariance, fitted, r_factor, chi2)


def _solve(basis: Array, target: Array, sigma: Array, sum_to_one: bool = False) -> Array:
    """Return weighted least-squares coefficients of each spectrum (the last one from the others where they sum to one)."""
    if sum_to_one:
        last = basis[:, :, -1:]
        first = _solve(basis[:, :, :-1] - last, target - last[:, :, 0], sigma)
        return np.concatenate([first, 1 - first.sum(axis=1, keepdims=True)], axis=1)
    scaled = basis / sigma[:, :, None]
    normal = np.einsum("nei,nej->nij", scaled, scaled)
    right = np.einsum("nei,ne->ni", scaled, target / sigma)
    return np.asarray(np.linalg.solve(normal, right[:, :, None])[:, :, 0])


def _covariance(full: Array, m: int, sum_to_one: bool) -> Array:
    """Return the covariance of weights and shift, with the constraint where weights sum to one."""
    if not sum_to_one:
        return np.asarray(np.linalg.inv(np.einsum("nei,nej->nij", full, full)))
    size = full.shape[2]
    chosen = np.zeros((size, size - 1))
    chosen[: m - 1, : m - 1] = np.eye(m - 1)
    chosen[m - 1, : m - 1] = -1
    chosen[m:, m - 1 :] = np.eye(size - m)
    reduced = full @ chosen
    inner = np.linalg.inv(np.einsum("nei,nej->nij", reduced, reduced))
    return np.asarray(chosen @ inner @ chosen.T)
