"""Figures of an absorption series: its map, the number of species, isosbestic points, shares along
it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssbchar.results.figures import style
from ssbchar.statistics import Z95
from ssbchar.storage.store import Drawing

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

ROWS = 400
"""Rows of the map at most; neighbouring scans are averaged."""
SHOWN = 9
"""Spectra drawn over one another."""


def draw_series(
    normalised: xr.Dataset,
    components: xr.Dataset,
    mixture: xr.Dataset | None,
    labels: dict[str, str],
) -> dict[str, Drawing]:
    """Return the figures of a series.

    Parameters
    ----------
    normalised, components : Dataset
        From `ssbchar.xas.series.normalise_series` and `ssbchar.xas.series.find_components`.
    mixture : Dataset or None
        From `ssbchar.xas.series.fit_mixture`.
    labels : dict
        ``measurement``, ``sample``.
    """
    title = f"{labels.get('sample', '')}, {normalised.attrs['element']} {normalised.attrs['edge']}"
    drawings = {
        "series_map": draw_map(normalised, title),
        "series_species": draw_species(components, title),
        "series_isosbestic": draw_isosbestic_points(normalised, components, title),
    }
    if components.sizes["species_number"]:
        drawings["series_fractions"] = draw_fractions(components, normalised, title)
    if mixture is not None:
        drawings["series_shares"] = draw_shares(mixture, normalised, title)
    return drawings


def _average_rows(values: np.ndarray, rows: int) -> np.ndarray:
    """Return rows averaged in groups, so that at most so many are left."""
    groups = np.array_split(np.arange(len(values)), min(rows, len(values)))
    return np.array([values[g].mean(axis=0) for g in groups])


def _find_borders(centres: np.ndarray) -> np.ndarray:
    middle = (centres[1:] + centres[:-1]) / 2
    return np.concatenate([[2 * centres[0] - middle[0]], middle, [2 * centres[-1] - middle[-1]]])


def draw_map(ds: xr.Dataset, title: str) -> Drawing:
    """Return norm(E) against the scan's number, and what has changed since the first scans."""
    energy, e0 = ds["energy"].values, float(ds["e0"])
    near = (energy > e0 - 25) & (energy < e0 + 80)
    norm, number = ds["norm"].values[:-1][:, near], ds["number"].values[:-1].astype(float)
    tenth = max(len(norm) // 10, 2)
    change = norm - norm[:tenth].mean(axis=0)
    figure = style.make_figure(style.PAGE, 3.2)
    left, right = figure.subplots(1, 2, sharey=True)
    columns, rows = (
        _find_borders(energy[near]),
        _find_borders(_average_rows(number[:, None], ROWS)[:, 0]),
    )
    mesh = left.pcolormesh(
        columns, rows, _average_rows(norm, ROWS), cmap="viridis", rasterized=True
    )
    figure.colorbar(mesh, ax=left, label="normalised μ(E)")
    shown = _average_rows(change, ROWS)
    limit = max(float(np.percentile(np.abs(shown), 99.5)), 1e-6)
    mesh = right.pcolormesh(
        columns,
        rows,
        shown,
        cmap=style.get_diverging_map(),
        vmin=-limit,
        vmax=limit,
        rasterized=True,
    )
    figure.colorbar(mesh, ax=right, label="change since the start", extend="both")
    for axes in (left, right):
        axes.set_xlabel("energy (eV)")
    left.set_ylabel("scan")
    left.set_title("a", loc="left", fontweight="bold", fontsize=style.TEXT)
    right.set_title("b", loc="left", fontweight="bold", fontsize=style.TEXT)
    caption = (
        f"(a) Normalised absorption of {len(norm)} scans about the edge; (b) difference from the "
        "mean of the first "
        f"{tenth} scans."
    )
    return Drawing(figure=figure, title=f"{title}: the series", caption=caption)


def draw_species(ds: xr.Dataset, title: str) -> Drawing:
    """Return the scree of eigenvalues against the edge of noise, and the scores of the species'
    components."""
    figure = style.make_figure(style.PAGE, 2.8)
    scree, scores = figure.subplots(1, 2)
    rank = int(ds["rank"])
    places = np.arange(1, ds.sizes["component"] + 1)
    values = ds["eigenvalue"].values
    scree.semilogy(
        places[:rank], values[:rank], "o", color=style.VERMILION, label=f"above noise: {rank}"
    )
    scree.semilogy(places[rank:], values[rank:], "o", color=style.GREY, label="noise")
    scree.semilogy(
        places,
        ds["edge"].values,
        "--",
        color=style.BLACK,
        linewidth=0.8,
        label="95 % edge of noise",
    )
    scree.set_xlabel("component")
    scree.set_ylabel("eigenvalue (noise variance)")
    scree.set_xticks(places)
    scree.legend(loc="upper right")
    number, score = ds["number"].values, ds["score"].values
    for i in range(min(rank, 4)):
        values = score[:, i] * np.sign(score[:, i].mean() or 1)
        values = values / np.abs(values).max()
        scores.plot(
            number,
            values,
            ".",
            markersize=2,
            color=style.CYCLE[i % len(style.CYCLE)],
            label=f"component {i + 1}",
        )
    scores.axhline(0, color=style.GREY, linewidth=0.6)
    scores.set_xlabel("scan")
    scores.set_ylabel("score / largest")
    scores.legend(
        loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, columnspacing=1.0, markerscale=2
    )
    for axes, letter in ((scree, "a"), (scores, "b")):
        axes.set_title(letter, loc="left", fontweight="bold", fontsize=style.TEXT)
    caption = (
        "(a) Eigenvalues of the spectra whitened by their noise (points, baseline, edge step, "
        "energy axis), with the "
        f"95 % point of what noise alone would give. Species, drifts of axis, edge step and "
        f"baseline taken out: {'at least ' if int(ds['is_limited']) else ''}{int(ds['species'])}. "
        "(b) Scores of these components; they are orthogonal mixtures, not shares."
    )
    return Drawing(figure=figure, title=f"{title}: number of species", caption=caption)


def _find_axis(normalised: xr.Dataset) -> tuple[np.ndarray, str]:
    """Return what the scans are drawn against: hours where the files state them, else numbers."""
    if "time" in normalised:
        return normalised["time"].values[:-1], "time (h)"
    return normalised["number"].values[:-1], "scan"


def _draw_channel(axes: Axes, normalised: xr.Dataset, number: np.ndarray) -> None:
    if "channel" in normalised:
        beside = axes.twinx()
        beside.plot(number, normalised["channel"].values[:-1], color=style.GREY, linewidth=0.7)
        beside.set_ylabel("channel beside the scans", color=style.GREY)


def _describe_channel(normalised: xr.Dataset) -> str:
    return " Grey, right: the channel beside the scans." if "channel" in normalised else ""


def draw_fractions(ds: xr.Dataset, normalised: xr.Dataset, title: str) -> Drawing:
    """Return the fractions of the species along the series with their range, and their spectra."""
    figure = style.make_figure(style.PAGE, 2.8)
    left, right = figure.subplots(1, 2)
    number, label = _find_axis(normalised)
    energy = ds["energy"].values
    _draw_channel(left, normalised, number)
    known = bool(np.isfinite(ds["fraction_lower"].values).all())
    for i in range(ds.sizes["species_number"]):
        colour = style.CYCLE[i % len(style.CYCLE)]
        if known:
            left.fill_between(
                number,
                ds["fraction_lower"].values[:, i],
                ds["fraction_upper"].values[:, i],
                color=colour,
                alpha=0.2,
                linewidth=0,
            )
        left.plot(
            number,
            ds["fraction"].values[:, i],
            ".",
            color=colour,
            markersize=3,
            label=f"species {i + 1}",
        )
        right.plot(energy, ds["pure"].values[i], color=colour, linewidth=1.0)
    left.set_xlabel(label)
    left.set_ylabel("fraction")
    left.set_ylim(-0.03, 1.03)
    left.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, markerscale=2)
    right.set_xlabel("energy (eV)")
    right.set_ylabel("normalised μ(E)")
    for axes, letter in ((left, "a"), (right, "b")):
        axes.set_title(letter, loc="left", fontweight="bold", fontsize=style.TEXT)
    range_told = (
        "Bands: all fractions that these conditions and the noise (95 %) allow."
        if known
        else "The range of other solutions is not calculated for more than two species."
    )
    caption = (
        "(a) Fractions of the species along the series and (b) their spectra, by alternating least "
        f"squares: spectra non-negative, fractions of sum one, no reference. {range_told}"
        + _describe_channel(normalised)
    )
    return Drawing(figure=figure, title=f"{title}: species along the series", caption=caption)


