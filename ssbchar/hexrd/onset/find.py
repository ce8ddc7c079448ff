"""Onset and end of every phase on every segment, with 95 % limits: from intensities and presence
tests."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ssbchar.conclusion import Conclusion
from ssbchar.hexrd.furnace.segments import (
    Segment,
    SegmentKind,
    measure_frame_interval,
    split_segments,
)
from ssbchar.hexrd.onset.change_point import ChangePoint, find_change_point
from ssbchar.hexrd.onset.options import Onset
from ssbchar.statistics import ONE_SIDED_95, ROUNDED_Z95, find_runs
from ssbchar.typing import Array, Bool, Index
from ssbchar.verdict import Verdict

if TYPE_CHECKING:
    import xarray as xr

FEWEST_FRAMES = 3
"""Usable frames that a segment must have."""
FULLY_THERE = 4
"""Frames, the first seen included, of which the largest intensity is the full one of a jump."""
NEARLY_ABSENT = 0.1
"""Share of the full intensity below which the frame before a jump, its error added, counts as
without the phase."""
SCATTERED = 1.5
"""Factor on the stated errors from which the reason names it."""
SHORTER = (0.5, 0.25)
"""Parts of the growth that are modelled where all of it scatters beyond `SCATTERED`: a plateau, a
second step or a wild frame above says nothing on the beginning."""
METHOD = (
    "change point of the intensity: flat, then linear and square in T - T0; "
    "averaged profile likelihood; laws of other powers in the systematic"
)
METHOD_OF_JUMP = "between two frames: absent in one, fully there in the next"
METHOD_OF_FRAMES = "presence test of each frame"


@dataclass(frozen=True, kw_only=True)
class PhaseOnSegment:
    """A phase's intensity along one segment; arrays of shape (frames,), usable frames only."""

    segment: Segment
    number: Index
    """Frame numbers."""
    temperature: Array
    """[degC]"""
    temperature_stderr: Array
    """[degC]"""
    temperature_systematic: Array
    """[degC]"""
    rate: Array
    """[K/min]"""
    intensity: Array
    """[counts degree]"""
    stderr: Array
    significance: Array
    """Of the presence test [standard deviations]."""
    seen: Bool
    """Whether the frame belongs to a run of frames that show the phase."""

    @property
    def on_hold(self) -> bool:
        """Whether only frames, not temperatures, can tell a change (bool) [1]."""
        return self.segment.kind is SegmentKind.HOLD

    @property
    def direction(self) -> float:
        """Sign (float) [1] that makes the temperature rise with the frame number."""
        return -1.0 if self.segment.kind is SegmentKind.COOLING else 1.0


@dataclass(frozen=True, kw_only=True)
class _Rise:
    """The same, ordered so that the phase comes: as measured for its onset, backwards for its
    end."""

    phase: PhaseOnSegment
    backward: bool
    order: Index
    """Indices into the arrays of `phase`."""
    begin: int
    """Place in `order` of the first frame that shows the phase."""

    @property
    def quantity(self) -> str:
        """Name (str) of the row: a temperature [degC], or a frame on a hold."""
        what = "end" if self.backward else "onset"
        return f"{what}_frame" if self.phase.on_hold else f"{what}_temperature"

    @property
    def sign(self) -> float:
        """Sign (float) [1] that makes the coordinate increase along the order."""
        return self.phase.direction * (-1.0 if self.backward else 1.0)


