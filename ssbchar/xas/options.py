"""Options of the absorption steps; defaults live here and nowhere else."""

from dataclasses import dataclass, field

ROLES = {
    "pristine": "scans of the sample before",
    "cycled": "scans of the sample after; compared with the measurement in `compare_to`",
    "reference": "scans of a reference compound or foil",
}


@dataclass(frozen=True)
class Reading:
    """How scans are read."""

    mode: str = "transmission"
    """``transmission``, ``fluorescence`` or ``mu`` (already an absorption)."""


@dataclass(frozen=True)
class Xas:
    """Options of the absorption steps."""

    read: Reading = field(default_factory=Reading)
    """Scans from files."""
