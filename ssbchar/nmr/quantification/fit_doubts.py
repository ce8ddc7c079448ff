"""What the program itself knows against the areas of the lines: components at a bound of the fit,
signal that no line describes, and another time origin.

Each doubt is another admissible model of the same decay. Where its shares differ by more than their
error the lines give no result that is ``ok``; in any case the difference is a systematic of the
shares (a fit at a bound is no result; the form of a model is a systematic).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from ssbchar.description import count_of
from ssbchar.nmr.lineshape.line_status import AT_BOUND
from ssbchar.nmr.quantification.region_areas import RegionSignal
from ssbchar.typing import Array

CLIPPED = (
    "the receiver clipped the signal (many samples read its highest value): neither lines nor "
    "windows are its areas; measure with a lower RG"
)
"""Of a decay that no model makes good."""
EVEN = 1 / np.sqrt(3)
"""Standard deviation of an even distribution over its half-width [1]."""
LIKELY = 0.5
"""Probability of a hidden pattern above which the lines alone are no description [1]."""
EXCLUDED = 0.002
"""Probability of another time origin below which it is left out [1]."""
EXCLUDED_WEIGHT = 0.5
"""Least share of the difference to it that counts as one standard deviation [1]."""
RIVAL_LIKELY = 0.3
"""Probability of another time origin above which the lines alone are no result [1]."""
RELEVANT = 1.0
"""Standard errors of a share by which another model must change it to matter."""


@dataclass(frozen=True, kw_only=True)
class FitDoubt:
    """Another admissible model of the first slice."""

    reason: str
    area: Array
    """(region,) areas of the regions by it, in the unit of the data."""
    weight: float
    """Share of the difference that counts as one standard deviation [1]."""
    decisive: bool
    """Whether the lines alone are no result where the difference matters."""


def find_fit_doubts(lines: xr.Dataset) -> list[FitDoubt]:
    """Return the other models that the first slice admits.

    Parameters
    ----------
    lines : Dataset
        From `ssbchar.nmr.lineshape.fit_lines`; areas in any unit, shifts in ppm.
    """
    doubts = [
        _doubt_components(lines),
        _doubt_hidden_signal(lines),
        _doubt_time_origin(lines),
        _doubt_shapes(lines),
    ]
    return [doubt for doubt in doubts if doubt is not None]


def _doubt_components(lines: xr.Dataset) -> FitDoubt | None:
    """Return the areas without the components at a bound, None where there are none."""
    status = lines["line_status"].values.astype(str)
    region_of = lines["region_of"].values.astype(str)
    area = lines["area"].values[0]
    at_bound = np.isin(status, [str(kind) for kind in AT_BOUND]) & (area > 0)
    inside = np.isin(region_of, lines["region"].values.astype(str))
    if not at_bound.any():
        return None
    left = [
        float(area[(region_of == region) & ~at_bound].sum())
        for region in lines["region"].values.astype(str)
    ]
    named = [
        f"{lines['shift'].values[i]:.0f} ppm {status[i]} "
        f"({100 * area[i] / area.sum():.2g} % of the signal)"
        for i in np.flatnonzero(at_bound)
    ]
    where = "" if (at_bound & inside).any() else " (outside the regions)"
    return FitDoubt(
        reason=f"components that are no lines{where}: {', '.join(named)}",
        area=np.array(left),
        weight=EVEN,
        decisive=True,
    )


def _doubt_hidden_signal(lines: xr.Dataset) -> FitDoubt | None:
    """Return the areas with the powder pattern that the residual asks for, None where it asks for
    none."""
    weight = probability_of_hidden_signal(lines)
    if weight == 0:
        return None
    area = lines["hidden_region_area"].values
    share = float(lines["hidden_area"]) / float(area.sum())
    return FitDoubt(
        reason=f"the lines leave a broad pattern ({100 * share:.2g} % of the signal, "
        f"C_Q about {1e-3 * float(lines['hidden_coupling']):.0f} kHz) unexplained; if these are "
        "quadrupolar satellites, add powder to nmr.lines.shapes",
        area=area,
        weight=weight,
        decisive=weight > LIKELY,
    )


def probability_of_hidden_signal(lines: xr.Dataset) -> float:
    """Return the probability of a powder pattern that the residual of the lines asks for.

    Parameters
    ----------
    lines : Dataset
        From `ssbchar.nmr.lineshape.fit_lines`.

    Returns
    -------
    float
        Zero where it asks for none [dimensionless].
    """
    gain, penalty = float(lines["hidden_gain"]), float(lines["hidden_penalty"])
    if not gain > 0:
        return 0.0
    return float(1 / (1 + np.exp(-np.clip((gain - penalty) / 2, -500, 500))))


def _doubt_time_origin(lines: xr.Dataset) -> FitDoubt | None:
    """Return the areas by the next best time origin, None where the decay leaves it out.

    Two origins that turn the strongest lines alike differ in how far their decays are carried back:
    where no further line tells them apart only the sequence does.
    """
    gain = float(lines.get("rival_gain", np.nan))
    if not np.isfinite(gain):
        return None
    odds = float(1 / (1 + np.exp(np.clip(gain / 2, -500, 500))))
    if odds < EXCLUDED:
        return None
    rival, own = 1e6 * float(lines["rival_origin"]), 1e6 * float(lines["time_origin"])
    return FitDoubt(
        reason=f"a time origin {rival:.1f} us before the first point instead of {own:.1f} us "
        f"describes the decay, too (probability {odds:.2g})",
        area=lines["rival_region_area"].values,
        # Two standard deviations reach the other origin, however small its odds.
        weight=max(float(np.sqrt(odds)), EXCLUDED_WEIGHT),
        decisive=odds > RIVAL_LIKELY,
    )


def _doubt_shapes(lines: xr.Dataset) -> FitDoubt | None:
    """Return areas one standard deviation of the admissible models away, None where there is one
    model only."""
    spread = float(lines["model_spread"].values[0])
    total = float(lines["region_area"].values[0].sum())
    if not spread > 0 or total <= 0:
        return None
    share = lines["region_area"].values[0] / total
    others, satellites = int(lines.attrs["models"]) - 1, int(lines.attrs["satellite_models"])
    kind = f", {satellites} of them with satellites of spin 3/2," if satellites else ""
    return FitDoubt(
        reason=f"{count_of(others, 'other model')}{kind} nearly as good or better",
        area=total * (share + spread * np.array([1.0, -1.0])),
        weight=1.0,
        decisive=False,
    )


def change_shares(doubt: FitDoubt, share: Array) -> Array:
    """Return by how much another model changes the shares.

    Parameters
    ----------
    doubt : FitDoubt
    share : ndarray, shape (region,)
        By the lines [dimensionless].

    Returns
    -------
    ndarray, shape (region,)
        As large as can be where nothing is left by it [dimensionless].
    """
    total = float(doubt.area.sum())
    if total <= 0:
        return np.ones_like(share)
    return np.asarray(doubt.area / total - share)


def is_relevant(doubt: FitDoubt, signal: RegionSignal) -> bool:
    """Return whether another model changes a share by more than its standard error.

    Parameters
    ----------
    doubt : FitDoubt
    signal : RegionSignal
        Areas by the lines, in the same unit.
    """
    share, stderr = signal.compute_shares()
    return bool((np.abs(change_shares(doubt, share)) > RELEVANT * stderr).any())


def systematic_from_doubts(doubts: Sequence[FitDoubt], share: Array) -> Array:
    """Return the standard uncertainty of the shares by all doubts together.

    Parameters
    ----------
    doubts : sequence of FitDoubt
    share : ndarray, shape (region,)
        By the lines [dimensionless].

    Returns
    -------
    ndarray, shape (region,)
        Zero where there is no doubt [dimensionless].
    """
    parts = [doubt.weight * change_shares(doubt, share) for doubt in doubts]
    return np.asarray(np.sqrt(sum((part**2 for part in parts), np.zeros_like(share))))
