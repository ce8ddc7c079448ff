"""The config of a run: which sample sheet, which phases, which departures from the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ssbchar.campaign import sample_sheet
from ssbchar.errors import BadConfig
from ssbchar.hexrd.options import ROLES as HEXRD_ROLES
from ssbchar.hexrd.options import Hexrd
from ssbchar.nmr.options import ROLES as NMR_ROLES
from ssbchar.nmr.options import Nmr
from ssbchar.results.options import Report
from ssbchar.runtime import options as opts
from ssbchar.xas.options import ROLES as XAS_ROLES
from ssbchar.xas.options import Xas

ROLES = {"hexrd": HEXRD_ROLES, "xas": XAS_ROLES, "nmr": NMR_ROLES}
"""The techniques and their roles in the sample sheet."""


@dataclass(frozen=True)
class Config:
    """Everything a config file can say; what it leaves out keeps its default."""

    run: str
    """Name of the run; results go to ``results/<run>/``."""
    samples: str
    """The sample sheet (tab-separated)."""
    phases: str = "config/phases/phases.yaml"
    """The phases file: name, CIF or cell, source and expansion of each candidate phase."""
    hexrd: Hexrd = field(default_factory=Hexrd)
    """Options of the diffraction steps."""
    xas: Xas = field(default_factory=Xas)
    """Options of the absorption steps."""
    nmr: Nmr = field(default_factory=Nmr)
    """Options of the NMR steps."""
    report: Report = field(default_factory=Report)
    """Options of the report."""


@dataclass(frozen=True)
class ConfiguredRun:
    """A validated config with its rows."""

    config: Config
    rows: list[sample_sheet.Row]
    raw: Mapping[str, Any]

    def row(self, measurement: str) -> sample_sheet.Row:
        """Return the row of a measurement."""
        return next(r for r in self.rows if r.measurement == measurement)

    def options(self, stage: str, measurement: str = "", shared: str = "") -> dict[str, Any]:
        """Return the departures from the defaults of ``technique.stage`` (or ``report``), the row's
        own too.

        Parameters
        ----------
        stage : str
            The section of the config that the step's ``options`` are made of.
        measurement : str
            Its row may depart further.
        shared : str
            A section that several stages of the technique receive, ``nmr.regions`` say; its
            departures stand under its own name.
        """
        technique, _, name = stage.partition(".")
        if not name:
            return opts.find_departures(getattr(self.config, technique))
        layers = [self.raw.get(technique) or {}]
        if measurement:
            layers.append(self.row(measurement).options)
        kind = getattr(self.config, technique)
        built = opts.build_options(type(kind), opts.merge_layers(*layers), technique)
        found = opts.find_departures(getattr(built, name))
        if shared:
            section = shared.rpartition(".")[2]
            if departures := opts.find_departures(getattr(built, section)):
                found[section] = departures
        return found


def read_config(path: Path | str) -> ConfiguredRun:
    """Return the validated run of a config file.

    Raises
    ------
    BadConfig
        One line per fault, with the place and the remedy.
    """
    path = Path(path)
    if not path.is_file():
        raise BadConfig([f"{path}: the config file does not exist; copy config/config.yaml"])
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise BadConfig(
            [f"{path}{line}: no valid YAML ({getattr(error, 'problem', error)}); correct it"]
        ) from error
    return validate_config(raw or {}, str(path))


def validate_config(raw: Mapping[str, Any], place: str = "config") -> ConfiguredRun:
    """Return the validated run of a config given as plain data (see `read`)."""
    if not isinstance(raw, Mapping):
        raise BadConfig([f"{place}: needs 'run:' and 'samples:' lines at the top level"])
    faults = [
        f"{place}: '{key}' is missing; add it" for key in ("run", "samples") if key not in raw
    ]
    if faults:
        raise BadConfig(faults)
    try:
        config = opts.build_options(Config, raw, place)
    except ValueError as error:
        raise BadConfig(str(error).splitlines()) from error
    rows, faults = sample_sheet.read_sheet(config.samples, ROLES)
    names, phase_faults = _phase_names(config.phases)
    if any(row.phases for row in rows):
        faults += phase_faults
    for row in rows:
        for name in filter(None, (n.strip() for n in row.phases.split(","))):
            if name not in names and not phase_faults:
                faults.append(
                    f"{config.samples}:{row.line}: phase '{name}' is not in {config.phases}; add it or correct it"
                )
        if row.technique in ROLES:
            try:
                merged = opts.merge_layers(raw.get(row.technique) or {}, row.options)
                opts.build_options(
                    type(getattr(config, row.technique)), merged, f"{config.samples}:{row.line}"
                )
            except ValueError as error:
                faults += str(error).splitlines()
    if faults:
        raise BadConfig(list(dict.fromkeys(faults)))
    return ConfiguredRun(config, rows, raw)


def _phase_names(path: str) -> tuple[list[str], list[str]]:
    if not Path(path).is_file():
        return [], [f"{path}: the phases file does not exist; set 'phases' in the config"]
    return list(yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}), []
