"""A spectrum as a sum of references, with the energy axis of each spectrum free."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ssbchar.errors import BadInput
from ssbchar.typing import Array
from ssbchar.xas import notes
from ssbchar.xas.comparison.options import Comparison
from ssbchar.xas.normalisation.part import (
    NormalisedMeasurement,
    normalise_under_choice,
    remove_exafs_of_measurement,
)
from ssbchar.xas.normalisation.processing_choices import ProcessingChoice, draw_choices
from ssbchar.xas.series.lcf_solver import CombinationFit, build_gain, fit_combination
from ssbchar.xas.series.options import Mixture

if TYPE_CHECKING:
    import xarray as xr


def fit_mixture(
    normalised: xr.Dataset, references: list[xr.Dataset], options: Mixture
) -> xr.Dataset:
    """Return the weights of references in every spectrum of a measurement.

    Parameters
    ----------
    normalised : Dataset
        From `ssbchar.xas.normalisation.normalise_spectra`.
    references : list of Dataset
        The same, of the reference compounds; each one's merged spectrum counts.
    options : Mixture
        Range, shift.

    Returns
    -------
    Dataset, dims spectrum, reference, energy
        ``weight`` (median over `choices` normalisation ranges), ``weight_stderr``,
        ``weight_systematic`` (reference; their spread), ``shift`` [eV] with ``shift_stderr``,
        ``covariance`` (spectrum, parameter, parameter2: weights then shift), ``r_factor``,
        ``verdict``; ``fitted`` and ``measured`` over the fit range, with the normalisation of
        `normalised`; attrs ``reduced`` (the reference of lowest edge energy), ``method``, ``notes``
        (the references' too).
    """
    import xarray as xr

    element = (normalised.attrs["element"], normalised.attrs["edge"])
    fitting = [r for r in references if (r.attrs["element"], r.attrs["edge"]) == element]
    where = str(normalised.attrs.get("measurement", "spectrum"))
    if not fitting:
        raise BadInput(
            where,
            f"none of its references is measured at {' '.join(element)}",
            "correct 'reference'",
        )
    e0 = float(normalised["e0"])
    lows = [float(r["energy"][0]) for r in [normalised, *fitting]]
    highs = [float(r["energy"][-1]) for r in [normalised, *fitting]]
    slack = options.max_shift if options.shift else 0.0
    low, high = (
        max(e0 + options.window[0], max(lows) + slack),
        min(e0 + options.window[1], min(highs) - slack),
    )
    energy = normalised["energy"].values
    use = (energy >= low) & (energy <= high)
    if use.sum() < len(fitting) + 3:
        raise BadInput(
            where,
            "its references do not cover its edge",
            "widen mixture.window or give other references",
        )
    targets, spread = normalised["norm"].values[:, use], normalised["norm_stderr"].values[:, use]
    done = fit_combination(
        energy[use],
        targets,
        spread,
        [(r["energy"].values, r["norm"].values[-1]) for r in fitting],
        options,
    )
    weight, systematic, covariance = fit_over_choices(normalised, fitting, use, options)
    names = [str(r.attrs.get("measurement", f"reference {i + 1}")) for i, r in enumerate(fitting)]
    free = [f"weight {n}" for n in names] + (["shift"] if options.shift else [])
    ds = xr.Dataset(
        coords={"energy": ("energy", energy[use], {"units": "eV"})}, attrs=dict(normalised.attrs)
    )
    ds["reference"] = ("reference", names)
    ds["parameter"] = ("parameter", free)
    ds["weight"] = (
        ("spectrum", "reference"),
        weight,
        {"units": "1", "ancillary_variables": "weight_stderr"},
    )
    errors = np.sqrt(np.einsum("sii->si", covariance))
    ds["weight_stderr"] = (("spectrum", "reference"), errors[:, : len(names)], {"units": "1"})
    ds["weight_systematic"] = (
        "reference",
        systematic,
        {"units": "1", "long_name": "spread over normalisation ranges"},
    )
    ds["shift"] = ("spectrum", done.shift, {"units": "eV"})
    ds["shift_stderr"] = (
        "spectrum",
        errors[:, -1] if options.shift else np.zeros(len(errors)),
        {"units": "eV"},
    )
    ds["covariance"] = (("spectrum", "parameter", "parameter2"), covariance, {"units": "1"})
    ds["r_factor"] = ("spectrum", done.r_factor, {"units": "1"})
    ds["reduced_chi_square"] = ("spectrum", done.chi2, {"units": "1"})
    ds["verdict"] = ("spectrum", np.where(np.abs(done.shift) >= options.max_shift, "at_edge", "ok"))
    ds["fitted"] = (("spectrum", "energy"), done.fitted, {"units": "1"})
    ds["measured"] = (("spectrum", "energy"), normalised["norm"].values[:, use], {"units": "1"})
    ds["name"] = normalised["name"]
    lowest = min(range(len(fitting)), key=lambda i: float(fitting[i]["e0_half"].values[-1]))
    said = [
        *notes.read_notes(normalised.attrs),
        *(note for r in fitting for note in notes.read_notes_of_other(r.attrs)),
    ]
    ds.attrs.update(reduced=names[lowest], notes=json.dumps(said))
    ds.attrs["method"] = (
        f"{low - e0:+.0f} to {high - e0:+.0f} eV, shift {'free' if options.shift else 'fixed'}"
    )
    return ds


NOISE_CHOICES = 3
"""Number of choices for which the noise of the weights is propagated; their mean covariance
counts."""


def fit_over_choices(
    normalised: xr.Dataset, references: list[xr.Dataset], use: NDArray[np.bool_], options: Mixture
) -> tuple[Array, Array, Array]:
    """Return median weights of every spectrum over normalisation ranges, the merged one's spread,
    and covariances.

    Half the central 68 % is the spread, as for the paired comparison. The covariance (spectrum,
    parameter, parameter) is that of noise under the same choices. The polynomial above the edge is
    fitted to the spectra without EXAFS, as in `ssbchar.xas.normalisation.normalise`; with fewer
    than two choices its own ranges are taken.
    """
    datasets = [normalised, *(r.isel(spectrum=[-1]) for r in references)]
    smooths = [remove_exafs_of_measurement(ds) for ds in datasets]
    drawn: list[ProcessingChoice | None] = [None]
    if options.choices > 1:
        axes, e0s = [ds["energy"].values for ds in datasets], [float(ds["e0"]) for ds in datasets]
        drawn = [*draw_choices(axes, e0s, Comparison(choices=options.choices, seed=options.seed))]
    stderr = normalised["norm_stderr"].values[:, use]
    found, covariance = [], []
    for i, choice in enumerate(drawn):
        noisy = i < NOISE_CHOICES
        parts = [
            normalise_under_choice(ds, smooth, choice, noisy)
            for ds, smooth in zip(datasets, smooths, strict=True)
        ]
        grid = parts[0].energy[use]
        done = fit_combination(
            grid, parts[0].norm[:, use], stderr, [(p.energy, p.norm[0]) for p in parts[1:]], options
        )
        found.append(done.weight)
        if noisy:
            covariance.append(propagate_noise(grid, parts, stderr, done, options))
    low, middle, high = np.percentile(found, [15.87, 50, 84.13], axis=0)
    return middle, np.asarray(high - low)[-1] / 2, np.mean(covariance, axis=0)


def propagate_noise(
    grid: Array,
    parts: list[NormalisedMeasurement],
    stderr: Array,
    done: CombinationFit,
    options: Mixture,
) -> Array:
    """Return the covariance of (weights, shift) from the noise of spectrum and references, their
    baselines included.

    norm = (A mu) / step with A mu = mu - pre, step = w . mu: a change d mu moves the parameters by
    G d mu, G = gain (A - norm w) / step; references add the same, times their weight.

    Parameters
    ----------
    grid : array, shape (energy,)
        Energies of the fit [eV].
    parts : list of Part
        The spectra, then the references.
    stderr : array, shape (spectrum, energy)
        What the fit was weighted by.
    done : Combined
    options : Mixture
    """
    solve = build_gain(
        done.columns,
        1 / np.maximum(stderr, 1e-12) ** 2,
        len(parts) - 1 if options.sum_to_one else 0,
    )
    total = np.zeros((len(done.shift), solve.shape[1], solve.shape[1]))
    factors = [np.ones_like(done.shift), *(-done.weight.T)]
    for part, factor in zip(parts, factors, strict=True):
        onto = np.asarray(
            [np.interp(grid, part.energy, unit) for unit in np.eye(part.energy.size)]
        ).T
        direct = solve @ (onto @ part.rest)
        height = np.einsum(
            "npe,ne->np", solve, np.broadcast_to(part.norm @ onto.T, done.fitted.shape)
        )
        change = (direct - height[:, :, None] * part.weights) / part.step[:, None, None]
        change *= factor[:, None, None] * part.stderr[:, None, :]
        total += np.einsum("npe,nqe->npq", change, change)
    return total
