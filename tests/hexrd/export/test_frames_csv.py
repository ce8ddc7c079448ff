"""The long table: shares by hand, and what is left empty."""

import io

import numpy as np
import pandas as pd
import xarray as xr

from ssbchar.hexrd.export import frames_csv


def lattice():
    both = ("frame", "phase")
    cell = np.arange(24, dtype=float).reshape(2, 2, 6)
    return xr.Dataset(
        {
            "present": (both, [[1, 1], [1, 0]]),
            "verdict": (both, np.array([["ok", "held"], ["ok", "absent"]], dtype=object)),
            "cell": ((*both, "axis"), cell),
            "cell_stderr": ((*both, "axis"), cell / 100),
            "volume": (both, [[1.0, 2.0], [3.0, 4.0]]),
            "volume_stderr": (both, [[0.1, 0.2], [0.3, 0.4]]),
            "intensity": (both, [[30.0, 10.0], [20.0, 7.0]]),
            "intensity_stderr": (both, [[3.0, 4.0], [2.0, 9.0]]),
            "weight_fraction": (both, [[0.7, np.nan], [1.0, np.nan]]),
            "weight_fraction_stderr": (both, [[0.01, np.nan], [0.02, np.nan]]),
            "rwp": ("frame", [5.0, 6.0]),
            "rexp": ("frame", [4.0, 4.5]),
            "gof": ("frame", [1.25, 1.5]),
            "zero": ("frame", [0.001, 0.002]),
        },
        coords={"frame": [1, 2], "phase": ["A", "B"]},
        attrs={"length_scale_stderr": 3e-5},
    )


def table(**attrs):
    frame = ("frame",)
    patterns = xr.Dataset(
        {
            "source_file": (frame, np.array(["a", "b"], dtype=object)),
            "status": (frame, np.array(["ok", "zeros"], dtype=object)),
        },
        coords={"frame": [1, 2]},
        attrs=attrs,
    )
    furnace = xr.Dataset(
        {
            "time": (frame, [1714979289.5, np.nan]),
            "temperature": (frame, [25.0, 30.0]),
            "temperature_stderr": (frame, [0.1, 0.2]),
            "temperature_systematic": (frame, [1.0, 2.0]),
            "segment": (frame, np.array(["heating", "hold"], dtype=object)),
        }
    )
    return pd.read_csv(io.StringIO(frames_csv.format_table(patterns, furnace, lattice())))


def test_shares_by_hand():
    share, stderr = frames_csv.calculate_shares(lattice())
    np.testing.assert_allclose(share, [[75.0, 25.0], [100.0, np.nan]])
    one = np.sqrt(0.25**2 * 9 + 0.75**2 * 16) / 40
    two = np.sqrt(0.75**2 * 16 + 0.25**2 * 9) / 40
    np.testing.assert_allclose(stderr, [[100 * one, 100 * two], [0.0, np.nan]])


def test_without_intensity_there_are_no_shares():
    empty = lattice()
    empty["intensity"] = (("frame", "phase"), np.zeros((2, 2)))
    assert np.all(np.isnan(frames_csv.calculate_shares(empty)[0]))


def test_rows_are_frames_by_phases():
    found = table()
    assert found["frame"].tolist() == [1, 1, 2, 2] and found["phase"].tolist() == list("ABAB")
    assert found["a_angstrom"].tolist() == [0.0, 6.0, 12.0, 18.0]
    assert found["gamma_stderr"].tolist() == [0.05, 0.11, 0.17, 0.23]
    assert found["temperature_degC"].tolist() == [25.0, 25.0, 30.0, 30.0]
    assert found["temperature_systematic_K"].tolist() == [1.0, 1.0, 2.0, 2.0]
    assert found["verdict"].tolist() == ["ok", "held", "ok", "absent"]
    assert found["gof"].tolist() == [1.25, 1.25, 1.5, 1.5]
    assert set(found["length_scale_stderr"]) == {3e-5} and "synthetic" not in found
    assert (
        found["time_utc"][0] == "2024-05-06T07:08:09.500+00:00"
        and found["time_utc"][2:].isna().all()
    )


def test_weights_are_given_where_all_phases_of_the_frame_have_one():
    found = table()
    assert found["weight_percent"][:2].isna().all(), "phase B has no trusted structure"
    assert found["weight_percent"][2] == 100.0 and found["weight_stderr"][2] == 2.0


def test_synthetic_data_say_so():
    assert set(table(synthetic=1)["synthetic"]) == {1}
