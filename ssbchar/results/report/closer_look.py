"""The curves and maps of figures as data of the page, so that they can be zoomed and read off
there: what is drawn, from the numbers beside each figure.

The static figures stay. Only dense curves (patterns, spectra) are taken: of points that are few, a
figure shows all there is. The library that draws curves is uPlot, in the page with its licence;
maps are painted by the page's own script.
"""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ssbchar.typing import Array

FOLDER = Path(__file__).parent / "uplot"
LIBRARY, STYLE, LICENCE = FOLDER / "uPlot.iife.min.js", FOLDER / "uPlot.min.css", FOLDER / "LICENSE"
DENSE = 150
"""Points of a curve from which looking closer helps."""
MOST_SERIES = 12
"""Series of a panel beyond which they cannot be told apart by colour."""
KINDS = ("line", "points")
MOST_ROWS, MOST_COLUMNS = 150, 320
"""Cells of a map at most; larger ones are averaged."""
LEVELS = 2**16 - 1
"""Steps between the lowest and the highest value of a map; 0 stands for no value."""
SHOWN = (1.0, 99.5)
"""Percentiles of a map's values between which its colours run."""


@dataclass(kw_only=True)
class _Series:
    """A series of a panel; filled row by row."""

    name: str
    kind: str
    x: list[float] = field(default_factory=list)
    y: list[float] = field(default_factory=list)

    def goes_on(self, x: float) -> bool:
        """Return whether a value of x continues a curve: several of one name follow each other."""
        if self.kind == "points" or len(self.x) < 2:
            return True
        return (x - self.x[-1]) * (self.x[-1] - self.x[-2]) > 0

    @property
    def has_one_value_each(self) -> bool:
        """Whether no x occurs twice: a chart reads off one value there."""
        return len(set(self.x)) == len(self.x)


