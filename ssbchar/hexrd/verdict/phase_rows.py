"""Rows of one phase: its reference cells, whether its volume returned, and its expansion."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.conclusion import Conclusion
from ssbchar.hexrd.expansion import cell_parameters
from ssbchar.hexrd.expansion.dataset import AXES, SIZES, VOLUME
from ssbchar.hexrd.furnace.segments import SegmentKind, has_cooling, kind_from_name
from ssbchar.hexrd.verdict import sentences
from ssbchar.hexrd.verdict.options import Stability
from ssbchar.hexrd.verdict.reference_cells import (
    ReferenceCell,
    ReferenceFrames,
    compare_cells,
    read_length_scale_stderr,
)
from ssbchar.statistics import ROUNDED_Z95
from ssbchar.verdict import Verdict

if TYPE_CHECKING:
    import xarray as xr

UNITS = ("angstrom",) * 3 + ("degree",) * 3 + ("angstrom^3",)
"""Units of a, b, c, alpha, beta, gamma, volume."""


@dataclass(frozen=True, kw_only=True)
class VolumeReturn:
    """Whether a phase's volume returned after cooling."""

    verdict: Verdict
    cooled: bool
    """Whether cooling was measured."""
    value: float | None = None
    """100 (V_after / V_before - 1) [percent]."""
    stderr: float | None = None
    largest_axis: str = ""
    """The cell parameter that changed most."""
    largest_change: float = float("nan")
    """[percent]"""


@dataclass(frozen=True, kw_only=True)
class MeanExpansion:
    """The curve behind a mean linear expansion."""

    low: float
    """[degC]"""
    high: float
    frames_used: int
    frames_rejected: int
    chi2: float
    """Reduced chi-square [1]."""
    reacting_from: float
    """First temperature [degC] at which the phase reacts, NaN where it does not."""


@dataclass(frozen=True, kw_only=True)
class PublishedExpansion:
    """A mean linear expansion of the literature beside ours."""

    value: float
    """[1/K]"""
    range: str
    source: str
    apart: float
    """Difference to ours [standard deviations]."""
    agrees: bool


def list_free_quantities(lattice: xr.Dataset, phase: int) -> list[int]:
    """Return the places of the cell parameters that symmetry leaves free, and of the volume; none
    where the phase has no cell.

    Parameters
    ----------
    lattice : Dataset
        ``lattice.nc``, ``cell`` [angstrom, degree] of shape (frame, phase, axis).
    phase : int
        Place of the phase.
    """
    cell, stderr = lattice["cell"].values[:, phase], lattice["cell_stderr"].values[:, phase]
    good = np.all(np.isfinite(cell), axis=1)
    if not good.any():
        return []
    free = cell_parameters.find_free_parameters(cell[good], stderr[good]).free
    return [*(int(place) for place in free), VOLUME]


def build_cell_rows(
    cell: ReferenceCell | None,
    free: list[int],
    frames: ReferenceFrames,
    lattice: xr.Dataset,
    *,
    before: bool,
) -> list[Conclusion]:
    """Return a row per free cell parameter [angstrom, degree] and the volume [angstrom^3].

    Parameters
    ----------
    cell : ReferenceCell or None
        None where the phase was not there.
    free : list of int
        Places of the quantities to report.
    frames : ReferenceFrames
    lattice : Dataset
        ``lattice.nc``
    before : bool
        Whether the cell is that before heating, else after cooling.
    """
    if cell is None:
        return []
    reason = sentences.describe_reference_cell(
        cell,
        frames,
        before=before,
        scale_stderr=read_length_scale_stderr(lattice),
    )
    return [
        Conclusion(
            AXES[place],
            value=float(cell.value[place]),
            stderr=float(cell.stderr[place]),
            systematic=float(cell.systematic[place]),
            unit=UNITS[place],
            verdict=Verdict.OK,
            reason=reason,
            method=sentences.CELL_METHOD,
            condition="before heating" if before else "after cooling",
        )
        for place in free
    ]


def build_return_rows(
    before: ReferenceCell | None,
    after: ReferenceCell | None,
    frames: ReferenceFrames,
    furnace: xr.Dataset,
    options: Stability,
) -> list[Conclusion]:
    """Return the row of the change of a phase's volume [percent], none where the phase was not
    there before.

    Parameters
    ----------
    before, after : ReferenceCell or None
        None where the phase was not there.
    frames : ReferenceFrames
    furnace : Dataset
        ``furnace.nc``, ``segment`` of shape (frames,).
    options : Stability
        Tolerance of the cell [percent].
    """
    if before is None:
        return []
    found = judge_return(before, after, frames, cooled=has_cooling(furnace), options=options)
    return [
        Conclusion(
            "volume_return",
            value=found.value,
            stderr=found.stderr,
            systematic=None if found.value is None else 0.0,
            unit="percent",
            verdict=found.verdict,
            reason=sentences.describe_return(found, options),
            method=sentences.RETURN_METHOD,
            condition="after cooling",
            bound=options.cell_tolerance,
        )
    ]


