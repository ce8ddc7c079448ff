"""Absorption scans and NMR experiments processed as they are so far, by the functions of the run's
steps."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ssbchar.campaign.config import ConfiguredRun
from ssbchar.campaign.row import Row, split_names
from ssbchar.conclusion import Conclusion, convert_to_rows
from ssbchar.errors import BadInput, UnforeseenFault
from ssbchar.live.frame_history import make_plain
from ssbchar.live.measurement import Plain, build_options
from ssbchar.nmr.bruker.read import read_fid
from ssbchar.nmr.bruker.time_series import read_time_series
from ssbchar.nmr.decay.t2_star import fit_decay
from ssbchar.nmr.lineshape.fit import fit_lines
from ssbchar.nmr.lineshape.window_integrals import integrate_windows
from ssbchar.nmr.quantification.quantify import measure_leakage, quantify_fractions
from ssbchar.nmr.relaxation.amplitudes import select_strong_slices
from ssbchar.nmr.relaxation.conclude import conclude_relaxation
from ssbchar.nmr.relaxation.fit import fit_relaxation
from ssbchar.nmr.time_course.conclude import conclude_time_course
from ssbchar.nmr.time_course.follow import follow_shares
from ssbchar.storage import atomic_write
from ssbchar.technique import Technique
from ssbchar.xas.calibration.calibrate import calibrate_energy
from ssbchar.xas.comparison.compare import compare_pair
from ssbchar.xas.comparison.conclude import conclude_measurement
from ssbchar.xas.normalisation.normalise import normalise_spectra
from ssbchar.xas.scans.read import read_scan_files
from ssbchar.xas.series.components import find_components
from ssbchar.xas.series.conclude import conclude_series
from ssbchar.xas.series.linear_combination import fit_mixture
from ssbchar.xas.series.normalise import normalise_series

FEWEST_FOR_COMPONENTS = 5
"""Scans of a series below which its components are not looked for."""
SHOWN_POINTS = 1500
"""Points of a spectrum on the page."""
FOR_OTHERS = ("scans", "normalised", "lines", "decay", "relaxation")
"""Tables that other measurements are compared with."""
DECAYS = ("decay", "reference_decay")
"""Roles of series that tell T2*."""

Tables = dict[str, Any]
"""Datasets of a measurement by the name of the file they have in a run."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a measurement as it is so far."""

    tables: Tables
    """`FOR_OTHERS`, as far as there are."""
    rows: list[dict[str, object]]
    """Conclusions, as a run writes them."""
    notes: list[str]
    set_aside: list[dict[str, str]]
    """``where``, ``problem`` and ``remedy`` of each."""
    spectrum: Plain
    """What the page draws."""
    fault: dict[str, str] | None = None
    """Why nothing came of it."""


def list_needed(run: ConfiguredRun, row: Row) -> list[str]:
    """Return the measurements that a row's results depend on.

    Parameters
    ----------
    run : ConfiguredRun
    row : Row
    """
    named = split_names(f"{row.compare_to},{row.reference}")
    if row.technique == Technique.NMR:
        # Others of the sample are needed where fractions are told, and only there.
        named = split_names(row.reference) if row.role == "decay" else []
        of_sample: tuple[str, ...] = ("repeat", "relaxation") if _is_quantified(run, row) else ()
        # A decay has its own; two that waited for each other would never end.
        of_sample += DECAYS if row.role == "spectrum" else ()
        named += [
            other.measurement
            for other in run.rows
            if (other.technique, other.sample) == ("nmr", row.sample) and other.role in of_sample
        ]
    return [name for name in dict.fromkeys(named) if name != row.measurement]


