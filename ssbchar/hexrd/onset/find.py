"""Onset and end of every phase on every segment, with 95 % limits: from intensities and presence
tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ssbchar.conclusion import Conclusion
from ssbchar.hexrd.furnace.segments import Segment, measure_frame_interval, split_segments
from ssbchar.hexrd.onset import change_point
from ssbchar.hexrd.onset.options import Onset
from ssbchar.statistics import ONE_SIDED_95, find_runs
from ssbchar.typing import Array

if TYPE_CHECKING:
    import xarray as xr

METHOD = "change point of the intensity: flat, then linear and square in T - T0; averaged profile likelihood"


@dataclass(frozen=True)
class PhaseOnSegment:
    """A phase's intensity along one segment."""

    ramp: Segment
    number: NDArray[np.int64]
    """Frame numbers."""
    temperature: Array
    temperature_stderr: Array
    temperature_systematic: Array
    rate: Array
    intensity: Array
    stderr: Array
    significance: Array
    seen: NDArray[np.bool_]
    """Presence test of each frame alone."""

    @property
    def on_hold(self) -> bool:
        """Whether only frames, not temperatures, can be told apart."""
        return self.ramp.kind == "hold"


def find_onsets(lattice: xr.Dataset, furnace: xr.Dataset, options: Onset) -> list[Conclusion]:
    """Return onset and end of every phase on every segment (``onset.json``).

    The change point of the intensity (`change_point.find`) gives value and 95 % limits; the
    presence tests of single frames bound it. Where a phase was there from the start, is still
    there, or never came, the row has a one-sided limit and a verdict: `present_from_start`,
    `still_present`, `not_seen`. On holds frames are given, not temperatures.
    """
    interval = measure_frame_interval(furnace)
    rows: list[Conclusion] = []
    strongest = float(np.nanmax(lattice["intensity"].values, initial=0.0))
    for ramp in split_segments(furnace["segment"].values):
        for p, name in enumerate(lattice["phase"].values):
            course = _course(lattice, furnace, p, ramp, options)
            if course is None:
                continue
            for conclusion in _judged(course, interval, strongest, options):
                rows.append(_named(conclusion, str(name), ramp.name))
    return rows


def _named(conclusion: Conclusion, phase: str, condition: str) -> Conclusion:
    from dataclasses import replace

    return replace(conclusion, subject=phase, condition=condition)


def _course(
    lattice: xr.Dataset, furnace: xr.Dataset, phase: int, ramp: Segment, options: Onset
) -> PhaseOnSegment | None:
    """Return a phase's intensity on a ramp; frames without a phase count as zero with the width of
    their limit."""
    frames = ramp.frames
    value = lattice["intensity"].values[frames, phase].astype(float)
    stderr = lattice["intensity_stderr"].values[frames, phase].astype(float)
    limit = lattice["intensity_upper95"].values[frames, phase].astype(float)
    blank = ~np.isfinite(value) | ~(stderr > 0)
    stderr = np.where(blank, limit / ONE_SIDED_95, stderr)
    value = np.where(blank, 0.0, value)
    significance = np.nan_to_num(lattice["significance"].values[frames, phase], nan=0.0)
    present = lattice["present"].values[frames, phase] == 1
    good = np.isfinite(value) & np.isfinite(stderr) & (stderr > 0)
    good &= np.isfinite(furnace["temperature"].values[frames])
    if good.sum() < 3:
        return None
    at = frames[good]
    return PhaseOnSegment(
        ramp,
        lattice["frame"].values[at],
        furnace["temperature"].values[at].astype(float),
        np.nan_to_num(furnace["temperature_stderr"].values[at].astype(float)),
        np.nan_to_num(furnace["temperature_systematic"].values[at].astype(float)),
        np.nan_to_num(furnace["rate"].values[at].astype(float)),
        value[good],
        stderr[good],
        significance[good],
        _runs((present & (significance >= options.significance))[good], options.consecutive),
    )


def _runs(seen: NDArray[np.bool_], shortest: int) -> NDArray[np.bool_]:
    """Return `seen` without runs shorter than `shortest`."""
    out = np.zeros_like(seen)
    for begin, end in find_runs(seen):
        out[begin:end] = end - begin >= min(shortest, seen.size)
    return out


def _judged(
    course: PhaseOnSegment, interval: float, strongest: float, options: Onset
) -> list[Conclusion]:
    """Return the rows of one phase on one segment."""
    name = (
        ("onset_frame", "end_frame") if course.on_hold else ("onset_temperature", "end_temperature")
    )
    first, last = course.temperature[0], course.temperature[-1]
    if not course.seen.any():
        if course.on_hold:
            return []
        limit = float(np.max(np.maximum(course.intensity, 0) + ONE_SIDED_95 * course.stderr))
        share = (
            f"below {100 * limit / strongest:.2g} % of the strongest phase (95 %)"
            if strongest > 0
            else "no limit"
        )
        reason = f"not seen between {first:.0f} and {last:.0f} degC: intensity {share}"
        return [
            Conclusion(
                name[0],
                unit="degC",
                verdict="not_seen",
                reason=reason,
                method="presence test of each frame",
            )
        ]
    rows = []
    for quantity, reverse in ((name[0], False), (name[1], True)):
        rows.append(_change(course, quantity, reverse, interval, options))
    told = [r for r in rows if r is not None]
    return told


