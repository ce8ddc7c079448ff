"""Decay laws: recovered with honest errors, or refused with a verdict."""

from dataclasses import replace

import numpy as np
import pytest

from ssbchar.nmr.decay import decay_law as laws
from ssbchar.nmr.decay.options import DecayOptions

TIME = np.array([20, 40, 60, 80, 110, 140, 180, 230, 300, 400, 600, 900]) * 1e-6


def law(area: np.ndarray, sigma: float, options: DecayOptions | None = None) -> laws.DecayLaw:
    return laws.fit_decay_law(TIME, area, sigma**2 * np.eye(TIME.size), options or DecayOptions())


def test_pulls_of_a_simple_exponential() -> None:
    rng = np.random.default_rng(11)
    pulls = []
    for _ in range(100):
        found = law(
            laws.evaluate_decay(TIME, 1.0, 7.1e-5, 1.0) + 0.005 * rng.normal(size=TIME.size), 0.005
        )
        assert found.verdict == "ok"
        pulls.append((found.t2 - 7.1e-5) / np.sqrt(found.covariance[1, 1]))
    assert abs(np.mean(pulls)) < 0.3
    assert 0.7 < np.std(pulls) < 1.4


def test_pulls_with_relative_scatter_nobody_stated() -> None:
    rng = np.random.default_rng(12)
    pulls = []
    for _ in range(100):
        clean = laws.evaluate_decay(TIME, 1.0, 4.67e-4, 1.0)
        found = law(
            clean * (1 + 0.01 * rng.normal(size=TIME.size)) + 5e-4 * rng.normal(size=TIME.size),
            5e-4,
        )
        pulls.append((found.t2 - 4.67e-4) / np.sqrt(found.covariance[1, 1]))
    assert abs(np.mean(pulls)) < 0.3
    assert 0.7 < np.std(pulls) < 1.4


def test_stretching_must_earn_its_exponent() -> None:
    rng = np.random.default_rng(2)
    noise = 0.002 * rng.normal(size=TIME.size)
    assert law(laws.evaluate_decay(TIME, 1.0, 1e-4, 1.0) + noise, 0.002).exponent == 1.0
    stretched = law(laws.evaluate_decay(TIME, 1.0, 1.5e-4, 0.75) + noise, 0.002)
    assert stretched.exponent == pytest.approx(0.75, abs=3 * np.sqrt(stretched.covariance[2, 2]))


def test_mean_time() -> None:
    assert laws.mean_time_from_t2(3.0, 1.0) == pytest.approx(3.0)
    grid = np.linspace(0, 400, 400001)
    assert laws.mean_time_from_t2(3.0, 0.7) == pytest.approx(
        np.trapezoid(laws.evaluate_decay(grid, 1, 3, 0.7), grid), rel=1e-4
    )


@pytest.mark.parametrize(
    ("area", "verdict"),
    [
        (
            np.array([1, 0.8, 0.33, 0.58, 0.35, 0.37, 0.2, 0.1, 0.05, 0.03, 0.01, 0.0]),
            "not_decaying",
        ),
        (laws.evaluate_decay(TIME, 1.0, 2e-6, 0.3), "stretched"),
        (laws.evaluate_decay(TIME, 1.0, 1.2e-5, 1.0), "far"),
        (np.full(TIME.size, 1e-3), "no_signal"),
        (np.array([1, 0.98, 0.96, 0.94, 0.3, 0.28, 0.26, 0.24, 0.1, 0.09, 0.08, 0.07]), "misfit"),
    ],
)
def test_verdicts(area: np.ndarray, verdict: str) -> None:
    found = law(area, 1e-3 * area[0] if verdict != "no_signal" else 1e-3)
    assert found.verdict == verdict
    assert found.reason


def test_too_few_times() -> None:
    assert (
        laws.fit_decay_law(TIME[:2], np.array([1, 0.5]), 1e-6 * np.eye(2), DecayOptions()).verdict
        == "too_few"
    )


