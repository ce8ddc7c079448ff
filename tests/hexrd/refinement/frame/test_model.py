"""A frame's model against sums written out reflection by reflection."""

from dataclasses import replace

import numpy as np
from hexrd.made_frame import (
    AXIS,
    WAVELENGTH,
    make_parameters,
    make_problem,
    make_series,
)

from ssbchar.hexrd.refinement.frame import model as m
from ssbchar.hexrd.refinement.frame.profiles import shape_from_widths


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


def test_the_profiles_are_those_of_the_reflections() -> None:
    series, parameters = make_series(), make_parameters()
    model = m.build_model(series, parameters, (0, 1))
    np.testing.assert_array_equal(model.is_free, [True] * 3 + [False] * 8)
    np.testing.assert_array_equal(model.owner, [0] * 5 + [1] * 6)
    assert model.ranges == (slice(0, 5), slice(5, 11))
    patterns = model.sum_by_phase(model.expected, AXIS.size)
    assert patterns.shape == (2, AXIS.size)
    for phase in (0, 1):
        position, width, share = naive(series, parameters, phase)
        own = model.ranges[phase]
        np.testing.assert_allclose(model.expected[own], share)
        np.testing.assert_allclose(model.predicted.two_theta[own] + parameters.zero, position)
        exact = np.zeros(AXIS.size)
        for at, lorentz, part in zip(position, width, share, strict=True):
            shape = shape_from_widths(parameters.gauss_fwhm, lorentz)
            u = (AXIS - at) / shape.fwhm
            gauss = 2 * np.sqrt(np.log(2) / np.pi) * np.exp(-4 * np.log(2) * u**2)
            cauchy = 2 / np.pi / (1 + 4 * u**2)
            exact += part * (shape.eta * cauchy + (1 - shape.eta) * gauss) / shape.fwhm
        assert np.max(np.abs(patterns[phase] - exact)) < 3e-3 * exact.max()


def test_free_reflections_stand_along_the_axis() -> None:
    series = make_series(free=(5, 6))
    model = m.build_model(series, make_parameters(), (0, 1))
    np.testing.assert_array_equal(np.sort(model.free), np.arange(11))
    assert np.all(np.diff(model.profiles.phi.start[model.free]) >= 0)
    assert set(model.owner[model.free[:4]]) == {0, 1}  # phases are mixed
    np.testing.assert_array_equal(m.build_model(series, make_parameters(), (1,)).owner, 0)


def test_positions_change_with_strain_as_their_slope_says() -> None:
    series, parameters = make_series(), make_parameters()
    model = m.build_model(series, parameters, (0, 1))
    for phase, k in ((0, 0), (1, 0), (1, 1)):
        strain = parameters.strain.copy()
        strain[phase, k] += 1e-7
        moved = m.build_model(series, replace(parameters, strain=strain), (0, 1))
        lattice, own = series.phases[phase], model.ranges[phase]
        change = 1e-7 * lattice.form @ lattice.directions[k]
        found = moved.predicted.two_theta[own] - model.predicted.two_theta[own]
        np.testing.assert_allclose(
            found, model.predicted.slope[own] * change, rtol=1e-4, atol=1e-12
        )


def test_weak_reflections_have_narrow_windows() -> None:
    series, parameters = make_series(free=(0, 0)), make_parameters()
    model = m.build_model(series, parameters, (0,))
    points = np.diff(model.profiles.phi.edge)
    weak = model.expected < 3e-3
    np.testing.assert_array_equal(np.flatnonzero(weak), [1])
    width = shape_from_widths(0.05, 0.02).fwhm
    step = AXIS[1] - AXIS[0]
    assert points[weak][0] <= 32 * np.ceil(2 * 3 * 1.3 * width / step / 32)
    assert points[~weak].min() >= 2 * 8 * width / step
    # of its own intensity it is not weak
    model = m.build_model(make_series(free=(5, 0)), parameters, (0,))
    assert np.diff(model.profiles.phi.edge).min() >= 2 * 8 * width / step
    near = replace(series, reach=2.0)
    model = m.build_model(near, parameters, (0,))
    assert np.diff(model.profiles.phi.edge).max() <= 64


def test_a_problem_knows_its_sizes() -> None:
    problem = make_problem(present=(1,))
    assert problem.phase_count == 1 and problem.term_count == 6
