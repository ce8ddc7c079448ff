"""The numbers that a figure shows, and what is seen in it, taken from the figure itself: they are
what is drawn."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ssbchar.storage.spreadsheet import escape_cell

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = ("panel", "series", "kind", "x", "y", "y_low", "y_high", "x_end", "y_end", "z")
"""Columns of the table of a figure; what a kind does not have is empty."""
DIGITS = ".9g"
"""Of every number."""
COLOUR_BAR = "<colorbar>"
"""Label that matplotlib gives the axes of a colour bar."""
MOST_NAMED = 8
"""So many series of a panel are named in the words on it."""


@dataclass(frozen=True, kw_only=True)
class PlottedSeries:
    """One series of a panel."""

    panel: str
    name: str
    kind: str
    """`line`, `points`, `band`, `segments`, `bars` or `surface`."""
    rows: list[dict[str, float]]
    """Values by column."""


@dataclass(frozen=True, kw_only=True)
class PlottedMap:
    """A map: a value per cell of a grid, at the cells' centres."""

    panel: str
    x: np.ndarray
    """Shape (columns,)."""
    y: np.ndarray
    """Shape (rows,)."""
    values: np.ndarray
    """Shape (rows, columns)."""


def write_tables(figure: Figure, name: str) -> dict[str, str]:
    """Return the numbers of a figure as CSV by file name: one table of all series, and one per map,
    with x in its first row and y in its first column.

    Parameters
    ----------
    figure : Figure
    name : str
        Of the figure.
    """
    series: list[PlottedSeries] = []
    maps: list[PlottedMap] = []
    for panel, axes in list_panels(figure):
        series += _list_series(axes, panel)
        maps += _list_maps(axes, panel)
    tables = {}
    if series or not maps:
        tables[f"{name}.csv"] = _write_series(series)
    for number, one in enumerate(maps, 1):
        tables[f"{name}.map{number}.csv"] = _write_map(one)
    return tables


def describe_figure(figure: Figure) -> str:
    """Return what is seen in a figure: per panel its axes with their ranges, and its series.

    Parameters
    ----------
    figure : Figure
    """
    parts = []
    panels = list_panels(figure)
    for name, axes in panels:
        x, y = (_describe_axis(axes, which) for which in "xy")
        shown = _name_series(axes)
        what = f": {shown}" if shown else ""
        where = f"Panel {name}: " if len(panels) > 1 else ""
        parts.append(f"{where}{y} against {x}{what}.")
    return " ".join(parts)


def list_axis_labels(figure: Figure) -> dict[str, list[str]]:
    """Return the labels of x and y, str, of each panel of a figure; panels that share an axis have
    one label, wherever it stands.

    Parameters
    ----------
    figure : Figure
    """
    return {
        name: [_find_label(axes, which) for which in "xy"] for name, axes in list_panels(figure)
    }


def list_map_panels(figure: Figure) -> list[str]:
    """Return the panel, str, of each map of a figure, in the order of their tables.

    Parameters
    ----------
    figure : Figure
    """
    return [name for name, axes in list_panels(figure) for _ in _list_maps(axes, name)]


def _find_label(axes: Axes, which: str) -> str:
    sharing = getattr(axes, f"get_shared_{which}_axes")().get_siblings(axes)
    labels = [str(getattr(one, f"get_{which}label")()).strip() for one in (axes, *sharing)]
    return next(filter(None, labels), "")


def list_panels(figure: Figure) -> list[tuple[str, Axes]]:
    """Return the panels of a figure by their letters; hidden ones and colour bars are left out.

    Parameters
    ----------
    figure : Figure
    """
    shown = [axes for axes in figure.axes if axes.get_visible()]
    panels = [axes for axes in shown if axes.get_label() != COLOUR_BAR]
    names = [chr(ord("a") + i) if i < 26 else str(i + 1) for i in range(len(panels))]
    return list(zip(names, panels, strict=True))


