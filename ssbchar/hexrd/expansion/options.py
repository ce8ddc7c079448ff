"""Options of thermal expansion."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

VibrationModel = Literal["einstein", "debye"]
"""Models whose thermal energy drives the cell."""
ExpansionModel = Literal["polynomial", "einstein", "debye"]
"""Functions of temperature that cells are fitted with."""
Positive = Annotated[float, Field(gt=0)]
USUAL_WINDOW = (100.0, 500.0)
"""Of mean expansions, where a phase is seen over it [degC]."""


@dataclass(frozen=True, kw_only=True)
class Expansion:
    """How cells are fitted against temperature."""

    model: ExpansionModel = "polynomial"
    """`polynomial`, `einstein` or `debye` (Debye-Grueneisen, first order)."""
    order: Annotated[int, Field(ge=1, le=12)] = 4
    """Highest order of the polynomial; the information criterion chooses up to it."""
    mean_from: Annotated[float, Field(ge=-273.15)] | None = None
    """Lower temperature of the mean expansion [degC]. If neither is set: 100 to 500 degC as far as
    the phase is seen there, and where that is too little, all that it is seen over."""
    mean_to: Annotated[float, Field(ge=-273.15)] | None = None
    """Upper temperature of the mean expansion [degC]; see `mean_from`."""
    smallest_range: Positive = 50.0
    """No mean expansion is given where the phase is seen over less than this [K]."""
    significance: Annotated[float, Field(ge=0)] = 8.0
    """Frames where the phase is seen with fewer standard deviations are left out."""
    step: Positive = 5.0
    """Spacing of the temperatures at which curves are given [K]."""
    reacting: Annotated[float, Field(gt=0, le=1)] = 0.1
    """A phase whose intensity differs by more than this share [1] from its level before is flagged
    as reacting."""

    def __post_init__(self) -> None:
        """Refuse a range that is none."""
        low, high = self.usual_window
        if low >= high:
            raise ValueError(
                f"mean_from ({low:g} degC) is not below mean_to ({high:g} degC);"
                " give the lower temperature first"
            )

    @property
    def usual_window(self) -> tuple[float, float]:
        """Return the temperatures between which a mean expansion is given [degC], where the phase
        is seen over them."""
        return (
            USUAL_WINDOW[0] if self.mean_from is None else self.mean_from,
            USUAL_WINDOW[1] if self.mean_to is None else self.mean_to,
        )

    def choose_window(self, low: float, high: float) -> tuple[float, float] | None:
        """Return the temperatures between which the mean expansion of a phase is given [degC]; None
        where it is seen over too little.

        Parameters
        ----------
        low, high : float
            Between which the phase is seen [degC].
        """
        first, last = self.usual_window
        # A mean beyond the frames would be that of an extrapolated curve.
        windows = [(max(first, low), min(last, high))]
        if self.mean_from is None and self.mean_to is None:
            windows.append((low, high))
        for window in windows:
            if window[1] - window[0] >= self.smallest_range:
                return window
        return None
