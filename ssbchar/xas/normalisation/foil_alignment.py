"""The shift that brings one edge onto another as a whole, far below the grid, and the foil spectrum
that all scans are aligned to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.typing import Array, Bool
from ssbchar.xas.edge_tables import CONVENTIONS
from ssbchar.xas.normalisation.edge_features import find_inflection
from ssbchar.xas.normalisation.options import Calibration

if TYPE_CHECKING:
    import xarray as xr

MIN_READINGS = 20
"""A foil with no more readings than this is taken for absent."""
MIN_POINTS = 12
"""Fewer points than this on the edge cannot be aligned."""
FINE = 0.1
"""Spacing of the spline of the scan that is moved [eV]."""
COMPARED = 0.3
"""Spacing of the points at which two edges are compared [eV]."""
SMOOTHING = 1.2
"""Sigma of the smoothing, in spacings of the coarser scan."""
FIRST_PEAK = 0.5
"""A metal's first inflection is the first maximum of the derivative above this share of the
highest."""
WRONG_FOIL = 40
"""A foil's edge further than this beyond the greatest shift [eV] is another element's."""


@dataclass(frozen=True, kw_only=True)
class Alignment:
    """How far one edge must be moved to lie on another."""

    shift: float
    """[eV]; NaN where none is found."""
    formal_stderr: float
    """[eV]; from the misfit alone, far too small: it knows nothing of drift."""


NOT_ALIGNED = Alignment(shift=float("nan"), formal_stderr=float("nan"))


@dataclass(frozen=True, kw_only=True)
class StandardFoil:
    """The foil spectrum that scans are aligned to."""

    energy: Array
    """Raw axis, shape (point,) [eV]."""
    mu: Array
    """Mean absorption of the foil, shape (point,)."""
    inflection: float
    """Its first inflection on the raw axis [eV]."""
    tabulated: float
    """Where that inflection should be [eV]."""
    window: tuple[float, float]
    """Range of the edge that is aligned [eV, raw axis]."""


def find_foils(scans: xr.Dataset) -> Bool:
    """Return which scans have a foil spectrum, shape (scan,).

    Parameters
    ----------
    scans : Dataset, dims scan, point
        From `ssbchar.xas.scans.read_scans`, energies in eV.
    """
    return np.asarray(np.isfinite(scans["mu_foil"].values).sum(axis=1) > MIN_READINGS)


def look_up_foil_energy(options: Calibration, element: str, edge: str) -> float:
    """Return the edge energy of the foil, configured or by the convention.

    Parameters
    ----------
    options : Calibration
        Foil and convention.
    element, edge : str
        Of the scan, for a foil of the same element.

    Returns
    -------
    float
        [eV]

    Raises
    ------
    BadInput
        The convention does not list the foil.
    """
    if options.foil_energy:
        return options.foil_energy
    key = (options.foil_element or element, options.foil_edge or edge)
    table = CONVENTIONS[options.convention]
    if key not in table:
        raise BadInput(
            " ".join(key),
            f"no edge energy by the convention '{options.convention}'",
            "set calibrate.foil_energy",
        )
    return table[key]


def build_standard_foil(
    standard: xr.Dataset, tabulated: float, options: Calibration
) -> StandardFoil:
    """Return the mean foil spectrum of the standard's scans, each aligned to the first one's axis.

    Parameters
    ----------
    standard : Dataset, dims scan, point
        Scans with foils.
    tabulated : float
        Edge energy of the foil [eV].
    options : Calibration
        Window and greatest shift.

    Returns
    -------
    StandardFoil

    Raises
    ------
    BadInput
        The foil's edge is far from where it is tabulated.
    """
    from scipy.interpolate import CubicSpline

    foils = [read_foil(standard, int(scan)) for scan in np.flatnonzero(find_foils(standard))]
    grid, first = foils[0]
    at = find_metal_inflection(grid, first)
    if abs(at - tabulated) > options.max_shift + WRONG_FOIL:
        raise BadInput(
            str(standard["source_file"].values[0]),
            f"the foil's edge is at {at:.0f} eV, {tabulated:g} eV expected",
            "correct calibrate.foil_element and foil_edge",
        )
    # Foils overlap in part only: each point is averaged over the scans that reach it.
    total, count = first.copy(), np.ones(grid.size)
    window = _place_window(at, options)
    for x, y in foils[1:]:
        shift = align_edges(grid, first, x, y, window=window, limit=options.max_shift).shift
        if np.isfinite(shift):
            inside = (grid >= x[0] + shift) & (grid <= x[-1] + shift)
            total[inside] += CubicSpline(x + shift, y)(grid[inside])
            count += inside
    mean = total / count
    inflection = find_metal_inflection(grid, mean)
    return StandardFoil(
        energy=grid,
        mu=mean,
        inflection=inflection,
        tabulated=tabulated,
        window=_place_window(inflection, options),
    )


def _place_window(at: float, options: Calibration) -> tuple[float, float]:
    return at + options.window[0], at + options.window[1]


def read_foil(scans: xr.Dataset, scan: int) -> tuple[Array, Array]:
    """Return energy [eV] and absorption of a scan's foil where both are finite, shape (point,)."""
    x, y = scans["energy"].values[scan], scans["mu_foil"].values[scan]
    use = np.isfinite(x) & np.isfinite(y)
    return x[use], y[use]


