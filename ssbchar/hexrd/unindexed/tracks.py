"""Tracks: peaks that no phase explains, followed from frame to frame and grouped by how they come
and go."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ssbchar.hexrd.bragg import d_from_two_theta, two_theta_per_d
from ssbchar.hexrd.peaks import strain_path
from ssbchar.hexrd.unindexed import detection_limits, matched_filter
from ssbchar.hexrd.unindexed.options import Candidates
from ssbchar.storage import row_file
from ssbchar.storage.lazy_rows import RowReader
from ssbchar.typing import Array

if TYPE_CHECKING:
    import xarray as xr


@dataclass
class Track:
    """One peak through the series."""

    frames: list[int] = field(default_factory=list)
    places: list[float] = field(default_factory=list)
    """Position [points] in each frame."""
    strengths: list[float] = field(default_factory=list)
    """Significance in each frame."""

    def expected(self) -> float:
        """Return where the peak should be in the next frame: the mean of the last places."""
        return float(np.mean(self.places[-3:]))


def follow_lines(
    patterns: xr.Dataset, lattice: xr.Dataset, furnace: xr.Dataset, options: Candidates
) -> xr.Dataset:
    """Return the peaks of the residual that persist, with their intensity in every frame
    (``tracks.nc``).

    A matched filter finds peaks above the noise of the residual (`residual.noise`); those that stay
    near one place over several frames are a track. Its intensity is then measured in every frame;
    tracks whose intensities rise together belong to one group.
    """
    x = patterns["two_theta"].values.astype(float)
    step = float(np.median(np.diff(x)))
    usable = np.flatnonzero(patterns["status"].values.astype(str) == "ok")
    some = usable[:: max(usable.size // 12, 1)]
    fwhm = strain_path.measure_typical_width(x, RowReader(patterns["intensity"])[some])
    filtered = _filtered(patterns, lattice, fwhm / step)
    apart = max(2, round(fwhm / step))
    found = link_peaks(
        *matched_filter.find_maxima(filtered, options.significance, apart),
        options.drift * fwhm / step,
        options,
    )
    places = _places(found, patterns.sizes["frame"])
    area, stderr = (step * part for part in _measured(filtered, places))
    group = _groups(area, stderr, options)
    ds = _dataset(patterns, furnace, found, places, area, stderr, group, fwhm, step)
    needed = step * detection_limits.find_detectable_area(
        filtered.area, filtered.stderr, options.significance
    )
    ds["detectable_area"] = ("two_theta", needed, {"units": "count degree"})
    there = np.where(lattice["present"].values == 1, lattice["intensity"].values, np.nan)
    level = [float(np.median(v[np.isfinite(v)])) if np.isfinite(v).any() else 0.0 for v in there.T]
    ds["known_intensity"] = ("known_phase", np.array(level), {"units": "count degree"})
    cell = lattice["cell"].values
    mixed = {"units": "angstrom", "long_name": "cells of the refined phases; angles in degree"}
    ds["known_cell"] = (("frame", "known_phase", "axis"), cell, mixed)
    known = lattice["phase"].values.astype(str).astype(object)
    return ds.assign_coords(known_phase=known, two_theta=patterns["two_theta"])


def _filtered(
    patterns: xr.Dataset, lattice: xr.Dataset, fwhm: float
) -> matched_filter.FilteredSeries:
    """Return the matched filter of all frames, some at a time and in single precision, to bound
    memory."""
    shape = patterns["intensity"].shape
    area, stderr = (row_file.allocate_rows(shape, np.float32) for _ in range(2))
    curves = [RowReader(lattice[k]) for k in ("residual", "calculated", "background")]
    given = RowReader(patterns["intensity_stderr"])
    for begin in range(0, shape[0], matched_filter.CHUNK):
        part = slice(begin, min(begin + matched_filter.CHUNK, shape[0]))
        left, whole, background = (curve[part].astype(float) for curve in curves)
        sigma = matched_filter.estimate_noise(left, given[part].astype(float), whole - background)
        found = matched_filter.apply_matched_filter(left, sigma, fwhm)
        area[part], stderr[part] = found.area, found.stderr
    return matched_filter.FilteredSeries(area, stderr)


def link_peaks(
    frame: NDArray[np.intp], place: Array, strength: Array, drift: float, options: Candidates
) -> list[Track]:
    """Return tracks from the peaks of all frames: each peak joins the nearest track that ended
    shortly before."""
    done: list[Track] = []
    active: list[Track] = []
    for n in np.unique(frame):
        now = np.flatnonzero(frame == n)
        done += [t for t in active if n - t.frames[-1] > options.longest_gap + 1]
        active = [t for t in active if n - t.frames[-1] <= options.longest_gap + 1]
        free = set(now.tolist())
        distance = np.array([[abs(place[i] - t.expected()) for i in now] for t in active]).reshape(
            len(active), now.size
        )
        for flat in np.argsort(distance, axis=None, kind="stable"):
            t, i = divmod(int(flat), now.size)
            if distance[t, i] > drift * (n - active[t].frames[-1]):
                continue
            if int(now[i]) in free and active[t].frames[-1] < n:
                free.discard(int(now[i]))
                _add(active[t], int(n), place[now[i]], strength[now[i]])
        for i in sorted(free):
            started = Track()
            _add(started, int(n), place[i], strength[i])
            active.append(started)
    kept = [t for t in done + active if len(t.frames) >= options.shortest]
    return sorted(kept, key=lambda t: float(np.median(t.places)))


def _add(track: Track, frame: int, place: float, strength: float) -> None:
    track.frames.append(frame)
    track.places.append(float(place))
    track.strengths.append(float(strength))


def _places(found: list[Track], frames: int) -> Array:
    """Return the place [points] of each track in every frame, shape (frames, tracks): smoothed,
    ends held."""
    out = np.empty((frames, len(found)))
    for k, track in enumerate(found):
        weight = np.array(track.strengths)
        at, place = np.array(track.frames, float), np.array(track.places)
        if at.size >= 5:
            middle, scale = at.mean(), max(float(np.ptp(at)), 1.0)
            order = min(2, at.size // 5)
            line = np.polynomial.Polynomial.fit((at - middle) / scale, place, order, w=weight)
            place = line((at - middle) / scale)
        out[:, k] = np.interp(np.arange(frames), at, place)
    return out


def _measured(filtered: matched_filter.FilteredSeries, places: Array) -> tuple[Array, Array]:
    """Return the area and error of each track in every frame, at its place."""
    nearest = np.clip(np.round(places).astype(int), 0, filtered.area.shape[1] - 1)
    area, stderr = np.empty(places.shape), np.empty(places.shape)
    for part in row_file.split_rows(filtered.area.shape):
        area[part] = np.take_along_axis(filtered.area[part], nearest[part], axis=1)
        stderr[part] = np.take_along_axis(filtered.stderr[part], nearest[part], axis=1)
    return area, stderr


def _groups(area: Array, stderr: Array, options: Candidates) -> NDArray[np.int64]:
    """Return the group of each track: tracks whose standardised intensities rise and fall together.

    Two tracks agree where chi-square of one, scaled to the other, is that of noise: the scaled
    difference over its error has a reduced chi-square below `together` squared. Groups are built
    around the strongest free track.
    """
    count = area.shape[1]
    group = np.full(count, -1, dtype=np.int64)
    power = np.nansum(np.where(stderr > 0, (area / stderr) ** 2, 0.0), axis=0)
    number = 0
    for lead in np.argsort(-power, kind="stable"):
        if group[lead] >= 0:
            continue
        group[lead] = number
        for other in np.flatnonzero(group < 0):
            good = np.isfinite(area[:, lead]) & np.isfinite(area[:, other])
            a, b, sa, sb = (
                area[good, lead],
                area[good, other],
                stderr[good, lead],
                stderr[good, other],
            )
            ratio = float(np.sum(a * b / sb**2) / np.sum(a * a / sb**2))
            chi2 = float(
                np.mean((b - ratio * a) ** 2 / (sb**2 + (ratio * sa) ** 2 + (0.1 * b) ** 2))
            )
            if ratio > 0 and chi2 < options.together**2:
                group[other] = number
        number += 1
    return group


def _dataset(
    patterns: xr.Dataset,
    furnace: xr.Dataset,
    found: list[Track],
    places: Array,
    area: Array,
    stderr: Array,
    group: NDArray[np.int64],
    fwhm: float,
    step: float,
) -> xr.Dataset:
    import xarray as xr

    x, wavelength = patterns["two_theta"].values.astype(float), float(patterns["wavelength"])
    position = np.interp(places, np.arange(x.size), x)
    strength = np.array([max(t.strengths) for t in found])
    best = np.array([t.frames[int(np.argmax(t.strengths))] for t in found], dtype=np.int64)
    error = np.array([fwhm / (2.355 * np.sqrt(np.sum(np.square(t.strengths)))) for t in found])
    error = np.hypot(error, 0.05 * step)
    count = np.arange(len(found))
    d = d_from_two_theta(position, wavelength)
    d_error = error / np.abs(two_theta_per_d(position, wavelength))
    ft = ("frame", "track")
    numbers = patterns["frame"].values
    ds = xr.Dataset(
        {
            "position": (ft, position, {"units": "degree"}),
            "position_stderr": ("track", error, {"units": "degree"}),
            "d": (ft, d, {"units": "angstrom"}),
            "d_stderr": (ft, d_error, {"units": "angstrom"}),
            "area": (ft, area, {"units": "count degree", "ancillary_variables": "area_stderr"}),
            "area_stderr": (ft, stderr, {"units": "count degree"}),
            "group": ("track", group),
            "significance": ("track", strength, {"units": "1", "long_name": "best single frame"}),
            "first_frame": (
                "track",
                np.array([numbers[t.frames[0]] for t in found], dtype=np.int64),
            ),
            "last_frame": (
                "track",
                np.array([numbers[t.frames[-1]] for t in found], dtype=np.int64),
            ),
            "best_frame": ("track", numbers[best].astype(np.int64) if len(found) else best),
            "frames_seen": ("track", np.array([len(t.frames) for t in found], dtype=np.int64)),
            "fwhm": ((), fwhm, {"units": "degree"}),
            "two_theta_range": ("bound", x[[0, -1]], {"units": "degree"}),
            "wavelength": ((), wavelength, {"units": "angstrom"}),
            "wavelength_stderr": (
                (),
                float(patterns.get("wavelength_stderr", np.nan)),
                {"units": "angstrom"},
            ),
            "temperature": ("frame", furnace["temperature"].values, {"units": "degC"}),
        },
        coords={"frame": patterns["frame"], "track": count},
    )
    if patterns.attrs.get("synthetic"):
        ds.attrs["synthetic"] = 1
    return ds
