"""Tables: columns found by their names, in any order."""

from pathlib import Path

import numpy as np
import pytest

from ssbchar.errors import BadInput
from ssbchar.hexrd.patterns.formats import table
from ssbchar.hexrd.patterns.formats.extracted import PatternFile


def extracted(folder: Path, text: str) -> PatternFile:
    (folder / "a.csv").write_text(text)
    return table.extract(folder / "a.csv")


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("two_theta", "degree"),
        ("2th_deg", "degree"),
        ("q", "1/angstrom"),
        ("q_A^-1", "1/angstrom"),
        ("q_nm^-1", "1/nm"),
        ("d", "angstrom"),
    ],
)
def test_axis_and_unit_by_name(name: str, unit: str, tmp_path: Path) -> None:
    found = extracted(tmp_path, f"esd,counts,{name}\n3,10,1.0\n4,20,1.1\n")
    assert found.unit == unit
    np.testing.assert_array_equal(found.x, [1.0, 1.1])
    np.testing.assert_array_equal(found.intensity, [[10, 20]])
    np.testing.assert_array_equal(found.stderr, [[3, 4]])


def test_without_names_the_order_counts(tmp_path: Path) -> None:
    found = extracted(tmp_path, "1.0;10;3\n1.1;20;4\n")
    np.testing.assert_array_equal(found.x, [1.0, 1.1])
    np.testing.assert_array_equal(found.stderr, [[3, 4]])
    assert found.unit == "" and extracted(tmp_path, "1.0\t10\n1.1\t20\n").stderr is None


def test_a_constant_monitor_column_is_the_monitor(tmp_path: Path) -> None:
    head = "# monitor: 7\n"
    assert extracted(tmp_path, head + "q,I,i0\n1,10,2.5\n2,20,2.5\n").monitor.tolist() == [2.5]
    assert extracted(tmp_path, head + "q,I,i0\n1,10,2.5\n2,20,2.6\n").monitor.tolist() == [7]
    assert extracted(tmp_path, head + "q,I\n1,10\n2,20\n").monitor.tolist() == [7]


def test_the_header_is_kept_until_it_is_read(tmp_path: Path) -> None:
    found = extracted(tmp_path, "# synthetic; wavelength = 0.25\nq,I\n1,10\n2,20\n")
    assert found.synthetic and found.wavelength is not None and found.wavelength[0] == 0.25


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# only\n", "the file is empty"),
        ("x,I\n1,2\n", r"no axis \(two_theta, q or d\) column among x, I"),
        ("q,z\n1,2\n", "no intensity column among q, z"),
        ("q,I\n1,abc\n", "a cell is no number"),
        ("1.0\n1.1\n", "a cell is no number"),
    ],
)
def test_what_is_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=message):
        extracted(tmp_path, text)
