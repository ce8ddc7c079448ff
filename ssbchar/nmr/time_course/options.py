"""Options of series in time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

DriftModel = Literal["constant", "linear", "exponential"]


@dataclass(frozen=True, kw_only=True)
class TimeCourseOptions:
    """Shares of a series in time, and the law of their drift."""

    models: tuple[DriftModel, ...] = ("constant", "linear", "exponential")
    """Laws tried, simplest first; ``exponential`` approaches an end value. Each must lower the
    information criterion."""
    min_gain: Annotated[float, Field(ge=0)] = 6.0
    """Least fall of the information criterion that admits a law with more parameters."""
    tolerance: Annotated[float, Field(gt=0, le=100)] = 2.0
    """Change of the Li-Si share over the series that would matter [percent of all Li]."""

    def __post_init__(self) -> None:
        if not self.models:
            raise ValueError("models is empty; name constant, linear, exponential")
