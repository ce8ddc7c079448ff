"""Tracked peaks: each strong line of each phase fitted in every frame, or its upper limit where it is absent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ssbchar import progress
from ssbchar.errors import BadInput
from ssbchar.hexrd import peaks_path
from ssbchar.hexrd.options import Tracking
from ssbchar.hexrd.peaks_fit import Fitted, Windows, fit_best
from ssbchar.hexrd.profiles import Array
from ssbchar.hexrd.wavelength import d_from_two_theta, two_theta_from_d, two_theta_per_d

if TYPE_CHECKING:
    import xarray as xr

CHUNK = 256
"""Frames fitted at once: keeps the working arrays of a window in cache."""
MOST = 4
"""Peaks in one joint window at most."""


@dataclass(frozen=True)
class Lines:
    """The lines to track, by increasing 2theta: phase, indices, d at the reference temperature [angstrom]."""

    phase: list[str]
    hkl: list[str]
    d: Array
    predicted: Array
    """2theta in each frame [degree], shape (frames, lines)."""


def track(patterns: xr.Dataset, furnace: xr.Dataset, phases: list[xr.Dataset], options: Tracking) -> xr.Dataset:
    """Return position, width and area of the strong lines of every phase in every frame (``peaks.nc``).

    Each phase's lines are looked for where one smooth path of lattice strain puts them; lines that overlap are
    fitted together. The presence test is the likelihood ratio of leaving the peak out.

    Raises
    ------
    BadInput
        No candidate phases, or none with a line inside the patterns.
    """
    if not phases:
        raise BadInput("phases", "no candidate phases to track", "name them in the sample sheet's column 'phases'")
    x = patterns["two_theta"].values
    good = patterns["status"].values == "ok"
    intensity, stderr = patterns["intensity"].values, patterns["intensity_stderr"].values
    some = np.flatnonzero(good)[:: max(int(good.sum()) // 12, 1)]
    width = peaks_path.typical_width(x, intensity[some])
    lines = _lines(patterns, furnace, phases, width, options)
    frames, count = lines.predicted.shape
    out = _empty(frames, count)
    for group in progress.steps(_groups(lines.predicted, width, options), "track peaks", unit="windows"):
        for begin in range(0, frames, CHUNK):
            rows = np.arange(begin, min(begin + CHUNK, frames))
            rows = rows[good[rows]]
            if rows.size:
                _fit_group(x, intensity, stderr, lines.predicted, group, rows, width, options, out)
    return _dataset(patterns, lines, out, width, options)


def _lines(
    patterns: xr.Dataset, furnace: xr.Dataset, phases: list[xr.Dataset], width: float, options: Tracking
) -> Lines:
    """Return the strongest lines of each phase with their predicted places."""
    x, wavelength = patterns["two_theta"].values, float(patterns["wavelength"])
    margin = options.window * width
    low, high = max(x[0] + margin, options.two_theta_min), min(x[-1] - margin, options.two_theta_max)
    score = peaks_path.contrast(x, patterns["intensity"].values, patterns["intensity_stderr"].values, width)
    temperature = furnace["temperature"].values
    names: list[str] = []
    hkls: list[str] = []
    ds: list[float] = []
    predicted: list[Array] = []
    for phase in phases:
        d, strength, hkl = _strongest(phase, wavelength, low, high, width, options.peaks_per_phase)
        if not d.size:
            continue
        warm = np.nan_to_num(temperature - float(phase.attrs.get("temperature", 25.0)))
        path = peaks_path.strain(
            x, score, d, strength, wavelength, peaks_path.EXPANSION * warm, options.search, width
        )  # fmt: skip
        names += [str(phase.attrs.get("phase", phase.attrs.get("name", "")))] * d.size
        hkls += hkl
        ds += d.tolist()
        predicted += list(two_theta_from_d(d[:, None] * (1 + path), wavelength))
    if not ds:
        raise BadInput("phases", "no phase has a line inside the patterns", "check cells and wavelength")
    order = np.argsort(-np.array(ds), kind="stable")
    return Lines([names[n] for n in order], [hkls[n] for n in order], np.array(ds)[order], np.array(predicted)[order].T)


def _strongest(
    phase: xr.Dataset, wavelength: float, low: float, high: float, width: float, count: int
) -> tuple[Array, Array, list[str]]:
    """Return d, relative strength and indices of the strongest lines; lines closer than half a width count as one."""
    d, multiplicity = phase["d"].values, phase["multiplicity"].values
    factor = phase["structure_factor_squared"].values
    at = two_theta_from_d(d, wavelength)
    theta = np.radians(at) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        lorentz = 1 / (np.sin(theta) ** 2 * np.cos(theta))
    known = np.isfinite(factor).all()
    power = multiplicity * lorentz * (factor if known else 1.0)
    order = np.flatnonzero((at > low) & (at < high))
    order = order[np.argsort(at[order], kind="stable")]
    merged: list[list[int]] = []
    for n in order:
        if merged and at[n] - at[merged[-1][0]] < 0.5 * width:
            merged[-1].append(int(n))
        else:
            merged.append([int(n)])
    total = np.array([power[m].sum() for m in merged])
    chosen = np.sort(np.argsort(-total, kind="stable")[:count])
    lead = [merged[c][int(np.argmax(power[merged[c]]))] for c in chosen]
    mean = np.array([np.average(d[merged[c]], weights=power[merged[c]]) for c in chosen])
    strength = np.sqrt(total[chosen] / total.max()) if chosen.size else np.empty(0)
    h, k, ell = (phase[i].values for i in "hkl")
    return mean, strength, [f"{int(h[n])} {int(k[n])} {int(ell[n])}" for n in lead]


def _groups(predicted: Array, width: float, options: Tracking) -> list[Any]:
    """Return the lines that share a window: those that come closer than a window's half width in any frame."""
    nearest = np.min(np.abs(np.diff(predicted, axis=1)), axis=0)
    groups: list[list[int]] = [[0]]
    for n, gap in enumerate(nearest, 1):
        if gap < 0.75 * options.window * width and len(groups[-1]) < MOST:
            groups[-1].append(n)
        else:
            groups.append([n])
    return [np.array(g) for g in groups]


