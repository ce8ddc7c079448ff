"""Images read by others' readers, rings where Bragg's law puts them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ssbchar.simulate.hexrd import detector


def test_tiff_opens_in_pillow_and_fabio(small: Path):
    path = next((small / "hexrd" / "CeO2_calibrant").glob("*.tif"))
    with Image.open(path) as image:
        assert image.size == (512, 512) and image.mode.startswith("I;16")
        assert (
            "synthetic" in image.tag_v2[270] and "wavelength: 0.24117 angstrom" in image.tag_v2[270]
        )
        data = np.asarray(image)
    fabio = pytest.importorskip("fabio")
    assert np.array_equal(fabio.open(path).data, data)


def test_rings_lie_where_bragg_says(small: Path):
    """Radius of the brightest ring along four directions, from the tilt by plain vector algebra."""
    with Image.open(next((small / "hexrd" / "CeO2_calibrant").glob("*.tif"))) as image:
        data = np.asarray(image).astype(float)
    geometry = detector.Detector()
    two_theta = 2 * np.arcsin(0.24117 / (2 * 5.41165 / np.sqrt(3)))
    t, p = np.radians([geometry.tilt, geometry.tilt_plane])
    tilted = np.array(
        [np.cos(p) * np.cos(t), np.sin(p) * np.cos(t), np.sin(t)]
    )  # the tilt direction in space
    across = np.array([-np.sin(p), np.cos(p), 0.0])
    normal = np.cross(tilted, across)
    for azimuth in np.radians([0, 90, 180, 270]):
        ray = np.array(
            [
                np.sin(two_theta) * np.cos(azimuth),
                np.sin(two_theta) * np.sin(azimuth),
                np.cos(two_theta),
            ]
        )
        hit = ray * (normal @ [0, 0, geometry.distance]) / (normal @ ray) - [
            0,
            0,
            geometry.distance,
        ]
        u, v = hit @ tilted, hit @ across
        column = geometry.column + (u * np.cos(p) - v * np.sin(p)) / geometry.pixel
        row = geometry.row + (u * np.sin(p) + v * np.cos(p)) / geometry.pixel
        box = data[int(row) - 3 : int(row) + 4, int(column) - 3 : int(column) + 4]
        profile = box.sum(axis=0) if azimuth in np.radians([0, 180]) else box.sum(axis=1)
        start = int(column) - 3 if azimuth in np.radians([0, 180]) else int(row) - 3
        profile = profile - profile.min()
        centre = start + 0.5 + (profile * np.arange(7)).sum() / profile.sum()
        assert abs(centre - (column if azimuth in np.radians([0, 180]) else row)) < 0.35
