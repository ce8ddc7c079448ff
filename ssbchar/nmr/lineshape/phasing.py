"""Phase of a spectrum: zero order and first order, from a fit of lines or from the spectrum's own
peaks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from ssbchar.nmr.lineshape.line_status import LineStatus
from ssbchar.nmr.lineshape.problem import PhaseModel
from ssbchar.nmr.regions import REGION_NAMES
from ssbchar.nmr.transform.chemical_shift import offset_from_shift
from ssbchar.nmr.transform.exponentials import build_exponentials
from ssbchar.typing import Array, Bool, Complex

STRONG = 10.0
"""A window whose integral exceeds this many standard errors may have a phase of its own."""
VISIBLE = 5.0
"""A series whose second window exceeds this many standard errors per slice, in the root mean
square, fixes a first-order phase."""
DIFFERENT = 6.0
"""Phases that differ by more standard errors are different."""
LEAST_DIFFERENCE = 0.05
"""Phases that differ by less are alike whatever the noise [rad]."""


@dataclass(frozen=True, kw_only=True)
class SpectrumPhase:
    """Phase of each slice, zero_order + first_order (nu - pivot)."""

    zero_order: Array
    """(slice,) phase at the pivot [rad]."""
    first_order: Array
    """(slice,) slope [rad/Hz]."""
    pivot: float
    """Frequency against the carrier [Hz]."""

    @property
    def has_one_slope(self) -> bool:
        """Whether the first-order phase is the same for all slices."""
        return not np.ptp(self.first_order) > 0

    def build_turn(self, offset: Array) -> Complex:
        """Return exp(-i phase) on a frequency axis.

        Parameters
        ----------
        offset : ndarray, shape (frequency,)
            Even axis against the carrier [Hz].

        Returns
        -------
        ndarray, shape (slice, frequency)
            One row alone where slices are phased alike [dimensionless].
        """
        zero_order, first_order = self.zero_order, self.first_order
        if np.ptp(zero_order) == 0 and np.ptp(first_order) == 0:
            zero_order, first_order = zero_order[:1], first_order[:1]
        axis = offset - self.pivot
        step = float(axis[1] - axis[0])
        slope = build_exponentials(-1j * first_order, float(axis[0]), step, axis.size)
        return np.asarray(np.exp(-1j * zero_order)[:, None] * slope)


def phases_from_lines(lines: xr.Dataset) -> SpectrumPhase:
    """Return the phase of a fit of lines.

    One phase and a time origin give phi + 2 pi nu t0; phases per region run linearly between the
    regions' strongest lines. A region without a line, or whose component has run into a bound of
    the fit, lends no phase: the other region's is then that of the whole spectrum.

    Parameters
    ----------
    lines : Dataset
        From `ssbchar.nmr.lineshape.fit_lines`; shifts in ppm, phases in rad.
    """
    area, phase = lines["area"].values, lines["phase"].values
    if lines.attrs["phases"] != PhaseModel.PER_REGION:
        slope = 2 * np.pi * float(lines["time_origin"])
        return SpectrumPhase(
            zero_order=phase[:, 0], first_order=np.full(len(phase), slope), pivot=0.0
        )
    nu = offset_from_shift(lines["shift"].values, lines.attrs["sfo1"], lines.attrs["sf"])
    strongest, summed = [], area.sum(axis=0)
    is_line = _find_lines(lines)
    for region in REGION_NAMES:
        weight = np.where((lines["region_of"].values == region) & is_line, summed, 0.0)
        if weight.max() > 0:
            strongest.append(int(weight.argmax()))
    if len(strongest) < len(REGION_NAMES):
        (only,) = strongest or [int(summed.argmax())]
        return SpectrumPhase(
            zero_order=phase[:, only], first_order=np.zeros(len(phase)), pivot=float(nu[only])
        )
    metal, li_si = strongest
    turn = np.angle(np.exp(1j * (phase[:, li_si] - phase[:, metal])))
    return SpectrumPhase(
        zero_order=phase[:, metal],
        first_order=turn / (float(nu[li_si]) - float(nu[metal])),
        pivot=float(nu[metal]),
    )


def _find_lines(lines: xr.Dataset) -> Bool:
    """Return which components are lines that are seen, shape (component,)."""
    total = lines["area"].values.sum(axis=0)
    stderr = np.sqrt(np.sum(lines["area_stderr"].values ** 2, axis=0))
    is_line = lines["line_status"].values.astype(str) == LineStatus.LINE
    return np.asarray(is_line & (total > VISIBLE * stderr))


def phases_from_peaks(
    raw: Complex, offset: Array, masks: Bool, spread: Array, width: float
) -> SpectrumPhase:
    """Return the phase of a spectrum by its own peaks.

    The phase of a window is that of its peak, arg sum S |S|^2: there the dispersive tail of the
    other line weighs least. With two windows above noise (5 sigma) it runs linearly between their
    centroids, the short way round. Slices share their phases unless those of strong windows (10
    sigma) differ by more than noise (6 sigma, 0.05 rad).

    Parameters
    ----------
    raw : ndarray, shape (slice, frequency)
        Spectra, not phased.
    offset : ndarray, shape (frequency,)
        Against the carrier [Hz].
    masks : ndarray of bool, shape (2, frequency)
        The two windows.
    spread : ndarray, shape (slice, 2)
        Standard error of their integrals.
    width : float
        Spacing of the axis [Hz].
    """
    total = raw @ masks.T.astype(float) * width
    strength = np.sqrt(np.sum((np.abs(total) / spread) ** 2, axis=0))
    power = np.abs(raw) ** 2
    summed = power.sum(axis=0)
    centre = (summed * offset) @ masks.T / (summed @ masks.T)
    peak = (raw * power) @ masks.T.astype(float) / (power @ masks.T)
    common = np.angle(np.sum(peak * np.abs(peak), axis=0))
    phase = np.repeat(common[None], len(raw), axis=0)
    # Each slice against the phase of all: strong windows decide whether slices differ.
    off = np.angle(peak * np.exp(-1j * phase))
    strong = np.abs(total) > STRONG * spread
    noise = DIFFERENT * spread / np.maximum(np.abs(total), spread)
    if (strong & (np.abs(off) > np.maximum(noise, LEAST_DIFFERENCE))).any():
        phase = np.where(strong, phase + off, phase)
    main = int(strength.argmax())
    other = 1 - main
    pivot = float(centre[main])
    if strength[other] < VISIBLE * np.sqrt(len(raw)):
        return SpectrumPhase(zero_order=phase[:, main], first_order=np.zeros(len(raw)), pivot=pivot)
    turn = np.angle(np.exp(1j * (phase[:, other] - phase[:, main])))
    return SpectrumPhase(
        zero_order=phase[:, main],
        first_order=turn / float(centre[other] - centre[main]),
        pivot=pivot,
    )
