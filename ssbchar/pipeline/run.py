"""One command from a config to its report: check, run the workflow with its progress shown, list
the verdicts."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ssbchar.campaign import config as configs
from ssbchar.campaign.config import ROLES
from ssbchar.campaign.row import Row, split_names
from ssbchar.description import count_of
from ssbchar.errors import BadInput
from ssbchar.pipeline import ledger, preload_server, snakemake_plugins, stale_runs
from ssbchar.pipeline.profile import PROFILE_VARIABLE
from ssbchar.pipeline.workflow_progress import WorkflowProgress, format_duration
from ssbchar.runtime.options import suggest_word
from ssbchar.runtime.shipped_files import prefer_own
from ssbchar.storage import atomic_write

SNAKEFILE = "workflow/Snakefile"
FORCE = ("--forcerun", "-R")
"""Words after which Snakemake takes outputs that are made anew."""
END_OF_LIST = "--keep-going"
"""A word without a value, so that what follows it is no output to make anew."""
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
SELECTED_RULE = "selected"
"""The rule that makes all of some measurements."""
SELECTION_VARIABLE = "SSBCHAR_ONLY"
"""Environment variable with the measurements of that rule, with commas."""
PLUGIN_FOLDER = Path(snakemake_plugins.__file__).parent
"""Where Snakemake finds the logger plugin ``ssbchar``."""


@dataclass(frozen=True, kw_only=True)
class RunWords:
    """How a workflow is run."""

    cores: str = "all"
    """A number or ``all``."""
    more: tuple[str, ...] = ()
    """Further words for Snakemake (``--profile workflow/profiles/slurm``)."""
    only: tuple[str, ...] = ()
    """Techniques, samples or measurements; empty for all."""
    dry_run: bool = False
    """List the steps that would run, and why; run nothing."""
    profile: bool = False
    """Write into each log where the step's time went."""
    hash_all: bool = False
    """Hash every result that is there, not only those whose size or time changed."""


def run_workflow(
    config: str,
    words: RunWords,
    *,
    summarise: Callable[[Path, Iterable[Path], bool], list[str]],
) -> int:
    """Run the workflow of a config file; return Snakemake's exit code.

    Parameters
    ----------
    config : str
        The config file; it is checked first, and nothing starts with a fault in it.
    words : RunWords
        How it is run.
    summarise : callable
        Takes ``results/<run>``, its files of conclusions, and whether these are all of the run;
        returns the lines printed at the end.

    Raises
    ------
    BadConfig
        One line per fault.
    BadInput
        ``words.only`` names nothing of the sheet.
    """
    checked = configs.read_config(config, look=True)
    rows = select_rows(checked.rows, words.only)
    _say_what_was_found(config, checked)
    more = list(words.more)
    if words.only:
        more = [SELECTED_RULE, *more]
    dry_run = words.dry_run or any(map(_asks_dry_run, words.more))
    if words.dry_run and not any(map(_asks_dry_run, words.more)):
        more.append("--dry-run")
    written = str(_write_checked(checked))
    command = _make_command(written, words.cores, more)
    was_killed = stale_runs.was_killed() and not stale_runs.find_processes("snakemake")
    if was_killed and not dry_run:
        _clear_folder(command)
    name = checked.config.run
    results = Path("results") / name
    damaged = [
        one
        for one in ledger.find_damaged(results / ledger.LOGS, hash_all=words.hash_all)
        if _is_wanted(one.path, name, checked.rows)
    ]
    for one in damaged:
        would = "would be" if dry_run else "is"
        print(f"{one.file}: {one.damage}; it {would} made anew", flush=True)
    command = _make_command(written, words.cores, _force(more, [one.path for one in damaged]))
    start = time.monotonic()
    progress = WorkflowProgress(start=start)
    selection = {SELECTION_VARIABLE: ",".join(r.measurement for r in rows)} if words.only else {}
    if dry_run:
        code, stopped = _follow(command, {**os.environ, **selection}, progress)
    else:
        with stale_runs.mark_run(), preload_server.running(_runs_here(more)) as environment:
            environment.update(selection)
            if words.profile:
                environment[PROFILE_VARIABLE] = "1"
            code, stopped = _follow(command, environment, progress)
    if stopped:
        return code
    if code:
        _report_failure(name, progress, dry_run=dry_run)
        return code
    if not progress.planned:
        # Words by which Snakemake does something else: what it said is the answer.
        print("\n".join(progress.unplanned))
        return 0
    if dry_run:
        print(f"{count_of(progress.would_run, 'step')} would run; nothing was run")
        return 0
    print(f"finished in {format_duration(time.monotonic() - start)}")
    conclusions = [results / r.technique / r.measurement / "conclusions.json" for r in rows]
    made = [path for path in conclusions if path.is_file()]
    is_whole = not words.only and _is_newest(results / "summary.csv", made)
    print("\n".join(summarise(results, made, is_whole)))
    return 0


def select_rows(rows: Sequence[Row], only: Sequence[str]) -> list[Row]:
    """Return the rows that techniques, samples or measurements name; all where none is given.

    Parameters
    ----------
    rows : sequence of Row
    only : sequence of str

    Raises
    ------
    BadInput
        A word names nothing of the sheet.
    """
    for word in only:
        if not any(word in (r.technique, r.sample, r.measurement) for r in rows):
            known = sorted({n for r in rows for n in (r.technique, r.sample, r.measurement)})
            problem = "is no technique, sample or measurement of the sample sheet"
            raise BadInput(f"--only {word}", problem, suggest_word(word, known))
    return [
        r for r in rows if not only or {r.technique, r.sample, r.measurement}.intersection(only)
    ]


