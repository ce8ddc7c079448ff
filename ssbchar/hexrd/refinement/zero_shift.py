"""One zero of 2theta for a series: the frames' own zeros combined, frames of the same phases
first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ssbchar.statistics import sigma_from_deviations
from ssbchar.typing import Array

OUTLIER = 4.0
"""Values this many robust standard deviations from the median are left out."""

CLEAR = 2.0
"""Standard errors beyond which low and high angles disagree."""
RECTANGULAR = 3**-0.5
"""Standard deviation of a rectangular distribution, in its half width."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Zero by the low angles of a frame minus that by its high angles."""

    value: float
    """[degree]"""
    stderr: float
    """[degree]"""


@dataclass(frozen=True, kw_only=True)
class FrameZero:
    """The zero that one frame found for itself."""

    present: tuple[int, ...]
    """Phases in its model."""
    zero: float
    """[degree]."""
    stderr: float
    """Corrected standard error [degree]; 0 where the zero was held."""
    inflation: float
    """Factor for misfit in that error, 1 or more."""

    @property
    def misfit_variance(self) -> float:
        """What misfit adds to the variance beyond counting [degree^2]."""
        return self.stderr**2 * (1 - 1 / max(self.inflation, 1.0) ** 2)


def combine_frames(frames: Iterable[FrameZero]) -> tuple[float, float] | None:
    """Return the zero of a series and its standard error, each a float [degree]; None where no
    frame has one of its own.

    Frames with the same phases share the same overlaps and so the same systematic part of their
    zeros: they are combined first, then the sets of phases, each time with the scatter beyond the
    standard errors (`combine_values`). What the misfit adds to a frame's error
    (`ssbchar.hexrd.refinement.frame.intensities.estimate_inflations`) is one error of the model,
    the same in all frames of a set: it does not average out, and is added after they are combined.
    Nor does it between sets: they share phases, the instrument and its line shape.

    Parameters
    ----------
    frames : iterable of FrameZero
        Those with a stderr of 0 are left out.
    """
    sets: dict[tuple[int, ...], list[FrameZero]] = {}
    for frame in frames:
        if frame.stderr > 0:
            sets.setdefault(frame.present, []).append(frame)
    if not sets:
        return None
    means, stderrs, commons = [], [], []
    for _, members in sorted(sets.items(), key=lambda item: item[0]):
        mean, stderr = combine_values([f.zero for f in members], [f.stderr for f in members])
        common = np.sqrt(np.median([f.misfit_variance for f in members]))
        means.append(mean)
        stderrs.append(float(np.hypot(stderr, common)))
        commons.append(float(common))
    zero, stderr = combine_values(means, stderrs, leave_out_outliers=False)
    weight, common = np.array(stderrs) ** -2.0, np.array(commons)
    weight = weight / weight.sum()
    # as if it were each set's own, it is in the error already
    alike = np.dot(weight, common) ** 2 - np.dot(weight**2, common**2)
    return zero, float(np.sqrt(stderr**2 + alike))


def error_from_differences(differences: Sequence[Difference]) -> float:
    """Return the error of a zero by which low and high angles disagree, a float [degree]; 0 where
    their mean difference is within its own errors.

    It is that of a value anywhere within the difference, to both sides: the cells follow, too, and
    take the zero of all angles out of the range between both.

    Parameters
    ----------
    differences : sequence of Difference
        Of some frames.
    """
    if not differences:
        return 0.0
    mean, stderr = combine_values([d.value for d in differences], [d.stderr for d in differences])
    return RECTANGULAR * abs(mean) if abs(mean) > CLEAR * stderr else 0.0


def combine_values(
    values: ArrayLike, stderr: ArrayLike, *, leave_out_outliers: bool = True
) -> tuple[float, float]:
    """Return the random-effects mean of values and its standard error, in their unit.

    With w = 1/s^2 and Q the weighted squares about the weighted mean, the variance beyond the
    errors is tau^2 = max(0, (Q - (n - 1)) / (sum w - sum w^2 / sum w)); the mean then has weights
    1/(s^2 + tau^2) (R. DerSimonian & N. Laird, Control. Clin. Trials 7 (1986) 177).

    Parameters
    ----------
    values, stderr : array_like, shape (n,)
    leave_out_outliers : bool
        Not for a few values: that one of three is far from the others is their scatter, and whether
        it is left out would decide the mean.
    """
    v, s = np.asarray(values, float), np.asarray(stderr, float)
    if leave_out_outliers:
        deviation = v - _find_weighted_median(v, s)
        kept = np.abs(deviation) <= OUTLIER * np.hypot(s, sigma_from_deviations(deviation))
        v, s = v[kept], s[kept]
    w = 1 / s**2
    mean = float(np.dot(w, v) / w.sum())
    excess = float(np.dot(w, (v - mean) ** 2)) - (v.size - 1)
    tau_squared = 0.0
    if v.size > 1:
        tau_squared = max(0.0, excess / float(w.sum() - np.dot(w, w) / w.sum()))
    w = 1 / (1 / w + tau_squared)
    return float(np.dot(w, v) / w.sum()), float(w.sum() ** -0.5)


def _find_weighted_median(values: Array, stderr: Array) -> float:
    """Return the median weighted by 1/stderr^2."""
    order = np.argsort(values, kind="stable")
    weight = np.cumsum(1 / stderr[order] ** 2)
    return float(values[order][np.searchsorted(weight, 0.5 * weight[-1])])
