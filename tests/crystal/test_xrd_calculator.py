"""Intensities against pymatgen's own calculator, which builds its structures another way."""

from pathlib import Path

import numpy as np
import pytest
from crystal.made_cifs import CORUNDUM, CORUNDUM_ATOMS, CUBIC, ROCK_SALT, made_cif, tabulate
from pymatgen.analysis.diffraction.xrd import XRDCalculator
from pymatgen.core.lattice import Lattice
from pymatgen.core.structure import Structure

WAVELENGTH = 0.5
SPINEL = ("Mg Mg .125 .125 .125 1 .01", "Al Al .5 .5 .5 1 .01", "O O .2624 .2624 .2624 1 .01")
SPINEL_OF_ORIGIN_1 = [[0, 0, 0], [0.625, 0.625, 0.625], [0.3874, 0.3874, 0.3874]]


@pytest.mark.parametrize(
    ("cell", "group", "atoms", "number", "elements", "positions"),
    [
        (CUBIC, "F m -3 m", ROCK_SALT, 225, ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]),
        (
            CORUNDUM,
            "R -3 c",
            CORUNDUM_ATOMS,
            167,
            ["Al", "O"],
            [[0, 0, 0.35216], [0.30624, 0, 0.25]],
        ),
        (
            (8.0806, 8.0806, 8.0806, 90, 90, 90),
            "F d -3 m :2",
            SPINEL,
            227,
            ["Mg", "Al", "O"],
            SPINEL_OF_ORIGIN_1,
        ),
    ],
)
def test_powder_intensities(
    tmp_path: Path,
    cell: tuple,
    group: str,
    atoms: tuple,
    number: int,
    elements: list[str],
    positions: list[list[float]],
) -> None:
    still = [" ".join([*atom.split()[:6], "1e-9"]) for atom in atoms]
    ds = tabulate(tmp_path, made_cif(cell, group, still))
    theta = np.arcsin(WAVELENGTH / (2 * ds["d"].values))
    factor = (1 + np.cos(2 * theta) ** 2) / (np.sin(theta) ** 2 * np.cos(theta))
    ours = (ds["multiplicity"] * ds["structure_factor_squared"]).values * factor
    structure = Structure.from_spacegroup(
        number, Lattice.from_parameters(*cell), elements, positions
    )
    theirs = XRDCalculator(wavelength=WAVELENGTH).get_pattern(
        structure, scaled=False, two_theta_range=(0, 36)
    )
    lines = [np.sum(ours[np.abs(ds["d"].values - d) < 1e-4]) for d in theirs.d_hkls]
    inside = np.array(theirs.d_hkls) > 0.81
    np.testing.assert_allclose(
        np.array(lines)[inside] / np.max(lines),
        theirs.y[inside] / np.max(theirs.y),
        atol=2e-4,
    )
    assert inside.sum() > 15
