"""Raw absorption scans: formats, columns, the state of each scan."""

from ssbchar.runtime.exports import make_step_getter

STEPS = {"read_scans": "read"}
"""Steps of this room, and the module that holds each."""
__getattr__ = make_step_getter(__name__, STEPS)
