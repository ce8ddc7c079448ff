"""Specimens ex situ: refined cells as a forward model gives them, and patterns written to files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from hexrd.made_series import PHASES, phase_table

from ssbchar.crystal.cell import d_from_hkl
from ssbchar.hexrd.bragg import two_theta_from_d
from ssbchar.hexrd.pairs.cells import Specimen
from ssbchar.hexrd.pairs.line_ratios import SpecimenLines

WAVELENGTH = 0.1173
RELATIVE = 1e-5
"""Relative error of every free length of a made cell without that of the zero [1]."""
SLOPE = 0.36
"""Relative change of lengths per degree of the zero."""
CELLS = {
    "LAGP": [8.262, 8.262, 20.638, 90.0, 90.0, 120.0],
    "LFP": [10.329, 6.007, 4.693, 90.0, 90.0, 90.0],
    "NiO": [4.177, 4.177, 4.177, 90.0, 90.0, 90.0],
    "Co3PO42": [7.557, 8.371, 5.064, 90.0, 94.05, 90.0],
}
FREE = {"LAGP": (0, 0, 2), "LFP": (0, 1, 2), "NiO": (0, 0, 0), "Co3PO42": (0, 1, 2)}
"""Free length that a, b and c follow."""


def make_specimen(
    changes: Mapping[str, Sequence[float]],
    seed: int,
    *,
    zero: float = 0.0,
    zero_stderr: float = 5e-4,
    zero_seen: float = 0.0,
    frames: int = 1,
    amounts: Mapping[str, float] | None = None,
    temperature: float = 25.0,
    relative: float = RELATIVE,
    refined: Sequence[str] = (),
) -> Specimen:
    """Return a specimen of phases whose a, b, c changed by these shares; what a wrong zero does to
    lengths is in cell and errors as a refinement with one zero for its frames gives them.

    `zero` is the true zero of 2theta, `zero_seen` what the refinement is off by from it [degree].
    """
    rng = np.random.default_rng(seed)
    names = [*changes, *refined]
    count = len(names)
    cell = np.full((frames, count, 6), np.nan)
    shared = np.zeros((frames, count, 6))
    covariance = np.zeros((frames, count, 6, 6))
    present = np.zeros((frames, count), int)
    intensity = 3.0 * rng.standard_normal((frames, count))
    for p, name in enumerate(names):
        if name not in changes:
            continue
        true = np.array(CELLS[name])
        true[:3] *= 1 + np.asarray(changes[name])
        draw = relative * rng.standard_normal((frames, 3))
        for i, follows in enumerate(FREE[name]):
            cell[:, p, i] = true[i] * (1 + draw[:, follows] + SLOPE * zero_seen)
            shared[:, p, i] = true[i] * SLOPE * zero_stderr
            for j, other in enumerate(FREE[name]):
                if other == follows:
                    covariance[:, p, i, j] = true[i] * true[j] * relative**2
        cell[:, p, 3:] = true[3:]
        covariance[:, p] += shared[:, p, :, None] * shared[:, p, None, :]
        present[:, p] = 1
        intensity[:, p] += (amounts or {}).get(name, 1000.0)
    dims = ("frame", "phase")
    stderr = np.sqrt(np.einsum("fpii->fpi", covariance))
    per_frame = np.full(frames, 1.0)
    lattice = xr.Dataset(
        {
            "cell": ((*dims, "axis"), cell),
            "cell_stderr": ((*dims, "axis"), stderr),
            "cell_covariance": ((*dims, "axis", "axis2"), covariance),
            "cell_shared": ((*dims, "axis"), shared),
            "present": (dims, present),
            "verdict": (dims, np.where(present == 1, "ok", "absent").astype(object)),
            "intensity": (dims, intensity),
            "intensity_stderr": (dims, np.full((frames, count), 3.0)),
            "rwp": ("frame", 5 * per_frame),
            "zero": ("frame", (zero + zero_seen) * per_frame),
            "zero_stderr": ("frame", zero_stderr * per_frame),
        },
        coords={"phase": names},
        attrs={"wavelength": WAVELENGTH, "length_scale_stderr": 2e-4},
    )
    furnace = xr.Dataset({"temperature": ("frame", temperature * per_frame)})
    return Specimen(lattice=lattice, furnace=furnace, frames=np.arange(frames), is_fitted=True)


def make_lines(
    fwhm: Sequence[float],
    seed: int,
    *,
    phase: str = "LAGP",
    relative: float = 0.01,
    areas: Sequence[float] = (),
    texture: float = 0.0,
) -> SpecimenLines:
    """Return fitted lines of a phase with these widths [degree] and a relative error."""
    rng = np.random.default_rng(seed)
    count = len(fwhm)
    shape = (1, count)
    width = np.array(fwhm)[None] * (1 + relative * rng.standard_normal(shape))
    area = np.array(areas or [100.0] * count)[None]
    area = area * (1 + np.hypot(relative, texture) * rng.standard_normal(shape))
    lines = ("frame", "peak")
    peaks = xr.Dataset(
        {
            "position": (lines, np.linspace(1.0, 4.0, count)[None]),
            "fwhm": (lines, width),
            "fwhm_stderr": (lines, relative * width),
            "area": (lines, area),
            "area_stderr": (lines, relative * area),
            "significance": (lines, np.full(shape, 50.0)),
            "verdict": (lines, np.full(shape, "ok", object)),
            "phase": ("peak", np.full(count, phase, object)),
            "hkl": ("peak", np.array([f"{n} 0 0" for n in range(count)], object)),
        },
        coords={"candidate": [phase]},
    )
    return SpecimenLines(peaks=peaks, frames=np.array([0]))


@dataclass(frozen=True, kw_only=True)
class Powder:
    """A phase of a made pattern."""

    phase: str
    amount: float = 1.0
    """Height of its strongest line [1]."""
    change: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Relative changes of a, b, c."""
    fwhm: float = 0.0155
    """[degree]"""
    table: Path = PHASES


