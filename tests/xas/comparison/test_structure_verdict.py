"""The verdict on the structure: every combination of tests, and the words for them."""

import itertools
import math

import pytest

from ssbchar.decision import Decision
from ssbchar.verdict import Verdict
from ssbchar.xas.comparison import structure_verdict
from ssbchar.xas.comparison.structure_verdict import StructureTests

WORDS = (Verdict.RETAINED, Verdict.CHANGED, Verdict.INCONCLUSIVE)


def made(verdict: Verdict, value: float = 0.0, sigma: float = 0.01, half: float = 0.02) -> Decision:
    return Decision(
        value=value,
        stderr=sigma,
        systematic=0.0,
        lower95=value - half,
        upper95=value + half,
        verdict=verdict,
        smallest=0.05,
        reference=0.0,
    )


RETAINED = made(Verdict.RETAINED)


@pytest.mark.parametrize("words", itertools.product(WORDS, repeat=3))
def test_one_change_is_a_change_and_all_must_be_retained(words: tuple[Verdict, ...]) -> None:
    shift, white, shell = (made(word) for word in words)
    found = StructureTests(edge_shift=shift, white_line=white, shells=[shell]).judge()
    if Verdict.CHANGED in words:
        assert found == Verdict.CHANGED
    elif set(words) == {Verdict.RETAINED}:
        assert found == Verdict.RETAINED
    else:
        assert found == Verdict.INCONCLUSIVE


def test_a_missing_test_leaves_it_open_unless_another_finds_a_change() -> None:
    def judge(shift: Decision | None, *shells: Decision) -> Verdict:
        return StructureTests(edge_shift=shift, white_line=RETAINED, shells=shells).judge()

    assert judge(None, RETAINED) == Verdict.INCONCLUSIVE
    assert judge(RETAINED) == Verdict.INCONCLUSIVE
    assert judge(None, made(Verdict.CHANGED)) == Verdict.CHANGED
    assert judge(made(Verdict.CHANGED)) == Verdict.CHANGED


def reason(shift: Decision | None, white: Decision, *shells: Decision) -> str:
    tests = StructureTests(edge_shift=shift, white_line=white, shells=shells)
    row = structure_verdict.judge_structure(
        tests, "Fe K", alignment_source="no foil", white_line_before=1.8, lost=0.8
    )
    assert row.quantity == "structure" and row.subject == "Fe K"
    assert row.verdict == tests.judge().value
    count = len(shells) + (1 if shift is None else 2)
    assert row.method == f"equivalence tests at 95 %, Bonferroni over {count} for a change"
    return row.reason


def test_nothing_to_say() -> None:
    assert reason(RETAINED, RETAINED, RETAINED) == (
        "edge, white line and shells within the limits that matter at 95 %"
    )


def test_changes_are_described_with_their_half_widths() -> None:
    text = reason(
        made(Verdict.CHANGED, 0.12),
        made(Verdict.CHANGED, -0.05),
        made(Verdict.CHANGED, -0.06),
        made(Verdict.CHANGED, 0.07),
    )
    assert text == (
        "edge shifted by +0.12 eV (-/+ 0.02 at 95 %); "
        "white line changed by -0.05 (-/+ 0.02 at 95 %); "
        "first shell reduced by 6.0 % (-/+ 2.0 at 95 %); "
        "second shell increased by 7.0 % (-/+ 2.0 at 95 %)"
    )


def test_open_points_are_described_with_their_limits() -> None:
    text = reason(
        made(Verdict.INCONCLUSIVE, 0.05),
        made(Verdict.INCONCLUSIVE, -0.01),
        RETAINED,
        made(Verdict.INCONCLUSIVE, -0.06),
    )
    assert text == (
        "edge within +0.03 to +0.07 eV; white line within -0.03 to +0.01; "
        "second shell -8.0 to -4.0 %"
    )


def test_missing_tests_are_named() -> None:
    assert reason(None, RETAINED) == (
        "edge shift not testable (no foil); no EXAFS to test the shells by"
    )


