"""Statuses of cells and presence of phases, from made fits."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from ssbchar.hexrd.refinement import joint_pass
from ssbchar.hexrd.refinement.cell_status import CellStatus
from ssbchar.hexrd.refinement.joint_pass import (
    BothPasses,
    is_inconsistent,
    is_unsettled,
    judge_cell,
    mark_presence,
)
from ssbchar.hexrd.refinement.options import Refinement
from ssbchar.hexrd.refinement.result_table import create_table


def fit(strain: float = 0.0, stderr: float = 1e-4, present=(0,), converged: bool = True):
    """Return a fit of cubic phases, each with the same strain and error."""
    return SimpleNamespace(
        present=present,
        converged=converged,
        misfit=1.0,
        strain_covariance=tuple(np.array([[stderr**2]]) for _ in present),
        get_index=present.index,
        parameters=SimpleNamespace(strain=np.full((2, 6), strain)),
    )


def setup(sigma: float = 1e-3, joint: bool = True):
    phase = SimpleNamespace(free=1)
    priors = SimpleNamespace(
        strain=np.zeros((1, 2, 6)),
        strain_sigma=np.full((1, 2, 6), sigma),
        has_joint_cell=np.array([joint, joint]),
    )
    return SimpleNamespace(series=SimpleNamespace(phases=(phase, phase)), priors=priors)


def judge(one, **changes) -> CellStatus:
    passes = BothPasses(forward=changes.pop("forward", one), backward=one)
    return judge_cell(setup(**changes), one, passes, 0, 0)


def test_statuses_one_by_one() -> None:
    assert judge(fit()) == CellStatus.OK
    assert judge(fit(present=(1,))) == CellStatus.ABSENT
    assert judge(fit(converged=False)) == CellStatus.NOT_CONVERGED
    assert judge(fit(), forward=fit(strain=1e-3)) == CellStatus.INCONSISTENT
    # half of the prior's variance
    assert judge(fit(stderr=0.99 * np.sqrt(0.5) * 1e-3)) == CellStatus.OK
    assert judge(fit(stderr=1.01 * np.sqrt(0.5) * 1e-3)) == CellStatus.HELD
    # three standard deviations of the prior, either way
    assert judge(fit(strain=2.99e-3)) == CellStatus.OK
    assert judge(fit(strain=3.01e-3)) == CellStatus.DEVIATES
    assert judge(fit(strain=-3.01e-3)) == CellStatus.DEVIATES


def test_without_a_joint_cell_nothing_is_held_or_deviates() -> None:
    assert judge(fit(stderr=1.0), joint=False) == CellStatus.OK
    assert judge(fit(strain=1.0), joint=False) == CellStatus.OK


def test_the_worse_status_comes_first() -> None:
    wrong = fit(strain=1.0, stderr=1e-3, converged=False)
    assert judge(wrong, forward=fit(strain=0.0)) == CellStatus.NOT_CONVERGED
    assert judge(replace_fit(wrong), forward=fit(strain=0.0)) == CellStatus.INCONSISTENT
    assert judge(fit(strain=1.0, stderr=1e-3)) == CellStatus.HELD


def replace_fit(one):
    one.converged = True
    return one


def test_words_are_those_of_the_output() -> None:
    words = {"ok", "held", "departs", "inconsistent", "not_converged", "absent", "not_measured"}
    assert {str(status) for status in CellStatus} == words


def test_passes_differ_by_three_of_the_larger_error() -> None:
    one, other = fit(stderr=1e-4), fit(strain=2.9e-4, stderr=5e-5)
    assert not is_inconsistent(BothPasses(forward=one, backward=other), 0, 1)
    other = fit(strain=3.1e-4, stderr=5e-5)
    assert is_inconsistent(BothPasses(forward=one, backward=other), 0, 1)
    assert is_inconsistent(BothPasses(forward=other, backward=one), 0, 1)
    assert not is_inconsistent(BothPasses(forward=None, backward=other), 0, 1)
    elsewhere = fit(present=(1,))
    assert not is_inconsistent(BothPasses(forward=elsewhere, backward=other), 0, 1)
    assert not is_inconsistent(BothPasses(forward=other, backward=elsewhere), 0, 1)


def test_a_frame_is_settled_where_neither_phases_nor_priors_can_change_it() -> None:
    def unsettled(forward, backward, before_joint: bool = True) -> bool:
        before = SimpleNamespace(has_joint_cell=np.array([before_joint, True]))
        passes = BothPasses(forward=forward, backward=backward)
        return is_unsettled(passes, before, setup(), 0)

    precise = fit(stderr=0.99 * np.sqrt(0.05) * 1e-3)
    assert not unsettled(precise, precise)
    assert unsettled(precise, fit(stderr=1.01 * np.sqrt(0.05) * 1e-3))
    assert unsettled(None, precise)
    assert unsettled(fit(present=(0, 1)), precise)
    assert unsettled(precise, fit(stderr=1e-6, converged=False))
    assert unsettled(precise, precise, before_joint=False)


@pytest.fixture
def table():
    made = create_table(range(8), 1)
    made.intensity[:, 0] = [0, 3, 6, 3, 0, 3, 3, np.nan]
    made.intensity_noise[:] = 1.0
    made.status[:7] = CellStatus.OK
    return made


def test_a_phase_is_present_in_runs_that_rise_above_enter(table) -> None:
    table.status[1] = CellStatus.ABSENT
    mark_presence(table, Refinement(enter=5.0, leave=2.5))
    np.testing.assert_array_equal(table.present[:, 0], [0, 1, 1, 1, 0, 0, 0, 0])
    expected = ["absent", "held", "ok", "ok", "absent", "absent", "absent", "not_measured"]
    np.testing.assert_array_equal(table.status[:, 0].astype(str), expected)


def test_limits_of_presence_are_exceeded_not_reached(table) -> None:
    mark_presence(table, Refinement(enter=6.0, leave=2.5))
    assert not table.present.any()
    mark_presence(table, Refinement(enter=5.0, leave=3.0))
    np.testing.assert_array_equal(table.present[:, 0], [0, 0, 1, 0, 0, 0, 0, 0])


def test_both_fits_are_there_or_one() -> None:
    one = fit()
    assert BothPasses(forward=None, backward=one).fits == [one]
    passes = BothPasses(forward=one, backward=fit(strain=1.0))
    assert passes.fits[0] is one and len(replace(passes, forward=None).fits) == 1


def test_only_usable_frames_are_judged_and_only_unsettled_ones_refined_again(monkeypatch) -> None:
    given = setup()
    given.frames = SimpleNamespace(usable=np.array([True, False, True]), read_pattern=lambda i: i)
    again, recorded = [], []
    monkeypatch.setattr(joint_pass, "is_unsettled", lambda passes, before, setup, i: i == 2)
    monkeypatch.setattr(
        joint_pass, "_refine_again", lambda setup, passes, pattern, i: again.append(i) or fit()
    )
    monkeypatch.setattr(joint_pass, "prepare_residual", lambda *given: None)
    monkeypatch.setattr(joint_pass, "_record_merged_axes", lambda *given: None)
    monkeypatch.setattr(joint_pass, "record_fit", lambda *given: recorded.append(given[-1]))
    monkeypatch.setattr(
        joint_pass, "judge_cell", lambda setup, fit, passes, i, phase: f"{i} {phase}"
    )
    table = create_table(range(3), 2)
    fits = {0: fit(), 2: fit()}
    joint_pass.refine_beside_joint_cell(
        table, given, fits, fits, priors_before=given.priors, name="a pass"
    )
    assert again == recorded == [2]
    expected = [["0 0", "0 1"], ["not_measured"] * 2, ["2 0", "2 1"]]
    np.testing.assert_array_equal(table.status.astype(str), expected)
