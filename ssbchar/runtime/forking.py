"""Where a process may fork and go on; a module of its own, since every step asks as it starts."""

from __future__ import annotations

import os
import sys


def forks_safely() -> bool:
    """Return whether a process with libraries loaded may fork and go on.

    macOS has the call, but its system libraries (Accelerate, Objective-C) may end a fork that uses
    them.
    """
    return sys.platform != "darwin" and hasattr(os, "fork")
