"""Which lines to fit: the strong and free ones of each phase, with the neighbours they must be
fitted with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.hexrd.bragg import two_theta_from_d
from ssbchar.hexrd.peaks.named import SAME_SPACING
from ssbchar.hexrd.peaks.options import Tracking
from ssbchar.typing import Array, Bool, Index

if TYPE_CHECKING:
    import xarray as xr

FAINT = 0.05
"""Lines below this share of their phase's strongest one are left out of account."""
MOST = 5
"""Lines in one joint window at most."""
MERGED = 0.5
"""Distance below which reflections of one phase count as one line [widths]."""
CROWDING = 1.5
"""Distance over which other lines make a line less free [widths]."""
BESIDE = 3.0
"""Distance within which a neighbour of a reported line is fitted too [widths]."""
CROWDED = 2.5
"""Distance within which a line of a third of the strength can be mistaken for another [widths]."""
JOINT = 2.0
"""Distance below which lines are fitted in one window [widths]."""
SAME_PLACE = 0.6
"""Distance below which two lines cannot be told apart [widths]."""
DISTURBING = 0.1
"""Share of a line's height from which a line in the same place disturbs it."""
SAMPLED = 64
"""Frames, about, that are looked at for how close lines come."""


@dataclass(frozen=True, kw_only=True)
class KnownLines:
    """Lines of all phases, by increasing 2theta of their reference cells; arrays of shape
    (lines,)."""

    phase: Index
    """Index of the phase."""
    hkl: list[str]
    """Indices of the strongest reflection in each line."""
    d: Array
    """Of the reference cell [angstrom]."""
    strength: Array
    """Relative to the strongest line of the phase (0-1)."""
    tracked: Bool
    """Whether the line is reported."""
    beside: Bool
    """Whether it is fitted: a reported one or a neighbour of one."""
    named: Bool
    """Whether the user has named it."""

    def take(self, rows: Index) -> KnownLines:
        """Return some of the lines; `rows` is an index of shape (some,), d stays in angstrom."""
        return KnownLines(
            phase=self.phase[rows],
            hkl=[self.hkl[n] for n in rows],
            d=self.d[rows],
            strength=self.strength[rows],
            tracked=self.tracked[rows],
            beside=self.beside[rows],
            named=self.named[rows],
        )


@dataclass(frozen=True, kw_only=True)
class Overlaps:
    """Lines in the same place as another one, arrays of shape (frames, lines)."""

    hidden: Bool
    """Under a line that is as strong or stronger."""
    disturbed: Bool
    """With a line of more than a tenth of its height in the same place."""


def list_lines(
    phases: Sequence[xr.Dataset],
    wavelength: float,
    bounds: tuple[float, float],
    width: float,
    most: int,
    *,
    named: Sequence[Array] | None = None,
) -> KnownLines:
    """Return all lines but faint ones, and which of them to report.

    Reflections of one phase closer than half a width count as one line. Of each phase those `most`
    lines are reported whose strength s is large and free, s^2 / (s + c), c the strength of all
    other lines within about a width and a half.

    Parameters
    ----------
    phases : sequence of Dataset
        Reflections: ``d`` [angstrom], ``h k l``, ``multiplicity`` and
        ``structure_factor_squared``, shape (reflections,).
    wavelength : float
        [angstrom]
    bounds : (float, float)
        Range of 2theta [degree].
    width : float
        Typical full width at half maximum [degree].
    most : int
        Lines to report per phase.
    named : sequence of ndarray, optional
        For each phase the spacings [angstrom] of reflections whose lines are reported in any case.

    Returns
    -------
    KnownLines
        By increasing 2theta.

    Raises
    ------
    BadInput
        No phase has a line in the range.
    """
    spacings = named or [np.zeros(0)] * len(phases)
    found = [
        _list_phase(n, phase, wavelength, bounds, width=width, named=spacings[n])
        for n, phase in enumerate(phases)
    ]
    if not any(one.d.size for one in found):
        raise BadInput(
            "phases", "no phase has a line inside the patterns", "check cells and wavelength"
        )
    every = _join(found)
    every = every.take(np.argsort(-every.d, kind="stable"))
    at = two_theta_from_d(every.d, wavelength)
    near = np.exp(-0.5 * ((at[:, None] - at) / (CROWDING * width)) ** 2)
    crowd = near @ every.strength - every.strength
    merit = every.strength**2 / (every.strength + crowd)
    tracked = np.zeros(every.d.size, bool)
    for phase in range(len(phases)):
        own = np.flatnonzero(every.phase == phase)
        tracked[own[np.argsort(-merit[own], kind="stable")[:most]]] = True
    tracked |= every.named
    distance = np.min(np.abs(at[:, None] - at[tracked]), axis=1)
    return replace(every, tracked=tracked, beside=distance < BESIDE * width)


