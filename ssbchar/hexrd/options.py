"""Options of all diffraction steps, gathered from the rooms of their stages; defaults live there
and nowhere else."""

from dataclasses import dataclass, field

from ssbchar.crystal.options import ReflectionListing
from ssbchar.hexrd.calibration.options import Geometry
from ssbchar.hexrd.expansion.options import Expansion
from ssbchar.hexrd.export.options import Export
from ssbchar.hexrd.furnace.options import Furnace
from ssbchar.hexrd.images.options import Integration
from ssbchar.hexrd.onset.options import Onset
from ssbchar.hexrd.pairs.options import Pair
from ssbchar.hexrd.patterns.options import PatternReading
from ssbchar.hexrd.peaks.options import Tracking
from ssbchar.hexrd.refinement.options import Refinement
from ssbchar.hexrd.rietveld.options import Rietveld
from ssbchar.hexrd.time_course.options import TimeCourse
from ssbchar.hexrd.unindexed.options import Candidates
from ssbchar.hexrd.verdict.options import Stability

ROLES = {
    "series": "1D patterns of one heating programme, in the order measured",
    "images": "detector images of one heating programme; `calibrant` names the calibrant",
    "calibrant": "an image (or pattern) of the calibrant",
    "pristine": "pattern or patterns of a specimen ex situ; images where `calibrant` names one",
    "cycled": "the same of a treated specimen, compared with `compare_to`",
}
COLUMNS: dict[str, dict[str, tuple[str, ...]]] = {
    "series": {"log": (), "phases": ()},
    "images": {"log": (), "phases": (), "calibrant": ("calibrant",)},
    "calibrant": {},
    "pristine": {"log": (), "phases": (), "calibrant": ("calibrant",)},
    "cycled": {
        "log": (),
        "phases": (),
        "calibrant": ("calibrant",),
        "compare_to": ("pristine",),
    },
}
"""Columns of the sample sheet that each role uses beside those that all fill; for a column that
names other measurements, the roles these may have."""


@dataclass(frozen=True, kw_only=True)
class Hexrd:
    """Options of the diffraction steps."""

    read: PatternReading = field(default_factory=PatternReading)
    """Patterns from files."""
    furnace: Furnace = field(default_factory=Furnace)
    """Temperatures joined to frames."""
    track: Tracking = field(default_factory=Tracking)
    """Peaks fitted in every frame."""
    geometry: Geometry = field(default_factory=Geometry)
    """The detector from an image of the calibrant."""
    integrate: Integration = field(default_factory=Integration)
    """Images to patterns."""
    phases: ReflectionListing = field(default_factory=ReflectionListing)
    """Reflections of the candidate phases."""
    refine: Refinement = field(default_factory=Refinement)
    """Whole-pattern refinement."""
    rietveld: Rietveld = field(default_factory=Rietveld)
    """Structures refined in chosen frames."""
    expansion: Expansion = field(default_factory=Expansion)
    """Cells against temperature."""
    onset: Onset = field(default_factory=Onset)
    """Onset and end of each phase."""
    time_course: TimeCourse = field(default_factory=TimeCourse)
    """Series at one temperature against time."""
    candidates: Candidates = field(default_factory=Candidates)
    """Peaks no phase explains."""
    stability: Stability = field(default_factory=Stability)
    """The verdict on each mixture."""
    pair: Pair = field(default_factory=Pair)
    """A cycled specimen against the pristine one."""
    export: Export = field(default_factory=Export)
    """Files for others' programs."""
