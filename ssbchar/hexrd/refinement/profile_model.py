"""A powder pattern as a sum of profiles: where each reflection lies, how wide it is, and the
derivatives of both."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ssbchar.crystal.cell import metric_from_cell
from ssbchar.typing import Array, Index

BASES: dict[str, tuple[tuple[float, ...], ...]] = {
    "cubic": ((1, 1, 1, 0, 0, 0),),
    "tetragonal": ((1, 1, 0, 0, 0, 0), (0, 0, 1, 0, 0, 0)),
    "hexagonal": ((1, 1, 0, 0, 0, 0.5), (0, 0, 1, 0, 0, 0)),
    "trigonal": ((1, 1, 0, 0, 0, 0.5), (0, 0, 1, 0, 0, 0)),
    "rhombohedral": ((1, 1, 1, 0, 0, 0), (0, 0, 0, 1, 1, 1)),
    "orthorhombic": ((1, 0, 0, 0, 0, 0), (0, 1, 0, 0, 0, 0), (0, 0, 1, 0, 0, 0)),
    "monoclinic": ((1, 0, 0, 0, 0, 0), (0, 1, 0, 0, 0, 0), (0, 0, 1, 0, 0, 0), (0, 0, 0, 0, 1, 0)),
    "triclinic": tuple(tuple(float(i == j) for j in range(6)) for i in range(6)),
}
"""Free directions of the reciprocal metric (g11, g22, g33, g23, g13, g12) per crystal system
(monoclinic: unique b)."""
PAIRS = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))


def reciprocal(cell: Array) -> Array:
    """Return g11, g22, g33, g23, g13, g12 of the reciprocal metric [1/angstrom^2], shape (...,
    6)."""
    inverse = np.linalg.inv(metric_from_cell(cell))
    return np.stack([inverse[..., i, j] for i, j in PAIRS], axis=-1)


def cell_from_reciprocal(g: Array) -> Array:
    """Return a, b, c [angstrom], alpha, beta, gamma [degree] from the reciprocal metric, shape
    (..., 6)."""
    g = np.asarray(g, float)
    star = np.empty((*g.shape[:-1], 3, 3))
    for k, (i, j) in enumerate(PAIRS):
        star[..., i, j] = star[..., j, i] = g[..., k]
    direct = np.linalg.inv(star)
    length = np.sqrt(np.einsum("...ii->...i", direct))
    angles = [
        np.degrees(np.arccos(direct[..., i, j] / (length[..., i] * length[..., j])))
        for i, j in ((1, 2), (0, 2), (0, 1))
    ]
    return np.concatenate([length, np.stack(angles, axis=-1)], axis=-1)


def quadratic(hkl: Array) -> Array:
    """Return (h^2, k^2, l^2, 2kl, 2hl, 2hk), so that 1/d^2 is its product with the reciprocal
    metric."""
    h, k, m = hkl[:, 0], hkl[:, 1], hkl[:, 2]
    return np.stack([h * h, k * k, m * m, 2 * k * m, 2 * h * m, 2 * h * k], axis=1)


@dataclass(frozen=True)
class Lattice:
    """A phase's reflections and the free directions of its cell.

    A cell is given by strains e_k of the reciprocal metric, g = g0 + sum_k e_k scale_k basis_k.
    """

    name: str
    system: str
    reference: Array
    """Reciprocal metric g0 of the reference cell [1/angstrom^2], shape (6,)."""
    directions: Array
    """scale_k basis_k, shape (free, 6)."""
    form: Array
    """`quadratic` of the reflections, shape (reflection, 6)."""
    strength: Array
    """m |F|^2 [electron^2], or m alone where there are no atoms, shape (reflection,)."""
    known: bool
    """Whether the strengths come from atoms."""
    refinable: bool

    @property
    def free(self) -> int:
        """Number of free cell parameters."""
        return len(self.directions)

    def metric_at(self, strain: Array) -> Array:
        """Return the reciprocal metric at strains (..., free)."""
        return np.asarray(self.reference + np.asarray(strain) @ self.directions)

    def isotropic(self, change: float | Array) -> Array:
        """Return the strains of a relative change of all lengths, (1 + change)^-2 - 1 in each
        diagonal direction."""
        factor = (1 + np.asarray(change, float)) ** -2 - 1
        along = np.linalg.lstsq(self.directions.T, self.reference, rcond=None)[0]
        return np.asarray(factor[..., None] * along)

    def cell(self, strain: Array) -> Array:
        """Return the cell at strains (..., free), shape (..., 6)."""
        return cell_from_reciprocal(self.metric_at(strain))


def lattice(
    name: str, cell: Array, system: str, hkl: Array, strength: Array, known: bool, refinable: bool
) -> Lattice:
    """Return a phase's `Lattice`; directions with a zero reference are scaled by the diagonal."""
    g = reciprocal(cell)
    basis = np.array(BASES[system], float)
    size = np.array(
        [g[np.argmax(np.abs(row))] if np.argmax(np.abs(row)) < 3 else 0.0 for row in basis]
    )
    for k, row in enumerate(basis):
        if size[k] == 0.0:
            i, j = PAIRS[int(np.argmax(np.abs(row)))]
            size[k] = np.sqrt(g[i] * g[j])
    return Lattice(
        name, system, g, size[:, None] * basis, quadratic(hkl), strength, known, refinable
    )


