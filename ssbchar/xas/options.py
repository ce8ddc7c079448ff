"""Options of the absorption steps; defaults live here and nowhere else."""

from dataclasses import dataclass, field
from typing import Literal

from ssbchar.xas.options_paths import Feff, PathFit

ROLES = {
    "pristine": "scans of the sample before",
    "cycled": "scans of the sample after; compared with the measurement in `compare_to`",
    "reference": "scans of a reference compound or foil",
    "series": "scans of one evolving sample in their order; with `reference` taken apart along it",
}

Mode = Literal["auto", "transmission", "fluorescence", "mu", "normalised"]
Window = Literal["kaiser", "hanning", "parzen", "welch", "gaussian", "sine"]


@dataclass(frozen=True)
class Reading:
    """How scans are read."""

    mode: Mode = "auto"
    """``transmission`` ln(I0/I1), ``fluorescence`` sum(If)/I0, ``mu`` (already an absorption), ``normalised``
    (already normalised, left as it is), or ``auto``: what the columns and the header allow, in this order."""
    element: str = ""
    """Absorbing element; empty takes it from the file's header, else from the edge's position."""
    edge: str = ""
    """``K``, ``L3`` ...; empty takes it from the header, else ``K``."""
    energy: str = ""
    """Name of the energy column (or HDF5 path); empty knows the usual names."""
    i0: str = ""
    """Name of the incident-beam column; empty knows the usual names."""
    transmitted: str = ""
    """Name of the transmitted-beam column; empty knows the usual names."""
    fluorescence: tuple[str, ...] = ()
    """Names of the fluorescence columns, summed; ``*`` stands for any text; empty knows the usual names."""
    foil: str = ""
    """Name of the beam column behind the foil; empty knows the usual names, ``none`` takes no foil."""
    mu: str = ""
    """Name of the absorption column, or of the group of an Athena project; ``*`` takes each column or group as
    a scan; empty knows the usual names and takes a project's every group."""
    apply_eshift: bool = True
    """Athena projects: apply each group's own energy shift; false refuses a group that has one."""
    photons_per_count: float = 0.0
    """Photons per unit of the detector readings (1 for pulse counting); 0 means unknown: noise comes from scatter."""
    min_above: float = 30.0
    """A scan must reach this far above its edge [eV]."""
    min_below: float = 10.0
    """A scan must start this far below its edge [eV]."""
    edge_tolerance: float = 60.0
    """How far the edge may lie from its tabulated energy before the element is doubted [eV]."""


@dataclass(frozen=True)
class Calibration:
    """How the energy axis is calibrated on the simultaneous foil."""

    foil_element: str = ""
    """Element of the foil; empty is that of the scan."""
    foil_edge: str = ""
    """Edge of the foil; empty is that of the scan."""
    convention: Literal["bearden", "kraft"] = "bearden"
    """Whose edge energies: Bearden and Burr (1967), Fe K 7112.0 eV, or Kraft et al. (1996), Fe K 7110.75 eV."""
    foil_energy: float = 0.0
    """Edge energy of the foil [eV] where the convention does not list it; 0 takes the convention."""
    window: tuple[float, float] = (-20.0, 30.0)
    """Range of the foil's edge that is aligned as a whole [eV, relative to it]."""
    max_shift: float = 20.0
    """Larger shifts are refused [eV]."""
    alignment_error: float = 0.023
    """Error of one whole-edge alignment [eV, one sigma], taken where there are fewer than three repeats
    (rms found on noisy spectra of known shift, grid 0.2 eV; docs/theory/xas.md)."""
    repeatability: float = 0.0
    """Without a foil: repeatability of the monochromator [eV, one sigma]; 0 means unknown, which forbids shift
    claims."""
    repeatability_source: str = ""
    """Where that number comes from; needed with it."""


