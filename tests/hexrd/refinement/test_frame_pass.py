"""A pass over made frames: where each starts, and which phases enter and leave."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hexrd import made_frame
from hexrd.made_frame import make_parameters, make_pattern, make_series

from ssbchar.hexrd.refinement import frame_pass as fp
from ssbchar.hexrd.refinement.axis_labels import strain_from_metric
from ssbchar.hexrd.refinement.frame.fit import FrameFit
from ssbchar.hexrd.refinement.frame.lattice import build_lattice
from ssbchar.hexrd.refinement.frame.refine import FINE, ROUGH
from ssbchar.hexrd.refinement.options import Refinement
from ssbchar.hexrd.refinement.series_priors import expect_from_literature

COUNT = 4


def setup(present_in: list[tuple[int, ...]], free=(0, 0), joint: bool = False, **options):
    """Return a series whose frames hold these phases."""
    series, truth = make_series(free=free), make_parameters()
    patterns = [
        make_pattern(series, truth, noise=1.0, present=present, seed=i)
        for i, present in enumerate(present_in)
    ]
    given = assemble(series, patterns, **options)
    strain = given.priors.strain + truth.strain
    priors = replace(given.priors, strain=strain, has_joint_cell=np.array([joint, joint]))
    return replace(given, priors=priors)


def assemble(series, patterns, **options):
    """Return a pass over patterns of two phases, at one temperature."""
    count = len(patterns)
    frames = SimpleNamespace(
        count=count,
        usable=np.ones(count, bool),
        read_pattern=lambda i: patterns[i],
        temperature=np.full(count, 25.0),
        two_theta=series.two_theta,
        segment=np.full(count, "hold", object),
    )
    given = Refinement(**options)
    phases = [SimpleNamespace(attrs={}), SimpleNamespace(attrs={})]
    priors = expect_from_literature(series, frames, phases, given)
    return fp.PassSetup(series=series, frames=frames, priors=priors, options=given)


def start():
    return make_parameters(amount=np.full(2, np.nan))


def run(given: fp.PassSetup, order=None, **changes) -> dict[int, FrameFit]:
    order = order if order is not None else range(given.frames.count)
    return fp.refine_pass(given, order, start(), name="a pass", **changes)


def test_phases_enter_and_leave_as_they_come_and_go() -> None:
    fits = run(setup([(0,), (0, 1), (0, 1), (1,)]))
    assert [fits[i].present for i in range(4)] == [(0,), (0, 1), (0, 1), (1,)]
    for i, fit in fits.items():
        assert fit.jacobian.size == 0 and fit.converged, i


def test_unusable_frames_are_left_out_and_all_others_recorded() -> None:
    given = setup([(0,), (0,), (0,)])
    given.frames.usable[1] = False
    seen = []
    fits = run(given, [2, 1, 0], record=lambda i, left: seen.append((i, left.fit.present)))
    assert seen == [(2, (0,)), (0, (0,))] and set(fits) == {0, 2}


def test_the_first_frame_takes_the_phases_of_the_other_pass() -> None:
    given = setup([(0, 1), (0, 1)], enter=100.0, leave=0.0)
    other = {0: replace(run(setup([(0, 1)]))[0], present=(0, 1))}
    alone, beside = run(given), run(given, other_pass=other)
    # a threshold that no second phase reaches: it is there for the other pass only
    assert len(alone[0].present) == 1 and beside[0].present == (0, 1)
    assert beside[1].present == (0, 1)


def test_strains_follow_what_is_expected_of_the_next_frame(monkeypatch) -> None:
    given = setup([(0,), (0,)])
    strain = given.priors.strain.copy()
    strain[1] += 4e-3
    given = replace(given, priors=replace(given.priors, strain=strain))
    asked = []

    def refine_frame(series, pattern, present, *, start, prior, convergence):
        asked.append((present, start, prior, convergence))
        parameters = replace(start, strain=start.strain + 1.0)
        return SimpleNamespace(
            parameters=parameters,
            present=(0, 1),
            get_significance=lambda phase: 12.0,
            drop_curves=lambda: SimpleNamespace(parameters=parameters, present=(0, 1)),
        )

    monkeypatch.setattr(fp, "refine_frame", refine_frame)
    run(given, linear_range=ROUGH, settled_frames=0)
    first, second = asked
    np.testing.assert_allclose(first[1].strain, start().strain)
    np.testing.assert_allclose(second[1].strain, start().strain + 1.0 + 4e-3)
    np.testing.assert_allclose(second[2].strain.mean, second[1].strain)
    assert np.all(second[2].strain.sigma == given.options.search / 2)
    assert first[3].iterations == 12 and first[3].tolerance == 0.1
    assert first[3].linear_range is ROUGH and given.limit_steps().linear_range is FINE


def search() -> fp._Search:
    return fp._Search(parameters=make_parameters(), present=(1,), neighbour_strain={1: np.zeros(6)})


def priors():
    return SimpleNamespace(
        log_size_width=np.array([-5.0, -6.0]), log_strain_width=np.array([-7.0, -8.0])
    )


def test_a_phase_that_enters_starts_at_its_trial_cell_with_expected_widths() -> None:
    found = search()
    found.add(0, np.full(6, 0.5), priors())
    assert found.present == (0, 1)
    np.testing.assert_array_equal(found.neighbour_strain[0], 0.5)
    np.testing.assert_array_equal(found.parameters.strain[0], 0.5)
    np.testing.assert_allclose(found.parameters.strain[1], make_parameters().strain[1])
    np.testing.assert_allclose(found.parameters.log_size_width, [-5.0, np.log(0.03)])
    np.testing.assert_allclose(found.parameters.log_strain_width, [-7.0, np.log(0.08)])
    assert np.isnan(found.parameters.amount).all() and found.dropped == set()


def test_a_phase_that_leaves_does_not_come_back_in_its_frame() -> None:
    found = search()
    found.drop(1, priors())
    assert found.present == () and found.dropped == {1}
    np.testing.assert_allclose(found.parameters.log_size_width, [np.log(0.02), -6.0])
    assert np.isnan(found.parameters.amount).all()


def weakest(significance: list[float], ratio: list[float], monkeypatch, leave: float = 2.5):
    monkeypatch.setattr(fp, "estimate_noise", lambda left, phase: 1.0 if ratio[phase] else 0.0)
    fit = SimpleNamespace(
        present=tuple(range(len(ratio))),
        intensity=np.array(ratio),
        get_significance=lambda phase: significance[phase],
    )
    return fp._find_weakest(SimpleNamespace(fit=fit), Refinement(leave=leave))


def test_the_weakest_phase_below_the_limit_leaves(monkeypatch) -> None:
    assert weakest([5.0, 5.0, 5.0], [2.4, 2.0, 9.0], monkeypatch) == 1
    assert weakest([5.0, 5.0], [2.5, 2.6], monkeypatch) is None
    assert weakest([5.0, 5.0], [2.49, 2.6], monkeypatch) == 0
    # clear by misfit and correlation: not tested further
    assert weakest([12.0, 11.9], [0.5, 1.0], monkeypatch) == 1
    # without an error there is nothing that stands above it
    assert weakest([5.0], [0.0], monkeypatch) == 0


def newcomer(monkeypatch, gains, ratios, present=(), dropped=frozenset(), joint: bool = False):
    given = setup([(0, 1)], joint=joint)
    asked = []

    def measure(left, phase, cells, threshold):
        asked.append((phase, len(cells), threshold))
        if gains[phase] is None:
            return None
        gain = np.full(len(cells), -1.0)
        gain[len(cells) // 2] = gains[phase]
        intensity = np.full(len(cells), float(ratios[phase]))
        return SimpleNamespace(gain=gain, intensity=intensity, stderr=np.ones(len(cells)))

    monkeypatch.setattr(fp, "measure_absent_phase", measure)
    fit = SimpleNamespace(present=present, parameters=make_parameters())
    left = SimpleNamespace(series=given.series, fit=fit)
    return fp._find_newcomer(given, left, 0, set(dropped)), asked, given


def test_the_phase_that_explains_most_enters_at_its_best_cell(monkeypatch) -> None:
    found, asked, given = newcomer(monkeypatch, [3.0, 4.0], [9.0, 9.0])
    assert found is not None and found[0] == 1
    np.testing.assert_allclose(found[1], given.priors.strain[0, 1, :2], atol=1e-12)
    # trial cells a third of a line's width apart: 0.3 * 0.05 / 8 of 0.012
    assert [a[1] for a in asked] == [2 * int(np.ceil(0.012 / (0.3 * 0.05 / 8))) + 1] * 2
    assert [a[2] for a in asked] == [0.0, 0.0]


def test_beside_others_a_phase_must_be_clear_of_chance(monkeypatch) -> None:
    found, asked, _ = newcomer(monkeypatch, [3.0, 4.0], [9.0, 5.0], present=(0,))
    assert found is None and [a[0] for a in asked] == [1] and asked[0][2] == 5.0
    found, *_ = newcomer(monkeypatch, [3.0, 4.0], [9.0, 5.1], present=(0,))
    assert found is not None and found[0] == 1
    # the first one enters however weak
    found, *_ = newcomer(monkeypatch, [3.0, None], [0.1, 9.0])
    assert found is not None and found[0] == 0
    assert newcomer(monkeypatch, [None, None], [9.0, 9.0])[0] is None


def test_dropped_phases_are_not_asked_and_joint_cells_are_not_searched(monkeypatch) -> None:
    found, asked, _ = newcomer(monkeypatch, [3.0, 4.0], [9.0, 9.0], dropped={1}, joint=True)
    assert found is not None and found[0] == 0
    assert asked == [(0, 1, 0.0)]


@pytest.mark.parametrize("amounts", [(100.0, 400.0), (400.0, 100.0)])
def test_of_nearly_equal_lattices_each_phase_has_its_own_lines(
    amounts: tuple[float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The phase that enters first would take the stronger lines, 0.8 % away."""
    one, twin = made_frame.make_phase("cubic"), made_frame.make_phase("cubic")
    larger = np.array([5.443, 5.443, 5.443, 90, 90, 90])
    twin = build_lattice(
        "twin",
        cell=larger,
        system="cubic",
        hkl=np.array(made_frame.HKL["cubic"], float),
        strength=twin.strength,
        has_atoms=True,
        refinable=True,
    )
    series = replace(
        made_frame.make_series(free=(0, 0)),
        phases=(one, twin),
        strength=(one.strength, twin.strength),
    )
    monkeypatch.setattr(made_frame, "AMOUNTS", amounts)
    exact = made_frame.make_parameters(strain=np.zeros((2, 6)), zero=0.0)
    pattern = made_frame.make_pattern(series, exact, noise=1.0)
    given = assemble(series, [pattern])
    start = made_frame.make_parameters(strain=np.zeros((2, 6)), zero=0.0, amount=np.full(2, np.nan))
    fit = fp.refine_first_frame(given, 0, pattern, start)
    assert fit.present == (0, 1)
    assert np.abs(fit.parameters.strain[:, 0]).max() < 1e-3
    # Exchanged by hand they come back, and what is right stays as it is.
    crossed = fit.parameters.strain.copy()
    crossed[0, 0] = strain_from_metric(one, twin.reference)[0]
    crossed[1, 0] = strain_from_metric(twin, one.reference)[0]
    begun = replace(fit.parameters, strain=crossed, amount=np.full(2, np.nan))
    wrong = fp.refine_first_frame(given, 0, pattern, begun, (0, 1), search=False)
    assert np.abs(wrong.parameters.strain[:, 0]).min() > 5e-3
    right = fp.name_phases_as_listed(given, 0, pattern, wrong)
    assert np.abs(right.parameters.strain[:, 0]).max() < 1e-3
    assert fp.name_phases_as_listed(given, 0, pattern, right) is right
