"""Where a matched filter sees a line in what the model leaves over."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssbchar.nmr.shapes import Complex, Problem, Real

WIDTHS = (100.0, 400.0, 1600.0, 6400.0, 25600.0)
"""Widths of the filter [Hz]."""


@dataclass(frozen=True)
class Peak:
    """Where a matched filter sees most."""

    nu: float
    width: float
    gain: float
    """Fall of chi-square by a line with one free complex amplitude per slice."""


@dataclass(frozen=True)
class Filter:
    """The filter for Lorentzians of several widths, and the parts of the spectrum it looks at.

    For a Lorentzian of width w at nu and white noise the fall of chi-square is
    |sum_n y_n exp(-2 pi i nu t_n) exp(-pi w t_n)|^2 / (sigma^2 sum_n exp(-2 pi w t_n)): one Fourier transform a width.
    """

    weight: Real
    """(width, time), of norm 1."""
    sigma: Real
    """(slice,)."""
    offset: Real
    """(frequency,) as the transform gives them [Hz]."""
    inside: NDArray[np.bool_]
    """(region, frequency), the last region being everywhere else."""

    def peaks(self, left: Complex) -> list[Peak]:
        """Return, for each region and last for everywhere else, the line that would explain most of what is left.

        Parameters
        ----------
        left : ndarray, shape (slice, time)
            Data less model.
        """
        scaled = left / self.sigma[:, None]
        gain = np.empty((len(WIDTHS), self.offset.size))
        for row, weight in zip(gain, self.weight, strict=True):
            spectrum = np.fft.fft(scaled * weight, self.offset.size, axis=1)
            np.sum(spectrum.real**2 + spectrum.imag**2, axis=0, out=row)
        return [self._highest(gain, mask) for mask in self.inside]

    def _highest(self, gain: Real, mask: NDArray[np.bool_]) -> Peak:
        if not mask.any():
            return Peak(0.0, WIDTHS[0], 0.0)
        width, at = divmod(int(np.where(mask, gain, -1.0).argmax()), self.offset.size)
        return Peak(float(self.offset[at]), WIDTHS[width], float(gain[width, at]))


def matched_filter(problem: Problem, low: Real, high: Real) -> Filter:
    """Return the filter of a problem.

    Parameters
    ----------
    problem : Problem
        For its time axis and noise.
    low, high : ndarray, shape (region,)
        Edges of the regions [Hz].
    """
    count = problem.time.size
    size = 1 << (count - 1).bit_length()
    step = float(problem.time[-1] - problem.time[0]) / (count - 1)
    offset = np.asarray(np.fft.fftfreq(size, step), float)
    named = np.asarray((offset >= low[:, None]) & (offset <= high[:, None]))
    weight = np.asarray(np.exp(-np.pi * np.array(WIDTHS)[:, None] * np.maximum(problem.time, 0.0)), float)
    weight = np.asarray(weight / np.sqrt(np.sum(weight**2, axis=1, keepdims=True)), float)
    rest = np.asarray(~named.any(axis=0))
    return Filter(weight, problem.sigma, offset, np.concatenate([named, rest[None]]))


@functools.cache
def noise_gain(points: int, slices: int) -> float:
    """Return the gain that the highest of all filtered noise peaks exceeds in 1 of 100 cases."""
    from scipy.special import chdtri

    return float(chdtri(2 * slices, 0.01 / (points * len(WIDTHS))))
