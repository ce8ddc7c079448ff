"""Options of EXAFS, and the Fourier window that several stages share."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import Field

Window = Literal["kaiser", "hanning", "parzen", "welch", "gaussian", "sine"]
WaveNumber = Annotated[float, Field(ge=0.0, le=50.0)]
"""A wave number k [1/angstrom]."""
Distance = Annotated[float, Field(ge=0.0, le=10.0)]
"""A distance R [angstrom]."""
KWeight = Annotated[int, Field(ge=0, le=5)]
"""A power of k."""


@dataclass(frozen=True, kw_only=True)
class FourierWindow:
    """The window in k that EXAFS, comparison and path fit share."""

    kmin: WaveNumber = 3.0
    """Start of the window [1/angstrom]; the choices of a comparison move it by up to 0.5."""
    kmax: WaveNumber | None = None
    """End of the window [1/angstrom]; none is 1/angstrom below the last point and 13 at most, of a
    comparison also where the pristine signal falls to `xas.compare.signal` times its noise. The
    choices of a comparison end up to 1.5 below."""
    dk: Annotated[float, Field(gt=0.0, le=20.0)] = 1.0
    """Width of the window's slopes [1/angstrom]; the choices of a comparison have 0.5 to 2."""
    shape: Window = "kaiser"
    """Shape of the window; half of the choices of a comparison have ``hanning``."""

    def __post_init__(self) -> None:
        if self.kmax is not None and self.kmin >= self.kmax:
            raise ValueError("kmin is not below kmax; widen the window")


DEFAULT_WINDOW = FourierWindow()
"""What a step uses where it is called without a window."""


@dataclass(frozen=True, kw_only=True)
class Exafs:
    """How chi(k) and chi(R) are made."""

    MOVED: ClassVar = {
        "kmin": "xas.window.kmin",
        "kmax": "xas.window.kmax",
        "dk": "xas.window.dk",
        "window": "xas.window.shape",
    }

    rbkg: Annotated[float, Field(gt=0.0, le=10.0)] = 0.9
    """Distance below which the background takes all [angstrom]; 0.9 leaves Ge-O at 1.86 angstrom
    alone."""
    kmin_background: WaveNumber = 0.0
    """Start of the background's Fourier range [1/angstrom]."""
    kmax_background: WaveNumber | None = None
    """End of the background's range [1/angstrom]; none is the last point."""
    kweight_background: KWeight = 1
    """Power of k in the background's Fourier transform."""
    nclamp: Annotated[int, Field(ge=0, le=100)] = 3
    """Number of points at each end that are clamped."""
    clamp_low: Annotated[float, Field(ge=0.0)] = 0.0
    """Weight of the clamp at low k."""
    clamp_high: Annotated[float, Field(ge=0.0)] = 1.0
    """Weight of the clamp at high k."""
    kweight: KWeight = 2
    """Power of k in the Fourier transform."""
    rmin: Distance = 1.0
    """Start of the back transform's window [angstrom]."""
    rmax: Distance = 4.0
    """End of the back transform's window [angstrom]."""
    dr: Annotated[float, Field(gt=0.0, le=10.0)] = 0.5
    """Width of the back transform's slopes [angstrom]."""
    min_k: WaveNumber = 6.0
    """Spectra that end below this k [1/angstrom] get no EXAFS, only XANES."""

    def __post_init__(self) -> None:
        if self.rmin >= self.rmax:
            raise ValueError("rmin is not below rmax; widen the back transform's window")
        if self.kmax_background is not None and self.kmin_background >= self.kmax_background:
            raise ValueError("kmin_background is not below kmax_background; widen the range")
