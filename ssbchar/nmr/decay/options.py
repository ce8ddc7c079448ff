"""Options of T2*."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

DecayModel = Literal["exponential", "stretched", "biexponential"]


@dataclass(frozen=True, kw_only=True)
class DecayOptions:
    """T2* and its limits of acceptance."""

    models: tuple[DecayModel, ...] = ("exponential", "stretched", "biexponential")
    """Decay laws tried; ``biexponential`` is a region of two parts, such as an alloy and a salt. A
    law with more parameters must lower the information criterion by `min_gain`."""
    min_gain: Annotated[float, Field(ge=0)] = 6.0
    """Least fall of the Bayesian information criterion that admits a law with more parameters."""
    share_metal: bool = True
    """Take T2* of Li metal from the pure-Li series where there is one."""
    min_exponent: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Smaller stretching exponents make the extrapolation meaningless: verdict ``stretched``."""
    max_extrapolation: Annotated[float, Field(gt=0)] = 1.5
    """Largest ratio of the extrapolated amplitude to the first slice: else verdict ``far``; two
    parts that exceed it are no admissible law."""
    max_scatter: Annotated[float, Field(ge=0)] = 0.1
    """Largest relative scatter of the areas about the law beyond their errors: else, where
    chi-square is too large as well, verdict ``misfit``."""
    max_rise: Annotated[float, Field(ge=0)] = 3.0
    """Largest rise between two slices, in its standard errors and above 5 % of the first: else
    ``not_decaying``."""

    def __post_init__(self) -> None:
        if not self.models:
            raise ValueError("models is empty; name exponential, stretched, biexponential")
