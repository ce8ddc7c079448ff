"""Rows of a calibration: numbers of the geometry in the field's units, and what the rings say."""

import numpy as np
import pytest
import xarray as xr

from ssbchar.hexrd.calibration.conclude import conclude_calibration
from ssbchar.verdict import Verdict


def make_geometry(agreement: str = "agrees", given: bool = False, held_out=(30.0, -40.0)):
    values = {
        "direct_distance": 0.9998, "beam_row": 1020.5, "beam_column": 1019.25,
        "tilt1": np.radians(0.5), "tilt2": np.radians(-0.25),
    }  # fmt: skip
    data = {name: ((), value) for name, value in values.items()}
    data |= {f"{name}_stderr": ((), 1e-5 * abs(value)) for name, value in values.items()}
    data |= {f"{name}_systematic": ((), 2e-5 * abs(value)) for name, value in values.items()}
    data |= {
        "ring_two_theta": ("ring", [4.5, 5.25]),
        "ring_held_out": ("ring", list(held_out)),
        "ring_scatter": ((), 25.0),
        "wavelength": ((), 0.2413),
        "wavelength_from_rings": ((), 0.2413 * (1 + 100e-6)),
        "wavelength_from_rings_stderr": ((), 0.2413 * 50e-6),
    }
    if given:
        data |= {
            "orientation_doubling": ("orientation", np.arange(8.0)),
            "orientation_cell_offset": ("orientation", 10 * np.arange(8.0)),
            "orientation_cell_offset_stderr": ("orientation", np.arange(8.0)),
            "orientation_index": ((), 3),
        }
    attrs = {
        "calibrant": "CeO2", "assumed": "wavelength given", "wavelength_source": "config",
        "wavelength_check": f"{agreement}: the rings' curvature asks for +100(50) ppm",
        "orientation": "rotated by 180 degree",
    }  # fmt: skip
    return xr.Dataset(data, attrs=attrs)


def by_name(geometry) -> dict:
    return {row.quantity: row for row in conclude_calibration(geometry)}


def test_numbers_in_the_units_of_the_field() -> None:
    rows = by_name(make_geometry())
    distance = rows["detector_distance"]
    assert (distance.value, distance.unit) == (pytest.approx(999.8), "mm")
    assert distance.stderr == pytest.approx(9.998e-3)
    assert distance.systematic == pytest.approx(2 * 9.998e-3)
    assert rows["tilt1"].value == pytest.approx(0.5) and rows["tilt1"].unit == "degree"
    assert rows["tilt2"].stderr == pytest.approx(0.25e-5)
    assert rows["beam_row"].value == 1020.5 and rows["beam_row"].unit == "pixel"
    assert all(row.subject == "CeO2" for row in rows.values())
    assert "given_geometry" not in rows


def test_rings_left_out() -> None:
    row = by_name(make_geometry())["ring_offset"]
    assert row.value == pytest.approx(np.sqrt((30**2 + 40**2) / 2))
    assert row.stderr == pytest.approx(row.value / 2)
    assert "at 5.25 degree, is -40 ppm off" in row.reason
    assert "25 ppm of it lie beyond" in row.reason
    none = by_name(make_geometry(held_out=(np.nan, 3.0)))["ring_offset"]
    assert none.value is None and none.verdict == Verdict.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("agreement", "verdict"),
    [
        ("agrees", Verdict.AGREES),
        ("differs", Verdict.DIFFERS),
        ("not checked", Verdict.NOT_CHECKED),
    ],
)
def test_the_wavelength_that_the_rings_ask_for(agreement: str, verdict: Verdict) -> None:
    row = by_name(make_geometry(agreement))["wavelength_check"]
    assert row.verdict == verdict
    assert row.value == pytest.approx(100) and row.stderr == pytest.approx(50)
    assert "0.2413 angstrom from config" in row.reason


def test_a_geometry_that_was_given() -> None:
    row = by_name(make_geometry(given=True))["given_geometry"]
    assert (row.value, row.stderr) == (30.0, 3.0)
    assert "rotated by 180 degree" in row.reason and "by 3.00 pixel" in row.reason
