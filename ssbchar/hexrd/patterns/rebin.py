"""Patterns of different axes on one: converted exactly through d, rebinned by overlap, never
interpolated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from ssbchar.errors import BadInput
from ssbchar.hexrd import bragg
from ssbchar.hexrd.patterns.formats.extracted import PatternFile
from ssbchar.hexrd.patterns.frame_status import FrameStatus, judge_axis
from ssbchar.hexrd.patterns.options import OtherGrid, PatternReading
from ssbchar.storage import row_file
from ssbchar.storage.row_file import RowFile
from ssbchar.typing import Array, Bool, Index

KEPT = np.float32
"""Type of stored intensities: 24 bits, 6e-8 of their value; counts to 16 million exactly, all far
below their noise."""
DEGREES = {"centidegree": 0.01, "radian": 180 / np.pi}
"""Units of 2theta that only the user can state [degree]."""
COVERED = 1e-6
"""How far the overlaps of a new point may sum up to other than 1 before it lies outside."""


@dataclass(frozen=True, kw_only=True)
class SeriesAxis:
    """The axis of a series, for frames that are added to it later."""

    two_theta: Array
    """That of the files [degree], ascending, shape (all points,)."""
    keep: Bool
    """Its points that are used, shape (all points,)."""


@dataclass(frozen=True, kw_only=True)
class RegriddedSeries:
    """All frames on one axis."""

    axis: Array
    """2theta [degree], ascending, shape (points,)."""
    origin: SeriesAxis
    """What it was chosen from."""
    intensity: Array | RowFile
    """[counts], shape (frames, points); NaN where a frame has nothing. On disk where it is
    large."""
    stderr: Array | RowFile
    """[counts], the files' own or those of counting."""
    poisson: bool
    """Whether no file states its errors."""
    status: NDArray[np.str_]
    """`FrameStatus` of each frame's axis, shape (frames,)."""
    rebinned: NDArray[np.int8]
    """1 where the frame was rebinned to the axis of the others, shape (frames,)."""


@dataclass(frozen=True, kw_only=True)
class FileAxis:
    """The axis of one file at the series' wavelength."""

    two_theta: Array
    """[degree], shape (points,), in the order of the file."""
    status: FrameStatus

    @property
    def descending(self) -> bool:
        """Whether a usable axis runs from high to low 2theta."""
        return bool(self.two_theta[0] > self.two_theta[-1])

    @property
    def key(self) -> bytes:
        """Equal for equal axes, empty for one that cannot be used."""
        return self.two_theta.tobytes() if self.status == FrameStatus.OK else b""


def regrid(
    source: Path,
    contents: list[PatternFile],
    wavelength: float,
    options: PatternReading,
    *,
    like: SeriesAxis | None = None,
) -> RegriddedSeries:
    """Return all frames on the axis that most files have, or on one that is given.

    To spare memory the intensities of each of `contents` are dropped once they are on the axis.

    Parameters
    ----------
    source : Path
        For messages.
    contents : list of PatternFile
        In the order of the series; intensities [counts] of shape (frames, points).
    wavelength : float
        Wavelength of the series [angstrom].
    options : PatternReading
        What to do with frames on another axis.
    like : SeriesAxis, optional
        Axis of the series that the frames belong to [degree].

    Raises
    ------
    BadInput
        No file has a usable axis.
    """
    axes = list(_convert_axes(contents, wavelength, options))
    axis = _choose_axis(source, axes) if like is None else like.two_theta
    frames = sum(content.frames for content in contents)
    series = RegriddedSeries(
        axis=axis,
        origin=like or SeriesAxis(two_theta=axis, keep=np.ones(axis.size, bool)),
        intensity=row_file.allocate_rows((frames, axis.size), KEPT),
        stderr=row_file.allocate_rows((frames, axis.size), KEPT),
        poisson=all(content.stderr is None for content in contents),
        status=np.full(frames, FrameStatus.OK, dtype="U12"),
        rebinned=np.zeros(frames, dtype=np.int8),
    )
    first = 0
    for content, file_axis in zip(contents, axes, strict=True):
        for part in row_file.split_rows(content.intensity.shape):
            rows = slice(first + part.start, first + part.stop)
            _fill_rows(series, rows, content, part, file_axis, other_grid=options.other_grid)
        first += content.frames
        content.intensity, content.stderr = np.empty((0, 0)), None
    return _drop_empty_points(series) if like is None else _select_points(series, like.keep)


