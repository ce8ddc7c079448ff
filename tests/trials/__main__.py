"""``python -m tests.trials [run] ... | report ... | table ...``; docs/trials.md says more."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from . import campaign, cases, page, tally

TECHNIQUES = ("hexrd", "xas", "nmr")
RESULTS = Path("results/trials")
"""Where the results files are, one per technique."""
WHOLE = {"xas": 300, "nmr": 300}
WHOLE_HEXRD = {"series": 60, "pellets": 100}
"""Numbers of cases of a whole campaign."""
FIRST_SEED = 1000


def main(words: Sequence[str]) -> int:
    """Run a command; return its exit code."""
    if not words or words[0] not in ("run", "report", "table", "-h", "--help"):
        words = ["run", *words]
    arguments = _make_parser().parse_args(words)
    try:
        return int(arguments.run(arguments) or 0)
    except cases.NoTrials as error:
        print(f"skipped: {error}", file=sys.stderr)
        return 0


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.trials", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="draw cases and run them; resumes where it was ended")
    run.add_argument("--technique", choices=TECHNIQUES, action="append")
    run.add_argument(
        "--scenario", default="", help="names with commas; hexrd: also 'series' and 'pellets'"
    )
    run.add_argument("--count", type=int, help="cases of each technique; default: whole campaign")
    run.add_argument("--first-seed", type=int, default=FIRST_SEED)
    run.add_argument("--workers", type=int, default=2)
    run.add_argument("--time-limit", type=float, default=campaign.TIME_LIMIT, help="per case [s]")
    run.add_argument("--retry", action="store_true", help="run crashed and hung cases again")
    run.set_defaults(run=_run)
    report = commands.add_parser("report", help="print the tables, and what is silently wrong")
    report.add_argument("--technique", choices=TECHNIQUES, action="append")
    report.add_argument("--scenario", default="")
    report.set_defaults(run=_report)
    table = commands.add_parser("table", help="write docs/trials.md")
    table.set_defaults(run=_table)
    for command in (run, report, table):
        command.add_argument("--results", type=Path, default=RESULTS, help="folder of the results")
    return parser


def _run(arguments: argparse.Namespace) -> int:
    # What is asked to end ends its cases too.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    folder = cases.find_trials()
    for technique in arguments.technique or TECHNIQUES:
        drawn = draw(technique, folder, arguments)
        path = arguments.results / f"{technique}.jsonl"
        how = {"workers": arguments.workers, "time_limit": arguments.time_limit}
        for finished in campaign.run_campaign(drawn, path, folder, retry=arguments.retry, **how):
            print("\n".join(_describe_end(finished)), flush=True)
        names = {case.name for case in drawn}
        found = [f for f in campaign.read_results(path) if f.case.name in names]
        _print_tables(technique, [tally.judge_case(f) for f in found])
    return 0


def draw(technique: str, folder: Path, arguments: argparse.Namespace) -> list[cases.Case]:
    """Return the cases that the arguments ask for."""
    known = cases.list_scenarios(technique, folder)
    groups = {
        "series": cases.select_pellets(known, pellets=False),
        "pellets": cases.select_pellets(known, pellets=True),
    }
    asked = cases.split_scenarios(arguments.scenario, [*known, *groups])
    first = arguments.first_seed
    if technique == "hexrd" and not asked and arguments.count is None:
        return [
            case
            for name, count in WHOLE_HEXRD.items()
            for case in cases.draw_cases(technique, groups[name], count, first)
        ]
    wanted = [name for one in asked for name in groups.get(one, [one])] or known
    if technique in WHOLE:
        whole = WHOLE[technique] if not asked else len(wanted)
    else:
        whole = len(wanted)
    count = whole if arguments.count is None else arguments.count
    return cases.draw_cases(technique, wanted, count, first)


def _describe_end(finished: campaign.Finished) -> list[str]:
    judged = tally.judge_case(finished)
    head = f"{finished.case.name}: {finished.status}, {finished.seconds:.1f} s"
    return [head, *(f"    {line}" for line in tally.list_wrong([judged]))]


def _print_tables(technique: str, judged: Sequence[tally.JudgedCase]) -> None:
    if judged:
        print("\n".join(["", *tally.format_technique(technique, judged), ""]), flush=True)


def _report(arguments: argparse.Namespace) -> None:
    for technique in arguments.technique or TECHNIQUES:
        found = campaign.read_results(arguments.results / f"{technique}.jsonl")
        asked = cases.split_scenarios(arguments.scenario, {f.case.scenario for f in found})
        judged = [tally.judge_case(f) for f in found if not asked or f.case.scenario in asked]
        _print_tables(technique, judged)
        print("\n".join(tally.list_wrong(judged)))


def _table(arguments: argparse.Namespace) -> None:
    found = {
        technique: [
            tally.judge_case(f)
            for f in campaign.read_results(arguments.results / f"{technique}.jsonl")
        ]
        for technique in TECHNIQUES
    }
    page.write_page(cases.ROOT / "docs" / "trials.md", found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
