"""Whether repeats agree in the place of their edge and the height of their white line, which a
comparison of shapes alone does not ask."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.typing import Array, Bool, Index
from ssbchar.xas import notes
from ssbchar.xas.calibration.calibrate import AlignmentKind
from ssbchar.xas.calibration.foil_alignment import align_edges
from ssbchar.xas.edge_features import find_half_step, measure_white_line
from ssbchar.xas.normalisation.processing import NormalisedMeasurement
from ssbchar.xas.scans.repeats import choose_alike

if TYPE_CHECKING:
    import xarray as xr

ABOVE_ERRORS = 5.0
"""Times its standard error that a difference of repeats must exceed [1]."""
LEAST_APART, LEAST_APART_RAW = 0.1, 0.3
"""Edges of repeats may lie so far apart on one foil's axis, and where no foil ties the axes, by the
monochromator [eV]; ours. Real repeats with a foil: 0.03 eV."""
SURELY_APART = 0.3
"""On one foil's axis no sample's edge moves by more from scan to scan [eV]; ours."""
LEAST_HEIGHT = 0.03
"""White lines of repeats may differ by so much, by thickness, harmonics and counters, in edge steps
[1]; ours. Real repeats: 0.018."""
WINDOW = (-20.0, 30.0)
"""Range in which whole edges are laid on each other [eV, relative to E0]."""
NAMES = {"e0_half": "edges", "white_line": "white lines"}
"""What differs, in words, by the names of the output."""
ALSO = {"e0_half": ("e0_half", "e0_derivative"), "white_line": ("white_line",)}
"""What the difference is in the errors of."""


@dataclass(frozen=True, kw_only=True)
class Apart:
    """Two repeats that differ."""

    first: int
    second: int
    """Rows of the spectra."""
    name: str
    """Of what differs: ``e0_half`` or ``white_line``."""
    size: float
    """By how much, in eV or edge steps."""
    stderr: float
    is_certain: bool
    """They are not of one sample."""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Which repeats are of one sample, and which differ."""

    keep: Bool
    """Shape (spectrum,); none where it is open which."""
    apart: list[Apart]

    def find_largest(self, *, certain: bool) -> list[Apart]:
        """Return the pair that differs most by each quantity: of those that are of two samples, or
        of those that are kept and differ all the same."""
        chosen = [
            one
            for one in self.apart
            if one.is_certain == certain
            and (certain or (self.keep[one.first] and self.keep[one.second]))
        ]
        return [
            max((one for one in chosen if one.name == name), key=lambda one: one.size)
            for name in NAMES
            if any(one.name == name for one in chosen)
        ]


def compare_repeats(
    measurement: NormalisedMeasurement, keep: Bool, alignment: str, alignment_error: float
) -> Agreement:
    """Return which repeats are of one sample by the places of their edges, and which differ by more
    than noise, alignment and what real repeats do.

    Two samples are certain where a foil ties both axes and the half steps and the edges as wholes
    lie apart; other differences are told.

    Parameters
    ----------
    measurement : NormalisedMeasurement
        The repeats, arrays of shape (spectrum, energy), with the noise of mu.
    keep : array of bool, shape (spectrum,)
        Those that are merged.
    alignment : str
        What the axis rests on (`ssbchar.xas.calibration.calibrate.AlignmentKind`).
    alignment_error : float
        Of one alignment [eV].

    Returns
    -------
    Agreement
        All are kept where none is certainly another sample's.
    """
    rows = np.flatnonzero(keep)
    if rows.size < 2:
        return Agreement(keep=keep, apart=[])
    energy, spectra = measurement.energy, measurement.spectra
    half = find_half_step(energy, spectra.norm)
    half_stderr = measurement.calculate_functional_stderr(half.rows) / half.slope
    top = measure_white_line(energy, spectra.flat, measurement.choice.e0)
    top_stderr = measurement.calculate_functional_stderr(top.rows)
    by_foil = alignment == AlignmentKind.FOIL and np.isfinite(alignment_error)
    axis = np.sqrt(2) * alignment_error if by_foil else 0.0
    least = LEAST_APART if by_foil else LEAST_APART_RAW

    apart = []
    for i, j in _list_pairs(rows, half.energy, half_stderr, least, axis):
        size, stderr = _measure_edges_apart(
            measurement, (i, j), float(half.energy[j] - half.energy[i])
        )
        stderr = float(np.linalg.norm([stderr, half_stderr[i], half_stderr[j], axis]))
        if size > max(least, ABOVE_ERRORS * stderr):
            is_certain = bool(by_foil and size > SURELY_APART)
            apart.append(
                Apart(
                    first=i,
                    second=j,
                    name="e0_half",
                    size=size,
                    stderr=stderr,
                    is_certain=is_certain,
                )
            )
    for i, j in _list_pairs(rows, top.height, top_stderr, LEAST_HEIGHT, 0.0):
        apart.append(
            Apart(
                first=i,
                second=j,
                name="white_line",
                size=abs(float(top.height[j] - top.height[i])),
                stderr=float(np.hypot(top_stderr[i], top_stderr[j])),
                is_certain=False,
            )
        )
    return Agreement(keep=_choose_kept(rows, keep, apart), apart=apart)


