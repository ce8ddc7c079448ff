"""A cycled spectrum against its pristine one: edge shift, white line, shells, and the verdict."""

from ssbchar.runtime.exports import make_step_getter

STEPS = {"compare_pair": "compare", "conclude_measurement": "conclude"}
"""Steps of this room, and the module that holds each."""
__getattr__ = make_step_getter(__name__, STEPS)
