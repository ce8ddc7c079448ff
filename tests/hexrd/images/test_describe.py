"""What detector images are, in a line, from the first frame."""

from pathlib import Path

import numpy as np
import pytest
from hexrd.made_images import tiff

from ssbchar.errors import BadInput
from ssbchar.hexrd.images.describe import describe_images
from ssbchar.hexrd.images.options import Integration

COUNTS = np.full((6, 5), 7, np.uint16)


def test_a_series_of_images(tmp_path: Path) -> None:
    for n in range(3):
        tiff(tmp_path / f"{n}.tif", COUNTS, "temperature: 25.5; monitor: 12345")
    found = describe_images(tmp_path, Integration())
    assert found.about.said == (
        "3 image files of 5 x 6 pixels, time of the header taken as UTC+0 h, monitor 1.234e+04"
    )
    assert (found.temperature, found.names) == (25.5, ["0.tif", "1.tif", "2.tif"])
    assert found.time == 1714979289.0, "2024-05-06T07:08:09Z"


def test_images_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "0.tif").write_bytes(b"no image")
    with pytest.raises(BadInput, match=r"0\.tif"):
        describe_images(tmp_path, Integration())
