"""Options of integrating images."""

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from pydantic import Field

from ssbchar.runtime.options import Name, PathText
from ssbchar.storage.options import ReadingLimits

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]

LEAST_SECTORS = 12
"""Sectors in which a grain can be told from texture."""


@dataclass(frozen=True, kw_only=True)
class ImageLimits(ReadingLimits):
    """What one file of images may ask for; a file that asks for more is set aside."""

    PLACE: ClassVar[str] = "hexrd.integrate.limits"

    file_size: Annotated[float, Field(gt=0, le=1e9)] = 20000.0
    """Largest file [MB], HDF5 aside: frames are read one by one."""
    pixels: Annotated[int, Field(ge=1, le=10**10)] = 100_000_000
    """Most pixels of one image."""


@dataclass(frozen=True, kw_only=True)
class Integration:
    """How images become patterns."""

    points: Annotated[int, Field(ge=0)] = 0
    """Number of bins in 2theta; 0 takes two per pixel along the longest radius."""
    two_theta: tuple[NotNegative, NotNegative] | None = None
    """Range in 2theta [degree]; None takes the whole detector."""
    common_wavelength: Annotated[float, Field(gt=0.01, lt=5)] | None = None
    """Wavelength [angstrom] at which 2theta is also given; None keeps the measured one."""
    polarisation: Annotated[float, Field(ge=-1, le=1)] | None = 0.99
    """Degree of horizontal linear polarisation of the beam (dimensionless); None leaves it
    uncorrected."""
    mask: PathText = ""
    """Path of an image whose non-zero pixels are excluded (may hold ``$NAME``); a ``pixel_mask`` in
    an HDF5 file is used as well."""
    dataset: Name = ""
    """Of HDF5 images, the path of their array in the file (``1.1/measurement/eiger``), or a pattern
    (``*/measurement/eiger``) whose arrays are taken one after the other; empty takes those under
    ``/entry/data``, else the only array of images, and refuses a file with several."""
    flat: PathText = ""
    """Path of the flat-field image, by which counts are divided."""
    dark: PathText = ""
    """Path of the dark image: counts without beam in the same exposure, which are subtracted."""
    gain: Positive = 1.0
    """Counts for one detected photon, by which the variance of counting grows (CCD, flat panel,
    image plate); 1 for detectors that count photons."""
    readout_noise: NotNegative = 0.0
    """Standard deviation of a pixel without light [counts], of the frame and of the dark image."""
    saturation: Positive | None = None
    """Counts at and above which a pixel is excluded; None takes the header's cut-off or the largest
    value of the file's type."""
    saturated_fraction: Fraction = 0.001
    """A frame with a larger share of saturated pixels has the status `saturated`."""
    beam_dump: Fraction = 0.5
    """A frame whose mean is below this share of the good frames before it has the status
    `beam_dump`."""
    hot_pixel_sigma: NotNegative = 10.0
    """A pixel further above its neighbours in all sampled frames is hot [standard errors], in most
    of them where no spot could be as sharp, and one without counts is dead; 0 looks for neither."""
    stray_event_sigma: NotNegative = 10.0
    """A pixel further above its neighbours in one frame, and above itself in the frames before and
    after, was hit by a stray event [standard errors] and is excluded from that frame; 0 looks for
    none. Series of fewer than three frames keep all."""
    time_key: Name = ""
    """Name of the header value with the frame's time; empty tries the usual names."""
    utc_offset: Annotated[float, Field(ge=-14, le=14)] = 0.0
    """Hours that local time is ahead of UTC, for times written without a zone."""
    temperature_key: Name = ""
    """Name of the header value with the temperature [degC]; empty tries the usual names."""
    monitor_key: Name = ""
    """Name of the header value with the incident flux; empty tries the usual names."""
    by_monitor: bool = False
    """Divide each pattern by this flux, relative to the series' median; frames without one are
    excluded."""
    monitor_stderr: NotNegative = 0.0
    """Relative standard error of one reading of the flux, common to all points of a frame."""
    sectors: Annotated[int, Field(ge=0)] = 0
    """Azimuthal sectors stored beside the pattern (`caked`), with a mean without single grains
    (`intensity_robust`); 0 stores none."""
    without_grains: bool = False
    """The mean without single grains is the pattern that is tracked and refined: spots of a few
    pixels (a container's crystals, large grains) make no lines; needs 12 `sectors` or more. Off
    where the sample's own rings are spotty: their brightest grains would go, too."""
    chunk: Annotated[int, Field(ge=1)] = 16
    """Frames integrated at once; changes memory and speed, not results."""
    limits: ImageLimits = field(default_factory=ImageLimits)
    """What one file may ask for."""

    def __post_init__(self) -> None:
        """Refuse options that contradict each other."""
        if self.without_grains and self.sectors < LEAST_SECTORS:
            raise ValueError(
                f"without_grains tells grains by {LEAST_SECTORS} sectors or more; sectors is "
                f"{self.sectors}"
            )
        if self.two_theta is not None and not self.two_theta[0] < self.two_theta[1]:
            raise ValueError(
                f"two_theta runs from {self.two_theta[0]:g} to {self.two_theta[1]:g} degree; give "
                "the lower end first"
            )
