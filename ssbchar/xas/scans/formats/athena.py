"""Athena projects, as Perl (Athena, Demeter) and as JSON (Demeter 0.9.21 on): their groups, and the
reference channels that belong to them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.typing import Array
from ssbchar.xas.scans.formats.column_text import parse_numbers
from ssbchar.xas.scans.formats.raw_scan import RawScan

SAVE_AGAIN = "save it again from Athena"
TOKEN = re.compile(
    r"""\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|([\[\](){},])|=>|([^\s,'"\[\](){}=]+))""",
    re.DOTALL,
)
"""An element of a Perl list: a string, a bracket or comma, a bare word."""
ARRAY = re.compile(r"^@(\w+) *= *\(", flags=re.MULTILINE)
"""Where an array of a project begins."""
OPEN, CLOSE = "([{", ")]}"
REFERENCE_KEYS = ("reference", "referencegroup")
"""Settings that name the group of the reference channel."""
REFERENCE = "mu_ref"
"""Column of the absorption of the reference channel."""
IS_REFERENCE = "is_reference"
"""Header field of a group that is another's reference channel."""
Group = tuple[str, dict[str, str], dict[str, Sequence[Any]]]
"""Name, settings and arrays of a group."""
NO_SPECTRA = ("chi", "chik", "rsp", "qsp")
"""Kinds of groups that hold no mu(E)."""


def is_athena(text: str) -> bool:
    """Return whether a text is an Athena project."""
    return "Athena project file" in text[:500] or "\n$old_group" in text


def parse_athena(path: Path, text: str) -> list[RawScan]:
    """Return the groups of an Athena project with their arrays ``x``, ``y``, ``i0`` ... and
    settings ``bkg_eshift`` ...

    Parameters
    ----------
    path : Path
        For messages.
    text : str
        The whole file, decompressed.

    Returns
    -------
    list of RawScan
        Columns of shape (point,), energy in eV. A group that cannot be used says why in its
        `fault`; the absorption of a group's reference channel is its column ``mu_ref``.

    Raises
    ------
    BadInput
        No group holds data, or one is cut.

    Notes
    -----
    A project in Perl holds, per group, ``$old_group = 'name';``, ``@args = ('key','value', ...);``,
    whose values may be lists, and arrays ``@x = ('7001.0', ...);``; one in JSON a dictionary of
    ``args``, ``x``, ``y`` ... per group. ``y`` is mu(E), not normalised unless ``is_nor`` is set.
    """
    is_json = text.lstrip("\ufeff \t\r\n").startswith("{")
    groups = _list_json_groups(path, text) if is_json else _list_perl_groups(path, text)
    built = [_build_scan(path, *group) for group in groups]
    scans = [scan for scan in built if scan is not None]
    if not any(not scan.fault for scan in scans):
        raise BadInput(path, "the project holds no group with data", SAVE_AGAIN)
    return _join_references(scans)


def _list_perl_groups(path: Path, text: str) -> Iterator[Group]:
    """Yield name, settings and arrays of each group of a project in Perl."""
    for group in re.split(r"^\$old_group", text, flags=re.MULTILINE)[1:]:
        name = re.match(r"\s*=\s*'([^']*)'", group)
        header: dict[str, str] = {}
        arrays: dict[str, Sequence[Any]] = {}
        end = 0
        for begin in ARRAY.finditer(group):
            if begin.start() < end:
                continue  # within a text of the last one
            found = _parse_perl_list(group, begin.end())
            if found is None:
                where = f"{path}[{header.get('label', '')}]"
                raise BadInput(where, f"'{begin[1]}' has no end: the project is cut", SAVE_AGAIN)
            values, end = found
            if begin[1] == "args":
                header = _read_settings(dict(zip(values[::2], values[1::2], strict=False)))
            else:
                arrays[begin[1]] = values
        yield (name[1] if name else ""), header, arrays


def _parse_perl_list(text: str, start: int) -> tuple[list[Any], int] | None:
    """Return the elements of a list whose bracket is open, lists within it as lists, and where it
    ends; None where it does not."""
    stack: list[list[Any]] = [[]]
    place = start
    while True:
        token = TOKEN.match(text, place)
        if token is None:
            return None
        place = token.end()
        quoted, double, mark, bare = token.groups()
        if mark and mark in OPEN:
            stack.append([])
        elif mark and mark in CLOSE:
            done = stack.pop()
            if not stack:
                # A list that a semicolon follows has its end.
                return (done, place) if text[place : place + 20].lstrip().startswith(";") else None
            stack[-1].append(done)
        elif not mark:
            word = next((one for one in (quoted, double, bare) if one is not None), None)
            if word is not None:
                stack[-1].append(re.sub(r"\\(['\"\\])", r"\1", word) if bare is None else bare)


def _list_json_groups(path: Path, text: str) -> Iterator[Group]:
    """Yield name, settings and arrays of each group of a project in JSON, in its order."""
    try:
        project = json.loads(text)
    except ValueError as error:
        problem = f"no readable JSON project ({error}): it is cut or damaged"
        raise BadInput(path, problem, SAVE_AGAIN) from error
    order = project.get("_____order")
    names = [*order] if isinstance(order, list) else []
    names += [name for name in project if name not in names and not name.startswith("_____")]
    for name in names:
        group = project.get(name)
        if not isinstance(group, dict):
            continue
        args = group.get("args", {})
        if isinstance(args, list):
            args = dict(zip(args[::2], args[1::2], strict=False))
        header = _read_settings(args if isinstance(args, dict) else {})
        arrays: dict[str, Sequence[Any]] = {
            str(key): value for key, value in group.items() if isinstance(value, list)
        }
        yield str(name), header, arrays


def _read_settings(args: Mapping[Any, Any]) -> dict[str, str]:
    """Return settings as texts by their names in lower case; of merged groups some are lists."""
    return {
        str(key).lower(): ",".join(map(str, value)) if isinstance(value, list) else _show(value)
        for key, value in args.items()
        if not isinstance(key, list)
    }


def _show(value: Any) -> str:
    return "" if value is None or value == "undef" else str(value)


def _build_scan(
    path: Path, name: str, header: dict[str, str], arrays: Mapping[str, Sequence[Any]]
) -> RawScan | None:
    """Return a group as a scan, None where it is not meant to hold a spectrum."""
    label = header.get("label", name)
    where = f"{path}[{label}]"
    if "x" not in arrays or "y" not in arrays:
        return None
    header = {**header, "group": name, "label": label}
    columns: dict[str, Array] = {}
    fault = ""
    for key, values in arrays.items():
        numbers = None if any(isinstance(v, list) for v in values) else _read_array(values)
        if numbers is not None and numbers.size:
            columns[key] = numbers
        elif key in ("x", "y"):
            fault = f"its '{key}' is no array of numbers"
    if not fault and columns["x"].size != columns["y"].size:
        fault = f"it has {columns['x'].size} energies and {columns['y'].size} values of mu"
    if header.get("datatype", "") in NO_SPECTRA or header.get("is_chi", "0") not in ("0", ""):
        fault = "it holds chi(k), no mu(E)"
    elif header.get("is_diff", "0") not in ("0", ""):
        fault = "it holds a difference of spectra, no mu(E)"
    return RawScan(where=where, columns=columns, header=header, text=label, fault=fault)


def _read_array(values: Sequence[Any]) -> Array | None:
    if all(isinstance(value, int | float) for value in values):
        return np.array(values, float)
    numbers = parse_numbers([str(value).strip() for value in values])
    return None if numbers is None else np.array(numbers)


def _join_references(scans: list[RawScan]) -> list[RawScan]:
    """Give each group the absorption of its reference channel, and mark that as one."""
    by_group = {scan.header["group"]: scan for scan in scans if scan.header["group"]}
    for scan in scans:
        tied = next((scan.header[key] for key in REFERENCE_KEYS if scan.header.get(key)), "")
        other = by_group.get(tied)
        if other is None or other is scan or other.fault or scan.fault:
            continue
        if _is_reference(scan) or not _is_reference(other):
            continue
        other.header[IS_REFERENCE] = "1"
        scan.columns[REFERENCE] = np.interp(
            scan.columns["x"], other.columns["x"], other.columns["y"], left=np.nan, right=np.nan
        )
    return scans


def _is_reference(scan: RawScan) -> bool:
    """Return whether Athena's label says that a group is a reference channel."""
    return re.match(r"\s*ref\b", scan.header["label"], re.IGNORECASE) is not None
