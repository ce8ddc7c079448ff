"""Tracked peaks: each strong line of each phase fitted in every frame, or its upper limit where it
is absent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.hexrd.bragg import d_from_two_theta, two_theta_per_d
from ssbchar.hexrd.peaks import broadening, phase_scales, reflections, select, strain_path
from ssbchar.hexrd.peaks.fit import Windows
from ssbchar.hexrd.peaks.options import Tracking
from ssbchar.hexrd.peaks.reflections import KnownLines
from ssbchar.runtime import progress
from ssbchar.storage import row_file
from ssbchar.storage.lazy_rows import RowReader
from ssbchar.typing import Array

if TYPE_CHECKING:
    import xarray as xr

CHUNK = 256
"""Frames fitted at once: keeps the working arrays of a window in cache."""
PARAMETERS = ("position", "fwhm", "area", "eta")
"""Order of the covariance."""


def fit_known_lines(
    patterns: xr.Dataset, furnace: xr.Dataset, phases: list[xr.Dataset], options: Tracking
) -> xr.Dataset:
    """Return position, width and area of the strong lines of every phase in every frame
    (``peaks.nc``).

    A line belongs to the phase whose path of lattice strain leads to it. Lines that overlap are
    fitted together; the presence test is the likelihood ratio of leaving a line out, and an absent
    one has an upper limit. ``verdict``: ``ok``; ``no_peak``; ``overlap`` (another expected line
    lies within 0.6 widths; no values where that one is the stronger); ``alone`` (there, but its
    phase as a whole is not: perhaps another's line); ``at_edge``; ``not_converged``; ``no_data``.

    Raises
    ------
    BadInput
        No candidate phases, or none with a line inside the patterns.
    """
    if not phases:
        raise BadInput(
            "phases",
            "no candidate phases to track",
            "name them in the sample sheet's column 'phases'",
        )
    x, wavelength = patterns["two_theta"].values, float(patterns["wavelength"])
    good = np.flatnonzero(patterns["status"].values == "ok")
    intensity, stderr = RowReader(patterns["intensity"]), RowReader(patterns["intensity_stderr"])
    width = strain_path.measure_typical_width(x, intensity[good[:: max(good.size // 12, 1)]])
    lines = reflections.list_lines(
        phases,
        wavelength,
        *reflections.limit_two_theta(x, width, options),
        width,
        options.peaks_per_phase,
    )
    score = row_file.allocate_rows((good.size, x.size), np.float32)
    for part in row_file.split_rows(score.shape):
        score[part] = strain_path.score_contrast(
            x, intensity[good[part]], stderr[good[part]], width
        )
    predicted = _predicted(
        x, score, furnace["temperature"].values[good], phases, lines, wavelength, width, options
    )
    expected, hidden, disturbed, share = _expect(
        x, intensity, stderr, lines, width, len(phases), good, predicted
    )
    out = _empty(patterns.sizes["frame"], int(lines.tracked.sum()))
    out["predicted"][good] = predicted[:, lines.tracked]
    chunks = [slice(n, min(n + CHUNK, good.size)) for n in range(0, good.size, CHUNK)]
    windows = [
        g for g in reflections.group_lines(predicted, lines.beside, width) if lines.tracked[g].any()
    ]
    for part, group in progress.report_progress(
        [(c, g) for c in chunks for g in windows], "track peaks", unit="windows"
    ):
        rows, place, begin = good[part], predicted[part], expected[part]
        data = _window(
            x,
            intensity[rows],
            stderr[rows],
            np.where(begin, place, np.nan),
            place[:, group],
            group,
            width,
            options,
        )
        enter = np.broadcast_to(lines.tracked[group], (rows.size, group.size))
        found = select.select_peaks(
            data,
            place[:, group],
            begin[:, group],
            enter,
            options.reach * width,
            width,
            options.significance,
            options.iterations,
        )
        _put(out, found, rows, group, lines.tracked)
    _judge(out, good, *(which[:, lines.tracked] for which in (hidden, disturbed, share)))
    return _with_broadening(_dataset(patterns, phases, lines, out), wavelength, options)


def _expect(
    x: Array,
    intensity: RowReader,
    stderr: RowReader,
    lines: KnownLines,
    width: float,
    phases: int,
    good: Any,
    predicted: Array,
) -> tuple[Any, Any, Any, Any]:
    """Return which lines are expected in each good frame, which are hidden, disturbed, and of a
    phase that is there."""
    height, sigma = np.empty(predicted.shape), np.empty(predicted.shape)
    for part in row_file.split_rows((good.size, x.size)):
        own = good[part]
        height[part], sigma[part] = strain_path.measure_heights(
            x, intensity[own], stderr[own], predicted[part], width
        )
    scale, error = phase_scales.fit_phase_scales(lines, predicted, height, sigma, width, phases)
    there = scale > 3 * error
    expected = (scale * there)[:, lines.phase] * lines.strength
    seen = expected > 2 * sigma
    hidden, disturbed = reflections.find_overlaps(lines, predicted, expected, seen, width)
    return seen & ~hidden, hidden, disturbed, there[:, lines.phase]


def _predicted(
    x: Array,
    score: Any,
    temperature: Array,
    phases: list[xr.Dataset],
    lines: KnownLines,
    wavelength: float,
    width: float,
    options: Tracking,
) -> Array:
    """Return the expected 2theta of each line in each good frame: its phase's path, then its own
    about it."""
    strain = np.zeros((score.shape[0], len(phases)))
    for n, phase in enumerate(phases):
        own = np.flatnonzero((lines.phase == n) & lines.tracked)
        if own.size:
            warming = temperature - float(phase.attrs.get("temperature", 25.0))
            strain[:, n] = strain_path.find_strain_path(
                x,
                score,
                lines.d[own],
                np.sqrt(lines.strength[own]),
                wavelength,
                warming,
                options.search,
                width,
            )
    places = reflections.two_theta_from_strain(lines, wavelength, strain)
    free = np.flatnonzero(~reflections.find_crowded(lines, wavelength, width) & lines.beside)
    places[:, free] = strain_path.find_line_paths(x, score, places[:, free], width)
    return places


def _empty(frames: int, count: int) -> dict[str, Any]:
    names = (*PARAMETERS, "significance", "area_upper95", "chi2", "predicted")
    out: dict[str, Any] = {name: np.full((frames, count), np.nan) for name in names}
    out["covariance"] = np.full((frames, count, 4, 4), np.nan)
    out["present"] = np.zeros((frames, count), dtype=bool)
    out["verdict"] = np.full((frames, count), "no_data", dtype="U13")
    return out


def _window(
    x: Array,
    intensity: Array,
    stderr: Array,
    others: Array,
    centre: Array,
    group: Any,
    width: float,
    options: Tracking,
) -> Windows:
    """Return the points of a window in each frame, cut at the middle to the next plausible line
    outside it."""
    half = options.window * width
    low, high = centre.min(axis=1), centre.max(axis=1)
    others = np.delete(others, group, axis=1)
    if others.size:
        below = np.max(np.where(others < low[:, None], others, -np.inf), axis=1)
        above = np.min(np.where(others > high[:, None], others, np.inf), axis=1)
        low = np.maximum(low - half, (low + below) / 2)
        high = np.minimum(high + half, (high + above) / 2)
    else:
        low, high = low - half, high + half
    first = np.searchsorted(x, low)
    points = int(np.max(np.searchsorted(x, high) - first))
    index = first[:, None] + np.arange(points)
    place = np.minimum(index, x.size - 1)
    y, sigma = np.take_along_axis(intensity, place, 1), np.take_along_axis(stderr, place, 1)
    used = (x[place] <= high[:, None]) & np.isfinite(y) & (sigma > 0) & (index < x.size)
    weight = np.where(used, 1 / np.where(used, sigma, 1.0) ** 2, 0.0)
    return Windows(x[place], np.where(used, y, 0.0), weight)


def _put(
    out: dict[str, Any], found: select.SelectedPeaks, rows: Any, group: Any, tracked: Any
) -> None:
    """Write what a window holds of tracked lines into their places."""
    own = tracked[group]
    at = np.ix_(rows, (np.cumsum(tracked) - 1)[group[own]])
    for name in (*PARAMETERS, "covariance", "significance", "present"):
        out[name][at] = getattr(found, name)[:, own]
    out["area_upper95"][at] = found.upper95[:, own]
    out["chi2"][at] = found.chi2[:, None]
    word = np.where(
        found.converged[:, None], np.where(found.edge, "at_edge", "ok"), "not_converged"
    )
    out["verdict"][at] = np.where(found.present, word, "no_peak")[:, own]


def _judge(out: dict[str, Any], good: Any, hidden: Any, disturbed: Any, there: Any) -> None:
    """Mark lines that may be another phase's: under or beside another line, or alone of an absent
    phase."""
    present, verdict = out["present"][good], out["verdict"][good]
    fine = present & (verdict == "ok")
    verdict = np.where(fine & ~there, "alone", verdict)
    verdict = np.where((fine & disturbed) | hidden, "overlap", verdict)
    out["verdict"][good] = verdict
    frame, line = np.nonzero(hidden & ~present)
    for name in (*PARAMETERS, "covariance", "significance", "area_upper95"):
        out[name][good[frame], line] = np.nan


def _with_broadening(ds: xr.Dataset, wavelength: float, options: Tracking) -> xr.Dataset:
    """Add inverse size and microstrain of each phase from its undisturbed lines."""
    eta, fwhm = ds["eta"].values, ds["fwhm"].values
    breadth = broadening.integral_breadth_from_fwhm(fwhm, eta)
    by_fwhm = breadth / fwhm
    by_eta = (broadening.integral_breadth_from_fwhm(fwhm, eta + 1e-6) - breadth) / 1e-6
    c = ds["covariance"].values
    variance = (
        by_fwhm**2 * c[..., 1, 1] + by_eta**2 * c[..., 3, 3] + 2 * by_fwhm * by_eta * c[..., 1, 3]
    )
    stderr = np.sqrt(np.maximum(variance, 0.0))
    breadth = broadening.subtract_instrument(breadth, options.instrument_breadth)
    names = list(dict.fromkeys(ds["phase"].values))
    found = {
        n: np.full((ds.sizes["frame"], len(names)), np.nan)
        for n in ("inverse_size", "inverse_size_stderr", "microstrain", "microstrain_stderr")
    }
    for n, name in enumerate(names):
        own = ds["phase"].values == name
        good = ds["verdict"].values[:, own] == "ok"
        size, strain, covariance = broadening.fit_williamson_hall(
            ds["position"].values[:, own],
            np.where(good, breadth[:, own], np.nan),
            stderr[:, own],
            wavelength,
        )
        found["inverse_size"][:, n], found["microstrain"][:, n] = size, strain
        found["inverse_size_stderr"][:, n] = np.sqrt(covariance[:, 0, 0])
        found["microstrain_stderr"][:, n] = np.sqrt(covariance[:, 1, 1])
    ds = ds.assign_coords(candidate=np.array(names, dtype=object))
    for key, value in found.items():
        unit = "1/angstrom" if key.startswith("inverse") else "1"
        ds[key] = (("frame", "candidate"), value, {"units": unit})
    ds.attrs["instrument_breadth"] = options.instrument_breadth
    return ds


def _dataset(
    patterns: xr.Dataset, phases: list[xr.Dataset], lines: KnownLines, out: dict[str, Any]
) -> xr.Dataset:
    """Return the Dataset of the data model; `out` is emptied, to hold no more than needed."""
    import xarray as xr

    kept = np.flatnonzero(lines.tracked)
    names = [str(phase.attrs.get("phase", "")) for phase in phases]
    wavelength = float(patterns["wavelength"])
    position, covariance = out["position"], out.pop("covariance")
    error = np.sqrt(np.maximum(np.einsum("flii->fli", covariance), 0.0))
    columns = {
        n: (out.pop(n), error[..., i], u)
        for i, (n, u) in enumerate(
            zip(PARAMETERS, ("degree", "degree", "counts degree", "1"), strict=True)
        )
    }
    d_error = error[..., 0] / np.abs(two_theta_per_d(position, wavelength))
    columns["d"] = (d_from_two_theta(position, wavelength), d_error, "angstrom")
    dims = ("frame", "peak")
    ds = xr.Dataset(
        {
            "covariance": (
                (*dims, "par", "par2"),
                covariance,
                {"units": "1", "long_name": "in the parameters' units"},
            )
        },
        coords={
            "frame": patterns["frame"],
            "peak": np.arange(kept.size),
            "phase": ("peak", np.array([names[p] for p in lines.phase[kept]], dtype=object)),
            "hkl": ("peak", np.array([lines.hkl[n] for n in kept], dtype=object)),
            "par": np.array(PARAMETERS, dtype=object),
            "par2": np.array(PARAMETERS, dtype=object),
        },
    )
    for name, (value, stderr, unit) in columns.items():
        ds[name] = (dims, value, {"units": unit, "ancillary_variables": f"{name}_stderr"})
        ds[f"{name}_stderr"] = (dims, stderr, {"units": unit})
    units = {
        "significance": "1",
        "area_upper95": "counts degree",
        "chi2": "1",
        "predicted": "degree",
    }
    for name, unit in units.items():
        ds[name] = (dims, out.pop(name), {"units": unit})
    ds["verdict"] = (dims, out.pop("verdict").astype(object))
    if patterns.attrs.get("synthetic"):
        ds.attrs["synthetic"] = 1
    return ds
