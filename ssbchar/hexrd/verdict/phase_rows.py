"""Rows of one phase: its reference cells, whether its volume returned, and its expansion."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.conclusion import Conclusion
from ssbchar.hexrd.expansion import cell_parameters
from ssbchar.hexrd.expansion.dataset import AXES, SIZES, VOLUME
from ssbchar.hexrd.furnace.segments import SegmentKind, kind_from_name
from ssbchar.hexrd.verdict import sentences
from ssbchar.hexrd.verdict.common_change import POWER_OF_LENGTH
from ssbchar.hexrd.verdict.comparison import AT_REST, Compared, Decided, build_row
from ssbchar.hexrd.verdict.options import Stability
from ssbchar.hexrd.verdict.reference_cells import ReferenceCell, ReferenceFrames
from ssbchar.verdict import Verdict

if TYPE_CHECKING:
    import xarray as xr

UNITS = ("angstrom",) * 3 + ("degree",) * 3 + ("angstrom^3",)
"""Units of a, b, c, alpha, beta, gamma, volume."""


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
    told: sentences.LengthErrors,
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
    told : LengthErrors
        What the systematic of the lengths holds.
    before : bool
        Whether the cell is that before heating, else after cooling.
    """
    if cell is None:
        return []
    reason = sentences.describe_reference_cell(cell, frames, told=told, before=before)
    verdict = judge_reference_cell(cell)
    return [
        Conclusion(
            AXES[place],
            value=float(cell.value[place]),
            stderr=float(cell.stderr[place]),
            systematic=float(cell.systematic[place]),
            unit=UNITS[place],
            verdict=verdict,
            reason=reason,
            method=sentences.CELL_METHOD,
            condition="before heating" if before else "after cooling",
        )
        for place in free
    ]


def judge_reference_cell(cell: ReferenceCell) -> Verdict:
    """Return whether the mean of frames at rest is one cell.

    `misfit`: the refinement does not explain the lines; `evolving`: the cell drifted by more than
    its own errors; `doubtful`: the lines are those of two cells, or the frames scatter beyond what
    their errors may be wrong by.

    Parameters
    ----------
    cell : ReferenceCell
        [angstrom, degree]

    Returns
    -------
    Verdict
        A str.
    """
    if not cell.is_fitted:
        return Verdict.MISFIT
    if not cell.is_one:
        return Verdict.DOUBTFUL
    if cell.is_drifting:
        return Verdict.EVOLVING
    return Verdict.DOUBTFUL if cell.is_scattered else Verdict.OK


def build_return_row(
    phase: str,
    decided: Sequence[Decided],
    *,
    cooled: bool,
    is_gone: bool,
    is_fitted: bool,
    is_one: bool = True,
) -> Conclusion:
    """Return the row of the change of a phase's volume after cooling [percent].

    Both volumes are brought to one temperature, and the errors of wavelength and thermocouple
    cancel. `returned`: the 95 % limits lie within the tolerance; `not_returned`: the change is
    beyond it, and the limits leave no change out; else `inconclusive`. Lengths and angles have
    rows of their own (`cell_change`).

    Parameters
    ----------
    phase : str
    decided : sequence of Decided
        Of this phase, after cooling against before heating.
    cooled : bool
        Whether frames near the starting temperature were measured after cooling.
    is_gone : bool
        Whether the phase is not there in them.
    is_fitted : bool
        Whether the refinement explains the lines at both ends.
    is_one : bool
        Whether they are those of one cell.
    """
    volume = [one for one in decided if one.comparison.quantity == Compared.VOLUME]
    if volume and cooled and not is_gone:
        row = build_row(volume[0])
        words = {Verdict.RETAINED: Verdict.RETURNED, Verdict.CHANGED: Verdict.NOT_RETURNED}
        word = words.get(volume[0].decision.verdict, Verdict.INCONCLUSIVE)
        verdict = word if is_fitted and is_one else Verdict.INCONCLUSIVE
        reason = sentences.describe_return(volume[0], decided, is_fitted=is_fitted, is_one=is_one)
        return replace(row, verdict=verdict, reason=reason, condition=AT_REST)
    return Conclusion(
        Compared.VOLUME,
        unit="percent",
        verdict=Verdict.GONE if cooled and is_gone else Verdict.NOT_MEASURED,
        reason=sentences.describe_no_return(cooled=cooled, is_gone=is_gone),
        method=sentences.RETURN_METHOD,
        subject=phase,
        condition=AT_REST,
    )


