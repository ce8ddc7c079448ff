"""Powder patterns from files: one axis for the series, the status of each frame, monitors.

Reading order: ``read`` -> ``formats`` (one module per format) -> ``rebin`` -> ``frame_status`` ->
``dataset`` -> ``monitor``. The room of images makes the same table.
"""

from ssbchar.runtime.exports import make_step_getter

STEPS = {"read_patterns": "read"}
"""Steps of this room, and the module that holds each."""
__getattr__ = make_step_getter(__name__, STEPS)
