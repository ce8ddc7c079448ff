"""Options of the NMR steps; defaults live here and nowhere else."""

from dataclasses import dataclass, field

ROLES = {
    "spectrum": "one echo or FID to be quantified",
    "decay": "a series of echoes with growing delay, for T2*",
    "reference": "the spectrum of pure Li",
    "reference_decay": "the decay series of pure Li",
}


@dataclass(frozen=True)
class Reading:
    """How Bruker folders are read."""

    nucleus: str = "7Li"
    """Nucleus expected; another one is refused."""


@dataclass(frozen=True)
class Nmr:
    """Options of the NMR steps."""

    read: Reading = field(default_factory=Reading)
    """Bruker folders."""
