"""Structures refined in chosen frames (Rietveld): coordinates, occupancies and displacement factors
as far as the data carry them, weight fractions, a CIF per phase and frame.

Off unless frames are named; rietx (extra ``rietveld``) does the least squares. Reading order:
``refine`` -> ``problem`` -> ``freedom`` (what may be refined) -> ``program`` (rietx); then
``conclude`` and ``export``.
"""

from ssbchar.runtime.exports import make_step_getter

STEPS = {
    "refine_structures": "refine",
    "conclude_structures": "conclude",
    "export_structures": "export",
}
"""Steps of this room, and the module that holds each."""
__getattr__ = make_step_getter(__name__, STEPS)
