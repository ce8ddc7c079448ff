"""Rows of conclusions: limits that follow from a value, what is stored, what comes back."""

import math

import pytest

from ssbchar.conclusion import COLUMNS, Conclusion, convert_to_rows, read_rows


def test_missing_limits_follow_from_both_uncertainties() -> None:
    (row,) = convert_to_rows([Conclusion("a", value=1.0, stderr=0.3, systematic=0.4)])
    assert row["lower95"] == pytest.approx(1 - 1.959964 * 0.5, abs=1e-6)
    assert row["upper95"] == pytest.approx(1 + 1.959964 * 0.5, abs=1e-6)


@pytest.mark.parametrize("given", [{"value": 1.0}, {"value": 1.0, "stderr": 1.0, "upper95": 2.0}])
def test_limits_are_not_made_up(given: dict[str, float]) -> None:
    (row,) = convert_to_rows([Conclusion("a", **given)])
    assert row["lower95"] is None


def test_a_number_that_is_not_finite_is_none() -> None:
    (row,) = convert_to_rows([Conclusion("a", value=math.nan, upper95=math.inf)])
    assert (row["value"], row["upper95"]) == (None, None)


def test_rows_come_back_with_the_basis_of_a_share() -> None:
    plain, share = Conclusion("a", value=1.0), Conclusion("b", value=2.0, basis="by weight")
    rows = convert_to_rows([plain, share])
    assert tuple(rows[0]) == COLUMNS and rows[1]["basis"] == "by weight"
    assert read_rows(rows) == [plain, share]
