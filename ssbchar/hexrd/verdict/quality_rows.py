"""Rows on how the refinement went: frames by verdict, and the breadths of each phase's lines at
rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ssbchar.conclusion import Conclusion
from ssbchar.hexrd.verdict.reference_cells import ReferenceFrames
from ssbchar.uncertain import average_by_weight

if TYPE_CHECKING:
    import xarray as xr

TROUBLE = {
    "held": "held near the joint cell(T)",
    "departs": "far from the joint cell(T)",
    "inconsistent": "different in the forward and the backward pass",
    "not_converged": "not converged",
}
"""Verdicts of a frame whose cell is not simply good, in words."""
MOSTLY = 0.9
"""Share of good frames from which a phase's refinement counts as ok."""
BREADTHS = (("inverse_size", 10.0, "1/nm"), ("microstrain", 100.0, "percent"))
"""Variable of ``peaks.nc``, factor to the unit told, unit."""


def count_refined_frames(lattice: xr.Dataset, phase: int) -> list[Conclusion]:
    """Return in how many frames a phase has a good cell of its own, and what became of the
    others."""
    verdict = lattice["verdict"].values[:, phase].astype(str)
    count = {
        name: int(np.sum(verdict == name)) for name in ("ok", *TROUBLE, "absent", "not_measured")
    }
    there = sum(count[name] for name in ("ok", *TROUBLE))
    if not there:
        return []
    told = [f"{count['ok']} of {there} frames with the phase"]
    told += [f"{count[name]} {text}" for name, text in TROUBLE.items() if count[name]]
    told += [f"absent in {count['absent']}"] if count["absent"] else []
    told += [f"{count['not_measured']} not measured"] if count["not_measured"] else []
    word = "ok" if count["ok"] >= MOSTLY * there else "doubtful"
    method = "whole-pattern refinement forward and backward, beside one smooth cell(T)"
    reason = "good in " + "; ".join(told)
    return [
        Conclusion(
            "frames_refined",
            value=float(count["ok"]),
            unit="1",
            verdict=word,
            reason=reason,
            method=method,
        )
    ]


def summarise_breadths(peaks: xr.Dataset, name: str, resting: ReferenceFrames) -> list[Conclusion]:
    """Return inverse apparent size and microstrain of a phase before heating and after cooling,
    where measured."""
    if "inverse_size" not in peaks or name not in peaks["candidate"].values.astype(str):
        return []
    at = peaks.isel(candidate=list(peaks["candidate"].values.astype(str)).index(name))
    instrument = float(peaks.attrs.get("instrument_breadth", 0.0))
    taken = (
        f"the instrument's {instrument:g} degree taken out"
        if instrument > 0
        else "the instrument's breadth in it"
    )
    rows = []
    for condition, frames in (("before heating", resting.before), ("after cooling", resting.after)):
        for variable, factor, unit in BREADTHS:
            found = _mean(at[variable].values, at[f"{variable}_stderr"].values, frames)
            if found is None:
                continue
            value, stderr, used = found
            verdict = "ok" if instrument > 0 else "upper limit"
            reason = f"{used} frames; {taken}"
            method = "Williamson-Hall, integral breadths of the tracked lines"
            rows.append(
                Conclusion(
                    variable,
                    value=factor * value,
                    stderr=factor * stderr,
                    unit=unit,
                    verdict=verdict,
                    reason=reason,
                    method=method,
                    condition=condition,
                )
            )
    return rows


def _mean(
    values: NDArray[np.float64], stderrs: NDArray[np.float64], frames: NDArray[np.intp]
) -> tuple[float, float, int] | None:
    good = frames[np.isfinite(values[frames]) & (stderrs[frames] > 0)] if frames.size else frames
    if not good.size:
        return None
    mean, stderr, _ = average_by_weight(values[good], stderrs[good])
    return mean, stderr, int(good.size)
