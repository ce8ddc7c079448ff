"""Options of the NMR steps, gathered from the rooms of their stages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from pydantic import Field

from ssbchar.nmr.bruker.options import Reading
from ssbchar.nmr.decay.options import DecayOptions
from ssbchar.nmr.lineshape.options import LineFitOptions, SpectrumOptions
from ssbchar.nmr.quantification.options import QuantificationOptions
from ssbchar.nmr.regions import Regions
from ssbchar.nmr.relaxation.options import RelaxationOptions
from ssbchar.nmr.time_course.options import TimeCourseOptions

ROLES = {
    "spectrum": "one echo or FID to be quantified",
    "decay": "a series of echoes with growing delay, for T2*",
    "reference": "the spectrum of pure Li: shape, leak into the Li-Si window",
    "reference_decay": "the decay series of pure Li, whose T2* the samples share",
    "repeat": "a later spectrum of a sample, to see whether it evolves "
    "(the earlier one in compare_to)",
    "series": "spectra of one sample in their order of time: a folder, glob or packed file of "
    "experiments, or one ser of repeats; the share against time, with its law",
    "relaxation": "a saturation or inversion recovery (T1), or spin locks of growing length "
    "(T1rho); T1 corrects the shares of the sample's other rows for saturation",
}
_PURE = ("reference", "reference_decay")
COLUMNS: dict[str, dict[str, tuple[str, ...]]] = {
    "spectrum": {"reference": _PURE},
    "decay": {"reference": _PURE},
    "reference": {},
    "reference_decay": {},
    "repeat": {"compare_to": ("spectrum", "decay", "repeat"), "reference": _PURE},
    "series": {},
    "relaxation": {},
}
"""Columns of the sample sheet that each role uses beside those that all fill; for a column that
names other measurements, the roles these may have."""


@dataclass(frozen=True, kw_only=True)
class TopspinCheckOptions:
    """TopSpin's own spectrum held against ours."""

    MOVED: ClassVar = {"regions": "nmr.regions"}

    procno: Annotated[int, Field(ge=1)] = 1
    """Processing number of the spectrum."""
    least_overlap: Annotated[float, Field(ge=0, le=1)] = 0.9995
    """Complex overlap from which two spectra are the same."""


@dataclass(frozen=True, kw_only=True)
class Nmr:
    """Options of the NMR steps."""

    regions: Regions = field(default_factory=Regions)
    """Windows of chemical shift, the same in every stage."""
    read: Reading = field(default_factory=Reading)
    """Bruker folders."""
    lines: LineFitOptions = field(default_factory=LineFitOptions)
    """Time-domain fit."""
    spectrum: SpectrumOptions = field(default_factory=SpectrumOptions)
    """Classical route."""
    processed: TopspinCheckOptions = field(default_factory=TopspinCheckOptions)
    """TopSpin's own spectrum held against ours."""
    decay: DecayOptions = field(default_factory=DecayOptions)
    """T2*."""
    time_course: TimeCourseOptions = field(default_factory=TimeCourseOptions)
    """Shares against time."""
    relaxation: RelaxationOptions = field(default_factory=RelaxationOptions)
    """T1 and T1rho."""
    quantify: QuantificationOptions = field(default_factory=QuantificationOptions)
    """Fractions."""
