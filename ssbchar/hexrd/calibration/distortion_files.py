"""Files that state where the pixels of a detector lie: splines of FIT2D, detector files of pyFAI.

Notes
-----
A spline file holds two bicubic B-splines, of the displacement in x (columns) and in y (rows)
[pixel], as knots and coefficients of FITPACK in columns of 14 characters (A. P. Hammersley, S. O.
Svensson & A. Thompson, Nucl. Instrum. Methods A 346 (1994) 312); the point x + dx, y + dy of the
detector belongs to the point x, y of the image. A detector file is NeXus: ``pixel_corners``, shape
(row, column, 4, 3), holds the corners of each pixel as (normal, rows' axis, columns' axis) [m].
Both are taken as pyFAI takes them, for images as stored.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.hexrd.images.distortion import Distortion
from ssbchar.hexrd.images.options import ImageLimits
from ssbchar.storage import hdf5, reading
from ssbchar.typing import Array, Bool

NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[EeDd][+-]?\d+)?")
"""A number of a spline file; those beside each other may touch."""
ORDER = 3
"""Degree of the splines."""
REGION, PIXELS = "VALID REGION", "GRID SPACING, X-PIXEL SIZE, Y-PIXEL SIZE"
ACROSS, DOWN = "X-DISTORTION", "Y-DISTORTION"
HEADINGS = (REGION, PIXELS, ACROSS, DOWN)
"""Lines above the numbers of a spline file."""
LARGEST_SHARE = 0.2
"""Share of the detector's size by which pixels may lie apart from their places [1]; beyond it the
file describes an image in another orientation."""
FLAT_WITHIN = 1e-6
"""Spread of the pixels along the normal of a flat detector [m]."""
CORNERS = 4
"""Corners of a pixel."""
REMEDY = "give a FIT2D spline file or a detector file of pyFAI"


@dataclass(frozen=True, kw_only=True)
class DetectorFile:
    """Where the pixels of a detector lie."""

    distortion: Distortion
    excluded: Bool
    """Pixels that have no place or that the file masks, shape (row, column)."""
    pixel1: float
    """Pixel size along the rows' axis, of the images [m]."""
    pixel2: float
    """Pixel size along the columns' axis, of the images [m]."""


def read_detector_file(path: Path, shape: tuple[int, int], limits: ImageLimits) -> DetectorFile:
    """Return where the pixels of images of a shape lie, by a file.

    Images that were binned, by the same whole number along both axes, are told by their shape.

    Parameters
    ----------
    path : Path
        A spline file, or a detector file (HDF5).
    shape : tuple of int
        Rows and columns of the images.
    limits : ImageLimits

    Returns
    -------
    DetectorFile
        Displacements in [pixel] of the images.

    Raises
    ------
    BadInput
        No such file, not readable, or of a detector of another shape.
    """
    if not path.is_file():
        raise BadInput(
            path, "the distortion's file does not exist", "correct hexrd.geometry.distortion"
        )
    if path.suffix.lower() in hdf5.SUFFIXES:
        found = _read_corners(path, shape, limits)
    else:
        found = _read_spline(path, shape, limits)
    rows, columns = shape
    for moved, size in ((found.distortion.down, rows), (found.distortion.right, columns)):
        if np.ptp(moved) > LARGEST_SHARE * size:
            problem = f"moves pixels by up to {np.ptp(moved):.0f} pixels against each other"
            raise BadInput(
                path,
                problem,
                "give the file of this detector, for images in the orientation stored",
            )
    return found


def find_binning(path: Path, detector: Sequence[int], shape: Sequence[int]) -> int:
    """Return how many pixels of a detector along each axis are one of its images.

    Parameters
    ----------
    path : Path
        The file that states the detector's shape, for messages.
    detector, shape : sequence of int
        Rows and columns of the detector and of the images [pixel].

    Raises
    ------
    BadInput
        No whole number, or not the same along both axes.
    """
    factor = max(1, round(detector[0] / shape[0]))
    if [size * factor for size in shape] != list(detector):
        problem = (
            f"describes {detector[0]} x {detector[1]} pixels, the images have "
            f"{shape[0]} x {shape[1]}"
        )
        raise BadInput(path, problem, "give the file of this detector")
    return factor


def _read_spline(path: Path, shape: tuple[int, int], limits: ImageLimits) -> DetectorFile:
    with reading.guard_reading(path, limits):
        blocks = _read_blocks(path)
        x_first, y_first, x_last, y_last = blocks[REGION][:4]
        _, pixel2, pixel1 = blocks[PIXELS][:3]
        detector = [int(y_last - y_first), int(x_last - x_first)]
        if min(detector) < 1 or min(pixel1, pixel2) <= 0:
            raise BadInput(path, "states no region or pixel size", REMEDY)
        factor = find_binning(path, detector, shape)
        row, column = (factor * np.arange(0.5, size) for size in shape)
        down, right = (
            _evaluate_spline(path, blocks[name], row, column) / factor for name in (DOWN, ACROSS)
        )
    return DetectorFile(
        distortion=Distortion(down=down, right=right),
        excluded=np.zeros(shape, bool),
        pixel1=1e-6 * pixel1 * factor,
        pixel2=1e-6 * pixel2 * factor,
    )


def _read_blocks(path: Path) -> dict[str, list[float]]:
    """Return the numbers below each heading of a spline file."""
    blocks: dict[str, list[float]] = {}
    heading = ""
    for line in path.read_text(encoding="latin-1").splitlines():
        words = line.strip().upper()
        if words in HEADINGS:
            heading = words
        elif heading and NUMBER.match(words):
            numbers = [float(text.upper().replace("D", "E")) for text in NUMBER.findall(words)]
            blocks.setdefault(heading, []).extend(numbers)
    needed = {REGION: 4, PIXELS: 3, ACROSS: 2, DOWN: 2}
    missing = [name for name, least in needed.items() if len(blocks.get(name, ())) < least]
    if missing:
        raise BadInput(path, f"no spline file: it has no {missing[0].lower()}", REMEDY)
    return blocks


