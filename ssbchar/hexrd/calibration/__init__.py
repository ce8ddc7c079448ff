"""The detector's geometry from a calibrant's rings, or a given one verified on them.

Reading order: ``calibrate`` -> ``setup`` -> ``rings`` -> ``ring_points`` -> ``refine_geometry`` ->
``refine_distortion`` -> ``checks`` -> ``ring_map``, ``conclude``; ``dataset`` is the
table.
"""

from ssbchar.runtime.exports import make_step_getter

STEPS = {"calibrate_detector": "calibrate", "conclude_calibration": "conclude"}
"""Steps of this room, and the module that holds each."""
__getattr__ = make_step_getter(__name__, STEPS)
