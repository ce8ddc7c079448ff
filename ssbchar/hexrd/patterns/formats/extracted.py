"""What a pattern file holds, whatever its format."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from ssbchar.hexrd.patterns.formats.header_values import HeaderValues, Misread
from ssbchar.hexrd.patterns.options import StatedAxisUnit
from ssbchar.storage.row_file import RowFile
from ssbchar.typing import Array


def _unknown() -> Array:
    return np.array([np.nan])


@dataclass(kw_only=True)
class PatternFile:
    """The patterns of one file, in its own axis unit; not frozen: a long series moves them to disk
    and drops them once they are regridded."""

    x: Array
    """Axis, shape (points,)."""
    unit: StatedAxisUnit
    """Of 2theta, q or d; empty where the file does not state it."""
    intensity: Array | RowFile
    """[counts], shape (frames, points); on disk where there are many."""
    stderr: Array | RowFile | None = None
    """Standard errors of the intensity [counts], or None where the file has none."""
    header: str = ""
    """Text of the header and comments."""
    wavelength: tuple[float, float] | None = None
    """Wavelength and its standard error [angstrom]."""
    temperature: Array = field(default_factory=_unknown)
    """[degC], one value or shape (frames,), NaN where unknown."""
    time: Array = field(default_factory=_unknown)
    """[s since 1970-01-01 UTC], one value or shape (frames,), NaN where unknown."""
    monitor: Array = field(default_factory=_unknown)
    """Incident monitor [counts], one value or shape (frames,), NaN where unknown."""
    exposure: Array = field(default_factory=_unknown)
    """[s], one value or shape (frames,), NaN where unknown."""
    bare_temperature: Array = field(default_factory=_unknown)
    """Temperature without a unit, one value or shape (frames,), NaN where there is none."""
    local_time: datetime | None = None
    """Time of the frame where the file states no time zone."""
    ambiguous_time: str = ""
    """Time of the frame whose day may be its month."""
    axis_name: str = ""
    """The axis as the file names it."""
    assumed: tuple[str, ...] = ()
    """What the file does not state and was taken for granted."""
    misread: tuple[Misread, ...] = ()
    """What the file names and cannot be understood."""
    frames: int = field(init=False)
    """How many patterns."""
    synthetic: bool = field(init=False)
    """Whether the header says that the data are synthetic."""

    def __post_init__(self) -> None:
        """Note what is needed after the patterns have been dropped; forget the header's text."""
        self.frames = self.intensity.shape[0]
        self.synthetic = "synthetic" in self.header.lower()
        self.header = ""

    def take_header(self, values: HeaderValues) -> None:
        """Take what a header states of its frame: temperature [degC], time [s], wavelength
        [angstrom], exposure [s] and monitor [counts]."""
        self.temperature = np.array([values.temperature])
        self.bare_temperature = np.array([values.bare_temperature])
        self.time = np.array([values.epoch])
        self.local_time = None if np.isfinite(values.epoch) else values.moment
        self.ambiguous_time = values.ambiguous_time
        self.wavelength = values.wavelength
        self.exposure = np.array([values.exposure])
        self.monitor = np.array([values.monitor])
        self.misread = (*self.misread, *values.misread)
