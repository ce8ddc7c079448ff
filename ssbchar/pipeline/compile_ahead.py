"""Loops compiled before the first run: a made series of a few frames goes through the steps that
use them, and what numba compiles is kept (`ssbchar.compiled`)."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from ssbchar.campaign.config import PHASES
from ssbchar.results.notebook import call_step
from ssbchar.runtime.shipped_files import find_shipped
from ssbchar.simulate.effects import IDEAL
from ssbchar.simulate.hexrd import heating
from ssbchar.simulate.hexrd.programme import FrameCounts

FRAMES = FrameCounts(heating=4, hold=1, cooling=2, rest=1)
"""Fewer leave a segment without frames."""
CANDIDATES = ("LAGP", "LFP")
"""Phases of the made series."""


def compile_loops_ahead() -> None:
    """Compile what the refinement of a series and the fit of its lines call, unless that is kept
    from before."""
    with tempfile.TemporaryDirectory() as scratch:
        raw = Path(scratch)
        heating.write_series(heating.STABLE, raw, IDEAL, np.random.default_rng(1), FRAMES)
        patterns = call_step(
            "hexrd.patterns.read_patterns", source=raw / heating.STABLE.measurement
        )
        log = raw / f"{heating.STABLE.measurement}_furnace.csv"
        furnace = call_step("hexrd.furnace.join_temperatures", patterns=patterns, log=log)
        phases = [
            call_step(
                "crystal.tabulate_reflections",
                table=find_shipped(PHASES),
                labels={"phase": name},
            )
            for name in CANDIDATES
        ]
        series = {"patterns": patterns, "furnace": furnace, "phases": phases}
        call_step("hexrd.refinement.refine_series", **series)
        call_step("hexrd.peaks.fit_known_lines", **series)
