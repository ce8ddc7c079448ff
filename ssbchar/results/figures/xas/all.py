"""Absorption figures: spectra before and after, chi(k), |chi(R)|, the ensemble of ratios, the
mixture's residual."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ssbchar.conclusion import Conclusion
from ssbchar.results.figures import style
from ssbchar.results.figures.xas import evidence, paths
from ssbchar.statistics import Z95
from ssbchar.storage.store import Drawing
from ssbchar.verdict import Verdict

if TYPE_CHECKING:
    import xarray as xr

ENSEMBLE = ("shell_1_ratio", "shell_2_ratio", "shell_3_ratio", "edge_shift", "white_line_change")
"""Quantities whose limits stand beside the ensemble."""
VERDICT_COLOURS = {
    Verdict.RETAINED.value: style.GREEN,
    Verdict.CHANGED.value: style.VERMILION,
}


def draw_measurement(
    normalised: xr.Dataset,
    exafs: xr.Dataset,
    pristine: xr.Dataset | None,
    pristine_exafs: xr.Dataset | None,
    comparison: xr.Dataset | None,
    mixture: xr.Dataset | None,
    labels: dict[str, str],
    path_fit: xr.Dataset | None = None,
    conclusions: list[Conclusion] | None = None,
) -> dict[str, Drawing]:
    """Return the figures of a measurement, with its pristine one where there is one.

    Parameters
    ----------
    normalised, exafs : Dataset
        From `ssbchar.xas.normalisation.normalise_spectra` and `ssbchar.xas.exafs.extract_exafs`.
    pristine, pristine_exafs, comparison, mixture : Dataset or None
        The pristine measurement's, `ssbchar.xas.comparison.compare_pair`'s and
        `ssbchar.xas.series.fit_mixture`'s.
    labels : dict
        ``measurement``, ``sample``.
    path_fit : Dataset or None
        From `ssbchar.xas.paths.fit_paths`.
    conclusions : list of Conclusion or None
        Of the measurement: limits and bounds that the ensemble is drawn with.
    """
    title = f"{labels.get('sample', '')}, {normalised.attrs['element']} {normalised.attrs['edge']}"
    pair = _pair_spectra(normalised, pristine, labels)
    drawings = {"mu": draw_absorption(pair, title)}
    if pristine is not None:
        drawings["difference"] = evidence.draw_difference(pair, title)
    if "chi" in exafs:
        spectra = _pair_spectra(
            exafs,
            pristine_exafs if pristine_exafs is not None and "chi" in pristine_exafs else None,
            labels,
        )
        drawings["chi_k"] = draw_chi_k(spectra, title)
        drawings["chi_r"] = draw_chi_r(spectra, comparison, title)
    if comparison is not None:
        drawings["ensemble"] = draw_ensemble(comparison, title, conclusions or [])
    if mixture is not None:
        drawings["mixture"] = draw_mixture(mixture, title)
    if path_fit is not None and "chi" in path_fit:
        drawings["path_fit"] = paths.draw_path_fit(path_fit, title)
    # What the others rest on comes last: a report that is too long leaves out the last figures.
    if "chi" in exafs:
        drawings["background"] = evidence.draw_background(
            pair[-len(spectra) :], [ds for ds, _, _ in spectra], title
        )
    for name, drawing in (
        ("repeats", evidence.draw_repeats(pair, title)),
        ("alignment", evidence.draw_alignment(pair, title)),
        ("pre_edge", evidence.draw_pre_edge(pair, title)),
        ("mback", evidence.draw_mback(pair, title)),
    ):
        if drawing is not None:
            drawings[name] = drawing
    return drawings


def _pair_spectra(
    after: xr.Dataset, before: xr.Dataset | None, labels: dict[str, str]
) -> list[tuple[xr.Dataset, str, str]]:
    name = labels.get("measurement", "sample")
    if before is None:
        return [(after, style.BEFORE, name)]
    return [
        (before, style.BEFORE, str(before.attrs.get("measurement", "pristine"))),
        (after, style.AFTER, name),
    ]


def draw_absorption(pair: list[tuple[xr.Dataset, str, str]], title: str) -> Drawing:
    """Return mu(E) as measured and normalised, the derivative about the edge in an inset."""
    figure = style.make_figure(style.PAGE, 2.8)
    raw, norm = figure.subplots(1, 2)
    inset = norm.inset_axes((0.56, 0.12, 0.41, 0.3))
    widths = evidence.pick_widths(len(pair))
    for (ds, colour, name), width in zip(pair, widths, strict=True):
        energy, e0 = ds["energy"].values, float(ds["e0"])
        raw.plot(energy, ds["mu"].values[-1], color=colour, linewidth=width, label=name)
        if ds.attrs.get("mode") != "normalised":
            raw.plot(energy, ds["pre_edge"].values[-1], color=colour, linestyle=":", linewidth=0.7)
            raw.plot(
                energy, ds["post_edge"].values[-1], color=colour, linestyle="--", linewidth=0.7
            )
        style.draw_band(
            norm,
            energy,
            ds["flat"].values[-1],
            ds["norm_stderr"].values[-1],
            colour=colour,
            label=name,
            linewidth=width,
        )
        near = np.abs(energy - e0) < 15
        inset.plot(
            energy[near],
            np.gradient(ds["flat"].values[-1], energy)[near],
            color=colour,
            linewidth=0.7 * width,
        )
    e0 = float(pair[0][0]["e0"])
    reach = min(float(ds["energy"][-1]) for ds, _, _ in pair)
    norm.set_xlim(max(e0 - 40, float(pair[0][0]["energy"][0])), min(e0 + 110, reach))
    for axes, word in ((raw, "absorption μ(E)"), (norm, "normalised, flattened μ(E)")):
        axes.set_xlabel("energy (eV)")
        axes.set_ylabel(word)
    raw.legend(loc="center right", bbox_to_anchor=(1.0, 0.3))
    inset.text(
        0.04, 0.95, "dμ/dE (1/eV)", transform=inset.transAxes, va="top", fontsize=style.SMALL - 1
    )
    inset.tick_params(labelsize=style.SMALL - 1)
    inset.locator_params(nbins=3)
    style.write_panel_letter(raw, "a")
    style.write_panel_letter(norm, "b")
    caption = (
        "(a) Merged absorption with pre-edge (dotted) and post-edge curves (dashed). "
        "(b) Normalised and flattened, with 95 % bands of the noise; inset: derivative within 15 "
        "eV of the edge."
    )
    return Drawing(figure=figure, title=f"{title}: absorption edge", caption=caption)


def draw_chi_k(spectra: list[tuple[xr.Dataset, str, str]], title: str) -> Drawing:
    """Return k-weighted chi(k) with bands and the Fourier window."""
    figure = style.make_figure(style.COLUMN, 2.6)
    axes = figure.subplots()
    w = int(spectra[-1][0]["kweight"])
    end = min(float(ds["kmax"]) for ds, _, _ in spectra) + 1.0
    top = 0.0
    widths = evidence.pick_widths(len(spectra))
    for (ds, colour, name), width in zip(spectra, widths, strict=True):
        k = ds["k"].values
        use = (k >= 1.5) & (k <= end)
        curve = (k**w * ds["chi"].values[-1])[use]
        style.draw_band(
            axes,
            k[use],
            curve,
            (k**w * ds["chi_stderr"].values[-1])[use],
            colour=colour,
            label=name,
            linewidth=width,
        )
        top = max(top, float(np.abs(curve[k[use] >= 2.5]).max()))
    shown = spectra[-1][0]
    k = shown["k"].values
    axes.plot(
        k[k <= end],
        1.15 * top * shown["window_k"].values[k <= end],
        color=style.GREY,
        linewidth=0.7,
        label="window",
    )
    axes.set_ylim(-1.3 * top, 1.65 * top)
    axes.set_xlabel("k (1/Å)")
    axes.set_ylabel(f"k$^{w}$ χ(k) (Å$^{{-{w}}}$)")
    axes.legend(ncols=3, loc="upper right", columnspacing=0.8)
    caption = (
        "k-weighted EXAFS of the merged spectra with 95 % bands of the noise carried through the "
        "background operator."
    )
    return Drawing(figure=figure, title=f"{title}: EXAFS", caption=caption)


def draw_chi_r(
    spectra: list[tuple[xr.Dataset, str, str]], comparison: xr.Dataset | None, title: str
) -> Drawing:
    """Return |chi(R)| and Re chi(R) with bands, shells marked."""
    figure = style.make_figure(style.COLUMN, 3.4)
    size, real = figure.subplots(2, 1, sharex=True, height_ratios=(1.5, 1))
    w = int(spectra[-1][0]["kweight"])
    widths = evidence.pick_widths(len(spectra))
    for (ds, colour, name), width in zip(spectra, widths, strict=True):
        r = ds["r"].values
        use = r <= 6
        for axes, what in ((size, "chi_r_magnitude"), (real, "chi_r_real")):
            label = name if axes is size else ""
            style.draw_band(
                axes,
                r[use],
                ds[what].values[-1][use],
                ds[f"{what}_stderr"].values[-1][use],
                colour=colour,
                label=label,
                linewidth=width,
            )
    if comparison is not None:
        for i in range(comparison.sizes["shell"]):
            low, high, at = (float(comparison[v][i]) for v in ("r_low", "r_high", "r_peak"))
            size.axvspan(low + 0.02, high - 0.02, color=style.GREY, alpha=0.12, linewidth=0)
            size.annotate(
                str(i + 1),
                (at, 1.01),
                xycoords=("data", "axes fraction"),
                ha="center",
                va="bottom",
                fontsize=style.SMALL,
            )
    size.set_ylabel(f"|χ(R)| (Å$^{{-{w + 1}}}$)")
    real.set_ylabel(f"Re χ(R) (Å$^{{-{w + 1}}}$)")
    real.set_xlabel("R, no phase correction (Å)")
    size.set_ylim(0, None)
    size.margins(y=0.15)
    size.set_xlim(0, 6)
    size.legend(loc="upper right")
    shown = spectra[-1][0]
    caption = (
        f"Fourier transform of k^{w} chi(k), k {float(shown['kmin']):g}-{float(shown['kmax']):g} "
        "1/angstrom, "
        "with 95 % bands; grey: ranges of the shells compared. Distances are not corrected for "
        "the phase shift."
    )
    return Drawing(figure=figure, title=f"{title}: |χ(R)|", caption=caption)


def draw_ensemble(
    comparison: xr.Dataset, title: str, conclusions: Sequence[Conclusion] = ()
) -> Drawing:
    """Return the paired ratios and edge differences over all processing choices, with the limits of
    the verdicts and the bounds that would matter."""
    told = {row.quantity: row for row in conclusions if row.quantity in ENSEMBLE}
    n = comparison.sizes["shell"]
    figure = style.make_figure(style.PAGE if n else style.COLUMN, 2.5)
    panels = figure.subplots(1, 3, width_ratios=(2, 1, 1)) if n else [None, *figure.subplots(1, 2)]
    if n:
        ratio = comparison["ratio"].values
        _draw_violins(
            panels[0],
            [100 * ratio[:, i] for i in range(n)],
            100 * comparison["ratio_stderr"].values,
            100.0,
        )
        _draw_limits(panels[0], [told.get(f"shell_{i + 1}_ratio") for i in range(n)], 100.0)
        panels[0].set_xticks(range(1, n + 1), [f"shell {i + 1}" for i in range(n)])
        panels[0].set_ylabel("amplitude, after/before (%)")
    for axes, name, error, word in (
        (panels[1], "edge_shift", "edge_shift_stderr", "edge shift (eV)"),
        (panels[2], "white_line_change", "white_line_stderr", "white-line change"),
    ):
        _draw_violins(axes, [comparison[name].values], [float(comparison[error])], 0.0)
        _draw_limits(axes, [told.get(name)], 1.0)
        axes.set_xticks([])
        axes.set_ylabel(word)
    if comparison.attrs.get("alignment") == "none":
        panels[1].set_title("not testable: no common axis", fontsize=style.SMALL, color=style.GREY)
    caption = (
        f"{comparison.sizes['choice']} sets of processing choices (fit ranges, E0, background "
        "distance, k range, "
        "window), each applied to both spectra: the shape is the ensemble, dot and bar are its "
        "median and "
        "the 95 % interval of noise alone; dashed: no change."
    )
    if told:
        caption += (
            " Thick bar: the limits that the verdict rests on, green for retained, vermilion for "
            "changed, grey for inconclusive; blue lines: the bounds within which a change does not "
            "matter."
        )
    return Drawing(figure=figure, title=f"{title}: paired comparison", caption=caption)


def _draw_limits(axes: Any, rows: Sequence[Conclusion | None], scale: float) -> None:
    """Draw the verdict's limits beside each ensemble, and its bounds."""
    for i, row in enumerate(rows, 1):
        if row is None or row.lower95 is None or row.upper95 is None:
            continue
        colour = VERDICT_COLOURS.get(str(row.verdict), style.GREY)
        limits = [scale * row.lower95, scale * row.upper95]
        axes.plot([i + 0.42] * 2, limits, color=colour, linewidth=3.0, solid_capstyle="butt")
        if row.bound is not None:
            middle = row.reference or 0.0
            ends = [scale * (middle - row.bound), scale * (middle + row.bound)]
            axes.hlines(ends, i - 0.45, i + 0.5, color=style.BLUE, linewidth=0.8)
    axes.margins(y=0.08)


