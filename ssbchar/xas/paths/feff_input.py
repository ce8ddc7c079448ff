"""feff.inp of FEFF 6 and FEFF10: one potential for the absorber and one for each other element."""

from __future__ import annotations

from ssbchar.errors import BadInput
from ssbchar.xas.elements import ELEMENTS
from ssbchar.xas.paths.cluster import Cluster
from ssbchar.xas.paths.options import Feff

HOLES = {"K": 1, "L1": 2, "L2": 3, "L3": 4}
"""FEFF's number of the core hole by edge."""
MOST_K = 20
"""End of FEFF10's tables [1/angstrom], as of those of FEFF 6."""


def format_feff_input(cluster: Cluster, edge: str, options: Feff, title: str) -> str:
    """Return feff.inp of FEFF 6.

    Parameters
    ----------
    cluster : Cluster
        Positions of shape (atom, 3) [angstrom], the absorber first.
    edge : str
        ``K``, ``L1``, ``L2`` or ``L3``.
    options : Feff
        Longest half path [angstrom] and most legs.
    title : str
        First line of the file.

    Returns
    -------
    str

    Raises
    ------
    BadInput
        Another edge.
    """
    _check_edge(edge, title)
    # CONTROL runs all four parts of FEFF, PRINT makes the last one write feffNNNN.dat.
    cards = [
        f"TITLE {title}",
        f"HOLE {HOLES[edge]} 1.0",
        "CONTROL 1 1 1 1",
        "PRINT 0 0 0 3",
        f"RMAX {options.rmax:g}",
        f"NLEG {options.legs}",
    ]
    return "\n".join([*cards, *_format_cluster(cluster), ""])


def format_feff_ten_input(cluster: Cluster, edge: str, options: Feff, title: str) -> str:
    """Return feff.inp of FEFF10: potentials of overlapping atoms, as in FEFF 6.

    Parameters
    ----------
    cluster : Cluster
        Positions of shape (atom, 3) [angstrom], the absorber first.
    edge : str
        ``K``, ``L1``, ``L2`` or ``L3``.
    options : Feff
        Longest half path [angstrom] and most legs.
    title : str
        First line of the file.

    Returns
    -------
    str

    Raises
    ------
    BadInput
        Another edge.
    """
    _check_edge(edge, title)
    # Without SCF: self-consistent potentials take twenty times as long and move E0, not distances.
    cards = [
        f"TITLE {title}",
        f"EDGE {edge}",
        "S02 1.0",
        "CONTROL 1 1 1 1 1 1",
        "PRINT 0 0 0 0 0 3",
        f"EXAFS {MOST_K}",
        f"RPATH {options.rmax:g}",
        f"NLEG {options.legs}",
    ]
    return "\n".join([*cards, *_format_cluster(cluster), ""])


def _check_edge(edge: str, title: str) -> None:
    if edge not in HOLES:
        raise BadInput(
            title, f"paths are not calculated for an edge {edge}", f"use {', '.join(HOLES)}"
        )


def _format_cluster(cluster: Cluster) -> list[str]:
    """Return the potentials and the atoms."""
    absorber, *others = cluster.elements
    kinds = list(dict.fromkeys(others))
    # Deuterium scatters electrons as hydrogen.
    numbers = {kind: ELEMENTS.index("H" if kind == "D" else kind) + 1 for kind in kinds}
    potentials = [f" {i} {numbers[kind]} {kind}" for i, kind in enumerate(kinds, 1)]
    # Neighbours of the absorber's element have a potential of their own: they have no core hole.
    indices = [0, *(1 + kinds.index(kind) for kind in others)]
    atoms = [
        f" {x:11.5f} {y:11.5f} {z:11.5f} {index} {element}"
        for (x, y, z), index, element in zip(
            cluster.positions.tolist(), indices, cluster.elements, strict=True
        )
    ]
    return [
        "POTENTIALS",
        f" 0 {ELEMENTS.index(absorber) + 1} {absorber}",
        *potentials,
        "ATOMS",
        *atoms,
        "END",
    ]
