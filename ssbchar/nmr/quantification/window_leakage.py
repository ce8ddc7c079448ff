"""How much of a line lies inside a window, and window integrals solved for it."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from ssbchar.nmr.transform.baseline import fit_baseline
from ssbchar.typing import Array


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
    """
    node, weight = np.polynomial.hermite.hermgauss(64)
    x, w, g = (np.asarray(v, float)[..., None] for v in (centre, lorentz, gauss))
    place = x + node * np.asarray(g) / (2 * np.sqrt(np.log(2)))
    half = np.maximum(w, 1e-9 * (high - low)) / 2
    inside = (np.arctan((high - place) / half) - np.arctan((low - place) / half)) / np.pi
    return np.asarray(inside @ weight / np.sqrt(np.pi))


def build_leak_matrix(lines: xr.Dataset, broadening: float, windows: ArrayLike) -> Array:
    """Return L[w, r], the share of region r's lines that lies in window w (first slice's
    composition).

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
        inside = share_from_edges(
            lines["shift"].values * sf,
            lines["fwhm_lorentz"].values + broadening,
            lines["fwhm_gauss"].values,
            edges[0] * sf,
            edges[1] * sf,
        )
        for r, region in enumerate(lines["region"].values):
            weights = np.where(of == region, area, 0.0)
            weights = weights if weights.sum() > 0 else (of == region).astype(float)
            if weights.sum() > 0:
                out[w, r] = weights @ inside / weights.sum()
    return out


def correct_window_leakage(window_area: Array, lines: xr.Dataset, spectrum: xr.Dataset) -> Array:
    """Return the region areas A that solve I_w = sum_r M_wr A_r for the window integrals I
    (`seen_matrix`)."""
    return np.asarray(np.linalg.solve(build_window_response(lines, spectrum), window_area))


def build_window_response(lines: xr.Dataset, spectrum: xr.Dataset) -> Array:
    """Return M[w, r], what window w holds of region r's lines of area one after the spectrum's own
    baseline.

    The tails of broad lines fill the parts a baseline is drawn through, so that it takes away what
    belongs to the lines; the model's Voigt lines pass through the same baseline here.

    Parameters
    ----------
    lines : Dataset
        From `lines.fit`; the first slice's composition.
    spectrum : Dataset
        From `spectrum.spectrum`.
    """
    from scipy.special import voigt_profile

    sf, ppm = float(lines.attrs["sf"]), spectrum["ppm"].values
    hertz, step = ppm * sf, abs(float(ppm[0] - ppm[1])) * sf
    edges = np.sort(np.reshape(spectrum.attrs["windows"], (-1, 2)), axis=1)
    masks = np.stack([(ppm >= low) & (ppm <= high) for low, high in edges])
    area, of = lines["area"].values[0], lines["region_of"].values
    columns = []
    for region in lines["region"].values:
        weights = np.where(of == region, area, 0.0)
        weights = weights if weights.sum() > 0 else (of == region).astype(float)
        shape = sum(
            weight * voigt_profile(hertz - shift * sf, gauss / 2.3548200450309493, lorentz / 2)
            for weight, shift, lorentz, gauss in zip(
                weights / weights.sum(),
                lines["shift"].values,
                lines["fwhm_lorentz"].values + float(spectrum.attrs["broadening"]),
                lines["fwhm_gauss"].values,
                strict=True,
            )
            if weight > 0
        )
        columns.append(shape)
    seen = np.array(columns)
    order = int(spectrum.attrs.get("baseline_order", -1))
    if order >= 0:
        seen = seen - fit_baseline(seen, ppm, np.asarray(masks.any(axis=0)), order)
    return np.asarray((seen @ masks.T.astype(float)).T * step)