def write_pattern(
    folder: Path,
    powders: Sequence[Powder],
    seed: int,
    *,
    axis: tuple[float, float, float] = (0.9, 4.5, 0.0025),
    counts: float = 25_000.0,
    background: float = 4000.0,
    zero: float = 0.0,
    displacement: float = 0.0,
) -> Path:
    """Write a pattern of powders, with counting noise; the folder.

    `zero` is added to 2theta [degree]; `displacement` is that along the beam over the distance.
    """
    x = np.arange(*axis)
    y = np.full(x.size, background)
    for powder in powders:
        table = phase_table(powder.phase, powder.table)
        hkl = np.stack([table[i].values for i in "hkl"], axis=1).astype(float)
        cell = np.array(table.attrs["cell"], float)
        cell[:3] *= 1 + np.asarray(powder.change)
        d = d_from_hkl(hkl, cell)
        angle = two_theta_from_d(d, WAVELENGTH)
        theta = np.radians(angle) / 2
        power = np.nan_to_num(table["structure_factor_squared"].values, nan=1.0)
        height = power * table["multiplicity"].values / (np.sin(theta) ** 2 * np.cos(theta))
        height *= powder.amount * counts / height[(angle > axis[0]) & (angle < axis[1])].max()
        seen = np.degrees(np.arctan((1 - displacement) * np.tan(2 * theta))) + zero
        for place, top in zip(seen, height, strict=True):
            u = (x - place) / powder.fwhm
            y += top * (0.7 * np.exp(-4 * np.log(2) * u**2) + 0.3 / (1 + 4 * u**2))
    folder.mkdir(parents=True, exist_ok=True)
    noisy = np.random.default_rng(seed).poisson(y).astype(float)
    head = f"wavelength: {WAVELENGTH} angstrom\nTemperature (C): 25\ntime: 2026-11-01T00:00:00Z"
    columns = np.c_[x, noisy, np.sqrt(np.maximum(noisy, 1))]
    np.savetxt(folder / "1.xye", columns, fmt="%.4f %.1f %.2f", header=head)
    return folder
