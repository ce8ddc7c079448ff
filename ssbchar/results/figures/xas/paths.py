"""The fit of scattering paths: k space and R space with the residual, and each shell's
parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssbchar.results.figures import style
from ssbchar.statistics import Z95
from ssbchar.storage.store import Drawing

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

KINDS = (("number", "neighbours"), ("distance", "R − crystal (Å)"), ("displacement", "σ² (Å²)"))


def draw_path_fit(fit: xr.Dataset, title: str) -> Drawing:
    """Return chi(k), |chi(R)| and Re chi(R) with the fit, and the parameters of each shell with 95
    % bars."""
    count = fit.sizes["part"]
    figure = style.make_figure(style.PAGE, 3.6 + 1.0 * (count - 1))
    parts = np.asarray(figure.subfigures(2, 1, height_ratios=(1.7 + 0.8 * (count - 1), 1)))
    above, below = parts.tolist()
    in_k, in_r = above.subplots(1, 2)
    spread = {"k": 0.0, "r": 0.0}
    colours = (style.BEFORE, style.AFTER) if count > 1 else (style.BLACK,)
    for i in reversed(range(count)):
        spread["k"] = draw_k_space(in_k, fit, i, colours[i], spread["k"])
        spread["r"] = draw_r_space(in_r, fit, i, colours[i], spread["r"])
    for axes in (in_k, in_r):
        axes.set_yticks([])
    w = int(fit.attrs["fit_kweight"])
    in_k.set(xlabel="k (1/Å)", ylabel=f"k$^{w}$ χ(k), offset")
    in_r.set(xlabel="R, no phase correction (Å)", ylabel=f"χ(R) (Å$^{{-{w + 1}}}$), offset")
    style.write_panel_letter(in_k, "a")
    style.write_panel_letter(in_r, "b")
    for axes, letter, (kind, word) in zip(below.subplots(1, len(KINDS)), "cde", KINDS, strict=True):
        draw_parameters(axes, fit, kind, word, colours)
        style.write_panel_letter(axes, letter)
    labels = [str(p) for p in fit["part"].values]
    who = f"Black: {labels[0]}, red: {labels[1]}. " if count > 1 else ""
    r_factors = ", ".join(f"{float(x):.2g}" for x in fit["r_factor"])
    caption = (
        f"(a) k^{w} chi(k) (dots), the fit, and the residual below, which includes signal outside "
        "the fitted range in R. (b) |chi(R)| and its real part with the fit; below, the magnitude "
        f"of the residual. Grey: fit ranges. {who}"
        f"Paths: {fit.attrs['made']} (phase {fit.attrs['phase']}). "
        "(c-e) Parameters with 95 % bars, scaled by the root of the reduced chi-square "
        f"{float(fit['reduced_chi_square']):.3g}; dashes: the crystal. R factor {r_factors}."
    )
    return Drawing(figure=figure, title=f"{title}: fit of scattering paths", caption=caption)


def draw_k_space(axes: Axes, fit: xr.Dataset, i: int, colour: str, base: float) -> float:
    """Draw data, fit and residual of one part above `base`; return where the next one begins."""
    w, low, high = (
        int(fit.attrs["fit_kweight"]),
        float(fit.attrs["fit_kmin"]),
        float(fit.attrs["fit_kmax"]),
    )
    k = fit["k"].values
    use = (k >= max(low - 1, 0.5)) & (k <= high + 0.5)
    weight = k[use] ** w
    data, model = weight * fit["chi"].values[i][use], weight * fit["model"].values[i][use]
    top = float(np.abs(data[k[use] >= low]).max())
    axes.plot(k[use], base + 2.9 * top + data, ".", color=colour, markersize=2)
    axes.plot(k[use], base + 2.9 * top + model, color=style.BLUE)
    axes.plot(k[use], base + 0.8 * top + data - model, color=style.GREEN, linewidth=0.7)
    axes.axhline(base + 0.8 * top, color=style.GREY, linewidth=0.5)
    if fit.sizes["part"] > 1:
        name = str(fit["part"].values[i])
        axes.text(
            0.98,
            base + 3.5 * top,
            name,
            transform=axes.get_yaxis_transform(),
            ha="right",
            va="bottom",
            fontsize=style.SMALL,
            color=colour,
        )
    if not base:
        axes.axvspan(low, high, color=style.GREY, alpha=0.1, linewidth=0)
    return base + 4.3 * top


def draw_r_space(axes: Axes, fit: xr.Dataset, i: int, colour: str, base: float) -> float:
    """Draw magnitude, real part and residual in R of one part above `base`; return where the next
    one begins."""
    r = fit["r"].values
    data, model = (
        fit[f"{n}_r_real"].values[i] + 1j * fit[f"{n}_r_imag"].values[i] for n in ("chi", "model")
    )
    top = float(np.abs(data).max())
    for level, curve in ((2.6, np.abs), (1.3, np.real)):
        axes.plot(r, base + level * top + curve(data), ".", color=colour, markersize=2)
        axes.plot(r, base + level * top + curve(model), color=style.BLUE)
    axes.plot(r, base + np.abs(data - model), color=style.GREEN, linewidth=0.8)
    for level in (0.0, 1.3, 2.6):
        axes.axhline(base + level * top, color=style.GREY, linewidth=0.5)
    axes.text(0.06, base + 2.68 * top, "|χ(R)|", ha="left", va="bottom", fontsize=style.SMALL)
    axes.text(0.06, base + 1.4 * top, "Re χ(R)", ha="left", va="bottom", fontsize=style.SMALL)
    axes.text(
        0.06,
        base + 0.08 * top,
        "|residual|",
        ha="left",
        va="bottom",
        fontsize=style.SMALL,
        color=style.GREEN,
    )
    axes.set_xlim(0, 6)
    if not base:
        axes.axvspan(
            float(fit.attrs["fit_rmin"]),
            float(fit.attrs["fit_rmax"]),
            color=style.GREY,
            alpha=0.1,
            linewidth=0,
        )
    return base + 3.8 * top


def draw_parameters(
    axes: Axes, fit: xr.Dataset, kind: str, word: str, colours: tuple[str, ...]
) -> None:
    """Draw one parameter of every shell, of each part."""
    count, shells = fit.sizes["part"], fit.sizes["shell"]
    crystal = f"crystal_{kind}"
    base = fit[crystal].values if crystal in fit else np.zeros(shells)
    shown = base if kind == "distance" else np.zeros(shells)
    for i, colour in enumerate(colours):
        place = np.arange(shells) + 0.24 * (i - (count - 1) / 2)
        values = fit[kind].values[i] - shown
        style.draw_points(axes, place, values, Z95 * fit[f"{kind}_stderr"].values[i], colour=colour)
    if crystal in fit:
        for j in range(shells):
            axes.plot(
                [j - 0.35, j + 0.35],
                [base[j] - shown[j]] * 2,
                color=style.GREY,
                linestyle="--",
                linewidth=0.7,
            )
    axes.set_xticks(range(shells), [str(s) for s in fit["shell"].values])
    axes.set_xlim(-0.6, shells - 0.4)
    axes.set(xlabel="shell (Å)", ylabel=word)
    axes.margins(y=0.18)
    if kind != "distance":
        axes.set_ylim(min(0.0, axes.get_ylim()[0]), None)
