"""Options of the NMR steps; defaults live here and nowhere else."""

from dataclasses import dataclass, field

ROLES = {
    "spectrum": "one echo or FID to be quantified",
    "decay": "a series of echoes with growing delay, for T2*",
    "reference": "the spectrum of pure Li: shape, leak into the Li-Si window",
    "reference_decay": "the decay series of pure Li, whose T2* the samples share",
    "repeat": "a later spectrum of a sample, to see whether it evolves (the earlier one in compare_to)",
}

METAL, LI_SI = "li_metal", "li_si"
"""Names of the two regions."""


@dataclass(frozen=True)
class Reading:
    """How Bruker folders are read."""

    nucleus: str = "7Li"
    """Nucleus expected; another one is refused."""
    decay_axis: str = ""
    """Decay time of a slice in the pulse program's own terms, such as ``2*vd+p2`` or ``vc*(2*d6+p2)``; ``vd`` alone
    is the axis TR of a solid echo. Empty: the time from the end of the first pulse to the acquisition, summed from
    the pulse program; where that is not understood the series is refused and this option asked for."""
    reference_hz: float | None = None
    """Reference SR = SF - BF1 [Hz]; None takes SF from ``pdata/<procno>/procs``."""
    procno: int = 1
    """Processing number whose SF is the shift reference."""
    sample_mass: float | None = None
    """Mass of the sample in the coil [g]; intensities of repeated spectra are compared per mass where it is given."""


@dataclass(frozen=True)
class Regions:
    """Chemical-shift windows, high to low [ppm against 1 M LiCl(aq)]."""

    li_metal: tuple[float, float] = (240.0, 280.0)
    """Li metal, around its Knight shift."""
    li_si: tuple[float, float] = (-200.0, 200.0)
    """Li-Si, with all diamagnetic Li in it."""


@dataclass(frozen=True)
class Lines:
    """Time-domain fit of lines with one phase and one time origin."""

    regions: Regions = field(default_factory=Regions)
    """Where lines may lie."""
    skip: float | None = None
    """Points left out at the start [points]; None: none without a digital filter, 4 with one (its transient)."""
    max_components: int = 4
    """Most lines per region."""
    shapes: tuple[str, ...] = ("lorentz", "voigt")
    """Line shapes tried, simplest first; the more complex one must earn its parameters."""
    min_gain: float = 10.0
    """Least fall of the Bayesian information criterion that admits a further line or shape."""
    max_width: float = 3e4
    """Largest width of a line [Hz]; what is broader is no line but baseline."""
    absent_width: float = 3000.0
    """Width of the line in the middle of a region where none is seen, for its upper limit [Hz]."""
    outside: bool = True
    """Admit lines outside both regions, such as spinning sidebands; they count for neither."""
    time_origin_prior: float = 5e-6
    """Standard deviation of the time origin about zero [s]; matters only where the lines do not fix it."""
    max_points: int = 20000
    """Most points of the free induction decay used."""
    display: tuple[float, float] = (-300.0, 400.0)
    """Range of the stored spectra and components [ppm]."""


@dataclass(frozen=True)
class Processing:
    """Classical route: apodise, transform, phase, subtract the baseline, integrate windows."""

    regions: Regions = field(default_factory=Regions)
    """Integration windows."""
    broadening: float = 100.0
    """Exponential line broadening [Hz]."""
    zero_fill: int = 2
    """Length after zero filling over the length of the data, rounded up to a power of two."""
    phase: str = "lines"
    """``lines``: phase and time origin of the time-domain fit; ``peaks``: from the spectrum's own peaks."""
    baseline_order: int = 1
    """Degree of the polynomial through the signal-free parts; -1 for none."""
    display: tuple[float, float] = (-400.0, 500.0)
    """Range of the stored spectra [ppm]."""


@dataclass(frozen=True)
class Processed:
    """TopSpin's own spectrum held against ours."""

    procno: int = 1
    """Processing number of the spectrum."""
    regions: Regions = field(default_factory=Regions)
    """Windows integrated in TopSpin's spectrum."""
    least_overlap: float = 0.9995
    """Complex overlap from which two spectra are the same."""


