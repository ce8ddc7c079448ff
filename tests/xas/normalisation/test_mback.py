"""MBACK gives back a step and a white line that are made from the table."""

import numpy as np
import pytest
from xas import made_spectra

from ssbchar.xas.normalisation import edge, mback
from ssbchar.xas.normalisation.processing import NormalisationChoice, normalise_under_choice

E0 = 7112.0
ENERGY = made_spectra.grid(E0)
RANGES = edge.choose_fit_ranges(ENERGY, E0)
FACTOR = mback.look_up_scattering_factor(ENERGY, E0, "Fe", E0)
STEP = FACTOR.calculate_step(RANGES.at_e0)
WHITE = 0.6 * np.exp(-0.5 * ((ENERGY - E0 - 7.0) / 2.0) ** 2)
NORM = (ENERGY >= E0) * (FACTOR.above - FACTOR.below) / STEP + WHITE


def build(step: float) -> np.ndarray:
    """Return an absorption of a step on a curved background."""
    x = (ENERGY - E0) / 1000
    return step * (NORM + FACTOR.below / STEP) + 0.7 - 0.4 * x + 0.1 * x**2 - 0.05 * x**3


def test_the_table_has_iron_s_step() -> None:
    """Chantler's f'' of iron: 0.47 below its K edge and 3.9 above it."""
    at = RANGES.at_e0
    assert FACTOR.below[at] == pytest.approx(0.47, abs=0.02)
    assert FACTOR.above[at] == pytest.approx(3.9, abs=0.1)


@pytest.mark.parametrize("step", [0.2, 1.0, 3.0])
def test_a_step_of_the_table_comes_back(step: float) -> None:
    found = mback.match_spectra(ENERGY, build(step)[None], RANGES, FACTOR, order=3)
    assert found.edge_step[0] == pytest.approx(step, rel=1e-6)
    assert found.norm[0] == pytest.approx(NORM, abs=1e-6)
    after = ENERGY > E0 + 100
    assert found.flat[0][after] == pytest.approx(1.0, abs=1e-6)


def test_tails_of_the_level_are_left_out() -> None:
    tail = edge.calculate_tail(ENERGY, E0, 1.5)
    mu = build(1.0) + tail
    bare = mback.match_spectra(ENERGY, mu[None], RANGES, FACTOR, order=3)
    found = mback.match_spectra(ENERGY, mu[None], RANGES, FACTOR, order=3, tail=tail)
    assert abs(found.edge_step[0] - 1) < 1e-6 < abs(bare.edge_step[0] - 1)


def test_the_errors_are_those_of_noisy_spectra() -> None:
    random = np.random.default_rng(8)
    sigma = 2e-3
    mu = build(1.0) + sigma * random.standard_normal((80, ENERGY.size))
    choice = NormalisationChoice(e0=E0, ranges=RANGES)
    done = normalise_under_choice(ENERGY, mu, choice, mu_stderr=np.full(mu.shape, sigma))
    found = mback.match_measurement(done, "Fe", E0, 3)
    for name, true in (("edge_step_mback", 1.0), ("white_line_mback", 1.6)):
        scatter, stated = np.std(found[name], ddof=1), np.median(found[f"{name}_stderr"])
        assert stated == pytest.approx(scatter, rel=0.3), name
        assert np.mean(found[name]) == pytest.approx(true, abs=0.01), name
