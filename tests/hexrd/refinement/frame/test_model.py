"""A frame's model against sums written out reflection by reflection."""

from dataclasses import replace

import numpy as np
import pytest
from hexrd.made_frame import (
    AXIS,
    WAVELENGTH,
    make_parameters,
    make_prior,
    make_problem,
    make_series,
)

from ssbchar.hexrd.refinement.frame import model as m
from ssbchar.hexrd.refinement.frame.parameters import (
    NO_PARAMETERS,
    GaussianPrior,
    build_layout,
)
from ssbchar.hexrd.refinement.frame.profiles import evaluate_pseudo_voigt, shape_from_widths


def naive(series, parameters, phase: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return positions, widths and shares of a phase's reflections, from the formulas."""
    lattice = series.phases[phase]
    g = lattice.reference + parameters.strain[phase, : lattice.free] @ lattice.directions
    d = (lattice.form @ g) ** -0.5
    theta = np.arcsin(WAVELENGTH / 2 / d)
    width = np.exp(parameters.log_size_width[phase]) / np.cos(theta)
    width += np.exp(parameters.log_strain_width[phase]) * np.tan(theta)
    share = lattice.strength / (np.sin(theta) ** 2 * np.cos(theta))
    share *= np.exp(-2 * parameters.overall_b[phase] * (np.sin(theta) / WAVELENGTH) ** 2)
    return 2 * np.degrees(theta) + parameters.zero, width, share / share.sum()


def test_the_columns_are_the_profiles_of_the_reflections() -> None:
    series, parameters = make_series(), make_parameters()
    layout = build_layout(series, (0, 1), make_prior())
    model = m.build_model(series, parameters, (0, 1), layout)
    assert model.owner.size == 11
    np.testing.assert_array_equal(model.is_free, [True] * 3 + [False] * 8)
    np.testing.assert_array_equal(model.owner[:3], 0)
    patterns = model.profiles.shape @ model.spread_patterns(2)
    for phase in (0, 1):
        position, width, share = naive(series, parameters, phase)
        order = model.profiles.order[model.owner == phase] - 5 * phase
        np.testing.assert_allclose(model.expected[model.owner == phase], share[order])
        np.testing.assert_allclose(
            model.two_theta[model.owner == phase] + parameters.zero, position[order]
        )
        shape = shape_from_widths(np.full(position.size, parameters.gauss_fwhm), width)
        curves = evaluate_pseudo_voigt(
            AXIS - position[:, None], shape.width[:, None], shape.eta[:, None]
        )
        exact = share @ curves
        assert np.max(np.abs(patterns[:, phase] - exact)) < 3e-3 * exact.max()
    # what follows the phases' scales: all of the second phase, two reflections of the first
    assert model.dense.shape == (AXIS.size, 6 + 2)
    np.testing.assert_allclose(model.dense[:, 7], patterns[:, 1])
    free = model.free_profiles @ model.expected[:3]
    np.testing.assert_allclose(model.dense[:, 6] + free, patterns[:, 0], atol=1e-12)
    np.testing.assert_allclose(model.dense[:, :6], series.background_terms)


def test_positions_and_shares_change_as_their_derivatives_say() -> None:
    series, parameters = make_series(), make_parameters()
    model = m.build_model(series, parameters, (0, 1), NO_PARAMETERS)
    moved = m.build_model(
        series, replace(parameters, overall_b=parameters.overall_b + 1e-4), (0, 1), NO_PARAMETERS
    )
    change = np.log(moved.expected / model.expected) / 1e-4
    for phase in (0, 1):  # but for what the phase changes as a whole
        own = model.owner == phase
        whole = change[own] - model.log_by_overall_b[own]
        np.testing.assert_allclose(whole, whole[0], atol=1e-6)
    sine = np.sin(np.radians(model.two_theta / 2))
    np.testing.assert_allclose(model.log_by_overall_b, -2 * (sine / WAVELENGTH) ** 2)


def test_shares_of_two_reflections_by_hand() -> None:
    series = replace(make_series(), strength=(np.array([1.0, 2.0]), np.ones(1)))
    # sin^2 cos at theta 30 and 60 degree: 1/4 * 0.866 and 3/4 * 1/2
    plain = np.array([1 / (0.25 * np.sqrt(0.75)), 2 / 0.375])
    found = m.predict_shares(series, 0, np.array([60.0, 120.0]), 0.0)
    np.testing.assert_allclose(found, plain / plain.sum())
    damped = plain * np.exp(-2 * 0.1 * np.array([0.25, 0.75]) / WAVELENGTH**2)
    found = m.predict_shares(series, 0, np.array([60.0, 120.0]), 0.1)
    np.testing.assert_allclose(found, damped / damped.sum())


def test_weak_reflections_have_narrow_windows() -> None:
    series, parameters = make_series(free=(0, 0)), make_parameters()
    model = m.build_model(series, parameters, (0,), NO_PARAMETERS)
    points = np.diff(model.profiles.shape.indptr)
    weak = model.expected < 3e-3
    assert weak.sum() == 1 and model.profiles.order[weak] == 1
    width = shape_from_widths(np.array([0.05]), np.array([0.02])).width[0]
    step = AXIS[1] - AXIS[0]
    assert points[weak][0] <= 32 * np.ceil(2 * 3 * 1.3 * width / step / 32)
    assert points[~weak].min() >= 2 * 8 * width / step
    # of its own intensity it is not weak
    model = m.build_model(make_series(free=(5, 0)), parameters, (0,), NO_PARAMETERS)
    assert np.diff(model.profiles.shape.indptr).min() >= 2 * 8 * width / step
    near = replace(series, reach=2.0)
    model = m.build_model(near, parameters, (0,), NO_PARAMETERS)
    assert np.diff(model.profiles.shape.indptr).max() <= 64


@pytest.mark.parametrize("gauss", [True, False])
def test_only_the_derivatives_that_the_layout_needs_are_made(gauss: bool) -> None:
    held = GaussianPrior(mean=0.05, sigma=0.0)
    prior = make_prior() if gauss else make_prior(gauss_fwhm=held)
    series = make_series()
    layout = build_layout(series, (0, 1), prior)
    model = m.build_model(series, make_parameters(), (0, 1), layout)
    assert model.profiles.by_position is not None and model.profiles.by_lorentz is not None
    assert (model.profiles.by_gauss is not None) == gauss
    model = m.build_model(series, make_parameters(), (0, 1), NO_PARAMETERS)
    assert model.profiles.by_position is None


def test_a_problem_knows_its_sizes() -> None:
    problem = make_problem(present=(1,))
    assert problem.phase_count == 1 and problem.term_count == 6
