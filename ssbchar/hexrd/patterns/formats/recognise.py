"""The format of a pattern file, by its suffix and its first lines."""

from __future__ import annotations

from pathlib import Path

from ssbchar.hexrd.patterns.formats.extracted import PatternFile

SUFFIXES = (
    ".xy",
    ".xye",
    ".xyd",
    ".dat",
    ".txt",
    ".chi",
    ".fxye",
    ".fxy",
    ".gsas",
    ".gsa",
    ".csv",
    ".tsv",
    ".nxs",
    ".h5",
    ".hdf5",
    ".hdf",
    ".nx5",
)
"""File names that may hold patterns."""


def extract(path: Path) -> PatternFile:
    """Return what a pattern file says, by the format its suffix (and its first lines) tell.

    Raises
    ------
    BadInput
        The file cannot be read as that format.
    """
    suffix = path.suffix.lower()
    if suffix in (".nxs", ".h5", ".hdf5", ".hdf", ".nx5"):
        from ssbchar.hexrd.patterns.formats import nexus

        return nexus.extract(path)
    if suffix in (".csv", ".tsv"):
        from ssbchar.hexrd.patterns.formats import table

        return table.extract(path)
    from ssbchar.hexrd.patterns.formats import columns

    return columns.extract(path)
