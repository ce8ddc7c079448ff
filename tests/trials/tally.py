"""Figures of a campaign: per technique and scenario, and against the goals."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from ssbchar.verdict import Verdict

from . import judge_hexrd, judge_nmr, judge_xas
from .campaign import DONE, Finished
from .judge import Judged, Rule, judge_rows, list_unjudged

RULES: Mapping[str, Sequence[Rule]] = {
    "hexrd": judge_hexrd.RULES,
    "xas": judge_xas.RULES,
    "nmr": judge_nmr.RULES,
}
UNJUDGED = {
    "hexrd": judge_hexrd.UNJUDGED,
    "xas": judge_xas.UNJUDGED,
    "nmr": judge_nmr.UNJUDGED,
}
NAMES = {"hexrd": "HEXRD", "xas": "XAS", "nmr": "7Li NMR"}
WITHHELD = "verdict withheld"
"""Begin of the reason of a row whose numbers contradicted its verdict."""
MOST_BEYOND_3 = 0.005
MOST_NEEDLESS = 0.05
COVERAGE = (0.90, 0.99)


@dataclass(kw_only=True)
class JudgedCase:
    """A case with all that was held against its truth."""

    finished: Finished
    judged: list[Judged] = field(default_factory=list)
    unjudged: list[str] = field(default_factory=list)
    """Rows with a positive word that no rule speaks about."""

    @property
    def is_lost(self) -> bool:
        """Whether it crashed or hung, as a whole or in a step of one of its measurements."""
        failed = any(row.get("verdict") == Verdict.FAILED for row in self.finished.rows)
        return failed or self.finished.status != DONE

    @property
    def silently_wrong(self) -> list[Judged]:
        """The rows by which a reader errs."""
        return [one for one in self.judged if one.silently_wrong]


def judge_case(finished: Finished) -> JudgedCase:
    """Return a case held against its truth.

    Parameters
    ----------
    finished : Finished
        It may have crashed: then nothing is judged.
    """
    if finished.status != DONE:
        return JudgedCase(finished=finished)
    rules = RULES[finished.case.technique]
    judged = judge_rows(finished.rows, finished.truth, rules)
    unjudged = list_unjudged(finished.rows, finished.truth, rules)
    names = [
        " / ".join(str(row.get(k, "")) for k in ("quantity", "condition", "verdict"))
        for row in unjudged
    ]
    return JudgedCase(finished=finished, judged=judged, unjudged=names)


@dataclass(frozen=True, kw_only=True)
class Tally:
    """The figures of some cases."""

    cases: int
    crashed: int
    """Crashed or hung, or with a measurement that ``failed``."""
    wrong_cases: int
    """Cases with at least one silently wrong row."""
    false_words: int
    stated: int
    """Numbers that stand as good and have an uncertainty; each number once."""
    beyond_3: int
    beyond_5: int
    deserved: int
    """Numbers that were there, by the trial's own statement."""
    needless: int
    limits: int
    covered: int
    words: int
    """Rows of which the right word is known."""
    right_words: int
    contradictions: int

    @property
    def coverage(self) -> float:
        """Share of the limits that hold the truth; NaN without any."""
        return self.covered / self.limits if self.limits else math.nan


def count(cases: Sequence[JudgedCase]) -> Tally:
    """Return the figures of some cases.

    Parameters
    ----------
    cases : sequence of JudgedCase
    """
    every = [one for case in cases for one in case.judged]
    once = [one for one in every if one.counts]
    stated = [one for one in once if one.stands]
    limits = [one for one in once if one.covered is not None]
    worded = [one for one in every if one.right_word is not None]
    return Tally(
        cases=len(cases),
        crashed=sum(case.is_lost for case in cases),
        wrong_cases=sum(bool(case.silently_wrong) for case in cases),
        false_words=sum(bool(one.false_word) for one in every),
        stated=len(stated),
        beyond_3=sum(one.beyond_3 for one in stated),
        beyond_5=sum(one.beyond_5 for one in stated),
        deserved=sum(one.deserved for one in once),
        needless=sum(one.needless for one in once),
        limits=len(limits),
        covered=sum(bool(one.covered) for one in limits),
        words=len(worded),
        right_words=sum(bool(one.right_word) for one in worded),
        contradictions=sum(len(case.finished.contradictions) for case in cases),
    )


