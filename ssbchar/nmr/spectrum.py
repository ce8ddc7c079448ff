"""Classical route: apodise, transform, phase, subtract the baseline, integrate windows."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ssbchar.errors import BadInput
from ssbchar.nmr.lines import REGIONS, noise_from_tail
from ssbchar.nmr.options import Processing
from ssbchar.nmr.shift import shift_from_offset, transform

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]


def spectrum(fid: xr.Dataset, options: Processing) -> xr.Dataset:
    """Transform, phase and integrate every slice.

    Parameters
    ----------
    fid : Dataset
        From `ssbchar.nmr.read.fid`.
    options : Processing
        Broadening, zero filling, windows, baseline.

    Returns
    -------
    Dataset
        ``real``, ``imag`` (slice, ppm) phased; ``window_area`` (slice, region) with ``window_area_stderr``;
        ``phase_0``, ``phase_1`` [rad, rad/Hz].

    Raises
    ------
    BadInput
        No good slice is left.
    """
    good = np.flatnonzero(fid["status"].values == "ok")
    if not good.size:
        raise BadInput(fid.attrs.get("measurement", "series"), "no good slice", "measure it again")
    y, time = (fid["real"].values + 1j * fid["imag"].values)[good], fid["time"].values
    step = float(time[1] - time[0])
    apodised = y * apodisation(time, options.broadening)
    size = options.zero_fill << (time.size - 1).bit_length()
    offset, raw = transform(apodised, time, size)
    raw *= step
    ppm = shift_from_offset(offset, fid.attrs["sfo1"], fid.attrs["sf"])
    masks = np.stack([(ppm >= min(w)) & (ppm <= max(w)) for w in (options.regions.li_metal, options.regions.li_si)])
    width = 1.0 / (size * step)
    spread = _integral_stderr(masks, offset, time, options.broadening, noise_from_tail(y), step, width)
    phase_0, phase_1, pivot = linear_phase(raw, offset, masks, spread, width)
    phased = raw * np.exp(-1j * (phase_0 + phase_1 * (offset - pivot)))
    inside = (ppm >= min(options.display)) & (ppm <= max(options.display))
    phased, ppm, masks = phased[:, inside], ppm[inside], masks[:, inside]
    if options.baseline_order >= 0:
        phased = phased - baseline(phased.real, ppm, np.asarray(masks.any(axis=0)), options.baseline_order)
    area = phased.real @ masks.T.astype(float) * width
    about = {"units": "s"}
    return xr.Dataset(
        {
            "real": (("slice", "ppm"), phased.real, about),
            "imag": (("slice", "ppm"), phased.imag, about),
            "window_area": (("slice", "region"), area, {"units": "1", "ancillary_variables": "window_area_stderr"}),
            "window_area_stderr": (("slice", "region"), spread, {"units": "1"}),
            "phase_0": ((), phase_0, {"units": "rad"}),
            "phase_1": ((), phase_1, {"units": "rad Hz-1"}),
            "decay_time": ("slice", fid["decay_time"].values[good], {"units": "s"}),
        },
        coords={
            "slice": fid["slice"].values[good],
            "ppm": ("ppm", ppm, {"units": "ppm", "long_name": "chemical shift"}),
            "region": list(REGIONS),
        },
        attrs={k: v for k, v in fid.attrs.items() if k not in ("set_aside", "provenance")}
        | {"broadening": options.broadening, "windows": [*options.regions.li_metal, *options.regions.li_si]},
    )


def apodisation(time: Real, broadening: float) -> Real:
    """Return exp(-pi LB t), one before the time origin; the first point after a sharp start counts half."""
    weight = np.exp(-np.pi * broadening * np.maximum(time, 0.0))
    if time[0] >= 0:
        weight[0] *= 0.5
    return np.asarray(weight)


def linear_phase(
    raw: Complex, offset: Real, masks: NDArray[np.bool_], spread: Real, width: float
) -> tuple[float, float, float]:
    """Return zero-order phase at a pivot, first-order phase [rad/Hz] and the pivot [Hz], from the windows' integrals.

    The integral of a line over a window around it has the line's phase, as its dispersive part cancels. With two
    windows above noise (5 sigma), the phase runs linearly between their centroids, the short way round.
    """
    total = raw @ masks.T.astype(float) * width
    strength = np.sqrt(np.sum((np.abs(total) / spread) ** 2, axis=0))
    power = np.sum(np.abs(raw) ** 2, axis=0)
    centre = np.array([np.sum((power * offset)[m]) / np.sum(power[m]) for m in masks])
    strong = int(strength.argmax())
    weights = np.abs(total[:, strong])
    phase_0 = float(np.angle(np.sum(total[:, strong] * weights)))
    weak = 1 - strong
    if strength[weak] < 5 * np.sqrt(len(raw)):
        return phase_0, 0.0, float(centre[strong])
    turn = float(np.angle(np.sum(total[:, weak] * total[:, strong].conj())))
    return phase_0, turn / float(centre[weak] - centre[strong]), float(centre[strong])


def baseline(values: Real, ppm: Real, signal: NDArray[np.bool_], order: int) -> Real:
    """Return the polynomial least-squares fit through the parts without signal, shape of `values`."""
    x = (ppm - ppm.mean()) / np.ptp(ppm) * 2
    design = np.polynomial.legendre.legvander(x, order)
    coefficients = np.linalg.lstsq(design[~signal], values[:, ~signal].T, rcond=None)[0]
    return np.asarray((design @ coefficients).T)


def _integral_stderr(
    masks: NDArray[np.bool_], offset: Real, time: Real, broadening: float, noise: Real, step: float, width: float
) -> Real:
    """Return the noise of each window's integral, shape (slice, region), exact for white noise.

    The integral is a linear form of the decay; by Parseval its variance is sigma^2 sum_n |h_n w_n|^2 with
    h the transform of the window and w the apodisation.
    """
    out = []
    for mask in masks:
        low, high = offset[mask].min() - width / 2, offset[mask].max() + width / 2
        h = (high - low) * np.sinc((high - low) * time)
        out.append(np.sqrt(np.sum((h * apodisation(time, broadening) * step) ** 2)))
    return np.asarray(noise[:, None] * np.array(out)[None])
