"""Words and numbers on made-up powders."""

from typing import Any

import pytest

from trials import judge_nmr
from trials.judge import Judged, judge_rows

POWDER = {
    "cat": "lorentz",
    "raw": 20.0,
    "corr": 15.0,
    "x": 0.85,
    "T2m": 500e-6,
    "T2s": 100e-6,
    "lisi": [["l", 1.0, 10.0, 2000.0, 0.0]],
}
DEAD = {"cat": "dead", "raw": 20.0, "corr": 20.0, "x": 0.8, "T2m": None, "T2s": None}
METAL = {"quantity": "li_metal_fraction", "subject": "li_metal"}
ALLOYED = {"quantity": "alloyed_share", "subject": "sample"}


def judge(truth: dict[str, Any], *rows: dict[str, Any]) -> list[Judged]:
    """Return what rows are judged, those that are missing left out."""
    return [one for one in judge_rows(rows, truth, judge_nmr.RULES) if one.word != "(no row)"]


def test_shares_of_the_echo_and_before_any_decay() -> None:
    rows = [
        {**METAL, "condition": "raw", "value": 20.2, "stderr": 0.1, "verdict": "ok"},
        {**METAL, "condition": "corrected", "value": 20.0, "stderr": 0.1, "verdict": "ok"},
        {**METAL, "condition": "raw, lines", "value": 90.0, "stderr": 0.1, "verdict": ""},
    ]
    raw, corrected = judge(POWDER, *rows)
    assert raw.z == pytest.approx(2.0)
    assert not raw.silently_wrong
    assert corrected.beyond_5
    alloy = {"quantity": "li_si_fraction", "subject": "li_si", "condition": "raw"}
    (one,) = judge(POWDER, {**alloy, "value": 79.0, "stderr": 0.5, "verdict": "ok"})
    assert one.truth == 80.0
    assert not one.counts


def test_misfit_is_not_silent() -> None:
    row = {**METAL, "condition": "raw", "value": 65.0, "stderr": 1.3}
    assert not judge(POWDER, {**row, "verdict": "misfit"})[0].silently_wrong
    assert judge(POWDER, {**row, "verdict": "ok"})[0].silently_wrong


def test_what_is_alloyed() -> None:
    share, x = judge(
        POWDER,
        {**ALLOYED, "value": 85.0, "stderr": 0.1, "verdict": "ok"},
        {"quantity": "x_alloyed", "subject": "sample", "value": 0.9, "stderr": 0.01},
    )
    assert share.z == 0.0
    assert x.beyond_3


@pytest.mark.parametrize(
    ("category", "salt"),
    [("lorentz", 0.0), ("salt2", 0.2), ("quad", 0.1), ("quadlow", 0.1), ("bigquad", 0.1)],
)
def test_lower_limit_leaves_salts_out(category: str, salt: float) -> None:
    powders = [["p", 0.9, 10.0], ["p", 0.1, 0.0]]
    truth = {**POWDER, "cat": category, "salt": 0.2, "lisi": powders}
    row = {**ALLOYED, "condition": "lines that may be salts left out", "verdict": "lower limit"}
    limit = 85 * (1 - salt)
    assert judge(truth, {**row, "lower95": limit - 0.1})[0].covered
    assert not judge(truth, {**row, "lower95": limit + 0.1})[0].covered


def test_decay_times() -> None:
    row = {"quantity": "t2_star", "stderr": 1e-6, "verdict": "ok"}
    metal = {**row, "subject": "li_metal", "value": 420e-6}
    alloy = {**row, "subject": "li_si", "value": 101e-6}
    found = judge(POWDER, metal, alloy)
    assert [one.beyond_5 for one in found] == [True, False]
    assert not judge(POWDER, {**metal, "verdict": "stretched"})[0].silently_wrong
    # Two salts in a region have no single decay time.
    assert len(judge({**POWDER, "cat": "salt2", "salt": 0.2}, metal, alloy)) == 1


