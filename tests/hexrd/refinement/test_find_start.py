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


def make_scorer(weight: np.ndarray | None = None) -> fs._Scorer:
    series = make_series()
    lattice = series.phases[0]
    form = lattice.form[:3]
    return fs._Scorer(
        series=series,
        lattice=lattice,
        form=form,
        weight=np.full(3, 1 / 3) if weight is None else weight,
    )


def test_lines_of_a_cubic_cell_by_braggs_law() -> None:
    """111, 200 and 220 of a = 5.4 at 0.4 angstrom; a strain of 2 e shortens lengths by e."""
    found = make_scorer().locate(np.array([[0.0], [0.02]]))
    for row, a in zip(found, (5.4, 5.4 / np.sqrt(1.02)), strict=True):
        sine = 0.2 * np.sqrt([3.0, 4.0, 8.0]) / a
        np.testing.assert_allclose(row, 2 * np.degrees(np.arcsin(sine)), rtol=1e-9)


def test_a_score_is_the_mean_signal_where_the_lines_lie() -> None:
    """Signal at two of three lines; a zero moves all of them; off the axis there is none."""
    weight = np.array([0.5, 0.3, 0.2])
    scorer = make_scorer(weight)
    (position,) = scorer.locate(np.zeros((1, 1)))
    nearest = np.argmin(np.abs(AXIS[:, None] - position), axis=0)
    signal = np.zeros(AXIS.size)
    signal[nearest[[0, 2]]] = 1.0, 0.5
    trials = np.zeros((3, 1))
    step = AXIS[1] - AXIS[0]
    zeros = np.array([0.0, 3 * step, 90.0])
    found = scorer.score(signal, trials, zeros)
    np.testing.assert_allclose(found, [0.5 + 0.2 * 0.5, 0.0, 0.0])
    signal[:] = 0.0
    signal[0] = signal[-1] = 1.0
    np.testing.assert_allclose(scorer.score(signal, trials, np.array([-90.0, 90.0, 0.0])), 0.0)


def test_trials_climb_to_the_signal_by_whole_and_half_steps() -> None:
    scorer = make_scorer()
    target, zero = np.array([[0.004]]), 0.0
    width = 0.02
    position = scorer.locate(target)[0] + zero
    signal = np.exp(-0.5 * ((AXIS[:, None] - position) / width) ** 2).max(axis=1)
    at, zeros = scorer.climb(signal, np.array([[0.0], [0.002]]), np.zeros(2), 0.004, 1e-4)
    np.testing.assert_allclose(at, [[0.004], [0.004]], atol=1e-12)
    np.testing.assert_allclose(zeros, 0.0)
    shifted = np.exp(-0.5 * ((AXIS[:, None] - position - 0.03) / width) ** 2).max(axis=1)
    _, zeros = scorer.climb(shifted, target, np.zeros(1), 1e-6, 0.03)
    assert zeros.tolist() == [0.03]
    _, zeros = scorer.climb(shifted, target, np.full(1, 0.06), 1e-6, 0.03)
    assert zeros.tolist() == [0.03]


def test_a_signal_is_widened_by_a_share_of_d_and_a_distance() -> None:
    """d(2theta) = 2 tan(theta) dd/d: 0.14 degree for 1 % at 8 degree, and 0.05."""
    signal = np.zeros(AXIS.size)
    middle = int(np.argmin(np.abs(AXIS - 8.0)))
    signal[middle] = 1.0
    target = fs._Target(two_theta=AXIS, signal=signal)
    for relative, absolute in ((0.01, 0.0), (0.0, 0.05), (0.01, 0.05)):
        wide = AXIS[target.widen(relative, absolute) > 0.5]
        reach = np.degrees(2 * np.tan(np.radians(4.0)) * relative) + absolute
        assert wide[-1] - 8.0 == pytest.approx(reach, rel=0.1, abs=0.01)
        assert 8.0 - wide[0] == pytest.approx(reach, rel=0.1, abs=0.01)


def test_trial_cells_of_many_axes_are_spread_evenly() -> None:
    """Of four free axes 60 000, a fifteenth of the range apart."""
    lattice = SimpleNamespace(free=4)
    strains, step = fs.list_trial_strains(lattice, np.full(4, 0.01))  # type: ignore[arg-type]
    assert strains.shape == (60_000, 4)
    assert step == pytest.approx(2 * 0.023 / 60_000**0.25)
    np.testing.assert_allclose(strains.mean(axis=0), 0.01, atol=1e-4)
    assert -0.046 <= (strains - 0.01).min() < -0.045 and 0.045 < (strains - 0.01).max() <= 0.046
    grid, step = fs.list_trial_strains(SimpleNamespace(free=3), np.zeros(3))  # type: ignore[arg-type]
    assert grid.shape == (23**3, 3) and step == pytest.approx(0.046 / 22)


