"""Cells, sites and reflections against closed forms and textbook values."""

import numpy as np
import pytest

from ssbchar.simulate.hexrd import atoms, crystal


def test_ceo2_reflections_are_those_of_fluorite():
    hkl, strength = crystal.calculate_reflections(crystal.CEO2, 1.5)
    d = crystal.d_from_hkl(hkl, np.array(crystal.CEO2.cell))
    order = np.argsort(-d)
    assert [int((h**2).sum()) for h in hkl[order]] == [3, 4, 8, 11, 12]
    assert np.allclose(d[order], 5.41165 / np.sqrt([3, 4, 8, 11, 12]))
    f111 = 4 * (atoms.calculate_form_factor("Ce", 0.5 / d[order[0]]))  # the oxygens cancel
    s = 0.5 / d[order[0]]
    assert strength[order[0]] == pytest.approx(8 * f111**2 * np.exp(-2 * 0.6 * s**2), rel=1e-6)


def test_lfp_strongest_reflections():
    """LiFePO4: (311), (111)/(201), (020)/(211), (101) and (200) are the strongest, as known of
    olivine."""
    hkl, strength = crystal.calculate_reflections(crystal.LFP, 2.2)
    d = crystal.d_from_hkl(hkl, np.array(crystal.LFP.cell))
    strongest = {tuple(np.abs(h).astype(int)) for h in hkl[np.argsort(-strength * d**2)[:5]]}
    assert {(3, 1, 1), (1, 1, 1), (0, 2, 0), (1, 0, 1)} <= strongest


@pytest.mark.parametrize("phase", [crystal.LAGP, crystal.LFP, crystal.NCM811])
def test_multiplicity_of_special_positions(phase: crystal.Crystal):
    """Every formula unit's atoms: LAGP 6 x LiM2(PO4)3, LFP 4 x LiFePO4, NCM 3 x LiMO2."""
    count = {}
    for element, x, y, z, occupancy in phase.sites:
        count[element] = count.get(element, 0) + occupancy * len(
            crystal.expand_site(phase.group, (x, y, z))
        )
    expected = {
        "LAGP": {"Li": 6, "Ge": 9, "Al": 3, "P": 18, "O": 72},
        "LFP": {"Li": 4, "Fe": 4, "P": 4, "O": 16},
        "NCM811": {"Ni": 2.4, "Co": 0.3, "Mn": 0.3, "Li": 3, "O": 6},
    }[phase.name]
    assert count == pytest.approx(expected)


def test_volume_of_a_monoclinic_cell():
    a, b, c, beta = 7.562, 8.364, 5.067, np.radians(94.05)
    assert crystal.volume_from_cell(np.array(crystal.Co3PO42.cell)) == pytest.approx(
        a * b * c * np.sin(beta)
    )
