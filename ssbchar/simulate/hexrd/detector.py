"""Detector images: powder rings on a tilted flat detector, counted, written as TIFF."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ssbchar.simulate.clock import format_time
from ssbchar.simulate.effects import Effects
from ssbchar.simulate.hexrd import heating, pattern
from ssbchar.simulate.hexrd.crystal import CEO2, LAGP, LFP
from ssbchar.simulate.hexrd.pattern import Instrument, PhaseSeries
from ssbchar.simulate.hexrd.programme import Programme, write_log
from ssbchar.simulate.truth import Truth
from ssbchar.typing import Array


@dataclass(frozen=True)
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

    def angles(self, subdivide: int = 3) -> tuple[Array, Array, Array]:
        """Return 2theta and azimuth [radian] and the relative solid angle, (row, column,
        sub-pixel).

        In the detector's frame a point u along the tilt direction and v across it lies, seen along
        the beam, at (u cos t, v, D + u sin t): tan(2 theta) = hypot(u cos t, v) / (D + u sin t).
        """
        offset = (np.arange(subdivide) + 0.5) / subdivide
        edge = np.arange(self.size)
        x = (edge[:, None] + offset - self.column) * self.pixel
        y = (edge[:, None] + offset - self.row) * self.pixel
        x, y = x[None, :, None, :], y[:, None, :, None]
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


BEAM = Instrument(0.24117, 0.4, 0.01, 1700, 0.050)
"""The profile the images are drawn from; the width is mostly the detector's point spread."""
CALIBRANT = "CeO2_calibrant"
MEASUREMENT = "images_LAGP_LFP"
SAMPLE = "LAGP+LFP (images)"
LEVELS = {"calibrant": (60.0, 120.0), "sample": (60.0, 40.0)}
"""Counts per pixel of the background, and area of the strongest ring [counts degree per pixel]."""


def simulate_image(
    profile: Array,
    axis: Array,
    detector: Detector,
    effects: Effects,
    rng: np.random.Generator,
    subdivide: int = 3,
) -> NDArray[np.uint16]:
    """Return counts per pixel of a profile I(2theta), averaged over each pixel's area.

    Each count rate carries the solid angle and the polarisation factor
    [1 + cos^2(2 theta) - P cos(2 phi) sin^2(2 theta)] / 2; grains modulate it along the ring.
    """
    two_theta, azimuth, solid = detector.angles(subdivide)
    factor = (
        1
        + np.cos(two_theta) ** 2
        - detector.polarisation * np.cos(2 * azimuth) * np.sin(two_theta) ** 2
    )
    rate = np.interp(np.degrees(two_theta), axis, profile) * solid * factor / 2
    if effects.graininess:
        order = np.arange(2, 9)
        phase = rng.uniform(0, 2 * np.pi, (order.size, 2))
        ripple = sum(
            np.cos(m * azimuth + p + 40 * two_theta * np.cos(s))
            for m, (p, s) in zip(order, phase, strict=True)
        )
        rate = rate * (1 + effects.graininess * ripple / np.sqrt(order.size / 2))
    expected = np.clip(rate.mean(axis=-1), 0, None)
    return np.asarray(np.minimum(rng.poisson(expected), 65535), np.uint16)


def write_tiff(path: Path, counts: NDArray[np.uint16], description: str, when: str) -> None:
    """Write a 16-bit grey TIFF, one uncompressed strip (TIFF 6.0)."""
    rows, columns = counts.shape
    data = counts.astype("<u2").tobytes()
    text, stamp = description.encode("ascii") + b"\0", when.encode("ascii") + b"\0"
    text += b"\0" * (len(text) % 2)
    at_text = 8 + len(data)
    at_stamp = at_text + len(text)
    at_entries = at_stamp + len(stamp) + len(stamp) % 2
    short, long, ascii_ = 3, 4, 2
    entries = [
        (256, long, 1, columns),
        (257, long, 1, rows),
        (258, short, 1, 16),
        (259, short, 1, 1),
        (262, short, 1, 1),
        (270, ascii_, len(text), at_text),
        (273, long, 1, 8),
        (277, short, 1, 1),
        (278, long, 1, rows),
        (279, long, 1, len(data)),
        (306, ascii_, len(stamp), at_stamp),
        (339, short, 1, 1),
    ]
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    head = b"II" + struct.pack("<HI", 42, at_entries)
    tail = struct.pack("<H", len(entries)) + body + struct.pack("<I", 0)
    path.write_bytes(head + data + text + stamp + b"\0" * (len(stamp) % 2) + tail)


def write_images(
    folder: Path,
    effects: Effects,
    rng: np.random.Generator,
    temperatures: tuple[float, ...] = (25.0, 300.0, 550.0, 800.0),
    detector: Detector | None = None,
) -> list[Truth]:
    """Write the calibrant image, sample images of a heating run and its furnace log; return the
    truth."""
    detector = detector or Detector()
    axis = BEAM.two_theta
    programme = Programme(1_551_534_000.0)
    corners, _ = programme.corners
    time = np.array(
        [
            corners[0] + 300 * (i + 1) if t == 25 else corners[1] + (t - 25) * 12
            for i, t in enumerate(temperatures)
        ]
    )
    mixture = heating.Mixture(
        MEASUREMENT,
        SAMPLE,
        BEAM,
        programme.start,
        (
            heating.Behaviour(LAGP, LEVELS["sample"][1] * 0.6),
            heating.Behaviour(LFP, LEVELS["sample"][1] * 0.6),
        ),
        "",
    )
    standard = PhaseSeries(CEO2, CEO2.cell_at(np.array([25.0])), np.array([LEVELS["calibrant"][1]]))
    grainless = Effects(**{**effects.__dict__, "graininess": 0.0})
    jobs = [(folder / CALIBRANT, "CeO2 (NIST SRM 674b cell)", [standard], np.array([-3600.0]))]
    jobs.append(
        (
            folder / MEASUREMENT,
            SAMPLE,
            heating.place_phases(mixture, programme, time, effects),
            time,
        )
    )
    for where, sample, parts, times in jobs:
        where.mkdir(parents=True, exist_ok=True)
        signal = pattern.simulate_peaks(parts, axis, BEAM, grainless, rng)
        signal += pattern.simulate_background(axis, BEAM.wavelength, LEVELS["sample"][0], effects)
        for number, (profile, at) in enumerate(zip(signal, times, strict=True), 1):
            when = programme.start + at
            text = _description(sample, number, when, detector)
            stamp = format_time(when, -6.0)[:19].replace("-", ":").replace("T", " ")
            counts = simulate_image(profile, axis, detector, effects, rng)
            write_tiff(where / f"{where.name}_{number:04d}.tif", counts, text, stamp)
    write_log(folder / f"{MEASUREMENT}_furnace.csv", programme, rng, effects)
    return _truths(mixture, programme)


def _truths(mixture: heating.Mixture, programme: Programme) -> list[Truth]:
    """Return the cells before heating; the images do not follow the cooling."""
    return [t for t in heating.list_truths(mixture, programme) if t.condition == "before heating"]


def _description(sample: str, number: int, when: float, detector: Detector) -> str:
    return (
        f"synthetic demonstration data (ssbchar simulate); sample: {sample}; frame: {number}; "
        f"wavelength: {BEAM.wavelength} angstrom; time: {format_time(when, -6.0)}; "
        f"exposure: {heating.EXPOSURE} s (time is its middle); "
        f"pixel: {detector.pixel * 1000:.0f} um; nominal distance: {round(detector.distance, -1):.0f} mm"
    )