def process(
    run: ConfiguredRun, row: Row, paths: Sequence[Path], others: Mapping[str, Tables]
) -> Outcome:
    """Return what comes of the files of a measurement so far; a fault of theirs is part of it.

    Parameters
    ----------
    run : ConfiguredRun
    row : Row
        Of absorption or NMR.
    paths : sequence of Path
        Its files that are whole.
    others : mapping of str to dict
        Tables of the measurements it is compared with, those that are there.
    """
    steps = process_scans if row.technique == Technique.XAS else process_experiment
    try:
        tables, rows, notes = steps(run, row, paths, others)
    except BadInput as fault:
        atomic_write.raise_machine_fault(fault)
        return _describe_lost(fault)
    except Exception as error:
        atomic_write.raise_machine_fault(error)
        return _describe_lost(UnforeseenFault(row.path, "processing it", error, "report it"))
    first = tables["scans" if row.technique == Technique.XAS else "fid"]
    return Outcome(
        tables={name: tables[name] for name in FOR_OTHERS if name in tables},
        rows=convert_to_rows(rows),
        notes=notes,
        set_aside=json.loads(first.attrs.get("set_aside", "[]")),
        spectrum=describe_spectrum(tables, row.role),
    )


def _describe_lost(fault: BadInput) -> Outcome:
    return Outcome(tables={}, rows=[], notes=[], set_aside=[], spectrum={}, fault=fault.as_record())


def label(row: Row) -> dict[str, str]:
    """Return what steps are told of a measurement."""
    return {"measurement": row.measurement, "sample": row.sample, "role": row.role}


def process_scans(
    run: ConfiguredRun, row: Row, paths: Sequence[Path], others: Mapping[str, Tables]
) -> tuple[Tables, list[Conclusion], list[str]]:
    """Return tables, conclusions and notes of an absorption measurement from the scans so far.

    Parameters
    ----------
    run : ConfiguredRun
    row : Row
    paths : sequence of Path
        The scans that are whole.
    others : mapping of str to dict
        Tables of those that it is compared with.

    Raises
    ------
    BadInput
        No scan can be used.
    """

    def build(stage: str) -> Any:
        return build_options(run, f"xas.{stage}", row.measurement)

    notes = _list_missing(run, row, others)
    scans = read_scan_files(paths, build("read"), label(row))
    standard = _find(others, row.compare_to, "scans")
    calibrated = calibrate_energy(scans, standard, build("calibrate"))
    named = split_names(f"{row.compare_to},{row.reference}")
    found = [_find(others, name, "normalised") for name in named]
    references = [one for one in found if one is not None]
    rows: list[Conclusion] = []
    if row.role == "series":
        normalised = normalise_series(calibrated, build("normalise"))
        tables = {"scans": scans, "normalised": normalised}
        count = int(scans.sizes["scan"])
        if count < FEWEST_FOR_COMPONENTS:
            notes.append(f"components are looked for from {FEWEST_FOR_COMPONENTS} scans on")
            return tables, rows, notes
        components = find_components(normalised, build("series"))
        mixture = None
        if len(references) > 1 and row.reference:
            mixture = fit_mixture(normalised, references, build("mixture"))
        return tables, conclude_series(normalised, components, mixture, build("series")), notes
    normalised = normalise_spectra(calibrated, build("normalise"))
    tables = {"scans": scans, "normalised": normalised}
    if row.role == "reference":
        return tables, rows, notes
    pristine = _find(others, row.compare_to, "normalised")
    comparison = mixture = None
    if pristine is not None:
        comparison = compare_pair(pristine, normalised, build("compare"), window=build("window"))
    if len(references) > 1 and row.reference:
        mixture = fit_mixture(normalised, references, build("mixture"))
    rows = conclude_measurement(normalised, comparison, mixture, build("compare"))
    if row.phases:
        notes.append("paths of the first shells are fitted by the run")
    return tables, rows, notes


def _find(others: Mapping[str, Tables], measurement: str, name: str) -> Any:
    """Return a table of another measurement; None where it is not there (yet)."""
    return others.get(measurement, {}).get(name)


def _list_missing(run: ConfiguredRun, row: Row, others: Mapping[str, Tables]) -> list[str]:
    """Return a note about each measurement that is needed and not there yet."""
    missing = [name for name in list_needed(run, row) if name not in others]
    return [f"{name} is not there yet: this is without it" for name in missing]