def test_stretching_is_found_though_every_point_scatters() -> None:
    """With scatter that nobody stated the choice of the law must not depend on the simple law's own
    misfit."""
    rng = np.random.default_rng(6)
    time, exponents = TIME[:9], []
    for _ in range(20):
        clean = laws.evaluate_decay(time, 1.0, 1.5e-4, 0.6) * (
            1 + 0.01 * rng.normal(size=time.size)
        )
        exponents.append(
            laws.fit_decay_law(time, clean, 1e-8 * np.eye(time.size), DecayOptions()).exponent
        )
    assert np.median(exponents) == pytest.approx(0.6, abs=0.05)


def test_the_law_is_a_stretched_exponential_from_time_zero() -> None:
    found = laws.evaluate_decay(np.array([-1.0, 0.0, 2.0, 4.0]), 3.0, 2.0, 2.0)
    assert found == pytest.approx([3.0, 3.0, 3.0 / np.e, 3.0 / np.e**4])
    assert laws.mean_time_from_t2(2.0, 0.5) == pytest.approx(4.0)


def test_a_clean_decay_comes_back_whatever_the_order_of_its_slices() -> None:
    area = laws.evaluate_decay(TIME, 2.0, 1e-4, 1.0)
    mixed = np.random.default_rng(1).permutation(TIME.size)
    spoiled = np.append(area[mixed], [np.nan, 5.0])
    time = np.append(TIME[mixed], [1e-3, np.nan])
    found = laws.fit_decay_law(time, spoiled, 1e-6 * np.eye(14), DecayOptions())
    assert (found.verdict, found.points, found.exponent) == ("ok", 12, 1.0)
    assert (found.amplitude, found.t2) == pytest.approx((2.0, 1e-4), rel=1e-5)
    assert found.scatter == 0.0
    assert found.bic == pytest.approx(12 * np.log(1e-6) + 2 * np.log(12), abs=1e-3)


def test_models_are_tried_as_asked() -> None:
    area = laws.evaluate_decay(TIME, 1.0, 1.5e-4, 0.75)
    assert law(area, 1e-4, DecayOptions(models=("stretched",))).exponent == pytest.approx(0.75)
    assert law(area, 1e-4, DecayOptions(models=("exponential",))).exponent == 1.0
    assert law(area, 1e-4, DecayOptions(min_gain=1e6)).exponent == 1.0
    # In whatever order they are named, it is the larger law that must earn its parameters.
    backwards = DecayOptions(models=("stretched", "exponential"), min_gain=1e6)
    assert law(area, 1e-4, backwards).exponent == 1.0
    three = laws.fit_decay_law(TIME[:3], area[:3], 1e-8 * np.eye(3), DecayOptions())
    assert three.points == 3


def test_covariance_is_that_of_the_curvature() -> None:
    """Against the normal matrix of amplitude and T2* themselves, by finite differences."""
    area, sigma = laws.evaluate_decay(TIME, 2.0, 1e-4, 1.0), 0.01
    found = law(area, sigma)
    steps = ((1e-5, 0.0), (0.0, 1e-9))
    columns = [
        (
            laws.evaluate_decay(TIME, 2.0 + a, 1e-4 + t, 1.0)
            - laws.evaluate_decay(TIME, 2.0 - a, 1e-4 - t, 1.0)
        )
        / (2 * (a + t))
        for a, t in steps
    ]
    expected = np.linalg.inv(np.array(columns) @ np.array(columns).T / sigma**2)
    assert found.covariance is not None
    np.testing.assert_allclose(found.covariance[:2, :2], expected, rtol=1e-3)
    assert (found.covariance[2] == 0).all() and (found.covariance[:, 2] == 0).all()


def test_scatter_is_enlarged_by_points_over_degrees_of_freedom() -> None:
    rng = np.random.default_rng(5)
    area = laws.evaluate_decay(TIME, 1.0, 4e-4, 1.0) * (1 + 0.02 * rng.normal(size=TIME.size))
    found = law(area, 1e-5)
    model = laws.evaluate_decay(TIME, found.amplitude, found.t2, found.exponent)
    rms = float(np.sqrt(np.mean((area / model - 1) ** 2)))
    assert found.scatter == pytest.approx(rms * np.sqrt(12 / 10), rel=0.1)
    assert found.chi2 > 1000
    relative = np.sqrt(found.covariance[1, 1]) / found.t2
    assert 0.3 * found.scatter < relative < 1.5 * found.scatter


