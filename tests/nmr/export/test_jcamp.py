"""JCAMP-DX: a small block written out by hand, and the unit in which numbers are whole."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from nmr import signals

from ssbchar.nmr.export import jcamp

SECONDS = jcamp.Axis(first=0.0, last=2.0, count=3, name="TIME", units="SECONDS")


def lines(block: str) -> dict[str, str]:
    """The labelled records of a block, the last of each name."""
    records = (line[2:].split("= ", 1) for line in block.splitlines() if line.startswith("##"))
    return {record[0]: record[-1] for record in records}


def test_a_block_by_hand() -> None:
    y = np.array([1 - 6j, 2 + 5j, -3 + 0j])
    records = {".OBSERVE FREQUENCY": 116.642, ".OBSERVE NUCLEUS": "^7Li", "SCANS": 16}
    assert jcamp.format_block("powder", "NMR FID", SECONDS, y, records).splitlines() == [
        "##TITLE= powder",
        "##JCAMP-DX= 5.00 $$ ssbchar",
        "##DATA TYPE= NMR FID",
        "##DATA CLASS= NTUPLES",
        "##.OBSERVE FREQUENCY= 116.642",
        "##.OBSERVE NUCLEUS= ^7Li",
        "##SCANS= 16",
        "##NPOINTS= 3",
        "##NTUPLES= NMR FID",
        "##VAR_NAME= TIME, FID/REAL, FID/IMAG, PAGE NUMBER",
        "##SYMBOL= X, R, I, N",
        "##VAR_TYPE= INDEPENDENT, DEPENDENT, DEPENDENT, PAGE",
        "##VAR_FORM= AFFN, AFFN, AFFN, AFFN",
        "##VAR_DIM= 3, 3, 3, 2",
        "##UNITS= SECONDS, ARBITRARY UNITS, ARBITRARY UNITS, ",
        "##FACTOR= 1, 1, 1, 1",
        "##FIRST= 0, 1, -6, 1",
        "##LAST= 2, -3, 0, 2",
        "##MIN= 0, -3, -6, 1",
        "##MAX= 2, 2, 5, 2",
        "##PAGE= N=1",
        "##DATA TABLE= (X++(R..R)), XYDATA",
        "0 1 2 -3",
        "##PAGE= N=2",
        "##DATA TABLE= (X++(I..I)), XYDATA",
        "0 -6 5 0",
        "##END NTUPLES= NMR FID",
        "##END=",
    ]


def test_factors_and_limits_are_in_the_unit_of_the_numbers() -> None:
    """Multiples of 1/4: written as 1, -6, 12 quarters."""
    y = np.array([0.25 + 0.5j, -1.5 + 3j])
    axis = jcamp.Axis(first=100.0, last=-50.0, count=2, name="FREQUENCY", units="HZ")
    block = jcamp.format_block("x", "NMR SPECTRUM", axis, y, {})
    found = lines(block)
    assert found["VAR_NAME"] == "FREQUENCY, SPECTRUM/REAL, SPECTRUM/IMAG, PAGE NUMBER"
    assert found["FACTOR"] == "-150, 0.25, 0.25, 1"
    assert found["FIRST"] == "100, 0.25, 0.5, 1" and found["LAST"] == "-50, -1.5, 3, 2"
    assert found["MIN"] == "-50, -1.5, 0.5, 1" and found["MAX"] == "100, 0.25, 3, 2"
    assert "\n-1 1 -6\n" in block and "\n-1 2 12\n" in block, "100 / -150 rounds to -1"


def test_lines_of_eight_begin_with_the_index_of_their_first_point() -> None:
    axis = jcamp.Axis(first=-2e-6, last=14e-6, count=17, name="TIME", units="SECONDS")
    assert axis.step == pytest.approx(1e-6, rel=1e-14)
    block = jcamp.format_block("x", "NMR FID", axis, np.arange(17) + 0j, {})
    page = block.split("XYDATA\n")[1].splitlines()[:3]
    assert page == ["-2 0 1 2 3 4 5 6 7", "6 8 9 10 11 12 13 14 15", "14 16"]


@pytest.mark.parametrize(
    ("values", "power"),
    [
        ([1.0, 2.0, 4.0], 0),
        ([-1.0], 0),
        ([4.0, -12.0], 2),
        ([0.375], -3),
        ([2.0**20], 20),
        ([2.0**21], 22 - 40),
        ([2.0**-20], -20),
        ([2.0**-21], -20 - 40),
        ([2.0**40 - 1], 0),
        ([2.0**40 + 1], 1),
        ([2.0**41 + 1], 2),
        ([0.1], -3 - 40),
        ([0.0], 1 - 40),
    ],
)
@pytest.mark.parametrize("turn", [1, 1j])
def test_the_unit_is_the_largest_power_of_two_in_which_all_are_whole(
    values: list[float], power: int, turn: complex
) -> None:
    assert jcamp._choose_factor(turn * np.array(values)) == 2.0**power


def test_numbers_that_are_not_whole_are_rounded_to_forty_bits() -> None:
    y = np.array([0.1, -0.7, 1 / 3]) + 0j
    factor = jcamp._choose_factor(y)
    assert factor == pytest.approx(2.0**-40, rel=1e-14), "0.7 is below 1 and above 1/2"
    page = jcamp._format_page(1, "R", SECONDS, np.rint(y.real / factor).astype(np.int64))[2]
    written = factor * np.array(page.split()[1:], float)
    assert np.abs(written - y.real).max() <= 2.0**-41 * (1 + 1e-12)


def test_values_are_written_with_fifteen_digits() -> None:
    assert jcamp._format_value(1 / 3) == "0.333333333333333"
    assert jcamp._format_value(12) == "12" and jcamp._format_value("^7Li") == "^7Li"


def test_the_step_is_that_between_neighbours() -> None:
    assert SECONDS.step == 1.0
    assert replace(SECONDS, first=10.0, count=5).step == -2.0


@pytest.mark.parametrize("scale", [1.0, 2.0**-7, 1e-9, 3e14])
def test_jcamp_numbers_keep_eleven_digits(scale: float, tmp_path: Path) -> None:
    import nmrglue

    y = scale * signals.signal((1.0,), (10.0,), (500.0,), points=333)
    axis = jcamp.Axis(first=-6.8e-5, last=-6.8e-5 + 332e-6, count=333, name="TIME", units="SECONDS")
    (tmp_path / "x.dx").write_text(jcamp.format_block("x", "NMR FID", axis, y, {}))
    _, (real, imag) = nmrglue.jcampdx.read(str(tmp_path / "x.dx"))
    assert np.abs(real + 1j * imag - y).max() < 1e-11 * np.abs(y).max()
