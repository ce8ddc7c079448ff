"""The format of a pattern file, by its suffix."""

from __future__ import annotations

from pathlib import Path

from ssbchar.hexrd.patterns.formats.extracted import PatternFile

COLUMNS = (".xy", ".xye", ".xyd", ".dat", ".txt", ".chi", ".fxye", ".fxy", ".gsas", ".gsa")
TABLES = (".csv", ".tsv")
HDF5 = (".nxs", ".h5", ".hdf5", ".hdf", ".nx5")
SUFFIXES = (*COLUMNS, *TABLES, *HDF5)
"""Endings of files that may hold patterns."""


def extract(path: Path) -> PatternFile:
    """Return what a pattern file holds, read by the format of its suffix.

    A new format is a module beside this one with a function ``extract``, and its suffixes here.

    Parameters
    ----------
    path : Path
        A file of unknown suffix is read as text in columns.

    Returns
    -------
    PatternFile
        Intensities [counts] of shape (frames, points).

    Raises
    ------
    BadInput
        The file cannot be read as that format.
    """
    # Imported where they are needed: HDF5 and pandas take longer to load than a text file to read.
    suffix = path.suffix.lower()
    if suffix in HDF5:
        from ssbchar.hexrd.patterns.formats import nexus

        return nexus.extract(path)
    if suffix in TABLES:
        from ssbchar.hexrd.patterns.formats import table

        return table.extract(path)
    from ssbchar.hexrd.patterns.formats import columns

    return columns.extract(path)
