"""Options of fitting known lines."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Tracking:
    """How peaks are fitted in every frame."""

    two_theta_min: float = 0.0
    """Smallest 2theta [degree, as measured] a peak may have."""
    two_theta_max: float = 180.0
    """Largest 2theta [degree, as measured] a peak may have."""
    peaks_per_phase: int = 8
    """The strongest reflections of each phase that are tracked."""
    window: float = 3.0
    """Half width of a window, in typical full widths at half maximum; less where another line is
    near."""
    search: float = 0.025
    """How far a phase's strain may be from that of common thermal expansion."""
    reach: float = 1.0
    """How far a peak may be from where its phase's path puts it, in typical full widths at half
    maximum."""
    significance: float = 4.0
    """Peaks below this (standard deviations of the likelihood-ratio test) are `no_peak` with an
    upper limit."""
    iterations: int = 30
    """Levenberg-Marquardt steps before a window is `not_converged`."""
    instrument_breadth: float = 0.0
    """Integral breadth of the instrument's own peaks [degree], taken out of size and microstrain; 0
    leaves it in: sizes are then lower and microstrains upper limits."""
