"""Options of comparing a pair."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Comparison:
    """How a pair is judged."""

    choices: int = 200
    """Number of sets of processing choices."""
    seed: int = 20210401
    """Seed that draws the choices."""
    kmin: float = 3.0
    """Start of the Fourier window [1/angstrom]; each choice moves it by up to 0.5."""
    kmax: float | None = None
    """End of the window; none is where the pristine signal falls to `signal` times its noise,
    1/angstrom below the shorter scan's end and 13 at most; choices end up to 1.5 below."""
    signal: float = 2.5
    """Signal to noise, chi(k) over 1.5/angstrom, at which the window ends."""
    kweight: int = 1
    """Power of k in the Fourier transform, the same in all choices; 1 keeps the noise at high k out
    of the ratios."""
    rbkg: float = 0.9
    """Background distance [angstrom]; choices lie within 15 % of it."""
    shells: tuple[tuple[float, float], ...] = ()
    """R ranges of the shells [angstrom, no phase correction]; empty finds the three first peaks of
    the pristine."""
    max_shift: float = 0.08
    """Edge shift that would matter [eV]; such that a shift of 0.1 eV is called retained in at most
    1 of 100 cases where the shift's standard error is 0.012 eV or less, in up to 5 of 100 where it
    is larger (docs/decisions/0007-xas-bounds.md)."""
    max_white_line: float = 0.03
    """Change of the normalised white line that would matter."""
    max_loss: tuple[float, ...] = (0.045, 0.1)
    """Relative change of a shell's amplitude that would matter, from the first shell on; the last
    number holds for all that follow (first: such that a loss of 5 % is called retained in at most 1
    of 100 cases where the ratio's standard error is 0.73 % or less, in up to 5 of 100 where it is
    larger, docs/decisions/0007-xas-bounds.md; outer ones: 10 %, the field's usual accuracy of a
    coordination number)."""
    lost: float = 0.8
    """A shell whose loss is above this with confidence is called lost."""
    reduced_shift: float = 0.0
    """Edge shift of the fully reduced compound against the pristine one [eV]; with it the smallest
    reduced fraction that would have been seen follows also without a reference; 0 means unknown."""
    min_k: float = 6.0
    """Pairs that end below this k [1/angstrom] are compared in XANES only."""
