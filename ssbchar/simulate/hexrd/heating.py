"""The two heating series: which phases react, which cells return, and the files of a beamline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from ssbchar.simulate.clock import format_time
from ssbchar.simulate.effects import Effects
from ssbchar.simulate.hexrd import crystal, pattern
from ssbchar.simulate.hexrd.crystal import LAGP, LFP, NCM811, Co3PO42, Crystal, System
from ssbchar.simulate.hexrd.pattern import BM17, ID11C, Instrument, PhaseSeries
from ssbchar.simulate.hexrd.programme import (
    ROOM_TEMPERATURE,
    FrameCounts,
    Programme,
    calculate_grown_share,
    write_log,
)
from ssbchar.simulate.truth import Truth
from ssbchar.typing import Array

EXPOSURE = 20.0
"""Exposure of a frame [s]."""
BACKGROUND = 6000.0
"""Counts per point of the background, as in public 17-BM patterns (variance equal to the counts
there)."""
MEAN_EXPANSION_RANGE = (100.0, 500.0)
"""Temperatures between which the mean linear expansion is stated [degC]."""
RELAXATION = 7200.0
"""Time constant with which a permanent change of the cell approaches its end in the hold [s]."""
REFERENCE_WIDTH = 0.03
"""Peak width at which amounts are stated [degree]."""
BEAM_PERIOD = 2.3e4
"""Period of the drift of the incident beam [s]."""
UTC_OFFSET = -6.0
"""Time zone of the beamline [h ahead of UTC]."""
USUAL_FRAMES = FrameCounts(heating=62, hold=5, cooling=22, rest=4)
FREE_PARAMETERS = {
    System.CUBIC: (0,),
    System.TRIGONAL: (0, 2),
    System.ORTHORHOMBIC: (0, 1, 2),
    System.MONOCLINIC: (0, 1, 2, 4),
}
"""Positions of the free cell parameters of a crystal system in `CELL_NAMES`."""
CELL_NAMES = ("a", "b", "c", "alpha", "beta", "gamma")


@dataclass(frozen=True, kw_only=True)
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


@dataclass(frozen=True, kw_only=True)
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
    measurement="heating_LAGP_LFP",
    sample="LAGP+LFP",
    instrument=BM17,
    start=1_551_708_000.0,
    phases=(
        Behaviour(crystal=LAGP, amount=900.0, permanent=3.0e-4),
        Behaviour(crystal=LFP, amount=900.0, permanent=-2.0e-4),
    ),
    verdict="reversible",
)
"""LAGP + LFP: cells return within 0.2 %, nothing new."""
REACTING = Mixture(
    measurement="heating_LAGP_NCM811",
    sample="LAGP+NCM811",
    instrument=ID11C,
    start=1_551_880_800.0,
    phases=(
        Behaviour(crystal=LAGP, amount=900.0, fades=(600.0, 760.0)),
        Behaviour(crystal=NCM811, amount=900.0, fades=(600.0, 760.0)),
        Behaviour(crystal=Co3PO42, amount=600.0, grows=(600.0, 800.0)),
    ),
    verdict="reacts",
)
"""LAGP + NCM811: both gone at 760 degC, (Ni,Co,Mn)3(PO4)2 grows between 600 and 800 degC."""


def place_phases(
    mixture: Mixture, programme: Programme, time: Array, effects: Effects
) -> list[PhaseSeries]:
    """Return every phase's cell and amount in each frame.

    Parameters
    ----------
    mixture : Mixture
        The phases and what the programme does to them.
    programme : Programme
        Temperatures [degC].
    time : ndarray, shape (frame,)
        [s from the programme's start]
    effects : Effects
        Thermal lag [s] and bend of the growth.

    Returns
    -------
    list of PhaseSeries
        One per phase: cells [angstrom, degree], amounts [counts degree].
    """
    temperature = programme.interpolate_temperature(time, effects.thermal_lag)
    hold_start, hold_end = programme.corners.hold
    # reactions go one way: on cooling the amount stays that of the highest temperature
    highest = np.maximum.accumulate(np.where(time < hold_end, temperature, -np.inf))
    time_held = np.clip(time - hold_start, 0, hold_end - hold_start)
    relaxed = 1 - np.exp(-time_held / RELAXATION)
    found = []
    for phase in mixture.phases:
        amount = np.full(time.size, phase.amount * mixture.instrument.fwhm / REFERENCE_WIDTH)
        if phase.grows:
            onset, complete = phase.grows
            amount *= calculate_grown_share(highest, onset, complete, effects.saturation)
        if phase.fades:
            first, last = phase.fades
            # fading is growth with the temperature axis turned around
            amount *= calculate_grown_share(last + first - highest, first, last, effects.saturation)
        cell = phase.crystal.cell_at(temperature)
        cell[:, :3] *= 1 + phase.permanent * relaxed[:, None]
        found.append(PhaseSeries(crystal=phase.crystal, cell=cell, amount=amount))
    return found


def simulate_patterns(
    mixture: Mixture,
    programme: Programme,
    time: Array,
    effects: Effects,
    rng: np.random.Generator,
    *,
    counts: float = 1.0,
) -> tuple[Array, Array]:
    """Return the patterns of a series.

    Parameters
    ----------
    mixture : Mixture
        The pellet.
    programme : Programme
        Temperatures [degC].
    time : ndarray, shape (frame,)
        [s from the programme's start]
    effects : Effects
        What the fitters do not model.
    rng : Generator
        Of grains and counting noise.
    counts : float
        Counts relative to the usual ones (dimensionless).

    Returns
    -------
    patterns : ndarray, shape (frame, two_theta)
        [counts]
    beam : ndarray, shape (frame,)
        Incident beam relative to the usual one (dimensionless).
    """
    instrument = mixture.instrument
    axis = instrument.two_theta
    phases = place_phases(mixture, programme, time, effects)
    signal = pattern.simulate_peaks(phases, axis, instrument, effects, rng)
    level = pattern.simulate_background(axis, instrument.wavelength, BACKGROUND, effects)
    beam = 1 + effects.drift * np.sin(2 * np.pi * time / BEAM_PERIOD)
    expected = counts * beam[:, None] * (signal + level)
    return rng.poisson(expected).astype(float), beam


def write_series(
    mixture: Mixture,
    folder: Path,
    effects: Effects,
    rng: np.random.Generator,
    frames: FrameCounts = USUAL_FRAMES,
    *,
    counts: float = 1.0,
) -> list[Truth]:
    """Write a heating series (one .xye per frame) and its furnace log; return what is true of it.

    Parameters
    ----------
    mixture : Mixture
        The pellet.
    folder : Path
        Gets ``<measurement>/NNN.xye`` and ``<measurement>_furnace.csv``.
    effects : Effects
        What the fitters do not model.
    rng : Generator
        Of all noise.
    frames : FrameCounts
        Numbers of frames.
    counts : float
        Counts relative to those of the demonstration (dimensionless): the noise scales with its
        square root.

    Returns
    -------
    list of Truth
        Known answers, each with its unit.
    """
    programme = Programme(start=mixture.start)
    time = programme.list_frame_times(frames)
    patterns, beam = simulate_patterns(mixture, programme, time, effects, rng, counts=counts)
    where = folder / mixture.measurement
    where.mkdir(parents=True, exist_ok=True)
    for place, number in enumerate(range(1, time.size + 1)):
        write_xye(
            where / f"{number:03d}.xye",
            mixture,
            patterns[place],
            frame=number,
            time=programme.start + time[place],
            beam=beam[place],
        )
    write_log(folder / f"{mixture.measurement}_furnace.csv", programme, rng, effects)
    return list_truths(mixture, programme)


def write_xye(
    path: Path, mixture: Mixture, counts: Array, *, frame: int, time: float, beam: float
) -> None:
    """Write one pattern: 2theta [degree], counts, their standard error, after a commented header.

    Parameters
    ----------
    path : Path
        The file.
    mixture : Mixture
        The pellet and its instrument.
    counts : ndarray, shape (two_theta,)
        The pattern [counts].
    frame : int
        Number in the series.
    time : float
        Middle of the exposure [s since 1970-01-01 UTC].
    beam : float
        Incident beam relative to the usual one (dimensionless).
    """
    header = [
        "synthetic demonstration data (ssbchar simulate)",
        f"sample: {mixture.sample}",
        f"frame: {frame}",
        f"wavelength: {mixture.instrument.wavelength} angstrom",
        f"time: {format_time(time, UTC_OFFSET)}",
        f"exposure: {EXPOSURE} s (time is its middle)",
        f"monitor: {beam:.5f}",
        "columns: two_theta_degree intensity_counts stderr_counts",
    ]
    rows = [
        f"{x:.4f} {y:.0f} {np.sqrt(max(y, 1.0)):.1f}"
        for x, y in zip(mixture.instrument.two_theta, counts.tolist(), strict=True)
    ]
    text = "".join(f"# {line}\n" for line in header) + "\n".join(rows) + "\n"
    path.write_text(text, encoding="utf-8")


def list_truths(mixture: Mixture, programme: Programme) -> list[Truth]:
    """Return the known answers of a series.

    Parameters
    ----------
    mixture : Mixture
        The pellet.
    programme : Programme
        Length of the hold [h].

    Returns
    -------
    list of Truth
        Cells [angstrom, degree], expansions [1/K], temperatures [degC] and the verdict.
    """
    about = partial(Truth, sample=mixture.sample, technique="hexrd")
    rows = [
        about(
            subject=mixture.sample,
            condition="",
            quantity="phase_stability",
            value=None,
            verdict=mixture.verdict,
        )
    ]
    for phase in mixture.phases:
        rows += _list_phase_truths(phase, programme, about)
    return rows


def _list_phase_truths(
    phase: Behaviour, programme: Programme, about: Callable[..., Truth]
) -> list[Truth]:
    """Return the known answers of one phase."""
    of_phase = partial(about, subject=phase.crystal.name)
    before = phase.crystal.cell_at(np.array(ROOM_TEMPERATURE))
    after = phase.crystal.cell_at(np.array(ROOM_TEMPERATURE))
    after[:3] *= 1 + phase.permanent * (1 - np.exp(-programme.hold * 3600 / RELAXATION))
    rows = []
    # a phase that grows is not there before, one that fades not after
    if not phase.grows:
        rows += _list_cell_truths(
            phase.crystal, before, partial(of_phase, condition="before heating")
        )
        rows += _list_expansion_truths(phase.crystal, "heating", of_phase)
    if not phase.fades:
        rows += _list_cell_truths(
            phase.crystal, after, partial(of_phase, condition="after cooling")
        )
        rows += _list_expansion_truths(phase.crystal, "cooling", of_phase)
    if not phase.grows and not phase.fades:
        ratio = crystal.volume_from_cell(after) / crystal.volume_from_cell(before)
        rows.append(
            of_phase(
                condition="after cooling",
                quantity="volume_return",
                value=float(100 * (ratio - 1)),
                unit="percent",
            )
        )
    on_heating = partial(of_phase, condition="heating", unit="degC")
    if phase.grows:
        rows.append(on_heating(quantity="onset_temperature", value=phase.grows[0]))
    if phase.fades:
        rows.append(on_heating(quantity="end_temperature", value=phase.fades[1]))
    return rows


def _list_cell_truths(phase: Crystal, cell: Array, about: Callable[..., Truth]) -> list[Truth]:
    """Return the free parameters and the volume of a cell [angstrom, degree]."""
    rows = [
        about(
            quantity=CELL_NAMES[axis],
            value=float(cell[axis]),
            unit="angstrom" if axis < 3 else "degree",
        )
        for axis in FREE_PARAMETERS[phase.system]
    ]
    volume = float(crystal.volume_from_cell(cell))
    return [*rows, about(quantity="volume", value=volume, unit="angstrom^3")]


def _list_expansion_truths(
    phase: Crystal, segment: str, about: Callable[..., Truth]
) -> list[Truth]:
    """Return the mean linear expansion [1/K] of the free axes and the volume."""
    low, high = MEAN_EXPANSION_RANGE
    first, last = phase.cell_at(np.array([low, high]))
    sizes = {
        CELL_NAMES[axis]: (first[axis], last[axis])
        for axis in FREE_PARAMETERS[phase.system]
        if axis < 3
    }
    sizes["volume"] = (crystal.volume_from_cell(first), crystal.volume_from_cell(last))
    return [
        about(
            condition=f"{segment} {name}",
            quantity="mean_volume_expansion" if name == "volume" else "mean_linear_expansion",
            value=float((cold_and_hot[1] / cold_and_hot[0] - 1) / (high - low)),
            unit="1/K",
        )
        for name, cold_and_hot in sizes.items()
    ]
