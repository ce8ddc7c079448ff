"""Which lines are added, and which are taken out again."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from nmr import signals
from nmr.lineshape.lines import HIGH, LOW, problem, shapes

from ssbchar.nmr.lineshape import model_selection, varpro
from ssbchar.nmr.lineshape.model_selection import SelectionRules, select_model
from ssbchar.nmr.lineshape.options import LineFitOptions
from ssbchar.nmr.lineshape.peak_search import Peak, build_matched_filter, compute_noise_gain
from ssbchar.nmr.lineshape.problem import LineshapeProblem, PhaseModel
from ssbchar.nmr.lineshape.shapes import evaluate_shapes, make_empty_shapes
from ssbchar.nmr.lineshape.varpro import FitControl

RULES = SelectionRules(low=LOW, high=HIGH)
METAL, BROAD = (0.2, 50e3, 900.0), (1.0, -20e3, 2500.0)


def test_a_needless_line_is_taken_out_and_a_needed_one_stays() -> None:
    given = replace(problem(1e-2, BROAD, (0.05, 50e3, 900.0)), regions=2)
    start = shapes((50e3, 1500.0, 0), (-20e3, 1500.0, 1), (-60e3, 1500.0, 1))
    control = FitControl(max_steps=30, least_gain=0.1, final=False)
    kept = model_selection.remove_needless_lines(varpro.fit_shapes(given, start, control))
    assert kept.shapes.nu == pytest.approx([50e3, -20e3], abs=60.0)
    again = model_selection.remove_needless_lines(kept)
    assert again.shapes is kept.shapes


def test_a_line_outside_never_comes_into_a_region_by_the_refined_place_of_its_peak() -> None:
    given = problem(1e-2, (1.0, 61e3, 6000.0))
    peak = build_matched_filter(given, LOW, HIGH).find_peaks(given.y)[2]
    moved = replace(peak, nu=55e3, grid_nu=61e3)
    made = model_selection.add_peak(make_empty_shapes(), given, RULES, 2, moved)
    assert made.low[0] == HIGH[0] and made.nu[0] >= HIGH[0]


def test_bounds_of_a_line_are_its_region_or_the_gap_that_holds_it() -> None:
    assert RULES.bound_line(0.0, 0, 5e5) == (40e3, 60e3)
    assert RULES.bound_line(0.0, 1, 5e5) == (-100e3, 30e3)
    assert RULES.bound_line(35e3, 2, 5e5) == (30e3, 40e3)
    assert RULES.bound_line(30e3, 2, 5e5) == (30e3, 40e3)
    assert RULES.bound_line(40e3, 2, 5e5) == (30e3, 40e3)
    assert RULES.bound_line(2e5, 2, 5e5) == (60e3, 5e5)
    assert RULES.bound_line(-2e5, 2, 5e5) == (-5e5, -100e3)


def test_two_narrow_lines_under_one_are_told_apart() -> None:
    given = problem(1e-2, (0.5, -20e3, 300.0), (0.5, -20.5e3, 500.0), METAL)
    best = select_model(given, RULES)
    assert best.shapes.nu == pytest.approx([50e3, -20e3, -20.5e3], abs=30.0)


def test_another_time_origin_nearly_as_good_is_gone_on_with() -> None:
    given = problem(1e-2, BROAD, (0.4, 50e3, 900.0))
    late = replace(given, time=given.time - 3e-6, power=np.empty(0))
    best = select_model(late, RULES)
    assert best.shapes.origin == pytest.approx(3e-6, abs=2e-7)


def test_a_gaussian_part_helps_where_the_decay_bends_down() -> None:
    given = problem(1e-3, BROAD)
    control = FitControl(max_steps=30, final=False)
    at = varpro.fit_shapes(given, shapes((-20e3, 2500.0, 1)), control)
    for sign in (1.0, -1.0):
        bent = np.exp(-sign * 1e6 * given.time**2)
        data = replace(given, y=given.y * bent, power=np.empty(0)).prepare()
        found = varpro.fit_shapes(data, at.shapes, control)
        assert (model_selection.foresee_gain_by_gaussian(found, 0) > 0) == (sign > 0)


@pytest.mark.parametrize("sigma", [[1e-3], [1e-3, 3e-3]])
@pytest.mark.parametrize("origin", [0.0, 4e-6])
def test_the_gain_of_a_small_gaussian_part_is_foreseen(sigma: list[float], origin: float) -> None:
    """What the fit with it then gains, within 10 %: over all slices, with the time origin."""
    given = problem(1e-3, BROAD, (0.3, 50e3, 900.0))
    bent = given.y[0] * np.exp(-2e5 * (given.time + origin) ** 2)
    y = np.repeat(bent[None], len(sigma), axis=0)
    data = replace(given, y=y, sigma=np.array(sigma), power=np.empty(0)).prepare()
    control = FitControl(max_steps=40, final=False)
    plain = varpro.fit_shapes(data, shapes((50e3, 900.0, 0), (-20e3, 2500.0, 1)), control)
    line = int(np.argmax(plain.shapes.region))
    voigt = np.arange(2) == line
    start = replace(plain.shapes, voigt=voigt, gauss2=np.where(voigt, 1e4, 0.0))
    gained = plain.chi2 - varpro.fit_shapes(data, start, control).chi2
    assert gained > 20
    assert model_selection.foresee_gain_by_gaussian(plain, line) == pytest.approx(gained, rel=0.1)


def test_a_voigt_line_is_chosen_where_it_is_one_and_allowed() -> None:
    time = np.arange(4096) * 1e-6
    gauss = np.exp((2j * np.pi * -20e3) * time - (np.pi * 3000.0 * time) ** 2 / (4 * np.log(2)))
    metal = 0.3 * np.exp((2j * np.pi * 50e3 - np.pi * 900.0) * time)
    y = signals.noisy(gauss + metal, 1e-2, 3)[None]
    given = LineshapeProblem(y=y, time=time, sigma=np.array([1e-2]))
    best = select_model(given, RULES)
    assert best.shapes.voigt.tolist() == [False, True]
    assert np.sqrt(best.shapes.gauss2[1]) == pytest.approx(3000.0, rel=0.02)
    plain = select_model(given, replace(RULES, voigt=False, max_components=1))
    assert not plain.shapes.voigt.any()
    assert plain.bic > best.bic + 10


def test_a_region_without_a_line_keeps_a_stand_in_of_the_stated_width() -> None:
    best = select_model(problem(1e-2, BROAD), replace(RULES, absent_width=1234.0))
    assert best.shapes.held.tolist() == [True, False]
    assert best.shapes.nu[0] == 50e3
    assert best.shapes.width[0] == 1234.0
    assert (best.shapes.low[0], best.shapes.high[0]) == (40e3, 60e3)


@pytest.mark.parametrize("outside", [True, False])
def test_lines_outside_every_region_are_admitted_on_request(outside: bool) -> None:
    given = problem(1e-2, BROAD, METAL, (0.5, 200e3, 800.0))
    best = select_model(given, replace(RULES, outside=outside))
    assert (2 in best.shapes.region) == outside


def test_no_region_has_more_lines_than_allowed() -> None:
    many = [(0.5, -20e3 - 9e3 * k, 800.0) for k in range(5)]
    given = problem(1e-2, METAL, *many)
    best = select_model(given, replace(RULES, max_components=3))
    assert np.sum(best.shapes.region == 1) == 3
    assert np.sum(select_model(given, replace(RULES, max_components=6)).shapes.region == 1) == 5


def test_a_line_must_gain_what_is_asked() -> None:
    given = problem(1e-2, BROAD, METAL, (0.02, -60e3, 900.0))
    assert select_model(given, RULES).shapes.n == 3
    assert select_model(given, replace(RULES, min_gain=1e6)).shapes.n == 2


def turned(phases: list[tuple[float, float]]) -> LineshapeProblem:
    """Slices of two lines, each with a phase."""
    time = np.arange(2048) * 1e-6
    rows = []
    for k, (first, second) in enumerate(phases):
        metal = 0.3 * np.exp((2j * np.pi * 50e3 - np.pi * 900.0) * time + 1j * first)
        other = np.exp((2j * np.pi * -20e3 - np.pi * 2500.0) * time + 1j * second)
        rows.append(signals.noisy(np.exp(-k / 3) * (metal + other), 5e-3, k))
    return LineshapeProblem(y=np.array(rows), time=time, sigma=np.full(len(rows), 5e-3))


@pytest.mark.parametrize(
    ("phases", "model"),
    [
        ([(0.4, 0.4)] * 3, PhaseModel.SHARED),
        ([(0.4, 0.4), (1.4, 1.4), (2.4, 2.4)], PhaseModel.PER_SLICE),
        ([(0.4, 0.4), (1.4, 0.4), (2.4, 0.4)], PhaseModel.PER_REGION),
    ],
)
def test_the_simplest_phase_model_that_the_data_admit(phases, model: PhaseModel) -> None:
    best = select_model(turned(phases), RULES)
    assert best.problem.phases == model
    metal, other = (best.shapes.region == 0), (best.shapes.region == 1)
    for k, (first, second) in enumerate(phases):
        assert best.phase[k, metal][0] == pytest.approx(first, abs=0.05)
        assert best.phase[k, other][0] == pytest.approx(second, abs=0.05)


def test_the_time_origin_is_estimated_from_two_strong_lines() -> None:
    given = replace(problem(1e-2, BROAD, METAL), regions=2)
    late = replace(given, time=given.time - 3e-6, power=np.empty(0)).prepare()
    matched = build_matched_filter(late, LOW, HIGH)
    seed = model_selection._place_first_lines(late, RULES, matched)
    assert model_selection._list_origins(late, seed) == pytest.approx([3e-6], abs=3e-7)
    noisy = replace(late, sigma=np.array([100.0]))
    assert model_selection._list_origins(noisy, seed) == [0.0]


def test_starts_of_the_phase_models() -> None:
    one = problem(1e-2, BROAD)
    shared = PhaseModel.SHARED
    assert model_selection._list_phase_starts(one, [0.0]) == [(shared, 0.0)]
    assert model_selection._list_phase_starts(one, [2e-6]) == [(shared, 0.0), (shared, 2e-6)]
    assert model_selection._list_phase_starts(one, [-2e-6]) == [(shared, -2e-6), (shared, 0.0)]
    assert model_selection._list_phase_starts(turned([(0, 0)] * 2), [3e-6, 16e-6])[1:] == [
        (PhaseModel.SHARED, 3e-6),
        (PhaseModel.SHARED, 16e-6),
        (PhaseModel.PER_SLICE, 3e-6),
        (PhaseModel.PER_SLICE, 16e-6),
        (PhaseModel.PER_REGION, 0.0),
    ]


@pytest.mark.parametrize(
    ("reach", "found"),
    [
        ((-10e-6, 10e-6), [3.0]),
        ((-30e-6, 10e-6), [3.0, -22.0]),
        ((-10e-6, 60e-6), [3.0, 28.0, 53.0]),
    ],
)
def test_time_origins_that_turn_two_lines_alike(monkeypatch, reach, found) -> None:
    """40 kHz apart, lines come back to the same angle every 25 us."""
    estimate = model_selection._OriginEstimate(origin=3e-6, period=25e-6)
    monkeypatch.setattr(model_selection, "_estimate_origin", lambda problem, seed: estimate)
    given = replace(problem(1e-2, BROAD), origin_range=reach)
    assert model_selection._list_origins(given, None) == pytest.approx(1e-6 * np.array(found))


def test_a_parted_line_stands_half_a_width_apart_half_as_broad() -> None:
    fit = varpro.fit_shapes(
        problem(1e-3, BROAD, METAL), shapes((50e3, 900.0, 0), (-20e3, 2500.0, 1))
    )
    parted = model_selection.part_line(fit, 1)
    width, centre = fit.shapes.width[1], fit.shapes.nu[1]
    assert parted.region.tolist() == [0, 1, 1]
    assert parted.nu[1:] == pytest.approx([centre + width / 4, centre - width / 4])
    assert parted.width[1:] == pytest.approx([width / 2, width / 2])
    assert parted.low[1:].tolist() == [LOW[1]] * 2
    assert parted.high[1:].tolist() == [HIGH[1]] * 2


def test_a_line_made_voigt_begins_with_parts_of_its_width() -> None:
    time = np.arange(4096) * 1e-6
    gauss = np.exp((2j * np.pi * -20e3) * time - (np.pi * 3000.0 * time) ** 2 / (4 * np.log(2)))
    given = LineshapeProblem(y=gauss[None], time=time, sigma=np.array([1e-2]))
    fit = varpro.fit_shapes(given, shapes((-20e3, 2500.0, 1)))
    made = model_selection.make_voigt(fit, 1)
    assert made is not None and made.voigt.tolist() == [True]
    assert made.width[0] == pytest.approx(0.5 * fit.shapes.width[0])
    assert made.gauss2[0] == pytest.approx((0.7 * fit.shapes.width[0]) ** 2)
    assert model_selection.make_voigt(fit, 0) is None


@pytest.mark.parametrize(
    ("bics", "chosen"),
    [
        ([100.0, 95.0, 99.0], PhaseModel.SHARED),
        ([100.0, 89.0, 80.0], PhaseModel.PER_SLICE),
        ([100.0, 89.0, 78.0], PhaseModel.PER_REGION),
        ([100.0, 90.0, 90.0], PhaseModel.SHARED),
    ],
)
def test_more_phases_must_lower_the_criterion_by_ten(monkeypatch, bics, chosen) -> None:
    """Fits in the order of their phase models, with given criteria."""
    made = iter(bics)

    def fit(problem, start, control, at=None):
        return SimpleNamespace(problem=problem, shapes=start, bic=next(made))

    monkeypatch.setattr(model_selection, "fit_shapes", fit)
    monkeypatch.setattr(model_selection, "_list_origins", lambda problem, seed: [0.0])
    given = turned([(0.0, 0.0)] * 2).prepare()
    seed = SimpleNamespace(shapes=shapes((50e3, 900.0, 0)), sums=None)
    assert model_selection._select_phase_model(given, seed)[0].problem.phases == chosen


@pytest.mark.parametrize(("bic", "rivals"), [(199.9, 1), (200.1, 0)])
def test_another_time_origin_within_a_hundred_is_a_rival(monkeypatch, bic, rivals: int) -> None:
    made = iter([100.0, bic])

    def fit(problem, start, control, at=None):
        return SimpleNamespace(problem=problem, shapes=start, bic=next(made))

    monkeypatch.setattr(model_selection, "fit_shapes", fit)
    monkeypatch.setattr(model_selection, "_list_origins", lambda problem, seed: [3e-6])
    given = problem(1e-2, BROAD)
    seed = SimpleNamespace(shapes=shapes((50e3, 900.0, 0)), sums=None)
    fits = model_selection._select_phase_model(given, seed)
    assert len(fits) == 1 + rivals
    assert fits[0].shapes.origin == 0.0


def test_a_better_time_origin_needs_no_ten(monkeypatch) -> None:
    made = iter([100.0, 99.0])

    def fit(problem, start, control, at=None):
        assert control.excess_share == 0.0
        return SimpleNamespace(problem=problem, shapes=start, bic=next(made))

    monkeypatch.setattr(model_selection, "fit_shapes", fit)
    monkeypatch.setattr(model_selection, "_list_origins", lambda problem, seed: [3e-6])
    seed = SimpleNamespace(shapes=shapes((50e3, 900.0, 0)), sums=None)
    fits = model_selection._select_phase_model(problem(1e-2, BROAD), seed)
    assert [fit.shapes.origin for fit in fits] == [3e-6, 0.0]


def test_a_region_is_empty_below_three_standard_errors_in_every_slice() -> None:
    start = shapes((50e3, 900.0, 0), (-20e3, 2500.0, 1))
    fit = varpro.fit_shapes(problem(1e-2, BROAD, (0.02, 50e3, 900.0)), start)
    stderr = float(np.sqrt(fit.area_covariance[0, 0, 0, 0]))
    for times, held in ((2.9, True), (3.1, False)):
        area = fit.area.copy()
        area[0, 0] = times * stderr
        moved = replace(fit, state=replace(fit.state, area=area))
        reduced = model_selection._reduce_empty_regions(moved, RULES)
        assert reduced.shapes.held.any() == held
        place = np.argsort(reduced.shapes.region)
        assert reduced.shapes.region[place].tolist() == [0, 1]
        assert reduced.shapes.nu[place[1]] == pytest.approx(-20e3, abs=100.0)
        assert reduced.shapes.width[place[0]] == pytest.approx(3000.0 if held else 900.0, rel=0.2)


def test_two_lines_are_enough_for_a_time_origin_and_one_is_not() -> None:
    late = replace(problem(1e-2, BROAD, METAL), regions=2)
    late = replace(late, time=late.time - 3e-6, power=np.empty(0)).prepare()
    two = shapes((50e3, 900.0, 0), (-20e3, 2500.0, 1))
    control = FitControl(max_steps=0, final=False)
    with_phases = replace(late, phases=PhaseModel.PER_REGION)
    seed = varpro.fit_shapes(with_phases, two, control).state
    found = model_selection._estimate_origin(late, seed)
    assert found is not None and found.origin == pytest.approx(3e-6, abs=3e-7)
    assert found.period == pytest.approx(1 / 70e3, rel=0.01)
    alone = varpro.fit_shapes(with_phases, two.select(np.array([1])), control).state
    assert model_selection._estimate_origin(late, alone) is None


def test_a_parted_voigt_line_is_as_broad_as_both_its_widths() -> None:
    start = replace(shapes((-20e3, 1000.0, 1)), voigt=np.array([True]), gauss2=np.array([500.0**2]))
    fit = varpro.fit_shapes(problem(1e-2, BROAD), start, FitControl(max_steps=0, final=False))
    parted = model_selection.part_line(fit, 1)
    assert parted.nu.tolist() == [-20e3 + 1500.0 / 4, -20e3 - 1500.0 / 4]
    assert parted.width.tolist() == [750.0, 750.0]
    assert parted.gauss2.tolist() == [0.0, 0.0]
    assert parted.voigt.tolist() == [False, False]


@pytest.mark.parametrize(
    ("apart", "bic", "rival"),
    [(2.0, 99.9, True), (2.0, 100.0, False), (1.0, 0.0, False), (-2.0, 0.0, True)],
)
def test_a_rival_is_another_origin_within_the_criterion(
    apart: float, bic: float, rival: bool
) -> None:
    def fit(origin: float, bic: float, phases: PhaseModel = PhaseModel.SHARED) -> SimpleNamespace:
        return SimpleNamespace(
            shapes=SimpleNamespace(origin=origin), problem=SimpleNamespace(phases=phases), bic=bic
        )

    origin = apart * model_selection.SAME_ORIGIN
    assert model_selection._is_rival(fit(origin, bic), fit(0.0, 0.0)) is rival
    other = fit(origin, bic, PhaseModel.PER_REGION)
    assert not model_selection._is_rival(other, fit(0.0, 0.0))


@pytest.mark.parametrize(("weak", "sought"), [(8.0, True), (7.99, False)])
def test_a_time_origin_is_sought_between_two_lines_above_noise(weak: float, sought: bool) -> None:
    """A quarter turn over 1 kHz is 0.25 ms; 8 over noise of 2 is just significant."""
    given = SimpleNamespace(sigma=np.array([2.0]))
    seed = SimpleNamespace(
        amplitude=np.array([[20.0, weak * 1j]]),
        shapes=SimpleNamespace(nu=np.array([3000.0, 4000.0])),
        sums=SimpleNamespace(gram=np.eye(2)),
    )
    found = model_selection._estimate_origin(given, seed)
    assert (found.origin if found else None) == (pytest.approx(2.5e-4) if sought else None)
    alone = SimpleNamespace(
        amplitude=np.array([[20.0]]),
        shapes=SimpleNamespace(nu=np.array([3000.0])),
        sums=SimpleNamespace(gram=np.eye(1)),
    )
    assert model_selection._estimate_origin(given, alone) is None


def test_the_only_line_outside_is_taken_out_and_the_only_one_of_a_region_is_not() -> None:
    given = replace(problem(1e-2, BROAD), regions=2)
    start = shapes((50e3, 1500.0, 0), (-20e3, 2500.0, 1), (-300e3, 1500.0, 2))
    control = FitControl(max_steps=30, least_gain=0.1, final=False)
    kept = model_selection.remove_needless_lines(varpro.fit_shapes(given, start, control))
    assert kept.shapes.region.tolist() == [0, 1]


def test_rules_are_by_default_those_of_the_options() -> None:
    options = LineFitOptions()
    assert RULES.voigt == ("voigt" in options.shapes)
    assert RULES.max_components == options.max_components == 4
    assert RULES.min_gain == options.min_gain == 10.0
    assert RULES.absent_width == options.absent_width == 3000.0
    assert RULES.outside == options.outside


def seed_of(amplitude: list[complex], norm: list[float], nu: list[float]) -> SimpleNamespace:
    """A state of one slice with noise one."""
    return SimpleNamespace(
        amplitude=np.array([amplitude]),
        shapes=SimpleNamespace(nu=np.array(nu)),
        sums=SimpleNamespace(gram=np.diag(np.square([*norm, 99.0]))),
    )


@pytest.mark.parametrize(("second", "found"), [(2.0, True), (1.99, False), (2.2, True)])
def test_the_second_line_must_have_four_standard_errors_for_a_time_origin(second, found) -> None:
    """Half a radian between lines 1 kHz apart is 0.5 / (2 pi 1000) s; the third line is lost in
    noise, and the norm of the second is two."""
    given = SimpleNamespace(sigma=np.ones(1))
    seed = seed_of([3.0, 10.0, second * np.exp(0.5j)], [1.0, 1.0, 2.0], [9e9, 0.0, 1000.0])
    expected = pytest.approx(0.5 / (2 * np.pi * 1000.0)) if found else None
    estimate = model_selection._estimate_origin(given, seed)
    assert (estimate.origin if estimate else None) == expected


@pytest.mark.parametrize(("origin", "starts"), [(0.99e-6, 1), (1e-6, 2), (1.2e-6, 2)])
def test_a_time_origin_of_a_microsecond_is_a_start_of_its_own(origin: float, starts: int) -> None:
    assert len(model_selection._list_phase_starts(problem(1e-2, BROAD), [origin])) == starts


def test_lines_begin_where_the_filter_sees_them() -> None:
    given = replace(problem(1e-2, BROAD, METAL), regions=2)
    matched = build_matched_filter(given, LOW, HIGH)
    seed = model_selection._place_first_lines(given, RULES, matched)
    broad = matched.find_peaks(given.y)[1]
    left = model_selection._subtract_line(
        given, given.y, shapes((broad.nu, broad.width, 1)).select(np.array([0]))
    )
    metal = matched.find_peaks(left)[0]
    assert seed.shapes.nu.tolist() == [metal.nu, broad.nu]
    assert seed.shapes.width.tolist() == [metal.width, broad.width]


@pytest.mark.parametrize(("share", "held"), [(1.0, False), (0.999, True)])
def test_a_region_begins_with_a_line_where_the_filter_reaches_the_noise_gain(share, held) -> None:
    given = problem(1e-2, BROAD, METAL)
    gains = [share * compute_noise_gain(4096, 1), 1e6]
    peaks = [
        Peak(nu=nu, width=900.0, gain=gain, grid_nu=nu)
        for nu, gain in zip([50e3, -20e3], gains, strict=True)
    ]
    matched = SimpleNamespace(find_peaks=lambda residual: peaks)
    seed = model_selection._place_first_lines(given, RULES, matched)
    assert seed.shapes.held[np.argsort(seed.shapes.region)].tolist() == [held, False]


def test_the_first_line_is_placed_however_weak() -> None:
    given = problem(1e-2, BROAD)
    peaks = [Peak(nu=nu, width=900.0, gain=0.0, grid_nu=nu) for nu in (50e3, -20e3)]
    matched = SimpleNamespace(find_peaks=lambda residual: peaks)
    seed = model_selection._place_first_lines(given, RULES, matched)
    assert np.sum(seed.shapes.held) == 1


def test_a_line_outside_reaches_half_the_sampling_rate() -> None:
    given = problem(1e-2, BROAD)
    late = replace(given, time=given.time + 5e-3)
    peak = Peak(nu=200e3, width=900.0, gain=1.0, grid_nu=200e3)
    made = model_selection.add_peak(make_empty_shapes(), late, RULES, 2, peak)
    assert (made.low[0], made.high[0]) == pytest.approx((60e3, 500e3), rel=1e-9)


def test_what_lies_along_a_line_is_taken_away() -> None:
    given = problem(1e-2, BROAD)
    line, other = shapes((-20e3, 2500.0, 1)), shapes((50e3, 900.0, 0))
    f, g = evaluate_shapes(line, given.time), evaluate_shapes(other, given.time)
    rows = np.array([[2.0], [3.0j]]) * f
    np.testing.assert_allclose(model_selection._subtract_line(given, rows, line), 0.0, atol=1e-12)
    left = model_selection._subtract_line(given, rows + g, line)
    np.testing.assert_allclose(left, [(g - (np.vdot(f, g) / np.vdot(f, f)) * f)[0]] * 2, atol=1e-12)


def stub_of(bic: float, chi2: float, **known: object) -> SimpleNamespace:
    return SimpleNamespace(bic=bic, chi2=chi2, **known)


class Growth:
    """`_add_lines` on fits of given criteria; the regions asked are written down."""

    def __init__(self, monkeypatch, gains: list[float], offers: dict[int, list]) -> None:
        self.asked: list[int] = []
        peaks = [SimpleNamespace(gain=gain) for gain in gains]
        self.matched = SimpleNamespace(find_peaks=lambda residual: peaks)

        def offer(best, rules, region, peak):
            assert peak is peaks[region]
            self.asked.append(region)
            return [offers[region].pop(0)] if offers.get(region) else []

        monkeypatch.setattr(model_selection, "_try_changes", offer)
        monkeypatch.setattr(model_selection, "compute_residual", lambda problem, state: None)
        monkeypatch.setattr(model_selection, "remove_needless_lines", lambda best: best)

    def run(self, outside: bool = True):
        # The floor is 1e-9 of sum |y|^2 / sigma^2 = 4e9 / 2^2.
        given = SimpleNamespace(power=np.array([4e9]), sigma=np.array([2.0]))
        self.given = given
        first = stub_of(100.0, 100.0, problem=given, state=None)
        return model_selection._add_lines(first, replace(RULES, outside=outside), self.matched)


@pytest.mark.parametrize(
    ("bic", "chi2", "taken"),
    [
        (89.9, 50.0, True),
        (90.0, 50.0, False),
        (0.0, 99.0, False),
        (0.0, 98.9, True),
        (0.0, 101.5, False),
    ],
)
def test_a_change_gains_ten_in_the_criterion_and_more_than_rounding(
    monkeypatch, bic: float, chi2: float, taken: bool
) -> None:
    offer = stub_of(bic, chi2, state=None)
    growth = Growth(monkeypatch, [3.0, 2.0, 1.0], {0: [offer]})
    offer.problem = None
    assert (growth.run() is offer) is taken


def test_regions_are_asked_by_gain_and_all_again_after_each_change(monkeypatch) -> None:
    """A further line in one region may lay bare what another region lacks."""
    better = stub_of(50.0, 50.0, state=None, problem=None)
    growth = Growth(monkeypatch, [1.0, 3.0, 2.0], {0: [better]})
    assert growth.run() is better
    assert growth.asked == [1, 2, 0, 1, 2, 0]
    inside = Growth(monkeypatch, [1.0, 3.0, 2.0], {})
    inside.run(outside=False)
    assert inside.asked == [1, 0]


NOISE = compute_noise_gain(4096, 1)


@pytest.fixture
def tries(monkeypatch):
    """Offers of `_try_changes` for the region of the broad line, as ("line" or "voigt" or
    "parted")."""
    given = problem(1e-2, BROAD, METAL)
    start = shapes((50e3, 900.0, 0), (-20e3, 2500.0, 1))
    best = varpro.fit_shapes(given, start, FitControl(max_steps=0, final=False))
    controls: list[FitControl] = []

    def run(gain: float, *, bic: float = -1e9, area: float = 1.0, rules=RULES):
        found: list[str] = []

        def fit(problem, tried, control):
            kinds = {2: "voigt", 3: "line"}
            found.append(tried if isinstance(tried, str) else kinds[tried.n])
            controls.append(control)
            return SimpleNamespace(bic=best.bic + bic, area=np.full((1, 3), area))

        monkeypatch.setattr(model_selection, "fit_shapes", fit)
        monkeypatch.setattr(model_selection, "make_voigt", lambda *a: best.shapes)
        monkeypatch.setattr(model_selection, "part_line", lambda *a: "parted")
        peak = Peak(nu=-60e3, width=900.0, gain=gain, grid_nu=-60e3)
        model_selection._try_changes(best, rules, 1, peak)
        return found

    run.best, run.controls = best, controls
    return run


@pytest.mark.parametrize(
    ("share", "offers"),
    [(1.001, ["line", "voigt"]), (1.0, ["voigt"]), (0.0, ["voigt"])],
)
def test_a_line_needs_the_noise_gain_and_a_voigt_shape_none(tries, share, offers) -> None:
    """What a Gaussian part would bring hides under the line itself."""
    assert tries(share * NOISE) == offers


def test_the_strongest_line_is_parted_where_nothing_else_helps(tries) -> None:
    both = ["line", "voigt"]
    assert tries(2 * NOISE, bic=-10.0) == both
    assert tries(2 * NOISE, bic=-9.9) == [*both, "parted"]
    assert tries(2 * NOISE, bic=-20.0, area=0.0) == [*both, "parted"]
    assert tries(2 * NOISE, bic=-20.0, area=1e-9) == both
    assert tries(NOISE, bic=0.0) == ["voigt"]


def test_a_full_region_gets_no_line_and_none_is_parted(tries) -> None:
    full = replace(RULES, max_components=1)
    assert tries(2 * NOISE, bic=0.0, rules=full) == ["voigt"]
    roomy = replace(RULES, max_components=2)
    assert tries(2 * NOISE, rules=roomy) == ["line", "voigt"]
    assert tries(2 * NOISE, rules=replace(roomy, voigt=False)) == ["line"]


def test_a_change_is_given_up_that_will_not_earn_one_parameter(tries) -> None:
    tries(2 * NOISE)
    best = tries.best
    assert {c.goal for c in tries.controls} == {best.chi2 - 10.0 - np.log(best.points)}


def test_fits_that_are_compared_take_twenty_steps_and_first_ones_thirty(monkeypatch) -> None:
    controls = []

    def fit(problem, start, control, at=None):
        controls.append(control)
        return SimpleNamespace(problem=problem, shapes=start, bic=0.0)

    monkeypatch.setattr(model_selection, "fit_shapes", fit)
    monkeypatch.setattr(model_selection, "_list_origins", lambda problem, seed: [0.0])
    seed = SimpleNamespace(shapes=shapes((50e3, 900.0, 0)), sums=None)
    model_selection._select_phase_model(problem(1e-2, BROAD), seed)
    assert [(c.max_steps, c.least_gain, c.excess_share) for c in controls] == [(30, 0.1, 1e-3)]
    assert (model_selection.COMPARED.max_steps, model_selection.COMPARED.least_gain) == (20, 0.1)


def test_a_time_origin_only_just_better_is_better(monkeypatch) -> None:
    made = iter([100.0, 99.9])

    def fit(problem, start, control, at=None):
        return SimpleNamespace(problem=problem, shapes=start, bic=next(made))

    monkeypatch.setattr(model_selection, "fit_shapes", fit)
    monkeypatch.setattr(model_selection, "_list_origins", lambda problem, seed: [3e-6])
    seed = SimpleNamespace(shapes=shapes((50e3, 900.0, 0)), sums=None)
    fits = model_selection._select_phase_model(problem(1e-2, BROAD), seed)
    assert fits[0].shapes.origin == 3e-6


def needless(monkeypatch, area, inverse, *, bic: float = 0.0, regions=(1, 1), voigt=False):
    """Lines left of a fit with log(points) = 1, noise 2, and given areas and inverse norms."""
    lines = shapes(*((-20e3 - 1e3 * k, 2500.0, region) for k, region in enumerate(regions)))
    lines = replace(lines, voigt=np.full(lines.n, voigt))
    given = SimpleNamespace(sigma=np.full(len(area), 2.0), regions=2)
    state = SimpleNamespace(area=np.array(area), inverse=np.diag(inverse))
    best = SimpleNamespace(problem=given, shapes=lines, state=state, points=np.e, bic=0.0)

    def fit(problem, fewer, control):
        state = SimpleNamespace(area=np.full((1, fewer.n), 1e3), inverse=np.eye(fewer.n))
        return SimpleNamespace(problem=given, shapes=fewer, state=state, points=np.e, bic=bic)

    monkeypatch.setattr(model_selection, "fit_shapes", fit)
    return model_selection.remove_needless_lines(best).shapes.nu.tolist()


def test_a_line_stays_that_is_worth_its_parameters(monkeypatch) -> None:
    """Area 6 over noise 2, squared, over 3 is a rise by 3: frequency, width and one area."""
    both = [-20e3, -21e3]
    assert needless(monkeypatch, [[6.0, 60.0]], [3.0, 1.0]) == both
    assert needless(monkeypatch, [[6.0, 60.0]], [3.01, 1.0]) == [-21e3]
    assert needless(monkeypatch, [[60.0, 6.0]], [1.0, 3.01]) == [-20e3]
    assert needless(monkeypatch, [[6.0, 6.0]], [3.02, 3.01]) == [-21e3]


def test_areas_of_every_slice_and_a_gaussian_width_cost_a_parameter_each(monkeypatch) -> None:
    both = [-20e3, -21e3]
    assert needless(monkeypatch, [[6.0, 60.0]] * 2, [4.5, 1.0]) == both
    assert needless(monkeypatch, [[6.0, 60.0]] * 2, [4.51, 1.0]) == [-21e3]
    assert needless(monkeypatch, [[6.0, 60.0]], [2.25, 1.0], voigt=True) == both
    assert needless(monkeypatch, [[6.0, 60.0]], [2.26, 1.0], voigt=True) == [-21e3]


def test_a_line_is_taken_out_only_where_the_criterion_does_not_rise(monkeypatch) -> None:
    weak = [[0.0, 60.0]]
    assert needless(monkeypatch, weak, [1.0, 1.0], bic=0.1) == [-20e3, -21e3]
    assert needless(monkeypatch, weak, [1.0, 1.0], bic=0.0) == [-21e3]
    assert needless(monkeypatch, weak, [1.0, 1.0], regions=(1, 0)) == [-20e3, -21e3]
    assert needless(monkeypatch, weak, [1.0, 1.0], regions=(2, 1)) == [-21e3]


def test_a_region_of_exactly_three_standard_errors_keeps_its_lines() -> None:
    """Two lines of 1 and 2 with variances of 0.5 and 0.25, covariance 0.125: 3 against 1."""
    covariance = np.zeros((1, 3, 1, 3))
    covariance[0, :, 0, :] = [[1.0, 0.0, 0.0], [0.0, 0.5, 0.125], [0.0, 0.125, 0.25]]
    lines = shapes((50e3, 900.0, 0), (-20e3, 900.0, 1), (-30e3, 900.0, 1))
    fit = SimpleNamespace(
        shapes=lines, area=np.array([[9.0, 1.0, 2.0]]), area_covariance=covariance
    )
    assert model_selection._reduce_empty_regions(fit, RULES) is fit


def test_a_gaussian_part_is_tried_where_half_of_chi_square_is_foreseen(monkeypatch) -> None:
    given = problem(1e-2, BROAD)
    fit = varpro.fit_shapes(given, shapes((-20e3, 2500.0, 1)), FitControl(final=False))
    for foreseen, tried in ((0.5, True), (0.499, False)):
        monkeypatch.setattr(
            model_selection, "foresee_gain_by_gaussian", lambda *a, gain=foreseen: gain
        )
        assert (model_selection.make_voigt(fit, 1) is not None) is tried
