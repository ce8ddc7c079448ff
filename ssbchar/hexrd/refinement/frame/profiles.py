"""Peak profiles: pseudo-Voigts of every reflection as sparse columns, with their derivatives by
position and widths; and the splines of the background."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ssbchar.typing import Array, Bool, Index

WINDOW = 32
"""Points by which the windows of profiles grow: windows of one length are computed together."""


class Derivatives(IntEnum):
    """Which derivatives of profiles are wanted."""

    NONE = 0
    POSITION_AND_LORENTZ = 1
    ALL = 2
    """Those by the Gaussian width, too."""


@dataclass(frozen=True, kw_only=True)
class PseudoVoigtShape:
    """Full width and mixing of pseudo-Voigts, and their derivatives by both widths of the Voigts
    they approximate; each of shape (reflection,)."""

    width: Array
    """Full width at half maximum [degree]."""
    eta: Array
    """Share of the Lorentzian [1]."""
    width_by_gauss: Array
    width_by_lorentz: Array
    eta_by_gauss: Array
    """[1/degree]."""
    eta_by_lorentz: Array
    """[1/degree]."""


def shape_from_widths(gauss: Array, lorentz: Array) -> PseudoVoigtShape:
    """Return the pseudo-Voigt that stands for a Voigt.

    Gamma^5 = G^5 + 2.69269 G^4 L + 2.42843 G^3 L^2 + 4.47163 G^2 L^3 + 0.07842 G L^4 + L^5 and eta
    = 1.36603 q - 0.47719 q^2 + 0.11116 q^3, q = L / Gamma (P. Thompson, D. E. Cox & J. B. Hastings,
    J. Appl. Cryst. 20 (1987) 79).

    Parameters
    ----------
    gauss, lorentz : ndarray, shape (reflection,)
        Full widths at half maximum of the two parts of the Voigt [degree].
    """
    g, m = gauss, lorentz
    # powers by multiplication: a pattern needs thousands of them at every step
    second = m * m
    third, fourth = second * m, second * second
    fifth = (
        (((g + 2.69269 * m) * g + 2.42843 * second) * g + 4.47163 * third) * g + 0.07842 * fourth
    ) * g + fourth * m
    width = fifth**0.2
    fifth_by_g = (
        ((5 * g + 10.77076 * m) * g + 7.28529 * second) * g + 8.94326 * third
    ) * g + 0.07842 * fourth
    fifth_by_m = (
        ((2.69269 * g + 4.85686 * m) * g + 13.41489 * second) * g + 0.31368 * third
    ) * g + 5 * fourth
    width_by_fifth = width / (5 * fifth)  # 1 / (5 width^4)
    width_by_g = fifth_by_g * width_by_fifth
    width_by_m = fifth_by_m * width_by_fifth
    q = m / width
    eta_by_q = 1.36603 - 0.95438 * q + 0.33348 * q**2
    return PseudoVoigtShape(
        width=width,
        eta=1.36603 * q - 0.47719 * q**2 + 0.11116 * q**3,
        width_by_gauss=width_by_g,
        width_by_lorentz=width_by_m,
        eta_by_gauss=-eta_by_q * q / width * width_by_g,
        eta_by_lorentz=eta_by_q * (1 - q * width_by_m) / width,
    )


def width_from_size(size: float, wavelength: float) -> float:
    """Return the full width of the lines of small crystallites by the Scherrer equation, 0.9 lambda
    / size (A. L. Patterson, Phys. Rev. 56 (1939) 978).

    Parameters
    ----------
    size, wavelength : float
        [angstrom].

    Returns
    -------
    float
        Over 1/cos(theta) [degree].
    """
    return float(np.degrees(0.9 * wavelength / size))


def differentiate_pseudo_voigt(
    x: Array, width: Array, eta: Array
) -> tuple[Array, Array, Array, Array]:
    """Return the pseudo-Voigt of unit area and its derivatives by x, width and eta.

    phi = eta L + (1 - eta) G, both of full width `width`.

    Parameters
    ----------
    x : ndarray, shape (reflection, points)
        Distance from the line [degree].
    width, eta : ndarray, shape (reflection, 1)
        Full width [degree] and share of the Lorentzian [1].

    Returns
    -------
    phi, by_x, by_width, by_eta : ndarray, shape (reflection, points)
        [1/degree], [1/degree^2], [1/degree^2], [1/degree].
    """
    # In place throughout: these arrays are the largest of a step, and new memory for each term
    # takes longer than the arithmetic.
    u = x / width
    square = 4 * u
    square *= u
    gauss = np.exp(-np.log(2) * square)
    gauss *= 2 * np.sqrt(np.log(2) / np.pi) / width
    square += 1
    inverse = np.divide(1, square, out=square)
    cauchy = inverse * (2 / np.pi / width)
    cauchy_part, by_x = eta * cauchy, (1 - eta) * gauss
    phi = cauchy_part + by_x
    inverse *= cauchy_part
    by_x *= np.log(2)
    by_x += inverse
    by_x *= u
    by_width = (8 * u) * by_x
    by_width -= phi
    by_width /= width
    by_x *= -8 / width
    by_eta = np.subtract(cauchy, gauss, out=cauchy)
    return phi, by_x, by_width, by_eta


def evaluate_pseudo_voigt(x: Array, width: Array, eta: Array) -> Array:
    """Return the pseudo-Voigt of unit area [1/degree], without its derivatives; arguments as in
    `differentiate_pseudo_voigt`, result of shape (reflection, points)."""
    square = (x / width) ** 2
    gauss = np.exp((-4 * np.log(2)) * square) * (
        (1 - eta) * (2 * np.sqrt(np.log(2) / np.pi)) / width
    )
    return np.asarray(gauss + (eta * (2 / np.pi) / width) / (1 + 4 * square))


@dataclass(frozen=True, kw_only=True)
class Profiles:
    """Profiles of reflections as columns of sparse matrices (point, reflection), each a window of
    points."""

    order: Index
    """Reflection of each column."""
    shape: Any
    """phi [1/degree] (csc_array)."""
    by_position: Any
    """d phi / d position [1/degree^2]; None where not wanted, as the next two."""
    by_lorentz: Any
    """d phi / d Lorentzian width [1/degree^2]."""
    by_gauss: Any
    """d phi / d Gaussian width [1/degree^2]."""

    def take_leading(self, count: int) -> Any:
        """Return `shape` [1/degree] with its first `count` columns only (csc_array of shape
        (points, count)), not copied."""
        from scipy.sparse import csc_array

        end = self.shape.indptr[count]
        parts = (self.shape.data[:end], self.shape.indices[:end], self.shape.indptr[: count + 1])
        return csc_array(parts, shape=(self.shape.shape[0], count))


@dataclass(frozen=True, kw_only=True)
class _Windows:
    """Windows of one length: their reflections, points and values."""

    reflections: Index
    points: NDArray[np.int32]
    """Shape (reflection, points)."""
    values: list[Array]
    """phi and the derivatives wanted, in the order of `Profiles`."""


def build_profiles(
    x: Array,
    position: Array,
    gauss: Array,
    lorentz: Array,
    *,
    reach: Array | float,
    derivatives: Derivatives = Derivatives.NONE,
    first: Bool | None = None,
) -> Profiles:
    """Return the profiles of reflections on an ascending axis.

    Parameters
    ----------
    x : ndarray, shape (points,)
        2theta [degree], equally spaced.
    position, gauss, lorentz : ndarray, shape (reflection,)
        Position and full widths [degree].
    reach : float or ndarray, shape (reflection,)
        Half width of a window in full widths; windows are rounded up to multiples of `WINDOW`
        points.
    derivatives : Derivatives
    first : ndarray of bool, shape (reflection,)
        Reflections whose columns come before those of the others.
    """
    shape = shape_from_widths(gauss, lorentz)
    step = (x[-1] - x[0]) / (x.size - 1)
    points = WINDOW * np.ceil(2 * reach * shape.width / step / WINDOW).astype(np.int64)
    points = np.minimum(np.maximum(points, WINDOW), x.size)
    # lines with windows of one length are computed together, those that come first apart
    group = points if first is None else np.where(first, points, points + x.size)
    windows = [
        _compute_windows(
            x,
            position,
            shape,
            which=np.flatnonzero(group == key),
            points=points,
            wanted=derivatives,
        )
        for key in np.unique(group)
    ]
    return _stack_columns(windows, points, x.size)


def _compute_windows(
    x: Array,
    position: Array,
    shape: PseudoVoigtShape,
    *,
    which: Index,
    points: Index,
    wanted: Derivatives,
) -> _Windows:
    """Return the windows of reflections `which`, all of one length."""
    count = int(points[which[0]])
    # windows are moved inside the axis rather than cut, so that all of a group have one length
    start = np.clip(np.searchsorted(x, position[which]) - count // 2, 0, x.size - count)
    index = np.asarray(start[:, None] + np.arange(count), np.int32)
    at = (which, None)
    offset = sliding_window_view(x, count)[start]
    offset -= position[at]
    width, eta = shape.width[at], shape.eta[at]
    if wanted == Derivatives.NONE:
        values = [evaluate_pseudo_voigt(offset, width, eta)]
        return _Windows(reflections=which, points=index, values=values)
    phi, by_x, by_width, by_eta = differentiate_pseudo_voigt(offset, width, eta)
    by_lorentz = by_width * shape.width_by_lorentz[at]
    by_lorentz += by_eta * shape.eta_by_lorentz[at]
    by_position = np.negative(by_x, out=by_x)
    values = [phi, by_position, by_lorentz]
    if wanted == Derivatives.ALL:
        by_width *= shape.width_by_gauss[at]
        by_eta *= shape.eta_by_gauss[at]
        by_width += by_eta
        values.append(by_width)
    return _Windows(reflections=which, points=index, values=values)


def _stack_columns(windows: list[_Windows], points: Index, size: int) -> Profiles:
    from scipy.sparse import csc_array

    order = np.concatenate([w.reflections for w in windows])
    rows = np.concatenate([w.points.ravel() for w in windows])
    starts = np.concatenate([[0], np.cumsum(points[order])]).astype(np.int32)
    kinds = range(len(windows[0].values))
    data = [np.concatenate([w.values[k].ravel() for w in windows]) for k in kinds]
    shape = csc_array((data[0], rows, starts), shape=(size, order.size))
    others: list[Any] = [replace_sparse_values(shape, values) for values in data[1:]]
    others += [None] * (3 - len(others))
    return Profiles(
        order=order, shape=shape, by_position=others[0], by_lorentz=others[1], by_gauss=others[2]
    )


def replace_sparse_values(matrix: Any, values: Array) -> Any:
    """Return a sparse matrix with the places of another and its own values (any unit), shape
    (stored,); places are shared, and not checked again."""
    # the constructor would check the places at every step
    out = copy(matrix)
    out.data = values
    return out


def build_background_splines(x: Array, terms: int) -> Array:
    """Return cubic B-splines on an ascending axis; their sum is one everywhere.

    Knots are equally spaced in the square root of x: air, container and amorphous halos change
    fastest at low angles.

    Parameters
    ----------
    x : ndarray, shape (points,)
        2theta [degree].
    terms : int
        Number of splines, 4 or more.

    Returns
    -------
    ndarray, shape (points, terms)
        [1].
    """
    from scipy.interpolate import BSpline

    low, high = max(float(x[0]), 0.0), max(float(x[-1]), 1e-9)
    inner = np.linspace(np.sqrt(low), np.sqrt(high), terms - 2)[1:-1] ** 2
    knots = np.concatenate([[x[0]] * 4, inner, [x[-1]] * 4])
    return np.asarray(BSpline.design_matrix(np.clip(x, x[0], x[-1]), knots, 3).toarray())
