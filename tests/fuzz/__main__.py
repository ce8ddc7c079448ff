"""``python -m tests.fuzz [run] ... | table ...``; docs/fuzz.md says more."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from . import campaign, page

RESULTS = Path("results/fuzz/cases.jsonl")
SEEDS = (1, 2, 3)
CASES = 10_000
PAGE = Path("docs/fuzz.md")


def main(words: Sequence[str]) -> int:
    """Run a command; return its exit code."""
    if not words or words[0] not in ("run", "table", "-h", "--help"):
        words = ["run", *words]
    arguments = _make_parser().parse_args(words)
    return int(arguments.run(arguments))


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="draw cases and run them, each in a process of its own")
    run.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    run.add_argument("--cases", type=int, default=CASES, help="of each seed")
    run.add_argument("--first", type=int, default=0, help="number of the first case")
    run.set_defaults(run=_run)
    table = commands.add_parser("table", help=f"write {PAGE}")
    table.set_defaults(run=_table)
    for command in (run, table):
        command.add_argument("--results", type=Path, default=RESULTS)
    return parser


def _run(arguments: argparse.Namespace) -> int:
    """Run cases; the exit code is 1 where one of them is bad."""
    arguments.results.parent.mkdir(parents=True, exist_ok=True)
    counts: Counter[campaign.Outcome] = Counter()
    fuzzer = campaign.Fuzzer()
    numbers = range(arguments.first, arguments.first + arguments.cases)
    with open(arguments.results, "w", encoding="utf-8") as file:
        file.write(campaign.write_head(_find_commit()))
        for seed in arguments.seeds:
            for case in campaign.run_cases(seed, numbers, fuzzer):
                counts[case.outcome] += 1
                file.write(campaign.write_case(case))
                file.flush()
                if case.outcome in (*campaign.BAD, campaign.Outcome.UNFORESEEN):
                    print(campaign.describe_case(case), flush=True)
    print(", ".join(f"{outcome}: {count}" for outcome, count in counts.items()))
    return int(any(counts[outcome] for outcome in campaign.BAD))


def _find_commit() -> str:
    """Return the commit, with ``+`` where there are uncommitted changes of the readers."""
    words = ("git", "describe", "--always", "--abbrev=10", "--exclude=*", "--dirty=+")
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def _table(arguments: argparse.Namespace) -> int:
    if not arguments.results.is_file():
        print(f"{arguments.results}: no results; run `python -m tests.fuzz` first", file=sys.stderr)
        return 1
    PAGE.write_text(page.format_page(*campaign.read_cases(arguments.results)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
