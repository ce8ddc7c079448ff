"""Figures of an absorption measurement."""

from ssbchar.pipeline.exports import step_getter

STEPS = {"draw_measurement": "all", "draw_series": "series"}
"""Steps of this room, and the module that holds each."""
__getattr__ = step_getter(__name__, STEPS)
