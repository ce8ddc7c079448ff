"""One zero of 2theta for a series: the frames' own zeros combined, frames of the same phases
first."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from ssbchar.statistics import sigma_from_deviations
from ssbchar.typing import Array

OUTLIER = 4.0
"""Values this many robust standard deviations from the median are left out."""


def shared(
    frames: Iterable[tuple[tuple[int, ...], float, float, float]],
) -> tuple[float, float] | None:
    """Return the zero of a series and its standard error; None where no frame has one of its own.

    Frames with the same phases share the same overlaps and so the same systematic part of their
    zeros: they are combined first, then the sets of phases, each time with the scatter beyond the
    standard errors (`combined`). What the misfit adds to a frame's error
    (`ssbchar.hexrd.refinement.intensities.inflations`) is one error of the model, the same in all
    frames of a set: it does not average out, and is added after they are combined.

    Parameters
    ----------
    frames : iterable of tuple
        Phases in the model, zero, its standard error [degree] (0: it was held) and the factor on
        that error for misfit (1 or more), of each frame.
    """
    sets: dict[tuple[int, ...], list[tuple[float, float, float]]] = {}
    for present, zero, stderr, misfit in frames:
        if stderr > 0:
            sets.setdefault(present, []).append(
                (zero, stderr, stderr**2 * (1 - 1 / max(misfit, 1.0) ** 2))
            )
    if not sets:
        return None
    means = []
    for _, rows in sorted(sets.items()):
        values, errors, common = zip(*rows, strict=True)
        mean, stderr = combined(values, errors)
        means.append((mean, float(np.hypot(stderr, np.sqrt(np.median(common))))))
    return combined([mean for mean, _ in means], [stderr for _, stderr in means], robust=False)


def combined(values: ArrayLike, stderr: ArrayLike, robust: bool = True) -> tuple[float, float]:
    """Return the random-effects mean of values and its standard error.

    With w = 1/s^2 and Q the weighted squares about the weighted mean, the variance beyond the
    errors is tau^2 = max(0, (Q - (n - 1)) / (sum w - sum w^2 / sum w)); the mean then has weights
    1/(s^2 + tau^2) (R. DerSimonian & N. Laird, Control. Clin. Trials 7 (1986) 177).

    Parameters
    ----------
    values, stderr : array_like, shape (n,)
    robust : bool
        Whether outliers are left out before. Not for a few values: that one of three is far from
        the others is their scatter, and whether it is left out would decide the mean.
    """
    v, s = np.asarray(values, float), np.asarray(stderr, float)
    if robust:
        apart = v - _median(v, s)
        kept = np.abs(apart) <= OUTLIER * np.hypot(s, sigma_from_deviations(apart))
        v, s = v[kept], s[kept]
    w = 1 / s**2
    mean = float(np.dot(w, v) / w.sum())
    excess = float(np.dot(w, (v - mean) ** 2)) - (v.size - 1)
    tau = max(0.0, excess / float(w.sum() - np.dot(w, w) / w.sum())) if v.size > 1 else 0.0
    w = 1 / (1 / w + tau)
    return float(np.dot(w, v) / w.sum()), float(w.sum() ** -0.5)


def _median(values: Array, stderr: Array) -> float:
    """Return the median weighted by 1/stderr^2."""
    order = np.argsort(values, kind="stable")
    weight = np.cumsum(1 / stderr[order] ** 2)
    return float(values[order][np.searchsorted(weight, 0.5 * weight[-1])])