@pytest.mark.parametrize(
    ("area", "rise"),
    [
        ([1.0, 0.5, 0.56, 0.1], True),
        ([1.0, 0.5, 0.54, 0.1], False),
        ([1.0, 0.5, 0.50, 0.1], False),
        ([0.5, 0.4, 0.3, 0.33], True),
    ],
)
def test_a_rise_must_exceed_a_twentieth_of_the_first(area: list[float], rise: bool) -> None:
    found = laws._find_rise(np.array(area), 1e-8 * np.eye(4), 3.0)
    assert (found is not None) == rise


def test_a_rise_must_exceed_its_standard_errors_with_their_covariance() -> None:
    area, variance = np.array([1.0, 0.5, 0.7, 0.1]), 0.05**2
    assert laws._find_rise(area, variance * np.eye(4), 2.0) is not None
    assert laws._find_rise(area, variance * np.eye(4), 3.0) is None
    together = variance * (0.2 * np.eye(4) + 0.8)
    assert laws._find_rise(area, together, 3.0) is not None
    found = laws._find_rise(np.array([1.0, 0.3, 0.4, 0.6]), 1e-8 * np.eye(4), 3.0)
    assert (found.first, found.second) == (1, 3)
    assert found.describe(np.array([1.0, 0.3, 0.4, 0.6])) == (
        "rises from 0.30 to 0.60 of the first between slices 2 and 4"
    )


def test_likelihood_finds_the_scatter_that_is_there() -> None:
    rng = np.random.default_rng(8)
    model = np.linspace(1.0, 0.5, 400)
    area = model * (1 + 0.03 * rng.normal(size=400))
    minus2, scatter = laws._minimise_likelihood(area, model, 1e-10 * np.eye(400), laws.SCATTERS)
    assert scatter == pytest.approx(0.03, rel=0.15)
    sigma2 = 1e-10 + (scatter * model) ** 2
    direct = np.sum(np.log(sigma2) + (area - model) ** 2 / sigma2)
    assert minus2 == pytest.approx(direct)


GOOD = laws.DecayLaw(
    amplitude=1.0, t2=1e-4, covariance=np.diag([1e-4, 1e-12, 0.0]), chi2=10.0, points=12
)


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, "ok"),
        ({"covariance": None}, "failed"),
        ({"exponent": 0.5}, "ok"),
        ({"exponent": 0.499}, "stretched"),
        ({"amplitude": 1.5}, "ok"),
        ({"amplitude": 1.501}, "far"),
        ({"scatter": 0.1, "chi2": 1e3}, "ok"),
        ({"scatter": 0.101, "chi2": 10 + 5 * np.sqrt(20)}, "ok"),
        ({"scatter": 0.101, "chi2": 32.4}, "misfit"),
        ({"covariance": np.diag([1e-4, 0.49e-4**2, 0.0])}, "ok"),
        ({"covariance": np.diag([1e-4, 0.51e-4**2, 0.0])}, "undetermined"),
    ],
)
def test_each_gate_has_its_verdict(change, verdict: str) -> None:
    judged = laws._judge_law(replace(GOOD, **change), np.array([1.0, 0.5]), DecayOptions())
    assert judged.verdict == verdict
    assert bool(judged.reason) == (verdict != "ok")


@pytest.mark.parametrize(("first", "verdict"), [(3.0, "no_signal"), (3.001, "ok")])
def test_a_signal_exceeds_three_standard_errors(first: float, verdict: str) -> None:
    area = first * laws.evaluate_decay(TIME - TIME[0], 1.0, 1e-4, 1.0)
    covariance = np.diag(np.append(1.0, np.full(11, 1e-6)))
    options = DecayOptions(max_extrapolation=100.0)
    found = laws.fit_decay_law(TIME, area, covariance, options)
    assert (found.verdict == "no_signal") == (verdict == "no_signal")


