"""Spectra of one sample in their order of time: several experiments, or one ``ser`` of repeats."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from ssbchar.errors import BadInput
from ssbchar.nmr.bruker import files
from ssbchar.nmr.bruker.axes import make_coordinates
from ssbchar.nmr.bruker.files import Experiment
from ssbchar.nmr.bruker.options import Reading
from ssbchar.nmr.bruker.outputs import FID
from ssbchar.nmr.bruker.read import SliceStatus, read_experiment
from ssbchar.storage import reading

ROLE = "series"
"""Role of the rows that this step reads."""
SETTINGS = (
    "pulse_program",
    "sfo1",
    "bf1",
    "sw",
    "group_delay",
    "pulse_1",
    "pulse_2",
    "recycle_delay",
    "echo_delay",
)
"""What the experiments of one series have in common; shares depend on it."""
SAME = 1e-6
"""Settings that differ by less are the same, relative [1]."""
MOST_NAMED = 5
"""Experiments named in a message."""


def read_time_series(source: Path, options: Reading) -> xr.Dataset:
    """Read experiments of one sample as the slices of one series, in the order of their dates.

    Experiments with other settings (program, pulses, delays, width, carrier) than most have are no
    part of it; they, and those that cannot be read, are named in ``set_aside``. Decays are brought
    to the scans and the receiver gain of the first. A ``ser`` brings all of its slices, or what
    `Reading.slices` asks for.

    Parameters
    ----------
    source : Path
        A folder, a glob of folders, or a zip or tar file: of several experiments, or of one.
    options : Reading
        As for `ssbchar.nmr.bruker.read_fid`.

    Returns
    -------
    Dataset
        As `ssbchar.nmr.bruker.read_fid`, with ``acquired`` (slice) [s], rising.

    Raises
    ------
    BadInput
        There is no experiment, none can be read, or as many have one setting as another.
    """
    excluded: list[dict[str, str]] = []
    parts: list[_Part] = []
    with files.open_experiments(Path(source), options.limits) as experiments:
        for experiment in experiments:
            try:
                parts.append(_read_part(experiment, options))
            except BadInput as fault:
                excluded.append(_exclude(fault.where, fault.problem, fault.remedy))
    if not parts:
        first = excluded[0]
        more = f" (and {len(excluded) - 1} more)" if len(excluded) > 1 else ""
        raise BadInput(first["where"], first["problem"] + more, first["remedy"])
    parts, others = _select_common(parts, Path(source))
    excluded += others
    parts, copies = _drop_copies(parts)
    return _join_parts(parts, excluded + copies)


@dataclass(frozen=True, kw_only=True)
class _Part:
    """One experiment of the series."""

    shown: Path
    fid: xr.Dataset

    @property
    def key(self) -> tuple[Any, ...]:
        """What it has in common with others of its series."""
        values = [self.fid.attrs[name] for name in SETTINGS]
        return (self.fid.sizes["time"], *map(_round, values))


def _round(value: object) -> object:
    """Return a setting so that equal ones compare equal: NaN too, and numbers up to rounding."""
    if isinstance(value, float):
        return f"{value:.6g}" if abs(value) < 1e3 else f"{value:.9g}"
    return value


def _exclude(where: object, problem: str, remedy: str) -> dict[str, str]:
    return {"where": str(where), "problem": problem, "remedy": remedy}


def _read_part(experiment: Experiment, options: Reading) -> _Part:
    limits = options.limits
    with reading.guard_folder(experiment.shown, limits, files.measure_size(experiment)):
        fid = read_experiment(experiment, options, ROLE)
    times = fid["decay_time"].values
    known = times[np.isfinite(times)]
    if known.size > 1 and np.ptp(known) > SAME * np.abs(known).max():
        problem = f"its delay {fid.attrs['decay_axis'][:60]} changes from slice to slice"
        raise BadInput(experiment.shown, problem, "read it in a row of role decay")
    return _Part(shown=experiment.shown, fid=fid)


def _select_common(parts: list[_Part], source: Path) -> tuple[list[_Part], list[dict[str, str]]]:
    """Return the experiments with the settings that most have, and the others as excluded.

    Raises
    ------
    BadInput
        Two groups are as large, or there are several without a date.
    """
    counts = Counter(part.key for part in parts)
    (common, most), *rest = counts.most_common()
    if rest and rest[0][1] == most:
        problem = f"{most} experiments with {_name_differences(common, rest[0][0])}, and as many"
        raise BadInput(source, f"{problem} without", "give a glob of those of one series")
    kept = [part for part in parts if part.key == common]
    excluded = [
        _exclude(
            part.shown,
            f"not of this series: {_name_differences(part.key, common)}",
            "give a glob that leaves it out, or a row of its own",
        )
        for part in parts
        if part.key != common
    ]
    undated = [part for part in kept if not part.fid.attrs["date"] > 0]
    if undated and len(kept) > 1:
        excluded += [_exclude(p.shown, "acqus has no DATE", "copy acqus again") for p in undated]
        kept = [part for part in kept if part.fid.attrs["date"] > 0]
        if not kept:
            raise BadInput(
                source, "no experiment has a DATE in acqus", "copy the acqus files again"
            )
    return kept, excluded


def _name_differences(one: tuple[Any, ...], other: tuple[Any, ...]) -> str:
    """Return the settings in which one experiment differs from others, with its own values."""
    names = ("points", *SETTINGS)
    differing = [
        f"{name} {mine} (not {yours})"
        for name, mine, yours in zip(names, one, other, strict=True)
        if mine != yours
    ]
    return ", ".join(differing[:MOST_NAMED])


def _drop_copies(parts: list[_Part]) -> tuple[list[_Part], list[dict[str, str]]]:
    """Return the experiments without those that are copies of another, which would count twice."""
    kept: list[_Part] = []
    copies = []
    for part in parts:
        same = [
            one
            for one in kept
            if one.fid.attrs["date"] == part.fid.attrs["date"]
            and one.fid["real"].equals(part.fid["real"])
        ]
        if same:
            problem = f"a copy of {same[0].shown.name}"
            copies.append(_exclude(part.shown, problem, "leave it out"))
        else:
            kept.append(part)
    return kept, copies


def _join_parts(parts: list[_Part], excluded: list[dict[str, str]]) -> xr.Dataset:
    """Return the experiments as the slices of one data set, in the order of time."""
    parts = sorted(parts, key=lambda part: float(part.fid["acquired"].values[0]))
    first = parts[0].fid
    values: dict[str, list[Any]] = {}
    names: list[str] = []
    all_clipped = all(part.fid.attrs["clipped"] for part in parts)
    for part in parts:
        fid = part.fid
        scale = _scale(first.attrs) / _scale(fid.attrs)
        status = fid["status"].values
        if fid.attrs["clipped"] and not all_clipped:
            status = np.full(status.shape, str(SliceStatus.CLIPPED))
            problem = "the receiver clipped it: many samples read its highest value"
            excluded.append(_exclude(part.shown, problem, "measure it again with a lower RG"))
        for name, value in (
            ("real", scale * fid["real"].values),
            ("imag", scale * fid["imag"].values),
            ("decay_time", fid["decay_time"].values),
            ("acquired", fid["acquired"].values),
            ("status", status),
        ):
            values.setdefault(name, []).append(value)
        excluded += json.loads(fid.attrs.get("set_aside", "[]"))
        names += [part.shown.name] * fid.sizes["slice"]
    joined = {name: np.concatenate(each) for name, each in values.items()}
    conflicts = [line for part in parts for line in json.loads(part.fid.attrs["conflicts"])]
    attrs = dict(first.attrs) | {
        "conflicts": json.dumps(list(dict.fromkeys(conflicts))),
        "set_aside": json.dumps(excluded),
        "clipped": int(all_clipped),
        "synthetic": max(int(part.fid.attrs["synthetic"]) for part in parts),
        "experiments": json.dumps(names),
    }
    numbers = np.arange(1, len(names) + 1)
    time = (first["time"].values, dict(first["time"].attrs))
    return FID.dataset(joined, attrs, coords=make_coordinates(time=time, slice=(numbers, {})))


def _scale(attributes: dict[Any, Any]) -> float:
    """Return scans times receiver gain, one where either makes no sense."""
    scale = float(attributes["scans"]) * float(attributes["receiver_gain"])
    return scale if np.isfinite(scale) and scale > 0 else 1.0
