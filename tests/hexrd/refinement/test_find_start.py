"""Starting cells found from the pattern, from listed cells and zeros that are off."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hexrd.made_frame import AXIS, make_parameters, make_pattern, make_series

from ssbchar.hexrd.refinement import find_start as fs
from ssbchar.hexrd.refinement.frame.fit import FrameFit
from ssbchar.hexrd.refinement.frame_pass import PassSetup, refine_first_frame
from ssbchar.hexrd.refinement.options import Refinement
from ssbchar.hexrd.refinement.series_priors import expect_from_literature

FAR = np.array([[0.042, 0, 0, 0, 0, 0], [-0.036, 0.04, 0, 0, 0, 0]])


def make_setup(truth, present=(0, 1), **options) -> PassSetup:
    series = make_series(free=(0, 0))
    pattern = make_pattern(series, truth, noise=1.0, present=present)
    frames = SimpleNamespace(
        count=2,
        usable=np.ones(2, bool),
        read_pattern=lambda i: pattern,
        temperature=np.full(2, 25.0),
        two_theta=series.two_theta,
        segment=np.full(2, "hold", object),
    )
    given = Refinement(**options)
    priors = expect_from_literature(series, frames, [SimpleNamespace(attrs={})] * 2, given)
    return PassSetup(series=series, frames=frames, priors=priors, options=given)


def make_start(**changes):
    unknown = {"amount": np.full(2, np.nan), "strain": np.zeros((2, 6)), "zero": 0.0}
    return make_parameters(**{**unknown, **changes})


def refine_found(given: PassSetup) -> tuple[PassSetup, FrameFit]:
    """Return the setup found, and the first frame refined from the start found."""
    setup, start = fs.find_start(given, make_start())
    return setup, refine_first_frame(setup, 0, given.frames.read_pattern(0), start)


@pytest.mark.parametrize("zero", [0.0, 0.15, -0.1])
def test_cells_and_zero_are_found_where_the_lines_are(zero: float) -> None:
    setup, fit = refine_found(make_setup(make_parameters(strain=FAR, zero=zero)))
    assert fit.present == (0, 1) and fit.misfit < 1.2 * AXIS.size
    np.testing.assert_allclose(fit.parameters.strain[0, 0], FAR[0, 0], atol=3e-4)
    np.testing.assert_allclose(fit.parameters.strain[1, :2], FAR[1, :2], atol=1e-3)
    assert fit.parameters.zero == pytest.approx(zero, abs=3e-3)
    assert setup.priors.zero.sigma > 0


def test_a_phase_found_far_from_its_listed_cell_is_expected_there_in_all_frames() -> None:
    truth = make_parameters(strain=FAR, zero=0.15)
    setup, _ = fs.find_start(make_setup(truth), make_start())
    np.testing.assert_allclose(setup.priors.strain[:, 1, :2], [FAR[1, :2]] * 2, atol=1e-3)
    assert setup.priors.zero.mean == pytest.approx(0.15, abs=0.05)


def test_what_fits_is_left_as_it_is() -> None:
    given = make_setup(make_parameters())
    start = make_start()
    setup, found = fs.find_start(given, start)
    assert setup is given and found is start


def test_a_fixed_zero_stays() -> None:
    truth = make_parameters(strain=FAR, zero=0.0)
    setup, fit = refine_found(make_setup(truth, zero="fixed"))
    assert fit.parameters.zero == 0.0 == setup.priors.zero.mean and setup.priors.zero.sigma == 0
    np.testing.assert_allclose(fit.parameters.strain[1, :2], FAR[1, :2], atol=1e-3)


def test_a_phase_that_is_not_there_is_not_found_in_the_lines_of_another() -> None:
    truth = make_parameters(strain=FAR)
    setup, fit = refine_found(make_setup(truth, present=(0,)))
    assert fit.present == (0,) and np.all(setup.priors.strain[:, 1] == 0)


def test_noise_alone_moves_nothing() -> None:
    given = make_setup(make_parameters())
    level = make_pattern(make_series(), make_parameters(amount=np.zeros(2)), noise=1.0)
    flat = np.random.default_rng(1).poisson(900.0, AXIS.size).astype(float)
    given.frames.read_pattern = lambda i: replace(level, intensity=flat, weight=1 / flat)
    start = make_start()
    setup, found = fs.find_start(given, start)
    assert setup is given and found is start


def test_a_frame_that_cannot_be_used_is_passed_over() -> None:
    given = make_setup(make_parameters(strain=FAR))
    given.frames.usable[:] = False
    start = make_start()
    assert fs.find_start(given, start) == (given, start)


def test_signal_stands_above_background_and_noise_alone() -> None:
    series = make_series()
    pattern = make_pattern(series, noise=1.0)
    signal = fs.find_signal(AXIS, pattern.intensity, pattern.weight, 0.05)
    assert signal.max() == 1.0 and signal.min() == 0.0
    assert np.mean(signal == 0) > 0.5
    nothing = fs.find_signal(AXIS, np.full(AXIS.size, 5.0), np.ones(AXIS.size), 0.05)
    assert np.all(nothing == 0)


def test_trial_cells_reach_two_percent_of_each_length() -> None:
    lattice = make_series().phases[1]
    strains, step = fs.list_trial_strains(lattice, np.zeros(2))
    assert strains.min() == pytest.approx(-2 * fs.RANGE) and strains.max() == -strains.min()
    lengths = lattice.cell_from_strain(strains)[:, [0, 2]] / [4.4, 6.1] - 1
    for wanted in ([0.02, -0.02], [0.009, -0.005]):
        assert np.min(np.max(np.abs(lengths - wanted), axis=1)) < step