def test_gates_of_a_rise_are_exceeded_not_met() -> None:
    """In binary fractions, which leave no rounding: a rise of 1/4 with a standard error of 1/4."""
    area, covariance = np.array([1.0, 0.5, 0.75, 0.25]), 0.03125 * np.eye(4)
    assert laws._find_rise(area, covariance, 1.0) is None
    assert laws._find_rise(area, covariance, 0.99) is not None


def test_gates_of_a_law_are_exceeded_not_met() -> None:
    """In binary fractions, which leave no rounding."""
    met = replace(GOOD, t2=0.5, covariance=np.diag([0.0, 0.0625, 0.0]))
    assert laws._judge_law(met, np.array([1.0, 0.5]), DecayOptions()).verdict == "ok"
    edge = replace(GOOD, scatter=0.125, chi2=30.0, points=10)
    options = DecayOptions(max_scatter=0.125)
    assert laws._judge_law(edge, np.array([1.0, 0.5]), options).verdict == "ok"
    exact = replace(GOOD, scatter=0.2, chi2=28.0, points=10)
    assert laws._judge_law(exact, np.array([1.0, 0.5]), DecayOptions()).verdict == "ok"
    above = replace(exact, chi2=28.5)
    assert laws._judge_law(above, np.array([1.0, 0.5]), DecayOptions()).verdict == "misfit"


def test_a_law_not_fitted_is_a_simple_exponential_of_unknown_time() -> None:
    few = laws.fit_decay_law(TIME[:2], np.array([1, 0.5]), 1e-6 * np.eye(2), DecayOptions())
    assert few.exponent == 1.0 and np.isnan(few.t2) and np.isnan(few.amplitude)


@pytest.mark.parametrize(
    ("change", "limit", "rises"), [(2.1, 2.0, True), (1.9, 2.0, False), (2.0, 2.0, False)]
)
def test_a_rise_counts_against_the_error_of_the_difference(
    change: float, limit: float, rises: bool
) -> None:
    """Variances 1 and 1, covariance 1/2: the difference has 1 + 1 - 2/2 = 1."""
    covariance = np.array([[1.0, 0.5], [0.5, 1.0]])
    found = laws._find_rise(np.array([10.0, 10.0 + change]), covariance, limit)
    assert (found is not None) is rises
    assert laws._find_rise(np.array([10.0 + change, 10.0]), covariance, limit) is None


def test_a_rise_below_five_percent_of_the_first_is_none() -> None:
    covariance = 1e-6 * np.eye(3)
    for change, rises in ((0.051, True), (0.05, False), (0.049, False)):
        found = laws._find_rise(np.array([1.0, 0.0, change]), covariance, 3.0)
        assert (found is not None) is rises
    largest = laws._find_rise(np.array([1.0, 0.2, 0.5, 0.1, 0.3]), 1e-6 * np.eye(5), 3.0)
    assert largest is not None and (largest.first, largest.second) == (1, 2)


def test_errors_that_are_generous_as_a_whole_leave_no_scatter() -> None:
    """Three precise points off by two standard errors, nine far within theirs: chi-square is below
    its degrees of freedom, and what is relative to the law is not asked."""
    sigma = np.where(np.arange(12) < 3, 1e-3, 0.3)
    area = laws.evaluate_decay(TIME, 1.0, 4e-4, 1.0)
    area[:3] += np.array([1.0, -2.0, 1.0]) * 1e-3
    found = laws.fit_decay_law(TIME, area, np.diag(sigma**2), DecayOptions(models=("exponential",)))
    assert 1.0 < found.chi2 < 10.0
    assert found.scatter == 0.0


def test_three_points_have_no_degree_of_freedom_for_scatter() -> None:
    area = np.array([1.0, 0.9, 0.2])
    found = laws.fit_model(TIME[:3], area, 1e-8 * np.eye(3), "stretched")
    assert found is not None and found.scatter == 0.0
    assert laws.fit_model(TIME[:2], area[:2], 1e-8 * np.eye(2), "stretched") is None
    assert laws.fit_model(TIME[:2], area[:2], 1e-8 * np.eye(2), "exponential") is not None


