"""Each strong line of each phase fitted in every frame, or its upper limit where it is absent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.hexrd.bragg import d_from_two_theta, two_theta_per_d
from ssbchar.hexrd.patterns.frame_status import FrameStatus
from ssbchar.hexrd.peaks import broadening, reflections, strain_path
from ssbchar.hexrd.peaks.fit import Windows
from ssbchar.hexrd.peaks.named import find_named_spacings
from ssbchar.hexrd.peaks.options import Tracking
from ssbchar.hexrd.peaks.outputs import PARAMETERS, PEAKS
from ssbchar.hexrd.peaks.phase_scales import fit_phase_scales
from ssbchar.hexrd.peaks.reflections import KnownLines
from ssbchar.hexrd.peaks.select import SelectedPeaks, SelectionRules, select_peaks
from ssbchar.runtime import progress
from ssbchar.storage import row_file
from ssbchar.storage.lazy_rows import RowReader
from ssbchar.typing import Array, Bool, Index

if TYPE_CHECKING:
    import xarray as xr

CHUNK = 256
"""Frames fitted at once: keeps the working arrays of a window in cache."""
SAMPLED = 12
"""Frames, about, in which the typical width is measured."""
PHASE_PRESENT = 3.0
"""Standard errors by which a phase's scale must exceed zero."""
LINE_EXPECTED = 2.0
"""Standard errors of its height that a line must be expected to reach."""
ROOM_TEMPERATURE = 25.0
"""Of a reference cell whose temperature is not stated [degC]."""


class LineVerdict(StrEnum):
    """What a frame tells about a line."""

    OK = "ok"
    NO_PEAK = "no_peak"
    OVERLAP = "overlap"
    """Another expected line lies within 0.6 widths; no values where that one is the stronger."""
    ALONE = "alone"
    """The line is there, but its phase as a whole is not: perhaps another phase's line."""
    AT_EDGE = "at_edge"
    """Position or width stopped at a bound."""
    NOT_CONVERGED = "not_converged"
    NO_DATA = "no_data"


@dataclass(frozen=True, kw_only=True)
class _GoodFrames:
    """The good frames of a series, and what all windows share."""

    two_theta: Array
    """[degree], shape (points,)."""
    wavelength: float
    """[angstrom]"""
    index: Index
    """Indices of the good frames among all."""
    intensity: RowReader
    stderr: RowReader
    """[counts], of all frames."""
    width: float
    """Typical full width at half maximum [degree]."""

    @property
    def shape(self) -> tuple[int, int]:
        """Good frames and points [1], two int."""
        return self.index.size, self.two_theta.size


@dataclass(frozen=True, kw_only=True)
class _Expectation:
    """What is expected of each line in each good frame, arrays of shape (good frames, lines)."""

    seen: Bool
    """It rises above the noise and is not hidden by another."""
    hidden: Bool
    disturbed: Bool
    phase_present: Bool


@dataclass(frozen=True, kw_only=True)
class _Table:
    """Results of the reported lines, arrays of shape (frames, lines), filled window by window."""

    values: dict[str, Array]
    """The parameters, ``significance``, ``area_upper95``, ``chi2`` and ``predicted``."""
    covariance: Array
    present: Bool
    verdict: Any
    """`LineVerdict` as text."""