@pytest.mark.parametrize("category", ["evolve", "t2diff"])
def test_correction_is_not_always_deserved(category: str) -> None:
    truth = {**POWDER, "cat": category}
    found = judge_rows([], truth, judge_nmr.RULES)
    assert {one.quantity for one in found if one.needless} == {
        "li_metal_fraction",
        "li_si_fraction",
    }, "the shares of the echo are"
    assert len([one for one in found if one.needless]) == 2
    every = [one for one in judge_rows([], POWDER, judge_nmr.RULES) if one.needless]
    assert len(every) == 8


def test_without_a_decay_nothing_is_corrected() -> None:
    row = {**METAL, "condition": "corrected", "value": 20.0, "stderr": 1.0}
    assert judge(DEAD, {**row, "verdict": "ok"})[0].false_word
    assert not judge(DEAD, {**METAL, "condition": "corrected", "verdict": "N/A"})[0].false_word
    assert judge(DEAD, {**ALLOYED, "value": 80.0, "stderr": 1.0, "verdict": "ok"})[0].false_word
    quantified = {"quantity": "prelithiation", "verdict": "quantified"}
    assert judge(DEAD, quantified)[0].false_word


@pytest.mark.parametrize(
    ("rows", "is_false"),
    [
        ([{**ALLOYED, "value": 85.2, "stderr": 0.1}], False),
        ([{**ALLOYED, "value": 85.4, "stderr": 0.1}], True),
        ([{**ALLOYED, "value": 85.4, "stderr": 0.1, "systematic": 0.3}], False),
        ([{**ALLOYED, "value": 85.0}], True),
        ([], True),
    ],
)
def test_quantified_needs_a_share_that_is_right(rows: list[dict], is_false: bool) -> None:
    found = judge(POWDER, {"quantity": "prelithiation", "verdict": "quantified"}, *rows)
    assert any(one.false_word for one in found) == is_false
    assert any(one.right_word for one in found) != is_false
    doubtful = judge(POWDER, {"quantity": "prelithiation", "verdict": "doubtful"}, *rows)
    assert not any(one.false_word for one in doubtful)


def test_dead_time_that_leaves_every_share_open_is_no_number() -> None:
    row = {**METAL, "condition": "raw", "value": 21.4, "stderr": 0.1, "verdict": "ok"}
    (one,) = judge(DEAD, {**row, "lower95": -307.0, "upper95": 350.0})
    assert one.needless


def test_own_powder_that_evolves() -> None:
    names = ("subject", "condition", "quantity", "value", "verdict")
    rows = [
        ("li_metal", "raw", "li_metal_fraction", 75.8, ""),
        ("li_metal", "corrected", "li_metal_fraction", None, "N/A"),
    ]
    truth = {"own": [dict(zip(names, row, strict=True)) for row in rows]}
    corrected = {**METAL, "condition": "corrected", "value": 70.0, "stderr": 1.0}
    assert judge(truth, {**corrected, "verdict": "ok"})[0].false_word
    assert judge(truth, {**corrected, "verdict": ""})[0].false_word, "no word is as good as ok"
    assert not judge(truth, {**corrected, "verdict": "N/A"})[0].false_word
    assert judge(truth, {"quantity": "drift", "verdict": "stable"})[0].false_word
    assert judge(truth, {"quantity": "signal_change", "verdict": "changed"})[0].false_word
    assert judge(truth, {"quantity": "prelithiation", "verdict": "quantified"})[0].false_word


def test_own_powder_that_does_not_evolve() -> None:
    row = {"subject": "li_metal", "condition": "raw", "quantity": "li_metal_fraction"}
    truth = {"own": [{**row, "value": 7.7, "verdict": ""}]}
    drift = {"quantity": "drift", "value": -0.1, "stderr": 0.09}
    assert not judge(truth, {**drift, "verdict": "stable"})[0].silently_wrong
    assert judge(truth, {**drift, "verdict": "evolving"})[0].false_word
