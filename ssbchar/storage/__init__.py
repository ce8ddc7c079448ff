"""Between steps: the one reader and writer of results, raw files and their hashes, arrays on
disk."""

from ssbchar.runtime.exports import make_step_getter

STEPS = {"list_raw_files": "raw_files"}
"""Steps of this room, and the module that holds each."""
__getattr__ = make_step_getter(__name__, STEPS)
