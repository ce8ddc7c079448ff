"""The demonstration: every technique's raw files and ``truth.json``, from one seed."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from pathlib import Path

import numpy as np

from ssbchar.simulate import truth as known
from ssbchar.simulate.effects import IDEAL, Effects
from ssbchar.simulate.hexrd import detector, heating
from ssbchar.simulate.nmr import pressing
from ssbchar.simulate.xas import scans

SEED = 20210765
"""Seed of the shipped demonstration, fixed before any fitter ran on it."""
TECHNIQUES = ("hexrd", "xas", "nmr")
"""What can be written."""


def write_demo(
    out: Path,
    seed: int = SEED,
    ideal: bool = False,
    small: bool = False,
    parts: Collection[str] = TECHNIQUES,
    counts: float = 1.0,
) -> list[known.Truth]:
    """Write the demonstration into a folder and return its truth; the folder's own parts are
    replaced.

    Parameters
    ----------
    out : Path
        Gets ``hexrd/``, ``xas/``, ``nmr/``, ``truth.json`` and ``README.txt``.
    seed : int
        The same seed gives the same bytes.
    ideal : bool
        Leave out what the fitters do not model; the noise stays.
    small : bool
        Fewer frames, images and repeats, for quick tests.
    parts : collection of str
        Which techniques; each has its own random stream, so that leaving one out changes no other.
    counts : float
        Counts of the heating series relative to the usual ones: their noise goes with the root of
        it.
    """
    effects = IDEAL if ideal else Effects()
    streams = dict(
        zip(TECHNIQUES, np.random.SeedSequence(seed).spawn(len(TECHNIQUES)), strict=True)
    )
    rows: list[known.Truth] = []
    for name in TECHNIQUES:
        if name not in parts:
            continue
        folder = out / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        if name == "hexrd":
            rows += _hexrd(folder, effects, streams[name], small, counts)
        else:
            rows += {"xas": _xas, "nmr": _nmr}[name](folder, effects, streams[name], small)
    known.save_truths(rows, out / "truth.json")
    note = "synthetic demonstration data (ssbchar simulate), seed {}{}{}{}; see docs/demonstration.md\n"
    level = f", {counts:g} times the counts" if counts != 1 else ""
    text = note.format(seed, ", ideal" if ideal else "", ", small" if small else "", level)
    (out / "README.txt").write_text(text, encoding="utf-8")
    return rows


def _hexrd(
    folder: Path, effects: Effects, stream: np.random.SeedSequence, small: bool, counts: float
) -> list[known.Truth]:
    rngs = [np.random.default_rng(s) for s in stream.spawn(3)]
    stable, reacting = (
        ((24, 3, 16, 3), (40, 3, 8, 3)) if small else ((44, 5, 22, 4), (62, 5, 14, 4))
    )
    rows = heating.write_series(heating.STABLE, folder, effects, rngs[0], stable, counts)
    rows += heating.write_series(heating.REACTING, folder, effects, rngs[1], reacting, counts)
    return rows + detector.write_images(folder, effects, rngs[2])


def _xas(
    folder: Path, effects: Effects, stream: np.random.SeedSequence, small: bool
) -> list[known.Truth]:
    return scans.write_scans(
        folder, effects, np.random.default_rng(stream), 2 if small else scans.REPEATS
    )


def _nmr(
    folder: Path, effects: Effects, stream: np.random.SeedSequence, small: bool
) -> list[known.Truth]:
    return pressing.write_powders(folder, effects, np.random.default_rng(stream))
