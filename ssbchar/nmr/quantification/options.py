"""Options of fractions and their systematics."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from pydantic import Field

Route = Literal["lines", "windows"]
CorrectionTime = Literal["axis", "TR", "2TR", "2TR+pulses"]
Angle = Annotated[float, Field(gt=0, le=180)]
Diameter = Annotated[float, Field(gt=0, le=1e-2)]
Coupling = Annotated[float, Field(ge=0, le=1e7)]
Seconds = Annotated[float, Field(gt=0)]


def _check_order(options: object, *names: str) -> None:
    """Refuse a pair whose first number is above its second."""
    for name in names:
        low, high = getattr(options, name)
        if low > high:
            raise ValueError(f"{name} runs from {low:g} to {high:g}; give its lower end first")


@dataclass(frozen=True, kw_only=True)
class SystematicsOptions:
    """Systematics of the acquisition, reported beside the fractions; saturation, where T1 of both
    regions is known, corrects them."""

    flip_angles: tuple[Angle, Angle] = (30.0, 60.0)
    """Flip angles of the two pulses p1 and p2 [degree]."""
    resistivity: Annotated[float, Field(gt=0)] = 9.28e-8
    """Electrical resistivity of Li metal near room temperature [ohm m]."""
    diameters: tuple[Diameter, Diameter] = (10e-6, 60e-6)
    """Smallest and largest Li metal particles [m]; volumes are taken as even between."""
    couplings: tuple[Coupling, Coupling] = (0.0, 200e3)
    """Range of the quadrupolar coupling constant C_Q of the Li-Si sites [Hz]."""
    t1_metal: Seconds | None = None
    """T1 of Li metal [s], where no relaxation series of the sample tells it; with that of Li-Si,
    corrected shares are divided by the saturation that follows."""
    t1_li_si: Seconds | None = None
    """T1 of Li-Si [s], in the same way."""

    def __post_init__(self) -> None:
        _check_order(self, "diameters", "couplings")


@dataclass(frozen=True, kw_only=True)
class QuantificationOptions:
    """Fractions, back-correction and prelithiation."""

    MOVED: ClassVar = {"regions": "nmr.regions"}

    route: Route = "lines"
    """Headline route: ``lines`` (time-domain fit) or ``windows`` (classical); the other gives a
    systematic."""
    x_nominal: Annotated[float, Field(gt=0)] | None = None
    """Nominal x of Li_xSi, for ``x_alloyed`` (a sample-sheet column ``quantify.x_nominal``)."""
    x_nominal_stderr: Annotated[float, Field(ge=0)] = 0.0
    """Its standard uncertainty."""
    pressing_pressure: Annotated[float, Field(ge=0)] | None = None
    """Pressure at which the sample was pressed [MPa] (a sample-sheet column
    ``quantify.pressing_pressure``); samples that differ in it alone make a trend."""
    pressing_time: Annotated[float, Field(ge=0)] | None = None
    """How long it was pressed [s], in the same way."""
    trend_tolerance: Annotated[float, Field(gt=0, le=100)] = 2.0
    """Change of the alloyed share over the range of a trend that would matter [percent of all
    Li]."""
    time: CorrectionTime = "axis"
    """Time of the back-correction: ``axis`` (the spectrum's own, on the axis of the T2* fit),
    ``TR``, ``2TR`` or ``2TR+pulses``."""
    evolution_p: Annotated[float, Field(gt=0, lt=1)] = 1e-3
    """Probability of an unchanged sample, from its repeated spectra, below which it evolves."""
    intensity_scatter: Annotated[float, Field(ge=0, le=1)] = 0.03
    """Relative repeatability of the whole signal between spectra (tuning, temperature), one
    standard deviation."""
    evolution_tolerance: Annotated[float, Field(gt=0, le=100)] = 2.0
    """Change of the Li-Si share between spectra that would matter [percent of all Li]; a sample is
    ``stable`` where no change is seen and all spectra surely lie within it."""
    signal_tolerance: Annotated[float, Field(gt=0, le=100)] = 15.0
    """Change of the whole signal that would matter [percent]."""
    t2_range: tuple[Seconds, Seconds] = (6.8e-5, 1.08e-4)
    """T2* of Li-Si assumed for the bounds of a sample whose own cannot be fitted [s] (range of the
    pressed samples of Ham et al., Nat. Commun. 15 (2024) 2991)."""
    t2_metal: tuple[Seconds, Seconds] = (4.67e-4, 4.67e-4)
    """T2* of Li metal assumed where it was not measured [s] (same source)."""
    systematics: SystematicsOptions = field(default_factory=SystematicsOptions)
    """Skin effect, echo efficiency, saturation."""

    def __post_init__(self) -> None:
        _check_order(self, "t2_range", "t2_metal")