def _describe_axis(axes: Axes, which: str) -> str:
    label = str(getattr(axes, f"get_{which}label")()).strip()
    low, high = sorted(getattr(axes, f"get_{which}lim")())
    shown = getattr(axes, f"{which}axis").get_visible() and axes.axison
    ticks = f" from {low:.4g} to {high:.4g}" if shown else ""
    return f"{label or which}{ticks}".replace("$", "")


def _name_series(axes: Axes) -> str:
    """Return the names of the legend's entries, or how many series there are."""
    names = [text for text in axes.get_legend_handles_labels()[1] if not text.startswith("_")]
    if names:
        more = len(names) - MOST_NAMED
        return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
    lines = sum(1 for _ in _list_lines(axes, set()))
    maps = sum(1 for _ in _list_maps(axes, ""))
    if maps:
        return "a colour map"
    return f"{lines} curves" if lines > 1 else ""


def _list_series(axes: Axes, panel: str) -> Iterator[PlottedSeries]:
    """Yield the series of a panel: error bars, lines, bands, points, segments, bars."""
    from matplotlib.container import ErrorbarContainer

    taken: set[Any] = set()
    for container in axes.containers:
        if isinstance(container, ErrorbarContainer):
            data, caps, bars = container.lines
            taken |= {data, *caps, *bars}
            rows = _read_error_bars(data, bars)
            yield PlottedSeries(
                panel=panel, name=_name(container, "points"), kind="points", rows=rows
            )
    for line in _list_lines(axes, taken):
        yield PlottedSeries(
            panel=panel, name=_name(line, "line"), kind="line", rows=_read_line(line)
        )
    for collection in axes.collections:
        if collection not in taken:
            yield from _read_collection(collection, panel)
    boxes: list[Any] = [patch for patch in axes.patches if hasattr(patch, "get_height")]
    if boxes:
        rows = [
            {
                "x": patch.get_x(),
                "y": patch.get_y(),
                "x_end": patch.get_x() + patch.get_width(),
                "y_end": patch.get_y() + patch.get_height(),
            }
            for patch in boxes
        ]
        yield PlottedSeries(panel=panel, name="bars", kind="bars", rows=rows)


def _list_lines(axes: Axes, taken: set[Any]) -> Iterator[Any]:
    """Yield the lines of data; those across a whole panel (a level, a mark) are none."""
    for line in axes.lines:
        in_space = hasattr(line, "get_data_3d")
        if line not in taken and (in_space or line.get_transform() == axes.transData):
            yield line


def _name(artist: Any, kind: str) -> str:
    label = str(artist.get_label())
    return kind if label.startswith("_") or label == "None" else label


def _read_line(line: Any) -> list[dict[str, float]]:
    if hasattr(line, "get_data_3d"):
        x, y, z = (np.asarray(values, float) for values in line.get_data_3d())
        return [{"x": a, "y": b, "z": c} for a, b, c in zip(x, y, z, strict=True)]
    x, y = (np.asarray(values, float) for values in line.get_data(orig=False))
    return [{"x": a, "y": b} for a, b in zip(x, y, strict=True)]


def _read_error_bars(data: Any, bars: Sequence[Any]) -> list[dict[str, float]]:
    """Return points with the ends of their vertical bars; horizontal bars stand as x_end, from the
    point to the end of the bar."""
    found = _read_line(data) if data is not None else []
    by_x: dict[float, list[dict[str, float]]] = defaultdict(list)
    by_y: dict[float, list[dict[str, float]]] = defaultdict(list)
    for row in found:
        by_x[float(row["x"])].append(row)
        by_y[float(row["y"])].append(row)
    for collection in bars:
        for path in collection.get_paths():
            ends = np.asarray(path.vertices, float)
            if len(ends) < 2 or not np.isfinite(ends).all():
                continue
            if ends[0, 0] == ends[-1, 0]:
                _join_bar(by_x, ends[0, 0], ends[[0, -1], 1], ("y_low", "y_high"), "y")
            else:
                _join_bar(by_y, ends[0, 1], ends[[0, -1], 0], ("x_low", "x_end"), "x")
    for row in found:
        row.pop("x_low", None)
    return found


