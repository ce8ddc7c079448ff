"""Options of the diffraction steps; defaults live here and nowhere else."""

from dataclasses import dataclass, field

from ssbchar.phases import PhaseTable

ROLES = {
    "series": "1D patterns of one heating programme, in the order measured",
    "images": "detector images of one heating programme; `calibrant` names the calibrant",
    "calibrant": "an image (or pattern) of the calibrant",
}


@dataclass(frozen=True)
class Reading:
    """How patterns are read."""

    wavelength: float | None = None
    """Wavelength [angstrom]; None takes the one stated in the files and refuses silence."""
    wavelength_stderr: float | None = None
    """Its standard error [angstrom]; None takes the rounding of the number given."""
    common_wavelength: float | None = None
    """Wavelength [angstrom] of the axis `two_theta_common`; None takes the measurement's own."""
    suffix: str = ""
    """Ending of the files to read (`.xye`), where a folder holds several kinds."""
    axis_unit: str = ""
    """`degree`, `1/angstrom`, `1/nm` or `angstrom` (d) where the files do not say; empty takes degree of 2theta."""
    other_grid: str = "rebin"
    """Frames on another axis than most: `rebin` (by exact overlap of the point intervals, variance carried, listed
    in the attribute `rebinned`) or `set_aside`."""
    beam_dump: float = 0.5
    """A frame whose total is below this share of the good frames before it is set aside as `beam_dump`."""
    saturation: float | None = None
    """Intensity from which a point counts as saturated; None looks for flat tops of three equal points."""


@dataclass(frozen=True)
class Furnace:
    """How temperatures are joined to frames."""

    time_column: str = ""
    """Column of the log with the time; empty finds it by its name."""
    temperature_column: str = ""
    """Column of the log with the temperature; empty finds it by its name."""
    file_column: str = ""
    """Column with the pattern's file name, where the log has one row per frame; empty finds it by its contents."""
    temperature_unit: str = "degC"
    """`degC` or `K`."""
    log_timezone: str = ""
    """Time zone of a log that states none (`America/Chicago`, `UTC`, `+02:00`)."""
    clock_offset: float = 0.0
    """Seconds to add to the log's clock to get that of the frames."""
    clock_offset_stderr: float = 1.0
    """Standard error of the clock offset [s]."""
    fit_clock: bool = False
    """Take the offset at which the sample's thermal expansion follows the log best, where it can be told, instead of
    `clock_offset`; without this the two are only compared, and a disagreement is reported."""
    clock_span: float = 7200.0
    """Largest clock offset looked for [s]."""
    thermocouple_stderr: float = 0.0
    """Random error of one reading [K]."""
    thermocouple_tolerance: float = 2.2
    """Tolerance of the thermocouple [K], a half width; the systematic error is this / sqrt(3). Default: type K,
    standard tolerance of ASTM E230 (the larger of 2.2 K and 0.75 %)."""
    thermocouple_relative_tolerance: float = 0.0075
    """The same as a share of the temperature in Celsius; the larger of the two counts."""
    largest_gap: float = 120.0
    """Frames inside a gap of the log longer than this [s] are `outside_log`."""
    hold_rate: float = 0.5
    """Below this rate [K/min] a segment is a hold, above it heating or cooling."""


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
class Geometry:
    """How the detector is calibrated from an image of a calibrant."""

    wavelength: float | None = None
    """Wavelength [angstrom], in full precision; None takes the one of the .poni file and refuses silence."""
    wavelength_stderr: float | None = None
    """Its standard error [angstrom]; None takes the rounding of the number given."""
    calibrant: str = "CeO2"
    """Calibrant, as pyFAI names it (CeO2, LaB6, alpha_Al2O3, Si ...)."""
    distance: float | None = None
    """Rough distance to the detector [mm]; None takes the image's header."""
    distance_tolerance: float = 0.15
    """How far off the rough distance may be, as a fraction."""
    pixel_size: float | None = None
    """Pixel size [micrometre]; None takes the image's header or the .poni file."""
    poni: str = ""
    """A pyFAI .poni file to verify against the image instead of calibrating anew (may hold ``$NAME``)."""
    mask: str = ""
    """An image whose non-zero pixels are left out (may hold ``$NAME``)."""
    doubling_tolerance: float = 1.0
    """A .poni is refused where rings wander by more than this around the beam [pixel]."""
    cell_tolerance: float = 2000.0
    """A .poni is refused where it puts the calibrant's cell further off than this [ppm]."""


