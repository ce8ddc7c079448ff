"""Options of fitting known lines."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from ssbchar.hexrd.peaks.named import parse_reflection
from ssbchar.runtime.options import Name


@dataclass(frozen=True, kw_only=True)
class Tracking:
    """How peaks are fitted in every frame."""

    two_theta_min: Annotated[float, Field(ge=0, le=180)] = 0.0
    """Smallest 2theta [degree, as measured] a peak may have."""
    two_theta_max: Annotated[float, Field(ge=0, le=180)] = 180.0
    """Largest 2theta [degree, as measured] a peak may have."""
    peaks_per_phase: Annotated[int, Field(ge=1, le=1000)] = 8
    """Number of the strongest reflections of each phase that are fitted."""
    reflections: tuple[Name, ...] = ()
    """Reflections that are followed by name, as `[LAGP 012, LFP 200, "LFP 2 1 0"]`: fitted however
    weak they are, drawn against temperature and time, listed in `export/lines.csv`, with a row for
    what changes over each hold."""
    window: Annotated[float, Field(gt=0, le=100)] = 3.0
    """Half width of a window, in typical full widths at half maximum; less where another line is
    near."""
    search: Annotated[float, Field(gt=0, le=0.5)] = 0.025
    """How far a phase's strain may be from that of common thermal expansion [1]."""
    reach: Annotated[float, Field(gt=0, le=100)] = 1.0
    """How far a peak may be from where its phase's path puts it, in typical full widths at half
    maximum."""
    significance: Annotated[float, Field(ge=0, le=1000)] = 4.0
    """Peaks below this (standard deviations of the likelihood-ratio test) are `no_peak` with an
    upper limit."""
    iterations: Annotated[int, Field(ge=1, le=100_000)] = 30
    """Levenberg-Marquardt steps before a window is `not_converged`."""
    instrument_breadth: Annotated[float, Field(ge=0, le=10)] = 0.0
    """Integral breadth of the instrument's own peaks [degree], subtracted from size and microstrain
    broadening; with 0 nothing is subtracted: sizes are then lower and microstrains upper limits."""

    def __post_init__(self) -> None:
        if not self.two_theta_min < self.two_theta_max:
            raise ValueError("two_theta_min must be below two_theta_max; correct one of them")
        for text in self.reflections:
            parse_reflection(text)
