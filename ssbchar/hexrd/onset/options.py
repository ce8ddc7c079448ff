"""Options of onset and end."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field


@dataclass(frozen=True, kw_only=True)
class Onset:
    """How onset and end temperatures are found."""

    significance: Annotated[float, Field(ge=0, le=1000)] = 5.0
    """A phase counts as seen in a frame from this many standard deviations on."""
    consecutive: Annotated[int, Field(ge=1, le=1000)] = 2
    """So many frames in a row must show the phase."""
    upper_share: Annotated[float, Field(gt=0, le=1)] = 0.6
    """The growth is modelled up to this share of the largest intensity in the segment [1]."""
