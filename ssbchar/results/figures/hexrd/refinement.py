"""Refinements of chosen frames: observed, calculated, background, difference, and where lines are
expected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ssbchar.results.figures import style
from ssbchar.results.figures.hexrd.series_axes import SeriesAxes, locate_reflections
from ssbchar.storage.store import Drawing
from ssbchar.typing import Array

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes


def draw_refinements(
    at: SeriesAxes, patterns: xr.Dataset, lattice: xr.Dataset, tables: Sequence[xr.Dataset]
) -> Drawing:
    """Return the first, hottest, worst and last fitted frame, each with its difference curve and
    phase ticks."""
    chosen = _choose_frames(at, lattice)
    figure = style.make_figure(style.PAGE, 2.35 * len(chosen) + 0.1)
    panels = figure.subplots(len(chosen), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (frame, why) in zip(panels, chosen.items(), strict=True):
        _draw_panel(
            axes, at, patterns, lattice, frame, locate_reflections(tables, lattice, patterns, frame)
        )
        known = np.isfinite(at.temperature[frame])
        place = f"frame {int(patterns['frame'][frame])}" + (
            f", {at.temperature[frame]:.0f} °C" if known else ""
        )
        scale = 100 if lattice["rwp"].attrs.get("units") == "1" else 1
        fit = (
            f"$R_{{wp}}$ {scale * float(lattice['rwp'][frame]):.2f} %, GOF "
            f"{float(lattice['gof'][frame]):.2f}"
        )
        axes.set_title(f"{why}: {place}; {fit}", loc="left")
    panels[-1].set_xlabel(at.angle_label)
    panels[0].legend(loc="upper right", ncols=2)
    caption = (
        "Observed intensity (points), calculated (vermilion), background (grey) and difference "
        "(blue, offset, same "
        "scale) of the first, hottest, worst and last fitted frames. Ticks: reflections of the "
        "phases present."
    )
    return Drawing(figure=figure, title="Refinement of chosen frames", caption=caption)


def find_fitted_frames(at: SeriesAxes, lattice: xr.Dataset) -> NDArray[np.intp]:
    """Return the indices of frames that were fitted."""
    return np.flatnonzero(at.good & np.isfinite(lattice["rwp"].values))


def _choose_frames(at: SeriesAxes, lattice: xr.Dataset) -> dict[int, str]:
    """Return frame indices with why each was chosen, in their order."""
    done = find_fitted_frames(at, lattice)
    picks = {
        "first": done[0],
        "last": done[-1],
        "worst fit": done[np.argmax(lattice["gof"].values[done])],
    }
    if np.isfinite(at.temperature[done]).any():
        picks["hottest"] = done[np.nanargmax(at.temperature[done])]
    merged: dict[int, str] = {}
    for why, frame in sorted(picks.items(), key=lambda pick: (pick[1], pick[0])):
        merged[int(frame)] = (
            f"{merged[int(frame)]}, {why}" if int(frame) in merged else why.capitalize()
        )
    return merged


def _draw_panel(
    axes: Axes,
    at: SeriesAxes,
    patterns: xr.Dataset,
    lattice: xr.Dataset,
    frame: int,
    ticks: Mapping[str, Array],
) -> None:
    observed, calculated = (
        ds[k][frame].values for ds, k in ((patterns, "intensity"), (lattice, "calculated"))
    )
    used = np.isfinite(calculated)
    axes.plot(
        at.two_theta,
        observed,
        ".",
        color=style.BLACK,
        markersize=1.2,
        label="observed",
        rasterized=True,
    )
    axes.plot(
        at.two_theta[used],
        calculated[used],
        color=style.VERMILION,
        linewidth=0.6,
        label="calculated",
    )
    background = lattice["background"][frame].values
    axes.plot(
        at.two_theta[used], background[used], color=style.GREY, linewidth=0.6, label="background"
    )
    low, high = float(np.nanmin(observed[used])), float(np.nanmax(observed[used]))
    room = 0.08 * (high - low)
    present = lattice["present"].values[frame] == 1
    names = [n for n in lattice["phase"].values.astype(str)[present] if n in ticks]
    for row, name in enumerate(names):
        base = low - (row + 1.2) * room
        axes.vlines(
            ticks[name], base - 0.4 * room, base + 0.4 * room, color=at.colours[name], linewidth=0.7
        )
        axes.annotate(
            name,
            (1.005, base),
            xycoords=("axes fraction", "data"),
            fontsize=style.SMALL - 1,
            color=at.colours[name],
            va="center",
        )
    difference = observed - calculated
    offset = low - (len(names) + 1.5) * room - max(float(np.nanmax(difference[used])), 0.0)
    axes.plot(
        at.two_theta[used],
        difference[used] + offset,
        color=style.BLUE,
        linewidth=0.5,
        label="difference",
    )
    axes.axhline(offset, color=style.GREY, linewidth=0.4, zorder=0)
    axes.set_xlim(at.two_theta[used][0], at.two_theta[used][-1])
    axes.set_ylim(offset + min(float(np.nanmin(difference[used])), 0.0) - room, high + 2 * room)
    axes.set_ylabel("Intensity (counts)")