def _join_bar(
    rows: dict[float, list[dict[str, float]]],
    at: float,
    ends: np.ndarray,
    names: tuple[str, str],
    along: str,
) -> None:
    """Write the ends of a bar into the row of its point: of those at its place the first one inside
    that has none."""
    low, high = sorted(ends)
    for row in rows.get(float(at), []):
        if low <= row[along] <= high and names[1] not in row:
            row[names[0]], row[names[1]] = float(low), float(high)
            return


def _read_collection(collection: Any, panel: str) -> Iterator[PlottedSeries]:
    from matplotlib.collections import LineCollection, PathCollection, PolyCollection

    rows: list[dict[str, float]] = []
    kind = ""
    if hasattr(collection, "_vec"):
        # A surface in space: its corners.
        corners = np.asarray(collection._vec, float)[:3].T
        rows = [{"x": a, "y": b, "z": c} for a, b, c in corners]
        kind = "surface"
    elif isinstance(collection, LineCollection):
        for segment in collection.get_segments():
            ends = np.asarray(segment, float)
            if len(ends) > 1:
                rows.append(
                    {
                        "x": ends[0, 0],
                        "y": ends[0, 1],
                        "x_end": ends[-1, 0],
                        "y_end": ends[-1, 1],
                    }
                )
        kind = "segments"
    elif isinstance(collection, PathCollection):
        places = np.ma.getdata(collection.get_offsets()).astype(float)
        values = collection.get_array()
        heights = [None] * len(places) if values is None else np.ravel(values).tolist()
        for (x, y), z in zip(places, heights, strict=True):
            rows.append({"x": x, "y": y} | ({} if z is None else {"z": float(z)}))
        kind = "points"
    elif isinstance(collection, PolyCollection):
        for path in collection.get_paths():
            corners = np.asarray(path.vertices, float)
            for x in np.unique(corners[:, 0]):
                heights_at = corners[corners[:, 0] == x, 1]
                rows.append({"x": x, "y_low": heights_at.min(), "y_high": heights_at.max()})
        kind = "band"
    if rows:
        yield PlottedSeries(panel=panel, name=_name(collection, kind), kind=kind, rows=rows)


def _list_maps(axes: Axes, panel: str) -> Iterator[PlottedMap]:
    from matplotlib.collections import QuadMesh

    for collection in axes.collections:
        if isinstance(collection, QuadMesh):
            edges = np.asarray(collection.get_coordinates(), float)
            shape = (edges.shape[0] - 1, edges.shape[1] - 1)
            values: np.ndarray = np.ma.filled(np.ma.asarray(collection.get_array(), float), np.nan)
            if values.size == shape[0] * shape[1]:
                x = (edges[0, :-1, 0] + edges[0, 1:, 0]) / 2
                y = (edges[:-1, 0, 1] + edges[1:, 0, 1]) / 2
                yield PlottedMap(panel=panel, x=x, y=y, values=values.reshape(shape))
    for image in axes.images:
        values = np.ma.filled(np.ma.asarray(image.get_array(), float), np.nan)
        if values.ndim == 2:
            left, right, bottom, top = image.get_extent()
            if image.origin == "upper":
                bottom, top = top, bottom
            rows, columns = values.shape
            x = left + (np.arange(columns) + 0.5) * (right - left) / columns
            y = bottom + (np.arange(rows) + 0.5) * (top - bottom) / rows
            yield PlottedMap(panel=panel, x=x, y=y, values=values)


def _write_series(series: Sequence[PlottedSeries]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in series:
        begin = [one.panel, escape_cell(one.name), one.kind]
        for row in one.rows:
            writer.writerow([*begin, *(_write_number(row.get(name)) for name in COLUMNS[3:])])
    return out.getvalue()


def _write_number(value: float | None) -> str:
    return "" if value is None or not np.isfinite(value) else format(value, DIGITS)


def _write_map(one: PlottedMap) -> str:
    lines = [",".join(["y \\ x", *(_write_number(value) for value in one.x)])]
    for y, values in zip(one.y, one.values, strict=True):
        cells = ["" if value != value else f"{value:.6g}" for value in values.tolist()]
        lines.append(",".join([_write_number(y), *cells]))
    return "\n".join(lines) + "\n"
