"""Priors of a series: from the literature, and learnt from made fits."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from hexrd.made_frame import AXIS, make_parameters, make_pattern, make_series

from ssbchar.hexrd.refinement import series_priors as sp
from ssbchar.hexrd.refinement.frame.parameters import GaussianPrior
from ssbchar.hexrd.refinement.frame.refine import Convergence, refine_frame
from ssbchar.hexrd.refinement.options import Refinement

COUNT = 30
TEMPERATURE = np.linspace(25.0, 315.0, COUNT)


def frames(count: int = COUNT):
    return SimpleNamespace(
        count=count,
        temperature=TEMPERATURE[:count],
        segment=np.full(count, "heating", object),
        two_theta=np.linspace(4, 16, 1501),
    )


def priors(options: Refinement | None = None, temperatures=(25.0, 125.0)) -> sp.SeriesPriors:
    phases = [xr.Dataset(attrs={"temperature": t}) for t in temperatures]
    return sp.expect_from_literature(make_series(), frames(), phases, options or Refinement())


def test_cells_expand_from_the_temperature_at_which_they_are_known() -> None:
    found = priors(Refinement(expansion=2e-5))
    for p, (known, free) in enumerate(((25.0, 1), (125.0, 2))):
        phase = make_series().phases[p]
        cell = phase.cell_from_strain(found.strain[:, p, :free])
        reference = phase.cell_from_strain(np.zeros(free))
        change = cell[:, :3] / reference[:3] - 1
        np.testing.assert_allclose(
            change, 2e-5 * (TEMPERATURE - known)[:, None] * np.ones(3), rtol=0.02, atol=1e-9
        )
        assert np.all(found.strain[:, p, free:] == 0)
    # strain of the reciprocal metric: -2 times that of lengths
    np.testing.assert_allclose(found.expansion[0, 0], -4e-5, rtol=1e-4)
    without = xr.Dataset()
    again = sp.expect_from_literature(
        make_series(), frames(), [without] * 2, Refinement(expansion=2e-5)
    )
    np.testing.assert_allclose(again.strain[:, 0], found.strain[:, 0])


def test_what_is_not_known_is_loose() -> None:
    found = priors(Refinement(search=0.01))
    assert np.all(found.strain_sigma == 0.02) and found.strain_sigma.shape == (COUNT, 2, 6)
    assert not found.has_joint_cell.any()
    # of lines five steps of 0.008 degree wide
    assert found.zero.mean == 0.0 and np.isclose(found.zero.sigma, 0.4 * 5 * 0.008)
    narrow = priors(Refinement(gauss_fwhm=0.004))
    assert narrow.zero == GaussianPrior(mean=0.0, sigma=0.01)
    assert found.gauss_fwhm.mean == pytest.approx(0.04) and found.gauss_fwhm.sigma == 0.03
    np.testing.assert_allclose(found.shape[0, 0], [np.log(0.01), np.log(0.05), 0.0])
    np.testing.assert_allclose(found.shape_sigma, [[1.5, 1.5, 0.0]] * 2)
    np.testing.assert_allclose(found.log_size_width, np.log(0.01))
    np.testing.assert_allclose(found.log_strain_width, np.log(0.05))
    assert found.held_zero_stderr == 0.0


def test_options_hold_zero_and_instrument_and_free_displacement_factors() -> None:
    found = priors(Refinement(zero="fixed", zero_start=0.1, gauss_fwhm=0.02, mode="rietveld"))
    assert found.zero == GaussianPrior(mean=0.1, sigma=0.0)
    assert found.gauss_fwhm == GaussianPrior(mean=0.02, sigma=0.0)
    np.testing.assert_allclose(found.shape_sigma, [[1.5, 1.5, 3.0]] * 2)
    assert np.isclose(priors(Refinement(zero="frame")).zero.sigma, 0.4 * 5 * 0.008)


def test_neighbours_replace_the_expected_strains_of_their_phases() -> None:
    found = priors()
    near = np.full(6, 7e-3)
    prior = found.build_frame_prior(3, {1: near}, 0.005)
    np.testing.assert_allclose(prior.strain.mean[1], near)
    assert np.all(prior.strain.sigma[1] == 0.005)
    np.testing.assert_allclose(prior.strain.mean[0], found.strain[3, 0])
    np.testing.assert_allclose(prior.strain.sigma[0], found.strain_sigma[3, 0])
    assert not np.any(found.strain == 7e-3)  # a copy
    plain = found.build_frame_prior(3)
    np.testing.assert_allclose(plain.strain.mean, found.strain[3])
    assert not plain.shape_weighed_by_misfit


def test_shapes_go_to_the_parameters_of_their_names() -> None:
    shape = np.arange(COUNT * 6.0).reshape(COUNT, 2, 3)
    sigma = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    found = replace(priors(), shape=shape, shape_sigma=sigma, held_zero_stderr=0.25)
    prior = found.build_frame_prior(2)
    np.testing.assert_allclose(prior.log_size_width.mean, shape[2, :, 0])
    np.testing.assert_allclose(prior.log_strain_width.mean, shape[2, :, 1])
    np.testing.assert_allclose(prior.overall_b.mean, shape[2, :, 2])
    np.testing.assert_allclose(prior.log_size_width.sigma, [1, 4])
    np.testing.assert_allclose(prior.log_strain_width.sigma, [2, 5])
    np.testing.assert_allclose(prior.overall_b.sigma, [3, 6])
    assert prior.held_zero_stderr == 0.25
    free = found.build_free_prior(2, {0: np.ones(6)})
    np.testing.assert_allclose(free.log_size_width.sigma, [1.5, 1.5])
    assert free.shape_weighed_by_misfit
    np.testing.assert_allclose(free.strain.sigma[0], 2e-3)
    np.testing.assert_allclose(free.strain.mean[0], 1.0)


def made_fit(
    strain=0.0,
    significance=10.0,
    zero=0.0,
    zero_stderr=1e-3,
    converged=True,
    present=(0, 1),
    **shape,
):
    parameters = make_parameters(zero=zero, strain=np.full((2, 6), strain), **shape)
    return SimpleNamespace(
        present=present,
        converged=converged,
        parameters=parameters,
        zero_stderr=zero_stderr,
        strain_covariance=(np.array([[1e-10]]), np.diag([4e-10, 4e-10])),
        get_index=present.index,
        get_significance=lambda phase: significance,
    )


def test_strains_are_the_mean_of_the_passes_where_a_phase_is_clear() -> None:
    up = {0: made_fit(1.0), 1: made_fit(1.0), 2: made_fit(1.0, significance=5.0), 3: made_fit(1.0)}
    down = {0: made_fit(3.0), 1: made_fit(3.0, converged=False), 4: made_fit(2.0, present=(0,))}
    values, stderr = sp._collect_strains([up, down], 0, 1, 6)
    np.testing.assert_allclose(values[:, 0], [2.0, 1.0, np.nan, 1.0, 2.0, np.nan])
    np.testing.assert_allclose(stderr[[0, 1, 3], 0], 1e-5)
    values, stderr = sp._collect_strains([up, down], 1, 2, 6)
    assert values.shape == (6, 2)
    np.testing.assert_allclose(stderr[0], 2e-5)
    absent = {0: made_fit(1.0, present=(0,))}
    assert not np.isfinite(sp._collect_strains([absent], 1, 2, 6)[0]).any()


def test_shapes_are_those_of_clear_fits() -> None:
    found = sp._collect_shapes({1: made_fit(), 2: made_fit(significance=5.0)}, 1, 4)
    expected = [np.log(0.03), np.log(0.08), 0.2]
    np.testing.assert_allclose(found, [[np.nan] * 3, expected, [np.nan] * 3, [np.nan] * 3])
    assert np.isnan(sp._collect_shapes({1: made_fit(present=(0,))}, 1, 4)).all()


def learnt_cells(strains: np.ndarray, **options) -> sp.SeriesPriors:
    fits = {i: made_fit(s, present=(0, 1)) for i, s in enumerate(strains)}
    return sp._learn_cells(priors(Refinement(**options)), make_series(), [fits], frames())


def test_a_joint_cell_follows_the_series() -> None:
    found = learnt_cells(-3e-5 * (TEMPERATURE - 25), cell_prior=1e-3)
    assert found.has_joint_cell.all()
    np.testing.assert_allclose(found.strain[:, 0, 0], -3e-5 * (TEMPERATURE - 25), atol=2e-6)
    np.testing.assert_allclose(found.strain_sigma[:, 0, 0], 2e-3, rtol=0.01)
    assert np.all(found.strain_sigma[:, 0, 1:] == 0.024)  # the cubic cell has one strain


def test_without_clear_cells_there_is_no_joint_one() -> None:
    fits = {i: made_fit(0.0, significance=4.0) for i in range(COUNT)}
    before = priors()
    found = sp._learn_cells(before, make_series(), [fits], frames())
    assert not found.has_joint_cell.any()
    np.testing.assert_array_equal(found.strain, before.strain)


def test_one_zero_for_the_series_is_held_with_its_error() -> None:
    fits = {i: made_fit(zero=0.01, zero_stderr=1e-3) for i in range(16)}
    found = sp._learn_zero(priors(), [fits])
    assert found.zero.mean == pytest.approx(0.01) and found.zero.sigma == 0.0
    assert found.held_zero_stderr == pytest.approx(1e-3 / 4)
    inflated = {
        i: made_fit(zero=0.01, zero_stderr=1e-3, inflation=np.array([2.0, 2.0])) for i in range(16)
    }
    found = sp._learn_zero(priors(), [inflated])
    expected = np.hypot(1e-3 / 4, 1e-3 * np.sqrt(0.75))
    assert found.held_zero_stderr == pytest.approx(expected)
    before = priors()
    assert sp._learn_zero(before, [{0: made_fit(zero_stderr=0.0)}]) is before
    assert sp._learn_zero(before, [{0: made_fit(present=())}]) is before
    both = sp._learn_zero(before, [{0: made_fit(zero=0.01)}, {0: made_fit(zero=0.03)}])
    assert both.zero.mean == pytest.approx(0.02)


@pytest.mark.parametrize(("between", "expected"), [(0.0, 0.0), (0.012, 0.012)])
def test_low_and_high_angles_that_disagree_about_the_zero_are_in_its_error(
    between: float, expected: float
) -> None:
    series, truth = make_series(free=(0, 0)), make_parameters()
    low = make_pattern(series, truth, noise=1.0)
    high = make_pattern(series, replace(truth, zero=truth.zero - between), noise=1.0)
    is_low = AXIS < 10.0
    pattern = replace(
        low,
        intensity=np.where(is_low, low.intensity, high.intensity),
        weight=np.where(is_low, low.weight, high.weight),
    )
    given = frames()
    given.read_pattern = lambda i: pattern
    options = Refinement()
    before = replace(priors(), strain=priors().strain * 0 + truth.strain)
    fit = refine_frame(
        series,
        pattern,
        (0, 1),
        start=truth,
        prior=before.build_frame_prior(0),
        convergence=Convergence(iterations=40, tolerance=0.1),
    )
    found = sp._compare_angles(before, series, {0: fit, 4: fit}, given, options)
    assert found == pytest.approx(expected, abs=0.003)
    # cells and zero give way to each other: the zero of all angles is not between those of both
    assert abs(fit.parameters.zero - truth.zero) < 2 * max(found, fit.zero_stderr)
    learnt = sp._learn_zero(replace(before, zero_by_angle=found), [{0: fit}])
    assert learnt.held_zero_stderr == pytest.approx(np.hypot(fit.zero_stderr, found), rel=0.5)


def test_shapes_are_learnt_smooth_from_clear_fits() -> None:
    def fit(i: int, significance: float = 10.0):
        return made_fit(
            significance=significance,
            gauss_fwhm=0.04 + 1e-4 * i,
            log_size_width=np.array([-4.0, -3.0]),
            log_strain_width=np.array([-2.0, -1.0]),
            overall_b=np.array([0.5, 1.5]),
        )

    found = sp._learn_shapes(priors(), {i: fit(i) for i in range(9)}, frames())
    np.testing.assert_allclose(found.shape[:, 0], [[-4.0, -2.0, 0.5]] * COUNT, atol=1e-6)
    np.testing.assert_allclose(found.shape[:, 1], [[-3.0, -1.0, 1.5]] * COUNT, atol=1e-6)
    np.testing.assert_allclose(found.log_size_width, [-4.0, -3.0])
    np.testing.assert_allclose(found.log_strain_width, [-2.0, -1.0])
    assert found.gauss_fwhm == GaussianPrior(mean=pytest.approx(0.0402), sigma=0.0)
    # too few for a curve: the median everywhere
    few = sp._learn_shapes(priors(), {i: fit(i) for i in range(2)}, frames())
    np.testing.assert_allclose(few.shape[:, 0, 0], -4.0)
    before = priors()
    weak = sp._learn_shapes(before, {i: fit(i, significance=5.0) for i in range(9)}, frames())
    np.testing.assert_array_equal(weak.shape, before.shape)
    assert sp._learn_shapes(before, {}, frames()) is before
    held = replace(before, gauss_fwhm=GaussianPrior(mean=0.02, sigma=0.0))
    kept = sp._learn_shapes(held, {i: fit(i) for i in range(9)}, frames())
    assert kept.gauss_fwhm.mean == 0.02


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list:
    """Return what single frames are asked for when shapes are learnt."""
    asked: list = []

    def refine_frame(series, pattern, present, *, start, prior, convergence):
        asked.append((pattern, prior, convergence))
        return SimpleNamespace(drop_curves=lambda: made_fit(log_size_width=np.array([-4.0, -4.0])))

    monkeypatch.setattr(sp, "refine_frame", refine_frame)
    monkeypatch.setattr(sp, "_compare_angles", lambda *given: 0.0)
    return asked


def learn(fits: list, options: Refinement) -> sp.SeriesPriors:
    given = frames()
    given.read_pattern = lambda i: i
    return sp.learn_priors(priors(options), make_series(), fits, given, options)


def test_widths_are_learnt_after_the_first_pass_alone(seen: list) -> None:
    fits = {i: made_fit(gauss_fwhm=0.033) for i in range(COUNT)}
    found = learn([fits], Refinement())
    assert len(seen) == 12 and [seen[0][0], seen[-1][0]] == [0, 29]
    assert seen[0][2].iterations == 24 and seen[0][2].tolerance == 0.1
    assert seen[0][1].gauss_fwhm == GaussianPrior(mean=0.033, sigma=0.03)
    np.testing.assert_allclose(found.shape_sigma, [[0.5, 0.5, 0.0]] * 2)
    assert found.zero.sigma == 0.0
    seen.clear()
    learn([fits, fits], Refinement())
    assert not seen


def test_rietveld_learns_each_time_and_holds(seen: list) -> None:
    fits = {i: made_fit() for i in range(COUNT)}
    options = Refinement(mode="rietveld", gauss_fwhm=0.02, zero="frame")
    found = learn([fits, fits], options)
    assert len(seen) == COUNT  # 96 would be learnt from
    assert seen[0][1].gauss_fwhm == GaussianPrior(mean=0.02, sigma=0.0)
    np.testing.assert_array_equal(found.shape_sigma, 0.0)
    assert found.zero.sigma == 0.01
