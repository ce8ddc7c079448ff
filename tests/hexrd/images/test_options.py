"""Options of images: numbers have bounds, words are those of pyFAI's table."""

from typing import get_args

import pytest

from ssbchar.hexrd.images.options import Calibrant, Geometry, Integration
from ssbchar.runtime.options import build_options


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (Geometry, "calibrant", "CeO3"),
        (Geometry, "wavelength", 0.0),
        (Geometry, "wavelength", 24.1),
        (Geometry, "distance", -300.0),
        (Geometry, "distance_tolerance", 1.0),
        (Geometry, "pixel_size", 0.0),
        (Integration, "points", -1),
        (Integration, "polarisation", 1.5),
        (Integration, "saturated_fraction", 2.0),
        (Integration, "beam_dump", -0.5),
        (Integration, "utc_offset", 25.0),
        (Integration, "sectors", -3),
        (Integration, "chunk", 0),
        (Integration, "two_theta", [9.0, 2.0]),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(kind, name, value):
    with pytest.raises(ValueError, match=name):
        build_options(kind, {name: value})


def test_the_range_of_two_theta_ascends():
    assert Integration(two_theta=(2.0, 9.0)).two_theta == (2.0, 9.0)
    with pytest.raises(ValueError, match="runs from 9 to 9 degree; give the lower end first"):
        Integration(two_theta=(9.0, 9.0))


def test_every_calibrant_is_in_pyfais_table():
    from pyFAI.calibrant import names

    assert set(get_args(Calibrant)) <= set(names())
