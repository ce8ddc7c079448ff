"""Maps over the whole series: intensity with phase lines, waterfall, residual in units of its
error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.results.figures import style
from ssbchar.results.figures.hexrd.series_axes import (
    SeriesAxes,
    average_mesh,
    draw_phase_ticks,
    draw_temperature_beside,
    pick_spread,
)
from ssbchar.storage.lazy_rows import RowReader
from ssbchar.storage.store import Drawing
from ssbchar.typing import Array

if TYPE_CHECKING:
    import xarray as xr

WATERFALL = 12
"""Patterns in the waterfall."""
LIMIT = 5.0
"""Residuals are shown from minus to plus this many standard errors."""


def draw_intensity_map(
    at: SeriesAxes, intensity: Array | RowReader, ticks: Mapping[str, Array]
) -> Drawing:
    """Return the map of intensity over angle and time, temperature beside it, phase lines above."""
    from matplotlib.colors import PowerNorm

    is_known = bool(np.isfinite(at.temperature).any())
    figure = style.make_figure(style.PAGE, 4.0 + 0.13 * len(ticks))
    grid = figure.add_gridspec(
        2,
        1 + is_known,
        width_ratios=[5, 1][: 1 + is_known],
        height_ratios=[0.14 * max(len(ticks), 0.1), 4.0],
    )
    axes = figure.add_subplot(grid[1, 0])
    beside = figure.add_subplot(grid[1, 1], sharey=axes) if is_known else None
    above = figure.add_subplot(grid[0, 0], sharex=axes)
    shown, rows, columns = average_mesh(
        lambda part: np.where(at.good[part, None], intensity[part], np.nan), at.along, at.two_theta
    )
    low, high = np.nanpercentile(shown, [0.2, 99.7])
    axes.set_facecolor("white")
    mesh = axes.pcolormesh(
        columns,
        rows,
        shown,
        norm=PowerNorm(0.5, low, max(high, low + 1e-9)),
        cmap="viridis",
        rasterized=True,
    )
    axes.set(
        xlabel=at.angle_label,
        ylabel=at.label,
        xlim=(columns[0], columns[-1]),
        ylim=(rows[0], rows[-1]),
    )
    draw_phase_ticks(above, ticks, at.colours)
    if beside is not None:
        draw_temperature_beside(beside, at)
    # Beside the temperature: the colour bar of an axes takes its room from it.
    pad = 0.08 if beside is not None else 0.02
    bar = figure.colorbar(mesh, ax=beside or axes, pad=pad, aspect=40, extend="both")
    bar.set_label("Intensity (counts), square-root scale")
    lost = int(np.sum(~at.good))
    caption = (
        f"Diffraction of {at.sample or 'the sample'} through the series: intensity "
        "(square-root scale, cut "
        f"at the 0.2th and 99.7th percentile) against 2θ and {at.label.lower()}; {at.good.size} "
        "frames"
        + (f", {lost} set aside" if lost else "")
        + "; white where none was measured. Ticks: reflections of the candidate phases in the "
        "first frame."
    )
    if is_known:
        caption += " Right: temperature (heating vermilion, hold grey, cooling blue)."
    return Drawing(figure=figure, title="Diffraction map", caption=caption)


def draw_waterfall(
    at: SeriesAxes, intensity: Array | RowReader, ticks: Mapping[str, Array]
) -> Drawing:
    """Return patterns spread over the series, one above the other, labelled by temperature, or by
    time at one temperature."""
    chosen = pick_spread(np.flatnonzero(at.good), WATERFALL)
    figure = style.make_figure(style.PAGE, 4.6 + 0.13 * len(ticks))
    grid = figure.add_gridspec(2, 1, height_ratios=[0.14 * max(len(ticks), 0.1), 4.6])
    axes = figure.add_subplot(grid[1])
    above = figure.add_subplot(grid[0], sharex=axes)
    root = np.sqrt(np.maximum(intensity[chosen], 0.0))
    step = (
        0.45 * float(np.nanpercentile(root - np.nanmin(root, axis=1, keepdims=True), 99.5)) or 1.0
    )
    colours = style.pick_sequence(chosen.size, "plasma")
    for row, (frame, colour) in enumerate(zip(chosen, colours, strict=True)):
        curve = root[row] - np.nanpercentile(root[row], 2) + row * step
        axes.plot(
            at.two_theta, curve, color=colour, linewidth=0.6, rasterized=at.two_theta.size > 3000
        )
        text = f"frame {frame + 1}"
        if at.has_programme and np.isfinite(at.temperature[frame]):
            text = f"{at.temperature[frame]:.0f} °C"
        elif at.is_timed:
            text = f"{at.along[frame]:.3g} h"
        axes.annotate(
            text,
            (1.005, row * step),
            xycoords=("axes fraction", "data"),
            fontsize=style.SMALL,
            color=colour,
            va="bottom",
        )
    axes.set(xlabel=at.angle_label, ylabel=r"$\sqrt{\mathrm{Intensity}}$ (counts$^{1/2}$), offset")
    axes.set_xlim(at.two_theta[0], at.two_theta[-1])
    axes.set_yticks([])
    draw_phase_ticks(above, ticks, at.colours)
    caption = (
        f"{chosen.size} of {at.good.size} patterns of {at.sample or 'the sample'}, evenly spread "
        "over the series, the "
        f"first at the bottom; square root of the intensity, offset by {step:.3g} counts^1/2; "
        "temperatures (or times) at the "
        "right. Ticks: reflections of the candidate phases in the first frame."
    )
    return Drawing(figure=figure, title="Patterns through the programme", caption=caption)


def draw_residual_map(at: SeriesAxes, lattice: xr.Dataset, stderr: Array | RowReader) -> Drawing:
    """Return the map of residual over its standard error, with Rwp and Rexp of each frame beside
    it."""
    figure = style.make_figure(style.PAGE, 3.8)
    grid = figure.add_gridspec(1, 2, width_ratios=[5, 1.2])
    axes = figure.add_subplot(grid[0])
    beside = figure.add_subplot(grid[1], sharey=axes)
    left = RowReader(lattice["residual"])
    with np.errstate(invalid="ignore", divide="ignore"):
        shown, rows, columns = average_mesh(
            lambda part: np.where(at.good[part, None], left[part] / stderr[part], np.nan),
            at.along,
            at.two_theta,
        )
    axes.set_facecolor("white")
    mesh = axes.pcolormesh(
        columns,
        rows,
        shown,
        cmap=style.get_diverging_map(),
        vmin=-LIMIT,
        vmax=LIMIT,
        rasterized=True,
    )
    axes.set(
        xlabel=at.angle_label,
        ylabel=at.label,
        xlim=(columns[0], columns[-1]),
        ylim=(rows[0], rows[-1]),
    )
    for name, label, colour in (
        ("rwp", r"$R_{wp}$", style.BLACK),
        ("rexp", r"$R_{exp}$", style.ORANGE),
    ):
        value = np.where(at.good, lattice[name].values, np.nan) * (
            100 if lattice[name].attrs.get("units") == "1" else 1
        )
        beside.plot(value, at.along, color=colour, label=label, linewidth=0.8)
    beside.set(xlabel="R (%)", xlim=(0, None))
    beside.tick_params(axis="y", labelleft=False)
    beside.legend(loc="upper left")
    bar = figure.colorbar(mesh, ax=beside, pad=0.08, aspect=40, extend="both")
    bar.set_label("(Observed − calculated) / standard error")
    caption = (
        f"Residual of the refinement divided by its counting error (colour, cut at ±{LIMIT:.0f}; "
        "averaged over neighbouring points where the map is finer than the figure), and the "
        "agreement factors of each frame."
    )
    return Drawing(figure=figure, title="Residual map", caption=caption)
