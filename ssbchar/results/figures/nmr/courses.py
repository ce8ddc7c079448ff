"""Figures of what changes with a time: shares against the time of day, signals against a
relaxation delay."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from ssbchar.nmr.relaxation.fit import RECOVERY
from ssbchar.nmr.relaxation.recovery_law import RecoveryLaw
from ssbchar.results.figures import style
from ssbchar.results.figures.nmr.look import COLOUR, NAMES
from ssbchar.storage.store import Drawing
from ssbchar.typing import Array
from ssbchar.verdict import Verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DRAWN = (Verdict.OK, Verdict.DOUBTFUL)
"""Verdicts of a law that is drawn."""
GRID = 300
"""Points of a curve."""
MARGIN = 0.08
"""Of an axis beyond what it shows, over its span [1]."""
UNITS = (("s", 1.0), ("ms", 1e3), ("µs", 1e6))
"""Units of a time, and how many of each make a second."""


def draw_time_course(time_course: xr.Dataset) -> Drawing:
    """Draw the share of Li-Si against time with its law and the law's 95 % band, and below it the
    whole signal.

    Parameters
    ----------
    time_course : Dataset
        From `ssbchar.nmr.time_course.follow_shares`; shares [1], times [h].
    """
    figure = style.make_figure(style.COLUMN, 3.2)
    top, below = figure.subplots(2, 1, sharex=True, height_ratios=[2.4, 1])
    hours, used = time_course["hours"].values, time_course["used"].values > 0
    share, stderr = (100 * time_course[name].values for name in ("share", "share_stderr"))
    law, half = (100 * time_course[name].values for name in ("law", "law_stderr"))
    style.draw_band(top, hours, law, half, colour=style.BLUE)
    style.draw_points(top, hours[used], share[used], stderr[used], colour=style.BLUE, label="lines")
    windows = 100 * time_course["window_share"].values
    _limit_to(top, np.concatenate([share[used], windows[used], law - 2 * half, law + 2 * half]))
    if not used.all():
        # What is left out must not flatten what is told of: beyond the axis it stands at its edge.
        inside = np.clip(share[~used], *top.get_ylim())
        more = {"color": style.VERMILION, "ms": 5, "label": "left out", "clip_on": False}
        top.plot(hours[~used], inside, "x", **more)
    top.plot(hours[used], windows[used], "^", color=style.GREY, ms=2.5, label="windows", zorder=1)
    top.set_ylabel("Li-Si, share of the signal (%)")
    top.legend(loc="best")
    below.plot(hours, time_course["signal"].values, "o", color=style.BLACK, ms=2.5)
    below.axhline(1.0, color=style.GREY, lw=0.5)
    below.set_ylabel("signal / first")
    below.set_xlabel("time since the first spectrum (h)")
    name = str(time_course.attrs["law"])
    change = 100 * float(time_course["change"])
    error = 100 * float(np.hypot(time_course["change_stderr"], time_course["change_systematic"]))
    caption = (
        "Share of Li-Si in the signal of each spectrum by lines (circles; one standard error) and "
        f"by window integrals (triangles), with its law ({name}) and the law's 95 % band; change "
        f"over the series {change:+.2f} ± {error:.2f} % (statistical and systematic). Below: the "
        "whole signal per scan and gain. Raw shares, at the spectra's own echo delay."
    )
    left_out = json.loads(time_course.attrs["left_out"])
    if left_out:
        caption += f" Crosses, at the edge where they lie beyond it: {'; '.join(left_out)}."
    return Drawing(figure=figure, title="Share of Li-Si against time", caption=caption)


def _limit_to(axes: Axes, values: Array) -> None:
    """Let an axis reach a little beyond some values."""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    margin = MARGIN * (high - low) or 1.0
    axes.set_ylim(low - margin, high + margin)


def _write_time(value: float, error: float) -> str:
    """Return a time with its error in the unit that suits its size [s]."""
    unit, scale = next(((unit, scale) for unit, scale in UNITS if value >= 1 / scale), UNITS[-1])
    return f"{scale * value:.4g} ± {scale * error:.2g} {unit}"


def draw_relaxation(relaxation: xr.Dataset) -> Drawing:
    """Draw the signed amplitudes over the logarithm of the delay with their laws, and below what is
    left in standard errors.

    Parameters
    ----------
    relaxation : Dataset
        From `ssbchar.nmr.relaxation.fit_relaxation`; delays in s.
    """
    figure = style.make_figure(style.COLUMN, 3.4)
    top, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    is_recovery = relaxation.attrs["kind"] == RECOVERY
    symbol = "T1" if is_recovery else "T1ρ"
    delay, used = relaxation["delay"].values, relaxation["slice_used"].values > 0
    seen = delay > 0
    grid = np.geomspace(float(delay[seen].min()), float(delay.max()), GRID)
    for r, region in enumerate(relaxation["region"].values):
        colour, label = COLOUR[str(region)], NAMES[str(region)]
        amplitude = relaxation["amplitude"].values[:, r]
        stderr = relaxation["amplitude_stderr"].values[:, r]
        verdict = str(relaxation["verdict"].values[r])
        unit = float(np.abs(amplitude[used]).max()) or 1.0
        if verdict in DRAWN:
            law = RecoveryLaw(
                equilibrium=float(relaxation["equilibrium"].values[r]),
                start=float(relaxation["start"].values[r]),
                time=float(relaxation["t1"].values[r]),
                exponent=float(relaxation["exponent"].values[r]),
                covariance=relaxation["covariance"].values[r],
            )
            unit = max(abs(law.equilibrium), abs(law.start))
            error = float(np.hypot(relaxation["t1_stderr"][r], relaxation["t1_systematic"][r]))
            label += f", {symbol} = {_write_time(law.time, error)}"
            half = np.sqrt(np.maximum(law.propagate(grid), 0.0))
            style.draw_band(top, grid, law.evaluate(grid) / unit, half / unit, colour=colour)
            residual = (amplitude - law.evaluate(delay)) / stderr
            below.plot(delay[used & seen], residual[used & seen], "o", color=colour, ms=2.5)
        else:
            label += f": {verdict}"
        chosen = used & seen
        style.draw_points(
            top,
            delay[chosen],
            amplitude[chosen] / unit,
            stderr[chosen] / unit,
            colour=colour,
            label=label,
        )
        off = ~used & seen
        top.plot(delay[off], amplitude[off] / unit, "x", color=colour, ms=5)
    top.axhline(0.0, color=style.GREY, lw=0.5)
    top.set_xscale("log")
    top.set_ylabel("amplitude / " + ("equilibrium" if is_recovery else "start"))
    figure.legend(loc="outside upper center")
    below.axhline(0.0, color=style.GREY, lw=0.5)
    below.set_ylabel("residual (σ)")
    axis = str(relaxation.attrs.get("decay_axis", ""))
    name = "delay" if is_recovery else "length of the spin lock"
    below.set_xlabel(f"{name} t = {axis} (s)" if axis else f"{name} t (s)")
    law_said = (
        "E - (E - S) exp(-(t/T1)^b), each over its E"
        if is_recovery
        else "S exp(-(t/T1ρ)^b), each over its S"
    )
    caption = (
        "Signed amplitude of each region against the logarithm of the delay, with the shapes of "
        f"the strongest slices. Curves: {law_said}, with 95 % bands; below: what is left, in "
        "standard errors. A region without a curve has a verdict instead of a time."
    )
    if not used.all():
        named = ", ".join(str(number) for number in relaxation["slice"].values[~used])
        caption += f" Crosses: set aside (slice {named}), far off the law of all others."
    title = "Recovery of each region" if is_recovery else "Spin lock of each region"
    return Drawing(figure=figure, title=title, caption=caption)
