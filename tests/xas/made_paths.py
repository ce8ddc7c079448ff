"""FEFF's files of made paths (feffNNNN.dat), and the EXAFS they stand for by the textbook's
formula."""

from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ssbchar.constants import ETOK
from ssbchar.xas.paths import feffdat

Array = NDArray[np.float64]
K = 0.05 * np.arange(281)
"""Grid of the spectra [1/angstrom]."""
TRUE = {"e0": 2.0, "numbers": (5.0, 10.0), "changes": (-0.03, 0.04), "sigma2": (0.006, 0.009)}
"""Parameters of a made spectrum [eV, 1, angstrom, angstrom^2]."""
TABLE = np.concatenate([np.arange(0, 6, 0.2), np.arange(6, 10, 0.5), np.arange(10, 20.5, 1.0)])
"""k of FEFF's tables [1/angstrom]."""
SHELLS = (("O", 6.0, 2.10), ("Fe", 12.0, 3.00))
"""Scatterer, neighbours, distance [angstrom]."""


def size(k: Array, scatterer: str) -> Array:
    """Return a smooth stand-in of the amplitude [angstrom]."""
    return (
        0.6 * np.exp(-((k / 7) ** 2)) if scatterer == "O" else 0.7 * np.exp(-(((k - 6) / 5) ** 2))
    )


def phase(k: Array, scatterer: str) -> Array:
    return -0.8 * k + (2.0 if scatterer == "O" else -0.5)


def text(scatterer: str, number: float, reff: float, free_path: float) -> str:
    """Return a path as FEFF 6 writes it."""
    head = [
        f" made path of {scatterer:<40}              Feff 6L.02  potph 4.12",
        " Abs   Z=26 Rmt= 1.197 Rnm= 1.402 K shell",
        " Path    1      icalc       2                           Feff 6L.02  genfmt 1.44",
        " " + 79 * "-",
        f"   2 {number:7.3f} {reff:8.4f}    2.4319   -4.30215 nleg, deg, reff, rnrmav(bohr), edge",
        "        x         y         z   pot at#",
        "     0.0000    0.0000    0.0000  0  26 Fe       absorbing atom",
        f"     {reff:.4f}    0.0000    0.0000  1   8 {scatterer:<6}",
        "    k   real[2*phc]   mag[feff]  phase[feff] red factor   lambda      real[p]@#",
    ]
    rows = [
        f" {k:6.3f} {0.3 * k: .9E} {size(k, scatterer): .9E}"
        f" {phase(k, scatterer) - 0.3 * k: .9E} 1.000E+00 {free_path: .4E} {k: .9E}"
        for k in TABLE
    ]
    return "\n".join(head + rows) + "\n"


def write(folder: Path, shells=SHELLS, free_path: float = 1e5) -> None:
    """Write feff0001.dat ..., a file for each shell."""
    folder.mkdir(parents=True, exist_ok=True)
    for i, shell in enumerate(shells, 1):
        (folder / f"feff{i:04d}.dat").write_text(text(*shell, free_path), encoding="utf-8")


def read(folder: Path) -> xr.Dataset:
    found = [feffdat.read_path(path) for path in sorted(folder.glob("feff0*.dat"))]
    return feffdat.build_path_dataset(found, [0] * len(found), str(folder))


def chi(k: Array, e0: float, numbers, changes, sigma2, shells=SHELLS) -> Array:
    """Return sum N F / (q R^2) exp(-2 q^2 s2) sin(2 q R - 4 q s2 / R_eff + phi): no loss, q from
    E0.

    The term -4 q s2 / R_eff is the distance's change by the average over exp(-2 R / lambda) / R^2
    at disorder s2 (P. Eisenberger & G. S. Brown, Solid State Commun. 29 (1979) 481).
    """
    q = np.sqrt(np.maximum(k**2 - ETOK * e0, 0.05**2))
    total = np.zeros_like(k)
    for (scatterer, _, reff), n, dr, s2 in zip(shells, numbers, changes, sigma2, strict=True):
        r = reff + dr
        wave = np.sin(2 * q * r - 4 * q * s2 / reff + phase(q, scatterer))
        total += n * size(q, scatterer) / (q * r**2) * np.exp(-2 * q**2 * s2) * wave
    return total


def exafs(
    k: Array, values: Array, e0: float = 7120.0, alignment: str = "foil", measurement: str = "made"
) -> xr.Dataset:
    """Return what `ssbchar.xas.exafs.extract_exafs` gives of a spectrum, as far as the fit needs
    it."""
    ds = xr.Dataset(coords={"k": ("k", k)})
    ds["chi"] = (("spectrum", "k"), values[None])
    ds["e0"], ds["kmax"] = ((), e0), ((), 12.0)
    ds.attrs = {
        "element": "Fe",
        "edge": "K",
        "alignment": alignment,
        "measurement": measurement,
        "notes": "[]",
    }
    return ds
