"""The non-linear parameters of a frame: their values, their priors, and their places in the vector
of the normal equations."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Generic, TypeVar

import numpy as np

from ssbchar.hexrd.refinement.frame.profiles import width_from_size
from ssbchar.hexrd.refinement.frame.series import SeriesModel
from ssbchar.typing import Array, Bool, Index

WIDTH_BOUNDS = (1e-4, 1.0)
"""Bounds of the Lorentzian widths [degree]."""
WIDEST_GAUSS = 1.0
"""Upper bound of the Gaussian width [degree]."""
SMALLEST_CRYSTALLITE = 70.0
"""Size [angstrom] below which lines cannot be told from the background."""
B_BOUNDS = (-2.0, 10.0)
"""Bounds of displacement factors beside those of the atoms [angstrom^2]."""
STRAIN_STEP = 0.02
"""Largest change of a strain in one step."""
LOG_WIDTH_STEP = 0.7
"""Largest change of the log of a width in one step."""
B_STEP = 2.0
"""Largest change of a displacement factor in one step [angstrom^2]."""

Value = TypeVar("Value", float, Array)


class ParameterKind(StrEnum):
    """Kinds of parameters; each is the field of `FrameParameters` and `FramePrior` of that name."""

    ZERO = "zero"
    GAUSS = "gauss_fwhm"
    STRAIN = "strain"
    SIZE = "log_size_width"
    MICROSTRAIN = "log_strain_width"
    OVERALL_B = "overall_b"


SHARED = (ParameterKind.ZERO, ParameterKind.GAUSS)
"""Kinds of which all phases have one parameter together."""
PER_PHASE = (ParameterKind.SIZE, ParameterKind.MICROSTRAIN, ParameterKind.OVERALL_B)
"""Kinds of which each phase has one."""


@dataclass(frozen=True, kw_only=True)
class FrameParameters:
    """Values of the non-linear parameters of a frame, and the amounts and misfit they go with; for
    all candidate phases, in the model or not."""

    zero: float
    """Zero of 2theta [degree]; a reflection lies at 2theta + zero."""
    gauss_fwhm: float
    """Gaussian width of the instrument [degree]."""
    overall_b: Array
    """Displacement factor of each phase beside those of its atoms [angstrom^2], shape (phase,)."""
    strain: Array
    """Strains of the reciprocal metric, shape (phase, 6), the free ones first."""
    log_size_width: Array
    """log of the Lorentzian width over 1/cos(theta) [log degree], shape (phase,)."""
    log_strain_width: Array
    """log of the Lorentzian width over tan(theta) [log degree], shape (phase,)."""
    amount: Array
    """Intensity of each phase at the step before, for the priors of its reflections [counts
    degree]; NaN where unknown, shape (phase,)."""
    inflation: Array
    """Factor on each phase's standard errors for misfit and serial correlation, shape (phase,)."""
    goodness: float = 1.0
    """Square root of the mean weighted square of the residual, 1 or more."""

    def replace_phase(self, phase: int, other: FrameParameters) -> FrameParameters:
        """Return a copy with the strain [1], shape (6,), log widths, amount [counts degree] and
        inflation that a phase has in `other`; its displacement factor stays."""

        def take(name: str) -> Array:
            return replace_entry(getattr(self, name), phase, getattr(other, name)[phase])

        return replace(
            self,
            strain=take("strain"),
            log_size_width=take("log_size_width"),
            log_strain_width=take("log_strain_width"),
            amount=take("amount"),
            inflation=take("inflation"),
        )


def replace_entry(values: Array, index: int | list[int], new: Array | float) -> Array:
    """Return a copy of `values`, shape (n, ...), with some entries along the first axis replaced,
    in the unit of the others."""
    out = values.copy()
    out[index] = new
    return out


@dataclass(frozen=True, kw_only=True)
class GaussianPrior(Generic[Value]):
    """Where parameters of one kind are expected, and how closely."""

    mean: Value
    sigma: Value
    """Standard deviation, in the unit of `mean`; 0 holds a parameter at its mean."""


@dataclass(frozen=True, kw_only=True)
class FramePrior:
    """Priors of the non-linear parameters of a frame, each named as in `FrameParameters`."""

    zero: GaussianPrior[float]
    gauss_fwhm: GaussianPrior[float]
    overall_b: GaussianPrior[Array]
    """Shape (phase,)."""
    strain: GaussianPrior[Array]
    """Shape (phase, 6)."""
    log_size_width: GaussianPrior[Array]
    log_strain_width: GaussianPrior[Array]
    held_zero_stderr: float = 0.0
    """Standard error of a zero that is held [degree]; it passes into the cells."""
    shape_weighed_by_misfit: bool = False
    """Whether the priors of widths and displacement factors are weighed against the misfit alone,
    without its serial correlation: they then yield to the data more easily."""

    def apply_holds(self, parameters: FrameParameters) -> FrameParameters:
        """Return the parameters with all that this prior holds at its mean, each in the unit of its
        kind and of the shape it has."""
        zero, gauss = self.zero, self.gauss_fwhm
        held = {
            kind: np.where(
                getattr(self, kind).sigma > 0, getattr(parameters, kind), getattr(self, kind).mean
            )
            for kind in PER_PHASE
        }
        return replace(
            parameters,
            zero=parameters.zero if zero.sigma else zero.mean,
            gauss_fwhm=parameters.gauss_fwhm if gauss.sigma else gauss.mean,
            overall_b=held[ParameterKind.OVERALL_B],
            log_size_width=held[ParameterKind.SIZE],
            log_strain_width=held[ParameterKind.MICROSTRAIN],
        )


