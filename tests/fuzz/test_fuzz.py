"""300 damaged and odd files give the right numbers or one line; the harness itself notices what it
must."""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from . import campaign, mutations, page
from .campaign import Case, Fuzzer, Outcome
from .corpus import Numbers

SEED = 7
"""Another than those of `make fuzz`."""
CASES = 300
PARTS = 10


@pytest.fixture(scope="module")
def fuzzer() -> Fuzzer:
    return Fuzzer()


@pytest.mark.parametrize("part", range(PARTS))
def test_every_reader_gives_the_right_numbers_or_one_line(fuzzer: Fuzzer, part: int) -> None:
    cases = list(campaign.run_cases(SEED, range(part, CASES, PARTS), fuzzer))
    bad = [campaign.describe_case(case) for case in cases if case.outcome in campaign.BAD]
    assert not bad, "\n".join(bad)
    # Sound numbers come back often enough for the harness to have read anything.
    assert sum(case.outcome is Outcome.REFUSED for case in cases) > 5
    assert sum(case.outcome is Outcome.SAME for case in cases) > 1


def test_every_reader_and_every_way_has_its_turn(fuzzer: Fuzzer) -> None:
    drawn = [fuzzer.draw(1, number) for number in range(3000)]
    assert {subject.name for subject, _, _ in drawn} == {one.name for one in fuzzer.subjects}
    assert {mutation.name for _, mutation, _ in drawn} == {one.name for one in mutations.MUTATIONS}
    again = [fuzzer.draw(1, number) for number in range(3000)]
    assert [(a.name, b.name) for a, b, _ in drawn] == [(a.name, b.name) for a, b, _ in again]


def raise_key_error(path: Path) -> Numbers:
    raise KeyError("frame")


def loop_for_ever(path: Path) -> Numbers:
    while True:
        pass


def wait_for_ever(path: Path) -> Numbers:
    time.sleep(1000)
    return {}


def fill_memory(path: Path) -> Numbers:
    return {"x": np.ones(int(campaign.BYTES))}


def end_process(path: Path) -> Numbers:
    os.abort()


def make_up(path: Path) -> Numbers:
    return {"x": np.ones(3)}


@pytest.mark.parametrize(
    ("reader", "outcome"),
    [
        (raise_key_error, Outcome.TRACEBACK),
        (loop_for_ever, Outcome.HANG),
        (wait_for_ever, Outcome.HANG),
        (fill_memory, Outcome.MEMORY),
        (end_process, Outcome.CRASH),
        (make_up, Outcome.WRONG),
    ],
)
def test_what_a_bad_reader_does_is_noticed(
    fuzzer: Fuzzer,
    monkeypatch: pytest.MonkeyPatch,
    reader: Callable[[Path], Numbers],
    outcome: Outcome,
) -> None:
    monkeypatch.setattr(campaign, "SECONDS", 1.0)
    monkeypatch.setattr(campaign, "SECONDS_BY_THE_CLOCK", 5.0)
    subject = next(one for one in fuzzer.subjects if one.name == "xdi")
    way = next(one for one in mutations.MUTATIONS if one.name == "CR LF")

    def draw(seed: int, number: int) -> object:
        return replace(subject, read=reader), way, mutations.random.Random(0)

    monkeypatch.setattr(fuzzer, "draw", draw)
    case = fuzzer.run(1, 1)
    assert case.outcome is outcome, case


def test_a_cut_file_may_give_its_first_numbers_alone() -> None:
    sound = {"x": np.arange(6.0), "y": np.arange(6.0)}
    assert campaign._are_first({"x": np.arange(4.0), "y": np.arange(4.0)}, sound)
    assert campaign._are_first({"x": np.arange(2.0), "n_points": np.array([2])}, sound)
    assert not campaign._are_first({"x": np.array([0.0, 1.0, 2.5])}, sound)
    assert not campaign._are_first({"x": np.arange(7.0)}, sound)


def test_cases_survive_their_file_and_are_counted(tmp_path: Path) -> None:
    case = Case(seed=1, number=2, reader="images", subject="tif", mutation="CR LF")
    cases = [case, replace(case, outcome=Outcome.HANG, said="|", seconds=3.0)]
    text = campaign.write_head("abc+") + "".join(map(campaign.write_case, cases))
    (tmp_path / "cases.jsonl").write_text(text)
    commit, read = campaign.read_cases(tmp_path / "cases.jsonl")
    assert (commit, read) == ("abc+", cases)
    written = page.format_page(commit, read)
    assert "2 cases of seeds 1, commit `abc+`" in written
    assert "| images | 2 | 1 | 0 | 0 | 0 | 0 | 1 | 0 | 0 | 0 |" in written