def _draw_violins(axes: Any, values: list[np.ndarray], stderr: Any, none: float) -> None:
    for i, (v, s) in enumerate(zip(values, stderr, strict=True), 1):
        v = v[np.isfinite(v)]
        if np.ptp(v) > 0:
            for body in axes.violinplot([v], positions=[i], widths=0.7, showextrema=False)[
                "bodies"
            ]:
                body.set_facecolor(style.SKY)
                body.set_alpha(0.6)
        style.draw_points(axes, [i], [float(np.median(v))], [Z95 * float(s)], colour=style.BLACK)
    axes.axhline(none, color=style.GREY, linestyle="--", linewidth=0.7)
    axes.set_xlim(0.4, len(values) + 0.6)


def draw_mixture(mixture: xr.Dataset, title: str) -> Drawing:
    """Return the merged spectrum with its linear combination and the residual."""
    figure = style.make_figure(style.COLUMN, 3.2)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    energy = mixture["energy"].values
    measured, fitted = mixture["measured"].values[-1], mixture["fitted"].values[-1]
    top.plot(energy, measured, ".", color=style.BLACK, markersize=2.5, label="measured")
    top.plot(energy, fitted, color=style.VERMILION, label="sum of references")
    words = [
        f"{name}: {float(w):.3f} ± {float(s):.3f}"
        for name, w, s in zip(
            mixture["reference"].values,
            mixture["weight"].values[-1],
            mixture["weight_stderr"].values[-1],
            strict=True,
        )
    ]
    top.text(
        0.97,
        0.06,
        "\n".join(words),
        transform=top.transAxes,
        ha="right",
        va="bottom",
        fontsize=style.SMALL,
    )
    bottom.plot(energy, 100 * (measured - fitted), color=style.BLUE)
    bottom.axhline(0, color=style.GREY, linewidth=0.6)
    top.set_ylabel("normalised μ(E)")
    bottom.set_ylabel("residual (%)")
    bottom.set_xlabel("energy (eV)")
    top.legend(loc="upper right")
    bottom.locator_params(axis="x", nbins=5)
    caption = (
        "Linear combination of references with the spectrum's energy axis free; weights with one "
        "standard error."
    )
    return Drawing(figure=figure, title=f"{title}: linear combination", caption=caption)
