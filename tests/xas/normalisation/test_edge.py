"""Fit ranges, baseline and step by hand: lines and parabolas come out exactly, errors as sums of
squares."""

import numpy as np
import pytest

from ssbchar.xas.normalisation import edge
from ssbchar.xas.normalisation.edge import FitLimits, choose_fit_ranges

E0 = 7112.0
ENERGY = E0 + np.arange(-150.0, 601.0, 2.0)
"""E0 is point 75."""


def points(limits: FitLimits | None = None, energy: np.ndarray = ENERGY) -> list[float]:
    """Return ends of both ranges relative to E0 [eV]; a range's last point is left out."""
    ranges = choose_fit_ranges(energy, E0, limits)
    ends = (ranges.pre.start, ranges.pre.stop, ranges.post.start, ranges.post.stop)
    return [float(energy[end] - E0) for end in ends]


def test_usual_limits_are_larchs() -> None:
    """Second point -148, rounded to 5: -150; half of it -75 (the nearest point, lower one of two);
    600/3 = 200, 25 at most (24 is the point at or below it); last point 600."""
    assert points() == [-150.0, -76.0, 24.0, 600.0]
    ranges = choose_fit_ranges(ENERGY, E0)
    assert (ranges.at_e0, ranges.nnorm) == (75, 2)


def test_a_short_post_edge_starts_at_a_third_of_it() -> None:
    """60/3 = 20 eV: the range of 40 eV bears a line; 36/3 = 12, rounded to 10: a constant."""
    for end, start, stop, degree in ((60, 20.0, 60.0, 1), (36, 10.0, 34.0, 0)):
        energy = ENERGY[ENERGY <= E0 + end]
        assert points(energy=energy)[2:] == [start, stop]
        assert choose_fit_ranges(energy, E0).nnorm == degree


def test_few_points_below_the_edge_are_rounded_to_2_ev() -> None:
    """21 points below E0 count in fives, 20 in twos: the second of 20 lies at -38."""
    assert points(energy=ENERGY[54:])[0] == -40.0
    assert points(energy=ENERGY[55:])[0] == -38.0


def test_configured_limits_are_taken_in_either_order() -> None:
    given = FitLimits(pre1=-100.0, pre2=-30.0, norm1=50.0, norm2=400.0, nnorm=3)
    turned = FitLimits(pre1=-30.0, pre2=-100.0, norm1=400.0, norm2=50.0, nnorm=3)
    assert points(given) == points(turned) == [-100.0, -30.0, 50.0, 400.0]
    assert choose_fit_ranges(ENERGY, E0, given).nnorm == 3


def test_limits_beyond_the_data_end_with_it() -> None:
    assert points(FitLimits(pre1=-500.0, norm2=5000.0)) == [-150.0, -150.0 + 4, 24.0, 600.0] or (
        points(FitLimits(pre1=-500.0, norm2=5000.0))[::3] == [-150.0, 600.0]
    )


def test_the_degree_follows_the_range() -> None:
    """2 from 300 eV, 1 from 30 eV, else 0."""
    degrees = [
        choose_fit_ranges(ENERGY, E0, FitLimits(norm1=20.0, norm2=end)).nnorm
        for end in (49.9, 50.0, 319.9, 320.0)
    ]
    assert degrees == [0, 1, 1, 2]


def test_ranges_of_few_points_bear_less() -> None:
    def degree(norm1: float, norm2: float) -> tuple[int, int]:
        ranges = choose_fit_ranges(ENERGY, E0, FitLimits(norm1=norm1, norm2=norm2, nnorm=2))
        return ranges.nnorm, ranges.post.stop - ranges.post.start

    assert degree(100.0, 110.0) == (2, 5)
    assert degree(100.0, 108.0) == (1, 4)
    assert degree(100.0, 104.0) == (1, 2)
    assert degree(100.0, 102.0) == (0, 3), "one point: two more are taken, for their mean"


def test_the_pre_edge_has_two_points_at_least() -> None:
    ranges = choose_fit_ranges(ENERGY, E0, FitLimits(pre1=-50.0, pre2=-50.0))
    assert ranges.pre == slice(50, 52)


