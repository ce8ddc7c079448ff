"""Lines that no listed phase explains and that one specimen of a pair has alone.

A matched filter goes over what the refinement leaves of each pattern, averaged over its frames. A
line counts where it stands above the noise and above what the other pattern shows near its place:
what the model leaves beside strong lines, and an impurity of both specimens, is there twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ssbchar.hexrd import bragg
from ssbchar.hexrd.pairs.cells import select_frames
from ssbchar.hexrd.pairs.outputs import NEW_LINES
from ssbchar.hexrd.peaks import strain_path
from ssbchar.hexrd.unindexed import matched_filter
from ssbchar.hexrd.unindexed.matched_filter import FilteredSeries
from ssbchar.hexrd.unindexed.options import Candidates
from ssbchar.statistics import ONE_SIDED_95
from ssbchar.storage.lazy_rows import RowReader
from ssbchar.typing import Array, Index

if TYPE_CHECKING:
    import xarray as xr

FWHM_TO_SIGMA = 2.355
"""Full width at half maximum of a Gaussian over its standard deviation."""
FINEST_PLACE = 0.05
"""Error that a line's place has at least [points]."""
SHIFT = 0.005
"""How far what belongs to a known line may have moved with its cell [relative]."""
TWICE = 2.0
"""Times what the other specimen shows that a line of one alone has at least."""


@dataclass(frozen=True, kw_only=True)
class ResidualPattern:
    """What a refinement leaves of a pattern, filtered: the mean over the frames of a specimen."""

    two_theta: Array
    """As measured [degree], shape (points,)."""
    area: Array
    """Of a line at each point [count degree]; NaN where not measured."""
    stderr: Array
    wavelength: float
    """[angstrom]"""
    zero: float
    """Of 2theta [degree]."""
    fwhm: float
    """Typical full width at half maximum [degree]."""
    phases: list[str]
    intensity: Array
    """Of the phases [count degree], shape (phase,)."""

    @property
    def strongest(self) -> float:
        """Intensity of the strongest phase [count degree], a float."""
        return float(self.intensity.max()) if self.intensity.size else 0.0

    @property
    def range(self) -> tuple[float, float]:
        """First and last 2theta that were measured, less the zero [degree]."""
        known = self.two_theta[np.isfinite(self.area)]
        if not known.size:
            return float("nan"), float("nan")
        return float(known[0]) - self.zero, float(known[-1]) - self.zero


@dataclass(frozen=True, kw_only=True)
class SingleLines:
    """Lines that one specimen has and the other has not, arrays of shape (lines,)."""

    position: Array
    """2theta less the zero [degree]."""
    position_stderr: Array
    area: Array
    """[count degree]"""
    area_stderr: Array
    share: Array
    """Area over the intensity of the strongest phase [1]."""
    wavelength: float
    """[angstrom]"""


