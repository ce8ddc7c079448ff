"""Problems with known lines, and shapes to begin at, for the tests of this room."""

from __future__ import annotations

import numpy as np
from nmr import signals

from ssbchar.nmr.lineshape.problem import LineshapeProblem
from ssbchar.nmr.lineshape.shapes import LineShapes, make_empty_shapes

LOW, HIGH = np.array([40e3, -100e3]), np.array([60e3, 30e3])


def problem(sigma: float, *which: tuple[float, float, float], seed: int = 3) -> LineshapeProblem:
    """Lines of given area, frequency and width [Hz], 4096 points at 1 MHz."""
    time = np.arange(4096) * 1e-6
    clean = sum(a * np.exp((2j * np.pi * nu - np.pi * width) * time) for a, nu, width in which)
    y = signals.noisy(np.asarray(clean), sigma, seed)[None]
    return LineshapeProblem(y=y, time=time, sigma=np.array([sigma])).prepare()


def shapes(*which: tuple[float, float, int]) -> LineShapes:
    """Lorentzians of given frequency, width [Hz] and region."""
    made = make_empty_shapes()
    for nu, width, region in which:
        low, high = (
            (float(LOW[region]), float(HIGH[region])) if region < 2 else (-500e3, float(LOW[1]))
        )
        made = made.add_line(nu=nu, width=width, region=region, low=low, high=high)
    return made
