"""Tracks: peaks that no phase explains, followed from frame to frame and grouped by how they come
and go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ssbchar.hexrd.bragg import d_from_two_theta, two_theta_per_d
from ssbchar.hexrd.patterns.frame_status import FrameStatus
from ssbchar.hexrd.peaks import strain_path
from ssbchar.hexrd.unindexed import detection_limits, matched_filter
from ssbchar.hexrd.unindexed.matched_filter import FilteredSeries, Maxima
from ssbchar.hexrd.unindexed.options import Candidates
from ssbchar.hexrd.unindexed.outputs import TRACKS
from ssbchar.storage import row_file
from ssbchar.storage.lazy_rows import RowReader
from ssbchar.typing import Array, Index

if TYPE_CHECKING:
    import xarray as xr

SAMPLED = 12
"""Frames, about, in which the typical width is measured."""
RECENT = 3
"""Last places of a track whose mean is where it is expected next."""
FWHM_TO_SIGMA = 2.355
"""Full width at half maximum of a Gaussian over its standard deviation."""
FINEST_PLACE = 0.05
"""Error that a track's place has at least [points]."""
SMOOTHED_FROM = 5
"""Frames from which a track's places are smoothed."""
UNEVEN = 0.1
"""Relative error of proportionality between tracks of one group (overlaps, texture)."""


@dataclass(kw_only=True)
class Track:
    """One peak through the series; grows while it is followed."""

    frames: list[int] = field(default_factory=list)
    """Indices of the frames it is seen in."""
    places: list[float] = field(default_factory=list)
    """Position [points] in each of these."""
    strengths: list[float] = field(default_factory=list)
    """Significance in each of these."""

    def expected_place(self) -> float:
        """Return where the peak should be in the next frame [points], float: the mean of the last
        places."""
        return float(np.mean(self.places[-RECENT:]))

    def add(self, frame: int, place: float, strength: float) -> None:
        """Append a peak: its frame (int), place [points] and significance."""
        self.frames.append(frame)
        self.places.append(float(place))
        self.strengths.append(float(strength))


@dataclass(frozen=True, kw_only=True)
class _MeasuredTracks:
    """Tracks measured in every frame, arrays of shape (frames, tracks)."""

    tracks: Sequence[Track]
    places: Array
    """[points]"""
    area: Array
    """[count degree]"""
    stderr: Array
    fwhm: float
    """Typical full width at half maximum [degree]."""


