"""One command from a config to its report: check, run the workflow with its progress shown, list
the verdicts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import ssbchar
from ssbchar.campaign import config as configs
from ssbchar.campaign.config import ROLES
from ssbchar.campaign.row import Row, split_names
from ssbchar.pipeline import ledger, preload_server, snakemake_plugins, stale_runs
from ssbchar.pipeline.profile import PROFILE_VARIABLE
from ssbchar.pipeline.workflow_progress import WorkflowProgress, format_duration
from ssbchar.storage import atomic_write

SNAKEFILE = Path("workflow/Snakefile")
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
PLUGIN_FOLDER = Path(snakemake_plugins.__file__).parent
"""Where Snakemake finds the logger plugin ``ssbchar``."""


def run_workflow(
    config: str,
    cores: str,
    more: Sequence[str] = (),
    *,
    summarise: Callable[[Path, Iterable[Path]], list[str]],
    profile: bool = False,
    hash_all: bool = False,
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
    summarise : callable
        Takes ``results/<run>`` and its files of conclusions; returns the lines printed at the end.
    profile : bool
        Write into each log where the step's time went.
    hash_all : bool
        Hash every result that is there, not only those whose size or time changed.

    Raises
    ------
    BadConfig
        One line per fault.
    """
    checked = configs.read_config(config, look=True)
    _say_what_was_found(config, checked)
    written = str(_write_checked(checked))
    command = _make_command(written, cores, more)
    if stale_runs.was_killed() and not stale_runs.find_processes("snakemake"):
        _clear_folder(command)
    name = checked.config.run
    damaged = [
        one
        for one in ledger.find_damaged(Path("results", name, ledger.LOGS), hash_all=hash_all)
        if _is_wanted(one.path, name, checked.rows)
    ]
    for one in damaged:
        print(f"{one.file}: {one.damage}; it is made anew", flush=True)
    command = _make_command(written, cores, _force(more, [one.path for one in damaged]))
    start = time.monotonic()
    with stale_runs.mark_run(), preload_server.running(_runs_here(more)) as environment:
        if profile:
            environment[PROFILE_VARIABLE] = "1"
        progress = WorkflowProgress(start=start)
        code, stopped = _follow(command, environment, progress)
    if stopped:
        return code
    if code:
        _report_failure(name, progress)
        return code
    print(f"finished in {format_duration(time.monotonic() - start)}")
    folder = Path("results") / name
    conclusions = [folder / r.technique / r.measurement / "conclusions.json" for r in checked.rows]
    made = [path for path in conclusions if path.is_file()]
    print("\n".join(summarise(folder, made)))
    return 0


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
    snakefile = SNAKEFILE
    if not snakefile.is_file():
        snakefile = Path(ssbchar.__file__).parent.parent / SNAKEFILE
    words = ["--snakefile", str(snakefile), "--configfile", config, "--cores", cores]
    words += ["--rerun-incomplete", "--keep-going", "--logger", "ssbchar"]
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


def _report_failure(name: str, progress: WorkflowProgress) -> None:
    if progress.failed:
        print(
            f"{progress.failed} steps failed (above); the first line of each log in "
            f"results/{name}/logs/ is the command that repeats its step",
            file=sys.stderr,
        )
    else:
        print("\n".join(progress.last_lines), file=sys.stderr)
        print("the workflow failed; its last lines are above", file=sys.stderr)
    print("finished steps are kept: mend the cause and run again", file=sys.stderr)
