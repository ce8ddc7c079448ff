"""Options of lines that no phase explains."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Candidates:
    """How peaks that no phase explains are found, followed, and named."""

    significance: float = 5.0
    """A peak of the residual counts from this many standard deviations on."""
    shortest: int = 3
    """Frames a track must be seen in."""
    longest_gap: int = 2
    """Frames in a row a track may be missed in."""
    drift: float = 0.5
    """How far a peak may move from one frame to the next, in full widths at half maximum."""
    together: float = 3.0
    """Tracks belong together where their onsets are within so many standard errors, or frames."""
    strain: float = 0.015
    """How far a candidate's cell may be from that of the phases file, as relative change of
    lengths."""
    position: float = 0.05
    """Error of a line's place beside its own, in full widths at half maximum (peak shapes,
    overlaps)."""
    explained: float = 0.6
    """A candidate is named where it explains at least this share of the tracks."""
    evidence: float = 3.0
    """It must be so much better than the next in log-likelihood (3: twenty to one)."""
