"""Was the wavelength checked: the scale of the cells against an internal standard, or against what
is known of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.conclusion import Conclusion
from ssbchar.hexrd.verdict.options import Stability
from ssbchar.hexrd.verdict.reference_cells import ReferenceCell

if TYPE_CHECKING:
    import xarray as xr

METHOD = "cells at rest before heating over those of the phases file, cube root of the volumes"


def check_cell_scale(
    found: Mapping[str, ReferenceCell],
    known: Mapping[str, xr.Dataset],
    options: Stability,
    error: float,
) -> Conclusion:
    """Return the scale of the cells against known ones [1] and whether the wavelength counts as
    checked.

    With an internal standard (`options.standard`): `checked` within its tolerance, else `off`.
    Without: `off` where all phases deviate alike by more than the tolerance of their published
    cells, else `not_checked`.

    Parameters
    ----------
    found : mapping
        Phase to its cell at rest before heating.
    known : mapping
        Phase to its table, with the attribute ``volume`` [angstrom^3].
    options : Stability
    error : float
        Relative standard error of the wavelength as stated; 0 none.
    """
    row = Conclusion("cell_scale", unit="1", method=METHOD)
    scales = {
        name: (
            float((at.value[6] / known[name].attrs["volume"]) ** (1 / 3)),
            float(at.stderr[6] / at.value[6] / 3),
        )
        for name, at in found.items()
        if name in known and "volume" in known[name].attrs
    }
    carried = (
        f"cells carry {1e6 * error:.0f} ppm for it"
        if error
        else "no error of it is stated: cells carry none for it"
    )
    if options.standard:
        if options.standard not in scales:
            return replace(
                row,
                verdict="not_checked",
                reason=f"the standard {options.standard} is not there; {carried}",
            )
        value, stderr = scales[options.standard]
        tolerance = options.standard_tolerance / 100
        good = abs(value - 1) <= tolerance + 2 * stderr
        reason = f"internal standard {options.standard}, tolerance {options.standard_tolerance:g} %"
        if not good:
            reason += f"; the wavelength should be {1 / value:.6f} times the one used"
        return replace(
            row,
            value=value,
            stderr=stderr,
            systematic=tolerance,
            verdict="checked" if good else "off",
            reason=reason,
        )
    if not scales:
        return replace(row, verdict="not_checked", reason=f"no reference cell; {carried}")
    values = np.array([v for v, _ in scales.values()])
    middle, spread = float(np.median(values)), float(np.ptp(values)) / 2
    tolerance = options.reference_tolerance / 100
    each = ", ".join(f"{n} {v:.5f}" for n, (v, _) in scales.items())
    if abs(middle - 1) > tolerance and spread < abs(middle - 1) / 2:
        reason = f"all cells are off alike ({each}): the wavelength is probably {1 / middle:.4f} times the one used"
        return replace(row, value=middle, systematic=tolerance, verdict="off", reason=reason)
    reason = f"the wavelength was not checked (name an internal standard in hexrd.stability.standard); {carried}; {each}"
    return replace(row, value=middle, systematic=tolerance, verdict="not_checked", reason=reason)
