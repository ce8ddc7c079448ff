"""Where a matched filter sees a line in what the model leaves over."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssbchar.nmr.lineshape.problem import LineshapeProblem
from ssbchar.typing import Array, Complex, Index

WIDTHS = (100.0, 400.0, 1600.0, 6400.0, 25600.0)
"""Widths of the filter [Hz]."""
FALSE_ALARM = 0.01
"""Probability that the highest of all filtered noise peaks exceeds the noise gain."""
WIDTH_RANGE = 4
"""Factor by which the width of a line may differ from the best filter's."""


@dataclass(frozen=True, kw_only=True)
class Peak:
    """The line that would explain most of what is left."""

    nu: float
    """Frequency [Hz]."""
    width: float
    """Lorentzian full width at half maximum [Hz]."""
    gain: float
    """Fall of chi-square by a line with one free complex amplitude per slice."""
    grid_nu: float
    """Point of the spectrum beside `nu` [Hz]; it lies in the part looked at, where `nu` may lie
    beyond its edge."""


@dataclass(frozen=True, kw_only=True)
class MatchedFilter:
    """The filter for Lorentzians of several widths, and the parts of the spectrum it looks at.

    For a Lorentzian of width w at nu and white noise the fall of chi-square is
    |sum_n y_n exp(-2 pi i nu t_n) exp(-pi w t_n)|^2 / (sigma^2 sum_n exp(-2 pi w t_n)):
    one Fourier transform a width.
    """

    weight: NDArray[np.float32]
    """(width, time), of norm 1; to single precision, which is enough to see a peak."""
    sigma: Array
    """(slice,) noise of the data."""
    offset: Array
    """(frequency,) as the transform gives them [Hz]."""
    places: tuple[Index, ...]
    """Of each region, and last of everywhere else, the positions of its frequencies."""

    def find_peaks(self, residual: Complex) -> list[Peak]:
        """Return, for each region and last for everywhere else, the line that would explain most of
        what is left.

        Parameters
        ----------
        residual : ndarray, shape (slice, time)
            Data less model, in the unit of `sigma`.
        """
        from scipy.fft import fft

        scaled = (residual / self.sigma[:, None]).astype(np.complex64)
        weighted = scaled * self.weight[:, None]
        spectra = fft(weighted, self.offset.size, overwrite_x=True).view(np.float32)
        np.square(spectra, out=spectra)
        gain = (spectra[..., ::2] + spectra[..., 1::2]).sum(axis=1)
        highest = gain.max(axis=0)
        return [self._find_highest(gain, highest, place) for place in self.places]

    def _find_highest(
        self, gain: NDArray[np.float32], highest: NDArray[np.float32], place: Index
    ) -> Peak:
        if not place.size:
            return Peak(nu=0.0, width=WIDTHS[0], gain=0.0, grid_nu=0.0)
        at = int(place[highest[place].argmax()])
        gains = gain[:, at].tolist()
        best = gains.index(max(gains))
        grid_nu = float(self.offset[at])
        return Peak(
            nu=grid_nu + self._interpolate_peak(gain[best], at, WIDTHS[best]),
            width=width_from_gains(gains),
            gain=gains[best],
            grid_nu=grid_nu,
        )

    def _interpolate_peak(self, gain: NDArray[np.float32], at: int, width: float) -> float:
        """Return how far from a point the gain is highest [Hz].

        Where one Lorentzian is seen, 1/gain is a parabola.
        """
        step = float(self.offset[1])
        reach = max(int(width / (4 * step)), 1)
        low, mid, high = (
            1 / max(float(gain[i % gain.size]), 1e-300) for i in (at - reach, at, at + reach)
        )
        curvature = low + high - 2 * mid
        if not curvature > 0:
            return 0.0
        return step * reach * min(max(0.5 * (low - high) / curvature, -1.0), 1.0)


def width_from_gains(gains: list[float]) -> float:
    """Return the width w0 of the Lorentzian whose gains by filters of the `WIDTHS` w go as w / (w +
    w0)^2.

    Taken from the best filter and the better of its neighbours, within a factor of 4 of the best.

    Parameters
    ----------
    gains : list of float
        Fall of chi-square by each filter.

    Returns
    -------
    float
        Full width at half maximum [Hz].
    """
    # The ratio of two gains gives w0; the two that are largest are least spoiled by noise.
    best = gains.index(max(gains))
    pairs = (i for i in (best - 1, best) if 0 <= i < len(WIDTHS) - 1)
    first = max(pairs, key=lambda i: min(gains[i], gains[i + 1]))
    narrow, broad = WIDTHS[first], WIDTHS[first + 1]
    ratio = (gains[first] / max(gains[first + 1], 1e-300) * broad / narrow) ** 0.5
    width = (broad - ratio * narrow) / (ratio - 1) if ratio > 1 else np.inf
    return float(min(max(width, WIDTHS[best] / WIDTH_RANGE), WIDTHS[best] * WIDTH_RANGE))


def build_matched_filter(problem: LineshapeProblem, low: Array, high: Array) -> MatchedFilter:
    """Return the filter of a problem.

    Parameters
    ----------
    problem : LineshapeProblem
        For its time axis and noise.
    low, high : ndarray, shape (region,)
        Edges of the regions [Hz].
    """
    count = problem.time.size
    size = 1 << (count - 1).bit_length()
    step = float(problem.time[-1] - problem.time[0]) / (count - 1)
    offset = np.asarray(np.fft.fftfreq(size, step), float)
    named = (offset >= low[:, None]) & (offset <= high[:, None])
    weight = np.exp(-np.pi * np.array(WIDTHS)[:, None] * np.maximum(problem.time, 0.0))
    weight /= np.sqrt(np.sum(weight**2, axis=1, keepdims=True))
    elsewhere = ~named.any(axis=0)
    return MatchedFilter(
        weight=weight.astype(np.float32),
        sigma=problem.sigma,
        offset=offset,
        places=tuple(np.flatnonzero(part) for part in (*named, elsewhere)),
    )


@functools.cache
def compute_noise_gain(points: int, slices: int) -> float:
    """Return the gain that the highest of all filtered noise peaks exceeds in 1 of 100 cases.

    Parameters
    ----------
    points : int
        Points of the decay, as many independent frequencies.
    slices : int
        Slices, with two degrees of freedom each.

    Returns
    -------
    float
        Fall of chi-square [dimensionless].
    """
    from scipy.special import chdtri

    return float(chdtri(2 * slices, FALSE_ALARM / (points * len(WIDTHS))))