def group(
    cases: Iterable[JudgedCase], key: Callable[[JudgedCase], str]
) -> dict[str, list[JudgedCase]]:
    """Return cases by a key, in the order in which the keys appear."""
    found: dict[str, list[JudgedCase]] = {}
    for case in cases:
        found.setdefault(key(case), []).append(case)
    return found


def format_scenarios(cases: Sequence[JudgedCase]) -> list[str]:
    """Return the table of the scenarios of one technique, the last line for all.

    Parameters
    ----------
    cases : sequence of JudgedCase
        Of one technique.
    """
    lines = [
        "| scenario | cases | crashed | silently wrong cases | false words | "
        "`ok` beyond 3 (5) of | needless N/A of | coverage of 95 % limits | right words |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    parts = group(cases, lambda case: case.finished.case.scenario)
    for name, some in [*parts.items(), ("**all**", list(cases))]:
        t = count(some)
        cells = [
            name,
            str(t.cases),
            str(t.crashed),
            str(t.wrong_cases),
            str(t.false_words),
            f"{t.beyond_3} ({t.beyond_5}) of {t.stated}",
            f"{t.needless} of {t.deserved}",
            f"{t.coverage:.3f} ({t.limits})" if t.limits else "",
            f"{t.right_words} of {t.words}" if t.words else "",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def format_quantities(cases: Sequence[JudgedCase]) -> list[str]:
    """Return the table of the quantities of one technique: errors, widths and coverage.

    Parameters
    ----------
    cases : sequence of JudgedCase
        Of one technique.
    """
    lines = [
        "| quantity | rows | `ok` beyond 3 (5) of | median width of limits | median abs(error) / "
        "half width | coverage |",
        "|---|---|---|---|---|---|",
    ]
    rows: dict[str, list[Judged]] = {}
    for case in cases:
        for one in case.judged:
            if one.truth is not None and one.numbers and one.leaves_trace:
                rows.setdefault(one.quantity, []).append(one)
    for name, some in rows.items():
        stated = [one for one in some if one.stands]
        widths = [one.width for one in some if one.width is not None]
        used = [
            abs(one.numbers["value"] - one.truth) / (one.width / 2)
            for one in some
            if one.width and "value" in one.numbers and one.truth is not None
        ]
        limits = [bool(one.covered) for one in some if one.covered is not None]
        cells = [
            name,
            str(len(some)),
            f"{_count_beyond(stated)} of {len(stated)}",
            f"{median(widths):.3g}" if widths else "",
            f"{median(used):.2f}" if used else "",
            f"{sum(limits) / len(limits):.3f} ({len(limits)})" if limits else "",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _count_beyond(stated: Sequence[Judged]) -> str:
    """Return how many numbers are silently wrong beyond 3, and beyond 5."""
    return f"{sum(one.beyond_3 for one in stated)} ({sum(one.beyond_5 for one in stated)})"


def format_goals(cases: Sequence[JudgedCase]) -> list[str]:
    """Return the figures of one technique against the goals.

    Parameters
    ----------
    cases : sequence of JudgedCase
        Of one technique.
    """
    t = count(cases)
    beyond_3 = t.beyond_3 / t.stated if t.stated else 0.0
    needless = t.needless / t.deserved if t.deserved else 0.0
    checks = [
        ("cases that crashed or hung", "0", str(t.crashed), t.crashed == 0),
        ("false positive words", "0", str(t.false_words), t.false_words == 0),
        (
            "numbers `ok` beyond 3 of hypot(stderr, systematic)",
            f"at most {MOST_BEYOND_3:.1%}",
            f"{beyond_3:.2%}",
            beyond_3 <= MOST_BEYOND_3,
        ),
        ("numbers `ok` beyond 5", "0", str(t.beyond_5), t.beyond_5 == 0),
        ("needless N/A", f"below {MOST_NEEDLESS:.0%}", f"{needless:.1%}", needless < MOST_NEEDLESS),
        (
            "coverage of the 95 % limits",
            f"{COVERAGE[0]:.2f} to {COVERAGE[1]:.2f}",
            f"{t.coverage:.3f}",
            not t.limits or COVERAGE[0] <= t.coverage <= COVERAGE[1],
        ),
        ("rows that contradict their own limits", "0", str(t.contradictions), not t.contradictions),
    ]
    lines = ["| what | goal | found | |", "|---|---|---|---|"]
    for what, goal, found, is_met in checks:
        lines.append(f"| {what} | {goal} | {found} | {'met' if is_met else '**not met**'} |")
    return lines


def format_technique(technique: str, cases: Sequence[JudgedCase]) -> list[str]:
    """Return all tables of one technique.

    Parameters
    ----------
    technique : str
    cases : sequence of JudgedCase
        Of this technique.
    """
    commits = sorted({case.finished.commit for case in cases})
    seconds = [case.finished.seconds for case in cases if case.finished.status == DONE]
    cost = f"; {median(seconds):.1f} s of processor per case in the median" if seconds else ""
    return [
        f"## {NAMES[technique]}",
        "",
        f"{len(cases)} cases, commit {', '.join(commits)}{cost}.",
        "",
        *format_goals(cases),
        "",
        *format_scenarios(cases),
        "",
        *format_quantities(cases),
    ]


def list_wrong(cases: Sequence[JudgedCase]) -> list[str]:
    """Return one line per silently wrong row, crash or hang, per limit that the truth does not keep
    (one in twenty may), and per row that no rule judges.

    Parameters
    ----------
    cases : sequence of JudgedCase
    """
    lines = []
    for case in cases:
        finished = case.finished
        if finished.status != DONE:
            lines.append(
                f"{finished.case.name}: {finished.status}: {finished.error.splitlines()[0]}"
            )
        lines += [f"{finished.case.name}: {name}" for name in list_excluded(finished.rows)]
        lines += [f"{finished.case.name}: {describe_judged(one)}" for one in case.silently_wrong]
        lines += [
            f"{finished.case.name}: missed limit: {describe_judged(one)}"
            for one in case.judged
            if one.misses_limit
        ]
        lines += [f"{finished.case.name}: contradiction: {one}" for one in finished.contradictions]
        lines += [f"{finished.case.name}: {name}" for name in list_withheld(finished.rows)]
    unjudged = sorted({name for case in cases for name in case.unjudged})
    return [*lines, *(f"no rule speaks about: {name}" for name in unjudged)]


def list_excluded(rows: Sequence[Mapping[str, object]]) -> list[str]:
    """Return the measurements that failed or were set aside, though their files are sound.

    Parameters
    ----------
    rows : sequence of mapping
        Of one case.
    """
    return [
        f"{row.get('subject', '')}: {row['verdict']}: {str(row.get('reason', ''))[:200]}"
        for row in rows
        if row.get("verdict") in (Verdict.FAILED, Verdict.SET_ASIDE)
    ]


def list_withheld(rows: Sequence[Mapping[str, object]]) -> list[str]:
    """Return the rows whose verdict was withheld on writing: faults of a technique that did not
    reach the reader.

    Parameters
    ----------
    rows : sequence of mapping
        Of one case.
    """
    return [
        f"{row.get('subject', '')} / {row.get('quantity', '')}: {str(row['reason'])[:120]}"
        for row in rows
        if str(row.get("reason", "")).startswith(WITHHELD)
    ]


def describe_judged(one: Judged) -> str:
    """Return a row with its numbers, its truth and what is wrong with it.

    Parameters
    ----------
    one : Judged
    """
    numbers = one.numbers
    told = ""
    if "value" in numbers:
        told = f" {numbers['value']:.6g}"
    if "stderr" in numbers or "systematic" in numbers:
        told += f" (stat {numbers.get('stderr', 0):.2g}, syst {numbers.get('systematic', 0):.2g})"
    if "lower95" in numbers or "upper95" in numbers:
        low, high = numbers.get("lower95", -math.inf), numbers.get("upper95", math.inf)
        told += f" [{low:.6g}, {high:.6g}]"
    truth = f", true {one.truth:.6g}" if one.truth is not None else ""
    z = f", {one.z:+.1f} sigma" if one.z is not None else ""
    why = f": {one.false_word}" if one.false_word else ""
    return f"{one.key}: '{one.word}'{told}{truth}{z}{why}"