def find_onsets(lattice: xr.Dataset, furnace: xr.Dataset, options: Onset) -> list[Conclusion]:
    """Return onset and end of every phase on every segment (``onset.json``).

    The change point of the intensity (`find_change_point`) gives value and 95 % limits; the
    presence tests of single frames bound it. Where a phase was there from the start, is still
    there, or never came, the row has a one-sided limit and a verdict: `present_from_start`,
    `still_present`, `not_seen`. On holds frames are given, not temperatures.

    Parameters
    ----------
    lattice : Dataset
        ``lattice.nc``: ``intensity`` [counts degree], ``intensity_stderr``,
        ``intensity_upper95``, ``significance`` and ``present``, shape (frame, phase).
    furnace : Dataset
        ``furnace.nc``: ``temperature`` [degC] with its errors, ``rate`` [K/min] and ``segment``,
        shape (frame,).
    options : Onset

    Returns
    -------
    list of Conclusion
        Temperatures [degC], or frame numbers [1] on holds.
    """
    interval = measure_frame_interval(furnace)
    strongest = float(np.nanmax(lattice["intensity"].values, initial=0.0))
    rows: list[Conclusion] = []
    for segment in split_segments(furnace["segment"].values):
        for p, name in enumerate(lattice["phase"].values):
            phase = _select_phase(lattice, furnace, p, segment, options)
            if phase is None:
                continue
            if phase.seen.any():
                found = _conclude_changes(phase, interval, options)
            else:
                found = _conclude_not_seen(phase, strongest)
            rows += [replace(row, subject=str(name), condition=segment.name) for row in found]
    return rows


def _select_phase(
    lattice: xr.Dataset, furnace: xr.Dataset, phase: int, segment: Segment, options: Onset
) -> PhaseOnSegment | None:
    """Return a phase's intensity on a segment, None with too few usable frames.

    Where the refinement left the phase out, the intensity is zero with the error that its upper
    limit stands for.
    """

    def read(name: str) -> Array:
        """Return a variable of the phase on the segment, shape (frames,), in its unit."""
        values: Array = lattice[name].values[segment.frames, phase].astype(float)
        return values

    value, stderr = read("intensity"), read("intensity_stderr")
    # a phase left out is seen as zero, not as missing: its change would else have no flat part
    left_out = ~np.isfinite(value) | ~(stderr > 0)
    stderr = np.where(left_out, read("intensity_upper95") / ONE_SIDED_95, stderr)
    value = np.where(left_out, 0.0, value)
    significance = np.nan_to_num(read("significance"), nan=0.0)
    shown = (read("present") == 1) & (significance >= options.significance)

    usable = np.isfinite(value) & np.isfinite(stderr) & (stderr > 0)
    usable &= np.isfinite(furnace["temperature"].values[segment.frames])
    if usable.sum() < FEWEST_FRAMES:
        return None
    frames = segment.frames[usable]

    def read_furnace(name: str) -> Array:
        """Return a variable of the usable frames, shape (frames,), in its unit."""
        values: Array = furnace[name].values[frames].astype(float)
        return values

    return PhaseOnSegment(
        segment=segment,
        number=lattice["frame"].values[frames],
        temperature=read_furnace("temperature"),
        temperature_stderr=np.nan_to_num(read_furnace("temperature_stderr")),
        temperature_systematic=np.nan_to_num(read_furnace("temperature_systematic")),
        rate=np.nan_to_num(read_furnace("rate")),
        intensity=value[usable],
        stderr=stderr[usable],
        significance=significance[usable],
        seen=_drop_short_runs(shown[usable], options.consecutive),
    )


def _drop_short_runs(seen: Bool, shortest: int) -> Bool:
    """Return `seen` without runs shorter than `shortest` (or than all frames there are)."""
    kept = np.zeros_like(seen)
    for start, stop in find_runs(seen):
        kept[start:stop] = stop - start >= min(shortest, seen.size)
    return kept


def _conclude_not_seen(phase: PhaseOnSegment, strongest: float) -> list[Conclusion]:
    """Return the row of a phase that no frame shows, none on a hold."""
    if phase.on_hold:
        return []
    limit = float(np.max(np.maximum(phase.intensity, 0) + ONE_SIDED_95 * phase.stderr))
    if strongest > 0:
        share = f"below {100 * limit / strongest:.2g} % of the strongest phase (95 %)"
    else:
        share = "without a limit"
    first, last = phase.temperature[0], phase.temperature[-1]
    return [
        Conclusion(
            "onset_temperature",
            unit="degC",
            verdict=Verdict.NOT_SEEN,
            reason=f"not seen between {first:.0f} and {last:.0f} degC: intensity {share}",
            method=METHOD_OF_FRAMES,
        )
    ]


