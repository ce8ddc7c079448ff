"""Rows on how the refinement went: frames by status, and the breadths of each phase's lines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ssbchar.conclusion import Conclusion
from ssbchar.hexrd.refinement.cell_status import CellStatus
from ssbchar.hexrd.verdict import sentences
from ssbchar.hexrd.verdict.reference_cells import ReferenceFrames
from ssbchar.typing import Array
from ssbchar.uncertain import average_by_weight
from ssbchar.verdict import Verdict

if TYPE_CHECKING:
    import xarray as xr

WITHOUT_PHASE = (CellStatus.ABSENT, CellStatus.NOT_MEASURED)
MOSTLY = 0.9
"""Share of good frames from which a phase's refinement counts as ok."""
SEEN = 5.0
"""Standard deviations from which a line counts as seen."""


@dataclass(frozen=True, kw_only=True)
class RefinedFrames:
    """In how many frames the cell of a phase has each status."""

    counts: Mapping[CellStatus, int]

    @property
    def good(self) -> int:
        """Frames [1] with a good cell of their own, an int."""
        return self.counts[CellStatus.OK]

    @property
    def there(self) -> int:
        """Frames [1] with the phase, an int."""
        return sum(n for status, n in self.counts.items() if status not in WITHOUT_PHASE)


@dataclass(frozen=True, kw_only=True)
class Breadth:
    """How a breadth of ``peaks.nc`` is reported."""

    variable: str
    factor: float
    """To the unit reported."""
    unit: str


BREADTHS = (
    Breadth(variable="inverse_size", factor=10.0, unit="1/nm"),
    Breadth(variable="microstrain", factor=100.0, unit="percent"),
)


@dataclass(frozen=True, kw_only=True)
class LinesSeen:
    """How well the known lines of a phase were seen in their best frames."""

    seen: int
    """Lines above five sigma."""
    known: int
    best: float
    """Largest significance [standard deviations]."""


def count_refined_frames(lattice: xr.Dataset, phase: int) -> list[Conclusion]:
    """Return the row of how many frames [1] have a good cell of a phase, none where the phase was
    never there.

    Parameters
    ----------
    lattice : Dataset
        ``lattice.nc``, ``verdict`` of shape (frame, phase).
    phase : int
        Place of the phase.
    """
    words = lattice["verdict"].values[:, phase].astype(str)
    found = RefinedFrames(counts={s: int(np.sum(words == s)) for s in CellStatus})
    if not found.there:
        return []
    # A few weak frames at either end of a phase are no fault of the refinement.
    is_ok = found.good >= MOSTLY * found.there
    return [
        Conclusion(
            "frames_refined",
            value=float(found.good),
            unit="1",
            verdict=Verdict.OK if is_ok else Verdict.DOUBTFUL,
            reason=sentences.describe_refined_frames(found),
            method=sentences.REFINED_METHOD,
        )
    ]


def list_phase_notes(table: xr.Dataset | None) -> list[Conclusion]:
    """Return the row of what was resolved or assumed when a phase's CIF was read, none where
    nothing was.

    Parameters
    ----------
    table : Dataset or None
        The phase's reflections, attribute ``notes``: a JSON list.
    """
    notes = json.loads(table.attrs.get("notes", "[]")) if table is not None else []
    if not notes:
        return []
    return [
        Conclusion(
            "phase_as_read",
            verdict=Verdict.NONE,
            reason="; ".join(notes),
            method=sentences.PHASE_NOTES_METHOD,
        )
    ]


def list_reading_notes(furnace: xr.Dataset) -> list[Conclusion]:
    """Return the row of what was assumed or chosen when patterns and furnace log were read, none
    where nothing was.

    Parameters
    ----------
    furnace : Dataset
        ``furnace.nc``, attribute ``notes``: a JSON list.
    """
    notes = json.loads(furnace.attrs.get("notes", "[]"))
    if not notes:
        return []
    return [
        Conclusion(
            "series_as_read",
            verdict=Verdict.NONE,
            reason="; ".join(notes),
            method=sentences.READING_NOTES_METHOD,
        )
    ]


def summarise_breadths(peaks: xr.Dataset, name: str, frames: ReferenceFrames) -> list[Conclusion]:
    """Return inverse apparent size [1/nm] and microstrain [percent] of a phase before heating and
    after cooling, where measured.

    Parameters
    ----------
    peaks : Dataset
        ``peaks.nc``: ``inverse_size`` [1/angstrom] and ``microstrain`` [1] of shape (frame,
        candidate).
    name : str
        The phase.
    frames : ReferenceFrames
    """
    if "inverse_size" not in peaks:
        return []
    names = list(peaks["candidate"].values.astype(str))
    if name not in names:
        return []
    one = peaks.isel(candidate=names.index(name))
    instrument = float(peaks.attrs.get("instrument_breadth", 0.0))
    rows = []
    for condition, chosen in (("before heating", frames.before), ("after cooling", frames.after)):
        for breadth in BREADTHS:
            values = one[breadth.variable].values
            stderrs = one[f"{breadth.variable}_stderr"].values
            good = _select_measured(values, stderrs, chosen)
            if not good.size:
                continue
            mean, stderr, _ = average_by_weight(values[good], stderrs[good])
            row = Conclusion(
                breadth.variable,
                value=breadth.factor * mean,
                stderr=breadth.factor * stderr,
                unit=breadth.unit,
                # The instrument broadens lines too: without its breadth ours is too large.
                verdict=Verdict.OK if instrument > 0 else Verdict.UPPER_LIMIT,
                reason=sentences.describe_breadth(int(good.size), instrument),
                method=sentences.BREADTH_METHOD,
                condition=condition,
            )
            rows.append(row)
    return rows


def _select_measured(values: Array, stderrs: Array, frames: NDArray[np.intp]) -> NDArray[np.intp]:
    return frames[np.isfinite(values[frames]) & (stderrs[frames] > 0)]


def count_lines_seen(peaks: xr.Dataset) -> dict[str, LinesSeen]:
    """Return how many known lines of each phase were seen above five sigma in any frame.

    Parameters
    ----------
    peaks : Dataset
        ``peaks.nc``: ``significance`` [standard deviations] of shape (frame, peak), ``phase`` of
        shape (peak,).
    """
    if "phase" not in peaks or "significance" not in peaks:
        return {}
    # In its best frame a line is seen or not, whatever the others look like.
    best = np.nan_to_num(peaks["significance"].values).max(axis=0)
    phases = peaks["phase"].values.astype(str)
    found = {}
    for name in dict.fromkeys(phases):
        own = best[phases == name]
        found[str(name)] = LinesSeen(
            seen=int(np.sum(own > SEEN)),
            known=own.size,
            best=float(own.max()),
        )
    return found
