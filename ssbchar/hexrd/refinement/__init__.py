"""Whole-pattern refinement: the cell, intensity and line widths of every phase in every frame.

Reading order: ``refine`` -> ``inputs`` -> ``chunks`` -> ``frame_pass`` -> ``frame`` (one pattern)
-> ``joint_pass`` -> ``dataset``.
"""

from ssbchar.runtime.exports import make_step_getter

STEPS = {"refine_series": "refine"}
"""Steps of this room, and the module that holds each."""
__getattr__ = make_step_getter(__name__, STEPS)
