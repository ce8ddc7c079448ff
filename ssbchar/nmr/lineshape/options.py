"""Options of the fitted lines and of the window integrals."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class LineFitOptions:
    """Time-domain fit of lines with one phase and one time origin."""

    MOVED: ClassVar = {"regions": "nmr.regions"}

    skip: float | None = None
    """Points left out at the start [points]; None: none without a digital filter, 4 with one (its
    transient)."""
    max_components: int = 4
    """Most lines per region."""
    shapes: tuple[str, ...] = ("lorentz", "voigt")
    """Line shapes tried, simplest first; the more complex one must earn its parameters."""
    min_gain: float = 10.0
    """Least fall of the Bayesian information criterion that admits a further line or shape."""
    max_width: float = 3e4
    """Largest width of a line [Hz]; what is broader is no line but baseline."""
    absent_width: float = 3000.0
    """Width of the line in the middle of a region where none is seen, for its upper limit [Hz]."""
    outside: bool = True
    """Admit lines outside both regions, such as spinning sidebands; they count for neither."""
    time_origin_prior: float = 5e-6
    """Standard deviation of the time origin about zero [s]; matters only where the lines do not fix
    it."""
    max_points: int = 20000
    """Most points of the free induction decay used."""
    display: tuple[float, float] = (-300.0, 400.0)
    """Range of the stored spectra and components [ppm]."""


@dataclass(frozen=True)
class SpectrumOptions:
    """Classical route: apodise, transform, phase, subtract the baseline, integrate windows."""

    MOVED: ClassVar = {"regions": "nmr.regions"}

    broadening: float = 100.0
    """Exponential line broadening [Hz]."""
    zero_fill: int = 2
    """Length after zero filling over the length of the data, rounded up to a power of two."""
    phase: str = "lines"
    """``lines``: phase and time origin of the time-domain fit; ``peaks``: from the spectrum's own
    peaks."""
    baseline_order: int = 1
    """Degree of the polynomial through the signal-free parts; -1 for none."""
    display: tuple[float, float] = (-400.0, 500.0)
    """Range of the stored spectra [ppm]."""
