"""Options of series and mixtures."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mixture:
    """How a spectrum is made of references."""

    window: tuple[float, float] = (-20.0, 60.0)
    """Fit range [eV, relative to the edge]."""
    shift: bool = True
    """Each reference's energy axis is free."""
    max_shift: float = 2.0
    """Bound of that shift [eV]."""
    sum_to_one: bool = False
    """Force the weights to a sum of one."""
    choices: int = 30
    """Number of sets of normalisation ranges; the weights are their median, their spread is the
    systematic uncertainty. Below 2: the ranges of the normalisation step alone, no systematic
    uncertainty."""
    seed: int = 20210402
    """Seed that draws them."""


@dataclass(frozen=True)
class Series:
    """How a series of scans of one evolving sample is read."""

    window: tuple[float, float] = (-20.0, 80.0)
    """Range of the principal components and of isosbestic points [eV, relative to E0]."""
    shown: int = 10
    """Number of components that are kept and shown; species are sought among them."""
    isosbestic_p: float = 0.01
    """A crossing whose scatter is less probable than this is no isosbestic point."""
