"""Hysteresis: the cells of cooling against those of heating at the same temperature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ssbchar.hexrd.expansion import cell_parameters, tensor
from ssbchar.hexrd.expansion.curve_values import STEP, PhaseCurve
from ssbchar.hexrd.expansion.curves import CellCurve
from ssbchar.hexrd.expansion.dataset import ExpansionValues
from ssbchar.hexrd.furnace.segments import SegmentKind
from ssbchar.typing import Array

SMALLEST_EIGENVALUE = 1e-9
"""Directions whose variance is below this share of the largest are no test."""


@dataclass(frozen=True, kw_only=True)
class FreeValues:
    """The free parameters of a curve at three temperatures."""

    values: Array
    """[angstrom, degree], shape (3, p)."""
    covariance: Array
    """Shape (3p, 3p)."""


def fill_hysteresis(out: ExpansionValues, curves: dict[tuple[int, int], PhaseCurve]) -> None:
    """Put cooling / heating - 1 [1] (the first segment of each) in the middle of their common
    range, and the test of no difference.

    The test takes all free parameters at three temperatures: chi-square of the differences with
    both covariances.

    Parameters
    ----------
    out : ExpansionValues
        Filled in place.
    curves : dict of tuple of int
        Curves by phase and segment; temperatures [degC] of shape (3,) are compared.
    """
    names = out.segments
    if SegmentKind.HEATING not in names or SegmentKind.COOLING not in names:
        return
    up, down = names.index(SegmentKind.HEATING), names.index(SegmentKind.COOLING)
    for p in {phase for phase, _ in curves}:
        warm, cold = curves.get((p, up)), curves.get((p, down))
        if warm is not None and cold is not None:
            _fill_phase(out, p, warm, cold)


def _fill_phase(out: ExpansionValues, phase: int, warm: PhaseCurve, cold: PhaseCurve) -> None:
    """Put the hysteresis of one phase, where both curves have the same free parameters."""
    low = max(warm.curve.basis.low, cold.curve.basis.low)
    high = min(warm.curve.basis.high, cold.curve.basis.high)
    free = warm.free
    if high <= low or not np.array_equal(free.free, cold.free.free):
        return
    at = np.array([low, (low + high) / 2, high])
    heating, cooling = (_evaluate_free(one.curve, free.count, at) for one in (warm, cold))
    out["hysteresis_p"][phase] = _test_difference(heating, cooling)
    out["hysteresis_temperature"][phase] = at[1]
    p = free.count
    # Heating and cooling are fitted apart: their errors are independent.
    middle = slice(p, 2 * p)
    state = np.concatenate([heating.values[1], cooling.values[1]])[None]
    covariance = np.zeros((1, 2 * p, 2 * p))
    covariance[0, :p, :p] = heating.covariance[middle, middle]
    covariance[0, p:, p:] = cooling.covariance[middle, middle]

    def ratio_from_state(x: Array) -> Array:
        after = cell_parameters.cell_and_volume_from_state(free, x[:, p:])
        before = cell_parameters.cell_and_volume_from_state(free, x[:, :p])
        return np.asarray(after / before - 1)

    width = STEP * np.sqrt(np.einsum("tii->ti", covariance))
    turn = tensor.differentiate(ratio_from_state, state, width)[0]
    out["hysteresis"][phase] = ratio_from_state(state)[0]
    variance = np.einsum("qi,ij,qj->q", turn, covariance[0], turn)
    out["hysteresis_stderr"][phase] = np.sqrt(variance)


def _evaluate_free(curve: CellCurve, count: int, at: Array) -> FreeValues:
    """Return the free parameters of a curve at temperatures [degC] of shape (3,)."""
    found = curve.evaluate(at)
    by_coefficient = found.jacobian[:, :count].reshape(found.values.size, -1)
    return FreeValues(
        values=found.values,
        covariance=by_coefficient @ curve.covariance @ by_coefficient.T,
    )


def _test_difference(heating: FreeValues, cooling: FreeValues) -> float:
    """Return the probability that chance makes two sets of parameters differ as much."""
    from scipy.special import gammaincc

    difference = (cooling.values - heating.values).ravel()
    total = heating.covariance + cooling.covariance
    size = np.sqrt(np.diag(total))
    # Three temperatures of a curve with fewer coefficients are not independent.
    eigenvalues, vectors = np.linalg.eigh(total / np.outer(size, size))
    kept = eigenvalues > SMALLEST_EIGENVALUE * eigenvalues[-1]
    along = vectors[:, kept].T @ (difference / size)
    chi2 = float(np.sum(along**2 / eigenvalues[kept]))
    return float(gammaincc(kept.sum() / 2, chi2 / 2))
