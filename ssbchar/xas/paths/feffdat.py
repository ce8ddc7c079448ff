"""Scattering paths as FEFF writes them (feffNNNN.dat): effective amplitude, phase and momentum."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.typing import Array
from ssbchar.xas.paths.outputs import PATHS

if TYPE_CHECKING:
    import xarray as xr

COLUMNS = 7
"""k, real[2*phc], mag[feff], phase[feff], red factor, lambda, real[p]."""
FEWEST_ROWS = 10
"""A table of fewer rows was not written to its end."""
REMEDY = "give feffNNNN.dat as FEFF 6, 8 or 10 writes it"


@dataclass(frozen=True, kw_only=True)
class FeffPath:
    """One path of a FEFF calculation."""

    name: str
    legs: int
    degeneracy: float
    reff: float
    """Half the path's length [angstrom]."""
    scatterer: str
    """Elements that scatter, in order."""
    k: Array
    """Wavenumber, shape (k,) [1/angstrom]."""
    amplitude: Array
    """F_eff times the reduction by the central atom [angstrom]."""
    phase: Array
    """Of the scattering and twice that of the central atom [radian]."""
    momentum: Array
    """Real part of the complex momentum p [1/angstrom]."""
    free_path: Array
    """Mean free path [angstrom]; Im p = 1 / free_path."""
    version: str
    """Of FEFF."""


def list_files(folder: Path) -> list[Path]:
    """Return the paths that FEFF wrote into a folder, in the order of their numbers."""
    files = [p for p in folder.iterdir() if re.fullmatch(r"feff\d{4,}\.dat", p.name)]
    return sorted(files, key=lambda p: (len(p.name), p.name))


def read_path(path: Path) -> FeffPath:
    """Return a path from a feffNNNN.dat of FEFF 6, 8 or 10.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    FeffPath
        Arrays of shape (k,); lengths in angstrom, phases in radian.

    Raises
    ------
    BadInput
        The file has no geometry or no table, or holds something that is not a number.
    """
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    # A rule ends the header; numbers, column titles and the atoms follow, then the table.
    rule = next((i for i, text in enumerate(lines) if text.lstrip(" #").startswith("-----")), -1)
    head = next((i for i, text in enumerate(lines) if "real[p]" in text), -1)
    if rule < 0 or head < rule:
        raise BadInput(path, "not a path of FEFF: no geometry or no table", REMEDY)
    try:
        legs, degeneracy, reff = (float(word) for word in lines[rule + 1].split()[:3])
        atoms = [text.split() for text in lines[rule + 3 : head]]
        written = [text.split() for text in lines[head + 1 :] if text.strip()]
        rows = [[float(word) for word in words] for words in written]
    except ValueError as error:
        raise BadInput(path, f"not a path of FEFF: {error}", REMEDY) from error
    if len(rows) < FEWEST_ROWS or {len(row) for row in rows} != {COLUMNS} or len(atoms) != legs:
        counts = f"{len(rows)} rows, {len(atoms)} atoms of {legs:g}"
        raise BadInput(path, f"not a path of FEFF: {counts}", REMEDY)
    table = np.array(rows).T
    if not np.isfinite(table).all() or reff <= 0 or np.any(np.diff(table[0]) <= 0):
        problem = "not a path of FEFF: a number is not finite, or k does not rise"
        raise BadInput(path, problem, REMEDY)
    k, central, size, phase, reduction, free_path, momentum = table
    # The version follows the title, which may hold the word as well.
    versions = re.findall(r"feff\s*\d[\w.]*", lines[0], flags=re.I)
    return FeffPath(
        name=path.name,
        legs=int(legs),
        degeneracy=degeneracy,
        reff=reff,
        # The first atom is the absorber. FEFF 8 may leave the element out; its number stays.
        scatterer="-".join(atom[5] if len(atom) > 5 else f"Z{atom[4]}" for atom in atoms[1:]),
        k=k,
        amplitude=size * reduction,
        phase=central + phase,
        momentum=momentum,
        free_path=free_path,
        version=versions[-1] if versions else "FEFF",
    )


def build_path_dataset(paths: Sequence[FeffPath], sites: Sequence[int], where: str) -> xr.Dataset:
    """Return the paths of one FEFF calculation, or of one per absorbing site, sorted by length.

    Parameters
    ----------
    paths : sequence of FeffPath
        On one k grid [1/angstrom].
    sites : sequence of int
        The absorbing site of each path.
    where : str
        What error messages name.

    Returns
    -------
    Dataset, dims path, k
        As `ssbchar.xas.paths.outputs.PATHS`; attrs ``feff``, the version.

    Raises
    ------
    BadInput
        There is no path, or the paths are on different grids.
    """
    if not paths:
        raise BadInput(where, "no path of FEFF (feffNNNN.dat)", "run FEFF, or raise xas.feff.rmax")
    k = paths[0].k
    # One spline over k serves all paths.
    if any(p.k.shape != k.shape or np.abs(p.k - k).max() > 1e-6 for p in paths):
        remedy = "give the paths of one version of FEFF"
        raise BadInput(where, "the paths are not on one k grid", remedy)

    # By a rounded length, so that equivalent paths keep the order of their files.
    def sort_key(i: int) -> tuple[float, str, int]:
        return round(paths[i].reff, 4), paths[i].name, sites[i]

    order = sorted(range(len(paths)), key=sort_key)
    ordered = [paths[i] for i in order]
    return PATHS.dataset(
        {
            "k": k,
            "amplitude": np.array([p.amplitude for p in ordered]),
            "phase": np.array([p.phase for p in ordered]),
            "momentum": np.array([p.momentum for p in ordered]),
            "free_path": np.array([p.free_path for p in ordered]),
            "reff": [p.reff for p in ordered],
            "degeneracy": [p.degeneracy for p in ordered],
            "legs": [p.legs for p in ordered],
            "scatterer": [p.scatterer for p in ordered],
            "name": [p.name for p in ordered],
            "site": [sites[i] for i in order],
        },
        attrs={"feff": paths[0].version},
    )
