"""Options of the diffraction steps; defaults live here and nowhere else."""

from dataclasses import dataclass, field

ROLES = {
    "series": "1D patterns of one heating programme, in the order measured",
    "images": "detector images of one heating programme; `calibrant` names the calibrant",
    "calibrant": "an image (or pattern) of the calibrant",
}


@dataclass(frozen=True)
class Reading:
    """How patterns are read."""

    wavelength: float | None = None
    """Wavelength [angstrom]; None takes the one stated in the files and refuses silence."""


@dataclass(frozen=True)
class Hexrd:
    """Options of the diffraction steps."""

    read: Reading = field(default_factory=Reading)
    """Patterns from files."""
