"""Files of a refined series for other programs: one long table, cells as CIF, patterns and
instrument for GSAS-II."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ssbchar.crystal import reflections
from ssbchar.crystal.options import ReflectionListing
from ssbchar.errors import BadInput
from ssbchar.hexrd.export import cif, frames_csv, gsas, lines_csv
from ssbchar.hexrd.export.options import Export
from ssbchar.hexrd.patterns.frame_status import FrameStatus
from ssbchar.hexrd.refinement.cell_status import CellStatus
from ssbchar.typing import Array

if TYPE_CHECKING:
    import xarray as xr

EXPORTED_VERDICTS = (
    CellStatus.OK,
    CellStatus.HELD,
    CellStatus.DEVIATES,
    CellStatus.INCONSISTENT,
)
"""Verdicts of a refined phase whose cell is written."""


def export_series(
    patterns: xr.Dataset,
    furnace: xr.Dataset,
    lattice: xr.Dataset,
    peaks: xr.Dataset,
    table: Path,
    options: Export,
    labels: dict[str, str],
) -> dict[str, str]:
    """Return the files of a series by name (docs/data-model.md, ``export/``).

    ``frames.csv`` (a row per frame and phase), ``lines.csv`` (a row per frame and named reflection,
    where there are any), ``<phase>_frame<number>.cif`` of the frames chosen
    for each phase (`choose_frames`), ``frame<number>.fxye`` of all these frames, and
    ``instrument.instprm``.

    Parameters
    ----------
    patterns, furnace, lattice, peaks : Dataset
        Of one series; lengths in angstrom, angles in degrees (docs/data-model.md).
    table : Path
        The phases file, for symmetry and atoms.
    options : Export
        Options of the step.
    labels : dict
        ``sample``.

    Returns
    -------
    dict of str to str
        Name and text of each file.

    Raises
    ------
    BadInput
        A frame asked for is not in the series.
    """
    sample = labels.get("sample", "")
    _refuse_unknown_frames(patterns["frame"].values, options.frames, sample)
    note = f"{sample} (synthetic)" if patterns.attrs.get("synthetic") else sample
    note = note.strip()
    chosen = {
        str(name): choose_frames(
            lattice["verdict"].sel(phase=name).values, furnace["temperature"].values
        )
        for name in lattice["phase"].values.astype(str)
    }
    files = {"frames.csv": frames_csv.format_table(patterns, furnace, lattice)}
    if lines := lines_csv.format_lines(furnace, peaks):
        files["lines.csv"] = lines
    files |= _format_cifs(chosen, lattice, furnace, table, note)
    # patterns go with the cells: those of all phases' chosen frames, and those asked for
    asked = np.flatnonzero(np.isin(patterns["frame"].values, options.frames))
    wanted = np.unique(np.concatenate([asked, *chosen.values()]))
    usable = [
        int(frame) for frame in wanted if str(patterns["status"].values[frame]) == FrameStatus.OK
    ]
    for frame in usable:
        number = int(patterns["frame"].values[frame])
        files[f"frame{number:04d}.fxye"] = gsas.format_pattern(patterns, furnace, frame, note)
    if usable:
        files[gsas.INSTRUMENT_FILE] = gsas.format_instrument(
            patterns, lattice, peaks, polarisation=options.polarisation, note=note
        )
    return files


def _refuse_unknown_frames(
    numbers: NDArray[np.int64], frames: tuple[int, ...], sample: str
) -> None:
    """Refuse frames asked for that are not in the series."""
    unknown = sorted(set(frames) - set(numbers.tolist()))
    if unknown:
        listed = ", ".join(map(str, unknown))
        raise BadInput(
            "hexrd.export.frames",
            f"no frame {listed} in the series of {sample}",
            f"frames are numbered {numbers.min()} to {numbers.max()}",
        )


def _format_cifs(
    chosen: Mapping[str, NDArray[np.intp]],
    lattice: xr.Dataset,
    furnace: xr.Dataset,
    table: Path,
    note: str,
) -> dict[str, str]:
    """Return the CIF of each phase in its chosen frames, by file name."""
    files = {}
    for place, (name, frames) in enumerate(chosen.items()):
        known = reflections.read_phase(table, name, ReflectionListing())
        for frame in frames.tolist():
            number = int(lattice["frame"].values[frame])
            files[f"{name}_frame{number:04d}.cif"] = cif.format_cif(
                known, lattice, furnace, place, frame, note=note
            )
    return files


def choose_frames(verdict: NDArray[np.object_], temperature: Array) -> NDArray[np.intp]:
    """Return the frames of a phase that are exported: the first and the last that have a cell, the
    coldest and the hottest.

    Parameters
    ----------
    verdict : ndarray of str, shape (frame,)
        Of the phase (`CellStatus`).
    temperature : ndarray, shape (frame,)
        [degC]

    Returns
    -------
    ndarray of int, shape (chosen frame,)
        Positions in the series, ascending; of frames with an ``ok`` cell where there are any.
    """
    words = verdict.astype(str)
    with_cell = np.flatnonzero(np.isin(words, EXPORTED_VERDICTS))
    if not with_cell.size:
        return with_cell
    good = np.flatnonzero(words == CellStatus.OK)
    frames = good if good.size else with_cell
    chosen = [frames[0], frames[-1]]
    known = frames[np.isfinite(temperature[frames])]
    if known.size:
        coldest = known[np.argmin(temperature[known])]
        hottest = known[np.argmax(temperature[known])]
        chosen += [coldest, hottest]
    return np.unique(np.array(chosen, dtype=np.intp))
