"""Datasets of a diffraction series as the steps would leave them, for tests of its figures."""

import numpy as np
import xarray as xr

PHASES = ("LAGP", "LFP", "M3PO42")
AXES = ["a", "b", "c", "alpha", "beta", "gamma"]
CELLS = {
    "LAGP": (8.25, 8.25, 20.65, 90, 90, 120),
    "LFP": (10.33, 6.01, 4.69, 90, 90, 90),
    "M3PO42": (7.5, 8.3, 5.0, 90, 94, 90),
}
WAVELENGTH = 0.2412


def series(frames=60, points=900, timed=True):
    """Datasets of the contract: two phases that expand and one that appears at 600 degC."""
    rng = np.random.default_rng(5)
    rise = np.linspace(0, 2, frames)
    temperature = 25 + 775 * np.where(rise < 1, rise, 2 - rise)
    segment = np.where(rise < 1, "heating", "cooling").astype(object)
    two_theta = np.linspace(1, 9, points)
    level = np.where((np.arange(frames)[:, None] > 20), 1.0, 0.0)
    lines = {
        "LAGP": np.array([2.3, 3.7, 5.1]),
        "LFP": np.array([2.9, 4.4]),
        "M3PO42": np.array([3.3, 4.9, 6.0]),
    }
    calculated = np.full((frames, points), 50.0)
    for name, places in lines.items():
        for place in places:
            shift = place * (1 - 1e-5 * (temperature[:, None] - 25))
            peak = 400 * np.exp(-0.5 * ((two_theta - shift) / 0.02) ** 2)
            calculated += peak * (level if name == "M3PO42" else 1.0)
    observed = rng.poisson(calculated).astype(float)
    status = np.full(frames, "ok", dtype=object)
    status[7] = "zeros"
    observed[7] = 0
    time = 1.5e9 + 30.0 * np.arange(frames) if timed else np.full(frames, np.nan)
    patterns = xr.Dataset(
        {
            "intensity": (("frame", "two_theta"), observed),
            "intensity_stderr": (("frame", "two_theta"), np.sqrt(np.maximum(observed, 1))),
            "time": ("frame", time),
            "status": ("frame", status),
            "wavelength": WAVELENGTH,
            "common_wavelength": 0.1173,
        },
        coords={"frame": np.arange(1, frames + 1), "two_theta": two_theta},
    )
    patterns["two_theta_common"] = ("two_theta", two_theta * 0.1173 / WAVELENGTH)
    furnace = xr.Dataset({"temperature": ("frame", temperature), "segment": ("frame", segment)})
    return (
        patterns,
        furnace,
        lattice(frames, temperature, calculated, observed),
        curves(),
        peaks(frames, lines),
    )


def lattice(frames, temperature, calculated, observed):
    rng = np.random.default_rng(6)
    cell = np.array([CELLS[n] for n in PHASES], float)[None] * np.ones((frames, 1, 1))
    cell[..., :3] *= 1 + 1e-5 * (temperature[:, None, None] - 25)
    stderr = np.where(np.arange(6) < 3, 2e-4, 0.0) * np.ones((frames, 3, 1))
    cell += stderr * rng.normal(size=cell.shape)
    cell[:, 0, 1] = cell[:, 0, 0]
    present = np.ones((frames, 3), int)
    present[:21, 2] = 0
    weight = np.full((frames, 3), np.nan)
    weight[:, 0] = 1.0
    ds = xr.Dataset(
        {
            "cell": (("frame", "phase", "axis"), cell),
            "cell_stderr": (("frame", "phase", "axis"), stderr),
            "volume": (("frame", "phase"), np.prod(cell[..., :3], axis=-1)),
            "volume_stderr": (("frame", "phase"), np.full((frames, 3), 0.05)),
            "intensity": (("frame", "phase"), present * 100.0),
            "intensity_stderr": (("frame", "phase"), np.full((frames, 3), 2.0)),
            "intensity_upper95": (("frame", "phase"), np.full((frames, 3), 4.0)),
            "weight_fraction": (("frame", "phase"), weight),
            "weight_fraction_stderr": (("frame", "phase"), np.full((frames, 3), 0.01)),
            "present": (("frame", "phase"), present),
            "verdict": (("frame", "phase"), np.full((frames, 3), "ok", dtype=object)),
            "rwp": ("frame", np.full(frames, 0.071), {"units": "1"}),
            "rexp": ("frame", np.full(frames, 0.069), {"units": "1"}),
            "gof": ("frame", np.linspace(1, 1.2, frames)),
            "calculated": (("frame", "two_theta"), calculated),
            "background": (("frame", "two_theta"), np.full_like(calculated, 50.0)),
            "residual": (("frame", "two_theta"), observed - calculated),
        },
        coords={"phase": list(PHASES), "axis": AXES},
    )
    ds["verdict"].values[30, 0] = "not_converged"
    return ds


