"""How much of a line lies inside a window, and window integrals solved for it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from ssbchar.nmr.lineshape.line_status import Shape
from ssbchar.nmr.transform.baseline import fit_baseline
from ssbchar.typing import Array

NODES = 64
"""Points of the Gauss-Hermite quadrature over the Gaussian part."""
NARROWEST = 1e-9
"""Lorentzian width at least, over that of the window."""
PATTERNS = (str(Shape.POWDER), str(Shape.CZJZEK))
"""Shapes whose frequencies depend on the direction of a crystallite."""
OF_PATTERN = (
    "coupling",
    "asymmetry",
    "satellites",
    "coupling_scatter",
    "anisotropy",
    "shift_asymmetry",
)
"""Their parameters in ``lines.nc``."""
FWHM_TO_SIGMA = 2.3548200450309493
"""2 sqrt(2 ln 2)."""


def share_from_edges(
    centre: ArrayLike, lorentz: ArrayLike, gauss: ArrayLike, low: float, high: float
) -> Array:
    """Return the share of a Voigt line's area between two edges.

    For a Lorentzian this is [atan(2 (high - x)/w) - atan(2 (low - x)/w)] / pi; a Gaussian width is
    convoluted by a 64-point Gauss-Hermite quadrature.

    Parameters
    ----------
    centre, lorentz, gauss : array_like, shape (line,)
        Centre, Lorentzian and Gaussian full widths at half maximum, in one unit with the edges.
    low, high : float
        Edges of the window.

    Returns
    -------
    ndarray, shape (line,)
        Shares [dimensionless].
    """
    node, weight = np.polynomial.hermite.hermgauss(NODES)
    x, w, g = (np.asarray(values, float)[..., None] for values in (centre, lorentz, gauss))
    place = x + node * np.asarray(g) / (2 * np.sqrt(np.log(2)))
    half = np.maximum(w, NARROWEST * (high - low)) / 2
    inside = (np.arctan((high - place) / half) - np.arctan((low - place) / half)) / np.pi
    return np.asarray(inside @ weight / np.sqrt(np.pi))


def build_leak_matrix(lines: xr.Dataset, broadening: float, windows: ArrayLike) -> Array:
    """Return L[w, r], the share of region r's lines that lies in window w (first slice's
    composition).

    Parameters
    ----------
    lines : Dataset
        From `ssbchar.nmr.lineshape.fit_lines`.
    broadening : float
        Exponential broadening of the spectrum [Hz].
    windows : array_like, shape (window, 2)
        Edges [ppm].

    Returns
    -------
    ndarray, shape (window, region)
        Shares [dimensionless]; the unit matrix for a region without lines.
    """
    sf = float(lines.attrs["sf"])
    matrix = np.eye(len(lines["region"]))
    centre = lines["shift"].values * sf
    lorentz, gauss = lines["fwhm_lorentz"].values + broadening, lines["fwhm_gauss"].values
    patterns = {i: _spread_pattern(lines, i) for i in _find_patterns(lines)}
    for w, (low, high) in enumerate(np.sort(np.asarray(windows, float), axis=1)):
        inside = share_from_edges(centre, lorentz, gauss, low * sf, high * sf)
        for i, (offset, weight) in patterns.items():
            each = share_from_edges(centre[i] + offset, lorentz[i], gauss[i], low * sf, high * sf)
            inside[i] = weight @ each
        for r, region in enumerate(lines["region"].values):
            weights = weigh_lines(lines, str(region))
            if weights.sum() > 0:
                matrix[w, r] = weights @ inside / weights.sum()
    return matrix


def weigh_lines(lines: xr.Dataset, region: str) -> Array:
    """Return the areas of a region's lines in the first slice, zero for all others; alike where all
    are zero.

    Parameters
    ----------
    lines : Dataset
        From `ssbchar.nmr.lineshape.fit_lines`; areas in any unit.
    region : str
        Its name.

    Returns
    -------
    ndarray, shape (component,)
        Weights, not normalised.
    """
    inside = lines["region_of"].values == region
    weights = np.where(inside, lines["area"].values[0], 0.0)
    return weights if weights.sum() > 0 else inside.astype(float)


def correct_window_leakage(window_area: Array, lines: xr.Dataset, spectrum: xr.Dataset) -> Array:
    """Return the region areas A that solve I_w = sum_r M_wr A_r for the window integrals I
    (`build_window_response`).

    Parameters
    ----------
    window_area : ndarray, shape (window,)
        Integrals, in any unit.
    lines, spectrum : Dataset
        As for `build_window_response`.

    Returns
    -------
    ndarray, shape (region,)
        Areas, in the same unit.
    """
    return np.asarray(np.linalg.solve(build_window_response(lines, spectrum), window_area))


def build_window_response(lines: xr.Dataset, spectrum: xr.Dataset) -> Array:
    """Return M[w, r], what window w holds of region r's lines of area one after the spectrum's own
    baseline.

    The tails of broad lines fill the parts a baseline is drawn through, so that it takes away what
    belongs to the lines; the model's Voigt lines pass through the same baseline here.

    Parameters
    ----------
    lines : Dataset
        From `ssbchar.nmr.lineshape.fit_lines`; the first slice's composition.
    spectrum : Dataset
        From `ssbchar.nmr.lineshape.integrate_windows`; ``ppm`` in ppm.

    Returns
    -------
    ndarray, shape (window, region)
        Shares [dimensionless].
    """
    ppm = spectrum["ppm"].values
    step = abs(float(ppm[0] - ppm[1])) * float(lines.attrs["sf"])
    edges = np.sort(np.reshape(spectrum.attrs["windows"], (-1, 2)), axis=1)
    masks = np.stack([(ppm >= low) & (ppm <= high) for low, high in edges])
    broadening = float(spectrum.attrs["broadening"])
    seen = np.array(
        [_draw_region(lines, str(region), ppm, broadening) for region in lines["region"].values]
    )
    order = int(spectrum.attrs.get("baseline_order", -1))
    if order >= 0:
        seen = seen - fit_baseline(seen, ppm, np.asarray(masks.any(axis=0)), order)
    return np.asarray((seen @ masks.T.astype(float)).T * step)


def _draw_region(lines: xr.Dataset, region: str, ppm: Array, broadening: float) -> Array:
    """Return the spectrum of a region's lines of area one, shape (ppm,) [1/Hz]."""
    from scipy.special import voigt_profile

    sf = float(lines.attrs["sf"])
    hertz = ppm * sf
    weights = weigh_lines(lines, region)
    shares = weights / weights.sum()
    shift, gauss = lines["shift"].values, lines["fwhm_gauss"].values
    lorentz = lines["fwhm_lorentz"].values + broadening
    patterns = _find_patterns(lines)

    def draw(i: int, axis: Array) -> Array:
        return np.asarray(
            voigt_profile(axis - shift[i] * sf, gauss[i] / FWHM_TO_SIGMA, lorentz[i] / 2)
        )

    spectrum = np.zeros(hertz.size)
    for i in np.flatnonzero(shares > 0).tolist():
        if i in patterns:
            spectrum += shares[i] * _convolve_pattern(draw, i, hertz, _spread_pattern(lines, i))
        else:
            spectrum += shares[i] * draw(i, hertz)
    return spectrum


