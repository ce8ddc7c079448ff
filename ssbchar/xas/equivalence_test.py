"""Retained, changed or inconclusive: two one-sided tests against what would matter, one two-sided
against no change."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ssbchar.verdict import Verdict

MANY = 1000
"""Above so many degrees of freedom Student's t is taken for normal."""


@dataclass(frozen=True, kw_only=True)
class EquivalenceTest:
    """A change with its limits and the verdict on it; 0 means no change."""

    value: float
    """The change, in its own unit like all that follows."""
    sigma: float
    """Its total standard error."""
    lower95: float
    upper95: float
    verdict: Verdict
    """``retained``, ``changed`` or ``inconclusive``."""
    smallest: float
    """The change that would be seen in 95 of 100 cases."""


def judge_change(
    value: float, sigma: float, bound: float, dof: float = math.inf, tests: int = 1
) -> EquivalenceTest:
    """Return the verdict on a change.

    ``retained``: two one-sided tests (5 % each) place the change within -/+ bound (D. J.
    Schuirmann, J. Pharmacokinet. Biopharm. 15 (1987) 657). ``changed``: not so, and the two-sided
    test of no change fails at 5 % over all `tests` (Bonferroni). Else ``inconclusive``.

    Parameters
    ----------
    value, sigma : float
        Change and its total standard error, in one unit.
    bound : float
        Smallest change that would matter, in that unit.
    dof : float
        Degrees of freedom of sigma.
    tests : int
        Number of tests of which each could find a change.

    Returns
    -------
    EquivalenceTest
    """
    two_sided = student_t_from_probability(0.975, dof)
    one_sided = student_t_from_probability(0.95, dof)
    family = student_t_from_probability(1 - 0.025 / tests, dof)
    if abs(value) + one_sided * sigma <= bound:
        verdict = Verdict.RETAINED
    elif abs(value) > family * sigma:
        verdict = Verdict.CHANGED
    else:
        verdict = Verdict.INCONCLUSIVE
    return EquivalenceTest(
        value=value,
        sigma=sigma,
        lower95=value - two_sided * sigma,
        upper95=value + two_sided * sigma,
        verdict=verdict,
        smallest=(family + one_sided) * sigma,
    )


def student_t_from_probability(probability: float, dof: float) -> float:
    """Return the quantile of Student's t, of the normal distribution above a thousand degrees of
    freedom.

    Parameters
    ----------
    probability : float
        0 to 1.
    dof : float
        Degrees of freedom; less than one count as one.

    Returns
    -------
    float
        In standard errors, dimensionless.
    """
    from scipy.special import ndtri, stdtrit

    if dof > MANY:
        return float(ndtri(probability))
    return float(stdtrit(max(dof, 1.0), probability))


def chi_square_from_probability(probability: float, dof: int) -> float:
    """Return the quantile of chi-square.

    Parameters
    ----------
    probability : float
        0 to 1.
    dof : int
        Degrees of freedom.

    Returns
    -------
    float
        Dimensionless.
    """
    from scipy.special import chdtri

    return float(chdtri(dof, 1 - probability))
