"""Free induction decays after an echo: lines in the time domain and the receiver's digital
filter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ssbchar.typing import Array, Complex

OVERSAMPLING = 8
"""Analogue-to-digital conversions per kept point."""
GROUP_DELAY = 68
"""Delay of the digital filter [kept points]."""
KAISER_BETA = 6.0
"""Shape of the filter's Kaiser window."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of the spectrum."""

    region: str
    """``li_metal`` or ``li_si``."""
    area: float
    """Relative to the whole signal at the first echo (dimensionless)."""
    shift: float
    """[ppm]"""
    lorentz: float
    """Full width of its Lorentzian part [Hz]."""
    gauss: float = 0.0
    """Full width of its Gaussian part [Hz]."""


@dataclass(frozen=True, kw_only=True)
class Receiver:
    """How a decay is recorded."""

    points: int
    """Complex points that are stored."""
    dwell: float
    """Time between stored points [s]."""
    carrier: float
    """Shift at the middle of the spectrum [ppm]."""
    hertz_per_ppm: float
    """[Hz]"""


def calculate_decay(
    time: Array, lines: tuple[Line, ...], carrier: float, hertz_per_ppm: float
) -> Complex:
    """Return the free induction decay of lines; real areas add up to its value at time zero.

    s(t) = sum A exp(2 pi i (shift - carrier) f t - pi lorentz t - (pi gauss t)^2 / (4 ln 2)), t >=
    0.

    Parameters
    ----------
    time : ndarray, shape (point,)
        Time after the echo's top [s]; the signal is zero before it and half at it.
    lines : tuple of Line
        Shifts [ppm] and widths [Hz].
    carrier : float
        Shift at the middle of the spectrum [ppm].
    hertz_per_ppm : float
        f [Hz].

    Returns
    -------
    ndarray of complex, shape (point,)
        In the unit of the areas.
    """
    total = np.zeros(time.shape, complex)
    # an exponential before the echo's top would overflow
    t = np.clip(time, 0, None)
    for line in lines:
        frequency = (line.shift - carrier) * hertz_per_ppm
        decay = np.pi * line.lorentz * t + (np.pi * line.gauss * t) ** 2 / (4 * np.log(2))
        total += line.area * np.exp(2j * np.pi * frequency * t - decay)
    return np.asarray(total * np.where(time > 0, 1.0, np.where(time == 0, 0.5, 0.0)))


def build_low_pass() -> Array:
    """Return the taps of a linear-phase filter that passes the kept band: sinc under a Kaiser
    window.

    Its step response oscillates about the step by 1 / (pi^2 n) at the n-th kept point, with
    alternating sign, as in recorded decays of Bruker consoles.

    Returns
    -------
    ndarray, shape (tap,)
        Dimensionless; the sum is one.
    """
    half = GROUP_DELAY * OVERSAMPLING
    n = np.arange(-half, half + 1)
    taps = np.sinc(n / OVERSAMPLING) * np.kaiser(n.size, KAISER_BETA)
    return np.asarray(taps / taps.sum())


def acquire_decay(lines: tuple[Line, ...], receiver: Receiver) -> Complex:
    """Return what a receiver with a digital filter stores: the decay, `GROUP_DELAY` points late.

    The signal is sampled `OVERSAMPLING` times finer, filtered, and every `OVERSAMPLING`-th point
    kept, so that the first points hold the filter's rise and not the signal.

    Parameters
    ----------
    lines : tuple of Line
        Shifts [ppm] and widths [Hz].
    receiver : Receiver
        Number of points, dwell time [s] and carrier [ppm].

    Returns
    -------
    ndarray of complex, shape (point,)
        In the unit of the areas.
    """
    fine = receiver.dwell / OVERSAMPLING
    taps = build_low_pass()
    count = receiver.points * OVERSAMPLING + taps.size
    time = (np.arange(count) - taps.size + 1) * fine
    # rounded, so that the echo's top is exactly at zero
    time = np.round(time / fine) * fine
    raw = calculate_decay(time, lines, receiver.carrier, receiver.hertz_per_ppm)
    size = 1 << int(np.ceil(np.log2(count + taps.size)))
    filtered = np.fft.ifft(np.fft.fft(raw, size) * np.fft.fft(taps, size))
    return np.asarray(filtered[taps.size - 1 :: OVERSAMPLING][: receiver.points])
