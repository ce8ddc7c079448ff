"""Bruker ``fid`` and ``ser`` files as measured: nothing corrected, the group delay kept in the time
axis."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ssbchar.errors import BadInput
from ssbchar.nmr.bruker import delays, echo_timing, files
from ssbchar.nmr.bruker.axes import axes
from ssbchar.nmr.bruker.metadata_conflicts import conflicts
from ssbchar.nmr.bruker.options import Reading

WHY = {"zeros": "all points are zero", "no_delay": "the list has no entry for it"}


def read_fid(source: Path, options: Reading, labels: dict[str, str] | None = None) -> xr.Dataset:
    """Read one Bruker experiment (TopSpin 2 to 4, a folder or a zip of one).

    Parameters
    ----------
    source : Path
        The experiment's folder (the one with ``acqus``), a folder that holds just one, or a
        ``.zip``.
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
    with files.experiment(Path(source)) as (folder, shown):
        about = about_experiment(folder, shown, options)
        acqus, program, names = about["acqus"], about["program"], about["names"]
        raw, planned = files.points(folder, shown, acqus)
        series = len(raw) > 1 or role.endswith("decay")
        axis, decay_time = echo_timing.decay_times(
            folder, shown, acqus, program, names, len(raw), options.decay_axis, series
        )
        about["echo_delay"] = echo_timing.echo_delay(folder, acqus, program, names)
    return _dataset(raw, planned, decay_time, axis, about, shown)


def about_experiment(folder: Path, shown: Path, options: Reading) -> dict[str, Any]:
    """Return the acquisition's parameters with the conflicts among them.

    Parameters
    ----------
    folder, shown : Path
        The experiment, and its name in messages.
    options : Reading
        Nucleus expected, reference.
    """
    acqus = files.parameters(folder / "acqus", shown)
    for name in ("TD", "SW_h", "SFO1", "BF1", "BYTORDA"):
        if name not in acqus:
            raise BadInput(
                shown / "acqus", f"{name} is missing", "copy the file from the spectrometer again"
            )
    nucleus = str(acqus.get("NUC1", ""))
    if nucleus != options.nucleus:
        raise BadInput(
            shown / "acqus",
            f"NUC1 is {nucleus or 'missing'}, not {options.nucleus}",
            "give the right experiment, or set the column 'read.nucleus'",
        )
    processing = folder / "pdata" / str(options.procno)
    procs = (
        files.parameters(processing / "procs", shown) if (processing / "procs").is_file() else {}
    )
    bf1 = float(acqus["BF1"])
    sf = float(procs.get("SF") or bf1)
    missing = []
    if options.reference_hz is not None:
        sf = bf1 + options.reference_hz * 1e-6
    elif "SF" not in procs:
        missing.append("no SF in procs: shifts are against BF1 (SR = 0); set read.reference_hz")
    title, program = files.text(processing / "title").strip(), files.text(folder / "pulseprogram")
    names, relations = delays.names_from(acqus, program)
    return {
        "acqus": acqus,
        "procs": procs,
        "sf": sf,
        "title": title,
        "program": program,
        "names": names,
        "conflicts": [*conflicts(acqus, title, (sf - bf1) * 1e6), *missing, *relations],
        "mass": {} if options.sample_mass is None else {"sample_mass": options.sample_mass},
    }


def acquisition(about: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes of the acquisition that later steps use."""
    acqus, names = about["acqus"], about["names"]
    sw = float(acqus["SW_h"])
    return {
        "nucleus": str(acqus["NUC1"]),
        "sfo1": float(acqus["SFO1"]),
        "bf1": float(acqus["BF1"]),
        "sf": about["sf"],
        "o1": float(acqus.get("O1", 0.0)),
        "sr": (about["sf"] - float(acqus["BF1"])) * 1e6,
        "sw": sw,
        "group_delay": files.group_delay(acqus),
        "scans": int(acqus.get("NS", 1)),
        "receiver_gain": float(acqus.get("RG", 1.0)),
        "recycle_delay": names.get("d1", 0.0),
        "acquisition_time": int(acqus["TD"]) / 2 / sw,
        "pulse_1": names.get("p1", 0.0),
        "pulse_2": names.get("p2", 0.0),
        "spinning": float(acqus.get("MASR", 0) or 0),
        "date": int(acqus.get("DATE", 0)),
        "probe": str(acqus.get("PROBHD", "")).strip(),
        "title": about["title"],
        "pulse_program": str(acqus.get("PULPROG", "")),
        "conflicts": json.dumps(about["conflicts"]),
        "synthetic": int("synthetic" in about["title"].lower()),
        **about["mass"],
    }


def _dataset(
    raw: NDArray[np.complex128],
    planned: int,
    decay_time: NDArray[np.float64],
    axis: str,
    about: dict[str, Any],
    shown: Path,
) -> xr.Dataset:
    seen, timed = np.asarray(raw.any(axis=1)), np.isfinite(decay_time)
    status = [
        "zeros" if not s else "ok" if t or not axis else "no_delay"
        for s, t in zip(seen, timed, strict=True)
    ]
    attrs = acquisition(about) | {"echo_delay": about["echo_delay"], "decay_axis": axis}
    attrs["set_aside"] = json.dumps(_set_aside(status, planned, shown))
    time = (np.arange(raw.shape[1]) - attrs["group_delay"]) / attrs["sw"]
    return xr.Dataset(
        {
            "real": (("slice", "time"), raw.real, {"units": "1"}),
            "imag": (("slice", "time"), raw.imag, {"units": "1"}),
            "decay_time": ("slice", decay_time, {"units": "s", "long_name": axis}),
            "status": ("slice", np.array(status)),
        },
        coords=axes(time=(time, {"units": "s"}), slice=(np.arange(1, len(status) + 1), {})),
        attrs=attrs,
    )


def _set_aside(status: list[str], planned: int, shown: Path) -> list[dict[str, str]]:
    """Return what is wrong with single slices; raise where nothing is left."""
    aside = [
        {
            "where": f"{shown}, slice {i + 1}",
            "problem": WHY[s],
            "remedy": "measure it again or leave it out",
        }
        for i, s in enumerate(status)
        if s != "ok"
    ]
    if len(aside) == len(status):
        raise BadInput(
            shown,
            f"{aside[0]['problem']}" + (" (in all slices)" if len(aside) > 1 else ""),
            "measure again",
        )
    if planned > len(status):
        aside.append(
            {
                "where": str(shown),
                "problem": f"only {len(status)} of {planned} slices were recorded",
                "remedy": "the rest is missing; go on with fewer, or measure again",
            }
        )
    return aside
