"""Cells and expansion of every phase against temperature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ssbchar.hexrd.expansion.cell_parameters import USABLE_VERDICTS
from ssbchar.hexrd.furnace.segments import SegmentKind, kind_from_name
from ssbchar.results.figures import style
from ssbchar.results.figures.hexrd.series_axes import SeriesAxes, split_pages
from ssbchar.statistics import Z95
from ssbchar.storage.store import Drawing
from ssbchar.typing import Array

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PARAMETERS = ("a", "b", "c", "alpha", "beta", "gamma", "volume")
LABELS = {
    "a": "a (Å)",
    "b": "b (Å)",
    "c": "c (Å)",
    "alpha": "α (°)",
    "beta": "β (°)",
    "gamma": "γ (°)",
    "volume": "V (Å³)",
}
AXIS_COLOURS = {"a": style.BLUE, "b": style.GREEN, "c": style.VERMILION, "volume": style.BLACK}
MARKS = {
    SegmentKind.HEATING: "o",
    SegmentKind.COOLING: "s",
    SegmentKind.HOLD: "^",
    SegmentKind.NONE: "o",
}
"""Marker of each kind of segment."""
SIDE_BY_SIDE = 3
"""Phases in one figure."""
WIDEST_BAND = 0.25
"""Width of a smooth cell's 95 % band, over the range of the cells, above which it is not drawn
[1]."""


def draw_cells(at: SeriesAxes, cells: xr.Dataset, expansion: xr.Dataset) -> dict[str, Drawing]:
    """Return figures of cell parameters and volume against temperature, three phases in each."""
    names = [
        n for n in cells["phase"].values.astype(str) if np.any(_is_present(cells.sel(phase=n)))
    ]
    return {
        name: _draw_cells_page(at, cells, expansion, shown)
        for name, shown in split_pages(names, SIDE_BY_SIDE, "lattice")
    }


def _is_present(phase: xr.Dataset) -> NDArray[np.bool_]:
    """Return the frames in which a phase is present with a cell."""
    return np.asarray((phase["present"].values == 1) & np.isfinite(phase["volume"].values))


def _list_free_parameters(phase: xr.Dataset) -> list[str]:
    """Return the parameters that are refined on their own: those with an error, equal ones named
    once, and volume."""
    there = _is_present(phase)
    cell, stderr = phase["cell"].values[there], phase["cell_stderr"].values[there]
    kept: list[int] = []
    for i in range(6):
        varies = np.any(np.nan_to_num(stderr[:, i]) > 0)
        if varies and not any(
            np.allclose(cell[:, i], cell[:, j], rtol=1e-12, atol=0) for j in kept
        ):
            kept.append(i)
    return [*(PARAMETERS[i] for i in kept), "volume"]


def _draw_cells_page(
    at: SeriesAxes, cells: xr.Dataset, expansion: xr.Dataset, names: list[str]
) -> Drawing:
    rows = {name: _list_free_parameters(cells.sel(phase=name)) for name in names}
    deep = max(map(len, rows.values()))
    figure = style.make_figure(
        min(style.PAGE, style.COLUMN + 2.2 * (len(names) - 1)), 0.9 + 1.35 * deep
    )
    panels = figure.subplots(deep, len(names), squeeze=False)
    for column, name in enumerate(names):
        phase = cells.sel(phase=name)
        places = [*range(len(rows[name]) - 1), deep - 1]  # volumes side by side in the last row
        for row in set(range(deep)) - set(places):
            panels[row, column].set_visible(False)
        for row, parameter in zip(places, rows[name], strict=True):
            _draw_cell_panel(panels[row, column], at, phase, expansion, parameter)
            panels[row, column].tick_params(labelbottom=row == deep - 1)
        panels[0, column].set_title(name, color=at.colours[name])
        panels[-1, column].set_xlabel(_label_abscissa(at))
    _draw_legend(figure, panels.ravel(), 4)
    caption = (
        f"Cell parameters and volume of {', '.join(names)} in each frame where the phase is "
        "present, with one standard "
        "error. Circles: heating; hollow squares: cooling; crosses: left out of the expansion by "
        "their verdict. "
        "Bands: fitted expansion, 95 %. Dotted: one smooth cell(T) fitted to all frames jointly, "
        "with the 95 % band within which it holds the cells of weak phases; left out where that "
        "band is wider than the range of the cells."
    )
    return Drawing(
        figure=figure, title="Cells against temperature: " + ", ".join(names), caption=caption
    )


def _draw_legend(figure: Figure, panels: Iterable[Axes], columns: int) -> None:
    """Put one legend for all panels below them."""
    entries = {
        text: handle
        for axes in panels
        for handle, text in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(list(entries.values()), list(entries), loc="outside lower center", ncols=columns)


def _label_abscissa(at: SeriesAxes) -> str:
    return "Temperature (°C)" if at.has_programme else at.label


def _choose_abscissa(at: SeriesAxes) -> Array:
    return at.temperature if at.has_programme else at.along


def _draw_cell_panel(
    axes: Axes, at: SeriesAxes, phase: xr.Dataset, expansion: xr.Dataset, name: str
) -> None:
    """Draw one parameter of one phase: points by segment, curve with band, those left out as
    crosses."""
    if name == "volume":
        value, stderr = phase["volume"].values, phase["volume_stderr"].values
    else:
        chosen = phase.isel(axis=PARAMETERS.index(name))
        value, stderr = chosen["cell"].values, chosen["cell_stderr"].values
    there = _is_present(phase)
    good = there & np.isin(phase["verdict"].values.astype(str), USABLE_VERDICTS)
    x = _choose_abscissa(at)
    for segment in dict.fromkeys(at.segment):
        own = good & (at.segment == segment)
        if own.any():
            colour, mark = style.SEGMENTS.get(segment, style.BLACK), MARKS.get(segment, "o")
            hollow = (
                {"markerfacecolor": "none", "markeredgewidth": 0.6}
                if segment == SegmentKind.COOLING
                else {}
            )
            size = 2.8 if own.sum() < 100 else 2.0
            label = segment if segment != SegmentKind.NONE else "no segment"
            style.draw_points(
                axes,
                x[own],
                value[own],
                stderr[own],
                colour=colour,
                label=label,
                marker=mark,
                markersize=size,
                **hollow,
            )
    left = there & ~good
    if left.any():
        axes.plot(
            x[left],
            value[left],
            "x",
            color=style.GREY,
            markersize=3,
            markeredgewidth=0.7,
            label="left out",
        )
    joint, joint_stderr = _leave_out_vague(*_select_joint_cell(phase, name), value[there])
    for segment in (SegmentKind.HEATING, SegmentKind.COOLING, SegmentKind.NONE):
        own = (at.segment == segment) & np.isfinite(joint)
        if own.any():
            style.draw_band(
                axes,
                x[own],
                joint[own],
                joint_stderr[own],
                colour=style.GREEN,
                label="joint cell(T), 95 %",
                linestyle=":",
                linewidth=0.8,
                zorder=1.5,
            )
    if at.has_programme:
        for segment, curve in _select_curves(expansion, str(phase["phase"].values)):
            _draw_curve(
                axes,
                curve.sel(axis=name),
                "cell",
                colour=style.SEGMENTS.get(kind_from_name(segment), style.BLACK),
            )
    if good.any():
        reach = (
            5 * float(np.ptp(value[good])) if good.sum() > 3 else np.inf
        )  # wild points that are left out stay out
        seen = value[good | (left & (np.abs(value - np.median(value[good])) <= reach))]
        room = 0.08 * float(np.ptp(seen)) + 3 * float(np.nanmedian(stderr[good]))
        axes.set_ylim(np.min(seen) - room, np.max(seen) + room)
    axes.set_ylabel(LABELS[name])
    axes.margins(x=0.03)


def _select_joint_cell(phase: xr.Dataset, name: str) -> tuple[Array, Array]:
    """Return the smooth cell of the whole series where the phase is present, and its standard
    deviation; NaN where there is none."""
    if "cell_joint" not in phase:
        nothing = np.full(phase.sizes["frame"], np.nan)
        return nothing, nothing
    if name == "volume":
        value = phase["volume_joint"].values
        lengths = phase.isel(axis=slice(0, 3))
        # Lengths that symmetry ties vary together: the sum is what the volume can vary by at most.
        relative = lengths["cell_joint_stderr"].values / lengths["cell_joint"].values
        stderr = value * np.nan_to_num(relative).sum(axis=1)
    else:
        own = phase.isel(axis=PARAMETERS.index(name))
        value, stderr = own["cell_joint"].values, np.nan_to_num(own["cell_joint_stderr"].values)
    return np.where(_is_present(phase), value, np.nan), stderr


def _leave_out_vague(value: Array, stderr: Array, cells: Array) -> tuple[Array, Array]:
    """Return a smooth cell with its errors, NaN where its band covers much of the range of the
    cells: a curve through few frames says less than its points."""
    shown = cells[np.isfinite(cells)]
    if not shown.size or not np.isfinite(value).any():
        return value, stderr
    width = 2 * Z95 * float(np.median(stderr[np.isfinite(value)]))
    is_vague = width > WIDEST_BAND * np.ptp(shown)
    return (np.full_like(value, np.nan) if is_vague else value), stderr


def _select_curves(expansion: xr.Dataset, phase: str) -> list[tuple[str, xr.Dataset]]:
    """Return the segments on which a phase has a fitted curve."""
    if "cell" not in expansion or phase not in expansion["phase"].values.astype(str):
        return []
    own = expansion.sel(phase=phase)
    return [
        (str(segment), own.sel(segment=segment))
        for segment in own["segment"].values
        if bool(np.isfinite(own["linear_expansion"].sel(segment=segment)).any())
    ]


def _draw_curve(
    axes: Axes, curve: xr.Dataset, name: str, colour: str, scale: float = 1.0, **line: Any
) -> None:
    known = np.isfinite(curve[name].values)
    style.draw_band(
        axes,
        curve["temperature"].values[known],
        scale * curve[name].values[known],
        scale * curve[f"{name}_stderr"].values[known],
        colour=colour,
        linewidth=0.8,
        **line,
    )


def draw_expansion(table: xr.Dataset, colours: Mapping[str, str]) -> dict[str, Drawing]:
    """Return figures of the linear expansion of each axis with its band, heating and cooling, three
    phases in each; ``colours`` are those of the phases."""
    names = [name for name in table["phase"].values.astype(str) if _select_curves(table, name)]
    return {
        name: _draw_expansion_page(table, shown, colours)
        for name, shown in split_pages(names, SIDE_BY_SIDE, "expansion")
    }


def _draw_expansion_page(
    table: xr.Dataset, names: list[str], colours: Mapping[str, str]
) -> Drawing:
    figure = style.make_figure(min(style.PAGE, style.COLUMN + 2.0 * (len(names) - 1)), 3.2)
    panels = figure.subplots(1, len(names), squeeze=False)[0]
    for axes, name in zip(panels, names, strict=True):
        reacting = []
        for segment, curve in _select_curves(table, name):
            dashes = "--" if kind_from_name(segment) == SegmentKind.COOLING else "-"
            for axis in _list_different_axes(curve):
                label = f"{axis if axis != 'volume' else 'V/3'}, {segment}"
                third = 1 / 3 if axis == "volume" else 1.0
                own = curve.sel(axis=axis)
                _draw_curve(
                    axes,
                    own,
                    "linear_expansion",
                    colour=AXIS_COLOURS[axis],
                    scale=1e6 * third,
                    label=label,
                    linestyle=dashes,
                )
            if kind_from_name(segment) == SegmentKind.HEATING:
                reacting.append(float(curve["reacting_from"]))
        for start in filter(np.isfinite, reacting):
            axes.axvspan(start, axes.get_xlim()[1], color="#eeeeee", zorder=0, label="reacting")
        axes.set_xlabel("Temperature (°C)")
        axes.set_title(name, color=colours[name])
        axes.axhline(0, color=style.GREY, linewidth=0.5, zorder=0)
        axes.margins(x=0)
    _draw_legend(figure, panels, 4)
    panels[0].set_ylabel(r"Expansion coefficient (10$^{-6}$ K$^{-1}$)")
    caption = (
        "Linear expansion coefficient (1/L) dL/dT of each free axis, and a third of the volume's "
        "(V/3), of "
        + ", ".join(names)
        + f" with 95 % bands; heating full, cooling dashed; model: {table.attrs.get('model', '')}. "
        "Shaded: the phase is already reacting on heating."
    )
    return Drawing(figure=figure, title="Thermal expansion: " + ", ".join(names), caption=caption)


def _list_different_axes(curve: xr.Dataset) -> list[str]:
    """Return the axes that expand on their own, equal ones named once, and the volume where they
    differ."""
    kept: list[str] = []
    for axis in ("a", "b", "c"):
        values = curve["linear_expansion"].sel(axis=axis).values
        if np.isfinite(values).any() and not any(
            np.allclose(
                values, curve["linear_expansion"].sel(axis=k).values, rtol=1e-9, equal_nan=True
            )
            for k in kept
        ):
            kept.append(axis)
    return [*kept, "volume"] if len(kept) > 1 else kept
