"""Options of calibration and normalisation."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Calibration:
    """How the energy axis is calibrated on the simultaneous foil."""

    foil_element: str = ""
    """Element of the foil; empty is that of the scan."""
    foil_edge: str = ""
    """Edge of the foil; empty is that of the scan."""
    convention: Literal["bearden", "kraft"] = "bearden"
    """Whose edge energies: Bearden and Burr (1967), Fe K 7112.0 eV, or Kraft et al. (1996), Fe K
    7110.75 eV."""
    foil_energy: float = 0.0
    """Edge energy of the foil [eV] where the convention does not list it; 0 takes the
    convention."""
    window: tuple[float, float] = (-20.0, 30.0)
    """Range of the foil's edge that is aligned as a whole [eV, relative to it]."""
    max_shift: float = 20.0
    """Larger shifts are refused [eV]."""
    alignment_error: float = 0.023
    """Error of one whole-edge alignment [eV, one sigma], taken where there are fewer than three
    repeats (rms found on noisy spectra of known shift, grid 0.2 eV; docs/theory/xas.md)."""
    repeatability: float = 0.0
    """Without a foil: repeatability of the monochromator [eV, one sigma]; 0 means unknown, which
    forbids shift claims."""
    repeatability_source: str = ""
    """Where that number comes from; needed with it."""


@dataclass(frozen=True)
class Normalisation:
    """How spectra become normalised ones."""

    e0: float = 0.0
    """Origin of the photoelectron energy [eV]; 0 takes the half-step energy of the merged
    spectrum."""
    pre1: float | None = None
    """Start of the pre-edge fit [eV, relative to E0]; none is the second point."""
    pre2: float | None = None
    """End of the pre-edge fit; none is half of its start."""
    norm1: float | None = None
    """Start of the post-edge fit; none is a fifteenth of the range, 25 eV at most."""
    norm2: float | None = None
    """End of the post-edge fit; none is the last point."""
    nnorm: int | None = None
    """Degree of the post-edge polynomial; none is 2 for ranges over 300 eV, 1 over 30 eV, else
    0."""
    victoreen: int = 0
    """Power n of the pre-edge a + b E fitted to mu E**n; 0 is a line, 3 close to Victoreen's."""
    exafs_free: bool = True
    """Fit the polynomial above the edge to the spectrum without its EXAFS (the background spline,
    where the scan reaches k = 6/angstrom), so that the edge step does not follow the oscillations;
    false fits the spectrum itself, as Larch and Athena do."""
    core_width: float | None = None
    """Full width at half maximum of the core level [eV]: the tails that it gives the edge are left
    out of the fits below and above it; none is the tabulated width of element and edge (0 where
    none is listed), 0 fits them with the rest, as Larch and Athena do."""
    outlier: float = 6.0
    """Repeats whose deviation from the median spectrum exceeds this many times the typical one are
    set aside."""
    glitch: float = 8.0
    """Points where mu, and I0 or the foil, jump by more than this many robust sigmas are masked; 0
    masks none."""
    min_glitch: float = 0.002
    """Smaller jumps than this share of the edge step are left alone."""
    max_thickness: float = 4.0
    """A total absorption above this is said to be too thick (harmonics, leakage)."""
    max_step: float = 2.0
    """An edge step above this is said to flatten features by its thickness (transmission)."""
    leakage: float = 1e-3
    """Share of harmonics and leakage in the beam that the loss by thickness is told for."""
    min_step: float = 0.02
    """An edge step below this is said to be too small to trust (transmission)."""