def process_experiment(
    run: ConfiguredRun, row: Row, paths: Sequence[Path], others: Mapping[str, Tables]
) -> tuple[Tables, list[Conclusion], list[str]]:
    """Return tables, conclusions and notes of an NMR experiment.

    Parameters
    ----------
    run : ConfiguredRun
    row : Row
    paths : sequence of Path
        Its files; the experiment is read as a whole.
    others : mapping of str to dict
        Tables of those that it is quantified with.

    Raises
    ------
    BadInput
        It cannot be used.
    """

    def build(stage: str) -> Any:
        return build_options(run, f"nmr.{stage}", row.measurement)

    regions = build("regions")
    notes = _list_missing(run, row, others)
    if row.role == "series":
        fid = read_time_series(Path(row.path), build("read"))
    else:
        fid = read_fid(Path(row.path), build("read"), label(row))
    fitted = select_strong_slices(fid) if row.role == "relaxation" else fid
    lines = fit_lines(fitted, build("lines"), regions=regions)
    spectrum = integrate_windows(fitted, build("spectrum"), lines, regions=regions)
    tables: Tables = {"fid": fid, "lines": lines}
    match row.role:
        case "reference":
            return tables, measure_leakage(lines), notes
        case "series":
            course = follow_shares(fid, lines, spectrum, build("time_course"))
            return tables, conclude_time_course(course, build("time_course")), notes
        case "relaxation":
            tables["relaxation"] = fit_relaxation(fid, lines, build("relaxation"))
            return tables, conclude_relaxation(tables["relaxation"]), notes
        case "decay" | "reference_decay":
            shared = [_find(others, name, "decay") for name in split_names(row.reference)]
            reference = next((one for one in shared if one is not None), None)
            tables["decay"] = fit_decay(lines, build("decay"), reference)
    if not _is_quantified(run, row):
        return tables, [], notes
    decays = [tables.get("decay"), *_collect(run, row, others, "decay", DECAYS)]
    decay = next((one for one in decays if one is not None), None)
    repeats = _collect(run, row, others, "lines", ("repeat",))
    relaxations = _collect(run, row, others, "relaxation", ("relaxation",))
    rows = quantify_fractions(
        lines, spectrum, build("quantify"), decay, repeats, relaxations, regions=regions
    )
    return tables, rows, notes


def _is_quantified(run: ConfiguredRun, row: Row) -> bool:
    """Return whether a row's fractions are told: of a decay where its sample has no spectrum."""
    others = [r.role for r in run.rows if (r.technique, r.sample) == ("nmr", row.sample)]
    return row.role == "spectrum" or (row.role == "decay" and "spectrum" not in others)


def _collect(
    run: ConfiguredRun, row: Row, others: Mapping[str, Tables], table: str, roles: Sequence[str]
) -> list[Any]:
    """Return a table of the sample's other measurements of some roles, as far as they are there."""
    found = [
        _find(others, other.measurement, table)
        for other in run.rows
        if (other.technique, other.sample) == ("nmr", row.sample) and other.role in roles
    ]
    return [one for one in found if one is not None]


def describe_spectrum(tables: Tables, role: str) -> Plain:
    """Return the spectrum that the page draws, as plain data.

    Parameters
    ----------
    tables : dict
        Of a measurement: ``normalised`` of absorption, else ``lines`` of NMR.
    role : str
    """
    if "normalised" in tables:
        ds = tables["normalised"]
        names = [str(name) for name in ds["name"].values]
        single = [n for n, name in enumerate(names) if name != "merged"]
        shown = {Path(names[n]).name: ds["norm"].values[n] for n in single[-1:]}
        if "merged" in names:
            shown["merged"] = ds["norm"].values[names.index("merged")]
        return _thin("energy [eV]", "normalised absorption", ds["energy"].values, shown)
    ds = tables["lines"]
    # Of experiments in time the last is the news, of a decay the first has the signal.
    place, what = (-1, "last experiment") if role == "series" else (0, "first slice")
    curves = {name: np.real(ds[name].values[place]) for name in ("measured", "model")}
    return _thin("chemical shift [ppm]", f"intensity, {what}", ds["ppm"].values, curves)


def _thin(x_label: str, y_label: str, x: Any, curves: dict[str, Any]) -> Plain:
    every = slice(None, None, -(-x.size // SHOWN_POINTS))
    return {
        "x_label": x_label,
        "y_label": y_label,
        "x": make_plain(x[every]),
        "curves": [{"name": name, "y": make_plain(y[every])} for name, y in curves.items()],
    }
