"""One conclusion: a quantity with its uncertainty, verdict and source; one row of
``summary.csv``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import KW_ONLY, asdict, dataclass, fields, replace

from ssbchar.statistics import Z95


@dataclass(frozen=True)
class Conclusion:
    """A row of ``summary.csv``; an empty value is none.

    ``subject`` is a phase, edge or region; ``condition`` is heating, cooling, an axis or a
    temperature. ``stderr`` is statistical (one sigma), ``systematic`` the half-width (one sigma) of
    what the data cannot average out; ``lower95`` and ``upper95`` bound the value with both.
    """

    quantity: str
    _: KW_ONLY
    value: float | None = None
    stderr: float | None = None
    systematic: float | None = None
    lower95: float | None = None
    upper95: float | None = None
    unit: str = ""
    verdict: str = ""
    reason: str = ""
    method: str = ""
    subject: str = ""
    condition: str = ""
    sample: str = ""
    technique: str = ""
    source: str = ""
    basis: str = ""
    """What a share in percent refers to, for code that compares shares; stored in
    ``conclusions.json`` where set, not in ``summary.csv``, whose `reason` says it."""
    bound: float | None = None
    """The smallest difference from `reference` that matters, in the unit of the value; stored like
    `basis`."""
    reference: float | None = None
    """The value that stands for no change or for nothing: 1 of a ratio, else 0; stored like
    `basis`."""

    def with_limits(self) -> Conclusion:
        """Return a copy whose missing 95 % limits are ``value -/+ 1.96 hypot(stderr,
        systematic)``."""
        if (
            self.value is None
            or self.stderr is None
            or self.lower95 is not None
            or self.upper95 is not None
        ):
            return self
        half = Z95 * math.hypot(self.stderr, self.systematic or 0.0)
        return replace(self, lower95=self.value - half, upper95=self.value + half)


COLUMNS = (
    "sample",
    "technique",
    "subject",
    "condition",
    "quantity",
    "value",
    "stderr",
    "systematic",
    "lower95",
    "upper95",
    "unit",
    "verdict",
    "reason",
    "method",
    "source",
)
"""Column order of ``summary.csv``."""
FOR_DECISIONS = ("basis", "bound", "reference")
"""What a row has besides, where it is set, for code that checks or joins rows."""
assert {*COLUMNS, *FOR_DECISIONS} == {f.name for f in fields(Conclusion)}


def convert_to_rows(conclusions: Iterable[Conclusion]) -> list[dict[str, object]]:
    """Return conclusions as dictionaries in ``COLUMNS`` order, then what of ``FOR_DECISIONS`` is
    set; a non-finite number becomes None."""
    rows = []
    for conclusion in conclusions:
        values = asdict(conclusion.with_limits())
        row = {name: _finite(values[name]) for name in COLUMNS}
        row |= {name: values[name] for name in FOR_DECISIONS if values[name] not in ("", None)}
        rows.append(row)
    return rows


def read_rows(rows: Iterable[Mapping[str, object]]) -> list[Conclusion]:
    """Return conclusions from dictionaries written by `convert_to_rows`."""
    return [Conclusion(**row) for row in rows]  # type: ignore[arg-type]


def _finite(value: object) -> object:
    if value is None or isinstance(value, str):
        return value
    number = float(value)  # type: ignore[arg-type]
    return number if math.isfinite(number) else None
