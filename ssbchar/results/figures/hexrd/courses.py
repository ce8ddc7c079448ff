"""A series at one temperature against time: cells, intensities, breadths, and when they change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssbchar.results.figures import style
from ssbchar.results.figures.hexrd.series_axes import SeriesAxes, split_pages
from ssbchar.storage.store import Drawing
from ssbchar.typing import Array, Index

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

SIDE_BY_SIDE = 3
"""Phases in one figure."""
LABELS = {
    "a": "a (Å)",
    "b": "b (Å)",
    "c": "c (Å)",
    "alpha": "α (°)",
    "beta": "β (°)",
    "gamma": "γ (°)",
    "volume": "V (Å³)",
    "intensity": "Intensity (counts °)",
    "inverse_size": "1/size (1/nm)",
    "microstrain": "Microstrain (%)",
}
VOLTAGE = "voltage"
"""Variable of ``furnace.nc`` [V] that a panel below the courses shows, where it is there."""


def draw_time_course(at: SeriesAxes, furnace: xr.Dataset, course: xr.Dataset) -> dict[str, Drawing]:
    """Return figures of every quantity against time, three phases in each; none without courses.

    Parameters
    ----------
    at : SeriesAxes
    furnace : Dataset
        ``furnace.nc``, with the cell's voltage [V] where it was measured.
    course : Dataset
        ``time_course.nc``
    """
    phases = course["phase"].values.astype(str)
    names = [name for name in at.phases if name in phases]
    return {
        page: _draw_page(at, furnace, course, shown)
        for page, shown in split_pages(names, SIDE_BY_SIDE, "time_course")
    }


def _draw_page(
    at: SeriesAxes, furnace: xr.Dataset, course: xr.Dataset, names: list[str]
) -> Drawing:
    phases = course["phase"].values.astype(str)
    rows: dict[str, Index] = {name: np.flatnonzero(phases == name) for name in names}
    has_voltage = VOLTAGE in furnace
    deep = max(own.size for own in rows.values()) + has_voltage
    width = min(style.PAGE, style.COLUMN + 2.2 * (len(names) - 1))
    figure = style.make_figure(width, 0.8 + 1.15 * deep)
    panels = figure.subplots(deep, len(names), squeeze=False, sharex=True)
    label = "Time (h)" if int(course.attrs["is_timed"]) else "Frame"
    for column, name in enumerate(names):
        for row in range(deep):
            axes = panels[row, column]
            if row < rows[name].size:
                _draw_panel(axes, course, int(rows[name][row]), at.colours[name])
            elif has_voltage and row == deep - 1:
                axes.plot(course["along"].values, furnace[VOLTAGE].values, color=style.BLACK)
                axes.set_ylabel("Voltage (V)")
            else:
                axes.set_visible(False)
        panels[0, column].set_title(name, color=at.colours[name])
        last = deep - 1 if has_voltage else rows[name].size - 1
        panels[last, column].set_xlabel(label)
        panels[last, column].tick_params(labelbottom=True)
    temperature = float(course.attrs.get("temperature", "nan"))
    where = f" at {temperature:.0f} °C" if np.isfinite(temperature) else ""
    caption = (
        f"{', '.join(names)}{where} against {label.split(' ')[0].lower()}: cells, intensity and "
        "breadths in each frame with one standard error, and a line of straight pieces. Dashed: "
        "where the rate changes, shaded its 95 % limits."
    )
    return Drawing(figure=figure, title="Courses in time: " + ", ".join(names), caption=caption)


def _draw_panel(axes: Axes, course: xr.Dataset, number: int, colour: str) -> None:
    """Draw one quantity of one phase."""
    one = course.isel(course=number)
    along: Array = course["along"].values
    stderr = np.where(one["value_stderr"].values > 0, one["value_stderr"].values, np.nan)
    axes.errorbar(
        along,
        one["value"].values,
        yerr=stderr,
        fmt="o",
        markersize=2,
        linewidth=0.5,
        color=colour,
        rasterized=along.size > 500,
    )
    known = np.isfinite(one["curve"].values)
    axes.plot(along[known], one["curve"].values[known], color=style.BLACK, linewidth=0.8)
    for k in range(course.sizes["change"]):
        place = float(one["change_at"][k])
        if np.isfinite(place):
            low, high = (float(one[f"change_{side}95"][k]) for side in ("lower", "upper"))
            axes.axvspan(low, high, color=style.GREY, alpha=0.25, linewidth=0)
            axes.axvline(place, color=style.GREY, linestyle="--", linewidth=0.7)
    quantity = str(one["quantity"].values)
    axes.set_ylabel(LABELS.get(quantity, quantity))
