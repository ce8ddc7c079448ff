"""Every quantity of every phase of a series at one temperature against time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.crystal.cell import volume_from_cell
from ssbchar.hexrd.expansion import cell_parameters, tensor
from ssbchar.hexrd.time_course.broken_line import BrokenLine, fit_broken_line
from ssbchar.hexrd.time_course.options import TimeCourse
from ssbchar.hexrd.time_course.outputs import TIME_COURSE
from ssbchar.hexrd.verdict import trend
from ssbchar.typing import Array, Bool

if TYPE_CHECKING:
    import xarray as xr

AT_ONE_TEMPERATURE = 10.0
"""A series whose temperatures span less has one temperature [K]."""
SECONDS = 3600.0
"""Of an hour."""
CELL_NAMES = ("a", "b", "c", "alpha", "beta", "gamma", "volume")
CELL_UNITS = ("angstrom",) * 3 + ("degree",) * 3 + ("angstrom^3",)
STEP = 1e-5
"""Step of cell parameters [angstrom, degree] for numerical derivatives."""
BREADTHS = {"inverse_size": (10.0, "1/nm"), "microstrain": (100.0, "percent")}
"""Variables of ``peaks.nc`` with the factor to the unit that is reported."""


@dataclass(frozen=True, kw_only=True)
class Course:
    """One quantity of one phase in every frame, arrays of shape (frame,)."""

    phase: str
    quantity: str
    unit: str
    value: Array
    """NaN where not measured."""
    stderr: Array


def fit_time_course(
    lattice: xr.Dataset, furnace: xr.Dataset, peaks: xr.Dataset, options: TimeCourse
) -> xr.Dataset:
    """Return the courses of a series at one temperature (``time_course.nc``).

    Parameters
    ----------
    lattice : Dataset
        ``lattice.nc``: cells [angstrom, degree] and intensities [count degree].
    furnace : Dataset
        ``furnace.nc``: ``temperature`` [degC] and ``time`` [s].
    peaks : Dataset
        ``peaks.nc``: breadths.
    options : TimeCourse

    Returns
    -------
    Dataset
        Shape (frame, course); without courses for a heating programme, or too few frames.
    """
    along, is_timed = read_axis(furnace)
    courses, lines = [], []
    drifts: list[tuple[float, float, float, float, int]] = []
    for course in list_courses(lattice, peaks) if has_one_temperature(furnace) else ():
        measured = np.isfinite(course.value) & (course.stderr > 0) & np.isfinite(along)
        if measured.sum() < options.fewest:
            continue
        x, y, stderr = along[measured], course.value[measured], course.stderr[measured]
        drift = trend.measure_drift(x, y, stderr)
        if drift is None or not np.all(np.diff(x) > 0):
            continue
        line = fit_broken_line(x, y, stderr, most=options.most_changes, evidence=options.evidence)
        # What neighbours share does not average out in a drift either.
        error = drift.stderr * max(1.0, line.inflation / max(np.sqrt(drift.chi2), 1.0))
        drifts.append((drift.value, error, drift.dof, float(x[-1] - x[0]), drift.points))
        courses.append(course)
        lines.append((measured, line))
    return TIME_COURSE.dataset(
        _collect(along, lattice, courses, lines, drifts, options.most_changes),
        {"is_timed": int(is_timed), "temperature": read_temperature(furnace)},
    )


def has_one_temperature(furnace: xr.Dataset) -> bool:
    """Return whether all frames are at one temperature, or none is known, a bool.

    Parameters
    ----------
    furnace : Dataset
        ``temperature`` [degC] of shape (frame,).
    """
    temperature = furnace["temperature"].values.astype(float)
    known = temperature[np.isfinite(temperature)]
    return not known.size or float(np.ptp(known)) <= AT_ONE_TEMPERATURE


def read_temperature(furnace: xr.Dataset) -> float:
    """Return the median temperature of a series [degC], a float, NaN where none is known."""
    temperature = furnace["temperature"].values.astype(float)
    known = temperature[np.isfinite(temperature)]
    return float(np.median(known)) if known.size else float("nan")


def read_axis(furnace: xr.Dataset) -> tuple[Array, bool]:
    """Return hours since the first frame, shape (frame,), and whether times are known; else the
    frames' numbers.

    Parameters
    ----------
    furnace : Dataset
        ``time`` [s] of shape (frame,).
    """
    count = furnace.sizes["frame"]
    time = furnace["time"].values.astype(float) if "time" in furnace else np.full(count, np.nan)
    is_timed = bool(count and np.isfinite(time).all() and np.all(np.diff(time) > 0))
    if is_timed:
        return (time - time[0]) / SECONDS, True
    return np.arange(1, count + 1, dtype=float), False


def list_courses(lattice: xr.Dataset, peaks: xr.Dataset) -> Iterator[Course]:
    """Yield the free cell parameters, the volume, the intensity and the breadths of every phase.

    Parameters
    ----------
    lattice, peaks : Dataset
        As for `fit_time_course`.

    Yields
    ------
    Course
    """
    for p, name in enumerate(lattice["phase"].values.astype(str)):
        yield from _list_cell_courses(lattice, p, str(name))
        one = lattice.isel(phase=p)
        there = one["present"].values == 1
        yield Course(
            phase=str(name),
            quantity="intensity",
            unit="count degree",
            value=np.where(there, one["intensity"].values, np.nan),
            stderr=np.nan_to_num(one["intensity_stderr"].values),
        )
        yield from _list_breadth_courses(peaks, str(name))


def _list_cell_courses(lattice: xr.Dataset, p: int, name: str) -> Iterator[Course]:
    one = lattice.isel(phase=p)
    good = np.flatnonzero(select_cells(one))
    if not good.size:
        return
    cell = one["cell"].values[good]
    covariance, _ = cell_parameters.split_covariance(lattice, good, p)
    turn = tensor.differentiate(_append_volume, cell, np.full_like(cell, STEP))
    variance = np.einsum("tai,tij,taj->ta", turn, np.nan_to_num(covariance), turn)
    values, own = _append_volume(cell), np.sqrt(np.maximum(variance, 0))
    free = cell_parameters.find_free_parameters(cell, own[:, : cell_parameters.PARAMETERS]).free
    for place in (*(int(i) for i in free), len(CELL_NAMES) - 1):
        value, stderr = np.full(lattice.sizes["frame"], np.nan), np.zeros(lattice.sizes["frame"])
        value[good], stderr[good] = values[:, place], own[:, place]
        yield Course(
            phase=name,
            quantity=CELL_NAMES[place],
            unit=CELL_UNITS[place],
            value=value,
            stderr=stderr,
        )


def select_cells(one: xr.Dataset) -> Bool:
    """Return which frames have a cell of their own of a phase, with or without a temperature.

    Parameters
    ----------
    one : Dataset
        ``lattice.nc`` of the phase.
    """
    has_cell = np.all(np.isfinite(one["cell"].values), axis=1)
    has_error = np.any(np.nan_to_num(one["cell_stderr"].values) > 0, axis=1)
    is_good = np.isin(one["verdict"].values.astype(str), cell_parameters.USABLE_VERDICTS)
    return np.asarray(has_cell & has_error & is_good & (one["present"].values == 1))


def _append_volume(cell: Array) -> Array:
    return np.concatenate([cell, volume_from_cell(cell)[:, None]], axis=1)


def _list_breadth_courses(peaks: xr.Dataset, name: str) -> Iterator[Course]:
    names = list(peaks["candidate"].values.astype(str)) if "candidate" in peaks else []
    if name not in names:
        return
    one = peaks.isel(candidate=names.index(name))
    for variable, (factor, unit) in BREADTHS.items():
        if variable in peaks:
            yield Course(
                phase=name,
                quantity=variable,
                unit=unit,
                value=factor * one[variable].values,
                stderr=factor * np.nan_to_num(one[f"{variable}_stderr"].values),
            )


def _collect(
    along: Array,
    lattice: xr.Dataset,
    courses: list[Course],
    lines: list[tuple[Bool, BrokenLine]],
    drifts: list[tuple[float, float, float, float, int]],
    most: int,
) -> dict[str, object]:
    """Return the variables of the output."""
    shape = (along.size, len(courses))
    curve, changes = np.full(shape, np.nan), np.full((3, len(courses), max(most, 1)), np.nan)
    for n, (measured, line) in enumerate(lines):
        curve[measured, n] = line.curve
        for k, change in enumerate(line.changes):
            changes[:, n, k] = change.value, change.lower95, change.upper95
    value, stderr = (
        np.stack([getattr(one, name) for one in courses], axis=1) if courses else np.zeros(shape)
        for name in ("value", "stderr")
    )
    known = np.where(stderr > 0, 1 / np.where(stderr > 0, stderr, 1.0) ** 2, 0.0)
    weight = np.where(np.isfinite(value), known, 0.0)
    table = np.array(drifts, float).reshape(-1, 5)
    return {
        "frame": lattice["frame"].values,
        "along": along,
        "phase": np.array([one.phase for one in courses], object),
        "quantity": np.array([one.quantity for one in courses], object),
        "unit": np.array([one.unit for one in courses], object),
        "value": value,
        "value_stderr": stderr,
        "curve": curve,
        "level": np.sum(weight * np.nan_to_num(value), axis=0)
        / np.maximum(weight.sum(axis=0), 1e-300),
        "drift": table[:, 0],
        "drift_stderr": table[:, 1],
        "drift_dof": table[:, 2],
        "span": table[:, 3],
        "points": table[:, 4].astype(int),
        "change_at": changes[0],
        "change_lower95": changes[1],
        "change_upper95": changes[2],
    }
