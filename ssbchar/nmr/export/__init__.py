"""Files for other programs: JCAMP-DX and CSDM."""

from ssbchar.runtime.exports import make_step_getter

STEPS = {"export_spectra": "export"}
"""Steps of this room, and the module that holds each."""
__getattr__ = make_step_getter(__name__, STEPS)
