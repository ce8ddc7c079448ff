"""Cells, metrics and positions: symmetry kept, round trips, Bragg's law and its derivative."""

import numpy as np
import pytest

from ssbchar.crystal.cell import d_from_hkl
from ssbchar.hexrd.refinement.frame import lattice

CELLS = {
    "cubic": (9.4, 9.4, 9.4, 90, 90, 90),
    "tetragonal": (3.9, 3.9, 6.6, 90, 90, 90),
    "trigonal": (8.26, 8.26, 20.65, 90, 90, 120),
    "hexagonal": (3.2, 3.2, 5.2, 90, 90, 120),
    "rhombohedral": (5.1, 5.1, 5.1, 55, 55, 55),
    "orthorhombic": (10.33, 6.01, 4.69, 90, 90, 90),
    "monoclinic": (8.92, 5.24, 6.04, 90, 101.3, 90),
    "triclinic": (5.0, 6.0, 7.0, 80, 95, 103),
}
HKL = np.array([(1, 0, 0), (0, 1, 1), (2, -1, 3), (1, 1, 0), (3, 0, -2)], float)


def make_lattice(system: str) -> lattice.Lattice:
    return lattice.build_lattice(
        "X",
        cell=np.array(CELLS[system], float),
        system=system,
        hkl=HKL,
        strength=np.ones(len(HKL)),
        has_atoms=True,
        refinable=True,
    )


@pytest.mark.parametrize("system", CELLS)
def test_cell_and_metric_agree_and_symmetry_is_kept(system: str) -> None:
    phase = make_lattice(system)
    np.testing.assert_allclose(
        phase.cell_from_strain(np.zeros(phase.free)), CELLS[system], rtol=1e-10
    )
    strain = 1e-3 * (1 + np.arange(phase.free))
    cell = phase.cell_from_strain(strain)
    np.testing.assert_allclose(
        (phase.form @ phase.metric_from_strain(strain)) ** -0.5, d_from_hkl(HKL, cell), rtol=1e-10
    )
    reference = np.array(CELLS[system])
    for i, j in ((0, 1), (1, 2), (3, 4), (4, 5)):
        if reference[i] == reference[j] and system not in (
            "monoclinic",
            "orthorhombic",
            "triclinic",
        ):
            assert abs(cell[i] - cell[j]) < 1e-9
    if system not in ("triclinic", "rhombohedral"):
        right = np.isin(reference[3:], (90, 120))
        np.testing.assert_allclose(cell[3:][right], reference[3:][right], atol=1e-9)


@pytest.mark.parametrize("system", CELLS)
def test_isotropic_strain_scales_all_lengths(system: str) -> None:
    phase = make_lattice(system)
    cell = phase.cell_from_strain(phase.strain_from_length_change(np.array(0.01)))
    np.testing.assert_allclose(cell[:3], 1.01 * np.array(CELLS[system][:3]), rtol=1e-9)
    np.testing.assert_allclose(cell[3:], CELLS[system][3:], atol=1e-7)


def test_bragg_and_its_derivative() -> None:
    phase = make_lattice("monoclinic")
    angle, slope = lattice.two_theta_from_metric(phase.form, phase.reference, 0.2413)
    d = d_from_hkl(HKL, np.array(CELLS["monoclinic"], float))
    np.testing.assert_allclose(angle, 2 * np.degrees(np.arcsin(0.2413 / 2 / d)), rtol=1e-12)
    q = phase.form @ phase.reference
    higher = 2 * np.degrees(np.arcsin(0.2413 / 2 * np.sqrt(q + 1e-6)))
    lower = 2 * np.degrees(np.arcsin(0.2413 / 2 * np.sqrt(q - 1e-6)))
    np.testing.assert_allclose(slope, (higher - lower) / 2e-6, rtol=1e-6)
