"""The furnace programme: its log, joined to the frames by time, and the segments (heating, hold,
cooling)."""

from ssbchar.pipeline.exports import make_step_getter

STEPS = {"join_temperatures": "join"}
"""Steps of this room, and the module that holds each."""
__getattr__ = make_step_getter(__name__, STEPS)