def draw_isosbestic_points(normalised: xr.Dataset, components: xr.Dataset, title: str) -> Drawing:
    """Return spectra spread over the series, and the crossings of its start and end."""
    energy, e0 = normalised["energy"].values, float(normalised["e0"])
    norm = normalised["norm"].values[:-1]
    near = (energy > e0 - 15) & (energy < e0 + 80)
    figure = style.make_figure(style.COLUMN, 2.8)
    axes = figure.subplots()
    groups = np.array_split(np.arange(len(norm)), min(SHOWN, len(norm)))
    for colour, group in zip(style.pick_sequence(len(groups)), groups, strict=True):
        axes.plot(energy[near], norm[group].mean(axis=0)[near], color=colour, linewidth=0.8)
    if components.sizes["crossing"]:
        at, value = components["crossing_energy"].values, components["crossing_value"].values
        held = components["crossing_held"].values.astype(bool)
        axes.plot(
            at[held],
            value[held],
            "o",
            markerfacecolor="none",
            color=style.BLACK,
            label="meet",
            markersize=6,
        )
        axes.plot(
            at[~held],
            value[~held],
            "x",
            color=style.VERMILION,
            label="cross, do not meet",
            markersize=6,
        )
        axes.legend(loc="lower right")
    axes.set_xlabel("energy (eV)")
    axes.set_ylabel("normalised μ(E)")
    caption = (
        f"Means of {len(groups)} consecutive parts of the series, dark to bright. Circles: "
        "energies where all spectra "
        "meet within noise (isosbestic points of two exchanging species); crosses: start and end "
        "cross there, but the "
        "spectra between do not pass through the point."
    )
    return Drawing(figure=figure, title=f"{title}: isosbestic points", caption=caption)


