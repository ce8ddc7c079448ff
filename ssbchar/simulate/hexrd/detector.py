"""Detector images: powder rings on a tilted flat detector, counted and written as TIFF."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ssbchar.simulate.clock import format_time
from ssbchar.simulate.effects import Effects
from ssbchar.simulate.hexrd import heating, pattern
from ssbchar.simulate.hexrd.crystal import CEO2, LAGP, LFP
from ssbchar.simulate.hexrd.pattern import Instrument, PhaseSeries
from ssbchar.simulate.hexrd.programme import ROOM_TEMPERATURE, Programme, write_log
from ssbchar.simulate.truth import Truth
from ssbchar.typing import Array


@dataclass(frozen=True, kw_only=True)
class Detector:
    """A flat detector, tilted against the beam (the FIT2D description)."""

    size: int = 512
    """Pixels per side."""
    pixel: float = 0.400
    """Side of a pixel [mm]."""
    distance: float = 500.0
    """Sample to the point where the direct beam meets the detector [mm]."""
    column: float = 249.6
    """Direct beam, column (0 at the left edge of the first pixel) [pixel]."""
    row: float = 263.3
    """Direct beam, row (0 at the top edge of the first pixel) [pixel]."""
    tilt: float = 0.45
    """Angle between the detector's normal and the beam [degree]."""
    tilt_plane: float = 35.0
    """Direction of the tilt within the detector, from the columns' axis to the rows' axis
    [degree]."""
    polarisation: float = 0.99
    """(I_h - I_v) / (I_h + I_v), h along the columns' axis."""

    def calculate_angles(
        self, subdivide: int = 3, shift: tuple[Array, Array] | None = None
    ) -> tuple[Array, Array, Array]:
        """Return where each part of each pixel looks.

        In the detector's frame a point u along the tilt direction and v across it lies, seen along
        the beam, at (u cos t, v, D + u sin t): tan(2 theta) = hypot(u cos t, v) / (D + u sin t).

        Parameters
        ----------
        subdivide : int
            Parts of a pixel along each side.
        shift : tuple of ndarray, shape (row, column), optional
            How far beside its place each pixel lies, along rows and along columns [pixel]: a
            distorted image, panels off their places.

        Returns
        -------
        two_theta, azimuth : ndarray, shape (row, column, part)
            [radian]
        solid_angle : ndarray, shape (row, column, part)
            Relative to that of a part where the beam meets the detector (dimensionless).
        """
        offset = (np.arange(subdivide) + 0.5) / subdivide
        edge = np.arange(self.size)
        x = (edge[:, None] + offset - self.column) * self.pixel
        y = (edge[:, None] + offset - self.row) * self.pixel
        x, y = x[None, :, None, :], y[:, None, :, None]
        if shift is not None:
            down, right = (self.pixel * one[:, :, None, None] for one in shift)
            x, y = x + right, y + down
        t, phi = np.radians([self.tilt, self.tilt_plane])
        u, v = x * np.cos(phi) + y * np.sin(phi), -x * np.sin(phi) + y * np.cos(phi)
        across, along = u * np.cos(t), self.distance + u * np.sin(t)
        two_theta = np.arctan2(np.hypot(across, v), along)
        azimuth = np.arctan2(
            across * np.sin(phi) + v * np.cos(phi), across * np.cos(phi) - v * np.sin(phi)
        )
        range2 = across**2 + v**2 + along**2
        solid = self.distance**3 * np.cos(t) / range2**1.5
        shape = (self.size, self.size, subdivide**2)
        return two_theta.reshape(shape), azimuth.reshape(shape), np.asarray(solid.reshape(shape))


BEAM = Instrument(wavelength=0.24117, first=0.4, step=0.01, points=1700, fwhm=0.050)
"""The profile the images are drawn from; the width is mostly the detector's point spread."""
CALIBRANT = "CeO2_calibrant"
MEASUREMENT = "images_LAGP_LFP"
SAMPLE = "LAGP+LFP (images)"
START = 1_551_534_000.0
"""Begin of the programme [s since 1970-01-01 UTC]."""
BACKGROUND = 60.0
"""[counts per pixel]"""
CALIBRANT_AREA = 120.0
"""Area of the calibrant's strongest ring [counts degree per pixel]."""
SAMPLE_AREA = 40.0 * 0.6
"""Area of the strongest ring of each phase of the sample [counts degree per pixel]."""
RIPPLE_ORDERS = range(2, 9)
"""Orders of the grains' modulation along the azimuth."""
LARGEST_COUNT = 65535
"""Counts at which the detector saturates."""


