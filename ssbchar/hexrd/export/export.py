"""What others' programs read of a series: one long table, cells as CIF, patterns and instrument for
GSAS-II."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ssbchar.crystal import reflections
from ssbchar.crystal.options import ReflectionListing
from ssbchar.errors import BadInput
from ssbchar.hexrd.export import cif, frames_csv, gsas
from ssbchar.hexrd.export.options import Export

if TYPE_CHECKING:
    import xarray as xr

EXPORTED_VERDICTS = ("ok", "held", "departs", "inconsistent")
"""Verdicts of a refined phase whose cell is worth a file."""


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

    ``frames.csv`` (a row per frame and phase), ``<phase>_frame<number>.cif`` of the frames `chosen`
    for each phase, ``frame<number>.fxye`` of all these frames, and ``instrument.instprm``.

    Parameters
    ----------
    patterns, furnace, lattice, peaks : Dataset
        As docs/data-model.md has them.
    table : Path
        The phases file, for symmetry and atoms.
    options : Export
    labels : dict
        ``sample``.

    Raises
    ------
    BadInput
        A frame asked for is not in the series.
    """
    numbers = patterns["frame"].values
    unknown = sorted(set(options.frames) - set(numbers.tolist()))
    if unknown:
        listed, sample = ", ".join(map(str, unknown)), labels.get("sample", "")
        raise BadInput(
            "hexrd.export.frames",
            f"no frame {listed} in the series of {sample}",
            f"frames are numbered {numbers.min()} to {numbers.max()}",
        )
    note = f"{labels.get('sample', '')}{' (synthetic)' if patterns.attrs.get('synthetic') else ''}".strip()
    files = {"frames.csv": frames_csv.format_table(patterns, furnace, lattice)}
    wanted: set[int] = {
        int(i) for i in np.flatnonzero(np.isin(patterns["frame"].values, options.frames))
    }
    for p, name in enumerate(lattice["phase"].values.astype(str)):
        known = reflections.read_phase(table, name, ReflectionListing())
        own = choose_frames(lattice["verdict"].values[:, p], furnace["temperature"].values)
        for i in own:
            number = int(patterns["frame"].values[i])
            files[f"{name}_frame{number:04d}.cif"] = cif.format_cif(
                known, lattice, furnace, p, int(i), note
            )
        wanted |= {int(i) for i in own}
    good = [i for i in sorted(wanted) if str(patterns["status"].values[i]) == "ok"]
    for i in good:
        number = int(patterns["frame"].values[i])
        files[f"frame{number:04d}.fxye"] = gsas.format_pattern(patterns, furnace, i, note)
    if good:
        files[gsas.INSTRUMENT_FILE] = gsas.format_instrument(
            patterns, lattice, peaks, options.polarisation, note
        )
    return files


def choose_frames(
    verdict: NDArray[np.object_], temperature: NDArray[np.float64]
) -> NDArray[np.intp]:
    """Return the frames of a phase that are exported: the first and last that have a cell, the
    coldest, the hottest.

    Parameters
    ----------
    verdict : ndarray of str, shape (frames,)
    temperature : ndarray, shape (frames,)
        [degC]
    """
    there = np.flatnonzero(np.isin(verdict.astype(str), EXPORTED_VERDICTS))
    if not there.size:
        return there
    best = np.flatnonzero(verdict.astype(str) == "ok")
    there = best if best.size else there
    known = there[np.isfinite(temperature[there])]
    extremes = (
        [known[np.argmin(temperature[known])], known[np.argmax(temperature[known])]]
        if known.size
        else []
    )
    return np.unique(np.array([there[0], there[-1], *extremes], dtype=np.intp))
