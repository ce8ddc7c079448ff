"""Breadths of each phase's lines through the programme: apparent size and microstrain
(Williamson-Hall)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssbchar.hexrd.furnace.segments import SegmentKind
from ssbchar.results.figures import style
from ssbchar.results.figures.hexrd.series_axes import SeriesAxes
from ssbchar.storage.store import Drawing

if TYPE_CHECKING:
    import xarray as xr

PANELS = (
    ("inverse_size", 10.0, r"1 / size (nm$^{-1}$)"),
    ("microstrain", 100.0, "Microstrain (%)"),
)
"""Variable, factor to the unit shown, axis label."""


def draw_broadening(at: SeriesAxes, peaks: xr.Dataset) -> dict[str, Drawing]:
    """Return inverse apparent size and microstrain of every phase against temperature; nothing
    where unknown.

    Points are left out whose error is larger than three times the median of the phase: too few
    lines were seen.
    """
    if "inverse_size" not in peaks or not np.isfinite(peaks["inverse_size"].values).any():
        return {}
    known = at.has_programme
    x = at.temperature if known else at.along
    figure = style.make_figure(style.PAGE, 2.9)
    panels = figure.subplots(1, len(PANELS))
    names = peaks["candidate"].values.astype(str)
    for axes, (variable, factor, label) in zip(panels, PANELS, strict=True):
        for p, name in enumerate(names):
            value, stderr = (
                factor * peaks[k].values[:, p] for k in (variable, f"{variable}_stderr")
            )
            good = np.isfinite(value) & (stderr > 0)
            if not good.any():
                continue
            good &= stderr <= 3 * np.median(stderr[good])
            colour = at.colours.get(name, style.BLACK)
            for cooling in (False, True):
                own = good & ((at.segment == SegmentKind.COOLING) == cooling)
                if own.any():
                    look = {"markerfacecolor": "none", "markeredgewidth": 0.6} if cooling else {}
                    text = f"{name}, cooling" if cooling else name
                    style.draw_points(
                        axes,
                        x[own],
                        value[own],
                        stderr[own],
                        colour=colour,
                        label=text,
                        marker="s" if cooling else "o",
                        **look,
                    )
        axes.axhline(0, color=style.GREY, linewidth=0.5, zorder=0)
        axes.set(xlabel="Temperature (°C)" if known else at.label, ylabel=label)
        axes.margins(x=0.03)
    handles, texts = panels[0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside lower center", ncols=4)
    caption = (
        "Inverse apparent size (volume-weighted, Scherrer constant 1) and microstrain (upper "
        "limit of strain) of each "
        "phase from the integral breadths of its tracked lines (Williamson-Hall), with one "
        "standard error that holds "
        "the scatter of the lines. Hollow: cooling. Unless the instrument's breadth is given, it "
        "is contained in both: "
        "sizes are then lower, microstrains upper limits."
    )
    return {"broadening": Drawing(figure=figure, title="Breadths of the lines", caption=caption)}