def _change(
    course: PhaseOnSegment, quantity: str, reverse: bool, interval: float, options: Onset
) -> Conclusion | None:
    """Return where a phase begins (or, in reverse, ends)."""
    order = np.arange(course.seen.size)[:: -1 if reverse else 1]
    seen = course.seen[order]
    begin = int(np.argmax(seen))
    unit = "1" if course.on_hold else "degC"
    if begin == 0:
        return None if course.on_hold else _one_sided(course, quantity, reverse)
    # u grows from where the phase is absent to where it is present
    sign = (1.0 if course.ramp.kind != "cooling" else -1.0) * (-1.0 if reverse else 1.0)
    along = course.number.astype(float) if course.on_hold else course.temperature
    u, error = (
        sign * along[order],
        np.zeros(order.size) if course.on_hold else course.temperature_stderr[order],
    )
    kept = _window(course.intensity[order], begin, options)
    told = _evidence(course, order, begin)
    first, before = u[begin], u[begin - 1]
    y, sigma = course.intensity[order], course.stderr[order]
    level = float(np.max(y[begin : begin + 4]))
    if y[begin] > options.upper_share * level and y[begin - 1] < 0.1 * level:
        gap = abs(first - before)
        middle, spread = (first + before) / 2, gap / np.sqrt(12)
        found = change_point.ChangePoint(
            middle, spread, middle - 0.475 * gap, middle + 0.475 * gap, 1.0, False
        )
        method = "between two frames: absent in one, fully there in the next"
    else:
        found = _found(kept, u, error, y, sigma, max(first, before))
        if found.at_edge and kept[0] > 0:
            found = _found(np.arange(kept[-1] + 1), u, error, y, sigma, max(first, before))
        method = METHOD
    low, high = sorted((sign * found.lower95, sign * found.upper95))
    value = sign * found.value
    near = int(np.argmin(np.abs(along - value)))
    systematic = 0.0 if course.on_hold else float(course.temperature_systematic[near])
    if found.inflation > 1.5:
        told += f"; scatter {found.inflation:.1f} times the stated errors"
    if not course.on_hold and np.isfinite(interval):
        told += f"; one frame spans {abs(course.rate[near]) * interval / 60:.1f} K at {abs(course.rate[near]):.2g} K/min"
    if found.at_edge:
        return Conclusion(
            quantity,
            value=None,
            stderr=None,
            systematic=systematic,
            lower95=None if sign > 0 else low,
            upper95=high if sign > 0 else None,
            unit=unit,
            verdict="one_sided",
            reason=f"the change reaches the segment's end; {told}",
            method=method,
        )
    return Conclusion(
        quantity,
        value=value,
        stderr=found.stderr,
        systematic=systematic,
        lower95=value - np.hypot(value - low, 1.96 * systematic),
        upper95=value + np.hypot(high - value, 1.96 * systematic),
        unit=unit,
        verdict="ok",
        reason=told,
        method=method,
    )


def _found(
    kept: NDArray[np.intp], u: Array, error: Array, y: Array, sigma: Array, latest: float
) -> change_point.ChangePoint:
    """Return the change point of some frames, put in the order of u."""
    at = kept[np.argsort(u[kept], kind="stable")]
    return change_point.find_change_point(u[at], error[at], y[at], sigma[at], latest)


def _one_sided(course: PhaseOnSegment, quantity: str, reverse: bool) -> Conclusion:
    """Return the limit where the phase is there at the segment's very start (or end)."""
    n = -1 if reverse else 0
    at, systematic = float(course.temperature[n]), float(course.temperature_systematic[n])
    margin = 1.96 * np.hypot(systematic, course.temperature_stderr[n])
    warmer = (course.ramp.kind == "cooling") != reverse
    verdict = "still_present" if reverse else "present_from_start"
    reason = (
        f"seen in frame {course.number[n]} at {at:.0f} degC ({course.significance[n]:.0f} sigma)"
    )
    return Conclusion(
        quantity,
        systematic=systematic,
        lower95=at - margin if warmer else None,
        upper95=None if warmer else at + margin,
        unit="degC",
        verdict=verdict,
        reason=reason,
        method="presence test of each frame",
    )


def _window(intensity: Array, begin: int, options: Onset) -> NDArray[np.intp]:
    """Return the frames of the growth up to its share of the maximum, and as many and more before
    it.

    Growth is judged on the running median of five frames, so that one noisy frame does not end
    it.
    """
    padded = np.pad(intensity[begin:], 2, mode="edge")
    smooth = np.median(np.lib.stride_tricks.sliding_window_view(padded, 5), axis=1)
    high = np.flatnonzero(smooth >= options.upper_share * float(np.max(smooth)))
    stop = min(intensity.size, begin + max(int(high[0]) + 1 if high.size else 0, 5))
    return np.arange(max(0, begin - max(20, 2 * (stop - begin))), stop)


def _evidence(course: PhaseOnSegment, order: NDArray[np.intp], begin: int) -> str:
    """Return which frames the presence test tells apart."""
    seen, absent = order[begin], order[begin - 1]
    text = (
        f"seen in frame {course.number[seen]} ({course.temperature[seen]:.0f} degC, "
        f"{course.significance[seen]:.0f} sigma), not in frame {course.number[absent]}"
    )
    gaps = int(np.sum(~course.seen[order[begin:]])) if np.all(order[:2] == [0, 1]) else 0
    inner = course.seen[np.flatnonzero(course.seen)[0] : np.flatnonzero(course.seen)[-1] + 1]
    missing = int(np.sum(~inner)) if gaps else 0
    return text + (f"; not seen in {missing} frames in between" if missing else "")
