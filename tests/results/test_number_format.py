"""Numbers are rounded to the digits that their uncertainty supports."""

import math

import pytest

from ssbchar.conclusion import Conclusion
from ssbchar.results import number_format
from ssbchar.results.number_format import format_value, round_conclusion


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (Conclusion("q", value=123456.789, stderr=1234.5678), (123457.0, 1235.0)),
        (Conclusion("q", value=8.123456789e-6, stderr=1.23456e-7), (8.1235e-6, 1.235e-7)),
        (Conclusion("q", value=2.0 / 3.0), (0.66666667, None)),
        (Conclusion("q", value=-0.00001, stderr=0.5), (0.0, 0.5)),
        (Conclusion("q", value=1.0, stderr=0.0), (1.0, 0.0)),
    ],
)
def test_rounding(given: Conclusion, kept: tuple[float, float | None]) -> None:
    made = round_conclusion(given)
    assert (made.value, made.stderr) == kept
    assert math.copysign(1, made.value or 0.0) == math.copysign(1, kept[0])


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (Conclusion("a", value=5.411582, stderr=1.04e-5, unit="angstrom"), "5.411582 ± 0.000010 Å"),
        (
            Conclusion("a", value=5.411582, stderr=1.04e-5, systematic=3.2e-4, unit="angstrom"),
            "5.41158 ± 0.00001 (stat) ± 0.00032 (syst) Å",
        ),
        (Conclusion("e", value=-8.123e-6, stderr=1.2e-7, unit="1/K"), "(−8.12 ± 0.12)×10⁻⁶ 1/K"),
        (Conclusion("p", value=93.1, stderr=0.31, unit="percent"), "(93.10 ± 0.31) %"),
        (Conclusion("p", lower95=25.5, upper95=27.0, unit="percent"), "25.50 to 27.00 % (95 %)"),
        (Conclusion("p", upper95=0.0123, unit="1"), "≤ 0.01230 (95 %)"),
        (Conclusion("v", value=1234.5678, stderr=12.0, unit="eV"), "1235 ± 12 eV"),
        (Conclusion("v", verdict="stable"), ""),
        (Conclusion("v", systematic=1.2, verdict="still_present"), ""),
        (Conclusion("v", value=0.0, stderr=0.02, unit="eV"), "0.000 ± 0.020 eV"),
    ],
)
def test_numbers_for_people_show_two_digits_of_the_largest_uncertainty(
    given: Conclusion, line: str
) -> None:
    assert format_value(given) == line


@pytest.mark.parametrize(
    ("uncertainty", "value", "places"),
    [
        (0.0123, 5.0, 3),
        (0.1, None, 2),
        (99.0, 5.0, 0),
        (123.0, None, -1),
        (None, 0.0123, 5),
        (0.0, 123.0, 1),
        (math.inf, None, 4),
        (None, None, 4),
    ],
)
def test_decimal_places_by_hand(
    uncertainty: float | None, value: float | None, places: int
) -> None:
    assert number_format.count_decimals(uncertainty, value, digits=2, alone=4) == places


def test_a_number_has_a_true_minus_sign_and_no_minus_zero() -> None:
    assert number_format.format_number(-1.25, 1) == "\N{MINUS SIGN}1.2"
    assert number_format.format_number(-0.01, 1) == "0.0"
    assert number_format.format_number(1234.0, -2) == "1200"
    assert number_format.format_number(0.00123, 2, power=-3) == "1.23"
    assert number_format.format_number(None, 2) == ""


@pytest.mark.parametrize(
    ("value", "power"),
    [(1e-3, ""), (9.9e-4, "×10⁻⁴"), (999999.0, ""), (1e6, "×10⁶"), (0.0, "")],
)
def test_a_power_of_ten_is_taken_out_of_very_small_and_large_numbers(
    value: float, power: str
) -> None:
    assert number_format.format_cells(Conclusion("q", value=value))["power"] == power


def test_an_open_interval_is_a_bound() -> None:
    cells = {"lower95": "", "upper95": ""}
    assert number_format.format_interval(cells) == ""
    assert number_format.format_interval({**cells, "lower95": "1"}) == "≥ 1"
    assert number_format.format_interval({**cells, "upper95": "2"}) == "≤ 2"
    assert number_format.format_interval({"lower95": "1", "upper95": "2"}) == "1 to 2"


def test_an_interval_alone_is_rounded_by_its_width() -> None:
    made = round_conclusion(Conclusion("q", lower95=1.2345678, upper95=1.3456789))
    assert (made.lower95, made.upper95) == (1.2346, 1.3457)
