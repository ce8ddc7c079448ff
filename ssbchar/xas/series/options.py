"""Options of series and mixtures."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from ssbchar.xas.calibration.options import Shift


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """How a spectrum is fitted by a linear combination of references."""

    window: tuple[Shift, Shift] = (-20.0, 60.0)
    """Fit range [eV, relative to the edge]."""
    shift: bool = True
    """The energy axis of each spectrum is free against that of the references."""
    max_shift: Annotated[float, Field(gt=0, le=20)] = 2.0
    """Bound of that shift [eV]."""
    sum_to_one: bool = False
    """Force the weights to a sum of one."""
    choices: Annotated[int, Field(ge=0, le=1000)] = 30
    """Number of sets of normalisation ranges; the weights are their median, their spread is the
    systematic uncertainty. Below 2: the ranges of the normalisation step alone, no systematic
    uncertainty."""
    seed: Annotated[int, Field(ge=0)] = 20210402
    """Seed of the random sets of ranges."""

    def __post_init__(self) -> None:
        if self.window[0] >= self.window[1]:
            raise ValueError(f"window {self.window} is empty; give (low, high) in eV")


@dataclass(frozen=True, kw_only=True)
class Series:
    """How a series of scans of one evolving sample is analysed."""

    window: tuple[Shift, Shift] = (-20.0, 80.0)
    """Range of the principal components and of isosbestic points [eV, relative to E0]."""
    shown: Annotated[int, Field(ge=1, le=100)] = 10
    """Number of components that are kept and shown; all are counted."""
    isosbestic_p: Annotated[float, Field(gt=0, lt=1)] = 0.01
    """A crossing whose scatter is less probable than this is not an isosbestic point."""

    def __post_init__(self) -> None:
        if self.window[0] >= self.window[1]:
            raise ValueError(f"window {self.window} is empty; give (low, high) in eV")