def two_theta(form: Array, g: Array, wavelength: float) -> tuple[Array, Array]:
    """Return 2theta [degree] by Bragg's law and d(2theta)/d(1/d^2) = lambda^2 / (2 sin 2theta)
    [degree angstrom^2]."""
    sine = np.clip(0.5 * wavelength * np.sqrt(np.maximum(form @ g, 1e-12)), 0, 1 - 1e-9)
    angle = 2 * np.arcsin(sine)
    return np.degrees(angle), np.degrees(wavelength**2 / (2 * np.sin(angle)))


def lorentz_factor(angle: Array) -> Array:
    """Return the powder Lorentz factor 1 / (sin^2(theta) cos(theta)) at 2theta [degree]."""
    theta = np.radians(angle) / 2
    return np.asarray(1 / (np.sin(theta) ** 2 * np.cos(theta)))


def pseudo_voigt_widths(
    gauss: Array, lorentz: Array
) -> tuple[Array, Array, Array, Array, Array, Array]:
    """Return full width and mixing of a pseudo-Voigt that stands for a Voigt, and their derivatives
    by both widths.

    Gamma^5 = G^5 + 2.69269 G^4 L + 2.42843 G^3 L^2 + 4.47163 G^2 L^3 + 0.07842 G L^4 + L^5 and eta
    = 1.36603 q - 0.47719 q^2 + 0.11116 q^3, q = L / Gamma (P. Thompson, D. E. Cox & J. B. Hastings,
    J. Appl. Cryst. 20 (1987) 79).

    Returns
    -------
    width, eta, dwidth/dG, dwidth/dL, deta/dG, deta/dL
    """
    g, m = gauss, lorentz
    second = m * m
    third, fourth = second * m, second * second
    fifth = (
        (((g + 2.69269 * m) * g + 2.42843 * second) * g + 4.47163 * third) * g + 0.07842 * fourth
    ) * g + fourth * m
    width = fifth**0.2
    by_g = (
        ((5 * g + 10.77076 * m) * g + 7.28529 * second) * g + 8.94326 * third
    ) * g + 0.07842 * fourth
    by_m = (
        ((2.69269 * g + 4.85686 * m) * g + 13.41489 * second) * g + 0.31368 * third
    ) * g + 5 * fourth
    inverse = width / (5 * fifth)  # 1 / (5 width^4)
    by_g, by_m = by_g * inverse, by_m * inverse
    q = m / width
    eta = 1.36603 * q - 0.47719 * q**2 + 0.11116 * q**3
    slope = 1.36603 - 0.95438 * q + 0.33348 * q**2
    return width, eta, by_g, by_m, -slope * q / width * by_g, slope * (1 - q * by_m) / width


def pseudo_voigt(x: Array, width: Array, eta: Array) -> tuple[Array, Array, Array, Array]:
    """Return the pseudo-Voigt of unit area and its derivatives by x, width and eta.

    phi = eta L + (1 - eta) G, both of full width `width`; x, width in degree.
    """
    u = x / width
    square = 4 * u
    square *= u
    gauss = np.exp(-np.log(2) * square)
    gauss *= 2 * np.sqrt(np.log(2) / np.pi) / width
    square += 1
    inverse = np.divide(1, square, out=square)
    cauchy = inverse * (2 / np.pi / width)
    first, by_x = eta * cauchy, (1 - eta) * gauss
    phi = first + by_x
    inverse *= first
    by_x *= np.log(2)
    by_x += inverse
    by_x *= u
    by_w = (8 * u) * by_x
    by_w -= phi
    by_w /= width
    by_x *= -8 / width
    cauchy -= gauss
    return phi, by_x, by_w, cauchy


def pseudo_voigt_value(x: Array, width: Array, eta: Array) -> Array:
    """Return `pseudo_voigt` without its derivatives."""
    square = (x / width) ** 2
    gauss = np.exp((-4 * np.log(2)) * square) * (
        (1 - eta) * (2 * np.sqrt(np.log(2) / np.pi)) / width
    )
    return np.asarray(gauss + (eta * (2 / np.pi) / width) / (1 + 4 * square))


