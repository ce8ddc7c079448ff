"""Two runs side by side, number by number, in units of their uncertainties."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ssbchar.conclusion import Conclusion
from ssbchar.errors import BadInput
from ssbchar.results.joint.stability import split_sources
from ssbchar.results.joint.summary import read_summary
from ssbchar.results.number_format import UNCERTAIN, format_value


@dataclass(frozen=True, kw_only=True)
class RowKey:
    """What a row is about: it identifies the row in both runs."""

    measurement: str
    sample: str
    technique: str
    subject: str
    condition: str
    quantity: str
    repeat: int
    """1 for the first row of this kind."""

    def describe(self) -> str:
        """Return the key in words."""
        words = [self.measurement, self.sample, self.technique, self.subject, self.condition]
        words += [self.quantity, str(self.repeat) if self.repeat > 1 else ""]
        return " ".join(filter(None, words))


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A conclusion that two runs do not share."""

    key: RowKey
    first: Conclusion | None
    second: Conclusion | None
    shift: float
    """Change of the value in units of the larger total uncertainty; NaN if there is none."""


def compare_conclusions(
    first: Sequence[Conclusion], second: Sequence[Conclusion]
) -> tuple[int, list[Difference]]:
    """Return how many conclusions are the same in two runs, and those that are not.

    The shift is ``(b - a) / max(u_a, u_b)`` with ``u = hypot(stderr, systematic)``. Two runs on the
    same raw data share their noise, so that the usual division by ``hypot(u_a, u_b)`` would
    understate what options or code changed.

    Parameters
    ----------
    first, second : sequence of Conclusion
        Rows of two summary tables.

    Returns
    -------
    same : int
    differences : list of Difference
        Those without a shift first, then the largest shift [u].
    """
    a, b = _index_rows(first), _index_rows(second)
    same, differences = 0, []
    for key in dict.fromkeys([*a, *b]):
        one, two = a.get(key), b.get(key)
        if one and two and _is_same(one, two):
            same += 1
        else:
            shift = _measure_shift(one, two)
            differences.append(Difference(key=key, first=one, second=two, shift=shift))
    return same, sorted(differences, key=_rank_difference)


def _rank_difference(d: Difference) -> tuple[bool, float]:
    known = math.isfinite(d.shift)
    return known, -abs(d.shift) if known else 0.0


def _index_rows(rows: Sequence[Conclusion]) -> dict[RowKey, Conclusion]:
    """Return rows by what they are about."""
    index: dict[RowKey, Conclusion] = {}
    for row in rows:
        repeat = 1
        while (key := _make_key(row, repeat)) in index:
            repeat += 1
        index[key] = row
    return index


def _make_key(row: Conclusion, repeat: int) -> RowKey:
    # The source names the run, which differs; its measurement is what both runs share.
    sources = split_sources(row.source)
    parts = sources[0].split("/") if len(sources) == 1 else []
    return RowKey(
        measurement=parts[-2] if len(parts) > 1 else "",
        sample=row.sample,
        technique=row.technique,
        subject=row.subject,
        condition=row.condition,
        quantity=row.quantity,
        repeat=repeat,
    )


def _has_same_numbers(one: Conclusion, two: Conclusion) -> bool:
    return all(getattr(one, name) == getattr(two, name) for name in (*UNCERTAIN, "unit"))


def _is_same(one: Conclusion, two: Conclusion) -> bool:
    return _has_same_numbers(one, two) and one.verdict == two.verdict


def _combine_uncertainties(row: Conclusion) -> float:
    return math.hypot(row.stderr or 0.0, row.systematic or 0.0)


def _measure_shift(one: Conclusion | None, two: Conclusion | None) -> float:
    if not one or not two or one.value is None or two.value is None or one.unit != two.unit:
        return math.nan
    size = max(_combine_uncertainties(one), _combine_uncertainties(two))
    return (two.value - one.value) / size if size else math.nan


def report_differences(first: Path, second: Path) -> tuple[list[str], bool]:
    """Return the differences of two run folders as text, and whether there are none.

    Parameters
    ----------
    first, second : Path
        Folders ``results/<run>``.

    Returns
    -------
    lines : list of str
    same : bool

    Raises
    ------
    BadInput
        A folder without ``summary.csv``.
    """
    for folder in (first, second):
        if not (folder / "summary.csv").is_file():
            raise BadInput(
                folder,
                "holds no summary.csv",
                "name a folder results/<run> that make run has filled",
            )
    # Tables, not conclusions.json: they are what a reader of a run has.
    rows = [read_summary(folder / "summary.csv") for folder in (first, second)]
    same, differences = compare_conclusions(*rows)
    shifts = [abs(d.shift) for d in differences if math.isfinite(d.shift)]
    total = f"{same} conclusions the same, {len(differences)} not"
    if shifts:
        total += f", {sum(shift > 1 for shift in shifts)} of them by more than u"
    lines = [*(_describe_difference(d) for d in differences), total]
    if shifts:
        lines.append(
            "u: the larger of the two total uncertainties "
            "(one standard error, statistical and systematic)"
        )
    return lines, not differences


def _describe_difference(d: Difference) -> str:
    name = d.key.describe()
    if d.first is None or d.second is None:
        return f"{name}: only in the {'first' if d.second is None else 'second'}"
    parts = []
    if not _has_same_numbers(d.first, d.second):
        before, after = (format_value(c) or "no value" for c in (d.first, d.second))
        shift = f" ({d.shift:+.2g} u)" if math.isfinite(d.shift) else ""
        parts.append(f"{before} -> {after}{shift}")
    if d.first.verdict != d.second.verdict:
        parts.append(f"verdict {d.first.verdict or 'none'} -> {d.second.verdict or 'none'}")
    return f"{name}: {'; '.join(parts)}"