@pytest.mark.parametrize(("points", "factor"), [(3, 3.0), (4, 3.0), (5, 3.0), (6, 2.0), (12, 1.25)])
def test_the_variance_of_few_points_is_students(monkeypatch, points: int, factor: float) -> None:
    """dof / (dof - 2) for 4 and 10 degrees of freedom; 3 for 1, 2 and 3."""
    time = TIME[:points]
    area = laws.evaluate_decay(time, 1.0, 4e-4, 1.0)
    area *= 1 + 0.05 * (-1.0) ** np.arange(points)
    found = laws.fit_model(time, area, 1e-10 * np.eye(points), "exponential")
    assert found is not None and found.scatter > 0
    law = laws.evaluate_decay(time, found.amplitude, found.t2, 1.0)
    weight = 1 / (1e-10 + (found.scatter * law) ** 2)
    slopes = np.stack([law / found.amplitude, law * time / found.t2**2])
    plain = np.linalg.inv((slopes * weight) @ slopes.T)
    assert found.covariance is not None
    assert found.covariance[1, 1] / plain[1, 1] == pytest.approx(factor, rel=0.1)


def test_a_decay_begins_where_it_has_fallen_to_one_over_e() -> None:
    """Whatever the unit of time: a fast and a slow one come back."""
    for t2 in (3e-6, 3e-2):
        area = laws.evaluate_decay(TIME, 1.0, t2, 1.0)
        found = laws._fit_least_squares(TIME, area, 1e-12 * np.eye(12), 2)
        assert found.parameters[:2] == pytest.approx([1.0, t2], rel=1e-3)


SLOW = (0.25, 7e-4)


@pytest.mark.parametrize("t2", [6e-5, 1e-4, 1.5e-4])
def test_a_region_of_two_parts_is_carried_back_right(t2: float) -> None:
    """An alloy and a salt: a stretched exponential reaches 1.3 to 1.6 times the first slice."""
    time = np.array([13, 23, 43, 73, 103, 143, 193, 263, 363, 523, 763, 1203]) * 1e-6
    clean = laws.evaluate_decay(time, 0.8, t2, 1.0, SLOW)
    pulls = []
    for seed in range(12):
        noisy = clean + 1e-3 * np.random.default_rng(seed).normal(size=12)
        found = laws.fit_decay_law(time, noisy, 1e-6 * np.eye(12), DecayOptions())
        assert found.verdict == "ok"
        assert found.slow_share == pytest.approx(0.25, abs=0.05)
        pulls.append((found.amplitude - 0.8) / np.sqrt(found.covariance[0, 0]))
    assert abs(np.mean(pulls)) < 0.9
    assert np.std(pulls) < 1.6
    assert "decays in two parts, " in found.reason


def test_two_parts_are_not_found_where_there_is_one() -> None:
    rng = np.random.default_rng(4)
    for exponent in (1.0, 0.75):
        noisy = laws.evaluate_decay(TIME, 1.0, 1.2e-4, exponent) + 1e-3 * rng.normal(size=12)
        assert law(noisy, 1e-3).slow_share == 0.0


def test_other_laws_that_the_areas_admit_are_a_systematic() -> None:
    """Where noise leaves the exponent open, the amplitude of the stretched law is as good."""
    noisy = laws.evaluate_decay(TIME, 1.0, 1.2e-4, 0.95)
    noisy = noisy + 0.01 * np.random.default_rng(5).normal(size=12)
    open_law = law(noisy, 0.01)
    assert open_law.exponent == 1.0
    assert 0 < open_law.model_systematic < 4 * np.sqrt(open_law.covariance[1, 1])
    assert 0 < open_law.growth_systematic < 0.1
    clean = laws.evaluate_decay(TIME, 1.0, 1.2e-4, 0.7)
    sure = law(clean + 1e-5 * np.random.default_rng(3).normal(size=12), 1e-5)
    assert sure.exponent == pytest.approx(0.7, abs=0.01)
    assert sure.model_systematic < np.sqrt(sure.covariance[1, 1])