def _conclude_changes(phase: PhaseOnSegment, interval: float, options: Onset) -> list[Conclusion]:
    """Return onset and end of a phase that some frames show."""
    rows = []
    for backward in (False, True):
        order = np.arange(phase.seen.size)[:: -1 if backward else 1]
        begin = int(np.argmax(phase.seen[order]))
        rise = _Rise(phase=phase, backward=backward, order=order, begin=begin)
        if begin > 0:
            rows.append(_conclude_change(rise, interval, options))
        elif not phase.on_hold:
            rows.append(_conclude_one_sided(rise))
    return rows


def _conclude_change(rise: _Rise, interval: float, options: Onset) -> Conclusion:
    """Return where a phase begins (or, backwards, ends)."""
    phase, sign = rise.phase, rise.sign
    along = phase.number.astype(float) if phase.on_hold else phase.temperature
    found, method = _locate_change(rise, sign * along[rise.order], options)
    value = sign * found.value
    low, high = sorted((sign * found.lower95, sign * found.upper95))
    nearest = int(np.argmin(np.abs(along - value)))
    scale = 0.0 if phase.on_hold else float(phase.temperature_systematic[nearest])
    systematic = float(np.hypot(scale, found.law))
    reason = _describe_frames(rise)
    if found.inflation > SCATTERED:
        reason += f"; scatter {found.inflation:.1f} times the stated errors"
    if found.law > found.stderr:
        unit = "frames" if phase.on_hold else "K"
        reason += f"; which law the growth follows leaves {found.law:.1f} {unit} open"
    if not phase.on_hold and np.isfinite(interval):
        rate = abs(phase.rate[nearest])
        reason += f"; one frame spans {rate * interval / 60:.1f} K at {rate:.2g} K/min"
    row = Conclusion(
        rise.quantity,
        systematic=systematic,
        unit="1" if phase.on_hold else "degC",
        method=method,
    )
    if found.at_edge:
        return replace(
            row,
            lower95=None if sign > 0 else low - ROUNDED_Z95 * systematic,
            upper95=high + ROUNDED_Z95 * systematic if sign > 0 else None,
            verdict=Verdict.ONE_SIDED,
            reason=f"the change reaches the segment's end; {reason}",
        )
    return replace(
        row,
        value=value,
        stderr=found.stderr,
        lower95=value - np.hypot(value - low, ROUNDED_Z95 * systematic),
        upper95=value + np.hypot(high - value, ROUNDED_Z95 * systematic),
        verdict=Verdict.OK,
        reason=reason,
    )


def _locate_change(rise: _Rise, u: Array, options: Onset) -> tuple[ChangePoint, str]:
    """Return the change point along u, which grows from where the phase is absent, and the
    method."""
    y, begin = rise.phase.intensity[rise.order], rise.begin
    full = float(np.max(y[begin : begin + FULLY_THERE]))
    # within its error too: of a phase that noise hides a tenth is not seen
    before = y[begin - 1] + rise.phase.stderr[rise.order][begin - 1]
    if y[begin] > options.upper_share * full and before < NEARLY_ABSENT * full:
        return _bracket_jump(u[begin - 1], u[begin]), METHOD_OF_JUMP
    whole = _fit_growth_up_to(rise, u, options.upper_share)
    if whole.inflation <= SCATTERED:
        return whole, METHOD
    for part in SHORTER:
        # one law does not hold so far up, but it may at the beginning
        share = part * options.upper_share
        shorter = _fit_growth_up_to(rise, u, share)
        if shorter.inflation <= SCATTERED:
            return shorter, f"{METHOD}; up to {share:.2g} of the largest intensity"
    return whole, METHOD


