"""Symbols of elements and names of X-ray edges, as options give them."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from ssbchar.runtime.options import Name

ELEMENTS = (
    "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se "
    "Br Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy "
    "Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U"
).split()
"""Symbols by atomic number, from 1."""
EDGES = ("K", "L1", "L2", "L3", "M1", "M2", "M3", "M4", "M5")
"""Names of edges, by shell and subshell."""


def check_element(symbol: str) -> str:
    """Return the symbol of an element in its usual spelling; empty stays empty.

    Raises
    ------
    ValueError
        It is no element.
    """
    usual = symbol.strip().capitalize()
    if not usual or usual in ELEMENTS:
        return usual
    raise ValueError(f"'{symbol}' is no symbol of an element; give one from H to U, as Fe or Ge")


def check_edge(edge: str) -> str:
    """Return the name of an edge in its usual spelling; empty stays empty.

    Raises
    ------
    ValueError
        It is no edge.
    """
    usual = edge.strip().upper()
    if not usual or usual in EDGES:
        return usual
    raise ValueError(f"'{edge}' is no edge; known are {', '.join(EDGES)}")


ElementSymbol = Annotated[Name, AfterValidator(check_element)]
"""An option that holds an element; empty for none."""
EdgeName = Annotated[Name, AfterValidator(check_edge)]
"""An option that holds an X-ray edge; empty for none."""
