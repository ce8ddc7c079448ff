"""Imported by the warm process alone: numba with all it prepares before its first function, which
takes longer (0.2 s) than loading the kept code of a step."""

from ssbchar.compiled import compile_loops


@compile_loops
def prepare() -> None:
    """Do nothing, compiled."""


prepare()
