"""What a pattern file holds, whatever its format."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

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
    """Unit of the axis: 2theta, q, q or d; empty where the file does not state it."""
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
    frames: int = field(init=False)
    """How many patterns."""
    synthetic: bool = field(init=False)
    """Whether the header says that the data are synthetic."""

    def __post_init__(self) -> None:
        """Note what is needed after the patterns have been dropped; forget the header's text."""
        self.frames = self.intensity.shape[0]
        self.synthetic = "synthetic" in self.header.lower()
        self.header = ""
