"""Words and numbers on made-up heating series and single patterns."""

from typing import Any

import numpy as np
import pytest

from trials import judge_hexrd
from trials.judge import Judged, judge_rows

TEMPERATURE = [25.0, 25.0, 200.0, 400.0, 600.0, 800.0, 800.0, 600.0, 400.0, 200.0, 25.0]
FRAMES = len(TEMPERATURE)
PELLET = {"a": 8.262, "c": 20.638, "fwhm": 0.0155}


def series(verdict: str = "reversible", longer: float = 0.0, left: float = 1.0) -> dict[str, Any]:
    """Return the truth of LFP, whose axes stay longer, or of which only a share is left."""
    up = np.array(TEMPERATURE) - 25
    cell = np.array([10.3, 6.0, 4.7, 90, 90, 90]) * np.ones((FRAMES, 1))
    cell[:, :3] *= 1 + 1e-5 * up[:, None]
    cell[6:, :3] *= 1 + longer
    amounts = np.where(np.arange(FRAMES) < 6, 0.4, 0.4 * left)
    return {
        "verdict": verdict,
        "temperature": TEMPERATURE,
        "cells": {"LFP": cell.tolist()},
        "amounts": {"LFP": amounts.tolist()},
    }


def judge(truth: dict[str, Any], **row: Any) -> Judged:
    """Return what one row is judged, of all that the truth says."""
    found = judge_rows([row], truth, judge_hexrd.RULES)
    return next(one for one in found if one.word == row["verdict"])


@pytest.mark.parametrize(
    ("true", "word", "is_false"),
    [
        ("reversible", "reversible", False),
        ("reversible", "stable", False),
        ("reversible", "inconclusive", False),
        ("reversible", "partly", True),
        ("reversible", "reacts", True),
        ("reversible or inconclusive, never not_returned", "partly", True),
        ("reversible or inconclusive, never not_returned", "inconclusive", False),
        ("partly", "partly", False),
        ("partly", "stable", True),
        ("partly", "reversible", True),
        ("partly", "unchanged", True),
        ("partly", "reacts", True),
        ("partly", "inconclusive", False),
        ("reacts", "reacts", False),
        ("reacts", "stable", True),
        ("reacts", "reversible", True),
    ],
)
def test_word_on_a_series(true: str, word: str, is_false: bool) -> None:
    one = judge(series(true), quantity="phase_stability", verdict=word)
    assert bool(one.false_word) == is_false


@pytest.mark.parametrize(
    ("true", "word", "is_false"),
    [
        ("reversible", "retained", False),
        ("reversible", "changed", True),
        ("partly", "retained", True),
        ("partly", "changed", False),
        ("partly", "mixed", True),
        ("partly", "inconclusive", False),
    ],
)
def test_word_of_all_techniques(true: str, word: str, is_false: bool) -> None:
    row = {"quantity": "stability", "technique": "combined", "verdict": word}
    assert bool(judge(series(true), **row).false_word) == is_false


def heating(verdict: str) -> dict[str, Any]:
    """Return the truth of a series that was not cooled."""
    truth = series(verdict)
    cut = {k: {p: v[:7] for p, v in truth[k].items()} for k in ("cells", "amounts")}
    return {**truth, **cut, "temperature": TEMPERATURE[:7]}


def test_without_cooling_nothing_is_reversible() -> None:
    assert judge(heating("reversible"), quantity="phase_stability", verdict="reversible").false_word
    assert judge(heating("reversible"), quantity="volume_return", verdict="returned").false_word
    for word in ("stable", "unchanged", "inconclusive"):
        one = judge(heating("reversible"), quantity="phase_stability", verdict=word)
        assert not one.false_word
    assert judge(heating("partly"), quantity="phase_stability", verdict="stable").false_word