PARAMETERS = ("position", "fwhm", "area", "eta")


def _empty(frames: int, count: int) -> dict[str, Any]:
    names = ("position", "fwhm", "area", "eta", "significance", "area_upper95", "chi2", "overlap")
    out: dict[str, Any] = {name: np.full((frames, count), np.nan) for name in names}
    out["covariance"] = np.full((frames, count, 4, 4), np.nan)
    out["verdict"] = np.full((frames, count), "no_data", dtype="U16")
    return out


def _fit_group(
    x: Array, intensity: Array, stderr: Array, predicted: Array, group: Any, rows: Any, width: float,
    options: Tracking, out: dict[str, Any],
) -> None:  # fmt: skip
    """Fit one joint window in some frames and write what was found into `out`."""
    k = group.size
    centre = predicted[np.ix_(rows, group)]
    data = _window(x, intensity[rows], stderr[rows], centre, predicted[rows], group, width, options)
    reach = max(1.5 * width, 0.2 * options.search * float(np.median(_per_strain(centre))))
    lower = np.concatenate([centre - reach, np.full((rows.size, k), np.log(width / 5)), np.zeros((rows.size, 1))], 1)
    upper = np.concatenate([centre + reach, np.full((rows.size, k), np.log(width * 5)), np.ones((rows.size, 1))], 1)
    shape = np.concatenate([centre, np.full((rows.size, k), np.log(width)), np.full((rows.size, 1), 0.5)], 1)
    moved = np.where(np.arange(2 * k + 1) < k, 0.5 * reach, 0.0)
    best = fit_best(data, [shape, shape - moved, shape + moved], lower, upper, options.iterations)
    _write(data, best, centre, lower, upper, group, rows, width, options, out)


def _per_strain(two_theta: Array) -> Array:
    """Return |d(2theta)/d(ln d)| [degree]."""
    return np.asarray(2 * np.degrees(np.tan(np.radians(two_theta) / 2)))


def _window(
    x: Array, intensity: Array, stderr: Array, centre: Array, predicted: Array, group: Any, width: float,
    options: Tracking,
) -> Windows:  # fmt: skip
    """Return the points of a window in each frame, cut at the middle to the next line outside it."""
    half = options.window * width
    low, high = centre.min(axis=1) - half, centre.max(axis=1) + half
    if group[0] > 0:
        low = np.maximum(low, (centre.min(axis=1) + predicted[:, group[0] - 1]) / 2)
    if group[-1] < predicted.shape[1] - 1:
        high = np.minimum(high, (centre.max(axis=1) + predicted[:, group[-1] + 1]) / 2)
    first = np.searchsorted(x, low)
    points = int(np.max(np.searchsorted(x, high) - first))
    place = np.clip(first[:, None] + np.arange(points), 0, x.size - 1)
    at = x[place]
    y, sigma = np.take_along_axis(intensity, place, 1), np.take_along_axis(stderr, place, 1)
    used = (at <= high[:, None]) & np.isfinite(y) & (sigma > 0) & (first[:, None] + np.arange(points) < x.size)
    weight = np.where(used, 1 / np.where(used, sigma, 1.0) ** 2, 0.0)
    return Windows(at, np.where(used, y, 0.0), weight)


def _inflation(residual: Array) -> Array:
    """Return `ssbchar.uncertain.serial_inflation` of each row."""
    power = np.einsum("nm,nm->n", residual, residual)
    rho = np.einsum("nm,nm->n", residual[:, 1:], residual[:, :-1]) / np.maximum(power, 1e-300)
    rho = np.clip(rho, 0.0, 0.98)
    return np.asarray(np.sqrt((1 + rho) / (1 - rho)))