def test_a_lost_shell() -> None:
    """Lost where even the upper limit is below -80 %."""
    lost = made(Verdict.CHANGED, -0.821, half=0.02)
    assert "first shell lost (at least 80 % at 95 %)" in reason(RETAINED, RETAINED, lost)
    kept = made(Verdict.CHANGED, -0.819, half=0.02)
    assert "first shell reduced by 81.9 %" in reason(RETAINED, RETAINED, kept)
    at_the_limit = made(Verdict.CHANGED, -0.8, half=0.0)
    assert "first shell lost" in reason(RETAINED, RETAINED, at_the_limit)


def test_the_seventh_shell_has_a_name() -> None:
    shells = [RETAINED] * 5 + [made(Verdict.CHANGED, 0.1), made(Verdict.CHANGED, 0.2)]
    text = reason(RETAINED, RETAINED, *shells)
    assert "sixth shell increased by 10.0 %" in text
    assert "7th shell increased by 20.0 %" in text


def damping(
    white: float, shells: list[float], height: float = 1.8, sigma: float = 0.01
) -> list[str]:
    tests = StructureTests(
        edge_shift=RETAINED,
        white_line=made(Verdict.CHANGED, white, sigma * (height - 1)),
        shells=[made(Verdict.CHANGED, value, sigma) for value in shells],
    )
    return structure_verdict.describe_damping(tests, height)


def test_one_factor_for_all_is_damping() -> None:
    """White line 0.8 above 1 and both shells down by 6 %."""
    (text,) = damping(-0.048, [-0.06, -0.06])
    assert text.startswith("white line and shells all fall by 6.0 %:")


def test_the_common_loss_is_the_weighted_mean() -> None:
    """6 % at a third of the error counts nine times 8 %."""
    tests = StructureTests(
        edge_shift=RETAINED,
        white_line=made(Verdict.CHANGED, -0.08, 0.03),
        shells=[made(Verdict.CHANGED, -0.06, 0.01), made(Verdict.CHANGED, -0.06, 0.01)],
    )
    (text,) = structure_verdict.describe_damping(tests, 2.0)
    common = (0.08 + 9 * 0.06 + 9 * 0.06) / 19
    assert f"all fall by {100 * common:.1f} %" in text


def test_unequal_losses_are_none() -> None:
    """Of three changes a misfit of chi^2 above 5.99 is too much: two at -/+ d from the third give
    2 d^2/s^2."""
    d = 0.01 * math.sqrt(5.99 / 2)
    assert damping(-0.048, [-0.06 + 0.99 * d, -0.06 - 0.99 * d])
    assert not damping(-0.048, [-0.06 + 1.01 * d, -0.06 - 1.01 * d])


def test_a_gain_or_an_insignificant_loss_is_none() -> None:
    """The mean of three has an error of s/sqrt(3): the loss must exceed 1.645 of it."""
    limit = 1.6449 * 0.01 / math.sqrt(3)
    assert damping(-0.8 * 1.01 * limit, [-1.01 * limit] * 2)
    assert not damping(-0.8 * 0.99 * limit, [-0.99 * limit] * 2)
    assert not damping(0.048, [0.06, 0.06])


def test_a_low_white_line_or_one_shell_cannot_tell() -> None:
    assert not damping(-0.06 * 0.09, [-0.06, -0.06], height=1.09)
    assert damping(-0.06 * 0.11, [-0.06, -0.06], height=1.11)
    assert not damping(-0.048, [-0.06])


def test_damping_is_no_excuse_for_a_shifted_edge() -> None:
    white, shells = made(Verdict.CHANGED, -0.048, 0.008), [made(Verdict.CHANGED, -0.06)] * 2
    assert "thickness" in reason(RETAINED, white, *shells)
    assert "thickness" in reason(None, white, *shells)
    assert "thickness" not in reason(made(Verdict.CHANGED, 0.2), white, *shells)
    assert "thickness" not in reason(RETAINED, made(Verdict.INCONCLUSIVE, -0.048, 0.008), RETAINED)
