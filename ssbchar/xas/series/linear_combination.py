"""A spectrum as a sum of references, with the energy axis of each spectrum free."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ssbchar.errors import BadInput
from ssbchar.typing import Array
from ssbchar.verdict import Verdict
from ssbchar.xas import notes
from ssbchar.xas.comparison.options import Comparison
from ssbchar.xas.normalisation.processing import (
    NormalisedMeasurement,
    normalise_again,
    remove_exafs_again,
)
from ssbchar.xas.normalisation.processing_choices import ProcessingChoice, draw_choices
from ssbchar.xas.series.lcf_solver import (
    LEAST_STDERR,
    CombinationFit,
    build_gain,
    fit_combination,
)
from ssbchar.xas.series.options import Mixture
from ssbchar.xas.series.outputs import MIXTURE

if TYPE_CHECKING:
    import xarray as xr

NOISE_CHOICES = 3
"""Number of choices for which the noise of the weights is propagated, to a mean covariance."""
SPARE_POINTS = 3
"""Points of the fit range that are needed beyond one per reference."""
CENTRAL_68 = (15.87, 50, 84.13)
"""Percentiles of minus one sigma, median and plus one sigma."""


def fit_mixture(
    normalised: xr.Dataset, references: Sequence[xr.Dataset], options: Mixture
) -> xr.Dataset:
    """Return the weights of references in every spectrum of a measurement.

    Parameters
    ----------
    normalised : Dataset, dims spectrum, energy
        From `ssbchar.xas.normalisation.normalise_spectra` or
        `ssbchar.xas.series.normalise_series`; energies in eV.
    references : sequence of Dataset
        The same, of the reference compounds; their merged spectra are used.
    options : Mixture
        Fit range and bound of the shift [eV].

    Returns
    -------
    Dataset, dims spectrum, reference, energy
        As `ssbchar.xas.series.outputs.MIXTURE`; ``fitted`` and ``measured`` with the normalisation
        of `normalised`; attrs ``reduced``, ``method``, ``notes``.

    Raises
    ------
    BadInput
        No reference is of the same edge, or the references do not cover the range.
    """
    where = str(normalised.attrs.get("measurement", "spectrum"))
    edge = (normalised.attrs["element"], normalised.attrs["edge"])
    fitting = [r for r in references if (r.attrs["element"], r.attrs["edge"]) == edge]
    if not fitting:
        problem = f"none of its references is measured at {' '.join(edge)}"
        raise BadInput(where, problem, "correct 'reference'")
    energy, e0 = normalised["energy"].values, float(normalised["e0"])
    low, high = _choose_range(normalised, fitting, options)
    use = (energy >= low) & (energy <= high)
    if use.sum() < len(fitting) + SPARE_POINTS:
        remedy = "widen mixture.window or give other references"
        raise BadInput(where, "its references do not cover its edge", remedy)
    measured = normalised["norm"].values[:, use]
    fit = fit_combination(
        energy[use],
        measured,
        normalised["norm_stderr"].values[:, use],
        [(r["energy"].values, r["norm"].values[-1]) for r in fitting],
        options,
    )
    ensemble = fit_over_choices(normalised, fitting, use, options)
    stderr = np.sqrt(np.einsum("sii->si", ensemble.covariance))
    names = [str(r.attrs.get("measurement", f"reference {i}")) for i, r in enumerate(fitting, 1)]
    at_edge = np.abs(fit.shift) >= options.max_shift
    shift = "free" if options.shift else "fixed"
    # The more reduced the absorber, the lower its edge.
    lowest = min(range(len(fitting)), key=lambda i: float(fitting[i]["e0_half"].values[-1]))
    found = notes.read_notes(normalised.attrs)
    found += [note for r in fitting for note in notes.read_notes_of_other(r.attrs)]
    return MIXTURE.dataset(
        {
            "energy": energy[use],
            "name": normalised["name"].values,
            "reference": names,
            "parameter": [f"weight {n}" for n in names] + (["shift"] if options.shift else []),
            "weight": ensemble.weight,
            "weight_stderr": stderr[:, : len(names)],
            "weight_systematic": ensemble.spread,
            "shift": fit.shift,
            "shift_stderr": stderr[:, -1] if options.shift else np.zeros(len(stderr)),
            "covariance": ensemble.covariance,
            "r_factor": fit.r_factor,
            "reduced_chi_square": fit.reduced_chi_square,
            "verdict": np.where(at_edge, Verdict.AT_EDGE.value, Verdict.OK.value),
            "fitted": fit.fitted,
            "measured": measured,
        },
        attrs={
            **normalised.attrs,
            "reduced": names[lowest],
            "notes": json.dumps(found),
            "method": f"{low - e0:+.0f} to {high - e0:+.0f} eV, shift {shift}",
        },
    )


def _choose_range(
    normalised: xr.Dataset, references: Sequence[xr.Dataset], options: Mixture
) -> tuple[float, float]:
    """Return the fit range [eV]: the window, as far as all spectra reach when shifted."""
    e0 = float(normalised["e0"])
    lows = [float(r["energy"][0]) for r in [normalised, *references]]
    highs = [float(r["energy"][-1]) for r in [normalised, *references]]
    # A shifted reference must still cover the range.
    slack = options.max_shift if options.shift else 0.0
    low = max(e0 + options.window[0], max(lows) + slack)
    high = min(e0 + options.window[1], min(highs) - slack)
    return low, high


@dataclass(frozen=True, kw_only=True)
class ChoiceEnsemble:
    """Weights over sets of normalisation ranges."""

    weight: Array
    """Median, shape (spectrum, reference)."""
    spread: Array
    """Half the central 68 % of the merged spectrum's weights, shape (reference,)."""
    covariance: Array
    """From noise, of weights and shift [1, eV], shape (spectrum, parameter, parameter)."""


