"""Curves of cell parameters against temperature: generalised least squares with errors in both, all
parameters at once.

Polynomials, or lattice-vibration models whose thermal energy u(T, theta) drives every parameter:
``y_i(T) = y_i0 + A_i u(T, theta)``; Einstein u = theta / (exp(theta / T) - 1); Debye u = 3 T
D(theta / T) (first-order Grueneisen approximation: D. C. Wallace, Thermodynamics of Crystals, Wiley
(1972)).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from ssbchar.constants import ABSOLUTE_ZERO_C
from ssbchar.hexrd.expansion.options import ExpansionModel, VibrationModel
from ssbchar.statistics import MAD_TO_SIGMA, chi_square_from_probability
from ssbchar.typing import Array
from ssbchar.uncertain import inflation_from_residuals

THETAS = np.geomspace(40.0, 2500.0, 49)
"""Where the characteristic temperature [K] is sought."""
NODES, WEIGHTS = np.polynomial.legendre.leggauss(40)
OUTLIER = 5.0
"""A frame this many (robust) standard deviations off the curve is left out."""
FEWEST_KEPT = 0.7
"""Share of the frames that must be left: where fewer fit the curve, the curve is wrong."""
ROUNDS_OF_OUTLIERS = 6
ROUNDS_OF_VARIANCE = 4
"""Fits until slope, effective variance and inflation agree."""
SMALLEST_RANGE = 1.0
"""Temperatures must span this [K]."""
POINTS_PER_ORDER = 3
"""Frames that each order of a polynomial needs."""
BY_CHANCE = 0.05
"""How rarely points scatter so little by chance that their errors are said to hold more."""
COLD = -100.0
"""Temperature below which vibrations freeze out [degC]."""
STRONG = 6.0
"""Difference of the information criterion that is strong evidence (R. E. Kass & A. E. Raftery, J.
Am. Stat. Assoc. 90 (1995) 773)."""
FEWEST_FOR_VIBRATION = 6
"""Points that a vibration model needs."""
RATE_STEP = 0.05
"""Half-width [K] of the differences that give the rate of a vibration model."""
THETA_STEP = 1e-3
"""The same of the derivative by theta, a share of theta."""


@dataclass(frozen=True, kw_only=True)
class CellPoints:
    """Cell parameters at temperatures, with the errors of both."""

    temperature: Array
    """[degC], shape (n,)."""
    temperature_stderr: Array
    """[K], shape (n,)."""
    values: Array
    """Free cell parameters [angstrom, degree], shape (n, p)."""
    covariance: Array
    """Shape (n, p, p)."""

    def select(self, which: NDArray[np.bool_]) -> CellPoints:
        """Return some of the points [degC, angstrom]; `which` is a mask of shape (n,)."""
        return CellPoints(
            temperature=self.temperature[which],
            temperature_stderr=self.temperature_stderr[which],
            values=self.values[which],
            covariance=self.covariance[which],
        )

    def effective_covariance(self, rates: Array) -> Array:
        """Return the covariance (n, p, p) with the error of the temperature, C + r r^T s_T^2.

        r are the rates [per K] of the curve, shape (n, p) (effective variance: J. Orear, Am. J.
        Phys. 50 (1982) 912): one wrong temperature moves all parameters together.
        """
        outer = rates[:, :, None] * rates[:, None, :]
        return self.covariance + outer * (self.temperature_stderr**2)[:, None, None]


@dataclass(frozen=True, kw_only=True)
class Basis:
    """The functions of temperature a curve is made of."""

    model: ExpansionModel
    order: int
    """Of the polynomial."""
    low: float
    """Lowest temperature [degC]; the range is mapped to -1..1."""
    high: float
    """Highest temperature [degC]."""
    theta: float = float("nan")
    """Characteristic temperature [K] of a vibration model."""

    def __call__(self, temperature: Array) -> Array:
        """Return the functions at temperatures [degC] of shape (n,), shape (n, functions)."""
        if self.model == "polynomial":
            mapped = self._map_range(temperature)
            return np.asarray(np.polynomial.chebyshev.chebvander(mapped, self.order))
        energy = calculate_thermal_energy(self.model, temperature, self.theta)
        return np.stack([np.ones_like(temperature), energy], axis=1)

    def differentiate(self, temperature: Array) -> Array:
        """Return their derivatives by temperature [1/K] at temperatures [degC] of shape (n,), shape
        (n, functions)."""
        if self.model == "polynomial":
            chebyshev = np.polynomial.chebyshev
            mapped = self._map_range(temperature)
            unit = np.eye(self.order + 1)
            terms = [chebyshev.chebval(mapped, chebyshev.chebder(row)) for row in unit]
            return np.asarray(np.stack(terms, axis=1) * 2 / (self.high - self.low))
        above, below = self(temperature + RATE_STEP), self(temperature - RATE_STEP)
        return np.asarray((above - below) / (2 * RATE_STEP))

    def _map_range(self, temperature: Array) -> Array:
        doubled = 2 * np.asarray(temperature, float)
        return np.asarray((doubled - self.low - self.high) / (self.high - self.low))


def calculate_thermal_energy(model: VibrationModel, temperature: Array, theta: float) -> Array:
    """Return u(T, theta) [K] of an Einstein or Debye solid; u -> T far above theta.

    Parameters
    ----------
    model : str
        ``einstein`` or ``debye``.
    temperature : ndarray, shape (n,)
        [degC]
    theta : float
        Characteristic temperature [K].

    Returns
    -------
    ndarray, shape (n,)
    """
    kelvin = np.asarray(temperature, float) - ABSOLUTE_ZERO_C
    match model:
        case "einstein":
            return np.asarray(theta / np.expm1(theta / kelvin))
        case "debye":
            # D(x) = 3 / x^3 times the integral of t^3 / (exp(t) - 1) from 0 to x = theta / T.
            upper = theta / kelvin[:, None]
            x = 0.5 * upper * (NODES + 1)
            integral = np.sum(0.5 * upper * WEIGHTS * x**3 / np.expm1(x), axis=1)
            return np.asarray(3 * kelvin * integral / upper[:, 0] ** 3)
        case _:
            assert_never(model)


@dataclass(frozen=True, kw_only=True)
class CurveValues:
    """Curves at n temperatures."""

    values: Array
    """[angstrom, degree], shape (n, p)."""
    rates: Array
    """[per K], shape (n, p)."""
    jacobian: Array
    """Derivatives of values and rates by the coefficients, shape (n, 2p, k)."""


@dataclass(frozen=True, kw_only=True)
class CellCurve:
    """Fitted curves y(T) of p parameters with the covariance of all their coefficients."""

    basis: Basis
    coefficients: Array
    """Shape (p, functions)."""
    covariance: Array
    """Shape (k, k): coefficients row by row, then theta where there is one; inflated."""
    inflation: Array
    """Factor on the stated errors of each parameter: scatter (Birge) times serial correlation, >=
    1."""
    chi2: float
    """Reduced chi-square before inflation."""
    unscattered: Array
    """The part of a point's covariance, shape (p, p), that does not show as scatter about the
    curve: points that scatter less than stated share a deviation, which may grow along the
    curve."""
    used: NDArray[np.bool_]
    """Points that were not left out as outliers."""

    def evaluate(self, temperature: Array) -> CurveValues:
        """Return values and rates at temperatures [degC] of shape (n,)."""
        temperature = np.asarray(temperature, float)
        functions = self.basis(temperature)
        slopes = self.basis.differentiate(temperature)
        parameters = len(self.coefficients)
        jacobian = np.concatenate(
            [_build_design(functions, parameters), _build_design(slopes, parameters)],
            axis=1,
        )
        if self.basis.model != "polynomial":
            by_theta = self._differentiate_by_theta(temperature)
            jacobian = np.concatenate([jacobian, by_theta[..., None]], axis=2)
        return CurveValues(
            values=functions @ self.coefficients.T,
            rates=slopes @ self.coefficients.T,
            jacobian=jacobian,
        )

    def _differentiate_by_theta(self, temperature: Array) -> Array:
        """Return the derivatives of values and rates by theta, shape (n, 2p)."""
        step = THETA_STEP * self.basis.theta
        up, down = (replace(self.basis, theta=self.basis.theta + s) for s in (step, -step))
        values = up(temperature) - down(temperature)
        rates = up.differentiate(temperature) - down.differentiate(temperature)
        return np.concatenate(
            [difference @ self.coefficients.T / (2 * step) for difference in (values, rates)],
            axis=1,
        )


def _build_design(functions: Array, parameters: int) -> Array:
    """Return (n, p, p * functions): each parameter has its own coefficients."""
    n, count = functions.shape
    design = np.einsum("ij,ta->tija", np.eye(parameters), functions)
    return np.asarray(design.reshape(n, parameters, parameters * count))


@dataclass(frozen=True, kw_only=True)
class Solution:
    """Coefficients of a linear problem and their covariance."""

    coefficients: Array
    covariance: Array


def _solve_generalised(design: Array, y: Array, covariance: Array) -> Solution:
    """Return the solution of generalised least squares, whitened by Cholesky.

    Columns are scaled to unit length, and directions that the data do not determine are left at
    zero.
    """
    # Whitened data are independent with unit variance: ordinary least squares.
    lower = np.linalg.cholesky(covariance)
    a = np.linalg.solve(lower, design).reshape(-1, design.shape[2])
    b = np.linalg.solve(lower, y[..., None]).reshape(-1)
    scale = np.linalg.norm(a, axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    u, s, vt = np.linalg.svd(a / scale, full_matrices=False)
    keep = s > 1e-12 * s[0]
    found = vt[keep].T @ ((u[:, keep].T @ b) / s[keep])
    spread = (vt[keep].T / s[keep] ** 2) @ vt[keep]
    return Solution(coefficients=found / scale, covariance=spread / np.outer(scale, scale))


def fit_curves(
    points: CellPoints,
    model: ExpansionModel = "polynomial",
    order: int = 4,
) -> CellCurve | None:
    """Return the curves through p parameters at n temperatures; None where there are too few
    points.

    The covariance of each point includes the error of its temperature
    (`CellPoints.effective_covariance`). The order of the polynomial has the least Bayesian
    information criterion (G. Schwarz, Ann. Statist. 6 (1978) 461). Outliers are left out as long as
    they are few.

    Parameters
    ----------
    points : CellPoints
        Temperatures [degC] of shape (n,), parameters [angstrom, degree] of shape (n, p).
    model : str
        ``polynomial``, ``einstein`` or ``debye``.
    order : int
        Highest order of the polynomial.
    """
    used = np.ones(points.temperature.size, bool)
    curve = None
    for _ in range(ROUNDS_OF_OUTLIERS):
        curve = _fit_without_outliers(points.select(used), model, order)
        if curve is None:
            return None
        z = _standardise(curve, points)
        # Robust: the outliers themselves must not widen the limit that finds them.
        scale = np.maximum(1.0, MAD_TO_SIGMA * np.median(np.abs(z[used]), axis=0))
        kept = np.all(np.abs(z) < OUTLIER * scale, axis=1)
        if np.array_equal(kept, used) or kept.sum() < FEWEST_KEPT * used.size:
            break
        used = kept
    assert curve is not None
    return replace(curve, used=used)


def _fit_without_outliers(
    points: CellPoints,
    model: ExpansionModel,
    order: int,
) -> CellCurve | None:
    """Return the curve through all points, a polynomial of the order that the information criterion
    chooses."""
    count = points.temperature.size
    highest = min(order, (count - 1) // POINTS_PER_ORDER)
    if highest < 1:
        return None
    low, high = float(points.temperature.min()), float(points.temperature.max())
    if high - low < SMALLEST_RANGE:
        return None
    if model != "polynomial":
        return _fit_vibration(model, low, high, points)
    curves = [
        _fit_on_basis(Basis(model=model, order=n, low=low, high=high), points)
        for n in range(1, highest + 1)
    ]
    # The scatter about the most flexible curve is what all orders are judged by.
    noise = max(1.0, float(np.max(curves[-1].inflation)) ** 2)
    numbers = count * points.values.shape[1]

    def information(curve: CellCurve) -> float:
        k = curve.coefficients.size + int(np.isfinite(curve.basis.theta))
        freedom = numbers - curve.coefficients.size
        return float(curve.chi2 * freedom / noise + k * np.log(numbers))

    best = min(curves, key=information)
    if low < COLD and count >= FEWEST_FOR_VIBRATION:
        # Where vibrations freeze out a polynomial runs away: it must be clearly better.
        frozen = _fit_vibration("einstein", low, high, points)
        return frozen if information(frozen) <= information(best) + STRONG else best
    return best


def _fit_on_basis(basis: Basis, points: CellPoints) -> CellCurve:
    """Return the curve on one basis: effective variance and inflation settle in four rounds."""
    n, p = points.values.shape
    functions, rates = basis(points.temperature), basis.differentiate(points.temperature)
    design = _build_design(functions, p)
    freedom = n - functions.shape[1]
    inflation, chi2 = np.ones(p), 1.0
    # The slope that the error of temperature needs is first that of an unweighted fit.
    coefficients: Array = np.linalg.lstsq(functions, points.values, rcond=None)[0].T.astype(float)
    spread = np.empty((0, 0))
    for turn in range(ROUNDS_OF_VARIANCE):
        stated = points.effective_covariance(rates @ coefficients.T)
        total = stated * inflation[:, None] * inflation
        solution = _solve_generalised(design, points.values, total)
        coefficients, spread = solution.coefficients.reshape(p, -1), solution.covariance
        residual = points.values - functions @ coefficients.T
        z = residual / np.sqrt(np.einsum("tii->ti", stated))
        squares = np.einsum("ti,tij,tj->t", residual, np.linalg.inv(stated), residual)
        chi2 = float(np.mean(squares) * n / (freedom * p))
        # Once is enough: the last round then has the errors that are reported.
        if turn == ROUNDS_OF_VARIANCE - 2:
            inflation = _estimate_inflation(z, freedom)
    return CellCurve(
        basis=basis,
        coefficients=coefficients,
        covariance=spread,
        inflation=inflation,
        chi2=chi2,
        unscattered=_find_unscattered(points, chi2, freedom * p),
        used=np.ones(n, bool),
    )


def _find_unscattered(points: CellPoints, chi2: float, freedom: int) -> Array:
    """Return the part of the mean covariance of the points that their scatter leaves out, where it
    leaves out more than chance does."""
    highest = chi2 * freedom / chi_square_from_probability(BY_CHANCE, freedom)
    return np.asarray(max(0.0, 1.0 - highest) * points.covariance.mean(axis=0))


def _estimate_inflation(z: Array, freedom: int) -> Array:
    """Return the factor (p,) on stated errors: scatter (Birge) times serial correlation of the
    standardised residuals (n, p)."""
    birge = np.sqrt(np.maximum(np.sum(z**2, axis=0) / freedom, 1.0))
    return np.asarray(birge * np.array([inflation_from_residuals(column) for column in z.T]))


def _fit_vibration(model: VibrationModel, low: float, high: float, points: CellPoints) -> CellCurve:
    """Return the Einstein or Debye curve with the theta of least chi-square; theta's error is in
    the covariance."""
    from scipy.optimize import minimize_scalar

    def fit_at(log_theta: float) -> CellCurve:
        theta = float(np.exp(log_theta))
        return _fit_on_basis(Basis(model=model, order=1, low=low, high=high, theta=theta), points)

    # Chi-square may have several minima in theta: a scan first, then the bounded search.
    grid = np.log(THETAS)
    best = int(np.argmin([fit_at(log_theta).chi2 for log_theta in grid]))
    bounds = (grid[max(best - 1, 0)], grid[min(best + 1, grid.size - 1)])
    search = minimize_scalar(lambda t: fit_at(t).chi2, bounds=bounds, method="bounded")
    curve = fit_at(search.x)
    at = curve.evaluate(points.temperature)
    total = points.effective_covariance(at.rates) * curve.inflation[:, None] * curve.inflation
    # The curve is linear in its coefficients but not in theta: one step with all derivatives.
    design = at.jacobian[:, : points.values.shape[1]]
    solution = _solve_generalised(design, points.values - at.values, total)
    return replace(curve, covariance=solution.covariance)


def _standardise(curve: CellCurve, points: CellPoints) -> Array:
    """Return residuals over their standard deviations, shape (n, p)."""
    at = curve.evaluate(points.temperature)
    from_temperature = (at.rates * points.temperature_stderr[:, None]) ** 2
    variance = np.einsum("tii->ti", points.covariance) + from_temperature
    return np.asarray((points.values - at.values) / np.sqrt(variance))
