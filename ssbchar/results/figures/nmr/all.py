"""Figures of one NMR measurement: spectra with their windows, the fit with its residual, decays
with bands."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ssbchar.nmr.decay import decay_law as laws
from ssbchar.nmr.decay.outputs import PARAMETERS
from ssbchar.nmr.decay.t2_star import OWN_METAL
from ssbchar.results.figures import style
from ssbchar.results.figures.nmr.courses import draw_relaxation, draw_time_course
from ssbchar.results.figures.nmr.fitted_lines import draw_fit
from ssbchar.results.figures.nmr.look import COLOUR, NAMES
from ssbchar.results.figures.nmr.spectra import draw_spectra, label_hours
from ssbchar.storage.store import Drawing
from ssbchar.verdict import Verdict

WIDE = 200.0
"""Ratio of the last to the first decay time above which the axis is logarithmic."""
DRAWN_LAWS = (Verdict.OK, Verdict.DOUBTFUL)
"""Verdicts of a decay law that is drawn."""


def draw_measurement(
    lines: xr.Dataset,
    spectrum: xr.Dataset,
    decay: xr.Dataset | None = None,
    series: xr.Dataset | None = None,
    time_course: xr.Dataset | None = None,
    relaxation: xr.Dataset | None = None,
) -> dict[str, Drawing]:
    """Draw one measurement.

    Parameters
    ----------
    lines : Dataset
        From `ssbchar.nmr.lineshape.fit_lines`.
    spectrum : Dataset
        From `ssbchar.nmr.lineshape.integrate_windows`.
    decay : Dataset, optional
        From `ssbchar.nmr.decay.fit_decay`.
    series : Dataset, optional
        The spectra this decay was taken from, where they are another measurement's.
    time_course : Dataset, optional
        From `ssbchar.nmr.time_course.follow_shares`, of a series in time [h].
    relaxation : Dataset, optional
        From `ssbchar.nmr.relaxation.fit_relaxation`.
    """
    labels = None if time_course is None else label_hours(time_course, spectrum)
    drawings = {"spectra": draw_spectra(spectrum, labels), "fit": draw_fit(lines)}
    if series is not None:
        drawings["series"] = draw_spectra(series)
    if decay is not None:
        drawings["decay"] = _draw_decay(decay)
    if time_course is not None:
        drawings["time_course"] = draw_time_course(time_course)
    if relaxation is not None:
        drawings["relaxation"] = draw_relaxation(relaxation)
    return drawings


def _draw_decay(decay: xr.Dataset) -> Drawing:
    """Draw the areas over decay time on logarithmic axes with the fitted laws and their 95 % bands,
    and below what is left in standard errors."""
    figure = style.make_figure(style.COLUMN, 3.4)
    top, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    time, used = decay["decay_time"].values, decay["slice_used"].values > 0
    first_time, last = float(np.nanmin(time)), float(np.nanmax(time))
    wide = last > WIDE * first_time > 0
    lowest = 1.0
    for r, region in enumerate(decay["region"].values):
        area, stderr = decay["decay_area"].values[:, r], decay["decay_area_stderr"].values[:, r]
        first = float(np.abs(area[used]).max()) or 1.0
        colour, verdict = COLOUR[str(region)], str(decay["verdict"].values[r])
        label = NAMES[str(region)]
        if verdict in DRAWN_LAWS:
            label += f", {_describe_t2(decay, r)}"
            grid = np.geomspace(first_time, last, 200) if wide else np.linspace(0.0, last, 200)
            middle, half = _evaluate_law(decay, r, grid)
            style.draw_band(top, 1e6 * grid, middle / first, half / first, colour=colour)
            left = (area - _evaluate_law(decay, r, time)[0]) / stderr
            below.plot(1e6 * time[used], left[used], "o", color=colour, ms=2.5)
        else:
            label += f": {verdict}"
        # What has decayed into noise has no logarithm: it is drawn as far as it is seen.
        seen = used & (area > stderr)
        lowest = min(lowest, float((area[seen] / first).min(initial=1.0)))
        style.draw_points(
            top,
            1e6 * time[seen],
            area[seen] / first,
            stderr[seen] / first,
            colour=colour,
            label=label,
        )
        off = ~used & (area > stderr)
        top.plot(1e6 * time[off], area[off] / first, "x", color=colour, ms=5)
    top.set_yscale("log")
    top.set_ylim(0.5 * lowest, 2.0)
    if wide:
        top.set_xscale("log")
    top.set_ylabel("area / largest")
    figure.legend(loc="outside upper center")
    below.axhline(0.0, color=style.GREY, lw=0.5)
    below.set_ylabel("residual (σ)")
    below.set_xlabel(
        f"decay time t = {decay.attrs.get('decay_axis', '')} (µs)".replace(" =  ", " ")
    )
    caption = (
        f"Areas against the decay time {decay.attrs.get('decay_axis', '')}, both regions on one "
        "logarithmic axis. Curves: fitted decay law with its 95 % band; below: areas less law, in "
        "standard errors of the areas. A region without a curve has a verdict instead of a T2*."
    )
    if not used.all():
        named = ", ".join(str(number) for number in decay["slice"].values[~used])
        caption += f" Crosses: set aside (slice {named}), all regions off by one factor."
    return Drawing(figure=figure, title="Decay of each region", caption=caption)


def _describe_t2(decay: xr.Dataset, r: int) -> str:
    """Return T2* of a region with its error, and whose it is."""
    t2, error = float(decay["t2_star"].values[r]), float(decay["t2_star_stderr"].values[r])
    said = f"T2* = {1e6 * t2:.4g} ± {1e6 * error:.2g} µs"
    if float(decay["slow_share"].values[r]) > 0:
        said += f" and {1e6 * float(decay['slow_t2'].values[r]):.3g} µs"
    if int(decay["shared"].values[r]):
        return f"{said} (of pure Li)"
    is_own = OWN_METAL in str(decay["reason"].values[r])
    return f"{said} (the sample's own)" if is_own else said


def _evaluate_law(
    decay: xr.Dataset, r: int, grid: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the fitted law on a grid and its standard error from the stored covariance."""
    at = np.array([float(decay[name].values[r]) for name in PARAMETERS])

    def evaluate(parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        i0, t2, b, share, slow_t2 = parameters
        return laws.evaluate_decay(grid, i0, t2, b, (share, slow_t2))

    free = np.flatnonzero(np.isfinite(at) & (at != 0))
    slope = np.zeros((at.size, grid.size))
    for parameter in free:
        step = np.where(np.arange(at.size) == parameter, 1e-4 * at, 0.0)
        change = evaluate(at + step) - evaluate(at - step)
        slope[parameter] = change / (2 * step[parameter])
    covariance = np.nan_to_num(decay["covariance"].values[r])
    variance = np.einsum("ig,ij,jg->g", slope, covariance, slope)
    return evaluate(at), np.sqrt(np.maximum(variance, 0.0))
