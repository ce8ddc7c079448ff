"""From areas to fractions: back-correction by T2*, systematics, prelithiation."""

from ssbchar.runtime.exports import make_step_getter

STEPS = {"quantify_fractions": "quantify", "measure_leakage": "quantify"}
"""Steps of this room, and the module that holds each."""
__getattr__ = make_step_getter(__name__, STEPS)