def fit_known_lines(
    patterns: xr.Dataset, furnace: xr.Dataset, phases: list[xr.Dataset], options: Tracking
) -> xr.Dataset:
    """Return position, width and area of the strong lines of every phase in every frame
    (``peaks.nc``).

    A line belongs to the phase whose path of lattice strain leads to it. Lines that overlap are
    fitted together; the presence test is the likelihood ratio of leaving a line out, and an absent
    one has an upper limit. ``verdict`` is a `LineVerdict`: ``ok``; ``no_peak``; ``overlap``
    (another expected line lies within 0.6 widths; no values where that one is the stronger);
    ``alone`` (there, but its phase as a whole is not: perhaps another's line); ``at_edge``;
    ``not_converged``; ``no_data``.

    Parameters
    ----------
    patterns : Dataset
        ``patterns.nc``: ``intensity`` and ``intensity_stderr`` [counts], shape (frame, two_theta).
    furnace : Dataset
        ``furnace.nc``: ``temperature`` [degC], shape (frame,).
    phases : list of Dataset
        Reflections of the candidate phases.
    options : Tracking

    Returns
    -------
    Dataset
        Positions [degree], spacings [angstrom], areas [counts degree], shape (frame, peak).

    Raises
    ------
    BadInput
        No candidate phases, none with a line inside the patterns, or a reflection is named that a
        phase does not have.
    """
    if not phases:
        raise BadInput(
            "phases",
            "no candidate phases whose lines could be fitted",
            "name them in the sample sheet's column 'phases'",
        )
    frames = _select_good_frames(patterns)
    lines = reflections.list_lines(
        phases,
        frames.wavelength,
        reflections.limit_two_theta(frames.two_theta, frames.width, options),
        frames.width,
        options.peaks_per_phase,
        named=find_named_spacings(options.reflections, phases),
    )
    temperature = furnace["temperature"].values[frames.index]
    predicted = _predict_places(frames, lines, phases, temperature, options)
    expected = _expect_lines(frames, lines, predicted, len(phases))
    table = _make_empty_table(patterns.sizes["frame"], int(lines.tracked.sum()))
    table.values["predicted"][frames.index] = predicted[:, lines.tracked]
    _fit_all_windows(table, frames, lines, predicted, expected.seen, options=options)
    _mark_doubtful_lines(table, frames.index, lines.tracked, expected)
    return _make_dataset(patterns, phases, lines, table, options)


