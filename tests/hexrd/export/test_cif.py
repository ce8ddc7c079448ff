"""CIF text: uncertainties, operations, atoms and temperatures by hand."""

import re
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from ssbchar.crystal.cell import Phase, Site
from ssbchar.hexrd.export import cif


@given(st.floats(0.1, 1e4), st.floats(1e-7, 50.0))
def test_uncertainty_notation_keeps_value_and_error(value: float, su: float) -> None:
    told = re.fullmatch(r"(-?\d+(?:\.\d+)?)\((\d+)\)", cif.format_with_su(value, su))
    assert told
    digits = len(told[1].partition(".")[2])
    error = int(told[2]) * 10.0**-digits
    assert error == pytest.approx(su, rel=0.34)
    assert abs(float(told[1]) - value) <= 0.51 * max(su, 10.0**-digits)


def test_values_without_error_stand_alone() -> None:
    assert (
        cif.format_with_su(90.0, 0.0) == "90" and cif.format_with_su(120.0, float("nan")) == "120"
    )
    assert (
        cif.format_with_su(8.2614, 0.00031) == "8.2614(3)"
        and cif.format_with_su(8.26143, 0.00012) == "8.26143(12)"
    )
    assert cif.format_with_su(8.26143, 0.000199) == "8.2614(2)"


def test_symmetry_operations_as_text() -> None:
    turn = np.array([[-1, 1, 0], [-1, 0, 0], [0, 0, 1]], float)
    assert cif.format_operation(turn, np.array([0, 1 / 3, 0.5])) == "-x+y, -x+1/3, z+1/2"


@pytest.mark.parametrize(
    ("value", "su", "text"),
    [
        (12345.6, 300.0, "12300(300)"),
        (12345.6, 1900.0, "12300(1900)"),
        (12345.6, 2000.0, "12000(2000)"),
        (10.0, 1.0, "10.0(10)"),
        (10.0, 2.0, "10(2)"),
        (0.5, 0.0196, "0.50(2)"),
        (0.5, 0.0194, "0.500(19)"),
        (5.0, -1.0, "5"),
        (5.0, float("inf"), "5"),
    ],
)
def test_one_digit_or_two_up_to_nineteen(value, su, text):
    assert cif.format_with_su(value, su) == text


@pytest.mark.parametrize(
    ("shift", "text"),
    [(0.25, "x+1/4"), (-0.25, "x+3/4"), (5 / 6, "x+5/6"), (0.999, "x"), (1 / 12, "x+1/12")],
)
def test_translations_are_twelfths_within_the_cell(shift, text):
    row = np.array([1.0, 0.0, 0.0])
    assert cif._format_component(row, shift) == text


CYCLE = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
"""The threefold axis of a rhombohedral cell."""
PHASE = Phase(
    name="Li (2)",
    cell=np.array([4.0, 4.0, 4.0, 60.0, 60.0, 60.0]),
    group="R-3m",
    rotations=np.array([CYCLE, np.eye(3), CYCLE.T]),
    translations=np.zeros((3, 3)),
    sites=(Site(element="Li", position=(0.0, 0.5, 1 / 3), occupancy=0.75, b_iso=0.6),),
    about={"source": "here", "refinable": True},
)


def data():
    lattice = xr.Dataset(
        {
            "verdict": (("phase", "frame"), np.array([["ok"]], dtype=object)),
            "cell": (("phase", "frame", "axis"), PHASE.cell[None, None]),
            "cell_stderr": (("phase", "frame", "axis"), [[[0.001, 0.001, 0.02, 0, 0, 0.3]]]),
            "volume": (("phase", "frame"), [[138.56]]),
            "volume_stderr": (("phase", "frame"), [[0.05]]),
        },
        coords={"frame": [7]},
        attrs={"wavelength": 0.2411, "length_scale_stderr": 2e-4},
    )
    names = ("temperature", "temperature_stderr", "temperature_systematic")
    furnace = xr.Dataset({n: ("frame", [v]) for n, v in zip(names, (100.0, 3.0, 4.0), strict=True)})
    return lattice, furnace


def lines_of(phase=PHASE, **change):
    lattice, furnace = data()
    lattice.attrs |= {k: v for k, v in change.items() if k in lattice.attrs}
    for name in set(change) & set(furnace):
        furnace[name] = ("frame", [change[name]])
    return cif.format_cif(phase, lattice, furnace, 0, 0, note="sample").splitlines()


def test_a_whole_file_by_hand():
    lines = lines_of()
    assert lines[0] == "# sample, frame 7; cell refined on the whole pattern by ssbchar"
    assert lines[1] == "# verdict of the cell: ok; phase model: here"
    assert lines[2].endswith("a relative error of 2.0e-04")
    assert lines[3] == "data_Li__2__frame_7"
    assert "_cell_measurement_temperature 373(5)" in lines
    assert "_diffrn_radiation_wavelength 0.2411" in lines
    assert "_space_group_crystal_system trigonal" in lines
    assert "_cell_length_a 4.0000(10)" in lines and "_cell_length_c 4.00(2)" in lines
    assert "_cell_angle_gamma 60.0(3)" in lines and "_cell_volume 138.56(5)" in lines
    at = lines.index("_space_group_symop_operation_xyz")
    assert lines[at + 1 : at + 4] == ["'x, y, z'", "'z, x, y'", "'y, z, x'"]
    assert "# atoms as in the phases file, not refined" in lines
    assert lines[-1] == "Li1 Li 0 0.5 0.333333 0.75 0.6"


def test_what_is_not_known_is_said():
    assert "_diffrn_ambient_temperature ?" in lines_of(temperature=np.nan)
    assert lines_of(length_scale_stderr=np.nan)[2].endswith(cif.UNKNOWN_SCALE)
    assert lines_of(replace(PHASE, sites=()))[-1].startswith("# no atoms")
    doubtful = lines_of(replace(PHASE, about={"source": "here"}))
    assert "# atoms as in the phases file, not refined and not trusted there" in doubtful