@dataclass(frozen=True, kw_only=True)
class ParameterLayout:
    """Which entry of the parameter vector is what; entries are the parameters that are not held."""

    kinds: tuple[ParameterKind, ...]
    phase: Index
    """Phase of each parameter, -1 for all, shape (parameter,)."""
    strain_index: Index
    """Which of the phase's strains; 0 for other kinds, shape (parameter,)."""
    prior_mean: Array
    """Shape (parameter,)."""
    prior_precision: Array
    """1 / prior variance, shape (parameter,)."""
    shape_weighed_by_misfit: bool
    """See `FramePrior`."""

    @property
    def size(self) -> int:
        """Number of parameters."""
        return len(self.kinds)

    @cached_property
    def has_shared(self) -> bool:
        """Whether a parameter belongs to all phases."""
        return bool(np.any(self.phase < 0))

    @property
    def rows(self) -> dict[ParameterKind, Index]:
        """Entries of each kind."""
        return _find_rows(self.kinds)

    def select(self, *kinds: ParameterKind) -> Bool:
        """Return which entries are of these kinds, shape (parameter,)."""
        return _select_kinds(self.kinds, kinds)

    def select_strains(self, phase: int) -> slice:
        """Return the entries of a phase's strains: they stand side by side."""
        rows = self.rows[ParameterKind.STRAIN]
        first, last = np.searchsorted(self.phase[rows], [phase, phase + 1])
        if first == last:
            return slice(0, 0)
        return slice(int(rows[first]), int(rows[last - 1]) + 1)


# the frames of a series have few different layouts: their entries are not sorted out each time


@lru_cache
def _find_rows(kinds: tuple[ParameterKind, ...]) -> dict[ParameterKind, Index]:
    order = (*SHARED, ParameterKind.STRAIN, *PER_PHASE)
    return {kind: np.flatnonzero([k == kind for k in kinds]) for kind in order}


@lru_cache
def _select_kinds(kinds: tuple[ParameterKind, ...], wanted: tuple[ParameterKind, ...]) -> Bool:
    chosen = np.array([kind in wanted for kind in kinds], bool)
    chosen.setflags(write=False)  # shared by all who ask
    return chosen


NO_PARAMETERS = ParameterLayout(
    kinds=(),
    phase=np.empty(0, np.int64),
    strain_index=np.empty(0, np.int64),
    prior_mean=np.empty(0),
    prior_precision=np.empty(0),
    shape_weighed_by_misfit=False,
)
"""Layout of a frame of which the linear part alone is wanted."""


def build_layout(
    series: SeriesModel, present: tuple[int, ...], prior: FramePrior
) -> ParameterLayout:
    """Return the layout of a frame.

    Parameters
    ----------
    series : SeriesModel
    present : tuple of int
        Phases in the model: only their parameters have entries.
    prior : FramePrior
        Parameters that it holds (sigma 0) have no entry. In the unit of each kind.
    """
    # kind, phase, strain index, prior mean, prior sigma
    rows: list[tuple[ParameterKind, int, int, float, float]] = []
    for kind in SHARED:
        shared: GaussianPrior[float] = getattr(prior, kind)
        rows.append((kind, -1, 0, shared.mean, shared.sigma))
    for phase in present:
        for k in range(series.phases[phase].free):
            mean, sigma = prior.strain.mean[phase, k], prior.strain.sigma[phase, k]
            rows.append((ParameterKind.STRAIN, phase, k, mean, sigma))
        for kind in PER_PHASE:
            own: GaussianPrior[Array] = getattr(prior, kind)
            rows.append((kind, phase, 0, own.mean[phase], own.sigma[phase]))
    # what is held is no parameter: it costs no column of the Jacobian
    rows = [row for row in rows if row[4] > 0]
    return ParameterLayout(
        kinds=tuple(row[0] for row in rows),
        phase=np.array([row[1] for row in rows], np.int64),
        strain_index=np.array([row[2] for row in rows], np.int64),
        prior_mean=np.array([row[3] for row in rows]),
        prior_precision=np.array([1 / row[4] ** 2 for row in rows]),
        shape_weighed_by_misfit=prior.shape_weighed_by_misfit,
    )


