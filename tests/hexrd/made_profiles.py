"""Patterns of one phase with the lines of real instruments and samples, written down from the
formulas: exact Voigt functions, rays through slits, planes and their equivalents."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.special import voigt_profile

from ssbchar.crystal.cell import d_from_hkl, metric_from_cell

RAYS = 30


@dataclass(frozen=True, kw_only=True)
class Lines:
    """What a pattern is made with."""

    wavelength: float = 0.24117
    axis: tuple[float, float, float] = (2.0, 11.0, 0.006)
    caglioti: tuple[float, float, float] = (0.0, 0.0, 6e-4)
    """U, V, W [degree^2]."""
    size: float = 0.004
    """Lorentzian width over 1/cos(theta) [degree]."""
    microstrain: float = 0.05
    """Over tan(theta) [degree]."""
    quartic: tuple[float, float, float] | None = None
    """Coefficients of (h/a)^4, (k/b)^4, (l/c)^4 in the squared microstrain, times d^4."""
    second: float | None = None
    """Wavelength of half the intensity beside the first [angstrom]."""
    axial: float = 0.0
    texture: tuple[tuple[int, int, int], float] | None = None
    """Axis and March-Dollase coefficient."""
    displacement: float = 0.0
    """Of the sample towards the source, over the distance to a flat detector."""
    transmission: float = 0.0
    """Change of the log intensity with sin^2(theta)."""
    counts: float = 3e4
    level: float = 300.0


def _list_equivalents(table: xr.Dataset, hkl: np.ndarray) -> np.ndarray:
    import json

    operations = np.array(json.loads(table.attrs["laue_operations"]))
    return np.array([hkl @ operation for operation in operations])


def _smear(position: float, axial: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the places to which rays of all heights move a line, and their weights."""
    if not axial:
        return np.array([position]), np.ones(1)
    u = (np.arange(RAYS) + 0.5) / RAYS
    cosine = np.cos(np.radians(position)) * np.sqrt(1 + (2 * u * axial) ** 2)
    place = np.degrees(np.arccos(np.minimum(cosine, 1 - 1e-12)))
    weight = (1 - u) / (cosine**2 * np.sin(np.radians(place)))
    return place, weight / weight.sum()


def simulate_pattern(table: xr.Dataset, cell: np.ndarray, lines: Lines) -> np.ndarray:
    """Return the expected counts of a phase at a cell [angstrom, degree]."""
    x = np.arange(*lines.axis)
    hkl = np.stack([table[name].values for name in "hkl"], axis=1).astype(float)
    d = d_from_hkl(hkl, cell)
    seen = d > lines.wavelength / (2 * np.sin(np.radians(lines.axis[1] + 1) / 2))
    hkl, d = hkl[seen], d[seen]
    area = table["multiplicity"].values[seen] * table["structure_factor_squared"].values[seen]
    theta = np.arcsin(lines.wavelength / (2 * d))
    area = area / (np.sin(theta) ** 2 * np.cos(theta))
    area = area * np.exp(lines.transmission * np.sin(theta) ** 2)
    if lines.texture:
        axis, r = np.array(lines.texture[0], float), lines.texture[1]
        star = np.linalg.inv(metric_from_cell(cell))
        images = _list_equivalents(table, hkl)
        cosine = (images @ star @ axis) * d / np.sqrt(axis @ star @ axis)
        area = area * np.mean((r**2 * cosine**2 + (1 - cosine**2) / r) ** -1.5, axis=0)
    u, v, w = lines.caglioti
    total = np.zeros(x.size)
    for n in range(d.size):
        tangent = np.tan(theta[n])
        gauss = np.sqrt(u * tangent**2 + v * tangent + w)
        strain = lines.microstrain
        if lines.quartic:
            powers = (hkl[n] / cell[:3]) ** 4 * d[n] ** 4
            strain = strain * np.sqrt(float(np.dot(lines.quartic, powers)))
        lorentz = lines.size / np.cos(theta[n]) + strain * tangent
        waves = [(lines.wavelength, 1.0)]
        if lines.second:
            waves = [(lines.wavelength, 2 / 3), (lines.second, 1 / 3)]
        for wave, share in waves:
            position = 2 * np.degrees(np.arcsin(wave / (2 * d[n])))
            shifted = np.tan(np.radians(position)) * (1 + lines.displacement)
            position = np.degrees(np.arctan(shifted)) % 180 if lines.displacement else position
            for place, weight in zip(*_smear(position, lines.axial), strict=True):
                near = np.abs(x - place) < 40 * (gauss + lorentz)
                total[near] += (
                    area[n]
                    * share
                    * weight
                    * voigt_profile(x[near] - place, gauss / np.sqrt(8 * np.log(2)), lorentz / 2)
                )
    return np.asarray(lines.counts * total / total.max() + lines.level)


def make_series(
    table: xr.Dataset, cells: list[np.ndarray], lines: Lines, seed: int = 1
) -> tuple[xr.Dataset, xr.Dataset]:
    """Return patterns of a phase with counting noise, one per cell, and their furnace."""
    rng = np.random.default_rng(seed)
    x, count = np.arange(*lines.axis), len(cells)
    counts = np.array([rng.poisson(simulate_pattern(table, c, lines)) for c in cells], float)
    patterns = xr.Dataset(
        {
            "intensity": (("frame", "two_theta"), counts),
            "intensity_stderr": (("frame", "two_theta"), np.sqrt(np.maximum(counts, 1))),
            "status": ("frame", np.full(count, "ok", object)),
            "wavelength": ((), lines.wavelength),
        },
        coords={"frame": np.arange(1, count + 1), "two_theta": x},
    )
    furnace = xr.Dataset(
        {
            "temperature": ("frame", np.full(count, 25.0)),
            "segment": ("frame", np.full(count, "hold", object)),
        },
        coords={"frame": patterns["frame"]},
    )
    return patterns, furnace
