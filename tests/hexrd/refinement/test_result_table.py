"""The table of a series: what is recorded of a frame, joined, and made of strains."""

from types import SimpleNamespace

import numpy as np
import pytest
from hexrd.made_frame import make_parameters, make_pattern, make_prior, make_series

from ssbchar.hexrd.refinement import result_table as rt
from ssbchar.hexrd.refinement.frame.refine import Convergence, refine_frame
from ssbchar.hexrd.refinement.phase_detection import estimate_noise, prepare_residual


def test_an_empty_table_has_nothing_measured() -> None:
    table = rt.create_table(range(3, 7), 2)
    assert table.strain.shape == (4, 2, 6) and table.strain_covariance.shape == (4, 2, 6, 6)
    assert np.all(table.status == "not_measured") and not table.present.any()
    assert np.isnan(table.significance).all() and table.parameter_count.sum() == 0
    np.testing.assert_array_equal(table.strain_shared, 0)
    assert table.present.dtype == np.int8 and table.parameter_count.dtype == np.int64


def test_significance_is_intensity_over_noise() -> None:
    table = rt.create_table(range(2), 1)
    table.intensity[:, 0], table.intensity_noise[:, 0] = [6.0, 1.0], [2.0, 0.0]
    np.testing.assert_array_equal(table.significance[:, 0], [3.0, np.inf])


def test_r_factors_by_hand() -> None:
    pattern = SimpleNamespace(
        intensity=np.array([10.0, 20.0, 5.0]), weight=np.array([0.1, 0.05, 0.0])
    )
    fit = SimpleNamespace(calculated=np.array([11.0, 18.0, 0.0]), parameter_count=1)
    rwp, rexp = rt.r_factors_from_fit(fit, pattern)
    # misfit 0.1 + 0.2, power 10 + 20, one point more than parameters
    assert rwp == pytest.approx(100 * np.sqrt(0.3 / 30))
    assert rexp == pytest.approx(100 * np.sqrt(1 / 30))
    fit.parameter_count = 0
    assert rt.r_factors_from_fit(fit, pattern)[1] == pytest.approx(100 * np.sqrt(2 / 30))
    fit.parameter_count = 9
    assert rt.r_factors_from_fit(fit, pattern)[1] == pytest.approx(100 * np.sqrt(1 / 30))


def test_tables_are_joined_in_order() -> None:
    one, two = rt.create_table(range(0, 2), 1), rt.create_table(range(2, 5), 1)
    one.rwp[:], two.rwp[:] = 1.0, 2.0
    both = rt.concatenate_tables([one, two])
    assert both.frames == range(0, 5) and both.strain.shape == (5, 1, 6)
    np.testing.assert_array_equal(both.rwp, [1, 1, 2, 2, 2])
    assert rt.concatenate_tables([one]) is one


def test_cells_and_their_errors_come_from_the_strains() -> None:
    series = make_series()
    table = rt.create_table(range(2), 2)
    table.strain[0, 0, 0] = 1e-3
    table.strain_covariance[0, 0, 0, 0] = 1e-8
    table.strain_shared[0, 0, 0] = 2e-5
    rt.write_cells(table, series)
    a = 5.4 * 1.001**-0.5
    np.testing.assert_allclose(table.cell[0, 0], [a, a, a, 90, 90, 90])
    # da/de = -a / 2 (1 + e)
    slope = -a / 2 / 1.001
    np.testing.assert_allclose(
        np.sqrt(np.diagonal(table.cell_covariance[0, 0]))[:3], abs(slope) * 1e-4, rtol=1e-6
    )
    np.testing.assert_allclose(table.cell_covariance[0, 0, 0, 1], slope**2 * 1e-8, rtol=1e-6)
    np.testing.assert_allclose(table.cell_shared[0, 0], [slope * 2e-5] * 3 + [0] * 3, rtol=1e-6)
    np.testing.assert_array_equal(np.diagonal(table.cell_covariance[0, 0])[3:], 0.0)
    assert np.isnan(table.cell[1]).all() and np.isnan(table.cell[:, 1]).all()


def test_a_frame_is_recorded_with_what_it_found_and_what_absent_phases_would_have() -> None:
    series, truth = make_series(free=(5, 0)), make_parameters()
    pattern = make_pattern(series, noise=1.0, present=(0,))
    fit = refine_frame(
        series,
        pattern,
        (0,),
        start=truth,
        prior=make_prior(truth),
        convergence=Convergence(iterations=12, tolerance=0.1),
    )
    left = prepare_residual(series, fit, pattern)
    table = rt.create_table(range(5, 8), 2)
    stored: dict = {}
    frames = SimpleNamespace(store_curves=lambda *given: stored.update(dict(enumerate(given))))
    priors = SimpleNamespace(strain=np.broadcast_to(truth.strain, (8, 2, 6)))
    rt.record_fit(table, frames, priors, left, 6)
    row = 1
    assert table.strain[row, 0, 0] == fit.parameters.strain[0, 0]
    assert np.isnan(table.strain[row, 0, 1:]).all() and np.isnan(table.strain[row, 1]).all()
    np.testing.assert_array_equal(table.strain_covariance[row, 0, :1, :1], fit.strain_covariance[0])
    np.testing.assert_array_equal(table.strain_shared[row, 0, :1], fit.strain_shared[0])
    assert table.intensity[row, 0] == fit.intensity[0]
    noise = estimate_noise(left, 0)
    moved = fit.intensity_stderr[0] ** 2 - fit.intensity_stderr_fixed[0] ** 2
    assert moved == 0  # with free intensities the whole error is for tests of presence
    assert table.intensity_stderr[row, 0] == table.intensity_noise[row, 0] == noise
    assert table.size_width[row, 0] == pytest.approx(np.exp(fit.parameters.log_size_width[0]))
    assert table.strain_width[row, 0] == pytest.approx(np.exp(fit.parameters.log_strain_width[0]))
    # the phase that is not there: about nothing, within its noise
    assert abs(table.significance[row, 1]) < 4
    assert table.intensity_stderr[row, 1] == table.intensity_noise[row, 1]
    assert np.isnan(table.size_width[row, 1])
    rwp, rexp = rt.r_factors_from_fit(fit, pattern)
    assert (table.rwp[row], table.rexp[row], table.gof[row]) == (rwp, rexp, rwp / rexp)
    assert (table.zero[row], table.zero_stderr[row]) == (fit.parameters.zero, fit.zero_stderr)
    assert table.parameter_count[row] == fit.parameter_count
    assert np.isnan(table.rwp[[0, 2]]).all()
    assert stored[0] == 6
    np.testing.assert_array_equal(stored[1], fit.calculated)
    np.testing.assert_array_equal(stored[2], fit.background)
    np.testing.assert_array_equal(stored[3], pattern.intensity)


def test_errors_of_cell_and_widths_join_the_noise() -> None:
    series, truth = make_series(free=(0, 0)), make_parameters()
    pattern = make_pattern(series, noise=1.0, present=(0,))
    fit = refine_frame(
        series,
        pattern,
        (0,),
        start=truth,
        prior=make_prior(truth),
        convergence=Convergence(iterations=12, tolerance=0.1),
    )
    left = prepare_residual(series, fit, pattern)
    table = rt.create_table(range(1), 2)
    rt._record_present_phase(table, left, 0, 0)
    noise = estimate_noise(left, 0)
    moved = fit.intensity_stderr[0] ** 2 - fit.intensity_stderr_fixed[0] ** 2
    assert moved > 0
    assert table.intensity_stderr[0, 0] == pytest.approx(np.sqrt(noise**2 + moved))
    assert table.intensity_noise[0, 0] == noise