def find_metal_inflection(energy: Array, mu: Array) -> float:
    """Return the first inflection of a metal's edge [eV], of arrays of shape (point,)."""
    return float(find_inflection(energy, mu[None], first=FIRST_PEAK)[0][0])


def align_edges(
    grid: Array,
    target: Array,
    energy: Array,
    mu: Array,
    *,
    window: tuple[float, float],
    limit: float = 20.0,
) -> Alignment:
    """Return the shift that lays one edge on another as a whole.

    Minimises sum (target(E) - a mu(E - s) - b - c E)**2 over the window, by Gauss-Newton in s with
    a, b, c solved linearly at each step. Both are smoothed alike first (`smooth_locally`): the
    noise of an interpolated scan is least half-way between its points, which would draw s there.

    Parameters
    ----------
    grid, target : array, shape (m,)
        Energies [eV] and absorption of the standard.
    energy, mu : array, shape (n,)
        The scan to be moved: energies [eV] and absorption.
    window : tuple of float
        Range on the standard's axis [eV].
    limit : float
        Larger shifts are refused [eV].

    Returns
    -------
    Alignment
        NaN where no shift is found. Take the error from repeats, not from the formal one.
    """
    from scipy.interpolate import CubicSpline

    s = find_metal_inflection(grid, target) - find_metal_inflection(energy, mu)
    if not abs(s) <= limit:
        return NOT_ALIGNED
    low = max(window[0], energy[0] + s + 1, grid[0])
    high = min(window[1], energy[-1] + s - 1, grid[-1])
    on_scan = (energy > low - s) & (energy < high - s)
    on_grid = (grid > low) & (grid < high)
    if min(on_scan.sum(), on_grid.sum()) < MIN_POINTS:
        return NOT_ALIGNED

    x = np.arange(low, high, COMPARED)
    width = SMOOTHING * np.maximum(_find_spacing(energy, x - s), _find_spacing(grid, x))
    # Two eV beyond both ends leave room for the shift to change.
    fine = np.arange(low - s - 2.0, high - s + 2.0, FINE)
    spline = CubicSpline(fine, smooth_locally(energy, mu, fine, np.interp(fine + s, x, width)))
    y = smooth_locally(grid, target, x, width)
    return _fit_shift(x, y, spline, s, limit)


def _fit_shift(x: Array, y: Array, spline: object, start: float, limit: float) -> Alignment:
    """Return the shift of the spline that fits y(x) best, with a free scale and line."""
    slope = spline.derivative()  # type: ignore[attr-defined]
    line = (x - x.mean()) / np.ptp(x)
    s = start
    for _ in range(30):
        moved, rate = spline(x - s), -slope(x - s)  # type: ignore[operator]
        basis = np.column_stack([moved, np.ones_like(x), line])
        a = np.linalg.lstsq(basis, y, rcond=None)[0]
        full = np.column_stack([basis, a[0] * rate])
        inverse = np.linalg.pinv(full)
        residual = y - basis @ a
        step = float((inverse @ residual)[-1])
        # A step of the linearised problem must not leave the edge.
        s += float(np.clip(step, -2.0, 2.0))
        if abs(step) < 1e-7:
            break
    if abs(s) > limit:
        return NOT_ALIGNED
    variance = residual @ residual / max(x.size - 4, 1)
    formal = float(np.sqrt(variance) * np.linalg.norm(inverse[-1]))
    return Alignment(shift=s, formal_stderr=formal)


def _find_spacing(energy: Array, at: Array) -> Array:
    """Return the widest spacing of points about each energy [eV], changing smoothly."""
    steps = np.diff(energy)
    padded = np.pad(steps, 2, mode="edge")
    neighbours = np.stack([np.roll(padded, j)[2:-2] for j in (-1, 0, 1)])
    widest = np.max(neighbours, axis=0)
    return np.asarray(np.interp(at, (energy[1:] + energy[:-1]) / 2, widest))


def smooth_locally(energy: Array, mu: Array, at: Array, width: Array) -> Array:
    """Return a spectrum at other energies by local quadratic regression with Gaussian weights.

    Parameters
    ----------
    energy, mu : array, shape (n,)
        [eV], and the absorption there.
    at : array, shape (m,)
        Energies to find the absorption at [eV].
    width : array, shape (m,)
        Sigma of the weights [eV].

    Returns
    -------
    array, shape (m,)
    """
    distance = (energy[None] - at[:, None]) / width[:, None]
    weight = np.exp(-0.5 * distance**2)
    basis = np.stack([np.ones_like(distance), distance, distance**2], axis=2)
    weighted = basis * weight[:, :, None]
    normal = np.einsum("nei,nej->nij", weighted, basis)
    right = np.einsum("nei,e->ni", weighted, mu)
    return np.asarray(np.linalg.solve(normal, right[:, :, None])[:, 0, 0])
