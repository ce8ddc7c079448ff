"""Options of the steps that fit and conclude: peaks, cells, expansion, onset, candidates, verdict."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Tracking:
    """How peaks are fitted in every frame."""

    two_theta_min: float = 0.0
    """Smallest 2theta [degree, as measured] a peak may have."""
    two_theta_max: float = 180.0
    """Largest 2theta [degree, as measured] a peak may have."""
    peaks_per_phase: int = 8
    """The strongest reflections of each phase that are tracked."""
    window: float = 3.0
    """Half width of a window, in typical full widths at half maximum; less where another line is near."""
    search: float = 0.025
    """How far a phase's strain may be from that of common thermal expansion."""
    reach: float = 1.0
    """How far a peak may be from where its phase's path puts it, in typical full widths at half maximum."""
    significance: float = 4.0
    """Peaks below this (standard deviations of the likelihood-ratio test) are `no_peak` with an upper limit."""
    iterations: int = 30
    """Levenberg-Marquardt steps before a window is `not_converged`."""
    instrument_breadth: float = 0.0
    """Integral breadth of the instrument's own peaks [degree], taken out of size and microstrain; 0 leaves it in:
    sizes are then lower and microstrains upper limits."""


@dataclass(frozen=True)
class Refinement:
    """How all phases are refined in every frame, on the whole pattern."""

    two_theta_min: float = 0.0
    """Smallest 2theta [degree, as measured] that is fitted."""
    two_theta_max: float = 180.0
    """Largest 2theta [degree, as measured] that is fitted."""
    mode: str = "pawley"
    """`pawley`: the strongest reflections of every phase have free intensities; `rietveld`: those of phases marked
    refinable follow their structure, with one scale; widths and displacement factors are learnt from the series, smooth
    in temperature, and held."""
    free_reflections: int = 60
    """Reflections of a phase with free intensity, the strongest first; the others follow the phase's pattern. All
    those of a phase without atoms are free."""
    intensity_freedom: float = 0.5
    """How far a free intensity may leave the phase's pattern: a prior of this relative standard deviation."""
    background_terms: int = 18
    """Cubic B-splines of the background, their knots equally spaced in the root of 2theta."""
    zero: str = "series"
    """Zero of 2theta: `series` (one for all frames, refined), `frame` or `fixed`."""
    zero_start: float = 0.0
    """Zero of 2theta to start from, or to keep [degree]; true 2theta is the measured one minus this."""
    gauss_fwhm: float | None = None
    """Gaussian width of the instrument [degree]; None finds one for the series."""
    reach: float = 8.0
    """Half width of a reflection's profile, in full widths at half maximum."""
    search: float = 0.012
    """How far a phase's cell may be from where it is expected when it enters, as relative change of lengths."""
    cell_prior: float = 2e-3
    """Standard deviation [relative] of the cell around the smooth cell(T) of its phase, for phases that are weak."""
    expansion: float = 1.5e-5
    """Linear expansion [1/K] of a phase whose own is not in the phases file, to know where to look for it."""
    enter: float = 5.0
    """A phase enters when its intensity exceeds this many (corrected) standard errors."""
    leave: float = 2.5
    """A phase leaves when its intensity falls below this many standard errors."""
    iterations: int = 12
    """Gauss-Newton steps of one frame before it is `not_converged`."""
    tolerance: float = 0.1
    """Converged when no cell, width or zero moves by more than this share of its standard error."""
    chunk: int = 500
    """Frames refined one after the other in one process; longer series are cut into such chunks, refined side by side.
    Each of the passes starts anew at a chunk's edge, so this is part of the answer; the number of cores is not."""


@dataclass(frozen=True)
class Expansion:
    """How cells are fitted against temperature."""

    model: str = "polynomial"
    """`polynomial`, `einstein` or `debye` (Debye-Grueneisen, first order)."""
    order: int = 4
    """Highest order of the polynomial; the information criterion chooses up to it."""
    mean_from: float = 100.0
    """Lower temperature of the mean linear expansion [degC]."""
    mean_to: float = 500.0
    """Upper temperature of the mean linear expansion [degC]."""
    smallest_range: float = 50.0
    """No mean linear expansion is given where the phase is seen over less than this [K]."""
    significance: float = 8.0
    """Frames where the phase is seen with fewer standard deviations are left out."""
    step: float = 5.0
    """Spacing of the temperatures at which curves are given [K]."""
    reacting: float = 0.1
    """A phase whose intensity differs by more than this share from its level before is flagged as reacting."""


@dataclass(frozen=True)
class Onset:
    """How onset and end temperatures are found."""

    significance: float = 5.0
    """A phase counts as seen in a frame from this many standard deviations on."""
    consecutive: int = 2
    """So many frames in a row must show the phase (or its absence)."""
    upper_share: float = 0.6
    """The growth is modelled up to this share of the largest intensity in the segment."""


@dataclass(frozen=True)
class Candidates:
    """How peaks that no phase explains are found, followed, and named."""

    significance: float = 5.0
    """A peak of the residual counts from this many standard deviations on."""
    shortest: int = 3
    """Frames a track must be seen in."""
    longest_gap: int = 2
    """Frames in a row a track may be missed in."""
    drift: float = 0.5
    """How far a peak may move from one frame to the next, in full widths at half maximum."""
    together: float = 3.0
    """Tracks belong together where their onsets are within so many standard errors, or frames."""
    strain: float = 0.015
    """How far a candidate's cell may be from that of the phases file, as relative change of lengths."""
    position: float = 0.05
    """Error of a line's place beside its own, in full widths at half maximum (peak shapes, overlaps)."""
    explained: float = 0.6
    """A candidate is named where it explains at least this share of the tracks."""
    evidence: float = 3.0
    """It must be so much better than the next in log-likelihood (3: twenty to one)."""


@dataclass(frozen=True)
class Stability:
    """How the verdict on a mixture is reached."""

    rest_rate: float = 0.5
    """Frames at rest before and after the programme change slower than this [K/min]."""
    rest_above: float = 60.0
    """Rest frames are within this of the lowest temperature of the programme [K]."""
    cell_tolerance: float = 0.2
    """A cell has returned where every length and the volume is within this of before [percent]."""
    intensity_tolerance: float = 20.0
    """A phase has been kept where its intensity is within this of before [percent]."""
    expansion_sigma: float = 3.0
    """Our expansion and a published one differ above this many standard deviations."""
    standard: str = ""
    """Phase whose cell in the phases file is certified (an internal standard): it checks the wavelength."""
    standard_tolerance: float = 0.02
    """How far the standard's lengths may be from its certified ones [percent]."""
    reference_tolerance: float = 0.5
    """Without a standard: how far all cells may be from their published ones alike [percent]."""


@dataclass(frozen=True)
class Export:
    """What is written for others' programs."""

    frames: tuple[int, ...] = ()
    """Numbers of further frames whose patterns are written for GSAS-II, beside the first, last, coldest and hottest
    of each phase."""
    polarisation: float = 1.0
    """Degree of horizontal polarisation for the instrument file: 1 where the integration has corrected for it (as
    ours does), else that of the beam (0.99 at an undulator)."""
