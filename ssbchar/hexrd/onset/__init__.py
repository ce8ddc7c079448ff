"""Onset and end of each phase: change points of its intensity."""

from ssbchar.runtime.exports import make_step_getter

STEPS = {"find_onsets": "find"}
"""Steps of this room, and the module that holds each."""
__getattr__ = make_step_getter(__name__, STEPS)
