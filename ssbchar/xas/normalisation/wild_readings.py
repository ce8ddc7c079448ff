"""Single wild readings of one repeat, told by the others: three scans of one sample vote."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.statistics import MAD_TO_SIGMA
from ssbchar.typing import Array, Bool, Index
from ssbchar.xas import notes
from ssbchar.xas.normalisation.noise import measure_jumps
from ssbchar.xas.normalisation.options import Normalisation
from ssbchar.xas.slopes import SPACING, measure_slopes, remove_spikes

if TYPE_CHECKING:
    import xarray as xr

FEWEST = 3
"""Scans that are needed to say which of them is wrong."""
SIGMAS = 6.0
"""A reading is wild beyond so many robust deviations of the difference to every other scan [1]."""
LOCAL = 31
"""Points over which the local scatter is found."""
AXIS_JITTER = 0.05
"""Energies of single points may be off by this much [eV]; ours."""
END_POINTS = 6
"""Points next to an end that its two last ones are held against."""
SLOPE_WIDTH = 1.0
"""Of the derivative that tells how steep the edge is [eV]."""
LISTED = 8
"""So many places are listed in a remark."""


@dataclass(frozen=True, kw_only=True)
class _Difference:
    """A scan against another, on its own points."""

    size: Array
    """How far each reading sticks out, in units of its scatter, signed; 0 where the other does not
    reach."""
    fitted: Array
    """The other in the scan's own thickness and on its line."""
    deviation: Array
    """The scan less the other."""


def replace_wild_readings(
    calibrated: xr.Dataset, good: Index, options: Normalisation
) -> tuple[xr.Dataset, list[notes.Note]]:
    """Return scans whose single wild readings follow the other scans, with a remark on each scan.

    A reading is wild where its difference to each other scan sticks out of its neighbours'. Other
    thickness, gain, baseline and a shift of the axis are smooth differences and are left alone.

    Parameters
    ----------
    calibrated : Dataset, dims scan, point
        From `ssbchar.xas.calibration.calibrate_energy`.
    good : array of int, shape (spectrum,)
        The scans to take; of fewer than three none can be told wrong.
    options : Normalisation
        Smallest glitch; a ``glitch`` of 0 replaces none.

    Returns
    -------
    Dataset
        With `mu` and `total` mended.
    remarks : list of Note
    """
    if good.size < FEWEST or options.glitch <= 0:
        return calibrated, []
    energies, mus = calibrated["energy"].values, calibrated["mu"].values.copy()
    totals = calibrated["total"].values.copy() if "total" in calibrated else None
    scans = []
    for scan in good:
        use = np.isfinite(energies[scan]) & np.isfinite(mus[scan])
        scans.append((np.flatnonzero(use), energies[scan][use], mus[scan][use]))
    remarks = []
    for place, scan in enumerate(good):
        points, x, y = scans[place]
        others = [one[1:] for i, one in enumerate(scans) if i != place]
        floor = _calculate_floor(x, y, options.min_glitch)
        differences = [_compare(x, y, other, floor) for other in others]
        wild = _find_wild([one.size for one in differences])
        if not wild.any():
            continue
        mended = np.median([_mend(x, one, wild) for one in differences], axis=0)
        mus[scan, points[wild]] = mended[wild]
        if totals is not None:
            totals[scan, points[wild]] += (mended - y)[wild]
        where = str(calibrated["source_file"].values[scan])
        places = ", ".join(f"{one:.1f}" for one in x[wild][:LISTED])
        more = f" and {int(wild.sum()) - LISTED} more" if wild.sum() > LISTED else ""
        text = f"a wild reading at {places} eV{more}, which no other repeat has, was replaced"
        remarks.append(notes.make_remark(where, text))
    changed = {"mu": (calibrated["mu"].dims, mus, calibrated["mu"].attrs)}
    if totals is not None:
        changed["total"] = (calibrated["total"].dims, totals, calibrated["total"].attrs)
    return calibrated.assign(changed), remarks


def _calculate_floor(x: Array, y: Array, smallest: float) -> Array:
    """Return what differences on each point may stick out by: a share of the rise, and what jitter
    of the axis makes of the slope."""
    smooth = remove_spikes(y)
    found = measure_slopes(x, smooth, SLOPE_WIDTH)
    slope = np.abs(found.slope[np.round((x - x[0]) / SPACING).astype(int)])
    return np.asarray(smallest * float(np.ptp(smooth)) + AXIS_JITTER * slope)


def _compare(x: Array, y: Array, other: tuple[Array, Array], floor: Array) -> _Difference:
    from scipy.interpolate import CubicSpline

    x2, y2 = other
    inside = (x >= x2[0]) & (x <= x2[-1])
    reached = np.where(inside, CubicSpline(x2, y2)(np.clip(x, x2[0], x2[-1])), np.nan)
    clean = np.interp(x, x2, remove_spikes(y2))
    design = np.column_stack([clean, np.ones(x.size), (x - x[0]) / np.ptp(x)])
    fit, *_ = np.linalg.lstsq(design[inside], remove_spikes(y)[inside], rcond=None)
    fitted = design @ fit + fit[0] * np.where(inside, reached - clean, 0.0)
    deviation = y - fitted
    jumps = _measure_jumps_to_ends(x, deviation)
    local = _find_local_scatter(np.abs(jumps))
    jumps = np.where(inside & (np.abs(jumps) > floor), jumps, 0.0)
    return _Difference(size=jumps / local, fitted=fitted, deviation=deviation)


def _measure_jumps_to_ends(x: Array, deviation: Array) -> Array:
    """Return how far each value lies from its neighbours' cubic, at the ends from their median."""
    jumps = measure_jumps(x, deviation[None])[0]
    for ends in (slice(None, END_POINTS + 2), slice(-END_POINTS - 2, None)):
        values = deviation[ends]
        places = np.arange(deviation.size)[ends]
        for i in (0, 1) if ends.start is None else (-2, -1):
            jumps[places[i]] = values[i] - np.median(np.delete(values, i))
    return np.asarray(jumps)


def _find_local_scatter(size: Array) -> Array:
    """Return the robust scatter of jumps about each point, at least that of the whole scan."""
    from scipy.ndimage import median_filter

    local = median_filter(size, LOCAL, mode="reflect")
    return np.asarray(np.maximum(MAD_TO_SIGMA * np.maximum(local, np.median(size)), 1e-12))


def _find_wild(sizes: list[Array]) -> Bool:
    """Return the points that stick out of the difference to each other scan on the same side, the
    highest of their neighbours."""
    table = np.array(sizes)
    least = np.where(
        (table > 0).all(axis=0) | (table < 0).all(axis=0), np.abs(table).min(axis=0), 0.0
    )
    padded = np.pad(least, 2)
    highest = np.max([padded[j : j + least.size] for j in range(5)], axis=0)
    # A spike makes its neighbours' cubic miss them, too: they stick out less than it does.
    return np.asarray((least > SIGMAS) & (least >= 0.75 * highest))


def _mend(x: Array, difference: _Difference, wild: Bool) -> Array:
    """Return the scan with its wild readings on the other one, moved as far as those beside."""
    kept = ~wild
    smooth = np.interp(x, x[kept], difference.deviation[kept])
    return np.asarray(difference.fitted + smooth)