def _list_pairs(
    rows: Index, values: Array, stderr: Array, least: float, common: float
) -> list[tuple[int, int]]:
    """Return the pairs of rows whose values differ by more than `least` and their errors."""
    off = np.abs(values[:, None] - values)
    errors = np.sqrt(stderr[:, None] ** 2 + stderr**2 + common**2)
    differs = off > np.maximum(least, ABOVE_ERRORS * errors)
    return [(i, j) for i, j in itertools.combinations(rows.tolist(), 2) if differs[i, j]]


def _measure_edges_apart(
    measurement: NormalisedMeasurement, pair: tuple[int, int], of_half: float
) -> tuple[float, float]:
    """Return by how much two edges lie apart as wholes and at their half steps, the smaller of both
    [eV], and the formal error of the whole edges' shift; 0 where these have other signs: baselines
    move a half step, noise one of them alone."""
    energy, norm, e0 = measurement.energy, measurement.spectra.norm, measurement.choice.e0
    first, second = pair
    found = align_edges(
        energy, norm[first], energy, norm[second], window=(e0 + WINDOW[0], e0 + WINDOW[1])
    )
    # What lays the second on the first is the way back.
    size = min(-found.shift * np.sign(of_half), abs(of_half))
    return float(np.nan_to_num(max(size, 0.0))), float(found.formal_stderr)


def _choose_kept(rows: Index, keep: Bool, apart: Sequence[Apart]) -> Bool:
    alike = np.ones((keep.size, keep.size), bool)
    for one in apart:
        if one.is_certain:
            alike[one.first, one.second] = alike[one.second, one.first] = False
    kept = np.zeros(keep.size, bool)
    kept[rows[choose_alike(alike[np.ix_(rows, rows)])]] = True
    return kept


def exclude_others(agreement: Agreement, names: Sequence[str]) -> list[notes.Exclusion]:
    """Return why repeats are left out of the merge: their edges are another sample's.

    Parameters
    ----------
    agreement : Agreement
    names : sequence of str
        Of the spectra.

    Raises
    ------
    BadInput
        It is open which repeats are of one sample.
    """
    certain = agreement.find_largest(certain=True)
    if not certain:
        return []
    text = _describe_pair(certain[0], names)
    if not agreement.keep.any():
        raise BadInput(
            names[certain[0].first],
            f"the scans are no repeats of one sample: {text}, on the axis of one foil",
            "choose with read.scan or read.mu, or give each a row of its own",
        )
    others = {
        one for pair in agreement.apart if pair.is_certain for one in (pair.first, pair.second)
    }
    return [
        notes.make_exclusion(
            names[row],
            f"it is no repeat of the others: {text}, on the axis of one foil",
            "give it a row of its own",
        )
        for row in sorted(others)
        if not agreement.keep[row]
    ]


def tell_differences(
    agreement: Agreement, names: Sequence[str], measurement: str
) -> list[notes.Note]:
    """Return doubts on repeats that are merged and differ.

    Parameters
    ----------
    agreement : Agreement
    names : sequence of str
        Of the spectra.
    measurement : str
    """
    return [
        notes.make_doubt(
            measurement,
            f"{_describe_pair(one, names)}: two samples, a change under the beam"
            + (" or an axis that moved" if one.name == "e0_half" else ", thickness or harmonics")
            + "; half of it is in the error",
        )
        for one in agreement.find_largest(certain=False)
    ]


def widen_errors(normalised: xr.Dataset, agreement: Agreement) -> None:
    """Add half of what repeats differ by to the errors of their mean.

    Parameters
    ----------
    normalised : Dataset
        `ssbchar.xas.normalisation.outputs.NORMALISED`; its last spectrum is the mean.
    agreement : Agreement
    """
    for one in agreement.find_largest(certain=False):
        for name in ALSO[one.name]:
            stderr = normalised[f"{name}_stderr"].values
            stderr[-1] = np.hypot(stderr[-1], one.size / 2)


def _describe_pair(one: Apart, names: Sequence[str]) -> str:
    first, second = (names[row].rpartition("/")[2] for row in (one.first, one.second))
    unit = " eV" if one.name == "e0_half" else " of the edge step"
    return (
        f"the {NAMES[one.name]} of {first} and {second} lie {one.size:.2g}{unit} apart "
        f"(standard error {max(one.stderr, 1e-4):.1g})"
    )
