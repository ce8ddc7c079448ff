"""Made-up rows against made-up truths: what counts as false, off, needless, covered."""

import math
from typing import Any

import pytest

from ssbchar.verdict import Verdict
from trials.judge import (
    POSITIVE,
    STATED,
    UNDECIDED,
    Judged,
    Known,
    Rule,
    forbid,
    judge_rows,
    list_unjudged,
)


def judge(known: Known, *rows: dict[str, Any]) -> list[Judged]:
    """Return what rows are judged, of which one thing is known."""
    rule = Rule(truth="", rows="", false="", know=lambda truth: [known])
    return judge_rows(rows, {}, [rule])


def change(word: str, value: float | None = None, stderr: float | None = None, **more: Any) -> dict:
    """Return a row on a change."""
    return {"quantity": "d", "verdict": word, "value": value, "stderr": stderr, **more}


def changed_by(value: float, bound: float | None = 1.0, **more: Any) -> Known:
    """Return that a quantity changed so much."""
    return Known(quantity="d", value=value, unchanged=0.0, bound=bound, **more)


def test_every_word_is_positive_good_or_undecided() -> None:
    assert not STATED & UNDECIDED
    assert set(Verdict) == STATED | UNDECIDED
    assert POSITIVE < STATED


@pytest.mark.parametrize(
    ("word", "true", "value", "stderr", "is_false"),
    [
        # retained: false beyond the bound, whichever way, and nowhere else
        ("retained", 1.01, 0.9, 0.01, True),
        ("retained", -1.01, -0.9, 0.01, True),
        ("retained", 0.99, 0.9, 0.01, False),
        ("retained", 1.0, 0.9, 0.01, False),
        ("returned", 2.0, 0.0, 0.1, True),
        ("unchanged", 2.0, 0.0, 0.1, True),
        ("stable", 2.0, 0.0, 0.1, True),
        # changed: false of no change, of the other way, and well within the bound
        ("changed", 0.0, 1.2, 0.1, True),
        ("changed", -1.5, 1.2, 0.1, True),
        ("changed", 1.5, 1.2, 0.1, False),
        ("changed", 0.71, 1.01, 0.1, False),
        ("changed", 0.69, 1.01, 0.1, True),
        ("not_returned", 0.0, 1.2, 0.1, True),
        # what concludes nothing is never false
        ("inconclusive", 0.0, 1.2, 0.1, False),
        ("inconclusive", 5.0, 0.0, 0.1, False),
        ("", 5.0, 0.0, 0.1, False),
        ("ok", 5.0, 0.0, 0.1, False),
        # presence
        ("detected", 0.0, 0.1, 0.01, True),
        ("detected", 0.1, 0.1, 0.01, False),
        ("not detected", 0.1, 0.0, 0.01, False),
    ],
)
def test_word_on_a_change(
    word: str, true: float, value: float, stderr: float, is_false: bool
) -> None:
    (one,) = judge(changed_by(true), change(word, value, stderr))
    assert bool(one.false_word) == is_false


def test_systematic_counts_in_how_well_a_change_was_known() -> None:
    row = change("changed", 1.01, 0.1, systematic=0.3)
    (one,) = judge(changed_by(0.1), row)
    assert not one.false_word
    (one,) = judge(changed_by(0.01), row)
    assert one.false_word


def test_ratio_is_compared_with_one() -> None:
    known = Known(quantity="d", value=0.94, unchanged=1.0, bound=0.05)
    (one,) = judge(known, change("retained", 0.97, 0.01))
    assert one.false_word
    (one,) = judge(known, change("changed", 0.94, 0.01))
    assert not one.false_word
    (one,) = judge(known, change("changed", 1.06, 0.01))
    assert one.false_word, "a gain where there was a loss"


def test_retained_without_numbers_is_still_false() -> None:
    (one,) = judge(changed_by(2.0), change("retained", math.nan, math.nan))
    assert one.false_word
    assert one.z is None
    assert one.covered is None


@pytest.mark.parametrize(
    ("word", "stderr", "systematic", "z", "beyond_3", "beyond_5"),
    [
        ("ok", 1.0, None, 3.1, True, False),
        ("ok", 1.0, 0.0, 2.9, False, False),
        ("ok", None, 1.0, 5.1, True, True),
        ("", 1.0, None, 4.0, True, False),
        ("retained", 1.0, None, 4.0, True, False),
        ("detected", 1.0, None, 4.0, True, False),
        ("doubtful", 1.0, None, 9.0, False, False),
        ("misfit", 1.0, None, 9.0, False, False),
        ("N/A", 1.0, None, 9.0, False, False),
        ("inconclusive", 1.0, None, 9.0, False, False),
        ("upper limit", 1.0, None, 9.0, False, False),
    ],
)
def test_number_that_is_off(
    word: str,
    stderr: float | None,
    systematic: float | None,
    z: float,
    beyond_3: bool,
    beyond_5: bool,
) -> None:
    for sign in (1, -1):
        row = change(word, 10 + sign * z, stderr, systematic=systematic)
        (one,) = judge(Known(quantity="d", value=10.0), row)
        assert one.z == pytest.approx(sign * z)
        assert (one.beyond_3, one.beyond_5) == (beyond_3, beyond_5)
        assert one.silently_wrong == beyond_3