def _find_patterns(lines: xr.Dataset) -> list[int]:
    """Return the positions of the lines that are powder patterns."""
    if "shape" not in lines:
        return []
    return np.flatnonzero(np.isin(lines["shape"].values.astype(str), PATTERNS)).tolist()


def _spread_pattern(lines: xr.Dataset, i: int) -> tuple[Array, Array]:
    """Return frequencies of a pattern about its line [Hz], and their weights."""
    # Compiled loops are loaded where there is a pattern.
    from ssbchar.nmr.powder.average import CENTRAL, OUTER, PowderSite, list_frequencies

    known = {name: float(np.nan_to_num(lines[name].values[i])) for name in OF_PATTERN}
    if known["coupling_scatter"] > 0:
        node, weight = np.polynomial.hermite.hermgauss(NODES)
        outer = 2 * OUTER * known["satellites"]
        share = outer / (CENTRAL + outer)
        offset = np.sqrt(2) * known["coupling_scatter"] * node
        weights = share * weight / np.sqrt(np.pi)
        return np.append(offset, 0.0), np.append(weights, 1 - share)
    site = PowderSite(
        coupling=known["coupling"],
        asymmetry=known["asymmetry"],
        anisotropy=known["anisotropy"] * float(lines.attrs["sf"]),
        shift_asymmetry=known["shift_asymmetry"],
    )
    return list_frequencies(site, known["satellites"])


def _convolve_pattern(
    draw: Callable[[int, Array], Array], i: int, hertz: Array, pattern: tuple[Array, Array]
) -> Array:
    """Return the spectrum of a pattern on an even falling axis [Hz]."""
    from scipy.signal import fftconvolve

    offset, weight = pattern
    step = float(hertz[0] - hertz[1])
    reach = int(np.abs(offset).max() / step) + 2
    place = reach - offset / step
    left = np.floor(place).astype(int)
    part = place - left
    bins = np.bincount(left, weight * (1 - part), 2 * reach + 1)
    bins += np.bincount(left + 1, weight * part, 2 * reach + 1)
    more = hertz[0] + step * np.arange(reach, -hertz.size - reach, -1)
    return np.asarray(fftconvolve(draw(i, more), bins, mode="valid"))
