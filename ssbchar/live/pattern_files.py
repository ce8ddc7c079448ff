"""Pattern files and images of a series read one by one, as a run reads them together."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.hexrd.images import read as image_files
from ssbchar.hexrd.images.integrate import (
    PreparedIntegration,
    integrate_files,
    prepare_integration,
)
from ssbchar.hexrd.images.options import Integration
from ssbchar.hexrd.patterns import read as pattern_files
from ssbchar.hexrd.patterns.frame_status import FrameStatus, find_beam_dumps
from ssbchar.hexrd.patterns.options import PatternReading
from ssbchar.hexrd.patterns.read import SeriesGrid, read_patterns_like

if TYPE_CHECKING:
    import xarray as xr

NEIGHBOURS = 100
"""Frames before one, at most, by which it is judged whether the beam was lost."""


class SeriesReader(Protocol):
    """Reads the files of one series."""

    def list_files(self) -> list[Path]:
        """Return the files there are, in order."""

    def read(self, path: Path) -> xr.Dataset:
        """Return the frames of a file [counts], on the axis of the first file that was read."""


class PatternFiles:
    """Files of patterns."""

    def __init__(self, source: Path, options: PatternReading) -> None:
        self._source, self._options = source, options
        self._grid: SeriesGrid | None = None

    def list_files(self) -> list[Path]:
        """Return the files there are, in order."""
        return pattern_files.list_files(self._source, self._options.suffix)

    def read(self, path: Path) -> xr.Dataset:
        """Return the frames of a file [counts], on the axis of the first file that was read."""
        ds, grid = read_patterns_like(path, self._options, self._grid)
        self._grid = self._grid or grid
        return ds


class ImageFiles:
    """Images, integrated with the geometry of their calibrant."""

    def __init__(self, source: Path, geometry: xr.Dataset, options: Integration) -> None:
        self._source, self._geometry, self._options = source, geometry, options
        self._prepared: PreparedIntegration | None = None

    def list_files(self) -> list[Path]:
        """Return the files there are, in order."""
        return image_files.find_image_files(self._source)

    def read(self, path: Path) -> xr.Dataset:
        """Return the frames of a file [counts per pixel], on one axis."""
        if self._prepared is None:
            self._prepared = prepare_integration([path], self._geometry, self._options)
        return integrate_files(path, [path], self._prepared, self._options)


class BeamWatch:
    """Finds frames without beam by those before them."""

    def __init__(self, share: float) -> None:
        """Begin without any frame; a frame below `share` [1] of its neighbours is low."""
        self._share = share
        self._means: deque[float] = deque(maxlen=NEIGHBOURS)

    def is_lost(self, intensity: np.ndarray) -> bool:
        """Return whether a frame, shape (points,) [counts], lost the beam."""
        self._means.append(float(np.nanmean(intensity)))
        return bool(find_beam_dumps(np.array(self._means), self._share)[-1])


def refuse_frame(name: str, status: str) -> BadInput | None:
    """Return why a frame cannot be used; None where it can.

    Parameters
    ----------
    name : str
        Of its file.
    status : str
        A `FrameStatus`.
    """
    word = FrameStatus(status)
    return None if word == FrameStatus.OK else word.as_fault(name)
