"""Results of all techniques joined per sample: the summary, phase stability, prelithiation."""

from ssbchar.pipeline.exports import step_getter

STEPS = {"summarise": "summary"}
"""Steps of this room, and the module that holds each."""
__getattr__ = step_getter(__name__, STEPS)