@dataclass(frozen=True)
class Integration:
    """How images become patterns."""

    points: int = 0
    """Number of bins in 2theta; 0 takes two per pixel along the longest radius."""
    two_theta: tuple[float, float] | None = None
    """Range in 2theta [degree]; None takes all the detector sees."""
    common_wavelength: float | None = None
    """Wavelength [angstrom] at which 2theta is also given; None keeps the measured one."""
    polarisation: float | None = 0.99
    """Degree of horizontal linear polarisation of the beam; None leaves it uncorrected."""
    mask: str = ""
    """An image whose non-zero pixels are left out (may hold ``$NAME``)."""
    flat: str = ""
    """Flat-field image: counts are divided by it."""
    dark: str = ""
    """Dark image: counts of no beam in the same exposure, subtracted."""
    saturation: float | None = None
    """Counts at and above which a pixel is left out; None takes the header's cut-off or the type's largest value."""
    saturated_fraction: float = 0.001
    """A frame with more saturated pixels than this is marked `saturated`."""
    beam_dump: float = 0.5
    """A frame whose mean is below this share of the good frames before it is set aside as `beam_dump`."""
    hot_pixel_sigma: float = 10.0
    """A pixel this far above its neighbours in all sampled frames is hot (and one without counts dead); 0 looks for
    neither."""
    time_key: str = ""
    """Header value that holds the frame's time; empty tries the usual names."""
    utc_offset: float = 0.0
    """Hours local time is ahead of UTC, for times written without a zone."""
    temperature_key: str = ""
    """Header value that holds the temperature [degC]; empty tries the usual names."""
    monitor_key: str = ""
    """Header value that holds the incident flux; empty tries the usual names."""
    sectors: int = 0
    """Azimuthal sectors kept beside the pattern (`caked`), with a mean that leaves out single grains
    (`intensity_robust`); 0 keeps none."""
    chunk: int = 16
    """Frames integrated at once; changes memory and speed, not results."""


@dataclass(frozen=True)
class Refinement:
    """How all phases are refined in every frame, on the whole pattern."""

    two_theta_min: float = 0.0
    """Smallest 2theta [degree, as measured] that is fitted."""
    two_theta_max: float = 180.0
    """Largest 2theta [degree, as measured] that is fitted."""
    mode: str = "pawley"
    """`pawley`: the strongest reflections of every phase have free intensities; `rietveld`: those of phases marked
    refinable follow their structure, with one scale."""
    free_reflections: int = 60
    """Reflections of a phase with free intensity, the strongest first; the others follow the phase's pattern. All
    those of a phase without atoms are free."""
    intensity_freedom: float = 0.5
    """How far a free intensity may leave the phase's pattern: a prior of this relative standard deviation."""
    background_terms: int = 18
    """Cubic B-splines of the background."""
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
class Hexrd:
    """Options of the diffraction steps."""

    read: Reading = field(default_factory=Reading)
    """Patterns from files."""
    furnace: Furnace = field(default_factory=Furnace)
    """Temperatures joined to frames."""
    track: Tracking = field(default_factory=Tracking)
    """Peaks fitted in every frame."""
    geometry: Geometry = field(default_factory=Geometry)
    """The detector from an image of the calibrant."""
    integrate: Integration = field(default_factory=Integration)
    """Images to patterns."""
    phases: PhaseTable = field(default_factory=PhaseTable)
    """Reflections of the candidate phases."""
    refine: Refinement = field(default_factory=Refinement)
    """Whole-pattern refinement."""
    expansion: Expansion = field(default_factory=Expansion)
    """Cells against temperature."""
    onset: Onset = field(default_factory=Onset)
    """Onset and end of each phase."""
    candidates: Candidates = field(default_factory=Candidates)
    """Peaks no phase explains."""
    stability: Stability = field(default_factory=Stability)
    """The verdict on each mixture."""