def _list_phase(
    number: int,
    phase: xr.Dataset,
    wavelength: float,
    bounds: tuple[float, float],
    *,
    width: float,
    named: Array,
) -> KnownLines:
    """Return a phase's lines inside a range of 2theta, by increasing 2theta."""
    d, multiplicity = phase["d"].values, phase["multiplicity"].values
    factor = phase["structure_factor_squared"].values
    at = two_theta_from_d(d, wavelength)
    theta = np.radians(at) / 2
    # multiplicity, structure factor and Lorentz factor of powder; no structure: all factors alike
    if not np.isfinite(factor).all():
        factor = np.ones_like(factor)
    with np.errstate(invalid="ignore", divide="ignore"):
        power = multiplicity * factor / (np.sin(theta) ** 2 * np.cos(theta))
        inside = np.flatnonzero((at > bounds[0]) & (at < bounds[1]))
    inside = inside[np.argsort(at[inside], kind="stable")]
    merged = _merge_reflections(inside, at, MERGED * width)
    total = np.array([power[members].sum() for members in merged])
    strongest = total.max() if total.size else 1.0
    is_named = np.any(np.abs(d[:, None] / named - 1) < SAME_SPACING, axis=1)
    kept = [
        m for m, t in zip(merged, total, strict=True) if t >= FAINT * strongest or is_named[m].any()
    ]
    # A line is called by what it was named.
    lead = [
        members[int(np.argmax(power[members] + is_named[members] * power.max()))]
        for members in kept
    ]
    h, k, ell = (phase[i].values for i in "hkl")
    return KnownLines(
        phase=np.full(len(kept), number),
        hkl=[f"{int(h[n])} {int(k[n])} {int(ell[n])}" for n in lead],
        d=np.array([np.average(d[m], weights=power[m]) for m in kept]),
        strength=np.array([power[m].sum() for m in kept]) / strongest,
        tracked=np.zeros(len(kept), bool),
        beside=np.zeros(len(kept), bool),
        named=np.array([is_named[m].any() for m in kept], bool),
    )


def _merge_reflections(sorted_by_angle: Index, at: Array, distance: float) -> list[list[int]]:
    """Return reflections that count as one line: all within a distance of the first of them."""
    merged: list[list[int]] = []
    for n in sorted_by_angle:
        if merged and at[n] - at[merged[-1][0]] < distance:
            merged[-1].append(int(n))
        else:
            merged.append([int(n)])
    return merged


def _join(found: Sequence[KnownLines]) -> KnownLines:
    return KnownLines(
        phase=np.concatenate([one.phase for one in found]),
        hkl=[hkl for one in found for hkl in one.hkl],
        d=np.concatenate([one.d for one in found]),
        strength=np.concatenate([one.strength for one in found]),
        tracked=np.concatenate([one.tracked for one in found]),
        beside=np.concatenate([one.beside for one in found]),
        named=np.concatenate([one.named for one in found]),
    )


def find_crowded(found: KnownLines, wavelength: float, width: float) -> Bool:
    """Return which lines have another of at least a third of their strength within two and a half
    widths.

    Parameters
    ----------
    found : KnownLines
    wavelength, width : float
        [angstrom], and the typical full width at half maximum [degree].

    Returns
    -------
    ndarray of bool, shape (lines,)
    """
    at = two_theta_from_d(found.d, wavelength)
    near = np.abs(at[:, None] - at) < CROWDED * width
    near &= found.strength > found.strength[:, None] / 3
    np.fill_diagonal(near, False)
    return np.asarray(near.any(axis=1))