def judge_return(
    before: ReferenceCell,
    after: ReferenceCell | None,
    frames: ReferenceFrames,
    *,
    cooled: bool,
    options: Stability,
) -> VolumeReturn:
    """Return the change of the volume [percent] and whether it returned.

    Both volumes are brought to one temperature, and the errors of wavelength and thermocouple
    cancel. `returned`: the 95 % interval lies within the tolerance; `not_returned`: outside it;
    `inconclusive`: across its edge. Other parameters as of `build_return_rows`.

    Parameters
    ----------
    cooled : bool
        Whether cooling was measured.
    """
    if not cooled or frames.after.size == 0:
        return VolumeReturn(verdict=Verdict.NOT_MEASURED, cooled=cooled)
    if after is None:
        return VolumeReturn(verdict=Verdict.GONE, cooled=cooled)
    change = compare_cells(before, after)
    value, stderr = 100 * float(change.value[VOLUME]), 100 * float(change.stderr[VOLUME])
    low, high = value - ROUNDED_Z95 * stderr, value + ROUNDED_Z95 * stderr
    tolerance = options.cell_tolerance
    # The whole interval decides, not the value: a poor measurement is neither.
    verdict = Verdict.INCONCLUSIVE
    if max(abs(low), abs(high)) <= tolerance:
        verdict = Verdict.RETURNED
    elif low > tolerance or high < -tolerance:
        verdict = Verdict.NOT_RETURNED
    # The volume may return where a and c have moved against each other.
    parameters = change.value[:VOLUME]
    worst = int(np.argmax(np.abs(parameters)))
    return VolumeReturn(
        verdict=verdict,
        cooled=cooled,
        value=value,
        stderr=stderr,
        largest_axis=AXES[worst],
        largest_change=100 * parameters[worst],
    )


def build_expansion_rows(
    expansion: xr.Dataset,
    phase: int,
    free: list[int],
    about: xr.Dataset | None,
    options: Stability,
) -> list[Conclusion]:
    """Return the mean linear expansion [1/K] of a phase's free lengths and volume on every segment.

    Parameters
    ----------
    expansion : Dataset
        ``expansion.nc``
    phase : int
        Place of the phase.
    free : list of int
        Places of the quantities to report.
    about : Dataset or None
        The phase's table, with published values in the attribute ``expansion``.
    options : Stability
        When two values differ [standard deviations].
    """
    rows = []
    model = expansion.attrs["model"]
    for s, segment in enumerate(expansion["segment"].values.astype(str)):
        one = expansion.isel(phase=phase, segment=s)
        curve = _read_curve(one)
        if not np.isfinite(curve.low):
            continue
        verdict = Verdict.REACTING if _is_reacting(curve, segment) else Verdict.OK
        for place in (place for place in free if place in SIZES):
            value, stderr, systematic = (
                float(one[f"mean_linear_expansion{suffix}"].values[place])
                for suffix in ("", "_stderr", "_systematic")
            )
            published = _compare_with_published(
                about,
                AXES[place],
                value,
                float(np.hypot(stderr, systematic)),
                options,
            )
            order = int(one["order"])
            row = Conclusion(
                "mean_linear_expansion",
                value=value,
                stderr=stderr,
                systematic=systematic,
                unit="1/K",
                verdict=verdict,
                reason=sentences.describe_expansion(curve, published),
                method=f"{model} of order {order}, errors in cell and temperature",
                condition=f"{segment} {AXES[place]}",
            )
            rows.append(row)
    return rows


def _read_curve(one: xr.Dataset) -> MeanExpansion:
    """Return the curve of one phase on one segment."""
    return MeanExpansion(
        low=float(one["mean_from"]),
        high=float(one["mean_to"]),
        frames_used=int(one["frames_used"]),
        frames_rejected=int(one["frames_rejected"]),
        chi2=float(one["chi2"]),
        reacting_from=float(one["reacting_from"]),
    )


def _is_reacting(curve: MeanExpansion, segment: str) -> bool:
    """Return whether the phase reacts within the range of its mean expansion.

    On cooling the temperature of a reaction says nothing on what was measured before it.
    """
    if kind_from_name(segment) == SegmentKind.HEATING:
        return curve.reacting_from < curve.high
    return bool(np.isfinite(curve.reacting_from))


def _compare_with_published(
    about: xr.Dataset | None,
    axis: str,
    value: float,
    stderr: float,
    options: Stability,
) -> PublishedExpansion | None:
    """Return the literature value [1/K] of the phases file beside ours, where there is one."""
    table = {} if about is None else json.loads(about.attrs.get("expansion", "{}"))
    entry = table.get(axis)
    if not entry or "value" not in entry:
        return None
    # A published value without an error is taken as exact.
    published = float(entry["value"])
    published_stderr = float(entry.get("stderr") or 0.0)
    apart = float(abs(value - published) / np.hypot(stderr, published_stderr))
    return PublishedExpansion(
        value=published,
        range=entry.get("range", "range not stated"),
        source=entry.get("source", ""),
        apart=apart,
        agrees=apart <= options.expansion_sigma,
    )
