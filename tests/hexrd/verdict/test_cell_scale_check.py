"""Wavelength: what is wrong is found with its size, and what was not checked is said."""

import numpy as np
import pytest
import xarray as xr

from ssbchar.hexrd.verdict import cell_scale_check
from ssbchar.hexrd.verdict.options import Stability
from ssbchar.hexrd.verdict.reference_cells import ReferenceCell


def at(scale: float) -> ReferenceCell:
    value = np.array([5.0 * scale] * 3 + [90.0] * 3 + [125.0 * scale**3])
    return ReferenceCell(value, value * 1e-5, value * 0, value * 0, 4, 1.0, (1.0, 0.1))


KNOWN = {n: xr.Dataset(attrs={"volume": 125.0}) for n in ("A", "B", "C")}


def test_a_wavelength_off_by_a_percent_is_found_with_a_standard() -> None:
    told = cell_scale_check.check_cell_scale({"A": at(1.01)}, KNOWN, Stability(standard="A"), 0.0)
    assert (
        told.verdict == "off"
        and told.value == pytest.approx(1.01)
        and "0.990099 times" in told.reason
    )
    assert (
        cell_scale_check.check_cell_scale(
            {"A": at(1.00005)}, KNOWN, Stability(standard="A"), 0.0
        ).verdict
        == "checked"
    )
    assert (
        cell_scale_check.check_cell_scale(
            {"B": at(1.0)}, KNOWN, Stability(standard="A"), 0.0
        ).verdict
        == "not_checked"
    )


def test_without_a_standard_all_cells_off_alike_tell() -> None:
    off = cell_scale_check.check_cell_scale(
        {"A": at(1.010), "B": at(1.0105)}, KNOWN, Stability(), 0.0
    )
    assert off.verdict == "off" and "0.9899 times" in off.reason
    apart = cell_scale_check.check_cell_scale(
        {"A": at(1.012), "B": at(0.999), "C": at(1.0)}, KNOWN, Stability(), 0.0
    )
    assert apart.verdict == "not_checked"


def test_what_was_not_checked_is_said_with_its_systematic() -> None:
    told = cell_scale_check.check_cell_scale({"A": at(1.0)}, KNOWN, Stability(), 2e-4)
    assert told.verdict == "not_checked" and "cells carry 200 ppm" in told.reason
    assert (
        "no error of it is stated"
        in cell_scale_check.check_cell_scale({}, KNOWN, Stability(), 0.0).reason
    )
