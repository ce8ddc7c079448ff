"""Figures of made-up campaigns, and the commands that print them."""

from pathlib import Path
from typing import Any

import pytest

from trials import __main__ as command
from trials import page, tally
from trials.campaign import Finished
from trials.cases import Case

ROOT = Path(__file__).parents[2]
TRUTH = {"cat": "lorentz", "raw": 20.0, "corr": 15.0, "x": 0.85, "T2m": 5e-4, "T2s": 1e-4}
TRUTH["lisi"] = [["l", 1.0, 10.0, 2000.0, 0.0]]


def powder(seed: int, word: str = "ok", error: float = 0.0, **more: Any) -> Finished:
    """Return a powder whose raw share is off by so many errors."""
    value = 20 + 0.1 * error
    row = {
        "quantity": "li_metal_fraction",
        "subject": "li_metal",
        "condition": "raw",
        "verdict": word,
        "value": value,
        "stderr": 0.1,
        "lower95": value - 0.196,
        "upper95": value + 0.196,
    }
    case = Case(technique="nmr", scenario=more.pop("scenario", "lorentz"), seed=seed)
    return Finished(case=case, status="done", truth=TRUTH, rows=[row], commit="abc", **more)


def lost(seed: int, status: str = "crashed") -> Finished:
    case = Case(technique="nmr", scenario="quad", seed=seed)
    return Finished(case=case, status=status, error="ZeroDivisionError: x\nat", commit="abc")


def test_figures() -> None:
    some = [powder(1), powder(2, error=4.0), powder(3, error=-6.0), powder(4, "misfit", 9.0)]
    found = tally.count([tally.judge_case(f) for f in [*some, lost(5), lost(6, "hung")]])
    assert (found.cases, found.crashed, found.wrong_cases) == (6, 2, 2)
    assert (found.stated, found.beyond_3, found.beyond_5) == (3, 2, 1)
    assert (found.limits, found.covered) == (4, 1)
    assert found.false_words == 0
    # metal of the echo is there; corrected shares and both decay times are missing
    assert (found.deserved, found.needless) == (4 * 4, 4 * 3)


def test_measurement_that_failed_is_a_crash() -> None:
    row = {"quantity": "measurement", "subject": "m", "verdict": "failed", "reason": "x: y"}
    one = Finished(case=powder(1).case, status="done", truth=TRUTH, rows=(row,))
    found = tally.count([tally.judge_case(one)])
    assert found.crashed == 1
    assert tally.list_wrong([tally.judge_case(one)])[0] == "nmr:lorentz:1: m: failed: x: y"


def test_goals_are_held_against_figures() -> None:
    good = [tally.judge_case(powder(seed, error=0.5)) for seed in range(20)]
    lines = tally.format_goals(good)
    assert sum("**not met**" in line for line in lines) == 2, "needless N/A, coverage of 1"
    bad = [*good, tally.judge_case(powder(30, error=6.0)), tally.judge_case(lost(31))]
    assert sum("**not met**" in line for line in tally.format_goals(bad)) == 4


def test_tables_have_a_line_per_scenario_and_one_for_all() -> None:
    cases = [tally.judge_case(f) for f in (powder(1), powder(2, scenario="gauss"), lost(3))]
    lines = tally.format_scenarios(cases)
    assert [line.split("|")[1].strip() for line in lines[2:]] == [
        "lorentz",
        "gauss",
        "quad",
        "**all**",
    ]
    assert "| 0 (0) of 2 |" in lines[-1]


def test_what_is_wrong_is_listed_with_its_numbers() -> None:
    lines = tally.list_wrong([tally.judge_case(f) for f in (powder(2, error=4.0), lost(5))])
    assert lines[0].startswith("nmr:lorentz:2: li_metal / raw / li_metal_fraction: 'ok' 20.4")
    assert "true 20, +4.0 sigma" in lines[0]
    assert lines[1] == "nmr:quad:5: crashed: ZeroDivisionError: x"


def test_page_holds_rules_and_tables(tmp_path: Path) -> None:
    path = tmp_path / "trials.md"
    page.write_page(path, {"nmr": [tally.judge_case(powder(1))], "xas": []})
    text = path.read_text(encoding="utf-8")
    assert "1 cases, commit abc" in text
    for technique in tally.RULES.values():
        for rule in technique:
            assert rule.false in text


def test_technique_without_results_keeps_its_figures(tmp_path: Path) -> None:
    path = tmp_path / "trials.md"
    page.write_page(path, {"nmr": [tally.judge_case(powder(1))]})
    text = path.read_text(encoding="utf-8")
    page.write_page(path, {"nmr": [], "xas": []})
    assert path.read_text(encoding="utf-8") == text
    page.write_page(path, {"nmr": [tally.judge_case(powder(s)) for s in (1, 2)]})
    assert "2 cases, commit abc" in path.read_text(encoding="utf-8")


def test_page_in_docs_tells_of_the_judges_as_they_are() -> None:
    text = (ROOT / "docs" / "trials.md").read_text(encoding="utf-8")
    assert text.startswith("\n".join(page.describe_judges())), "python -m tests.trials table"


@pytest.mark.parametrize("words", [["--technique", "nmr"], ["run", "--technique", "nmr"]])
def test_missing_generators_are_told(
    words: list[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SSBCHAR_TRIALS", str(tmp_path / "nowhere"))
    assert command.main(words) == 0
    assert "set SSBCHAR_TRIALS" in capsys.readouterr().err