@dataclass(frozen=True)
class Profiles:
    """Profiles of reflections as columns of sparse matrices (point, reflection), each a window of
    points."""

    order: Index
    """Column to reflection."""
    shape: Any
    """phi (csc_array)."""
    by_position: Any
    """d phi / d position."""
    by_lorentz: Any
    """d phi / d Lorentzian width."""
    by_gauss: Any
    """d phi / d Gaussian width."""

    def leading(self, count: int) -> Any:
        """Return `shape` with its first columns only, not copied."""
        from scipy.sparse import csc_array

        end = self.shape.indptr[count]
        parts = (self.shape.data[:end], self.shape.indices[:end], self.shape.indptr[: count + 1])
        return csc_array(parts, shape=(self.shape.shape[0], count))


def profiles(
    x: Array,
    position: Array,
    gauss: Array,
    lorentz: Array,
    reach: Array | float,
    by: tuple[str, ...] = (),
    first: NDArray[np.bool_] | None = None,
) -> Profiles:
    """Return the profiles of reflections on an ascending axis.

    Parameters
    ----------
    x : ndarray, shape (points,)
        2theta [degree].
    position, gauss, lorentz : ndarray, shape (reflection,)
        Position and widths [degree].
    reach : float or ndarray, shape (reflection,)
        Half width of a window in full widths; windows are rounded up to multiples of 32 points.
    by : tuple of str
        Derivatives wanted: ``position``, ``lorentz``, ``gauss``.
    first : ndarray of bool, shape (reflection,)
        Reflections whose columns come before those of the others.
    """
    width, eta, wg, wl, eg, el = pseudo_voigt_widths(gauss, lorentz)
    step = (x[-1] - x[0]) / (x.size - 1)
    points = 32 * np.ceil(2 * reach * width / step / 32).astype(np.int64)
    points = np.minimum(np.maximum(points, 32), x.size)
    parts: list[tuple[Index, NDArray[np.int32], list[Array]]] = []
    group = points if first is None else np.where(first, points, points + x.size)
    for key in np.unique(group):
        which = np.flatnonzero(group == key)
        count = int(points[which[0]])
        start = np.clip(np.searchsorted(x, position[which]) - count // 2, 0, x.size - count)
        index = np.asarray(start[:, None] + np.arange(count), np.int32)
        at = (which, None)
        offset = sliding_window_view(x, count)[start]
        offset -= position[at]
        if not by:
            values = [pseudo_voigt_value(offset, width[at], eta[at])]
        else:
            phi, by_x, by_w, by_e = pseudo_voigt(offset, width[at], eta[at])
            by_l = by_w * wl[at]
            by_l += by_e * el[at]
            values = [phi, np.negative(by_x, out=by_x), by_l]
            if "gauss" in by:
                by_w *= wg[at]
                by_e *= eg[at]
                by_w += by_e
                values.append(by_w)
        parts.append((which, index, values))
    return _columns(parts, points, x.size)


def _columns(
    parts: list[tuple[Index, NDArray[np.int32], list[Array]]], points: Index, size: int
) -> Profiles:
    from scipy.sparse import csc_array

    order = np.concatenate([p[0] for p in parts])
    rows = np.concatenate([p[1].ravel() for p in parts])
    starts = np.concatenate([[0], np.cumsum(points[order])]).astype(np.int32)
    data = [np.concatenate([p[2][k].ravel() for p in parts]) for k in range(len(parts[0][2]))]
    shape = csc_array((data[0], rows, starts), shape=(size, order.size))
    found = [shape, *(like(shape, values) for values in data[1:])]
    return Profiles(order, *(found + [None] * (4 - len(found))))


def like(matrix: Any, data: Array) -> Any:
    """Return a sparse matrix with the places of another (shared, not checked again) and its own
    values."""
    out = copy(matrix)
    out.data = data
    return out


def splines(x: Array, terms: int) -> Array:
    """Return cubic B-splines on an ascending axis, shape (points, terms); their sum is one
    everywhere.

    Knots are equally spaced in the square root of x: air, container and amorphous halos change
    fastest at low angles.
    """
    from scipy.interpolate import BSpline

    low, high = max(float(x[0]), 0.0), max(float(x[-1]), 1e-9)
    inner = np.linspace(np.sqrt(low), np.sqrt(high), terms - 2)[1:-1] ** 2
    knots = np.concatenate([[x[0]] * 4, inner, [x[-1]] * 4])
    return np.asarray(BSpline.design_matrix(np.clip(x, x[0], x[-1]), knots, 3).toarray())
