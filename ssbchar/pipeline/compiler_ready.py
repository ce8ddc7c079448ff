"""Imported by the warm process alone: numba with all it prepares before its first function, which
takes longer (0.2 s) than loading the kept code of a step."""

import numba

numba.njit(lambda: None)()
