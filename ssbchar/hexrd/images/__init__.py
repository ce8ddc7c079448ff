"""Detector images: the geometry from a calibrant's rings, then azimuthal integration to patterns.

Reading order: ``calibrate`` -> ``setup`` -> ``rings`` -> ``ring_points`` -> ``refine_geometry`` ->
``calibration_checks`` -> ``ring_map``, ``conclude``; then ``integrate`` -> ``series`` -> ``masks``
-> ``azimuthal``. ``read`` and ``header`` read the image files, ``geometry`` holds the formulas of
the detector plane.
"""

from ssbchar.runtime.exports import make_step_getter

STEPS = {
    "calibrate_detector": "calibrate",
    "conclude_calibration": "conclude",
    "integrate_images": "integrate",
}
"""Steps of this room, and the module that holds each."""
__getattr__ = make_step_getter(__name__, STEPS)
