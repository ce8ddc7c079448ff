"""NeXus and plain HDF5: the NXdata group of patterns, one frame or a whole series.

Notes on file structure
-----------------------
The group is the ``default`` one where the file names it, else the only NXdata whose signal is
(points,) or (frames, points). Its last axis is the scattering axis; ``<signal>_errors`` or
``errors`` hold sigma. Wavelength, temperature and time are looked for by name (``wavelength``,
``incident_wavelength``, ``energy``; ``temperature``; ``time``, ``epoch``) beside it and under the
same entry, with their ``units``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.hexrd.patterns.formats.axis_name import (
    Axis,
    axis_from_label,
    axis_from_quantity,
    is_other_axis,
    refuse_axis,
)
from ssbchar.hexrd.patterns.formats.checks import refuse_what_overflows
from ssbchar.hexrd.patterns.formats.extracted import PatternFile
from ssbchar.hexrd.patterns.formats.header_values import Misread, wavelength_from_stated
from ssbchar.hexrd.patterns.options import PatternLimits
from ssbchar.storage import hdf5, reading, row_file
from ssbchar.timestamps import EARLIEST, AmbiguousDate, parse_moment
from ssbchar.typing import Array
from ssbchar.units import Dimension, find_unit

ROUNDING = 1e-7
"""Relative standard error of a stored wavelength: single precision, as files do not state one."""
SAME_WAVELENGTH = 1e-4
"""Relative spread above which a file states several wavelengths."""
TEMPERATURE = ("temperature", "sample_temperature", "T", "temp")
EXPOSURE = ("count_time", "exposure_time", "exposure", "acquisition_time")
MOST_STEPS = 32
"""Attributes ``default`` that are followed one after the other."""
Convert = Callable[[Array, Any], "Array | Misread"]
"""Converts numbers of a dataset by its attributes."""


def extract(path: Path) -> PatternFile:
    """Return the patterns of a NeXus or HDF5 file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    PatternFile
        Axis of shape (points,) in the unit stated, intensity [counts] of shape (frames, points).

    Raises
    ------
    BadInput
        No HDF5 file (or a truncated one), no or more than one NXdata of patterns, an axis that does
        not fit.
    """
    with hdf5.open_checked(path, reading.get_limits(PatternLimits)) as file:
        return _extract_from(path, file)


def _extract_from(path: Path, file: Any) -> PatternFile:
    group = _follow_default(file) or _find_only_group(path, file)
    name = _name_signal(group)
    data = group[name]
    axis_name = _name_axis(path, group, data)
    axis = group[axis_name]
    _check_size(path, (data, axis))
    intensity = _read_rows(data)
    x = np.asarray(axis, float).ravel()
    frames, points = intensity.shape
    if x.size != points:
        raise BadInput(
            f"{path}:{data.name}",
            f"{points} points on an axis of {x.size}",
            "write the file again",
        )
    named = _read_axis(axis_name, axis)
    errors = _find_member(group, (f"{name}_errors", f"{name}_error", "errors"))
    if errors is not None:
        _check_size(path, (errors,))
    # Metadata of another entry are those of another measurement.
    parts = group.name.split("/" if isinstance(group.name, str) else b"/")
    entry = file[parts[1]] if len(parts) > 2 else file
    misread = [named.misread] if named.misread else []

    def read_header(names: tuple[str, ...], convert: Convert) -> Array:
        beside = _find_member(group, names)
        found = _read_per_frame((beside, _find_dataset(entry, names)), frames, convert)
        if isinstance(found, Misread):
            misread.append(found)
            return np.full(frames, np.nan)
        return found

    wavelength = _read_wavelength(entry, axis)
    if isinstance(wavelength, Misread):
        misread.append(wavelength)
    pattern = PatternFile(
        x=x * named.factor,
        unit=named.unit,
        intensity=intensity,
        stderr=None if errors is None else _read_rows(errors),
        header=_collect_header(file, group),
        wavelength=None if isinstance(wavelength, Misread) else wavelength,
        temperature=read_header(TEMPERATURE, _convert_to_celsius),
        bare_temperature=read_header(TEMPERATURE, _take_without_unit),
        time=read_header(("time", "epoch", "timestamp"), _convert_to_epoch),
        monitor=read_header(("monitor", "i0", "I0"), lambda values, _: values),
        exposure=read_header(EXPOSURE, _convert_to_seconds),
        axis_name=named.name,
        assumed=(named.assumed,) if named.assumed else (),
    )
    pattern.misread = tuple(misread)
    _take_start_time(pattern, entry)
    refuse_what_overflows(path, pattern)
    return pattern


def _read_axis(name: str, axis: Any) -> Axis:
    """Return the axis by the name, the long name and the unit of its dataset."""
    unit = _decode(axis.attrs.get("units", axis.attrs.get("unit", ""))).strip()
    own = axis_from_label(name) or axis_from_label(_decode(axis.attrs.get("long_name", "")))
    if not unit:
        return own or (refuse_axis(name) if is_other_axis(name) else Axis())
    # pyFAI writes q_nm^-1 for a unit, which names the quantity too.
    whole = axis_from_label(unit)
    if own is None or own.kind is None:
        return whole or refuse_axis(f"{name} ({unit})")
    if whole is not None and whole.kind == own.kind:
        return whole
    return axis_from_quantity(own.kind, unit, f"{name} ({unit})")


def _check_size(path: Path, arrays: Iterable[Any]) -> None:
    """Refuse arrays that are longer or larger than allowed, before they are read."""
    limits = reading.get_limits(PatternLimits)
    for array in arrays:
        if array.shape and array.shape[-1] > limits.points:
            where, problem = f"{path}:{array.name}", f"a pattern has {array.shape[-1]} points"
            raise reading.make_limit_fault(where, problem, limits, "points")
        hdf5.check_array(path, array, limits)


def _read_rows(data: Any) -> Array | row_file.RowFile:
    """Return patterns as numbers, shape (frames, points); a long series on disk, read a block of
    frames at a time."""
    if data.ndim != 2 or not row_file.is_large(data.shape):
        return np.atleast_2d(np.asarray(data, float))
    rows = row_file.allocate_rows(data.shape)
    for part in row_file.split_rows(data.shape):
        rows[part] = np.asarray(data[part], float)
    return rows


def _follow_default(file: Any) -> Any:
    """Return the group that the attributes ``default`` lead to, None where it holds no signal or
    they lead in a circle."""
    group = file
    passed: set[str] = set()
    while "default" in group.attrs and _decode(group.attrs["default"]) in group:
        if group.name in passed or len(passed) > MOST_STEPS:
            return None
        passed.add(group.name)
        group = group[_decode(group.attrs["default"])]
    return group if _has_signal(group) else None


def _find_only_group(path: Path, file: Any) -> Any:
    """Return the only group of patterns of a file."""
    groups = [item for item in _walk(file) if _has_signal(item)]
    groups = [group for group in groups if np.ndim(group[_name_signal(group)]) in (1, 2)]
    if len(groups) != 1:
        names = ", ".join(group.name for group in groups) or "none"
        raise BadInput(
            path,
            f"needs one NXdata group of patterns, has {names}",
            "mark it by the attribute 'default'",
        )
    return groups[0]


def _walk(group: Any) -> Iterator[Any]:
    """Yield everything below a group."""
    found: list[Any] = []
    # A visitor that returns anything but None would end the visit.
    group.visititems(lambda _, item: found.append(item))
    yield from found


def _name_signal(group: Any) -> str:
    """Return the name of a group's signal, empty where it has none."""
    if "signal" in group.attrs:
        return _decode(group.attrs["signal"])
    # Files older than 2014 mark the signal by an attribute of the dataset.
    for name in group:
        if hasattr(group[name], "shape") and group[name].attrs.get("signal") in (1, "1"):
            return str(name)
    return ""


