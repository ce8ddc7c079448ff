"""The shift that brings one edge onto another as a whole, far below the grid, and the foil spectrum
that all scans are aligned to."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.statistics import sigma_from_deviations
from ssbchar.typing import Array, Bool
from ssbchar.xas.calibration.options import Calibration
from ssbchar.xas.edge_features import find_inflection
from ssbchar.xas.edge_tables import (
    CONVENTIONS,
    find_edges_within,
    find_nearest_edge,
    list_edges,
    look_up_edge,
)
from ssbchar.xas.slopes import SPIKE_POINTS, remove_spikes

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
NARROW = ((-6.0, 8.0), (-10.0, 6.0), (-4.0, 10.0))
"""Windows about the inflection alone [eV], which neither a saturated top nor an offset of the
detectors bends."""
BENT = 0.07
"""Whole edge and inflection of a foil differ by more where its top is bent [eV]: three times the
scatter of alignments found on noisy spectra of known shift (docs/theory/xas.md)."""
WINDOW_SPREAD = 1.5
"""Standard uncertainty of a bent foil's inflection over the range that the three windows give [1]:
others would give more; ours."""
LEAST_ERROR = 0.003
"""No alignment counts as better known than this [eV]; ours."""
LEAST_STEP = 5.0
"""A foil's edge step stands at least so many times above the noise of its points [1]."""
FEWEST_FOR_OUTLIERS = 3
"""Foils that are needed to say that one differs from the others."""
OUTLYING = 6.0
"""A foil differs beyond so many times the median distance from the median foil [1]."""
LARGEST_ERROR = 0.5
"""A foil by which an alignment is known no better than this sets no axis [eV]; ours."""
FAR, MUCH_NEARER = 6.0, 3.0
"""A foil further from its edge [eV] is not believed where another metal's is nearer by this factor
[1]; axes of monochromators are off by less, as a rule."""
BEFORE, AFTER = (-60.0, -15.0), (15.0, 60.0)
"""Ranges on both sides of an edge whose means make its step [eV]."""


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
    inflection_stderr: float
    """By the noise of its points [eV]: an error of the axis's origin, which all scans share."""
    tabulated: float
    """Where that inflection should be [eV]."""
    window: tuple[float, float]
    """Range of the edge that is aligned [eV, raw axis]."""


@dataclass(frozen=True, kw_only=True)
class FoilShifts:
    """The shifts that lay the foils of all scans on the standard's."""

    shift: Array
    """Shape (scan,) [eV]; NaN where none is found."""
    is_unlike: Bool
    """Scans without a shift because the windows of their foils disagree, those of the others do
    not, shape (scan,)."""
    error: float
    """Of one alignment, by the noise of its points and by the choice of the window [eV]."""
    common_error: float
    """What all scans of a measurement share where their foils are bent: other windows about the
    inflection give other shifts [eV]; 0 where the foils lie on each other."""
    narrow: bool
    """Whether the window about the inflection alone was taken."""


