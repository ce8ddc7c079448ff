"""From raw scans to normalised spectra: energy calibrated on the foil, baselines, edge step, edge
features."""

from ssbchar.runtime.exports import make_step_getter

STEPS = {"calibrate_energy": "calibrate", "normalise_spectra": "normalise"}
"""Steps of this room, and the module that holds each."""
__getattr__ = make_step_getter(__name__, STEPS)
