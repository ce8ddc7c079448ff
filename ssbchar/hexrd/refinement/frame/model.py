"""The model of one frame at given cells, widths and zero: the profile of every reflection."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from ssbchar.hexrd.refinement.frame.lines import (
    GAUSS,
    ZERO,
    PredictedLines,
    Reflections,
    predict_lines,
)
from ssbchar.hexrd.refinement.frame.parameters import FrameParameters, ParameterLayout
from ssbchar.hexrd.refinement.frame.profiles import Lines, Profiles, evaluate_profiles
from ssbchar.hexrd.refinement.frame.series import FramePattern, SeriesModel
from ssbchar.hexrd.refinement.frame.windows import sum_windows_by_owner
from ssbchar.typing import Array, Bool, Index

WEAK_REACH = 3.0
"""Half width of the profiles of weak reflections without intensity of their own, in full widths."""
STRONG = 3e-3
"""Share of the phase's intensity from which a reflection is not weak."""


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


@dataclass(frozen=True, kw_only=True)
class FrameModel:
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
    reflections, values = series.list_reflections(present), parameters.take_values(present)
    predicted = predict_lines(reflections, values)
    # wide windows for what matters: the tails of weak reflections are below the noise
    matters = reflections.is_free | (predicted.expected > STRONG)
    lines = Lines(
        position=predicted.two_theta + values[ZERO],
        gauss_fwhm=float(values[GAUSS]),
        lorentz_fwhm=predicted.lorentz_fwhm,
        reach=np.where(matters, series.reach, min(WEAK_REACH, series.reach)),
    )
    profiles = evaluate_profiles(series.two_theta, lines)
    free = np.flatnonzero(reflections.is_free)
    return FrameModel(
        reflections=reflections,
        values=values,
        predicted=predicted,
        lines=lines,
        profiles=profiles,
        free=free[np.argsort(profiles.phi.start[free], kind="stable")],
    )
