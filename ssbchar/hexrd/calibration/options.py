"""Options of calibrating the detector."""

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ssbchar.hexrd.images.options import ImageLimits
from ssbchar.runtime.options import Name, PathText

Positive = Annotated[float, Field(gt=0)]

Calibrant = Literal[
    "AgBh",
    "Al",
    "Au",
    "C14H30O",
    "C60",
    "CeO2",
    "Cr2O3",
    "CrOx",
    "CuO",
    "LaB6",
    "LaB6_SRM660a",
    "LaB6_SRM660b",
    "LaB6_SRM660c",
    "NaCl",
    "Ni",
    "PBBA",
    "Pt",
    "Si",
    "Si_SRM640",
    "Si_SRM640a",
    "Si_SRM640b",
    "Si_SRM640c",
    "Si_SRM640d",
    "Si_SRM640e",
    "TiO2",
    "ZnO",
    "alpha_Al2O3",
    "alpha_Al2O3_SRM676",
    "alpha_Al2O3_SRM676a_2008",
    "alpha_Al2O3_SRM676a_2015",
    "cristobaltite",
    "diamond",
    "graphite",
    "hydrocerussite",
    "lysozyme",
    "quartz",
    "vanadinite",
    "verneite",
]
"""Calibrants of pyFAI's table."""


@dataclass(frozen=True, kw_only=True)
class CalibrantLimits(ImageLimits):
    """What one file of calibrant images may ask for; a file that asks for more is set aside."""

    PLACE: ClassVar[str] = "hexrd.geometry.limits"


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """How the detector is calibrated from an image of a calibrant."""

    wavelength: Annotated[float, Field(gt=0.01, lt=5)] | None = None
    """Wavelength [angstrom], in full precision; None takes the one of the .poni file or the
    header, and refuses an image where neither states one."""
    wavelength_stderr: Positive | None = None
    """Standard error of the wavelength [angstrom]; None takes that of its rounding."""
    calibrant: Calibrant = "CeO2"
    """Calibrant, as pyFAI names it."""
    distance: Positive | None = None
    """Rough distance to the detector [mm]; None takes the image's header."""
    distance_tolerance: Annotated[float, Field(gt=0, lt=1)] = 0.15
    """Largest deviation from the rough distance, as a fraction (dimensionless)."""
    pixel_size: Positive | None = None
    """Pixel size [micrometre]; None takes the image's header or the .poni file."""
    poni: PathText = ""
    """Path of a pyFAI .poni file to verify against the image instead of calibrating anew (may hold
    ``$NAME``)."""
    mask: PathText = ""
    """Path of an image whose non-zero pixels are excluded (may hold ``$NAME``); a ``pixel_mask`` in
    an HDF5 file is used as well."""
    distortion: PathText = ""
    """Path of a file that states where the pixels of images as stored lie: a spline of FIT2D
    (``.spline``) or a detector file of pyFAI (``.h5``); empty takes the detector of the .poni file,
    else an even grid (may hold ``$NAME``)."""
    radial_distortion: bool = False
    """Find a distortion that grows from the middle of the image outwards (r^3 and r^5) on the
    calibrant's rings; they then cannot tell a wrong wavelength."""
    panels: bool | None = None
    """Find on the calibrant's rings how far panels that gaps separate are off their places, where
    the rings show it; None does unless a .poni file is given, which was made without."""
    dataset: Name = ""
    """Of HDF5 images, the path of their array in the file (``1.1/measurement/eiger``), or a pattern
    (``*/measurement/eiger``) whose arrays are taken one after the other; empty takes those under
    ``/entry/data``, else the only array of images, and refuses a file with several."""
    doubling_tolerance: Positive = 1.0
    """Largest deviation of rings around the beam with which a .poni file is accepted [pixel]."""
    cell_tolerance: Positive = 2000.0
    """Largest offset of the calibrant's cell with which a .poni file is accepted [ppm]."""
    limits: CalibrantLimits = field(default_factory=CalibrantLimits)
    """What one file may ask for."""