def _write(
    data: Windows, found: Fitted, centre: Array, lower: Array, upper: Array, group: Any, rows: Any, width: float,
    options: Tracking, out: dict[str, Any],
) -> None:  # fmt: skip
    """Turn fitted windows into values, covariances, tests and verdicts of single peaks."""
    k = group.size
    used = np.sum(data.weight > 0, axis=1)
    reduced = found.chi2 / np.maximum(used - (3 * k + 3), 1)
    scale = reduced * _inflation(found.residual) ** 2
    covariance = _covariance(found.normal) * scale[:, None, None]
    fwhm = np.exp(found.shape[:, k : 2 * k])
    linear = _covariance(found.normal[:, : k + 2, : k + 2])
    for j, line in enumerate(group):
        index = [k + 2 + j, 2 * k + 2 + j, j, 3 * k + 2]
        jac = np.ones((rows.size, 4))
        jac[:, 1] = fwhm[:, j]
        c = covariance[:, index][:, :, index] * jac[:, :, None] * jac[:, None, :]
        area = found.linear[:, j]
        fixed = np.sqrt(np.maximum(linear[:, j, j], 0) * scale)
        out["position"][rows, line], out["fwhm"][rows, line] = found.shape[:, j], fwhm[:, j]
        out["area"][rows, line], out["eta"][rows, line] = area, found.shape[:, 2 * k]
        out["covariance"][rows, line], out["chi2"][rows, line] = c, reduced
        with np.errstate(divide="ignore", invalid="ignore"):
            significance = np.where(fixed > 0, area / fixed, 0.0)
        out["significance"][rows, line] = significance
        out["area_upper95"][rows, line] = np.maximum(area, 0) + 1.645 * fixed
        edge = (found.shape[:, j] <= lower[:, j]) | (found.shape[:, j] >= upper[:, j])
        edge |= (found.shape[:, k + j] <= lower[:, k + j]) | (found.shape[:, k + j] >= upper[:, k + j])
        gap = np.abs(found.shape[:, :k] - found.shape[:, j : j + 1]) + np.where(np.arange(k) == j, np.inf, 0)
        verdict = np.where(found.converged, "ok", "not_converged")
        verdict = np.where(np.min(gap, axis=1) < 0.5 * fwhm[:, j], "overlap", verdict)
        verdict = np.where(edge, "at_edge", verdict)
        out["verdict"][rows, line] = np.where(significance < options.significance, "no_peak", verdict)


def _covariance(normal: Array) -> Array:
    """Return the inverse of normal matrices; a parameter at a bound stays free, so that its bound hides no error."""
    size = np.sqrt(np.maximum(np.einsum("nii->ni", normal), 1e-300))
    scaled = normal / (size[:, :, None] * size[:, None, :])
    np.einsum("nii->ni", scaled)[...] = 1.0 + 1e-10
    return np.asarray(np.linalg.inv(scaled) / (size[:, :, None] * size[:, None, :]))


def _dataset(patterns: xr.Dataset, lines: Lines, out: dict[str, Any], width: float, options: Tracking) -> xr.Dataset:
    import xarray as xr

    wavelength = float(patterns["wavelength"])
    absent = np.isin(out["verdict"], ("no_peak", "no_data"))
    d = d_from_two_theta(out["position"], wavelength)
    error = np.sqrt(np.maximum(np.einsum("flii->fli", out["covariance"]), 0.0))
    d_stderr = error[..., 0] / np.abs(two_theta_per_d(out["position"], wavelength))
    units = {"position": "degree", "fwhm": "degree", "area": "counts degree", "eta": "1", "d": "angstrom"}
    values = {"position": out["position"], "fwhm": out["fwhm"], "area": out["area"], "eta": out["eta"], "d": d}
    errors = {**dict(zip(PARAMETERS, np.moveaxis(error, -1, 0), strict=True)), "d": d_stderr}
    dims = ("frame", "peak")
    ds = xr.Dataset(
        coords={
            "frame": patterns["frame"],
            "peak": np.arange(len(lines.phase)),
            "phase": ("peak", np.array(lines.phase, dtype=object)),
            "hkl": ("peak", np.array(lines.hkl, dtype=object)),
            "par": np.array(PARAMETERS, dtype=object),
            "par2": np.array(PARAMETERS, dtype=object),
        }
    )
    for name, value in values.items():
        ds[name] = (dims, np.where(absent, np.nan, value), {"units": units[name]})
        ds[f"{name}_stderr"] = (dims, np.where(absent, np.nan, errors[name]), {"units": units[name]})
    ds["covariance"] = ((*dims, "par", "par2"), np.where(absent[..., None, None], np.nan, out["covariance"]), {
        "units": "1", "long_name": "covariance of position, fwhm, area, eta in their units"})  # fmt: skip
    for name, unit in (("significance", "1"), ("area_upper95", "counts degree"), ("chi2", "1")):
        ds[name] = (dims, out[name], {"units": unit})
    ds["predicted"] = (dims, lines.predicted, {"units": "degree", "long_name": "2theta the phase's cell predicts"})
    ds["verdict"] = (dims, out["verdict"].astype(object))
    if patterns.attrs.get("synthetic"):
        ds.attrs["synthetic"] = 1
    return ds
