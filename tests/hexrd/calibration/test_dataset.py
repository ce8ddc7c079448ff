"""The table of a calibrated detector: every refined parameter has both of its errors."""

import numpy as np
import pytest

from ssbchar.hexrd.calibration.dataset import BEAM, GEOMETRY

SIZES = {
    "map_azimuth": 3,
    "map_two_theta": 4,
    "parameter": 5,
    "parameter2": 5,
    "ring": 3,
    "orientation": 8,
    "row": 4,
    "column": 3,
    "panel": 2,
    "axis": 2,
    "power": 2,
}


def values(*, optional: bool) -> dict[str, np.ndarray]:
    """Ones in the shape of the table."""
    return {
        name: np.ones(tuple(SIZES[dim] for dim in variable.dims))
        for name, variable in GEOMETRY.variables.items()
        if optional or not variable.optional
    }


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("direct_distance", "m"),
        ("beam_row", "1"),
        ("beam_column", "1"),
        ("tilt1", "radian"),
        ("tilt2", "radian"),
    ],
)
def test_a_refined_parameter_and_its_errors_have_one_unit(name: str, unit: str) -> None:
    known = GEOMETRY.variables
    for each in (name, f"{name}_stderr", f"{name}_systematic"):
        assert known[each].unit == unit and known[each].dims == ()
    assert known[name].ancillary == (f"{name}_stderr",)
    assert known[f"{name}_stderr"].meaning == f"standard error of `{name}`"


def test_there_are_five_refined_parameters() -> None:
    assert list(BEAM) == ["direct_distance", "beam_row", "beam_column", "tilt1", "tilt2"]


def test_what_stands_beside_a_variable_is_in_the_table_in_its_unit() -> None:
    for name, variable in GEOMETRY.variables.items():
        for beside in variable.ancillary:
            other = GEOMETRY.variables[beside]
            assert (beside, other.unit, other.dims) == (
                f"{name}_stderr",
                variable.unit,
                variable.dims,
            )
            assert other.optional == variable.optional


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("wavelength", "angstrom"),
        ("ring_d", "angstrom"),
        ("ring_two_theta", "degree"),
        ("ring_offset", "1e-6"),
        ("distance", "m"),
        ("poni1", "m"),
        ("rot3", "radian"),
        ("pixel2", "m"),
    ],
)
def test_units_of_geometry_and_rings(name: str, unit: str) -> None:
    ds = GEOMETRY.dataset(values(optional=False))
    assert ds[name].attrs["units"] == unit


def test_only_the_check_of_the_orientation_and_a_distortion_may_be_missing() -> None:
    missing = set(GEOMETRY.dataset(values(optional=True))) - set(
        GEOMETRY.dataset(values(optional=False))
    )
    assert missing == {
        "orientation_doubling",
        "orientation_cell_offset",
        "orientation_cell_offset_stderr",
        "shift_down",
        "shift_right",
        "panel_shift",
        "radial_shift",
    }


def test_the_covariance_is_square_over_the_parameters() -> None:
    ds = GEOMETRY.dataset(values(optional=False))
    assert ds["covariance"].dims == ("parameter", "parameter2")
    assert set(ds.coords) == {"parameter", "parameter2", "map_azimuth", "map_two_theta"}
