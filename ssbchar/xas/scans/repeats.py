"""Whether scans are repeats of one sample: their edges must have one shape, within their noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ssbchar.statistics import sigma_from_deviations
from ssbchar.typing import Array, Bool
from ssbchar.xas.scans.scan import Scan
from ssbchar.xas.slopes import remove_spikes

RANGE = (-25.0, 100.0)
"""Energies about the edge that are compared [eV]."""
SPACING = 0.5
"""Of the points compared [eV]."""
LARGEST_SHIFT = 3.0
"""Scans of one sample lie on raw axes that differ by no more after their steepest places are laid
on each other [eV]."""
SHIFT_STEP = 0.1
"""Of the shifts tried [eV]."""
LEAST_DIFFERENCE = 0.006
"""Root mean square difference, as a share of the edge step, that drift, thickness and harmonics may
make between repeats [1]; ours."""
ABOVE_NOISE = 3.0
"""Times the noise of the two scans that a difference must exceed [1]; ours."""
KEPT = 0.95
"""Share of the points that a difference is averaged over [1]."""
LEAST_STEP = 0.3
"""Of the range of a spectrum, that its edge step is taken to have at least [1]."""
LEAST_POINTS = 40
"""Fewer points in common cannot be compared."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What remains between two scans that are laid on each other."""

    size: float
    """Root mean square without glitches, as a share of the edge step."""
    noise: float
    """What the points' noise makes of it, as a share of the edge step."""

    @property
    def is_real(self) -> bool:
        """Whether two scans are not of one sample."""
        return self.size > max(LEAST_DIFFERENCE, ABOVE_NOISE * self.noise)


def compare_scans(one: Scan, other: Scan, places: tuple[float, float]) -> Difference | None:
    """Return what remains between two scans after shift, scale and a parabola are free.

    Parameters
    ----------
    one, other : Scan
        Arrays of shape (point,), energies in eV.
    places : tuple of float
        Their steepest places [eV]. An edge may have two that are as steep: the raw axes are tried
        as they are too.

    Returns
    -------
    Difference or None
        None where they have too little in common.
    """
    noise = float(np.hypot(_estimate_noise(one, places[0]), _estimate_noise(other, places[1])))
    sizes = [
        size
        for offset in {places[1] - places[0], 0.0}
        if (size := _measure_difference(one, other, places[0], offset)) is not None
    ]
    return Difference(size=min(sizes), noise=noise) if sizes else None


def _measure_difference(one: Scan, other: Scan, place: float, offset: float) -> float | None:
    """Return the least difference over all shifts about an offset of the axes [eV]."""
    low = max(RANGE[0], one.energy[0] - place, other.energy[0] - offset - place + LARGEST_SHIFT)
    high = min(RANGE[1], one.energy[-1] - place, other.energy[-1] - offset - place - LARGEST_SHIFT)
    x = np.arange(low, high, SPACING)
    if x.size < LEAST_POINTS:
        return None
    # One wild reading would spoil the scale of all.
    y = np.interp(x + place, one.energy, remove_spikes(one.mu))
    height = _measure_height(x, y)
    shifts = np.arange(-LARGEST_SHIFT, LARGEST_SHIFT + SHIFT_STEP / 2, SHIFT_STEP)
    moved = np.interp(x + place + offset + shifts[:, None], other.energy, remove_spikes(other.mu))
    # Scale by projection: what a parabola makes is taken out of both.
    basis, _ = np.linalg.qr(np.vander(x / RANGE[1], 3))
    y = y - basis @ (basis.T @ y)
    moved = moved - (moved @ basis) @ basis.T
    power = np.maximum((moved**2).sum(axis=1), 1e-300)
    scale = np.maximum(moved @ y / power, 0.0)
    residual = y - scale[:, None] * moved
    return min(_trim_and_average(row) for row in residual) / height


def _trim_and_average(residual: Array) -> float:
    """Return the root mean square without the largest values: single wild readings are glitches."""
    squares = np.sort(residual**2)
    return float(np.sqrt(squares[: round(KEPT * squares.size)].mean()))


def _measure_height(x: Array, y: Array) -> float:
    above, below = y[x > 0.3 * x[-1]], y[x < 0.5 * x[0]]
    step = float(np.median(above) - np.median(below))
    # A white line on a falling background has no such step.
    low, high = np.quantile(y, [0.02, 0.98])
    return max(step, LEAST_STEP * float(high - low), 1e-12)


def _estimate_noise(scan: Scan, place: float) -> float:
    """Return the noise of a point as a share of the edge step, from third differences, which know
    nothing of smooth curves."""
    x = scan.energy - place
    near = (x > RANGE[0]) & (x < RANGE[1])
    y = scan.mu[near]
    if y.size < LEAST_POINTS // 2:
        return 0.0
    third = np.diff(y, 3) / np.sqrt(20)
    return sigma_from_deviations(third) / _measure_height(x[near], y)


def group_repeats(scans: Sequence[Scan], places: Sequence[float]) -> tuple[list[int], str]:
    """Return which scans are repeats of one sample, and what sets the others apart.

    Two scans that differ are both refused; of more, the largest group that agrees is kept where it
    is more than half.

    Parameters
    ----------
    scans : sequence of Scan
    places : sequence of float
        Their edges [eV].

    Returns
    -------
    kept : list of int
        Places in the sequence; empty where no group is the larger one.
    apart : str
        The pair that differs most, in words; empty where all agree.
    """
    count = len(scans)
    alike = np.eye(count, dtype=bool)
    apart, most = "", 0.0
    for i in range(count):
        for j in range(i + 1, count):
            found = compare_scans(scans[i], scans[j], (places[i], places[j]))
            alike[i, j] = alike[j, i] = found is None or not found.is_real
            if found is not None and found.is_real and found.size > most:
                most = found.size
                apart = (
                    f"{scans[i].where} and {scans[j].where} differ by {100 * found.size:.1f} % of "
                    f"the edge step (rms; noise {100 * found.noise:.1f} %)"
                )
    if not apart:
        return list(range(count)), ""
    return choose_alike(alike), apart


def choose_alike(alike: Bool) -> list[int]:
    """Return the largest group of scans of which all agree with each other, where it is more than
    half of them; else none.

    Parameters
    ----------
    alike : array of bool, shape (scan, scan)
        Which agree.

    Returns
    -------
    list of int
    """
    # All that are kept agree with each other: a noisy scan agrees with everything.
    kept = list(range(len(alike)))
    while (others := (~alike[np.ix_(kept, kept)]).sum(axis=1)).any():
        kept.pop(int(others.argmax()))
    return kept if 2 * len(kept) > len(alike) else []
