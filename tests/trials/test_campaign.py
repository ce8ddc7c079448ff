"""A campaign goes on where a case crashes or hangs, and leaves out what has ended."""

import multiprocessing
import os
import time
from pathlib import Path

import pytest

from ssbchar.conclusion import Conclusion
from trials import campaign
from trials.campaign import Finished
from trials.cases import Case, draw_cases, split_scenarios


def act(case: Case, work: Path, folder: Path) -> Finished:
    """Do what the scenario's name says."""
    match case.scenario:
        case "raises":
            raise ZeroDivisionError("by hand")
        case "dies":
            os._exit(3)
        case "hangs":
            time.sleep(600)
    (work / "file").touch()
    return Finished(case=case, status="done", rows=({"quantity": str(work)},), truth={"x": 1})


def run(tmp_path: Path, *scenarios: str, **how: object) -> list[Finished]:
    """Return the cases that ended now, by seed."""
    drawn = draw_cases("nmr", scenarios, len(scenarios), 1000)
    how = {"time_limit": 5.0, "run": act, **how}
    ended = campaign.run_campaign(drawn, tmp_path / "r.jsonl", tmp_path, **how)
    return sorted(ended, key=lambda finished: finished.case.seed)


def test_crash_and_hang_are_lines(tmp_path: Path) -> None:
    begin = time.monotonic()
    found = run(tmp_path, "good", "raises", "dies", "hangs", "good")
    assert [f.status for f in found] == ["done", "crashed", "crashed", "hung", "done"]
    assert found[1].error.startswith("ZeroDivisionError: by hand")
    assert "exit code 3" in found[2].error
    assert time.monotonic() - begin < 300  # what hangs was ended
    kept = campaign.read_results(tmp_path / "r.jsonl")
    assert sorted(kept, key=lambda f: f.case.seed) == found


def test_files_of_a_case_are_removed(tmp_path: Path) -> None:
    (one,) = run(tmp_path, "good")
    assert not Path(one.rows[0]["quantity"]).exists()


def test_campaign_that_ends_early_ends_its_cases(tmp_path: Path) -> None:
    drawn = draw_cases("nmr", ["good", "hangs"], 2, 1000)
    ended = campaign.run_campaign(drawn, tmp_path / "r.jsonl", tmp_path, run=act, workers=2)
    assert next(ended).case.scenario == "good"
    assert len(multiprocessing.active_children()) == 1
    ended.close()
    assert not multiprocessing.active_children()


def test_restart_leaves_out_what_has_ended(tmp_path: Path) -> None:
    run(tmp_path, "good", "raises")
    assert [f.case.seed for f in run(tmp_path, "good", "raises", "good")] == [1002]
    assert [f.case.seed for f in run(tmp_path, "good", "raises", retry=True)] == [1001]


def test_cut_line_is_run_again(tmp_path: Path) -> None:
    run(tmp_path, "good", "good")
    path = tmp_path / "r.jsonl"
    path.write_text(path.read_text()[:-20])
    assert len(campaign.read_results(path)) == 1
    assert len(run(tmp_path, "good", "good")) == 1
    assert len(campaign.read_results(path)) == 2


def test_cases_have_seeds_of_their_own() -> None:
    drawn = draw_cases("xas", ["a", "b"], 5, 1000)
    assert [(c.scenario, c.seed) for c in drawn] == [
        ("a", 1000),
        ("b", 1001),
        ("a", 1002),
        ("b", 1003),
        ("a", 1004),
    ]


def test_names_of_scenarios_may_hold_commas() -> None:
    known = ["none", "none,1 scan each", "amp-1%"]
    text = "none,none,1 scan each,amp-1%"
    assert split_scenarios(text, known) == ["none", "none,1 scan each", "amp-1%"]
    assert split_scenarios("", known) == []
    with pytest.raises(ValueError, match="'amp' is none of none, none,1 scan each, amp-1%"):
        split_scenarios("none,amp", known)


@pytest.mark.parametrize("status", ["done", "crashed"])
def test_line_keeps_a_case(status: str) -> None:
    case = Case(technique="nmr", scenario="quad", seed=7)
    one = Finished(case=case, status=status, truth={"x": 0.5}, rows=({"quantity": "a"},))
    assert Finished.from_line(one.to_line()) == one


def test_rows_are_checked_against_their_own_limits() -> None:
    good = Conclusion("f", value=1.0, lower95=0.5, upper95=1.5, verdict="detected", subject="Ge")
    bad = Conclusion("f", value=1.0, lower95=-0.5, upper95=1.5, verdict="detected", subject="Fe")
    found = campaign.check_rows([good, bad])
    assert len(found) == 1
    assert found[0].startswith("Fe / ")