def simulate_image(
    profile: Array,
    axis: Array,
    detector: Detector,
    effects: Effects,
    rng: np.random.Generator,
    *,
    subdivide: int = 3,
) -> NDArray[np.uint16]:
    """Return an image of a profile I(2theta), averaged over the area of each pixel.

    Each count rate carries the solid angle and the polarisation factor
    [1 + cos^2(2 theta) - P cos(2 phi) sin^2(2 theta)] / 2; grains modulate it along the ring.

    Parameters
    ----------
    profile : ndarray, shape (point,)
        [counts per pixel]
    axis : ndarray, shape (point,)
        2theta [degree].
    detector : Detector
        Its geometry.
    effects : Effects
        Size of the grains' modulation.
    rng : Generator
        Of grains and counting noise.
    subdivide : int
        Parts of a pixel along each side.

    Returns
    -------
    ndarray of uint16, shape (row, column)
        [counts]
    """
    two_theta, azimuth, solid_angle = detector.calculate_angles(subdivide)
    polarised = detector.polarisation * np.cos(2 * azimuth) * np.sin(two_theta) ** 2
    factor = 1 + np.cos(two_theta) ** 2 - polarised
    rate = np.interp(np.degrees(two_theta), axis, profile) * solid_angle * factor / 2
    if effects.graininess:
        ripple = _draw_ripple(two_theta, azimuth, rng)
        # a sum of n cosines has a variance of n / 2
        rate = rate * (1 + effects.graininess * ripple / np.sqrt(len(RIPPLE_ORDERS) / 2))
    expected = np.clip(rate.mean(axis=-1), 0, None)
    return np.asarray(np.minimum(rng.poisson(expected), LARGEST_COUNT), np.uint16)


def _draw_ripple(two_theta: Array, azimuth: Array, rng: np.random.Generator) -> Array:
    """Return a sum of cosines of the azimuth with random phases, different from ring to ring."""
    phases = rng.uniform(0, 2 * np.pi, (len(RIPPLE_ORDERS), 2))
    ripple = sum(
        np.cos(order * azimuth + along + 40 * two_theta * np.cos(across))
        for order, (along, across) in zip(RIPPLE_ORDERS, phases, strict=True)
    )
    return np.asarray(ripple)


class TiffType(IntEnum):
    """Types of a TIFF entry."""

    ASCII = 2
    SHORT = 3
    LONG = 4


def write_tiff(path: Path, counts: NDArray[np.uint16], description: str, when: str) -> None:
    """Write a 16-bit grey TIFF, one uncompressed strip (TIFF 6.0).

    Parameters
    ----------
    path : Path
        The file.
    counts : ndarray of uint16, shape (row, column)
        The image.
    description : str
        Of the image.
    when : str
        Time stamp, ``YYYY:MM:DD HH:MM:SS``.
    """
    rows, columns = counts.shape
    data = counts.astype("<u2").tobytes()
    text = _pad_to_words(description.encode("ascii") + b"\0")
    stamp = when.encode("ascii") + b"\0"
    header_size = 8
    text_offset = header_size + len(data)
    stamp_offset = text_offset + len(text)
    entries_offset = stamp_offset + len(_pad_to_words(stamp))
    entries = [
        # tag, type, count, value or offset
        (256, TiffType.LONG, 1, columns),
        (257, TiffType.LONG, 1, rows),
        (258, TiffType.SHORT, 1, 16),
        (259, TiffType.SHORT, 1, 1),
        (262, TiffType.SHORT, 1, 1),
        (270, TiffType.ASCII, len(text), text_offset),
        (273, TiffType.LONG, 1, header_size),
        (277, TiffType.SHORT, 1, 1),
        (278, TiffType.LONG, 1, rows),
        (279, TiffType.LONG, 1, len(data)),
        (306, TiffType.ASCII, len(stamp), stamp_offset),
        (339, TiffType.SHORT, 1, 1),
    ]
    header = b"II" + struct.pack("<HI", 42, entries_offset)
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    tail = struct.pack("<H", len(entries)) + body + struct.pack("<I", 0)
    path.write_bytes(header + data + text + _pad_to_words(stamp) + tail)


def _pad_to_words(text: bytes) -> bytes:
    """Return bytes of even length: TIFF wants its values on even offsets."""
    return text + b"\0" * (len(text) % 2)


