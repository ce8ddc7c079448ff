"""Known lines fitted one by one: position, width and area of each phase's strongest reflections in
every frame."""

from ssbchar.runtime.exports import make_step_getter

STEPS = {"fit_known_lines": "known_lines"}
"""Steps of this room, and the module that holds each."""
__getattr__ = make_step_getter(__name__, STEPS)
