"""Synthetic series of single lines for tests of peak tracking."""

import numpy as np
import xarray as xr

from ssbchar.hexrd.bragg import two_theta_from_d
from ssbchar.hexrd.peaks import pseudo_voigt

WAVELENGTH = 0.2413
D = np.array([3.2, 2.7, 2.1])


def phase(name: str = "A", d: np.ndarray = D) -> xr.Dataset:
    n = d.size
    return xr.Dataset(
        {
            "h": ("reflection", np.arange(1, n + 1)),
            "k": ("reflection", np.zeros(n, int)),
            "l": ("reflection", np.zeros(n, int)),
            "multiplicity": ("reflection", np.full(n, 8)),
            "d": ("reflection", d, {"units": "angstrom"}),
            "structure_factor_squared": ("reflection", np.full(n, 100.0), {"units": "electron^2"}),
        },
        attrs={"phase": name},
    )


def series(
    frames: int, area: np.ndarray, strain: np.ndarray, seed: int = 1, noise: float = 1.0
) -> tuple[xr.Dataset, xr.Dataset, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = np.arange(2.0, 9.0, 0.006)
    truth = two_theta_from_d(D * (1 + strain[:, None]), WAVELENGTH)
    clean = np.full((frames, x.size), 400.0) + 20 * x
    for j in range(D.size):
        clean = clean + area[:, j : j + 1] * pseudo_voigt.pseudo_voigt(
            x, truth[:, j : j + 1], 0.045, 0.4
        )
    y = rng.normal(clean, noise * np.sqrt(clean))
    patterns = xr.Dataset(
        {
            "intensity": (("frame", "two_theta"), y),
            "intensity_stderr": (("frame", "two_theta"), np.sqrt(np.maximum(y, 1))),
            "wavelength": ((), WAVELENGTH),
            "status": ("frame", np.array(["ok"] * frames, dtype=object)),
        },
        coords={"frame": np.arange(1, frames + 1), "two_theta": x},
    )
    furnace = xr.Dataset(
        {"temperature": ("frame", np.linspace(25, 600, frames))}, coords={"frame": patterns.frame}
    )
    return patterns, furnace, truth
