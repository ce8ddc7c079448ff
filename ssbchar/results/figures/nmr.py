"""Figures of one NMR measurement: spectra with their windows, the fit with its residual, decays with bands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ssbchar.conclusion import Z95, Conclusion
from ssbchar.nmr import law as laws
from ssbchar.nmr.options import LI_SI, METAL
from ssbchar.results.figures import style
from ssbchar.store import Drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAMES = {METAL: "Li metal", LI_SI: "Li-Si", "outside": "other"}
COLOUR = {METAL: style.VERMILION, LI_SI: style.BLUE, "outside": style.GREEN}
SHIFT = r"$^7$Li shift (ppm vs. LiCl(aq))"
MOST = 10
"""Most spectra in a stack; of a longer series every n-th."""


def draw(lines: xr.Dataset, spectrum: xr.Dataset, decay: xr.Dataset | None = None) -> dict[str, Drawing]:
    """Draw one measurement.

    Parameters
    ----------
    lines : Dataset
        From `ssbchar.nmr.lines.fit`.
    spectrum : Dataset
        From `ssbchar.nmr.spectrum.spectrum`.
    decay : Dataset, optional
        From `ssbchar.nmr.decay.fit`.
    """
    drawings = {"spectra": _spectra(spectrum), "fit": _fit(lines)}
    if decay is not None:
        drawings["decay"] = _decay(decay)
    return drawings


def _windows(axes: Axes, spectrum: xr.Dataset) -> None:
    edges = np.reshape(spectrum.attrs["windows"], (-1, 2))
    for region, (low, high) in zip(spectrum["region"].values, np.sort(edges, axis=1), strict=True):
        axes.axvspan(low, high, color=COLOUR[str(region)], alpha=0.10, linewidth=0)
        axes.text(
            (low + high) / 2, 0.99, NAMES[str(region)], transform=axes.get_xaxis_transform(), ha="center", va="top",
            color=COLOUR[str(region)], fontsize=style.SMALL,
        )  # fmt: skip


def _spectra(spectrum: xr.Dataset) -> Drawing:
    """Draw the stack of phased spectra with the integration windows."""
    count = spectrum.sizes["slice"]
    chosen = np.unique(np.linspace(0, count - 1, min(count, MOST)).astype(int))
    height = 2.4 if count == 1 else 1.4 + 0.28 * len(chosen)
    figure = style.figure(style.COLUMN, height)
    axes = figure.add_subplot()
    scale = float(np.abs(spectrum["real"].values[chosen]).max())
    step = 0.0 if count == 1 else 0.35
    for place, (i, colour) in enumerate(zip(chosen, style.sequence(len(chosen)), strict=True)):
        axes.plot(spectrum["ppm"], spectrum["real"].values[i] / scale + step * place, color=colour, lw=0.7)
        if count > 1:
            axes.text(
                0.99, step * place + 0.03, f"{1e6 * float(spectrum['decay_time'].values[i]):.4g} µs", ha="right",
                va="bottom", transform=axes.get_yaxis_transform(), fontsize=style.SMALL - 1, color=colour,
            )  # fmt: skip
    _windows(axes, spectrum)
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.08 * (high - low))
    axes.set_xlim(float(spectrum["ppm"].max()), float(spectrum["ppm"].min()))
    axes.set_xlabel(SHIFT)
    axes.set_ylabel("intensity / maximum" + (" (offset)" if count > 1 else ""))
    caption = (
        f"Spectra after {float(spectrum.attrs['broadening']):g} Hz exponential broadening, zero- and first-order phase"
        " and a polynomial baseline; shaded: integration windows."
        + (" Right: decay time of each slice." if count > 1 else "")
    )
    return Drawing(figure, "7Li spectra and integration windows", caption)


def _fit(lines: xr.Dataset) -> Drawing:
    """Draw the first slice with its components and the residual in units of noise."""
    figure = style.figure(style.COLUMN, 3.2)
    top, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    ppm, measured, model = (lines[k].values for k in ("ppm", "measured", "model"))
    unit = float(np.abs(measured[0]).max())
    top.plot(ppm, measured[0] / unit, color=style.GREY, lw=1.6, label="measured")
    top.plot(ppm, model[0] / unit, color=style.BLACK, lw=0.7, label="model")
    seen = set()
    for j, region in enumerate(lines["region_of"].values):
        label = None if region in seen else f"{NAMES[str(region)]} lines"
        seen.add(region)
        top.plot(ppm, lines["component_spectrum"].values[j] / unit, color=COLOUR[str(region)], lw=0.8, label=label)
    top.set_ylabel("intensity / maximum")
    top.legend(loc="upper left")
    below.plot(ppm, 100 * (measured[0] - model[0]) / unit, color=style.BLACK, lw=0.5)
    below.axhline(0.0, color=style.GREY, lw=0.5)
    below.set_ylabel("residual (%)")
    below.set_xlabel(SHIFT)
    below.set_xlim(float(ppm.max()), float(ppm.min()))
    caption = (
        "First slice against the lines fitted to the free induction decay with one phase and one time origin"
        f" ({1e6 * float(lines['time_origin']):.3g} µs); both transformed alike. Below: residual, % of the maximum."
        f" Reduced chi-square {float(lines['chi2'].values[0]):.3g}."
    )
    return Drawing(figure, "Lines fitted in the time domain", caption)


def _decay(decay: xr.Dataset) -> Drawing:
    """Draw the areas over decay time with the fitted laws and their 95 % bands."""
    figure = style.figure(style.COLUMN, 2.6)
    axes = figure.add_subplot()
    time = decay["decay_time"].values
    for r, region in enumerate(decay["region"].values):
        area, stderr = decay["decay_area"].values[:, r], decay["decay_area_stderr"].values[:, r]
        first = float(np.abs(area).max()) or 1.0
        colour, verdict = COLOUR[str(region)], str(decay["verdict"].values[r])
        label = NAMES[str(region)]
        if verdict == "ok":
            t2, error = float(decay["t2_star"].values[r]), float(decay["t2_star_stderr"].values[r])
            label += f", T2* = {1e6 * t2:.4g} ± {1e6 * error:.2g} µs"
            grid = np.linspace(0.0, float(np.nanmax(time)), 200)
            middle, half = _law(decay, r, grid)
            style.band(axes, 1e6 * grid, middle / first, half / first, colour)
        else:
            label += f": {verdict}"
        style.points(axes, 1e6 * time, area / first, stderr / first, colour, label)
    axes.set_xlabel("decay time (µs)")
    axes.set_ylabel("area / largest")
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    axes.legend(loc="upper right")
    caption = (
        f"Areas over the decay time {decay.attrs.get('decay_axis', '')}; curves: fitted law with its 95 % band."
        " A region without a curve has a verdict instead of a T2*."
    )
    return Drawing(figure, "Decay of each region", caption)


def _law(decay: xr.Dataset, r: int, grid: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the fitted law on a grid and its standard error from the stored covariance."""
    i0, t2, b = (float(decay[k].values[r]) for k in ("amplitude", "t2_star", "exponent"))
    value = laws.amplitude(grid, i0, t2, b)
    with np.errstate(divide="ignore", invalid="ignore"):
        u = (grid / t2) ** b
        by_b = np.where(grid > 0, -value * u * np.log(np.maximum(grid, 1e-300) / t2), 0.0)
    slope = np.stack([value / i0, value * u * b / t2, by_b])
    return value, np.sqrt(np.einsum("ig,ij,jg->g", slope, decay["covariance"].values[r], slope))


