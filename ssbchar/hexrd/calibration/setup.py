"""The calibrant image and its rough set-up: stated in the options, else in a .poni file, else in
the header."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.hexrd import bragg
from ssbchar.hexrd.calibration import distortion_files
from ssbchar.hexrd.images import geometry as geo
from ssbchar.hexrd.images import header as head
from ssbchar.hexrd.images import masks, read
from ssbchar.hexrd.images.distortion import Distortion
from ssbchar.hexrd.images.image import UNREADABLE, Image
from ssbchar.storage import reading
from ssbchar.storage.raw_files import expand_path
from ssbchar.typing import Array, Bool

if TYPE_CHECKING:
    from ssbchar.hexrd.calibration.options import Geometry

SHORTEST_WAVELENGTH, LONGEST_WAVELENGTH = 0.01, 5.0
"""Bounds of an X-ray wavelength [angstrom]."""
SAME_WAVELENGTH = 1e-5
"""Relative difference above which two stated wavelengths are reported to differ."""

PONI_KEYS = ("distance", "poni1", "poni2", "rot1", "rot2", "rot3")
"""What every .poni file states."""
SHORTEST, LONGEST = 1e-3, 100.0
"""Wavelengths that a .poni file may state [angstrom]."""


@dataclass(frozen=True, kw_only=True)
class Setup:
    """A calibrant image and the rough set-up it was taken with."""

    counts: Array
    """Mean of the frames, shape (row, column); 0 where not valid."""
    valid: Bool
    """Pixels used, shape (row, column)."""
    wavelength: float
    """[angstrom]"""
    wavelength_stderr: float
    """Standard error, that of the rounding where nothing else is known [angstrom]."""
    wavelength_source: str
    """Where the wavelength is stated, and which other statement deviates from it."""
    distance: float
    """Rough length of the direct beam [m]."""
    pixel1: float
    """Pixel size along the rows' axis [m]."""
    pixel2: float
    """Pixel size along the columns' axis [m]."""
    poni: geo.Plane | None
    """The geometry to verify, where one is given."""
    synthetic: bool
    """The image says that it is synthetic."""
    faults: list[BadInput]
    """Frames that could not be used."""
    distortion: Distortion | None = None
    """Where the pixels lie on the detector plane; None: in their places."""
    distortion_source: str = ""
    """Where the distortion is stated."""

    def bin(self, factor: int) -> Setup:
        """Return the image in larger pixels, each the mean of its valid ones.

        Parameters
        ----------
        factor : int
            Pixels along each axis that become one; what is left over at the far edges is dropped.

        Returns
        -------
        Setup
            A pixel is valid where half of its pixels are.
        """
        if factor == 1:
            return self
        rows, columns = (size // factor for size in self.counts.shape)
        blocks = (rows, factor, columns, factor)
        inside = (slice(rows * factor), slice(columns * factor))
        total = self.counts[inside].reshape(blocks).sum(axis=(1, 3))
        number = self.valid[inside].reshape(blocks).sum(axis=(1, 3))
        valid = 2 * number >= factor**2
        return replace(
            self,
            counts=np.where(valid, total / np.maximum(number, 1), 0.0),
            valid=valid,
            pixel1=self.pixel1 * factor,
            pixel2=self.pixel2 * factor,
            distortion=None if self.distortion is None else self.distortion.bin(factor),
        )


@dataclass(frozen=True, kw_only=True)
class StatedWavelength:
    """A wavelength and where it is stated."""

    source: str
    value: float
    """[angstrom]"""
    rounding: float
    """Standard deviation of its rounding [angstrom]."""


@dataclass(kw_only=True)
class _FrameSum:
    """The sum of the frames of a calibrant, filled frame by frame."""

    total: Array
    """Counts, shape (row, column)."""
    valid: Bool
    """Pixels valid in all frames, shape (row, column)."""
    header: head.Header
    """Of the first frame."""
    number: int = 0
    """Frames summed."""
    faults: list[BadInput] = field(default_factory=list)


def read_setup(source: Path, options: Geometry) -> Setup:
    """Return the calibrant image of a source with its rough set-up.

    Parameters
    ----------
    source : Path
        A file or a folder of images.
    options : Geometry
        Options of the calibration.

    Returns
    -------
    Setup
        Distances in metres, wavelengths in angstrom.

    Raises
    ------
    BadInput
        No readable image, or wavelength, distance or pixel size stated nowhere.
    """
    frames = _sum_frames(source, options)
    valid = frames.valid & ~read.read_own_masks(
        read.find_image_files(source), frames.valid.shape, options.limits
    )
    if options.mask:
        valid &= ~read_mask(Path(expand_path(options.mask)), valid.shape)
    plane, poni_wavelength, distortion, detector = None, None, None, None
    shape = (valid.shape[0], valid.shape[1])
    if options.poni:
        poni = Path(expand_path(options.poni))
        plane, poni_wavelength = read_poni(poni)
        # Its detector is asked for only where no file says where the pixels lie.
        distortion = None if options.distortion else read_poni_distortion(poni, shape)
    if options.distortion:
        path = Path(expand_path(options.distortion))
        detector = distortion_files.read_detector_file(path, shape, options.limits)
        valid, distortion = valid & ~detector.excluded, detector.distortion
    wavelength = _choose_wavelength(source, options, poni_wavelength, frames.header)
    distance, pixel1, pixel2 = _choose_dimensions(source, options, plane, frames.header, detector)
    return Setup(
        counts=np.where(valid, frames.total / frames.number, 0.0),
        valid=valid,
        wavelength=wavelength.value,
        wavelength_stderr=options.wavelength_stderr or wavelength.rounding,
        wavelength_source=wavelength.source,
        distance=distance,
        pixel1=pixel1,
        pixel2=pixel2,
        poni=plane,
        synthetic=head.is_synthetic(frames.header),
        faults=frames.faults,
        distortion=distortion,
        distortion_source=_name_distortion(options) if distortion is not None else "",
    )


def _name_distortion(options: Geometry) -> str:
    """Return which file states where the pixels lie."""
    if options.distortion:
        return f"the file {Path(options.distortion).name}"
    return f"the detector of {Path(options.poni).name}"


def _sum_frames(source: Path, options: Geometry) -> _FrameSum:
    """Return the sum of all readable frames that share the first one's shape."""
    frames: _FrameSum | None = None
    faults: list[BadInput] = []
    for path in read.find_image_files(source):
        for image in read.read_images(path, options.limits, options.dataset):
            if isinstance(image, BadInput):
                faults.append(image)
                continue
            if frames is None:
                shape = image.counts.shape
                frames = _FrameSum(
                    total=np.zeros(shape), valid=np.ones(shape, bool), header=image.header
                )
            fault = _add_frame(frames, image)
            if fault is not None:
                faults.append(fault)
    if frames is None or frames.number == 0:
        nothing = BadInput(source, "holds no image", "give the calibrant image")
        raise faults[0] if faults else nothing
    frames.faults = faults
    return frames


def _add_frame(frames: _FrameSum, image: Image) -> BadInput | None:
    """Add a frame to the sum, or return why it cannot be used."""
    counts = image.counts
    if counts.shape != frames.total.shape:
        problem = f"has {counts.shape} pixels and not {frames.total.shape}"
        return BadInput(image.source, problem, "remove it")
    if not np.any(counts > 0):
        return BadInput(image.source, "holds no counts", "check whether the shutter was open")
    stated = head.read_number(image.header, head.SATURATION_KEYS)
    limit = masks.choose_saturation_limit(counts.dtype, stated, None)
    frames.valid &= ~masks.find_gaps(counts) & (counts < limit)
    frames.total += counts
    frames.number += 1
    return None


def read_mask(path: Path, shape: tuple[int, ...]) -> Bool:
    """Return the pixels that a mask image excludes.

    Parameters
    ----------
    path : Path
        The mask image.
    shape : tuple of int
        Rows and columns [pixel] it must have.

    Returns
    -------
    ndarray of bool, shape (row, column)
        True where the mask is not zero.
    """
    return np.asarray(read.read_image_of_shape(path, shape, "mask") != 0)


def read_poni(path: Path) -> tuple[geo.Plane, float | None]:
    """Return the detector plane and the wavelength of a pyFAI .poni file.

    Parameters
    ----------
    path : Path
        The .poni file.

    Returns
    -------
    plane : Plane
        Lengths in metres, angles in radians.
    wavelength : float or None
        [angstrom]; None where the file states none.

    Raises
    ------
    BadInput
        No such file, or one pyFAI does not understand.
    """
    import pyFAI

    remedy = "write it again with pyFAI"
    if not path.is_file():
        raise BadInput(path, "the .poni file does not exist", "correct hexrd.geometry.poni")
    reading.check_file(path)
    _refuse_cut_poni(path, remedy)
    try:
        poni = pyFAI.load(str(path))
        stated = {
            "distance": poni.dist,
            "poni1": poni.poni1,
            "poni2": poni.poni2,
            "rot1": poni.rot1,
            "rot2": poni.rot2,
            "rot3": poni.rot3,
            "pixel1": poni.pixel1,
            "pixel2": poni.pixel2,
        }
        finite = all(np.isfinite(value) for value in stated.values())
    except UNREADABLE as error:
        raise BadInput(path, f"not a .poni file ({error})", remedy) from error
    if not finite or stated["distance"] <= 0:
        raise BadInput(path, "the .poni file lacks a distance or pixel size", remedy)
    plane = geo.Plane(**{name: float(value) for name, value in stated.items()})
    wavelength = None if poni.wavelength is None else float(poni.wavelength) * 1e10
    if wavelength is not None and not SHORTEST < wavelength < LONGEST:
        problem = f"states a wavelength of {poni.wavelength:g} m"
        raise BadInput(path, problem, "correct it: X-rays of 0.001 to 100 angstrom")
    return plane, wavelength


def read_poni_distortion(path: Path, shape: tuple[int, int]) -> Distortion | None:
    """Return where the pixels lie by the detector that a .poni file names.

    Parameters
    ----------
    path : Path
        The .poni file, which `read_poni` has read.
    shape : tuple of int
        Rows and columns of the images [pixel].

    Returns
    -------
    Distortion or None
        None for an even grid.

    Raises
    ------
    BadInput
        Its detector has uneven pixels, but is not that of the images.
    """
    import pyFAI

    try:
        detector = pyFAI.load(str(path)).detector
        return distortion_files.measure_detector(detector, shape, path)
    except UNREADABLE as error:
        problem = f"names a detector that cannot be read ({error})"
        remedy = "give the detector's own file in hexrd.geometry.distortion"
        raise BadInput(path, problem, remedy) from error


def _refuse_cut_poni(path: Path, remedy: str) -> None:
    """Raise where a geometry lacks a value, which pyFAI takes for zero, or ends within its last."""
    text = path.read_text(encoding="latin-1").lower()
    keys = [line.partition(":")[0].strip() for line in text.splitlines() if ":" in line]
    missing = [name for name in PONI_KEYS if name not in keys]
    if missing:
        raise BadInput(path, f"states no {', '.join(missing)}: it may be cut", remedy)
    if keys[-1] in PONI_KEYS and not text.endswith(("\n", "\r")):
        raise BadInput(path, f"its last line ('{keys[-1]}') has no end: it may be cut", remedy)


def _choose_dimensions(
    source: Path,
    options: Geometry,
    plane: geo.Plane | None,
    header: head.Header,
    detector: distortion_files.DetectorFile | None,
) -> tuple[float, float, float]:
    """Return the rough distance and the pixel sizes along rows and columns [m]."""
    if plane is not None:
        distance = geo.direct_beam_from_plane(plane)[0]
        pixel1, pixel2 = plane.pixel1, plane.pixel2
    else:
        distance = (options.distance or np.nan) * 1e-3
        if not np.isfinite(distance):
            distance = head.read_length(header, head.DISTANCE_KEYS)
        pixel1 = pixel2 = (options.pixel_size or np.nan) * 1e-6
        if not np.isfinite(pixel1) and detector is not None:
            pixel1, pixel2 = detector.pixel1, detector.pixel2
        elif not np.isfinite(pixel1):
            pixel1 = pixel2 = head.read_length(header, head.PIXEL_KEYS)
    if not distance > 0:
        remedy = "set hexrd.geometry.distance [mm]"
        raise BadInput(source, "no rough distance is known", remedy)
    if not pixel1 > 0:
        remedy = "set hexrd.geometry.pixel_size [micrometre]"
        raise BadInput(source, "no pixel size is known", remedy)
    return float(distance), pixel1, pixel2


def _choose_wavelength(
    source: Path, options: Geometry, poni_wavelength: float | None, header: head.Header
) -> StatedWavelength:
    """Return the first wavelength stated; its source mentions the statements that deviate."""
    stated = list(_list_wavelengths(options, poni_wavelength, header))
    if not stated:
        remedy = "set hexrd.geometry.wavelength [angstrom] in full precision"
        raise BadInput(source, "no wavelength is stated", remedy)
    chosen, *others = stated
    if not SHORTEST_WAVELENGTH < chosen.value < LONGEST_WAVELENGTH:
        problem = f"a wavelength of {chosen.value:g} angstrom is not that of X-rays"
        raise BadInput(source, problem, "set hexrd.geometry.wavelength")
    description = chosen.source
    for other in others:
        ratio = other.value / chosen.value
        if abs(ratio - 1) > SAME_WAVELENGTH:
            ppm = 1e6 * (ratio - 1)
            description += f"; {other.source} states {other.value:.7g} ({ppm:+.0f} ppm)"
    return StatedWavelength(source=description, value=chosen.value, rounding=chosen.rounding)


def _list_wavelengths(
    options: Geometry, poni_wavelength: float | None, header: head.Header
) -> Iterator[StatedWavelength]:
    """Yield every wavelength stated, in order of preference."""
    if options.wavelength is not None:
        value = options.wavelength
        rounding = bragg.rounding_stderr_from_text(repr(value))
        yield StatedWavelength(source="config", value=value, rounding=rounding)
    if poni_wavelength is not None:
        value = poni_wavelength
        rounding = bragg.rounding_stderr_from_text(f"{value:.9g}")
        yield StatedWavelength(source="the .poni file", value=value, rounding=rounding)
    in_header = head.read_wavelength(header)
    if in_header is not None:
        value, rounding = in_header
        yield StatedWavelength(source="the header", value=value, rounding=rounding)
