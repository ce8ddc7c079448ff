"""Synthetic images for tests: rings on a tilted detector, flat planes, a short series of frames."""

from dataclasses import asdict

import numpy as np
import xarray as xr
from scipy.interpolate import RectBivariateSpline

from ssbchar.hexrd.images import geometry as geo
from ssbchar.simulate.hexrd.detector import Detector, write_tiff

D_CEO2 = 5.411651 / np.sqrt([3, 4, 8, 11, 12, 16, 19, 20, 24, 27])
WAVELENGTH = 0.24117
TRUE = Detector(
    size=400, pixel=0.2, distance=300.0, column=187.3, row=211.6, tilt=1.2, tilt_plane=200.0
)


def calibrant_counts(seed, true=TRUE, level=200.0, width=8e-4, shift=None, d_spacings=D_CEO2):
    """Counts of rings of a width (standard deviation) [radian] on a tilted detector, by the
    simulator's own geometry (FIT2D's, not pyFAI's); `shift` of each pixel along rows and columns
    [pixel]."""
    two_theta, _, solid = true.calculate_angles(2, shift)
    rate = np.full(two_theta.shape, 20.0)
    for n, d in enumerate(d_spacings):
        place = 2 * np.arcsin(WAVELENGTH / 2 / d)
        rate += level / (1 + 0.3 * n) * np.exp(-0.5 * ((two_theta - place) / width) ** 2)
    return np.random.default_rng(seed).poisson((rate * solid).mean(axis=-1)).astype(np.uint16)


def radial_shift(most, size=400):
    """Shift of each pixel away from the image's middle, as r^3, of so much at its edges [pixel]."""
    row, column = np.indices((size, size)) + 0.5 - size / 2
    growth = most / (size / 2) * (row**2 + column**2) / (size / 2) ** 2
    return row * growth, column * growth


def panel_shift(shifts, size=400, gap=8):
    """Shift of each pixel of panels, shape (row of panels, column of panels, 2) [pixel], and the
    gaps between them."""
    shifts = np.asarray(shifts, float)
    rows, columns = shifts.shape[:2]
    row, column = (np.arange(size) * count // size for count in (rows, columns))
    gaps = np.zeros((size, size), bool)
    for edge in np.flatnonzero(np.diff(row)) + 1:
        gaps[edge - gap // 2 : edge + gap // 2] = True
    for edge in np.flatnonzero(np.diff(column)) + 1:
        gaps[:, edge - gap // 2 : edge + gap // 2] = True
    placed = shifts[row[:, None], column[None, :]]
    return (placed[..., 0], placed[..., 1]), gaps


def write_spline(path, size=400, pixel=200.0, most=4.0):
    """A FIT2D spline file of `radial_shift`, a cubic that its splines hold exactly."""
    grid = np.linspace(0, size, 9)
    x, y = np.meshgrid(grid - size / 2, grid - size / 2, indexing="ij")
    growth = most / (size / 2) ** 3 * (x**2 + y**2)

    def block(values):
        return ["".join(f"{v:14.7E}" for v in values[i : i + 5]) for i in range(0, len(values), 5)]

    lines = ["SPATIAL DISTORTION SPLINE INTERPOLATION COEFFICIENTS", "", "  VALID REGION"]
    lines += [*block([0.0, 0.0, size, size]), "", "  GRID SPACING, X-PIXEL SIZE, Y-PIXEL SIZE"]
    lines += [*block([20.0, pixel, pixel]), ""]
    for name, moved in (("X", x * growth), ("Y", y * growth)):
        found = RectBivariateSpline(grid, grid, moved)
        (across, along), coefficients = found.get_knots(), found.get_coeffs()
        lines += [f"  {name}-DISTORTION", f"{across.size:6d}{along.size:6d}"]
        lines += block(across) + block(along) + [*block(coefficients), ""]
    path.write_text("\n".join(lines))
    return path


def tiff(path, counts, text="test", when="2024:05:06 07:08:09"):
    write_tiff(path, counts, text, when)
    return path


def plane_dataset(plane, shape, orientation=0):
    ds = xr.Dataset({name: ((), value) for name, value in asdict(plane).items()})
    ds["wavelength"], ds["wavelength_stderr"] = (
        ((), v, {"units": "angstrom"}) for v in (WAVELENGTH, 1e-6)
    )
    return ds.assign(rows=shape[0], columns=shape[1], orientation_index=orientation)


def plane(distance, poni1, poni2, rot1, rot2, rot3, pixel1, pixel2):
    """A detector plane in pyFAI's order of parameters."""
    names = geo.PLANE_PARAMETERS
    values = (distance, poni1, poni2, rot1, rot2, rot3, pixel1, pixel2)
    return geo.Plane(**dict(zip(names, values, strict=True)))


def pyfai_parameters(plane):
    """The parameters of a plane as pyFAI names them."""
    found = asdict(plane)
    return {"dist": found.pop("distance"), **found}


PLANE = plane(0.2, 0.011, 0.009, 0.02, -0.01, 0.0, 1e-4, 1e-4)
SHAPE = (200, 180)
FLAT = plane_dataset(PLANE, SHAPE)


def series(folder, count=7):
    rng = np.random.default_rng(5)
    for n in range(1, count + 1):
        counts = rng.poisson(40, SHAPE).astype(np.uint16)
        counts[50, 60] = 9000
        counts[51, 90:120] = 0
        tiff(
            folder / f"scan_{n:04d}.tif",
            counts,
            f"frame: {n}; temperature: {20 + n} C",
            f"2024:05:06 07:08:{n:02d}",
        )