@pytest.mark.parametrize("word", ["stable", "reversible", "unchanged", "partly", "reacts"])
def test_single_pattern_is_compared_with_nothing(word: str) -> None:
    assert judge(PELLET, quantity="phase_stability", verdict=word).false_word
    combined = {"quantity": "stability", "technique": "combined"}
    assert judge(PELLET, **combined, verdict="retained").false_word
    one = judge(PELLET, quantity="phase_stability", verdict="inconclusive")
    assert not one.false_word
    assert one.right_word


def test_cell_of_a_single_pattern() -> None:
    row = {"quantity": "a", "subject": "LAGP", "condition": "before heating", "verdict": "ok"}
    good = judge(PELLET, **row, value=8.2625, stderr=0.0002)
    assert good.z == pytest.approx(2.5)
    assert not good.silently_wrong
    assert judge(PELLET, **row, value=8.2627, stderr=0.0002).silently_wrong


@pytest.mark.parametrize(
    ("longer", "word", "value", "is_false"),
    [
        (0.0, "returned", 0.0, False),
        (0.0, "not_returned", -0.27, True),
        (0.0, "gone", None, True),
        (0.0, "inconclusive", -0.27, False),
        (0.003, "returned", 0.1, True),
        (0.003, "not_returned", 0.9, False),
        (0.003, "not_returned", -0.9, True),
    ],
)
def test_return_of_the_volume(
    longer: float, word: str, value: float | None, is_false: bool
) -> None:
    row = {"quantity": "volume_return", "subject": "LFP", "value": value, "stderr": 0.003}
    one = judge(series(longer=longer), **row, verdict=word)
    assert bool(one.false_word) == is_false


def test_return_is_that_of_three_axes() -> None:
    row = {"quantity": "volume_return", "subject": "LFP", "verdict": "not_returned"}
    one = judge(series(longer=0.003), **row, value=0.9, stderr=0.01)
    assert one.truth == pytest.approx(100 * (1.003**3 - 1))


def test_expansion_is_taken_between_its_two_temperatures() -> None:
    row = {"quantity": "mean_linear_expansion", "subject": "LFP", "verdict": "ok"}
    one = judge(series(), **row, condition="heating a", value=1e-5, stderr=1e-8)
    assert one.truth == pytest.approx(1e-5 / (1 + 75e-5), rel=1e-6)
    row["quantity"] = "mean_volume_expansion"
    one = judge(series(), **row, condition="cooling volume", value=3e-5, stderr=1e-8)
    assert one.truth == pytest.approx(3e-5, rel=5e-3)


def test_free_angle_of_the_product() -> None:
    truth = series("reacts")
    truth = {**truth, **{key: {"CoP": truth[key]["LFP"]} for key in ("cells", "amounts")}}
    row = {"quantity": "beta", "subject": "Co3PO42", "condition": "after cooling", "verdict": "ok"}
    assert judge(truth, **row, value=90.1, stderr=0.02).beyond_3


def test_phase_that_is_gone_has_no_cell_and_no_return() -> None:
    truth = series("reacts", left=0.0)
    cell = {"quantity": "b", "subject": "LFP", "condition": "after cooling"}
    assert judge(truth, **cell, value=6.0, stderr=0.1, verdict="ok").false_word
    assert not judge(truth, **cell, verdict="N/A").false_word
    back = {"quantity": "volume_return", "subject": "LFP"}
    assert judge(truth, **back, verdict="returned").false_word
    assert not judge(truth, **back, verdict="gone").false_word


def test_end_of_a_phase_that_stays() -> None:
    row = {"subject": "LFP", "condition": "heating", "quantity": "end_temperature"}
    assert not judge(series(), **row, verdict="still_present").false_word
    assert judge(series(), **row, verdict="ok", value=700.0, stderr=5.0).false_word
    cooling = {**row, "condition": "cooling", "quantity": "onset_temperature"}
    assert not judge(series(), **cooling, verdict="present_from_start").false_word
    gone = series("reacts", left=0.0)
    assert judge(gone, **cooling, verdict="present_from_start").false_word


