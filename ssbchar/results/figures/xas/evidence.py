"""Figures that show what an absorption result rests on: foil, repeats, background, difference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.results.figures import style
from ssbchar.statistics import Z95
from ssbchar.storage.store import Drawing
from ssbchar.xas.scans.scan import ScanStatus

if TYPE_CHECKING:
    import xarray as xr

Pair = Sequence[tuple["xr.Dataset", str, str]]
"""Dataset, colour and name of each measurement, the pristine one first."""
NEAR_EDGE = (-25.0, 60.0)
"""Energies shown about an edge [eV]."""
UNDER, OVER = 2.0, 0.8
"""Widths of the curve below and of that on top of it, so that equal ones both show."""


def pick_widths(count: int) -> list[float]:
    """Return the line widths of curves that may lie on one another, the first below."""
    return [UNDER if i < count - 1 else OVER for i in range(count)]


def draw_repeats(pair: Pair, title: str) -> Drawing | None:
    """Return every scan about the edge with their merge, and what each differs from it; None where
    each measurement has one scan."""
    if max(ds.sizes["spectrum"] for ds, _, _ in pair) < 3:
        return None
    figure = style.make_figure(style.PAGE, 1.2 + 1.5 * len(pair))
    panels = figure.subplots(len(pair), 2, squeeze=False, sharex=True)
    for row, (ds, colour, name) in zip(panels, pair, strict=True):
        energy, e0 = ds["energy"].values, float(ds["e0"])
        near = (energy > e0 + NEAR_EDGE[0]) & (energy < e0 + NEAR_EDGE[1])
        flat = ds["flat"].values[:, near]
        used = ds["status"].values[:-1] == ScanStatus.OK
        half = 100 * Z95 * ds["norm_stderr"].values[-1][near]
        row[1].fill_between(energy[near], -half, half, color=colour, alpha=0.3, linewidth=0)
        for i, is_used in enumerate(used):
            line = {
                "color": style.GREY if is_used else style.VERMILION,
                "linestyle": "-" if is_used else ":",
                "linewidth": 0.6,
            }
            row[0].plot(energy[near], flat[i], **line)
            row[1].plot(energy[near], 100 * (flat[i] - flat[-1]), **line)
        row[0].plot(energy[near], flat[-1], color=colour, linewidth=0.9)
        row[0].set_ylabel("normalised μ(E)")
        row[1].set_ylabel("scan − merge (%)")
        row[0].set_title(f"{name}: {int(used.sum())} of {used.size} scans", fontsize=style.SMALL)
        row[1].axhline(0, color=style.BLACK, linewidth=0.5)
    for axes in panels[-1]:
        axes.set_xlabel("energy (eV)")
    caption = (
        "Single scans (grey; dotted: set aside) and their merge; right: each less the merge, with "
        "the 95 % band of the merge's noise."
    )
    return Drawing(figure=figure, title=f"{title}: repeats", caption=caption)


def draw_alignment(pair: Pair, title: str) -> Drawing | None:
    """Return the foils' absorption and derivative, and the shift of each scan; None without a
    foil."""
    foils = [one for one in pair if "mu_foil" in one[0]]
    if not foils:
        return None
    figure = style.make_figure(style.PAGE, 2.6)
    edge, slope, shifts = figure.subplots(1, 3)
    begin = 1
    for (ds, colour, name), width in zip(foils, pick_widths(len(foils)), strict=True):
        energy, foil = ds["energy"].values, ds["mu_foil"].values
        rise = np.gradient(foil, energy)
        within = np.abs(energy - float(ds["e0"])) < -2 * NEAR_EDGE[0]
        at = float(energy[within][np.argmax(rise[within])])
        near = (energy > at + NEAR_EDGE[0]) & (energy < at - NEAR_EDGE[0])
        edge.plot(energy[near], foil[near], color=colour, linewidth=width, label=name)
        slope.plot(energy[near], rise[near], color=colour, linewidth=width)
        # The last of several spectra is their merge.
        last = -1 if ds.sizes["spectrum"] > 1 else None
        shift, stderr = ds["shift"].values[:last], ds["shift_stderr"].values[:last]
        scans = np.arange(begin, begin + shift.size)
        style.draw_points(shifts, scans, shift, Z95 * np.nan_to_num(stderr), colour=colour)
        begin += shift.size
    edge.set_ylabel("absorption of the foil")
    slope.set_ylabel("its derivative (1/eV)")
    shifts.set_ylabel("shift applied (eV)")
    for axes in (edge, slope):
        axes.set_xlabel("energy (eV)")
    shifts.set_xlabel("scan")
    shifts.margins(0.15)
    edge.legend(loc="lower right")
    for axes, letter in ((edge, "a"), (slope, "b"), (shifts, "c")):
        axes.locator_params(axis="x", nbins=4, integer=True)
        style.write_panel_letter(axes, letter)
    source = str(foils[-1][0].attrs.get("alignment_source", ""))
    caption = (
        "(a) Mean foil of each measurement on the calibrated axis, (b) its derivative, (c) the "
        f"shift that was applied to each scan, with 95 % bars. {source}."
    )
    return Drawing(figure=figure, title=f"{title}: alignment on the foil", caption=caption)


def draw_background(pair: Pair, exafs: Sequence[xr.Dataset], title: str) -> Drawing:
    """Return the absorption with its atomic background mu0(E)."""
    figure = style.make_figure(style.PAGE if len(pair) > 1 else style.COLUMN, 2.6)
    panels = figure.subplots(1, len(pair), squeeze=False)[0]
    for axes, (ds, colour, name), own in zip(panels, pair, exafs, strict=True):
        energy = ds["energy"].values
        axes.plot(energy, ds["mu"].values[-1], color=colour, label=name)
        e0, kmin_energy = float(own["e0"]), own["energy"].values
        above = kmin_energy >= e0
        axes.plot(
            kmin_energy[above],
            own["background"].values[-1][above],
            color=style.BLACK,
            linestyle="--",
            linewidth=0.9,
            label="background μ0(E)",
        )
        axes.set_xlabel("energy (eV)")
        axes.set_ylabel("absorption μ(E)")
        axes.legend(loc="lower right")
    caption = (
        "Merged absorption and the background spline that the EXAFS is the deviation from; it must "
        "pass through the oscillations and not follow them."
    )
    return Drawing(figure=figure, title=f"{title}: background", caption=caption)


def draw_difference(pair: Pair, title: str) -> Drawing:
    """Return both normalised edges, and the difference after less before with its noise."""
    (before, first, earlier), (after, second, later) = pair
    energy, e0 = before["energy"].values, float(before["e0"])
    reach = min(float(energy[-1]), float(after["energy"][-1]), e0 + NEAR_EDGE[1])
    near = (energy > max(e0 + NEAR_EDGE[0], float(after["energy"][0]))) & (energy < reach)
    at = energy[near]
    old, old_stderr = (before[v].values[-1][near] for v in ("flat", "norm_stderr"))
    new, new_stderr = (
        np.interp(at, after["energy"].values, after[v].values[-1]) for v in ("flat", "norm_stderr")
    )
    figure = style.make_figure(style.COLUMN, 3.4)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(1.4, 1))
    top.plot(at, old, color=first, linewidth=UNDER, label=earlier)
    top.plot(at, new, color=second, linewidth=OVER, label=later)
    style.draw_band(
        bottom,
        at,
        100 * (new - old),
        100 * np.hypot(old_stderr, new_stderr),
        colour=style.BLACK,
        linewidth=0.7,
    )
    # What an axis that is wrong by its own error would make of the difference.
    error = float(after.attrs.get("alignment_error", np.nan))
    words = ""
    if np.isfinite(error):
        moved = 100 * Z95 * np.sqrt(2) * error * np.abs(np.gradient(old, at))
        bottom.fill_between(at, -moved, moved, color=style.SKY, alpha=0.5, linewidth=0)
        words = "; blue: what the error of the alignment could make of equal spectra, 95 %"
    bottom.axhline(0, color=style.GREY, linewidth=0.6)
    top.set_ylabel("normalised μ(E)")
    bottom.set_ylabel("difference (%)")
    bottom.set_xlabel("energy (eV)")
    top.legend(loc="lower right")
    caption = (
        f"Flattened spectra, and {later} less {earlier} in percent of the edge step with the 95 % "
        f"band of the noise{words}."
    )
    return Drawing(figure=figure, title=f"{title}: difference", caption=caption)


def draw_pre_edge(pair: Pair, title: str) -> Drawing | None:
    """Return the peaks before the edge over their flanks, None where none was fitted.

    Parameters
    ----------
    pair : list of (Dataset, str, str)
        Normalised spectra, colour and name.
    title : str
    """
    fitted = [one for one in pair if "pre_edge_flank" in one[0]]
    fitted = [one for one in fitted if np.isfinite(one[0]["pre_edge_flank"].values[-1]).any()]
    if not fitted:
        return None
    figure = style.make_figure(style.COLUMN, 3.4)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(1.4, 1))
    for ds, colour, name in fitted:
        flank = ds["pre_edge_flank"].values[-1]
        near = np.isfinite(flank)
        energy, norm = ds["energy"].values[near], ds["norm"].values[-1][near]
        top.plot(energy, norm, ".", markersize=2, color=colour, label=name)
        top.plot(energy, flank[near], color=colour, linewidth=0.7, linestyle="--")
        style.draw_band(
            bottom,
            energy,
            100 * (norm - flank[near]),
            100 * ds["norm_stderr"].values[-1][near],
            colour=colour,
            linewidth=0.7,
        )
        bottom.axvline(float(ds["pre_edge_centroid"][-1]), color=colour, linewidth=0.5)
    bottom.axhline(0, color=style.GREY, linewidth=0.6)
    top.set_ylabel("normalised μ(E)")
    bottom.set_ylabel("above the flank (%)")
    bottom.set_xlabel("energy (eV)")
    top.legend(loc="upper left")
    caption = (
        "The peak before the edge; broken: the flank fitted on both sides. Below: what stands "
        "above it, in percent of the edge step with the 95 % band of the noise; lines: centroids."
    )
    return Drawing(figure=figure, title=f"{title}: pre-edge", caption=caption)


def draw_mback(pair: Pair, title: str) -> Drawing | None:
    """Return spectra by MBACK beside those by the polynomial, None where it was not asked for.

    Parameters
    ----------
    pair : list of (Dataset, str, str)
        Normalised spectra, colour and name.
    title : str
    """
    matched = [one for one in pair if "norm_mback" in one[0]]
    if not matched:
        return None
    figure = style.make_figure(style.COLUMN, 3.4)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(1.4, 1))
    for ds, colour, name in matched:
        energy, norm = ds["energy"].values, ds["norm"].values[-1]
        by_table = ds["norm_mback"].values[-1]
        top.plot(energy, norm, color=colour, linewidth=0.7, label=f"{name}, polynomial")
        top.plot(energy, by_table, color=colour, linewidth=0.7, linestyle="--", label="MBACK")
        bottom.plot(energy, 100 * (by_table - norm), color=colour, linewidth=0.7)
    bottom.axhline(0, color=style.GREY, linewidth=0.6)
    top.set_ylabel("normalised μ(E)")
    bottom.set_ylabel("difference (%)")
    bottom.set_xlabel("energy (eV)")
    top.legend(loc="lower right")
    caption = (
        "Absorption normalised by the polynomial above the edge and by tabulated cross sections "
        "(MBACK), and their difference in percent of the edge step."
    )
    return Drawing(figure=figure, title=f"{title}: MBACK", caption=caption)
