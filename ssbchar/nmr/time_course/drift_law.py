"""The law of a quantity against time: constant, linear, or an exponential approach to an end."""

from __future__ import annotations

import typing
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ssbchar.nmr.time_course.options import DriftModel
from ssbchar.typing import Array

RATES = np.geomspace(0.3, 60.0, 160)
"""Rates tried, over the inverse of the series' length: slower ones are a line, faster ones a step
between two spectra."""
FINE = 60
"""Rates tried between two neighbours of the best."""


@dataclass(frozen=True, kw_only=True)
class DriftLaw:
    """v(t) = start, start + slope t, or end + (start - end) exp(-rate t), t since the first
    spectrum."""

    model: DriftModel
    parameters: Array
    """(start), (start, slope), or (start, end, rate); times in hours."""
    covariance: Array
    """Of the parameters, for the stated errors times `inflation`."""
    chi2: float
    """With the stated errors."""
    dof: int
    inflation: float = 1.0
    """Factor of all errors, for scatter beyond the stated ones: 1 or more."""

    def evaluate(self, hours: Array) -> Array:
        """Return the law at times [h], shape (time,), in the unit of the quantity."""
        return evaluate_drift(self.model, self.parameters, hours)

    def propagate(self, hours: Array) -> Array:
        """Return the covariance of the law at times [h], shape (time, time)."""
        slopes = differentiate_drift(self.model, self.parameters, hours)
        return np.asarray(slopes @ self.covariance @ slopes.T)


def evaluate_drift(model: DriftModel, parameters: Array, hours: Array) -> Array:
    """Return a law at some times.

    Parameters
    ----------
    model : str
    parameters : ndarray
        As `DriftLaw.parameters`.
    hours : ndarray, shape (time,)
        Since the first spectrum [h].

    Returns
    -------
    ndarray, shape (time,)
        In the unit of the quantity.
    """
    match model:
        case "constant":
            return np.full(hours.shape, parameters[0])
        case "linear":
            return np.asarray(parameters[0] + parameters[1] * hours)
        case "exponential":
            start, end, rate = parameters
            return np.asarray(end + (start - end) * np.exp(-rate * hours))
        case _ as unknown:
            typing.assert_never(unknown)


def differentiate_drift(model: DriftModel, parameters: Array, hours: Array) -> Array:
    """Return the derivatives of a law with respect to its parameters.

    Parameters
    ----------
    model : str
    parameters : ndarray
        As `DriftLaw.parameters`.
    hours : ndarray, shape (time,)
        Since the first spectrum [h].

    Returns
    -------
    ndarray, shape (time, parameter)
        In the unit of the quantity over that of each parameter.
    """
    one = np.ones(hours.shape)
    match model:
        case "constant":
            return one[:, None]
        case "linear":
            return np.stack([one, hours], axis=1)
        case "exponential":
            start, end, rate = parameters
            left = np.exp(-rate * hours)
            return np.stack([left, 1 - left, -(start - end) * hours * left], axis=1)
        case _ as unknown:
            typing.assert_never(unknown)


