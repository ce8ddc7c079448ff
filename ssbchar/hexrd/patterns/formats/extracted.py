"""What a pattern file says, whatever its format."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ssbchar.storage.row_file import Stack
from ssbchar.typing import Array


@dataclass
class Extracted:
    """What one file says, in its own axis unit: patterns of shape (frames, points)."""

    x: Array
    """Axis, shape (points,)."""
    unit: str
    """Unit of the axis: ``degree``, ``1/angstrom``, ``1/nm``, ``angstrom`` (d) or empty where the
    file is silent."""
    intensity: Array | Stack
    """Shape (frames, points); on disk where there are many."""
    stderr: Array | Stack | None = None
    """Standard errors of the intensity, or None where the file has none."""
    header: str = ""
    """Text of the header and comments."""
    wavelength: tuple[float, float] | None = None
    """Wavelength and its standard error [angstrom]."""
    temperature: Array = field(default_factory=lambda: np.array([np.nan]))
    """Per frame [degC], NaN unknown."""
    time: Array = field(default_factory=lambda: np.array([np.nan]))
    """Per frame [s since 1970-01-01 UTC], NaN unknown."""
    monitor: Array = field(default_factory=lambda: np.array([np.nan]))
    """Per frame incident monitor [counts], NaN unknown."""
    frames: int = 1
    """How many patterns."""
    synthetic: bool = False
    """Whether the header says that the data are synthetic."""

    def __post_init__(self) -> None:
        """Keep what remains true once the patterns have moved on, and no more of the header."""
        self.frames = self.intensity.shape[0]
        self.synthetic = "synthetic" in self.header.lower()
        self.header = ""