def build_expansion_rows(
    expansion: xr.Dataset,
    phase: int,
    free: list[int],
    about: xr.Dataset | None,
    geometry: Mapping[str, float],
    options: Stability,
    *,
    unchanged: Collection[str] = (),
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
    geometry : mapping
        Segment to the relative error [1] that the sample's place may give the growth of a length.
    options : Stability
        When two values differ [standard deviations].
    unchanged : collection of str
        Segments over which the phase was there and its intensity, against its own trend and what
        all phases share, is not said to have changed: what left its first level there did so by
        thermal motion or with the beam, or nobody knows; it is no reaction.
    """
    rows = []
    model = expansion.attrs["model"]
    for s, segment in enumerate(expansion["segment"].values.astype(str)):
        one = expansion.isel(phase=phase, segment=s)
        curve = _read_curve(one)
        if segment in unchanged:
            curve = replace(curve, reacting_from=float("nan"))
        if not np.isfinite(curve.low):
            rows += _tell_no_mean(one, str(segment))
            continue
        verdict = Verdict.REACTING if _is_reacting(curve, segment) else Verdict.OK
        for place in (place for place in free if place in SIZES):
            value, stderr, systematic = (
                float(one[f"mean_linear_expansion{suffix}"].values[place])
                for suffix in ("", "_stderr", "_systematic")
            )
            relative = geometry.get(str(segment), 0.0) * float(POWER_OF_LENGTH[place])
            moved = relative / (curve.high - curve.low)
            systematic = float(np.hypot(systematic, moved))
            published = _compare_with_published(
                about,
                AXES[place],
                value,
                float(np.hypot(stderr, systematic)),
                options,
            )
            row = Conclusion(
                "mean_volume_expansion" if place == VOLUME else "mean_linear_expansion",
                value=value,
                stderr=stderr,
                systematic=systematic,
                unit="1/K",
                verdict=verdict,
                reason=sentences.describe_expansion(curve, published, is_moved=moved > 0),
                method=f"{_name_curve(one, model)}, errors in cell and temperature",
                condition=f"{segment} {AXES[place]}",
            )
            rows.append(row)
    return rows


def _tell_no_mean(one: xr.Dataset, segment: str) -> list[Conclusion]:
    """Return the row that a phase with a curve is seen over too little for a mean expansion; none
    of one without."""
    chi2 = float(one["chi2"]) if "chi2" in one else float("nan")
    if not np.isfinite(chi2):
        return []
    reach = ""
    if "temperature" in one.coords:
        grid = one["temperature"].values[np.isfinite(one["cell"].values[VOLUME])]
        reach = f" ({grid.min():.0f} to {grid.max():.0f} degC)" if grid.size else ""
    return [
        Conclusion(
            "mean_linear_expansion",
            unit="1/K",
            verdict=Verdict.NOT_MEASURED,
            reason=f"seen over too little of the range asked for{reach}: see "
            "hexrd.expansion.mean_from, mean_to and smallest_range",
            condition=segment,
        )
    ]


def _name_curve(one: xr.Dataset, model: str) -> str:
    """Return which curve the cells of a phase were fitted with."""
    theta = float(one["characteristic_temperature"]) if "characteristic_temperature" in one else 0
    if np.isfinite(theta) and theta > 0:
        return f"vibration of {theta:.0f} K"
    return f"{model} of order {int(one['order'])}"


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
