"""EXAFS: background spline, chi(k), Fourier transforms."""

from ssbchar.pipeline.exports import step_getter

STEPS = {"extract_exafs": "extract"}
"""Steps of this room, and the module that holds each."""
__getattr__ = step_getter(__name__, STEPS)
