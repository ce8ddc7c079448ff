"""Options of the calibration: numbers have bounds, calibrants are those of pyFAI's table."""

from typing import get_args

import pytest

from ssbchar.hexrd.calibration.options import Calibrant, Geometry
from ssbchar.runtime.options import build_options


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("calibrant", "CeO3"),
        ("wavelength", 0.0),
        ("wavelength", 24.1),
        ("distance", -300.0),
        ("distance_tolerance", 1.0),
        ("pixel_size", 0.0),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(name, value):
    with pytest.raises(ValueError, match=name):
        build_options(Geometry, {name: value})


def test_every_calibrant_is_in_pyfais_table():
    from pyFAI.calibrant import names

    assert set(get_args(Calibrant)) <= set(names())