def _evaluate_spline(path: Path, block: Sequence[float], row: Array, column: Array) -> Array:
    """Return a displacement at rows and columns [pixel], shape (row, column)."""
    from scipy.interpolate import bisplev

    across, along = int(block[0]), int(block[1])
    least = 2 * (ORDER + 1)
    size = (across - ORDER - 1) * (along - ORDER - 1)
    numbers = np.array(block[2:])
    if min(across, along) < least or numbers.size != across + along + size:
        problem = (
            f"its splines are cut: {across} and {along} knots ask for {across + along + size} "
            f"numbers, it has {numbers.size}"
        )
        raise BadInput(path, problem, "copy it again")
    knots_x, knots_y, coefficients = np.split(numbers, [across, across + along])
    found = bisplev(column, row, (knots_x, knots_y, coefficients, ORDER, ORDER))
    values = np.asarray(found, float).reshape(column.size, row.size).T
    if not np.all(np.isfinite(values)):
        raise BadInput(path, "its splines give no numbers", "copy it again")
    return values


def _read_corners(path: Path, shape: tuple[int, int], limits: ImageLimits) -> DetectorFile:
    with (
        reading.guard_reading(path, limits, by_parts=True),
        hdf5.open_checked(path, limits) as file,
    ):
        group = _find_detector(path, file)
        stored = group["pixel_corners"]
        if stored.ndim != CORNERS or stored.shape[2:] != (CORNERS, 3):
            problem = f"its corners of pixels have the shape {stored.shape}"
            raise BadInput(path, problem, "give a detector with four corners for each pixel")
        detector = stored.shape[:2]
        factor = find_binning(path, detector, shape)
        if stored.size > 3 * CORNERS * limits.pixels:
            raise reading.make_limit_fault(
                path, f"describes {detector[0]} x {detector[1]} pixels", limits, "pixels"
            )
        centre = np.mean(stored[...], axis=2, dtype=float)
        pixel1, pixel2 = np.asarray(group["pixel_size"][...], float).ravel()[:2]
        masked = np.asarray(group["mask"][...]) != 0 if "mask" in group else False
    known = np.all(np.isfinite(centre), axis=2)
    if not np.any(known) or not min(pixel1, pixel2) > 0:
        raise BadInput(path, "states no places or sizes of pixels", REMEDY)
    _refuse_uneven_depth(path, centre[known, 0])
    row, column = np.indices(detector)
    fine = Distortion(
        down=np.where(known, centre[..., 1] / pixel1 - row - 0.5, 0.0),
        right=np.where(known, centre[..., 2] / pixel2 - column - 0.5, 0.0),
    )
    excluded = ~known | masked
    blocks = excluded.reshape(shape[0], factor, shape[1], factor)
    return DetectorFile(
        distortion=fine.bin(factor),
        excluded=blocks.any(axis=(1, 3)),
        pixel1=float(pixel1) * factor,
        pixel2=float(pixel2) * factor,
    )


def _refuse_uneven_depth(path: Path, normal: Array) -> None:
    """Raise where pixels do not lie in one plane: their places along its normal [m]."""
    if np.ptp(normal) > FLAT_WITHIN:
        problem = "the pixels of its detector do not lie in one plane"
        raise BadInput(path, problem, "integrate these images with pyFAI and give the patterns")


def _find_detector(path: Path, file: Any) -> Any:
    """Return the group of an HDF5 file that holds the corners of pixels."""
    found: list[str] = []
    file.visit(
        lambda name: found.append(name) if name.rpartition("/")[2] == "pixel_corners" else None
    )
    if len(found) != 1:
        problem = (
            "holds the corners of several detectors" if found else "holds no corners of pixels"
        )
        remedy = "give a file of one detector" if found else "leave it out: its pixels are even"
        raise BadInput(path, problem, remedy)
    group = file[found[0]].parent
    if "pixel_size" not in group:
        raise BadInput(path, "states no size of its pixels", REMEDY)
    return group


def measure_detector(detector: Any, shape: tuple[int, int], path: Path) -> Distortion | None:
    """Return the distortion of a detector that a .poni file names.

    Parameters
    ----------
    detector : pyFAI.detectors.Detector
        With its own splines, corners or wide pixels.
    shape : tuple of int
        Rows and columns of the images.
    path : Path
        The .poni file, for messages.

    Returns
    -------
    Distortion or None
        [pixel]; None where its pixels are an even grid.

    Raises
    ------
    BadInput
        It has other pixels than the images, no plane, or is turned against them.
    """
    if detector.uniform_pixel and detector.IS_FLAT:
        return None
    remedy = "give the detector's own file in hexrd.geometry.distortion"
    if detector.shape is None or tuple(detector.shape) != tuple(shape):
        problem = f"names a detector of uneven pixels of the shape {detector.shape}, not {shape}"
        raise BadInput(path, problem, remedy)
    if int(detector.orientation) not in (0, 3):
        problem = "names a detector of uneven pixels that is turned against its images"
        raise BadInput(path, problem, remedy)
    down, right, normal = detector.calc_cartesian_positions()
    if normal is not None:
        _refuse_uneven_depth(path, normal)
    row, column = np.indices(shape)
    return Distortion(
        down=np.asarray(down, float) / detector.pixel1 - row - 0.5,
        right=np.asarray(right, float) / detector.pixel2 - column - 0.5,
    )
