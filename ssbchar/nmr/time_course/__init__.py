"""Shares of a sample against the time of day: how fast it changes, and by which law."""

from ssbchar.runtime.exports import make_step_getter

STEPS = {"follow_shares": "follow", "conclude_time_course": "conclude"}
"""Steps of this room, and the module that holds each."""
__getattr__ = make_step_getter(__name__, STEPS)