@dataclass(frozen=True)
class Decay:
    """T2* and its gates."""

    models: tuple[str, ...] = ("exponential", "stretched")
    """Decay laws tried, simplest first; the stretched one must lower the information criterion."""
    min_gain: float = 6.0
    """Least fall of the Bayesian information criterion that admits the stretching exponent."""
    share_metal: bool = True
    """Take T2* of Li metal from the pure-Li series where there is one."""
    min_exponent: float = 0.5
    """Smaller stretching exponents make the extrapolation meaningless: verdict ``stretched``."""
    max_extrapolation: float = 1.5
    """Largest ratio of the extrapolated amplitude to the first slice: else verdict ``far``."""
    max_scatter: float = 0.1
    """Largest relative scatter of the areas about the law beyond their errors: else verdict ``misfit``."""
    max_rise: float = 3.0
    """Largest rise between two slices, in its standard errors and above 5 % of the first: else ``not_decaying``."""


@dataclass(frozen=True)
class Systematics:
    """What the acquisition hides; reported beside the fractions, never applied to them."""

    flip_angles: tuple[float, float] = (30.0, 60.0)
    """Flip angles of the two pulses p1 and p2 [degree]."""
    resistivity: float = 9.28e-8
    """Electrical resistivity of Li metal near room temperature [ohm m]."""
    diameters: tuple[float, float] = (10e-6, 60e-6)
    """Smallest and largest Li metal particles [m]; volumes are taken as even between."""
    couplings: tuple[float, float] = (0.0, 200e3)
    """Range of the quadrupolar coupling constant C_Q of the Li-Si sites [Hz]."""
    t1_metal: float | None = None
    """T1 of Li metal [s], for the saturation factor."""
    t1_li_si: float | None = None
    """T1 of Li-Si [s], for the saturation factor."""


@dataclass(frozen=True)
class Quantifying:
    """Fractions, back-correction and prelithiation."""

    regions: Regions = field(default_factory=Regions)
    """Windows that at least half of a region's lines must lie in to be called its own."""
    route: str = "lines"
    """Headline route: ``lines`` (time-domain fit) or ``windows`` (classical); the other gives a systematic."""
    x_nominal: float | None = None
    """Nominal x of Li_xSi, for ``x_alloyed`` (a sample-sheet column ``quantify.x_nominal``)."""
    x_nominal_stderr: float = 0.0
    """Its standard uncertainty."""
    time: str = "axis"
    """Time of the back-correction: ``axis`` (the spectrum's own, on the axis of the T2* fit), ``TR``, ``2TR`` or
    ``2TR+pulses``."""
    evolution_p: float = 1e-3
    """Probability of an unchanged sample, from its repeated spectra, below which it evolves."""
    intensity_scatter: float = 0.03
    """Relative repeatability of the whole signal between spectra (tuning, temperature), one standard deviation."""
    t2_range: tuple[float, float] = (6.8e-5, 1.08e-4)
    """T2* of Li-Si assumed for the bounds of a sample whose own cannot be fitted [s] (range of the pressed samples of
    Ham et al., Nat. Commun. 15 (2024) 2991)."""
    t2_metal: tuple[float, float] = (4.67e-4, 4.67e-4)
    """T2* of Li metal assumed where it was not measured [s] (same source)."""
    systematics: Systematics = field(default_factory=Systematics)
    """Skin effect, echo efficiency, saturation."""


@dataclass(frozen=True)
class Nmr:
    """Options of the NMR steps."""

    read: Reading = field(default_factory=Reading)
    """Bruker folders."""
    lines: Lines = field(default_factory=Lines)
    """Time-domain fit."""
    spectrum: Processing = field(default_factory=Processing)
    """Classical route."""
    processed: Processed = field(default_factory=Processed)
    """TopSpin's own spectrum held against ours."""
    decay: Decay = field(default_factory=Decay)
    """T2*."""
    quantify: Quantifying = field(default_factory=Quantifying)
    """Fractions."""
