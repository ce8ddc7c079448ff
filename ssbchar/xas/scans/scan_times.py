"""When a scan began, and what else was read once per scan: from the file's header or a column."""

from __future__ import annotations

import contextlib
import math

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.timestamps import AmbiguousDate, epoch_from_moment, epoch_from_number, parse_moment
from ssbchar.xas.scans.columns import find_column
from ssbchar.xas.scans.formats.raw_scan import PER_SCAN, RawScan

START_FIELDS = (
    "scan.start_time",
    "start_time",
    "start time",
    "started",
    "created",
    "timestamp",
    "date",
    "time",
)
"""Header fields that say when a scan began, the surest first."""
OWN_CLOCK = "+00:00"
"""Zone of times that state none: of one series, differences count alone."""


def read_start(raw: RawScan, given: str) -> float:
    """Return when a scan began [s], since 1970 where the file states a date, else by its own clock.

    Parameters
    ----------
    raw : RawScan
    given : str
        Column or header field of the time; empty knows the usual fields.

    Returns
    -------
    float
        NaN where nothing states it, or day and month may be exchanged.

    Raises
    ------
    BadInput
        The field or column that is named is not there, or holds no time.
    """
    if given:
        value = read_once(raw, given)
        if value is None:
            text = raw.header.get(given.strip().lower(), "")
            value = _parse_time(text)
            if not math.isfinite(value):
                problem = f"no time in '{given}'" + (f" ('{text[:40]}')" if text else "")
                raise BadInput(raw.where, problem, "set read.time to a column or a header field")
        epoch = epoch_from_number(value)
        return epoch if math.isfinite(epoch) else value
    for name in START_FIELDS:
        found = _parse_time(raw.header.get(name, ""))
        if math.isfinite(found):
            return found
    # Date and clock may stand in fields of their own.
    return _parse_time(f"{raw.header.get('date', '')} {raw.header.get('time', '')}")


def read_once(raw: RawScan, name: str) -> float | None:
    """Return the one value of a scan: of a stack its own, of a column the first for a time.

    Parameters
    ----------
    raw : RawScan
    name : str
        Column, or what a stack has once for each scan.

    Returns
    -------
    float or None
        None where there is none.
    """
    own = raw.header.get(PER_SCAN + name.strip().lower())
    if own is not None:
        return float(own)
    column = find_column(raw, "energy", name)
    if column is None:
        return None
    values = raw.columns[column]
    finite = values[np.isfinite(values)]
    return float(finite[0]) if finite.size else None


def read_channel(raw: RawScan, given: str) -> float:
    """Return the mean over a scan of a channel that is read beside it, as a cell's voltage.

    Parameters
    ----------
    raw : RawScan
    given : str
        Column, or what a stack has once for each scan; empty gives NaN.

    Returns
    -------
    float
        In the unit of the file.

    Raises
    ------
    BadInput
        The channel that is named is not there.
    """
    if not given:
        return math.nan
    own = raw.header.get(PER_SCAN + given.strip().lower())
    if own is not None:
        return float(own)
    column = find_column(raw, "energy", given)
    if column is None:
        have = ", ".join(raw.columns)
        raise BadInput(
            raw.where, f"no column '{given}' ({have})", "set read.channel to one of them"
        )
    values = raw.columns[column]
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else math.nan


def _parse_time(text: str) -> float:
    if not text.strip():
        return math.nan
    with contextlib.suppress(AmbiguousDate):
        moment = parse_moment(text)
        if moment is not None:
            return epoch_from_moment(moment, OWN_CLOCK)
    with contextlib.suppress(ValueError):
        return epoch_from_number(float(text))
    return math.nan
