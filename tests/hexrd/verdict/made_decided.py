"""Comparisons made by hand, with the shared decision on each."""

from ssbchar.decision import Estimate
from ssbchar.hexrd.verdict.comparison import (
    AT_REST,
    Compared,
    Comparison,
    Decided,
    decide_all,
)


def compared(
    value: float,
    stderr: float,
    *,
    phase: str = "A",
    quantity: Compared = Compared.CELL,
    stretch: str = AT_REST,
    axis: str = "a",
    systematic: float = 0.0,
    is_against_trend: bool = False,
) -> Comparison:
    kept = quantity == Compared.INTENSITY
    return Comparison(
        phase=phase,
        quantity=quantity,
        stretch=stretch,
        axis="" if kept else axis,
        estimate=Estimate(value=value, stderr=stderr, systematic=systematic),
        bound=20.0 if kept else 0.2,
        reference=100.0 if kept else 0.0,
        unit="percent",
        basis="made by hand",
        method="test",
        is_against_trend=is_against_trend,
    )


def decided(*comparisons: Comparison) -> list[Decided]:
    return decide_all(comparisons)


def kept(value: float, stderr: float = 1.0, **more: object) -> Comparison:
    return compared(value, stderr, quantity=Compared.INTENSITY, **more)  # type: ignore[arg-type]
