"""What was understood of a series of patterns, in one line from its first file, for the check
before a run; and what was assumed of all of it, for the report."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.description import Description, count_of
from ssbchar.hexrd.patterns.read import list_files, read_patterns

if TYPE_CHECKING:
    import xarray as xr

    from ssbchar.hexrd.patterns.options import PatternReading


@dataclass(frozen=True, kw_only=True)
class DescribedPatterns:
    """The patterns of a series as far as its first file tells."""

    about: Description
    first: xr.Dataset
    """The first file alone, as `read_patterns` returns it."""
    names: list[str]
    """Name of every file."""


def describe_patterns(source: Path, options: PatternReading) -> DescribedPatterns:
    """Return what the patterns of a series are: number, wavelength [angstrom], axis [degree],
    times, exposure [s].

    The first file alone is opened, as `read_patterns` opens it.

    Parameters
    ----------
    source : Path
        File, folder or glob.
    options : PatternReading

    Raises
    ------
    BadInput
        As `read_patterns`, of the first file.
    """
    paths = list_files(source, options.suffix)
    first = read_patterns(paths[0], options)
    origin = first.attrs["wavelength_source"].replace("header of 1 files", "the header")
    parts = [
        _count_frames(first.sizes["frame"], len(paths)),
        f"{float(first['wavelength']):.7g} A from {origin.replace('config', 'the option', 1)}",
        _describe_axis(first),
    ]
    if not np.isfinite(first["time"].values).any():
        parts.append("no times in the files")
    if "exposure" in first:
        parts.append(f"{float(first['exposure'].values[0]):.4g} s exposure")
    if np.isfinite(first["monitor"].values).any():
        parts.append("monitor in the headers")
    faults = json.loads(first.attrs.get("set_aside", "[]"))
    doubts = [f"{f['where']}: {f['problem']}; {f['remedy']}" for f in faults]
    about = Description(said=", ".join(parts), doubts=(*doubts, *list_notes(first)))
    return DescribedPatterns(about=about, first=first, names=[path.name for path in paths])


def _count_frames(in_first: int, files: int) -> str:
    if in_first == 1:
        return count_of(files, "frame")
    more = f" in the first of {files} files" if files > 1 else " in one file"
    return f"{in_first} frames{more}"


def _describe_axis(patterns: xr.Dataset) -> str:
    begin, end = (float(patterns["two_theta"][i]) for i in (0, -1))
    source = patterns.attrs.get("axis_source", "")
    return f"2theta {begin:.4g}-{end:.4g} degree" + (f" (axis {source})" if source else "")


def list_notes(patterns: xr.Dataset) -> list[str]:
    """Return what was assumed when a series [2theta, wavelength, temperature] was read.

    Parameters
    ----------
    patterns : Dataset
        ``patterns.nc``, attribute ``assumed``.
    """
    return [text for text in str(patterns.attrs.get("assumed", "")).split("; ") if text]
