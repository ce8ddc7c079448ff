"""What a Bruker experiment is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from ssbchar.description import Description, count_of
from ssbchar.nmr.bruker import delays, time_series
from ssbchar.nmr.bruker.options import Reading
from ssbchar.nmr.bruker.read import read_fid

LEAST_SPECTRA = 3
"""Spectra that a course in time needs."""


def describe_experiment(source: Path, options: Reading, role: str) -> Description:
    """Return what an experiment is: nucleus, slices with their delays, frequency [MHz].

    Parameters
    ----------
    source : Path
        The experiment's folder, a folder that holds just one, or a ``.zip`` or tar file; for a
        series in time also a folder, packed file or glob of several.
    options : Reading
    role : str
        Of the row; a decay needs the delay of every slice.

    Raises
    ------
    BadInput
        As `read_fid`.
    """
    is_series = role == time_series.ROLE
    fid = (
        time_series.read_time_series(source, options)
        if is_series
        else read_fid(source, options, {"role": role})
    )
    about = fid.attrs
    parts = [
        str(about["nucleus"]),
        f"{about['sfo1']:.5g} MHz",
        f"{count_of(fid.sizes['slice'], 'slice')} of {fid.sizes['time']} points, "
        f"{1e-3 * about['sw']:.4g} kHz wide",
    ]
    if is_series:
        experiments = len(set(json.loads(about["experiments"])))
        hours = np.ptp(fid["acquired"].values) / 3600
        parts.append(f"{count_of(experiments, 'experiment')} over {hours:.3g} h")
    times = fid["decay_time"].values
    if about["decay_axis"] and np.isfinite(times).any():
        low, high = 1e3 * np.nanmin(times), 1e3 * np.nanmax(times)
        span = f"{low:.4g} ms" if low == high else f"{low:.4g}-{high:.4g} ms"
        origin = "the option" if options.decay_axis else "the pulse program"
        lists = [f"{name}list" for name in ("vd", "vc") if name in about["decay_axis"]]
        found = f", with {lists[0]}" if lists else ""
        formula = delays.shorten_formula(str(about["decay_axis"]))
        parts.append(f"decay time {formula} = {span} (by {origin}{found})")
    if about["pulse_program"]:
        parts.append(f"pulse program {about['pulse_program']}")
    faults = json.loads(about.get("set_aside", "[]"))
    doubts = [f"{fault['where']}: {fault['problem']}; {fault['remedy']}" for fault in faults]
    doubts += [f"{source}: {text}" for text in json.loads(about["conflicts"])]
    if is_series and fid.sizes["slice"] < LEAST_SPECTRA:
        doubts.append(f"{source}: a course in time needs {LEAST_SPECTRA} spectra")
    if about["clipped"]:
        text = "the receiver clipped the signal: no share of it is ok; measure with a lower RG"
        doubts.append(f"{source}: {text}")
    return Description(said=", ".join(parts), doubts=tuple(doubts))
