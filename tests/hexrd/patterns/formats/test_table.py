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


@pytest.mark.parametrize(
    ("head", "unit"),
    [
        ("Q(A^-1)", "1/angstrom"),
        ("q [1/nm]", "1/nm"),
        ("2θ (°)", "degree"),
        ("Angle", "degree"),
        ("momentum transfer (1/A)", "1/angstrom"),
        ("d-spacing (Å)", "angstrom"),
    ],
)
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_names_with_units(head: str, unit: str, separator: str, tmp_path: Path) -> None:
    line = separator.join
    text = f"{line([head, 'Intensity [counts]'])}\n{line(['1.0', '10'])}\n{line(['1.1', '20'])}\n"
    found = extracted(tmp_path, text)
    assert found.unit == unit and found.misread == ()
    np.testing.assert_array_equal(found.x, [1.0, 1.1])


def test_decimal_commas(tmp_path: Path) -> None:
    for separator in ";\t":
        text = "2theta;I\n6,031;1234,5\n6,032;1235\n".replace(";", separator)
        found = extracted(tmp_path, text)
        np.testing.assert_array_equal(found.x, [6.031, 6.032])
        np.testing.assert_array_equal(found.intensity, [[1234.5, 1235]])
    with pytest.raises(BadInput, match="decimal points and decimal commas"):
        extracted(tmp_path, "2theta;I\n6.031;1,234\n")


def test_the_header_of_a_laboratory_instrument(tmp_path: Path) -> None:
    text = (
        "[Measurement conditions]\nSample identification,LFP\n"
        "K-Alpha1 wavelength,1.540598\nMeasurement date / time,2021-03-01 10:00:00\n"
        "Time per step,0.5\nTemperature (K),300\n[Scan points]\nAngle,Intensity\n"
        "10.0,100\n10.1,110\n"
    )
    found = extracted(tmp_path, text)
    assert found.unit == "degree" and found.x.tolist() == [10.0, 10.1]
    assert found.wavelength is not None and found.wavelength[0] == 1.540598
    assert found.temperature[0] == pytest.approx(26.85) and found.exposure[0] == 0.5
    assert found.local_time is not None and found.local_time.year == 2021


def test_a_unit_that_is_none_is_kept_for_the_user(tmp_path: Path) -> None:
    found = extracted(tmp_path, "q (furlong),I\n1.0,10\n1.1,20\n")
    assert "no unit of inverse length" in found.misread[0].problem


def test_values_of_the_header(tmp_path: Path) -> None:
    found = extracted(tmp_path, "# Temp (K) = 300\n# time: 1970-01-02T00:00:00Z\nq,I\n1,10\n2,20\n")
    assert found.temperature[0] == pytest.approx(26.85) and found.time[0] == 86400.0


def test_names_in_a_comment(tmp_path: Path) -> None:
    assert extracted(tmp_path, "# q_nm^-1,I\n1,10\n2,20\n").unit == "1/nm"


def test_a_table_cut_within_its_last_number_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("two_theta;intensity\n1.0;12.50\n1.1;13.25\n1.2;14.7")
    with pytest.raises(BadInput, match=r"ends within a number \('14.7'\); copy the file again"):
        table.extract(path)
    path.write_text("two_theta;intensity\n1.0;12.50\n1.1;13.25\n1.2;14.75")
    assert table.extract(path).intensity.shape == (1, 3)


def test_one_name_is_none_of_two_columns(tmp_path: Path) -> None:
    found = extracted(tmp_path, "# q\n1.0,10\n1.1,20\n")
    np.testing.assert_array_equal(found.x, [1.0, 1.1])
    assert found.axis_name == ""


@pytest.mark.parametrize("text", ["q,I\n", "q,I\nx,y\n", "#\n", ""])
def test_a_table_without_rows_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadInput):
        extracted(tmp_path, text)


def test_rows_without_names_may_have_decimal_commas(tmp_path: Path) -> None:
    for text in ("1,5;10,5\n1,6;20,5\n", "1.5,10.5\n1.6,20.5\n", "1,5\t10,5\n1,6\t20,5\n"):
        found = extracted(tmp_path, text)
        np.testing.assert_array_equal(found.x, [1.5, 1.6])
        np.testing.assert_array_equal(found.intensity, [[10.5, 20.5]])
