"""Powder patterns from files: one axis for the series, the state of each frame, monitors."""

from ssbchar.pipeline.exports import make_step_getter

STEPS = {"read_patterns": "read"}
"""Steps of this room, and the module that holds each."""
__getattr__ = make_step_getter(__name__, STEPS)
