"""The verdict on a mixture: stable, reversible, partly, reacts or inconclusive, with its
evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.conclusion import Conclusion
from ssbchar.hexrd.verdict.options import Stability
from ssbchar.hexrd.verdict.reference_cells import ReferenceCell, ReferenceFrames
from ssbchar.hexrd.verdict.reference_cells import compare_cells as change_of

if TYPE_CHECKING:
    import xarray as xr


LINES_OF_A_PHASE = 3
"""Fewer unexplained lines than this are told but do not make a product."""


@dataclass(frozen=True)
class PhaseHistory:
    """What became of one phase."""

    name: str
    first: bool
    """There at the start."""
    last: bool
    """There at the end of what was measured."""
    ever: bool
    change: float
    """Largest relative change of a cell length or of the volume, after / before - 1 [percent]; NaN
    not measured."""
    change_stderr: float
    kept: float
    """Intensity after over before [percent]; NaN not measured."""
    kept_stderr: float


def describe_history(
    name: str,
    phase: int,
    lattice: xr.Dataset,
    furnace: xr.Dataset,
    before: ReferenceCell | None,
    after: ReferenceCell | None,
    resting: ReferenceFrames,
    options: Stability,
) -> PhaseHistory:
    """Return what became of a phase, from its presence at both ends and its cells and intensity at
    rest."""
    present = lattice["present"].values[:, phase] == 1
    measured = np.flatnonzero(np.isfinite(lattice["intensity_stderr"].values[:, phase]))
    first = resting.before if resting.before.size else measured[:3]
    last = resting.after if resting.after.size else measured[-3:]
    change = change_stderr = kept = kept_stderr = float("nan")
    if before is not None and after is not None:
        moving = np.array([i for i in (0, 1, 2, 6) if before.stderr[i] > 0])
        ratio, error = (part[moving] for part in change_of(before, after))
        worst = int(np.argmax(np.abs(ratio)))
        change, change_stderr = 100 * float(ratio[worst]), 100 * float(error[worst])
        share = after.intensity[0] / before.intensity[0]
        kept = 100 * share
        kept_stderr = (
            100
            * share
            * float(
                np.hypot(
                    after.intensity[1] / after.intensity[0],
                    before.intensity[1] / before.intensity[0],
                )
            )
        )
    return PhaseHistory(
        name,
        bool(np.mean(present[first]) > 0.5) if first.size else False,
        bool(np.mean(present[last]) > 0.5) if last.size else False,
        bool(present.sum() >= 2),
        change,
        change_stderr,
        kept,
        kept_stderr,
    )


def judge_mixture(
    states: list[PhaseHistory],
    onset: list[Conclusion],
    candidates: list[Conclusion],
    limits: list[Conclusion],
    peaks: xr.Dataset,
    furnace: xr.Dataset,
    options: Stability,
) -> Conclusion:
    """Return the verdict on the mixture.

    `reacts`: an initial phase is gone at the end. `partly`: the initial phases are there, but a new
    one stays, or a cell or intensity has not returned. `reversible`: all returned after cooling.
    `stable`: nothing came or went up to the highest temperature, and cooling was not measured.
    `inconclusive`: no initial phase, or cells too uncertain.
    """
    temperature = furnace["temperature"].values
    cooled = bool(np.any(furnace["segment"].values.astype(str) == "cooling"))
    initial = [s for s in states if s.first]
    gone = [s for s in initial if not s.last]
    new = [s for s in states if s.ever and not s.first]
    lasting = [s for s in new if s.last]
    strange = _strange(candidates, onset + candidates)
    changed, open_cells = _changed(initial, options), _open(initial, options)
    if not initial or not np.isfinite(temperature).any():
        word = "inconclusive"
    elif gone:
        word = "reacts"
    elif lasting or changed or any(stays for _, stays in strange):
        word = "partly"
    elif cooled and open_cells:
        word = "inconclusive"
    elif cooled:
        word = "reversible"
    else:
        word = "partly" if new or strange else "stable"
    told = [_highest(temperature), "" if cooled else "reversibility not measured (no cooling)"]
    if not initial:
        told.append("no phase of the list was there at the start")
    told += [
        f"new: {s.name}{_when(onset, s.name, 'onset_temperature')}{_lines(peaks, s.name)}"
        for s in new
    ]
    told += [f"gone: {s.name}{_when(onset, s.name, 'end_temperature')}" for s in gone]
    told += [text for text, _ in strange]
    told += changed + open_cells
    told += [_back(s) for s in initial if np.isfinite(s.change) and not _changed([s], options)]
    told += [
        f"any listed phase above {c.value:.2g} % ({c.reason.split(';')[0]}) would have been seen"
        for c in limits
    ]
    method = "presence at both ends, cells and intensities at rest before and after"
    return Conclusion(
        "phase_stability", verdict=word, reason="; ".join(t for t in told if t), method=method
    )


def _strange(candidates: list[Conclusion], rows: list[Conclusion]) -> list[tuple[str, bool]]:
    """Return what is told of each group of unexplained peaks that came, and whether it stays to the
    end."""
    told = []
    for c in candidates:
        own = [
            r for r in rows if r.subject == c.subject and r.quantity.startswith(("onset_", "end_"))
        ]
        came = any(r.quantity.startswith("onset_") and r.value is not None for r in own)
        if (
            c.quantity != "unexplained_lines"
            or c.verdict == "known_phase"
            or not came
            or (c.value or 0) < LINES_OF_A_PHASE
        ):
            continue
        ends = [r for r in own if r.quantity.startswith("end_")]
        what = (
            c.reason.split(",")[0].split(";")[0]
            if c.verdict == "named"
            else c.verdict.replace("_", " ")
        )
        when = _when(rows, c.subject, "onset_temperature")
        told.append(
            (
                f"{c.value:.0f} unexplained lines{when}: {what}",
                bool(ends) and ends[-1].verdict == "still_present",
            )
        )
    return told


def _changed(initial: list[PhaseHistory], options: Stability) -> list[str]:
    """Return what surely has not returned: cells beyond tolerance, intensity lost."""
    told = []
    for s in initial:
        if abs(s.change) - 1.96 * s.change_stderr > options.cell_tolerance:
            told.append(f"the cell of {s.name} is off by {s.change:+.3f}({s.change_stderr:.3f}) %")
        if s.kept + 1.96 * s.kept_stderr < 100 - options.intensity_tolerance:
            told.append(f"{s.name} kept {s.kept:.0f}({s.kept_stderr:.0f}) % of its intensity")
    return told


def _open(initial: list[PhaseHistory], options: Stability) -> list[str]:
    """Return the cells of which it cannot be said that they returned."""
    told = []
    for s in initial:
        if not s.last:
            continue
        if not np.isfinite(s.change):
            told.append(f"the cell of {s.name} could not be compared")
        elif abs(s.change) + 1.96 * s.change_stderr > options.cell_tolerance and not _changed(
            [s], options
        ):
            told.append(
                f"whether the cell of {s.name} returned is open ({s.change:+.3f}({s.change_stderr:.3f}) %)"
            )
    return told


def _back(s: PhaseHistory) -> str:
    return f"{s.name} back within {abs(s.change) + 1.96 * s.change_stderr:.2g} % (95 %)"


def _highest(temperature: object) -> str:
    known = np.asarray(temperature, float)
    known = known[np.isfinite(known)]
    return f"up to {known.max():.0f} degC" if known.size else "no temperatures"


def _when(onset: list[Conclusion], phase: str, quantity: str) -> str:
    """Return the temperature of a phase's first onset or last end, as told."""
    for c in onset:
        if c.subject == phase and c.quantity == quantity and c.value is not None:
            limits = (
                f" ({c.lower95:.0f}-{c.upper95:.0f})"
                if c.lower95 is not None and c.upper95 is not None
                else ""
            )
            return f" {'from' if quantity.startswith('onset') else 'at'} {c.value:.0f}{limits} degC on {c.condition}"
    for c in onset:
        if (
            c.subject == phase
            and c.quantity == quantity.replace("temperature", "frame")
            and c.value is not None
        ):
            return f" {'from' if quantity.startswith('onset') else 'at'} frame {c.value:.0f} on {c.condition}"
    return ""


def _lines(peaks: xr.Dataset, phase: str) -> str:
    """Return how many tracked lines of a phase were found above 5 sigma."""
    if "phase" not in peaks or "significance" not in peaks:
        return ""
    own = peaks["phase"].values.astype(str) == phase
    if not own.any():
        return ""
    best = np.nan_to_num(peaks["significance"].values[:, own]).max(axis=0)
    return f", {int(np.sum(best > 5))} of {int(own.sum())} tracked lines above 5 sigma (best {best.max():.0f})"