def _choose_axis(source: Path, axes: list[FileAxis]) -> Array:
    """Return the 2theta [degree] that most files have, ascending."""
    keys = [axis.key for axis in axes]
    # Bytes compare whole axes at once, and can be counted.
    counts = Counter(key for key in keys if key)
    if not counts:
        status = axes[0].status
        raise BadInput(source, f"{status.problem} in every file", status.remedy)
    two_theta = np.frombuffer(counts.most_common(1)[0][0])
    return two_theta[::-1].copy() if two_theta[0] > two_theta[-1] else two_theta.copy()


def _drop_empty_points(series: RegriddedSeries) -> RegriddedSeries:
    """Leave out points that hold nothing: NaN in more than half of the frames, or zero in all at
    either end."""
    usable = int(np.sum(series.status == FrameStatus.OK))
    missing, has_counts = _survey_points(series.intensity)
    # A frame that is excluded is NaN at every point and says nothing of the points.
    missing = missing - (series.status.size - usable)
    seldom_missing = missing <= usable / 2
    filled = np.flatnonzero(has_counts & seldom_missing)
    if not filled.size or not usable:
        return series
    # Zeros inside the range are counts; at the ends they are bins that no pixel reaches.
    keep = seldom_missing
    keep[: filled[0]] = False
    keep[filled[-1] + 1 :] = False
    return _select_points(series, keep)


def _select_points(series: RegriddedSeries, keep: Bool) -> RegriddedSeries:
    """Return the series with some points of its axis alone."""
    if keep.all():
        return series
    return replace(
        series,
        axis=series.axis[keep],
        origin=replace(series.origin, keep=keep),
        intensity=row_file.select_points(series.intensity, keep),
        stderr=row_file.select_points(series.stderr, keep),
    )


def _survey_points(intensity: Array | RowFile) -> tuple[Index, Bool]:
    """Return in how many frames each point is NaN, and whether it has counts in any."""
    missing = np.zeros(intensity.shape[1], dtype=np.int64)
    has_counts = np.zeros(intensity.shape[1], dtype=bool)
    for part in row_file.split_rows(intensity.shape):
        block = intensity[part]
        nan = np.isnan(block)
        missing += nan.sum(axis=0)
        has_counts |= ((block != 0) & ~nan).any(axis=0)
    return missing, has_counts


def _convert_axes(
    contents: list[PatternFile],
    wavelength: float,
    options: PatternReading,
) -> Iterator[FileAxis]:
    """Yield the axis of each file; files that share an axis share the array."""
    before: PatternFile | None = None
    axis: FileAxis | None = None
    for content in contents:
        if axis is None or before is None or not _has_same_axis(content, before):
            two_theta = _convert_to_two_theta(content, wavelength, options)
            axis = FileAxis(two_theta=two_theta, status=judge_axis(two_theta))
        before = content
        yield axis


def _has_same_axis(one: PatternFile, other: PatternFile) -> bool:
    return one.x is other.x and (one.unit, one.wavelength) == (other.unit, other.wavelength)


def _convert_to_two_theta(
    content: PatternFile,
    wavelength: float,
    options: PatternReading,
) -> Array:
    """Return the axis of a file as 2theta [degree] at the series' wavelength [angstrom], exact
    through q."""
    unit = content.unit or options.axis_unit or "degree"
    match unit:
        case "centidegree" | "radian":
            return content.x * DEGREES[unit]
        case "degree":
            stated = content.wavelength
            own = stated[0] if stated and options.wavelength is None else wavelength
            if own == wavelength:
                return content.x
            return bragg.convert_wavelength(content.x, own, wavelength)
        case "angstrom":
            return bragg.two_theta_from_d(content.x, wavelength)
        case "1/nm":
            return bragg.two_theta_from_q(content.x * 0.1, wavelength)
        case "1/angstrom":
            return bragg.two_theta_from_q(content.x * 1.0, wavelength)
        case _:
            assert_never(unit)


