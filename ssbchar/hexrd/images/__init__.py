"""Detector images: the geometry from a calibrant's rings, then azimuthal integration to patterns.

Reading order: ``steps`` -> ``setup`` -> ``rings`` -> ``refine_geometry`` -> ``calibration_checks``;
then ``azimuthal`` -> ``integrate``.
"""

from ssbchar.pipeline.exports import make_step_getter

STEPS = {"calibrate_detector": "steps", "integrate_images": "steps"}
"""Steps of this room, and the module that holds each."""
__getattr__ = make_step_getter(__name__, STEPS)
