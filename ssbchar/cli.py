"""The command line: ``ssbchar new | demo | run | watch | check | verify | diff | figure | export |
completion | compile | step | simulate | schema``."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from pathlib import Path

from ssbchar import __version__, completion
from ssbchar.errors import BadConfig, BadInput

DEFAULT_CONFIG = "config/config.yaml"
WINDOWS = (
    "ssbchar runs on Linux and macOS; on Windows install it in the Windows Subsystem for Linux "
    "(wsl --install)"
)
"""What is said where nothing can run: locks of files and limits of processes are missing."""


def main(words: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    words : sequence of str, optional
        The command with its arguments; by default those of this process.

    Returns
    -------
    int
        Exit code: 0 success; 1 a fault in config or input, or a failing disk; 2 wrong arguments.
    """
    if sys.platform == "win32":
        print(f"stopped: {WINDOWS}", file=sys.stderr)
        return 1
    words = sys.argv[1:] if words is None else words
    if words[:1] == ["step"]:
        from ssbchar.pipeline import preload_server

        code = preload_server.submit(words)
        if code is not None:
            return code
    words, more = split_words(words)
    arguments = _make_parser().parse_args(words)
    arguments.more = more
    try:
        return int(arguments.run(arguments) or 0)
    except (BadConfig, BadInput) as error:
        print(error, file=sys.stderr)
        return 1
    except Exception as error:
        from ssbchar.storage import atomic_write

        machine = atomic_write.find_machine_fault(error)
        if machine is None:
            raise
        print(f"stopped: {atomic_write.describe_machine_fault(machine)}", file=sys.stderr)
        return 1


