"""What an experiment's parameters say: nucleus, frequencies, delays, reference, contradictions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ssbchar.errors import BadInput
from ssbchar.nmr.bruker import delays, files
from ssbchar.nmr.bruker.files import Experiment
from ssbchar.nmr.bruker.metadata_conflicts import find_conflicts
from ssbchar.nmr.bruker.options import Reading

NEEDED = ("TD", "SW_h", "SFO1", "BF1", "BYTORDA")
"""Parameters of ``acqus`` without which nothing can be read."""


@dataclass(frozen=True, kw_only=True)
class Acquisition:
    """An experiment's parameters, as far as later steps use them."""

    acqus: Mapping[str, Any]
    procs: Mapping[str, Any]
    """Of the processing number asked for; empty where there is none."""
    sf: float
    """Frequency of 0 ppm [MHz]."""
    title: str
    program: str
    """Text of the pulse program."""
    names: Mapping[str, float]
    """What the names of the pulse program stand for [s] (`delays.names_from_parameters`)."""
    conflicts: tuple[str, ...]
    """Contradictions in the metadata, one line each."""
    sample_mass: float | None
    """[g]; as the user gave it."""

    @property
    def sr(self) -> float:
        """Reference SR = SF - BF1 [Hz]."""
        return (self.sf - float(self.acqus["BF1"])) * 1e6

    def attributes(self) -> dict[str, Any]:
        """Return the attributes of the data set (docs/data-model.md, ``fid.nc``)."""
        acqus, names = self.acqus, self.names
        sw = float(acqus["SW_h"])
        mass = {} if self.sample_mass is None else {"sample_mass": self.sample_mass}
        return {
            "nucleus": str(acqus["NUC1"]),
            "sfo1": float(acqus["SFO1"]),
            "bf1": float(acqus["BF1"]),
            "sf": self.sf,
            "o1": float(acqus.get("O1", 0.0)),
            "sr": self.sr,
            "sw": sw,
            "group_delay": files.group_delay_from_parameters(acqus),
            "scans": int(acqus.get("NS", 1)),
            "receiver_gain": float(acqus.get("RG", 1.0)),
            "recycle_delay": names.get("d1", 0.0),
            "acquisition_time": int(acqus["TD"]) / 2 / sw,
            "pulse_1": names.get("p1", 0.0),
            "pulse_2": names.get("p2", 0.0),
            "spinning": float(acqus.get("MASR", 0) or 0),
            "date": int(acqus.get("DATE", 0)),
            "probe": str(acqus.get("PROBHD", "")).strip(),
            "title": self.title,
            "pulse_program": str(acqus.get("PULPROG", "")),
            "conflicts": json.dumps(list(self.conflicts)),
            "synthetic": int("synthetic" in self.title.lower()),
            **mass,
        }


def read_acquisition(experiment: Experiment, options: Reading) -> Acquisition:
    """Return an experiment's parameters with the conflicts among them.

    Parameters
    ----------
    experiment : Experiment
        Where the files are.
    options : Reading
        Nucleus expected, reference, processing number.

    Raises
    ------
    BadInput
        A parameter that nothing can be read without is missing, or the nucleus is another one.
    """
    folder, shown = experiment.folder, experiment.shown
    acqus = files.read_parameters(folder / "acqus", shown)
    _check_parameters(acqus, experiment, options)
    processing = folder / "pdata" / str(options.procno)
    procs: Mapping[str, Any] = {}
    if (processing / "procs").is_file():
        procs = files.read_parameters(processing / "procs", shown)
    bf1 = files.read_positive(acqus, "BF1", shown / "acqus")
    sf, unreferenced = bf1, []
    if procs.get("SF"):
        sf = files.read_positive(procs, "SF", shown / "procs")
    if options.reference_hz is not None:
        sf = bf1 + options.reference_hz * 1e-6
    elif "SF" not in procs:
        unreferenced = ["no SF in procs: shifts are against BF1 (SR = 0); set read.reference_hz"]
    title = files.read_text(processing / "title").strip()
    program = files.read_text(folder / "pulseprogram")
    names, relations = delays.names_from_parameters(acqus, program)
    contradictions = find_conflicts(acqus, title, (sf - bf1) * 1e6)
    return Acquisition(
        acqus=acqus,
        procs=procs,
        sf=sf,
        title=title,
        program=program,
        names=names,
        conflicts=(*contradictions, *unreferenced, *relations),
        sample_mass=options.sample_mass,
    )


def _check_parameters(acqus: Mapping[str, Any], experiment: Experiment, options: Reading) -> None:
    place = experiment.shown / "acqus"
    for name in NEEDED:
        if name not in acqus:
            raise BadInput(place, f"{name} is missing", "copy the file from the spectrometer again")
    for name in ("SW_h", "SFO1", "BF1"):
        files.read_positive(acqus, name, place)
    nucleus = str(acqus.get("NUC1", ""))
    if nucleus != options.nucleus:
        raise BadInput(
            place,
            f"NUC1 is {nucleus or 'missing'}, not {options.nucleus}",
            "give the right experiment, or set the column 'read.nucleus'",
        )
