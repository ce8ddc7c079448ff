"""The calibration of a detector: the rings over azimuth, and how far each lies from its place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.results.figures import style
from ssbchar.results.figures.hexrd.series_axes import find_borders
from ssbchar.storage.store import Drawing

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes


BEFORE = 0.6
"""Where the axis begins, as a share of the first ring's angle."""


def draw_calibration(geometry: xr.Dataset, labels: Mapping[str, str]) -> dict[str, Drawing]:
    """Return the figure of a calibration.

    Parameters
    ----------
    geometry : Dataset
        As docs/data-model.md has it.
    labels : mapping
        ``measurement`` and ``sample``.
    """
    from matplotlib.colors import PowerNorm

    figure = style.make_figure(style.PAGE, 5.6)
    above, below = figure.subplots(2, 1, height_ratios=[1.7, 1], sharex=True)
    counts = geometry["ring_map"].values.astype(float)
    angle = geometry["map_two_theta"].values
    low, high = np.nanpercentile(counts, [1.0, 99.5])
    above.set_facecolor("#dddddd")
    mesh = above.pcolormesh(
        find_borders(angle),
        find_borders(geometry["map_azimuth"].values),
        counts,
        norm=PowerNorm(0.5, low, max(high, low + 1e-9)),
        cmap="viridis",
        rasterized=True,
    )
    figure.colorbar(mesh, ax=above, pad=0.02, aspect=25, extend="both", label="Counts")
    for place in geometry["ring_two_theta"].values:
        above.plot([place] * 2, [-180, -172], color=style.VERMILION, linewidth=1.0)
        above.plot([place] * 2, [172, 180], color=style.VERMILION, linewidth=1.0)
    above.set_ylim(-180, 180)
    above.set_yticks([-180, -90, 0, 90, 180])
    above.set_ylabel("Azimuth (°)")
    above.set_title(f"{labels.get('measurement', '')}: {geometry.attrs['calibrant']}", loc="left")
    _draw_offsets(below, geometry)
    below.set_xlabel(r"2$\theta$ (°)")
    places = geometry["ring_two_theta"].values
    below.set_xlim(BEFORE * float(places[0]), float(np.max(angle)))
    return {
        "calibration": Drawing(
            figure=figure, title="Calibration of the detector", caption=_write_caption(geometry)
        )
    }


def _draw_offsets(axes: Axes, geometry: xr.Dataset) -> None:
    place = geometry["ring_two_theta"].values
    axes.axhline(0, color=style.GREY, linewidth=0.5)
    axes.errorbar(
        place,
        geometry["ring_offset"].values,
        geometry["ring_offset_stderr"].values,
        fmt="o",
        markersize=3,
        linewidth=0.8,
        color=style.BLUE,
        label="used",
    )
    axes.plot(
        place,
        geometry["ring_held_out"].values,
        "o",
        markersize=4.5,
        fillstyle="none",
        color=style.VERMILION,
        label="left out",
    )
    axes.legend(loc="upper left", ncols=2, frameon=False)
    axes.margins(y=0.25)
    axes.set_ylabel(r"$\Delta d/d$ (10$^{-6}$)")


def _write_caption(geometry: xr.Dataset) -> str:
    rings = int(geometry.sizes["ring"])
    return (
        f"Above: the image of the calibrant over azimuth and angle by the geometry in use "
        "(square-root scale; grey: no pixels); marks at both edges are the places of the "
        f"{rings} rings by certificate, on which straight rings must lie. Below: measured d of "
        "each ring minus that of the certificate, with its standard error, and of the same ring by "
        "a fit of the others."
    )
