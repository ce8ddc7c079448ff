"""Options of onset and end."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Onset:
    """How onset and end temperatures are found."""

    significance: float = 5.0
    """A phase counts as seen in a frame from this many standard deviations on."""
    consecutive: int = 2
    """So many frames in a row must show the phase (or its absence)."""
    upper_share: float = 0.6
    """The growth is modelled up to this share of the largest intensity in the segment."""
