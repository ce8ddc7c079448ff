"""Every headline row of a diffraction measurement: cells, their return, expansion, onsets, limits,
the verdict."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.conclusion import Conclusion
from ssbchar.hexrd.expansion import cell_parameters
from ssbchar.hexrd.expansion.dataset import AXES
from ssbchar.hexrd.unindexed import detection_limits
from ssbchar.hexrd.verdict import cell_scale_check, phase_stability, quality_rows
from ssbchar.hexrd.verdict.options import Stability
from ssbchar.hexrd.verdict.reference_cells import (
    ReferenceCell,
    ReferenceFrames,
    average_reference_cell,
    compare_cells,
    read_length_scale_stderr,
    select_reference_frames,
)

if TYPE_CHECKING:
    import xarray as xr

UNITS = ("angstrom",) * 3 + ("degree",) * 3 + ("angstrom^3",)
"""Units of a, b, c, alpha, beta, gamma, volume."""


def conclude_series(
    lattice: xr.Dataset,
    furnace: xr.Dataset,
    expansion: xr.Dataset,
    onset: Iterable[Conclusion],
    peaks: xr.Dataset,
    candidates: Iterable[Conclusion],
    phases: list[xr.Dataset],
    options: Stability,
    labels: dict[str, str],
) -> list[Conclusion]:
    """Return the rows of one heating series (docs/data-model.md, headline quantities of
    ``hexrd``)."""
    resting = select_reference_frames(furnace, options)
    known = {str(ds.attrs["phase"]): ds for ds in phases}
    rows: list[Conclusion] = []
    states: list[phase_stability.PhaseHistory] = []
    started: dict[str, ReferenceCell] = {}
    for p, name in enumerate(lattice["phase"].values.astype(str)):
        before = average_reference_cell(
            lattice, furnace, expansion, p, resting.before, resting.temperature, "heating"
        )
        after = average_reference_cell(
            lattice, furnace, expansion, p, resting.after, resting.temperature, "cooling"
        )
        shown = _free(lattice, p)
        if before is not None:
            started[name] = before
        own = _cells(before, "before heating", resting, shown, lattice)
        own += _cells(after, "after cooling", resting, shown, lattice)
        back = _returned(before, after, resting, furnace, options)
        own += [back] if back else []
        own += _expansions(expansion, p, shown, known.get(name), options)
        own += quality_rows.count_refined_frames(lattice, p) + quality_rows.summarise_breadths(
            peaks, name, resting
        )
        rows += [replace(r, subject=name) for r in own]
        states.append(
            phase_stability.describe_history(
                name, p, lattice, furnace, before, after, resting, options
            )
        )
    seen, others = list(onset), list(candidates)
    limits = detection_limits.limit_absent_phases(lattice, known)
    rows += [*seen, *limits, *others]
    limits += [r for r in others if r.quantity == "detection_limit"]
    whole = detection_limits.select_mixture_limit(limits)
    checks = [
        cell_scale_check.check_cell_scale(
            started, known, options, read_length_scale_stderr(lattice)
        )
    ]
    rows += [replace(r, subject=labels.get("sample", "")) for r in [*whole, *checks]]
    verdict = phase_stability.judge_mixture(states, seen, others, whole, peaks, furnace, options)
    rows.append(replace(verdict, subject=labels.get("sample", "")))
    sample, source = labels.get("sample", ""), labels.get("source", "")
    return [replace(r, sample=sample, technique="hexrd", source=source) for r in rows]


def _free(lattice: xr.Dataset, phase: int) -> list[int]:
    """Return which of a, b, c, alpha, beta, gamma, volume are told: the free ones, and the
    volume."""
    cell, stderr = lattice["cell"].values[:, phase], lattice["cell_stderr"].values[:, phase]
    good = np.all(np.isfinite(cell), axis=1)
    return (
        [*(int(i) for i in cell_parameters.find_free_parameters(cell[good], stderr[good]).free), 6]
        if good.any()
        else []
    )


def _cells(
    found: ReferenceCell | None,
    condition: str,
    resting: ReferenceFrames,
    shown: list[int],
    lattice: xr.Dataset,
) -> list[Conclusion]:
    if found is None:
        return []
    where = (
        "frames at rest"
        if resting.still or condition != "before heating"
        else "first frames (no rest)"
    )
    reason = f"{found.frames} {where}, brought to {resting.temperature:.1f} degC"
    if found.scatter > 2:
        reason += (
            f"; frames scatter {np.sqrt(found.scatter):.1f} times their esds, which is in the error"
        )
    if read_length_scale_stderr(lattice) == 0:
        reason += "; no error of the wavelength is stated"
    return [
        Conclusion(
            AXES[i],
            value=float(found.value[i]),
            stderr=float(found.stderr[i]),
            systematic=float(found.systematic[i]),
            unit=UNITS[i],
            verdict="ok",
            reason=reason,
            method="whole-pattern refinement, weighted mean",
            condition=condition,
        )
        for i in shown
    ]


def _returned(
    before: ReferenceCell | None,
    after: ReferenceCell | None,
    resting: ReferenceFrames,
    furnace: xr.Dataset,
    options: Stability,
) -> Conclusion | None:
    """Return the change of the volume, both brought to one temperature; wavelength and thermocouple
    cancel."""
    row = Conclusion(
        "volume_return",
        unit="percent",
        condition="after cooling",
        method="volumes at rest, brought to one temperature",
    )
    if before is None:
        return None
    if not np.any(furnace["segment"].values.astype(str) == "cooling"):
        return replace(row, verdict="not_measured", reason="the series has no cooling")
    if resting.after.size == 0:
        return replace(
            row,
            verdict="not_measured",
            reason="no frame near the starting temperature after cooling",
        )
    if after is None:
        return replace(row, verdict="gone", reason="the phase is not there after cooling")
    ratio, error = compare_cells(before, after)
    value, stderr = 100 * float(ratio[6]), 100 * float(error[6])
    low, high = value - 1.96 * stderr, value + 1.96 * stderr
    limit = options.cell_tolerance
    verdict = "returned" if max(abs(low), abs(high)) <= limit else "inconclusive"
    if low > limit or high < -limit:
        verdict = "not_returned"
    worst = int(np.argmax(np.abs(ratio[:6])))
    axis = 100 * ratio[worst]
    reason = f"tolerance {limit:g} %; largest change of the cell: {AXES[worst]} by {axis:+.3f} %"
    return replace(row, value=value, stderr=stderr, systematic=0.0, verdict=verdict, reason=reason)


def _expansions(
    expansion: xr.Dataset,
    phase: int,
    shown: list[int],
    about: xr.Dataset | None,
    options: Stability,
) -> list[Conclusion]:
    rows = []
    at = expansion.isel(phase=phase)
    for s, segment in enumerate(expansion["segment"].values.astype(str)):
        one = at.isel(segment=s)
        low, high = float(one["mean_from"]), float(one["mean_to"])
        if not np.isfinite(low):
            continue
        for i in (i for i in shown if i < 3 or i == 6):
            value, stderr, systematic = (
                float(one[f"mean_linear_expansion{k}"].values[i])
                for k in ("", "_stderr", "_systematic")
            )
            reason = f"{low:.0f}-{high:.0f} degC, {int(one['frames_used'])} frames"
            reason += f", reduced chi-square {float(one['chi2']):.2g}"
            reacting = float(one["reacting_from"])
            inside = reacting < high if segment.startswith("heating") else np.isfinite(reacting)
            if np.isfinite(reacting):
                reason += f"; reacting from {reacting:.0f} degC"
            if int(one["frames_rejected"]):
                reason += f"; {int(one['frames_rejected'])} frames off the curve left out"
            reason += _published(
                about, AXES[i], value, float(np.hypot(stderr, systematic)), options
            )
            method = f"{expansion.attrs['model']} of order {int(one['order'])}, errors in cell and temperature"
            rows.append(
                Conclusion(
                    "mean_linear_expansion",
                    value=value,
                    stderr=stderr,
                    systematic=systematic,
                    unit="1/K",
                    verdict="reacting" if inside else "ok",
                    reason=reason,
                    method=method,
                    condition=f"{segment} {AXES[i]}",
                )
            )
    return rows


def _published(
    about: xr.Dataset | None, axis: str, value: float, stderr: float, options: Stability
) -> str:
    """Return the comparison with the literature value of the phases file, where there is one."""
    table = json.loads(about.attrs.get("expansion", "{}")) if about is not None else {}
    entry = table.get(axis)
    if not entry or "value" not in entry:
        return ""
    other = float(entry["value"])
    apart = abs(value - other) / np.hypot(stderr, float(entry.get("stderr") or 0.0))
    word = "agrees with" if apart <= options.expansion_sigma else "differs from"
    where = f"{entry.get('range', 'range not stated')}; {entry.get('source', '')}"
    return f"; {word} {other:.3g} 1/K ({where}): {apart:.1f} sigma"
