"""Retained, changed or inconclusive: two one-sided tests against what would matter, one two-sided
against no change."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class EquivalenceTest:
    """A quantity with its limits and what they say; `value` is a change, 0 means none."""

    value: float
    sigma: float
    lower95: float
    upper95: float
    verdict: str
    smallest: float


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
        Change and its total standard error.
    bound : float
        Smallest change that would matter.
    dof : float
        Degrees of freedom of sigma.
    tests : int
        Number of tests that could each say changed.

    Returns
    -------
    Tested
        With the 95 % limits and ``smallest``, the change that would be seen in 95 of 100 cases.
    """
    two_sided, one_sided, family = (
        student_t_from_probability(0.975, dof),
        student_t_from_probability(0.95, dof),
        student_t_from_probability(1 - 0.025 / tests, dof),
    )
    if abs(value) + one_sided * sigma <= bound:
        verdict = "retained"
    elif abs(value) > family * sigma:
        verdict = "changed"
    else:
        verdict = "inconclusive"
    smallest = (family + one_sided) * sigma
    return EquivalenceTest(
        value, sigma, value - two_sided * sigma, value + two_sided * sigma, verdict, smallest
    )


def student_t_from_probability(probability: float, dof: float) -> float:
    """Return the quantile of Student's t, of the normal distribution above a thousand degrees of
    freedom."""
    from scipy.special import ndtri, stdtrit

    return float(ndtri(probability)) if dof > 1000 else float(stdtrit(max(dof, 1.0), probability))


def chi_square_from_probability(probability: float, dof: int) -> float:
    """Return the quantile of chi-square."""
    from scipy.special import chdtri

    return float(chdtri(dof, 1 - probability))
