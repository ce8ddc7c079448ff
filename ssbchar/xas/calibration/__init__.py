"""One energy axis for all scans: each foil on the standard's, whose edge is the tabulated one."""

from ssbchar.runtime.exports import make_step_getter

STEPS = {"calibrate_energy": "calibrate"}
"""Steps of this room, and the module that holds each."""
__getattr__ = make_step_getter(__name__, STEPS)
