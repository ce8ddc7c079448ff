"""Least squares of given lines: its end, its errors, its bounds."""

import numpy as np
from nmr.lineshape.lines import problem, shapes

from ssbchar.nmr.lineshape.varpro import FitControl, fit_shapes


def test_a_fit_ends_within_a_thousandth_of_its_errors() -> None:
    given = problem(1e-2, (1.0, -20e3, 2500.0), (0.4, -26e3, 6000.0), (0.05, 50e3, 900.0))
    start = shapes((50e3, 2000.0, 0), (-20e3, 2000.0, 1), (-27e3, 2000.0, 1))
    found = fit_shapes(given, start)
    exact = fit_shapes(given, start, FitControl(max_steps=200, least_gain=1e-13))
    error = np.sqrt(np.diag(exact.covariance)[exact.free.size :])
    assert np.abs(found.area[0] - exact.area[0]).max() < 2e-3 * error.min()
