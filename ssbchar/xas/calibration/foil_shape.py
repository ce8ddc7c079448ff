"""Whether a foil has the shape of a metal's edge: a compound's lies elsewhere and sets the axis
wrong."""

from __future__ import annotations

import numpy as np

from ssbchar.statistics import sigma_from_deviations
from ssbchar.typing import Array
from ssbchar.xas.elements import ELEMENTS

METALS = (("Sc", "Cu"), ("Y", "Ag"))
"""First and last of the metals whose K edges are known to have no white line."""
HIGHEST_TOP = 1.3
"""A metal's K edge rises no higher than this in edge steps (iron 1.06; its oxides 1.33 to 1.48, of
the XAS Data Library); ours for the other metals [1]."""
PRE, POST, TOP = (-200.0, -30.0), (60.0, 300.0), (-5.0, 40.0)
"""Ranges of the lines below and above the edge and of its top [eV, relative to its inflection]."""
NOISE = 3.0
"""What noise may raise the highest point by, in its standard deviations; taken off [1]."""
FEWEST = 5
"""Points that a line needs."""


def measure_top(energy: Array, mu: Array, at: float) -> float:
    """Return how high the absorption rises about an edge at least, in edge steps, over lines below
    and above it.

    Parameters
    ----------
    energy, mu : array, shape (point,)
        Rising energies [eV] and absorption.
    at : float
        The edge's inflection [eV].

    Returns
    -------
    float
        NaN where a line has too few points or there is no step.
    """
    offset = energy - at
    below, above, near = ((offset > low) & (offset < high) for low, high in (PRE, POST, TOP))
    if min(below.sum(), above.sum(), near.sum()) < FEWEST:
        return float("nan")
    level = mu - np.polyval(np.polyfit(offset[below], mu[below], 1), offset)
    step = float(np.polyval(np.polyfit(offset[above], level[above], 1), 0.0))
    # One wild reading is no white line, nor is the highest of noisy ones.
    smooth = np.median(np.lib.stride_tricks.sliding_window_view(level[near], 3), axis=1)
    noise = sigma_from_deviations(np.diff(level[below])) / np.sqrt(2)
    return float(smooth.max() - NOISE * noise) / step if step > 0 else float("nan")


def explain_compound(energy: Array, mu: Array, at: float, element: str, edge: str) -> str:
    """Return why a foil is no metal's, empty where nothing speaks against it.

    Parameters
    ----------
    energy, mu : array, shape (point,)
        Rising energies [eV] and absorption of the foil.
    at : float
        Its inflection [eV].
    element, edge : str
        What it is taken for.

    Returns
    -------
    str
    """
    number = ELEMENTS.index(element) if element in ELEMENTS else -1
    known = any(ELEMENTS.index(a) <= number <= ELEMENTS.index(b) for a, b in METALS)
    if edge != "K" or not known:
        return ""
    top = measure_top(energy, mu, at)
    if not top > HIGHEST_TOP:
        return ""
    return (
        f"the foil rises to {top:.2f} edge steps, as a compound of {element} does and its metal "
        f"does not (at most {HIGHEST_TOP:g})"
    )
