"""Options of lines that no phase explains."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """How peaks that no phase explains are found, followed, and named."""

    significance: Annotated[float, Field(ge=0, le=1000)] = 5.0
    """A peak of the residual counts from this many standard deviations on."""
    shortest: Annotated[int, Field(ge=1, le=100_000)] = 3
    """Frames a track must be seen in."""
    longest_gap: Annotated[int, Field(ge=0, le=100_000)] = 2
    """Frames in a row a track may be missed in."""
    drift: Annotated[float, Field(ge=0, le=100)] = 0.5
    """How far a peak may move from one frame to the next, in full widths at half maximum."""
    together: Annotated[float, Field(ge=0, le=1000)] = 3.0
    """Tracks belong together where the misfit of their scaled intensities is below so many standard
    errors."""
    strain: Annotated[float, Field(gt=0, le=0.5)] = 0.015
    """How far a candidate's cell may be from that of the phases file, as relative change of
    lengths [1]."""
    position: Annotated[float, Field(ge=0, le=10)] = 0.05
    """Error of a line's position beside its own, in full widths at half maximum (peak shapes,
    overlaps)."""
    explained: Annotated[float, Field(ge=0, le=1)] = 0.6
    """A candidate is named where it explains at least this share of the tracks [1]."""
    evidence: Annotated[float, Field(ge=0, le=1000)] = 3.0
    """It must be so much better than the next in log-likelihood (3: twenty to one) [1]."""
