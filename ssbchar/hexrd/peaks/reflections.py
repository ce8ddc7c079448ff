"""Which lines to track: the strong and free ones of each phase, with the neighbours they must be
fitted with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.hexrd.bragg import two_theta_from_d
from ssbchar.hexrd.peaks.options import Tracking
from ssbchar.typing import Array

if TYPE_CHECKING:
    import xarray as xr

FAINT = 0.05
"""Lines below this share of their phase's strongest one are left out of account."""
MOST = 5
"""Lines in one joint window at most."""


@dataclass(frozen=True)
class KnownLines:
    """Lines of all phases, by increasing 2theta of their reference cells."""

    phase: Any
    """Index of the phase, shape (lines,)."""
    hkl: list[str]
    """Indices of the strongest reflection in each line."""
    d: Array
    """[angstrom], of the reference cell."""
    strength: Array
    """Relative to the strongest line of the phase (0-1)."""
    known: Any
    """Whether the strengths come from a structure (bool); else from multiplicities alone."""
    tracked: Any
    """Whether the line is reported (bool)."""
    beside: Any
    """Whether it is fitted: a tracked one or a neighbour of one (bool)."""

    def take(self, rows: Any) -> KnownLines:
        """Return some of the lines."""
        return KnownLines(
            self.phase[rows],
            [self.hkl[n] for n in rows],
            self.d[rows],
            self.strength[rows],
            self.known[rows],
            self.tracked[rows],
            self.beside[rows],
        )


def list_lines(
    phases: list[xr.Dataset], wavelength: float, low: float, high: float, width: float, most: int
) -> KnownLines:
    """Return all lines but faint ones, and which of them to track.

    Reflections of one phase closer than half a width count as one line. Of each phase those `most`
    lines are tracked whose strength s is large and free, s^2 / (s + c), c the strength of all other
    lines within about a width and a half.

    Parameters
    ----------
    wavelength : float
        [angstrom]
    low, high, width : float
        Range of 2theta and typical full width at half maximum [degree].

    Raises
    ------
    BadInput
        No phase has a line in the range.
    """
    found = [_lines_of(phase, wavelength, low, high, width) for phase in phases]
    count = [d.size for d, _, _ in found]
    if not sum(count):
        raise BadInput(
            "phases", "no phase has a line inside the patterns", "check cells and wavelength"
        )
    d = np.concatenate([f[0] for f in found])
    strength = np.concatenate([f[1] for f in found])
    known = [bool(np.isfinite(phase["structure_factor_squared"].values).all()) for phase in phases]
    every = KnownLines(
        np.repeat(np.arange(len(phases)), count),
        [h for f in found for h in f[2]],
        d,
        strength,
        np.repeat(known, count),
        *np.zeros((2, d.size), bool),
    )
    every = every.take(np.argsort(-d, kind="stable"))
    at = two_theta_from_d(every.d, wavelength)
    near = np.exp(-0.5 * ((at[:, None] - at) / (1.5 * width)) ** 2)
    crowd = near @ every.strength - every.strength
    merit = every.strength**2 / (every.strength + crowd)
    for phase in range(len(phases)):
        own = np.flatnonzero(every.phase == phase)
        every.tracked[own[np.argsort(-merit[own], kind="stable")[:most]]] = True
    every.beside[:] = np.min(np.abs(at[:, None] - at[every.tracked]), axis=1) < 3.0 * width
    return every


