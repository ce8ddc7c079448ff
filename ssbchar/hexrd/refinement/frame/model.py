"""The model of one frame at given cells, widths and zero: the profile of every reflection."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ssbchar.hexrd.refinement.frame.lattice import (
    lorentz_fwhm_from_two_theta,
    predict_shares,
    two_theta_from_metric,
)
from ssbchar.hexrd.refinement.frame.parameters import FrameParameters, ParameterLayout
from ssbchar.hexrd.refinement.frame.profiles import Lines, Profiles, evaluate_profiles
from ssbchar.hexrd.refinement.frame.series import FramePattern, ReflectionList, SeriesModel
from ssbchar.hexrd.refinement.frame.windows import sum_windows
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

    reflections: ReflectionList
    profiles: Profiles
    """Of every reflection."""
    two_theta: Array
    """[degree], without the zero, shape (reflection,)."""
    slope: Array
    """d(2theta)/d(1/d^2) of each reflection [degree angstrom^2]."""
    expected: Array
    """Share of each reflection in its phase's intensity by the phase's pattern; one in sum per
    phase."""
    free: Index
    """Reflections with an intensity of their own, along the axis: neighbours overlap."""

    @property
    def owner(self) -> Index:
        """Phase (index into `present`) of each reflection."""
        return self.reflections.owner

    @property
    def ranges(self) -> tuple[slice, ...]:
        """Reflections of each phase present."""
        return self.reflections.ranges

    @property
    def is_free(self) -> Bool:
        """Whether a reflection has an intensity of its own."""
        return self.reflections.is_free

    def sum_by_phase(self, intensity: Array, points: int) -> Array:
        """Return the pattern of each phase [counts] from the intensities of the reflections
        (reflection,) [counts degree], shape (present, points)."""
        factors = np.zeros((len(self.ranges), intensity.size))
        for i, own in enumerate(self.ranges):
            factors[i, own] = intensity[own]
        return sum_windows(self.profiles.phi, factors, points)


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
    reflections = series.list_reflections(present)
    two_theta, slope, expected, lorentz_fwhm = np.empty((4, reflections.owner.size))
    for p, own in zip(present, reflections.ranges, strict=True):
        phase = series.phases[p]
        metric = phase.metric_from_strain(parameters.strain[p, : phase.free])
        two_theta[own], slope[own] = two_theta_from_metric(phase.form, metric, series.wavelength)
        expected[own] = predict_shares(
            series.strength[p], two_theta[own], parameters.overall_b[p], series.wavelength
        )
        lorentz_fwhm[own] = lorentz_fwhm_from_two_theta(
            two_theta[own],
            math.exp(parameters.log_size_width[p]),
            math.exp(parameters.log_strain_width[p]),
        )
    # wide windows for what matters: the tails of weak reflections are below the noise
    matters = reflections.is_free | (expected > STRONG)
    lines = Lines(
        position=two_theta + parameters.zero,
        gauss_fwhm=parameters.gauss_fwhm,
        lorentz_fwhm=lorentz_fwhm,
        reach=np.where(matters, series.reach, min(WEAK_REACH, series.reach)),
    )
    profiles = evaluate_profiles(series.two_theta, lines)
    free = np.flatnonzero(reflections.is_free)
    return FrameModel(
        reflections=reflections,
        profiles=profiles,
        two_theta=two_theta,
        slope=slope,
        expected=expected,
        free=free[np.argsort(profiles.phi.start[free], kind="stable")],
    )
