"""What is known of a detector before its rings are looked at: options first, then a .poni file,
then the header."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ssbchar.campaign.sample_sheet import expand_path
from ssbchar.errors import BadInput
from ssbchar.hexrd import bragg
from ssbchar.hexrd.images import geometry as geo
from ssbchar.hexrd.images import header as head
from ssbchar.hexrd.images import masks
from ssbchar.hexrd.images import read as images
from ssbchar.typing import Array

if TYPE_CHECKING:
    from ssbchar.hexrd.images.options import Geometry


@dataclass(frozen=True)
class Setup:
    """A calibrant image and the rough set-up it was taken with."""

    counts: Array
    """Mean of the frames, shape (row, column)."""
    valid: NDArray[np.bool_]
    """Pixels that count."""
    wavelength: float
    """[angstrom]"""
    wavelength_stderr: float
    """Of its rounding, where nothing else is known [angstrom]."""
    wavelength_source: str
    """Where the wavelength comes from, and what else states one."""
    distance: float
    """Rough [m]."""
    pixel: tuple[float, float]
    """Size along rows and columns [m]."""
    poni: geo.Plane | None
    """The geometry to verify, where one is given."""
    synthetic: bool
    faults: list[BadInput]
    """Frames set aside."""


def read_setup(source: Path, options: Geometry) -> Setup:
    """Return the calibrant image of a source with its rough set-up.

    Raises
    ------
    BadInput
        No readable image, or wavelength, distance or pixel size stated nowhere.
    """
    counts, valid, header, faults = _mean_image(source, options)
    plane, poni_wavelength = (
        read_poni(Path(expand_path(options.poni))) if options.poni else (None, None)
    )
    length, stderr, note = _wavelength(source, options, poni_wavelength, header)
    distance = (options.distance or np.nan) * 1e-3
    size = (options.pixel_size or np.nan) * 1e-6
    if plane is not None:
        distance, pixel = geo.direct_beam_from_plane(plane)[0], (plane.pixel1, plane.pixel2)
    else:
        distance = (
            distance if np.isfinite(distance) else head.read_length(header, head.DISTANCE_KEYS)
        )
        size = size if np.isfinite(size) else head.read_length(header, head.PIXEL_KEYS)
        pixel = (size, size)
    if not distance > 0:
        raise BadInput(source, "no rough distance is known", "set hexrd.geometry.distance [mm]")
    if not pixel[0] > 0:
        raise BadInput(
            source, "no pixel size is known", "set hexrd.geometry.pixel_size [micrometre]"
        )
    return Setup(
        counts,
        valid,
        length,
        stderr,
        note,
        float(distance),
        pixel,
        plane,
        head.is_synthetic(header),
        faults,
    )


def _mean_image(
    source: Path, options: Geometry
) -> tuple[Array, NDArray[np.bool_], dict[str, str], list[BadInput]]:
    """Return the mean of all readable frames of one shape, its valid pixels, the first header and
    the faults."""
    total, valid, number, header, faults = None, None, 0, {}, []
    for path in images.find_image_files(source):
        for image in images.read_images(path):
            if isinstance(image, BadInput):
                faults.append(image)
                continue
            if total is None:
                total, header = np.zeros(image.counts.shape), image.header
                valid = np.ones(total.shape, bool)
            if image.counts.shape != total.shape or valid is None:
                faults.append(
                    BadInput(
                        image.source,
                        f"has {image.counts.shape} pixels and not {total.shape}",
                        "remove it",
                    )
                )
                continue
            if not np.any(image.counts > 0):
                faults.append(
                    BadInput(image.source, "holds no counts", "check whether the shutter was open")
                )
                continue
            top = masks.choose_saturation_limit(
                image.counts.dtype, head.read_number(image.header, head.SATURATION_KEYS), None
            )
            valid &= ~masks.find_gaps(image.counts) & (image.counts < top)
            total += image.counts
            number += 1
    if total is None or valid is None or number == 0:
        raise (
            faults[0] if faults else BadInput(source, "holds no image", "give the calibrant image")
        )
    if options.mask:
        valid &= ~read_mask(Path(expand_path(options.mask)), valid.shape)
    return np.where(valid, total / number, 0.0), valid, header, faults


def read_mask(path: Path, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return the pixels a mask image leaves out (those not zero)."""
    return np.asarray(read_image_of_shape(path, shape, "mask") != 0)


def read_image_of_shape(path: Path, shape: tuple[int, ...], what: str) -> NDArray[Any]:
    """Return the one image of a file that must have a shape.

    Raises
    ------
    BadInput
        No such file, not readable, or another shape.
    """
    if not path.is_file():
        raise BadInput(path, f"the {what} image does not exist", "correct its path")
    image = next(images.read_images(path))
    if isinstance(image, BadInput):
        raise image
    if image.counts.shape != shape:
        raise BadInput(
            path,
            f"the {what} has {image.counts.shape} pixels, the images {shape}",
            "give one of that shape",
        )
    return image.counts


def read_poni(path: Path) -> tuple[geo.Plane, float | None]:
    """Return the plane [m, radian] and wavelength [angstrom] of a pyFAI .poni file.

    Raises
    ------
    BadInput
        No such file, or one pyFAI does not understand.
    """
    import pyFAI

    if not path.is_file():
        raise BadInput(path, "the .poni file does not exist", "correct hexrd.geometry.poni")
    try:
        read = pyFAI.load(str(path))
        plane = geo.Plane(
            read.dist,
            read.poni1,
            read.poni2,
            read.rot1,
            read.rot2,
            read.rot3,
            read.pixel1,
            read.pixel2,
        )
    except images.UNREADABLE as error:
        raise BadInput(path, f"not a .poni file ({error})", "write it again with pyFAI") from error
    if not all(np.isfinite(value) for value in plane) or plane.distance <= 0:
        raise BadInput(
            path, "the .poni file lacks a distance or pixel size", "write it again with pyFAI"
        )
    return geo.Plane(*map(float, plane)), None if read.wavelength is None else float(
        read.wavelength
    ) * 1e10


def _wavelength(
    source: Path, options: Geometry, poni_wavelength: float | None, header: dict[str, str]
) -> tuple[float, float, str]:
    stated = head.read_wavelength(header)
    others = [("the .poni file", poni_wavelength), ("the header", stated[0] if stated else None)]
    if options.wavelength is not None:
        value, note = options.wavelength, "config"
        stderr = options.wavelength_stderr or bragg.rounding_stderr_from_text(repr(value))
    elif poni_wavelength is not None:
        value, note = poni_wavelength, "the .poni file"
        stderr = options.wavelength_stderr or bragg.rounding_stderr_from_text(f"{value:.9g}")
    elif stated is not None:
        (value, stderr), note = stated, "the header"
        stderr = options.wavelength_stderr or stderr
    else:
        raise BadInput(
            source,
            "no wavelength is stated",
            "set hexrd.geometry.wavelength [angstrom] in full precision",
        )
    if not 0.01 < value < 5:
        raise BadInput(
            source,
            f"wavelength {value:g} angstrom is none of X-rays",
            "set hexrd.geometry.wavelength",
        )
    for name, other in others:
        if other is not None and name != note and abs(other / value - 1) > 1e-5:
            note += f"; {name} states {other:.7g} ({1e6 * (other / value - 1):+.0f} ppm)"
    return value, stderr, note
