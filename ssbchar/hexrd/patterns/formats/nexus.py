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

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from ssbchar.constants import ABSOLUTE_ZERO_C, HC_EV_ANGSTROM
from ssbchar.errors import BadInput
from ssbchar.hexrd.patterns.formats.extracted import PatternFile
from ssbchar.storage import row_file
from ssbchar.typing import Array

_AXIS_UNITS = {
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
_LENGTH = {"m": 1e10, "nm": 10.0, "angstrom": 1.0, "å": 1.0, "a": 1.0, "pm": 0.01, "": 1.0}


def extract(path: Path) -> PatternFile:
    """Return the patterns of a NeXus or HDF5 file.

    Raises
    ------
    BadInput
        No HDF5 file (or a truncated one), no or more than one NXdata of patterns, an axis that does
        not fit.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return _read(path, file)
    except OSError as error:
        raise BadInput(
            path, f"no readable HDF5 file ({error})"[:160], "copy it again from the beamline"
        ) from error


def _read(path: Path, file: Any) -> PatternFile:
    group = _default(file) or _only(path, file)
    name = str(
        _text(group.attrs.get("signal", ""))
        or next(n for n in group if group[n].attrs.get("signal") == 1)
    )
    data = group[name]
    intensity = _rows(data)
    axes = [_text(a) for a in np.atleast_1d(group.attrs.get("axes", data.attrs.get("axes", [])))]
    if not axes or axes[-1] not in group:
        raise BadInput(
            f"{path}:{data.name}",
            "its scattering axis is not named",
            "set the NXdata attribute 'axes'",
        )
    axis = group[axes[-1]]
    x = np.asarray(axis, float).ravel()
    if x.size != intensity.shape[1]:
        raise BadInput(
            f"{path}:{data.name}",
            f"{intensity.shape[1]} points on an axis of {x.size}",
            "write it anew",
        )
    unit, scale = _AXIS_UNITS.get(_text(axis.attrs.get("units", "")).lower(), ("", 1.0))
    errors = next(
        (group[n] for n in (f"{name}_errors", f"{name}_error", "errors") if n in group), None
    )
    entry = file[group.name.split("/")[1]] if group.name.count("/") > 1 else file
    frames = intensity.shape[0]
    return PatternFile(
        x=x * scale,
        unit=unit or _unit_by_name(axes[-1]),
        intensity=intensity,
        stderr=None if errors is None else _rows(errors),
        header=_header(file, group),
        wavelength=_wavelength(entry),
        temperature=_per_frame(group, entry, ("temperature", "T"), frames, _celsius),
        time=_per_frame(group, entry, ("time", "epoch", "timestamp"), frames, _epoch),
        monitor=_per_frame(group, entry, ("monitor", "i0", "I0"), frames, lambda v, u: v),
    )


def _rows(data: Any) -> Array | row_file.RowFile:
    """Return patterns as numbers, shape (frames, points); a long series on disk, read a block of
    frames at a time."""
    if data.ndim != 2 or not row_file.is_large(data.shape):
        return np.atleast_2d(np.asarray(data, float))
    rows = row_file.allocate_rows(data.shape)
    for part in row_file.split_rows(data.shape):
        rows[part] = np.asarray(data[part], float)
    return rows


def _default(file: Any) -> Any:
    group = file
    while "default" in group.attrs and _text(group.attrs["default"]) in group:
        group = group[_text(group.attrs["default"])]
    return group if _has_signal(group) else None


def _only(path: Path, file: Any) -> Any:
    found: list[Any] = []
    file.visititems(lambda _, item: found.append(item) if _has_signal(item) else None)
    found = [g for g in found if np.ndim(g[_signal(g)]) in (1, 2)]
    if len(found) != 1:
        names = ", ".join(g.name for g in found) or "none"
        raise BadInput(
            path,
            f"needs one NXdata group of patterns, has {names}",
            "mark it by the attribute 'default'",
        )
    return found[0]


def _signal(group: Any) -> str:
    if "signal" in group.attrs:
        return _text(group.attrs["signal"])
    return next(
        (
            n
            for n in group
            if hasattr(group[n], "shape") and group[n].attrs.get("signal") in (1, "1")
        ),
        "",
    )


def _has_signal(item: Any) -> bool:
    return hasattr(item, "keys") and bool(_signal(item)) and _signal(item) in item


def _unit_by_name(name: str) -> str:
    lowered = name.lower()
    if lowered in ("two_theta", "2theta", "tth", "polar_angle", "twotheta"):
        return "degree"
    return "1/angstrom" if lowered.startswith("q") else ""


def _header(file: Any, group: Any) -> str:
    texts = [f"{k} {_text(v)}" for holder in (file, group) for k, v in holder.attrs.items()]

    def collect(_: str, item: Any) -> None:
        if hasattr(item, "dtype") and item.dtype.kind in "OS" and not item.shape:
            texts.append(_text(item[()]))

    file.visititems(collect)
    return "\n".join(texts)


def _find(group: Any, names: tuple[str, ...]) -> Any:
    """Return the dataset of one of these names, the nearest to the top first."""
    found: list[Any] = []
    group.visititems(
        lambda _, item: (
            found.append(item)
            if hasattr(item, "shape") and item.name.split("/")[-1] in names
            else None
        )
    )
    return min(found, key=lambda d: (d.name.count("/"), d.name)) if found else None


def _wavelength(entry: Any) -> tuple[float, float] | None:
    item = _find(entry, ("wavelength", "incident_wavelength"))
    if item is not None:
        value = float(np.ravel(item)[0]) * _LENGTH.get(
            _text(item.attrs.get("units", "")).lower(), 1.0
        )
        return value, value * 1e-7
    item = _find(entry, ("energy", "incident_energy"))
    if item is not None:
        scale = 1e3 if _text(item.attrs.get("units", "keV")).lower() == "kev" else 1.0
        value = HC_EV_ANGSTROM / (float(np.ravel(item)[0]) * scale)
        return value, value * 1e-7
    return None


def _per_frame(group: Any, entry: Any, names: tuple[str, ...], frames: int, convert: Any) -> Array:
    for item in (next((group[n] for n in names if n in group), None), _find(entry, names)):
        if item is not None and np.size(item) in (1, frames) and item.dtype.kind in "fiu":
            values = convert(np.asarray(item, float).ravel(), item)
            return np.broadcast_to(values, frames).copy()
    return np.full(frames, np.nan)


def _celsius(values: Array, item: Any) -> Array:
    return (
        values + ABSOLUTE_ZERO_C
        if _text(item.attrs.get("units", "")).lower() in ("k", "kelvin")
        else values
    )


def _epoch(values: Array, item: Any) -> Array:
    """Return seconds since 1970 UTC of a NeXus time axis: epoch itself, or ``start`` plus offset;
    else NaN."""
    start = _text(item.attrs.get("start", ""))
    if start:
        moment = datetime.fromisoformat(start.replace("Z", "+00:00"))
        return values + moment.timestamp() if moment.tzinfo else np.full_like(values, np.nan)
    return np.where(values > 1e8, values, np.nan)


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
