"""The config of a run: which sample sheet, which phases, which departures from the defaults."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ssbchar.campaign import sample_sheet
from ssbchar.campaign.names import RunName, describe_bad_file_name, shorten
from ssbchar.crystal.phases_file import read_entries
from ssbchar.errors import BadConfig, BadInput
from ssbchar.hexrd.options import COLUMNS as HEXRD_COLUMNS
from ssbchar.hexrd.options import ROLES as HEXRD_ROLES
from ssbchar.hexrd.options import Hexrd
from ssbchar.nmr.options import COLUMNS as NMR_COLUMNS
from ssbchar.nmr.options import ROLES as NMR_ROLES
from ssbchar.nmr.options import Nmr
from ssbchar.results.options import Report
from ssbchar.runtime import options as opts
from ssbchar.runtime.options import PathText
from ssbchar.runtime.shipped_files import prefer_own
from ssbchar.storage import strict_yaml, user_text
from ssbchar.technique import Technique
from ssbchar.xas.options import COLUMNS as XAS_COLUMNS
from ssbchar.xas.options import ROLES as XAS_ROLES
from ssbchar.xas.options import Xas

ROLES = {"hexrd": HEXRD_ROLES, "xas": XAS_ROLES, "nmr": NMR_ROLES}
"""The techniques and their roles in the sample sheet."""
COLUMNS = {"hexrd": HEXRD_COLUMNS, "xas": XAS_COLUMNS, "nmr": NMR_COLUMNS}
"""The columns of the sample sheet that each technique and role uses."""
PHASES = "config/phases/phases.yaml"
"""The usual phases file."""
PRODUCTS = "config/phases/products.yaml"
"""The usual file of expected products."""
KINDS: dict[str, type] = {"hexrd": Hexrd, "xas": Xas, "nmr": Nmr}
"""The options of each technique."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """Everything a config file can hold; what it leaves out keeps its default."""

    run: RunName
    """Name of the run; results go to ``results/<run>/``."""
    samples: PathText
    """The sample sheet (tabs, commas or semicolons between cells, or ``.xlsx``)."""
    phases: PathText = field(default_factory=lambda: prefer_own(PHASES))
    """The phases file: name, CIF or cell, source and expansion of each candidate phase. Where the
    working folder has none at the default's place, the one that comes with the program."""
    products: PathText = field(default_factory=lambda: prefer_own(PRODUCTS))
    """The phases file of expected products, which the new lines of cycled specimens are tested
    against beside the phases file (diffraction); the default as of ``phases``."""
    hexrd: Hexrd = field(default_factory=Hexrd)
    """Options of the diffraction steps."""
    xas: Xas = field(default_factory=Xas)
    """Options of the absorption steps."""
    nmr: Nmr = field(default_factory=Nmr)
    """Options of the NMR steps."""
    report: Report = field(default_factory=Report)
    """Options of the report."""


@dataclass(frozen=True, kw_only=True)
class ConfiguredRun:
    """A validated config with its rows."""

    config: Config
    rows: list[sample_sheet.Row]
    raw: Mapping[str, Any]
    """The config as plain data, as the file holds it."""
    set_aside: Mapping[str, list[BadInput]] = field(default_factory=dict)
    """By measurement, what is wrong with its row alone: a run sets it aside and goes on."""
    notes: list[str] = field(default_factory=list)
    """What was assumed about config and sheet."""

    def row(self, measurement: str) -> sample_sheet.Row:
        """Return the row of a measurement."""
        return self._row_of[measurement]

    @cached_property
    def _row_of(self) -> dict[str, sample_sheet.Row]:
        """The rows by measurement: a workflow of 10 000 samples asks for each a dozen times."""
        return {row.measurement: row for row in self.rows}

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


