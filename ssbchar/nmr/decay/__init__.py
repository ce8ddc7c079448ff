"""T2*: how each region's area decays with the echo delay."""

from ssbchar.runtime.exports import make_step_getter

STEPS = {"fit_decay": "t2_star"}
"""Steps of this room, and the module that holds each."""
__getattr__ = make_step_getter(__name__, STEPS)
