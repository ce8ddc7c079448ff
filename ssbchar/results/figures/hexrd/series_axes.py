"""The axes that the figures of a series share: time or frame, temperature, 2theta, reflections."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ssbchar.crystal.cell import d_from_hkl
from ssbchar.hexrd import bragg
from ssbchar.hexrd.patterns.frame_status import FrameStatus
from ssbchar.results.figures import style
from ssbchar.typing import Array

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

WEAKEST = 1e-3
"""Reflections below this share of a phase's strongest get no tick, where atoms are known."""
ROWS, COLUMNS = 700, 1100
"""Largest mesh drawn; larger ones are averaged in blocks."""
AT_ONE_TEMPERATURE = 10.0
"""A series whose temperatures span less is at one temperature [K]."""
GAP = 3.0
"""Times the usual distance of frames from which on frames are missing between two."""
FEWEST_FOR_GAPS = 4
"""Frames from which their usual distance is known."""
TOGETHER = 16
"""Rows of the mesh made at once."""


@dataclass(frozen=True, kw_only=True)
class SeriesAxes:
    """What the figures of one series are drawn against."""

    along: Array
    """Hours since the first frame, or frame numbers where times are unknown, shape (frame,)."""
    label: str
    """Axis label of `along`."""
    is_timed: bool
    """Whether `along` is a time."""
    temperature: Array
    """[degC], NaN where unknown."""
    segment: NDArray[Any]
    """``heating``, ``hold``, ``cooling`` or ``none``."""
    good: NDArray[np.bool_]
    """Frames that can be used."""
    two_theta: Array
    """At the common wavelength [degree]."""
    angle_label: str
    """Axis label of `two_theta`."""
    sample: str
    phases: tuple[str, ...]
    """Names in one order for all figures."""
    order: tuple[str, ...] = ()
    """Phases of the whole run, in the order of their colours."""

    @property
    def has_programme(self) -> bool:
        """Return whether the temperature is known and changes over the series: else time is the
        axis of every figure."""
        known = self.temperature[np.isfinite(self.temperature)]
        return bool(known.size) and float(np.ptp(known)) > AT_ONE_TEMPERATURE

    @property
    def colours(self) -> dict[str, str]:
        """Return the colour of each phase, the same in all figures of a run."""
        return style.assign_colours(self.phases, self.order)


def make_series_axes(
    patterns: xr.Dataset, furnace: xr.Dataset, lattice: xr.Dataset, labels: Mapping[str, str]
) -> SeriesAxes:
    """Return the axes of a series.

    Parameters
    ----------
    patterns, furnace, lattice : Dataset
        As docs/data-model.md has them, dims frame.
    labels : mapping
        ``sample``, ``phase_order``.
    """
    time = patterns["time"].values.astype(float)
    timed = bool(np.all(np.isfinite(time)) and np.all(np.diff(time) > 0) and time.size > 1)
    along = (time - time[0]) / 3600 if timed else patterns["frame"].values.astype(float)
    return SeriesAxes(
        along=along,
        label="Time (h)" if timed else "Frame",
        is_timed=timed,
        temperature=furnace["temperature"].values.astype(float),
        segment=furnace["segment"].values.astype(str),
        good=patterns["status"].values.astype(str) == FrameStatus.OK,
        two_theta=patterns["two_theta_common"].values.astype(float),
        angle_label=rf"2$\theta$ at {float(patterns['common_wavelength']):.6g} Å (°)",
        sample=labels.get("sample", ""),
        phases=tuple(lattice["phase"].values.astype(str)),
        order=style.split_order(labels),
    )


def locate_reflections(
    tables: Sequence[xr.Dataset], lattice: xr.Dataset, patterns: xr.Dataset, frame: int = 0
) -> dict[str, Array]:
    """Return where the reflections of each phase are expected in a frame.

    All reflections of the phase's table in range (those above `WEAKEST` of the strongest, where
    atoms are known), at the phase's refined cell in that frame; where it has none, at the joint
    cell, its nearest one, or the table's.

    Parameters
    ----------
    tables : sequence of Dataset
        Reflections of the candidate phases.
    lattice, patterns : Dataset
        The refined series and its patterns.
    frame : int
        Index of the frame.

    Returns
    -------
    dict of ndarray, shape (reflection,)
        2theta at the common wavelength [degree] by phase, ascending.
    """
    own, common = float(patterns["wavelength"]), float(patterns["common_wavelength"])
    low, high = (float(patterns["two_theta_common"].values[i]) for i in (0, -1))
    zero = float(lattice["zero"].values[frame]) if "zero" in lattice else 0.0
    known = {str(table.attrs["phase"]): table for table in tables}
    found = {}
    for name in (n for n in lattice["phase"].values.astype(str) if n in known):
        table = known[name]
        hkl = np.stack([table[axis].values for axis in "hkl"], axis=1).astype(float)
        d = d_from_hkl(hkl, _find_cell(lattice.sel(phase=name), frame, table))
        strength = table["multiplicity"].values * table["structure_factor_squared"].values * d**2
        visible = np.ones(d.size, bool)
        if np.all(np.isfinite(strength)):  # a phase known by its cell alone has no strengths
            visible = strength > WEAKEST * strength.max()
        seen = bragg.two_theta_from_d(d[visible], own)
        place = bragg.convert_wavelength(seen + (zero if np.isfinite(zero) else 0.0), own, common)
        found[name] = np.sort(place[np.isfinite(place) & (place >= low) & (place <= high)])
    return {name: places for name, places in found.items() if places.size}