def read_config(path: Path | str, *, look: bool = False) -> ConfiguredRun:
    """Return the validated run of a config file.

    Parameters
    ----------
    path : path
        The config file.
    look : bool
        Look into the folders and globs of the sheet for files.

    Raises
    ------
    BadConfig
        One line per fault, with the place and the remedy.
    """
    examined = examine_config(path, look=look)
    if examined.faults or examined.run is None:
        raise BadConfig([*examined.faults, *examined.list_row_faults()])
    return examined.run


def validate_config(
    raw: Mapping[str, Any], place: str = "config", *, look: bool = False
) -> ConfiguredRun:
    """Return the validated run of a config given as plain data.

    Parameters
    ----------
    raw : mapping
        Content of a config file.
    place : str
        Where it comes from, for messages.
    look : bool
        Look into the folders and globs of the sheet for files.

    Raises
    ------
    BadConfig
        One line per fault, with the place and the remedy.
    """
    examined = examine_content(raw, place, look=look)
    if examined.faults or examined.run is None:
        raise BadConfig([*examined.faults, *examined.list_row_faults()])
    return examined.run


def check_files(paths: Iterable[Path | str]) -> None:
    """Refuse config files that another reader of YAML would take in silence for something else: a
    key given twice, say.

    Raises
    ------
    BadConfig
        One line per fault.
    """
    faults = []
    for path in paths:
        try:
            strict_yaml.load_yaml(path)
        except BadInput as fault:
            faults += strict_yaml.list_faults(fault)
    if faults:
        raise BadConfig(faults)


@dataclass(frozen=True, kw_only=True)
class ExaminedConfig:
    """What a config and its sheet say, as far as they can be read, and all that is wrong."""

    faults: list[str]
    """Faults for which nothing can be run, one line each."""
    run: ConfiguredRun | None = None
    """The run, as far as it is understood; None if the config itself has a fault."""
    sheet: sample_sheet.SampleSheet = field(default_factory=sample_sheet.SampleSheet)
    raw: Mapping[str, Any] = field(default_factory=dict)
    """The config as plain data, as far as it could be read."""

    def list_row_faults(self) -> list[str]:
        """Return the faults for which one row alone is set aside, one line each."""
        return [str(f) for found in self.sheet.row_faults.values() for f in found]


def examine_config(path: Path | str, *, look: bool = False) -> ExaminedConfig:
    """Return what a config file and its sheet say and all that is wrong with them.

    Parameters
    ----------
    path : path
        The config file.
    look : bool
        Look into the folders and globs of the sheet for files.
    """
    path = Path(path)
    if not os.path.exists(path):  # False, too, for a name that no file system can hold
        fault = f"{path}: the config file does not exist; make one with ssbchar new FOLDER"
        return ExaminedConfig(faults=[fault])
    try:
        text = user_text.read_user_text(path)
        raw = strict_yaml.parse_yaml(text.text, str(path))
    except BadInput as fault:
        return ExaminedConfig(faults=strict_yaml.list_faults(fault))
    notes = [f"{path}: {text.note}"] if text.note else []
    return examine_content({} if raw is None else raw, str(path), notes, look=look)


def examine_content(
    raw: Any, place: str = "config", notes: Iterable[str] = (), *, look: bool = False
) -> ExaminedConfig:
    """Return what a config given as plain data and its sheet say and all that is wrong with them.

    Parameters
    ----------
    raw : mapping
        Content of a config file.
    place : str
        Where it comes from, for messages.
    notes : iterable of str
        What was assumed about the file.
    look : bool
        Look into the folders and globs of the sheet for files.
    """
    if not isinstance(raw, Mapping):
        return ExaminedConfig(
            faults=[f"{place}: needs 'run:' and 'samples:' lines at the top level"]
        )
    config, faults = _build_config(raw, place)
    sheet = sample_sheet.SampleSheet()
    if isinstance(raw.get("samples"), str):
        sheet = sample_sheet.read_sheet(raw["samples"], ROLES, COLUMNS, KINDS, look=look)
        if not (sheet.rows or sheet.faults):
            faults.append(
                f"{raw['samples']}: the sample sheet has no rows; give one per measurement"
            )
    faults += sheet.faults
    faults += _check_phases(raw, config, sheet.rows, place)
    if config is None:
        return ExaminedConfig(faults=list(dict.fromkeys(faults)), sheet=sheet, raw=raw)
    run = ConfiguredRun(
        config=config,
        rows=sheet.rows,
        raw=raw,
        set_aside=sheet.row_faults,
        notes=[*notes, *sheet.notes],
    )
    for row in sheet.rows:
        faults += _check_row_options(config, raw, row)
    return ExaminedConfig(faults=list(dict.fromkeys(faults)), run=run, sheet=sheet, raw=raw)


