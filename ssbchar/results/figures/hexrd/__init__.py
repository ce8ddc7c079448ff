"""Figures of a diffraction series."""

from ssbchar.runtime.exports import make_step_getter

STEPS = {"draw_series": "all"}
"""Steps of this room, and the module that holds each."""
__getattr__ = make_step_getter(__name__, STEPS)
