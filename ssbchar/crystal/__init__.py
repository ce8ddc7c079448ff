"""Crystals: cells and metrics, reflections of each phase, the phase library."""

from ssbchar.runtime.exports import make_step_getter

STEPS = {"tabulate_reflections": "reflections", "tabulate_library": "library"}
"""Steps of this room, and the module that holds each."""
__getattr__ = make_step_getter(__name__, STEPS)
