"""The zero of a series covers the truth, whatever its frames disagree about."""

import numpy as np
import pytest

from ssbchar.hexrd.refinement.zero_shift import (
    Difference,
    FrameZero,
    combine_frames,
    combine_values,
    error_from_differences,
)


def frame(
    zero: float, stderr: float, present: tuple[int, ...] = (0,), inflation: float = 1.0
) -> FrameZero:
    return FrameZero(present=present, zero=zero, stderr=stderr, inflation=inflation)


def test_equal_errors_without_scatter_give_the_plain_mean() -> None:
    mean, stderr = combine_values([1.0, 1.2, 0.8, 1.0], [0.5] * 4)
    assert mean == pytest.approx(1.0) and stderr == pytest.approx(0.25)


def test_values_without_scatter_are_weighted_by_their_errors() -> None:
    # weights 4 and 1, and less scatter than the errors allow
    mean, stderr = combine_values([0.0, 1.0], [0.5, 1.0], leave_out_outliers=False)
    assert mean == pytest.approx(0.2) and stderr == pytest.approx(5**-0.5)


def test_the_variance_beyond_the_errors_is_that_of_dersimonian_and_laird() -> None:
    # w = 1 each, Q = 32, tau^2 = (32 - 1) / (2 - 1) = 31: variance of the mean (1 + 31) / 2
    mean, stderr = combine_values([-4.0, 4.0], [1.0, 1.0], leave_out_outliers=False)
    assert mean == pytest.approx(0.0) and stderr == pytest.approx(4.0)
    # three values: Q = 18, tau^2 = (18 - 2) / (3 - 1) = 8, variance 9 / 3
    _, stderr = combine_values([-3.0, 0.0, 3.0], [1.0] * 3, leave_out_outliers=False)
    assert stderr == pytest.approx(3.0**0.5)


def test_one_value_keeps_its_error() -> None:
    assert combine_values([3.0], [0.5], leave_out_outliers=False) == pytest.approx((3.0, 0.5))
    assert combine_values([3.0], [0.5]) == pytest.approx((3.0, 0.5))


def test_scatter_beyond_the_errors_enters_the_error() -> None:
    rng = np.random.default_rng(1)
    pulls = []
    for _ in range(400):
        mean, stderr = combine_values(rng.normal(0, np.hypot(3.0, 0.5), 12), np.full(12, 0.5))
        pulls.append(mean / stderr)
    assert 0.8 < np.std(pulls) < 1.3


def test_a_wild_frame_does_not_move_the_zero() -> None:
    mean, _ = combine_values([0.1, -0.1, 0.0, 0.05, 40.0], [0.1] * 5)
    assert abs(mean) < 0.1


def test_what_is_an_outlier_is_measured_by_errors_and_scatter_together() -> None:
    # median 0, median deviation 0: allowed are 4 standard errors
    mean, _ = combine_values([0.0, 0.0, 0.0, 3.9], [1.0] * 4)
    assert mean > 0.5
    mean, stderr = combine_values([0.0, 0.0, 0.0, 4.1], [1.0] * 4)
    assert mean == 0.0 and stderr == pytest.approx(3**-0.5)


def test_the_median_about_which_outliers_are_found_is_weighted() -> None:
    # two good values outweigh three poor ones, which are then far from them
    values, stderr = [0.0, 0.1, 9.0, 9.1, 9.2], [0.1, 0.1, 1.0, 1.0, 1.0]
    mean, _ = combine_values(values, stderr)
    assert abs(mean - 0.05) < 5.0
    mean, _ = combine_values([0.0, 0.0, 0.0, 100.0], [0.1, 0.1, 0.1, 1.0])
    assert mean == pytest.approx(0.0)


def test_frames_of_one_set_of_phases_do_not_outvote_the_others() -> None:
    many = [frame(-10.0, 1.0, (2,)) for _ in range(50)]
    few = [frame(0.1, 0.5, (0, 1)) for _ in range(5)]
    found = combine_frames([*many, *few])
    assert found is not None
    zero, stderr = found
    assert abs(zero) < 2 * stderr < 15 and stderr > 2


def test_held_zeros_do_not_count() -> None:
    assert combine_frames([]) is None
    assert combine_frames([frame(1.0, 0.0)]) is None
    found = combine_frames([frame(1.0, 0.0), frame(2.0, 0.5)])
    assert found == pytest.approx((2.0, 0.5))


def test_what_misfit_adds_to_the_errors_stays_when_frames_are_combined() -> None:
    # inflation 2: three quarters of the variance are the model's, alike in all 100 frames
    assert frame(0.0, 2.0, inflation=2.0).misfit_variance == pytest.approx(3.0)
    assert frame(0.0, 2.0, inflation=0.5).misfit_variance == 0.0
    found = combine_frames([frame(0.0, 2.0, inflation=2.0) for _ in range(100)])
    assert found == pytest.approx((0.0, np.hypot(0.2, 3**0.5)))


def test_what_all_frames_of_one_set_of_phases_get_wrong_alike_does_not_average_out() -> None:
    rng = np.random.default_rng(2)
    pulls = []
    error = float(np.hypot(1, 0.5))
    for _ in range(300):
        # of the model: overlaps and shapes that are the same in every frame
        wrong = rng.normal(0, 0.5)
        frames = [frame(z, error, (0, 1), error) for z in rng.normal(wrong, 1.0, 100)]
        found = combine_frames(frames)
        assert found is not None
        pulls.append(found[0] / found[1])
    assert 0.8 < np.std(pulls) < 1.25


def test_what_the_model_gets_wrong_does_not_average_out_over_sets_of_phases() -> None:
    # each frame's own variance of 4 averages out over nine sets; the model's part of it, 3, stays
    frames = [frame(0.0, 2.0, (k,), inflation=2.0) for k in range(9)]
    found = combine_frames(frames)
    assert found == pytest.approx((0.0, np.sqrt(4 / 9 + 3)))


def test_an_error_that_sets_of_phases_share_is_covered() -> None:
    rng = np.random.default_rng(3)
    pulls = []
    error = float(np.hypot(1, 0.5))
    for _ in range(300):
        wrong = rng.normal(0, 0.5)
        frames = [frame(z, error, (k % 6,), error) for k, z in enumerate(rng.normal(wrong, 1, 120))]
        found = combine_frames(frames)
        assert found is not None
        pulls.append(found[0] / found[1])
    assert 0.8 < np.std(pulls) < 1.25


def test_angles_that_disagree_widen_the_error_of_the_zero() -> None:
    clear = [Difference(value=0.01, stderr=0.002)] * 4
    assert error_from_differences(clear) == pytest.approx(0.01 / 3**0.5)
    within = [Difference(value=0.01, stderr=0.02)] * 4
    assert error_from_differences(within) == 0.0 == error_from_differences([])


def test_angles_that_agree_seldom_widen_it() -> None:
    rng = np.random.default_rng(4)
    found = [
        error_from_differences([Difference(value=v, stderr=1.0) for v in rng.normal(0, 1, 6)])
        for _ in range(400)
    ]
    assert np.mean(np.array(found) > 0) < 0.09
