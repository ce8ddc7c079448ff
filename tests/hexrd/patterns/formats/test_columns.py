"""Text in columns: what a header states, in its units, and rows that are irregular."""

from pathlib import Path

import numpy as np
import pytest

from ssbchar.errors import BadInput
from ssbchar.hexrd.patterns.formats import columns
from ssbchar.hexrd.patterns.formats.extracted import PatternFile

ROWS = "1.0 10 3\n1.1 20 4\n1.2 30 5\n"


def extracted(folder: Path, text: str, name: str = "a.xye") -> PatternFile:
    (folder / name).write_text(text)
    return columns.extract(folder / name)


@pytest.mark.parametrize(
    ("head", "unit"),
    [
        ("# 2th_deg I sigma\n", "degree"),
        ("2-Theta Angle (Degrees)\n", "degree"),
        ("# q_nm^-1 I\n", "1/nm"),
        ("Q-Space (Inverse Nanometres)\n", "1/nm"),
        ("# q_A^-1 I\n", "1/angstrom"),
        ("# d-spacing I\n", "angstrom"),
        ("# a title\n", ""),
    ],
)
def test_the_unit_of_the_axis(head: str, unit: str, tmp_path: Path) -> None:
    assert extracted(tmp_path, head + ROWS).unit == unit


@pytest.mark.parametrize(
    ("head", "celsius"),
    [
        ("TEMP 300.0\n", 26.85),
        ("! Temp (K) = 300.0\n", 26.85),
        ("# Temperature (C): -20.5\n", -20.5),
        ("# no temperature\n", np.nan),
    ],
)
def test_the_temperature(head: str, celsius: float, tmp_path: Path) -> None:
    found = extracted(tmp_path, head + ROWS).temperature
    assert found.shape == (1,)
    np.testing.assert_allclose(found[0], celsius, equal_nan=True)


@pytest.mark.parametrize(
    ("stamp", "seconds"),
    [
        ("1970-01-02T00:00:00Z", 86400.0),
        ("1970-01-02T00:00:00-06:00", 86400.0 + 21600),
        ("1970-01-02T00:00:00", np.nan),
        ("1970-13-02T00:00:00Z", np.nan),
    ],
)
def test_the_time_needs_a_zone(stamp: str, seconds: float, tmp_path: Path) -> None:
    found = extracted(tmp_path, f"# time: {stamp}\n" + ROWS).time
    np.testing.assert_allclose(found, [seconds], equal_nan=True)


def test_the_monitor() -> None:
    assert columns.monitor_from_header("# monitor: 0.998\n") == 0.998
    assert columns.monitor_from_header("I0 = 1.5e3") == 1500
    assert np.isnan(columns.monitor_from_header("# monitor: off"))


def test_numbers_of_regular_rows(tmp_path: Path) -> None:
    found = extracted(tmp_path, "# head\n" + ROWS)
    np.testing.assert_array_equal(found.x, [1.0, 1.1, 1.2])
    np.testing.assert_array_equal(found.intensity, [[10, 20, 30]])
    np.testing.assert_array_equal(found.stderr, [[3, 4, 5]])
    assert found.frames == 1 and not found.synthetic and found.header == ""
    assert extracted(tmp_path, "1 2\n3 4\n").stderr is None


def test_gsas_is_in_hundredths_of_a_degree(tmp_path: Path) -> None:
    found = extracted(tmp_path, "BANK 1 3 3 CONS 100 10 0 0 FXYE\n" + ROWS)
    np.testing.assert_allclose(found.x, [0.01, 0.011, 0.012])
    assert found.unit == "degree"


@pytest.mark.parametrize(
    "text",
    [
        "1.0,10,3\n1.1;20;4\n1.2 30 5\n",
        "1.0 10 3\n\n1.1 20 4 ! a remark\n1.2 30 5 # another\n",
        "1.0D0 1.0D+1 3\n1.1 20 4\n1.2 30 5",
    ],
)
def test_irregular_rows_give_the_same_numbers(text: str, tmp_path: Path) -> None:
    found = extracted(tmp_path, text)
    np.testing.assert_array_equal(found.x, [1.0, 1.1, 1.2])
    np.testing.assert_array_equal(found.intensity, [[10, 20, 30]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("  \n", "the file is empty"),
        ("only words\n", "no line holds two numbers"),
        ("# head\n1.0 2.0 1.0\n1.1 2.0\n", r"a\.xye:3: 2 columns where the others have 3"),
        ("# head\n1.0 2.0\n\n1.1 abc\n", r"a\.xye:4: '1\.1 abc' is no row of numbers"),
        ("1.0 10 3\n1.1 20 4 1.2 30 5\n", r"a\.xye:2: 6 columns where the others have 3"),
    ],
)
def test_what_is_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=message):
        extracted(tmp_path, text)