def follow_lines(
    patterns: xr.Dataset, lattice: xr.Dataset, furnace: xr.Dataset, options: Candidates
) -> xr.Dataset:
    """Return the peaks of the residual that persist, with their intensity in every frame
    (``tracks.nc``).

    A matched filter finds peaks above the noise of the residual (`matched_filter.estimate_noise`);
    those that stay near one place over several frames are a track. Its intensity is then measured
    in every frame; tracks whose intensities rise together belong to one group.

    Parameters
    ----------
    patterns : Dataset
        ``patterns.nc``: ``intensity`` and ``intensity_stderr`` [counts], shape (frame, two_theta).
    lattice : Dataset
        ``lattice.nc``: ``residual``, ``calculated`` and ``background`` [counts], of the same shape.
    furnace : Dataset
        ``furnace.nc``: ``temperature`` [degC], shape (frame,).
    options : Candidates

    Returns
    -------
    Dataset
        Positions [degree] and areas [count degree], shape (frame, track).
    """
    x = patterns["two_theta"].values.astype(float)
    step = float(np.median(np.diff(x)))
    usable = np.flatnonzero(patterns["status"].values.astype(str) == FrameStatus.OK)
    some = usable[:: max(usable.size // SAMPLED, 1)]
    fwhm = strain_path.measure_typical_width(x, RowReader(patterns["intensity"])[some])
    filtered = _filter_series(patterns, lattice, fwhm / step)
    apart = max(2, round(fwhm / step))
    peaks = matched_filter.find_maxima(filtered, options.significance, apart)
    tracks = link_peaks(peaks, options.drift * fwhm / step, options)
    places = _interpolate_places(tracks, patterns.sizes["frame"])
    area, stderr = (step * part for part in _measure_tracks(filtered, places))
    measured = _MeasuredTracks(tracks=tracks, places=places, area=area, stderr=stderr, fwhm=fwhm)
    needed = step * detection_limits.find_detectable_area(
        filtered.area, filtered.stderr, options.significance
    )
    values = {
        **_describe_tracks(measured, patterns, x),
        **_describe_refined_phases(lattice),
        "group": _group_tracks(area, stderr, options),
        "temperature": furnace["temperature"].values,
        "detectable_area": needed,
    }
    attrs = {"synthetic": 1} if patterns.attrs.get("synthetic") else {}
    return TRACKS.dataset(values, attrs)


def _filter_series(patterns: xr.Dataset, lattice: xr.Dataset, fwhm: float) -> FilteredSeries:
    """Return the matched filter of all frames, some at a time and in single precision, to bound
    memory."""
    shape = patterns["intensity"].shape
    area, stderr = (row_file.allocate_rows(shape, np.float32) for _ in range(2))
    curves = [RowReader(lattice[k]) for k in ("residual", "calculated", "background")]
    stated = RowReader(patterns["intensity_stderr"])
    for begin in range(0, shape[0], matched_filter.CHUNK):
        part = slice(begin, min(begin + matched_filter.CHUNK, shape[0]))
        residual, calculated, background = (curve[part].astype(float) for curve in curves)
        sigma = matched_filter.estimate_noise(
            residual, stated[part].astype(float), calculated - background
        )
        found = matched_filter.apply_matched_filter(residual, sigma, fwhm)
        area[part], stderr[part] = found.area, found.stderr
    return FilteredSeries(area=area, stderr=stderr)


def link_peaks(peaks: Maxima, drift: float, options: Candidates) -> list[Track]:
    """Return tracks from the peaks of all frames: each peak joins the nearest track that ended
    shortly before.

    Parameters
    ----------
    peaks : Maxima
        Places [points], shape (maxima,).
    drift : float
        How far a peak may move from frame to frame [points].
    options : Candidates

    Returns
    -------
    list of Track
        By place.
    """
    done: list[Track] = []
    active: list[Track] = []
    for frame in np.unique(peaks.frame):
        ended = [t for t in active if frame - t.frames[-1] > options.longest_gap + 1]
        active = [t for t in active if frame - t.frames[-1] <= options.longest_gap + 1]
        done += ended
        now = np.flatnonzero(peaks.frame == frame)
        free = _extend_tracks(active, peaks, now, drift=drift)
        for i in sorted(free):
            started = Track()
            started.add(int(frame), peaks.place[i], peaks.significance[i])
            active.append(started)
    kept = [t for t in done + active if len(t.frames) >= options.shortest]
    return sorted(kept, key=lambda t: float(np.median(t.places)))


def _extend_tracks(active: Sequence[Track], peaks: Maxima, now: Index, *, drift: float) -> set[int]:
    """Add the peaks of one frame to the tracks nearest to them, nearest pair first; return the
    peaks that are left."""
    free = set(now.tolist())
    if not active:
        return free
    frame = int(peaks.frame[now[0]])
    expected = np.array([t.expected_place() for t in active])
    distance = np.abs(peaks.place[now] - expected[:, None])
    # greedy, but stable: tracks hardly ever compete for a peak
    for flat in np.argsort(distance, axis=None, kind="stable"):
        t, i = divmod(int(flat), now.size)
        track, peak = active[t], int(now[i])
        if distance[t, i] > drift * (frame - track.frames[-1]):
            continue
        if peak in free and track.frames[-1] < frame:
            free.discard(peak)
            track.add(frame, peaks.place[peak], peaks.significance[peak])
    return free


def _interpolate_places(tracks: Sequence[Track], frames: int) -> Array:
    """Return the place [points] of each track in every frame, shape (frames, tracks): smoothed,
    ends held."""
    out = np.empty((frames, len(tracks)))
    for k, track in enumerate(tracks):
        at, place = np.array(track.frames, float), np.array(track.places)
        if at.size >= SMOOTHED_FROM:
            scaled = (at - at.mean()) / max(float(np.ptp(at)), 1.0)
            order = min(2, at.size // 5)
            weight = np.array(track.strengths)
            place = np.polynomial.Polynomial.fit(scaled, place, order, w=weight)(scaled)
        out[:, k] = np.interp(np.arange(frames), at, place)
    return out


def _measure_tracks(filtered: FilteredSeries, places: Array) -> tuple[Array, Array]:
    """Return the area and error of each track in every frame, at its place [count point]."""
    nearest = np.clip(np.round(places).astype(int), 0, filtered.area.shape[1] - 1)
    area, stderr = np.empty(places.shape), np.empty(places.shape)
    for part in row_file.split_rows(filtered.area.shape):
        area[part] = np.take_along_axis(filtered.area[part], nearest[part], axis=1)
        stderr[part] = np.take_along_axis(filtered.stderr[part], nearest[part], axis=1)
    return area, stderr


def _group_tracks(area: Array, stderr: Array, options: Candidates) -> Index:
    """Return the group of each track: tracks whose standardised intensities rise and fall together.

    Groups are built around the strongest free track.
    """
    group = np.full(area.shape[1], -1, dtype=np.int64)
    power = np.nansum(np.where(stderr > 0, (area / stderr) ** 2, 0.0), axis=0)
    number = 0
    for lead in np.argsort(-power, kind="stable"):
        if group[lead] >= 0:
            continue
        group[lead] = number
        for other in np.flatnonzero(group < 0):
            ratio, chi2 = compare_courses(area[:, [lead, other]], stderr[:, [lead, other]])
            if ratio > 0 and chi2 < options.together**2:
                group[other] = number
        number += 1
    return group


def compare_courses(area: Array, stderr: Array) -> tuple[float, float]:
    """Return the ratio of the second course of intensities to the first, and the reduced chi-square
    of the second against the first so scaled, floats [1]; arrays [count degree] of shape (frames,
    2)."""
    good = np.isfinite(area).all(axis=1)
    (a, b), (sa, sb) = area[good].T, stderr[good].T
    ratio = float(np.sum(a * b / sb**2) / np.sum(a * a / sb**2))
    variance = sb**2 + (ratio * sa) ** 2 + (UNEVEN * b) ** 2
    return ratio, float(np.mean((b - ratio * a) ** 2 / variance))


def _describe_refined_phases(lattice: xr.Dataset) -> dict[str, Any]:
    """Return names, usual intensities and cells of the refined phases."""
    present = np.where(lattice["present"].values == 1, lattice["intensity"].values, np.nan)
    usual = [
        float(np.median(v[np.isfinite(v)])) if np.isfinite(v).any() else 0.0 for v in present.T
    ]
    return {
        "known_phase": lattice["phase"].values.astype(str).astype(object),
        "known_intensity": np.array(usual),
        "known_course": lattice["intensity"].values,
        "known_course_stderr": lattice["intensity_stderr"].values,
        "known_cell": lattice["cell"].values,
    }


def _describe_tracks(
    measured: _MeasuredTracks, patterns: xr.Dataset, two_theta: Array
) -> dict[str, Any]:
    """Return positions, areas and frames of the tracks, and what all of them share."""
    tracks, wavelength = measured.tracks, float(patterns["wavelength"])
    position = np.interp(measured.places, np.arange(two_theta.size), two_theta)
    step = float(np.median(np.diff(two_theta)))
    error = _estimate_place_error(tracks, measured.fwhm, step)
    numbers = patterns["frame"].values

    def list_numbers(frames: list[int]) -> Index:
        """Return the numbers [1] of frames given by index, shape (tracks,)."""
        return np.array([numbers[frame] for frame in frames], dtype=np.int64)

    return {
        "frame": patterns["frame"],
        "track": np.arange(len(tracks)),
        **{str(name): axis for name, axis in patterns["two_theta"].coords.items()},
        "position": position,
        "position_stderr": error,
        "d": d_from_two_theta(position, wavelength),
        "d_stderr": error / np.abs(two_theta_per_d(position, wavelength)),
        "area": measured.area,
        "area_stderr": measured.stderr,
        "significance": np.array([max(t.strengths) for t in tracks]),
        "first_frame": list_numbers([t.frames[0] for t in tracks]),
        "last_frame": list_numbers([t.frames[-1] for t in tracks]),
        "best_frame": list_numbers([t.frames[int(np.argmax(t.strengths))] for t in tracks]),
        "frames_seen": np.array([len(t.frames) for t in tracks], dtype=np.int64),
        "fwhm": measured.fwhm,
        "two_theta_range": two_theta[[0, -1]],
        "wavelength": wavelength,
        "wavelength_stderr": float(patterns.get("wavelength_stderr", np.nan)),
    }


def _estimate_place_error(tracks: Sequence[Track], fwhm: float, step: float) -> Array:
    """Return the error of each track's position [degree]: the width over the significance of all
    frames."""
    total = [np.sqrt(np.sum(np.square(t.strengths))) for t in tracks]
    error = np.array([fwhm / (FWHM_TO_SIGMA * one) for one in total])
    return np.asarray(np.hypot(error, FINEST_PLACE * step))
