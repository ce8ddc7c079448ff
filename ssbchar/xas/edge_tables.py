"""Tabulated edge energies by convention, the anchor of every calibration, and natural widths of
core levels."""

from __future__ import annotations

import functools
import importlib.util
import sqlite3
from pathlib import Path

BEARDEN: dict[tuple[str, str], float] = {
    ("S", "K"): 2472.0,
    ("K", "K"): 3607.4,
    ("Ca", "K"): 4038.1,
    ("Ti", "K"): 4966.4,
    ("V", "K"): 5465.1,
    ("Cr", "K"): 5989.2,
    ("Mn", "K"): 6539.0,
    ("Fe", "K"): 7112.0,
    ("Co", "K"): 7708.9,
    ("Ni", "K"): 8332.8,
    ("Cu", "K"): 8978.9,
    ("Zn", "K"): 9658.6,
    ("Ga", "K"): 10367.1,
    ("Ge", "K"): 11103.1,
    ("As", "K"): 11866.7,
    ("Se", "K"): 12657.8,
    ("Br", "K"): 13473.7,
    ("Y", "K"): 17038.4,
    ("Zr", "K"): 17997.6,
    ("Nb", "K"): 18985.6,
    ("Mo", "K"): 19999.5,
    ("Ag", "K"): 25514.0,
    ("In", "K"): 27939.9,
    ("Sn", "K"): 29200.1,
    ("Sb", "K"): 30491.2,
    ("Ta", "L3"): 9881.1,
    ("W", "L3"): 10206.8,
    ("Pt", "L3"): 11563.7,
    ("Au", "L3"): 11918.7,
    ("Pb", "L3"): 13035.2,
}
"""Edge energies [eV] (J. A. Bearden & A. F. Burr, Rev. Mod. Phys. 39 (1967) 125)."""

KRAFT: dict[tuple[str, str], float] = {("Fe", "K"): 7110.75}
"""First inflection point of the metal [eV] (S. Kraft et al., Rev. Sci. Instrum. 67 (1996) 681)."""

CONVENTIONS = {"bearden": BEARDEN, "kraft": KRAFT}


SCANNED = ("K", "L3")
"""Edges that are scanned as a rule; L2 and L1 edges must be named."""
LOWEST = 1000.0
"""Edges below this are not scanned with hard or tender X-rays [eV]."""
BELOW, ABOVE = {"K": 12.0, "L3": 12.0}, {"K": 25.0, "L3": 12.0}
"""How far the steepest place of a scan may lie from the tabulated edge that it is taken for [eV]:
axes of monochromators are off by some eV, oxidation moves a K edge up to 20 eV, an L edge by few;
ours."""
AXIS = 1e-3
"""Axes may be off by this share of the energy, if that is more [1]; ours."""


@functools.cache
def list_edges() -> dict[tuple[str, str], float]:
    """Return K and L edges of all elements [eV]: by Bearden and Burr where these are listed above,
    else by XrayDB.

    Those of XrayDB, in whole eV, are of W. T. Elam, B. D. Ravel & J. R. Sieber, Radiat. Phys. Chem.
    63 (2002) 121.
    """
    return {**_read_xraydb(), **BEARDEN}


def _read_xraydb() -> dict[tuple[str, str], float]:
    spec = importlib.util.find_spec("xraydb")
    assert spec is not None and spec.submodule_search_locations  # a dependency
    path = Path(spec.submodule_search_locations[0]) / "xraydb.sqlite"
    # Its table is read as documented: importing the package takes as long as a whole step.
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    try:
        rows = connection.execute(
            "select element, iupac_symbol, absorption_edge from xray_levels"
        ).fetchall()
    finally:
        connection.close()
    return {
        (str(element), str(edge)): float(energy)
        for element, edge, energy in rows
        if edge in ("K", "L1", "L2", "L3") and energy > LOWEST
    }


def look_up_edge(element: str, edge: str) -> float | None:
    """Return the tabulated energy of an edge [eV], None where there is none above 1 keV.

    Parameters
    ----------
    element, edge : str
        ``Fe``, ``K``.
    """
    return list_edges().get((element, edge))


def find_nearest_edge(energy: float, tolerance: float = 60.0) -> tuple[str, str] | None:
    """Return the tabulated K or L3 edge nearest to an energy.

    Parameters
    ----------
    energy : float
        [eV]
    tolerance : float
        How far it may be [eV].

    Returns
    -------
    (element, edge) or None
        None where no edge is within the tolerance.
    """
    near = find_edges_within(energy, tolerance)
    return near[0] if near else None


def find_edges_within(energy: float, tolerance: float) -> list[tuple[str, str]]:
    """Return the K and L3 edges within a tolerance of an energy, the nearest first.

    Parameters
    ----------
    energy, tolerance : float
        [eV]
    """
    edges = list_edges()
    near = [key for key in edges if key[1] in SCANNED and abs(edges[key] - energy) <= tolerance]
    return sorted(near, key=lambda key: abs(edges[key] - energy))


def find_possible_edges(energy: float) -> list[tuple[str, str]]:
    """Return the K and L3 edges that a scan may be of, by the place where it is steepest.

    Parameters
    ----------
    energy : float
        [eV]

    Returns
    -------
    list of (element, edge)
        The nearest first.
    """
    edges = list_edges()
    off = AXIS * energy
    return [
        key
        for key in find_edges_within(energy, max(*ABOVE.values(), off))
        if -max(BELOW[key[1]], off) <= energy - edges[key] <= max(ABOVE[key[1]], off)
    ]


CORE_WIDTHS: dict[str, str] = {
    "K": """
    Mg 0.36 Al 0.42 Si 0.48 P 0.53 S 0.59 Cl 0.64 Ar 0.68 K 0.74 Ca 0.81 Sc 0.86 Ti 0.94 V 1.01
    Cr 1.08 Mn 1.16 Fe 1.25 Co 1.33 Ni 1.44 Cu 1.55 Zn 1.67 Ga 1.82 Ge 1.96 As 2.14 Se 2.33
    Br 2.52 Kr 2.75 Rb 2.99 Sr 3.25 Y 3.52 Zr 3.84 Nb 4.14 Mo 4.52 Tc 4.91 Ru 5.33 Rh 5.77
    Pd 6.24 Ag 6.75 Cd 7.28 In 7.91 Sn 8.49 Sb 9.16 Te 9.89 I 10.6
    """,
    "L3": """
    Zr 1.57 Nb 1.66 Mo 1.78 Ag 2.40 Ba 3.32 La 3.41 Ce 3.48 Pr 3.60 Nd 3.65 Sm 3.86 Eu 3.91
    Gd 4.01 Tb 4.12 Dy 4.17 Ho 4.26 Er 4.35 Tm 4.48 Yb 4.60 Lu 4.68 Hf 4.80 Ta 4.88 W 4.98
    Re 5.04 Os 5.16 Ir 5.25 Pt 5.31 Au 5.41 Hg 5.50 Tl 5.65 Pb 5.81 Bi 5.98
    """,
}
"""Natural full widths at half maximum of core levels [eV] (M. O. Krause & J. H. Oliver, J. Phys.
Chem. Ref. Data 8 (1979) 329)."""


def look_up_core_width(element: str, edge: str) -> float:
    """Return the natural full width at half maximum of a core level.

    Parameters
    ----------
    element, edge : str
        ``Fe``, ``K``.

    Returns
    -------
    float
        [eV]; 0 where it is not tabulated.
    """
    words = CORE_WIDTHS.get(edge, "").split()
    return float(dict(zip(words[::2], words[1::2], strict=True)).get(element, 0.0))
