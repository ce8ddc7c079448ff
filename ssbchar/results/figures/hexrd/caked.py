"""Intensity around the rings: texture and single grains that the mean over azimuth hides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ssbchar.results.figures import style
from ssbchar.results.figures.hexrd.series_axes import SeriesAxes, average_mesh, find_borders
from ssbchar.storage.lazy_rows import RowReader
from ssbchar.storage.store import Drawing

if TYPE_CHECKING:
    import xarray as xr


def _average_known(values: RowReader, frames: NDArray[np.intp]) -> float:
    """Return the mean of what is known in some frames."""
    total, known = 0.0, 0
    for frame in frames:
        total += float(np.nansum(values[frame]))
        known += int(np.isfinite(values[frame]).sum())
    return total / max(known, 1)


def draw_caked_frames(at: SeriesAxes, patterns: xr.Dataset) -> Drawing:
    """Return the caked first and hottest good frames, each over what the mean without grains
    changes.

    Above: intensity over azimuth and angle (square-root scale). Below: mean minus the mean without
    grains, in standard errors of the mean.
    """
    from matplotlib.colors import PowerNorm

    good = np.flatnonzero(at.good)
    hot = (
        good[np.nanargmax(at.temperature[good])]
        if np.isfinite(at.temperature[good]).any()
        else good[-1]
    )
    chosen = list(dict.fromkeys([int(good[0]), int(hot)]))
    figure = style.make_figure(style.PAGE, 2.9 * len(chosen))
    panels = figure.subplots(
        2 * len(chosen), 1, sharex=True, height_ratios=[2.2, 1] * len(chosen), squeeze=False
    )[:, 0]
    azimuth = find_borders(patterns["azimuth"].values)
    for number, frame in enumerate(chosen):
        above, below = panels[2 * number], panels[2 * number + 1]
        rings = patterns["caked"][frame].values.astype(float)
        shown, _, columns = average_mesh(
            rings.__getitem__, patterns["azimuth"].values, at.two_theta
        )
        low, high = np.nanpercentile(shown, [0.5, 99.5])
        above.set_facecolor("#dddddd")
        mesh = above.pcolormesh(
            columns,
            azimuth,
            shown,
            norm=PowerNorm(0.5, low, max(high, low + 1e-9)),
            cmap="viridis",
            rasterized=True,
        )
        figure.colorbar(
            mesh, ax=[above, below], pad=0.02, aspect=30, extend="both", label="Intensity (counts)"
        )
        known = np.isfinite(at.temperature[frame])
        place = f"frame {int(patterns['frame'][frame])}" + (
            f", {at.temperature[frame]:.0f} °C" if known else ""
        )
        above.set_title(place, loc="left")
        above.set_ylabel("Azimuth (°)")
        mean, robust, error = (
            patterns[k][frame].values for k in ("intensity", "intensity_robust", "intensity_stderr")
        )
        with np.errstate(invalid="ignore", divide="ignore"):
            below.plot(at.two_theta, (mean - robust) / error, color=style.VERMILION, linewidth=0.6)
        below.axhline(0, color=style.GREY, linewidth=0.5)
        below.set_ylabel("Grains (σ)")
    panels[-1].set_xlabel(at.angle_label)
    panels[-1].set_xlim(at.two_theta[0], at.two_theta[-1])
    share = 100 * _average_known(RowReader(patterns["grain_share"]), good)
    caption = (
        "Intensity around the rings of the first and the hottest good frame (square-root scale; "
        "grey: no pixels), and "
        "what single grains add to the mean over azimuth, in standard errors of that mean. Over "
        "the series "
        f"{share:.2g} % of the sectors were left out of the mean without grains."
    )
    return Drawing(figure=figure, title="Rings over azimuth", caption=caption)
