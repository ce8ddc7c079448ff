"""Results of all techniques joined per sample: the summary, phase stability, prelithiation."""

from ssbchar.runtime.exports import make_step_getter

STEPS = {"summarise": "summary"}
"""Steps of this room, and the module that holds each."""
__getattr__ = make_step_getter(__name__, STEPS)
