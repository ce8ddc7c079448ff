"""Edges and EXAFS against closed forms."""

import numpy as np
import pytest

from ssbchar.simulate.xas import absorption


def test_chi_of_one_shell_has_the_exafs_amplitude():
    shell = absorption.Shell(
        number=6, distance=2.0, sigma2=0.004, weight=0.5, peak=6.0, phase=(0.0, 0.0, 0.0)
    )
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
