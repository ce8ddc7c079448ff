"""What the image of a calibrant is, in a line, with its rough set-up."""

from pathlib import Path

import numpy as np
import pytest
from hexrd.made_images import tiff

from ssbchar.errors import BadInput
from ssbchar.hexrd.calibration.describe import describe_calibrant
from ssbchar.hexrd.calibration.options import Geometry

TEXT = "wavelength: 0.24117 angstrom; pixel: 200 um; nominal distance: 300 mm"
COUNTS = np.full((6, 5), 7, np.uint16)


def test_a_calibrant(tmp_path: Path) -> None:
    tiff(tmp_path / "a.tif", COUNTS, TEXT)
    said = describe_calibrant(tmp_path, Geometry()).said
    assert said == (
        "1 image file of 5 x 6 pixels of CeO2, 0.24117 A from the header, 300 mm away, "
        "pixels of 200 um"
    )
    given = describe_calibrant(tmp_path, Geometry(wavelength=0.2411)).said
    assert "0.2411 A from the option; the header states 0.24117" in given


def test_a_calibrant_without_a_wavelength(tmp_path: Path) -> None:
    tiff(tmp_path / "1.tif", COUNTS, "nothing")
    with pytest.raises(BadInput, match="no wavelength is stated"):
        describe_calibrant(tmp_path, Geometry())
