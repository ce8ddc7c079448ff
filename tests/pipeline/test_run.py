"""The run command: what it makes of Snakemake's output, and what it says at the end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import made_report
import pytest

from ssbchar import cli
from ssbchar.pipeline.run import format_duration, progress, summarise_outcome

SAID = """\
Building DAG of jobs...
Job stats:
job              count
-------------  -------
hexrd_refine         1
total                4

rule hexrd_refine:
    input: results/demo/hexrd/heat/patterns.nc
hexrd.refinement.refine_series heat: begun
hexrd.refinement.refine_series heat: 120/384 frames, 12 s to go
set aside: a.xye: the file is empty; measure it again
hexrd.refinement.refine_series heat: done in 12.0 s
1 of 4 steps (25%) done
Traceback (most recent call last):
ModuleNotFoundError: No module named 'x'
RuleException:
CalledProcessError in file "nmr.smk", line 51:
Error in rule nmr_fit:
    jobid: 3
    log: results/demo/logs/nmr/fit.log (check log file(s) for error details)
hexrd.peaks.fit_known_lines heat: begun
4 of 4 steps (100%) done
"""


def test_progress_shows_what_runs_how_far_and_how_long() -> None:
    lines = list(progress(SAID.splitlines(keepends=True), time.monotonic() - 10))
    assert lines == [
        "[0/4 steps] hexrd.refinement.refine_series heat: begun",
        "[0/4 steps] hexrd.refinement.refine_series heat: 120/384 frames, 12 s to go",
        "[0/4 steps] set aside: a.xye: the file is empty; measure it again",
        "ModuleNotFoundError: No module named 'x'",
        "FAILED: rule nmr_fit",
        "        log: results/demo/logs/nmr/fit.log",
        "[1/4 steps, about 30 s to go] hexrd.peaks.fit_known_lines heat: begun",
        "[4/4 steps] all done",
    ]


@pytest.mark.parametrize(("seconds", "words"), [(5.4, "5 s"), (150, "2 min"), (7200, "2.0 h")])
def test_duration(seconds: float, words: str) -> None:
    assert format_duration(seconds) == words


def test_outcome_says_where_and_what(tmp_path: Path) -> None:
    run = made_report.small(tmp_path / "demo")
    run.write()
    said = "\n".join(summarise_outcome(tmp_path / "demo", run.conclusions))
    assert "LAGP+LFP: phase stability (hexrd): reversible" in said
    assert "LAGP+LFP: stability (combined): retained" in said
    assert "Li1Si 100 MPa: prelithiation (combined): quantified" in said
    assert "  all of bad: data_raw/<b>bad</b>.xye: the file is empty; measure it again" in said
    assert f"Report: {tmp_path / 'demo' / 'report.html'}" in said


FAKE = """
import sys, time, signal
print("total   2", flush=True)
print("nmr.bruker.read_fid m: begun", flush=True)
def stop(*_):
    open("stopped", "w").close()
    sys.exit(1)
signal.signal(signal.SIGTERM, stop)
open("ready", "w").close()
time.sleep(60)
"""


def test_a_stopped_run_stops_its_workflow(tmp_path: Path) -> None:
    (tmp_path / "snakemake.py").write_text(FAKE)
    (tmp_path / "raw").mkdir()
    header = "measurement\tsample\ttechnique\trole\tpath\n"
    (tmp_path / "samples.tsv").write_text(header + "m\tS\tnmr\tspectrum\traw\n")
    (tmp_path / "config.yaml").write_text("run: r\nsamples: samples.tsv\n")
    words = [sys.executable, "-m", "ssbchar", "run", "config.yaml", "--cores", "1"]
    paths = os.pathsep.join([str(tmp_path), str(Path(__file__).parent.parent.parent)])
    with subprocess.Popen(
        words,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as run:
        for _ in range(300):
            if (tmp_path / "ready").exists():
                break
            time.sleep(0.1)
        run.send_signal(signal.SIGTERM)
        said, _ = run.communicate(timeout=30)
    assert (tmp_path / "stopped").exists()
    assert "[0/2 steps] nmr.bruker.read_fid m: begun" in said
    assert "stopping: the next run goes on" in said
    assert "failed" not in said
    assert run.returncode == 1


@pytest.mark.parametrize(
    ("told", "said", "unsaid"),
    [
        (
            "Error in rule nmr_fit:\n    log: a.log (check log file(s) for error details)\n",
            "1 steps failed",
            "Select",
        ),
        (
            "LockException:\nError: Directory cannot be locked.\n",
            "Directory cannot be locked",
            "steps failed",
        ),
    ],
)
def test_a_failed_workflow_says_what_failed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    told: str,
    said: str,
    unsaid: str,
) -> None:
    (tmp_path / "snakemake.py").write_text(
        f"import sys\nprint({'Select jobs' if 'rule' in told else ''!r})\n"
        f"print({told!r})\nsys.exit(1)\n"
    )
    (tmp_path / "raw").mkdir()
    header = "measurement\tsample\ttechnique\trole\tpath\n"
    (tmp_path / "samples.tsv").write_text(header + "m\tS\tnmr\tspectrum\traw\n")
    (tmp_path / "config.yaml").write_text("run: r\nsamples: samples.tsv\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([str(tmp_path), str(Path(__file__).parent.parent.parent)])
    )
    assert cli.main(["run", "config.yaml", "--cores", "1"]) == 1
    out = "".join(capfd.readouterr())
    assert said in out
    assert unsaid not in out
    assert "mend the cause and run again" in out
