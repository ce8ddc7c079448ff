"""T1 from saturation and inversion recovery, T1rho from spin locks."""

from ssbchar.runtime.exports import make_step_getter

STEPS = {
    "select_strong_slices": "amplitudes",
    "fit_relaxation": "fit",
    "conclude_relaxation": "conclude",
}
"""Steps of this room, and the module that holds each."""
__getattr__ = make_step_getter(__name__, STEPS)