def test_the_post_edge_begins_three_points_before_the_end() -> None:
    """A range beyond the data, moved below its end by 2 eV, starts three points before it."""
    ranges = choose_fit_ranges(ENERGY, E0, FitLimits(norm1=599.0, norm2=600.0))
    assert ranges.post == slice(ENERGY.size - 3, ENERGY.size - 1)


def test_a_limit_below_the_first_point_is_the_first_point() -> None:
    assert edge._find_at_or_below(ENERGY, ENERGY[0] - 10) == 0
    assert edge._find_at_or_below(ENERGY, ENERGY[7]) == 7
    assert edge._find_at_or_below(ENERGY, ENERGY[7] - 0.1) == 6


def made(step: float = 0.8, bend: float = 2e-7) -> np.ndarray:
    """A line below, above it a step and a parabola about E0; two spectra."""
    x = ENERGY - E0
    below = 0.3 - 4e-4 * x
    above = step - 1e-4 * x + bend * x**2
    one = below + np.where(x >= 0, above, 0.0)
    return np.stack([one, 3 * one])


def test_a_line_and_a_parabola_are_found_exactly() -> None:
    x = ENERGY - E0
    done = edge.normalise_edges(ENERGY, made(), choose_fit_ranges(ENERGY, E0))
    assert done.edge_step == pytest.approx([0.8, 2.4], rel=1e-10)
    assert np.allclose(done.pre_edge[0], 0.3 - 4e-4 * x, atol=1e-11)
    assert np.allclose(done.post_edge[0], 1.1 - 5e-4 * x + 2e-7 * x**2, atol=1e-11)
    assert np.allclose(done.norm[:, :75], 0, atol=1e-11)
    assert np.allclose(done.flat[:, 75:], 1, atol=1e-11)
    assert np.allclose(done.flat[:, :75], done.norm[:, :75])
    assert np.allclose(done.norm[0, 75:], (0.8 - 1e-4 * x + 2e-7 * x**2)[75:] / 0.8, atol=1e-11)


def test_a_falling_edge_has_a_positive_step() -> None:
    done = edge.normalise_edges(ENERGY, -made(), choose_fit_ranges(ENERGY, E0))
    assert done.edge_step[0] == pytest.approx(0.8)
    assert done.norm[0, 75] == pytest.approx(-1.0)


def test_a_flat_spectrum_divides_by_something() -> None:
    done = edge.normalise_edges(ENERGY, np.ones((1, ENERGY.size)), choose_fit_ranges(ENERGY, E0))
    assert done.edge_step[0] == pytest.approx(1e-12)


def test_two_points_below_the_edge_give_their_mean() -> None:
    mu = np.arange(ENERGY.size, dtype=float)[None]
    ranges = choose_fit_ranges(ENERGY, E0, FitLimits(pre1=-50.0, pre2=-50.0))
    assert np.array_equal(edge.fit_pre_edge(ENERGY, mu, ranges), np.full(mu.shape, 50.5))
    three = edge.FitRanges(pre=slice(50, 53), post=ranges.post, at_e0=75, nnorm=1)
    assert np.allclose(edge.fit_pre_edge(ENERGY, mu, three), mu)


@pytest.mark.parametrize("power", [1, 3])
def test_victoreens_curve_is_found_exactly(power: int) -> None:
    curve = ((2.0 + 1e-3 * (ENERGY - E0)) * (ENERGY / E0) ** -power)[None]
    ranges = choose_fit_ranges(ENERGY, E0)
    assert np.allclose(edge.fit_pre_edge(ENERGY, curve, ranges, power), curve, rtol=1e-12)


def test_tails_are_an_arctangent_less_its_step() -> None:
    """Half a width away the arctangent is at a quarter of its rise."""
    energy = E0 + np.array([-1.0, 0.0, 1.0, 1e9])
    assert edge.calculate_tail(energy, E0, 2.0) == pytest.approx([0.25, 0.5, -0.25, 0.0], abs=1e-8)
    assert np.array_equal(edge.calculate_tail(energy, E0, 0.0), np.zeros(4))
    assert np.array_equal(edge.calculate_tail(energy, E0, -1.0), np.zeros(4))
    assert edge.calculate_tail(energy, E0, 0.5)[0] > 0


