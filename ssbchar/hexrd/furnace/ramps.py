"""Ramps of a programme: which frames belong to each heating, hold and cooling, one after the
other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import xarray as xr

KINDS = ("heating", "hold", "cooling")


@dataclass(frozen=True)
class Ramp:
    """A stretch of frames on one segment of the programme."""

    name: str
    """``heating``, ``hold``, ``cooling``; the second of a kind is ``heating 2`` and so on."""
    kind: str
    frames: NDArray[np.intp]
    """Indices of its frames, in the order measured."""


def ramps(segment: Any) -> list[Ramp]:
    """Return the stretches of equal segment, in order; frames without one (``none``) interrupt
    nothing.

    Parameters
    ----------
    segment : array of str, shape (frames,)
        ``heating``, ``hold``, ``cooling`` or ``none``, frames in the order measured.
    """
    segment = np.asarray(segment).astype(str)
    known = np.flatnonzero(np.isin(segment, KINDS))
    if known.size == 0:
        return []
    edges = np.flatnonzero(segment[known][1:] != segment[known][:-1]) + 1
    seen: dict[str, int] = {}
    found = []
    for frames in np.split(known, edges):
        kind = str(segment[frames[0]])
        seen[kind] = seen.get(kind, 0) + 1
        found.append(Ramp(kind if seen[kind] == 1 else f"{kind} {seen[kind]}", kind, frames))
    return found


def frame_interval(furnace: xr.Dataset) -> float:
    """Return the usual time between frames [s], NaN where no times are known."""
    steps = np.diff(furnace["time"].values.astype(float)) if "time" in furnace else np.array([])
    steps = np.abs(steps[np.isfinite(steps) & (steps != 0)])
    return float(np.median(steps)) if steps.size else float("nan")