def test_number_spoilt_without_a_trace_is_not_judged_but_its_word_is() -> None:
    known = changed_by(0.0, leaves_trace=False)
    (one,) = judge(known, change("retained", 0.5, 0.01))
    assert not one.silently_wrong
    assert not one.counts
    assert judge(known, change("changed", 1.5, 0.01))[0].false_word


def test_error_holds_both_parts() -> None:
    (one,) = judge(Known(quantity="d", value=0.0), change("ok", 10.0, 3.0, systematic=4.0))
    assert one.z == pytest.approx(2.0)


def test_number_with_an_error_of_zero_is_infinitely_off() -> None:
    (one,) = judge(Known(quantity="d", value=0.0), change("ok", 1.0, 0.0))
    assert one.beyond_5
    (one,) = judge(Known(quantity="d", value=1.0), change("ok", 1.0, 0.0))
    assert not one.beyond_3


def test_number_without_an_error_is_not_judged() -> None:
    (one,) = judge(Known(quantity="d", value=0.0), change("ok", 1.0))
    assert one.z is None
    assert not one.silently_wrong


@pytest.mark.parametrize(
    ("low", "high", "covered"),
    [
        (0.0, 2.0, True),
        (1.0, 1.0, True),
        (1.1, 2.0, False),
        (0.0, 0.9, False),
        (None, 2.0, True),
        (None, 0.9, False),
        (0.9, None, True),
        (1.1, None, False),
        (None, None, None),
        (math.nan, 2.0, True),
        (math.nan, 0.5, False),
        (math.inf, math.nan, None),
    ],
)
def test_limits_hold_the_truth(low: float | None, high: float | None, covered: bool | None) -> None:
    (one,) = judge(Known(quantity="d", value=1.0), change("misfit", lower95=low, upper95=high))
    assert one.covered is covered


def test_limit_that_the_truth_does_not_keep() -> None:
    known = Known(quantity="d", value=17.0)
    assert judge(known, change("upper limit", lower95=0.0, upper95=13.0))[0].misses_limit
    assert not judge(known, change("upper limit", lower95=0.0, upper95=18.0))[0].misses_limit
    assert not judge(known, change("ok", lower95=0.0, upper95=13.0))[0].misses_limit


def test_width_needs_both_limits() -> None:
    known = Known(quantity="d", value=1.0)
    (one,) = judge(known, change("ok", lower95=1.0, upper95=4.0))
    assert one.width == 3.0
    (one,) = judge(known, change("ok", upper95=4.0))
    assert one.width is None


@pytest.mark.parametrize(
    ("row", "needless"),
    [
        (change("N/A"), True),
        (change("N/A", math.nan, math.nan), True),
        (change("failed"), True),
        (change("misfit", 50.0, 1.0), False),
        (change("upper limit", upper95=3.0), False),
        # limits that hold every share there is say nothing
        (change("ok", 21.0, 0.1, lower95=-307.0, upper95=350.0), True),
        (change("ok", 21.0, 0.1, lower95=-307.0, upper95=99.0), False),
        (change("ok", 21.0, 0.1, lower95=1.0, upper95=350.0), False),
    ],
)
def test_needless_not_available(row: dict, needless: bool) -> None:
    known = Known(quantity="d", value=20.0, deserved=True, possible=(0.0, 100.0))
    (one,) = judge(known, row)
    assert one.deserved
    assert one.needless == needless
    (one,) = judge(Known(quantity="d", value=20.0, possible=(0.0, 100.0)), row)
    assert not one.needless, "no number was deserved"


def test_missing_row_is_needless_where_a_number_was_there() -> None:
    (one,) = judge(Known(quantity="d", value=1.0, deserved=True), {"quantity": "e"})
    assert one.needless
    assert one.word == "(no row)"
    assert judge(Known(quantity="d", value=1.0), {"quantity": "e"}) == []


def test_forbidden_words_need_no_number() -> None:
    known = Known(quantity="d", false_words=forbid([Verdict.STABLE], "it is not"))
    (one,) = judge(known, change("stable"))
    assert one.false_word == "it is not"
    (one,) = judge(known, change("inconclusive"))
    assert not one.false_word


def test_right_words_are_counted_where_any_is_known() -> None:
    known = Known(quantity="d", right_words=(Verdict.RETAINED,))
    assert judge(known, change("retained"))[0].right_word is True
    assert judge(known, change("inconclusive"))[0].right_word is False
    assert judge(Known(quantity="d"), change("inconclusive"))[0].right_word is None


def test_rows_are_found_by_their_names() -> None:
    known = Known(quantity="*_ratio", subject="Ge K", condition="", value=1.0)
    rows = [
        {"quantity": "shell_1_ratio", "subject": "Ge K", "verdict": "ok"},
        {"quantity": "shell_1_ratio", "subject": "Fe K", "verdict": "ok"},
        {"quantity": "shell_1_ratio", "subject": "Ge K", "condition": "left out", "verdict": "ok"},
        {"quantity": "edge_shift", "subject": "Ge K", "verdict": "ok"},
    ]
    assert len(judge(known, *rows)) == 1


def test_positive_word_without_a_rule_is_told() -> None:
    rule = Rule(truth="", rows="", false="", know=lambda truth: [Known(quantity="d")])
    rows = [change("stable"), {"quantity": "e", "verdict": "stable"}, {"quantity": "f"}]
    assert list_unjudged(rows, {}, [rule]) == [rows[1]]
