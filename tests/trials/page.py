"""docs/trials.md: how the trials are made and judged, and what the last campaign found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from .tally import NAMES, RULES, UNJUDGED, JudgedCase, format_technique

INTRODUCTION = """# Trials: verdicts against the truth

`make trials` draws cases whose truth is known from forward models apart from the project's own,
which lie beside it (`SSBCHAR_TRIALS`, by default `../shared/tools/trials`), and from its own
(`ssbchar.simulate`). Every step from files to verdict runs in process, each case in a process of
its own; what a reader would act on is held against the truth. A whole campaign is HEXRD 60 series
and 100 single patterns, XAS 300 pairs and NMR 300 samples, about 75 minutes of processor: by hand,
not in CI. The figures below say of how many cases they are.

```sh
# the whole campaign; resumes where it was ended
make trials
# one scenario, five seeds from 1000 on
make trials TRIALS="--technique nmr --scenario quadlow --count 5"
# one case again
make trials TRIALS="--technique hexrd --scenario creep --first-seed 1031 --count 1"
# tables and every silently wrong row of what has run; this page
python -m tests.trials report --technique nmr
python -m tests.trials table
```

The results are in `results/trials/<technique>.jsonl`, one line per case with truth and rows; remove
a file to begin anew (`--results` names another folder). A case that raises or takes longer than its
limit is a line `crashed` or `hung`. The judges are `tests/trials/judge_*.py`; their own tests,
made-up rows against made-up truths, lie beside them. A sample of each technique runs in
`make test`.

## How a row is judged

- **Silently wrong**: a positive word against the truth, or a number that stands as good (`ok`, a
  positive word, or no word) and is off by more than three times `hypot(stderr, systematic)`.
- **Needless N/A**: a number was there, by the trial's own statement, and the row is missing, or has
  neither a value nor a limit, or its limits hold all that is possible.
- **Coverage**: share of the 95 % limits that hold the truth, whatever the word; each number once
  (the share of Li-Si is that of Li metal again).
- **Right words**: rows whose word tells all that is true. `inconclusive` is not wrong, but not
  right either.
"""


def write_page(path: Path, found: Mapping[str, Sequence[JudgedCase]]) -> None:
    """Write the page; a technique without results keeps the figures that the page has.

    Parameters
    ----------
    path : Path
        The page; it need not exist.
    found : mapping
        Judged cases by technique.
    """
    known = read_figures(path)
    lines = describe_judges()
    for technique in RULES:
        cases = found.get(technique)
        section = format_technique(technique, cases) if cases else known.get(technique)
        lines += ["", *section] if section else []
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def describe_judges() -> list[str]:
    """Return how cases are made and judged: the page without figures."""
    lines = INTRODUCTION.splitlines()
    for technique, rules in RULES.items():
        lines += ["", f"### Judge of {NAMES[technique]}", ""]
        lines += ["| truth | rows | false |", "|---|---|---|"]
        lines += [f"| {rule.truth} | {rule.rows} | {rule.false} |" for rule in rules]
        left_out = "; ".join(f"{rows} ({why})" for rows, why in UNJUDGED[technique].items())
        lines += ["", f"Not judged: {left_out}."]
    return lines


def read_figures(path: Path) -> dict[str, list[str]]:
    """Return the figures of each technique that a page has.

    Parameters
    ----------
    path : Path
        The page; it need not exist.
    """
    if not path.is_file():
        return {}
    found = {}
    for part in path.read_text(encoding="utf-8").split("\n## "):
        for technique, name in NAMES.items():
            if part.startswith(f"{name}\n"):
                found[technique] = f"## {part}".rstrip().splitlines()
    return found
