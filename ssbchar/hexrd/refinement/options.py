"""Options of whole-pattern refinement."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Refinement:
    """How all phases are refined in every frame, on the whole pattern."""

    two_theta_min: float = 0.0
    """Smallest 2theta [degree, as measured] that is fitted."""
    two_theta_max: float = 180.0
    """Largest 2theta [degree, as measured] that is fitted."""
    mode: str = "pawley"
    """`pawley`: the strongest reflections of every phase have free intensities; `rietveld`: those
    of phases marked refinable follow their structure, with one scale; widths and displacement
    factors are learnt from the series, smooth in temperature, and held."""
    free_reflections: int = 60
    """Reflections of a phase with free intensity, the strongest first; the others follow the
    phase's pattern. All those of a phase without atoms are free."""
    intensity_freedom: float = 0.5
    """How far a free intensity may leave the phase's pattern: a prior of this relative standard
    deviation."""
    background_terms: int = 18
    """Cubic B-splines of the background, their knots equally spaced in the root of 2theta."""
    zero: str = "series"
    """Zero of 2theta: `series` (one for all frames, refined), `frame` or `fixed`."""
    zero_start: float = 0.0
    """Zero of 2theta to start from, or to keep [degree]; true 2theta is the measured one minus
    this."""
    gauss_fwhm: float | None = None
    """Gaussian width of the instrument [degree]; None finds one for the series."""
    reach: float = 8.0
    """Half width of a reflection's profile, in full widths at half maximum."""
    search: float = 0.012
    """How far a phase's cell may be from where it is expected when it enters, as relative change of
    lengths."""
    cell_prior: float = 2e-3
    """Standard deviation [relative] of the cell around the smooth cell(T) of its phase, for phases
    that are weak."""
    expansion: float = 1.5e-5
    """Linear expansion [1/K] of a phase whose own is not in the phases file, to know where to look
    for it."""
    enter: float = 5.0
    """A phase enters when its intensity exceeds this many (corrected) standard errors."""
    leave: float = 2.5
    """A phase leaves when its intensity falls below this many standard errors."""
    iterations: int = 12
    """Gauss-Newton steps of one frame before it is `not_converged`."""
    tolerance: float = 0.1
    """Converged when no cell, width or zero moves by more than this share of its standard error."""
    chunk: int = 500
    """Frames refined one after the other in one process; longer series are cut into such chunks,
    refined side by side. Each of the passes starts anew at a chunk's edge, so this is part of the
    answer; the number of cores is not."""
