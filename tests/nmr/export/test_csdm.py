"""CSDM: axes and numbers of a small series, by hand."""

import base64
import json
from typing import Any

import numpy as np
import pytest
import xarray as xr
from nmr import signals

from ssbchar.nmr.export import csdm

Y = np.array([[1 + 2j, -3j, 0.5], [4, 5 - 1j, 6]])


def series(y: np.ndarray = Y, decay_time: object = (0.25, 0.5), **attrs: object) -> xr.Dataset:
    ds = signals.dataset(y, decay_time=np.array(decay_time, float), sf=116.0, sfo1=116.5, **attrs)
    return ds.assign_coords(time=("time", [0.25, 0.75, 1.25], {"units": "s"}))


def written(ds: xr.Dataset) -> dict[str, Any]:
    text = csdm.format_series(ds, "Li13Si4", "2024-01-02T03:04:05+00:00")
    assert text.endswith("}\n")
    root: dict[str, Any] = json.loads(text)["csdm"]
    return root


def test_axes_by_hand() -> None:
    time, slices = written(series())["dimensions"]
    assert time == {
        "type": "linear",
        "count": 3,
        "increment": "0.5 s",
        "coordinates_offset": "0.25 s",
        "label": "time after the echo's top",
        "reciprocal": {
            "coordinates_offset": "500000.0 Hz",
            "origin_offset": "116.0 MHz",
            "label": "frequency against 0 ppm",
        },
    }
    assert slices == {
        "type": "monotonic",
        "coordinates": ["0.25 s", "0.5 s"],
        "label": "decay time",
    }


def test_numbers_are_little_endian_complex_real_part_first() -> None:
    variable = written(series())["dependent_variables"][0]
    stored = base64.b64decode(variable["components"][0])
    assert len(stored) == 6 * 16 and variable["numeric_type"] == "complex128"
    pairs = np.frombuffer(stored, "<f8").reshape(6, 2)
    assert pairs[:3].tolist() == [[1, 2], [0, -3], [0.5, 0]]
    np.testing.assert_array_equal(pairs[:, 0] + 1j * pairs[:, 1], Y.ravel())


def test_a_single_slice_has_time_alone() -> None:
    root = written(series(Y[:1], (0.25,)))
    assert [dimension["type"] for dimension in root["dimensions"]] == ["linear"]
    assert len(base64.b64decode(root["dependent_variables"][0]["components"][0])) == 3 * 16


@pytest.mark.parametrize(
    "decay_time", [(0.5, 0.25), (0.25, 0.25), (0.25, np.nan), (np.nan, np.nan), (0.25, np.inf)]
)
def test_slices_are_numbered_where_decay_times_do_not_rise(decay_time: tuple[float, float]) -> None:
    assert written(series(decay_time=decay_time))["dimensions"][1] == {
        "type": "linear",
        "count": 2,
        "increment": "1",
        "coordinates_offset": "1",
        "label": "slice",
    }


def test_what_is_known_of_the_series_goes_along() -> None:
    root = written(series(provenance="long", scans=np.int64(16), sr=np.nan, top=np.float64(1.5)))
    assert (root["description"], root["timestamp"]) == ("Li13Si4", "2024-01-02T03:04:05+00:00")
    assert root["version"] == "1.0" and root["tags"] == ["7Li NMR"]
    about = root["application"]["ssbchar"]
    assert "provenance" not in about and about["nucleus"] == "7Li"
    assert (about["scans"], about["sr"], about["top"]) == (16, None, 1.5)
    assert list(about) == sorted(about)
