"""Powder rings found in an image: their common centre and the detector's distance.

The centre needs no starting value: across a ring the intensity changes only towards the beam, so
the normals of all ring pieces meet there; the sharpest radial profile then gives it to a fraction
of a pixel.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ssbchar.hexrd.images import geometry as geo
from ssbchar.hexrd.images.distortion import Distortion, place_pixels
from ssbchar.statistics import sigma_from_deviations
from ssbchar.typing import Array, Bool

BACKGROUND_WIDTH = 12.0
"""Standard deviation of the Gaussian that smooths the background [pixel]."""
CLIPPED = (-2.0, 6.0)
"""Range of the flattened image, in units of its noise: single bright grains must not dominate."""
BRIGHT = 0.5
"""Flattened intensity beyond which a pixel takes part in the search for the centre."""
PROFILE_WIDTHS = (6.0, 2.0, 1.0)
"""Bins of the radial profile in the search for the centre, from the first pass to the last
[pixel]."""
NORMAL_SCALES = (200, 100, 50, 50, 20, 20, 10, 10, 10, 10)
"""Distances from a normal at which it loses weight, from the first pass to the last [pixel]."""
RING_WIDTH = 2.0
"""Standard deviation of a ring in the expected radial profile [pixel]."""
WIDTH_SECTORS = 36
"""Pieces about the centre in which the rings' width is measured."""
FEWEST_IN_SECTOR = 5
"""Pixels that a point of a sector's profile needs, and points that the profile needs."""
CLEAR_RING = 0.25
"""Height of a ring whose width is measured, over that of the highest of its sector [1]."""
NEAR_RING = 4
"""A ring explains the radial profile within this distance [pixel]."""


def flatten_image(counts: NDArray[np.generic], valid: Bool) -> Array:
    """Return the image without its smooth background, with noise that is the same everywhere.

    The square root makes counting noise uniform (F. J. Anscombe, Biometrika 35 (1948) 246).

    Parameters
    ----------
    counts : ndarray, shape (row, column)
        The image [counts].
    valid : ndarray of bool, shape (row, column)
        Pixels used.

    Returns
    -------
    ndarray, shape (row, column)
        In units of its noise, within `CLIPPED`; zero where not valid.
    """
    from scipy.ndimage import gaussian_filter

    root = np.where(valid, np.sqrt(np.maximum(counts, 0) + 0.375), 0.0)
    valid_share = gaussian_filter(valid.astype(float), BACKGROUND_WIDTH)
    background = gaussian_filter(root, BACKGROUND_WIDTH) / np.maximum(valid_share, 1e-6)
    excess = np.where(valid & (valid_share > 0.2), root - background, 0.0)
    noise = sigma_from_deviations(excess[valid]) or 1.0
    return np.asarray(np.clip(excess / noise, *CLIPPED))


