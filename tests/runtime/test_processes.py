"""Parts worked on side by side give the answers of one process, in order."""

import operator
import os

import pytest

from ssbchar.runtime import forking, processes, progress


def multiply(shared: int, part: int) -> tuple[int, bool]:
    return shared * part, os.getpid() == int(os.environ["TEST_PARENT"])


@pytest.mark.parametrize("cores", ["1", "2"])
def test_answers_do_not_depend_on_the_cores(monkeypatch: pytest.MonkeyPatch, cores: str) -> None:
    monkeypatch.setenv("TEST_PARENT", str(os.getpid()))
    monkeypatch.setenv(processes.CORES_VARIABLE, cores)
    answers = list(processes.map_parts(multiply, 3, range(5)))
    assert [answer for answer, _ in answers] == [0, 3, 6, 9, 12]
    assert all(in_parent == (cores == "1") for _, in_parent in answers)


def test_one_part_needs_no_second_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_PARENT", str(os.getpid()))
    monkeypatch.setenv(processes.CORES_VARIABLE, "8")
    assert list(processes.map_parts(multiply, 2, [4])) == [(8, True)]


def test_progress_tells_done_and_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([0.0, 4.0, 10.0, 14.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    items = progress.report_progress("abc", "fit", unit="frames", size=4, total=10)
    assert list(items) == ["a", "b", "c"]
    assert capsys.readouterr().err == "fit: 8/10 frames, 2 s to go\n"


def test_macos_starts_new_processes_in_place_of_forks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(processes.CORES_VARIABLE, "2")
    monkeypatch.setattr(forking.sys, "platform", "darwin")
    asked = []
    context = processes.multiprocessing.get_context
    monkeypatch.setattr(
        processes.multiprocessing,
        "get_context",
        lambda method: asked.append(method) or context("fork"),
    )
    assert list(processes.map_parts(operator.mul, 3, range(3))) == [0, 3, 6]
    assert asked == ["spawn"]
