"""Figures of a diffraction series, and of specimens ex situ."""

from ssbchar.runtime.exports import make_step_getter

STEPS = {"draw_series": "all", "draw_specimen": "pairs", "draw_calibration": "calibration"}
"""Steps of this room, and the module that holds each."""
__getattr__ = make_step_getter(__name__, STEPS)
