"""Thermal expansion: cells fitted against temperature, their coefficients and the expansion
tensor."""

from ssbchar.pipeline.exports import step_getter

STEPS = {"fit_expansion": "fit"}
"""Steps of this room, and the module that holds each."""
__getattr__ = step_getter(__name__, STEPS)
