"""Figures of all NMR samples together: spectra, shares raw and corrected, drift."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from ssbchar.conclusion import Conclusion
from ssbchar.nmr.regions import METAL
from ssbchar.results.figures import style
from ssbchar.results.figures.nmr.look import SHIFT
from ssbchar.results.figures.nmr.spectra import shade_windows
from ssbchar.statistics import Z95
from ssbchar.storage.store import Drawing
from ssbchar.verdict import Verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDE = 8.0
"""Ratio of the largest to the smallest share above which their axis is logarithmic [1]."""
LEAST_SHARE = 0.1
"""Where a logarithmic axis of shares begins at the lowest [percent]."""
TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
"""Of a logarithmic axis of shares [percent]."""


CONDITIONS = {
    "pressing_pressure": "pressure (MPa)",
    "pressing_time": "time of pressing (s)",
}
"""Conditions of pressing that shares are drawn against, and their axes."""
UNITS = {"pressing_pressure": "MPa", "pressing_time": "s", "x_nominal": ""}
"""Units of what samples of one colour have in common."""
NAMES = {"pressing_pressure": "", "pressing_time": "", "x_nominal": "x = "}
"""What stands before their values."""


def draw_comparison(
    conclusions: list[list[Conclusion]], spectra: list[xr.Dataset] | None = None
) -> dict[str, Drawing]:
    """Draw the shares of several samples beside each other, raw and corrected, with the bracket of
    conventions.

    Parameters
    ----------
    conclusions : list of list of Conclusion
        From `ssbchar.nmr.quantification.quantify_fractions`, one list per sample.
    spectra : list of Dataset, optional
        Their spectra, for a stack.
    """
    rows = [
        c
        for each in conclusions
        for c in each
        if c.subject == METAL and c.quantity == "li_metal_fraction"
    ]
    samples = list(dict.fromkeys(c.sample for c in rows))
    drawings = {"stack": _draw_stack(spectra)} if spectra else {}
    if samples:
        drawings["fractions"] = _draw_fractions(rows, samples)
    for quantity, axis in CONDITIONS.items():
        trend = _draw_trend(conclusions, quantity, axis)
        if trend is not None:
            drawings[quantity] = trend
    drift = [
        c for each in conclusions for c in each if c.quantity == "drift" and c.value is not None
    ]
    if drift:
        drawings["drift"] = _draw_drift(drift)
    return drawings


def _draw_stack(spectra: list[xr.Dataset]) -> Drawing:
    """Draw the first spectrum of each sample above the other, each over its own maximum."""
    figure = style.make_figure(style.COLUMN, 1.3 + 0.45 * len(spectra))
    axes = figure.add_subplot()
    for place, (spectrum, colour) in enumerate(
        zip(spectra, style.pick_sequence(len(spectra)), strict=True)
    ):
        up = 1.05 * (len(spectra) - 1 - place)
        real = spectrum["real"].values[0]
        axes.plot(spectrum["ppm"], real / real.max() + up, color=colour, lw=0.7)
        axes.text(
            0.99,
            up + 0.25,
            str(spectrum.attrs.get("sample", place + 1)),
            ha="right",
            va="bottom",
            color=style.BLACK,
            transform=axes.get_yaxis_transform(),
            fontsize=style.SMALL - 1,
        )
    shade_windows(axes, spectra[0])
    axes.set_ylim(-0.15, 1.05 * len(spectra) + 0.35)
    axes.set_yticks([])
    axes.set_xlim(
        max(float(s["ppm"].max()) for s in spectra), min(float(s["ppm"].min()) for s in spectra)
    )
    axes.set_xlabel(SHIFT)
    axes.set_ylabel("intensity / maximum of each")
    caption = (
        "First spectrum of each sample divided by its maximum, with the phase of the line fit. "
        "Shaded: integration windows."
    )
    return Drawing(figure=figure, title="7Li spectra of all samples", caption=caption)


def _draw_fractions(rows: list[Conclusion], samples: list[str]) -> Drawing:
    figure = style.make_figure(4.8, 1.3 + 0.32 * len(samples))
    axes = figure.add_subplot()
    names = {"raw": "raw", "bracket": "conventions", "corrected": "corrected"}
    for y, sample in enumerate(samples):
        mine = {c.condition: c for c in rows if c.sample == sample}
        bracket = [
            c.value
            for k, c in mine.items()
            if k.startswith("corrected, t = ") and c.value is not None
        ]
        if bracket:
            axes.plot(
                [min(bracket), max(bracket)],
                [y - 0.15] * 2,
                color=style.SKY,
                lw=5,
                alpha=0.6,
                solid_capstyle="butt",
                label=names.pop("bracket", None),
            )
        for key, dy, colour, marker in (
            ("raw", 0.15, style.BLACK, "o"),
            ("corrected", -0.15, style.VERMILION, "s"),
        ):
            row = mine.get(key)
            if row is None:
                continue
            if row.value is None:
                if row.lower95 is not None and row.upper95 is not None:
                    axes.plot(
                        [row.lower95, row.upper95], [y + dy] * 2, color=colour, lw=1.2, marker="|"
                    )
                axes.text(
                    0.02,
                    y + dy,
                    "N/A; interval only",
                    ha="left",
                    va="center",
                    fontsize=style.SMALL,
                    color=colour,
                    transform=axes.get_yaxis_transform(),
                )
                continue
            axes.errorbar(
                row.value,
                y + dy,
                xerr=np.hypot(row.stderr or 0.0, row.systematic or 0.0),
                fmt=marker,
                color=colour,
                elinewidth=0.8,
                markeredgewidth=0,
                label=names.pop(key, None),
            )
    axes.set_yticks(range(len(samples)), samples)
    axes.set_ylim(len(samples) - 0.5, -0.5)
    is_logarithmic = _scale_shares(axes, rows)
    axes.set_xlabel("Li metal (% of the signal)")
    figure.legend(loc="outside upper center", ncols=3)
    caption = (
        "Li-metal share of each sample: raw at the first echo, and corrected to zero delay. "
        "Bars: one standard error, statistical and systematic. "
        "Blue: range of the conventions for time (TR, 2TR, 2TR + pulses) and exponent. "
        + (
            f"The axis is logarithmic, from {LEAST_SHARE:g} %: smaller ones are at its edge."
            if is_logarithmic
            else "The axis is linear and begins at zero."
        )
    )
    return Drawing(figure=figure, title="Li metal left in each sample", caption=caption)


def _draw_trend(conclusions: list[list[Conclusion]], quantity: str, axis: str) -> Drawing | None:
    """Draw the alloyed share against a condition of pressing, a colour for each set of the others;
    None where no two samples differ in it alone."""
    groups: dict[tuple[tuple[str, float], ...], list[tuple[float, Conclusion]]] = {}
    for rows in conclusions:
        stated = {
            row.quantity: row.value
            for row in rows
            if row.quantity in UNITS and row.value is not None
        }
        share = next((r for r in rows if r.quantity == "alloyed_share" and not r.condition), None)
        if quantity in stated and share is not None:
            others = tuple(sorted((k, v) for k, v in stated.items() if k != quantity))
            groups.setdefault(others, []).append((stated[quantity], share))
    drawn = {
        key: sorted(points, key=lambda point: point[0])
        for key, points in groups.items()
        if len({value for value, _ in points}) > 1
    }
    if not drawn:
        return None
    figure = style.make_figure(style.COLUMN, 2.7)
    axes = figure.add_subplot()
    labels = [_describe_others(key) for key in drawn]
    colours, markers = style.assign_colours(labels), style.assign_markers(labels)
    for label, points in zip(labels, drawn.values(), strict=True):
        colour = colours[label]
        known = [(at, row.value, row) for at, row in points if row.value is not None]
        errors = [np.hypot(row.stderr or 0.0, row.systematic or 0.0) for _, _, row in known]
        style.draw_points(
            axes,
            [at for at, _, _ in known],
            [value for _, value, _ in known],
            errors,
            colour=colour,
            label=label,
            marker=markers[label],
        )
        for at, row in points:
            if row.value is None and row.lower95 is not None and row.upper95 is not None:
                axes.plot([at, at], [row.lower95, row.upper95], color=colour, lw=1.2, marker="_")
    axes.margins(x=0.08)
    axes.set_xlabel(axis)
    axes.set_ylabel("Li that alloyed (%)")
    figure.legend(loc="outside upper center", ncols=2)
    caption = (
        f"Alloyed share, corrected to zero delay, against the {axis.split(' (')[0]}, of samples "
        "that have composition and the other condition in common. Bars: one standard error, "
        "statistical and systematic; a line between two dashes is an interval without a value. "
        "The slope, its error and its verdict stand in the row alloyed_share_slope."
    )
    return Drawing(
        figure=figure, title=f"Alloyed share against {axis.split(' (')[0]}", caption=caption
    )


def _describe_others(key: tuple[tuple[str, float], ...]) -> str:
    """Return what samples have in common, in words."""
    said = [f"{NAMES[name]}{value:g} {UNITS[name]}".strip() for name, value in key]
    return ", ".join(said) or "all samples"


def _scale_shares(axes: Axes, rows: list[Conclusion]) -> bool:
    """Give an axis one scale for all shares [percent]; return whether it is logarithmic, as it is
    where they differ by much."""
    shown = [
        number
        for row in rows
        if row.condition in ("raw", "corrected")
        for number in (row.value, row.lower95, row.upper95)
        if number is not None
    ]
    values = [max(row.value, LEAST_SHARE) for row in rows if row.value is not None]
    highest = max([*shown, 1.0])
    is_logarithmic = bool(values) and max(values) > WIDE * min(values)
    if not is_logarithmic:
        axes.set_xlim(0.0, min(1.08 * highest, 104.0))
        return False
    axes.set_xscale("log", nonpositive="clip")
    ticks = [tick for tick in TICKS if LEAST_SHARE <= tick <= 2 * highest]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_xticks([], minor=True)
    axes.set_xlim(max(0.7 * min(values), LEAST_SHARE), min(1.3 * highest, 120.0))
    return True


def _draw_drift(rows: list[Conclusion]) -> Drawing:
    figure = style.make_figure(4.8, 1.2 + 0.3 * len(rows))
    axes = figure.add_subplot()
    for y, row in enumerate(rows):
        colour = style.VERMILION if row.verdict == Verdict.EVOLVING else style.BLACK
        axes.errorbar(
            row.value or 0.0,
            y,
            xerr=Z95 * (row.stderr or 0.0),
            fmt="o",
            color=colour,
            markeredgewidth=0,
        )
    axes.axvline(0.0, color=style.GREY, lw=0.6)
    axes.set_yticks(range(len(rows)), [f"{r.sample}: {r.verdict}" for r in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel("change of the Li-Si share (%/h)")
    caption = (
        "Slope of the Li-Si share over the acquisition times of repeated spectra, with its 95 % "
        "interval."
    )
    return Drawing(figure=figure, title="Samples that change while measured", caption=caption)
