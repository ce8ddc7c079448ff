"""Free induction decays after an echo: lines in the time domain, a digital filter, and counted
noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ssbchar.typing import Array, Complex

OVERSAMPLING = 8
"""Analogue-to-digital conversions per kept point."""
GROUP_DELAY = 68
"""Delay of the digital filter [kept points]."""


@dataclass(frozen=True)
class Line:
    """A line of the spectrum."""

    region: str
    """``li_metal`` or ``li_si``."""
    area: float
    shift: float
    """[ppm]"""
    lorentz: float
    """Full width of its Lorentzian part [Hz]."""
    gauss: float = 0.0
    """Full width of its Gaussian part [Hz]."""


def calculate_decay(
    time: Array, lines: tuple[Line, ...], carrier: float, megahertz: float
) -> Complex:
    """Return the free induction decay of lines; real areas add up to its value at time zero.

    s(t) = sum A exp(2 pi i (shift - carrier) f t - pi lorentz t - (pi gauss t)^2 / (4 ln 2)), t >=
    0.

    Parameters
    ----------
    time : ndarray
        Time after the echo's top [s]; the signal is zero before it and half at it.
    lines : tuple of Line
    carrier : float
        Shift at the middle of the spectrum [ppm].
    megahertz : float
        Hz per ppm.
    """
    total = np.zeros(time.shape, complex)
    t = np.clip(time, 0, None)
    for line in lines:
        hertz = (line.shift - carrier) * megahertz
        decay = np.pi * line.lorentz * t + (np.pi * line.gauss * t) ** 2 / (4 * np.log(2))
        total += line.area * np.exp(2j * np.pi * hertz * t - decay)
    return np.asarray(total * np.where(time > 0, 1.0, np.where(time == 0, 0.5, 0.0)))


def build_low_pass() -> Array:
    """Return the taps of a linear-phase filter that passes the kept band: sinc under a Kaiser
    window, gain one.

    Its step response swings about the step by 1 / (pi^2 n) at the n-th kept point, sign by sign, as
    recorded decays of Bruker consoles do.
    """
    half = GROUP_DELAY * OVERSAMPLING
    n = np.arange(-half, half + 1)
    taps = np.sinc(n / OVERSAMPLING) * np.kaiser(n.size, 6.0)
    return np.asarray(taps / taps.sum())


def acquire_decay(
    lines: tuple[Line, ...], points: int, dwell: float, carrier: float, megahertz: float
) -> Complex:
    """Return what a receiver with a digital filter stores: the decay, `GROUP_DELAY` points late.

    The signal is sampled `OVERSAMPLING` times finer, filtered, and every `OVERSAMPLING`-th point
    kept, so that the first points hold the filter's rise and not the signal.
    """
    fine = dwell / OVERSAMPLING
    taps = build_low_pass()
    count = points * OVERSAMPLING + taps.size
    time = (np.arange(count) - taps.size + 1) * fine
    raw = calculate_decay(np.round(time / fine) * fine, lines, carrier, megahertz)
    size = 1 << int(np.ceil(np.log2(count + taps.size)))
    filtered = np.fft.ifft(np.fft.fft(raw, size) * np.fft.fft(taps, size))
    return np.asarray(filtered[taps.size - 1 :: OVERSAMPLING][:points])
