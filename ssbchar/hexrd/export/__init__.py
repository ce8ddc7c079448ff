"""Files for other programs: CIF, GSAS-II, a table of frames."""

from ssbchar.runtime.exports import make_step_getter

STEPS = {"export_series": "export"}
"""Steps of this room, and the module that holds each."""
__getattr__ = make_step_getter(__name__, STEPS)
