"""Classical route: apodise, transform, phase, subtract the baseline, integrate windows."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ssbchar.nmr.bruker.axes import make_coordinates
from ssbchar.nmr.lineshape.fit import REGIONS, collect_points, find_good_slices, noise_from_tail
from ssbchar.nmr.lineshape.options import SpectrumOptions
from ssbchar.nmr.lineshape.shapes import PER_REGION
from ssbchar.nmr.regions import DEFAULT_REGIONS, Regions
from ssbchar.nmr.transform.baseline import fit_baseline
from ssbchar.nmr.transform.chemical_shift import offset_from_shift, select_range, transform_signal
from ssbchar.nmr.transform.exponentials import build_exponentials, sum_exponentials
from ssbchar.typing import Array, Complex


def integrate_windows(
    fid: xr.Dataset,
    options: SpectrumOptions,
    lines: xr.Dataset | None = None,
    *,
    regions: Regions = DEFAULT_REGIONS,
) -> xr.Dataset:
    """Transform, phase and integrate every slice.

    Parameters
    ----------
    fid : Dataset
        From `ssbchar.nmr.bruker.read_fid`.
    options : SpectrumOptions
        Broadening, zero filling, phase, baseline.
    lines : Dataset, optional
        From `ssbchar.nmr.lineshape.fit_lines`: its phase and time origin are used unless
        ``options.phase`` is ``peaks``.
    regions : Regions
        Integration windows.

    Returns
    -------
    Dataset
        ``real``, ``imag`` (slice, ppm) phased; ``window_area`` (slice, region) with
        ``window_area_stderr``; ``phase_0``, ``phase_1`` [rad, rad/Hz].

    Raises
    ------
    BadInput
        No good slice is left.
    """
    good = find_good_slices(fid)
    y, time = collect_points(fid, good), fid.variables["time"].values
    noise, step = noise_from_tail(y), float(time[1] - time[0])
    weight = build_apodisation(time, options.broadening) * step
    y *= weight
    size = options.zero_fill << (time.size - 1).bit_length()
    inside, offset, ppm = select_range(
        time, size, options.display, fid.attrs["sfo1"], fid.attrs["sf"]
    )
    windows = [_within(ppm, w) for w in (regions.li_metal, regions.li_si)]
    width = 1.0 / (size * step)
    spread = _integral_stderr(
        [(w.stop - w.start) * width for w in windows], time, weight, noise, step
    )
    if lines is not None and options.phase == "lines":
        phases = phases_from_lines(lines)
        phased = _transformed(y, time, size, inside, offset, phases)
    else:
        phased = transform_signal(y, time, size, inside)
        phases = phases_from_peaks(phased, offset, _masks(ppm, windows), spread, width)
        phased *= _turn(phases[0], phases[1], offset - phases[2])
    real = phased.real.copy()
    if options.baseline_order >= 0:
        real -= fit_baseline(
            real, ppm, np.asarray(_masks(ppm, windows).any(axis=0)), options.baseline_order
        )
    area = np.stack([real[:, w].sum(axis=1) for w in windows], 1) * width
    phase_0, phase_1, _ = phases
    found = {
        "real": (("slice", "ppm"), real, {"units": "s"}),
        "imag": (("slice", "ppm"), phased.imag, {"units": "s"}),
        "window_area": (
            ("slice", "region"),
            area,
            {"units": "1", "ancillary_variables": "window_area_stderr"},
        ),
        "window_area_stderr": (("slice", "region"), spread, {"units": "1"}),
        "phase_0": ("slice", phase_0, {"units": "rad"}),
        "phase_1": ("slice", phase_1, {"units": "rad Hz-1"}),
        "decay_time": ("slice", fid.variables["decay_time"].values[good], {"units": "s"}),
    }
    about = {
        "broadening": options.broadening,
        "baseline_order": options.baseline_order,
        "windows": [*regions.li_metal, *regions.li_si],
    }
    axis = (ppm, {"units": "ppm", "long_name": "chemical shift"})
    return xr.Dataset(
        found,
        coords=make_coordinates(
            slice=(fid.variables["slice"].values[good], {}), ppm=axis, region=REGIONS
        ),
        attrs={k: v for k, v in fid.attrs.items() if k not in ("set_aside", "provenance")} | about,
    )


def build_apodisation(time: Array, broadening: float) -> Array:
    """Return exp(-pi LB t), one before the time origin; the first point after a sharp start counts
    half."""
    weight = np.exp(-np.pi * broadening * np.maximum(time, 0.0))
    if time[0] >= 0:
        weight[0] *= 0.5
    return np.asarray(weight)


def phases_from_lines(lines: xr.Dataset) -> tuple[Array, Array, float]:
    """Return zero-order phase at a pivot, first-order phase [rad/Hz] per slice, and the pivot [Hz]
    of a fit of lines.

    One phase and a time origin give phi + 2 pi nu t0; phases per region run linearly between the
    regions' centres.
    """
    area, phase = lines["area"].values, lines["phase"].values
    nu = offset_from_shift(lines["shift"].values, lines.attrs["sfo1"], lines.attrs["sf"])
    if lines.attrs["phases"] != PER_REGION:
        slope = 2 * np.pi * float(lines["time_origin"])
        return phase[:, 0], np.full(len(phase), slope), 0.0
    centre, angle = [], []
    for region in REGIONS:
        weight = np.where(lines["region_of"].values == region, area, 0.0)
        strongest = int(weight.sum(axis=0).argmax())
        centre.append(float(nu[strongest]))
        angle.append(phase[:, strongest])
    turn = np.angle(np.exp(1j * (angle[1] - angle[0])))
    return angle[0], turn / (centre[1] - centre[0]), centre[0]


def phases_from_peaks(
    raw: Complex, offset: Array, masks: NDArray[np.bool_], spread: Array, width: float
) -> tuple[Array, Array, float]:
    """Return zero-order phase at a pivot and first-order phase [rad/Hz] per slice, and the pivot
    [Hz].

    The phase of a window is that of its peak, arg sum S |S|^2: there the dispersive tail of the
    other line weighs least. With two windows above noise (5 sigma) it runs linearly between their
    centroids, the short way round. Slices share their phases unless those of strong windows (10
    sigma) differ by more than noise (6 sigma, 0.05 rad).
    """
    total = raw @ masks.T.astype(float) * width
    strength = np.sqrt(np.sum((np.abs(total) / spread) ** 2, axis=0))
    power = np.abs(raw) ** 2
    centre = (power.sum(axis=0) * offset) @ masks.T / (power.sum(axis=0) @ masks.T)
    peak = (raw * power) @ masks.T.astype(float) / (power @ masks.T)
    phase = np.repeat(np.angle(np.sum(peak * np.abs(peak), axis=0))[None], len(raw), axis=0)
    off = np.angle(peak * np.exp(-1j * phase))
    strong = np.abs(total) > 10 * spread
    if (
        strong & (np.abs(off) > np.maximum(6 * spread / np.maximum(np.abs(total), spread), 0.05))
    ).any():
        phase = np.where(strong, phase + off, phase)
    main = int(strength.argmax())
    if strength[1 - main] < 5 * np.sqrt(len(raw)):
        return phase[:, main], np.zeros(len(raw)), float(centre[main])
    turn = np.angle(np.exp(1j * (phase[:, 1 - main] - phase[:, main])))
    return phase[:, main], turn / float(centre[1 - main] - centre[main]), float(centre[main])


def _within(ppm: Array, window: tuple[float, float]) -> slice:
    """Return the part of a falling axis that lies within a window."""
    low, high, rising = min(window), max(window), ppm[::-1]
    return slice(
        ppm.size - int(rising.searchsorted(high, "right")), ppm.size - int(rising.searchsorted(low))
    )


def _masks(ppm: Array, windows: list[slice]) -> NDArray[np.bool_]:
    masks = np.zeros((len(windows), ppm.size), bool)
    for mask, window in zip(masks, windows, strict=True):
        mask[window] = True
    return masks


def _transformed(
    y: Complex,
    time: Array,
    size: int,
    inside: slice,
    offset: Array,
    phases: tuple[Array, Array, float],
) -> Complex:
    """Return phased spectra: where the slope is the same for all slices it is a shift of the time
    axis."""
    phase_0, phase_1, pivot = phases
    if np.ptp(phase_1) > 0:
        spectra = transform_signal(y, time, size, inside)
        spectra *= _turn(phase_0, phase_1, offset - pivot)
        return spectra
    y *= np.exp(-1j * (phase_0 - phase_1 * pivot))[:, None]
    return transform_signal(y, time + float(phase_1[0]) / (2 * np.pi), size, inside)


def _turn(phase_0: Array, phase_1: Array, offset: Array) -> Complex:
    """Return exp(-i (phase_0 + phase_1 offset)), shape (slice, offset), or one row where slices are
    phased alike."""
    if np.ptp(phase_0) == 0 and np.ptp(phase_1) == 0:
        phase_0, phase_1 = phase_0[:1], phase_1[:1]
    step = float(offset[1] - offset[0])
    return np.asarray(
        np.exp(-1j * phase_0)[:, None]
        * build_exponentials(-1j * phase_1, float(offset[0]), step, offset.size)
    )


def _integral_stderr(
    widths: list[float], time: Array, weight: Array, noise: Array, step: float
) -> Array:
    """Return the noise of each window's integral, shape (slice, region), exact for white noise.

    The integral is a linear form of the decay; by Parseval its variance is sigma^2 sum_n |h_n
    w_n|^2 with h the transform of the window, sin(pi (high - low) t) / (pi t), and w the
    apodisation; sin^2 x = (1 - cos 2x) / 2.

    Parameters
    ----------
    widths : list of float
        high - low of each window [Hz].
    time, weight : ndarray, shape (time,)
        Axis [s]; apodisation times the axis's step [s].
    noise : ndarray, shape (slice,)
        Standard deviation of real and imaginary part.
    step : float
        [s].
    """
    span, scaled = np.array(widths), np.pi * time
    origin, near = round(-float(time[0]) / step), 0.0
    if abs(time[origin]) < 1e-3 * step:
        near, scaled[origin] = float(weight[origin]) ** 2, np.inf
    kernel = (weight / scaled) ** 2
    cosine = sum_exponentials(kernel, 2j * np.pi * span, float(time[0]), step).real
    variance = (kernel.sum() - cosine) / 2 + span**2 * near
    return np.asarray(noise[:, None] * np.sqrt(variance))
