"""Whether a fitted component is a line, or has run into a bound of the fit."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from ssbchar.nmr.lineshape.shapes import LineShapes
from ssbchar.nmr.powder.parameters import SCATTER

CLOSE = 1e-6
"""A parameter closer than this to its bound, over the bound's size, lies at it [1]."""


class LineStatus(StrEnum):
    """What the fit has made of a component."""

    LINE = "line"
    STAND_IN = "stand-in"
    """It stands for a region where no line is seen."""
    LARGEST_WIDTH = "at the largest width"
    """A baseline, a powder pattern or ringing, which no line of this shape describes."""
    REGION_EDGE = "at the edge of its region"
    """What is there belongs to the next region, or to none."""


class Shape(StrEnum):
    """What shape a component has."""

    LORENTZ = "lorentz"
    VOIGT = "voigt"
    POWDER = "powder"
    """Quadrupolar satellites of one coupling, anisotropic shift, or both."""
    CZJZEK = "czjzek"
    """Satellites of a distribution of couplings."""


AT_BOUND = (LineStatus.LARGEST_WIDTH, LineStatus.REGION_EDGE)
"""A component left there is no line."""


def find_shapes(shapes: LineShapes) -> NDArray[np.str_]:
    """Return the `Shape` of every component.

    Parameters
    ----------
    shapes : LineShapes
        From the final fit [Hz].

    Returns
    -------
    ndarray of str, shape (line,)
    """
    found = np.where(shapes.gauss2 > 0, Shape.VOIGT.value, Shape.LORENTZ.value).astype(object)
    found[shapes.powder] = Shape.POWDER.value
    found[shapes.pattern[:, SCATTER] > 0] = Shape.CZJZEK.value
    return found.astype(str)


def find_line_status(shapes: LineShapes, max_width: float) -> NDArray[np.str_]:
    """Return the `LineStatus` of every component.

    Parameters
    ----------
    shapes : LineShapes
        From the final fit [Hz].
    max_width : float
        Largest Lorentzian or Gaussian width that the fit allows [Hz].

    Returns
    -------
    ndarray of str, shape (line,)
    """
    widest = np.maximum(shapes.width, np.sqrt(shapes.gauss2))
    slack = CLOSE * max_width
    at_edge = (shapes.nu <= shapes.low + slack) | (shapes.nu >= shapes.high - slack)
    status = np.full(shapes.n, LineStatus.LINE.value, dtype=object)
    status[at_edge] = LineStatus.REGION_EDGE.value
    status[widest >= max_width - slack] = LineStatus.LARGEST_WIDTH.value
    status[shapes.held] = LineStatus.STAND_IN.value
    return status.astype(str)
