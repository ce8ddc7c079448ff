"""What was run, from what, with which result: RO-Crate, verification, comparison of runs."""

from ssbchar.runtime.exports import make_step_getter

STEPS = {"describe_run": "ro_crate", "copy_workflow": "ro_crate"}
"""Steps of this room, and the module that holds each."""
__getattr__ = make_step_getter(__name__, STEPS)
