"""What is spoilt, and how a run reads it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ssbchar.pipeline import step
from ssbchar.runtime import options as opts

Numbers = dict[str, Any]
"""What a reader returned: arrays and texts by name."""
NOTES = ("set_aside", "notes", "conflicts")
"""Attributes that only tell what was noticed."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A sound file, or folder, and how it is read."""

    reader: str
    """Row of the table."""
    name: str
    write: Callable[[Path], Path]
    """Writes it into an empty folder; returns what is given to `read`."""
    read: Callable[[Path], Numbers]
    spoil: str = ""
    """Glob of the files that are spoilt, below the folder; empty: the file itself."""
    is_text: bool = False


def reduce_dataset(ds: Any) -> Numbers:
    """Return the numbers of a Dataset, and the attributes that are no notes."""
    found: Numbers = {str(k): np.asarray(v.values) for k, v in ds.variables.items()}
    told = {k: v for k, v in ds.attrs.items() if k in NOTES}
    return {**found, "_told": json.dumps(told, default=str)}


def call_step(
    name: str, path: Path, argument: str, options: Mapping[str, Any], role: str = "pristine"
) -> Numbers:
    """Call the function of a step as `step.run_step` does."""
    function = step.find_function(name)
    hints = step.read_hints(function)
    given: dict[str, Any] = {argument: path}
    if "options" in hints:
        given["options"] = opts.build_options(hints["options"], options, name)
    if "labels" in hints:
        given["labels"] = {"measurement": "m", "sample": "s", "role": role, "phase": "X"}
    return reduce_dataset(step.call_function(function, given))
