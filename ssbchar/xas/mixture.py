"""A spectrum as a sum of references, with the energy axis of each spectrum free."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ssbchar.errors import BadInput
from ssbchar.xas import edge
from ssbchar.xas.choices import drawn_choices
from ssbchar.xas.combine import Combined, combine, gain
from ssbchar.xas.options import Comparison, Exafs, Mixture
from ssbchar.xas.smooth import Smooth, without_exafs

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
        ``weight``, ``weight_stderr``, ``weight_systematic`` (reference), ``shift`` [eV] with ``shift_stderr``,
        ``covariance`` (spectrum, parameter, parameter2:
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
    targets, spread = normalised["norm"].values[:, use], normalised["norm_stderr"].values[:, use]
    done = combine(energy[use], targets, spread, [(r["energy"].values, r["norm"].values[-1]) for r in fitting], options)
    covariance = noise_covariance(normalised, fitting, use, done, options)
    names = [str(r.attrs.get("measurement", f"reference {i + 1}")) for i, r in enumerate(fitting)]
    free = [f"weight {n}" for n in names] + (["shift"] if options.shift else [])
    ds = xr.Dataset(coords={"energy": ("energy", energy[use], {"units": "eV"})}, attrs=dict(normalised.attrs))
    ds["reference"] = ("reference", names)
    ds["parameter"] = ("parameter", free)
    ds["weight"] = (("spectrum", "reference"), done.weight, {"units": "1", "ancillary_variables": "weight_stderr"})
    errors = np.sqrt(np.einsum("sii->si", covariance))
    ds["weight_stderr"] = (("spectrum", "reference"), errors[:, : len(names)], {"units": "1"})
    systematic = _systematic(normalised, fitting, use, options)
    ds["weight_systematic"] = ("reference", systematic, {"units": "1", "long_name": "spread over normalisation ranges"})
    ds["shift"] = ("spectrum", done.shift, {"units": "eV"})
    ds["shift_stderr"] = ("spectrum", errors[:, -1] if options.shift else np.zeros(len(errors)), {"units": "eV"})
    ds["covariance"] = (("spectrum", "parameter", "parameter2"), covariance, {"units": "1"})
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


def noise_covariance(
    normalised: xr.Dataset, references: list[xr.Dataset], use: NDArray[np.bool_], done: Combined, options: Mixture
) -> Array:
    """Return the covariance of (weights, shift) from the noise of spectrum and references, their baselines included.

    norm = (A mu) / step with A mu = mu - pre, step = w . mu: a change d mu moves the parameters by
    G d mu, G = gain (A - norm w) / step; references add the same, times their weight.

    Parameters
    ----------
    normalised, references : Dataset
        From `ssbchar.xas.normalise.normalise`.
    use : array of bool, shape (energy,)
        Fit range.
    done : Combined
    options : Mixture
    """
    parts = [(normalised, np.ones_like(done.shift), slice(None))]
    parts += [(r, -done.weight[:, i], slice(-1, None)) for i, r in enumerate(references)]
    grid = normalised["energy"].values[use]
    power = 1 / np.maximum(normalised["norm_stderr"].values[:, use], 1e-12) ** 2
    solve = gain(done.columns, power, len(references) if options.sum_to_one else 0)
    total = np.zeros((len(done.shift), solve.shape[1], solve.shape[1]))
    for ds, factor, rows in parts:
        rest, weights = linear_operators(ds)
        energy, norm = ds["energy"].values, ds["norm"].values[rows]
        onto = np.asarray([np.interp(grid, energy, unit) for unit in np.eye(energy.size)]).T
        direct = solve @ (onto @ rest)
        height = np.einsum("npe,ne->np", solve, np.broadcast_to(norm @ onto.T, done.fitted.shape))
        change = (direct - height[:, :, None] * weights) / ds["edge_step"].values[rows][:, None, None]
        change *= factor[:, None, None] * ds["mu_stderr"].values[rows][:, None, :]
        total += np.einsum("npe,nqe->npq", change, change)
    return total


def linear_operators(ds: xr.Dataset) -> tuple[Array, Array]:
    """Return A and w of a measurement's normalisation (see `ssbchar.xas.edge.linear_part`); A = 1, w = 0 where none."""
    size = ds.sizes["energy"]
    if ds.attrs.get("mode") == "normalised":
        return np.eye(size), np.zeros(size)
    p1, p2, n1, n2, at, degree, victoreen, smooth = json.loads(ds.attrs["ranges"])
    energy, limits = ds["energy"].values, edge.Ranges(slice(p1, p2), slice(n1, n2), at, degree)
    made = without_exafs(energy, ds["mu"].values[-1:], float(ds["e0"]), Exafs()) if smooth else Smooth(None)
    return edge.linear_part(energy, limits, victoreen, made.operator(size))


def _systematic(
    normalised: xr.Dataset, references: list[xr.Dataset], use: NDArray[np.bool_], options: Mixture
) -> Array:
    """Return the spread of the merged spectrum's weights over normalisation ranges, the same for all spectra."""
    parts = [normalised, *references]
    if options.choices < 2:
        return np.zeros(len(references))
    axes, e0s = [p["energy"].values for p in parts], [float(p["e0"]) for p in parts]
    found = []
    for choice in drawn_choices(axes, e0s, Comparison(choices=options.choices, seed=options.seed)):
        norms = []
        for part, energy, e0 in zip(parts, axes, e0s, strict=True):
            limits = edge.ranges(energy, e0, choice.pre1, choice.pre2, choice.norm1, choice.norm2, choice.nnorm)
            done = part.attrs.get("mode") == "normalised"
            mu = part["mu"].values[-1:]
            norms.append(mu[0] if done else edge.normalised(energy, mu, limits).norm[0])
        stderr = normalised["norm_stderr"].values[-1:, use]
        pairs = list(zip(axes[1:], norms[1:], strict=True))
        found.append(combine(axes[0][use], norms[0][None, use], stderr, pairs, options).weight[0])
    return np.asarray(np.std(found, axis=0, ddof=1))
