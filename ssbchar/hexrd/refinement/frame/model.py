"""The model of one frame at given cells, widths and zero: the profile of every reflection."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from ssbchar.compiled import compile_loops
from ssbchar.hexrd.refinement.frame.components import build_components
from ssbchar.hexrd.refinement.frame.lines import (
    AXIAL,
    DISPLACEMENT,
    DOUBLET,
    ZERO,
    PredictedLines,
    Reflections,
    predict_lines,
    shift_from_displacement,
)
from ssbchar.hexrd.refinement.frame.parameters import FrameParameters, ParameterLayout
from ssbchar.hexrd.refinement.frame.profiles import Lines, Profiles, evaluate_profiles
from ssbchar.hexrd.refinement.frame.series import FramePattern, SeriesModel
from ssbchar.hexrd.refinement.frame.windows import Windows, sum_windows_by_owner
from ssbchar.typing import Array, Bool, Index

WEAK_REACH = 3.0
"""Half width of the profiles of weak reflections without intensity of their own, in full widths."""
STRONG = 3e-3
"""Share of the phase's intensity from which a reflection is not weak."""


class FrameData(NamedTuple):
    """What does not change while a frame is refined."""

    two_theta: Array
    """[degree], shape (points,)."""
    intensity: Array
    """[counts], shape (points,)."""
    weight: Array
    """[1/counts^2], shape (points,)."""
    splines: Windows
    """Terms of the background."""
    reflections: Reflections
    """Of the phases in the model."""
    freedom: Array
    """Relative standard deviation of free intensities about the pattern [1], shape (phase,)."""
    reach: float
    """Half width of a reflection's profile, in full widths."""


@dataclass(frozen=True, kw_only=True)
class FrameProblem:
    """What is fitted: the points of a frame, with which phases, by which parameters."""

    series: SeriesModel
    pattern: FramePattern
    present: tuple[int, ...]
    """Phases in the model, ascending."""
    layout: ParameterLayout

    @property
    def phase_count(self) -> int:
        """Number of phases in the model."""
        return len(self.present)

    @property
    def term_count(self) -> int:
        """Number of background terms."""
        return len(self.series.background_terms)

    @cached_property
    def data(self) -> FrameData:
        """The same as compiled functions take it."""
        return _collect_data(self.series, self.pattern, self.present)


def _collect_data(
    series: SeriesModel, pattern: FramePattern, present: tuple[int, ...]
) -> FrameData:
    return FrameData(
        two_theta=series.two_theta,
        intensity=pattern.intensity,
        weight=pattern.weight,
        splines=series.splines,
        reflections=series.list_reflections(present),
        freedom=series.intensity_freedom[list(present)],
        reach=float(series.reach),
    )


class FrameModel(NamedTuple):
    """Profiles of a frame at one set of non-linear parameters.

    Reflections are those of the phases present, phase after phase.
    """

    reflections: Reflections
    values: Array
    """All parameters of those phases, as `FrameParameters.take_values`."""
    predicted: PredictedLines
    """Positions, shares and widths at these values."""
    lines: Lines
    """The same as profiles need them."""
    profiles: Profiles
    """Of every reflection."""
    free: Index
    """Reflections with an intensity of their own, along the axis: neighbours overlap."""

    @property
    def expected(self) -> Array:
        """Share of each reflection in its phase's intensity by the phase's pattern [1]; one in sum
        per phase."""
        return self.predicted.expected

    @property
    def owner(self) -> Index:
        """Phase (index into `present`) of each reflection."""
        return self.reflections.owner

    @property
    def ranges(self) -> tuple[slice, ...]:
        """Reflections of each phase present."""
        return tuple(slice(a, b) for a, b in itertools.pairwise(self.reflections.edge.tolist()))

    @property
    def is_free(self) -> Bool:
        """Whether a reflection has an intensity of its own."""
        return self.reflections.is_free

    def sum_by_phase(self, intensity: Array, points: int) -> Array:
        """Return the pattern of each phase [counts] from the intensities of the reflections
        (reflection,) [counts degree], shape (present, points)."""
        return sum_windows_by_owner(self.profiles.phi, intensity, self.reflections.edge, points)

    def sum_intensities(self, intensity: Array) -> Array:
        """Return the intensity of each phase [counts degree], shape (present,), from those of the
        reflections (reflection,)."""
        return np.add.reduceat(intensity, self.reflections.edge[:-1])


def build_model(
    series: SeriesModel, parameters: FrameParameters, present: tuple[int, ...]
) -> FrameModel:
    """Return the model of a frame at given parameters.

    Parameters
    ----------
    series : SeriesModel
        Axis in degree, shape (points,).
    parameters : FrameParameters
    present : tuple of int
        Phases in the model, ascending.

    Returns
    -------
    FrameModel
        Profiles in 1/degree.
    """
    reflections, reach = series.list_reflections(present), float(series.reach)
    return evaluate_model(series.two_theta, reflections, reach, parameters.take_values(present))


@compile_loops
def evaluate_model(
    two_theta: Array, reflections: Reflections, reach: float, values: Array
) -> FrameModel:
    """Return the model at given values, shape (value,), on an axis 2theta [degree], shape
    (points,), with lines followed over `reach` full widths."""
    predicted = predict_lines(reflections, values)
    # wide windows for what matters: the tails of weak reflections are below the noise
    matters = reflections.is_free | (predicted.expected > STRONG)
    reaches = np.where(matters, reach, min(WEAK_REACH, reach))
    position = predicted.two_theta + values[ZERO]
    if values[DISPLACEMENT] != 0:
        for r in range(position.size):
            shift = shift_from_displacement(predicted.two_theta[r], reflections.geometry)
            position[r] += values[DISPLACEMENT] * shift
    components = build_components(
        predicted.two_theta, reflections.emission, values[DOUBLET], values[AXIAL]
    )
    lines = Lines(position, predicted.gauss_fwhm, predicted.lorentz_fwhm, reaches, components)
    profiles = evaluate_profiles(two_theta, lines)
    free = np.flatnonzero(reflections.is_free)
    free = free[np.argsort(profiles.phi.start[free], kind="mergesort")]
    return FrameModel(reflections, values, predicted, lines, profiles, free)
