"""All that is asked of pymatgen: elements and their form factors, groups, neighbours, symmetry."""

from __future__ import annotations

import functools
import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ssbchar.typing import Array, Index

if TYPE_CHECKING:
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

ISOTOPES = {"D": "H"}
"""Symbols of isotopes that scatter X-rays as their element."""


@functools.cache
def load_form_factors() -> dict[str, Any]:
    """Return pymatgen's table of X-ray form-factor coefficients, element to [[a, b], ...]
    (angstrom^2)."""
    import importlib.util

    # The table alone: importing the module beside it takes seconds.
    found = importlib.util.find_spec("pymatgen")
    for folder in (found.submodule_search_locations if found else None) or ():
        path = Path(folder) / "analysis/diffraction/atomic_scattering_params.json"
        if path.is_file():
            return dict(json.loads(path.read_text(encoding="utf-8")))
    # A release that keeps the table elsewhere.
    from pymatgen.analysis.diffraction.xrd import ATOMIC_SCATTERING_PARAMS

    return dict(ATOMIC_SCATTERING_PARAMS)


def is_element(symbol: str) -> bool:
    """Return whether this is the symbol of an element (or of D) whose form factor is known."""
    return ISOTOPES.get(symbol, symbol) in load_form_factors()


def form_factor_from_s(element: str, s: Array) -> Array:
    """Return the X-ray form factor f(s) = Z - 41.78214 s^2 sum_i a_i exp(-b_i s^2).

    M. De Graef & M. E. McHenry, Structure of Materials, Cambridge University Press (2007), eq.
    12.8, as pymatgen.

    Parameters
    ----------
    element : str
        Its symbol; D scatters as H.
    s : ndarray
        sin(theta) / lambda [1/angstrom].

    Returns
    -------
    ndarray
        f [electron], of the shape of `s`.
    """
    scatterer = ISOTOPES.get(element, element)
    terms = sum(a * np.exp(-b * s**2) for a, b in load_form_factors()[scatterer])
    return np.asarray(find_atomic_number(scatterer) - 41.78214 * s**2 * terms)


def find_atomic_number(element: str) -> int:
    """Return Z of an element; that of D is 1."""
    from pymatgen.core.periodic_table import Element

    return int(Element(ISOTOPES.get(element, element)).Z)


def find_atomic_mass(element: str) -> float:
    """Return the mass of an element or of D [atomic mass unit]."""
    from pymatgen.core.periodic_table import Element

    return float(Element(element).atomic_mass)


def is_metal(element: str) -> bool:
    """Return whether an element is a metal."""
    from pymatgen.core.periodic_table import Element

    return bool(Element(ISOTOPES.get(element, element)).is_metal)


def parse_composition(text: str) -> dict[str, float]:
    """Return atoms by element of a formula with brackets, such as ``Li3(PO4)``; empty for one that
    is not understood.

    Parameters
    ----------
    text : str
    """
    from pymatgen.core.composition import Composition

    try:
        return {str(k): float(v) for k, v in Composition(text).get_el_amt_dict().items()}
    except ValueError:
        return {}


@functools.cache
def load_group_operations(symbol: str) -> tuple[Array, Array] | None:
    """Return rotations and translations of a space group, None where this symbol of it is not
    tabulated.

    Parameters
    ----------
    symbol : str
        Hermann-Mauguin symbol without setting.

    Returns
    -------
    rotations : ndarray, shape (operation, 3, 3)
    translations : ndarray, shape (operation, 3)
    """
    from pymatgen.symmetry.groups import SpaceGroup

    with warnings.catch_warnings():
        # It warns where it stands in with another symbol.
        warnings.simplefilter("error")
        try:
            operations = list(SpaceGroup(symbol).symmetry_ops)
        except (ValueError, KeyError, UserWarning):
            return None
    affine = np.array([op.affine_matrix for op in operations])
    return np.round(affine[:, :3, :3]), affine[:, :3, 3] % 1.0


def list_neighbours(positions: Array, cell: Array, reach: float) -> tuple[Index, Index, Array]:
    """Return the pairs of atoms within reach, those of neighbouring cells too.

    Parameters
    ----------
    positions : ndarray, shape (atom, 3)
        Fractional.
    cell : ndarray, shape (6,)
        Lengths [angstrom], angles [degree].
    reach : float
        Largest distance [angstrom].

    Returns
    -------
    first, second : ndarray of int, shape (pair,)
        Each pair stands twice.
    distance : ndarray, shape (pair,)
        [angstrom].
    """
    from pymatgen.core.lattice import Lattice
    from pymatgen.optimization.neighbors import find_points_in_spheres

    lattice = np.ascontiguousarray(Lattice.from_parameters(*cell).matrix)
    cartesian = np.ascontiguousarray(positions @ lattice)
    periodic = np.ones(3, dtype=np.int64)
    first, second, _, distance = find_points_in_spheres(
        cartesian, cartesian, r=float(reach), pbc=periodic, lattice=lattice, tol=1e-8
    )
    is_pair = distance > 1e-6
    return first[is_pair], second[is_pair], distance[is_pair]


def examine_symmetry(
    cell: Array,
    species: Sequence[Mapping[str, float]],
    positions: Sequence[tuple[float, float, float]],
    tolerance: float,
) -> SpacegroupAnalyzer:
    """Return pymatgen's analysis (by spglib) of the symmetry of all atoms of a cell.

    Parameters
    ----------
    cell : ndarray, shape (6,)
        Lengths [angstrom], angles [degree].
    species : sequence of mapping
        Occupancy by element of each position.
    positions : sequence of tuple of float
        Fractional.
    tolerance : float
        By how much atoms may be off their symmetric positions [angstrom].
    """
    from pymatgen.core.lattice import Lattice
    from pymatgen.core.structure import Structure
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

    lattice = Lattice.from_parameters(*cell)
    structure = Structure(lattice, [dict(place) for place in species], list(positions))
    return SpacegroupAnalyzer(structure, symprec=tolerance)
