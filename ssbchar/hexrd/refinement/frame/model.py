"""The model of one frame at given cells, widths and zero: a column of the pattern for each
reflection, phase and background term."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ssbchar.hexrd.refinement.frame.lattice import (
    lorentz_factor_from_two_theta,
    two_theta_from_metric,
)
from ssbchar.hexrd.refinement.frame.parameters import (
    FrameParameters,
    ParameterKind,
    ParameterLayout,
)
from ssbchar.hexrd.refinement.frame.profiles import Derivatives, Profiles, build_profiles
from ssbchar.hexrd.refinement.frame.series import FramePattern, SeriesModel
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
        return int(self.series.background_terms.shape[1])


@dataclass(frozen=True, kw_only=True)
class FrameModel:
    """Profiles of a frame at one set of non-linear parameters.

    Columns are the reflections of the phases present, those with an intensity of their own first.
    """

    profiles: Profiles
    owner: Index
    """Phase (index into `present`) of each column."""
    two_theta: Array
    """[degree], without the zero, shape (column,)."""
    slope: Array
    """d(2theta)/d(1/d^2) of each column [degree angstrom^2]."""
    expected: Array
    """Share of each column in its phase's intensity by the phase's pattern; one in sum per
    phase."""
    is_free: Bool
    """Whether a column has an intensity of its own."""
    free_profiles: Any
    """Profiles of those columns (csc_array), shape (points, free)."""
    dense: Array
    """Background terms, then per phase the summed profiles of the reflections without intensity of
    their own, shape (points, terms + present)."""
    log_by_overall_b: Array
    """d(log intensity) / d(displacement factor) of each column [1/angstrom^2]."""

    def spread_patterns(self, phase_count: int) -> Array:
        """Return each phase's pattern over the columns [1], shape (column, present)."""
        out = np.zeros((self.owner.size, phase_count))
        out[np.arange(self.owner.size), self.owner] = self.expected
        return out


@dataclass(frozen=True, kw_only=True)
class _Reflections:
    """Reflections of the phases present, phase after phase; each array of shape (reflection,)."""

    two_theta: Array
    slope: Array
    expected: Array
    owner: Index
    is_free: Bool


def build_model(
    series: SeriesModel,
    parameters: FrameParameters,
    present: tuple[int, ...],
    layout: ParameterLayout,
) -> FrameModel:
    """Return the model of a frame at given parameters.

    Parameters
    ----------
    series : SeriesModel
        Axis in degree, shape (points,).
    parameters : FrameParameters
    present : tuple of int
        Phases in the model, ascending.
    layout : ParameterLayout
        Says which derivatives are needed.

    Returns
    -------
    FrameModel
        Columns of shape (points,) [1/degree].
    """
    reflections = _list_reflections(series, parameters, present)
    theta = np.radians(reflections.two_theta) / 2
    phase = np.array(present)[reflections.owner]
    size_width = np.exp(parameters.log_size_width)[phase]
    strain_width = np.exp(parameters.log_strain_width)[phase]
    # wide windows for what matters: the tails of weak reflections are below the noise
    matters = reflections.is_free | (reflections.expected > STRONG)
    profiles = build_profiles(
        series.two_theta,
        reflections.two_theta + parameters.zero,
        np.full(theta.size, parameters.gauss_fwhm),
        size_width / np.cos(theta) + strain_width * np.tan(theta),
        reach=np.where(matters, series.reach, min(WEAK_REACH, series.reach)),
        derivatives=_choose_derivatives(layout),
        first=reflections.is_free,
    )
    order = profiles.order
    owner, expected = reflections.owner[order], reflections.expected[order]
    free_count = int(reflections.is_free.sum())
    following = np.zeros((order.size, len(present)))
    following[np.arange(free_count, order.size), owner[free_count:]] = expected[free_count:]
    return FrameModel(
        profiles=profiles,
        owner=owner,
        two_theta=reflections.two_theta[order],
        slope=reflections.slope[order],
        expected=expected,
        is_free=reflections.is_free[order],
        free_profiles=profiles.take_leading(free_count),
        dense=np.hstack([series.background_terms, profiles.shape @ following]),
        log_by_overall_b=-2 * (np.sin(theta[order]) / series.wavelength) ** 2,
    )


def _choose_derivatives(layout: ParameterLayout) -> Derivatives:
    if ParameterKind.GAUSS in layout.kinds:
        return Derivatives.ALL
    return Derivatives.POSITION_AND_LORENTZ if layout.kinds else Derivatives.NONE


def _list_reflections(
    series: SeriesModel, parameters: FrameParameters, present: tuple[int, ...]
) -> _Reflections:
    angles, slopes, shares, owners, free = [], [], [], [], []
    for i, p in enumerate(present):
        phase = series.phases[p]
        metric = phase.metric_from_strain(parameters.strain[p, : phase.free])
        angle, slope = two_theta_from_metric(phase.form, metric, series.wavelength)
        is_free = np.zeros(angle.size, bool)
        is_free[series.free_reflections[p]] = True
        angles.append(angle)
        slopes.append(slope)
        shares.append(predict_shares(series, p, angle, float(parameters.overall_b[p])))
        owners.append(np.full(angle.size, i))
        free.append(is_free)
    return _Reflections(
        two_theta=np.concatenate(angles),
        slope=np.concatenate(slopes),
        expected=np.concatenate(shares),
        owner=np.concatenate(owners),
        is_free=np.concatenate(free),
    )


def predict_shares(series: SeriesModel, phase: int, two_theta: Array, overall_b: float) -> Array:
    """Return each reflection's share in a phase's intensity: strength, Lorentz factor and
    displacement factor exp(-2 B sin^2(theta) / lambda^2).

    Parameters
    ----------
    series : SeriesModel
    phase : int
    two_theta : ndarray, shape (reflection,)
        [degree].
    overall_b : float
        B beside that of the atoms [angstrom^2].

    Returns
    -------
    ndarray, shape (reflection,)
        [1], one in sum.
    """
    sine = np.sin(np.radians(two_theta) / 2) / series.wavelength
    lorentz = lorentz_factor_from_two_theta(two_theta)
    strength = series.strength[phase] * lorentz * np.exp(-2 * overall_b * sine**2)
    return np.asarray(strength / strength.sum())
