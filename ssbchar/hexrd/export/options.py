"""Options of the files for other programs."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Export:
    """What is written for others' programs."""

    frames: tuple[int, ...] = ()
    """Numbers of further frames whose patterns are written for GSAS-II, beside the first, last,
    coldest and hottest of each phase."""
    polarisation: float = 1.0
    """Degree of horizontal polarisation for the instrument file: 1 where the integration has
    corrected for it (as ours does), else that of the beam (0.99 at an undulator)."""
