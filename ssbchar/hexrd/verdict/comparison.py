"""One phase against itself, at another time or temperature: what was compared, and the row that is
made of the shared decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ssbchar.conclusion import Conclusion
from ssbchar.decision import Decision, Estimate, decide_equality
from ssbchar.hexrd.furnace.segments import SegmentKind, split_segments
from ssbchar.hexrd.verdict import sentences
from ssbchar.hexrd.verdict.options import Stability

if TYPE_CHECKING:
    import xarray as xr

AT_ONE_TEMPERATURE = 10.0
"""A series whose temperatures span less is one hold [K]."""
REST = "rest"
"""A hold near the lowest temperature, before heating or after cooling."""
AT_REST = "after cooling"
"""Condition of what is compared before heating and after cooling."""


class Compared(StrEnum):
    """What of a phase is compared; the quantity of its row."""

    CELL = "cell_change"
    INTENSITY = "intensity_kept"
    VOLUME = "volume_return"


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """Successive frames over which a phase is compared with itself."""

    name: str
    """As ``heating``, ``hold 2`` or ``rest``."""
    kind: SegmentKind
    frames: NDArray[np.intp]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """An equality that can be decided."""

    phase: str
    quantity: Compared
    stretch: str
    """Name of the segment, or `AT_REST`."""
    axis: str
    """Cell parameter; empty for an intensity."""
    estimate: Estimate
    bound: float
    reference: float
    """What stands for no change, in the unit of the estimate."""
    unit: str
    basis: str
    """What it rests on, for the reason."""
    method: str
    is_against_trend: bool = False
    """Whether the quantity was compared with its own trend, which a change for good and a thermal
    one may both leave."""

    @property
    def condition(self) -> str:
        """The row's condition, a str."""
        return f"{self.stretch} {self.axis}".strip()


@dataclass(frozen=True, kw_only=True)
class Decided:
    """A comparison with its decision."""

    comparison: Comparison
    decision: Decision


def list_stretches(furnace: xr.Dataset, options: Stability) -> list[Stretch]:
    """Return the segments of a series; a series at one temperature is one hold.

    A hold near the lowest temperature of a programme is named ``rest``: what happens while the
    sample is hot stands under ``hold``.

    Parameters
    ----------
    furnace : Dataset
        ``furnace.nc``: ``segment`` and ``temperature`` [degC] of shape (frames,).
    options : Stability
        How near [K].
    """
    temperature = furnace["temperature"].values.astype(float)
    found = split_segments(furnace["segment"].values)
    if not found:
        known = np.flatnonzero(np.isfinite(temperature))
        whole = Stretch(name=SegmentKind.HOLD.value, kind=SegmentKind.HOLD, frames=known)
        return [whole] if is_at_one_temperature(furnace) else []
    coldest = float(np.nanmin(temperature)) + options.rest_above
    has_programme = not is_at_one_temperature(furnace)
    counts: dict[str, int] = {}
    stretches = []
    for segment in found:
        is_cold = float(np.nanmedian(temperature[segment.frames])) <= coldest
        is_rest = segment.kind == SegmentKind.HOLD and is_cold and has_programme
        word = REST if is_rest else segment.kind.value
        counts[word] = counts.get(word, 0) + 1
        name = word if counts[word] == 1 else f"{word} {counts[word]}"
        stretches.append(Stretch(name=name, kind=segment.kind, frames=segment.frames))
    return stretches


def is_at_one_temperature(furnace: xr.Dataset) -> bool:
    """Return whether two frames or more were measured, all at one temperature.

    Parameters
    ----------
    furnace : Dataset
        ``furnace.nc``: ``temperature`` [degC] of shape (frames,).
    """
    temperature = furnace["temperature"].values.astype(float)
    known = temperature[np.isfinite(temperature)]
    return known.size > 1 and float(np.ptp(known)) <= AT_ONE_TEMPERATURE


def read_times(furnace: xr.Dataset) -> NDArray[np.float64]:
    """Return the time of every frame [s], its number where no times are known, shape (frames,).

    Parameters
    ----------
    furnace : Dataset
        ``furnace.nc``: ``time`` [s] of shape (frames,).
    """
    time = furnace["time"].values.astype(float) if "time" in furnace else np.array([np.nan])
    if np.isfinite(time).all():
        return time
    return np.arange(furnace.sizes["frame"], dtype=float)


def measure_duration(furnace: xr.Dataset, frames: NDArray[np.intp]) -> float:
    """Return the time from the first to the last of some frames [min], a float, NaN where the times
    are not known.

    Parameters
    ----------
    furnace : Dataset
        ``furnace.nc``: ``time`` [s] of shape (frames,).
    frames : ndarray of int
        Indices.
    """
    if "time" not in furnace or not frames.size:
        return float("nan")
    return float(np.ptp(furnace["time"].values.astype(float)[frames])) / 60


def decide_all(comparisons: Sequence[Comparison]) -> list[Decided]:
    """Return the decision on every comparison; all of one series are one family of tests.

    Parameters
    ----------
    comparisons : sequence of Comparison
    """
    tests = max(len(comparisons), 1)
    return [
        Decided(
            comparison=one,
            decision=decide_equality(one.estimate, one.bound, reference=one.reference, tests=tests),
        )
        for one in comparisons
    ]


def build_row(decided: Decided) -> Conclusion:
    """Return the row of one comparison, with the limits its verdict follows from.

    Parameters
    ----------
    decided : Decided
        In percent, or degree.
    """
    one, decision = decided.comparison, decided.decision
    has_limits = bool(np.isfinite(decision.lower95))
    return Conclusion(
        one.quantity,
        value=decision.value,
        stderr=decision.stderr,
        systematic=decision.systematic,
        lower95=decision.lower95 if has_limits else None,
        upper95=decision.upper95 if has_limits else None,
        unit=one.unit,
        verdict=decision.verdict,
        reason=sentences.describe_comparison(decided),
        method=one.method,
        subject=one.phase,
        condition=one.condition,
        bound=one.bound,
        reference=one.reference,
    )