def _find_cell(phase: xr.Dataset, frame: int, table: xr.Dataset) -> Array:
    """Return the best known cell of a phase in a frame."""
    for name in ("cell", "cell_joint"):
        if name in phase and np.all(np.isfinite(phase[name].values[frame])):
            return np.asarray(phase[name].values[frame])
    there = np.flatnonzero(np.all(np.isfinite(phase["cell"].values), axis=1))
    if there.size:
        return np.asarray(phase["cell"].values[there[np.argmin(np.abs(there - frame))]])
    return np.asarray(table.attrs["cell"], float)


def find_borders(middle: Array) -> Array:
    """Return the borders of cells about ascending or unevenly spaced centres."""
    if middle.size == 1:
        return np.array([middle[0] - 0.5, middle[0] + 0.5])
    inner = (middle[1:] + middle[:-1]) / 2
    return np.concatenate([[2 * middle[0] - inner[0]], inner, [2 * middle[-1] - inner[-1]]])


def average_mesh(
    values: Callable[[slice], Array], rows: Array, columns: Array
) -> tuple[Array, Array, Array]:
    """Return a mesh averaged in blocks to at most `ROWS` x `COLUMNS`, and the borders of its cells.

    Parameters
    ----------
    values : callable
        Gives some rows of the mesh: it is never whole in memory.
    rows, columns : ndarray, shape (row,), (column,)
        Centres of the cells, in the units of the axes.

    Returns
    -------
    mesh : ndarray, shape (at most ROWS, at most COLUMNS)
        Means of what is known in each block; NaN where nothing is.
    rows, columns : ndarray
        Borders of its cells.
    """
    size = -(-rows.size // ROWS)
    own, other = [], []
    parts = _split_at_gaps(rows)
    for begin, end, borders in parts:
        for first in range(begin, end, TOGETHER * size):
            last = min(first + TOGETHER * size, end)
            at_edges = borders[first - begin : last - begin + 1]
            mean, at = _average_blocks(values(slice(first, last)), at_edges, size)
            turned, across = _average_blocks(
                mean.T, find_borders(columns), -(-columns.size // COLUMNS)
            )
            own.append(turned.T)
            other.append(at[:-1])
        if end < rows.size:
            # Nothing was measured until the next part begins.
            own.append(np.full((1, own[-1].shape[1]), np.nan))
            other.append(borders[-1:])
    return np.concatenate(own), np.append(np.concatenate(other), parts[-1][2][-1]), across


def _split_at_gaps(rows: Array) -> list[tuple[int, int, Array]]:
    """Return begin, end and borders of the parts of a series between which frames are missing."""
    if rows.size < FEWEST_FOR_GAPS:
        return [(0, rows.size, find_borders(rows))]
    usual = float(np.median(np.diff(rows)))
    starts = [0, *(np.flatnonzero(np.diff(rows) > GAP * usual) + 1).tolist(), rows.size]
    parts = []
    for begin, end in itertools.pairwise(starts):
        borders = find_borders(rows[begin:end])
        if end - begin == 1:
            borders = rows[begin] + usual * np.array([-0.5, 0.5])
        parts.append((begin, end, borders))
    return parts


def _average_blocks(values: Array, borders: Array, size: int) -> tuple[Array, Array]:
    """Return means of `size` rows, and the borders of these."""
    if size == 1:
        return values, borders
    starts = np.arange(0, values.shape[0], size)
    known = np.isfinite(values)
    total = np.add.reduceat(np.where(known, values, 0.0), starts, axis=0)
    count = np.add.reduceat(known.astype(float), starts, axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(count > 0, total / count, np.nan), np.append(borders[starts], borders[-1])


def pick_spread(candidates: NDArray[np.intp], number: int) -> NDArray[np.intp]:
    """Return up to `number` of the candidates, evenly spread, first and last among them."""
    picked = np.unique(np.round(np.linspace(0, candidates.size - 1, number)).astype(int))
    return candidates[picked] if candidates.size else candidates


def draw_phase_ticks(axes: Axes, ticks: Mapping[str, Array], colours: Mapping[str, str]) -> None:
    """Draw one row of ticks per phase in an axes of its own, names at the left."""
    for row, (name, at) in enumerate(ticks.items()):
        axes.vlines(at, -row - 0.38, -row + 0.38, color=colours[name], linewidth=0.8)
    axes.set_yticks([-row for row in range(len(ticks))], list(ticks), fontsize=style.SMALL)
    for label, name in zip(axes.get_yticklabels(), ticks, strict=True):
        label.set_color(colours[name])
    axes.set_ylim(-len(ticks) + 0.4, 0.6)
    axes.tick_params(axis="both", length=0)
    axes.tick_params(axis="x", labelbottom=False)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)


def draw_temperature_beside(axes: Axes, at: SeriesAxes) -> None:
    """Draw temperature in an axes that shares the map's vertical axis."""
    for name in dict.fromkeys(at.segment):
        own = at.segment == name
        value = np.where(own, at.temperature, np.nan)
        axes.plot(value, at.along, ".", markersize=1.5, color=style.SEGMENTS.get(name, style.BLACK))
    axes.set_xlabel("T (°C)")
    axes.tick_params(axis="y", labelleft=False)
    axes.margins(x=0.12)


def split_pages(names: Sequence[str], size: int, name: str) -> Iterator[tuple[str, list[str]]]:
    """Yield figure names with the phases each shows: ``name``, ``name_2``, ``name_3`` ..."""
    for number, start in enumerate(range(0, len(names), size), 1):
        yield (name if number == 1 else f"{name}_{number}"), list(names[start : start + size])
