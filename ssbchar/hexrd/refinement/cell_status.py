"""How far the refined cell of a phase in a frame can be trusted."""

from __future__ import annotations

from enum import StrEnum


class CellStatus(StrEnum):
    """Status of a phase's cell in one frame, the variable ``verdict`` of ``lattice.nc``."""

    OK = "ok"
    HELD = "held"
    """Too weak for a cell of its own: held near the smooth cell(T) of its series."""
    DEVIATES = "departs"
    """Determined, and far from the smooth cell(T)."""
    INCONSISTENT = "inconsistent"
    """Different in the forward and the backward pass."""
    NOT_CONVERGED = "not_converged"
    ABSENT = "absent"
    NOT_MEASURED = "not_measured"
    """The frame has no usable pattern."""
