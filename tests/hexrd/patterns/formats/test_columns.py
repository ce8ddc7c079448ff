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


# Spellings and damage


BANK_ROWS = "".join(f"{100 + 2 * n}.0 {10 + n} 3\n" for n in range(20))


@pytest.mark.parametrize("word", ["BANK", "bank", "  BANK", "\tBank"])
def test_a_bank_line_in_any_case(word: str, tmp_path: Path) -> None:
    found = extracted(tmp_path, f"title\n{word} 1 20 20 CONS 100.0 2.0 0 0 FXYE\n" + BANK_ROWS)
    np.testing.assert_allclose(found.x, 1.0 + 0.02 * np.arange(20))
    assert found.unit == "degree"


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("bank 1 20 20 CONS 500.0 2.0 0 0 FXYE\n", "is not the one of these rows"),
        ("BANK 1 21 21 CONS 100.0 2.0 0 0 FXYE\n", "announces 21 points and holds 20"),
        ("BANK 1 20 4 CONS 100.0 2.0 0 0 ALT\n", "GSAS data of type ALT are not read"),
        ("BANK 1 20 4 CONS 100.0 2.0 0 0 ESD\n", "a field of its GSAS data is no number"),
        ("BANK 1 20 20 SLOG 1000 2000 0.0004 0 FXYE\n", "is no scan of 2theta"),
        ("a.tif\n2-Theta Angle (Degrees)\nIntensity\n   25\n", "announces 25 points and holds 20"),
    ],
)
def test_what_a_header_announces(head: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=message):
        extracted(tmp_path, head + BANK_ROWS)


def test_several_banks_are_refused(tmp_path: Path) -> None:
    bank = "BANK 1 20 20 CONS 100.0 2.0 0 0 FXYE\n" + BANK_ROWS
    with pytest.raises(BadInput, match=r"a\.xye:22: holds several banks"):
        extracted(tmp_path, bank + bank)


@pytest.mark.parametrize(
    "text",
    [
        "1.000000 10.50 3.25\n1.100000 20.25 4.50\n1.200000 30.75 5.",
        "1.000000 10.50 3.25\n1.100000 20.25 4.50\n1.200000 30.75 5",
        "1.0E+00 1.050E+01\n1.1E+00 2.025E+01\n1.2E+00 3.075E+0",
        "1.0 10.123\n1.1 20.12\n1.2 30.1234\n1.3 30.1",
    ],
)
def test_a_cut_last_number_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="it ends within a number"):
        extracted(tmp_path, text)
    assert extracted(tmp_path, text + "0\n").x.size >= 3


def test_a_last_line_without_its_end_is_whole(tmp_path: Path) -> None:
    assert extracted(tmp_path, "1.0 10.50\n1.1 20.25\n1.2 9.75").x.size == 3
    assert extracted(tmp_path, "1.0 10\n1.1 20\n1.2 9").x.size == 3


@pytest.mark.parametrize(
    "text",
    [
        "6,031 1234,5 3\n6,032 1235,5 3\n",
        "6,031\t1234,5\t3\n6,032\t1235,5\t3\n",
        "6,031;1234,5;3\n6,032;1235,5;3\n",
        "6,031, 1234,5, 3\n6,032, 1235,5, 3\n",
        "6,031 1234,5 3,0E0\n6,032 1235,5 3,0E0\n",
    ],
)
def test_decimal_commas(text: str, tmp_path: Path) -> None:
    found = extracted(tmp_path, "# 2theta I sigma\n" + text)
    np.testing.assert_array_equal(found.x, [6.031, 6.032])
    np.testing.assert_array_equal(found.intensity, [[1234.5, 1235.5]])
    np.testing.assert_array_equal(found.stderr, [[3, 3]])
    assert "commas are decimal" in found.assumed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("6,031\n6,032\n6,033\n", "nothing tells which"),
        ("6,031,1234,5\n6,032,1235,5\n", "nothing tells which|6,031"),
        ("6.031 1,234.5\n6.032 1,235.5\n", "decimal points and decimal commas"),
        ("6.031 1,234\n6.032 1,235\n", "decimal points and decimal commas"),
    ],
)
def test_commas_with_two_meanings_are_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=message):
        extracted(tmp_path, text)


def test_commas_between_whole_numbers_part_them(tmp_path: Path) -> None:
    found = extracted(tmp_path, "6,31\n7,32\n8,33\n")
    np.testing.assert_array_equal(found.x, [6, 7, 8])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "latin-1"])
def test_encodings_lose_no_row(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "a.xye").write_bytes((ROWS * 1).encode(encoding))
    np.testing.assert_array_equal(columns.extract(tmp_path / "a.xye").x, [1.0, 1.1, 1.2])
    (tmp_path / "b.xye").write_bytes(("# T [°C]: 25\n" + ROWS).encode(encoding))
    found = columns.extract(tmp_path / "b.xye")
    np.testing.assert_array_equal(found.x, [1.0, 1.1, 1.2])
    assert found.temperature[0] == 25.0


def test_ends_of_lines_of_old_macs(tmp_path: Path) -> None:
    (tmp_path / "a.xye").write_bytes(("# head\n" + ROWS).replace("\n", "\r").encode())
    np.testing.assert_array_equal(columns.extract(tmp_path / "a.xye").x, [1.0, 1.1, 1.2])


def test_a_damaged_first_row_is_no_header(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"a\.xye:2: '1\.0 x10 3' is no row"):
        extracted(tmp_path, "# head\n1.0 x10 3\n" + ROWS)


@pytest.mark.parametrize("value", ["1e39", "inf", "-4e38"])
def test_what_single_precision_cannot_hold_is_refused(value: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="beyond single precision"):
        extracted(tmp_path, ROWS + f"1.3 {value} 5\n")


def test_a_third_column_that_is_no_error(tmp_path: Path) -> None:
    assert extracted(tmp_path, "# 2theta Iobs Icalc\n" + ROWS).stderr is None
