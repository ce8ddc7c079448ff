"""Ex situ pairs: the patterns of a cycled sample against those of its pristine one.

Reading order: ``conclude`` -> ``cells``, ``breadths``, ``intensities`` (one phase against itself in
another specimen) -> ``new_lines`` -> ``name_lines`` (lines that one of both has alone, and what
they may be) -> ``structure_verdict``; every sentence is built in ``sentences``.
"""

from ssbchar.runtime.exports import make_step_getter

STEPS = {
    "find_new_lines": "new_lines",
    "name_new_lines": "name_lines",
    "conclude_measurement": "conclude",
}
"""Steps of this room, and the module that holds each."""
__getattr__ = make_step_getter(__name__, STEPS)
