"""Options of T2*."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DecayOptions:
    """T2* and its gates."""

    models: tuple[str, ...] = ("exponential", "stretched")
    """Decay laws tried, simplest first; the stretched one must lower the information criterion."""
    min_gain: float = 6.0
    """Least fall of the Bayesian information criterion that admits the stretching exponent."""
    share_metal: bool = True
    """Take T2* of Li metal from the pure-Li series where there is one."""
    min_exponent: float = 0.5
    """Smaller stretching exponents make the extrapolation meaningless: verdict ``stretched``."""
    max_extrapolation: float = 1.5
    """Largest ratio of the extrapolated amplitude to the first slice: else verdict ``far``."""
    max_scatter: float = 0.1
    """Largest relative scatter of the areas about the law beyond their errors: else verdict
    ``misfit``."""
    max_rise: float = 3.0
    """Largest rise between two slices, in its standard errors and above 5 % of the first: else
    ``not_decaying``."""
