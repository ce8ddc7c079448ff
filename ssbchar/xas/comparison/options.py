"""Options of comparing a pair."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field

from ssbchar.xas.exafs.options import Distance, KWeight, WaveNumber

Bound = Annotated[float, Field(gt=0.0)]
"""The smallest change that would matter, in the unit of what is compared."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """How a pair is judged."""

    MOVED: ClassVar = {"kmin": "xas.window.kmin", "kmax": "xas.window.kmax"}

    choices: Annotated[int, Field(ge=0, le=100_000)] = 200
    """Number of sets of processing choices."""
    seed: Annotated[int, Field(ge=0)] = 20210401
    """Seed that draws the choices."""
    signal: Annotated[float, Field(gt=0.0)] = 2.5
    """Signal to noise, chi(k) over 1.5/angstrom, at which the window ends."""
    kweight: KWeight = 1
    """Power of k in the Fourier transform, the same in all choices; 1 keeps the noise at high k out
    of the ratios."""
    rbkg: Annotated[float, Field(gt=0.0, le=10.0)] = 0.9
    """Background distance [angstrom]; choices lie within 15 % of it."""
    shells: tuple[tuple[Distance, Distance], ...] = ()
    """R ranges of the shells [angstrom, no phase correction]; empty finds the three first peaks of
    the pristine."""
    max_shift: Bound = 0.08
    """Edge shift that would matter [eV]; such that a shift of 0.1 eV is called retained in at most
    1 of 100 cases where the shift's standard error is 0.02 eV or less, in up to 2.5 of 100 where it
    is larger (docs/decisions/0007-xas-bounds.md)."""
    max_white_line: Bound = 0.03
    """Change of the normalised white line that would matter."""
    max_loss: Annotated[tuple[Bound, ...], Field(min_length=1)] = (0.045, 0.1)
    """Relative change of a shell's amplitude that would matter, from the first shell on; the last
    number holds for all that follow (first: such that a loss of 5 % is called retained in at most 1
    of 100 cases where the ratio's standard error is 1.36 % or less, in up to 2.5 of 100 where it is
    larger, docs/decisions/0007-xas-bounds.md; outer ones: 10 %, the field's usual accuracy of a
    coordination number)."""
    lost: Annotated[float, Field(gt=0.0, le=1.0)] = 0.8
    """A shell whose loss is above this with confidence is called lost."""
    reduced_shift: Annotated[float, Field(ge=-100.0, le=100.0)] = 0.0
    """Edge shift of the fully reduced compound against the pristine one [eV]; with it the smallest
    reduced fraction that would have been seen follows also without a reference; 0 means unknown."""
    min_k: WaveNumber = 6.0
    """Pairs that end below this k [1/angstrom] are compared in XANES only."""

    def __post_init__(self) -> None:
        for low, high in self.shells:
            if low >= high:
                raise ValueError(f"shell {low:g}-{high:g} has no width; give its lower end first")