def _fit_growth_up_to(rise: _Rise, u: Array, share: float) -> ChangePoint:
    """Return the change point of the growth up to a share of the largest intensity [1]."""
    growth = _select_growth(rise.phase.intensity[rise.order], rise.begin, share)
    found = _fit_growth(rise, u, growth)
    if found.at_edge and growth[0] > 0:
        # the flat part before the growth was cut too short: take all of it
        found = _fit_growth(rise, u, np.arange(growth[-1] + 1))
    return found


def _bracket_jump(before: float, first: float) -> ChangePoint:
    """Return the change of a jump between two frames: anywhere between them, equally likely."""
    gap, middle = abs(first - before), (first + before) / 2
    return ChangePoint(
        value=middle,
        stderr=gap / np.sqrt(12),
        law=0.0,
        lower95=middle - 0.475 * gap,
        upper95=middle + 0.475 * gap,
        inflation=1.0,
        at_edge=False,
    )


def _fit_growth(rise: _Rise, u: Array, growth: NDArray[np.intp]) -> ChangePoint:
    """Return the change point of some frames (places in the order of `rise`), sorted by u."""
    phase = rise.phase
    places = growth[np.argsort(u[growth], kind="stable")]
    frames = rise.order[places]
    u_stderr = np.zeros(places.size) if phase.on_hold else phase.temperature_stderr[frames]
    latest = max(u[rise.begin], u[rise.begin - 1])
    return find_change_point(
        u[places], u_stderr, phase.intensity[frames], phase.stderr[frames], latest
    )


def _select_growth(intensity: Array, begin: int, share: float) -> NDArray[np.intp]:
    """Return the frames of the growth up to a share of the maximum, and twice as many (20 at
    least) before it.

    Growth is judged on the running median of five frames, so that one noisy frame does not end
    it.
    """
    padded = np.pad(intensity[begin:], 2, mode="edge")
    smooth = np.median(np.lib.stride_tricks.sliding_window_view(padded, 5), axis=1)
    high = np.flatnonzero(smooth >= share * float(np.max(smooth)))
    count = max(int(high[0]) + 1 if high.size else 0, 5)
    stop = min(intensity.size, begin + count)
    return np.arange(max(0, begin - max(20, 2 * (stop - begin))), stop)


def _conclude_one_sided(rise: _Rise) -> Conclusion:
    """Return the limit where the phase is there at the segment's very start (or end)."""
    phase = rise.phase
    edge = int(rise.order[0])
    at, systematic = float(phase.temperature[edge]), float(phase.temperature_systematic[edge])
    margin = ROUNDED_Z95 * np.hypot(systematic, phase.temperature_stderr[edge])
    # the change lies outside the segment, against the direction in which u grows
    is_colder = rise.sign > 0
    significance = phase.significance[edge]
    return Conclusion(
        rise.quantity,
        systematic=systematic,
        lower95=None if is_colder else at - margin,
        upper95=at + margin if is_colder else None,
        unit="degC",
        verdict=Verdict.STILL_PRESENT if rise.backward else Verdict.PRESENT_FROM_START,
        reason=f"seen in frame {phase.number[edge]} at {at:.0f} degC ({significance:.0f} sigma)",
        method=METHOD_OF_FRAMES,
    )


def _describe_frames(rise: _Rise) -> str:
    """Return which frames the presence test tells apart."""
    phase = rise.phase
    first, before = rise.order[rise.begin], rise.order[rise.begin - 1]
    text = (
        f"seen in frame {phase.number[first]} ({phase.temperature[first]:.0f} degC, "
        f"{phase.significance[first]:.0f} sigma), not in frame {phase.number[before]}"
    )
    shown = np.flatnonzero(phase.seen)
    missing = int(np.sum(~phase.seen[shown[0] : shown[-1] + 1]))
    if missing and not rise.backward:
        text += f"; not seen in {missing} frames in between"
    return text
