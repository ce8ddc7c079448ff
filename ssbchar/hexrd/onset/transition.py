"""Temperature at which two axes of a cell become equal, or part: a transition of higher symmetry.

On one side the axes differ by a power of the distance from the transition, D = A |T - T0|^beta (a
step at beta = 0; Landau's second order at 1/2, tricritical at 1/4: E. K. H. Salje, Phase
Transitions in Ferroelastic and Co-elastic Crystals, Cambridge University Press 1990); on the other
they are equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.conclusion import Conclusion
from ssbchar.hexrd.furnace.segments import Segment, SegmentKind, split_segments
from ssbchar.statistics import Z95
from ssbchar.typing import Array, Bool
from ssbchar.verdict import Verdict

if TYPE_CHECKING:
    import xarray as xr

LENGTHS = "abc"
NEAR = 0.04
"""Relative difference up to which lengths may become equal."""
CLEAR = 5.0
"""Standard errors from which axes differ in a frame."""
FEWEST = 3
"""Frames on either side that a transition must have."""
SMALL = 0.5
"""Largest difference that frames with equal axes leave open, in the largest seen."""
POWERS = np.linspace(0.02, 1.0, 22)
"""Exponents of the difference that are averaged over."""
STEPS = 400
"""Temperatures tried."""
METHOD = (
    "two lengths of the cell: a power of the distance from the transition on one side, equal on "
    "the other; likelihood averaged over exponents 0 to 1"
)


@dataclass(frozen=True, kw_only=True)
class AxesOnSegment:
    """Difference of two lengths along a segment; arrays of shape (frame,), ascending in
    temperature."""

    names: str
    """As ``bc``."""
    temperature: Array
    """[degC]"""
    systematic: Array
    """Of the temperature [K]."""
    difference: Array
    """Of both lengths over their mean, its sign taken off [1]."""
    stderr: Array
    is_merged: Bool
    """Frames that do not tell the lengths apart."""


@dataclass(frozen=True, kw_only=True)
class Transition:
    """Where two lengths become equal."""

    axes: AxesOnSegment
    temperature: float
    """[degC]"""
    stderr: float
    """[K]"""
    is_split_below: bool
    largest: float
    """Largest difference [1]."""
    merged: int
    """Frames with equal lengths."""


def find_transitions(lattice: xr.Dataset, furnace: xr.Dataset, phase: int) -> list[Conclusion]:
    """Return a row for each transition of a phase at which two lengths become equal, or part, on
    heating and on cooling [degC].

    Parameters
    ----------
    lattice : Dataset
        ``lattice.nc``: ``cell`` [angstrom, degree] and its errors, ``axes_merged``.
    furnace : Dataset
        ``furnace.nc``, temperatures [degC] of shape (frame,).
    phase : int
        Place of the phase.
    """
    if "axes_merged" not in lattice or not np.any(lattice["axes_merged"].values[:, phase]):
        return []
    rows = []
    for segment in split_segments(furnace["segment"].values):
        if segment.kind is SegmentKind.HOLD:
            continue
        for first, second in ((0, 1), (0, 2), (1, 2)):
            axes = select_axes(lattice, furnace, phase, segment, (first, second))
            found = locate_transition(axes) if axes is not None else None
            if found is not None:
                rows.append(_describe(found, segment))
    return rows


def select_axes(
    lattice: xr.Dataset,
    furnace: xr.Dataset,
    phase: int,
    segment: Segment,
    places: tuple[int, int],
) -> AxesOnSegment | None:
    """Return the difference of two lengths (places 0 to 2) along a segment, relative [1]; None
    where they are never nearly equal or not both measured."""
    frames = np.asarray(segment.frames)
    one = lattice.isel(phase=phase, frame=frames)
    temperature = furnace["temperature"].values[frames].astype(float)
    a, b = (one["cell"].values[:, k] for k in places)
    covariance = one["cell_covariance"].values
    variance = (
        covariance[:, places[0], places[0]]
        + covariance[:, places[1], places[1]]
        - 2 * covariance[:, places[0], places[1]]
    )
    stderr = np.sqrt(np.maximum(variance, 0)) / a
    difference = (a - b) / (0.5 * (a + b))
    good = np.isfinite(difference) & np.isfinite(temperature) & (stderr > 0)
    good &= one["present"].values == 1
    if good.sum() < 2 * FEWEST or np.all(np.abs(difference[good]) > NEAR):
        return None
    systematic = np.nan_to_num(furnace["temperature_systematic"].values[frames].astype(float))
    order = np.flatnonzero(good)[np.argsort(temperature[good], kind="stable")]
    difference, stderr = difference[order], stderr[order]
    sign = np.sign(np.sum(difference / stderr**2))
    return AxesOnSegment(
        names="".join(LENGTHS[k] for k in places),
        temperature=temperature[order],
        systematic=systematic[order],
        difference=sign * difference,
        stderr=stderr,
        is_merged=one["axes_merged"].values[order] == 1,
    )


def locate_transition(axes: AxesOnSegment) -> Transition | None:
    """Return where two lengths become equal; None where they do not show it: frames that tell them
    apart on one side alone, frames that leave no more than half of that difference on the other.

    Parameters
    ----------
    axes : AxesOnSegment
        Temperatures in degC.
    """
    value, stderr, x = axes.difference, axes.stderr, axes.temperature
    is_apart = (np.abs(value) > CLEAR * stderr) & ~axes.is_merged
    if is_apart.sum() < FEWEST or axes.is_merged.sum() < FEWEST:
        return None
    largest = float(np.max(np.abs(value[is_apart])))
    is_small = np.abs(value) < SMALL * largest
    is_below = bool(np.median(x[is_apart]) < np.median(x[axes.is_merged]))
    side = 1.0 if is_below else -1.0
    far, near = np.max(side * x[is_apart]), np.median(side * x[axes.is_merged])
    # all frames that show them apart lie on one side, a few that do not on the other
    beyond = axes.is_merged & (side * x > far)
    if far >= near or beyond.sum() < FEWEST or not np.all(is_small[beyond]):
        return None
    # a small difference where there is none is noise's: it says no more than its size
    observed = np.where(axes.is_merged, 0.0, np.abs(value))
    size = float(np.sqrt(np.mean(value[axes.is_merged] ** 2)))
    sigma = np.where(axes.is_merged, np.maximum(np.hypot(value, stderr), size), stderr)
    temperature, error = _average_over_models(side * x, observed, sigma)
    return Transition(
        axes=axes,
        temperature=side * temperature,
        stderr=error,
        is_split_below=is_below,
        largest=largest,
        merged=int(beyond.sum()),
    )


def _average_over_models(x: Array, observed: Array, sigma: Array) -> tuple[float, float]:
    """Return mean and standard deviation of the transition [K], the difference there below it,
    over temperatures and exponents by their likelihoods."""
    order = np.argsort(x, kind="stable")
    x, observed, sigma = x[order], observed[order], sigma[order]
    trials = np.linspace(x[FEWEST - 1], x[-1] + float(np.median(np.diff(x))), STEPS)
    squares = np.empty((POWERS.size, STEPS))
    for k, power in enumerate(POWERS):
        for n, trial in enumerate(trials):
            shape = np.maximum(trial - x, 0.0) / max(trial - x[0], 1e-9)
            shape = np.where(shape > 0, shape**power, 0.0)
            weight = 1 / sigma**2
            amplitude = np.dot(weight * shape, observed) / max(
                np.dot(weight * shape, shape), 1e-300
            )
            squares[k, n] = np.dot(weight, (observed - amplitude * shape) ** 2)
    # of errors that the best of them shows to be too small
    scale = max(float(squares.min()) / max(x.size - 3, 1), 1.0)
    likelihood = np.exp(-0.5 * (squares - squares.min()) / scale).sum(axis=0)
    likelihood /= likelihood.sum()
    mean = float(np.dot(likelihood, trials))
    variance = float(np.dot(likelihood, (trials - mean) ** 2))
    # between two frames nothing was measured, and no power law need hold to the last kelvin
    spacing = float(np.median(np.diff(x)))
    return mean, float(np.sqrt(variance + spacing**2 / 12))


def _describe(found: Transition, segment: Segment) -> Conclusion:
    axes = found.axes
    first, second = axes.names[0], axes.names[1]
    where, other = ("below", "above") if found.is_split_below else ("above", "below")
    nearest = int(np.argmin(np.abs(axes.temperature - found.temperature)))
    systematic = float(axes.systematic[nearest])
    half = Z95 * float(np.hypot(found.stderr, systematic))
    return Conclusion(
        "transition_temperature",
        value=found.temperature,
        stderr=found.stderr,
        systematic=systematic,
        lower95=found.temperature - half,
        upper95=found.temperature + half,
        unit="degC",
        verdict=Verdict.OK,
        reason=(
            f"{first} and {second} differ by up to {100 * found.largest:.2g} % {where} it and "
            f"cannot be told apart in {found.merged} frames {other}"
        ),
        method=METHOD,
        condition=segment.name,
    )
