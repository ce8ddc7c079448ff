"""The amount of every phase through the programme, with what would not have been seen where it is
absent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssbchar.results.figures import style
from ssbchar.results.figures.hexrd.series_axes import SeriesAxes
from ssbchar.storage.store import Drawing
from ssbchar.typing import Array

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes


def draw_presence(at: SeriesAxes, cells: xr.Dataset) -> Drawing:
    """Return the amount of each phase through the series, with the detection level where absent."""
    names = list(cells["phase"].values.astype(str))
    every = bool(
        np.all(
            np.isfinite(_select_weight_fractions(cells))
            | (cells["present"].values != 1)
            | ~at.good[:, None]
        )
    )
    is_known = bool(np.isfinite(at.temperature).any())
    figure = style.make_figure(style.PAGE, (1.2 if is_known else 0.7) + 0.62 * len(names))
    panels = figure.subplots(
        len(names) + is_known,
        1,
        sharex=True,
        squeeze=False,
        height_ratios=[0.62] * len(names) + [0.9] * is_known,
    )[:, 0]
    for axes, name in zip(panels, names, strict=False):
        _draw_amount(axes, at, cells.sel(phase=name), at.colours[name], every)
        axes.set_ylabel(name, rotation=0, ha="right", va="center", color=at.colours[name])
        axes.tick_params(labelbottom=False)
    last = panels[-1]
    last.set_xlabel(at.label)
    last.tick_params(labelbottom=True)
    last.margins(x=0.01)
    for segment in dict.fromkeys(at.segment) if is_known else ():
        value = np.where(at.segment == segment, at.temperature, np.nan)
        last.plot(
            at.along,
            value,
            ".",
            markersize=2,
            color=style.SEGMENTS.get(segment, style.BLACK),
            label=segment,
        )
    if is_known:
        last.set_ylabel("T (°C)")
        last.legend(ncols=4, fontsize=style.SMALL - 1)
    caption = (
        "Amount of each phase through the programme: "
        + ("weight fraction" if every else "scattered intensity over its maximum (I / I max)")
        + "; bands 95 %. Grey steps: largest amount that would not have been seen "
        "(95 %), in frames where the phase is judged absent."
        + (" Bottom: temperature." if is_known else "")
    )
    return Drawing(figure=figure, title="Phases present", caption=caption)


def _select_weight_fractions(cells: xr.Dataset) -> Array:
    if "weight_fraction" in cells:
        return np.asarray(cells["weight_fraction"].values, float)
    return np.full(cells["intensity"].shape, np.nan)


def _draw_amount(
    axes: Axes, at: SeriesAxes, phase: xr.Dataset, colour: str, by_weight: bool
) -> None:
    """Draw the amount of one phase; weight fractions mean something only where every phase present
    has one."""
    present = (phase["present"].values == 1) & at.good
    top = float(np.nanmax(np.where(present, phase["intensity"].values, np.nan), initial=0.0))
    top = top or float(np.nanmax(phase["intensity_upper95"].values, initial=0.0)) or 1.0
    by_weight = by_weight and bool(present.any())
    value = _select_weight_fractions(phase) if by_weight else phase["intensity"].values / top
    stderr = (
        phase["weight_fraction_stderr"].values
        if by_weight
        else phase["intensity_stderr"].values / top
    )
    style.draw_band(
        axes,
        at.along,
        np.where(present, value, np.nan),
        np.where(present, stderr, np.nan),
        colour=colour,
        marker=".",
        markersize=1.5,
        linewidth=0.7,
    )
    limit = phase["intensity_upper95"].values / top
    if by_weight:
        with np.errstate(all="ignore"):
            limit = limit * np.nanmedian(
                value[present] / (phase["intensity"].values[present] / top)
            )
    absent = at.good & ~present
    axes.plot(
        at.along,
        np.where(absent, limit, np.nan),
        color=style.GREY,
        linewidth=0.8,
        drawstyle="steps-mid",
    )
    axes.set_ylim(0, 1.15 * (float(np.nanmax(value[present])) if present.any() else 1.0))
    unit = (
        "weight"
        if by_weight
        else "I / I max"
        if present.any()
        else "not seen; limit over its maximum"
    )
    axes.text(
        0.995, 0.62, unit, transform=axes.transAxes, fontsize=style.SMALL, va="top", ha="right"
    )
