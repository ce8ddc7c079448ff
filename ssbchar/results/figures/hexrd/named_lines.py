"""Reflections that are followed by name: spacing, area and width against temperature, or time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssbchar.hexrd.furnace.segments import SegmentKind
from ssbchar.hexrd.peaks.known_lines import LineVerdict
from ssbchar.results.figures import style
from ssbchar.results.figures.hexrd.series_axes import SeriesAxes, split_pages
from ssbchar.storage.store import Drawing
from ssbchar.typing import Array

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

COLUMNS = (
    ("d", 1.0, "d (Å)"),
    ("area", 1.0, "Area (counts °)"),
    ("fwhm", 1.0, "FWHM (°)"),
)
"""Variable, factor to the unit shown, axis label."""
TOGETHER = 5
"""Lines in one figure."""


def draw_named_lines(at: SeriesAxes, peaks: xr.Dataset) -> dict[str, Drawing]:
    """Return figures of the named reflections, five in each; none where no line is named.

    Parameters
    ----------
    at : SeriesAxes
    peaks : Dataset
        ``peaks.nc``
    """
    if "named" not in peaks or not np.any(peaks["named"].values == 1):
        return {}
    numbers = [str(n) for n in np.flatnonzero(peaks["named"].values == 1)]
    return {
        page: _draw_page(at, peaks, [int(n) for n in shown])
        for page, shown in split_pages(numbers, TOGETHER, "named_lines")
    }


def _draw_page(at: SeriesAxes, peaks: xr.Dataset, numbers: list[int]) -> Drawing:
    x = at.temperature if at.has_programme else at.along
    figure = style.make_figure(style.PAGE, 0.7 + 1.25 * len(numbers))
    panels = figure.subplots(len(numbers), len(COLUMNS), squeeze=False, sharex=True)
    names = []
    for row, n in enumerate(numbers):
        line = peaks.isel(peak=n)
        name = f"{line['phase'].values} {str(line['hkl'].values).replace(' ', ',')}"
        names.append(name)
        for axes, (variable, factor, label) in zip(panels[row], COLUMNS, strict=True):
            _draw_panel(axes, at, x, line, variable=variable, factor=factor)
            axes.set_ylabel(label)
        colour = at.colours.get(str(line["phase"].values), style.BLACK)
        panels[row, 0].set_title(name, loc="left", color=colour)
    for axes in panels[-1]:
        axes.set_xlabel("Temperature (°C)" if at.has_programme else at.label)
    caption = (
        f"Spacing, area and full width at half maximum of {'; '.join(names)}, fitted one by one, "
        "with one standard error, in frames where the line stands alone above the noise. "
        "Circles: heating; hollow squares: cooling."
    )
    return Drawing(figure=figure, title="Reflections followed by name", caption=caption)


def _draw_panel(
    axes: Axes, at: SeriesAxes, x: Array, line: xr.Dataset, *, variable: str, factor: float
) -> None:
    value, stderr = (factor * line[name].values for name in (variable, f"{variable}_stderr"))
    good = line["verdict"].values.astype(str) == LineVerdict.OK
    good &= np.isfinite(value) & (np.nan_to_num(stderr) > 0) & np.isfinite(x)
    for segment in dict.fromkeys(at.segment):
        own = good & (at.segment == segment)
        if not own.any():
            continue
        is_cooling = segment == SegmentKind.COOLING
        look = {"markerfacecolor": "none", "markeredgewidth": 0.6} if is_cooling else {}
        style.draw_points(
            axes,
            x[own],
            value[own],
            stderr[own],
            colour=style.SEGMENTS.get(segment, style.BLACK),
            label=segment,
            marker="s" if is_cooling else "o",
            **look,
        )
    axes.margins(x=0.03)
