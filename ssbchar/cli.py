"""The command line: ``ssbchar run | check | verify | diff | step | simulate | schema``."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ssbchar.errors import BadConfig, BadInput


def main(words: Sequence[str] | None = None) -> int:
    """Run a command; return the exit code (0 well, 1 wrong config or input or a failing disk, 2
    wrong words)."""
    words = sys.argv[1:] if words is None else words
    if words[:1] == ["step"]:
        from ssbchar.pipeline import preload_server

        code = preload_server.submit(words)
        if code is not None:
            return code
    arguments = _parser().parse_args(words)
    try:
        return int(arguments.run(arguments) or 0)
    except (BadConfig, BadInput) as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        from ssbchar.storage import atomic_write

        if not atomic_write.find_machine_fault(error):
            raise
        print(f"stopped: {atomic_write.describe_machine_fault(error)}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ssbchar", description="Solid-state-battery characterization."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="raw files to results/<run>/report.html, with progress")
    run.add_argument("config", nargs="?", default="config/config.yaml")
    run.add_argument("--cores", default="all")
    run.add_argument(
        "more", nargs="*", metavar="WORD", help="after --: further words for snakemake"
    )
    run.set_defaults(run=_run)
    check = commands.add_parser("check", help="check a config and its sample sheet, run nothing")
    check.add_argument("config", nargs="?", default="config/config.yaml")
    check.set_defaults(run=_check)
    verify = commands.add_parser(
        "verify", help="hash every input and output of a run again, say what changed"
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
    step = commands.add_parser("step", help="run one step by hand, as its log shows")
    step.add_argument("name", help="slice.module.function")
    step.add_argument("inputs", nargs="*", metavar="ARGUMENT=PATH")
    step.add_argument("--options", default="{}", help="departures from the defaults (JSON)")
    step.add_argument("--labels", default="{}", help="measurement, sample, role (JSON)")
    step.add_argument("--output", required=True, type=Path, nargs="+")
    step.add_argument("--log", type=Path)
    step.set_defaults(run=_step)
    simulate = commands.add_parser("simulate", help="write demonstration raw data with known truth")
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
    preload = commands.add_parser(
        "preload", help="what `run` keeps: fork steps for those who ask at a socket"
    )
    preload.add_argument("socket", type=Path)
    preload.set_defaults(run=_preload)
    schema = commands.add_parser("schema", help="write the config schema and the page of options")
    schema.set_defaults(run=_schema)
    return parser


def _run(arguments: argparse.Namespace) -> int:
    from ssbchar.pipeline import run

    return run.run(arguments.config, arguments.cores, arguments.more)


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

    said, same = compare_runs.report_differences(arguments.first, arguments.second)
    print("\n".join(said))
    return 0 if same else 1


def _schema(arguments: argparse.Namespace) -> None:
    from ssbchar.campaign import schema

    schema.write_files()


def _check(arguments: argparse.Namespace) -> int:
    from ssbchar.campaign import config

    found = config.read_config(arguments.config)
    counts = {t: sum(r.technique == t for r in found.rows) for t in config.ROLES}
    print(
        f"{arguments.config}: good; "
        + ", ".join(f"{n} {t}" for t, n in counts.items() if n)
        + " measurements"
    )
    return 0


def _step(arguments: argparse.Namespace) -> int:
    from ssbchar.pipeline import step
    from ssbchar.runtime import timing

    inputs: dict[str, list[Path]] = {}
    for word in arguments.inputs:
        name, _, path = word.partition("=")
        inputs.setdefault(name, []).append(Path(path))
    label = json.loads(arguments.labels)
    title = f"{arguments.name} {label.get('measurement', '')}".strip()
    by_hand = step.format_command(
        arguments.name, inputs, arguments.output, arguments.options, arguments.labels
    )
    if arguments.log:
        arguments.log.parent.mkdir(parents=True, exist_ok=True)
        arguments.log.write_text(
            f"{by_hand}\nbegun, not ended: run the line above to see why\n", encoding="utf-8"
        )
    sys.stderr.write(f"{title}: begun\n")  # one write: steps side by side share the terminal
    start = time.monotonic()
    done = step.run_step(
        arguments.name, inputs, arguments.output, json.loads(arguments.options), label
    )
    if done.told:
        print(done.told.strip(), file=sys.stderr)
    seconds = time.monotonic() - start
    sys.stderr.write(f"{title}: done in {seconds:.1f} s\n")
    if arguments.log:
        cost = f"done in {seconds:.2f} s, {done.computing.wall:.2f} s of it computing; {_memory()}"
        cost += f"; {timing.measure_now().processor:.2f} s of processors, {done.computing.processor:.2f} s of it computing"
        told = f"{done.told.strip()}\n" if done.told else ""
        arguments.log.write_text(f"{by_hand}\n{told}{cost}\n", encoding="utf-8")
    return 0


def _memory() -> str:
    """Return the most memory this process held, and its largest child where it had any."""
    import resource

    from ssbchar.runtime import processes

    unit = 2**20 if sys.platform == "darwin" else 2**10  # bytes there, kB elsewhere
    own, child = (
        resource.getrusage(of).ru_maxrss // unit
        for of in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    several = int(os.environ.get(processes.CORES_VARIABLE, "1")) > 1
    return f"at most {own} MB" + (f", {child} MB in each of its processes" if several else "")


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
    print(
        f"{os.fspath(arguments.out)}: seed {seed}, {size / 1e6:.1f} MB in {time.monotonic() - start:.1f} s"
    )
    return 0
