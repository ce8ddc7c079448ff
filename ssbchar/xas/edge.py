"""The absorption edge: baseline below, polynomial above, step, E0, white line; whole series at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Ranges:
    """Fit ranges as indices into the energy axis, from E0 and limits relative to it [eV]."""

    pre: slice
    post: slice
    at_e0: int
    nnorm: int


def ranges(
    energy: Array,
    e0: float,
    pre1: float | None = None,
    pre2: float | None = None,
    norm1: float | None = None,
    norm2: float | None = None,
    nnorm: int | None = None,
) -> Ranges:
    """Return the pre- and post-edge ranges by the conventions of Larch.

    (M. Newville, J. Phys.: Conf. Ser. 430 (2013) 012007.)

    Limits are relative to E0 [eV]. Unset: pre1 the second point rounded to 5 eV, pre2 = pre1/2, norm2 the last point
    rounded to 5 eV, norm1 = min(25, norm2/15 rounded to 5 eV); nnorm 2 from 300 eV of range, 1 from 30 eV, else 0.
    """
    at = int(np.abs(energy - e0).argmin())
    unit = 5.0 if at > 20 else 2.0
    low = unit * round((energy[1] - e0) / unit) if pre1 is None else pre1
    low = max(low, energy[0] - e0)
    high = 0.5 * low if pre2 is None else pre2
    low, high = min(low, high), max(low, high)
    last = 5.0 * round((energy[-1] - e0) / 5.0) if norm2 is None else norm2
    last = min(last, energy[-1] - e0)
    first = min(25.0, 5.0 * round(last / 15.0)) if norm1 is None else norm1
    first, last = min(first, last), max(first, last)
    first = min(first, last - 2)
    degree = (2 if last - first >= 300 else 1 if last - first >= 30 else 0) if nnorm is None else nnorm
    p1 = _at_or_below(energy, low + e0)
    p2 = max(int(np.abs(energy - high - e0).argmin()), p1 + 2)
    n1 = min(_at_or_below(energy, first + e0), energy.size - 3)
    n2 = int(np.abs(energy - last - e0).argmin())
    if n2 - n1 < 2:
        n1, degree = n1 - 2, 0
    elif n2 - n1 < 5:
        degree = min(degree, 1)
    return Ranges(slice(p1, p2), slice(n1, n2), at, degree)


def _at_or_below(energy: Array, value: float) -> int:
    return max(int(np.searchsorted(energy, value, side="right")) - 1, 0)


@dataclass(frozen=True)
class Normalised:
    """Spectra with their baseline and step; arrays (spectrum, energy), step (spectrum)."""

    pre_edge: Array
    post_edge: Array
    edge_step: Array
    norm: Array
    flat: Array


def normalised(energy: Array, mu: Array, limits: Ranges, victoreen: int = 0) -> Normalised:
    """Return normalised and flattened spectra.

    norm = (mu - pre)/step with pre(E) = (a + b E) E**-n fitted below the edge, post - pre a polynomial fitted above
    it and step = (post - pre)(E0); flat = norm - (post - pre)/step + 1 from E0 on.

    Parameters
    ----------
    energy : array, shape (energy,)
        Energies [eV], rising.
    mu : array, shape (spectrum, energy)
        Absorption.
    limits : Ranges
        From `ranges`.
    victoreen : int
        Power n.
    """
    pre = baseline(energy, mu, limits, victoreen)
    above = _polynomial(energy, mu - pre, limits.post, limits.nnorm)
    step = np.maximum(np.abs(above[:, limits.at_e0]), 1e-12)
    norm = (mu - pre) / step[:, None]
    flat = norm.copy()
    bend = above / step[:, None]
    flat[:, limits.at_e0 :] -= bend[:, limits.at_e0 :] - bend[:, limits.at_e0, None]
    return Normalised(pre, pre + above, step, norm, flat)


def baseline(energy: Array, mu: Array, limits: Ranges, victoreen: int = 0) -> Array:
    """Return the pre-edge curve of each spectrum, (a + b E) E**-n (n = 0: a line)."""
    if limits.pre.stop - limits.pre.start < 3:
        return np.asarray(np.repeat(mu[:, limits.pre].mean(axis=1, keepdims=True), energy.size, axis=1))
    weight = (energy / energy[limits.at_e0]) ** victoreen
    return np.asarray(_polynomial(energy, mu * weight, limits.pre, 1) / weight)


def _polynomial(x: Array, y: Array, where: slice, degree: int) -> Array:
    """Return least-squares polynomials fitted to y[:, where], on the whole axis."""
    inside = x[where]
    middle, half = inside.mean(), max(float(np.ptp(inside)) / 2, 1e-9)
    basis = np.polynomial.legendre.legvander((x - middle) / half, degree)
    return np.asarray((y[:, where] @ np.linalg.pinv(basis[where]).T) @ basis.T)


def linear_part(energy: Array, limits: Ranges, victoreen: int = 0) -> tuple[Array, Array]:
    """Return the matrix A = 1 - P of mu - pre = A mu and the weights w of step = w . mu."""
    unit = np.eye(energy.size)
    rest = unit - baseline(energy, unit, limits, victoreen)
    return rest.T, _polynomial(energy, rest, limits.post, limits.nnorm)[:, limits.at_e0]


def norm_stderr(mu_stderr: Array, done: Normalised, rest: Array, weights: Array) -> tuple[Array, Array]:
    """Return the standard errors of norm and of the edge step, those of baseline and step included.

    With A, w from `linear_part`: d norm_i = sum_j (A_ij - norm_i w_j) d mu_j / step, for independent d mu_j.

    Parameters
    ----------
    mu_stderr : array, shape (spectrum, energy)
    done : Normalised
    rest, weights : array, shapes (energy, energy) and (energy,)
    """
    variance = mu_stderr**2
    of_step = variance @ weights**2
    together = (variance * weights) @ rest.T
    total = variance @ (rest**2).T - 2 * done.norm * together + done.norm**2 * of_step[:, None]
    return np.sqrt(np.maximum(total, 0)) / done.edge_step[:, None], np.sqrt(of_step)


def _local_cubic(energy: Array, y: Array, at: float, width: float) -> tuple[Array, Array, float]:
    """Return coefficients of a cubic about `at`, weights Gaussian of sigma `width` [eV], their gains, and noise.

    Weights that fade let no point enter or leave abruptly, so the result does not jump with the grid.
    """
    use = np.argsort(np.abs(energy - at))[: max(int((np.abs(energy - at) <= 3 * width).sum()), 7)]
    x = energy[use] - at
    root = np.exp(-0.25 * (x / max(width, float(np.sort(np.abs(x))[4]) / 2)) ** 2)
    inverse = np.linalg.pinv(np.vander(x, 4, increasing=True) * root[:, None]) * root
    a = inverse @ y[use]
    residual = (y[use] - np.vander(x, 4, increasing=True) @ a) * root
    noise = float(np.sqrt(residual @ residual / max(float((root**2).sum()) - 4, 1.0)))
    return a, np.asarray(inverse, float), noise


def e0_half(energy: Array, norm: Array, level: float = 0.5, width: float = 0.6) -> tuple[Array, Array, Array]:
    """Return where each spectrum crosses `level` on its rise [eV], its slope there [1/eV] and noise gain; NaN if never.

    A cubic is fitted about the crossing with Gaussian weights of sigma `width` eV, recentred until it stays, so that
    the crossing carries the noise of many points, not of two.
    """
    up = (norm[:, :-1] < level) & (norm[:, 1:] >= level)
    up &= np.arange(up.shape[1])[None, :] <= np.argmax(norm > 0.9, axis=1)[:, None]
    found, slopes, gains = (np.full(len(norm), np.nan) for _ in range(3))
    for row in np.flatnonzero(up.any(axis=1)):
        i, y = int(np.flatnonzero(up[row])[-1]), norm[row]
        start = energy[i] + (level - y[i]) / (y[i + 1] - y[i]) * (energy[i + 1] - energy[i])
        found[row], slopes[row], gains[row] = start, (y[i + 1] - y[i]) / (energy[i + 1] - energy[i]), 1.0
        at = start
        for _ in range(20):
            a, inverse, _ = _local_cubic(energy, y, at, width)
            if a[1] <= 0 or abs(at - start) > 2 * width:
                break
            found[row], slopes[row], gains[row] = at, a[1], np.linalg.norm(inverse[0])
            at += float(np.clip((level - a[0]) / a[1], -width, width))
            if abs(at - found[row]) < 1e-6:
                break
    return found, slopes, gains


def e0_derivative(energy: Array, mu: Array, width: float = 1.2, first: float = 0.0) -> tuple[Array, Array]:
    """Return the inflection point of each edge [eV], below the grid, with its standard error.

    A cubic a + b x + c x**2 + d x**3 is fitted about the steepest point with Gaussian weights; its inflection is
    -c/(3 d), the fit recentred until it stays.

    Parameters
    ----------
    energy, mu : array, shapes (energy,) and (spectrum, energy)
    width : float
        Sigma of the weights [eV]; at least seven points are used.
    first : float
        Where above 0: take the first maximum of the derivative that reaches this share of the highest (metal foils).
    """
    slope = np.gradient(_smoothed(energy, mu, 1.0), energy, axis=1)
    inner = slice(3, -3)
    coarse = np.argmax(slope[:, inner], axis=1) + 3
    if first > 0:
        peak = np.zeros(slope.shape, bool)
        peak[:, 4:-4] = (slope[:, 4:-4] >= slope[:, 3:-5]) & (slope[:, 4:-4] > slope[:, 5:-3])
        peak &= slope >= first * slope[np.arange(len(slope)), coarse][:, None]
        coarse = np.where(peak.any(axis=1), np.argmax(peak, axis=1), coarse)
    found = [_inflection(energy, y, float(energy[i]), width) for y, i in zip(mu, coarse, strict=True)]
    return np.array([f[0] for f in found]), np.array([f[1] for f in found])


def _smoothed(energy: Array, mu: Array, width: float) -> Array:
    """Return spectra averaged over `width` eV (a triangle over two neighbours where the grid is coarser)."""
    spacing = float(np.median(np.diff(energy)[np.diff(energy) < 3])) if (np.diff(energy) < 3).any() else 3.0
    n = max(round(width / spacing) // 2, 1)
    kernel = np.concatenate([np.arange(1, n + 2), np.arange(n, 0, -1)]).astype(float)
    kernel /= kernel.sum()
    padded = np.pad(mu, ((0, 0), (n, n)), mode="edge")
    return np.array([np.convolve(row, kernel, mode="valid") for row in padded])


def _inflection(energy: Array, y: Array, start: float, width: float) -> tuple[float, float]:
    at, stderr = start, float(width)
    for _ in range(30):
        a, inverse, noise = _local_cubic(energy, y, at, width)
        if a[3] >= 0 or abs(at - start) > 3 * width:
            return start, float(width)
        move = -a[2] / (3 * a[3])
        gradient = np.array([0, 0, -1 / (3 * a[3]), a[2] / (3 * a[3] ** 2)]) @ inverse
        stderr = noise * float(np.linalg.norm(gradient))
        at += float(np.clip(move, -width, width))
        if abs(move) < 1e-5:
            break
    return at, stderr


def white_line(energy: Array, flat: Array, e0: float, reach: float = 40.0, half: float = 1.5) -> tuple[Array, Array]:
    """Return height and position [eV] of each white line: vertex of a parabola about the highest point."""
    window = np.flatnonzero((energy > e0 - 5) & (energy < e0 + reach))
    top = window[np.argmax(flat[:, window], axis=1)]
    heights, places = [], []
    for y, i in zip(flat, top, strict=True):
        use = np.abs(energy - energy[i]) <= half
        if use.sum() < 5:
            use = np.zeros(energy.size, bool)
            use[max(i - 2, 0) : i + 3] = True
        c, b, a = np.polynomial.polynomial.polyfit(energy[use] - energy[i], y[use], 2)
        inside = a < 0 and abs(b / (2 * a)) <= 2 * half
        places.append(energy[i] - b / (2 * a) if inside else energy[i])
        heights.append(c - b * b / (4 * a) if inside else y[i])
    return np.array(heights), np.array(places)
