"""Two runs side by side, number by number, against their uncertainties."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ssbchar.conclusion import Conclusion
from ssbchar.errors import BadInput
from ssbchar.results.joint.summary import read_summary
from ssbchar.results.number_format import format_value

Key = tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """A conclusion that two runs do not share."""

    key: Key
    """Measurement, sample, technique, subject, condition, quantity."""
    first: Conclusion | None
    second: Conclusion | None
    shift: float
    """Change of the value in units of the larger total uncertainty; NaN where there is none to
    divide by."""


def compare_conclusions(
    first: Sequence[Conclusion], second: Sequence[Conclusion]
) -> tuple[int, list[Difference]]:
    """Return how many conclusions are the same in two runs, and those that are not, the largest
    shift first.

    The shift is ``(b - a) / max(u_a, u_b)`` with ``u = hypot(stderr, systematic)``. Two runs on the
    same raw data share their noise, so that the usual division by ``hypot(u_a, u_b)`` would
    understate what options or code changed.

    Parameters
    ----------
    first, second : sequence of Conclusion
        Rows of two summary tables.
    """
    a, b = _index_rows(first), _index_rows(second)
    same, found = 0, []
    for key in dict.fromkeys([*a, *b]):
        one, two = a.get(key), b.get(key)
        if one and two and _select_content(one) == _select_content(two):
            same += 1
        else:
            found.append(Difference(key, one, two, _measure_shift(one, two)))
    return same, sorted(
        found,
        key=lambda d: (math.isfinite(d.shift), -abs(d.shift) if math.isfinite(d.shift) else 0.0),
    )


def _index_rows(rows: Sequence[Conclusion]) -> dict[Key, Conclusion]:
    """Return rows by what they are about; a repeated one gets its number."""
    found: dict[Key, Conclusion] = {}
    for row in rows:
        parts = row.source.split("/")
        measurement = parts[-2] if len(parts) > 1 and ";" not in row.source else ""
        key = (measurement, row.sample, row.technique, row.subject, row.condition, row.quantity)
        count = sum(k[:6] == key for k in found)
        found[(*key, str(count + 1)) if count else key] = row
    return found


def _select_content(row: Conclusion) -> tuple[object, ...]:
    return (row.value, row.stderr, row.systematic, row.lower95, row.upper95, row.unit, row.verdict)


def _total_uncertainty(row: Conclusion) -> float:
    return math.hypot(row.stderr or 0.0, row.systematic or 0.0)


def _measure_shift(one: Conclusion | None, two: Conclusion | None) -> float:
    if not one or not two or one.value is None or two.value is None or one.unit != two.unit:
        return math.nan
    size = max(_total_uncertainty(one), _total_uncertainty(two))
    return (two.value - one.value) / size if size else math.nan


def report_differences(first: Path, second: Path) -> tuple[list[str], bool]:
    """Return what a user should read of two run folders, and whether every conclusion is the same.

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
    same, found = compare_conclusions(
        read_summary(first / "summary.csv"), read_summary(second / "summary.csv")
    )
    said = [_describe_difference(d) for d in found]
    moved = [abs(d.shift) for d in found if math.isfinite(d.shift)]
    beyond = sum(m > 1 for m in moved)
    said.append(
        f"{same} conclusions the same, {len(found)} not"
        + (f", {beyond} of them by more than u" if moved else "")
    )
    if moved:
        said.append(
            "u: the larger total uncertainty (one standard error, statistical and systematic) of the two"
        )
    return said, not found


def _describe_difference(d: Difference) -> str:
    name = " ".join(filter(None, d.key))
    if d.first is None or d.second is None:
        return f"{name}: only in the {'first' if d.second is None else 'second'}"
    parts = []
    if _select_content(d.first)[:6] != _select_content(d.second)[:6]:
        moved = f" ({d.shift:+.2g} u)" if math.isfinite(d.shift) else ""
        parts.append(
            f"{format_value(d.first) or 'no value'} -> {format_value(d.second) or 'no value'}{moved}"
        )
    if d.first.verdict != d.second.verdict:
        parts.append(f"verdict {d.first.verdict or 'none'} -> {d.second.verdict or 'none'}")
    return f"{name}: " + "; ".join(parts)
