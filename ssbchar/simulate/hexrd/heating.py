"""The two heating series: what reacts, what returns, and the files a beamline would leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ssbchar.simulate.clock import format_time
from ssbchar.simulate.effects import Effects
from ssbchar.simulate.hexrd import crystal, pattern
from ssbchar.simulate.hexrd.crystal import LAGP, LFP, NCM811, Co3PO42, Crystal
from ssbchar.simulate.hexrd.pattern import BM17, ID11C, Instrument, PhaseSeries
from ssbchar.simulate.hexrd.programme import Programme, calculate_grown_share, write_log
from ssbchar.simulate.truth import Truth
from ssbchar.typing import Array

EXPOSURE = 20.0
"""Exposure of a frame [s]."""
BACKGROUND = 6000.0
"""Counts per point of the background, as in public 17-BM patterns (variance equal to the counts
there)."""
T1, T2 = 100.0, 500.0
"""Temperatures between which the mean linear expansion is stated [degC]."""


@dataclass(frozen=True)
class Behaviour:
    """A phase of a mixture and what the programme does to it."""

    crystal: Crystal
    amount: float
    """Area of its strongest reflection set [counts degree at a width of 0.03 degree]."""
    permanent: float = 0.0
    """Relative change of every axis that remains after the hold."""
    grows: tuple[float, float] | None = None
    """Onset and completion on heating [degC]."""
    fades: tuple[float, float] | None = None
    """Begin and end of its disappearance on heating [degC]."""


@dataclass(frozen=True)
class Mixture:
    """A pellet, the beamline it is measured at, and its phases."""

    measurement: str
    sample: str
    instrument: Instrument
    start: float
    """When the programme begins [s since 1970-01-01 UTC]."""
    phases: tuple[Behaviour, ...]
    verdict: str


STABLE = Mixture(
    "heating_LAGP_LFP",
    "LAGP+LFP",
    BM17,
    1_551_708_000.0,
    (Behaviour(LAGP, 900.0, permanent=3.0e-4), Behaviour(LFP, 900.0, permanent=-2.0e-4)),
    "reversible",
)
"""LAGP + LFP: cells return within 0.2 %, nothing new."""
REACTING = Mixture(
    "heating_LAGP_NCM811",
    "LAGP+NCM811",
    ID11C,
    1_551_880_800.0,
    (
        Behaviour(LAGP, 900.0, fades=(600.0, 760.0)),
        Behaviour(NCM811, 900.0, fades=(600.0, 760.0)),
        Behaviour(Co3PO42, 600.0, grows=(600.0, 800.0)),
    ),
    "reacts",
)
"""LAGP + NCM811: both gone at 760 degC, (Ni,Co,Mn)3(PO4)2 grows between 600 and 800 degC."""


def place_phases(
    mixture: Mixture, programme: Programme, time: Array, effects: Effects
) -> list[PhaseSeries]:
    """Return every phase's cell and amount at frame times [s from the programme's start]."""
    lag = effects.thermal_lag
    at = programme.temperature(time, lag)
    corners, _ = programme.corners
    top = np.maximum.accumulate(np.where(time < corners[3], at, -np.inf))  # reactions go one way
    held = 1 - np.exp(-np.clip(time - corners[2], 0, corners[3] - corners[2]) / 7200.0)
    found = []
    for phase in mixture.phases:
        amount = np.full(time.size, phase.amount * mixture.instrument.fwhm / 0.03)
        if phase.grows:
            amount *= calculate_grown_share(top, *phase.grows, effects.saturation)
        if phase.fades:
            first, last = phase.fades
            amount *= calculate_grown_share(last + first - top, first, last, effects.saturation)
        cell = phase.crystal.cell_at(at)
        cell[:, :3] *= 1 + phase.permanent * held[:, None]
        found.append(PhaseSeries(phase.crystal, cell, amount))
    return found


def simulate_patterns(
    mixture: Mixture,
    programme: Programme,
    time: Array,
    effects: Effects,
    rng: np.random.Generator,
    counts: float = 1.0,
) -> tuple[Array, Array]:
    """Return counts (frame, two_theta) and the relative incident beam of each frame; `counts` times
    the usual ones."""
    axis = mixture.instrument.two_theta
    signal = pattern.simulate_peaks(
        place_phases(mixture, programme, time, effects), axis, mixture.instrument, effects, rng
    )
    beam = 1 + effects.drift * np.sin(2 * np.pi * time / 2.3e4)
    expected = (
        counts
        * beam[:, None]
        * (
            signal
            + pattern.simulate_background(axis, mixture.instrument.wavelength, BACKGROUND, effects)
        )
    )
    return rng.poisson(expected).astype(float), beam


def write_series(
    mixture: Mixture,
    folder: Path,
    effects: Effects,
    rng: np.random.Generator,
    frames: Sequence[int] = (62, 5, 22, 4),
    counts: float = 1.0,
) -> list[Truth]:
    """Write a heating series (one .xye per frame) and its furnace log; return what is true of it.

    Parameters
    ----------
    mixture : Mixture
    folder : Path
        Gets ``<measurement>/NNN.xye`` and ``<measurement>_furnace.csv``.
    effects : Effects
    rng : Generator
    frames : sequence of int
        Number of frames on heating, hold, cooling, and on each rest.
    counts : float
        Counts relative to the demonstration's: the noise goes with its root.
    """
    programme = Programme(mixture.start)
    time = programme.frames(*frames)
    found, beam = simulate_patterns(mixture, programme, time, effects, rng, counts)
    where = folder / mixture.measurement
    where.mkdir(parents=True, exist_ok=True)
    for number, (at, relative, pattern_counts) in enumerate(zip(time, beam, found, strict=True), 1):
        write_xye(
            where / f"{number:03d}.xye",
            mixture,
            number,
            programme.start + at,
            relative,
            pattern_counts,
        )
    write_log(folder / f"{mixture.measurement}_furnace.csv", programme, rng, effects)
    return list_truths(mixture, programme)


def write_xye(
    path: Path, mixture: Mixture, frame: int, time: float, beam: float, counts: Array
) -> None:
    """Write one pattern: 2theta [degree], counts, their standard error; commented header."""
    head = [
        "synthetic demonstration data (ssbchar simulate)",
        f"sample: {mixture.sample}",
        f"frame: {frame}",
        f"wavelength: {mixture.instrument.wavelength} angstrom",
        f"time: {format_time(time, -6.0)}",
        f"exposure: {EXPOSURE} s (time is its middle)",
        f"monitor: {beam:.5f}",
        "columns: two_theta_degree intensity_counts stderr_counts",
    ]
    rows = [
        f"{x:.4f} {y:.0f} {np.sqrt(max(y, 1.0)):.1f}"
        for x, y in zip(mixture.instrument.two_theta, counts.tolist(), strict=True)
    ]
    path.write_text(
        "".join(f"# {line}\n" for line in head) + "\n".join(rows) + "\n", encoding="utf-8"
    )


FREE_PARAMETERS = {
    "cubic": (0,),
    "trigonal": (0, 2),
    "orthorhombic": (0, 1, 2),
    "monoclinic": (0, 1, 2, 4),
}
"""Cell parameters that are free in a crystal system."""
CELL_NAMES = ("a", "b", "c", "alpha", "beta", "gamma")


def list_truths(mixture: Mixture, programme: Programme) -> list[Truth]:
    """Return the known answers of a series."""
    rows = [
        Truth(
            mixture.sample,
            "hexrd",
            mixture.sample,
            "",
            "phase_stability",
            None,
            "",
            mixture.verdict,
        )
    ]
    for phase in mixture.phases:
        about = (mixture.sample, "hexrd", phase.crystal.name)
        if not phase.grows:
            before = phase.crystal.cell_at(np.array(25.0))
            rows += _cell_truths(about, phase.crystal, "before heating", before)
            rows += _expansion_truths(about, phase.crystal, "heating")
        if not phase.fades:
            after = phase.crystal.cell_at(np.array(25.0))
            after[:3] *= 1 + phase.permanent * (1 - np.exp(-programme.hold * 3600 / 7200.0))
            rows += _cell_truths(about, phase.crystal, "after cooling", after)
            rows += _expansion_truths(about, phase.crystal, "cooling")
            if not phase.grows:
                change = 100 * (
                    crystal.volume_from_cell(after) / crystal.volume_from_cell(before) - 1
                )
                rows.append(
                    Truth(*about, "after cooling", "volume_return", float(change), "percent")
                )
        if phase.grows:
            rows.append(Truth(*about, "heating", "onset_temperature", phase.grows[0], "degC"))
        if phase.fades:
            rows.append(Truth(*about, "heating", "end_temperature", phase.fades[1], "degC"))
    return rows


def _cell_truths(
    about: tuple[str, str, str], phase: Crystal, condition: str, cell: Array
) -> list[Truth]:
    rows = [
        Truth(*about, condition, CELL_NAMES[i], float(cell[i]), "angstrom" if i < 3 else "degree")
        for i in FREE_PARAMETERS[phase.system]
    ]
    return [
        *rows,
        Truth(*about, condition, "volume", float(crystal.volume_from_cell(cell)), "angstrom^3"),
    ]


def _expansion_truths(about: tuple[str, str, str], phase: Crystal, segment: str) -> list[Truth]:
    first, last = phase.cell_at(np.array([T1, T2]))
    sizes = [(CELL_NAMES[i], first[i], last[i]) for i in FREE_PARAMETERS[phase.system] if i < 3]
    sizes.append(("volume", crystal.volume_from_cell(first), crystal.volume_from_cell(last)))
    return [
        Truth(
            *about,
            f"{segment} {name}",
            "mean_linear_expansion",
            float((b / a - 1) / (T2 - T1)),
            "1/K",
        )
        for name, a, b in sizes
    ]
