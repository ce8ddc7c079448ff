"""Series at one temperature: cells, intensities and breadths against time, their drift per hour,
and when they change.

Reading order: ``fit`` -> ``broken_line`` (change points of one quantity); the rows are made in
``ssbchar.hexrd.verdict.time_rows``.
"""

from ssbchar.runtime.exports import make_step_getter

STEPS = {"fit_time_course": "fit"}
"""Steps of this room, and the module that holds each."""
__getattr__ = make_step_getter(__name__, STEPS)
