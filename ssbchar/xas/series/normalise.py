"""A series of scans of one evolving sample: one grid, one normalisation, every spectrum kept."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ssbchar.errors import BadInput
from ssbchar.runtime.progress import report_progress
from ssbchar.statistics import MAD_TO_SIGMA
from ssbchar.typing import Array
from ssbchar.xas import notes
from ssbchar.xas.normalisation import edge
from ssbchar.xas.normalisation.noise import estimate_point_noise, measure_jumps
from ssbchar.xas.normalisation.normalise import (
    build_normalised_dataset,
    find_origin,
    resolve_core_width,
)
from ssbchar.xas.normalisation.options import Normalisation

if TYPE_CHECKING:
    import xarray as xr


def normalise_series(calibrated: xr.Dataset, options: Normalisation) -> xr.Dataset:
    """Return normalised spectra of every scan of a series, and their mean.

    As `ssbchar.xas.normalisation.normalise_spectra`, but no scan is a repeat of another: noise
    comes from each scan and its neighbours in the series, and a scan that differs from the mean of
    its neighbours far beyond what others do is set aside.

    Parameters
    ----------
    calibrated : Dataset
        From `ssbchar.xas.normalisation.calibrate_energy`.
    options : Normalisation
        Ranges, outliers.

    Returns
    -------
    Dataset, dims spectrum, energy
        As of `ssbchar.xas.normalisation.normalise_spectra`; ``number`` (spectrum), from 1, 0 for
        the mean, which is last and named ``merged``; ``noise_correlation`` (energy, energy2):
        covariance of the points of a typical scan in units of the noise of its raw points, not
        quite 1 on the diagonal where scans are interpolated. Scans set aside are left out.
    """
    aside: list[dict[str, str]] = json.loads(calibrated.attrs.get("set_aside", "[]"))
    names = [str(s) for s in calibrated["source_file"].values]
    good, options = (
        np.flatnonzero(calibrated["status"].values == "ok"),
        resolve_core_width(options, calibrated.attrs),
    )
    energy, mu, noise, correlation = _regrid_scans(calibrated, good)
    done = calibrated.attrs.get("mode") == "normalised"
    e0 = find_origin(energy, mu, options, names[good[0]], done)
    limits = edge.choose_fit_ranges(
        energy, e0, options.pre1, options.pre2, options.norm1, options.norm2, options.nnorm
    )
    tail = edge.calculate_tail(energy, e0, options.core_width or 0.0)
    norm = (
        mu if done else edge.normalise_edges(energy, mu, limits, options.victoreen, None, tail).norm
    )
    keep = select_like_neighbours(norm, options.outlier)
    for i in np.flatnonzero(~keep):
        problem = "the scan differs from its neighbours far beyond what others do"
        aside.append(
            {
                "where": names[good[i]],
                "problem": problem,
                "remedy": "left out of the series; look at it",
            }
        )
    if keep.sum() < 3:
        raise BadInput(
            names[good[0]],
            f"only {int(keep.sum())} scans of the series are alike",
            "check the scans",
        )
    kept, mu, noise = good[keep], mu[keep], noise[keep]
    if len(mu) >= NOISE_SCANS and not np.isfinite(calibrated["mu_stderr"].values[kept]).any():
        made = edge.normalise_edges(energy, mu, limits, options.victoreen, None, tail)
        step = np.ones((len(mu), 1)) if done else made.edge_step[:, None]
        noise = step * estimate_noise_along_series(
            energy, mu if done else made.norm, noise / step, correlation
        )
    both = np.vstack([mu, mu.mean(axis=0)])
    stderr = np.vstack([noise, np.sqrt((noise**2).sum(axis=0)) / len(mu)])
    label = [*(names[i] for i in kept), "merged"]
    ds = build_normalised_dataset(
        energy, both, stderr, e0, options, label, ["ok"] * len(label), done
    )
    ds["number"] = ("spectrum", np.append(kept + 1, 0))
    ds["noise_correlation"] = (("energy", "energy2"), correlation, {"units": "1"})
    for name in ("shift", "shift_stderr"):
        ds[name] = ("spectrum", np.append(calibrated[name].values[kept], np.nan), {"units": "eV"})
    ds["ledger"] = ("spectrum", [*(str(s) for s in calibrated["ledger"].values[kept]), ""])
    ds.attrs = {**calibrated.attrs, **ds.attrs, "repeats": 1}
    ds.attrs.update(
        set_aside=json.dumps(aside), notes=json.dumps(notes.read_notes(calibrated.attrs))
    )
    return ds


NOISE_SCANS = 30
"""From so many scans on, noise is found along the series (`noise_along`)."""
SAMPLED = 40
"""Number of scans whose interpolation tells the correlation of noise between points."""


def _regrid_scans(
    calibrated: xr.Dataset, good: NDArray[np.int_]
) -> tuple[Array, Array, Array, Array]:
    """Return the first scan's energies within all scans' range; there mu and noise of each scan,
    and its correlation.

    Noise is found on each scan's own axis, before a cubic spline (the matrix W) lays it on the
    common one; the correlation is the mean of W W' over scans spread over the series.
    """
    from scipy.interpolate import CubicSpline

    axes = calibrated["energy"].values[good]
    low, high = np.nanmin(axes, axis=1).max(), np.nanmax(axes, axis=1).min()
    grid = axes[0][np.isfinite(axes[0]) & (axes[0] >= low - 1e-9) & (axes[0] <= high + 1e-9)]
    mu, noise = np.empty((good.size, grid.size)), np.empty((good.size, grid.size))
    correlation, sampled = (
        np.zeros((grid.size, grid.size)),
        np.linspace(0, good.size - 1, SAMPLED).astype(int),
    )
    for row, i in enumerate(report_progress(list(good), "reading", "scans")):
        x, y, s = (calibrated[v].values[i] for v in ("energy", "mu", "mu_stderr"))
        use = np.isfinite(x) & np.isfinite(y)
        x, y, s = x[use], y[use], s[use]
        if not np.isfinite(s).all():
            steepest = x[1:][np.argmax(np.diff(y))]
            s = estimate_point_noise(x, y[None], float(steepest), np.ones(x.size))[0]
        same = x.size == grid.size and np.abs(x - grid).max() < 1e-6
        mu[row] = y if same else CubicSpline(x, y)(grid)
        noise[row] = np.interp(grid, x, s)
        if row in sampled:
            moved = np.eye(grid.size) if same else CubicSpline(x, np.eye(x.size))(grid)
            correlation += np.count_nonzero(sampled == row) / SAMPLED * (moved @ moved.T)
    return grid, mu, noise, correlation


def estimate_noise_along_series(
    energy: Array, norm: Array, noise: Array, correlation: Array
) -> Array:
    """Return the noise of each point of each spectrum from how it jumps off its neighbours in the
    series.

    The second difference of three consecutive spectra holds no structure of the edge, so the noise
    is seen where a single spectrum does not show it (white line, edge). Its course over energy is
    the median over the series; its level in each scan is that of `noise`.

    Parameters
    ----------
    energy, norm, noise : array, shapes (energy,), (spectrum, energy), (spectrum, energy)
        `noise` from each spectrum alone.
    correlation : array, shape (energy, energy)
        From interpolation.
    """
    from scipy.ndimage import median_filter

    level = np.median(noise / np.median(noise, axis=0), axis=1)
    bend = norm[:-2] - 2 * norm[1:-1] + norm[2:]
    size = np.sqrt(level[:-2] ** 2 + 4 * level[1:-1] ** 2 + level[2:] ** 2)
    root = np.linalg.cholesky(correlation + 1e-9 * np.eye(energy.size))
    unit = np.sqrt((measure_jumps(energy, np.asarray(root.T, float)) ** 2).sum(axis=0))
    profile = (
        MAD_TO_SIGMA * np.median(np.abs(measure_jumps(energy, bend)) / size[:, None], axis=0) / unit
    )
    inside = np.isfinite(profile)
    profile = median_filter(
        np.interp(energy, energy[inside], profile[inside]), size=5, mode="nearest"
    )
    return np.asarray(level[:, None] * profile)


def select_like_neighbours(norm: Array, limit: float) -> NDArray[np.bool_]:
    """Return which spectra lie as near to the mean of their two neighbours as the others do (five
    are needed to tell).

    The first and the last are held against the line through the next two.

    The distance of a spectrum is the root mean square over its points; beyond `limit` times the
    median distance it does not belong. Where one scan is bad its neighbours are measured against
    those that are not.
    """
    n = len(norm)
    keep = np.ones(n, bool)
    if n < 5 or limit <= 0:
        return keep
    for _ in range(n // 5):
        places = np.flatnonzero(keep)
        rows = norm[places]
        padded = np.vstack([2 * rows[:1] - rows[1:2], rows, 2 * rows[-1:] - rows[-2:-1]])
        off = np.sqrt(np.mean((rows - 0.5 * (padded[:-2] + padded[2:])) ** 2, axis=1))
        ends = rows[[0, -1]] - 2 * rows[[1, -2]] + rows[[2, -3]]
        off[[0, -1]] = 0.5 * np.sqrt(np.mean(ends**2, axis=1))
        worst = int(np.argmax(off))
        if off[worst] <= limit * max(float(np.median(off)), 1e-12):
            break
        keep[places[worst]] = False
    return keep
