"""Patterns learnt from several frames: which frames, how they weigh, and what is solved."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hexrd.made_frame import (
    make_parameters,
    make_pattern,
    make_prior,
    make_series,
)

from ssbchar.hexrd.refinement import learn_pattern as lp
from ssbchar.hexrd.refinement.frame.refine import Convergence, refine_frame
from ssbchar.hexrd.refinement.options import Refinement


def fits_of(significance: list[float | None]) -> dict[int, SimpleNamespace]:
    """Return fits with these significances of phase 0; None: it is not in the model."""
    return {
        i: SimpleNamespace(present=() if s is None else (0,), get_significance=lambda phase, s=s: s)
        for i, s in enumerate(significance)
    }


def test_frames_fade_in_with_their_significance() -> None:
    # the 0.9 quantile of eleven equal values is 100: frames count from 50 and in full from 70
    found = lp.choose_frames(fits_of([*[100.0] * 11, 60.0, 49.0, None, 50.0, 69.9]), 0)
    assert found[0] == 1.0 and found[11] == pytest.approx(0.5)
    assert 12 not in found and 13 not in found and 14 not in found
    assert found[15] == pytest.approx(0.995)


def test_weak_phases_are_not_learnt_from() -> None:
    assert lp.choose_frames(fits_of([15.0] * 10), 0) == {}
    # above 15, though that is more than half of the high quantile
    found = lp.choose_frames(fits_of([16.0] * 10 + [14.0]), 0)
    assert set(found) == set(range(10)) and set(found.values()) == {1.0}
    assert lp.choose_frames({}, 0) == {}


def test_many_frames_are_thinned_evenly() -> None:
    assert len(lp.choose_frames(fits_of([100.0] * 24), 0)) == 24
    assert list(lp.choose_frames(fits_of([100.0] * 25), 0)) == list(range(0, 25, 2))
    assert list(lp.choose_frames(fits_of([100.0] * 100), 0)) == list(range(0, 100, 8))


def test_weights_fall_to_a_quarter_at_four_robust_deviations() -> None:
    # median 2, median deviation 1
    distance = np.array([0.0, 1.0, 2.0, 3.0, 2 + 4 * 1.4826])
    np.testing.assert_allclose(lp.weigh_by_distance(distance)[[0, 1, 2, 4]], [1, 1, 1, 0.25])
    assert lp.weigh_by_distance(distance)[3] == pytest.approx((1 + (1 / 5.9304) ** 2) ** -2)
    np.testing.assert_allclose(lp.weigh_by_distance(np.ones(3)), 1.0)


def test_non_negative_solution_has_no_better_neighbour() -> None:
    normal = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, 0.2], [0.5, 0.2, 2.0]])
    target = np.array([1.0, -2.0, 3.0])
    x = lp.solve_non_negative(normal, target)
    assert x[1] == 0.0 and np.all(x >= 0)
    downhill = target - normal @ x
    np.testing.assert_allclose(downhill[[0, 2]], 0, atol=1e-8)
    assert downhill[1] < 0
    inside = lp.solve_non_negative(normal, np.array([5.0, 4.0, 3.0]))
    np.testing.assert_allclose(inside, np.linalg.solve(normal, [5.0, 4.0, 3.0]), rtol=1e-8)


def test_elimination_keeps_the_solution() -> None:
    rng = np.random.default_rng(0)
    half = rng.standard_normal((9, 6)) * np.array([1, 10, 100, 1, 1, 0.1])
    normal, target = half.T @ half, rng.standard_normal(6)
    kept, rest = np.array([4, 1]), np.array([0, 2, 3, 5])
    reduced, right = lp.eliminate_unknowns(normal, target, kept, rest)
    whole = np.linalg.solve(normal, target)
    np.testing.assert_allclose(np.linalg.solve(reduced, right), whole[kept], rtol=1e-5)
    np.testing.assert_allclose(
        np.linalg.inv(reduced), np.linalg.inv(normal)[np.ix_(kept, kept)], rtol=1e-5
    )


STRENGTH = np.array([8.0, 0.5, 3.0, 6.0, 4.0])
"""What the crystals of the cubic phase really scatter."""


class Frames:
    """Frames whose first phase does not scatter as its structure says."""

    def __init__(self, count: int, noise: float) -> None:
        given = make_series(free=(5, 0))
        self.series = given
        real = replace(given, strength=(STRENGTH, given.strength[1]))
        truth = make_parameters()
        self.patterns = [make_pattern(real, truth, noise=noise, seed=i) for i in range(count)]

    def read_pattern(self, i: int):
        return self.patterns[i]


def learn(
    count: int = 4,
    noise: float = 1.0,
    options: Refinement | None = None,
    free: np.ndarray | None = None,
):
    frames = Frames(count, noise)
    if free is not None:
        narrow = (free, frames.series.free_reflections[1])
        frames.series = replace(frames.series, free_reflections=narrow)
    truth = make_parameters()
    fits = {
        i: refine_frame(
            frames.series,
            frames.patterns[i],
            (0, 1),
            start=truth,
            prior=make_prior(truth),
            convergence=Convergence(iterations=12, tolerance=0.1),
        )
        for i in range(count)
    }
    series = frames.series
    return (
        series,
        fits,
        frames,
        lp.learn_patterns(series, series, frames, fits, options or Refinement()),
    )


def test_the_pattern_is_learnt_as_it_is() -> None:
    series, _, _, learnt = learn()
    found = learnt.strength[0] / learnt.strength[0].sum()
    np.testing.assert_allclose(found, STRENGTH / STRENGTH.sum(), atol=0.03)
    before = series.strength[0] / series.strength[0].sum()
    after, given = (np.abs(s - STRENGTH / STRENGTH.sum()).max() for s in (found, before))
    assert after < 0.3 * given
    # the second phase follows its structure
    assert learnt.strength[1] is series.strength[1]
    np.testing.assert_array_equal(learnt.free_reflections[0], np.arange(5))
    np.testing.assert_array_equal(learnt.intensity_freedom, [0.5, 0.4])


def test_what_is_not_free_in_a_frame_is_learnt_as_well() -> None:
    """Two reflections are free in each frame, the other three followed the structure: what they
    lacked would have moved the cell."""
    options = Refinement(free_reflections=2)
    _, _, _, learnt = learn(options=options, free=np.array([0, 3]))
    found = learnt.strength[0] / learnt.strength[0].sum()
    np.testing.assert_allclose(found, STRENGTH / STRENGTH.sum(), atol=0.03)
    assert learnt.free_reflections[0].size == 2


def test_what_is_learnt_stays() -> None:
    series, fits, frames, learnt = learn()
    again = lp.learn_patterns(learnt, series, frames, fits, Refinement())
    assert again.strength[0] is learnt.strength[0]


def test_few_frames_teach_nothing() -> None:
    series, _, _, learnt = learn(count=2)
    assert learnt.strength[0] is series.strength[0]
    _, _, _, learnt = learn(count=3)
    assert learnt.strength[0] is not series.strength[0]


def test_the_strongest_reflections_as_learnt_are_free_with_the_freedom_of_the_options() -> None:
    _, _, _, learnt = learn(options=Refinement(free_reflections=2, intensity_freedom=0.3))
    # strengths times Lorentz factors: the first, and the third of twice the angle's factor
    assert learnt.free_reflections[0].size == 2 and 0 in learnt.free_reflections[0]
    assert 1 not in learnt.free_reflections[0]
    np.testing.assert_array_equal(learnt.intensity_freedom, [0.3, 0.4])


def test_a_frame_solves_for_strengths_in_the_order_of_the_reflections() -> None:
    series, fits, frames, _ = learn(noise=0.0)
    problem = lp.FrameProblem(
        series=series, pattern=frames.patterns[0], present=(0, 1), layout=lp.NO_PARAMETERS
    )
    model = lp.build_model(series, fits[0].parameters, (0, 1))
    equations = lp._reduce_equations(problem, model, fits[0], 0)
    found = np.linalg.solve(equations.normal, equations.target)
    np.testing.assert_allclose(found / found.sum(), STRENGTH / STRENGTH.sum(), atol=0.01)
    # relative to the sum of the frame's own strengths
    np.testing.assert_allclose(found.sum(), 1.0, rtol=0.02)
    inflated = make_parameters(inflation=np.array([2.0, 1.0]))
    other = SimpleNamespace(**vars(fits[0]), get_index=fits[0].get_index)
    other.parameters = lp.replace(fits[0].parameters, inflation=inflated.inflation)
    halved = lp._reduce_equations(problem, model, other, 0)
    before = fits[0].parameters.inflation[0]
    np.testing.assert_allclose(halved.target, equations.target * before**2 / 4, rtol=0.05)


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_elimination_does_not_depend_on_the_unit_of_what_is_eliminated(unit: float) -> None:
    """[[2, u], [u, u^2]] x = [3, u]: 2 - u u / u^2 = 1, and 3 - u u / u^2 = 2."""
    normal, target = np.array([[2.0, unit], [unit, unit**2]]), np.array([3.0, unit])
    reduced, right = lp.eliminate_unknowns(normal, target, np.array([0]), np.array([1]))
    np.testing.assert_allclose(reduced, [[1.0]], rtol=1e-9)
    np.testing.assert_allclose(right, [2.0], rtol=1e-9)


def test_no_learnt_strength_is_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    """A millionth of the mean is added to all."""
    solved = np.array([4.0, 0.0, 1.0, 0.0, 0.0])
    monkeypatch.setattr(lp, "_solve_strengths", lambda *args, **how: solved)
    *_, learnt = learn(count=3)
    np.testing.assert_allclose(learnt.strength[0], solved + 1e-6, rtol=1e-12)
