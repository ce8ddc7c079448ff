"""The run command: what it makes of Snakemake's output, and what it says at the end."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import made_report
import pytest

from ssbchar import cli
from ssbchar.campaign import config as configs
from ssbchar.campaign.row import Row
from ssbchar.errors import BadInput
from ssbchar.pipeline import run
from ssbchar.pipeline.workflow_progress import (
    EVENT_MARK,
    Event,
    EventKind,
    WorkflowProgress,
    describe_reason,
    format_duration,
    format_event,
    parse_event,
)
from ssbchar.results.outcome import count_failed, summarise_outcome

SAID = [
    "Building DAG of jobs...",
    format_event(Event(kind=EventKind.PLANNED, total=4)),
    "",
    "rule hexrd_refine:",
    "    input: results/demo/hexrd/heat/patterns.nc",
    "hexrd.refinement.refine_series heat: begun",
    "hexrd.refinement.refine_series heat: 120/384 frames, 12 s to go",
    "set aside: a.xye: the file is empty; measure it again",
    "failed: b.xye: reading it failed (KeyError: 'x'); report it",
    "hexrd.refinement.refine_series heat: done in 12.0 s",
    format_event(Event(kind=EventKind.DONE, done=1, total=4)),
    "Traceback (most recent call last):",
    "ModuleNotFoundError: No module named 'x'",
    "RuleException:",
    'CalledProcessError in file "nmr.smk", line 51:',
    format_event(
        Event(kind=EventKind.FAILED, rule="nmr_fit", logs=("results/demo/logs/nmr/fit.log",))
    ),
    "hexrd.peaks.fit_known_lines heat: begun",
    format_event(Event(kind=EventKind.DONE, done=4, total=4)),
]


def test_progress_shows_what_runs_how_far_and_how_long() -> None:
    progress = WorkflowProgress(start=time.monotonic() - 10)
    lines = list(progress.follow(f"{line}\n" for line in SAID))
    assert lines == [
        "[0/4 steps] hexrd.refinement.refine_series heat: begun",
        "[0/4 steps] hexrd.refinement.refine_series heat: 120/384 frames, 12 s to go",
        "[0/4 steps] set aside: a.xye: the file is empty; measure it again",
        "[0/4 steps] failed: b.xye: reading it failed (KeyError: 'x'); report it",
        "ModuleNotFoundError: No module named 'x'",
        "FAILED: rule nmr_fit",
        "        log: results/demo/logs/nmr/fit.log",
        "[1/4 steps, about 30 s to go] hexrd.peaks.fit_known_lines heat: begun",
        "[4/4 steps] all done",
    ]
    assert progress.failed == 1
    assert progress.last_lines[0] == "Building DAG of jobs..."
    assert not [line for line in progress.last_lines if line.startswith(EVENT_MARK)]


def test_before_the_plan_the_number_of_steps_is_unknown() -> None:
    progress = WorkflowProgress(start=0.0)
    assert list(progress.follow(["stopped: disk full"])) == ["[0/? steps] stopped: disk full"]
    done = format_event(Event(kind=EventKind.UP_TO_DATE))
    assert list(progress.follow([done])) == ["nothing to do: every result is up to date"]


@pytest.mark.parametrize("kind", list(EventKind))
def test_events_survive_their_line(kind: EventKind) -> None:
    event = Event(
        kind=kind, done=3, total=7, rule="r", logs=("a.log", "b.log"), subject="m", reason="why: x"
    )
    assert parse_event(format_event(event)) == event
    assert parse_event("3 of 7 steps (43%) done") is None


def test_snakemake_sends_the_events(tmp_path: Path) -> None:
    """The plugin against the Snakemake that is installed: a plan, progress, a failure, no work."""
    (tmp_path / "Snakefile").write_text(
        'rule good:\n    output: "good.txt"\n    shell: "touch {output}"\n\n'
        'rule bad:\n    output: "bad.txt"\n    log: "bad.log"\n    shell: "exit 3"\n'
    )
    environment = run._add_plugin(os.environ)

    def snakemake(target: str) -> list[Event]:
        words = [sys.executable, "-m", "snakemake", target, "--cores", "1", "--logger", "ssbchar"]
        said = subprocess.run(
            words, cwd=tmp_path, env=environment, text=True, capture_output=True, check=False
        )
        return [event for line in said.stderr.splitlines() if (event := parse_event(line))]

    assert snakemake("good.txt") == [
        Event(kind=EventKind.PLANNED, total=1),
        Event(kind=EventKind.DONE, done=1, total=1),
    ]
    assert snakemake("good.txt") == [Event(kind=EventKind.UP_TO_DATE)]
    planned, failed = snakemake("bad.txt")
    assert planned == Event(kind=EventKind.PLANNED, total=1)
    assert failed == Event(kind=EventKind.FAILED, rule="bad", logs=("bad.log",))


@pytest.mark.parametrize(("seconds", "words"), [(5.4, "5 s"), (150, "2 min"), (7200, "2.0 h")])
def test_duration(seconds: float, words: str) -> None:
    assert format_duration(seconds) == words


def test_outcome_says_where_and_what(tmp_path: Path) -> None:
    made = made_report.small(tmp_path / "demo")
    made.write()
    said = "\n".join(summarise_outcome(tmp_path / "demo", made.conclusions))
    assert "LAGP+LFP: phase stability (hexrd): reversible" in said
    assert "LAGP+LFP: stability (combined): retained" in said
    assert "Li1Si 100 MPa: prelithiation (combined): quantified" in said
    assert "  all of bad: data_raw/<b>bad</b>.xye: the file is empty; measure it again" in said
    assert f"Report: {tmp_path / 'demo' / 'report.html'}" in said
    assert said.splitlines()[-1].startswith("None of ")


def test_the_last_line_of_a_run_counts_what_failed() -> None:
    assert count_failed([], 9) == "None of 9 measurements failed."
    assert count_failed(["a", "b"], 9) == "2 of 9 measurements failed: a, b"


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("Missing output files: a.nc", "not made yet (a.nc)"),
        (
            "Input files updated by another job: a, b, c, d, e",
            "needs what is made anew (a, b, c and 2 more)",
        ),
        ("Updated input files: raw.csv", "newer than its result (raw.csv)"),
        ("Code has changed since last execution", "its rule changed"),
        ("Forced execution", "asked for"),
        (
            "Params have changed since last execution: Union of exclusive params before and now "
            "across all output: before: '{\"zero\": 1}' now: '{}' ",
            "options or sample sheet changed",
        ),
        (
            "Params have changed since last execution: Union of exclusive params before and now "
            "across all output: before: ['0123456789abcdef', '0123456789abcde0'] now: ['']",
            "raw files changed",
        ),
        (
            "Params have changed since last execution: Union of exclusive params before and now "
            "across all output: before: '0123456789abcdef' now: '0123456789abcde0' ",
            "the program's sources changed",
        ),
        ("", "its results are asked for"),
    ],
)
def test_why_a_step_would_run(reason: str, words: str) -> None:
    assert describe_reason(reason) == words


@pytest.mark.parametrize(
    ("words", "own", "more"),
    [
        (["run", "c", "--cores", "1", "--", "-n"], ["run", "c", "--cores", "1"], ["-n"]),
        (["run", "--", "-n", "--", "x"], ["run"], ["-n", "--", "x"]),
        (["run", "--cores", "1", "c", "--", "a"], ["run", "--cores", "1", "c"], ["a"]),
        (["step", "a", "--", "b"], ["step", "a", "--", "b"], []),
    ],
)
def test_words_for_snakemake_stand_behind_two_dashes(
    words: list[str], own: list[str], more: list[str]
) -> None:
    assert cli.split_words(words) == (own, more)


def test_what_asks_for_a_dry_run() -> None:
    assert all(map(run._asks_dry_run, ["-n", "--dry-run", "--dryrun", "-np", "-Fn"]))
    assert not any(map(run._asks_dry_run, ["--nolock", "-j1n", "nmr", "-p", "--until"]))


def test_only_takes_techniques_samples_and_measurements() -> None:
    names = dict(role="spectrum", path="p")
    rows = [
        Row(measurement="a", sample="S", technique="nmr", **names),
        Row(measurement="b", sample="S", technique="xas", **names),
        Row(measurement="c", sample="T", technique="xas", **names),
    ]

    def selected(*only: str) -> str:
        return "".join(row.measurement for row in run.select_rows(rows, only))

    assert (selected(), selected("S"), selected("xas"), selected("c")) == ("abc", "ab", "bc", "c")
    assert selected("a", "T") == "ac"
    with pytest.raises(BadInput, match=r"--only hexd: is no technique, sample or measurement"):
        selected("a", "hexd")


@pytest.fixture
def two_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A campaign of two measurements without anything to read."""
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/acqus").touch()
    header = "measurement\tsample\ttechnique\trole\tpath\n"
    rows = "m\tS\tnmr\tspectrum\traw\nother\tT\tnmr\tspectrum\traw\n"
    (tmp_path / "samples.tsv").write_text(header + rows)
    (tmp_path / "config.yaml").write_text("run: r\nsamples: samples.tsv\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_dry_run_lists_steps_and_why(two_rows: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the Snakemake that is installed: nothing is run, nothing old is shown."""
    made = made_report.small(two_rows / "results/r")
    made.write()
    assert cli.main(["run", "config.yaml", "--only", "m", "--cores", "1", "--", "-n"]) == 0
    said = capsys.readouterr().out
    assert "  nmr_fid m: not made yet (results/r/nmr/m/fid.nc)" in said
    assert (
        " m: not made yet (results/r/nmr/m/conclusions.json)" in said
        and "nmr_fid other" not in said
    )
    assert "summary" not in said and "finished" not in said and "Verdicts" not in said
    last = said.splitlines()[-1]
    count = sum(line.startswith("  ") for line in said.splitlines())
    assert last == f"{count} steps would run; nothing was run" and count > 5
    assert not (two_rows / "results/r/nmr/m").exists()


def test_a_dry_run_by_name_passes_the_word_on(
    two_rows: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    event = format_event(Event(kind=EventKind.STEP, rule="nmr_fid", subject="m", reason="x"))
    (two_rows / "snakemake.py").write_text(
        f"import sys\nassert '--dry-run' in sys.argv\nprint({event!r})\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(two_rows))
    assert cli.main(["run", "config.yaml", "--dry-run"]) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "  nmr_fid m: x",
        "1 step would run; nothing was run",
    ]


def test_what_snakemake_says_without_a_run_is_passed_on(
    two_rows: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (two_rows / "snakemake.py").write_text("print('Unlocked working directory.')\n")
    paths = [str(two_rows), str(Path(__file__).parent.parent.parent)]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    assert cli.main(["run", "config.yaml", "--", "--unlock"]) == 0
    said = capsys.readouterr().out
    assert said.endswith("Unlocked working directory.\n")
    assert "finished" not in said and "Verdicts" not in said


def test_an_old_summary_is_not_shown_as_that_of_this_run(tmp_path: Path) -> None:
    made = made_report.small(tmp_path / "demo")
    made.write()
    summary = tmp_path / "demo/summary.csv"
    assert run._is_newest(summary, [])
    conclusions = list(map(Path, made.conclusions))
    os.utime(summary, (1, 1))
    assert not run._is_newest(summary, conclusions)
    said = "\n".join(summarise_outcome(tmp_path / "demo", conclusions, False))
    assert "phase stability (hexrd): reversible" in said and "combined" not in said
    assert "summary.csv and report.html there are not made anew" in said


PLAN = format_event(Event(kind=EventKind.PLANNED, total=2))
FAKE = f"""
import sys, time, signal
print({PLAN!r}, flush=True)
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
    ) as process:
        for _ in range(300):
            if (tmp_path / "ready").exists():
                break
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=30)
    assert (tmp_path / "stopped").exists()
    assert "[0/2 steps] nmr.bruker.read_fid m: begun" in said
    assert "stopping: the next run goes on" in said
    assert "failed" not in said
    assert process.returncode == 1


@pytest.mark.parametrize(
    ("told", "said", "unsaid"),
    [
        (
            format_event(Event(kind=EventKind.FAILED, rule="nmr_fit", logs=("a.log",))),
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


def test_what_runs_is_what_was_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Snakemake's own reader of YAML knows UTF-8 alone and drops the first of two keys."""
    monkeypatch.chdir(tmp_path)
    header = "measurement,sample,technique,role,path,compare_to\n"
    rows = "a,S,nmr,spectrum,raw,\nb,S,nmr,spectrum,raw,a\n"
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/acqus").write_text("x")
    (tmp_path / "s.csv").write_text(header + rows)
    text = "run: Größe\nsamples: s.csv\nnmr: {quantify: {x_nominal: 1e0}}\n"
    (tmp_path / "c.yaml").write_bytes(text.encode("utf-16"))
    checked = configs.read_config("c.yaml", look=True)
    run._say_what_was_found("c.yaml", checked)
    assert capsys.readouterr().out.splitlines() == [
        "s.csv: commas between cells",
        "set aside: s.csv:3: compare_to is not used by nmr rows of role spectrum (given: 'a'); "
        "leave it empty (used by hexrd cycled, xas cycled, xas series, nmr repeat)",
        "c.yaml: good; 1 measurements",
    ]
    written = run._write_checked(checked)
    assert written == Path(".snakemake/ssbchar.Größe.json")
    assert json.loads(written.read_text(encoding="utf-8")) == {
        "run": "Größe",
        "samples": "s.csv",
        "nmr": {"quantify": {"x_nominal": 1.0}},
    }


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ([], ["--forcerun", "a", "b", "--keep-going"]),
        (["-n", "target"], ["--forcerun", "a", "b", "--keep-going", "-n", "target"]),
        (["-R", "mine", "-n"], ["-R", "a", "b", "mine", "-n"]),
    ],
)
def test_damaged_outputs_are_asked_for_beside_what_the_user_asks(
    more: list[str], words: list[str]
) -> None:
    assert run._force(more, ["a", "b"]) == words
    assert run._force(more, []) == more


def test_outputs_of_rows_that_are_no_more_are_not_wanted() -> None:
    names = dict(sample="s", role="pristine", path="p")
    rows = [
        Row(measurement="a", technique="xas", phases="LFP, NCM", **names),
        Row(measurement="b", technique="nmr", **names),
    ]
    wanted = ["xas/a/scans.nc", "nmr/b/figures", "phases/NCM.nc", "phases.nc", "summary.csv"]
    others = ["xas/b/scans.nc", "nmr/c/fit.nc", "phases/LAGP.nc"]
    assert all(run._is_wanted(f"results/r/{path}", "r", rows) for path in wanted)
    assert not any(run._is_wanted(f"results/r/{path}", "r", rows) for path in others)
