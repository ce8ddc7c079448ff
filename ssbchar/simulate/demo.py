"""The demonstration: the raw files of every technique and ``truth.json``, from one seed."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from enum import StrEnum
from pathlib import Path

import numpy as np

from ssbchar.simulate.effects import IDEAL, Effects
from ssbchar.simulate.hexrd import detector, heating
from ssbchar.simulate.hexrd.programme import FrameCounts
from ssbchar.simulate.nmr import pressing
from ssbchar.simulate.truth import Truth, save_truths
from ssbchar.simulate.xas import scans

SEED = 20210765
"""Seed of the demonstration as shipped, fixed before any fitter ran on it."""
SMALL_REPEATS = 2
"""Scans per measurement of the small demonstration."""


class Technique(StrEnum):
    """What can be written; also the name of its folder."""

    HEXRD = "hexrd"
    XAS = "xas"
    NMR = "nmr"


TECHNIQUES = tuple(Technique)
"""All techniques, in the order of their random streams."""


def write_demo(
    out: Path,
    seed: int = SEED,
    *,
    ideal: bool = False,
    small: bool = False,
    parts: Collection[str] = TECHNIQUES,
    counts: float = 1.0,
) -> list[Truth]:
    """Write the demonstration into a folder and return its truth; folders of the parts are
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
        Techniques to write; each has its own random stream, so that leaving one out changes no
        other.
    counts : float
        Counts of the heating series relative to the usual ones (dimensionless): their noise scales
        with its square root.

    Returns
    -------
    list of Truth
        Known answers, each with its unit.
    """
    effects = IDEAL if ideal else Effects()
    # a stream for each, spawned even where it is not used: leaving one out changes no other
    seeds = np.random.SeedSequence(seed).spawn(len(TECHNIQUES))
    rows: list[Truth] = []
    for technique, stream in zip(TECHNIQUES, seeds, strict=True):
        if technique not in parts:
            continue
        folder = out / technique
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        match technique:
            case Technique.HEXRD:
                rows += _write_hexrd(folder, effects, stream, small=small, counts=counts)
            case Technique.XAS:
                rng = np.random.default_rng(stream)
                repeats = SMALL_REPEATS if small else scans.REPEATS
                rows += scans.write_scans(folder, effects, rng, repeats)
            case Technique.NMR:
                rows += pressing.write_powders(folder, effects, np.random.default_rng(stream))
    save_truths(rows, out / "truth.json")
    text = _describe_demo(seed, ideal=ideal, small=small, counts=counts)
    (out / "README.txt").write_text(text, encoding="utf-8")
    return rows


def _write_hexrd(
    folder: Path,
    effects: Effects,
    stream: np.random.SeedSequence,
    *,
    small: bool,
    counts: float,
) -> list[Truth]:
    """Write two heating series and a series of images."""
    if small:
        stable = FrameCounts(heating=24, hold=3, cooling=16, rest=3)
        reacting = FrameCounts(heating=40, hold=3, cooling=8, rest=3)
    else:
        stable = FrameCounts(heating=44, hold=5, cooling=22, rest=4)
        reacting = FrameCounts(heating=62, hold=5, cooling=14, rest=4)
    first, second, third = (np.random.default_rng(seed) for seed in stream.spawn(3))
    return [
        *heating.write_series(heating.STABLE, folder, effects, first, stable, counts=counts),
        *heating.write_series(heating.REACTING, folder, effects, second, reacting, counts=counts),
        *detector.write_images(folder, effects, third),
    ]


def _describe_demo(seed: int, *, ideal: bool, small: bool, counts: float) -> str:
    """Return the text of ``README.txt``."""
    words = [f"seed {seed}"]
    if ideal:
        words.append("ideal")
    if small:
        words.append("small")
    if counts != 1:
        words.append(f"{counts:g} times the counts")
    return (
        f"synthetic demonstration data (ssbchar simulate), {', '.join(words)}; "
        "see docs/demonstration.md\n"
    )
