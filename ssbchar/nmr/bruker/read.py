"""Bruker ``fid`` and ``ser`` as measured: nothing corrected, the group delay kept on the axis."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from ssbchar.errors import BadInput
from ssbchar.nmr.bruker import acquisition_times, clipping, echo_timing, files
from ssbchar.nmr.bruker.acquisition import Acquisition, read_acquisition
from ssbchar.nmr.bruker.axes import make_coordinates
from ssbchar.nmr.bruker.echo_timing import DecayAxis
from ssbchar.nmr.bruker.files import Decays, Experiment
from ssbchar.nmr.bruker.options import Reading
from ssbchar.nmr.bruker.outputs import FID
from ssbchar.storage import reading
from ssbchar.typing import Bool

RELAXATION = "relaxation"
"""Role whose slices are told by one delay or pulse that varies."""
WITHOUT_DECAY = ("series",)
"""Roles whose slices need no decay time: they are told by when they were measured."""


class SliceStatus(StrEnum):
    """Whether a slice can be used."""

    OK = "ok"
    ZEROS = "zeros"
    NOT_FINITE = "not_finite"
    NO_DELAY = "no_delay"
    CLIPPED = "clipped"


PROBLEMS = {
    SliceStatus.ZEROS: "all points are zero",
    SliceStatus.NOT_FINITE: "holds numbers that are not finite",
    SliceStatus.NO_DELAY: "the list has no entry for it",
    SliceStatus.CLIPPED: "the receiver clipped it: many samples read its highest value",
}
"""What is wrong with a slice, for messages."""
REMEDIES = {SliceStatus.CLIPPED: "measure it again with a lower RG"}
"""What to do, where it is not to measure again or leave out."""


def read_fid(source: Path, options: Reading, labels: dict[str, str] | None = None) -> xr.Dataset:
    """Read one Bruker experiment (TopSpin 2 to 4, a folder or a zip of one).

    Parameters
    ----------
    source : Path
        The experiment's folder (the one with ``acqus``), a folder that holds just one, or a
        ``.zip`` or tar file.
    options : Reading
        Nucleus expected, decay axis, reference.
    labels : dict, optional
        ``role``: a ``decay`` or ``reference_decay`` must have a decay time per slice.

    Returns
    -------
    Dataset
        ``real``, ``imag`` (slice, time) [1] scaled by 2^NC, ``time`` [s] (zero where the digital
        filter's group delay ends; earlier points are its transient), ``decay_time`` (slice) [s],
        ``status`` (slice); attributes of the acquisition, and ``conflicts`` (JSON list) found in
        the metadata.

    Raises
    ------
    BadInput
        A file is missing or contradicts another one.
    """
    role = (labels or {}).get("role", "")
    limits = options.limits
    with (
        files.open_experiment(Path(source), limits) as experiment,
        reading.guard_folder(experiment.shown, limits, files.measure_size(experiment)),
    ):
        return read_experiment(experiment, options, role)


def read_experiment(experiment: Experiment, options: Reading, role: str = "") -> xr.Dataset:
    """Read an experiment whose folder is known, as `read_fid`.

    Parameters
    ----------
    experiment : Experiment
        Where its files are.
    options : Reading
    role : str
        Of the row.

    Returns
    -------
    Dataset
        As `read_fid`, and where the acquisition is dated ``acquired`` (slice) [s since 1970-01-01
        UTC].

    Raises
    ------
    BadInput
        As `read_fid`.
    """
    limits = options.limits
    acquisition, attrs = _read_parameters(experiment, options)
    decays = files.read_decays(experiment, acquisition.acqus, limits)
    slices = len(decays.points)
    if role == RELAXATION:
        axis, attrs["relaxation"] = echo_timing.find_relaxation_axis(
            experiment, acquisition, slices=slices, given=options.decay_axis
        )
    else:
        axis = echo_timing.find_decay_axis(
            experiment,
            acquisition,
            slices=slices,
            given=options.decay_axis,
            needed=role not in WITHOUT_DECAY
            and options.slices == "all"
            and (slices > 1 or role.endswith("decay")),
        )
    when = acquisition_times.find_slice_times(experiment, attrs, slices)
    decays, axis = _select_decays(decays, axis, options, experiment.shown)
    if len(decays.points) != slices:
        chosen = options.slices
        when = when[[chosen - 1]] if isinstance(chosen, int) else when.mean(keepdims=True)
    attrs["scans"] *= decays.summed
    echo_delay = echo_timing.find_echo_delay(experiment, acquisition)
    dead_time = echo_timing.find_dead_time(acquisition)
    attrs |= {"echo_delay": echo_delay, "dead_time": dead_time, "decay_axis": axis.formula}
    step = 2.0 ** int(acquisition.acqus.get("NC", 0))
    clipped = clipping.find_clipped_slices(decays.points, step)
    attrs["clipped"] = int(clipped.all())
    attrs["conflicts"] = json.dumps([*acquisition.conflicts, *axis.remarks])
    _check_group_delay(attrs["group_delay"], decays, experiment.shown)
    fid = _assemble(decays, axis, clipped, attrs, experiment.shown)
    if role in WITHOUT_DECAY:
        fid["acquired"] = ("slice", when, FID.variables["acquired"].attributes())
    return fid


def _select_decays(
    decays: Decays, axis: DecayAxis, options: Reading, shown: Path
) -> tuple[Decays, DecayAxis]:
    """Return the decays that are asked for, all, their sum, or one of them, and their axis.

    What cannot be used, zeros and numbers that are not finite, is no part of a sum. A sum has a
    decay time where all its decays have one.
    """
    points = decays.points
    if options.slices == "all":
        return decays, axis
    if options.slices == "sum":
        usable = np.isfinite(points).all(axis=1) & points.any(axis=1)
        summed = np.flatnonzero(usable)
        summed = summed if summed.size else np.array([0])
        total = points[summed].sum(axis=0, keepdims=True)
        times = axis.times[summed]
        is_one_time = np.isfinite(times).all() and np.ptp(times) == 0
        of_sum = axis.times[:1] if is_one_time else np.full(1, np.nan)
        axis = replace(axis, times=of_sum, formula=axis.formula if is_one_time else "")
        return Decays(points=total, planned=1, summed=summed.size), axis
    if options.slices > len(points):
        problem = f"read.slices is {options.slices}, and there are {len(points)} slices"
        raise BadInput(shown, problem, "give the number of a slice that was recorded")
    place = options.slices - 1
    chosen = slice(place, place + 1)
    is_known = bool(np.isfinite(axis.times[place]))
    axis = replace(axis, times=axis.times[chosen], formula=axis.formula if is_known else "")
    return Decays(points=points[chosen], planned=1), axis


def _read_parameters(
    experiment: Experiment, options: Reading
) -> tuple[Acquisition, dict[str, Any]]:
    """Return what an experiment's parameters say, and its attributes."""
    try:
        acquisition = read_acquisition(experiment, options)
        attributes = acquisition.attributes()
        wrong = [k for k, v in attributes.items() if isinstance(v, float) and not np.isfinite(v)]
        if wrong:
            raise ValueError(f"{wrong[0]} is {attributes[wrong[0]]}")
        return acquisition, attributes
    except (ValueError, TypeError, OverflowError) as error:
        problem = f"a parameter makes no sense ({error})"
        raise BadInput(experiment.shown / "acqus", problem, files.COPY_AGAIN) from error


def _check_group_delay(delay: float, decays: Decays, shown: Path) -> None:
    """Refuse a group delay [points] that leaves no decay."""
    points = decays.points.shape[1]
    if not 0 <= delay < points:
        problem = f"a group delay of {delay:g} points, and {points} in a decay"
        raise BadInput(shown / "acqus", problem, "correct GRPDLY, DECIM and DSPFVS")


def _assemble(
    decays: Decays, axis: DecayAxis, clipped: Bool, attrs: dict[str, Any], shown: Path
) -> xr.Dataset:
    status = _judge_slices(decays, axis, clipped)
    attrs["set_aside"] = json.dumps(_list_excluded_slices(status, decays, shown))
    # A slice that is set aside holds no number that could spoil those of others.
    broken = np.array([one == SliceStatus.NOT_FINITE for one in status])
    raw = np.where(broken[:, None], 0.0, decays.points) if broken.any() else decays.points
    time = (np.arange(raw.shape[1]) - attrs["group_delay"]) / attrs["sw"]
    numbers = np.arange(1, len(status) + 1)
    dataset = FID.dataset(
        {
            "real": raw.real,
            "imag": raw.imag,
            "decay_time": axis.times,
            "status": np.array([str(one) for one in status]),
        },
        attrs,
        coords=make_coordinates(time=(time, {"units": "s"}), slice=(numbers, {})),
    )
    dataset["decay_time"].attrs["long_name"] = axis.formula
    return dataset


def _judge_slices(decays: Decays, axis: DecayAxis, clipped: Bool) -> list[SliceStatus]:
    status = []
    # Where nothing else is left, what was clipped is used, and no share of it is `ok`.
    set_aside = clipped & ~clipped.all()
    for points, time, cut in zip(decays.points, axis.times, set_aside, strict=True):
        if not np.isfinite(points).all():
            status.append(SliceStatus.NOT_FINITE)
        elif not points.any():
            status.append(SliceStatus.ZEROS)
        elif axis.formula and not np.isfinite(time):
            status.append(SliceStatus.NO_DELAY)
        elif cut:
            status.append(SliceStatus.CLIPPED)
        else:
            status.append(SliceStatus.OK)
    return status


def _list_excluded_slices(
    status: Sequence[SliceStatus], decays: Decays, shown: Path
) -> list[dict[str, str]]:
    """Return what is wrong with single slices; raise where none is left."""
    excluded = [
        {
            "where": f"{shown}, slice {number}",
            "problem": PROBLEMS[one],
            "remedy": REMEDIES.get(one, "measure it again or leave it out"),
        }
        for number, one in enumerate(status, 1)
        if one != SliceStatus.OK
    ]
    if len(excluded) == len(status):
        everywhere = " (in all slices)" if len(excluded) > 1 else ""
        raise BadInput(shown, excluded[0]["problem"] + everywhere, "measure again")
    if decays.planned > len(status):
        excluded.append(
            {
                "where": str(shown),
                "problem": f"only {len(status)} of {decays.planned} slices were recorded",
                "remedy": "the rest is missing; go on with fewer, or measure again",
            }
        )
    if decays.surplus >= 2 * decays.points.shape[1]:
        slices = decays.surplus // (2 * decays.points.shape[1])
        excluded.append(
            {
                "where": str(shown),
                "problem": f"the file goes on for {slices} more decays than TD states, not read",
                "remedy": "look whether acqus and acqu2s belong to it",
            }
        )
    return excluded