@pytest.mark.parametrize("power", [1.0, 1.5])
def test_onset_lies_between_frames(power: float) -> None:
    temperature = np.arange(25.0, 800.0, 20.0)
    amount = 0.5 * np.clip((temperature - 613.0) / 167.0, 0, 1) ** power
    assert judge_hexrd.find_zero(temperature, amount) == pytest.approx(613.0, abs=0.1)
    falling = 0.6 * (1 - np.clip((temperature - 590.0) / 173.0, 0, 1))
    found = judge_hexrd.find_zero(temperature[::-1], falling[::-1])
    assert found == pytest.approx(763.0, abs=0.1)


def test_named_lines_are_false_where_the_sheet_names_every_phase() -> None:
    row = {"quantity": "unexplained_lines", "subject": "unexplained 1", "value": 3.0}
    assert judge(series(), **row, verdict="named").false_word
    assert not judge(series(), **row, verdict="not_named").false_word
    assert judge(PELLET, **row, verdict="named").false_word


@pytest.mark.parametrize(
    ("condition", "longer", "word", "value", "is_false"),
    [
        ("after cooling a", 0.0, "changed", -0.09, True),
        ("after cooling a", 0.0, "retained", -0.09, False),
        ("after cooling a", 0.003, "retained", 0.1, True),
        ("after cooling a", 0.003, "changed", 0.3, False),
        ("heating b", 0.0, "changed", 0.3, True),
        ("heating b", 0.003, "retained", 0.1, True),
        ("heating b", 0.003, "changed", 0.25, False),
        ("cooling c", 0.003, "changed", 0.3, True),
        ("rest c", 0.003, "changed", 0.3, True),
        # the length grows at the second frame of the hold, at the top
        ("hold c", 0.003, "changed", 0.3, False),
        ("hold c", 0.003, "retained", 0.0, True),
        ("hold volume", 0.003, "changed", 0.9, False),
        ("hold volume", 0.003, "retained", 0.1, True),
        ("heating volume", 0.0, "changed", 0.3, True),
        ("heating volume", 0.003, "retained", 0.1, True),
    ],
)
def test_change_of_a_length(
    condition: str, longer: float, word: str, value: float, is_false: bool
) -> None:
    row = {"quantity": "cell_change", "subject": "LFP", "condition": condition, "verdict": word}
    one = judge(series(longer=longer), **row, value=value, stderr=0.01)
    assert bool(one.false_word) == is_false


@pytest.mark.parametrize(
    ("condition", "left", "word", "value", "is_false"),
    [
        ("after cooling", 1.0, "retained", 101.0, False),
        ("after cooling", 1.0, "changed", 70.0, True),
        ("after cooling", 0.7, "retained", 90.0, True),
        ("after cooling", 0.7, "changed", 70.0, False),
        ("after cooling", 0.7, "inconclusive", 90.0, False),
        ("hold", 0.7, "retained", 90.0, True),
        ("rest", 0.7, "changed", 70.0, True),
        ("cooling", 0.7, "changed", 70.0, True),
        ("heating", 0.7, "changed", 70.0, True),
    ],
)
def test_intensity_kept(
    condition: str, left: float, word: str, value: float, is_false: bool
) -> None:
    row = {"quantity": "intensity_kept", "subject": "LFP", "condition": condition, "verdict": word}
    one = judge(series("partly", left=left), **row, value=value, stderr=1.0)
    assert bool(one.false_word) == is_false


def own(*rows: tuple[str, str, str, float | None, str]) -> dict[str, Any]:
    """Return a truth of our own forward models."""
    names = ("subject", "condition", "quantity", "value", "verdict")
    return {"own": [dict(zip(names, row, strict=True)) for row in rows]}


