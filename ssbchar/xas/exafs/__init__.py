"""EXAFS: background spline, chi(k), Fourier transforms."""

from ssbchar.runtime.exports import make_step_getter

STEPS = {"extract_exafs": "extract"}
"""Steps of this room, and the module that holds each."""
__getattr__ = make_step_getter(__name__, STEPS)
