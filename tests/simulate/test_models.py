"""The forward models against closed forms and textbook values."""

import numpy as np
import pytest

from ssbchar.simulate.effects import IDEAL, Effects
from ssbchar.simulate.hexrd import atoms, crystal, heating, pattern, programme
from ssbchar.simulate.nmr import echo
from ssbchar.simulate.xas import absorption


def test_ceo2_reflections_are_those_of_fluorite():
    hkl, strength = crystal.calculate_reflections(crystal.CEO2, 1.5)
    d = crystal.d_from_hkl(hkl, np.array(crystal.CEO2.cell))
    order = np.argsort(-d)
    assert [int((h**2).sum()) for h in hkl[order]] == [3, 4, 8, 11, 12]
    assert np.allclose(d[order], 5.41165 / np.sqrt([3, 4, 8, 11, 12]))
    f111 = 4 * (atoms.calculate_form_factor("Ce", 0.5 / d[order[0]]))  # the oxygens cancel
    s = 0.5 / d[order[0]]
    assert strength[order[0]] == pytest.approx(8 * f111**2 * np.exp(-2 * 0.6 * s**2), rel=1e-6)


def test_forward_scattering_counts_all_electrons():
    for element, (z, _, _) in atoms.FORM_FACTORS.items():
        assert atoms.calculate_form_factor(element, np.array(0.0)) == z
        assert 0 < atoms.calculate_form_factor(element, np.array(0.5)) < z


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


def test_pseudo_voigt_has_unit_area_and_its_width():
    x = np.linspace(-400, 400, 800_001)
    shape = pattern.calculate_pseudo_voigt(x, 1.0, 0.4)
    assert np.trapezoid(shape, x) == pytest.approx(1.0, abs=1e-3)
    assert np.interp(0.5, x, shape) == pytest.approx(shape.max() / 2, rel=1e-6)


def test_area_of_the_strongest_set_is_the_amount():
    part = pattern.PhaseSeries(
        crystal.CEO2, crystal.CEO2.cell_at(np.array([25.0])), np.array([100.0])
    )
    instrument = pattern.Instrument(0.24117, 4.0, 0.001, 900, 0.03)
    signal = pattern.simulate_peaks(
        [part], instrument.two_theta, instrument, IDEAL, np.random.default_rng(0)
    )
    assert np.trapezoid(signal[0], instrument.two_theta) == pytest.approx(100.0, rel=0.02)


def test_programme_corners_and_lag():
    plan = programme.Programme(0.0)
    times, _ = plan.corners
    assert times[2] - times[1] == pytest.approx(155 * 60)  # 775 K at 5 K/min
    assert times[3] - times[2] == 9 * 3600
    middle = (times[1] + times[2]) / 2
    late = plan.temperature(np.array([middle]), 12.0) - plan.temperature(np.array([middle]))
    assert late == pytest.approx(-1.0)  # 12 s at 5 K/min


def test_growth_begins_and_ends_at_its_temperatures():
    t = np.array([599.9, 600.0, 600.1, 700.0, 799.9, 800.0, 900.0])
    for bend in (1.0, 1.3):
        grown = programme.calculate_grown_share(t, 600.0, 800.0, bend)
        assert grown[0] == grown[1] == 0 and grown[2] > 4e-4 and grown[-1] == grown[-2] == 1


def test_chi_of_one_shell_has_the_exafs_amplitude():
    shell = absorption.Shell(6, 2.0, 0.004, 0.5, 6.0, (0.0, 0.0, 0.0))
    k = np.linspace(5, 12, 4000)
    envelope = 6 * 0.9 * 0.5 / (1 + ((k - 6) / 5) ** 2) / (k * 4) * np.exp(-2 * k**2 * 0.004)
    envelope *= np.exp(-4.0 / (4 + 0.9 * k + 12 / k**2))
    got = absorption.calculate_chi(k, (shell,), 0.9)
    assert np.all(np.abs(got) <= envelope * np.sqrt(1 + 1 / (k * 2.0) ** 2) + 1e-12)
    assert np.max(np.abs(got) / envelope) > 0.99


def test_foil_is_steepest_at_its_tabulated_energy():
    for foil in (absorption.GE_FOIL, absorption.FE_FOIL):
        e = np.arange(foil.energy - 20, foil.energy + 20, 0.01)
        steepest = e[np.argmax(np.gradient(absorption.calculate_normalised(e, foil), e))]
        assert steepest == pytest.approx(foil.energy, abs=0.02)


def test_signal_is_the_sum_of_its_lines():
    lines = (echo.Line("li_metal", 2.0, 100.0, 500.0), echo.Line("li_si", 1.0, 0.0, 0.0, 2000.0))
    t = np.array([-1e-6, 0.0, 1e-4])
    got = echo.calculate_decay(t, lines, 0.0, 311.1)
    assert got[0] == 0 and got[1] == pytest.approx(1.5)
    gauss = np.exp(-((np.pi * 2000 * 1e-4) ** 2) / (4 * np.log(2)))
    expected = 2 * np.exp(2j * np.pi * 31110 * 1e-4 - np.pi * 500 * 1e-4) + gauss
    assert got[2] == pytest.approx(expected)


def test_filter_leaves_the_decay_alone_after_its_rise():
    line = (echo.Line("li_metal", 1.0, 50.0, 800.0),)
    stored = echo.acquire_decay(line, 512, 2e-6, 0.0, 311.1)
    t = (np.arange(512) - echo.GROUP_DELAY) * 2e-6
    later = t > 60 * 2e-6
    assert np.allclose(stored[later], echo.calculate_decay(t, line, 0.0, 311.1)[later], atol=2e-4)


def test_ideal_switches_everything_off():
    assert Effects().shape_mismatch > 0
    assert all(value in (0.0, 1.0) for value in IDEAL.__dict__.values())


@pytest.mark.parametrize("mixture", [heating.STABLE, heating.REACTING], ids=lambda m: m.sample)
def test_the_cells_that_are_written_are_the_true_ones(mixture):
    """The first and the last frame, both at 25 degC, hold the cells that ``truth.json`` states."""
    made = programme.Programme(mixture.start)
    time = made.frames(10, 2, 10, 2)
    parts = {p.crystal.name: p for p in heating.place_phases(mixture, made, time, IDEAL)}
    seen = 0
    for truth in heating.list_truths(mixture, made):
        frame = {"before heating": 0, "after cooling": -1}.get(truth.condition)
        if frame is not None and truth.quantity in heating.CELL_NAMES:
            found = parts[truth.subject].cell[frame][heating.CELL_NAMES.index(truth.quantity)]
            assert found == pytest.approx(truth.value, rel=1e-9)
            seen += 1
    assert seen >= 4
