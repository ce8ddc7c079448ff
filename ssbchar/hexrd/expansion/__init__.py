"""Thermal expansion: cells fitted against temperature, their coefficients and the expansion
tensor.

Reading order: ``fit`` -> ``cell_parameters`` -> ``curves`` -> ``curve_values`` -> ``tensor`` ->
``reaction`` -> ``hysteresis``; ``dataset`` is the table.
"""

from ssbchar.runtime.exports import make_step_getter

STEPS = {"fit_expansion": "fit"}
"""Steps of this room, and the module that holds each."""
__getattr__ = make_step_getter(__name__, STEPS)