def align_foils(scans: xr.Dataset, foil: StandardFoil, options: Calibration) -> FoilShifts:
    """Return the shifts of all scans onto the standard's foil.

    The whole window and three about the inflection alone must agree on every scan: a top that is
    saturated, or bent by an offset of the detectors, moves the whole edge and not the inflection.
    Where they differ by more than `BENT`, the narrow window is taken. A scan whose windows differ
    far more than those of most others has no shift, and no part in the error.

    Parameters
    ----------
    scans : Dataset, dims scan, point
        Scans with foils, energies in eV.
    foil : StandardFoil
    options : Calibration
        Greatest shift, error of one alignment.
    """
    count = scans.sizes["scan"]
    windows = [foil.window, *(_shift_window(foil.inflection, window) for window in NARROW)]
    shifts = np.full((len(windows), count), np.nan)
    for scan in range(count):
        x, y = read_foil(scans, scan)
        if x.size <= MIN_READINGS:
            continue
        for row, window in enumerate(windows):
            shifts[row, scan] = align_edges(
                foil.energy, foil.mu, x, y, window=window, limit=options.max_shift
            ).shift
    is_unlike = _find_unlike(shifts)
    shifts[:, is_unlike] = np.nan
    whole, narrow = shifts[0], shifts[1:]
    middle = _median_of_found(narrow)
    apart = np.abs(whole - middle)
    is_bent = bool((apart[np.isfinite(apart)] > BENT).any())
    used = np.where(np.isfinite(middle), middle, whole) if is_bent else whole
    by_window = _root_mean_square((narrow if is_bent else shifts[:2]) - used)
    spread = np.ptp(narrow, axis=0) if is_bent else np.zeros(count)
    window = windows[1] if is_bent else windows[0]
    split = _split_points(scans, foil, window, used, options)
    by_noise = _root_mean_square(split[~is_unlike]) / 2
    error = max(float(np.hypot(by_window, by_noise)), LEAST_ERROR)
    if options.alignment_error is not None:
        error = options.alignment_error
    common = WINDOW_SPREAD * _root_mean_square(spread)
    return FoilShifts(
        shift=used, is_unlike=is_unlike, error=error, common_error=common, narrow=is_bent
    )


def _find_unlike(shifts: Array) -> Bool:
    """Return which scans' windows disagree beyond what is usual among the others, of shifts
    (window, scan) [eV]; of fewer than three scans none can be told, nor where half are so."""
    count = shifts.shape[1]
    spread = np.full(count, np.nan)
    found = np.isfinite(shifts).sum(axis=0) > 1
    spread[found] = np.nanmax(shifts[:, found], axis=0) - np.nanmin(shifts[:, found], axis=0)
    none = np.zeros(count, bool)
    if found.sum() < FEWEST_FOR_OUTLIERS:
        return none
    usual = float(np.median(spread[found]))
    unlike = found & (np.nan_to_num(spread) > max(BENT, OUTLYING * usual))
    return unlike if 2 * unlike.sum() < found.sum() else none


def _split_points(
    scans: xr.Dataset,
    foil: StandardFoil,
    window: tuple[float, float],
    shifts: Array,
    options: Calibration,
) -> Array:
    """Return by how much the alignments of the even and of the odd points of each foil differ,
    shape (scan,) [eV]; half of it is the error of all points by their noise. Where a half has
    enough points and yet no shift, the difference is the greatest shift."""
    differences = np.full(scans.sizes["scan"], np.nan)
    for scan in range(differences.size):
        x, y = read_foil(scans, scan)
        if x.size <= 2 * MIN_READINGS:
            continue
        halves = [
            align_edges(
                foil.energy,
                foil.mu,
                x[part::2],
                y[part::2],
                window=window,
                limit=options.max_shift,
            ).shift
            for part in (0, 1)
        ]
        differences[scan] = halves[0] - halves[1]
        place = x + shifts[scan]
        on_edge = int(((place > window[0]) & (place < window[1])).sum())
        if not np.isfinite(differences[scan]) and on_edge > 2 * MIN_POINTS + 1:
            differences[scan] = 2 * options.max_shift
    return differences


def _root_mean_square(values: Array) -> float:
    """Return the root of the mean square of what is finite, zero where nothing is."""
    found = values[np.isfinite(values)]
    return float(np.sqrt(np.mean(found**2))) if found.size else 0.0


def _shift_window(at: float, window: tuple[float, float]) -> tuple[float, float]:
    return at + window[0], at + window[1]


def _median_of_found(shifts: Array) -> Array:
    """Return the median over windows of each scan, NaN where none found a shift."""
    found = np.isfinite(shifts).any(axis=0)
    middle = np.full(shifts.shape[1], np.nan)
    middle[found] = np.nanmedian(shifts[:, found], axis=0)
    return middle


