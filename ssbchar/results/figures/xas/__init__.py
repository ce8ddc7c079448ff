"""Figures of an absorption measurement."""

from ssbchar.runtime.exports import make_step_getter

STEPS = {"draw_measurement": "all", "draw_series": "series"}
"""Steps of this room, and the module that holds each."""
__getattr__ = make_step_getter(__name__, STEPS)