def fit_over_choices(
    normalised: xr.Dataset,
    references: Sequence[xr.Dataset],
    use: NDArray[np.bool_],
    options: Mixture,
) -> ChoiceEnsemble:
    """Return the median weights over normalisation ranges, their spread and covariance.

    The spread is half the central 68 %, as for the paired comparison. The covariance is that of
    noise under the same choices. The polynomial above the edge is fitted to the spectra without
    EXAFS, as in `ssbchar.xas.normalisation.normalise`; with fewer than two choices the ranges of
    the normalisation step are used.

    Parameters
    ----------
    normalised : Dataset, dims spectrum, energy
        Energies in eV.
    references : sequence of Dataset
        Their last spectrum is used.
    use : array of bool, shape (energy,)
        The fit range.
    options : Mixture
        Number of choices and their seed.
    """
    datasets = [normalised, *(r.isel(spectrum=[-1]) for r in references)]
    smooths = [remove_exafs_again(ds) for ds in datasets]
    stderr = normalised["norm_stderr"].values[:, use]
    weights, covariances = [], []
    for i, choice in enumerate(_draw(datasets, options)):
        noisy = i < NOISE_CHOICES
        sample, *others = (
            normalise_again(ds, smooth, choice)
            for ds, smooth in zip(datasets, smooths, strict=True)
        )
        grid = sample.energy[use]
        pairs = [(other.energy, other.spectra.norm[0]) for other in others]
        fit = fit_combination(grid, sample.spectra.norm[:, use], stderr, pairs, options)
        weights.append(fit.weight)
        if noisy:
            covariances.append(propagate_noise(grid, [sample, *others], stderr, fit, options))
    low, middle, high = np.percentile(weights, CENTRAL_68, axis=0)
    return ChoiceEnsemble(
        weight=middle,
        spread=np.asarray(high - low)[-1] / 2,
        covariance=np.mean(covariances, axis=0),
    )


def _draw(datasets: Sequence[xr.Dataset], options: Mixture) -> list[ProcessingChoice | None]:
    """Return the choices of normalisation ranges; None stands for those of the datasets."""
    if options.choices <= 1:
        return [None]
    axes = [ds["energy"].values for ds in datasets]
    e0s = [float(ds["e0"]) for ds in datasets]
    comparison = Comparison(choices=options.choices, seed=options.seed)
    return [*draw_choices(axes, e0s, comparison)]


def propagate_noise(
    grid: Array,
    measurements: Sequence[NormalisedMeasurement],
    stderr: Array,
    fit: CombinationFit,
    options: Mixture,
) -> Array:
    """Return the covariance of (weights, shift) from the noise of spectrum and references.

    norm = (A mu) / step with A mu = mu - pre, step = w . mu: a change d mu moves the parameters by
    G d mu, G = gain (A - norm w) / step, baselines included; references add the same, times their
    weight.

    Parameters
    ----------
    grid : array, shape (energy,)
        Energies of the fit [eV].
    measurements : sequence of NormalisedMeasurement
        The spectra, then the references.
    stderr : array, shape (spectrum, energy)
        What the fit was weighted by.
    fit : CombinationFit
        Where the derivatives are taken.
    options : Mixture
        Whether the weights sum to one.

    Returns
    -------
    array, shape (spectrum, parameter, parameter)
        [1, eV]
    """
    power = 1 / np.maximum(stderr, LEAST_STDERR) ** 2
    gain = build_gain(fit.columns, power, len(measurements) - 1 if options.sum_to_one else 0)
    total = np.zeros((len(fit.shift), gain.shape[1], gain.shape[1]))
    # The model is subtracted: errors of references enter with the opposite sign.
    factors = [np.ones_like(fit.shift), *(-fit.weight.T)]
    for one, factor in zip(measurements, factors, strict=True):
        # Interpolation to the fit's grid as a matrix, shape (grid, energy).
        units = np.eye(one.energy.size)
        onto = np.asarray([np.interp(grid, one.energy, unit) for unit in units]).T
        operators, step = one.operators, one.spectra.edge_step
        direct = gain @ (onto @ operators.subtraction)
        norm = np.broadcast_to(one.spectra.norm @ onto.T, fit.fitted.shape)
        height = np.einsum("npe,ne->np", gain, norm)
        change = direct - height[:, :, None] * operators.step_weights
        change = change / step[:, None, None]
        change *= factor[:, None, None] * one.mu_stderr[:, None, :]
        total += np.einsum("npe,nqe->npq", change, change)
    return total