def _has_signal(item: Any) -> bool:
    return hasattr(item, "keys") and bool(_name_signal(item)) and _name_signal(item) in item


def _name_axis(path: Path, group: Any, data: Any) -> str:
    """Return the name of the scattering axis: the last of the ``axes`` of group or signal."""
    stated = group.attrs.get("axes", data.attrs.get("axes", []))
    axes = [_decode(name) for name in np.atleast_1d(stated)]
    if not axes or axes[-1] not in group:
        raise BadInput(
            f"{path}:{data.name}",
            "its scattering axis is not named",
            "set the NXdata attribute 'axes'",
        )
    return axes[-1]


def _collect_header(file: Any, group: Any) -> str:
    """Return the attributes of file and group, and all texts of the file."""
    texts = [
        f"{name} {_decode(value)}"
        for holder in (file, group)
        for name, value in holder.attrs.items()
    ]
    for item in _walk(file):
        if hasattr(item, "dtype") and item.dtype.kind in "OS" and not item.shape:
            texts.append(_decode(item[()]))
    return "\n".join(texts)


def _find_member(group: Any, names: tuple[str, ...]) -> Any:
    """Return the first of these names that a group holds itself, else None."""
    return next((group[name] for name in names if name in group), None)


def _find_dataset(group: Any, names: tuple[str, ...]) -> Any:
    """Return the dataset of one of these names that is nearest to the top, else None."""
    found = [
        item
        for item in _walk(group)
        if hasattr(item, "shape") and _name(item).split("/")[-1] in names
    ]
    # Deeper down a file may repeat what it was converted from.
    return min(found, key=lambda item: (_name(item).count("/"), _name(item))) if found else None


