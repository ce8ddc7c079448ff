"""From calibrated scans to normalised spectra: bad readings left out, baselines, edge step, edge
features."""

from ssbchar.runtime.exports import make_step_getter

STEPS = {"normalise_spectra": "normalise"}
"""Steps of this room, and the module that holds each."""
__getattr__ = make_step_getter(__name__, STEPS)
