"""Breadths and areas of the lines that were fitted in both specimens, one line against itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.hexrd.peaks.known_lines import LineVerdict
from ssbchar.typing import Index
from ssbchar.uncertain import average_by_weight

if TYPE_CHECKING:
    import xarray as xr

SEEN = 5.0
"""Standard deviations from which a line is compared."""
SCATTERED = 2.0
"""Reduced chi-square from which the scatter of the lines makes the error, not what was stated."""


@dataclass(frozen=True, kw_only=True)
class SpecimenLines:
    """The fitted lines of one specimen, means over its frames."""

    peaks: xr.Dataset
    """``peaks.nc``"""
    frames: Index
    """Indices of the frames that stand for the specimen."""


@dataclass(frozen=True, kw_only=True)
class LineRatio:
    """Ratio of a quantity of a phase's lines, cycled over pristine [1]."""

    value: float
    stderr: float
    scatter: float
    """Standard deviation of the logarithm over the lines [1], NaN of one line."""
    lines: int
    dof: float


def compare_lines(
    pristine: SpecimenLines, cycled: SpecimenLines, phase: str, quantity: str
) -> LineRatio | None:
    """Return the ratio of a quantity of the lines of a phase [1]; None where no line was fitted in
    both specimens.

    The logarithms of the ratios are averaged by their errors; where lines scatter beyond them
    (breadths that depend on the direction, texture), the scatter makes the error.

    Parameters
    ----------
    pristine, cycled : SpecimenLines
    phase : str
    quantity : str
        ``fwhm`` (relative to tan theta, so that two wavelengths can be compared) or ``area``.
    """
    before, after = (_average_lines(one, phase, quantity) for one in (pristine, cycled))
    shared = [hkl for hkl in before if hkl in after]
    if not shared:
        return None
    value = np.array([np.log(after[hkl][0] / before[hkl][0]) for hkl in shared])
    stderr = np.array([np.hypot(after[hkl][1], before[hkl][1]) for hkl in shared])
    mean, error, chi2 = average_by_weight(value, stderr)
    is_scattered = len(shared) > 1 and chi2 > SCATTERED
    ratio = float(np.exp(mean))
    return LineRatio(
        value=ratio,
        stderr=ratio * error,
        scatter=float(np.std(value, ddof=1)) if len(shared) > 1 else float("nan"),
        lines=len(shared),
        dof=float(len(shared) - 1) if is_scattered else float("inf"),
    )


def _average_lines(
    specimen: SpecimenLines, phase: str, quantity: str
) -> dict[str, tuple[float, float]]:
    """Return mean and relative error of a quantity of each line of a phase, by its indices."""
    peaks, frames = specimen.peaks, specimen.frames
    if "phase" not in peaks or quantity not in peaks:
        return {}
    found = {}
    for n in np.flatnonzero(peaks["phase"].values.astype(str) == phase):
        one = peaks.isel(peak=int(n), frame=frames)
        value, stderr = one[quantity].values, one[f"{quantity}_stderr"].values
        is_good = (one["verdict"].values.astype(str) == LineVerdict.OK) & (value > 0)
        is_good &= (stderr > 0) & (np.nan_to_num(one["significance"].values) > SEEN)
        if not is_good.any():
            continue
        mean, error, _ = average_by_weight(value[is_good], stderr[is_good])
        if quantity == "fwhm":
            theta = np.radians(float(np.mean(one["position"].values[is_good]))) / 2
            mean, error = mean / float(np.tan(theta)), error / float(np.tan(theta))
        found[str(peaks["hkl"].values[n])] = (mean, error / mean)
    return found


def average_places(specimen: SpecimenLines, phase: str) -> dict[str, tuple[float, float]]:
    """Return the place of each line of a phase, with its error [degree], by its indices.

    Parameters
    ----------
    specimen : SpecimenLines
    phase : str
    """
    peaks, frames = specimen.peaks, specimen.frames
    if "phase" not in peaks or "position" not in peaks:
        return {}
    found = {}
    for n in np.flatnonzero(peaks["phase"].values.astype(str) == phase):
        one = peaks.isel(peak=int(n), frame=frames)
        value, stderr = one["position"].values, one["position_stderr"].values
        is_good = (one["verdict"].values.astype(str) == LineVerdict.OK) & np.isfinite(value)
        is_good &= (stderr > 0) & (np.nan_to_num(one["significance"].values) > SEEN)
        if is_good.any():
            mean, error, _ = average_by_weight(value[is_good], stderr[is_good])
            found[str(peaks["hkl"].values[n])] = (mean, error)
    return found


@dataclass(frozen=True, kw_only=True)
class MeanBreadth:
    """Inverse apparent size or microstrain of a phase over the frames of a specimen."""

    value: float
    stderr: float
    frames: int


def average_breadth(specimen: SpecimenLines, phase: str, variable: str) -> MeanBreadth | None:
    """Return the mean of ``inverse_size`` [1/angstrom] or ``microstrain`` [1] of a phase; None
    where it was not measured.

    Parameters
    ----------
    specimen : SpecimenLines
    phase : str
    variable : str
    """
    peaks, frames = specimen.peaks, specimen.frames
    names = list(peaks["candidate"].values.astype(str)) if "candidate" in peaks else []
    if variable not in peaks or phase not in names:
        return None
    one = peaks.isel(candidate=names.index(phase), frame=frames)
    value, stderr = one[variable].values, one[f"{variable}_stderr"].values
    good = np.flatnonzero(np.isfinite(value) & (stderr > 0))
    if not good.size:
        return None
    mean, error, _ = average_by_weight(value[good], stderr[good])
    return MeanBreadth(value=mean, stderr=error, frames=int(good.size))
