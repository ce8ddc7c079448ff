"""The zero of a series covers the truth, whatever its frames disagree about."""

import numpy as np
import pytest

from ssbchar.hexrd.refinement import zero_shift


def test_equal_errors_without_scatter_give_the_plain_mean() -> None:
    mean, stderr = zero_shift.combined([1.0, 1.2, 0.8, 1.0], [0.5] * 4)
    assert mean == pytest.approx(1.0) and stderr == pytest.approx(0.25)


def test_scatter_beyond_the_errors_enters_the_error() -> None:
    rng = np.random.default_rng(1)
    pulls = []
    for _ in range(400):
        mean, stderr = zero_shift.combined(rng.normal(0, np.hypot(3.0, 0.5), 12), np.full(12, 0.5))
        pulls.append(mean / stderr)
    assert 0.8 < np.std(pulls) < 1.3


def test_a_wild_frame_does_not_move_the_zero() -> None:
    mean, _ = zero_shift.combined([0.1, -0.1, 0.0, 0.05, 40.0], [0.1] * 5)
    assert abs(mean) < 0.1


def test_frames_of_one_set_of_phases_do_not_outvote_the_others() -> None:
    many = [((2,), -10.0, 1.0, 1.0) for _ in range(50)]
    few = [((0, 1), 0.1, 0.5, 1.0) for _ in range(5)]
    found = zero_shift.shared([*many, *few])
    assert found is not None
    zero, stderr = found
    assert abs(zero) < 2 * stderr < 15 and stderr > 2
    assert zero_shift.shared([((0,), 1.0, 0.0, 1.0)]) is None


def test_what_all_frames_of_one_set_of_phases_get_wrong_alike_does_not_average_out() -> None:
    rng = np.random.default_rng(2)
    pulls = []
    for _ in range(300):
        wrong = rng.normal(
            0, 0.5
        )  # of the model: overlaps and shapes that are the same in every frame
        frames = [
            ((0, 1), z, float(np.hypot(1, 0.5)), float(np.hypot(1, 0.5)))
            for z in rng.normal(wrong, 1.0, 100)
        ]
        found = zero_shift.shared(frames)
        assert found is not None
        pulls.append(found[0] / found[1])
    assert 0.8 < np.std(pulls) < 1.25
