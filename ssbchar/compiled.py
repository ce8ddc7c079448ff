"""Loops over points, lines and curves, compiled to machine code by numba.

The first call on a machine compiles (up to a second each) and keeps the machine code beside the
source, or in the user's cache where that folder is read-only; later processes load it
(docs/decisions/0012-compiled-loops.md). Modules with such loops are imported by the steps that need
them only: numba takes 0.2 s to load.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import numba

Given = ParamSpec("Given")
Result = TypeVar("Result")

ROUNDING = {"reassoc", "nsz", "contract", "arcp"}
"""What the compiler may do, all of it within rounding: sums several terms at a time, a product and
a sum in one instruction, a product with the reciprocal for a quotient. Nothing here assumes that
there are no NaN or infinities, and one machine gives the same bytes each time."""


def compile_loops(function: Callable[Given, Result]) -> Callable[Given, Result]:
    """Return a function of arrays and numbers that runs as machine code.

    It may call others compiled so in its own module, never in another: the code that is kept is
    made anew when the function's own file changes. A division by zero gives infinity or NaN, as in
    NumPy.
    """
    compiled: Callable[Given, Result] = numba.njit(
        cache=True, error_model="numpy", fastmath=ROUNDING
    )(function)
    return compiled
