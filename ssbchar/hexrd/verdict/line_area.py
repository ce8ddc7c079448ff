"""How much of the lines that are there the refinement explains: where it does not, no cell and no
intensity is a result."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ssbchar.conclusion import Conclusion
from ssbchar.hexrd.verdict import sentences
from ssbchar.hexrd.verdict.options import Stability
from ssbchar.statistics import Z95
from ssbchar.storage import row_file
from ssbchar.storage.lazy_rows import RowReader
from ssbchar.typing import Array, Bool
from ssbchar.verdict import Verdict

if TYPE_CHECKING:
    import xarray as xr

SEEN = 5.0
"""Standard deviations from which a line counts as seen."""
TRACKED = 3.0
"""Standard deviations from which a line that no phase explains counts in a frame."""
PLACED = 0.1
"""Share of a line's area that is calculated where a phase has a line there, strong or weak."""
CURVES = ("calculated", "background", "residual")
LINES = ("position", "fwhm", "significance")


@dataclass(frozen=True, kw_only=True)
class ExplainedArea:
    """The share of the line area that the refinement explains."""

    share: Array
    """Of every frame [1], shape (frames,); NaN where no line was seen or nothing was refined."""
    bound: float
    """Least share of a refinement that explains its lines [1]."""
    placed: float = float("nan")
    """Share of the observed line area [1] that lies where a phase has lines, whatever their
    intensities: median of the frames, NaN where none was seen."""

    @property
    def is_measured(self) -> bool:
        """Whether any frame has lines to explain, a bool."""
        return bool(np.isfinite(self.share).any())

    @property
    def usual(self) -> float:
        """Median of the frames with lines [1], a float, NaN where there are none."""
        known = self.share[np.isfinite(self.share)]
        return float(np.median(known)) if known.size else float("nan")

    @property
    def limits(self) -> tuple[float, float]:
        """95 % limits of the median [1] by its neighbours in rank, n / 2 -/+ 0.98 sqrt(n) of n
        frames, which asks nothing of how they scatter; all of few frames."""
        known = np.sort(self.share[np.isfinite(self.share)])
        reach = 0.5 * Z95 * math.sqrt(known.size)
        low = max(math.floor(known.size / 2 - reach) - 1, 0)
        high = min(math.ceil(known.size / 2 + reach), known.size - 1)
        return float(known[low]), float(known[high])

    @property
    def misfit(self) -> Bool:
        """Frames whose lines the refinement does not explain, shape (frames,)."""
        return np.asarray(self.share < self.bound)

    def holds_in(self, frames: Sequence[int] | NDArray[np.intp]) -> bool:
        """Return whether the refinement explains the lines in most of some frames (indices), and
        lines were seen in them.

        One wild frame does not decide for all.
        """
        shares = self.share[np.asarray(frames, dtype=np.intp)]
        known = shares[np.isfinite(shares)]
        return bool(known.size) and bool(np.median(known) >= self.bound)


def measure_explained_area(
    peaks: xr.Dataset,
    lattice: xr.Dataset,
    tracks: xr.Dataset | None,
    options: Stability,
) -> ExplainedArea:
    """Return the share of the tracked line area that the refinement explains, frame by frame.

    Lines are found without the refinement: those fitted one by one (`peaks`), and those of the
    residual that no phase explains (`tracks`). Within a full width at half maximum to either side
    of each, the residual's net area is what is left over; the larger of the calculated and the
    observed area is what there is to explain. Negative where more is left over than there was,
    which counts as zero.

    Parameters
    ----------
    peaks : Dataset
        ``peaks.nc``: ``position`` and ``fwhm`` [degree], ``significance`` [1], shape (frame, peak).
    lattice : Dataset
        ``lattice.nc``: ``calculated``, ``background`` and ``residual`` [count], shape (frame,
        two_theta).
    tracks : Dataset or None
        ``tracks.nc``: ``area`` [count degree], shape (frame, track).
    options : Stability
        Least share [percent].
    """
    bound = options.explained_area / 100
    count = lattice.sizes["frame"]
    share, placed = np.full(count, np.nan), np.full(count, np.nan)
    has_lines = all(name in peaks for name in LINES) and "peak" in peaks.dims
    if not has_lines or not all(name in lattice for name in CURVES):
        return ExplainedArea(share=share, bound=bound)
    position, fwhm, strength = (np.asarray(peaks[name].values, float) for name in LINES)
    is_seen = (np.nan_to_num(strength) > SEEN) & np.isfinite(position) & (np.nan_to_num(fwhm) > 0)
    alone = _sum_unexplained(tracks, count)
    x = lattice["two_theta"].values.astype(float)
    step = np.gradient(x)
    curves = {name: RowReader(lattice[name]) for name in CURVES}
    for part in row_file.split_rows(lattice["residual"].shape):
        block = {name: curve[part].astype(float) for name, curve in curves.items()}
        lines = block["calculated"] - block["background"]
        left = block["residual"]
        for row, frame in enumerate(range(part.start, part.stop)):
            seen = np.flatnonzero(is_seen[frame])
            low = np.searchsorted(x, position[frame, seen] - fwhm[frame, seen])
            high = np.searchsorted(x, position[frame, seen] + fwhm[frame, seen])
            explained = _integrate(lines[row] * step, low, high)
            over = _integrate(left[row] * step, low, high)
            there = float(np.sum(np.maximum(explained, explained + over))) + alone[frame]
            missed = float(np.sum(np.abs(over))) + alone[frame]
            if np.isfinite(there) and there > 0:
                share[frame] = max(0.0, 1 - missed / there)
            observed = np.maximum(explained + over, 0.0)
            if observed.sum() + alone[frame] > 0:
                is_placed = explained > PLACED * observed
                placed[frame] = observed[is_placed].sum() / (observed.sum() + alone[frame])
    known = placed[np.isfinite(placed)]
    return ExplainedArea(
        share=share, bound=bound, placed=float(np.median(known)) if known.size else float("nan")
    )


def _integrate(weighted: Array, low: Array, high: Array) -> Array:
    """Return the sums of values between places, shape (lines,)."""
    running = np.concatenate([[0.0], np.cumsum(weighted)])
    return np.asarray(running[high] - running[low])


def _sum_unexplained(tracks: xr.Dataset | None, count: int) -> Array:
    """Return the area of the lines that no phase explains, shape (frames,) [count degree]."""
    if tracks is None or "area" not in tracks or not tracks.sizes.get("track"):
        return np.zeros(count)
    area, stderr = tracks["area"].values, tracks["area_stderr"].values
    # A line that is not there in a frame would add half of its noise.
    is_there = area > TRACKED * stderr
    return np.asarray(np.where(is_there, np.nan_to_num(area), 0.0).sum(axis=1))


def conclude_explained_area(explained: ExplainedArea) -> Conclusion:
    """Return the row of the share of the line area that the refinement explains [percent].

    Parameters
    ----------
    explained : ExplainedArea
    """
    if not explained.is_measured:
        verdict = Verdict.NOT_MEASURED
    elif explained.usual >= explained.bound:
        verdict = Verdict.OK
    else:
        verdict = Verdict.MISFIT
    low, high = explained.limits if explained.is_measured else (None, None)
    return Conclusion(
        "line_area_explained",
        value=100 * explained.usual if explained.is_measured else None,
        lower95=None if low is None else 100 * low,
        upper95=None if high is None else 100 * high,
        unit="percent",
        verdict=verdict,
        reason=sentences.describe_explained_area(explained),
        method=sentences.EXPLAINED_METHOD,
    )
