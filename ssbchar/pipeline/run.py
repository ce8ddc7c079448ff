"""One command from a config to its report: check, run the workflow with its progress shown, say
what came out."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import ssbchar
from ssbchar.campaign import config as configs
from ssbchar.pipeline import preload_server, stale_runs
from ssbchar.pipeline.profile import PROFILE_VARIABLE

SNAKEFILE = Path("workflow/Snakefile")
ELSEWHERE = (
    "--profile",
    "--workflow-profile",
    "--executor",
    "-e",
    "--software-deployment-method",
    "--sdm",
    "--use-conda",
)
"""Words for Snakemake by which steps run on a cluster or in another environment."""
KEPT = 60
"""Lines of Snakemake's own output shown when it fails."""
STOPPED = -1
"""Stands for the number of failed steps where the user stopped the run."""


def run_workflow(
    config: str, cores: str, more: Sequence[str] = (), *, profile: bool = False
) -> int:
    """Run the workflow of a config file; return Snakemake's exit code.

    Parameters
    ----------
    config : str
        The config file; it is checked first, and nothing starts with a fault in it.
    cores : str
        A number or ``all``.
    more : sequence of str
        Further words for Snakemake (``--profile workflow/profiles/slurm``).
    profile : bool
        Write into each log where the step's time went.

    Raises
    ------
    BadConfig
        One line per fault.
    """
    found = configs.read_config(config)
    print(f"{config}: good; {len(found.rows)} measurements", flush=True)
    snakefile = (
        SNAKEFILE if SNAKEFILE.is_file() else Path(ssbchar.__file__).parent.parent / SNAKEFILE
    )
    words = [
        sys.executable,
        "-m",
        "snakemake",
        "--snakefile",
        str(snakefile),
        "--configfile",
        config,
    ]
    words += ["--cores", cores, "--rerun-incomplete", "--keep-going", *more]
    if stale_runs.was_killed() and not stale_runs.find_processes("snakemake"):
        _clear(words)
    start = time.monotonic()
    with stale_runs.mark_run(), preload_server.running(_on_this_machine(more)) as environment:
        if profile:
            environment[PROFILE_VARIABLE] = "1"
        code, failed, tail = _follow(words, start, environment)
    if code:
        if failed != STOPPED:
            _say_failed(found.config.run, failed, tail)
        return code
    print(f"finished in {format_duration(time.monotonic() - start)}")
    folder = Path("results") / found.config.run
    wanted = [folder / row.technique / row.measurement / "conclusions.json" for row in found.rows]
    print("\n".join(summarise_outcome(folder, [path for path in wanted if path.is_file()])))
    return 0


