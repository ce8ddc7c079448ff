"""Options of integrating images: numbers have bounds."""

import pytest

from ssbchar.hexrd.images.options import Integration
from ssbchar.runtime.options import build_options


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("points", -1),
        ("polarisation", 1.5),
        ("saturated_fraction", 2.0),
        ("beam_dump", -0.5),
        ("utc_offset", 25.0),
        ("sectors", -3),
        ("chunk", 0),
        ("two_theta", [9.0, 2.0]),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(name, value):
    with pytest.raises(ValueError, match=name):
        build_options(Integration, {name: value})


def test_the_range_of_two_theta_ascends():
    assert Integration(two_theta=(2.0, 9.0)).two_theta == (2.0, 9.0)
    with pytest.raises(ValueError, match="runs from 9 to 9 degree; give the lower end first"):
        Integration(two_theta=(9.0, 9.0))
