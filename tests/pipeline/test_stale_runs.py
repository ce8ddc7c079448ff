"""What a killed run leaves is seen, and a run at work is left alone."""

import subprocess
import sys
from pathlib import Path

import pytest

from ssbchar.pipeline import stale_runs


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_run_that_ends_leaves_no_mark(here: Path) -> None:
    with stale_runs.mark_run():
        assert stale_runs.was_killed()
    assert not stale_runs.was_killed()


def test_a_mark_of_another_machine_says_nothing(here: Path) -> None:
    with stale_runs.mark_run():
        stale_runs.MARK.write_text("elsewhere")
        assert not stale_runs.was_killed()


def test_a_run_at_work_keeps_its_mark(here: Path) -> None:
    with stale_runs.mark_run():
        words = [sys.executable, "-c", "import time; time.sleep(60)", "/any/bin/snakemake"]
        with subprocess.Popen(words, cwd=here) as other:
            try:
                assert stale_runs.find_processes("snakemake") == [other.pid]
                with stale_runs.mark_run():
                    pass
                assert stale_runs.was_killed()
            finally:
                other.kill()
        assert stale_runs.find_processes("snakemake") == []


def test_steps_of_a_killed_run_are_waited_for(here: Path) -> None:
    words = [sys.executable, "-c", "import time; time.sleep(1.0)", "step"]
    with subprocess.Popen(words, cwd=here) as step:
        said = list(stale_runs.wait_for_steps())
    assert said == [
        "waiting for steps of the killed run to end "
        f"(processes {step.pid}; kill them to wait no more)"
    ]
    assert list(stale_runs.wait_for_steps()) == []