def find_new_lines(
    pristine_patterns: xr.Dataset,
    pristine_lattice: xr.Dataset,
    pristine_furnace: xr.Dataset,
    patterns: xr.Dataset,
    lattice: xr.Dataset,
    furnace: xr.Dataset,
    options: Candidates,
) -> xr.Dataset:
    """Return the lines that one specimen of a pair has alone (``new_lines.nc``).

    Parameters
    ----------
    pristine_patterns, pristine_lattice, pristine_furnace : Dataset
        Of the pristine specimen: ``intensity`` and ``intensity_stderr`` [counts], ``residual``,
        ``calculated`` and ``background`` [counts], ``temperature`` [degC].
    patterns, lattice, furnace : Dataset
        Of the cycled one.
    options : Candidates
        When a line counts.

    Returns
    -------
    Dataset
        Positions [degree] and areas [count degree], shape (line,).
    """
    width = max(_measure_width(pristine_patterns), _measure_width(patterns))
    pristine = filter_residual(pristine_patterns, pristine_lattice, pristine_furnace, width)
    cycled = filter_residual(patterns, lattice, furnace, width)
    scale = measure_scale(pristine, cycled)
    new = find_single_lines(cycled, pristine, scale, options)
    lost = find_single_lines(pristine, cycled, 1 / scale, options)
    found = {
        name: np.concatenate([getattr(new, name), getattr(lost, name)])
        for name in ("position", "position_stderr", "area", "area_stderr", "share")
    }
    _, hidden = _look_beside(cycled, pristine)
    of_wavelength = np.concatenate(
        [np.full(part.position.size, part.wavelength) for part in (new, lost)]
    )
    values: dict[str, Any] = {
        **found,
        "two_theta": cycled.two_theta,
        "detectable_area": (options.significance + ONE_SIDED_95)
        * np.hypot(cycled.stderr, scale * hidden),
        "is_new": np.repeat([1, 0], [new.position.size, lost.position.size]),
        "d": bragg.d_from_two_theta(found["position"], of_wavelength),
        "phase": np.array(cycled.phases, object),
        "intensity": cycled.intensity,
    }
    low, high = _find_shared_range(cycled, pristine)
    first, last = _find_shared_range(pristine, cycled)
    attrs = {
        "wavelength": cycled.wavelength,
        "pristine_wavelength": pristine.wavelength,
        "low": low,
        "high": high,
        "pristine_low": first,
        "pristine_high": last,
        "scale": scale,
    }
    if patterns.attrs.get("synthetic"):
        attrs["synthetic"] = 1
    return NEW_LINES.dataset(values, attrs)


def _measure_width(patterns: xr.Dataset) -> float:
    """Return the typical width of the lines of a specimen [degree]."""
    rows = RowReader(patterns["intensity"])[np.array([0])]
    return strain_path.measure_typical_width(patterns["two_theta"].values.astype(float), rows)


def filter_residual(
    patterns: xr.Dataset, lattice: xr.Dataset, furnace: xr.Dataset, fwhm: float
) -> ResidualPattern:
    """Return the filtered mean residual of the frames of a specimen [count degree].

    Parameters
    ----------
    patterns, lattice, furnace : Dataset
        As for `find_new_lines`.
    fwhm : float
        Of the line that is looked for [degree].
    """
    x = patterns["two_theta"].values.astype(float)
    step = float(np.median(np.diff(x)))
    frames = select_frames(furnace, lattice, np.zeros(lattice.sizes["frame"], bool))
    if frames.size:
        curves = {
            name: np.nanmean(RowReader(lattice[name])[frames].astype(float), axis=0)
            for name in ("residual", "calculated", "background")
        }
        stated = RowReader(patterns["intensity_stderr"])[frames].astype(float)
        stderr = np.sqrt(np.mean(stated**2, axis=0) / frames.size)
    else:
        curves = dict.fromkeys(("residual", "calculated", "background"), np.full(x.size, np.nan))
        stderr = np.full(x.size, np.nan)
    lines = curves["calculated"] - curves["background"]
    sigma = matched_filter.estimate_noise(curves["residual"][None], stderr[None], lines[None])
    found = matched_filter.apply_matched_filter(curves["residual"][None], sigma, fwhm / step)
    intensity = lattice["intensity"].values[frames]
    there = lattice["present"].values[frames] == 1
    amount = np.where(there, np.nan_to_num(intensity), 0.0).sum(axis=0) / max(frames.size, 1)
    zero = float(np.mean(lattice["zero"].values[frames])) if frames.size else 0.0
    return ResidualPattern(
        two_theta=x,
        area=step * found.area[0],
        stderr=step * found.stderr[0],
        wavelength=float(patterns["wavelength"]),
        zero=zero if np.isfinite(zero) else 0.0,
        fwhm=fwhm,
        phases=[str(name) for name in lattice["phase"].values.astype(str)],
        intensity=amount,
    )


