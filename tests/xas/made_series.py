"""Made series of scans: mixtures of known species in known shares."""

import json

import numpy as np
import xarray as xr
from xas import made_spectra

ENERGY = made_spectra.grid(kmax=10.0)
"""[eV]"""
NOISE = 1e-3
GIVEN = json.dumps(
    {
        "pre_start": 0,
        "pre_stop": 5,
        "post_start": 8,
        "post_stop": 12,
        "at_e0": 6,
        "nnorm": 1,
        "victoreen": 0,
        "exafs_removed": False,
    }
)
"""Attribute ``ranges`` of spectra that were normalised already."""
SPECIES = (
    made_spectra.Truth(),
    made_spectra.Truth(edge=7123.5, white=0.3),
    made_spectra.Truth(edge=7121.6, white=0.95),
)


def shares(count: int, species: int) -> np.ndarray:
    """Return shares of each species along the series: A to B, or A to C to B."""
    t = np.linspace(0, 1, count)
    if species == 1:
        return np.ones((count, 1))
    if species == 2:
        return np.column_stack([1 - t, t])
    middle = 0.6 * np.exp(-(((t - 0.5) / 0.2) ** 2))
    return np.column_stack([(1 - t) * (1 - middle), t * (1 - middle), middle])


def made(
    count: int, species: int, seed: int, thickness: float = 0.1, jitter: float = 0.0
) -> xr.Dataset:
    """Return calibrated scans of a mixture, each with noise, thickness and (jitter) axis of its
    own."""
    random = np.random.default_rng(seed)
    mu = np.empty((count, ENERGY.size))
    for i, share in enumerate(shares(count, species)):
        axis = ENERGY + jitter * random.standard_normal()
        pure = np.array([made_spectra.mu(axis, s) for s in SPECIES[: share.size]])
        scale = 1 + thickness * random.uniform(-1, 1)
        mu[i] = (
            scale * (share @ pure)
            + 0.3 * random.uniform()
            + NOISE * random.standard_normal(ENERGY.size)
        )
    dims = ("scan", "point")
    ds = xr.Dataset({"energy": (dims, np.tile(ENERGY, (count, 1))), "mu": (dims, mu)})
    for name in ("mu_stderr", "mu_foil", "i0", "total"):
        ds[name] = (dims, np.full(mu.shape, np.nan))
    ds["source_file"] = ("scan", [f"{i}.dat" for i in range(count)])
    ds["status"], ds["ledger"] = ("scan", ["ok"] * count), ("scan", ["{}"] * count)
    ds["shift"], ds["shift_stderr"] = ("scan", np.zeros(count)), ("scan", np.zeros(count))
    ds.attrs = {
        "element": "Fe",
        "edge": "K",
        "mode": "transmission",
        "set_aside": "[]",
        "measurement": "s",
    }
    ds.attrs["alignment_error"] = jitter or float("nan")
    return ds