def test_own_truth() -> None:
    truth = own(
        ("mix", "", "phase_stability", None, "reversible"),
        ("LFP", "before heating", "volume", 291.0, ""),
        ("LFP", "after cooling", "volume", 291.1, ""),
        ("LFP", "after cooling", "volume_return", 0.03, ""),
        ("LFP", "before heating", "a", 10.0, ""),
        ("LFP", "after cooling", "a", 10.01, ""),
    )
    change = {"quantity": "cell_change", "subject": "LFP", "stderr": 0.01}
    assert judge(truth, **change, condition="hold a", value=0.3, verdict="changed").false_word
    one = judge(truth, **change, condition="hold a", value=0.1, verdict="retained")
    assert not one.silently_wrong
    after = judge(truth, **change, condition="after cooling a", value=0.1, verdict="retained")
    assert after.truth == pytest.approx(0.1)
    assert judge(truth, **change, condition="cooling a", value=0.3, verdict="changed").false_word
    stability = {"quantity": "phase_stability", "subject": "mix"}
    assert judge(truth, **stability, verdict="stable").false_word, "ours says which word is right"
    assert not judge(truth, **stability, verdict="reversible").false_word
    returned = {"quantity": "volume_return", "subject": "LFP", "condition": "after cooling"}
    for word in ("not_returned", "gone"):
        row = {**returned, "verdict": word, "value": 0.3, "stderr": 0.01}
        found = judge_rows([row], truth, judge_hexrd.RULES)
        assert any(one.false_word for one in found), word
    missing = judge_rows([], truth, judge_hexrd.RULES)
    assert sum(one.needless for one in missing) == 5


def test_own_phase_that_fades() -> None:
    truth = own(("LAGP", "before heating", "volume", 1220.0, ""))
    kept = {"quantity": "intensity_kept", "subject": "LAGP", "stderr": 1.0}
    lost = {**kept, "value": 0.5, "verdict": "changed"}
    assert not judge(truth, **lost, condition="after cooling").silently_wrong
    assert judge(truth, **lost, condition="rest").false_word
    whole = {**kept, "value": 99.0, "verdict": "retained"}
    assert judge(truth, **whole, condition="heating").false_word
    assert not judge(truth, **whole, condition="rest 2").false_word
    change = {"quantity": "cell_change", "subject": "LAGP", "condition": "heating volume"}
    assert judge(truth, **change, value=0.3, stderr=0.01, verdict="changed").false_word


PAIR = {
    "pristine": {"a": 8.262, "c": 20.638, "fwhm": 0.0155},
    "cycled": {"a": 8.262 * 1.001, "c": 20.638 * 0.9994, "fwhm": 0.019},
}
SAME_PAIR = {"pristine": PAIR["pristine"], "cycled": PAIR["pristine"]}


@pytest.mark.parametrize(
    ("truth", "word", "is_false"),
    [
        (PAIR, "changed", False),
        (PAIR, "retained", True),
        (PAIR, "inconclusive", False),
        (SAME_PAIR, "changed", True),
        (SAME_PAIR, "retained", False),
    ],
)
def test_word_on_a_pair(truth: dict[str, Any], word: str, is_false: bool) -> None:
    rows = [{"technique": "hexrd", "quantity": "structure", "verdict": word}]
    judged = judge_rows(rows, truth, judge_hexrd.RULES)
    own = [one for one in judged if one.quantity == "structure"]
    assert [bool(one.false_word) for one in own] == [is_false]


def test_changes_of_a_pair_are_judged_row_by_row() -> None:
    rows = [
        {"quantity": "cell_change", "subject": "LAGP", "condition": f"against pristine {name}"}
        | {"value": value, "stderr": 0.01, "verdict": verdict}
        for name, value, verdict in (
            ("a", 0.1, "changed"),
            ("c", 0.06, "changed"),
            ("c/a", -0.16, "changed"),
        )
    ]
    rows.append({"quantity": "new_lines", "subject": "new lines", "verdict": "named"})
    judged = judge_rows(rows, PAIR, judge_hexrd.RULES)
    wrong = {one.key for one in judged if one.silently_wrong}
    assert wrong == {"LAGP / against pristine c / cell_change", "new lines / new_lines"}
    assert {one.key for one in judged if one.needless} == {
        "LAGP / against pristine volume / cell_change",
        "LAGP / breadth_ratio",
    }