@dataclass(frozen=True)
class Normalisation:
    """How spectra become normalised ones."""

    e0: float = 0.0
    """Origin of the photoelectron energy [eV]; 0 takes the half-step energy of the merged spectrum."""
    pre1: float | None = None
    """Start of the pre-edge fit [eV, relative to E0]; none is the second point."""
    pre2: float | None = None
    """End of the pre-edge fit; none is half of its start."""
    norm1: float | None = None
    """Start of the post-edge fit; none is a fifteenth of the range, 25 eV at most."""
    norm2: float | None = None
    """End of the post-edge fit; none is the last point."""
    nnorm: int | None = None
    """Degree of the post-edge polynomial; none is 2 for ranges over 300 eV, 1 over 30 eV, else 0."""
    victoreen: int = 0
    """Power n of the pre-edge a + b E fitted to mu E**n; 0 is a line, 3 close to Victoreen's."""
    exafs_free: bool = True
    """Fit the polynomial above the edge to the spectrum without its EXAFS (the background spline, where the scan
    reaches k = 6/angstrom), so that the edge step does not follow the oscillations; false fits the spectrum itself, as
    Larch and Athena do."""
    core_width: float | None = None
    """Full width at half maximum of the core level [eV]: the tails that it gives the edge are left out of the fits
    below and above it; none is the tabulated width of element and edge (0 where none is listed), 0 fits them with the
    rest, as Larch and Athena do."""
    outlier: float = 6.0
    """Repeats whose deviation from the median spectrum exceeds this many times the typical one are set aside."""
    glitch: float = 8.0
    """Points where mu, and I0 or the foil, jump by more than this many robust sigmas are masked; 0 masks none."""
    min_glitch: float = 0.002
    """Smaller jumps than this share of the edge step are left alone."""
    max_thickness: float = 4.0
    """A total absorption above this is said to be too thick (harmonics, leakage)."""
    max_step: float = 2.0
    """An edge step above this is said to flatten features by its thickness (transmission)."""
    leakage: float = 1e-3
    """Share of harmonics and leakage in the beam that the loss by thickness is told for."""
    min_step: float = 0.02
    """An edge step below this is said to be too small to trust (transmission)."""


@dataclass(frozen=True)
class Exafs:
    """How chi(k) and chi(R) are made."""

    rbkg: float = 0.9
    """Distance below which the background takes all [angstrom]; 0.9 leaves Ge-O at 1.86 angstrom alone."""
    kmin_background: float = 0.0
    """Start of the background's Fourier range [1/angstrom]."""
    kmax_background: float | None = None
    """End of the background's range; none is the last point."""
    kweight_background: int = 1
    """Power of k in the background's Fourier transform."""
    nclamp: int = 3
    """Number of points at each end that are clamped."""
    clamp_low: float = 0.0
    """Weight of the clamp at low k."""
    clamp_high: float = 1.0
    """Weight of the clamp at high k."""
    kmin: float = 3.0
    """Start of the Fourier window [1/angstrom]."""
    kmax: float | None = None
    """End of the Fourier window; none is 1/angstrom below the last point, 13 at most."""
    kweight: int = 2
    """Power of k in the Fourier transform."""
    dk: float = 1.0
    """Width of the window's slopes [1/angstrom]."""
    window: Window = "kaiser"
    """Shape of the window."""
    rmin: float = 1.0
    """Start of the back transform's window [angstrom]."""
    rmax: float = 4.0
    """End of the back transform's window [angstrom]."""
    dr: float = 0.5
    """Width of the back transform's slopes [angstrom]."""
    min_k: float = 6.0
    """Spectra that end below this k [1/angstrom] get no EXAFS, only XANES."""