def vector_from_parameters(layout: ParameterLayout, parameters: FrameParameters) -> Array:
    """Return the parameter vector, shape (parameter,), each entry in the unit of its kind."""
    out, rows = np.empty(layout.size), layout.rows
    for kind in SHARED:
        out[rows[kind]] = getattr(parameters, kind)
    strains = rows[ParameterKind.STRAIN]
    out[strains] = parameters.strain[layout.phase[strains], layout.strain_index[strains]]
    for kind in PER_PHASE:
        if rows[kind].size:
            out[rows[kind]] = getattr(parameters, kind)[layout.phase[rows[kind]]]
    return out


def move_parameters(
    parameters: FrameParameters, layout: ParameterLayout, step: Array, series: SeriesModel
) -> FrameParameters:
    """Return the parameters after a step.

    Parameters
    ----------
    parameters : FrameParameters
    layout : ParameterLayout
    step : ndarray, shape (parameter,)
        In the unit of each kind; cut to the largest change of the kind, and to its bounds.
    series : SeriesModel
        Its wavelength [angstrom] and axis [degree] give the bounds of widths.
    """
    changed: dict[str, float | Array] = {}
    for kind, rows in layout.rows.items():
        if not rows.size:
            continue
        change, phase = step[rows], layout.phase[rows]
        if kind == ParameterKind.ZERO:
            changed[kind] = parameters.zero + float(change[0])
        elif kind == ParameterKind.GAUSS:
            # a line narrower than the step of the axis has no width to refine
            narrowest = (series.two_theta[-1] - series.two_theta[0]) / series.two_theta.size
            width = parameters.gauss_fwhm + float(change[0])
            changed[kind] = min(max(width, narrowest), WIDEST_GAUSS)
        elif kind == ParameterKind.STRAIN:
            strain = np.array(parameters.strain, float)
            strain[phase, layout.strain_index[rows]] += _bound(change, -STRAIN_STEP, STRAIN_STEP)
            changed[kind] = strain
        else:
            values = np.array(getattr(parameters, kind), float)
            values[phase] = _move_shape(kind, values[phase], change, series)
            changed[kind] = values
    return replace(parameters, **changed)  # type: ignore[arg-type]


def _move_shape(kind: ParameterKind, old: Array, change: Array, series: SeriesModel) -> Array:
    """Return widths or displacement factors after a step, within their bounds."""
    if kind == ParameterKind.OVERALL_B:
        return _bound(old + _bound(change, -B_STEP, B_STEP), *B_BOUNDS)
    widest = WIDTH_BOUNDS[1]
    if kind == ParameterKind.SIZE:
        widest = min(widest, width_from_size(SMALLEST_CRYSTALLITE, series.wavelength))
    # logarithms, so that widths stay positive and steps are relative
    moved = old + _bound(change, -LOG_WIDTH_STEP, LOG_WIDTH_STEP)
    return _bound(moved, math.log(WIDTH_BOUNDS[0]), math.log(widest))


def _bound(values: Array, low: float, high: float) -> Array:
    return np.minimum(np.maximum(values, low), high)


def select_inflations(layout: ParameterLayout, parameters: FrameParameters) -> Array:
    """Return the inflation of each entry's phase [1], shape (parameter,); parameters of all phases
    take the median of the phases."""
    if not layout.has_shared:  # the usual case in the last passes: nothing to sort out
        return parameters.inflation[layout.phase]
    shared = find_median_inflation(parameters.inflation)
    own = parameters.inflation[np.maximum(layout.phase, 0)]
    return np.where(layout.phase < 0, shared, own)


def find_median_inflation(inflation: Array) -> float:
    """Return the inflation of what all phases share: the median of theirs (phase,) [1], a float."""
    # NumPy's median takes longer than all else of a step
    return float(statistics.median(inflation.tolist()))


def weigh_priors(layout: ParameterLayout, parameters: FrameParameters) -> Array:
    """Return the weight of each entry's prior in the weighted squares, shape (parameter,), in 1 /
    (unit of its kind)^2.

    1/variance on the scale of the entry's standard error: that error is inflated, so the prior's
    is deflated, and both stay in proportion.
    """
    factor = select_inflations(layout, parameters)
    if layout.shape_weighed_by_misfit:
        shape = layout.select(*PER_PHASE, ParameterKind.GAUSS)
        factor = np.where(shape, parameters.goodness, factor)
    return np.asarray(factor**2 * layout.prior_precision)


def sum_prior_squares(layout: ParameterLayout, parameters: FrameParameters) -> float:
    """Return the weighted squares by which the parameters miss their priors [1], a float, weighed
    as by `weigh_priors`."""
    weight = weigh_priors(layout, parameters)
    missed = vector_from_parameters(layout, parameters) - layout.prior_mean
    return float(np.sum(weight * missed**2))
