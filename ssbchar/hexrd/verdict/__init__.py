"""What a diffraction series says: reference cells before and after, reversibility, phase stability.

Reading order: ``conclude`` -> ``reference_cells`` -> ``phase_rows`` -> ``quality_rows`` ->
``cell_scale_check`` -> ``phase_stability`` (`judge_mixture`: what makes it reversible); every
sentence is built in ``sentences``.
"""

from ssbchar.runtime.exports import make_step_getter

STEPS = {"conclude_series": "conclude"}
"""Steps of this room, and the module that holds each."""
__getattr__ = make_step_getter(__name__, STEPS)