def measure_scale(pristine: ResidualPattern, cycled: ResidualPattern) -> float:
    """Return the intensity of the phases that both specimens have, cycled over pristine [1], 1
    where they share none.

    Parameters
    ----------
    pristine, cycled : ResidualPattern
    """
    amounts = dict(zip(pristine.phases, pristine.intensity, strict=True))
    pairs = [
        (amounts[name], value)
        for name, value in zip(cycled.phases, cycled.intensity, strict=True)
        if value > 0 and amounts.get(name, 0.0) > 0
    ]
    before, after = (float(sum(pair[i] for pair in pairs)) for i in (0, 1))
    return after / before if pairs else 1.0


def find_single_lines(
    one: ResidualPattern, other: ResidualPattern, scale: float, options: Candidates
) -> SingleLines:
    """Return the lines of one pattern that the other has not: above the noise of both, and at least
    twice what the other shows near their place.

    Parameters
    ----------
    one, other : ResidualPattern
    scale : float
        Intensities of one over those of the other [1].
    options : Candidates
        Significance [standard deviations] and error of a place [full widths at half maximum].
    """
    beside, beside_stderr = _look_beside(one, other)
    excess = one.area - scale * beside
    stderr = np.hypot(one.stderr, scale * beside_stderr)
    # Where the other was not measured nobody knows whether the line is new.
    is_alone = np.isfinite(excess) & (one.area >= TWICE * scale * beside)
    step = float(np.median(np.diff(one.two_theta)))
    filtered = FilteredSeries(area=np.where(is_alone, excess, np.nan)[None], stderr=stderr[None])
    apart = max(2, round(one.fwhm / step))
    peaks = matched_filter.find_maxima(filtered, options.significance, apart)
    at: Index = np.round(peaks.place).astype(np.intp)
    place = np.interp(peaks.place, np.arange(one.two_theta.size), one.two_theta)
    own = np.maximum(one.fwhm / FWHM_TO_SIGMA / peaks.significance, FINEST_PLACE * step)
    strongest = one.strongest or float("nan")
    return SingleLines(
        position=place - one.zero,
        position_stderr=np.hypot(own, options.position * one.fwhm),
        area=excess[at],
        area_stderr=stderr[at],
        share=excess[at] / strongest,
        wavelength=one.wavelength,
    )


def _look_beside(one: ResidualPattern, other: ResidualPattern) -> tuple[Array, Array]:
    """Return the largest area [count degree] that another pattern shows near each place of one, 0
    at least, and its standard error; NaN where it was not measured."""
    own = bragg.convert_wavelength(other.two_theta - other.zero, other.wavelength, one.wavelength)
    known = np.isfinite(other.area) & np.isfinite(own)
    area, stderr = np.full(one.two_theta.size, np.nan), np.full(one.two_theta.size, np.nan)
    if not known.any():
        return area, stderr
    place, values, errors = own[known], other.area[known], other.stderr[known]
    at = one.two_theta - one.zero
    reach = np.maximum(SHIFT * at, one.fwhm / 2)
    low = np.searchsorted(place, at - reach)
    high = np.searchsorted(place, at + reach)
    step = float(np.median(np.diff(place)))
    for i in range(at.size):
        nearest = place[np.clip(np.searchsorted(place, at[i]), 0, place.size - 1)]
        if high[i] <= low[i] or abs(nearest - at[i]) > 2 * step:
            continue
        best = low[i] + int(np.argmax(values[low[i] : high[i]]))
        area[i], stderr[i] = max(values[best], 0.0), errors[best]
    return area, stderr


def _find_shared_range(one: ResidualPattern, other: ResidualPattern) -> tuple[float, float]:
    """Return the range of 2theta of one specimen, less the zero, that both were measured in
    [degree]."""
    own, of_other = one.range, other.range
    converted = bragg.convert_wavelength(np.array(of_other), other.wavelength, one.wavelength)
    return max(own[0], float(converted[0])), min(own[1], float(converted[1]))
