"""Options of whole-pattern refinement."""

from dataclasses import dataclass, field
from typing import Annotated, Literal, assert_never, get_args

from pydantic import Field

from ssbchar.runtime.options import Name

Mode = Literal["pawley", "rietveld"]
Zero = Literal["series", "frame", "fixed"]
Ask = Literal["auto", "on", "off"]
Term = Literal[
    "doublet", "caglioti", "axial_divergence", "anisotropic_strain", "preferred_orientation"
]
Instrument = Literal["flat_detector", "bragg_brentano", "scanning_detector"]
Index = Annotated[int, Field(ge=-20, le=20)]


@dataclass(frozen=True, kw_only=True)
class Refinement:
    """How all phases are refined in every frame, on the whole pattern."""

    two_theta_min: Annotated[float, Field(ge=0, lt=180)] = 0.0
    """Smallest 2theta [degree, as measured] that is fitted."""
    two_theta_max: Annotated[float, Field(gt=0, le=180)] = 180.0
    """Largest 2theta [degree, as measured] that is fitted."""
    mode: Mode = "pawley"
    """`pawley`: the strongest reflections of every phase have free intensities; `rietveld`: those
    of phases marked refinable follow their structure, with one scale; widths and displacement
    factors are learnt from the series, smooth in temperature, and held."""
    free_reflections: Annotated[int, Field(ge=1, le=2000)] = 60
    """Reflections of a phase with free intensity in each frame, the strongest first; the others
    follow the phase's pattern as learnt from the series. Until it is learnt, and where frames are
    too few to learn it, up to 400 are free; all those of a phase without atoms always are."""
    intensity_freedom: Annotated[float, Field(gt=0, le=10)] = 0.5
    """Prior standard deviation of a free intensity about the phase's pattern, relative."""
    background_terms: Annotated[int, Field(ge=4, le=200)] = 18
    """Cubic B-splines of the background, their knots equally spaced in the root of 2theta."""
    zero: Zero = "series"
    """Zero of 2theta: `series` (one for all frames, refined), `frame` (one for each, refined) or
    `fixed`."""
    zero_start: Annotated[float, Field(ge=-5, le=5)] = 0.0
    """Zero of 2theta to start from, or to keep [degree]; true 2theta is the measured one minus
    this."""
    gauss_fwhm: Annotated[float, Field(gt=0, le=1)] | None = None
    """Gaussian width of the instrument [degree]; if unset, it is found from the series."""
    caglioti: Ask = "auto"
    """Gaussian width that changes with the angle, as the root of U tan^2(theta) + V tan(theta) + W:
    `on`, `off`, or `auto`, where the data ask for it."""
    doublet: Ask = "auto"
    """K-alpha2 beside K-alpha1, where the wavelength is that of an X-ray tube: `on`, `off`, or
    `auto`, where the data ask for it."""
    doublet_ratio: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Intensity of K-alpha2 over that of K-alpha1."""
    axial_divergence: Ask = "auto"
    """Asymmetry of lines at low angles by axial divergence: `on`, `off`, or `auto`, where the data
    ask for it."""
    anisotropic_strain: Ask = "auto"
    """Microstrain that depends on the direction in the crystal, by its Laue class, phase by phase:
    `on`, `off`, or `auto`, where the data ask for it."""
    preferred_orientation: Ask = "auto"
    """March-Dollase factors of phases that follow their structure (`mode: rietveld`) and have an
    axis in `texture_axes`: `on`, `off`, or `auto`, where the data ask for it."""
    texture_axes: dict[Name, tuple[Index, Index, Index]] = field(default_factory=dict)
    """Axis of preferred orientation of a phase, as h, k, l of the planes to which it is normal
    (`{LFP: [0, 1, 0]}`)."""
    capillary_absorption: Annotated[float, Field(ge=0, le=10)] = 0.0
    """mu R of a capillary, absorption coefficient times radius [1]: calculated intensities are
    corrected for it. Data alone cannot tell it from displacement factors."""
    displacement: Annotated[float, Field(ge=-100, le=100)] = 0.0
    """Displacement of the sample [mm], held or, with `displacement_stderr`, to start from."""
    displacement_stderr: Annotated[float, Field(ge=0, le=100)] = 0.0
    """Its standard error before the refinement [mm]; 0 holds it, else it is refined in every frame
    within this, and its error is in the cells'."""
    displacement_distance: Annotated[float, Field(gt=0)] | None = None
    """Distance of the sample to the detector, or the goniometer's radius [mm]; needed for a
    displacement."""
    instrument: Instrument = "flat_detector"
    """How a displaced sample moves lines: `flat_detector` (along the beam), `bragg_brentano` (below
    the axis) or `scanning_detector` (along the beam, the detector moves about the axis)."""
    reach: Annotated[float, Field(ge=1, le=100)] = 8.0
    """Half width of a reflection's profile, in full widths at half maximum."""
    search: Annotated[float, Field(gt=0, le=0.1)] = 0.012
    """How far a phase's cell may be from where it is expected when it enters, as relative change of
    lengths."""
    cell_prior: Annotated[float, Field(gt=0, le=0.1)] = 2e-3
    """Standard deviation [relative] of the cell around the smooth cell(T) of its phase, for phases
    that are weak."""
    expansion: Annotated[float, Field(ge=-1e-3, le=1e-3)] = 1.5e-5
    """Linear expansion [1/K] of a phase whose own is not in the phases file, to know where to look
    for it."""
    enter: Annotated[float, Field(ge=0, le=100)] = 5.0
    """A phase enters when its intensity exceeds this many (corrected) standard errors."""
    leave: Annotated[float, Field(ge=0, le=100)] = 2.5
    """A phase leaves when its intensity falls below this many standard errors."""
    iterations: Annotated[int, Field(ge=1, le=1000)] = 12
    """Gauss-Newton steps of one frame before it is `not_converged`."""
    tolerance: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Converged when no cell, width or zero moves by more than this share of its standard error."""
    chunk: Annotated[int, Field(ge=1)] = 500
    """Frames refined one after the other in one process; longer series are cut into such chunks,
    refined side by side. Each of the passes starts anew at a chunk's edge, so this is part of the
    answer; the number of cores is not."""

    @property
    def follows_structures(self) -> bool:
        """Whether intensities of phases marked refinable follow their structure."""
        match self.mode:
            case "rietveld":
                return True
            case "pawley":
                return False
            case _:
                assert_never(self.mode)

    @property
    def asks_for_terms(self) -> bool:
        """Whether any term of the profile is on, or tried."""
        return any(getattr(self, name) != "off" for name in get_args(Term))

    @property
    def relative_displacement(self) -> tuple[float, float]:
        """Displacement of the sample and its standard error over the distance [1]."""
        distance = self.displacement_distance or 1.0
        return self.displacement / distance, self.displacement_stderr / distance

    def __post_init__(self) -> None:
        is_displaced = self.displacement != 0 or self.displacement_stderr > 0
        if is_displaced and self.displacement_distance is None:
            raise ValueError(
                "displacement without displacement_distance; give the distance of the sample to "
                "the detector, or the goniometer's radius"
            )
        if any(axis == (0, 0, 0) for axis in self.texture_axes.values()):
            raise ValueError("texture_axes has an axis 0, 0, 0; give h, k, l of a plane")
        if self.two_theta_min >= self.two_theta_max:
            raise ValueError(
                f"two_theta_min {self.two_theta_min:g} is not below two_theta_max "
                f"{self.two_theta_max:g}; choose a range"
            )
        if self.leave > self.enter:
            raise ValueError(
                f"leave {self.leave:g} is greater than enter {self.enter:g}: a phase would leave "
                "where it enters; lower leave"
            )
