"""Words and numbers on made-up pairs."""

from pathlib import Path
from typing import Any

import pytest

from trials import judge_xas
from trials.judge import Judged, judge_rows


@pytest.fixture(autouse=True)
def generator(trials_folder: Path) -> Path:
    """The generator's own spectra give half step and white line."""
    return trials_folder


def pair(amplitude: float = 1.0, shift: float = 0.0, reduced: float = 0.0) -> dict[str, Any]:
    """Return the truth of a pair."""
    return {"amplitude": amplitude, "edge_shift": shift, "reduced_fraction": reduced}


def shell(word: str, value: float = 1.0, stderr: float = 0.002, number: int = 1) -> dict[str, Any]:
    """Return the row of a shell's ratio."""
    quantity = f"shell_{number}_ratio"
    return {"quantity": quantity, "verdict": word, "value": value, "stderr": stderr}


def judge(truth: dict[str, Any], *rows: dict[str, Any]) -> list[Judged]:
    """Return what rows are judged, those that are missing left out."""
    return [one for one in judge_rows(rows, truth, judge_xas.RULES) if one.word != "(no row)"]


@pytest.mark.parametrize(
    ("amplitude", "word", "value", "is_false"),
    [
        (1.0, "retained", 1.0, False),
        (1.0, "changed", 0.95, True),
        (1.0, "inconclusive", 0.95, False),
        (0.98, "retained", 0.98, False),
        (0.95, "retained", 0.96, True),
        (0.95, "changed", 0.951, False),
        (0.95, "changed", 1.05, True),
        (0.96, "changed", 0.954, False),
        (0.98, "changed", 0.954, True),
    ],
)
def test_first_shell(amplitude: float, word: str, value: float, is_false: bool) -> None:
    (one,) = judge(pair(amplitude), shell(word, value))
    assert bool(one.false_word) == is_false


def test_outer_shells_have_a_wider_bound() -> None:
    assert not judge(pair(0.95), shell("retained", 0.95, number=2))[0].false_word
    assert judge(pair(0.85), shell("retained", 0.95, number=3))[0].false_word


@pytest.mark.parametrize(
    ("shift", "word", "value", "is_false"),
    [
        (0.0, "changed", 0.1, True),
        (0.03, "retained", 0.03, False),
        (-0.1, "retained", -0.05, True),
        (-0.1, "changed", -0.1, False),
        (-0.1, "changed", 0.1, True),
    ],
)
def test_edge(shift: float, word: str, value: float, is_false: bool) -> None:
    row = {"quantity": "edge_shift", "condition": "half step", "value": value, "stderr": 0.005}
    (one,) = judge(pair(shift=shift), {**row, "verdict": word})
    assert bool(one.false_word) == is_false
    assert one.truth == pytest.approx(shift, abs=2e-3)


def test_admixture_moves_edge_and_white_line() -> None:
    truth = pair(reduced=0.02)
    edge = {"quantity": "edge_shift", "condition": "half step", "verdict": "ok"}
    white = {"quantity": "white_line_change", "verdict": "ok"}
    shift, change = judge(truth, edge, white)
    assert 0.001 < abs(shift.truth) < 0.05
    assert 0 < abs(change.truth) < 0.03
    # Another definition of the edge moves by an amount of its own: not judged.
    assert judge(truth, {**edge, "condition": "inflection"}) == []
    (one,) = judge(truth, shell("changed", 0.9))
    assert not one.silently_wrong, "no single factor"
    assert one.z is None


@pytest.mark.parametrize(
    ("amplitude", "word", "rows", "is_false"),
    [
        (1.0, "retained", [], False),
        (1.0, "changed", [], True),
        (1.0, "inconclusive", [], False),
        (0.98, "retained", [], False),
        (0.98, "changed", [], True),
        (0.95, "retained", [], True),
        (0.95, "changed", [], False),
        # whether a small change can be called one depends on what the row knew
        (0.96, "changed", [shell("changed", 0.954, 0.001)], True),
        (0.96, "changed", [shell("changed", 0.954, 0.01)], False),
    ],
)
def test_structure(amplitude: float, word: str, rows: list[dict], is_false: bool) -> None:
    found = judge(pair(amplitude), {"quantity": "structure", "verdict": word}, *rows)
    about = [one for one in found if one.quantity == "structure"]
    assert [bool(one.false_word) for one in about] == [is_false]
    combined = {"quantity": "stability", "technique": "combined", "verdict": word}
    found = judge(pair(amplitude), combined, *rows)
    about = [one for one in found if one.quantity == "stability"]
    assert [bool(one.false_word) for one in about] == [is_false]


def test_harmonics_leave_no_trace() -> None:
    truth = {**pair(), "no_trace": True}
    assert not judge(truth, shell("retained", 0.985, 0.001))[0].silently_wrong
    assert judge(truth, shell("changed", 0.95, 0.001))[0].silently_wrong
    assert judge(truth, {"quantity": "structure", "verdict": "changed"})[0].false_word


def test_right_word_on_the_structure() -> None:
    row = {"quantity": "structure", "verdict": "inconclusive"}
    assert judge(pair(), row)[0].right_word is False
    assert judge(pair(), {**row, "verdict": "retained"})[0].right_word
    assert judge(pair(0.9), {**row, "verdict": "changed"})[0].right_word


def test_detected_where_nothing_is_reduced() -> None:
    row = {"quantity": "reduced_fraction", "verdict": "detected", "value": 0.02, "stderr": 0.004}
    assert judge(pair(), row)[0].false_word
    (one,) = judge(pair(reduced=0.02), row)
    assert not one.false_word
    assert one.z == 0.0


def test_missing_rows_are_needless() -> None:
    missing = judge_rows([], pair(), judge_xas.RULES)
    assert {one.quantity for one in missing if one.needless} == {
        "edge_shift",
        "white_line_change",
        *judge_xas.SHELLS,
    }


@pytest.mark.parametrize(
    ("true", "stderr", "word", "is_false"),
    [
        (0.98, 0.0169, "changed", False),
        (0.98, 0.0020, "changed", True),
        (1.0, 0.0169, "changed", True),
        (0.90, 0.0169, "retained", True),
        (0.98, 0.0169, "retained", False),
    ],
)
def test_the_structure_of_own_pairs_is_what_its_values_allow(
    true: float, stderr: float, word: str, is_false: bool
) -> None:
    about = {"sample": "S", "technique": "xas", "condition": "", "subject": "Fe K"}
    own = [
        {**about, "quantity": "shell_1_ratio", "value": true, "unit": "1", "verdict": ""},
        {**about, "quantity": "structure", "value": None, "unit": "", "verdict": "retained"},
    ]
    rows = [
        {**about, **shell("changed", 0.951, stderr)},
        {**about, "quantity": "structure", "verdict": word},
        {**about, "technique": "combined", "quantity": "stability", "verdict": word},
    ]
    judged = {one.quantity: one for one in judge({"own": own}, *rows)}
    assert bool(judged["structure"].false_word) == is_false
    assert bool(judged["stability"].false_word) == is_false