def curves():
    grid = np.arange(25.0, 801.0, 25.0)
    shape = (3, 2, 7, grid.size)
    alpha = np.full(shape, 1e-5)
    alpha[..., 2, :] = 2e-5
    alpha[..., 3:6, :] = np.nan
    alpha[2] = np.nan
    cell = np.full(shape, np.nan)
    for p, name in enumerate(PHASES):
        cell[p, :, :6] = np.array(CELLS[name], float)[None, :, None] * (1 + 1e-5 * (grid - 25))
    dims = ("phase", "segment", "axis", "temperature")
    tensor = np.zeros((3, 2, grid.size, 6))
    tensor[0, ..., :3], tensor[1, ..., :3], tensor[2] = (
        (1e-5, 1e-5, 2e-5),
        (1e-5, 1e-5, 1e-5),
        np.nan,
    )
    principal = np.moveaxis(tensor[..., :3], -1, 2)
    return xr.Dataset(
        {
            "cell": (dims, cell),
            "cell_stderr": (dims, np.full(shape, 1e-4)),
            "linear_expansion": (dims, alpha),
            "linear_expansion_stderr": (dims, np.full(shape, 3e-7)),
            "tensor": (("phase", "segment", "temperature", "component"), tensor),
            "principal_expansion": (("phase", "segment", "principal", "temperature"), principal),
            "principal_expansion_stderr": (
                ("phase", "segment", "principal", "temperature"),
                1e-2 * principal,
            ),
            "reacting_from": (("phase", "segment"), np.array([[650.0, np.nan]] * 3)),
        },
        coords={
            "phase": list(PHASES),
            "segment": ["heating", "cooling"],
            "axis": [*AXES, "volume"],
            "temperature": grid,
        },
        attrs={"model": "polynomial"},
    )


def peaks(frames, lines):
    names = [name for name, places in lines.items() for _ in places]
    place = np.concatenate(list(lines.values())) * np.ones((frames, 1))
    place[0, -1] = np.nan
    both = ("frame", "candidate")
    ones = np.ones((frames, len(PHASES)))
    return xr.Dataset(
        {
            "predicted": (("frame", "peak"), place),
            "inverse_size": (both, 1e-3 * ones),
            "inverse_size_stderr": (both, 1e-4 * ones),
            "microstrain": (both, 2e-3 * ones),
            "microstrain_stderr": (both, 1e-4 * ones),
        },
        coords={"phase": ("peak", names), "candidate": list(PHASES)},
    )


def tables():
    """Reflection tables: 001 to 004 of each phase, the third far too weak for a tick where atoms
    are known."""
    found = []
    for name in PHASES:
        squared = np.array([9.0, 4.0, 1e-4, 1.0]) if name != "M3PO42" else np.full(4, np.nan)
        found.append(
            xr.Dataset(
                {
                    **{axis: ("reflection", np.arange(1, 5) * (axis == "l")) for axis in "hkl"},
                    "multiplicity": ("reflection", np.full(4, 2)),
                    "structure_factor_squared": ("reflection", squared),
                },
                attrs={"phase": name, "cell": list(CELLS[name])},
            )
        )
    return found