def _lines_of(
    phase: xr.Dataset, wavelength: float, low: float, high: float, width: float
) -> tuple[Array, Array, list[str]]:
    """Return d, relative strength and indices of a phase's lines inside a range of 2theta."""
    d, multiplicity = phase["d"].values, phase["multiplicity"].values
    factor = phase["structure_factor_squared"].values
    at = two_theta_from_d(d, wavelength)
    theta = np.radians(at) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        power = (
            multiplicity
            * (factor if np.isfinite(factor).all() else 1.0)
            / (np.sin(theta) ** 2 * np.cos(theta))
        )
        inside = np.flatnonzero((at > low) & (at < high))
    inside = inside[np.argsort(at[inside], kind="stable")]
    merged: list[list[int]] = []
    for n in inside:
        if merged and at[n] - at[merged[-1][0]] < 0.5 * width:
            merged[-1].append(int(n))
        else:
            merged.append([int(n)])
    total = np.array([power[m].sum() for m in merged])
    kept = [m for m, t in zip(merged, total, strict=True) if t >= FAINT * total.max()]
    lead = [m[int(np.argmax(power[m]))] for m in kept]
    h, k, ell = (phase[i].values for i in "hkl")
    mean = np.array([np.average(d[m], weights=power[m]) for m in kept])
    strength = np.array([power[m].sum() for m in kept]) / (total.max() if total.size else 1.0)
    return mean, strength, [f"{int(h[n])} {int(k[n])} {int(ell[n])}" for n in lead]


def find_crowded(found: KnownLines, wavelength: float, width: float) -> Any:
    """Return which lines have another of at least a third of their strength within two and a half
    widths."""
    at = two_theta_from_d(found.d, wavelength)
    near = (np.abs(at[:, None] - at) < 2.5 * width) & (found.strength > found.strength[:, None] / 3)
    np.fill_diagonal(near, False)
    return near.any(axis=1)


def group_lines(predicted: Array, fitted: Any, width: float) -> list[Any]:
    """Return the lines that share a window: chains of lines that come closer than two widths in any
    frame.

    A chain of more than five is cut at its widest gap.

    Parameters
    ----------
    predicted : ndarray, shape (frames, lines)
        2theta [degree].
    fitted : ndarray of bool, shape (lines,)
        Lines to group.
    """
    some = predicted[:: max(predicted.shape[0] // 64, 1)]
    order = np.argsort(some.mean(axis=0), kind="stable")
    order = order[fitted[order]]
    sorted_ = some[:, order]
    gap = np.min(np.diff(sorted_, axis=1), axis=0)
    chains = np.split(np.arange(order.size), np.flatnonzero(gap >= 2.0 * width) + 1)
    out: list[Any] = []
    while chains:
        chain = chains.pop(0)
        if chain.size > MOST:
            cut = 1 + int(np.argmax(gap[chain[:-1]]))
            chains[:0] = [chain[:cut], chain[cut:]]
        else:
            out.append(order[chain])
    return out


def two_theta_from_strain(found: KnownLines, wavelength: float, strain: Array) -> Array:
    """Return the 2theta [degree] of each line in each frame from its phase's strain, shape (frames,
    lines)."""
    return two_theta_from_d(found.d * (1 + strain[:, found.phase]), wavelength)


def limit_two_theta(two_theta: Array, width: float, options: Tracking) -> tuple[float, float]:
    """Return the range of 2theta [degree] in which lines have a whole window."""
    margin = options.window * width
    low = max(float(two_theta[0]) + margin, options.two_theta_min)
    return low, min(float(two_theta[-1]) - margin, options.two_theta_max)


def find_overlaps(
    found: KnownLines, predicted: Array, expected: Array, seen: Any, width: float
) -> tuple[Any, Any]:
    """Return which lines stand under a stronger one, and which are disturbed by another, in each
    frame.

    Two lines closer than 0.6 widths cannot be told apart: the weaker is `hidden`, and the stronger
    `disturbed` unless the weaker has less than a tenth of it.

    Parameters
    ----------
    expected : ndarray, shape (frames, lines)
        Height from the phases' scales [counts].
    seen : ndarray of bool, shape (frames, lines)
        Lines of present phases that rise above the noise.
    """
    hidden, disturbed = np.zeros((2, *seen.shape), dtype=bool)
    some = predicted[:: max(predicted.shape[0] // 64, 1)]
    for i in np.flatnonzero(found.beside):
        for j in np.flatnonzero(np.min(np.abs(some - some[:, i : i + 1]), axis=0) < 2 * width):
            if i == j:
                continue
            close = seen[:, j] & (np.abs(predicted[:, i] - predicted[:, j]) < 0.6 * width)
            hidden[:, i] |= close & (expected[:, j] >= expected[:, i])
            disturbed[:, i] |= close & (expected[:, j] > 0.1 * expected[:, i])
    return hidden, disturbed
