"""Options of the absorption steps, gathered from the rooms of their stages."""

from dataclasses import dataclass, field

from ssbchar.xas.calibration.options import Calibration
from ssbchar.xas.comparison.options import Comparison
from ssbchar.xas.exafs.options import Exafs, FourierWindow
from ssbchar.xas.normalisation.options import Normalisation
from ssbchar.xas.paths.options import Feff, PathFit
from ssbchar.xas.scans.options import ScanReading
from ssbchar.xas.series.options import Mixture, Series

ROLES = {
    "pristine": "scans of the sample before",
    "cycled": "scans of the sample after; compared with the measurement in `compare_to`",
    "reference": "scans of a reference compound or foil",
    "series": "scans of one evolving sample in their order; with `reference` taken apart along it",
}
_SINGLE = ("pristine", "cycled", "reference")
"""Roles of measurements that come to one spectrum."""
COLUMNS: dict[str, dict[str, tuple[str, ...]]] = {
    "pristine": {"phases": (), "reference": _SINGLE},
    "cycled": {"phases": (), "compare_to": _SINGLE, "reference": _SINGLE},
    "reference": {},
    "series": {"compare_to": _SINGLE, "reference": _SINGLE},
}
"""Columns of the sample sheet that each role uses beside those that all fill; for a column that
names other measurements, the roles these may have."""


@dataclass(frozen=True, kw_only=True)
class Xas:
    """Options of the absorption steps."""

    read: ScanReading = field(default_factory=ScanReading)
    """Scans from files."""
    calibrate: Calibration = field(default_factory=Calibration)
    """Energy axis."""
    normalise: Normalisation = field(default_factory=Normalisation)
    """Normalisation and merging."""
    window: FourierWindow = field(default_factory=FourierWindow)
    """Window in k, the same in every stage."""
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
