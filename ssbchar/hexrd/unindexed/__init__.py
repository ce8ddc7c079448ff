"""Lines that no phase explains: found in the residual, followed through the series, matched to
candidate phases."""

from ssbchar.runtime.exports import make_step_getter

STEPS = {"follow_lines": "tracks", "identify_phases": "identify"}
"""Steps of this room, and the module that holds each."""
__getattr__ = make_step_getter(__name__, STEPS)
