"""Layout, bounds and weights of the parameters, in numbers worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest
from hexrd.made_frame import WAVELENGTH, make_parameters, make_prior, make_series

from ssbchar.hexrd.refinement.frame import parameters as p
from ssbchar.hexrd.refinement.frame.parameters import GaussianPrior, ParameterKind

K = ParameterKind
ALL = (0, 1)


def test_every_free_parameter_has_one_entry() -> None:
    layout = p.build_layout(make_series(), ALL, make_prior())
    kinds = (K.ZERO, K.GAUSS, K.STRAIN, K.SIZE, K.MICROSTRAIN, K.OVERALL_B)
    kinds += (K.STRAIN, K.STRAIN, K.SIZE, K.MICROSTRAIN, K.OVERALL_B)
    assert layout.kinds == kinds and layout.size == 11
    np.testing.assert_array_equal(layout.phase, [-1, -1, 0, 0, 0, 0, 1, 1, 1, 1, 1])
    np.testing.assert_array_equal(layout.strain_index, [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0])
    np.testing.assert_allclose(layout.prior_precision[:3], [1e4, 0.03**-2, 0.02**-2])
    np.testing.assert_allclose(layout.prior_mean[[0, 2, 6, 7]], [0.002, 1e-3, -5e-4, 8e-4])
    assert layout.has_shared
    assert layout.select_strains(1) == slice(6, 8)
    np.testing.assert_array_equal(np.flatnonzero(layout.select(K.SIZE, K.ZERO)), [0, 3, 8])
    np.testing.assert_array_equal(layout.rows[K.OVERALL_B], [5, 10])


def test_held_parameters_and_absent_phases_have_no_entry() -> None:
    prior = make_prior(
        zero=GaussianPrior(mean=0.0, sigma=0.0),
        gauss_fwhm=GaussianPrior(mean=0.04, sigma=0.0),
        overall_b=GaussianPrior(mean=np.zeros(2), sigma=np.array([0.0, 1.0])),
    )
    layout = p.build_layout(make_series(), (0,), prior)
    assert layout.kinds == (K.STRAIN, K.SIZE, K.MICROSTRAIN)
    assert not layout.has_shared


def test_values_stand_in_the_order_of_the_lines() -> None:
    one = make_parameters()
    values = one.take_values((1, 0))
    np.testing.assert_allclose(values[:7], [0.002, 0.05, 0, 0, 0, 0, 0])
    second = [-5e-4, 8e-4, 0, 0, 0, 0, np.log(0.03), np.log(0.08), 0.2, *[0] * 15]
    first = [1e-3, 0, 0, 0, 0, 0, np.log(0.02), np.log(0.05), 0.3, *[0] * 15]
    np.testing.assert_allclose(values[7:], second + first)
    again = one.replace_values((1,), np.arange(31.0))
    assert again.zero == 0.0 and again.gauss_fwhm == 1.0 and again.amount is one.amount
    shared = (again.caglioti_v, again.caglioti_u, again.axial, again.displacement, again.doublet)
    assert shared == (2.0, 3.0, 4.0, 5.0, 6.0)
    np.testing.assert_array_equal(again.strain[1], np.arange(7, 13))
    shape = (again.log_size_width, again.log_strain_width, again.overall_b, again.log_texture)
    np.testing.assert_array_equal([s[1] for s in shape], [13, 14, 15, 16])
    np.testing.assert_array_equal(again.anisotropy[1], np.arange(17, 31))
    np.testing.assert_array_equal(again.take_values((0,))[7:], one.take_values((0,))[7:])


def test_holds_apply_wherever_the_parameters_come_from() -> None:
    prior = make_prior(
        zero=GaussianPrior(mean=0.5, sigma=0.0),
        overall_b=GaussianPrior(mean=np.array([7.0, 8.0]), sigma=np.array([0.0, 1.0])),
        log_size_width=GaussianPrior(mean=np.array([-1.0, -2.0]), sigma=np.array([1.0, 0.0])),
        log_strain_width=GaussianPrior(mean=np.array([-3.0, -4.0]), sigma=np.zeros(2)),
    )
    before = make_parameters()
    held = prior.apply_holds(before)
    assert held.zero == 0.5 and held.gauss_fwhm == before.gauss_fwhm
    np.testing.assert_allclose(held.overall_b, [7.0, 0.2])
    np.testing.assert_allclose(held.log_size_width, [np.log(0.02), -2.0])
    np.testing.assert_allclose(held.log_strain_width, [-3.0, -4.0])
    gauss = replace(prior, gauss_fwhm=GaussianPrior(mean=0.01, sigma=0.0))
    assert gauss.apply_holds(before).gauss_fwhm == 0.01


def test_moving_by_a_small_step_adds_it_to_the_vector() -> None:
    series, before = make_series(), make_parameters()
    layout = p.build_layout(series, ALL, make_prior())
    step = 1e-3 * (1 + np.arange(layout.size))
    moved = p.move_parameters(before, layout, step)
    start = p.vector_from_parameters(layout, before)
    np.testing.assert_allclose(p.vector_from_parameters(layout, moved) - start, step, atol=1e-14)
    assert start[0] == 0.002 and start[1] == 0.05
    np.testing.assert_allclose(start[2:6], [1e-3, np.log(0.02), np.log(0.05), 0.3])
    np.testing.assert_allclose(start[6:], [-5e-4, 8e-4, np.log(0.03), np.log(0.08), 0.2])


@pytest.mark.parametrize("sign", [-1, 1])
def test_steps_and_values_are_bounded(sign: int) -> None:
    series, before = make_series(), make_parameters()
    layout = p.build_layout(series, ALL, make_prior())
    once = p.move_parameters(before, layout, sign * np.full(layout.size, 50.0))
    np.testing.assert_allclose(once.strain[0, 0], 1e-3 + sign * 0.02)
    np.testing.assert_allclose(once.log_strain_width[1], np.log(0.08) + sign * 0.7)
    if sign < 0:
        np.testing.assert_allclose(once.log_size_width[0], np.log(0.02) - 0.7)
        np.testing.assert_allclose(once.overall_b, [-1.7, -1.8])
    else:
        np.testing.assert_allclose(once.overall_b, [2.3, 2.2])
    moved = before
    for _ in range(30):
        moved = p.move_parameters(moved, layout, sign * np.full(layout.size, 50.0))
    # crystallites of 70 angstrom have lines of 0.9 lambda / 70
    widest = np.degrees(0.9 * WAVELENGTH / 70)
    narrowest = 12 / 1501
    expected = (10.0, widest, 1.0, 1.0) if sign > 0 else (-2.0, 1e-4, 1e-4, narrowest)
    assert moved.overall_b[0] == expected[0]
    np.testing.assert_allclose(np.exp(moved.log_size_width), expected[1])
    np.testing.assert_allclose(np.exp(moved.log_strain_width), expected[2])
    np.testing.assert_allclose(moved.gauss_fwhm, expected[3])


def test_lines_of_long_waves_are_no_wider_than_a_degree() -> None:
    series = replace(make_series(), wavelength=5.0)
    layout = p.build_layout(series, ALL, make_prior())
    moved = make_parameters()
    for _ in range(30):
        moved = p.move_parameters(moved, layout, np.full(layout.size, 1.0))
    np.testing.assert_allclose(np.exp(moved.log_size_width), 1.0)


def test_priors_weigh_on_the_scale_of_the_inflated_errors() -> None:
    series = make_series()
    inflated = make_parameters(inflation=np.array([2.0, 4.0]), goodness=1.5)
    layout = p.build_layout(series, ALL, make_prior())
    np.testing.assert_allclose(
        p.select_inflations(layout, inflated), [3, 3, 2, 2, 2, 2, 4, 4, 4, 4, 4]
    )
    ratio = p.weigh_priors(layout, inflated) / layout.prior_precision
    np.testing.assert_allclose(ratio, [9, 9, 4, 4, 4, 4, 16, 16, 16, 16, 16])
    by_misfit = replace(layout, shape_weighed_by_misfit=True)
    ratio = p.weigh_priors(by_misfit, inflated) / layout.prior_precision
    np.testing.assert_allclose(ratio, [9, 2.25, 4, 2.25, 2.25, 2.25, 16, 16, 2.25, 2.25, 2.25])
    prior = make_prior(
        zero=GaussianPrior(mean=0.0, sigma=0.0), gauss_fwhm=GaussianPrior(mean=0.1, sigma=0.0)
    )
    own = p.build_layout(series, (1,), prior)
    np.testing.assert_allclose(p.select_inflations(own, inflated), 4.0)


def test_squares_of_the_priors_are_those_of_the_differences() -> None:
    layout = p.build_layout(make_series(), ALL, make_prior())
    parameters = make_parameters()
    assert p.sum_prior_squares(layout, parameters) == 0.0
    moved = make_parameters(zero=0.002 + 0.02)  # two standard deviations
    assert p.sum_prior_squares(layout, moved) == pytest.approx(4.0)
    moved = replace(moved, inflation=np.array([3.0, 3.0]))
    assert p.sum_prior_squares(layout, moved) == pytest.approx(36.0)


def test_a_phase_is_taken_over_from_other_parameters() -> None:
    one = make_parameters()
    other = make_parameters(
        strain=one.strain + 1,
        log_size_width=one.log_size_width + 1,
        log_strain_width=one.log_strain_width + 1,
        amount=one.amount + 1,
        inflation=one.inflation + 1,
    )
    both = one.replace_phase(1, other)
    for name in ("strain", "log_size_width", "log_strain_width", "amount", "inflation"):
        np.testing.assert_allclose(getattr(both, name)[0], getattr(one, name)[0])
        np.testing.assert_allclose(getattr(both, name)[1], getattr(other, name)[1])
    np.testing.assert_allclose(one.amount, [400, 150])  # a copy


def test_the_empty_layout_is_empty() -> None:
    assert p.NO_PARAMETERS.size == 0 and not p.NO_PARAMETERS.has_shared
    assert not p.NO_PARAMETERS.shape_weighed_by_misfit
    for name in ("phase", "strain_index", "prior_mean", "prior_precision", "place"):
        assert getattr(p.NO_PARAMETERS, name).size == 0
    assert p.NO_PARAMETERS.kinds == ()
    assert p.vector_from_parameters(p.NO_PARAMETERS, make_parameters()).size == 0