def write_images(
    folder: Path,
    effects: Effects,
    rng: np.random.Generator,
    temperatures: tuple[float, ...] = (25.0, 300.0, 550.0, 800.0),
    detector: Detector | None = None,
) -> list[Truth]:
    """Write the calibrant image, sample images of a heating run and its furnace log; return the
    truth.

    Parameters
    ----------
    folder : Path
        Gets a folder of the calibrant, one of the images, and the log.
    effects : Effects
        What the fitters do not model.
    rng : Generator
        Of all noise.
    temperatures : tuple of float
        Of the images [degC].
    detector : Detector, optional
        Its geometry.

    Returns
    -------
    list of Truth
        The cells before heating [angstrom]; the images do not follow the cooling.
    """
    detector = detector or Detector()
    programme = Programme(start=START)
    mixture = heating.Mixture(
        measurement=MEASUREMENT,
        sample=SAMPLE,
        instrument=BEAM,
        start=programme.start,
        phases=(
            heating.Behaviour(crystal=LAGP, amount=SAMPLE_AREA),
            heating.Behaviour(crystal=LFP, amount=SAMPLE_AREA),
        ),
        verdict="",
    )
    standard = PhaseSeries(
        crystal=CEO2,
        cell=CEO2.cell_at(np.array([ROOM_TEMPERATURE])),
        amount=np.array([CALIBRANT_AREA]),
    )
    calibrant = _Exposures(
        folder=folder / CALIBRANT,
        sample="CeO2 (NIST SRM 674b cell)",
        phases=[standard],
        time=np.array([-3600.0]),
    )
    time = _list_times(programme, temperatures)
    images = _Exposures(
        folder=folder / MEASUREMENT,
        sample=SAMPLE,
        phases=heating.place_phases(mixture, programme, time, effects),
        time=time,
    )
    for exposures in (calibrant, images):
        _write_exposures(exposures, programme, detector, effects, rng)
    write_log(folder / f"{MEASUREMENT}_furnace.csv", programme, rng, effects)
    truths = heating.list_truths(mixture, programme)
    return [truth for truth in truths if truth.condition == "before heating"]


@dataclass(frozen=True, kw_only=True)
class _Exposures:
    """Images that go into one folder."""

    folder: Path
    sample: str
    phases: list[PhaseSeries]
    time: Array
    """[s from the programme's start], shape (frame,)"""


def _list_times(programme: Programme, temperatures: tuple[float, ...]) -> Array:
    """Return when the images are taken [s from the programme's start]: on the first rest, then on
    heating at their temperatures."""
    heating_start, _ = programme.corners.heating
    times = []
    for number, temperature in enumerate(temperatures, 1):
        if temperature == ROOM_TEMPERATURE:
            times.append(programme.corners.time[0] + 300 * number)
        else:
            times.append(heating_start + (temperature - ROOM_TEMPERATURE) * 12)
    return np.array(times)


def _write_exposures(
    exposures: _Exposures,
    programme: Programme,
    detector: Detector,
    effects: Effects,
    rng: np.random.Generator,
) -> None:
    """Write the images of one folder as TIFF."""
    where = exposures.folder
    where.mkdir(parents=True, exist_ok=True)
    # in images the grains modulate the rings along the azimuth, not their area
    grainless = replace(effects, graininess=0.0)
    axis = BEAM.two_theta
    profiles = pattern.simulate_peaks(exposures.phases, axis, BEAM, grainless, rng)
    profiles += pattern.simulate_background(axis, BEAM.wavelength, BACKGROUND, effects)
    for number, (profile, time) in enumerate(zip(profiles, exposures.time, strict=True), 1):
        when = programme.start + time
        stamp = format_time(when, heating.UTC_OFFSET)
        text = _describe_image(exposures.sample, number, stamp, detector)
        tiff_stamp = stamp[:19].replace("-", ":").replace("T", " ")
        counts = simulate_image(profile, axis, detector, effects, rng)
        write_tiff(where / f"{where.name}_{number:04d}.tif", counts, text, tiff_stamp)


def _describe_image(sample: str, number: int, stamp: str, detector: Detector) -> str:
    """Return the description in an image's header."""
    return (
        f"synthetic demonstration data (ssbchar simulate); sample: {sample}; frame: {number}; "
        f"wavelength: {BEAM.wavelength} angstrom; time: {stamp}; "
        f"exposure: {heating.EXPOSURE} s (time is its middle); "
        f"pixel: {detector.pixel * 1000:.0f} um; "
        f"nominal distance: {round(detector.distance, -1):.0f} mm"
    )
