"""Options of the calibration of the energy axis."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from ssbchar.runtime.options import Name
from ssbchar.xas.elements import EdgeName, ElementSymbol

Convention = Literal["bearden", "kraft"]
Shift = Annotated[float, Field(ge=-1e4, le=1e4)]
"""An energy relative to an edge [eV]."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """How the energy axis is calibrated on the simultaneous foil."""

    foil_element: ElementSymbol = ""
    """Element of the foil; empty is that of the scan."""
    foil_edge: EdgeName = ""
    """Edge of the foil; empty is that of the scan."""
    convention: Convention = "bearden"
    """Whose edge energies: Bearden and Burr (1967), Fe K 7112.0 eV, or Kraft et al. (1996), Fe K
    7110.75 eV."""
    foil_energy: Annotated[float, Field(ge=0.0, le=2e5)] = 0.0
    """Edge energy of the foil [eV] where the convention does not list it; 0 takes the
    convention."""
    window: tuple[Shift, Shift] = (-20.0, 30.0)
    """Range of the foil's edge that is aligned as a whole [eV, relative to it]."""
    max_shift: Annotated[float, Field(gt=0.0, le=1000.0)] = 20.0
    """Larger shifts are refused [eV]."""
    alignment_error: Annotated[float, Field(ge=0.0, le=100.0)] | None = None
    """Error of one alignment on the foil [eV, one sigma]; none takes it from the data: several
    windows of the edge, and the even against the odd points of each foil."""
    repeatability: Annotated[float, Field(ge=0.0, le=100.0)] = 0.0
    """Without a foil: repeatability of the monochromator [eV, one sigma]; 0 means unknown, which
    forbids shift claims."""
    repeatability_source: Name = ""
    """Where that number comes from; needed with it."""

    def __post_init__(self) -> None:
        if self.window[0] >= self.window[1]:
            raise ValueError("window ends before it begins; give its lower end first")
        if self.repeatability and not self.repeatability_source.strip():
            raise ValueError("repeatability has no source; name it in repeatability_source")
