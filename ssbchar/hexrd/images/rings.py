"""Powder rings found in an image: the beam centre and the distance.

The centre needs no click: along a ring the intensity changes only towards the beam, so the normals
of all ring pieces meet there; the sharpest radial profile then places it to a fraction of a
pixel.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ssbchar.hexrd.images import geometry as geo
from ssbchar.statistics import sigma_from_deviations
from ssbchar.typing import Array


def flatten_image(counts: NDArray[np.generic], valid: NDArray[np.bool_]) -> Array:
    """Return the image with its smooth background removed and its noise made even, zero where not
    valid.

    The square root evens out counting noise (F. J. Anscombe, Biometrika 35 (1948) 246); clipping
    keeps single bright grains from ruling the rest.
    """
    from scipy.ndimage import gaussian_filter

    root = np.where(valid, np.sqrt(np.maximum(counts, 0) + 0.375), 0.0)
    share = gaussian_filter(valid.astype(float), 12.0)
    smooth = gaussian_filter(root, 12.0) / np.maximum(share, 1e-6)
    left = np.where(valid & (share > 0.2), root - smooth, 0.0)
    scale = sigma_from_deviations(left[valid]) or 1.0
    return np.asarray(np.clip(left / scale, -2.0, 6.0))


def find_centre(signal: Array, valid: NDArray[np.bool_]) -> tuple[float, float]:
    """Return row and column of the rings' common centre [pixel from the outer corner].

    Parameters
    ----------
    signal : ndarray, shape (row, column)
        From `contrast`.
    valid : ndarray of bool
        Pixels that count.

    Returns
    -------
    tuple of float
        Sharpest centre; it may lie outside the image.
    """
    from scipy.optimize import minimize

    start = _meeting_of_normals(signal, valid)
    row, column = np.nonzero(valid & (np.abs(signal) > 0.5))
    bright = signal[row, column]
    keep = slice(None, None, max(1, row.size // 150_000))
    row, column, bright = row[keep], column[keep], bright[keep]

    def blur(at: Array, width: float) -> float:
        radius = (np.hypot(row + 0.5 - at[0], column + 0.5 - at[1]) / width).astype(int)
        total, number = np.bincount(radius, bright), np.bincount(radius)
        return -float(np.sum(total**2 / np.maximum(number, 10)))

    for width in (6.0, 2.0, 1.0):
        simplex = start + 2.5 * width * np.array([[0, 0], [1, 0], [0, 1]])
        found = minimize(
            blur,
            start,
            (width,),
            "Nelder-Mead",
            options={"initial_simplex": simplex, "xatol": 0.02},
        )
        start = found.x
    return float(start[0]), float(start[1])


def _meeting_of_normals(signal: Array, valid: NDArray[np.bool_]) -> Array:
    """Return the point nearest, robustly, to the normals of all ring pieces (dominant axis of the
    structure tensor)."""
    from scipy.ndimage import binary_erosion, gaussian_filter

    inside = binary_erosion(valid, iterations=5)
    down, right = (gaussian_filter(signal, 2.0, order=order) for order in ((1, 0), (0, 1)))
    down, right = np.where(inside, down, 0.0), np.where(inside, right, 0.0)
    dd, rr, dr = (
        gaussian_filter(product, 5.0) for product in (down * down, right * right, down * right)
    )
    coherence = np.where(inside, np.hypot(dd - rr, 2 * dr), 0.0)
    strongest = np.argsort(coherence, axis=None, kind="stable")[-40_000:]
    row, column = np.unravel_index(strongest, signal.shape)
    angle = 0.5 * np.arctan2(2 * dr[row, column], dd[row, column] - rr[row, column])
    along = np.stack([-np.sin(angle), np.cos(angle)])
    place = np.stack([row + 0.5, column + 0.5])
    offset = np.sum(along * place, axis=0)
    weight = np.ones(offset.size)
    at = np.array(signal.shape) / 2.0
    for scale in (200, 100, 50, 50, 20, 20, 10, 10, 10, 10):
        at = np.linalg.solve(
            (along * weight) @ along.T + 1e-9 * np.eye(2), (along * weight) @ offset
        )
        weight = 1.0 / (1.0 + ((along.T @ at - offset) / scale) ** 2) ** 2
    return np.asarray(at)


def find_distance(
    signal: Array,
    valid: NDArray[np.bool_],
    at: tuple[float, float],
    angles: Array,
    rough: float,
    tolerance: float,
) -> tuple[float, float]:
    """Return the distance, in pixels, at which the calibrant's rings fall on the bright radii, and
    how well.

    Parameters
    ----------
    signal, valid : ndarray, shape (row, column)
        From `contrast`, and the pixels that count.
    at : tuple of float
        The centre.
    angles : ndarray
        2theta of the rings [radian].
    rough : float
        Distance guessed [pixel].
    tolerance : float
        How far off it may be, as a fraction.

    Returns
    -------
    distance, correlation : float
        The best, and its correlation coefficient between the radial profile and the calibrant's
        comb.
    """
    row, column = np.indices(signal.shape) + 0.5
    radius = np.hypot(row - at[0], column - at[1])[valid].astype(int)
    number = np.bincount(radius)
    profile = np.bincount(radius, signal[valid]) / np.maximum(number, 1)
    seen = number > 20
    place = np.arange(profile.size) + 0.5
    profile = np.clip(profile, 0, np.percentile(profile[seen], 95))
    tangents = np.tan(angles[angles < np.radians(80)])
    best = (rough, -1.0)
    for trial in rough * np.arange(1 - tolerance, 1 + tolerance, 5e-4):
        radii = trial * tangents
        radii = radii[radii < profile.size + 10]
        comb = np.exp(-0.5 * ((place[:, None] - radii) / 2.0) ** 2).max(axis=1, initial=0.0)
        if comb[seen].std() > 0:
            score = float(np.corrcoef(profile[seen], comb[seen])[0, 1])
            best = max(best, (float(trial), score), key=lambda pair: pair[1])
    return best


def measure_explained_share(
    signal: Array, valid: NDArray[np.bool_], plane: geo.Plane, angles: Array
) -> float:
    """Return the share of the rings' power, summed over the radial profile, within four pixels of
    expected rings.

    Parameters
    ----------
    signal, valid : ndarray, shape (row, column)
        From `contrast`, and the pixels that count.
    plane : geometry.Plane
        The refined detector.
    angles : ndarray
        2theta of the calibrant's rings [radian].
    """
    row, column = np.nonzero(valid)
    two_theta, _ = geo.angles_from_pixels(plane, row + 0.5, column + 0.5)
    place = (plane.distance * np.tan(np.minimum(two_theta, 1.2)) / plane.pixel1).astype(int)
    number = np.bincount(place)
    seen = number > 100
    profile = np.where(seen, np.bincount(place, signal[row, column]) / np.maximum(number, 1), 0.0)
    profile = np.maximum(profile - np.median(profile[seen]), 0.0)
    strong = np.where(profile > 3 * np.median(profile[profile > 0]), profile, 0.0)
    expected = plane.distance * np.tan(angles) / plane.pixel1
    near = np.min(np.abs(np.arange(profile.size)[:, None] + 0.5 - expected), axis=1) < 4
    return float(np.sum(strong[near]) / max(np.sum(strong), 1e-12))
