"""Lines of a spectrum: their number, shapes and areas fitted to the decay, and the classical window
integrals."""

from ssbchar.runtime.exports import make_step_getter

STEPS = {"fit_lines": "fit", "integrate_windows": "window_integrals"}
"""Steps of this room, and the module that holds each."""
__getattr__ = make_step_getter(__name__, STEPS)
