"""What a refinement starts from, expects, shares over a series, and finds: its plain records."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ssbchar.hexrd.refinement.profile_model import Lattice
from ssbchar.typing import Array, Index


@dataclass(frozen=True)
class State:
    """The non-linear parameters of a frame, of all candidate phases."""

    zero: float
    """[degree]; a reflection lies at 2theta + zero."""
    gauss: float
    """Gaussian width of the instrument [degree]."""
    overall_b: float | Array
    """Displacement factor of each phase beside those of its atoms [angstrom^2], shape (phase,); a
    number: of all."""
    strain: Array
    """Strains of the reciprocal metric, shape (phase, 6), the free ones first."""
    size: Array
    """log of the Lorentzian width over 1/cos(theta) [log degree], shape (phase,)."""
    micro: Array
    """log of the Lorentzian width over tan(theta) [log degree], shape (phase,)."""
    amount: Array
    """Intensity of the phase from the frame before, for the priors; NaN where unknown, shape
    (phase,)."""
    inflation: Array
    """Factor on the phase's standard errors for misfit and serial correlation, shape (phase,)."""
    goodness: float = 1.0
    """Square root of the mean weighted square of the residual, 1 or more."""


@dataclass(frozen=True)
class Prior:
    """Where the non-linear parameters are expected, and how closely (standard deviations; 0 holds
    them)."""

    zero: tuple[float, float]
    gauss: tuple[float, float]
    overall_b: tuple[Array, Array]
    strain: tuple[Array, Array]
    size: tuple[Array, Array]
    micro: tuple[Array, Array]
    zero_error: float = 0.0
    """Standard error of a zero that is held [degree]; it passes into the cells."""
    easy: bool = False
    """Whether widths and displacement factors are held to their prior by the misfit, without its
    correlation."""


@dataclass(frozen=True)
class Series:
    """What all frames share."""

    x: Array
    """2theta [degree], shape (points,)."""
    wavelength: float
    phases: tuple[Lattice, ...]
    splines: Array
    """Background terms, shape (points, terms)."""
    pattern: tuple[Array, ...]
    """Strength of each phase's reflections (the phase's own m |F|^2, or learnt), any scale."""
    free: tuple[Index, ...]
    """Reflections of each phase with an intensity of their own."""
    freedom: Array
    """Relative standard deviation of those around the pattern, shape (phase,)."""
    reach: float


@dataclass(frozen=True)
class Fit:
    """A refined frame."""

    state: State
    present: tuple[int, ...]
    """Phases in the model."""
    intensity: Array
    """Scattered intensity of each phase in the model [counts degree], shape (present,)."""
    intensity_stderr: Array
    """Corrected standard error."""
    shares: tuple[Array, ...]
    """Intensity of every reflection of each phase in the model."""
    strain_covariance: tuple[Array, ...]
    """Corrected covariance of the free strains of each phase in the model."""
    zero_stderr: float
    background: Array
    calculated: Array
    parameters: int
    converged: bool
    misfit: float
    """Weighted squares of the residual."""
    border: tuple[Array, ...]
    """Directions of background, phases and non-linear parameters, for tests of further phases."""
    strain_shared: tuple[Array, ...] = ()
    """Part of the free strains' errors that all frames share (held zero): one sigma, signed, of
    each phase."""
    intensity_fixed: Array = field(default_factory=lambda: np.empty(0))
    """Corrected standard error of the intensities for tests of presence: of a phase with a
    structure at fixed cell, widths and displacement factor (one that is not there has none of
    these); with free intensities the whole error."""


Fits = dict[int, Fit]


def significance(fit: Fit, p: int) -> float:
    """Return a phase's intensity over its corrected standard error at fixed shape."""
    i = fit.present.index(p)
    return float(fit.intensity[i] / fit.intensity_fixed[i]) if fit.intensity_fixed[i] > 0 else 0.0


def slim(fit: Fit) -> Fit:
    """Return a fit without its curves, as it is kept of a whole series."""
    none = np.empty(0)
    return replace(fit, background=none, calculated=none, border=())


def put(values: Array, p: int, new: Array | float) -> Array:
    """Return a copy of `values` with entry `p` replaced."""
    out = values.copy()
    out[p] = new
    return out
