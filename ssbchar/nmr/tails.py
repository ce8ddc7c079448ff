"""How much of a line lies inside a window, and window integrals solved for it."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

Real = NDArray[np.float64]


def share_inside(centre: ArrayLike, lorentz: ArrayLike, gauss: ArrayLike, low: float, high: float) -> Real:
    """Return the share of a Voigt line's area between two edges.

    For a Lorentzian this is [atan(2 (high - x)/w) - atan(2 (low - x)/w)] / pi; a Gaussian width is convoluted by
    a 64-point Gauss-Hermite quadrature.

    Parameters
    ----------
    centre, lorentz, gauss : array_like, shape (line,)
        Centre, Lorentzian and Gaussian full widths at half maximum, in one unit with the edges.
    low, high : float
        Edges of the window.
    """
    node, weight = np.polynomial.hermite.hermgauss(64)
    x, w, g = (np.asarray(v, float)[..., None] for v in (centre, lorentz, gauss))
    place = x + node * np.asarray(g) / (2 * np.sqrt(np.log(2)))
    half = np.maximum(w, 1e-9 * (high - low)) / 2
    inside = (np.arctan((high - place) / half) - np.arctan((low - place) / half)) / np.pi
    return np.asarray(inside @ weight / np.sqrt(np.pi))


def leak_matrix(lines: xr.Dataset, broadening: float, windows: ArrayLike) -> Real:
    """Return L[w, r], the share of region r's lines that lies in window w (first slice's composition).

    Parameters
    ----------
    lines : Dataset
        From `lines.fit`.
    broadening : float
        Exponential broadening of the spectrum [Hz].
    windows : array_like, shape (window, 2)
        Edges [ppm].
    """
    sf = float(lines.attrs["sf"])
    area, of = lines["area"].values[0], lines["region_of"].values
    out = np.eye(len(lines["region"]))
    for w, edges in enumerate(np.sort(np.asarray(windows, float), axis=1)):
        inside = share_inside(
            lines["shift"].values * sf, lines["fwhm_lorentz"].values + broadening, lines["fwhm_gauss"].values,
            edges[0] * sf, edges[1] * sf,
        )  # fmt: skip
        for r, region in enumerate(lines["region"].values):
            weights = np.where(of == region, area, 0.0)
            weights = weights if weights.sum() > 0 else (of == region).astype(float)
            if weights.sum() > 0:
                out[w, r] = weights @ inside / weights.sum()
    return out


def corrected_for_tails(window_area: Real, lines: xr.Dataset, spectrum: xr.Dataset) -> Real:
    """Return the region areas A that solve I_w = sum_r L_wr A_r for the window integrals I."""
    edges = np.reshape(spectrum.attrs["windows"], (-1, 2))
    matrix = leak_matrix(lines, float(spectrum.attrs["broadening"]), edges)
    return np.asarray(np.linalg.solve(matrix, window_area))
