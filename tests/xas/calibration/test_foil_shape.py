"""A metal's K edge has no white line, a compound's has."""

import numpy as np
import pytest
from xas import made_spectra

from ssbchar.xas.calibration.foil_shape import explain_compound, measure_top

ENERGY = made_spectra.grid()
COMPOUND = made_spectra.mu(ENERGY, made_spectra.Truth())
METAL = made_spectra.foil(ENERGY)


def test_the_top_is_that_of_the_truth() -> None:
    plain = 0.3 + 1 / (1 + np.exp(-(ENERGY - 7112.0) / 1.0))
    assert measure_top(ENERGY, plain, 7112.0) == pytest.approx(1.0, abs=1e-3)
    top = 0.6 * np.exp(-0.5 * ((ENERGY - 7118.0) / 2.5) ** 2)
    assert measure_top(ENERGY, plain + top, 7112.0) == pytest.approx(1.6, abs=0.02)
    assert np.isnan(measure_top(ENERGY[:30], plain[:30], 7112.0))
    assert np.isnan(measure_top(ENERGY, -plain, 7112.0))


def test_a_compound_is_told_from_a_metal() -> None:
    assert "a compound of Fe" in explain_compound(ENERGY, COMPOUND, 7119.0, "Fe", "K")
    assert explain_compound(ENERGY, METAL, 7112.0, "Fe", "K") == ""


@pytest.mark.parametrize(("element", "edge"), [("Ge", "K"), ("Au", "L3"), ("Zn", "K"), ("", "")])
def test_of_others_nothing_is_known(element: str, edge: str) -> None:
    assert explain_compound(ENERGY, COMPOUND, 7119.0, element, edge) == ""


@pytest.mark.parametrize("seed", range(5))
def test_noise_is_no_white_line(seed: int) -> None:
    noise = 0.15 * np.random.default_rng(seed).standard_normal(ENERGY.size)
    wild = np.where(np.arange(ENERGY.size) == 130, 2.0, 0.0)
    assert explain_compound(ENERGY, METAL + noise + wild, 7112.0, "Fe", "K") == ""
