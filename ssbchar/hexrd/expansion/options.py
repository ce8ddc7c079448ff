"""Options of thermal expansion."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

VibrationModel = Literal["einstein", "debye"]
"""Models whose thermal energy drives the cell."""
ExpansionModel = Literal["polynomial", "einstein", "debye"]
"""Functions of temperature that cells are fitted with."""
Positive = Annotated[float, Field(gt=0)]


@dataclass(frozen=True, kw_only=True)
class Expansion:
    """How cells are fitted against temperature."""

    model: ExpansionModel = "polynomial"
    """`polynomial`, `einstein` or `debye` (Debye-Grueneisen, first order)."""
    order: Annotated[int, Field(ge=1, le=12)] = 4
    """Highest order of the polynomial; the information criterion chooses up to it."""
    mean_from: Annotated[float, Field(ge=-273.15)] = 100.0
    """Lower temperature of the mean linear expansion [degC]."""
    mean_to: Annotated[float, Field(ge=-273.15)] = 500.0
    """Upper temperature of the mean linear expansion [degC]."""
    smallest_range: Positive = 50.0
    """No mean linear expansion is given where the phase is seen over less than this [K]."""
    significance: Annotated[float, Field(ge=0)] = 8.0
    """Frames where the phase is seen with fewer standard deviations are left out."""
    step: Positive = 5.0
    """Spacing of the temperatures at which curves are given [K]."""
    reacting: Annotated[float, Field(gt=0, le=1)] = 0.1
    """A phase whose intensity differs by more than this share [1] from its level before is flagged
    as reacting."""

    def __post_init__(self) -> None:
        """Refuse a range that is none."""
        if self.mean_from >= self.mean_to:
            raise ValueError(
                f"mean_from ({self.mean_from:g} degC) is not below mean_to ({self.mean_to:g} degC);"
                " give the lower temperature first"
            )
