"""Options of opening raw files."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field

Positive = Annotated[float, Field(gt=0, le=1e9)]


@dataclass(frozen=True, kw_only=True)
class ReadingLimits:
    """What one raw file may ask for; a file that asks for more is refused in one line, and raising
    the limit lets it pass."""

    PLACE: ClassVar[str] = "limits"
    """Where these options stand in a config, for messages."""

    file_size: Positive = 2000.0
    """Largest file [MB]; of HDF5, which is read by parts, the largest array counts instead."""
    unpacked_size: Positive = 2000.0
    """Largest size of what a compressed file (zip, gz, bz2) or array (HDF5) unpacks to [MB]; of a
    zip only the members needed are unpacked."""
    unpacked_ratio: Positive = 1100.0
    """Largest size of that over the size it is stored in (dimensionless), asked from 100 MB on;
    deflate reaches 1032 at most, on zeros."""
    memory: Positive = 1500.0
    """Memory that reading one file may take [MB], and 20 times the file's size more."""
    time: Positive = 5.0
    """Processor time that reading one file may take [s], and a second more per MB; a damaged file
    can make a library search for ever."""
    depth: Annotated[int, Field(ge=1, le=1000)] = 32
    """Deepest nesting: of groups and links in HDF5, of folders in a zip."""
