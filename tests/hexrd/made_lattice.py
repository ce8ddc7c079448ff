"""A forward model of lattice.nc and furnace.nc: cells with correlated errors, intensities with an
onset."""

from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from ssbchar.crystal.cell import volume_from_cell

AXES = ["a", "b", "c", "alpha", "beta", "gamma"]
CELLS = {
    "cubic": ([9.4, 9.4, 9.4, 90, 90, 90], (0, 0, 0, None, None, None)),
    "trigonal": ([8.26, 8.26, 20.64, 90, 90, 120], (0, 0, 1, None, None, None)),
    "rhombohedral": ([6.0, 6.0, 6.0, 58.0, 58.0, 58.0], (0, 0, 0, 1, 1, 1)),
    "tetragonal": ([4.4, 4.4, 2.9, 90, 90, 90], (0, 0, 1, None, None, None)),
    "orthorhombic": ([10.33, 6.01, 4.69, 90, 90, 90], (0, 1, 2, None, None, None)),
    "monoclinic": ([7.557, 8.371, 5.064, 90, 94.05, 90], (0, 1, 2, None, 3, None)),
    "triclinic": ([5.1, 6.3, 7.7, 81.0, 99.0, 105.0], (0, 1, 2, 3, 4, 5)),
}
"""Cell, and which free parameter each cell parameter follows (None: fixed by symmetry)."""
RATES = np.array([1.1e-5, 7e-6, 2.0e-5, 2.5e-6, -1.5e-6, 3.0e-6])
"""Relative linear rate of each free parameter [1/K]; a quadratic term of a thousandth per K goes
with it."""


@dataclass
class MadePhase:
    system: str = "trigonal"
    name: str = "A"
    relative_error: float = 2e-5
    permanent: float = 0.0
    amount: float = 100.0
    onset: float | None = None
    complete: float = 800.0
    begin: float | None = None
    end: float = 760.0
    bend: float = 1.0
    thermal: float = 0.0
    """Share of the intensity that thermal motion takes between 25 and 800 degC, for a while."""
    cell: list[float] = field(default_factory=list)


def truth(made: MadePhase, temperature: np.ndarray) -> np.ndarray:
    base, follows = CELLS[made.system]
    out = np.tile(np.array(made.cell or base, float), (np.size(temperature), 1))
    u = np.atleast_1d(temperature) - 25.0
    for i, f in enumerate(follows):
        if f is not None:
            out[:, i] *= 1 + RATES[f] * u * (1 + 6e-4 * u)
    return out


def amount(made: MadePhase, top: np.ndarray) -> np.ndarray:
    share = np.ones_like(top)
    if made.onset is not None:
        x = np.clip((top - made.onset) / (made.complete - made.onset), 0, 1)
        share = share * (1 - (1 - x) ** made.bend)
    if made.begin is not None:
        x = np.clip((made.end - top) / (made.end - made.begin), 0, 1)
        share = share * (1 - (1 - x) ** made.bend)
    return made.amount * share


def programme(
    heating: int = 62,
    hold: int = 5,
    cooling: int = 22,
    rest: int = 4,
    top: float = 800.0,
    rate: float = 5.0,
):
    ramp = (top - 25) / rate * 60
    parts, kinds, start = [], [], 0.0
    for kind, count, duration in (
        ("hold", rest, 1800.0),
        ("heating", heating, ramp),
        ("hold", hold, 9 * 3600.0),
        ("cooling", cooling, ramp),
        ("hold", rest if cooling else 0, 1800.0),
    ):
        parts.append(start + duration * (np.arange(count) + 0.5) / max(count, 1))
        kinds += [kind] * count
        start += duration
    corners = np.cumsum([0, 1800.0, ramp, 9 * 3600.0, ramp, 1800.0])
    time = np.concatenate(parts)
    return time, np.interp(time, corners, [25, 25, top, top, 25, 25]), np.array(kinds, dtype=object)


