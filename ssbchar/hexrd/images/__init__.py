"""Detector images: read as stored, and integrated over the azimuth to patterns.

Reading order: ``integrate`` -> ``series`` -> ``masks``, ``stray_events`` -> ``azimuthal``. ``read``
and ``header`` read the image files, ``geometry`` holds the formulas of the detector plane,
``distortion`` those of pixels beside an even grid.
"""

from ssbchar.runtime.exports import make_step_getter

STEPS = {"integrate_images": "integrate"}
"""Steps of this room, and the module that holds each."""
__getattr__ = make_step_getter(__name__, STEPS)
