"""The change of a cell by another route than the whole pattern: from the places of single lines.

Lines of a phase that the refinement does not know shift the cell of one that it does; single lines
feel it where they overlap, and scatter. What both routes differ by is an error of the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ssbchar.crystal.cell import d_from_hkl
from ssbchar.hexrd.bragg import d_from_two_theta
from ssbchar.hexrd.expansion import tensor
from ssbchar.hexrd.pairs.cells import (
    PARAMETERS,
    QUANTITIES,
    STEP,
    CellDifference,
    append_quantities,
)
from ssbchar.hexrd.pairs.line_ratios import SpecimenLines, average_places
from ssbchar.hexrd.verdict.common_change import RECTANGULAR
from ssbchar.typing import Array

SURELY = 2.0
"""Standard errors beyond which two routes differ."""
UNCHECKED = 2.0
"""Times its own error that a cell may be off where lines are not explained, at least: they lie
beneath known ones, too."""


@dataclass(frozen=True, kw_only=True)
class LineChange:
    """Relative change of every quantity of a cell by single lines, shape (9,) [1]."""

    value: Array
    stderr: Array
    lines: int


def compare_by_lines(
    lines: tuple[SpecimenLines, SpecimenLines],
    phase: str,
    difference: CellDifference,
    wavelengths: tuple[float, float],
) -> LineChange | None:
    """Return the change of a phase's cell from the lines that were fitted in both specimens; None
    where they are too few.

    The logarithm of each spacing changes by those of the free cell parameters times its
    derivatives; weighted least squares, the error grown with the scatter of the lines (Birge).

    Parameters
    ----------
    lines : (SpecimenLines, SpecimenLines)
        Of pristine and cycled.
    phase : str
    difference : CellDifference
        By the whole pattern: the cell, its free parameters and the zeros.
    wavelengths : (float, float)
        [angstrom]
    """
    before, after = (average_places(one, phase) for one in lines)
    shared = [hkl for hkl in before if hkl in after]
    places = [place for place in difference.free if place < PARAMETERS]
    if len(shared) < len(places) + 1 or not places:
        return None
    logs, variances = np.zeros(len(shared)), np.zeros(len(shared))
    for side, found, sign in ((0, before, -1.0), (1, after, 1.0)):
        at = np.array([found[hkl][0] for hkl in shared]) - difference.zeros[side]
        stderr = np.array([found[hkl][1] for hkl in shared])
        logs += sign * np.log(d_from_two_theta(at, wavelengths[side]))
        # d ln(d) = -cot(theta) d(theta)
        variances += (np.radians(stderr) / 2 / np.tan(np.radians(at) / 2)) ** 2
    hkl = np.array([[float(word) for word in name.split()] for name in shared])
    design = _differentiate_logs(hkl, difference.cell, places)
    weight = 1 / np.sqrt(variances)
    solved, *_ = np.linalg.lstsq(design * weight[:, None], logs * weight, rcond=None)
    left = (logs - design @ solved) * weight
    chi2 = float(left @ left) / max(len(shared) - len(places), 1)
    normal = (design * weight[:, None]).T @ (design * weight[:, None])
    covariance = np.linalg.pinv(normal) * max(chi2, 1.0)
    turn = _differentiate_quantities(difference.cell, places)
    return LineChange(
        value=turn @ solved,
        stderr=np.sqrt(np.maximum(np.einsum("qi,ij,qj->q", turn, covariance, turn), 0.0)),
        lines=len(shared),
    )


def _spread(cell: Array, places: Sequence[int]) -> Array:
    """Return the change of all six cell parameters per unit change of the free ones, relative of
    lengths [angstrom], absolute of angles [degree]; tied lengths and angles follow."""
    out = np.zeros((len(places), PARAMETERS))
    for row, place in enumerate(places):
        tied = [
            other
            for other in range(PARAMETERS)
            if (other < 3) == (place < 3)
            and np.isclose(cell[other], cell[place], rtol=1e-9, atol=0)
            and (other == place or other not in places)
        ]
        # An angle that symmetry fixes is no follower of one of the same size.
        tied = tied if place < 3 else [place]
        out[row, tied] = cell[tied] if place < 3 else 1.0
    return out


def _differentiate_logs(hkl: Array, cell: Array, places: Sequence[int]) -> Array:
    """Return d ln(d) / d parameter of each line, shape (lines, parameters)."""
    columns = []
    for change in _spread(cell, places):
        up, down = (np.log(d_from_hkl(hkl, cell + sign * STEP * change)) for sign in (1, -1))
        columns.append((up - down) / (2 * STEP))
    return np.stack(columns, axis=1)


def _differentiate_quantities(cell: Array, places: Sequence[int]) -> Array:
    """Return the relative change of every quantity per change of the free parameters, shape (9,
    parameters)."""
    turn = tensor.differentiate(append_quantities, cell[None], np.full((1, PARAMETERS), STEP))[0]
    relative = turn / append_quantities(cell[None])[0][:, None]
    return np.asarray(relative @ _spread(cell, places).T)


def estimate_form_error(
    difference: CellDifference, by_lines: LineChange | None, *, has_unexplained: bool
) -> Array:
    """Return what the whole pattern and single lines say differently, one standard deviation of the
    relative changes, shape (9,) [1].

    Where all lines are explained, what lies beyond their errors; where some are not, all of it.

    Parameters
    ----------
    difference : CellDifference
    by_lines : LineChange or None
    has_unexplained : bool
        Whether either specimen has lines that no phase explains.
    """
    unchecked = UNCHECKED * difference.stderr if has_unexplained else np.zeros(len(QUANTITIES))
    if by_lines is None:
        return np.asarray(unchecked)
    apart = np.abs(difference.value - by_lines.value)
    if has_unexplained:
        return np.asarray(np.maximum(RECTANGULAR * apart, unchecked))
    stderr = np.hypot(difference.stderr, by_lines.stderr)
    return np.asarray(RECTANGULAR * np.maximum(apart - SURELY * stderr, 0.0))