def group_lines(predicted: Array, fitted: Bool, width: float) -> list[Index]:
    """Return the lines that share a window: chains of lines that come closer than two widths in any
    frame.

    A chain of more than five is cut at its widest gap.

    Parameters
    ----------
    predicted : ndarray, shape (frames, lines)
        2theta [degree].
    fitted : ndarray of bool, shape (lines,)
        Lines to group.
    width : float
        Typical full width at half maximum [degree].

    Returns
    -------
    list of ndarray of int
        Indices of lines, by increasing 2theta.
    """
    some = _sample_frames(predicted)
    order = np.argsort(some.mean(axis=0), kind="stable")
    order = order[fitted[order]]
    gap = np.min(np.diff(some[:, order], axis=1), axis=0)
    chains = np.split(np.arange(order.size), np.flatnonzero(gap >= JOINT * width) + 1)
    windows: list[Index] = []
    while chains:
        chain = chains.pop(0)
        if chain.size > MOST:
            cut = 1 + int(np.argmax(gap[chain[:-1]]))
            chains[:0] = [chain[:cut], chain[cut:]]
        else:
            windows.append(order[chain])
    return windows


def _sample_frames(values: Array) -> Array:
    return values[:: max(values.shape[0] // SAMPLED, 1)]


def two_theta_from_strain(found: KnownLines, wavelength: float, strain: Array) -> Array:
    """Return the 2theta of each line from the strain of its phase, d = d0 (1 + strain).

    Parameters
    ----------
    found : KnownLines
    wavelength : float
        [angstrom]
    strain : ndarray, shape (frames, phases)
        [1]

    Returns
    -------
    ndarray, shape (frames, lines)
        [degree]
    """
    return two_theta_from_d(found.d * (1 + strain[:, found.phase]), wavelength)


def limit_two_theta(two_theta: Array, width: float, options: Tracking) -> tuple[float, float]:
    """Return the range of 2theta [degree] in which lines have a whole window.

    Parameters
    ----------
    two_theta : ndarray, shape (points,)
        [degree]
    width : float
        Typical full width at half maximum [degree].
    options : Tracking
    """
    margin = options.window * width
    low = max(float(two_theta[0]) + margin, options.two_theta_min)
    return low, min(float(two_theta[-1]) - margin, options.two_theta_max)


def find_overlaps(
    found: KnownLines, predicted: Array, expected: Array, seen: Bool, width: float
) -> Overlaps:
    """Return which lines stand under a stronger one, and which are disturbed by another, in each
    frame.

    Two lines closer than 0.6 widths cannot be told apart: the weaker is hidden, and the stronger
    disturbed unless the weaker has less than a tenth of it.

    Parameters
    ----------
    found : KnownLines
    predicted : ndarray, shape (frames, lines)
        2theta [degree].
    expected : ndarray, shape (frames, lines)
        Height from the phases' scales [counts].
    seen : ndarray of bool, shape (frames, lines)
        Lines of present phases that rise above the noise.
    width : float
        Typical full width at half maximum [degree].

    Returns
    -------
    Overlaps
        Shape (frames, lines).
    """
    hidden, disturbed = np.zeros((2, *seen.shape), dtype=bool)
    some = _sample_frames(predicted)
    # few pairs ever meet: a sample of frames tells which to look at in all frames
    for i in np.flatnonzero(found.beside):
        nearest = np.min(np.abs(some - some[:, i : i + 1]), axis=0)
        for j in np.flatnonzero(nearest < JOINT * width):
            if i == j:
                continue
            distance = np.abs(predicted[:, i] - predicted[:, j])
            close = seen[:, j] & (distance < SAME_PLACE * width)
            hidden[:, i] |= close & (expected[:, j] >= expected[:, i])
            disturbed[:, i] |= close & (expected[:, j] > DISTURBING * expected[:, i])
    return Overlaps(hidden=hidden, disturbed=disturbed)
