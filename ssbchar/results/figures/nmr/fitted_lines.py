"""Figure of the lines fitted to a decay: components, the weak metal line, residual, table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from ssbchar.nmr.lineshape.dataset import noise_of_spectra
from ssbchar.nmr.lineshape.problem import PhaseModel
from ssbchar.nmr.lineshape.shapes import width_from_parts
from ssbchar.nmr.regions import METAL
from ssbchar.results.figures import style
from ssbchar.results.figures.nmr.look import COLOUR, NAMES, SHIFT, write_error
from ssbchar.statistics import Z95
from ssbchar.storage.store import Drawing
from ssbchar.typing import Index

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ALIGNED = ("right", "right", "right", "right", "left")
"""How the columns of the table are aligned."""
LEAST_SHOWN = 8
"""Points that an inset needs."""


MOST_ROWS = 12
"""Lines of a table in a figure; the report's table has all."""
WEAK = 0.25
"""A metal line whose top is below this part of the spectrum's has an inset of its own [1]."""
WIDTH = 5.4
"""Width of the figure: a column is too narrow for the table [inch]."""
ROW = 0.16
"""Height of a row of the table [inch]."""
COLUMNS = (
    ("shift (ppm)", 0.17),
    ("width (Hz)", 0.31),
    ("C$_Q$ (kHz)", 0.45),
    ("share (%)", 0.65),
    ("assignment", 0.69),
)
"""Heads of the table and where they stand, over the figure's width; the last begins there, the
others end there."""


def draw_fit(lines: xr.Dataset) -> Drawing:
    """Draw the first slice with its components, an inset of a weak metal line, the residual beside
    the noise, and a table of the lines.

    Parameters
    ----------
    lines : Dataset
        From `ssbchar.nmr.lineshape.fit_lines`; shifts in ppm.
    """
    order = _order_lines(lines)
    rows = min(order.size, MOST_ROWS)
    table_height = ROW * (rows + 2)
    figure = style.make_figure(WIDTH, 3.4 + table_height)
    heights = [2.4, 0.9, table_height]
    top, below, table = figure.subplots(3, 1, height_ratios=heights)
    below.sharex(top)
    top.tick_params(labelbottom=False)
    ppm, measured, model = (lines[k].values for k in ("ppm", "measured", "model"))
    unit = float(np.abs(measured[0]).max())
    top.plot(ppm, measured[0] / unit, color=style.GREY, lw=1.6, label="measured")
    top.plot(ppm, model[0] / unit, color=style.BLACK, lw=0.7, label="model")
    seen = set()
    for j, region in enumerate(lines["region_of"].values):
        label = None if region in seen else f"{NAMES[str(region)]} lines"
        seen.add(region)
        component = lines["component_spectrum"].values[j] / unit
        top.plot(ppm, component, color=COLOUR[str(region)], lw=0.8, label=label)
    top.set_ylabel("intensity / maximum")
    figure.legend(loc="outside upper center", ncols=4)
    has_inset = _draw_metal_inset(top, lines, unit)
    noise = 100 * float(noise_of_spectra(lines)[0]) / unit
    below.axhspan(-Z95 * noise, Z95 * noise, color=style.SKY, alpha=0.35, lw=0)
    below.plot(ppm, 100 * (measured[0] - model[0]) / unit, color=style.BLACK, lw=0.5)
    below.axhline(0.0, color=style.GREY, lw=0.5)
    below.set_ylabel("residual (%)")
    below.set_xlabel(SHIFT)
    below.set_xlim(float(ppm.max()), float(ppm.min()))
    _write_table(table, lines, order[:rows])
    per_region = lines.attrs["phases"] == PhaseModel.PER_REGION
    phase = "a phase for each region" if per_region else "one phase"
    origin, chi_square = 1e6 * float(lines["time_origin"]), float(lines["chi2"].values[0])
    caption = (
        f"First slice and the lines fitted to the free induction decay with {phase} and one time "
        f"origin ({origin:.3g} µs); both are transformed in the same way. "
        "Residual in % of the maximum; blue: 95 % of the noise. "
        f"Reduced chi-square {chi_square:.3g}. Table: full width at half maximum, a Gaussian part "
        "in it; C_Q where satellites are fitted; share of the signal with its standard error; what "
        "the line may be by its shift."
    )
    if has_inset:
        caption += " Inset: the metal's line."
    if order.size > rows:
        caption += f" The {order.size - rows} weakest lines stand in the report's table."
    if per_region:
        caption += " Drawn at the strongest line's phase."
    return Drawing(figure=figure, title="Lines fitted in the time domain", caption=caption)


