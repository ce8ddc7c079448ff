"""Options of normalisation."""

import itertools
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from ssbchar.runtime.options import Name
from ssbchar.xas.calibration.options import Shift

Angle = Annotated[float, Field(gt=0.0, le=90.0)]
"""An angle to the surface of a sample [degrees]."""


@dataclass(frozen=True, kw_only=True)
class SelfAbsorption:
    """Correction of fluorescence for the self-absorption of a thick, flat sample."""

    formula: Name = ""
    """Formula of the sample, as ``LiFePO4``, with all that is in the beam; empty corrects
    nothing."""
    incidence: Angle = 45.0
    """Angle of the beam to the surface [degrees]."""
    exit: Angle = 45.0
    """Angle of what is emitted to the surface [degrees]."""
    error: Annotated[float, Field(ge=0.0, le=1.0)] = 0.1
    """Relative standard error of the share of absorption that is not the edge's, by composition and
    angles; white line, edge and amplitudes carry what it makes of them."""


@dataclass(frozen=True, kw_only=True)
class Normalisation:
    """How spectra are normalised."""

    e0: Annotated[float, Field(ge=0.0, le=2e5)] = 0.0
    """Origin of the photoelectron energy [eV]; 0 takes the half-step energy of the merged
    spectrum."""
    pre1: Shift | None = None
    """Start of the pre-edge fit [eV, relative to E0]; none is the second point."""
    pre2: Shift | None = None
    """End of the pre-edge fit [eV, relative to E0]; none is half of its start."""
    norm1: Shift | None = None
    """Start of the post-edge fit [eV, relative to E0]; none is a third of the range, 25 eV at
    most."""
    norm2: Shift | None = None
    """End of the post-edge fit [eV, relative to E0]; none is the last point."""
    nnorm: Annotated[int, Field(ge=0, le=5)] | None = None
    """Degree of the post-edge polynomial; none is 2 from 300 eV of range, 1 from 30 eV, else 0."""
    victoreen: Annotated[int, Field(ge=0, le=5)] = 0
    """Power n of the pre-edge a + b E fitted to mu E**n; 0 is a line, 3 close to Victoreen's."""
    exafs_free: bool = True
    """Fit the polynomial above the edge to the spectrum without its EXAFS (the background spline,
    where the scan reaches k = 6/angstrom), so that the edge step does not follow the oscillations;
    false fits the spectrum itself, as Larch and Athena do."""
    core_width: Annotated[float, Field(ge=0.0, le=100.0)] | None = None
    """Full width at half maximum of the core level [eV]: the tails that it gives the edge are left
    out of the fits below and above it; none is the tabulated width of element and edge (0 where
    none is listed), 0 fits them with the rest, as Larch and Athena do."""
    self_absorption: SelfAbsorption = field(default_factory=SelfAbsorption)
    """Fluorescence of a thick sample, corrected."""
    mback: bool = False
    """Normalise to tabulated cross sections as well (MBACK): edge step and white line stand beside
    those of the polynomial."""
    mback_order: Annotated[int, Field(ge=0, le=5)] = 3
    """Degree of the polynomial that MBACK adds."""
    pre_edge_peak: tuple[Shift, Shift, Shift, Shift] | None = None
    """Start of the edge's flank, start and end of the peak before the edge, end of the flank [eV,
    relative to E0]: area and centroid of the peak are given; none fits no peak."""
    outlier: Annotated[float, Field(ge=0.0)] = 6.0
    """Repeats whose deviation from the median spectrum exceeds this many times the typical one are
    excluded; 0 excludes none."""
    glitch: Annotated[float, Field(ge=0.0)] = 8.0
    """Points where mu, and I0 or the foil, jump by more than this many robust sigmas are masked; 0
    masks none."""
    min_glitch: Annotated[float, Field(ge=0.0, le=1.0)] = 0.002
    """Smaller jumps than this share of the edge step are left alone."""
    max_thickness: Annotated[float, Field(gt=0.0)] = 4.0
    """A total absorption above this raises a doubt: the sample is too thick (harmonics,
    leakage)."""
    max_step: Annotated[float, Field(gt=0.0)] = 2.0
    """An edge step above this raises a doubt: thickness flattens its features (transmission)."""
    leakage: Annotated[float, Field(ge=0.0, lt=1.0)] = 1e-3
    """Share of harmonics and leakage in the beam for which the loss by thickness is stated."""
    min_step: Annotated[float, Field(ge=0.0)] = 0.02
    """An edge step below this raises a doubt: it is too small to trust (transmission)."""

    def __post_init__(self) -> None:
        for low, high in (("pre1", "pre2"), ("norm1", "norm2")):
            first, last = getattr(self, low), getattr(self, high)
            if first is not None and last is not None and first >= last:
                raise ValueError(f"{low} is not below {high}; exchange them")
        if self.pre2 is not None and self.norm1 is not None and self.pre2 > self.norm1:
            raise ValueError(
                f"pre2 ({self.pre2:g} eV) is above norm1 ({self.norm1:g} eV): the pre-edge fit "
                "must end before the post-edge fit begins; correct one of them"
            )
        peak = self.pre_edge_peak
        if peak is not None and any(a >= b for a, b in itertools.pairwise(peak)):
            raise ValueError(f"pre_edge_peak {peak} does not rise; give its four energies in order")
        if self.min_step >= self.max_step:
            raise ValueError("min_step is not below max_step; correct one of them")