def _select_good_frames(patterns: xr.Dataset) -> _GoodFrames:
    two_theta = patterns["two_theta"].values
    good = np.flatnonzero(patterns["status"].values == FrameStatus.OK)
    intensity = RowReader(patterns["intensity"])
    some = good[:: max(good.size // SAMPLED, 1)]
    return _GoodFrames(
        two_theta=two_theta,
        wavelength=float(patterns["wavelength"]),
        index=good,
        intensity=intensity,
        stderr=RowReader(patterns["intensity_stderr"]),
        width=strain_path.measure_typical_width(two_theta, intensity[some]),
    )


def _predict_places(
    frames: _GoodFrames,
    lines: KnownLines,
    phases: Sequence[xr.Dataset],
    temperature: Array,
    options: Tracking,
) -> Array:
    """Return the expected 2theta of each line in each good frame (frames, lines): its phase's path,
    then its own about it."""
    score = _score_frames(frames)
    strain = np.zeros((frames.shape[0], len(phases)))
    for n, phase in enumerate(phases):
        own = np.flatnonzero((lines.phase == n) & lines.tracked)
        if own.size:
            reference = float(phase.attrs.get("temperature", ROOM_TEMPERATURE))
            strain[:, n] = strain_path.find_strain_path(
                score,
                lines.d[own],
                np.sqrt(lines.strength[own]),
                temperature - reference,
                options.search,
            )
    places = reflections.two_theta_from_strain(lines, frames.wavelength, strain)
    crowded = reflections.find_crowded(lines, frames.wavelength, frames.width)
    # a line with a strong neighbour would be drawn to it
    free = np.flatnonzero(~crowded & lines.beside)
    places[:, free] = strain_path.find_line_paths(score, places[:, free], frames.width)
    return places


def _score_frames(frames: _GoodFrames) -> strain_path.SeriesScore:
    score = row_file.allocate_rows(frames.shape, np.float32)
    for part in row_file.split_rows(frames.shape):
        rows = frames.index[part]
        score[part] = strain_path.score_contrast(
            frames.two_theta, frames.intensity[rows], frames.stderr[rows], frames.width
        )
    return strain_path.SeriesScore(
        two_theta=frames.two_theta,
        values=score,
        wavelength=frames.wavelength,
        width=frames.width,
    )


def _expect_lines(
    frames: _GoodFrames, lines: KnownLines, predicted: Array, phases: int
) -> _Expectation:
    """Return which lines should be seen in each good frame, from how much of each phase it
    holds."""
    height, sigma = np.empty(predicted.shape), np.empty(predicted.shape)
    for part in row_file.split_rows(frames.shape):
        rows = frames.index[part]
        height[part], sigma[part] = strain_path.measure_heights(
            frames.two_theta,
            frames.intensity[rows],
            frames.stderr[rows],
            predicted[part],
            frames.width,
        )
    scale, error = fit_phase_scales(
        lines, predicted, height, sigma, width=frames.width, phases=phases
    )
    present = scale > PHASE_PRESENT * error
    expected = (scale * present)[:, lines.phase] * lines.strength
    seen = expected > LINE_EXPECTED * sigma
    overlaps = reflections.find_overlaps(lines, predicted, expected, seen, frames.width)
    return _Expectation(
        seen=seen & ~overlaps.hidden,
        hidden=overlaps.hidden,
        disturbed=overlaps.disturbed,
        phase_present=present[:, lines.phase],
    )


def _fit_all_windows(
    table: _Table,
    frames: _GoodFrames,
    lines: KnownLines,
    predicted: Array,
    seen: Bool,
    *,
    options: Tracking,
) -> None:
    """Fit every window in every good frame, and write its reported lines into the table."""
    rules = SelectionRules(
        reach=options.reach * frames.width,
        width=frames.width,
        threshold=options.significance,
        iterations=options.iterations,
    )
    count = frames.index.size
    chunks = [slice(n, min(n + CHUNK, count)) for n in range(0, count, CHUNK)]
    groups = reflections.group_lines(predicted, lines.beside, frames.width)
    windows = [group for group in groups if lines.tracked[group].any()]
    pairs = [(chunk, group) for chunk in chunks for group in windows]
    for part, group in progress.report_progress(pairs, "fit known lines", unit="windows"):
        rows = frames.index[part]
        place, begin = predicted[part], seen[part]
        plausible = np.where(begin, place, np.nan)
        low, high = _limit_window(
            place[:, group],
            np.delete(plausible, group, axis=1),
            options.window * frames.width,
        )
        data = _cut_windows(frames, rows, low, high)
        may_enter = np.broadcast_to(lines.tracked[group], (rows.size, group.size))
        found = select_peaks(data, place[:, group], begin[:, group], may_enter, rules)
        _write_window(table, found, rows, group, lines.tracked)


def _limit_window(centre: Array, others: Array, half: float) -> tuple[Array, Array]:
    """Return the ends of a window in each frame: cut at the middle to the next plausible line
    outside it.

    Parameters
    ----------
    centre, others : ndarray, shapes (frames, lines) and (frames, other lines)
        Places of lines [degree]; NaN where a line outside is not plausible.
    half : float
        Half width of the window [degree].
    """
    low, high = centre.min(axis=1), centre.max(axis=1)
    if not others.size:
        return low - half, high + half
    below = np.max(np.where(others < low[:, None], others, -np.inf), axis=1)
    above = np.min(np.where(others > high[:, None], others, np.inf), axis=1)
    return np.maximum(low - half, (low + below) / 2), np.minimum(high + half, (high + above) / 2)


def _cut_windows(frames: _GoodFrames, rows: Index, low: Array, high: Array) -> Windows:
    """Return the points of each frame between its ends; weight 0 where there is no point."""
    x, intensity, stderr = frames.two_theta, frames.intensity[rows], frames.stderr[rows]
    first = np.searchsorted(x, low)
    points = int(np.max(np.searchsorted(x, high) - first))
    # windows of all frames have one shape: points beyond the axis repeat the last, with weight 0
    index = first[:, None] + np.arange(points)
    place = np.minimum(index, x.size - 1)
    y, sigma = np.take_along_axis(intensity, place, 1), np.take_along_axis(stderr, place, 1)
    used = (x[place] <= high[:, None]) & np.isfinite(y) & (sigma > 0) & (index < x.size)
    weight = np.where(used, 1 / np.where(used, sigma, 1.0) ** 2, 0.0)
    return Windows(x=x[place], y=np.where(used, y, 0.0), weight=weight)


def _make_empty_table(frames: int, count: int) -> _Table:
    names = (*PARAMETERS, "significance", "area_upper95", "chi2", "predicted")
    return _Table(
        values={name: np.full((frames, count), np.nan) for name in names},
        covariance=np.full((frames, count, 4, 4), np.nan),
        present=np.zeros((frames, count), dtype=bool),
        verdict=np.full((frames, count), LineVerdict.NO_DATA, dtype="U13"),
    )


def _write_window(
    table: _Table, found: SelectedPeaks, rows: Index, group: Index, tracked: Bool
) -> None:
    """Write what a window holds of reported lines into their places."""
    own = tracked[group]
    column = (np.cumsum(tracked) - 1)[group[own]]
    at = np.ix_(rows, column)
    for name in (*PARAMETERS, "significance"):
        table.values[name][at] = getattr(found, name)[:, own]
    table.values["area_upper95"][at] = found.upper95[:, own]
    table.values["chi2"][at] = found.chi2[:, None]
    table.covariance[at] = found.covariance[:, own]
    table.present[at] = found.present[:, own]
    fitted = np.where(found.at_edge, LineVerdict.AT_EDGE, LineVerdict.OK)
    fitted = np.where(found.converged[:, None], fitted, LineVerdict.NOT_CONVERGED)
    table.verdict[at] = np.where(found.present, fitted, LineVerdict.NO_PEAK)[:, own]


def _mark_doubtful_lines(table: _Table, good: Index, tracked: Bool, expected: _Expectation) -> None:
    """Mark lines that may be another phase's: under or beside another line, or alone of an absent
    phase."""
    hidden, disturbed = expected.hidden[:, tracked], expected.disturbed[:, tracked]
    present, verdict = table.present[good], table.verdict[good]
    fine = present & (verdict == LineVerdict.OK)
    verdict = np.where(fine & ~expected.phase_present[:, tracked], LineVerdict.ALONE, verdict)
    verdict = np.where((fine & disturbed) | hidden, LineVerdict.OVERLAP, verdict)
    table.verdict[good] = verdict
    # the fit cannot know what a line under a stronger one adds to it
    frame, line = np.nonzero(hidden & ~present)
    for name in (*PARAMETERS, "significance", "area_upper95"):
        table.values[name][good[frame], line] = np.nan
    table.covariance[good[frame], line] = np.nan


def _make_dataset(
    patterns: xr.Dataset,
    phases: Sequence[xr.Dataset],
    lines: KnownLines,
    table: _Table,
    options: Tracking,
) -> xr.Dataset:
    kept = np.flatnonzero(lines.tracked)
    names = [str(phase.attrs.get("phase", "")) for phase in phases]
    phase = np.array([names[p] for p in lines.phase[kept]], dtype=object)
    wavelength = float(patterns["wavelength"])
    covariance = table.covariance
    stderr = np.sqrt(np.maximum(np.einsum("flii->fli", covariance), 0.0))
    position = table.values["position"]
    attrs: dict[str, Any] = {"instrument_breadth": options.instrument_breadth}
    if patterns.attrs.get("synthetic"):
        attrs["synthetic"] = 1
    return PEAKS.dataset(
        {
            "frame": patterns["frame"],
            "peak": np.arange(kept.size),
            "phase": phase,
            "hkl": np.array([lines.hkl[n] for n in kept], dtype=object),
            "named": lines.named[kept].astype(np.int8),
            "par": np.array(PARAMETERS, dtype=object),
            "par2": np.array(PARAMETERS, dtype=object),
            "candidate": np.array(list(dict.fromkeys(phase)), dtype=object),
            "covariance": covariance,
            **table.values,
            **{f"{name}_stderr": stderr[..., i] for i, name in enumerate(PARAMETERS)},
            "d": d_from_two_theta(position, wavelength),
            "d_stderr": stderr[..., 0] / np.abs(two_theta_per_d(position, wavelength)),
            "verdict": table.verdict.astype(object),
            **_fit_broadening(table, phase, wavelength, options),
        },
        attrs,
    )


def _fit_broadening(
    table: _Table, phase: Any, wavelength: float, options: Tracking
) -> dict[str, Array]:
    """Return inverse size and microstrain of each phase (frames, candidates), from its undisturbed
    lines."""
    fwhm, eta = table.values["fwhm"], table.values["eta"]
    widths = [PARAMETERS.index("fwhm"), PARAMETERS.index("eta")]
    covariance = table.covariance[..., widths, :][..., widths]
    stderr = broadening.breadth_stderr_from_covariance(fwhm, eta, covariance)
    breadth = broadening.integral_breadth_from_fwhm(fwhm, eta)
    breadth = broadening.subtract_instrument(breadth, options.instrument_breadth)
    fits = []
    for name in dict.fromkeys(phase):
        own = phase == name
        good = table.verdict[:, own] == LineVerdict.OK
        fits.append(
            broadening.fit_williamson_hall(
                table.values["position"][:, own],
                np.where(good, breadth[:, own], np.nan),
                stderr[:, own],
                wavelength,
            )
        )
    covariances = np.stack([fit.covariance for fit in fits], axis=1)
    return {
        "inverse_size": np.stack([fit.inverse_size for fit in fits], axis=1),
        "inverse_size_stderr": np.sqrt(covariances[..., 0, 0]),
        "microstrain": np.stack([fit.microstrain for fit in fits], axis=1),
        "microstrain_stderr": np.sqrt(covariances[..., 1, 1]),
    }