def _order_lines(lines: xr.Dataset) -> Index:
    """Return the lines that are seen, the strongest first."""
    seen = np.flatnonzero(lines["seen"].values > 0)
    return np.asarray(seen[np.argsort(-lines["area"].values[0][seen], kind="stable")])


def _draw_metal_inset(top: Axes, lines: xr.Dataset, unit: float) -> bool:
    """Draw a weak metal line by itself; return whether there is one."""
    of_metal = lines["region_of"].values.astype(str) == METAL
    of_metal &= lines["seen"].values > 0
    if not of_metal.any():
        return False
    ppm = lines["ppm"].values
    component = lines["component_spectrum"].values[of_metal].sum(axis=0) / unit
    highest = float(component.max())
    if not 0 < highest < WEAK:
        return False
    centre = float(ppm[component.argmax()])
    wide = np.abs(ppm[component > highest / 2] - centre)
    reach = max(6 * float(wide.max(initial=0.0)), 12.0)
    shown = np.abs(ppm - centre) <= reach
    if shown.sum() < LEAST_SHOWN:
        return False
    inset = top.inset_axes((0.07, 0.42, 0.34, 0.5))
    for name, colour, width in (("measured", style.GREY, 1.4), ("model", style.BLACK, 0.7)):
        inset.plot(ppm[shown], lines[name].values[0][shown] / unit, color=colour, lw=width)
    inset.plot(ppm[shown], component[shown], color=COLOUR[METAL], lw=0.8)
    inset.set_xlim(centre + reach, centre - reach)
    inset.margins(y=0.12)
    inset.tick_params(labelsize=style.SMALL - 1.5, pad=1.5)
    inset.locator_params(nbins=3)
    return True


def _write_table(table: Axes, lines: xr.Dataset, order: Index) -> None:
    """Write the lines as a table: shift, width, C_Q, share, assignment."""
    table.set_axis_off()
    table.set_xlim(0, 1)
    # The last row is left free: the mark of synthetic data stands there.
    table.set_ylim(order.size + 2, 0)
    total = float(lines["area"].values[0].sum())
    for (head, place), align in zip(COLUMNS, ALIGNED, strict=True):
        table.text(place, 0.5, head, ha=align, va="center", fontsize=style.SMALL - 1)
    table.axhline(0.98, color=style.GREY, lw=0.5)
    for row, j in enumerate(order, 1):
        width = width_from_parts(
            float(lines["fwhm_lorentz"].values[j]), float(lines["fwhm_gauss"].values[j])
        )
        coupling = float(lines["coupling"].values[j])
        share, error = (
            100 * float(lines[name].values[0][j]) / total for name in ("area", "area_stderr")
        )
        cells = (
            write_error(float(lines["shift"].values[j]), float(lines["shift_stderr"].values[j])),
            f"{width:.0f}",
            f"{1e-3 * coupling:.1f}" if np.isfinite(coupling) else "–",
            write_error(share, error),
            str(lines["assignment"].values[j]),
        )
        colour = COLOUR[str(lines["region_of"].values[j])]
        for cell, (_, place), align in zip(cells, COLUMNS, ALIGNED, strict=True):
            table.text(
                place,
                row + 0.5,
                cell,
                ha=align,
                va="center",
                color=colour,
                fontsize=style.SMALL - 1,
            )
