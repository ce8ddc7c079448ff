"""Options of EXAFS."""

from dataclasses import dataclass
from typing import Literal

Window = Literal["kaiser", "hanning", "parzen", "welch", "gaussian", "sine"]


@dataclass(frozen=True)
class Exafs:
    """How chi(k) and chi(R) are made."""

    rbkg: float = 0.9
    """Distance below which the background takes all [angstrom]; 0.9 leaves Ge-O at 1.86 angstrom
    alone."""
    kmin_background: float = 0.0
    """Start of the background's Fourier range [1/angstrom]."""
    kmax_background: float | None = None
    """End of the background's range; none is the last point."""
    kweight_background: int = 1
    """Power of k in the background's Fourier transform."""
    nclamp: int = 3
    """Number of points at each end that are clamped."""
    clamp_low: float = 0.0
    """Weight of the clamp at low k."""
    clamp_high: float = 1.0
    """Weight of the clamp at high k."""
    kmin: float = 3.0
    """Start of the Fourier window [1/angstrom]."""
    kmax: float | None = None
    """End of the Fourier window; none is 1/angstrom below the last point, 13 at most."""
    kweight: int = 2
    """Power of k in the Fourier transform."""
    dk: float = 1.0
    """Width of the window's slopes [1/angstrom]."""
    window: Window = "kaiser"
    """Shape of the window."""
    rmin: float = 1.0
    """Start of the back transform's window [angstrom]."""
    rmax: float = 4.0
    """End of the back transform's window [angstrom]."""
    dr: float = 0.5
    """Width of the back transform's slopes [angstrom]."""
    min_k: float = 6.0
    """Spectra that end below this k [1/angstrom] get no EXAFS, only XANES."""
