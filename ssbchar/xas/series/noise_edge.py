"""The greatest singular value that noise alone gives."""

from __future__ import annotations

import numpy as np

TRACY_WIDOM_95 = 0.9793
"""95 % quantile of the Tracy-Widom law of real matrices."""


def compute_noise_edge(n: int, p: int) -> float:
    """Return the 95 % point of the greatest squared singular value of white noise.

    mu + 0.98 sigma, mu = (sqrt(n - 1) + sqrt(p))^2, sigma = (sqrt(n - 1) + sqrt(p)) (1/sqrt(n - 1)
    + 1/sqrt(p))^(1/3) (I. M. Johnstone, Ann. Statist. 29 (2001) 295).

    Parameters
    ----------
    n, p : int
        Shape of the matrix, whose elements have unit variance [1].
    """
    a, b = np.sqrt(max(n - 1, 1)), np.sqrt(p)
    return float((a + b) ** 2 + TRACY_WIDOM_95 * (a + b) * (1 / a + 1 / b) ** (1 / 3))
