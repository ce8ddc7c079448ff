"""Curves of cell parameters against temperature: generalised least squares with errors in both, all
parameters at once.

Polynomials, or lattice-vibration models whose thermal energy u(T, theta) drives every parameter:
``y_i(T) = y_i0 + A_i u(T, theta)``; Einstein u = theta / (exp(theta / T) - 1); Debye u = 3 T
D(theta / T) (first-order Grueneisen approximation: D. C. Wallace, Thermodynamics of Crystals, Wiley
(1972)).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ssbchar.statistics import MAD_TO_SIGMA
from ssbchar.typing import Array
from ssbchar.uncertain import inflation_from_residuals

ZERO_CELSIUS = 273.15
THETAS = np.geomspace(40.0, 2500.0, 49)
"""Where the characteristic temperature [K] is sought."""
NODES, WEIGHTS = np.polynomial.legendre.leggauss(40)
OUTLIER = 5.0
"""A frame this many (robust) standard deviations off the curve is left out."""


@dataclass(frozen=True)
class Basis:
    """The functions of temperature a curve is made of."""

    kind: str
    """``polynomial``, ``einstein`` or ``debye``."""
    order: int
    low: float
    high: float
    """Range [degC] that is mapped to -1..1."""
    theta: float = float("nan")
    """Characteristic temperature [K]."""

    def __call__(self, temperature: Array) -> Array:
        """Return the functions at temperatures [degC], shape (n, functions)."""
        if self.kind == "polynomial":
            return np.asarray(
                np.polynomial.chebyshev.chebvander(self._mapped(temperature), self.order)
            )
        return np.stack(
            [
                np.ones_like(temperature),
                calculate_thermal_energy(self.kind, temperature, self.theta),
            ],
            axis=1,
        )

    def rate(self, temperature: Array) -> Array:
        """Return their derivatives by temperature [1/K]."""
        if self.kind == "polynomial":
            cheb = np.polynomial.chebyshev
            unit = np.eye(self.order + 1)
            x = self._mapped(temperature)
            terms = [cheb.chebval(x, cheb.chebder(row)) for row in unit]
            return np.asarray(np.stack(terms, axis=1) * 2 / (self.high - self.low))
        h = 0.05
        return np.asarray((self(temperature + h) - self(temperature - h)) / (2 * h))

    def _mapped(self, temperature: Array) -> Array:
        return np.asarray(
            (2 * np.asarray(temperature, float) - self.low - self.high) / (self.high - self.low)
        )


def calculate_thermal_energy(kind: str, temperature: Array, theta: float) -> Array:
    """Return u(T, theta) [K] of an Einstein or Debye solid at temperatures [degC]; u -> T far above
    theta."""
    kelvin = np.asarray(temperature, float) + ZERO_CELSIUS
    if kind == "einstein":
        return np.asarray(theta / np.expm1(theta / kelvin))
    upper = theta / kelvin[:, None]
    x = 0.5 * upper * (NODES + 1)
    integral = np.sum(0.5 * upper * WEIGHTS * x**3 / np.expm1(x), axis=1)
    return np.asarray(3 * kelvin * integral / upper[:, 0] ** 3)


@dataclass(frozen=True)
class CellCurve:
    """Fitted curves y(T) of p parameters with the covariance of all their coefficients."""

    basis: Basis
    coefficients: Array
    """Shape (p, functions)."""
    covariance: Array
    """Shape (k, k): coefficients row by row, then theta where there is one; with the inflation in
    it."""
    inflation: Array
    """Factor on the stated errors of each parameter: scatter (Birge) times serial correlation, >=
    1."""
    chi2: float
    """Reduced chi-square before inflation."""
    used: NDArray[np.bool_]
    """Points that were not left out as outliers."""

    def at(self, temperature: Array) -> tuple[Array, Array, Array]:
        """Return values (n, p), rates (n, p) [per K], and the Jacobian of both (n, 2p, k) by the
        coefficients."""
        temperature = np.asarray(temperature, float)
        values = self.basis(temperature) @ self.coefficients.T
        rates = self.basis.rate(temperature) @ self.coefficients.T
        p = len(self.coefficients)
        blocks = [_design(self.basis(temperature), p), _design(self.basis.rate(temperature), p)]
        jacobian = np.concatenate(blocks, axis=1)
        if self.basis.kind != "polynomial":
            h = 1e-3 * self.basis.theta
            up, down = (replace(self.basis, theta=self.basis.theta + s) for s in (h, -h))
            differences = (
                up(temperature) - down(temperature),
                up.rate(temperature) - down.rate(temperature),
            )
            turn = [difference @ self.coefficients.T / (2 * h) for difference in differences]
            jacobian = np.concatenate([jacobian, np.concatenate(turn, axis=1)[..., None]], axis=2)
        return values, rates, jacobian


def _design(functions: Array, p: int) -> Array:
    """Return (n, p, p * functions): each parameter has its own coefficients."""
    n, m = functions.shape
    return np.asarray(np.einsum("ij,ta->tija", np.eye(p), functions).reshape(n, p, p * m))


def _solve(design: Array, y: Array, covariance: Array) -> tuple[Array, Array, float]:
    """Return coefficients, their covariance and chi-square of generalised least squares, whitened
    by Cholesky."""
    lower = np.linalg.cholesky(covariance)
    a = np.linalg.solve(lower, design).reshape(-1, design.shape[2])
    b = np.linalg.solve(lower, y[..., None]).reshape(-1)
    scale = np.linalg.norm(a, axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    u, s, vt = np.linalg.svd(a / scale, full_matrices=False)
    keep = s > 1e-12 * s[0]
    found = vt[keep].T @ ((u[:, keep].T @ b) / s[keep])
    spread = (vt[keep].T / s[keep] ** 2) @ vt[keep]
    chi2 = float(np.sum((b - (a / scale) @ found) ** 2))
    return found / scale, spread / np.outer(scale, scale), chi2


def fit_curves(
    temperature: Array,
    stderr: Array,
    y: Array,
    covariance: Array,
    kind: str = "polynomial",
    order: int = 4,
) -> CellCurve | None:
    """Return the curves through p parameters at n temperatures; None where there are too few
    points.

    The covariance of each point grows by r r^T s_T^2, r the curve's slope there (effective
    variance: J. Orear, Am. J. Phys. 50 (1982) 912), so that one wrong temperature moves all
    parameters together. The order of the polynomial has the least Bayesian information criterion
    (G. Schwarz, Ann. Statist. 6 (1978) 461).

    Parameters
    ----------
    temperature, stderr : ndarray, shape (n,)
        [degC], [K]
    y : ndarray, shape (n, p)
    covariance : ndarray, shape (n, p, p)
    kind : str
        ``polynomial``, ``einstein`` or ``debye``.
    order : int
        Highest order of the polynomial.
    """
    used = np.ones(temperature.size, bool)
    curve = None
    for _ in range(6):
        curve = _fit(temperature[used], stderr[used], y[used], covariance[used], kind, order)
        if curve is None:
            return None
        z = _standardised(curve, temperature, stderr, y, covariance)
        scale = np.maximum(1.0, MAD_TO_SIGMA * np.median(np.abs(z[used]), axis=0))
        kept = np.all(np.abs(z) < OUTLIER * scale, axis=1)
        if np.array_equal(kept, used) or kept.sum() < 0.7 * used.size:
            break
        used = kept
    assert curve is not None
    return replace(curve, used=used)


def _fit(
    temperature: Array, stderr: Array, y: Array, covariance: Array, kind: str, order: int
) -> CellCurve | None:
    n = temperature.size
    span = (float(temperature.min()), float(temperature.max())) if n else (0.0, 0.0)
    highest = min(order, (n - 1) // 3)
    if highest < 1 or span[1] - span[0] < 1.0:
        return None
    if kind == "polynomial":
        tried = [
            _solved(Basis(kind, m, *span), temperature, stderr, y, covariance)
            for m in range(1, highest + 1)
        ]
    else:
        tried = [_vibration(kind, span, temperature, stderr, y, covariance)]
    noise = max(1.0, float(np.max(tried[-1].inflation)) ** 2)
    points = n * y.shape[1]

    def information(curve: CellCurve) -> float:
        k = curve.coefficients.size
        return float(curve.chi2 * (points - k) / noise + k * np.log(points))

    return min(tried, key=information)


def _solved(
    basis: Basis, temperature: Array, stderr: Array, y: Array, covariance: Array
) -> CellCurve:
    """Return the curve on one basis: effective variance and inflation settled in four rounds."""
    n, p = y.shape
    functions = basis(temperature)
    design, rate = _design(functions, p), basis.rate(temperature)
    inflation, chi2 = np.ones(p), 1.0
    coefficients: Array = np.linalg.lstsq(functions, y, rcond=None)[0].T.astype(float)
    for turn in range(4):
        slope = rate @ coefficients.T
        stated = covariance + slope[:, :, None] * slope[:, None, :] * (stderr**2)[:, None, None]
        total = stated * inflation[:, None] * inflation
        flat, spread, _ = _solve(design, y, total)
        coefficients = flat.reshape(p, -1)
        residual = y - functions @ coefficients.T
        freedom = n - functions.shape[1]
        z = residual / np.sqrt(np.einsum("tii->ti", stated))
        chi2 = float(
            np.mean(np.einsum("ti,tij,tj->t", residual, np.linalg.inv(stated), residual))
            * n
            / (freedom * p)
        )
        if turn == 2:
            birge = np.sqrt(np.maximum(np.sum(z**2, axis=0) / freedom, 1.0))
            inflation = birge * np.array([inflation_from_residuals(z[:, i]) for i in range(p)])
    return CellCurve(basis, coefficients, spread, inflation, chi2, np.ones(n, bool))


def _vibration(
    kind: str,
    span: tuple[float, float],
    temperature: Array,
    stderr: Array,
    y: Array,
    covariance: Array,
) -> CellCurve:
    """Return the Einstein or Debye curve with the theta of least chi-square; theta's error is in
    the covariance."""
    from scipy.optimize import minimize_scalar

    def curve(log_theta: float) -> CellCurve:
        return _solved(
            Basis(kind, 1, *span, float(np.exp(log_theta))), temperature, stderr, y, covariance
        )

    grid = np.log(THETAS)
    best = int(np.argmin([curve(t).chi2 for t in grid]))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, grid.size - 1)]
    found = curve(minimize_scalar(lambda t: curve(t).chi2, bounds=(low, high), method="bounded").x)
    values, rates, jacobian = found.at(temperature)
    p = y.shape[1]
    stated = covariance + rates[:, :, None] * rates[:, None, :] * (stderr**2)[:, None, None]
    total = stated * found.inflation[:, None] * found.inflation
    _, spread, _ = _solve(jacobian[:, :p], y - values, total)
    return replace(found, covariance=spread)


def _standardised(
    curve: CellCurve, temperature: Array, stderr: Array, y: Array, covariance: Array
) -> Array:
    values, rates, _ = curve.at(temperature)
    variance = np.einsum("tii->ti", covariance) + (rates * stderr[:, None]) ** 2
    return np.asarray((y - values) / np.sqrt(variance))
