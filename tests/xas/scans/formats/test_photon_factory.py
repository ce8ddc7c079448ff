"""The format 9809: counters by their modes, the crystal's spacing, cut rows."""

from pathlib import Path

import numpy as np
import pytest

from ssbchar.errors import BadInput
from ssbchar.xas.scans.formats.photon_factory import is_photon_factory, parse_photon_factory

WHERE = Path("a.dat")
NAMES = "    Angle(c)  Angle(o)    time/s         2         3         4"


def written(modes: str = "0 0 1 2 3", rows: int = 3) -> str:
    lines = ["  9809     KEK-PF   BL12C", "SI(111)  D=  3.13551 A   Initial angle", "", NAMES]
    lines += [f"      Mode  {modes}", "    Offset   0   0   1.0   2.0   3.0"]
    lines += [f"  12.7{n}  12.8{n}  1.0  10{n}  20{n}  30{n}" for n in range(rows)]
    return "\n".join(lines) + "\n"


def test_counters_by_their_modes() -> None:
    scan = parse_photon_factory(WHERE, written())
    assert list(scan.columns) == ["Angle(c)", "Angle(o)", "time/s", "I0", "I1", "If"]
    np.testing.assert_array_equal(scan.columns["I0"], [100, 101, 102])
    np.testing.assert_array_equal(scan.columns["Angle(o)"], [12.80, 12.81, 12.82])
    assert scan.header == {"mono.d_spacing": "3.13551"}


@pytest.mark.parametrize(
    ("modes", "right"),
    [
        ("0 0 0 1 2 3", ["I0", "I1", "If"]),
        ("0 0 1 3 3", ["I0", "If1", "If2"]),
        ("0 0 1 2 9", ["I0", "I1", "4"]),
        ("0 0 0 0 2", ["2", "3", "I1"]),
        ("1 2", ["2", "3", "4"]),
        ("0 0 0 1 2 3 3", ["2", "3", "4"]),
    ],
)
def test_rows_of_modes(modes: str, right: list[str]) -> None:
    scan = parse_photon_factory(WHERE, written(modes))
    assert list(scan.columns)[3:] == right


def test_rows_that_are_cut_or_missing() -> None:
    text = written()
    with pytest.raises(BadInput, match=r"a\.dat:9.*4 columns where 6 are named"):
        parse_photon_factory(WHERE, text.rstrip().rsplit(None, 2)[0])
    assert parse_photon_factory(WHERE, written(rows=2)).columns["I0"].size == 2
    with pytest.raises(BadInput, match="no rows of numbers"):
        parse_photon_factory(WHERE, written(rows=1))
    with pytest.raises(BadInput, match="no line"):
        parse_photon_factory(WHERE, "9809\n1 2\n")
    without = parse_photon_factory(WHERE, written().replace("D=", "E="))
    assert without.header == {}


def test_how_the_format_is_told() -> None:
    assert is_photon_factory(written()) and not is_photon_factory(NAMES)
    assert not is_photon_factory("  9809 but no angles")
