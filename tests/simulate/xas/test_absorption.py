"""Edges and EXAFS against closed forms."""

import numpy as np
import pytest

from ssbchar.simulate.xas import absorption


def test_chi_of_one_shell_has_the_exafs_amplitude():
    shell = absorption.SmoothShell(
        number=6, distance=2.0, sigma2=0.004, weight=0.5, peak=6.0, phase=(0.0, 0.0, 0.0)
    )
    k = np.linspace(5, 12, 4000)
    envelope = 6 * 0.9 * 0.5 / (1 + ((k - 6) / 5) ** 2) / (k * 4) * np.exp(-2 * k**2 * 0.004)
    envelope *= np.exp(-4.0 / (4 + 0.9 * k + 12 / k**2))
    got = absorption.calculate_chi(k, (shell,), 0.9)
    assert np.all(np.abs(got) <= envelope * np.sqrt(1 + 1 / (k * 2.0) ** 2) + 1e-12)
    assert np.max(np.abs(got) / envelope) > 0.99


def test_chi_of_a_calculated_shell_is_that_of_its_table_at_every_row():
    waves = absorption.read_waves()
    use = (waves["k"] > 5) & (waves["k"] < 15)
    k = waves["k"][use]
    size, phase, free_path = (
        waves[f"LAGP {name}"][use] for name in ("O 1.8649 amplitude", "O 1.8649 phase", "free_path")
    )
    shell = absorption.CalculatedShell(
        number=6, distance=1.8649, sigma2=0.0, compound="LAGP", scatterer="O", calculated_at=1.8649
    )
    decay = np.exp(-2 * 1.8649 / free_path)
    by_hand = 6 * 0.9 * size / (k * 1.8649**2) * decay * np.sin(2 * k * 1.8649 + phase)
    assert absorption.calculate_chi(k, (shell,), 0.9) == pytest.approx(by_hand, abs=1e-9)


def test_disorder_and_distance_act_through_the_complex_momentum():
    waves = absorption.read_waves()
    i = int(np.searchsorted(waves["k"], 9.99))
    k = waves["k"][i : i + 1]
    p = waves["LFP momentum"][i] + 1j / waves["LFP free_path"][i]

    def wave(distance: float, sigma2: float) -> float:
        shell = absorption.CalculatedShell(
            number=1,
            distance=distance,
            sigma2=sigma2,
            compound="LFP",
            scatterer="Fe",
            calculated_at=3.87,
        )
        return float(absorption.scatter_as_calculated(k, shell)[0])

    size, phase = (waves[f"LFP Fe 3.8700 {name}"][i] for name in ("amplitude", "phase"))
    inner = 2 * k[0] * 3.87 + phase + 2 * p * (0.05 - 2 * 0.004 / 3.87)
    by_hand = np.exp(-2 * 3.87 * p.imag - 2 * p**2 * 0.004 + 1j * inner).imag
    assert wave(3.92, 0.004) == pytest.approx(size / (k[0] * 3.92**2) * by_hand, rel=1e-6)


def test_foil_is_steepest_at_its_tabulated_energy():
    for foil in (absorption.GE_FOIL, absorption.FE_FOIL):
        e = np.arange(foil.energy - 20, foil.energy + 20, 0.01)
        steepest = e[np.argmax(np.gradient(absorption.calculate_normalised(e, foil), e))]
        assert steepest == pytest.approx(foil.energy, abs=0.02)