def _fill_rows(
    series: RegriddedSeries,
    rows: slice,
    content: PatternFile,
    part: slice,
    axis: FileAxis,
    *,
    other_grid: OtherGrid,
) -> None:
    """Put the frames `part` of a file into the rows of the series, with their status."""
    if axis.status != FrameStatus.OK:
        _exclude_rows(series, rows, axis.status)
        return
    # Descending axes are turned: rebinning and all later steps need ascending ones.
    x = axis.two_theta
    values = content.intensity[part]
    errors = _choose_stderr(content, part, values)
    if axis.descending:
        x, values, errors = x[::-1], values[:, ::-1], errors[:, ::-1]
    if np.array_equal(x, series.axis):
        series.intensity[rows], series.stderr[rows] = values, errors
        return
    match other_grid:
        case "set_aside":
            _exclude_rows(series, rows, FrameStatus.OTHER_GRID)
        case "rebin":
            both = [rebin(x, v, e**2, series.axis) for v, e in zip(values, errors, strict=True)]
            series.intensity[rows] = np.array([mean for mean, _ in both])
            series.stderr[rows] = np.sqrt([variance for _, variance in both])
            series.rebinned[rows] = 1
        case _:
            assert_never(other_grid)


def _exclude_rows(series: RegriddedSeries, rows: slice, status: FrameStatus) -> None:
    """Leave rows empty, with the status that says why."""
    series.intensity[rows] = np.nan
    series.stderr[rows] = np.nan
    series.status[rows] = status


def _choose_stderr(content: PatternFile, part: slice, values: Array) -> Array:
    """Return standard errors [counts] of frames: the file's own where positive, else those of
    counting."""
    # No count at all still has an error: that of one.
    poisson = np.sqrt(np.maximum(values, 1.0))
    if content.stderr is None:
        return np.asarray(poisson)
    own = content.stderr[part]
    return np.where(own > 0, own, poisson)


def rebin(x: Array, values: Array, variance: Array, onto: Array) -> tuple[Array, Array]:
    """Return values and variance on another axis, by the exact overlap of the points' intervals.

    Each point stands for the interval up to the midpoints to its neighbours, its value the mean
    over it; a new value is the overlap-weighted mean, v_j = sum_i w_ji v_i with w_ji = overlap /
    width, its variance sum_i w_ji^2 var_i. Neighbouring new points share counts; their covariance
    is not kept.

    Parameters
    ----------
    x, values, variance : ndarray, shape (points,)
        Old axis (ascending) in any unit, values, and their variances.
    onto : ndarray, shape (new points,)
        New axis, in the unit of `x`.

    Returns
    -------
    values, variance : ndarray, shape (new points,)
        NaN where the new interval reaches beyond the old axis.
    """
    old, new = _interval_edges_from_points(x), _interval_edges_from_points(onto)
    # Between neighbouring cuts one old and one new interval overlap throughout.
    cuts = np.unique(np.concatenate([old, new]))
    first, last = max(old[0], new[0]), min(old[-1], new[-1])
    cuts = cuts[(cuts >= first) & (cuts <= last)]
    middle, width = (cuts[1:] + cuts[:-1]) / 2, np.diff(cuts)
    i = np.clip(np.searchsorted(old, middle) - 1, 0, x.size - 1)
    j = np.clip(np.searchsorted(new, middle) - 1, 0, onto.size - 1)
    w = width / np.diff(new)[j]
    mean = np.bincount(j, w * values[i], onto.size).astype(float)
    var = np.bincount(j, w**2 * variance[i], onto.size).astype(float)
    # A new interval that the old axis covers in part would be a mean of something else.
    outside = np.abs(np.bincount(j, w, onto.size) - 1) > COVERED
    mean[outside] = np.nan
    var[outside] = np.nan
    return mean, var


def _interval_edges_from_points(x: Array) -> Array:
    """Return the edges (points + 1) of the intervals around points, midway between neighbours."""
    middle = (x[1:] + x[:-1]) / 2
    first = x[0] - (middle[0] - x[0])
    last = x[-1] + (x[-1] - middle[-1])
    return np.concatenate([[first], middle, [last]])
