"""The page with the table of all cases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from .campaign import BAD, BYTES, SECONDS, SECONDS_BY_THE_CLOCK, Case, Outcome
from .mutations import MUTATIONS, Expected

COLUMNS = (Outcome.SAME, Outcome.OTHER, Outcome.REFUSED, Outcome.UNFORESEEN, *BAD)
HEAD = """# Damaged and odd files

`make fuzz` spoils small sound files and reads them with the readers of a run: patterns, images,
geometry files, furnace logs, CIFs with their phases file, scans of beamlines, Bruker folders,
series and archives, config and sheet; packed files and links are among them.
Each case is drawn from a seed and a number, and runs in a process of its own with {seconds:.0f} s
of processor time ({clock:.0f} s by the clock) and {memory:.0f} GB to add. 300 cases run with
`make test`.

| a file may be | and may then give |
|---|---|
{expected}

A reader that returns nothing says so in one line (`BadInput`). *Other numbers* are allowed only
where the file says something else than before: a flipped bit in a digit is another digit.
*Caught by the guard* is one line too, of an exception that nobody foresaw: the measurement is
`failed` and the traceback is in its log. What must not be: an exception that passes the guard, a
reading without end, more memory, a process that a library ends, and wrong numbers: others than
before where nothing changed its meaning, or any where there is no content.

"""


def format_page(commit: str, cases: Sequence[Case]) -> str:
    """Return the page.

    Parameters
    ----------
    commit : str
        Of the readers that were tried.
    cases : sequence of Case
    """
    ways = {one: [m.name for m in MUTATIONS if m.expected is one] for one in Expected}
    expected = "\n".join(f"| {', '.join(ways[one])} | {one} |" for one in Expected if ways[one])
    head = HEAD.format(
        seconds=SECONDS, clock=SECONDS_BY_THE_CLOCK, memory=BYTES / 1e9, expected=expected
    )
    seeds = sorted({case.seed for case in cases})
    text = f"{head}{len(cases)} cases of seeds {', '.join(map(str, seeds))}, commit `{commit}`.\n\n"
    by_reader = _format_table("reader", [(case.reader, case.outcome) for case in cases])
    by_way = _format_table("spoilt by", [(case.mutation, case.outcome) for case in cases])
    slowest = max(cases, key=lambda case: case.seconds)
    last = f"The slowest took {slowest.seconds:.1f} s ({slowest.reader}, {slowest.mutation}).\n"
    return f"{text}{by_reader}\n{by_way}\n{last}"


def _format_table(title: str, found: Sequence[tuple[str, Outcome]]) -> str:
    counts = Counter(found)
    names = list(dict.fromkeys(name for name, _ in found))
    lines = [f"| {title} | cases | {' | '.join(COLUMNS)} |", "|---" * (len(COLUMNS) + 2) + "|"]
    for name in [*names, "all"]:
        mine = [sum(n for (a, b), n in counts.items() if b is one and name in (a, "all"))
                for one in COLUMNS]  # fmt: skip
        lines.append(f"| {name} | {sum(mine)} | {' | '.join(map(str, mine))} |")
    return "\n".join([*lines, ""])
