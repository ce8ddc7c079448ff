"""Known curves of a tetragonal cell, and the empty table that is filled from them."""

import numpy as np

from ssbchar.hexrd.expansion.cell_parameters import find_free_parameters
from ssbchar.hexrd.expansion.curve_values import PhaseCurve
from ssbchar.hexrd.expansion.curves import Basis, CellCurve
from ssbchar.hexrd.expansion.dataset import ExpansionValues

GRID = np.arange(0.0, 501.0, 50.0)
ERROR = 1e-4
"""Standard error of every coefficient [angstrom]."""


def curve(
    slope_a: float = 1e-5,
    slope_c: float = 2e-5,
    low: float = 100.0,
    high: float = 400.0,
    place: tuple[int, int] = (0, 0),
    scale: float = 1.0,
) -> PhaseCurve:
    """A tetragonal cell whose a and c grow linearly from 5 and 8 angstrom at 0 degC."""
    middle, half = (low + high) / 2, (high - low) / 2
    coefficients = np.array(
        [
            [5 * scale * (1 + slope_a * middle), 5 * scale * slope_a * half],
            [8 * (1 + slope_c * middle), 8 * slope_c * half],
        ]
    )
    cells = np.array([[5.0, 5, 8, 90, 90, 90], [5.1, 5.1, 8.2, 90, 90, 90]])
    return PhaseCurve(
        curve=CellCurve(
            basis=Basis(model="polynomial", order=1, low=low, high=high),
            coefficients=coefficients,
            covariance=ERROR**2 * np.eye(4),
            inflation=np.array([1.5, 2.0]),
            chi2=1.25,
            unscattered=np.zeros((2, 2)),
            used=np.array([True, True, False]),
        ),
        free=find_free_parameters(cells, np.tile([1.0, 1, 1, 0, 0, 0], (2, 1))),
        place=place,
    )


def table(segments: tuple[str, ...] = ("heating",)) -> ExpansionValues:
    return ExpansionValues(phases=1, segments=list(segments), grid=GRID)
