"""Classical route: apodise, transform, phase, subtract the baseline, integrate windows."""

from __future__ import annotations

import typing

import numpy as np
import xarray as xr

from ssbchar.errors import BadInput
from ssbchar.nmr.bruker.axes import make_coordinates
from ssbchar.nmr.lineshape.fid import collect_points, find_good_slices, noise_from_tail
from ssbchar.nmr.lineshape.lost_points import restore_lost_points
from ssbchar.nmr.lineshape.options import SpectrumOptions
from ssbchar.nmr.lineshape.outputs import SPECTRUM, keep_attributes
from ssbchar.nmr.lineshape.phasing import SpectrumPhase, phases_from_lines, phases_from_peaks
from ssbchar.nmr.regions import DEFAULT_REGIONS, REGION_NAMES, Regions
from ssbchar.nmr.transform.baseline import find_baseline_order, fit_baseline
from ssbchar.nmr.transform.chemical_shift import shift_from_offset
from ssbchar.nmr.transform.exponentials import sum_exponentials
from ssbchar.nmr.transform.fourier import SpectrumRange, select_range, transform_signal
from ssbchar.typing import Array, Bool, Complex

LEAST_SHOWN = 16
"""A spectrum of fewer points shows nothing."""


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
        Integration windows [ppm].

    Returns
    -------
    Dataset
        The variables of `ssbchar.nmr.lineshape.outputs.SPECTRUM`: ``real``, ``imag`` (slice, ppm)
        phased [s], ``window_area`` (slice, region) with ``window_area_stderr``, and the phases.

    Raises
    ------
    BadInput
        No good slice is left, or neither display nor regions lie within the spectral width.
    """
    good = find_good_slices(fid)
    y, time = collect_points(fid, good), fid.variables["time"].values
    noise, step = noise_from_tail(y), float(time[1] - time[0])
    weight = build_apodisation(time, options.broadening) * step
    size = options.zero_fill << (time.size - 1).bit_length()
    shown = _select_shown(fid, time, size, options, regions)
    windows = [_find_window(shown.ppm, edges) for edges in regions.edges()]
    masks = _build_masks(shown.ppm, windows)
    width = 1.0 / (size * step)
    widths = [(window.stop - window.start) * width for window in windows]
    spread = propagate_noise(widths, time, weight, noise=noise, step=step)
    restored = restore_lost_points(y, time, lines) if options.phase == "lines" else None
    if restored is not None:
        y, time = restored
        weight = build_apodisation(time - time[0], options.broadening) * step
    y *= weight
    phased: Complex
    match options.phase:
        case "lines" if lines is not None:
            phase = phases_from_lines(lines)
            phased = _transform_phased(y, time, size, shown, phase)
        case "lines" | "peaks":
            phased = transform_signal(y, time, size, shown.part)
            phase = phases_from_peaks(phased, shown.offset, masks, spread, width)
            phased *= phase.build_turn(shown.offset)
        case _ as unknown:
            typing.assert_never(unknown)
    real, order, baseline = phased.real.copy(), -1, np.zeros(shown.ppm.size)
    if options.baseline_order >= 0:
        signal = np.asarray(masks.any(axis=0))
        order = find_baseline_order(shown.ppm, signal, options.baseline_order)
        baselines = fit_baseline(real, shown.ppm, signal, order)
        real -= baselines
        baseline = baselines[0]
    area = np.stack([real[:, window].sum(axis=1) for window in windows], 1) * width
    return SPECTRUM.dataset(
        {
            "real": real,
            "imag": phased.imag,
            "baseline": baseline,
            "window_area": area,
            "window_area_stderr": spread,
            "phase_0": phase.zero_order,
            "phase_1": phase.first_order,
            "decay_time": fid.variables["decay_time"].values[good],
        },
        keep_attributes(fid)
        | {
            "broadening": options.broadening,
            "baseline_order": order,
            "windows": [*regions.li_metal, *regions.li_si],
        },
        coords=make_coordinates(
            slice=(fid.variables["slice"].values[good], {}),
            ppm=(shown.ppm, SPECTRUM.variables["ppm"].attributes()),
            region=REGION_NAMES,
        ),
    )


def _select_shown(
    fid: xr.Dataset, time: Array, size: int, options: SpectrumOptions, regions: Regions
) -> SpectrumRange:
    """Return the part of the spectrum that is shown: a region beyond the display would be cut."""
    ends = [*options.display, *regions.li_metal, *regions.li_si]
    sfo1, sf = float(fid.attrs["sfo1"]), float(fid.attrs["sf"])
    shown = select_range(time, size, (min(ends), max(ends)), sfo1=sfo1, sf=sf)
    if shown.ppm.size < LEAST_SHOWN:
        half = float(fid.attrs["sw"]) / 2
        low, high = shift_from_offset([-half, half], sfo1, sf)
        raise BadInput(
            "nmr.regions",
            f"the spectrum is from {low:.0f} to {high:.0f} ppm, and no region lies there",
            "correct nmr.regions and read.reference_hz, or measure with a wider SW",
        )
    return shown


def build_apodisation(time: Array, broadening: float) -> Array:
    """Return exp(-pi LB t), one before the time origin; the first point after a sharp start counts
    half.

    Parameters
    ----------
    time : ndarray, shape (time,)
        Even axis [s].
    broadening : float
        Exponential line broadening LB [Hz].

    Returns
    -------
    ndarray, shape (time,)
        Weights [dimensionless].
    """
    weight = np.exp(-np.pi * broadening * np.maximum(time, 0.0))
    if time[0] >= 0:
        # The transform of a step at the first point is flat only where that point counts half.
        weight[0] *= 0.5
    return np.asarray(weight)


def propagate_noise(
    widths: list[float], time: Array, weight: Array, *, noise: Array, step: float
) -> Array:
    """Return the standard error of each window's integral, exact for white noise.

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
        Of the axis [s].

    Returns
    -------
    ndarray, shape (slice, region)
        In the unit of the noise.
    """
    span, scaled = np.array(widths), np.pi * time
    origin, at_origin = round(-float(time[0]) / step), 0.0
    if abs(time[origin]) < 1e-3 * step:
        # sin(x) / x at zero: its limit is added by itself.
        at_origin, scaled[origin] = float(weight[origin]) ** 2, np.inf
    kernel = (weight / scaled) ** 2
    cosine = sum_exponentials(kernel, 2j * np.pi * span, float(time[0]), step).real
    variance = (kernel.sum() - cosine) / 2 + span**2 * at_origin
    return np.asarray(noise[:, None] * np.sqrt(np.maximum(variance, 0.0)))


def _find_window(ppm: Array, edges: tuple[float, float]) -> slice:
    """Return the part of a falling axis that lies within a window, its edges counted in."""
    low, high = edges
    rising = ppm[::-1]
    first = ppm.size - int(rising.searchsorted(high, "right"))
    stop = ppm.size - int(rising.searchsorted(low))
    return slice(first, stop)


def _build_masks(ppm: Array, windows: list[slice]) -> Bool:
    masks = np.zeros((len(windows), ppm.size), bool)
    for mask, window in zip(masks, windows, strict=True):
        mask[window] = True
    return masks


def _transform_phased(
    y: Complex, time: Array, size: int, shown: SpectrumRange, phase: SpectrumPhase
) -> Complex:
    """Return phased spectra; `y` is overwritten.

    A slope that is the same for all slices is a shift of the time axis, and costs nothing.
    """
    if not phase.has_one_slope:
        spectra = transform_signal(y, time, size, shown.part)
        spectra *= phase.build_turn(shown.offset)
        return spectra
    y *= np.exp(-1j * (phase.zero_order - phase.first_order * phase.pivot))[:, None]
    late = float(phase.first_order[0]) / (2 * np.pi)
    return transform_signal(y, time + late, size, shown.part)
