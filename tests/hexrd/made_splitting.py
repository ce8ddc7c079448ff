"""A cell whose b and c differ less and less: patterns with known cells, the phase's table."""

import numpy as np
import xarray as xr

from ssbchar.crystal.cell import metric_from_cell
from ssbchar.hexrd.refinement.frame.profiles import Lines, sum_lines

WAVELENGTH = 0.24117
AXIS = np.arange(2.5, 18.0, 0.006)
LISTED = np.array([8.20, 5.62, 5.60, 90.0, 90.0, 90.0])
SMALLEST_D = 0.9


def list_reflections() -> np.ndarray:
    """Return h k l of a body-centred cell, shape (reflection, 3)."""
    every = np.stack(np.meshgrid(range(9), range(7), range(7), indexing="ij"), -1).reshape(-1, 3)
    every = every[(every.sum(axis=1) > 0) & (every.sum(axis=1) % 2 == 0)]
    return every[find_d(every, LISTED) > SMALLEST_D]


def find_d(hkl: np.ndarray, cell: np.ndarray) -> np.ndarray:
    reciprocal = np.linalg.inv(metric_from_cell(cell))
    return np.einsum("ri,ij,rj->r", hkl.astype(float), reciprocal, hkl.astype(float)) ** -0.5


def make_phase(unlike: float = 0.02, *, seed: int = 0, has_atoms: bool = True) -> xr.Dataset:
    """Return the table of a phase whose hkl and hlk are as strong but for a share `unlike`."""
    rng = np.random.default_rng(seed)
    hkl = list_reflections()
    base: dict[tuple[int, int, int], float] = {}
    strength = np.empty(len(hkl))
    for r, (h, k, m) in enumerate(hkl):
        key = (int(h), int(min(k, m)), int(max(k, m)))
        damping = np.exp(-3 * find_d(hkl[r : r + 1], LISTED)[0] ** -2)
        base.setdefault(key, 1000 * rng.gamma(1.0) * damping)
        strength[r] = base[key] * (1 + unlike * rng.standard_normal())
    multiplicity = 8 / 2.0 ** np.sum(hkl == 0, axis=1)
    order = np.argsort(-find_d(hkl, LISTED), kind="stable")
    values = {
        **{name: hkl[order, k] for k, name in enumerate("hkl")},
        "d": find_d(hkl, LISTED)[order],
        "multiplicity": multiplicity[order],
        "structure_factor_squared": (strength if has_atoms else strength * np.nan)[order],
        "truth": np.abs(strength)[order],
    }
    return xr.Dataset(
        {name: ("reflection", value) for name, value in values.items()},
        attrs={
            "phase": "P",
            "cell": LISTED.tolist(),
            "crystal_system": "orthorhombic",
            "refinable": int(has_atoms),
            "temperature": 25.0,
            "volume": float(np.prod(LISTED[:3])),
            "cell_mass": 700.0,
        },
    )


def make_cells(temperature: np.ndarray, splitting: np.ndarray) -> np.ndarray:
    """Return a, b, c, shape (frame, 3), whose b - c is a share of their mean."""
    a = 8.2 * (1 + 1e-5 * (temperature - 25))
    mean = 5.61 * (1 + 1.2e-5 * (temperature - 25))
    return np.stack([a, mean * (1 + splitting / 2), mean * (1 - splitting / 2)], axis=1)


def make_series(
    phase: xr.Dataset,
    temperature: np.ndarray,
    cells: np.ndarray,
    *,
    amount: float = 600.0,
    level: float = 400.0,
    seed: int = 0,
) -> tuple[xr.Dataset, xr.Dataset]:
    """Return patterns and furnace."""
    rng = np.random.default_rng(seed)
    hkl = np.stack([phase[name].values for name in "hkl"], axis=1)
    counts = []
    for cell in cells:
        theta = np.arcsin(WAVELENGTH / 2 / find_d(hkl, np.array([*cell, 90.0, 90.0, 90.0])))
        lines = Lines(
            position=2 * np.degrees(theta),
            gauss_fwhm=np.full(theta.size, 0.02),
            lorentz_fwhm=0.004 / np.cos(theta) + 0.03 * np.tan(theta),
            reach=np.full(theta.size, 30.0),
        )
        area = phase["multiplicity"].values * phase["truth"].values
        area = area / (np.sin(theta) ** 2 * np.cos(theta))
        pattern = sum_lines(AXIS, lines, amount * area / area.sum()) + level
        counts.append(rng.poisson(pattern).astype(float))
    count, top = len(cells), int(np.argmax(temperature))
    intensity = np.array(counts)
    patterns = xr.Dataset(
        {
            "intensity": (("frame", "two_theta"), intensity),
            "intensity_stderr": (("frame", "two_theta"), np.sqrt(np.maximum(intensity, 1))),
            "status": ("frame", np.full(count, "ok", object)),
            "wavelength": ((), WAVELENGTH),
        },
        coords={"frame": np.arange(1, count + 1), "two_theta": AXIS},
    )
    segment = np.where(np.arange(count) <= top, "heating", "cooling").astype(object)
    furnace = xr.Dataset(
        {"temperature": ("frame", temperature), "segment": ("frame", segment)},
        coords={"frame": patterns["frame"]},
    )
    return patterns, furnace
