"""A series of scans of one evolving sample: one grid, one normalisation, every spectrum kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ssbchar.errors import BadInput
from ssbchar.runtime.progress import report_progress
from ssbchar.statistics import MAD_TO_SIGMA
from ssbchar.typing import Array
from ssbchar.xas import notes
from ssbchar.xas.normalisation.near_edge import correct_self_absorption, measure_near_edge
from ssbchar.xas.normalisation.noise import estimate_point_noise, measure_jumps
from ssbchar.xas.normalisation.normalise import (
    MERGED,
    build_normalised_dataset,
    carry_calibration,
    choose_by_options,
    find_origin,
    normalise_by_options,
    resolve_core_width,
)
from ssbchar.xas.normalisation.options import Normalisation
from ssbchar.xas.normalisation.processing import is_given_normalised, normalise_under_choice
from ssbchar.xas.normalisation.self_absorption import describe_correction
from ssbchar.xas.scans.scan import ScanStatus

if TYPE_CHECKING:
    import xarray as xr

NOISE_SCANS = 30
"""From so many scans on, noise is found along the series (`estimate_noise_along_series`)."""
SAMPLED = 40
"""Number of scans whose interpolation gives the correlation of noise between points."""
SAME_ENERGY = 1e-6
"""Energies closer than this are one [eV]."""
FEWEST_ALIKE = 3
"""Scans that a series needs."""
FEWEST_TO_COMPARE = 5
"""Scans that are needed to say that one differs from the others."""
SECONDS_PER_HOUR = 3600.0
ONE_IN = 5
"""At most one scan in so many is excluded."""


@dataclass(frozen=True, kw_only=True)
class GriddedScans:
    """Scans of a series on the axis of the first."""

    energy: Array
    """Shape (energy,) [eV]."""
    mu: Array
    """Shape (scan, energy)."""
    noise: Array
    """Standard error of the raw points, shape (scan, energy)."""
    correlation: Array
    """Covariance of the points of a typical scan, in units of that noise, shape (energy,
    energy)."""


def normalise_series(calibrated: xr.Dataset, options: Normalisation) -> xr.Dataset:
    """Return normalised spectra of every scan of a series, and their mean.

    As `ssbchar.xas.normalisation.normalise_spectra`, but no scan is a repeat of another: noise
    comes from each scan and its neighbours in the series, and a scan that differs from the mean of
    its neighbours far beyond what others do is excluded.

    Parameters
    ----------
    calibrated : Dataset, dims scan, point
        From `ssbchar.xas.calibration.calibrate_energy`; energies in eV.
    options : Normalisation
        Ranges, outliers.

    Returns
    -------
    Dataset, dims spectrum, energy
        As of `ssbchar.xas.normalisation.normalise_spectra`; ``number`` (spectrum), from 1, 0 for
        the mean, which is last and named ``merged``; ``noise_correlation`` (energy, energy2):
        covariance of the points of a typical scan in units of the noise of its raw points, not
        quite 1 on the diagonal where scans are interpolated. Excluded scans are left out.

    Raises
    ------
    BadInput
        Fewer than three scans are alike.
    """
    names = [str(s) for s in calibrated["source_file"].values]
    good = np.flatnonzero(calibrated["status"].values == ScanStatus.OK)
    options = resolve_core_width(options, calibrated.attrs)
    scans = _regrid_scans(calibrated, good)
    energy, mu, noise = scans.energy, scans.mu, scans.noise
    already = is_given_normalised(calibrated.attrs)
    e0 = find_origin(energy, mu, options, names[good[0]], already)
    norm, step = _normalise_scans(energy, mu, e0, options, already)
    keep = select_like_neighbours(norm, options.outlier)
    if keep.sum() < FEWEST_ALIKE:
        problem = f"only {int(keep.sum())} scans of the series are alike"
        raise BadInput(names[good[0]], problem, "check the scans")
    kept, mu, noise = good[keep], mu[keep], noise[keep]
    stated = np.isfinite(calibrated["mu_stderr"].values[kept]).any()
    if len(mu) >= NOISE_SCANS and not stated:
        norm, step = _normalise_scans(energy, mu, e0, options, already)
        relative = estimate_noise_along_series(energy, norm, noise / step, scans.correlation)
        noise = step * relative
    corrected = correct_self_absorption(
        energy,
        mu,
        e0,
        spectra=normalise_by_options(energy, mu, e0, options, as_given=already).spectra,
        options=options,
        attrs=calibrated.attrs,
        where=names[kept[0]],
    )
    more_notes, attributes = [], {}
    if corrected is not None:
        mu, noise = corrected.mu, noise * corrected.noise_factor
        e0 = find_origin(energy, mu, options, names[kept[0]], already)
        text = describe_correction(corrected.correction)
        more_notes.append(notes.make_doubt(str(calibrated.attrs.get("measurement", "")), text))
        attributes = dict(corrected.attributes)
    mean_noise = np.sqrt((noise**2).sum(axis=0)) / len(mu)
    label = [*(names[i] for i in kept), MERGED]
    measurement = normalise_by_options(
        energy,
        np.vstack([mu, mu.mean(axis=0)]),
        e0,
        options,
        as_given=already,
        mu_stderr=np.vstack([noise, mean_noise]),
    )
    ds = build_normalised_dataset(
        measurement,
        options,
        {
            **carry_calibration(calibrated, kept),
            "name": label,
            "status": [str(ScanStatus.OK)] * len(label),
            "number": np.append(kept + 1, 0),
            "noise_correlation": scans.correlation,
            **measure_near_edge(measurement, options, calibrated.attrs),
            **_carry_times(calibrated, kept),
        },
    )
    excluded = json.loads(calibrated.attrs.get("set_aside", "[]"))
    excluded += _describe_outliers([names[i] for i in good[~keep]])
    ds.attrs = {**calibrated.attrs, **ds.attrs, **attributes, "repeats": 1}
    ds.attrs["set_aside"] = json.dumps(excluded)
    ds.attrs["notes"] = json.dumps([*notes.read_notes(calibrated.attrs), *more_notes])
    return ds


def _carry_times(calibrated: xr.Dataset, kept: NDArray[np.int_]) -> dict[str, Array]:
    """Return the hours since the first scan, where all are known and rise, and the channel that
    was read beside the scans, where there is one; the mean of all has neither."""
    found: dict[str, Array] = {}
    start, channel = (
        calibrated[name].values[kept] if name in calibrated else np.full(kept.size, np.nan)
        for name in ("start", "channel")
    )
    # Clocks that stand still or go back are none of a series.
    if np.isfinite(start).all() and (np.diff(start) > 0).all():
        found["time"] = np.append((start - start[0]) / SECONDS_PER_HOUR, np.nan)
    if np.isfinite(channel).any():
        found["channel"] = np.append(channel, np.nan)
    return found


def _normalise_scans(
    energy: Array, mu: Array, e0: float, options: Normalisation, already: bool
) -> tuple[Array, Array]:
    """Return normalised scans (scan, energy) and their edge steps (scan, 1)."""
    choice = choose_by_options(energy, e0, options, already)
    done = normalise_under_choice(energy, mu, choice).spectra
    return done.norm, done.edge_step[:, None]


def _describe_outliers(names: Sequence[str]) -> list[dict[str, str]]:
    return [
        {
            "where": name,
            "problem": "the scan differs from its neighbours far beyond what others do",
            "remedy": "left out of the series; look at it",
        }
        for name in names
    ]


def _regrid_scans(calibrated: xr.Dataset, good: NDArray[np.int_]) -> GriddedScans:
    """Return the good scans on the first one's energies, within the range of all scans.

    Noise is found on each scan's own axis, before a cubic spline (the matrix W) interpolates it to
    the common one; the correlation is the mean of W W' over scans spread over the series.
    """
    from scipy.interpolate import CubicSpline

    axes = calibrated["energy"].values[good]
    low, high = np.nanmin(axes, axis=1).max(), np.nanmax(axes, axis=1).min()
    first = axes[0]
    grid = first[np.isfinite(first) & (first >= low - 1e-9) & (first <= high + 1e-9)]
    mu, noise = np.empty((good.size, grid.size)), np.empty((good.size, grid.size))
    correlation = np.zeros((grid.size, grid.size))
    # In a short series a scan is sampled several times, and counts as often.
    sampled = np.linspace(0, good.size - 1, SAMPLED).astype(int)
    for row, i in enumerate(report_progress(list(good), "reading", "scans")):
        x, y, s = (calibrated[name].values[i] for name in ("energy", "mu", "mu_stderr"))
        use = np.isfinite(x) & np.isfinite(y)
        x, y, s = x[use], y[use], s[use]
        # Without counts a scan shows its noise by its own scatter, on its own axis.
        if not np.isfinite(s).all():
            steepest = x[1:][np.argmax(np.diff(y))]
            s = estimate_point_noise(x, y[None], float(steepest), np.ones(x.size))[0]
        same = x.size == grid.size and np.abs(x - grid).max() < SAME_ENERGY
        mu[row] = y if same else CubicSpline(x, y)(grid)
        noise[row] = np.interp(grid, x, s)
        if row in sampled:
            spline = np.eye(grid.size) if same else CubicSpline(x, np.eye(x.size))(grid)
            share = np.count_nonzero(sampled == row) / SAMPLED
            correlation += share * (spline @ spline.T)
    return GriddedScans(energy=grid, mu=mu, noise=noise, correlation=correlation)


def estimate_noise_along_series(
    energy: Array, norm: Array, noise: Array, correlation: Array
) -> Array:
    """Return the noise of each point of each spectrum from its neighbours in the series.

    The second difference of three consecutive spectra holds no structure of the edge, so the noise
    is seen where a single spectrum does not show it (white line, edge). Its profile over energy is
    the median over the series; its level in each scan is that of `noise`.

    Parameters
    ----------
    energy : array, shape (energy,)
        [eV]
    norm, noise : array, shape (spectrum, energy)
        `noise` from each spectrum alone.
    correlation : array, shape (energy, energy)
        From interpolation.

    Returns
    -------
    array, shape (spectrum, energy)
    """
    from scipy.ndimage import median_filter

    level = np.median(noise / np.median(noise, axis=0), axis=1)
    bend = norm[:-2] - 2 * norm[1:-1] + norm[2:]
    size = np.sqrt(level[:-2] ** 2 + 4 * level[1:-1] ** 2 + level[2:] ** 2)
    # Interpolated points jump less than independent ones of the same noise.
    root = np.linalg.cholesky(correlation + 1e-9 * np.eye(energy.size))
    unit = np.sqrt((measure_jumps(energy, np.asarray(root.T, float)) ** 2).sum(axis=0))
    jumps = np.abs(measure_jumps(energy, bend)) / size[:, None]
    profile = MAD_TO_SIGMA * np.median(jumps, axis=0) / unit
    inside = np.isfinite(profile)
    filled = np.interp(energy, energy[inside], profile[inside])
    profile = median_filter(filled, size=5, mode="nearest")
    return np.asarray(level[:, None] * profile)


def select_like_neighbours(norm: Array, limit: float) -> NDArray[np.bool_]:
    """Return which spectra are as close to the mean of their two neighbours as the others are.

    The distance of a spectrum is the root mean square over its points; beyond `limit` times the
    median distance it is an outlier. The first and the last are compared with the line through the
    next two. The worst is removed first, since its neighbours are measured against it.

    Parameters
    ----------
    norm : array, shape (spectrum, energy)
        Normalised absorption [1].
    limit : float
        0 keeps all; so do fewer than five spectra.

    Returns
    -------
    array of bool, shape (spectrum,)
    """
    n = len(norm)
    keep = np.ones(n, bool)
    if n < FEWEST_TO_COMPARE or limit <= 0:
        return keep
    for _ in range(n // ONE_IN):
        places = np.flatnonzero(keep)
        distance = _measure_distances(norm[places])
        worst = int(np.argmax(distance))
        if distance[worst] <= limit * max(float(np.median(distance)), 1e-12):
            break
        keep[places[worst]] = False
    return keep


def _measure_distances(rows: Array) -> Array:
    """Return the distance of each spectrum from its neighbours, shape (spectrum,)."""
    distance = np.empty(len(rows))
    neighbours = 0.5 * (rows[:-2] + rows[2:])
    distance[1:-1] = np.sqrt(np.mean((rows[1:-1] - neighbours) ** 2, axis=1))
    ends = rows[[0, -1]] - 2 * rows[[1, -2]] + rows[[2, -3]]
    distance[[0, -1]] = 0.5 * np.sqrt(np.mean(ends**2, axis=1))
    return np.asarray(distance)
