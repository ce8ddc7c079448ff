"""A drift of the gain that a weak metal cannot show: T2* of a strong region is doubtful."""

import numpy as np
import pytest

from ssbchar.nmr.decay import t2_star
from ssbchar.nmr.decay.decay_law import DecayLaw, evaluate_decay, fit_decay_law
from ssbchar.nmr.decay.gain_drift import UNKNOWN, GainDrift, find_gain_drift, weigh_gain_drift
from ssbchar.nmr.decay.options import DecayOptions
from ssbchar.statistics import Z95
from ssbchar.verdict import Verdict
from tests.nmr.decay.test_t2_star import series

TIME = 2e-6 * np.array([5, 10, 20, 35, 50, 70, 95, 130, 180, 260, 380, 600]) + 3e-6
PLACE = np.linspace(0, 1, 12)
OPTIONS = DecayOptions()


def make_areas(share: float, t2: float, change: float, noise: float, seed: int) -> np.ndarray:
    """Return noisy areas of a share of 1 while the gain drifts."""
    clean = evaluate_decay(TIME, share, t2, 1.0) * (1 + change * PLACE)
    return clean + noise * np.random.default_rng(seed).standard_normal(12)


def test_a_strong_metal_tells_the_drift() -> None:
    law = evaluate_decay(TIME, 1.0, 5e-4, 1.0)
    found = [
        find_gain_drift(make_areas(0.5, 5e-4, -0.06, 1e-3, seed), law, 1e-6 * np.eye(12), PLACE)
        for seed in range(40)
    ]
    off = np.array([(drift.change + 0.06) / drift.stderr for drift in found])
    assert np.std(off) == pytest.approx(1.0, abs=0.35)
    assert abs(np.mean(off)) < 0.5


@pytest.mark.parametrize(
    "area", [np.zeros(12), np.full(12, np.nan), np.where(np.arange(12) < 2, 1.0, np.nan)]
)
def test_no_metal_tells_nothing(area: np.ndarray) -> None:
    law = evaluate_decay(TIME, 1.0, 5e-4, 1.0)
    assert find_gain_drift(area, law, 1e-6 * np.eye(12), PLACE) == UNKNOWN
    assert UNKNOWN.measure_misfit(0.2) == 0.0
    assert GainDrift(change=0.1, stderr=0.05).measure_misfit(0.0) == pytest.approx(4.0)


def weigh(change: float, noise: float, seed: int, told: GainDrift = UNKNOWN) -> DecayLaw:
    area = make_areas(1.0, 1.68e-4, change, noise, seed)
    covariance = noise**2 * np.eye(12)
    law = fit_decay_law(TIME, area, covariance, OPTIONS)
    assert law.verdict == Verdict.OK
    return weigh_gain_drift((TIME, area, covariance), law, PLACE, told, OPTIONS)


@pytest.mark.parametrize("change", [-0.08, -0.04, 0.04, 0.08])
def test_a_drift_that_bends_the_decay_is_in_the_error(change: float) -> None:
    for seed in range(4):
        law = weigh(change, 5e-4, seed)
        assert law.covariance is not None
        stderr = np.sqrt(law.covariance[1, 1])
        # Without the drift's part it is many standard errors away.
        assert abs(law.t2 - 1.68e-4) > 5 * stderr
        assert abs(law.t2 - 1.68e-4) < 2.5 * np.hypot(stderr, law.model_systematic)


def test_a_steady_gain_hardly_widens_the_error() -> None:
    laws = [weigh(0.0, 2e-3, seed) for seed in range(12)]
    sigma = [np.sqrt(law.covariance[1, 1]) for law in laws if law.covariance is not None]
    off = [
        abs(law.t2 - 1.68e-4) / np.hypot(s, law.model_systematic)
        for law, s in zip(laws, sigma, strict=True)
    ]
    assert np.mean(np.array(off) < Z95) >= 10 / 12
    assert np.median([law.model_systematic / s for law, s in zip(laws, sigma, strict=True)]) < 2.0


