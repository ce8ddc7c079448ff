"""Options of T1 and T1rho."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

RecoveryModel = Literal["exponential", "stretched"]


@dataclass(frozen=True, kw_only=True)
class RelaxationOptions:
    """T1 from recoveries, T1rho from spin locks, and their gates."""

    models: tuple[RecoveryModel, ...] = ("exponential", "stretched")
    """Laws tried, simplest first; each must lower the information criterion."""
    min_gain: Annotated[float, Field(ge=0)] = 6.0
    """Least fall of the information criterion that admits a law with more parameters."""
    min_exponent: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Smaller stretching exponents are no single time: verdict ``stretched``."""
    max_scatter: Annotated[float, Field(ge=0)] = 0.1
    """Largest relative scatter of the amplitudes about the law beyond their errors: else verdict
    ``misfit``."""

    def __post_init__(self) -> None:
        if not self.models:
            raise ValueError("models is empty; name exponential, stretched")