def test_trials_whose_lines_lie_together_are_one() -> None:
    """0.3 Gaussian widths apart; four at most, the best first."""
    scorer = make_scorer()
    strains = 0.004 * np.arange(6.0)[:, None]
    near = np.vstack([strains, strains + 1e-6])
    scores = np.r_[np.arange(6.0), np.arange(6.0) + 0.5]
    chosen = fs._choose_apart(scorer, near, np.zeros(12), scores, 0.02)
    assert [trial.score for trial in chosen] == [5.5, 4.5, 3.5, 2.5]
    apart = np.array([0.0, 0.0059])
    chosen = fs._choose_apart(scorer, np.zeros((2, 1)), apart, np.ones(2), 0.02)
    assert len(chosen) == 1
    apart = np.array([0.0, 0.0061])
    chosen = fs._choose_apart(scorer, np.zeros((2, 1)), apart, np.ones(2), 0.02)
    assert [trial.zero for trial in chosen] == [0.0, 0.0061]


@pytest.mark.parametrize(
    ("after", "share", "is_less"),
    # of 1000 over 500 points: a share, and 25 mean squares (50 and less)
    [
        (949.0, 0.05, True),
        (951.0, 0.05, False),
        (951.0, 0.0, True),
        (953.5, 0.0, False),
    ],
)
def test_how_far_the_squares_must_fall(after: float, share: float, is_less: bool) -> None:
    pattern = SimpleNamespace(weight=np.r_[np.ones(500), np.zeros(100)])
    before, later = SimpleNamespace(misfit=1000.0), SimpleNamespace(misfit=after)
    assert fs._is_less(later, before, pattern, share) == is_less  # type: ignore[arg-type]


@pytest.mark.parametrize(("zero", "is_moved"), [(0.029, False), (0.031, True), (-0.031, True)])
def test_a_zero_three_deviations_off_is_expected_there(zero: float, is_moved: bool) -> None:
    priors = make_setup(make_parameters()).priors
    about = replace(priors, zero=fs.GaussianPrior(mean=0.0, sigma=0.01))
    found = fs._expect_zero(about, zero)
    assert found.zero.mean == (zero if is_moved else 0.0) and found.zero.sigma == 0.01
    held = replace(priors, zero=fs.GaussianPrior(mean=0.0, sigma=0.0))
    assert fs._expect_zero(held, zero) is held


@pytest.mark.parametrize(("strain", "is_moved"), [(0.0039, False), (0.0041, True)])
def test_a_cell_off_by_a_fifth_of_a_percent_is_expected_there(
    strain: float, is_moved: bool
) -> None:
    setup = make_setup(make_parameters())
    parameters = make_parameters(strain=np.array([[strain, 0, 0, 0, 0, 0], [0.0] * 6]), zero=0.0)
    fit = SimpleNamespace(present=(0,), parameters=parameters)
    found = fs._expect_where_found(setup.priors, setup, fit, 0)  # type: ignore[arg-type]
    right = setup.priors.strain[:, 0, 0] + (strain if is_moved else 0.0)
    np.testing.assert_allclose(found.strain[:, 0, 0], right)


def test_which_phases_are_doubtful() -> None:
    """Those of inflated errors, the strongest first; absent ones while something is left over."""
    pattern = SimpleNamespace(weight=np.ones(100))
    setup = SimpleNamespace(series=SimpleNamespace(phases=(0, 1, 2)))

    def doubtful(inflation: list[float], misfit: float, converged: bool = True) -> list[int]:
        present = (0, 1)
        fit = SimpleNamespace(
            present=present,
            get_index=present.index,
            intensity=np.array([10.0, 20.0]),
            parameters=SimpleNamespace(inflation=np.array(inflation)),
            converged=converged,
            misfit=misfit,
        )
        return fs._list_doubtful(fit, setup, pattern)  # type: ignore[arg-type]

    assert doubtful([1.4, 1.4, 1], 119.0) == []
    assert doubtful([1.4, 1.4, 1], 121.0) == [2]
    assert doubtful([1.6, 1.4, 1], 119.0) == [0, 2]
    assert doubtful([1.6, 1.6, 1], 119.0) == [1, 0, 2]
    assert doubtful([1.0, 1.0, 1], 119.0, converged=False) == [1, 0, 2]


def test_too_few_lines_tell_no_cell() -> None:
    """A cubic phase needs three lines: two are no more than its free length and the zero."""
    series = make_series()
    form, weight = fs._choose_lines(series, 0, np.zeros(1), 0.0) or (None, np.zeros(0))
    assert form is not None and form.shape == (5, 6) and weight.sum() == pytest.approx(1.0)
    assert np.all(np.diff(weight) <= 0)
    short = replace(series, two_theta=np.linspace(4.0, 8.8, 481))
    assert fs._choose_lines(short, 0, np.zeros(1), 0.0) is None
    longer = replace(series, two_theta=np.linspace(4.0, 12.2, 821))
    found = fs._choose_lines(longer, 0, np.zeros(1), 0.0)
    assert found is not None and len(found[0]) == 3
