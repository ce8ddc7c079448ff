"""A drift of gain or sample by hand: ratio, excess, what each makes of the other region's T2*."""

from dataclasses import replace

import numpy as np
import pytest

from ssbchar.nmr.decay.common_causes import find_metal_deviation, find_t2_systematic
from ssbchar.nmr.decay.decay_law import DecayLaw, evaluate_decay, fit_decay_law
from ssbchar.nmr.decay.options import DecayOptions
from ssbchar.verdict import Verdict

TIME = np.geomspace(1e-5, 6e-4, 12)
METAL = DecayLaw(amplitude=2.0, t2=5e-4, covariance=np.eye(3))
NOISE = 1e-6 * np.eye(12)
LI_SI = evaluate_decay(TIME, 3.0, 1.2e-4, 1.0)
PURE = evaluate_decay(TIME, 2.0, 5e-4, 1.0)
DRIFT = np.linspace(1.0, 1.08, 12)


def fitted(area: np.ndarray) -> DecayLaw:
    return fit_decay_law(TIME, area, NOISE, DecayOptions())


def test_ratio_and_excess_by_hand() -> None:
    area = PURE.copy()
    area[3] *= 1.1
    area[7] = np.nan
    found = find_metal_deviation(TIME, area, NOISE, METAL)
    assert found.ratio[[0, 3]] == pytest.approx([1.0, 1.1])
    assert found.excess[[0, 3]] == pytest.approx([0.0, 0.2])
    assert np.isnan(found.ratio[7]) and np.isnan(found.excess[7])
    assert found.is_real


def test_noise_is_no_deviation_and_weak_slices_tell_nothing() -> None:
    random = np.random.default_rng(1)
    noisy = PURE + 1e-3 * random.standard_normal(12)
    assert not find_metal_deviation(TIME, noisy, NOISE, METAL).is_real
    weak = find_metal_deviation(TIME, PURE, 0.04 * np.eye(12), METAL)
    # Five standard errors are 1: the law falls below it after 347 us.
    assert np.isfinite(weak.ratio).tolist() == (TIME < 3.47e-4).tolist()
    two = find_metal_deviation(TIME[:2], 1.5 * PURE[:2], NOISE[:2, :2], METAL)
    assert not two.is_real


def test_a_drift_of_the_gain_is_what_t2_moves_by() -> None:
    true = fitted(LI_SI).t2
    seen = fitted(LI_SI * DRIFT)
    assert seen.t2 > 1.01 * true
    deviation = find_metal_deviation(TIME, PURE * DRIFT, NOISE, METAL)
    systematic = find_t2_systematic(TIME, LI_SI * DRIFT, NOISE, seen, deviation, DecayOptions())
    assert abs(seen.t2 - true) <= 1.01 * systematic
    assert systematic < 3 * abs(seen.t2 - true)


def test_metal_that_turns_into_li_si_is_what_t2_moves_by() -> None:
    """A metal-rich sample: a tenth of the metal makes more of the Li-Si than a gain would."""
    lost = 2.0 * np.linspace(0, 0.1, 12)
    metal = (2.0 - lost) * evaluate_decay(TIME, 1.0, 5e-4, 1.0)
    weak = evaluate_decay(TIME, 0.5, 1.2e-4, 1.0)
    grown = (0.5 + lost) * evaluate_decay(TIME, 1.0, 1.2e-4, 1.0)
    seen, true = fitted(grown), fitted(weak).t2
    deviation = find_metal_deviation(TIME, metal, NOISE, METAL)
    systematic = find_t2_systematic(TIME, grown, NOISE, seen, deviation, DecayOptions())
    assert abs(seen.t2 - true) > 1e-6
    assert systematic > 0.6 * abs(seen.t2 - true)


def test_nothing_moves_where_the_metal_follows_pure_li_or_there_is_no_law() -> None:
    law = fitted(LI_SI)
    same = find_metal_deviation(TIME, PURE, NOISE, METAL)
    assert find_t2_systematic(TIME, LI_SI, NOISE, law, same, DecayOptions()) == 0.0
    real = find_metal_deviation(TIME, PURE * DRIFT, NOISE, METAL)
    failed = law.judge(Verdict.FAR, "")
    assert find_t2_systematic(TIME, LI_SI, NOISE, failed, real, DecayOptions()) == 0.0
    few = replace(real, ratio=np.where(np.arange(12) < 2, real.ratio, np.nan))
    assert find_t2_systematic(TIME, LI_SI, NOISE, law, few, DecayOptions()) == 0.0
