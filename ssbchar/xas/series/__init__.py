"""Series of spectra and mixtures: components, isosbestic points, linear combinations."""

from ssbchar.runtime.exports import make_step_getter

STEPS = {
    "normalise_series": "normalise",
    "find_components": "components",
    "fit_mixture": "linear_combination",
    "conclude_series": "conclude",
}
"""Steps of this room, and the module that holds each."""
__getattr__ = make_step_getter(__name__, STEPS)
