"""Options of series in time."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field


@dataclass(frozen=True, kw_only=True)
class TimeCourse:
    """How a series at one temperature is followed in time."""

    most_changes: Annotated[int, Field(ge=0, le=8)] = 3
    """Change points of a quantity that are looked for, at most."""
    evidence: Annotated[float, Field(ge=0, le=1000)] = 10.0
    """A change point must lower the Bayesian information criterion by this (10: strong
    evidence)."""
    fewest: Annotated[int, Field(ge=4)] = 8
    """Frames that a course needs."""
