"""A phase whose lines are those of two cells: said, and their mean is no good cell."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ssbchar.conclusion import Conclusion
from ssbchar.hexrd.verdict.reference_cells import ReferenceCell
from ssbchar.typing import Array, Index
from ssbchar.verdict import Verdict

if TYPE_CHECKING:
    import xarray as xr

METHOD = "the frame refined with the phase once and twice; misfit, difference of cells, intensities"
LENGTHS = 3
POWER = np.array([1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 3.0])
"""Relative change of a, b, c, angles and volume per change of all lengths."""


def read_second_cells(lattice: xr.Dataset) -> dict[str, list[Mapping[str, Any]]]:
    """Return the second cells of each phase: number of the frame, relative change of lengths with
    its standard error, and share of the intensity [1].

    Parameters
    ----------
    lattice : Dataset
        ``lattice.nc``, attribute ``second_cells``.
    """
    return dict(json.loads(lattice.attrs.get("second_cells", "{}")))


def conclude_second_cells(found: Sequence[Mapping[str, Any]]) -> list[Conclusion]:
    """Return the row of a phase with two cells [percent], none where it has one.

    Parameters
    ----------
    found : sequence of mapping
        From `read_second_cells`.
    """
    if not found:
        return []
    largest = max(found, key=lambda one: abs(float(one["change"])))
    told = "; ".join(
        f"frame {one['frame']}: {100 * one['change']:+.3f} -/+ {100 * one['change_stderr']:.3f} % "
        "in lengths, "
        f"{100 * one['share']:.0f} % of the intensity"
        for one in found
    )
    return [
        Conclusion(
            "second_cell",
            value=100 * float(largest["change"]),
            stderr=100 * float(largest["change_stderr"]),
            unit="percent",
            verdict=Verdict.DOUBTFUL,
            reason=f"the lines are those of two cells ({told}): one that is refined is neither",
            method=METHOD,
        )
    ]


def mark_two_cells(
    cell: ReferenceCell, found: Sequence[Mapping[str, Any]], chosen: Index, measured: Index
) -> ReferenceCell:
    """Return a reference cell that says whether its frames show two cells, half of their difference
    in its systematic.

    Few frames were looked at: those nearest to the frames of the cell speak for them.

    Parameters
    ----------
    cell : ReferenceCell
        [angstrom, degree], arrays of shape (7,).
    found : sequence of mapping
        From `read_second_cells`.
    chosen, measured : ndarray of int
        Numbers of the frames of the cell, and of all frames.
    """
    if not found or not chosen.size:
        return cell
    middle = float(np.mean(measured))
    is_early = float(np.mean(chosen)) <= middle
    near = [one for one in found if (float(one["frame"]) <= middle) == is_early]
    if not near:
        return cell
    half = max(abs(float(one["change"])) for one in near) / 2
    systematic: Array = np.hypot(cell.systematic, half * POWER * cell.value)
    return replace(cell, is_one=False, systematic=systematic)