def made(
    phases: list[MadePhase],
    seed: int = 0,
    noise: float = 1.0,
    temperature_stderr: float = 0.3,
    systematic: float = 1.3,
    **shape: float,
) -> tuple[xr.Dataset, xr.Dataset]:
    rng = np.random.default_rng(seed)
    time, true_t, kinds = programme(**shape)
    n = time.size
    measured_t = true_t + temperature_stderr * rng.standard_normal(n)
    rate = np.select(
        [kinds == "heating", kinds == "cooling"],
        [shape.get("rate", 5.0), -shape.get("rate", 5.0)],
        0.0,
    )
    furnace = xr.Dataset(
        {
            "temperature": ("frame", measured_t, {"units": "degC"}),
            "temperature_stderr": ("frame", np.full(n, temperature_stderr)),
            "temperature_systematic": ("frame", np.full(n, systematic)),
            "rate": ("frame", rate),
            "segment": ("frame", kinds),
            "time": ("frame", time),
            "status": ("frame", np.array(["ok"] * n, dtype=object)),
        },
        coords={"frame": np.arange(1, n + 1)},
        attrs={"joined_by": "time"},
    )
    top = np.maximum.accumulate(true_t)
    after = (np.cumsum(kinds == "cooling") > 0) | (np.arange(n) > np.argmax(true_t))
    shape6 = (n, len(phases), 6)
    cell, stderr, covariance = (
        np.full(shape6, np.nan),
        np.full(shape6, np.nan),
        np.zeros((*shape6, 6)),
    )
    intensity, sigma, limit = (np.full((n, len(phases)), np.nan) for _ in range(3))
    present = np.zeros((n, len(phases)), int)
    for p, one in enumerate(phases):
        true_cell = truth(one, true_t)
        true_cell[:, :3] *= 1 + one.permanent * after[:, None]
        size = amount(one, top) * np.exp(np.log1p(-one.thermal) * (true_t - 25) / 775)
        error = np.sqrt(1.0 + 0.01 * size) * noise
        seen = size + error * rng.standard_normal(n)
        intensity[:, p], sigma[:, p] = seen, error
        present[:, p] = seen > 5 * error
        limit[:, p] = np.maximum(seen, 0) + 1.645 * error
        follows = CELLS[one.system][1]
        count = len({f for f in follows if f is not None})
        correlation = 0.5 + 0.5 * np.eye(count)
        draw = rng.standard_normal((n, count)) @ np.linalg.cholesky(correlation).T
        weak = np.sqrt(one.amount / np.maximum(size, 1e-3))
        spread = np.zeros((6, count))
        for i, f in enumerate(follows):
            if f is not None:
                spread[i, f] = one.relative_error * true_cell[0, i]
        cell[:, p] = true_cell + (draw * weak[:, None]) @ spread.T
        covariance[:, p] = weak[:, None, None] ** 2 * (spread @ correlation @ spread.T)
        stderr[:, p] = np.sqrt(np.einsum("tii->ti", covariance[:, p]))
        cell[present[:, p] == 0, p] = np.nan
    vol = volume_from_cell(np.where(np.isfinite(cell), cell, 90.0))
    vol[~np.isfinite(cell[..., 0])] = np.nan
    dims = ("frame", "phase")
    lattice = xr.Dataset(
        {
            "cell": ((*dims, "axis"), cell),
            "cell_stderr": ((*dims, "axis"), stderr),
            "cell_covariance": ((*dims, "axis", "axis2"), covariance),
            "volume": (dims, vol),
            "volume_stderr": (dims, vol * 6e-5),
            "intensity": (dims, intensity, {"units": "counts"}),
            "intensity_stderr": (dims, sigma),
            "intensity_upper95": (dims, limit),
            "significance": (dims, intensity / sigma),
            "present": (dims, present),
            "verdict": (dims, np.where(present == 1, "ok", "absent").astype(object)),
        },
        coords={"frame": furnace.frame, "phase": [one.name for one in phases], "axis": AXES},
    )
    return lattice, furnace


def add_lines(
    lattice: xr.Dataset, explained: float = 1.0, background: float = 50.0
) -> tuple[xr.Dataset, xr.Dataset]:
    """Return the lattice with patterns of one line per phase, of which the refinement explains a
    share, and the lines as fitted one by one (``peaks.nc``)."""
    x = np.linspace(1.0, 1.0 + lattice.sizes["phase"], 100 * lattice.sizes["phase"])
    centre = 1.5 + np.arange(lattice.sizes["phase"])
    shapes = np.exp(-4 * np.log(2) * ((x - centre[:, None]) / 0.06) ** 2) / 0.06
    area = np.maximum(np.nan_to_num(lattice["intensity"].values), 0.0)
    observed = area @ shapes
    dims = ("frame", "two_theta")
    level = np.full_like(observed, background)
    patterns = {
        "calculated": (dims, explained * observed + level),
        "background": (dims, level),
        "residual": (dims, (1 - explained) * observed),
    }
    lines = ("frame", "peak")
    peaks = xr.Dataset(
        {
            "position": (lines, np.broadcast_to(centre, area.shape)),
            "fwhm": (lines, np.full_like(area, 0.06)),
            "significance": (lines, area),
            "phase": ("peak", lattice["phase"].values),
        }
    )
    return lattice.assign(patterns).assign_coords(two_theta=x), peaks
