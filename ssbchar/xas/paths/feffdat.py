"""Scattering paths as FEFF writes them (feffNNNN.dat): effective amplitude, phase and momentum of
each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.typing import Array

if TYPE_CHECKING:
    import xarray as xr

COLUMNS = 7
"""k, real[2*phc], mag[feff], phase[feff], red factor, lambda, real[p]."""


@dataclass(frozen=True)
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
    """[1/angstrom]"""
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


def read_path(path: Path) -> FeffPath:
    """Return a path from a feffNNNN.dat of FEFF 6 or 8.

    Raises
    ------
    BadInput
        The file has no geometry or no table, or a number in it is none.
    """
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    begin = next((i for i, text in enumerate(lines) if text.lstrip(" #").startswith("-----")), -1)
    head = next((i for i, text in enumerate(lines) if "real[p]" in text), -1)
    remedy = "give feffNNNN.dat as FEFF 6 or 8 writes it"
    if begin < 0 or head < begin:
        raise BadInput(path, "not a path of FEFF: no geometry or no table", remedy)
    try:
        legs, degeneracy, reff = (float(word) for word in lines[begin + 1].split()[:3])
        atoms = [text.split() for text in lines[begin + 3 : head]]
        rows = [
            [float(word) for word in text.split()] for text in lines[head + 1 :] if text.strip()
        ]
    except ValueError as error:
        raise BadInput(path, f"not a path of FEFF: {error}", remedy) from error
    if len(rows) < 10 or {len(row) for row in rows} != {COLUMNS} or len(atoms) != legs:
        raise BadInput(
            path, f"not a path of FEFF: {len(rows)} rows, {len(atoms)} atoms of {legs:g}", remedy
        )
    table = np.array(rows).T
    if not np.isfinite(table).all() or reff <= 0 or np.any(np.diff(table[0]) <= 0):
        raise BadInput(
            path, "not a path of FEFF: a number is not finite, or k does not rise", remedy
        )
    found = re.search(r"feff\s*[\w.]+", lines[0], flags=re.I)
    around = "-".join(atom[5] if len(atom) > 5 else f"Z{atom[4]}" for atom in atoms[1:])
    k, central, size, phase, reduction, free_path, momentum = table
    return FeffPath(
        path.name,
        int(legs),
        degeneracy,
        reff,
        around,
        k,
        size * reduction,
        central + phase,
        momentum,
        free_path,
        found[0] if found else "FEFF",
    )


def build_path_dataset(paths: Sequence[FeffPath], sites: Sequence[int], where: str) -> xr.Dataset:
    """Return paths of one FEFF calculation, or of one for each absorbing site, as a Dataset sorted
    by length.

    Parameters
    ----------
    paths : sequence of FeffPath
    sites : sequence of int
        Which absorbing site each belongs to.
    where : str
        For the message.

    Returns
    -------
    Dataset, dims path, k
        ``amplitude`` [angstrom], ``phase`` [radian], ``momentum`` [1/angstrom], ``free_path``
        [angstrom]; per path ``reff`` [angstrom], ``degeneracy``, ``legs``, ``scatterer``, ``site``,
        ``name``; attrs ``feff``.
    """
    import xarray as xr

    if not paths:
        raise BadInput(where, "no path of FEFF (feffNNNN.dat)", "run FEFF, or raise xas.feff.rmax")
    k = paths[0].k
    if any(p.k.shape != k.shape or np.abs(p.k - k).max() > 1e-6 for p in paths):
        raise BadInput(
            where, "the paths are not on one k grid", "give the paths of one version of FEFF"
        )
    order = sorted(
        range(len(paths)), key=lambda i: (round(paths[i].reff, 4), paths[i].name, sites[i])
    )
    ds = xr.Dataset(
        coords={"k": ("k", k, {"units": "1/angstrom"})}, attrs={"feff": paths[0].version}
    )
    for name, unit in (
        ("amplitude", "angstrom"),
        ("phase", "radian"),
        ("momentum", "1/angstrom"),
        ("free_path", "angstrom"),
    ):
        ds[name] = (
            ("path", "k"),
            np.array([getattr(paths[i], name) for i in order]),
            {"units": unit},
        )
    ds["reff"] = (
        "path",
        [paths[i].reff for i in order],
        {"units": "angstrom", "long_name": "half the path's length"},
    )
    for name in ("degeneracy", "legs", "scatterer", "name"):
        ds[name] = ("path", [getattr(paths[i], name) for i in order])
    ds["degeneracy"].attrs["units"] = "1"
    ds["site"] = ("path", [sites[i] for i in order])
    return ds
