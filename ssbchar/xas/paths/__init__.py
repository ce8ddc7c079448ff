"""First-shell fits with FEFF's scattering paths: cluster, FEFF, the EXAFS equation, the fit."""

from ssbchar.runtime.exports import make_step_getter

STEPS = {"calculate_paths": "feff", "fit_paths": "fit"}
"""Steps of this room, and the module that holds each."""
__getattr__ = make_step_getter(__name__, STEPS)
