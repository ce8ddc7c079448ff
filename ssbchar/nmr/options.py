"""Options of the NMR steps, gathered from the rooms of their stages."""

from dataclasses import dataclass, field

from ssbchar.nmr.bruker.options import Reading
from ssbchar.nmr.decay.options import Decay
from ssbchar.nmr.lineshape.options import Lines, Processing
from ssbchar.nmr.quantification.options import Quantifying
from ssbchar.nmr.regions import Regions

ROLES = {
    "spectrum": "one echo or FID to be quantified",
    "decay": "a series of echoes with growing delay, for T2*",
    "reference": "the spectrum of pure Li: shape, leak into the Li-Si window",
    "reference_decay": "the decay series of pure Li, whose T2* the samples share",
    "repeat": "a later spectrum of a sample, to see whether it evolves (the earlier one in compare_to)",
}


@dataclass(frozen=True)
class Processed:
    """TopSpin's own spectrum held against ours."""

    procno: int = 1
    """Processing number of the spectrum."""
    regions: Regions = field(default_factory=Regions)
    """Windows integrated in TopSpin's spectrum."""
    least_overlap: float = 0.9995
    """Complex overlap from which two spectra are the same."""


@dataclass(frozen=True)
class Nmr:
    """Options of the NMR steps."""

    read: Reading = field(default_factory=Reading)
    """Bruker folders."""
    lines: Lines = field(default_factory=Lines)
    """Time-domain fit."""
    spectrum: Processing = field(default_factory=Processing)
    """Classical route."""
    processed: Processed = field(default_factory=Processed)
    """TopSpin's own spectrum held against ours."""
    decay: Decay = field(default_factory=Decay)
    """T2*."""
    quantify: Quantifying = field(default_factory=Quantifying)
    """Fractions."""
