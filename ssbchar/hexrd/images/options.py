"""Options of calibrating the detector and of integrating images."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Geometry:
    """How the detector is calibrated from an image of a calibrant."""

    wavelength: float | None = None
    """Wavelength [angstrom], in full precision; None takes the one of the .poni file and refuses
    silence."""
    wavelength_stderr: float | None = None
    """Its standard error [angstrom]; None takes the rounding of the number given."""
    calibrant: str = "CeO2"
    """Calibrant, as pyFAI names it (CeO2, LaB6, alpha_Al2O3, Si ...)."""
    distance: float | None = None
    """Rough distance to the detector [mm]; None takes the image's header."""
    distance_tolerance: float = 0.15
    """How far off the rough distance may be, as a fraction."""
    pixel_size: float | None = None
    """Pixel size [micrometre]; None takes the image's header or the .poni file."""
    poni: str = ""
    """A pyFAI .poni file to verify against the image instead of calibrating anew (may hold
    ``$NAME``)."""
    mask: str = ""
    """An image whose non-zero pixels are left out (may hold ``$NAME``)."""
    doubling_tolerance: float = 1.0
    """A .poni is refused where rings wander by more than this around the beam [pixel]."""
    cell_tolerance: float = 2000.0
    """A .poni is refused where it puts the calibrant's cell further off than this [ppm]."""


@dataclass(frozen=True)
class Integration:
    """How images become patterns."""

    points: int = 0
    """Number of bins in 2theta; 0 takes two per pixel along the longest radius."""
    two_theta: tuple[float, float] | None = None
    """Range in 2theta [degree]; None takes all the detector sees."""
    common_wavelength: float | None = None
    """Wavelength [angstrom] at which 2theta is also given; None keeps the measured one."""
    polarisation: float | None = 0.99
    """Degree of horizontal linear polarisation of the beam; None leaves it uncorrected."""
    mask: str = ""
    """An image whose non-zero pixels are left out (may hold ``$NAME``)."""
    flat: str = ""
    """Flat-field image: counts are divided by it."""
    dark: str = ""
    """Dark image: counts of no beam in the same exposure, subtracted."""
    saturation: float | None = None
    """Counts at and above which a pixel is left out; None takes the header's cut-off or the type's
    largest value."""
    saturated_fraction: float = 0.001
    """A frame with more saturated pixels than this is marked `saturated`."""
    beam_dump: float = 0.5
    """A frame whose mean is below this share of the good frames before it is set aside as
    `beam_dump`."""
    hot_pixel_sigma: float = 10.0
    """A pixel this far above its neighbours in all sampled frames is hot (and one without counts
    dead); 0 looks for neither."""
    time_key: str = ""
    """Header value that holds the frame's time; empty tries the usual names."""
    utc_offset: float = 0.0
    """Hours local time is ahead of UTC, for times written without a zone."""
    temperature_key: str = ""
    """Header value that holds the temperature [degC]; empty tries the usual names."""
    monitor_key: str = ""
    """Header value that holds the incident flux; empty tries the usual names."""
    by_monitor: bool = False
    """Divide each pattern by this flux, relative to the series' median; frames without one are set
    aside."""
    monitor_stderr: float = 0.0
    """Relative standard error of one reading of the flux; all points of a frame share it."""
    sectors: int = 0
    """Azimuthal sectors kept beside the pattern (`caked`), with a mean that leaves out single
    grains (`intensity_robust`); 0 keeps none."""
    chunk: int = 16
    """Frames integrated at once; changes memory and speed, not results."""
