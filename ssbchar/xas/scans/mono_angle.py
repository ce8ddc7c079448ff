"""Energies from the angle of a monochromator and its crystal."""

from __future__ import annotations

import re

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.typing import Array
from ssbchar.units import Dimension, split_label
from ssbchar.xas.scans.formats.raw_scan import RawScan

HC = 12398.419843320026
"""Planck's constant times the velocity of light [eV angstrom], exact in the SI."""
LATTICE = {"si": 5.431020511, "ge": 5.6579}
"""Cubic lattice parameters [angstrom]: silicon by CODATA 2018 at 22.5 C, germanium at 25 C."""
SPACING_FIELDS = ("mono.d_spacing", "mono.dspacing", "d_spacing", "dspacing", "mono_d")
"""Header fields that hold the spacing of the lattice planes [angstrom]."""
CRYSTAL_FIELDS = ("mono.name", "mono.crystal", "crystal", "mono", "diffraction element")
"""Header fields that may name the crystal."""
CRYSTAL = re.compile(r"\b(si|ge)[a-z]*[\s_(\[<-]*(\d)[\s,]*(\d)[\s,]*(\d)(?!\d)", re.IGNORECASE)
"""A crystal by its element and indices: Si(111), Si 3 1 1, Ge-220."""


def spacing_from_text(text: str) -> float | None:
    """Return the spacing of lattice planes [angstrom] that a text states: ``Si 111``, ``3.1356``.

    Parameters
    ----------
    text : str

    Returns
    -------
    float or None
        None where it states none.
    """
    named = CRYSTAL.search(text)
    if named:
        indices = np.array([int(named[i]) for i in (2, 3, 4)], float)
        square = float(indices @ indices)
        return LATTICE[named[1].lower()] / float(np.sqrt(square)) if square else None
    number = re.search(r"\d+\.\d+", text)
    spacing = float(number[0]) if number else 0.0
    return spacing if 0.5 < spacing < 10.0 else None


def energy_from_angle(raw: RawScan, name: str, crystal: str) -> Array:
    """Return energies hc / (2 d sin(theta)).

    Parameters
    ----------
    raw : RawScan
    name : str
        Column of the angle, degrees unless its name or header says ``rad`` or ``mdeg``.
    crystal : str
        ``Si 111`` or the spacing [angstrom]; empty takes what the header states.

    Returns
    -------
    array, shape (point,)
        [eV]

    Raises
    ------
    BadInput
        The crystal is not known, or the angles are none.
    """
    stated = [crystal] if crystal else []
    if not crystal:
        fields = (*SPACING_FIELDS, *CRYSTAL_FIELDS)
        stated = [raw.header[key] for key in fields if key in raw.header]
    spacing = next((d for text in stated if (d := spacing_from_text(text)) is not None), None)
    if spacing is None:
        problem = f"its axis is an angle ('{name}') and its crystal is not stated"
        remedy = "set read.crystal to Si 111, Si 311 ... or the spacing of its planes in angstrom"
        raise BadInput(raw.where, problem, remedy)
    unit = split_label(name, Dimension.ENERGY).unit.lower()
    angle = np.asarray(raw.columns[name], float)
    if unit == "mrad":
        angle = angle / 1000
    elif unit in ("mdeg", "millidegree"):
        angle = np.radians(angle / 1000)
    elif unit not in ("rad", "radian"):
        angle = np.radians(angle)
    if not ((angle > 0) & (angle < np.pi / 2)).all():
        raise BadInput(
            raw.where, f"angles of '{name}' are not between 0 and 90 degrees", "name the energy"
        )
    return np.asarray(HC / (2 * spacing * np.sin(angle)))