def fit_drift_law(
    hours: Array, values: Array, covariance: Array, models: Sequence[DriftModel], min_gain: float
) -> DriftLaw:
    """Return the law that the information criterion chooses, simplest first.

    Scatter beyond the stated errors is taken as a factor of all of them, that of the law that fits
    best, so that it makes no law look better than it is. The criterion is chi2 + k ln(n) + 2 k (k +
    1) / (n - k - 1) for k parameters (C. M. Hurvich & C.-L. Tsai, Biometrika 76 (1989) 297).

    Parameters
    ----------
    hours, values : ndarray, shape (spectrum,)
        Times since the first spectrum [h], and the quantity.
    covariance : ndarray, shape (spectrum, spectrum)
        Of the values.
    models : sequence of str
        Laws tried.
    min_gain : float
        Least fall of the criterion that admits a law with more parameters.
    """
    weight = np.asarray(np.linalg.pinv(covariance, hermitian=True), float)
    fits = [
        law for model in models if (law := _fit_model(hours, values, weight, model)) is not None
    ]
    if not fits:
        fits = [_fit_linear(hours, values, weight, "linear")]
    scatter = min((law.chi2 / law.dof for law in fits if law.dof > 0), default=1.0)
    variance = max(scatter, 1.0)
    best = fits[0]
    for law in fits[1:]:
        if _find_criterion(law, variance) + min_gain < _find_criterion(best, variance):
            best = law
    # What scatters beyond the law that was chosen counts against it, too.
    own = max(best.chi2 / best.dof, 1.0) if best.dof > 0 else 1.0
    return DriftLaw(
        model=best.model,
        parameters=best.parameters,
        covariance=best.covariance * own,
        chi2=best.chi2,
        dof=best.dof,
        inflation=float(np.sqrt(own)),
    )


def _find_criterion(law: DriftLaw, variance: float) -> float:
    count = law.parameters.size
    points = law.dof + count
    left = law.dof - 1
    few = 2 * count * (count + 1) / left if left > 0 else np.inf
    return float(law.chi2 / variance + count * np.log(points) + few)


def _fit_model(hours: Array, values: Array, weight: Array, model: DriftModel) -> DriftLaw | None:
    """Return the generalised least-squares fit of a law, None where there are too few points."""
    match model:
        case "constant" | "linear":
            least = 1 if model == "constant" else 2
            is_enough = np.unique(hours).size > least
            return _fit_linear(hours, values, weight, model) if is_enough else None
        case "exponential":
            return _fit_exponential(hours, values, weight)
        case _ as unknown:
            typing.assert_never(unknown)


def _fit_linear(hours: Array, values: Array, weight: Array, model: DriftModel) -> DriftLaw:
    design = differentiate_drift(model, np.zeros(3), hours)
    covariance = np.asarray(np.linalg.inv(design.T @ weight @ design), float)
    parameters = covariance @ (design.T @ weight @ values)
    residual = values - design @ parameters
    return DriftLaw(
        model=model,
        parameters=parameters,
        covariance=covariance,
        chi2=float(residual @ weight @ residual),
        dof=values.size - parameters.size,
    )


def _fit_exponential(hours: Array, values: Array, weight: Array) -> DriftLaw | None:
    """Return the best exponential: start and end are linear for a given rate."""
    length = float(np.ptp(hours))
    if np.unique(hours).size < 5 or length <= 0:
        return None
    tried = RATES / length
    found = [_solve_ends(hours, values, weight, rate) for rate in tried]
    place = int(np.argmin([chi2 for chi2, _ in found]))
    if place in (0, tried.size - 1):
        # It is a line, or a step that no spectrum shows.
        return None
    fine = np.geomspace(tried[place - 1], tried[place + 1], FINE)
    closer = [_solve_ends(hours, values, weight, rate) for rate in fine]
    nearest = int(np.argmin([chi2 for chi2, _ in closer]))
    parameters = np.append(closer[nearest][1], fine[nearest])
    slopes = differentiate_drift("exponential", parameters, hours)
    information = slopes.T @ weight @ slopes
    if np.linalg.cond(information) > 1e14:
        return None
    return DriftLaw(
        model="exponential",
        parameters=parameters,
        covariance=np.asarray(np.linalg.inv(information), float),
        chi2=closer[nearest][0],
        dof=values.size - 3,
    )


def _solve_ends(hours: Array, values: Array, weight: Array, rate: float) -> tuple[float, Array]:
    """Return chi-square, and start and end, for a rate [1/h]."""
    left = np.exp(-rate * hours)
    design = np.stack([left, 1 - left], axis=1)
    ends = np.linalg.lstsq(design.T @ weight @ design, design.T @ weight @ values, rcond=None)[0]
    residual = values - design @ ends
    return float(residual @ weight @ residual), np.asarray(ends)