def _read_wavelength(entry: Any, axis: Any) -> tuple[float, float] | Misread | None:
    """Return wavelength and standard error [angstrom], from the wavelength or the photon energy."""
    misread = None
    for names, dimension in (
        (("wavelength", "incident_wavelength"), Dimension.LENGTH),
        (("energy", "incident_energy", "photon_energy"), Dimension.ENERGY),
    ):
        item = _find_dataset(entry, names)
        # The axis of a scan over the energy is no statement of one.
        if item is None or item == axis or not np.size(item) or item.dtype.kind not in "fiu":
            continue
        values = np.ravel(item).astype(float)
        unit = _unit_of(item)
        found = wavelength_from_stated(repr(float(values[0])), [unit] if unit else [], dimension)
        if np.ptp(values) > SAME_WAVELENGTH * abs(values[0]):
            found = f"{values.size} values that differ"
        if not isinstance(found, str):
            return found[0], found[0] * ROUNDING
        problem = f"its {item.name} states no wavelength ({found})"
        remedy = "set hexrd.read.wavelength [angstrom]"
        misread = misread or Misread(quantity="wavelength", problem=problem, remedy=remedy)
    return misread


def _read_per_frame(items: tuple[Any, ...], frames: int, convert: Convert) -> Array | Misread:
    """Return the numbers of the first item that has one, or one per frame; NaN where none has."""
    for item in items:
        is_numeric = hasattr(item, "dtype") and item.dtype.kind in "fiu"
        if is_numeric and np.size(item) in (1, frames):
            values = convert(np.asarray(item, float).ravel(), item)
            if isinstance(values, Misread):
                return values
            return np.broadcast_to(values, frames).copy()
    return np.full(frames, np.nan)


def _convert_to_celsius(values: Array, item: Any) -> Array | Misread:
    """Return temperatures [degC], NaN where their unit is not stated."""
    unit = _unit_of(item)
    if not unit:
        return np.full_like(values, np.nan)
    found = find_unit(unit, Dimension.TEMPERATURE)
    return _refuse_unit(item, "temperature") if found is None else found.convert(values)


def _take_without_unit(values: Array, item: Any) -> Array:
    """Return temperatures whose unit is not stated, else NaN."""
    return np.full_like(values, np.nan) if _unit_of(item) else values


def _convert_to_seconds(values: Array, item: Any) -> Array | Misread:
    """Return durations [s]; without a unit they are in seconds."""
    unit = _unit_of(item)
    found = find_unit(unit or "s", Dimension.TIME)
    return _refuse_unit(item, "exposure") if found is None else found.convert(values)


def _convert_to_epoch(values: Array, item: Any) -> Array | Misread:
    """Return seconds since 1970 UTC of a NeXus time axis: ``start`` plus offset, or epoch itself;
    else NaN."""
    start = _decode(item.attrs.get("start", ""))
    unit = find_unit(_unit_of(item) or "s", Dimension.TIME)
    if unit is None:
        return _refuse_unit(item, "time")
    seconds = unit.convert(values)
    if not start:
        return np.where(seconds > EARLIEST, seconds, np.nan)
    moment = _parse_start(start)
    if moment is None or moment.tzinfo is None:
        return np.full_like(values, np.nan)
    return seconds + moment.timestamp()


def _parse_start(text: str) -> datetime | None:
    try:
        return parse_moment(text)
    except AmbiguousDate:
        return None


def _take_start_time(pattern: PatternFile, entry: Any) -> None:
    """Take the ``start_time`` of the entry as the time of a single pattern without another."""
    item = _find_member(entry, ("start_time",))
    if pattern.frames > 1 or np.isfinite(pattern.time).any() or not hasattr(item, "dtype"):
        return
    if item.dtype.kind not in "OS" or np.size(item) != 1:
        return
    moment = _parse_start(_decode(np.ravel(item[()])[0]))
    if moment is None:
        return
    if moment.tzinfo is None:
        pattern.local_time = moment
    else:
        pattern.time = np.array([moment.timestamp()])


def _refuse_unit(item: Any, quantity: str) -> Misread:
    dimension = Dimension.TEMPERATURE if quantity == "temperature" else Dimension.TIME
    problem = f"'{_unit_of(item)}' of {item.name} is no unit of {dimension} ({dimension.choices})"
    return Misread(quantity=quantity, problem=problem, remedy="correct the attribute 'units'")


def _unit_of(item: Any) -> str:
    return _decode(item.attrs.get("units", item.attrs.get("unit", ""))).strip()


def _name(item: Any) -> str:
    """Return the path of a member within its file; h5py gives bytes where it is no UTF-8."""
    return _decode(item.name)


def _decode(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
