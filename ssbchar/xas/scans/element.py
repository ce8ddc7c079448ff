"""Whose edge a scan is of, where nothing names it: by its place, and by the L2 edge that an L3 edge
brings with it."""

from __future__ import annotations

from ssbchar.errors import BadInput
from ssbchar.typing import Array
from ssbchar.xas.edge_tables import find_edges_within, find_possible_edges, list_edges
from ssbchar.xas.scans.jumps import FIT_RANGE, LEAST_SIGMA, measure_step
from ssbchar.xas.scans.scan import Scan

PARTNER = 0.15
"""Least share of an L3 edge's step that its L2 edge has: the levels hold four and two electrons
[1]; ours."""


def identify_edge(scan: Scan, at: float, tolerance: float) -> tuple[str, str]:
    """Return element and edge of a scan by the place of its edge.

    Parameters
    ----------
    scan : Scan
        Arrays of shape (point,), energies in eV.
    at : float
        Where it rises most [eV].
    tolerance : float
        How far edges may lie that are named in the message [eV].

    Raises
    ------
    BadInput
        No edge is tabulated there, or several are.
    """
    possible = find_possible_edges(at)
    if len(possible) > 1:
        seen = {key: _has_partner(scan.energy, scan.mu, at, key) for key in possible}
        # An L2 edge proves its L3 edge; where one should be and is not, that L3 edge is out.
        proven = [key for key in possible if seen[key]]
        possible = proven or [key for key in possible if seen[key] is None]
    if len(possible) == 1:
        return possible[0]
    edges = list_edges()
    named = possible or find_edges_within(at, tolerance)
    names = " or ".join(f"{' '.join(key)} ({edges[key]:g} eV)" for key in named)
    if possible:
        problem = f"its edge at {at:.0f} eV may be {names}"
    else:
        problem = f"no tabulated edge near {at:.0f} eV" + (f"; next is {names}" if names else "")
    raise BadInput(scan.where, problem, "set read.element and read.edge")


def _has_partner(energy: Array, mu: Array, at: float, key: tuple[str, str]) -> bool | None:
    """Return whether the L2 edge of an L3 edge is seen, None where that cannot be told."""
    element, edge = key
    edges = list_edges()
    if edge != "L3" or (element, "L2") not in edges:
        return None
    place = edges[element, "L2"] + at - edges[key]
    own = measure_step(energy, mu, at)
    if own is None or own[0] <= 0 or energy[-1] < place + FIT_RANGE[1]:
        return None
    partner = measure_step(energy, mu, place, one_slope=True)
    if partner is None:
        return None
    height, error = partner[0], LEAST_SIGMA * partner[1]
    if height > max(PARTNER * own[0], error):
        return True
    return False if height + error / 2 < PARTNER * own[0] else None