def _build_config(raw: Mapping[str, Any], place: str) -> tuple[Config | None, list[str]]:
    """Return the config, None if it has a fault, and its faults."""
    missing = [key for key in ("run", "samples") if key not in raw]
    faults = [f"{place}: '{key}' is missing; add it" for key in missing]
    # What is missing was said; the rest is checked all the same.
    filled = {**raw, **dict.fromkeys(missing, "missing")}
    try:
        config = opts.build_options(Config, filled, place)
    except ValueError as error:
        return None, faults + str(error).splitlines()
    return (None if missing else config), faults


def find_phases(raw: Mapping[str, Any]) -> Path:
    """Return the path of the phases file that a config names, whatever else is wrong with it.

    Parameters
    ----------
    raw : mapping
        The config as plain data.
    """
    given = raw.get("phases")
    return Path(given if isinstance(given, str) else prefer_own(PHASES))


def _check_phases(
    raw: Mapping[str, Any], config: Config | None, rows: Sequence[sample_sheet.Row], place: str
) -> list[str]:
    """Return the faults of the phases that rows and options name."""
    standard = config.hexrd.stability.standard if config else ""
    of_rows = [(row, name) for row in rows if (name := _read_own_standard(row))]
    if not standard and not of_rows and not any(row.phases for row in rows):
        return []
    path, sheet = find_phases(raw), raw.get("samples")
    if not os.path.isfile(path):
        return [f"{path}: the phases file does not exist; set 'phases' in the config"]
    try:
        known = list(read_entries(path))
    except BadInput as fault:
        return strict_yaml.list_faults(fault)
    faults = [
        f"{path}: phase {shorten(name)} {wrong}"
        for name in known
        if (wrong := describe_bad_file_name(name))
    ]
    faults += [
        f"{sheet}:{row.line}: phase '{name}' is not in {path}; add it or correct it"
        for row in rows
        for name in sample_sheet.split_names(row.phases)
        if name not in known
    ]
    standards = [(f"{place}.hexrd", standard)] if standard else []
    standards += [(f"{sheet}:{row.line}", name) for row, name in of_rows]
    faults += [
        f"{where}.stability.standard: phase '{name}' is not in {path}; "
        f"{opts.suggest_word(name, known)}"
        for where, name in standards
        if name not in known
    ]
    return faults


def _read_own_standard(row: sample_sheet.Row) -> str:
    """Return the internal standard that a row sets for itself; empty for none."""
    own = row.options.get("stability")
    name = own.get("standard") if isinstance(own, Mapping) else None
    return name if row.technique == Technique.HEXRD and isinstance(name, str) else ""


def _check_row_options(config: Config, raw: Mapping[str, Any], row: sample_sheet.Row) -> list[str]:
    """Return the faults of the options that a row sets for itself."""
    if row.technique not in ROLES:
        return []
    merged = opts.merge_layers(raw.get(row.technique) or {}, row.options)
    kind = type(getattr(config, row.technique))
    try:
        opts.build_options(kind, merged, f"{config.samples}:{row.line}")
    except ValueError as error:
        return str(error).splitlines()
    return []
