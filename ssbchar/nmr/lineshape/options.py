"""Options of the fitted lines and of the window integrals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ssbchar.nmr.regions import Shift

Shape = Literal["lorentz", "voigt", "powder"]
PhaseSource = Literal["lines", "peaks"]


def _check_display(display: tuple[float, float]) -> None:
    if display[0] == display[1]:
        raise ValueError("display has no width; give two different shifts")


@dataclass(frozen=True, kw_only=True)
class LineFitOptions:
    """Time-domain fit of lines with one phase and one time origin."""

    MOVED: ClassVar = {"regions": "nmr.regions"}

    skip: Annotated[float, Field(ge=0)] | None = None
    """Points left out at the start [points]; None: none without a digital filter, 4 with one (its
    transient)."""
    max_components: Annotated[int, Field(ge=1, le=20)] = 4
    """Most lines per region."""
    shapes: tuple[Shape, ...] = ("lorentz", "voigt")
    """Line shapes tried; every line begins as ``lorentz``. ``voigt``, and where it is named
    ``powder`` (satellites of spin 3/2 and anisotropic shift), must earn their parameters. Where
    plain lines leave something over and ``powder`` is not named, the model with satellites is an
    alternative: its share is a systematic of theirs."""
    min_gain: Annotated[float, Field(ge=0)] = 10.0
    """Least fall of the Bayesian information criterion that admits a further line or shape."""
    max_width: Annotated[float, Field(gt=0)] = 3e4
    """Largest width of a line [Hz]; what is broader is no line but baseline."""
    absent_width: Annotated[float, Field(gt=0)] = 3000.0
    """Width of the line in the middle of a region where none is seen, for its upper limit [Hz]."""
    outside: bool = True
    """Admit lines outside both regions, such as spinning sidebands; they count for neither."""
    time_origin_prior: Annotated[float, Field(gt=0, le=1e-3)] = 5e-6
    """Standard deviation of the time origin about zero [s]; matters only where the lines do not fix
    it."""
    max_points: Annotated[int, Field(ge=256)] = 20000
    """Most points of the free induction decay used."""
    display: tuple[Shift, Shift] = (-300.0, 400.0)
    """Range of the stored spectra and components [ppm]."""

    def __post_init__(self) -> None:
        if "lorentz" not in self.shapes:
            raise ValueError("shapes lacks lorentz, with which every line begins; add it")
        if self.absent_width > self.max_width:
            raise ValueError("absent_width is above max_width; lower it")
        _check_display(self.display)


@dataclass(frozen=True, kw_only=True)
class SpectrumOptions:
    """Classical route: apodise, transform, phase, subtract the baseline, integrate windows."""

    MOVED: ClassVar = {"regions": "nmr.regions"}

    broadening: Annotated[float, Field(ge=0)] = 100.0
    """Exponential line broadening [Hz]."""
    zero_fill: Annotated[int, Field(ge=1, le=64)] = 2
    """Length after zero filling over the length of the data, rounded up to a power of two."""
    phase: PhaseSource = "lines"
    """``lines``: phase and time origin of the time-domain fit; ``peaks``: from the spectrum's own
    peaks."""
    baseline_order: Annotated[int, Field(ge=-1, le=20)] = 1
    """Degree of the polynomial through the signal-free parts; -1 for none."""
    display: tuple[Shift, Shift] = (-400.0, 500.0)
    """Range of the stored spectra [ppm]; the regions are stored with it."""

    def __post_init__(self) -> None:
        _check_display(self.display)