def find_foils(scans: xr.Dataset) -> Bool:
    """Return which scans have a foil spectrum, shape (scan,).

    Parameters
    ----------
    scans : Dataset, dims scan, point
        From `ssbchar.xas.scans.read_scans`, energies in eV.
    """
    return np.asarray(np.isfinite(scans["mu_foil"].values).sum(axis=1) > MIN_READINGS)


def identify_foil(
    standard: xr.Dataset, options: Calibration, element: str, edge: str
) -> tuple[str, str]:
    """Return element and edge of the foil: configured, that of the scan, or found by its energy.

    A foil of another element is common (gold for As K): where the foil's edge is not within
    ``calibrate.max_shift`` of the scan's, and one tabulated edge alone is, the foil is that one.
    Where it is within, but far nearer to another's (vanadium for La L3), it is asked for.

    Parameters
    ----------
    standard : Dataset, dims scan, point
        Scans with foils, energies in eV.
    options : Calibration
        Foil, greatest shift.
    element, edge : str
        Of the scan.

    Raises
    ------
    BadInput
        Edges of several elements are as near.
    """
    if options.foil_element or options.foil_energy:
        return options.foil_element or element, options.foil_edge or edge
    own = look_up_edge(element, edge)
    energy, mu = read_foil(standard, int(np.flatnonzero(find_foils(standard))[0]))
    at = find_metal_inflection(energy, mu)
    near = find_edges_within(at, options.max_shift)
    is_own = own is None or abs(at - own) <= options.max_shift
    if is_own and (options.foil_edge or not _is_another(at, own, near)):
        return element, options.foil_edge or edge
    if len(near) > 1:
        raise BadInput(
            str(standard["source_file"].values[0]),
            f"the foil's edge is at {at:.1f} eV: {' or '.join(' '.join(key) for key in near)}",
            "set calibrate.foil_element and foil_edge",
        )
    return near[0] if near else (element, options.foil_edge or edge)