def find_centre(
    flattened: Array, valid: Bool, distortion: Distortion | None = None
) -> tuple[float, float]:
    """Return the common centre of the rings.

    Parameters
    ----------
    flattened : ndarray, shape (row, column)
        From `flatten_image`.
    valid : ndarray of bool, shape (row, column)
        Pixels used.
    distortion : Distortion, optional
        Where the pixels lie on the plane.

    Returns
    -------
    row, column : float
        Where the radial profile is sharpest [pixel from the outer corner]; it may lie outside the
        image.
    """
    from scipy.optimize import minimize

    row, column = np.nonzero(valid & (np.abs(flattened) > BRIGHT))
    weight = flattened[row, column]
    # 150 000 pixels place the centre well enough; all of a large detector would take minutes
    thinned = slice(None, None, max(1, row.size // 150_000))
    weight = weight[thinned]
    down, right = place_pixels(row[thinned], column[thinned], distortion)

    def measure_blur(centre: Array, width: float) -> float:
        """Return minus the sharpness of the radial profile in bins of a width [pixel], a float."""
        radius = np.hypot(down - centre[0], right - centre[1])
        place = (radius / width).astype(int)
        total, number = np.bincount(place, weight), np.bincount(place)
        return -float(np.sum(total**2 / np.maximum(number, 10)))

    centre = _intersect_normals(flattened, valid)
    for width in PROFILE_WIDTHS:
        # the simplex shrinks with the bins: each pass only refines the one before
        simplex = centre + 2.5 * width * np.array([[0, 0], [1, 0], [0, 1]])
        found = minimize(
            measure_blur,
            centre,
            args=(width,),
            method="Nelder-Mead",
            options={"initial_simplex": simplex, "xatol": 0.02},
        )
        centre = found.x
    return float(centre[0]), float(centre[1])


def measure_ring_width(
    counts: NDArray[np.generic], valid: Bool, centre: tuple[float, float]
) -> float:
    """Return how wide the rings are across.

    By sectors, in which the rings of a tilted detector are still about circles: of the radial
    profile's peaks those at least a quarter as high as the highest, their full widths at half their
    height; the lower quartile over all sectors, since rings may overlap.

    Parameters
    ----------
    counts : ndarray, shape (row, column)
        The image [counts].
    valid : ndarray of bool, shape (row, column)
        Pixels used.
    centre : tuple of float
        Row and column of the rings' centre [pixel].

    Returns
    -------
    float
        Full width at half maximum [pixel]; 0 where no ring is seen.
    """
    from scipy.signal import find_peaks, peak_widths

    row, column = np.nonzero(valid)
    down, right = row + 0.5 - centre[0], column + 0.5 - centre[1]
    radius = np.hypot(down, right).astype(int)
    size = int(radius.max()) + 1
    turn = (np.arctan2(down, right) + np.pi) / (2 * np.pi)
    place = (turn * WIDTH_SECTORS).astype(int) % WIDTH_SECTORS * size + radius
    number = np.bincount(place, minlength=WIDTH_SECTORS * size).reshape(WIDTH_SECTORS, size)
    total = np.bincount(place, np.asarray(counts, float)[valid], WIDTH_SECTORS * size)
    widths: list[float] = []
    for sums, pixels in zip(total.reshape(WIDTH_SECTORS, size), number, strict=True):
        seen = np.flatnonzero(pixels >= FEWEST_IN_SECTOR)
        if seen.size < FEWEST_IN_SECTOR:
            continue
        profile = sums[seen] / pixels[seen]
        peaks, about = find_peaks(profile, prominence=0.0)
        if peaks.size:
            high = about["prominences"] >= CLEAR_RING * about["prominences"].max()
            widths += peak_widths(profile, peaks[high], rel_height=0.5)[0].tolist()
    return float(np.quantile(widths, 0.25)) if widths else 0.0


def _intersect_normals(flattened: Array, valid: Bool) -> Array:
    """Return the point nearest to the normals of all ring pieces, (row, column) [pixel].

    A normal is the dominant axis of the structure tensor; the point is found by least squares with
    weights that fall with the distance from a normal.
    """
    row, column, angle = _find_ring_pieces(flattened, valid)
    across = np.stack([-np.sin(angle), np.cos(angle)])
    offset = np.sum(across * np.stack([row + 0.5, column + 0.5]), axis=0)
    weight = np.ones(offset.size)
    for scale in NORMAL_SCALES:
        normal_matrix = (across * weight) @ across.T + 1e-9 * np.eye(2)
        point = np.linalg.solve(normal_matrix, (across * weight) @ offset)
        weight = 1.0 / (1.0 + ((across.T @ point - offset) / scale) ** 2) ** 2
    return np.asarray(point)


def _find_ring_pieces(
    flattened: Array, valid: Bool
) -> tuple[NDArray[np.intp], NDArray[np.intp], Array]:
    """Return row, column [pixel] and direction of the normal [radian] of the clearest ring
    pieces."""
    from scipy.ndimage import binary_erosion, gaussian_filter

    # gradients at the edge of a gap would look like a ring
    inside = binary_erosion(valid, iterations=5)
    down = np.where(inside, gaussian_filter(flattened, 2.0, order=(1, 0)), 0.0)
    right = np.where(inside, gaussian_filter(flattened, 2.0, order=(0, 1)), 0.0)
    dd = gaussian_filter(down * down, 5.0)
    rr = gaussian_filter(right * right, 5.0)
    dr = gaussian_filter(down * right, 5.0)
    coherence = np.where(inside, np.hypot(dd - rr, 2 * dr), 0.0)
    clearest = np.argsort(coherence, axis=None, kind="stable")[-40_000:]
    row, column = np.unravel_index(clearest, flattened.shape)
    angle = 0.5 * np.arctan2(2 * dr[row, column], dd[row, column] - rr[row, column])
    return row, column, angle


def find_distance(
    flattened: Array,
    valid: Bool,
    *,
    centre: tuple[float, float],
    ring_angles: Array,
    rough: float,
    tolerance: float,
    distortion: Distortion | None = None,
) -> tuple[float, float]:
    """Return the distance at which the calibrant's rings match the radial profile best.

    Parameters
    ----------
    flattened : ndarray, shape (row, column)
        From `flatten_image`.
    valid : ndarray of bool, shape (row, column)
        Pixels used.
    centre : tuple of float
        Row and column of the rings' centre [pixel].
    ring_angles : ndarray, shape (ring,)
        2theta of the calibrant's rings [radian].
    rough : float
        Rough distance [pixel].
    tolerance : float
        Largest deviation from it, as a fraction.
    distortion : Distortion, optional
        Where the pixels lie on the plane.

    Returns
    -------
    distance : float
        [pixel]
    correlation : float
        Correlation coefficient of the radial profile with that of the calibrant.
    """
    row, column = np.nonzero(valid)
    down, right = place_pixels(row, column, distortion)
    radius = np.hypot(down - centre[0], right - centre[1]).astype(int)
    number = np.bincount(radius)
    profile = np.bincount(radius, flattened[valid]) / np.maximum(number, 1)
    seen = number > 20
    place = np.arange(profile.size) + 0.5
    # a few very strong rings must not decide alone
    profile = np.clip(profile, 0, np.percentile(profile[seen], 95))
    tangents = np.tan(ring_angles[ring_angles < np.radians(80)])
    best_distance, best_correlation = rough, -1.0
    for distance in rough * np.arange(1 - tolerance, 1 + tolerance, 5e-4):
        radii = distance * tangents
        radii = radii[radii < profile.size + 10]
        rings = np.exp(-0.5 * ((place[:, None] - radii) / RING_WIDTH) ** 2)
        expected = rings.max(axis=1, initial=0.0)
        if not expected[seen].std() > 0:
            continue
        correlation = float(np.corrcoef(profile[seen], expected[seen])[0, 1])
        if correlation > best_correlation:
            best_distance, best_correlation = float(distance), correlation
    return best_distance, best_correlation


def measure_explained_share(
    flattened: Array,
    valid: Bool,
    plane: geo.Plane,
    ring_angles: Array,
    distortion: Distortion | None = None,
) -> float:
    """Return the share of the rings' intensity that the calibrant explains.

    Parameters
    ----------
    flattened : ndarray, shape (row, column)
        From `flatten_image`.
    valid : ndarray of bool, shape (row, column)
        Pixels used.
    plane : Plane
        The refined detector.
    ring_angles : ndarray, shape (ring,)
        2theta of the calibrant's rings [radian].
    distortion : Distortion, optional
        Where the pixels lie on the plane.

    Returns
    -------
    float
        Of the strong part of the radial profile, the share within `NEAR_RING` pixels of an expected
        ring (dimensionless).
    """
    row, column = np.nonzero(valid)
    two_theta, _ = geo.angles_from_pixels(plane, *place_pixels(row, column, distortion))
    # the tangent diverges at 90 degrees: bins beyond 1.2 radian are never needed
    place = (plane.distance * np.tan(np.minimum(two_theta, 1.2)) / plane.pixel1).astype(int)
    number = np.bincount(place)
    seen = number > 100
    mean = np.bincount(place, flattened[row, column]) / np.maximum(number, 1)
    profile = np.where(seen, mean, 0.0)
    profile = np.maximum(profile - np.median(profile[seen]), 0.0)
    strong = np.where(profile > 3 * np.median(profile[profile > 0]), profile, 0.0)
    expected = plane.distance * np.tan(ring_angles) / plane.pixel1
    centres = np.arange(profile.size)[:, None] + 0.5
    near = np.min(np.abs(centres - expected), axis=1) < NEAR_RING
    return float(np.sum(strong[near]) / max(np.sum(strong), 1e-12))
