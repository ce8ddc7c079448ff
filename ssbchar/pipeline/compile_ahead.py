"""Loops compiled before the first run: a made series of a few frames goes through the steps that
use them, and what numba compiles is kept (`ssbchar.compiled`)."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from ssbchar.campaign.config import PHASES
from ssbchar.hexrd.images.image import Image
from ssbchar.hexrd.images.stray_events import FrameBesideOthers, find_stray_events
from ssbchar.pipeline.step import run_step
from ssbchar.runtime.shipped_files import find_shipped
from ssbchar.simulate.effects import IDEAL
from ssbchar.simulate.hexrd import heating
from ssbchar.simulate.hexrd.programme import FrameCounts

FRAMES = FrameCounts(heating=4, hold=1, cooling=2, rest=1)
"""Fewer leave a segment without frames."""
CANDIDATES = ("LAGP", "LFP")
"""Phases of the made series."""


def compile_loops_ahead() -> None:
    """Compile what the refinement of a series, the fit of its lines and the integration of images
    call, unless that is kept from before."""
    _find_events_of_a_small_frame()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        heating.write_series(heating.STABLE, folder, IDEAL, np.random.default_rng(1), FRAMES)
        raw, log = (folder / f"{heating.STABLE.measurement}{end}" for end in ("", "_furnace.csv"))
        patterns, furnace = folder / "patterns.nc", folder / "furnace.nc"
        phases = [folder / f"{name}.nc" for name in CANDIDATES]
        run_step("hexrd.patterns.read_patterns", {"source": [raw]}, patterns)
        joined = {"patterns": [patterns], "log": [log]}
        run_step("hexrd.furnace.join_temperatures", joined, furnace)
        for phase in phases:
            table = {"table": [find_shipped(PHASES)]}
            label = {"phase": phase.stem}
            run_step("crystal.tabulate_reflections", table, phase, labels=label)
        series = {"patterns": [patterns], "furnace": [furnace], "phases": phases}
        run_step("hexrd.refinement.refine_series", series, folder / "lattice.nc")
        run_step("hexrd.peaks.fit_known_lines", series, folder / "peaks.nc")


def _find_events_of_a_small_frame() -> None:
    counts = np.zeros((3, 3), np.float32)
    image = Image(source="made", counts=counts)
    frame = FrameBesideOthers(image=image, counts=counts, others=(counts, counts))
    find_stray_events(frame, np.zeros(counts.shape, bool), 1.0)
