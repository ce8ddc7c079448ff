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

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from ssbchar.constants import ABSOLUTE_ZERO_C, HC_EV_ANGSTROM
from ssbchar.errors import BadInput
from ssbchar.hexrd.patterns.formats.extracted import PatternFile
from ssbchar.hexrd.patterns.options import AxisUnit, StatedAxisUnit
from ssbchar.storage import row_file
from ssbchar.typing import Array

_AXIS_UNITS: dict[str, tuple[AxisUnit, float]] = {
    "degree": ("degree", 1.0),
    "degrees": ("degree", 1.0),
    "deg": ("degree", 1.0),
    "rad": ("degree", 180 / np.pi),
    "radian": ("degree", 180 / np.pi),
    "radians": ("degree", 180 / np.pi),
    "1/angstrom": ("1/angstrom", 1.0),
    "1/å": ("1/angstrom", 1.0),
    "å^-1": ("1/angstrom", 1.0),
    "a^-1": ("1/angstrom", 1.0),
    "1/a": ("1/angstrom", 1.0),
    "angstrom^-1": ("1/angstrom", 1.0),
    "1/nm": ("1/nm", 1.0),
    "nm^-1": ("1/nm", 1.0),
    "angstrom": ("angstrom", 1.0),
}
"""Spelling in a file: unit and factor."""
_NO_UNIT: tuple[StatedAxisUnit, float] = ("", 1.0)
_LENGTH = {"m": 1e10, "nm": 10.0, "angstrom": 1.0, "å": 1.0, "a": 1.0, "pm": 0.01, "": 1.0}
"""Unit of length in a file: its size [angstrom]."""
ROUNDING = 1e-7
"""Relative standard error of a stored wavelength: single precision, as files do not state one."""
EARLIEST = 1e8
"""Numbers below this [s] are no seconds since 1970 of any measurement, but seconds of a scan."""
_MOST_OF_A_MESSAGE = 160


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
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return _extract_from(path, file)
    except OSError as error:
        problem = f"no readable HDF5 file ({error})"[:_MOST_OF_A_MESSAGE]
        raise BadInput(path, problem, "copy it again from the beamline") from error


def _extract_from(path: Path, file: Any) -> PatternFile:
    group = _follow_default(file) or _find_only_group(path, file)
    name = _name_signal(group)
    data = group[name]
    intensity = _read_rows(data)
    axis_name = _name_axis(path, group, data)
    axis = group[axis_name]
    x = np.asarray(axis, float).ravel()
    frames, points = intensity.shape
    if x.size != points:
        raise BadInput(
            f"{path}:{data.name}",
            f"{points} points on an axis of {x.size}",
            "write the file again",
        )
    unit, scale = _AXIS_UNITS.get(_unit_of(axis), _NO_UNIT)
    errors = _find_member(group, (f"{name}_errors", f"{name}_error", "errors"))
    # Metadata of another entry are those of another measurement.
    entry = file[group.name.split("/")[1]] if group.name.count("/") > 1 else file

    def read_header(names: tuple[str, ...], convert: Callable[[Array, Any], Array]) -> Array:
        beside = _find_member(group, names)
        return _read_per_frame((beside, _find_dataset(entry, names)), frames, convert)

    return PatternFile(
        x=x * scale,
        unit=unit or _guess_unit(axis_name),
        intensity=intensity,
        stderr=None if errors is None else _read_rows(errors),
        header=_collect_header(file, group),
        wavelength=_read_wavelength(entry),
        temperature=read_header(("temperature", "T"), _convert_to_celsius),
        time=read_header(("time", "epoch", "timestamp"), _convert_to_epoch),
        monitor=read_header(("monitor", "i0", "I0"), lambda values, _: values),
    )


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
    """Return the group that the attributes ``default`` lead to, None where it holds no signal."""
    group = file
    while "default" in group.attrs and _decode(group.attrs["default"]) in group:
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


def _guess_unit(name: str) -> StatedAxisUnit:
    """Return the unit that an axis without one has by its name."""
    lowered = name.lower()
    if lowered in ("two_theta", "2theta", "tth", "polar_angle", "twotheta"):
        return "degree"
    return "1/angstrom" if lowered.startswith("q") else ""


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
        if hasattr(item, "shape") and item.name.split("/")[-1] in names
    ]
    # Deeper down a file may repeat what it was converted from.
    return min(found, key=lambda item: (item.name.count("/"), item.name)) if found else None


def _read_wavelength(entry: Any) -> tuple[float, float] | None:
    """Return wavelength and standard error [angstrom], from the wavelength or the photon energy."""
    item = _find_dataset(entry, ("wavelength", "incident_wavelength"))
    if item is not None:
        value = float(np.ravel(item)[0]) * _LENGTH.get(_unit_of(item), 1.0)
        return value, value * ROUNDING
    item = _find_dataset(entry, ("energy", "incident_energy"))
    if item is not None:
        scale = 1e3 if _unit_of(item, "keV") == "kev" else 1.0
        value = HC_EV_ANGSTROM / (float(np.ravel(item)[0]) * scale)
        return value, value * ROUNDING
    return None


def _read_per_frame(
    items: tuple[Any, ...],
    frames: int,
    convert: Callable[[Array, Any], Array],
) -> Array:
    """Return the numbers of the first item that has one, or one per frame; NaN where none has."""
    for item in items:
        if item is not None and np.size(item) in (1, frames) and item.dtype.kind in "fiu":
            values = convert(np.asarray(item, float).ravel(), item)
            return np.broadcast_to(values, frames).copy()
    return np.full(frames, np.nan)


def _convert_to_celsius(values: Array, item: Any) -> Array:
    if _unit_of(item) in ("k", "kelvin"):
        return values + ABSOLUTE_ZERO_C
    return values


def _convert_to_epoch(values: Array, item: Any) -> Array:
    """Return seconds since 1970 UTC of a NeXus time axis: ``start`` plus offset, or epoch itself;
    else NaN."""
    start = _decode(item.attrs.get("start", ""))
    if not start:
        return np.where(values > EARLIEST, values, np.nan)
    moment = datetime.fromisoformat(start.replace("Z", "+00:00"))
    if moment.tzinfo is None:
        return np.full_like(values, np.nan)
    return values + moment.timestamp()


def _unit_of(item: Any, default: str = "") -> str:
    return _decode(item.attrs.get("units", default)).lower()


def _decode(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
