"""Where a signal leaves its flat level: the change point of a flat, then rising signal with errors
on both axes.

The signal is ``b`` before ``u0`` and ``b + c_1 (u - u0) + c_2 (u - u0)^2`` after it, rising; the
square is always included, because a straight line through growth that bends puts the change too
early. Where the data strongly call for another shape, further sets of powers join. The density of
``u0`` is the profile likelihood averaged over the sets with their Bayesian information criterion
(model averaging: J. A. Hoeting et al., Statist. Sci. 14 (1999) 382).

No data of a dozen frames tell the law of the growth; what all laws, none preferred, spread the
change by beyond its density is a systematic of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ssbchar.typing import Array
from ssbchar.uncertain import inflation_from_residuals

Powers = tuple[float, ...]
GRID = 241
"""Places at which the density of the change is evaluated."""
USUAL: tuple[Powers, ...] = ((1.0, 2.0), (2.0,))
"""Powers of growth that begins with a finite slope, or as a square."""
OTHERS: tuple[Powers, ...] = ((1.0, 2.0, 3.0), (1.5, 2.5), (2.0, 3.0), (3.0, 4.0))
"""Powers of growth of other shapes (nucleation and growth begin with powers up to 4)."""
BEGINNINGS = (1.0, 1.5, 2.0, 3.0, 4.0)
"""Powers with which growth may begin: interfaces (1), diffusion (1.5), nucleation and growth
(M. Avrami, J. Chem. Phys. 8 (1940) 212; up to 4)."""
LAWS: tuple[Powers, ...] = (
    *((power,) for power in BEGINNINGS if power > 1),
    *((power, power + 1) for power in BEGINNINGS),
    *((power, 2 * power) for power in BEGINNINGS if power > 1),
    *((power, 2 * power, 3 * power) for power in BEGINNINGS),
)
"""Powers of every law that the growth may follow: each beginning by itself, with a bend, and as
the first terms of 1 - exp(-k (u - u0)^n), growth that impinges on itself."""
LAW_GRID = 81
"""Places at which the density over all laws is evaluated."""
TRUST = 8.0
"""The stated errors weigh like this many residuals of their own when scatter is judged."""
CHANCE = 1.64
"""A serial correlation below this over sqrt(n) may be chance and does not inflate."""
STRONG = 6.0
"""Difference of the information criterion that calls for another shape (R. E. Kass & A. E. Raftery,
J. Am. Stat. Assoc. 90 (1995) 773: strong evidence)."""
BEYOND = 0.15
"""The change may lie this share of the window before its first point."""
FEWEST_FLAT = 6
"""Points before the change from which its flat level is fitted; with fewer it is zero."""
ROUNDS = 4
"""Times that errors and shape are brought into agreement."""
NARROWINGS = 2
"""Times that the grid is narrowed to the density found on it."""
NARROWED = 6.0
"""Half width of the narrowed grid, in standard deviations of the density."""


@dataclass(frozen=True, kw_only=True)
class ChangePoint:
    """Density of a change point, summed up, in the unit of the coordinate."""

    value: float
    """Its mean."""
    stderr: float
    """Its standard deviation."""
    law: float
    """What the law of the growth leaves open beyond it: root mean square distance from the mean,
    over all laws by their evidence, less the standard deviation in quadrature."""
    lower95: float
    """Its 2.5 % quantile."""
    upper95: float
    """Its 97.5 % quantile."""
    inflation: float
    """Factor on the stated errors after the change: scatter times serial correlation [1]."""
    at_edge: bool
    """The 95 % limit on the flat side reaches the first point: only the other limit is known."""


@dataclass(frozen=True, kw_only=True)
class _Signal:
    """A signal along a coordinate scaled to 0-1, arrays of shape (n,)."""

    x: Array
    y: Array
    stderr: Array
    has_level: bool
    """Whether the level before the change is fitted; else it is zero."""


@dataclass(frozen=True, kw_only=True)
class _ShapeFit:
    """Fits of one set of powers, for a change at each place of a grid."""

    powers: Powers
    criterion: Array
    """Bayesian information criterion, shape (grid,); infinite where the signal would fall."""
    fitted: Array
    """Shape (grid, n)."""
    coefficients: Array
    """Shape (grid, terms): one per power, then the level."""


@dataclass(frozen=True, kw_only=True)
class _AveragedShapes:
    """Density of the change averaged over shapes, and the likeliest of them."""

    density: Array
    """Not normalised, shape (grid,)."""
    change: float
    """Where the likeliest shape has its change."""
    fitted: Array
    slope: Array
    """Of the likeliest shape, shape (n,)."""
    parameters: int
    """Free parameters of the likeliest shape, the change included."""


def find_change_point(
    u: Array, u_stderr: Array, y: Array, stderr: Array, latest: float
) -> ChangePoint:
    """Return the change point of a signal that is flat and then rises.

    Errors along u enter by the slope (effective variance). The variances before and after the
    change are each scaled by what their residuals say, the stated errors weighing as `TRUST`
    residuals that agree with them (the posterior mean of a scale with an inverse-gamma prior about
    one), and inflated for serial correlation.

    Parameters
    ----------
    u, u_stderr : ndarray, shape (n,)
        Coordinate (a temperature [degC] or a frame number [1]), increasing from before the change
        to after it, and its standard error.
    y, stderr : ndarray, shape (n,)
        Signal and its standard error, in any unit.
    latest : float
        The change is not later than this: the signal is seen there; in the unit of `u`.

    Returns
    -------
    ChangePoint
        In the unit of `u`.
    """
    scale, zero = float(np.ptp(u)) or 1.0, float(u.min())
    end = (latest - zero) / scale
    x = (u - zero) / scale
    has_level = int(np.sum(x < end)) >= FEWEST_FLAT
    signal = _Signal(x=x, y=y, stderr=stderr, has_level=has_level)
    grid = np.linspace(-BEYOND, end, GRID)
    signal, shapes, inflation = _adjust_errors(signal, u_stderr / scale, grid)
    for _ in range(NARROWINGS):
        grid = _narrow_grid(grid, _average_shapes(signal, grid, shapes).density, end)
    density = _average_shapes(signal, grid, shapes).density
    mean, spread = _mean_and_spread(grid, density)
    cumulative = np.cumsum(density) / np.sum(density)
    low, high = (float(np.interp(share, cumulative, grid)) for share in (0.025, 0.975))
    return ChangePoint(
        value=mean * scale + zero,
        stderr=spread * scale,
        law=_measure_law(signal, end, mean, spread) * scale,
        lower95=low * scale + zero,
        upper95=high * scale + zero,
        inflation=inflation,
        at_edge=low <= 0.0,
    )


def _measure_law(signal: _Signal, end: float, mean: float, spread: float) -> float:
    """Return by how much all laws, weighted by their evidence, spread the change about `mean`
    beyond the standard deviation `spread`."""
    grid = np.linspace(-BEYOND, end, LAW_GRID)
    grid = _narrow_grid(grid, _average_shapes(signal, grid, LAWS).density, end)
    density = _average_shapes(signal, grid, LAWS).density
    square = float(np.sum((grid - mean) ** 2 * density) / np.sum(density))
    return float(np.sqrt(max(square - spread**2, 0.0)))


def _narrow_grid(grid: Array, density: Array, end: float) -> Array:
    """Return a grid of as many places about the density found on one, none later than `end`."""
    mean, spread = _mean_and_spread(grid, density)
    reach = NARROWED * max(spread, float(grid[1] - grid[0]))
    return np.linspace(max(-BEYOND, mean - reach), min(end, mean + reach), grid.size)


def _adjust_errors(
    signal: _Signal, x_stderr: Array, grid: Array
) -> tuple[_Signal, Sequence[Powers], float]:
    """Return the signal with errors that agree with its scatter, the shapes its data call for, and
    the factor on the errors after the change."""
    stated, inflation = signal.stderr, 1.0
    # at first all shapes compete, so that the scatter is judged about the one that fits best
    shapes: Sequence[Powers] = USUAL + OTHERS
    for turn in range(ROUNDS):
        if turn == ROUNDS // 2:
            shapes = _select_shapes(signal, grid)
        best = _average_shapes(signal, grid, shapes)
        total = np.hypot(stated, best.slope * x_stderr)
        stderr, inflation = _inflate_errors(signal, total, best)
        signal = replace(signal, stderr=stderr)
    return signal, shapes, inflation


def _select_shapes(signal: _Signal, grid: Array) -> Sequence[Powers]:
    """Return the sets of powers to average over: others than the usual only on strong evidence."""
    usual = np.min([fit.criterion for fit in _fit_shapes(signal, grid, USUAL)])
    other = np.min([fit.criterion for fit in _fit_shapes(signal, grid, OTHERS)])
    return USUAL + OTHERS if other < usual - STRONG else USUAL


def _mean_and_spread(grid: Array, density: Array) -> tuple[float, float]:
    """Return mean and standard deviation of a density on a grid."""
    mean = float(np.sum(grid * density) / np.sum(density))
    return mean, float(np.sqrt(np.sum((grid - mean) ** 2 * density) / np.sum(density)))


def _fit_shapes(signal: _Signal, grid: Array, shapes: Sequence[Powers]) -> list[_ShapeFit]:
    """Return the weighted least-squares fit of each set of powers, for a change at each place.

    The criterion is chi-square + (terms + 1) ln n; the change itself is the further parameter.
    """
    weight = 1.0 / signal.stderr
    past = np.maximum(signal.x[None] - grid[:, None], 0.0)
    powers_used = sorted({power for powers in shapes for power in powers})
    # the columns of all shapes at once: each shape takes its own
    basis = np.stack([*_raise_to(past, powers_used), np.ones_like(past)], axis=-1)
    white = basis * weight[:, None]
    normal = np.swapaxes(white, 1, 2) @ white
    right = np.swapaxes(white, 1, 2) @ (signal.y * weight)
    fits = []
    for powers in shapes:
        terms = [powers_used.index(power) for power in powers]
        if signal.has_level:
            terms.append(len(powers_used))
        coefficients = _solve_normal(normal[:, terms][:, :, terms], right[:, terms])
        fitted = (basis[:, :, terms] @ coefficients[..., None])[..., 0]
        chi2 = np.sum(((signal.y - fitted) * weight) ** 2, axis=1)
        # a signal that falls after the change is no onset
        chi2 = np.where(coefficients[:, 0] > 0, chi2, np.inf)
        criterion = chi2 + (len(terms) + 1) * np.log(signal.x.size)
        fits.append(
            _ShapeFit(powers=powers, criterion=criterion, fitted=fitted, coefficients=coefficients)
        )
    return fits


def _raise_to(past: Array, powers: Sequence[float]) -> list[Array]:
    """Return an array, none of it negative, to ascending powers, multiples of a half: products of
    its root, a tenth of the time."""
    root, raised, product, factors = np.sqrt(past), [], np.ones_like(past), 0
    for power in powers:
        while factors < 2 * power:
            product, factors = product * root, factors + 1
        raised.append(product)
    return raised


def _solve_normal(normal: Array, right: Array) -> Array:
    """Return weighted least-squares coefficients (grid, terms) of normal equations (grid, terms,
    terms) and right sides (grid, terms).

    They are scaled to a unit diagonal, with a ridge of 1e-10: late changes leave too few points for
    all terms.
    """
    size = np.sqrt(np.maximum(np.diagonal(normal, axis1=1, axis2=2), 1e-300))
    scaled = normal / size[:, :, None] / size[:, None, :] + 1e-10 * np.eye(right.shape[1])
    return np.asarray(np.linalg.solve(scaled, (right / size)[..., None])[..., 0] / size)


def _average_shapes(signal: _Signal, grid: Array, shapes: Sequence[Powers]) -> _AveragedShapes:
    """Return the density of the change on the grid, averaged over shapes, and the likeliest."""
    fits = _fit_shapes(signal, grid, shapes)
    table = np.array([fit.criterion for fit in fits])
    if not np.isfinite(table).any():
        # nothing rises anywhere: every place is as likely
        return _AveragedShapes(
            density=np.ones_like(grid),
            change=float(grid[-1]),
            fitted=np.zeros_like(signal.y),
            slope=np.zeros_like(signal.y),
            parameters=1,
        )
    density = np.exp(-0.5 * (table - table.min())).sum(axis=0)
    which, place = np.unravel_index(int(np.argmin(table)), table.shape)
    best = fits[which]
    return _AveragedShapes(
        density=density,
        change=float(grid[place]),
        fitted=best.fitted[place],
        slope=_slope_from_powers(
            signal.x - grid[place], best.powers, best.coefficients[place, : len(best.powers)]
        ),
        parameters=len(best.powers) + int(signal.has_level) + 1,
    )


def _slope_from_powers(off: Array, powers: Powers, coefficients: Array) -> Array:
    """Return d/dx sum_k c_k x^k past the change, zero before it; `off` is x less the change."""
    past = np.maximum(off, 0.0)
    slope = np.zeros_like(off)
    for power, coefficient in zip(powers, coefficients, strict=True):
        slope += np.where(past > 0, coefficient * power * past ** (power - 1), 0.0)
    return slope


def _inflate_errors(signal: _Signal, stated: Array, best: _AveragedShapes) -> tuple[Array, float]:
    """Return errors that agree with the scatter before and after the change, and the factor after
    it."""
    z = (signal.y - best.fitted) / stated
    after = signal.x > best.change
    before_factor = _scatter_factor(z[~after], 1)
    after_factor = _scatter_factor(z[after], best.parameters - 1)
    serial = inflation_from_residuals(z)
    # the inflation sqrt((1 + rho) / (1 - rho)) at rho = CHANCE / sqrt(n), for any small n
    chance = (1 + CHANCE / np.sqrt(z.size)) / np.sqrt(max(1 - CHANCE**2 / z.size, 1e-3))
    if serial < chance:
        serial = 1.0
    return stated * np.where(after, after_factor, before_factor) * serial, float(
        after_factor * serial
    )


def _scatter_factor(z: Array, used: int) -> float:
    """Return the factor on stated errors that standardised residuals ask for, `used` parameters
    fitted to them."""
    freedom = max(z.size - used, 0)
    return float(np.sqrt((TRUST + float(np.sum(z**2))) / (TRUST + freedom)))
