"""Options of thermal expansion."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Expansion:
    """How cells are fitted against temperature."""

    model: str = "polynomial"
    """`polynomial`, `einstein` or `debye` (Debye-Grueneisen, first order)."""
    order: int = 4
    """Highest order of the polynomial; the information criterion chooses up to it."""
    mean_from: float = 100.0
    """Lower temperature of the mean linear expansion [degC]."""
    mean_to: float = 500.0
    """Upper temperature of the mean linear expansion [degC]."""
    smallest_range: float = 50.0
    """No mean linear expansion is given where the phase is seen over less than this [K]."""
    significance: float = 8.0
    """Frames where the phase is seen with fewer standard deviations are left out."""
    step: float = 5.0
    """Spacing of the temperatures at which curves are given [K]."""
    reacting: float = 0.1
    """A phase whose intensity differs by more than this share from its level before is flagged as
    reacting."""
