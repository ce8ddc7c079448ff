"""Tabulated edge energies by convention, the anchor of every calibration."""

from __future__ import annotations

BEARDEN: dict[tuple[str, str], float] = {
    ("S", "K"): 2472.0, ("K", "K"): 3607.4, ("Ca", "K"): 4038.1, ("Ti", "K"): 4966.4, ("V", "K"): 5465.1,
    ("Cr", "K"): 5989.2, ("Mn", "K"): 6539.0, ("Fe", "K"): 7112.0, ("Co", "K"): 7708.9, ("Ni", "K"): 8332.8,
    ("Cu", "K"): 8978.9, ("Zn", "K"): 9658.6, ("Ga", "K"): 10367.1, ("Ge", "K"): 11103.1, ("As", "K"): 11866.7,
    ("Se", "K"): 12657.8, ("Br", "K"): 13473.7, ("Y", "K"): 17038.4, ("Zr", "K"): 17997.6, ("Nb", "K"): 18985.6,
    ("Mo", "K"): 19999.5, ("Ag", "K"): 25514.0, ("In", "K"): 27939.9, ("Sn", "K"): 29200.1, ("Sb", "K"): 30491.2,
    ("Ta", "L3"): 9881.1, ("W", "L3"): 10206.8, ("Pt", "L3"): 11563.7, ("Au", "L3"): 11918.7, ("Pb", "L3"): 13035.2,
}  # fmt: skip
"""Edge energies [eV] (J. A. Bearden & A. F. Burr, Rev. Mod. Phys. 39 (1967) 125)."""

KRAFT: dict[tuple[str, str], float] = {("Fe", "K"): 7110.75}
"""First inflection point of the metal [eV] (S. Kraft et al., Rev. Sci. Instrum. 67 (1996) 681)."""

CONVENTIONS = {"bearden": BEARDEN, "kraft": KRAFT}


def nearest_edge(energy: float, tolerance: float = 60.0) -> tuple[str, str] | None:
    """Return (element, edge) of the tabulated edge nearest to an energy [eV], none beyond the tolerance [eV]."""
    found = min(BEARDEN, key=lambda key: abs(BEARDEN[key] - energy))
    return found if abs(BEARDEN[found] - energy) <= tolerance else None
