"""Bruker folders: parameters, raw data, the delay of each slice, conflicts between what the files
state."""

from ssbchar.runtime.exports import make_step_getter

STEPS = {"read_fid": "read", "read_time_series": "time_series"}
"""Steps of this room, and the module that holds each."""
__getattr__ = make_step_getter(__name__, STEPS)