def test_a_metal_that_excludes_the_drift_leaves_the_bend_to_the_law() -> None:
    told = GainDrift(change=0.0, stderr=1e-4)
    open_law, sure = weigh(-0.06, 5e-4, 1), weigh(-0.06, 5e-4, 1, told)
    assert sure.model_systematic < 0.2 * open_law.model_systematic


def test_laws_that_are_none_are_left_alone() -> None:
    failed = DecayLaw().judge(Verdict.FAR, "")
    area = make_areas(1.0, 1.68e-4, 0.05, 1e-3, 0)
    measured = (TIME, area, 1e-6 * np.eye(12))
    assert weigh_gain_drift(measured, failed, PLACE, UNKNOWN, OPTIONS) is failed
    two_parts = DecayLaw(amplitude=1, t2=1e-4, slow_share=0.3, slow_t2=1e-3, covariance=np.eye(5))
    assert weigh_gain_drift(measured, two_parts, PLACE, UNKNOWN, OPTIONS) is two_parts
    few = fit_decay_law(TIME[:3], area[:3], 1e-6 * np.eye(3), OPTIONS)
    short = (TIME[:3], area[:3], 1e-6 * np.eye(3))
    assert weigh_gain_drift(short, few, PLACE[:3], UNKNOWN, OPTIONS) is few


def test_t2_of_a_strong_region_beside_a_weak_metal_is_doubtful_under_a_drift() -> None:
    """A metal of 2 % has errors of several percent per slice, Li-Si of a tenth of one."""
    pure = t2_star.fit_decay(series(4.67e-4), OPTIONS)
    weak = series(4.67e-4)
    random = np.random.default_rng(3)
    gain = np.linspace(1.0, 0.95, 12)
    area = weak["region_area_free"].values
    true = np.stack([0.1 * area[:, 0], area[:, 1]], 1) * gain[:, None]
    weak["region_area_free"] = (
        ("slice", "region"),
        true + 2e-4 * random.standard_normal((12, 2)),
    )
    weak["region_covariance"].values[:] = np.einsum("st,rq->srtq", 4e-8 * np.eye(12), np.eye(2))
    found = t2_star.fit_decay(weak, OPTIONS, pure)
    li_si = found.sel(region="li_si")
    assert str(li_si["verdict"].values) == "doubtful"
    assert "do not exclude a drift of the gain" in str(li_si["reason"].values)
    error = np.hypot(li_si["t2_star_stderr"], li_si["t2_star_systematic"])
    assert abs(float(li_si["t2_star"]) - 1e-4) < 2.5 * float(error)


def test_a_drift_by_hand() -> None:
    """Three slices of one size, twice as large, and a tenth more at the end: amplitude and slope of
    a line, their ratio with its error."""
    place, sigma = np.array([0.0, 0.5, 1.0]), 0.01
    found = find_gain_drift(2 + 0.2 * place, np.ones(3), sigma**2 * np.eye(3), place)
    assert found.change == pytest.approx(0.1)
    design = np.stack([np.ones(3), place], axis=1)
    covariance = sigma**2 * np.linalg.inv(design.T @ design)
    gradient = np.array([-0.1, 1.0]) / 2
    assert found.stderr == pytest.approx(np.sqrt(gradient @ covariance @ gradient))


@pytest.mark.parametrize(("above", "is_told"), [(2.9, False), (3.1, True)])
def test_an_amplitude_of_three_errors_tells_a_drift(above: float, is_told: bool) -> None:
    """The error of the line's beginning is sqrt(5/6) of that of a slice."""
    place = np.array([0.0, 0.5, 1.0])
    sigma = 1 / (above * np.sqrt(5 / 6))
    found = find_gain_drift(np.ones(3), np.ones(3), sigma**2 * np.eye(3), place)
    assert np.isfinite(found.stderr) == is_told


def test_four_slices_can_be_weighed() -> None:
    few = [0, 3, 6, 9]
    area = make_areas(1.0, 1.68e-4, 0.1, 1e-4, 0)[few]
    covariance = 1e-8 * np.eye(4)
    law = fit_decay_law(TIME[few], area, covariance, OPTIONS)
    measured = (TIME[few], area, covariance)
    assert weigh_gain_drift(measured, law, PLACE[few], UNKNOWN, OPTIONS) is not law