def split_words(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the words of a command, and those behind ``--`` of ``run``, which are for Snakemake.

    Parameters
    ----------
    words : sequence of str
    """
    own = list(words)
    if own[:1] != ["run"] or "--" not in own:
        return own, []
    place = own.index("--")
    return own[:place], own[place + 1 :]


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ssbchar", description="Solid-state-battery characterization."
    )
    parser.add_argument("--version", action="version", version=f"ssbchar {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    new = commands.add_parser(
        "new", help="look into a folder of raw files, write a config and a sample sheet for it"
    )
    new.add_argument("folder", type=Path, metavar="FOLDER", help="it is never written to")
    new.add_argument(
        "--to", type=Path, metavar="FOLDER", help="of config and sheet; by default config/<name>"
    )
    new.add_argument("--name", default="", help="of the run; by default that of the folder")
    new.set_defaults(run=_new)
    demo = commands.add_parser(
        "demo", help="make demonstration data in this folder and run them to a report"
    )
    demo.add_argument("--cores", default="all")
    demo.add_argument(
        "--size",
        choices=("first", "small", "whole"),
        default="first",
        help="each technique once; all measurements with fewer frames; all frames and repeats",
    )
    demo.set_defaults(run=_demo)
    ahead = commands.add_parser(
        "compile", help="compile loops now, once after installing, so that no run waits for it"
    )
    ahead.set_defaults(run=_compile)
    _add_run(commands.add_parser("run", help="raw files to results/<run>/report.html"))
    _add_watch(
        commands.add_parser(
            "watch", help="take files as they come, show them on a page of this machine"
        )
    )
    check = commands.add_parser(
        "check", help="check a config and all that it names, say what was understood, run nothing"
    )
    check.add_argument("config", nargs="?", default=DEFAULT_CONFIG)
    check.add_argument(
        "--quick", action="store_true", help="config and sheet alone: open no raw file and no CIF"
    )
    check.set_defaults(run=_check)
    verify = commands.add_parser(
        "verify", help="hash every input and output of a run again, list what changed"
    )
    verify.add_argument(
        "run_folder", type=Path, metavar="RUN", help="results/<run>, or a copy of it"
    )
    verify.set_defaults(run=_verify)
    diff = commands.add_parser(
        "diff", help="compare two runs, number by number against their uncertainties"
    )
    diff.add_argument("first", type=Path, metavar="RUN")
    diff.add_argument("second", type=Path, metavar="RUN")
    diff.set_defaults(run=_diff)
    _add_figure(
        commands.add_parser("figure", help="draw a figure of a run again: style, width, format")
    )
    export = commands.add_parser(
        "export", help="write a run as xlsx, Athena project, TOPAS start files, CSV for Origin"
    )
    export.add_argument("run_folder", type=Path, metavar="RUN", help="results/<run>")
    export.add_argument("--to", type=Path, default=Path("exports"), metavar="FOLDER")
    export.add_argument(
        "--format", action="append", choices=("xlsx", "athena", "topas", "origin"), default=[]
    )
    export.set_defaults(run=_export)
    _add_step(commands.add_parser("step", help="run one step by hand, as its log shows"))
    _add_simulate(
        commands.add_parser("simulate", help="write demonstration raw data with known truth")
    )
    preload = commands.add_parser(
        "preload", help="what `run` starts: a process that forks steps on request at a socket"
    )
    preload.add_argument("socket", type=Path)
    preload.set_defaults(run=_preload)
    schema = commands.add_parser(
        "schema", help="write the config schema, the page of options and the data model"
    )
    schema.set_defaults(run=_schema)
    completed = commands.add_parser(
        "completion", help="print what completes commands in a shell: source it, or save it there"
    )
    completed.add_argument("shell", choices=completion.SHELLS)
    completed.set_defaults(run=_completion)
    return parser


def _add_run(run: argparse.ArgumentParser) -> None:
    run.add_argument("config", nargs="?", default=DEFAULT_CONFIG)
    run.add_argument("--cores", default="all")
    run.add_argument(
        "--profile", action="store_true", help="write into each log where the step's time went"
    )
    run.add_argument(
        "--check",
        action="store_true",
        help="hash every result that is there; without it those whose size or time changed",
    )
    run.add_argument(
        "--dry-run", action="store_true", help="list the steps that would run, and why; run nothing"
    )
    run.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="hexrd|SAMPLE|MEASUREMENT",
        help="these measurements and what they need, without summary and report; may be repeated",
    )
    run.usage = f"{run.format_usage().removeprefix('usage: ').rstrip()} [-- WORD ...]"
    run.epilog = "Words after -- are for snakemake."
    run.set_defaults(run=_run)


def _add_watch(watch: argparse.ArgumentParser) -> None:
    watch.description = (
        "New frames, scans and experiments of a config's sheet are read and fitted as they come, "
        "each from the one before; a page at localhost shows cells, map, last pattern, what can be "
        "said so far and what is set aside. A watch that was stopped or killed goes on."
    )
    watch.add_argument("config", nargs="?", default=DEFAULT_CONFIG)
    watch.add_argument("--port", type=int, default=8765, help="of the page; 0 takes a free one")
    watch.add_argument(
        "--until", type=int, metavar="N", help="end when so many frames and scans were taken"
    )
    watch.add_argument(
        "--finish", action="store_true", help="when it ends, run the workflow: `ssbchar run CONFIG`"
    )
    watch.add_argument("--cores", default="all", help="of that run")
    watch.add_argument(
        "--steady",
        type=float,
        default=0.3,
        metavar="SECONDS",
        help="how long a file must be the same before it is read (0.3; scans 2 at least)",
    )
    watch.add_argument(
        "--every", type=float, default=0.1, metavar="SECONDS", help="between two looks (0.1)"
    )
    watch.set_defaults(run=_watch)


def _add_figure(figure: argparse.ArgumentParser) -> None:
    figure.add_argument("run_folder", type=Path, metavar="RUN", help="results/<run>")
    figure.add_argument(
        "name", nargs="?", default="", help="contour, or measurement/contour; without it a list"
    )
    figure.add_argument("--to", type=Path, metavar="FILE", help="by default NAME.pdf")
    figure.add_argument("--style", type=Path, metavar="FILE", help="a .mplstyle of matplotlib")
    figure.add_argument("--width", type=float, metavar="MM", help="by default as in the report")
    figure.add_argument(
        "--no-letters", action="store_true", help="write no letters into the panels"
    )
    figure.set_defaults(run=_figure)


def _add_step(step: argparse.ArgumentParser) -> None:
    step.add_argument("name", help="room.function")
    step.add_argument("inputs", nargs="*", metavar="ARGUMENT=PATH")
    step.add_argument("--options", default="{}", help="departures from the defaults (JSON)")
    step.add_argument("--labels", default="{}", help="measurement, sample, role (JSON)")
    step.add_argument("--output", required=True, type=Path, nargs="+")
    step.add_argument("--log", type=Path)
    step.add_argument(
        "--ended",
        type=int,
        metavar="CODE",
        help="what the workflow adds where the step ended with an exit code: a crash is written "
        "into the outputs",
    )
    step.add_argument(
        "--profile", action="store_true", help="write into the log where the time went"
    )
    step.set_defaults(run=_step)


def _add_simulate(simulate: argparse.ArgumentParser) -> None:
    simulate.add_argument("--out", type=Path, default=Path("data_raw/demo"))
    simulate.add_argument("--seed", type=int, default=None)
    simulate.add_argument(
        "--ideal", action="store_true", help="leave out what the fitters do not model"
    )
    simulate.add_argument(
        "--small", action="store_true", help="fewer frames and repeats, for quick tests"
    )
    simulate.add_argument(
        "--counts", type=float, default=1.0, help="counts of the heating series over the usual ones"
    )
    simulate.set_defaults(run=_simulate)


def _new(arguments: argparse.Namespace) -> None:
    from ssbchar.campaign.new import start

    made = start.start_campaign(arguments.folder, arguments.to, arguments.name)
    print("\n".join(made.said))
    written = ", ".join(str(path) for path in (made.config, made.sheet, made.phases) if path)
    print(f"\nwritten: {written}")
    print(f"read what stands behind ? in {made.sheet}, then:")
    print(f"    ssbchar check {made.config}\n    ssbchar run {made.config}", flush=True)


def _compile(arguments: argparse.Namespace) -> None:
    from ssbchar.pipeline import compile_ahead

    start = time.monotonic()
    compile_ahead.compile_loops_ahead()
    print(f"loops are compiled ({time.monotonic() - start:.0f} s)")


def _demo(arguments: argparse.Namespace) -> int:
    from ssbchar.pipeline import demonstration, run

    wanted = demonstration.SIZES[arguments.size]
    print(f"synthetic raw files in {wanted.raw}", flush=True)
    config = demonstration.prepare_demonstration(wanted)
    words = run.RunWords(cores=arguments.cores)
    return run.run_workflow(config, words, summarise=_summarise)


def _run(arguments: argparse.Namespace) -> int:
    from ssbchar.pipeline import run

    words = run.RunWords(
        cores=arguments.cores,
        more=tuple(arguments.more),
        only=tuple(arguments.only),
        dry_run=arguments.dry_run,
        profile=arguments.profile,
        hash_all=arguments.check,
    )
    return run.run_workflow(arguments.config, words, summarise=_summarise)


def _watch(arguments: argparse.Namespace) -> int:
    from ssbchar.live import watch

    words = watch.WatchWords(
        port=arguments.port,
        steady=arguments.steady,
        every=arguments.every,
        until=arguments.until,
    )
    watch.check_words(words)
    watch.watch(arguments.config, words, lambda line: print(line, flush=True))
    if not arguments.finish:
        print(f"ssbchar run {arguments.config} reads all anew and gives results", flush=True)
        return 0
    from ssbchar.pipeline import run

    run_words = run.RunWords(cores=arguments.cores)
    return run.run_workflow(arguments.config, run_words, summarise=_summarise)


def _summarise(folder: Path, conclusions: Iterable[Path], is_whole: bool) -> list[str]:
    from ssbchar.results.outcome import summarise_outcome  # not before it is needed, at the end

    return summarise_outcome(folder, conclusions, is_whole)


def _completion(arguments: argparse.Namespace) -> None:
    print(completion.write_script(_make_parser(), arguments.shell), end="")


def _preload(arguments: argparse.Namespace) -> int:
    from ssbchar.pipeline import preload_server

    return preload_server.serve(arguments.socket, main)


def _verify(arguments: argparse.Namespace) -> int:
    from ssbchar.results.provenance import verify

    found = verify.verify_run(arguments.run_folder)
    print("\n".join(verify.report_changes(arguments.run_folder, found)))
    return 1 if found.changes else 0


def _diff(arguments: argparse.Namespace) -> int:
    from ssbchar.results.provenance import compare_runs

    lines, same = compare_runs.report_differences(arguments.first, arguments.second)
    print("\n".join(lines))
    return 0 if same else 1


def _figure(arguments: argparse.Namespace) -> None:
    from ssbchar.results import redraw

    if not arguments.name:
        print("\n".join(one.full_name for one in redraw.list_figures(arguments.run_folder)))
        return
    written = redraw.write_figure(
        arguments.run_folder,
        arguments.name,
        to=arguments.to,
        own_style=arguments.style,
        width=arguments.width,
        letters=not arguments.no_letters,
    )
    print(written)


def _export(arguments: argparse.Namespace) -> None:
    from ssbchar.results.export import export

    formats = arguments.format or export.FORMATS
    print("\n".join(map(str, export.export_run(arguments.run_folder, arguments.to, formats))))


def _schema(arguments: argparse.Namespace) -> None:
    from ssbchar.campaign import schema

    schema.write_files()


def _check(arguments: argparse.Namespace) -> int:
    from ssbchar.campaign import check

    report = check.check_campaign(arguments.config, quick=arguments.quick)
    print("\n".join(report.said), flush=True)
    for fault in report.faults:
        print(fault, file=sys.stderr)
    return 1 if report.faults else 0


def _step(arguments: argparse.Namespace) -> int:
    from ssbchar.storage import reading

    crash = None if arguments.ended is None else reading.find_crash(arguments.ended)
    if arguments.ended is not None and crash is None:
        return int(arguments.ended)
    from ssbchar.pipeline import profile, step
    from ssbchar.runtime.progress import print_line

    inputs: dict[str, list[Path]] = {}
    for word in arguments.inputs:
        name, _, path = word.partition("=")
        inputs.setdefault(name, []).append(Path(path))
    options, labels = json.loads(arguments.options), json.loads(arguments.labels)
    title = f"{arguments.name} {labels.get('measurement', '')}".strip()
    command = step.format_command(
        arguments.name, inputs, arguments.output, arguments.options, arguments.labels
    )
    if crash is not None:
        report = step.write_crash(arguments.name, inputs, arguments.output, labels, crash)
        print_line(report.message)
        _write_log(arguments.log, [command, report.message])
        _record_outputs(arguments)
        return 0
    _write_log(arguments.log, [command, "begun, not ended: run the line above to see why"])
    print_line(f"{title}: begun")
    start = time.monotonic()
    profiling = profile.is_wanted(arguments.profile)
    reading.end_endless_calls()
    with (
        profile.profile_step() if profiling else nullcontext() as profiled,
        reading.collect_tracebacks() as tracebacks,
    ):
        report = step.run_step(arguments.name, inputs, arguments.output, options, labels)
    message = [report.message.strip()] if report.message else []
    for line in message:
        print_line(line)
    seconds = time.monotonic() - start
    print_line(f"{title}: done in {seconds:.1f} s")
    profile_lines = profiled.format_lines() if profiled else []
    cost = _describe_cost(seconds)
    _write_log(arguments.log, [command, *message, cost, *profile_lines, *tracebacks])
    _record_outputs(arguments)
    return 0


def _record_outputs(arguments: argparse.Namespace) -> None:
    from ssbchar.pipeline import ledger

    if arguments.log:
        ledger.record_outputs(arguments.log, arguments.output)


def _write_log(path: Path | None, lines: Sequence[str]) -> None:
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _describe_cost(seconds: float) -> str:
    """Return wall time, processor time and the most memory this process held."""
    import resource

    from ssbchar.runtime import processes, timing

    processor = timing.measure_now().processor
    # ru_maxrss is in bytes on macOS, in kB elsewhere.
    per_megabyte = 2**20 if sys.platform == "darwin" else 2**10
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // per_megabyte
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // per_megabyte
    cost = f"done in {seconds:.2f} s; {processor:.2f} s of processors; at most {own} MB"
    if int(os.environ.get(processes.CORES_VARIABLE, "1")) > 1:
        cost += f", {child} MB in each of its processes"
    return cost


def _simulate(arguments: argparse.Namespace) -> int:
    from ssbchar.simulate import demo

    seed = demo.SEED if arguments.seed is None else arguments.seed
    start = time.monotonic()
    demo.write_demo(
        arguments.out,
        seed=seed,
        ideal=arguments.ideal,
        small=arguments.small,
        counts=arguments.counts,
    )
    size = sum(p.stat().st_size for p in arguments.out.rglob("*") if p.is_file())
    seconds = time.monotonic() - start
    print(f"{os.fspath(arguments.out)}: seed {seed}, {size / 1e6:.1f} MB in {seconds:.1f} s")
    return 0