def test_spectra_that_came_normalised_stay() -> None:
    mu = made()
    done = edge.accept_normalised(mu)
    assert np.array_equal(done.norm, mu) and np.array_equal(done.flat, mu)
    assert not done.pre_edge.any() and (done.post_edge == 1).all()
    assert done.edge_step.tolist() == [1.0, 1.0]
    operators = edge.accept_operators(4)
    assert np.array_equal(operators.subtraction, np.eye(4))
    assert not operators.step_weights.any()


@pytest.mark.parametrize("width", [0.0, 3.0])
@pytest.mark.parametrize("power", [0, 3])
def test_operators_are_what_the_normalisation_does(width: float, power: int) -> None:
    random = np.random.default_rng(1)
    mu = made() + 0.01 * random.standard_normal((2, ENERGY.size))
    smoother = np.eye(ENERGY.size) + 0.01 * random.standard_normal((ENERGY.size, ENERGY.size))
    ranges = choose_fit_ranges(ENERGY, E0)
    tail = edge.calculate_tail(ENERGY, E0, width) if width else None
    done = edge.normalise_edges(
        ENERGY, mu, ranges, victoreen=power, exafs_free=mu @ smoother.T, tail=tail
    )
    operators = edge.derive_operators(ENERGY, ranges, victoreen=power, smoother=smoother, tail=tail)
    assert np.allclose(mu @ operators.subtraction.T, mu - done.pre_edge, atol=1e-10)
    assert np.allclose(mu @ operators.step_weights, done.edge_step, rtol=1e-9)


def two_points(step: float, norm: tuple[float, float]) -> edge.NormalisedSpectra:
    row = np.array([norm])
    return edge.NormalisedSpectra(
        pre_edge=0 * row, post_edge=0 * row, edge_step=np.array([step]), norm=row, flat=row
    )


def test_errors_of_norm_and_step_by_hand() -> None:
    """A = [[1, 2], [0, 1]], w = (3, 1), step 2, norm (1, -1), errors 0.1 and 0.2.

    d norm_1 = ((1 - 3) d1 + (2 - 1) d2)/2, d norm_2 = ((0 + 3) d1 + (1 + 1) d2)/2, d step = 3 d1 +
    d2.
    """
    operators = edge.EdgeOperators(
        subtraction=np.array([[1.0, 2.0], [0.0, 1.0]]), step_weights=np.array([3.0, 1.0])
    )
    spectra, stderr = two_points(2.0, (1.0, -1.0)), np.array([[0.1, 0.2]])
    norm, step = edge.norm_stderr_from_mu_stderr(stderr, spectra, operators)
    assert norm[0] == pytest.approx([np.hypot(0.2, 0.2) / 2, np.hypot(0.3, 0.4) / 2])
    assert step == pytest.approx([np.hypot(0.3, 0.2)])


def test_error_of_a_functional_by_hand() -> None:
    """h = (1, 1): h A = (1, 3), h . norm = 0.5 + 1 = 1.5: (1 - 4.5) d1 + (3 - 1.5) d2 over 2."""
    operators = edge.EdgeOperators(
        subtraction=np.array([[1.0, 2.0], [0.0, 1.0]]), step_weights=np.array([3.0, 1.0])
    )
    found = edge.functional_stderr_from_mu_stderr(
        np.array([[1.0, 1.0]]), np.array([[0.1, 0.2]]), two_points(2.0, (0.5, 1.0)), operators
    )
    assert found == pytest.approx([np.hypot(0.35, 0.3) / 2])


def test_error_of_a_point_of_norm_is_that_of_its_functional() -> None:
    mu = made()[:1]
    ranges = choose_fit_ranges(ENERGY, E0)
    spectra = edge.normalise_edges(ENERGY, mu, ranges)
    operators = edge.derive_operators(ENERGY, ranges)
    stderr = np.full(mu.shape, 1e-3)
    whole, _ = edge.norm_stderr_from_mu_stderr(stderr, spectra, operators)
    for point in (0, 75, 200):
        row = np.zeros(mu.shape)
        row[0, point] = 1.0
        one = edge.functional_stderr_from_mu_stderr(row, stderr, spectra, operators)
        assert one[0] == pytest.approx(whole[0, point], rel=1e-9)


def test_a_start_of_17_ev_below_is_rounded_to_16() -> None:
    """By 2 eV, and half to even; rounded by 2.5 it would lie at 17.5."""
    energy = E0 + np.arange(-18.0, 600.0)
    assert points(energy=energy)[0] == -16.0