def read_curves(table: str, axes: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """Return the dense curves of a figure, for `write_panels`.

    Parameters
    ----------
    table : str
        CSV beside the figure (`ssbchar.storage.plotted.write_tables`).
    axes : mapping of str to sequence of str
        Labels of x and y of each panel.

    Returns
    -------
    list of dict
        Panels with labels, the axes of their curves, and the curves; numbers are little-endian
        floats of 32 bits in base64.
    """
    panels: dict[str, list[_Series]] = {}
    for row in csv.DictReader(io.StringIO(table)):
        if row["kind"] not in KINDS or not (row["x"] and row["y"]):
            continue
        panel, x = panels.setdefault(row["panel"], []), float(row["x"])
        own = [s for s in panel[-1:] if (s.name, s.kind) == (row["series"], row["kind"])]
        if not own or not own[0].goes_on(x):
            panel.append(_Series(name=row["series"], kind=row["kind"]))
        panel[-1].x.append(x)
        panel[-1].y.append(float(row["y"]))
    return [
        _describe_panel(name, series, axes.get(name, ("", "")))
        for name, series in panels.items()
        if len(series) <= MOST_SERIES
        and all(one.has_one_value_each for one in series)
        and any(len(one.x) >= DENSE for one in series)
    ]


def read_map(table: str, panel: str, labels: Sequence[str]) -> dict[str, Any]:
    """Return a map of a figure, for `write_panels`.

    Parameters
    ----------
    table : str
        CSV beside the figure: x in its first row, y in its first column.
    panel : str
        Letter of the panel that shows it.
    labels : sequence of str
        Of x and y.

    Returns
    -------
    dict
        Axes as floats of 32 bits and values as steps of 16 bits, little-endian in base64.
    """
    head, *lines = table.splitlines()
    x = np.array([float(cell) for cell in head.split(",")[1:]])
    cells = [[float(cell or "nan") for cell in line.split(",")] for line in lines]
    y, values = np.array([row[0] for row in cells]), np.array([row[1:] for row in cells])
    values, y, x = _average_cells(values, y, x)
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    steps = 1 + np.round((values - low) / ((high - low) or 1.0) * (LEVELS - 1))
    codes = np.where(np.isfinite(values), steps, 0).astype("<u2")
    return {
        "panel": panel,
        "labels": list(labels),
        "map": {
            "x": _encode(x),
            "y": _encode(y),
            "values": base64.b64encode(codes.tobytes()).decode(),
            "range": [low, high],
            "shown": np.percentile(known, SHOWN).tolist() if known.size else [0.0, 1.0],
        },
    }


def _average_cells(values: Array, y: Array, x: Array) -> tuple[Array, Array, Array]:
    """Return a map of at most `MOST_ROWS` x `MOST_COLUMNS` cells, means of those that are known."""
    for axis, most in ((0, MOST_ROWS), (1, MOST_COLUMNS)):
        size = values.shape[axis]
        cuts = np.unique(np.linspace(0, size, min(size, most) + 1).astype(int))[:-1]
        known = np.isfinite(values)
        total = np.add.reduceat(np.where(known, values, 0.0), cuts, axis)
        number = np.add.reduceat(known.astype(float), cuts, axis)
        values = np.where(number > 0, total / np.maximum(number, 1.0), np.nan)
        counts = np.diff([*cuts, size])
        if axis == 0:
            y = np.add.reduceat(y, cuts) / counts
        else:
            x = np.add.reduceat(x, cuts) / counts
    return values, y, x


def write_panels(panels: Sequence[Mapping[str, Any]]) -> str:
    """Return panels as JSON for the page; empty where there are none.

    Parameters
    ----------
    panels : sequence of mapping
        From `read_curves` and `read_map`.
    """
    # Nothing in a name may end the element of the page that holds it.
    text = json.dumps(panels, separators=(",", ":")).replace("<", "\\u003c")
    return text if panels else ""


def _describe_panel(name: str, series: Sequence[_Series], labels: Sequence[str]) -> dict[str, Any]:
    """Return a panel as plain data; curves on one axis share it."""
    xs: list[Array] = []
    curves = []
    for one in series:
        x, y = np.array(one.x), np.array(one.y)
        # The axis of a chart rises; a chemical shift is drawn falling.
        order = np.argsort(x, kind="stable")
        x, y = x[order], y[order]
        place = next((n for n, other in enumerate(xs) if np.array_equal(x, other)), len(xs))
        if place == len(xs):
            xs.append(x)
        curves.append({"name": one.name, "kind": one.kind, "x": place, "y": _encode(y)})
    falls = all(one.x[0] > one.x[-1] for one in series)
    return {
        "panel": name,
        "labels": list(labels),
        "falls": falls,
        "x": [_encode(x) for x in xs],
        "curves": curves,
    }


def _encode(values: Array) -> str:
    return base64.b64encode(values.astype("<f4").tobytes()).decode()


def choose_within(sizes: Sequence[int], ranks: Sequence[int], limit: float) -> list[bool]:
    """Return which of some figures have room.

    Parameters
    ----------
    sizes : sequence of int
        Of their curves [byte]; 0 without any.
    ranks : sequence of int
        Place of each in the order of its measurement: the first ones of all come first.
    limit : float
        Room [byte], that of the library included.
    """
    left = limit - sum(path.stat().st_size for path in (LIBRARY, STYLE, LICENCE))
    chosen = [False] * len(sizes)
    for n in sorted(range(len(sizes)), key=lambda n: ranks[n]):
        if 0 < sizes[n] <= left:
            chosen[n] = True
            left -= sizes[n]
    return chosen


def read_library() -> tuple[str, str]:
    """Return the library's script, with its licence, and its style, each a str for the page."""
    licence = LICENCE.read_text(encoding="utf-8").strip()
    script = LIBRARY.read_text(encoding="utf-8").strip()
    own = Path(__file__).with_name("closer_look.js").read_text(encoding="utf-8")
    return f"/*!\n{licence}\n*/\n{script}\n{own}", STYLE.read_text(encoding="utf-8").strip()
