"""Figures of an NMR measurement and of samples side by side."""

from ssbchar.runtime.exports import make_step_getter

STEPS = {"draw_measurement": "all", "draw_comparison": "compare"}
"""Steps of this room, and the module that holds each."""
__getattr__ = make_step_getter(__name__, STEPS)
