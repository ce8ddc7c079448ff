"""What a diffraction series says: reference cells before and after, reversibility, phase
stability."""

from ssbchar.pipeline.exports import make_step_getter

STEPS = {"conclude_series": "conclude"}
"""Steps of this room, and the module that holds each."""
__getattr__ = make_step_getter(__name__, STEPS)
