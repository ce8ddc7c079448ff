"""Options of ex situ pairs."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

Percent = Annotated[float, Field(gt=0, le=100)]


@dataclass(frozen=True, kw_only=True)
class Pair:
    """How the patterns of a cycled sample are compared with those of the pristine one."""

    cell_tolerance: Percent = 0.05
    """A length and a ratio of lengths are retained within this of the pristine's [percent]; the
    volume within three times as much, an angle within the same shear."""
    breadth_tolerance: Percent = 10.0
    """Lines are as broad as the pristine's within this [percent]."""
    ratio_tolerance: Percent = 20.0
    """The intensities of two phases stand in the pristine's ratio within this [percent]."""
    temperature_apart: Annotated[float, Field(ge=0, le=1000)] = 3.0
    """By how much the temperatures of the two specimens may differ where none is known, one
    standard deviation [K]."""
    expansion: Annotated[float, Field(ge=0, le=1e-3)] = 1.5e-5
    """Linear expansion by which a difference of temperature enters the systematic [1/K]."""


DEFAULT_PAIR = Pair()
"""What a step uses where it is called without."""
