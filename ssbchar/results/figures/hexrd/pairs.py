"""A specimen measured ex situ: its refinement; of a pair both patterns, their difference, and where
lines are expected and new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.hexrd import bragg
from ssbchar.results.figures import style
from ssbchar.results.figures.hexrd import refinement
from ssbchar.results.figures.hexrd.series_axes import locate_reflections, make_series_axes
from ssbchar.storage.lazy_rows import RowReader
from ssbchar.storage.store import Drawing
from ssbchar.typing import Array, Index

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

NEW_COLOURS = {1: style.AFTER, 0: style.BEFORE}
"""Colour of a line that the cycled (1) or the pristine (0) specimen has alone."""


@dataclass(frozen=True, kw_only=True)
class MeanPattern:
    """The mean pattern of a specimen over its fitted frames."""

    two_theta: Array
    """At the common wavelength, less the zero [degree]."""
    lines: Array
    """Intensity above the background [count]."""


def draw_specimen(
    patterns: xr.Dataset,
    furnace: xr.Dataset,
    lattice: xr.Dataset,
    phases: list[xr.Dataset],
    pristine_patterns: xr.Dataset | None,
    pristine_furnace: xr.Dataset | None,
    pristine_lattice: xr.Dataset | None,
    new_lines: xr.Dataset | None,
    labels: dict[str, str],
) -> dict[str, Drawing]:
    """Return the figures of a specimen: its refinement, and, of a pair, the comparison.

    Parameters
    ----------
    patterns, furnace, lattice : Dataset
        As docs/data-model.md has them.
    phases : list of Dataset
        Reflections of the candidate phases.
    pristine_patterns, pristine_furnace, pristine_lattice : Dataset or None
        Of the pristine specimen, where this one is compared with one.
    new_lines : Dataset or None
        Lines that one of both has alone.
    labels : dict
        ``measurement`` and ``sample``.

    Returns
    -------
    dict of Drawing
        By name. A figure with nothing to show is left out.
    """
    at = make_series_axes(patterns, furnace, lattice, labels)
    own = refinement.find_fitted_frames(at, lattice)
    if not own.size:
        return {}
    figures = {"refinement": refinement.draw_refinements(at, patterns, lattice, phases)}
    if pristine_patterns is None or pristine_lattice is None or pristine_furnace is None:
        return figures
    before = make_series_axes(pristine_patterns, pristine_furnace, pristine_lattice, labels)
    first = refinement.find_fitted_frames(before, pristine_lattice)
    if first.size:
        pair = (
            _average_pattern(pristine_patterns, pristine_lattice, first),
            _average_pattern(patterns, lattice, own),
        )
        ticks = locate_reflections(phases, lattice, patterns, int(own[0]))
        figures["pair"] = draw_pair(
            pair, ticks, new_lines, float(patterns["common_wavelength"]), labels
        )
    return figures


def _average_pattern(patterns: xr.Dataset, lattice: xr.Dataset, frames: Index) -> MeanPattern:
    """Return the mean pattern of some frames less the background and the zero."""
    observed = RowReader(patterns["intensity"])[frames].astype(float)
    background = RowReader(lattice["background"])[frames].astype(float)
    own, common = float(patterns["wavelength"]), float(patterns["common_wavelength"])
    zero = float(np.nan_to_num(np.mean(lattice["zero"].values[frames])))
    true = patterns["two_theta"].values.astype(float) - zero
    return MeanPattern(
        two_theta=bragg.convert_wavelength(true, own, common),
        lines=np.nanmean(observed - background, axis=0),
    )


def draw_pair(
    pair: tuple[MeanPattern, MeanPattern],
    ticks: Mapping[str, Array],
    new_lines: xr.Dataset | None,
    wavelength: float,
    labels: Mapping[str, str],
) -> Drawing:
    """Return pristine and cycled patterns above each other, their difference, and the ticks of
    phases and new lines.

    Parameters
    ----------
    pair : (MeanPattern, MeanPattern)
        Pristine and cycled.
    ticks : mapping
        Phase to the 2theta of its reflections in the cycled specimen [degree].
    new_lines : Dataset or None
    wavelength : float
        Of the angles [angstrom].
    labels : mapping
        ``sample``, ``phase_order``.
    """
    pristine, cycled = pair
    figure = style.make_figure(style.PAGE, 4.4)
    axes, below = figure.subplots(
        2, 1, sharex=True, gridspec_kw={"height_ratios": [3.0, 1.4 + 0.2 * len(ticks)]}
    )
    x = cycled.two_theta
    before = np.interp(x, pristine.two_theta, pristine.lines, left=np.nan, right=np.nan)
    scale = _measure_scale(before, cycled.lines)
    axes.plot(x, scale * before, color=style.BEFORE, linewidth=0.7, label="pristine")
    axes.plot(x, cycled.lines, color=style.AFTER, linewidth=0.7, label="cycled")
    axes.set_ylabel("Above background (counts)")
    axes.set_title(labels.get("sample", ""), loc="left")
    axes.legend(loc="upper right")
    difference = cycled.lines - scale * before
    below.axhline(0, color=style.GREY, linewidth=0.4)
    below.plot(x, difference, color=style.BLUE, linewidth=0.6)
    below.set_ylabel("Difference (counts)")
    _draw_ticks(below, difference, ticks, style.split_order(labels))
    count = _mark_lines((axes, below), new_lines, wavelength)
    below.set_xlabel(rf"2$\theta$ at {wavelength:.6g} Å, less the zero (°)")
    below.set_xlim(x[0], x[-1])
    caption = (
        f"Patterns of {labels.get('sample') or 'the cycled specimen'} (vermilion) and of the "
        f"pristine one (black, times {scale:.3g}), each less its background and zero, and their "
        "difference. Ticks: reflections of the phases at the cells of the cycled specimen."
    )
    if count:
        caption += (
            f" Dotted: {count} lines that no phase explains and one of both has alone (vermilion: "
            "cycled, black: pristine)."
        )
    return Drawing(figure=figure, title="Cycled against pristine", caption=caption)


def _measure_scale(before: Array, after: Array) -> float:
    """Return the factor by which the areas of both patterns agree where both were measured."""
    both = np.isfinite(before) & np.isfinite(after)
    total = float(np.sum(np.maximum(before[both], 0.0)))
    return float(np.sum(np.maximum(after[both], 0.0))) / total if total > 0 else 1.0


def _draw_ticks(
    axes: Axes, difference: Array, ticks: Mapping[str, Array], order: Sequence[str]
) -> None:
    """Draw a row of ticks per phase below a difference curve."""
    known = difference[np.isfinite(difference)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    room = 0.16 * max(high - low, 1e-12)
    colours = style.assign_colours(list(ticks), order)
    for row, (name, places) in enumerate(ticks.items()):
        base = low - (row + 0.9) * room
        axes.vlines(
            places, base - 0.35 * room, base + 0.35 * room, color=colours[name], linewidth=0.7
        )
        axes.annotate(
            name,
            (1.005, base),
            xycoords=("axes fraction", "data"),
            fontsize=style.SMALL - 1,
            color=colours[name],
            va="center",
        )
    axes.set_ylim(low - (len(ticks) + 0.6) * room, high + room)


def _mark_lines(panels: tuple[Axes, Axes], new_lines: xr.Dataset | None, wavelength: float) -> int:
    """Mark the lines that one of both has alone; return how many."""
    if new_lines is None or not new_lines.sizes.get("line"):
        return 0
    places = bragg.two_theta_from_d(new_lines["d"].values, wavelength)
    for place, is_new in zip(places, new_lines["is_new"].values, strict=True):
        for axes in panels:
            axes.axvline(place, color=NEW_COLOURS[int(is_new)], linestyle=":", linewidth=0.6)
    return int(places.size)
