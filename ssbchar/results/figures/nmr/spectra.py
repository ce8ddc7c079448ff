"""Figures of phased spectra: one with its baseline and integrals, or a stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from ssbchar.results.figures import style
from ssbchar.results.figures.nmr.look import COLOUR, NAMES, SHIFT, write_error
from ssbchar.storage.store import Drawing
from ssbchar.typing import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 10
"""Most spectra in a stack; of a longer series every n-th."""
INTEGRAL_HEIGHT = 0.55
"""Height of the integral over both windows, over that of the spectrum [1]."""
INTEGRAL_FOOT = 0.12
"""Where integrals begin, above the baseline [1]."""


def shade_windows(axes: Axes, spectrum: xr.Dataset) -> None:
    """Shade the integration windows of a spectrum and name them."""
    edges = np.reshape(spectrum.attrs["windows"], (-1, 2))
    for region, (low, high) in zip(spectrum["region"].values, np.sort(edges, axis=1), strict=True):
        axes.axvspan(low, high, color=COLOUR[str(region)], alpha=0.10, linewidth=0)
        axes.text(
            (low + high) / 2,
            0.99,
            NAMES[str(region)],
            transform=axes.get_xaxis_transform(),
            ha="center",
            va="top",
            color=COLOUR[str(region)],
            fontsize=style.SMALL,
        )


def label_hours(time_course: xr.Dataset, spectrum: xr.Dataset) -> list[str]:
    """Return when each spectrum of a series in time was measured [h], in words."""
    hours = dict(zip(time_course["spectrum"].values, time_course["hours"].values, strict=True))
    return [f"{hours[number]:.3g} h" for number in spectrum["slice"].values]


def draw_spectra(spectrum: xr.Dataset, labels: list[str] | None = None) -> Drawing:
    """Draw a phased spectrum with baseline and integrals, or a stack of several with the
    integration windows.

    Parameters
    ----------
    spectrum : Dataset
        From `ssbchar.nmr.lineshape.integrate_windows`; shifts in ppm.
    labels : list of str, optional
        Of the slices; else their decay times.
    """
    if spectrum.sizes["slice"] == 1:
        return _draw_one(spectrum)
    what = "decay time of each slice" if labels is None else "time since the first"
    if labels is None:
        labels = [f"{1e6 * time:.4g} µs" for time in spectrum["decay_time"].values]
    count = spectrum.sizes["slice"]
    chosen = np.unique(np.linspace(0, count - 1, min(count, MOST)).astype(int))
    figure = style.make_figure(style.COLUMN, 1.4 + 0.28 * len(chosen))
    axes = figure.add_subplot()
    scale = float(np.abs(spectrum["real"].values[chosen]).max())
    step = 0.35
    for place, (i, colour) in enumerate(zip(chosen, style.pick_sequence(len(chosen)), strict=True)):
        axes.plot(
            spectrum["ppm"], spectrum["real"].values[i] / scale + step * place, color=colour, lw=0.7
        )
        axes.text(
            0.99,
            step * place + 0.03,
            labels[i],
            ha="right",
            va="bottom",
            transform=axes.get_yaxis_transform(),
            fontsize=style.SMALL - 1,
            color=colour,
        )
    shade_windows(axes, spectrum)
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.08 * (high - low))
    axes.set_xlim(float(spectrum["ppm"].max()), float(spectrum["ppm"].min()))
    axes.set_xlabel(SHIFT)
    axes.set_ylabel("intensity / maximum (offset)")
    caption = (
        f"Spectra after {float(spectrum.attrs['broadening']):g} Hz exponential broadening, zero- "
        "and first-order phase"
        f" and a polynomial baseline; shaded: integration windows. Right: {what}."
    )
    return Drawing(figure=figure, title="7Li spectra and integration windows", caption=caption)


def _draw_one(spectrum: xr.Dataset) -> Drawing:
    """Draw one spectrum before and after its baseline is taken off, with the running integrals of
    its windows."""
    figure = style.make_figure(style.COLUMN, 2.6)
    axes = figure.add_subplot()
    ppm, real = spectrum["ppm"].values, spectrum["real"].values[0]
    baseline = spectrum["baseline"].values
    scale = float(np.abs(real).max())
    axes.plot(ppm, (real + baseline) / scale, color=style.GREY, lw=1.4, label="phased")
    axes.plot(ppm, real / scale, color=style.BLACK, lw=0.7, label="less baseline")
    axes.plot(ppm, baseline / scale, color=style.PURPLE, lw=0.9, ls="--", label="baseline")
    said = _draw_integrals(axes, spectrum, real)
    shade_windows(axes, spectrum)
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.1 * (high - low))
    axes.set_xlim(float(ppm.max()), float(ppm.min()))
    axes.set_xlabel(SHIFT)
    axes.set_ylabel("intensity / maximum")
    figure.legend(loc="outside upper center", ncols=3)
    order = int(spectrum.attrs["baseline_order"])
    caption = (
        f"Spectrum after {float(spectrum.attrs['broadening']):g} Hz exponential broadening and "
        "zero- and first-order phase; "
        + (
            f"its baseline, a polynomial of degree {order} through the parts outside the windows "
            "(dashed), is taken off. "
            if order >= 0
            else "no baseline was taken off. "
        )
        + f"Shaded: integration windows{said}."
    )
    return Drawing(figure=figure, title="7Li spectrum, baseline and integrals", caption=caption)


def _draw_integrals(axes: Axes, spectrum: xr.Dataset, real: Array) -> str:
    """Draw the running integral of each window with its share of both, and return what the caption
    says of them; nothing where the windows do not add up to a signal."""
    area, stderr = spectrum["window_area"].values[0], spectrum["window_area_stderr"].values[0]
    total = float(area.sum())
    if not total > 0:
        return ""
    ppm = spectrum["ppm"].values
    edges = np.sort(np.reshape(spectrum.attrs["windows"], (-1, 2)), axis=1)
    for r, (region, (low, high)) in enumerate(zip(spectrum["region"].values, edges, strict=True)):
        inside = (ppm >= low) & (ppm <= high)
        if not inside.any() or not real[inside].sum():
            continue
        run = np.cumsum(real[inside]) * area[r] / real[inside].sum() / total
        height = INTEGRAL_FOOT + INTEGRAL_HEIGHT * run
        axes.plot(ppm[inside], height, color=COLOUR[str(region)], lw=0.9)
        axes.text(
            low,
            height[-1],
            f" {write_error(100 * area[r] / total, 100 * stderr[r] / total)} %",
            color=COLOUR[str(region)],
            fontsize=style.SMALL - 1,
            ha="left",
            va="bottom",
        )
    return (
        ", with their running integrals over the sum of both (error: white noise of each window; "
        "raw, a line's tails beyond its window are not in it)"
    )
