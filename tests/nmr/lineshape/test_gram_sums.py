"""Derivatives by combinations of columns are those of finite differences."""

from dataclasses import replace

import numpy as np
import pytest
from nmr.lineshape.lines import problem, shapes

from ssbchar.nmr.lineshape.fid import build_ringing
from ssbchar.nmr.lineshape.gram_sums import _evaluate_columns, build_derivatives, sum_over_time
from ssbchar.nmr.lineshape.shapes import evaluate_shapes

GIVEN = problem(1e-2, (1.0, -20e3, 2500.0))
PAIR = replace(
    shapes((50e3, 900.0, 0), (-20e3, 2500.0, 1)),
    voigt=np.array([False, True]),
    gauss2=np.array([0.0, 1500.0**2]),
)
STEPS = [1e-1, 1e-1, 1e-1, 1e-1, 1e2, 1e2, 1e-10]


@pytest.mark.parametrize("origin", [0.0, 3e-6, -2.4e-6])
@pytest.mark.parametrize("parameter", [0, 1, 2, 3, 5, 6])
def test_derivatives_are_those_of_the_shapes(origin: float, parameter: int) -> None:
    lines = replace(PAIR, origin=origin)
    columns, early = _evaluate_columns(GIVEN, lines)
    assert early == (origin < 0)
    made = build_derivatives(lines, early)
    row, step = lines.pack_parameters(), np.zeros(8)
    step[parameter] = STEPS[parameter]
    above, below = (
        evaluate_shapes(lines.unpack_parameters(row + sign * step), GIVEN.time) for sign in (1, -1)
    )
    expected = (above - below) / (2 * STEPS[parameter])
    for line in range(2):
        mine = np.where(made.line == line, made.share[:, parameter], 0.0)
        scale = np.abs(expected).max()
        # At tau = 0 the decay has a kink, and no derivative by the time origin.
        smooth = np.abs(GIVEN.time + origin) > 1e-9
        found = (mine @ columns)[smooth]
        np.testing.assert_allclose(found / scale, expected[line][smooth] / scale, atol=2e-5)


def test_the_common_phase_turns_every_line() -> None:
    made = build_derivatives(PAIR, False)
    columns, _ = _evaluate_columns(GIVEN, PAIR)
    mine = np.where(made.line == 1, made.share[:, 7], 0.0)
    np.testing.assert_allclose(mine @ columns, 1j * columns[1])


def test_sums_are_inner_products_without_the_nuisance() -> None:
    ringing = build_ringing(1.0 + np.arange(4096))
    given = replace(GIVEN, nuisance=ringing, power=np.empty(0))
    given = replace(given, y=given.clean(given.y)).prepare()
    columns, _ = _evaluate_columns(given, PAIR)
    clean = given.clean(columns)
    found = sum_over_time(given, PAIR)
    np.testing.assert_allclose(found.gram, clean.conj() @ clean.T, rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(found.data, given.y @ clean.conj().T, rtol=1e-7, atol=1e-9)
    plain = sum_over_time(GIVEN, PAIR)
    np.testing.assert_allclose(plain.gram, columns.conj() @ columns.T, rtol=1e-10)
    np.testing.assert_allclose(plain.data, GIVEN.y @ columns.conj().T, rtol=1e-10)