def draw_shares(mixture: xr.Dataset, normalised: xr.Dataset, title: str) -> Drawing:
    """Return the weights of the references along the series, with bands, and the energy shift."""
    figure = style.make_figure(style.COLUMN, 3.2)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    number, label = _find_axis(normalised)
    _draw_channel(top, normalised, number)
    for i, name in enumerate(str(n) for n in mixture["reference"].values):
        colour = style.CYCLE[i % len(style.CYCLE)]
        weight, stderr = mixture["weight"].values[:-1, i], mixture["weight_stderr"].values[:-1, i]
        whole = np.hypot(stderr, float(mixture["weight_systematic"][i]))
        top.fill_between(
            number, weight - Z95 * whole, weight + Z95 * whole, color=colour, alpha=0.2, linewidth=0
        )
        top.plot(number, weight, ".", color=colour, markersize=2, label=name)
    top.plot(
        number,
        mixture["weight"].values[:-1].sum(axis=1),
        color=style.GREY,
        linewidth=0.6,
        label="sum",
    )
    top.set_ylabel("weight")
    top.legend(loc="center right")
    shift, stderr = mixture["shift"].values[:-1], mixture["shift_stderr"].values[:-1]
    bottom.errorbar(
        number, shift, yerr=stderr, fmt=".", color=style.BLACK, markersize=2, elinewidth=0.3
    )
    bottom.axhline(0, color=style.GREY, linewidth=0.6)
    bottom.set_ylabel("shift (eV)")
    bottom.set_xlabel(label)
    caption = (
        "Weights of the references in every scan with 95 % bands (noise and choice of "
        "normalisation), their sum, and "
        "the energy shift fitted with each scan, one standard error."
        + _describe_channel(normalised)
    )
    return Drawing(figure=figure, title=f"{title}: shares along the series", caption=caption)
