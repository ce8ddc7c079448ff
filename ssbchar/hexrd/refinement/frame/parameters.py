"""The non-linear parameters of a frame: their values, their priors, and their places in the vector
of the normal equations."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Any, Generic, TypeVar

import numpy as np

from ssbchar.hexrd.refinement.frame.lines import (
    ANISOTROPY,
    AXIAL,
    CAGLIOTI_U,
    CAGLIOTI_V,
    DISPLACEMENT,
    DOUBLET,
    GAUSS,
    MICROSTRAIN,
    MOST_ANISOTROPY,
    OVERALL_B,
    PHASE_VALUES,
    SHARED_VALUES,
    SIZE,
    STRAIN,
    TEXTURE,
    ZERO,
)
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
CAGLIOTI_STEP = 0.01
"""Largest change of a Caglioti term in one step [degree^2]."""
AXIAL_BOUNDS = (0.0, 0.2)
"""Bounds of axial divergence [1]."""
AXIAL_STEP = 0.01
"""Largest change of axial divergence in one step."""
TEXTURE_BOUNDS = (-1.2, 1.2)
"""Bounds of the log of the March-Dollase coefficient."""
TEXTURE_STEP = 0.3
"""Its largest change in one step."""
ANISOTROPY_STEP = 0.5
"""Largest change of a coefficient of anisotropic strain in one step [1]."""

Value = TypeVar("Value", float, Array)


class ParameterKind(StrEnum):
    """Kinds of parameters; each is the field of `FrameParameters` and `FramePrior` of that name."""

    ZERO = "zero"
    GAUSS = "gauss_fwhm"
    CAGLIOTI_V = "caglioti_v"
    CAGLIOTI_U = "caglioti_u"
    AXIAL = "axial"
    DISPLACEMENT = "displacement"
    DOUBLET = "doublet"
    STRAIN = "strain"
    SIZE = "log_size_width"
    MICROSTRAIN = "log_strain_width"
    OVERALL_B = "overall_b"
    TEXTURE = "log_texture"
    ANISOTROPY = "anisotropy"


SHARED = (
    ParameterKind.ZERO,
    ParameterKind.GAUSS,
    ParameterKind.CAGLIOTI_V,
    ParameterKind.CAGLIOTI_U,
    ParameterKind.AXIAL,
    ParameterKind.DISPLACEMENT,
    ParameterKind.DOUBLET,
)
"""Kinds of which all phases have one parameter together, in the order of ``lines``."""
PER_PHASE = (
    ParameterKind.SIZE,
    ParameterKind.MICROSTRAIN,
    ParameterKind.OVERALL_B,
    ParameterKind.TEXTURE,
    ParameterKind.ANISOTROPY,
)
"""Kinds that each phase has for itself, beside its strains."""
OF_SHAPE = (
    *(k for k in SHARED if k not in (ParameterKind.ZERO, ParameterKind.DISPLACEMENT)),
    *PER_PHASE,
)
"""Kinds of widths and intensities, which move no line."""
COLUMNS: tuple[slice | int, ...] = (
    slice(STRAIN, SIZE),
    SIZE,
    MICROSTRAIN,
    OVERALL_B,
    TEXTURE,
    slice(ANISOTROPY, PHASE_VALUES),
)
"""Where strains, both widths, displacement factor, texture and anisotropy stand in the row of a
phase."""
KINDS_IN_ROW = (
    *(ParameterKind.STRAIN,) * 6,
    ParameterKind.SIZE,
    ParameterKind.MICROSTRAIN,
    ParameterKind.OVERALL_B,
    ParameterKind.TEXTURE,
    *(ParameterKind.ANISOTROPY,) * MOST_ANISOTROPY,
)
"""Kind of each value in the row of a phase, in the order of ``lines``."""
OF_PHASE = tuple(dict.fromkeys(KINDS_IN_ROW))
"""The kinds in the row of a phase, each once, as in `COLUMNS`."""


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
    log_texture: Array
    """log of the March-Dollase coefficient of each phase [1], shape (phase,)."""
    anisotropy: Array
    """Coefficients of anisotropic strain of each phase [1], shape (phase, 14)."""
    goodness: float = 1.0
    """Square root of the mean weighted square of the residual, 1 or more."""
    caglioti_v: float = 0.0
    """Term of the squared Gaussian width in tan(theta) [degree^2]."""
    caglioti_u: float = 0.0
    """Term of the squared Gaussian width in tan^2(theta) [degree^2]."""
    axial: float = 0.0
    """Axial divergence, see `ssbchar.hexrd.refinement.frame.components` [1]."""
    displacement: float = 0.0
    """Displacement of the sample over the distance to the detector [1]."""
    doublet: float = 0.0
    """Intensity of K-alpha2 over K-alpha1 [1]."""

    def take_values(self, present: Sequence[int]) -> Array:
        """Return the values of some phases in the order of ``lines``, each in the unit of its kind,
        shape (value,)."""
        return _join_values(
            tuple(getattr(self, kind) for kind in SHARED),
            tuple(getattr(self, kind) for kind in OF_PHASE),
            present,
        )

    def replace_values(self, present: Sequence[int], values: Array) -> FrameParameters:
        """Return a copy with the values of some phases as from `take_values`, shape (value,), each
        in the unit of its kind."""
        rows, own = list(present), values[SHARED_VALUES:].reshape(-1, PHASE_VALUES)
        return FrameParameters(
            zero=float(values[ZERO]),
            gauss_fwhm=float(values[GAUSS]),
            overall_b=replace_entry(self.overall_b, rows, own[:, OVERALL_B]),
            strain=replace_entry(self.strain, rows, own[:, :SIZE]),
            log_size_width=replace_entry(self.log_size_width, rows, own[:, SIZE]),
            log_strain_width=replace_entry(self.log_strain_width, rows, own[:, MICROSTRAIN]),
            amount=self.amount,
            inflation=self.inflation,
            log_texture=replace_entry(self.log_texture, rows, own[:, TEXTURE]),
            anisotropy=replace_entry(self.anisotropy, rows, own[:, ANISOTROPY:]),
            goodness=self.goodness,
            caglioti_v=float(values[CAGLIOTI_V]),
            caglioti_u=float(values[CAGLIOTI_U]),
            axial=float(values[AXIAL]),
            displacement=float(values[DISPLACEMENT]),
            doublet=float(values[DOUBLET]),
        )

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


HELD_AT_ZERO = GaussianPrior(mean=0.0, sigma=0.0)
"""Of a term of the profile that is not used."""


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
    log_texture: GaussianPrior[Array]
    anisotropy: GaussianPrior[Array]
    """Shape (phase, 14)."""
    caglioti_v: GaussianPrior[float] = HELD_AT_ZERO
    caglioti_u: GaussianPrior[float] = HELD_AT_ZERO
    axial: GaussianPrior[float] = HELD_AT_ZERO
    displacement: GaussianPrior[float] = HELD_AT_ZERO
    doublet: GaussianPrior[float] = HELD_AT_ZERO
    held_zero_stderr: float = 0.0
    """Standard error of a zero that is held [degree]; it passes into the cells."""
    shape_weighed_by_misfit: bool = False
    """Whether the priors of widths and displacement factors are weighed against the misfit alone,
    without its serial correlation: they then yield to the data more easily."""

    def apply_holds(self, parameters: FrameParameters) -> FrameParameters:
        """Return the parameters with all that this prior holds at its mean, each in the unit of its
        kind and of the shape it has."""
        held: dict[str, Any] = {}
        for kind in SHARED:
            prior = getattr(self, kind)
            held[kind] = getattr(parameters, kind) if prior.sigma else prior.mean
        for kind in PER_PHASE:
            prior = getattr(self, kind)
            held[kind] = np.where(prior.sigma > 0, getattr(parameters, kind), prior.mean)
        return replace(parameters, **held)

    def take_means(self, present: Sequence[int]) -> Array:
        """Return the means of the values of some phases, as `FrameParameters.take_values`."""
        return _join_values(
            tuple(getattr(self, kind).mean for kind in SHARED),
            tuple(getattr(self, kind).mean for kind in OF_PHASE),
            present,
        )

    def take_sigmas(self, present: Sequence[int]) -> Array:
        """Return their standard deviations, shape (value,); of strains that a phase does not have
        they mean nothing."""
        return _join_values(
            tuple(getattr(self, kind).sigma for kind in SHARED),
            tuple(getattr(self, kind).sigma for kind in OF_PHASE),
            present,
        )


def _join_values(
    shared: tuple[float, ...], own: tuple[Array, ...], present: Sequence[int]
) -> Array:
    """Return values in the order of ``lines``: `shared` first, then those of each phase."""
    rows = list(present)
    values = np.empty(SHARED_VALUES + PHASE_VALUES * len(rows))
    values[:SHARED_VALUES] = shared
    table = values[SHARED_VALUES:].reshape(-1, PHASE_VALUES)
    for columns, given in zip(COLUMNS, own, strict=True):
        table[:, columns] = given[rows]
    return values


@dataclass(frozen=True, kw_only=True)
class ParameterLayout:
    """Which entry of the parameter vector is what; entries are the parameters that are not held."""

    present: tuple[int, ...]
    """Phases in the model."""
    place: Index
    """Where each entry stands among the values of those phases, shape (parameter,)."""
    phase: Index
    """Phase of each parameter, -1 for all, shape (parameter,)."""
    prior_mean: Array
    """Shape (parameter,)."""
    prior_precision: Array
    """1 / prior variance, shape (parameter,)."""
    largest_step: Array
    """Shape (parameter,)."""
    lowest: Array
    """Lower bound of each parameter, shape (parameter,)."""
    highest: Array
    """Upper bound of each parameter, shape (parameter,)."""
    shape_weighed_by_misfit: bool
    """See `FramePrior`."""

    @property
    def size(self) -> int:
        """Number of parameters."""
        return self.place.size

    @cached_property
    def kinds(self) -> tuple[ParameterKind, ...]:
        """Kind of each entry."""
        row = (*SHARED, *KINDS_IN_ROW * len(self.present))
        return tuple(row[i] for i in self.place.tolist())

    @cached_property
    def has_shared(self) -> bool:
        """Whether a parameter belongs to all phases."""
        # those of all phases stand first
        return self.size > 0 and bool(self.place[0] < SHARED_VALUES)

    @property
    def strain_index(self) -> Index:
        """Which of the phase's strains; 0 for other kinds, shape (parameter,)."""
        column = (self.place - SHARED_VALUES) % PHASE_VALUES
        return np.where(self.select(ParameterKind.STRAIN), column, 0)

    @property
    def rows(self) -> dict[ParameterKind, Index]:
        """Entries of each kind."""
        return _find_rows(self.kinds)

    def select(self, *kinds: ParameterKind) -> Bool:
        """Return which entries are of these kinds, shape (parameter,)."""
        return _select_kinds(self.kinds, kinds)

    def select_strains(self, phase: int) -> slice:
        """Return the entries of a phase's strains: they stand side by side."""
        if phase not in self.present:
            return slice(0, 0)
        first = SHARED_VALUES + PHASE_VALUES * self.present.index(phase)
        begin, end = np.searchsorted(self.place, [first, first + SIZE])
        return slice(int(begin), int(end))


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
    present=(),
    place=np.empty(0, np.int64),
    phase=np.empty(0, np.int64),
    prior_mean=np.empty(0),
    prior_precision=np.empty(0),
    largest_step=np.empty(0),
    lowest=np.empty(0),
    highest=np.empty(0),
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
        Its wavelength [angstrom] and axis [degree] give the bounds of widths.
    present : tuple of int
        Phases in the model: only their parameters have entries.
    prior : FramePrior
        Parameters that it holds (sigma 0) have no entry. In the unit of each kind.
    """
    sigma = prior.take_sigmas(present)
    own = sigma[SHARED_VALUES:].reshape(-1, PHASE_VALUES)
    for row, phase in zip(own, present, strict=True):
        row[series.phases[phase].free : SIZE] = 0.0
        row[ANISOTROPY + series.phases[phase].anisotropy_count :] = 0.0
    # what is held is no parameter: it costs no column of the Jacobian
    place = np.flatnonzero(sigma > 0)
    axis = series.two_theta
    # a line narrower than the step of the axis has no width to refine
    narrowest = float(axis[-1] - axis[0]) / axis.size
    largest_step, lowest, highest = _bound_values(narrowest, series.wavelength, len(present))
    of_phase = (place - SHARED_VALUES) // PHASE_VALUES
    return ParameterLayout(
        present=present,
        place=place,
        phase=np.where(of_phase < 0, -1, np.array(present)[of_phase]),
        prior_mean=prior.take_means(present)[place],
        prior_precision=1 / sigma[place] ** 2,
        largest_step=largest_step[place],
        lowest=lowest[place],
        highest=highest[place],
        shape_weighed_by_misfit=prior.shape_weighed_by_misfit,
    )


@lru_cache
def _bound_values(narrowest: float, wavelength: float, phase_count: int) -> Array:
    """Return the largest step, the lower and the upper bound of each value, shape (3, value)."""
    # logarithms of Lorentzian widths, so that they stay positive and steps are relative
    low, high = (math.log(width) for width in WIDTH_BOUNDS)
    widest = math.log(width_from_size(SMALLEST_CRYSTALLITE, wavelength))
    no_bound = (math.inf, -math.inf, math.inf)
    shared = [no_bound] * SHARED_VALUES
    shared[GAUSS] = (math.inf, narrowest, WIDEST_GAUSS)
    shared[CAGLIOTI_V] = shared[CAGLIOTI_U] = (CAGLIOTI_STEP, -math.inf, math.inf)
    shared[AXIAL] = (AXIAL_STEP, *AXIAL_BOUNDS)
    row = [(STRAIN_STEP, -math.inf, math.inf)] * 6
    row.append((LOG_WIDTH_STEP, low, min(high, widest)))
    row.append((LOG_WIDTH_STEP, low, high))
    row.append((B_STEP, *B_BOUNDS))
    row.append((TEXTURE_STEP, *TEXTURE_BOUNDS))
    row += [(ANISOTROPY_STEP, -math.inf, math.inf)] * MOST_ANISOTROPY
    return np.array(shared + row * phase_count).T


def vector_from_parameters(layout: ParameterLayout, parameters: FrameParameters) -> Array:
    """Return the parameter vector, shape (parameter,), each entry in the unit of its kind."""
    return np.asarray(parameters.take_values(layout.present)[layout.place])


def move_parameters(
    parameters: FrameParameters, layout: ParameterLayout, step: Array
) -> FrameParameters:
    """Return the parameters after a step.

    Parameters
    ----------
    parameters : FrameParameters
    layout : ParameterLayout
    step : ndarray, shape (parameter,)
        In the unit of each kind; cut to the largest change of the kind, and to its bounds.
    """
    values = parameters.take_values(layout.present)
    change = _bound(step, -layout.largest_step, layout.largest_step)
    values[layout.place] = _bound(values[layout.place] + change, layout.lowest, layout.highest)
    return parameters.replace_values(layout.present, values)


def _bound(values: Array, low: Array, high: Array) -> Array:
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
        shape = layout.select(*OF_SHAPE)
        factor = np.where(shape, parameters.goodness, factor)
    return np.asarray(factor**2 * layout.prior_precision)


def sum_prior_squares(layout: ParameterLayout, parameters: FrameParameters) -> float:
    """Return the weighted squares by which the parameters miss their priors [1], a float, weighed
    as by `weigh_priors`."""
    weight = weigh_priors(layout, parameters)
    missed = vector_from_parameters(layout, parameters) - layout.prior_mean
    return float(np.sum(weight * missed**2))
