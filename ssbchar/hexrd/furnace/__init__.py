"""The furnace: its log, joined to the frames by time or file name, and the segments of its
programme (heating, hold, cooling).

Reading order: ``join`` -> ``log`` -> ``clock_offset`` -> ``interpolation`` -> ``reading_noise`` ->
``segments``; ``dataset`` is the table.
"""

from ssbchar.runtime.exports import make_step_getter

STEPS = {"join_temperatures": "join"}
"""Steps of this room, and the module that holds each."""
__getattr__ = make_step_getter(__name__, STEPS)
