"""Quantiles, robust scatter and runs: the statistics that several rooms share."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

Z95 = 1.959963984540054
"""Two-sided 95 % quantile of the standard normal distribution [1]."""
ONE_SIDED_95 = 1.6448536269514722
"""One-sided 95 % quantile of the standard normal distribution [1]."""
ROUNDED_Z95 = 1.96
"""`Z95` as the limits of onsets and of what became of a phase have it, to three digits [1]."""
ROUNDED_ONE_SIDED_95 = 1.645
"""`ONE_SIDED_95` as upper limits of NMR shares have it, to four digits [1]."""
MAD_TO_SIGMA = 1.4826
"""Median absolute deviation to standard deviation of a normal distribution: 1 / 0.6745 [1]."""


MANY = 1000
"""Above so many degrees of freedom Student's t is taken for normal."""


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


def sigma_from_deviations(deviations: ArrayLike) -> float:
    """Return the standard deviation that a median absolute deviation stands for.

    sigma = 1.4826 median |x_i| holds for normally distributed x about zero, and half of the values
    may be outliers (F. R. Hampel, J. Am. Stat. Assoc. 69 (1974) 383).

    Parameters
    ----------
    deviations : array_like, any shape
        Deviations from the centre, in any unit.

    Returns
    -------
    float
        In the unit of the deviations.
    """
    return MAD_TO_SIGMA * float(np.median(np.abs(deviations)))


def find_runs(mask: ArrayLike) -> list[tuple[int, int]]:
    """Return start and stop of every run of true values.

    Parameters
    ----------
    mask : array_like of bool, shape (n,)

    Returns
    -------
    list of (int, int)
        Half-open ranges in ascending order: ``mask[start:stop]`` is all true, and its neighbours
        are false.
    """
    padded = np.concatenate([[0], np.asarray(mask, bool).astype(int), [0]])
    edges = np.flatnonzero(np.diff(padded)).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))