def _asks_dry_run(word: str) -> bool:
    """Return whether a word for Snakemake asks for a dry run, as ``-n``, ``-np`` or
    ``--dry-run``."""
    return word.startswith("--dry") or re.fullmatch(r"-[pfFkt]*n[npfFkt]*", word) is not None


def _is_newest(summary: Path, conclusions: Sequence[Path]) -> bool:
    """Return whether a summary is there and at least as new as what it is made from."""
    if not summary.is_file():
        return False
    made = summary.stat().st_mtime_ns
    return all(path.stat().st_mtime_ns <= made for path in conclusions)


def _say_what_was_found(config: str, checked: configs.ConfiguredRun) -> None:
    """Print how the sheet was read, and the rows that are set aside."""
    for note in checked.notes:
        print(note)
    faults = [f"set aside: {fault}" for found in checked.set_aside.values() for fault in found]
    print("\n".join(faults), end="\n" if faults else "")
    good = len(checked.rows) - len(checked.set_aside)
    print(f"{config}: good; {good} measurements", flush=True)


def _write_checked(checked: configs.ConfiguredRun) -> Path:
    """Write the config as it was checked, for Snakemake, whose reader of YAML takes some words for
    other values and knows no encoding but UTF-8."""
    path = stale_runs.MARK.with_name(f"ssbchar.{checked.config.run}.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write.replace_atomically(path) as part:
        part.write_text(json.dumps(checked.raw, indent=1), encoding="utf-8")
    return path


def _make_command(config: str, cores: str, more: Sequence[str]) -> list[str]:
    words = ["--snakefile", prefer_own(SNAKEFILE), "--configfile", config, "--cores", cores]
    # A word that takes a list (--logger) must not stand before further words.
    words += ["--logger", "ssbchar", "--rerun-incomplete", "--keep-going"]
    return [sys.executable, "-m", "snakemake", *words, *more]


def _force(more: Sequence[str], outputs: Sequence[str]) -> list[str]:
    """Return words for Snakemake by which it makes these outputs anew."""
    if not outputs:
        return list(more)
    given = [i for i, word in enumerate(more) if word in FORCE]
    if given:
        # The last of them counts alone.
        return [*more[: given[-1] + 1], *outputs, *more[given[-1] + 1 :]]
    return [FORCE[0], *outputs, END_OF_LIST, *more]


def _is_wanted(output: str, name: str, rows: Sequence[Row]) -> bool:
    """Return whether an output belongs to the rows of a sheet, not to those of an earlier one."""
    technique, _, rest = output.removeprefix(f"results/{name}/").partition("/")
    if technique == "phases":
        return any(Path(rest).stem in split_names(row.phases) for row in rows)
    mine = [row.measurement for row in rows if row.technique == technique]
    return technique not in ROLES or rest.partition("/")[0] in mine


def _add_plugin(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which Snakemake finds the logger plugin."""
    # Snakemake looks for plugins as top-level packages, and finds none of an editable install.
    path = os.pathsep.join(filter(None, (str(PLUGIN_FOLDER), environment.get("PYTHONPATH"))))
    return {**environment, "PYTHONPATH": path}


def _clear_folder(command: Sequence[str]) -> None:
    """Prepare a folder whose last run was killed: wait for its steps to end, remove its lock."""
    for message in stale_runs.wait_for_steps():
        print(message, flush=True)
    subprocess.run(
        [*command, "--unlock"],
        env=_add_plugin(os.environ),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    print("the last run here was killed: going on from its finished steps", flush=True)


def _runs_here(more: Iterable[str]) -> bool:
    """Return whether no word sends steps elsewhere: to a cluster, or to another environment."""
    if "SNAKEMAKE_PROFILE" in os.environ:
        return False
    return not any(word.partition("=")[0] in ELSEWHERE for word in more)


def _follow(
    command: Sequence[str], environment: Mapping[str, str], progress: WorkflowProgress
) -> tuple[int, bool]:
    """Run Snakemake and print its progress; return its exit code, and whether the user stopped
    it."""
    stopped = False
    with subprocess.Popen(
        command,
        env=_add_plugin(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        bufsize=1,
    ) as workflow:
        before = signal.signal(signal.SIGTERM, _interrupt)
        try:
            for line in progress.follow(workflow.stdout or ()):
                print(line, flush=True)
        except KeyboardInterrupt:
            workflow.terminate()
            print("stopping: the next run goes on from the finished steps", file=sys.stderr)
            stopped = True
        finally:
            signal.signal(signal.SIGTERM, before)
        return workflow.wait(), stopped


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _report_failure(name: str, progress: WorkflowProgress, *, dry_run: bool = False) -> None:
    if progress.failed:
        print(
            f"{progress.failed} steps failed (above); the first line of each log in "
            f"results/{name}/logs/ is the command that repeats its step",
            file=sys.stderr,
        )
    else:
        print("\n".join(progress.last_lines), file=sys.stderr)
        print("the workflow failed; its last lines are above", file=sys.stderr)
    if not dry_run:
        print("finished steps are kept: mend the cause and run again", file=sys.stderr)