@dataclass(frozen=True)
class Comparison:
    """How a pair is judged."""

    choices: int = 200
    """Number of sets of processing choices."""
    seed: int = 20210401
    """Seed that draws the choices."""
    kmin: float = 3.0
    """Start of the Fourier window [1/angstrom]; each choice moves it by up to 0.5."""
    kmax: float | None = None
    """End of the window; none is where the pristine signal falls to `signal` times its noise, 1/angstrom below the
    shorter
    scan's end and 13 at most; choices end up to 1.5 below."""
    signal: float = 2.5
    """Signal to noise, chi(k) over 1.5/angstrom, at which the window ends."""
    kweight: int = 1
    """Power of k in the Fourier transform, the same in all choices; 1 keeps the noise at high k out of the ratios."""
    rbkg: float = 0.9
    """Background distance [angstrom]; choices lie within 15 % of it."""
    shells: tuple[tuple[float, float], ...] = ()
    """R ranges of the shells [angstrom, no phase correction]; empty finds the three first peaks of the pristine."""
    max_shift: float = 0.08
    """Edge shift that would matter [eV]; such that a shift of 0.1 eV is called retained in at most 1 of
    100 cases where the shift's standard error is 0.012 eV or less, in up to 5 of 100 where it is larger
    (docs/decisions/0007-xas-bounds.md)."""
    max_white_line: float = 0.03
    """Change of the normalised white line that would matter."""
    max_loss: tuple[float, ...] = (0.045, 0.1)
    """Relative change of a shell's amplitude that would matter, from the first shell on; the last number holds for all
    that follow (first: such that a loss of 5 % is called retained in at most 1 of 100 cases where the ratio's standard
    error is 0.73 % or less, in up to 5 of 100 where it is larger, docs/decisions/0007-xas-bounds.md; outer ones: 10 %,
    the field's usual accuracy of a coordination number)."""
    lost: float = 0.8
    """A shell whose loss is above this with confidence is called lost."""
    reduced_shift: float = 0.0
    """Edge shift of the fully reduced compound against the pristine one [eV]; with it the smallest reduced
    fraction that would have been seen follows also without a reference; 0 means unknown."""
    min_k: float = 6.0
    """Pairs that end below this k [1/angstrom] are compared in XANES only."""


@dataclass(frozen=True)
class Mixture:
    """How a spectrum is made of references."""

    window: tuple[float, float] = (-20.0, 60.0)
    """Fit range [eV, relative to the edge]."""
    shift: bool = True
    """Each reference's energy axis is free."""
    max_shift: float = 2.0
    """Bound of that shift [eV]."""
    sum_to_one: bool = False
    """Force the weights to a sum of one."""
    choices: int = 30
    """Number of sets of normalisation ranges; the weights are their median, their spread is the systematic
    uncertainty. Below 2: the ranges of the normalisation step alone, no systematic uncertainty."""
    seed: int = 20210402
    """Seed that draws them."""


@dataclass(frozen=True)
class Series:
    """How a series of scans of one evolving sample is read."""

    window: tuple[float, float] = (-20.0, 80.0)
    """Range of the principal components and of isosbestic points [eV, relative to E0]."""
    shown: int = 10
    """Number of components that are kept and shown; species are sought among them."""
    isosbestic_p: float = 0.01
    """A crossing whose scatter is less probable than this is no isosbestic point."""


@dataclass(frozen=True)
class Xas:
    """Options of the absorption steps."""

    read: Reading = field(default_factory=Reading)
    """Scans from files."""
    calibrate: Calibration = field(default_factory=Calibration)
    """Energy axis."""
    normalise: Normalisation = field(default_factory=Normalisation)
    """Normalisation and merging."""
    exafs: Exafs = field(default_factory=Exafs)
    """Background and Fourier transforms."""
    compare: Comparison = field(default_factory=Comparison)
    """Pristine against cycled."""
    mixture: Mixture = field(default_factory=Mixture)
    """Linear combination of references."""
    series: Series = field(default_factory=Series)
    """Components of a series."""
    feff: Feff = field(default_factory=Feff)
    """Scattering paths of a phase."""
    path_fit: PathFit = field(default_factory=PathFit)
    """Fit of the first shells."""
