"""When each slice of an experiment was measured."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np

from ssbchar.nmr.bruker import files
from ssbchar.nmr.bruker.files import Experiment
from ssbchar.typing import Array

_STARTED = re.compile(r"started at (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? [+-]\d{4})")
"""What TopSpin writes into ``audita.txt`` when an acquisition begins."""


def find_slice_times(experiment: Experiment, attributes: Mapping[str, Any], slices: int) -> Array:
    """Return the middle of each slice's acquisition.

    DATE is when the acquisition ended. It began when ``audita.txt`` says so; else all scans with
    their recycle delays and decays took as long as these add up to. Slices last alike.

    Parameters
    ----------
    experiment : Experiment
        Where ``audita.txt`` is.
    attributes : mapping
        ``date`` [s since 1970-01-01 UTC], ``scans``, ``recycle_delay`` and ``acquisition_time`` [s]
        (`Acquisition.attributes`).
    slices : int
        Slices recorded.

    Returns
    -------
    ndarray, shape (slice,)
        [s since 1970-01-01 UTC]; since the start where there is no date.
    """
    date = float(attributes.get("date", 0))
    per_slice = float(attributes["scans"]) * (
        float(attributes["recycle_delay"]) + float(attributes["acquisition_time"])
    )
    start = _find_start(experiment)
    if start is not None and 0 < date - start:
        # A series that broke off was stopped at its date.
        per_slice = (date - start) / slices
    elif date > 0:
        start = date - slices * per_slice
    else:
        start = 0.0
    return np.asarray(start + per_slice * (np.arange(slices) + 0.5))


def _find_start(experiment: Experiment) -> float | None:
    """Return when the last acquisition of an experiment began [s since 1970-01-01 UTC]."""
    found = _STARTED.findall(files.read_text(experiment.folder / "audita.txt"))
    if not found:
        return None
    form = "%Y-%m-%d %H:%M:%S.%f %z" if "." in found[-1] else "%Y-%m-%d %H:%M:%S %z"
    return datetime.strptime(found[-1], form).timestamp()
