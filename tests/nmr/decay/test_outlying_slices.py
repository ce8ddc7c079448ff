"""Slices that a pulse spoiled are set aside; what a decay law makes of a region is not."""

import numpy as np
import pytest

from ssbchar.nmr.decay.decay_law import evaluate_decay
from ssbchar.nmr.decay.options import DecayOptions
from ssbchar.nmr.decay.outlying_slices import (
    _compute_factors,
    _Factors,
    _is_common,
    find_outlying_slices,
)

TIME = np.array([13, 23, 43, 73, 103, 143, 193, 263, 363, 523, 763, 1203]) * 1e-6
SIGMA = 1e-3


def areas(seed: int = 0, *, metal: float = 0.3, t2: float = 1e-4, slow: float = 0.0):
    noise = SIGMA * np.random.default_rng(seed).normal(size=(TIME.size, 2))
    first = evaluate_decay(TIME, metal, 5e-4, 1.0)
    second = evaluate_decay(TIME, 1 - metal, t2, 1.0, (slow, 7e-4))
    return np.stack([first, second], axis=1) + noise


def find(area):
    covariance = SIGMA**2 * np.einsum("st,rq->srtq", np.eye(len(area)), np.eye(2))
    return find_outlying_slices(TIME[: len(area)], area, covariance, DecayOptions())


@pytest.mark.parametrize("factor", [0.0, 0.3, 0.9, 1.15, 1.8])
@pytest.mark.parametrize("bad", [0, 2, 5, 8])
def test_a_slice_of_another_gain_is_set_aside(bad: int, factor: float) -> None:
    area = areas(bad)
    area[bad] *= factor
    found = find(area)
    assert np.flatnonzero(~found.used).tolist() == [bad]
    assert found.factor[bad] == pytest.approx(factor, abs=0.03)
    assert f"slice {bad + 1} set aside" in found.describe(np.arange(1, 13))
    assert (np.delete(found.factor, bad) == 1.0).all()


def test_two_slices_of_twelve_may_be_spoiled() -> None:
    area = areas(3)
    area[2] *= 0.3
    area[6] *= 1.8
    assert np.flatnonzero(~find(area).used).tolist() == [2, 6]


@pytest.mark.parametrize("seed", range(8))
def test_noise_and_scatter_set_nothing_aside(seed: int) -> None:
    area = areas(seed, slow=0.3 if seed % 2 else 0.0)
    assert find(area).used.all()
    scattered = area * (1 + 0.02 * np.random.default_rng(50 + seed).normal(size=(12, 1)))
    assert find(scattered).used.all()


def test_a_region_that_leaves_its_law_alone_is_no_bad_slice() -> None:
    area = areas(1)
    area[3, 1] *= 0.5
    assert find(area).used.all()


def test_one_region_alone_does_not_set_an_end_aside() -> None:
    """Two parts in one region bend its first slices up: nothing says that these are bad."""
    area = areas(2, metal=0.0, t2=3e-5, slow=0.3)
    area[0, 1] *= 1.3
    assert find(area).used.all()


def test_a_drift_of_the_gain_sets_nothing_aside() -> None:
    area = areas(4) * np.linspace(1.0, 1.1, 12)[:, None]
    assert find(area).used.all()


def test_too_few_slices_are_all_used() -> None:
    area = areas(5)[:4]
    area[2] *= 0.3
    assert find(area).used.all()


@pytest.mark.parametrize("seed", range(6))
def test_a_weak_region_does_not_vouch_for_a_strong_one_that_bends(seed: int) -> None:
    """Of 8 % metal the last slices say little; a Li-Si of two parts bends there by itself."""
    area = areas(seed, metal=0.08, t2=1.27e-4, slow=0.25)
    assert find(area).used.all()


def test_factors_of_slices_by_hand() -> None:
    """Areas over their laws, weighted; a law below five errors tells nothing."""
    area, model = np.array([[2.0, 6.0], [1.0, 1.0]]), np.array([[1.0, 2.0], [1.0, 1.0]])
    variance = np.array([[0.01, 0.09], [0.199**2, 0.201**2]])
    found = _compute_factors(area, variance, model, np.array([True, True]))
    weight = np.array([1 / 0.1**2, 1 / 0.15**2])
    assert found.common[0] == pytest.approx((2 * weight[0] + 3 * weight[1]) / weight.sum())
    assert found.stderr[0] == pytest.approx(1 / np.sqrt(weight.sum()))
    np.testing.assert_allclose(found.of_region, [[2.0, 3.0], [1.0, np.nan]])
    np.testing.assert_allclose(found.region_stderr[1], [0.199, np.inf])
    none = _compute_factors(area, variance, model, np.array([False, True]))
    assert np.isnan(none.common[0]) and np.isinf(none.stderr[0])


def factors(ratio: list[list[float]], error: list[list[float]], common: float = 1.4) -> _Factors:
    return _Factors(
        common=np.full(len(ratio), common),
        stderr=np.full(len(ratio), 0.01),
        of_region=np.array(ratio),
        region_stderr=np.array(error),
    )


@pytest.mark.parametrize(
    ("ratio", "error", "is_common"),
    [
        # a quarter of the deviation of 0.4
        ([1.49, 1.4], [0.01, 0.01], True),
        ([1.51, 1.4], [0.01, 0.01], False),
        # or four of its errors
        ([1.59, 1.4], [0.05, 0.01], True),
        ([1.61, 1.4], [0.05, 0.01], False),
        # errors of a quarter of the deviation and more say nothing
        ([1.4, 1.4], [0.101, 0.101], False),
        ([1.4, 1.4], [0.099, 0.099], True),
    ],
)
def test_regions_with_one_factor(ratio: list[float], error: list[float], is_common: bool) -> None:
    assert _is_common(factors([ratio], [error]), 0, np.array([0.0])) == is_common


@pytest.mark.parametrize(
    ("place", "beside", "is_common"),
    [
        (0, 1.0, False),
        (1, 1.0, False),
        (2, 1.0, True),
        (4, 1.0, True),
        (5, 1.0, False),
        (3, 1.09, True),
        (3, 1.11, False),
        (3, 0.91, True),
        (3, 0.89, False),
    ],
)
def test_one_region_alone_away_from_the_ends(place: int, beside: float, is_common: bool) -> None:
    """Two slices at each end; what lies beside it is no quarter as far off. In order of time."""
    ratio = np.full((7, 2), np.nan)
    ratio[:, 0] = beside
    ratio[place, 0] = 1.4
    error = np.where(np.isnan(ratio), np.inf, 0.01)
    time = np.arange(7.0)
    assert _is_common(factors(ratio.tolist(), error.tolist()), place, time) == is_common
    order = np.array([3, 0, 6, 1, 5, 2, 4])
    turned = factors(ratio[order].tolist(), error[order].tolist())
    assert _is_common(turned, int(np.flatnonzero(order == place)[0]), time[order]) == is_common


def test_five_slices_can_show_one_that_is_spoiled() -> None:
    for count, is_seen in ((5, True), (4, False)):
        area = areas(5)[:count]
        area[2] *= 0.3
        assert find(area).used.all() != is_seen


def test_two_of_nine_slices_are_too_many() -> None:
    """One in five, but one in any series."""
    for count, is_seen in ((9, False), (10, True)):
        area = areas(3)[:count]
        area[2] *= 0.3
        area[6] *= 1.8
        assert find(area).used.all() != is_seen