def _is_another(at: float, own: float | None, near: list[tuple[str, str]]) -> bool:
    """Return whether a foil's edge [eV] is far from the scan's own and much nearer to another of
    those within the greatest shift."""
    if own is None or not near or abs(at - own) < FAR:
        return False
    return MUCH_NEARER * abs(at - list_edges()[near[0]]) < abs(at - own)


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
    # What Bearden and Burr's excerpt does not list is filled in by XrayDB.
    table = list_edges() if options.convention == "bearden" else CONVENTIONS[options.convention]
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
    """Return the mean foil spectrum of the standard's scans, each aligned to the axis of the one
    whose edge lies in their middle; a foil that differs from the others is left out of the mean.

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
    foils = [read_foil(standard, int(scan)) for scan in np.flatnonzero(find_foils(standard))]
    names = standard["source_file"].values[find_foils(standard)]
    # The foil in the middle is the one the others are laid on: the first may be a bad one.
    places = np.array([find_metal_inflection(x, y) for x, y in foils])
    middle = int(np.argmin(np.abs(places - np.median(places)))) if places.size > 2 else 0
    grid, first = foils[middle]
    at = float(places[middle])
    check_foil_edge(grid, first, at, tabulated, options, where=str(names[middle]))
    moved = _lay_on(grid, first, foils, _shift_window(at, options.window), options.max_shift)
    mean = _average_without_outliers(moved)
    # A shift of any size leaves the ends of the grid to fewer foils, or to none.
    reached = np.isfinite(mean)
    grid, mean = grid[reached], mean[reached]
    inflection = find_metal_inflection(grid, mean)
    return StandardFoil(
        energy=grid,
        mu=mean,
        inflection=inflection,
        inflection_stderr=_estimate_inflection_stderr(grid, mean),
        tabulated=tabulated,
        window=_shift_window(inflection, options.window),
    )


def _estimate_inflection_stderr(energy: Array, mu: Array) -> float:
    """Return half the difference of the inflections of the even and of the odd points [eV]."""
    even, odd = (find_metal_inflection(energy[part::2], mu[part::2]) for part in (0, 1))
    return abs(even - odd) / 2


def _lay_on(
    grid: Array,
    target: Array,
    foils: list[tuple[Array, Array]],
    window: tuple[float, float],
    limit: float,
) -> Array:
    """Return the foils on a grid, each shifted onto the target; NaN where they do not reach or no
    shift is found, shape (foil, grid)."""
    from scipy.interpolate import CubicSpline

    rows = np.full((len(foils), grid.size), np.nan)
    for row, (x, y) in zip(rows, foils, strict=True):
        if x is grid:
            # A shift of a millionth of an eV would lose it its ends.
            row[:] = y
            continue
        shift = align_edges(grid, target, x, y, window=window, limit=limit).shift
        if not np.isfinite(shift):
            continue
        inside = (grid >= x[0] + shift) & (grid <= x[-1] + shift)
        row[inside] = CubicSpline(x + shift, y)(grid[inside])
    return rows


def _average_without_outliers(rows: Array) -> Array:
    """Return the mean over foils at each point, without foils that differ from their median by far
    more than the others; of fewer than three none can be told."""
    found = np.isfinite(rows).any(axis=1)
    rows = rows[found]
    with warnings.catch_warnings():
        # The ends of the axis may be left to no foil; they stay NaN.
        warnings.filterwarnings("ignore", "All-NaN slice|Mean of empty slice", RuntimeWarning)
        if len(rows) >= FEWEST_FOR_OUTLIERS:
            distance = np.sqrt(np.nanmean((rows - np.nanmedian(rows, axis=0)) ** 2, axis=1))
            rows = rows[distance <= max(OUTLYING * float(np.median(distance)), 1e-12)]
        return np.asarray(np.nanmean(rows, axis=0))


def read_foil(scans: xr.Dataset, scan: int) -> tuple[Array, Array]:
    """Return energy [eV] and absorption of a scan's foil where both are finite, shape (point,)."""
    x, y = scans["energy"].values[scan], scans["mu_foil"].values[scan]
    use = np.isfinite(x) & np.isfinite(y)
    return x[use], remove_spikes(y[use])


def check_foil_edge(
    energy: Array, mu: Array, at: float, tabulated: float, options: Calibration, *, where: str
) -> None:
    """Refuse a foil that has no edge, or not the one it is to be set to.

    Parameters
    ----------
    energy, mu : array, shape (point,)
        Energies [eV] and absorption of the foil.
    at, tabulated : float
        Its inflection on the raw axis, and where it should be [eV].
    options : Calibration
        Greatest shift.
    where : str
        File, for the message.

    Raises
    ------
    BadInput
        The foil has no edge step above its noise, or its edge lies further than
        ``calibrate.max_shift`` from the tabulated one.
    """
    before, after = (
        mu[(energy > at + low) & (energy < at + high)] for low, high in (BEFORE, AFTER)
    )
    if min(before.size, after.size) > SPIKE_POINTS:
        # The scatter of differences between neighbours knows nothing of slow curves.
        noise = sigma_from_deviations(np.diff(np.concatenate([before, after]))) / np.sqrt(2)
        step = float(np.mean(after) - np.mean(before))
        if step < LEAST_STEP * noise:
            raise BadInput(
                where,
                f"the foil shows no edge (a step of {step:.2g}, noise {noise:.2g})",
                "correct read.foil, or leave the foil out and state calibrate.repeatability",
            )
    if abs(at - tabulated) > options.max_shift:
        other = find_nearest_edge(at, options.max_shift)
        named = "" if other is None else f" ({' '.join(other)} is tabulated there)"
        raise BadInput(
            where,
            f"the foil's edge is at {at:.1f} eV{named}, {tabulated:g} eV expected",
            "correct calibrate.foil_element and foil_edge, or raise calibrate.max_shift",
        )


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