def compare(conclusions: list[list[Conclusion]]) -> dict[str, Drawing]:
    """Draw the shares of several samples beside each other, raw and corrected, with the bracket of conventions.

    Parameters
    ----------
    conclusions : list of list of Conclusion
        From `ssbchar.nmr.quantify.fractions`, one list per sample.
    """
    rows = [c for each in conclusions for c in each if c.subject == METAL and c.quantity == "li_metal_fraction"]
    samples = list(dict.fromkeys(c.sample for c in rows))
    drawings = {"fractions": _fractions(rows, samples)}
    drift = [c for each in conclusions for c in each if c.quantity == "drift" and c.value is not None]
    if drift:
        drawings["drift"] = _drift(drift)
    return drawings


def _fractions(rows: list[Conclusion], samples: list[str]) -> Drawing:
    figure = style.figure(4.8, 1.3 + 0.32 * len(samples))
    axes = figure.add_subplot()
    names = {"raw": "raw", "bracket": "conventions", "corrected": "corrected"}
    for y, sample in enumerate(samples):
        mine = {c.condition: c for c in rows if c.sample == sample}
        bracket = [c.value for k, c in mine.items() if k.startswith("corrected, t = ") and c.value is not None]
        if bracket:
            axes.plot([min(bracket), max(bracket)], [y - 0.15] * 2, color=style.SKY, lw=5, alpha=0.6,
                      solid_capstyle="butt", label=names.pop("bracket", None))  # fmt: skip
        for key, dy, colour, marker in (("raw", 0.15, style.BLACK, "o"), ("corrected", -0.15, style.VERMILION, "s")):
            row = mine.get(key)
            if row is None:
                continue
            if row.value is None:
                if row.lower95 is not None and row.upper95 is not None:
                    axes.plot([row.lower95, row.upper95], [y + dy] * 2, color=colour, lw=1.2, marker="|")
                axes.text(
                    0.02, y + dy, "N/A; interval only", ha="left", va="center", fontsize=style.SMALL, color=colour,
                    transform=axes.get_yaxis_transform(),
                )  # fmt: skip
                continue
            axes.errorbar(
                row.value, y + dy, xerr=np.hypot(row.stderr or 0.0, row.systematic or 0.0), fmt=marker, color=colour,
                elinewidth=0.8, markeredgewidth=0, label=names.pop(key, None),
            )  # fmt: skip
    axes.set_yticks(range(len(samples)), samples)
    axes.set_ylim(len(samples) - 0.5, -0.5)
    axes.set_xscale("symlog", linthresh=10.0)
    ticks = [0, 2, 4, 6, 8, 10, 20, 50, 100]
    axes.set_xticks(ticks, [str(t) for t in ticks])
    axes.set_xticks([], minor=True)
    axes.set_xlim(0, 110)
    axes.set_xlabel("Li metal, share of the signal (%)")
    figure.legend(loc="outside upper center", ncols=3)
    caption = (
        "Li-metal share of each sample: raw at the first echo and corrected to zero delay; bars: one standard error"
        " with the systematic one. Blue: what the conventions of time (TR, 2TR, 2TR + pulses) and exponent span."
        " The axis is linear up to 10 % and logarithmic above."
    )
    return Drawing(figure, "Li metal left in each sample", caption)


def _drift(rows: list[Conclusion]) -> Drawing:
    figure = style.figure(4.8, 1.2 + 0.3 * len(rows))
    axes = figure.add_subplot()
    for y, row in enumerate(rows):
        colour = style.VERMILION if row.verdict == "evolving" else style.BLACK
        axes.errorbar(row.value or 0.0, y, xerr=Z95 * (row.stderr or 0.0), fmt="o", color=colour, markeredgewidth=0)
    axes.axvline(0.0, color=style.GREY, lw=0.6)
    axes.set_yticks(range(len(rows)), [f"{r.sample}: {r.verdict}" for r in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel("change of the Li-Si share (%/h)")
    caption = "Slope of the Li-Si share over the acquisition times of repeated spectra, with its 95 % interval."
    return Drawing(figure, "Samples that change while measured", caption)