def _clear(words: list[str]) -> None:
    """Make a folder ready whose last run was killed: its steps end by themselves, its lock is
    lifted."""
    for said in stale_runs.wait_for_steps():
        print(said, flush=True)
    subprocess.run(
        [*words, "--unlock"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    )
    print("the last run here was killed: going on from its finished steps", flush=True)


def _on_this_machine(more: Iterable[str]) -> bool:
    """Return whether no word sends steps elsewhere: to a cluster, or to another environment."""
    away = (
        "--profile",
        "--workflow-profile",
        "--executor",
        "-e",
        "--software-deployment-method",
        "--sdm",
        "--use-conda",
    )
    return "SNAKEMAKE_PROFILE" not in os.environ and not any(
        word.partition("=")[0] in away for word in more
    )


def _follow(
    words: list[str], start: float, environment: dict[str, str]
) -> tuple[int, int, deque[str]]:
    """Run Snakemake, print its progress; return its exit code, how many steps failed (or
    `STOPPED`), its last lines."""
    failed, tail = 0, deque[str](maxlen=KEPT)
    with subprocess.Popen(
        words,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        bufsize=1,
    ) as workflow:
        before = signal.signal(signal.SIGTERM, _stop)
        try:
            for line in progress(_kept(workflow.stdout or (), tail), start):
                print(line, flush=True)
                failed += line.startswith("FAILED")
        except KeyboardInterrupt:
            workflow.terminate()
            print("stopping: the next run goes on from the finished steps", file=sys.stderr)
            failed = STOPPED
        finally:
            signal.signal(signal.SIGTERM, before)
        return workflow.wait(), failed, tail


def _say_failed(name: str, failed: int, tail: Iterable[str]) -> None:
    if failed:
        remedy = f"the first line of each log in results/{name}/logs/ is the command that repeats its step"
        print(f"{failed} steps failed (above); {remedy}", file=sys.stderr)
    else:
        print("".join(tail), file=sys.stderr)
        print("the workflow failed; its last lines are above", file=sys.stderr)
    print("finished steps are kept: mend the cause and run again", file=sys.stderr)


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def _kept(lines: Iterable[str], tail: deque[str]) -> Iterator[str]:
    for line in lines:
        tail.append(line)
        yield line


def progress(lines: Iterable[str], start: float) -> Iterator[str]:
    """Yield what a user wants to see of Snakemake's output: steps begun, done and to go, faults,
    time left.

    Parameters
    ----------
    lines : iterable of str
        Snakemake's output with that of the steps in it.
    start : float
        When it began (``time.monotonic``).
    """
    done, total, left, failed = 0, 0, "", False
    for line in map(str.rstrip, lines):
        if found := re.match(r"total\s+(\d+)$", line):
            total = int(found[1])
        elif found := re.match(r"(\d+) of (\d+) steps \(", line):
            done, total = int(found[1]), int(found[2])
            left = (
                f", about {format_duration((time.monotonic() - start) * (total - done) / done)} to go"
                if done
                else ""
            )
            if done == total:
                yield f"[{done}/{total} steps] all done"
        elif re.match(r"[\w.]+( [\w.+-]+)?: (begun|\d+/\d+ )", line) or line.startswith(
            ("set aside: ", "stopped: ")
        ):
            yield f"[{done}/{total or '?'} steps{left}] {line}"
        elif line.startswith("Nothing to be done"):
            yield "nothing to do: every result is up to date"
        elif line.startswith("Error in rule"):
            failed = True
            yield f"FAILED: {line.removeprefix('Error in ').rstrip(':')}"
        elif failed and line.strip().startswith("log: "):
            failed = False
            yield f"        {line.strip().replace(' (check log file(s) for error details)', '')}"
        elif re.match(r"(?!CalledProcess)(\w+\.)*\w+(Error|Exception|Interrupt)( in .*)?: ", line):
            yield line


def format_duration(seconds: float) -> str:
    """Return a time span for people."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def summarise_outcome(folder: Path, conclusions: Iterable[Path]) -> list[str]:
    """Return lines that say where the report is and what it says: verdicts, and what was set
    aside."""
    from ssbchar.results.joint.summary import read_summary
    from ssbchar.results.number_format import format_value
    from ssbchar.results.report.exclusions import collect_exclusions, describe_exclusion
    from ssbchar.results.report.page import QUESTIONS
    from ssbchar.storage import store

    rows = read_summary(folder / "summary.csv")
    lines = ["", "Verdicts:"]
    for row in rows:
        if row.quantity in QUESTIONS:
            about = " ".join(
                filter(None, (row.technique, row.subject if row.subject != row.sample else ""))
            )
            lines.append(
                f"  {row.sample}: {row.quantity.replace('_', ' ')} ({about}): {row.verdict or format_value(row)}"
            )
    left = collect_exclusions(store.read_json(path)["labels"] for path in conclusions)
    lines += (
        ["Set aside:", *(f"  {describe_exclusion(a)}" for a in left)]
        if left
        else ["Nothing was set aside."]
    )
    lines += [
        "",
        f"{len(rows)} conclusions: {folder / 'summary.csv'}",
        f"Report: {folder / 'report.html'}",
    ]
    return lines
