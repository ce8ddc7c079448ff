"""The report: one page for the run and one for each sample."""

from ssbchar.runtime.exports import make_step_getter

STEPS = {"render_report": "page"}
"""Steps of this room, and the module that holds each."""
__getattr__ = make_step_getter(__name__, STEPS)
