"""Which columns of a scan are what, and the absorption they give; counters are used as they are."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.typing import Array
from ssbchar.units import Dimension, split_label
from ssbchar.xas.edge_tables import look_up_edge
from ssbchar.xas.scans.channels import select_live_channels
from ssbchar.xas.scans.formats.column_names import (
    NAMES,
    ends_in_counter,
    find_kind_of_line,
    is_setting,
    parse_emission_line,
    simplify_name,
)
from ssbchar.xas.scans.formats.raw_scan import PER_SCAN, RawScan
from ssbchar.xas.scans.offsets import describe_offset, find_offset
from ssbchar.xas.scans.options import ScanReading
from ssbchar.xas.scans.scan import Mode

FOIL_ABSORPTIONS = ("murefer", "mu_ref", "mufoil")
"""Names of columns that hold the foil's absorption."""
NO_FOIL = "none"
"""What `foil` is set to where a foil column must not be used."""
SATURATED_POINTS = 5
"""So many points that read exactly a counter's highest value are taken for the end of its range."""
SATURATED_ABOVE = 1.02
"""A counter is constant, not saturated, where its highest reading is below this times the
median."""
DEAD_SHARE = 0.05
"""More dead readings than this share make a counter useless."""
READ_BACK = ("achieved", "readback", "read back", "rbv", "fbk", "feedback", "measured")
"""Words in the name of an energy that was read, beside one that was asked for."""
BEAM_LOST = 0.05
"""I0 below this share of its median says that the beam was off [1]."""
LISTED = 12
"""So many columns are listed in a message."""


@dataclass(frozen=True, kw_only=True)
class Absorption:
    """The absorption of a scan; arrays of shape (point,)."""

    mode: Mode
    mu: Array
    """Dimensionless."""
    i0: Array
    """Incident beam, counts; NaN where there is none."""
    total: Array
    """ln(I0/I1) of a transmission scan, NaN otherwise."""
    variance: Array
    """Of mu for one photon per count, NaN where unknown."""
    remarks: Sequence[str] = ()
    """What was done to the counters."""
    doubts: Sequence[str] = ()
    """What may be wrong with them."""


@dataclass(frozen=True, kw_only=True)
class FoilAbsorption:
    """The absorption of the foil behind the sample."""

    mu: Array
    """Shape (point,); NaN where there is none."""
    remarks: Sequence[str] = ()
    """Why a foil column is not used."""


def read_unit(raw: RawScan, name: str) -> str:
    """Return the unit of a column by its XDI field.

    Parameters
    ----------
    raw : RawScan
    name : str
        The file's own name of the column.

    Returns
    -------
    str
        ``eV``, ``keV`` ...; empty where neither header nor name states one.
    """
    for key, value in raw.header.items():
        words = value.split()
        if key.startswith("column.") and len(words) > 1 and words[0] == name:
            return words[1]
    return split_label(name, Dimension.ENERGY).unit


def find_column(raw: RawScan, quantity: str, given: str) -> str | None:
    """Return the file's name for a quantity, whatever its unit.

    Parameters
    ----------
    raw : RawScan
    quantity : str
        A key of `NAMES`.
    given : str
        The configured name; empty takes the usual ones.

    Returns
    -------
    str or None
        None where the file has no such column.
    """
    lower = {name.lower(): name for name in raw.columns}
    if given:
        return lower.get(given.lower()) or _find_place(raw, given) or _find_plain(raw, given)
    for known in NAMES[quantity]:
        if "*" not in known and known in lower:
            return lower[known]
    energies = [name for name in raw.columns if "energy" in name.lower()]
    if quantity == "energy" and len(energies) > 1:
        read = [name for name in energies if any(word in name.lower() for word in READ_BACK)]
        return read[0] if len(read) == 1 else None
    for known in NAMES[quantity]:
        alike = [name for name in raw.columns if simplify_name(name) == known]
        same = [name for name in alike if np.array_equal(raw.columns[name], raw.columns[alike[0]])]
        # I1_EH1 and I1_EH2 may be one counter, read twice.
        if alike and len(same) == len(alike):
            return alike[0]
    ending = [name for name in raw.columns if ends_in_counter(name, quantity)]
    if len(ending) == 1:
        return ending[0]
    if quantity == "energy" and energies:
        # ZapEnergy, energy_rbv: the one column that has energy in its name.
        return energies[0]
    if quantity == "energy" and "column 1" in lower:
        return lower["column 1"]
    if quantity == "mu" and len(raw.columns) == 2:
        # Of two columns the second is the absorption, unless it is named as a counter.
        second = list(raw.columns)[1]
        if second.lower() not in NAMES["i0"]:
            return second
    return None


def _find_place(raw: RawScan, given: str) -> str | None:
    """Return the name of ``column 3``: a place counts where no column has that name."""
    place = re.fullmatch(r"column\s*(\d+)", given.strip().lower())
    names = list(raw.columns)
    return names[int(place[1]) - 1] if place and 1 <= int(place[1]) <= len(names) else None


def _find_plain(raw: RawScan, given: str) -> str | None:
    """Return the one column whose name without its unit is the given one."""
    alike = [
        name
        for name in raw.columns
        if split_label(name, Dimension.ENERGY).name.lower() == given.strip().lower()
    ]
    return alike[0] if len(alike) == 1 else None


def require_column(raw: RawScan, quantity: str, given: str) -> str:
    """Return the file's name for a quantity, whatever its unit (see `find_column`).

    Returns
    -------
    str

    Raises
    ------
    BadInput
        The file has no such column.
    """
    name = find_column(raw, quantity, given)
    if name is None and quantity == "mu" and not given and _lacks_incident_beam(raw):
        quantity = "i0"
    if name is None:
        wanted = f"'{given}'" if given else f"for {quantity}"
        raise BadInput(
            raw.where,
            f"no column {wanted} ({_list_columns(raw)})",
            f"set read.{quantity} to the column's name",
        )
    return name


def _lacks_incident_beam(raw: RawScan) -> bool:
    """Return whether there are counters behind the sample and none before it, a bool: then it is
    not the absorption that is to be named."""
    behind = find_column(raw, "transmitted", "") or _find_fluorescence(raw, ScanReading())
    return bool(behind) and find_column(raw, "i0", "") is None


def _list_columns(raw: RawScan) -> str:
    more = f" and {len(raw.columns) - LISTED} more" if len(raw.columns) > LISTED else ""
    return f"it has {', '.join(list(raw.columns)[:LISTED])}{more}"


def split_stack(raw: RawScan, energy: str) -> list[RawScan]:
    """Return each scan of a stack, or the one scan of the one-dimensional columns.

    A stack is arrays (scan, point) on an energy of as many points, or on energies of their shape;
    its one-dimensional columns of as many points belong to all. Arrays of another shape, such as a
    detector's spectra (point, channel), are left out.

    Parameters
    ----------
    raw : RawScan
        With columns of one or two dimensions.
    energy : str
        Name of the energy [eV or keV], empty takes the usual ones.

    Returns
    -------
    list of RawScan
        With columns of shape (point,).
    """
    flat = {name: values for name, values in raw.columns.items() if values.ndim == 1}
    name = find_column(raw, "energy", energy)
    if name is None or len(flat) == len(raw.columns):
        return [raw]
    axis = raw.columns[name]
    shapes = [
        values.shape
        for values in raw.columns.values()
        if values.ndim == 2 and values.shape[-axis.ndim :] == axis.shape
    ]
    if not shapes:
        return [replace(raw, columns=flat)]
    # Detectors may add stacks of their own: the most common shape is that of the scans.
    shape = max(set(shapes), key=shapes.count)
    in_stack = {
        name: values for name, values in raw.columns.items() if values.shape in (shape, shape[1:])
    }
    once = {
        name: values
        for name, values in flat.items()
        if values.size == shape[0] and name not in in_stack
    }
    return [
        replace(
            raw,
            where=f"{raw.where}[{scan + 1}]",
            header={
                **raw.header,
                **{f"{PER_SCAN}{name.lower()}": repr(float(v[scan])) for name, v in once.items()},
            },
            columns={
                name: values[scan] if values.ndim == 2 else values
                for name, values in in_stack.items()
            },
        )
        for scan in range(shape[0])
    ]


def choose_mode(raw: RawScan, options: ScanReading) -> Mode:
    """Return what the absorption is made of: configured, else what columns and header allow.

    Parameters
    ----------
    raw : RawScan
        With columns of shape (point,), counts or absorption (dimensionless).
    options : ScanReading

    Returns
    -------
    Mode

    Raises
    ------
    BadInput
        There is an incident beam and neither a second one nor an absorption.
    """
    if options.mode != "auto":
        return Mode(options.mode)
    has_i0 = find_column(raw, "i0", options.i0) is not None
    # What is named wins over what is found.
    if options.transmitted:
        return Mode.TRANSMISSION
    if options.fluorescence:
        return Mode.FLUORESCENCE
    if options.mu and not _is_athena(raw):
        return Mode.NORMALISED if _is_normalised(raw) else Mode.MU
    if has_i0 and find_column(raw, "transmitted", ""):
        return Mode.TRANSMISSION
    if has_i0 and not options.mu and _find_fluorescence(raw, options):
        return Mode.FLUORESCENCE
    if has_i0 and not _is_athena(raw) and find_column(raw, "mu", options.mu) is None:
        raise BadInput(
            raw.where,
            f"no column of the transmitted or the fluorescence beam ({_list_columns(raw)})",
            "the scan lacks it, or set read.transmitted or read.fluorescence",
        )
    return Mode.NORMALISED if _is_normalised(raw) else Mode.MU


def calculate_absorption(raw: RawScan, options: ScanReading) -> Absorption:
    """Return the absorption of a scan.

    Transmission mu = ln(I0/I1), variance 1/I0 + 1/I1; fluorescence mu = F/I0, variance mu**2 (1/F +
    1/I0).

    Parameters
    ----------
    raw : RawScan
        With columns of shape (point,).
    options : ScanReading
        Mode and columns.

    Returns
    -------
    Absorption
        Arrays of shape (point,), dimensionless; I0 in counts.

    Raises
    ------
    BadInput
        A column is missing, or reads zero too often.
    """
    mode = choose_mode(raw, options)
    match mode:
        case Mode.TRANSMISSION:
            return _calculate_transmission(raw, options)
        case Mode.FLUORESCENCE:
            return _calculate_fluorescence(raw, options)
        case Mode.MU | Mode.NORMALISED:
            return _take_absorption(raw, options, mode)


def list_absorption_columns(raw: RawScan, options: ScanReading, mode: Mode) -> list[str]:
    """Return the columns that the absorption of a scan is made of, beside that of I0.

    Parameters
    ----------
    raw : RawScan
        With columns of shape (point,), counts or absorption (dimensionless).
    options : ScanReading
    mode : Mode
        From `choose_mode`.

    Returns
    -------
    list of str
        The file's own names; empty where there are none.
    """
    if mode is Mode.FLUORESCENCE:
        return _find_fluorescence(raw, options)
    if mode is Mode.TRANSMISSION:
        found = find_column(raw, "transmitted", options.transmitted)
    elif "*" in options.mu and not _is_athena(raw):
        return [name for name in raw.columns if fnmatch.fnmatchcase(name, options.mu)]
    else:
        found = find_column(raw, "mu", "" if _is_athena(raw) else options.mu)
    return [found] if found else []


def _take_absorption(raw: RawScan, options: ScanReading, mode: Mode) -> Absorption:
    # In a project `mu` names a group; the absorption is always its `y`.
    mu = raw.columns[require_column(raw, "mu", "" if _is_athena(raw) else options.mu)]
    unknown = np.full_like(mu, np.nan)
    i0_name = find_column(raw, "i0", options.i0)
    i0 = raw.columns[i0_name] if i0_name else unknown
    return Absorption(mode=mode, mu=mu, i0=i0, total=unknown, variance=unknown)


def _calculate_transmission(raw: RawScan, options: ScanReading) -> Absorption:
    names = [
        require_column(raw, "i0", options.i0),
        require_column(raw, "transmitted", options.transmitted),
    ]
    i0 = _mask_dead(raw, names[0], options.dark[0], may_be_lost=True)
    i1 = _mask_dead(raw, names[1], options.dark[1])
    mu = np.log(i0 / i1)
    offset = find_offset(i0, i1)
    return Absorption(
        mode=Mode.TRANSMISSION,
        mu=mu,
        i0=i0,
        total=mu,
        variance=1 / i0 + 1 / i1,
        remarks=_tell_turned(raw, names),
        doubts=[describe_offset(offset, *names)] if offset is not None else [],
    )


def _calculate_fluorescence(raw: RawScan, options: ScanReading) -> Absorption:
    i0_name = require_column(raw, "i0", options.i0)
    i0 = _mask_dead(raw, i0_name, options.dark[0], may_be_lost=True)
    names = _find_fluorescence(raw, options)
    if not names:
        raise BadInput(
            raw.where,
            f"no fluorescence column ({_list_columns(raw)})",
            "set read.fluorescence",
        )
    names, remarks = select_live_channels(raw.columns, names)
    counts = np.sum([_turn_positive(raw.columns[name]) for name in names], axis=0)
    mu = counts / i0
    variance = np.abs(mu**2 * (1 / np.maximum(counts, 1e-300) + 1 / i0))
    return Absorption(
        mode=Mode.FLUORESCENCE,
        mu=mu,
        i0=i0,
        total=np.full_like(mu, np.nan),
        variance=variance,
        remarks=[*remarks, *_tell_turned(raw, [i0_name, *names])],
    )


def _find_fluorescence(raw: RawScan, options: ScanReading) -> list[str]:
    """Return the fluorescence columns: all that are configured, or those of the first usual name
    that fits."""
    if options.fluorescence:
        for pattern in options.fluorescence:
            if not _match_columns(raw, pattern):
                raise BadInput(
                    raw.where,
                    f"no column '{pattern}'",
                    "set read.fluorescence to the columns' names",
                )
        return [
            name
            for name in raw.columns
            if any(name in _match_columns(raw, pattern) for pattern in options.fluorescence)
        ]
    for pattern in NAMES["fluorescence"]:
        found = [name for name in _match_columns(raw, pattern) if not is_setting(name)]
        if found:
            return found
    return _find_emission_lines(raw, options)


def _find_emission_lines(raw: RawScan, options: ScanReading) -> list[str]:
    """Return the columns that are named after the emission line of an element whose edge is
    scanned, as ``AlKa_sum`` is; none where those of several elements are."""
    by_element: dict[str, list[str]] = {}
    for name in raw.columns:
        line = parse_emission_line(name)
        if line is not None and _is_scanned(raw, options, *line):
            by_element.setdefault(line[0], []).append(name)
    if len(by_element) != 1:
        return []
    [names] = by_element.values()
    # Single detectors beside their sum, or as counted and corrected, would count twice.
    sums = [name for name in names if "sum" in name.lower()]
    return sums or (names if len({find_kind_of_line(name) for name in names}) == 1 else [])


def _is_scanned(raw: RawScan, options: ScanReading, element: str, shell: str) -> bool:
    """Return whether an edge of the shell of an emission line lies within the scan, a bool."""
    name = find_column(raw, "energy", options.energy)
    if name is None:
        return False
    energy = np.asarray(raw.columns[name], float)
    # Whether in eV or keV; no element's line is near a thousandth of its edge.
    return any(
        np.nanmin(energy) < edge / unit < np.nanmax(energy)
        for unit in (1.0, 1000.0)
        for number in (("",) if shell == "K" else ("1", "2", "3"))
        if (edge := look_up_edge(element, f"{shell}{number}")) is not None
    )


def _match_columns(raw: RawScan, pattern: str) -> list[str]:
    lower = pattern.lower()
    return [name for name in raw.columns if fnmatch.fnmatchcase(name.lower(), lower)]


def _is_athena(raw: RawScan) -> bool:
    return "label" in raw.header


def _is_normalised(raw: RawScan) -> bool:
    text = raw.text.lower()
    if "normalized mu" in text or "normalised mu" in text:
        return True
    return raw.header.get("is_nor", "0") not in ("0", "")


def _turn_positive(values: Array) -> Array:
    """Return currents with the sign that makes most of them positive: an amplifier may turn it."""
    finite = values[np.isfinite(values)]
    return -values if finite.size and np.median(finite) < 0 else values


def _tell_turned(raw: RawScan, names: Sequence[str]) -> list[str]:
    """Return a remark where readings are negative currents."""
    turned = [name for name in names if _turn_positive(raw.columns[name]) is not raw.columns[name]]
    return [f"negative currents taken as positive: {', '.join(turned)}"] if turned else []


def _mask_dead(raw: RawScan, name: str, dark: float, *, may_be_lost: bool = False) -> Array:
    """Return a beam reading with its zeros and negatives as NaN, of I0 also readings without beam;
    many of them make the scan useless."""
    values = _turn_positive(raw.columns[name] - dark)
    dead = ~(values > 0)
    if may_be_lost and not dead.all():
        dead |= values < BEAM_LOST * np.median(values[~dead])
    if dead.mean() > DEAD_SHARE or dead.all():
        more = " or far below the others" if may_be_lost else ""
        raise BadInput(
            raw.where,
            f"{int(dead.sum())} of {dead.size} readings of {name} are zero or negative{more}",
            "the beam or detector was off: take the scan out, or correct its offset",
        )
    return np.where(dead, np.nan, values)


def calculate_foil_absorption(raw: RawScan, options: ScanReading) -> FoilAbsorption:
    """Return mu of the foil behind the sample, ln(I1/Iref).

    Parameters
    ----------
    raw : RawScan
        With columns of shape (point,).
    options : ScanReading
        Columns of the transmitted beam and of that behind the foil.

    Returns
    -------
    FoilAbsorption
        Dimensionless; NaN where there is no foil, or where it reads zero too often.

    Raises
    ------
    BadInput
        The configured column is missing.
    """
    none = FoilAbsorption(mu=np.full(next(iter(raw.columns.values())).shape, np.nan))
    if options.foil == NO_FOIL:
        return none
    behind = find_column(raw, "foil", options.foil)
    # A file that holds the foil's absorption needs no beams.
    ready = [name for name in raw.columns if name.lower() in FOIL_ABSORPTIONS]
    if options.foil:
        ready = [behind] if behind and _is_absorption(behind) else []
    if ready:
        return FoilAbsorption(mu=raw.columns[ready[0]])
    before = find_column(raw, "transmitted", options.transmitted)
    behind_sample = before is not None
    if options.foil and before is None:
        # Without a detector between sample and foil the foil is held against the incident beam.
        before = find_column(raw, "i0", options.i0)
    if options.foil and behind is None:
        raise BadInput(
            raw.where,
            f"no column '{options.foil}' of the foil ({_list_columns(raw)})",
            "set read.foil",
        )
    if behind is None or before is None:
        return none
    darks = (options.dark[1 if behind_sample else 0], options.dark[2])
    i1, i2 = (
        _turn_positive(raw.columns[name] - dark)
        for name, dark in zip((before, behind), darks, strict=True)
    )
    dead = ~((i1 > 0) & (i2 > 0))
    if dead.mean() > DEAD_SHARE:
        text = f"{int(dead.sum())} of {dead.size} readings of the foil are zero or negative"
        return replace(none, remarks=(f"{text}: no foil",))
    return FoilAbsorption(mu=np.log(np.where(dead, np.nan, i1) / np.where(dead, np.nan, i2)))


def _is_absorption(name: str) -> bool:
    """Return whether a column of the foil is named as an absorption, not as a counter."""
    return name.lower() in FOIL_ABSORPTIONS or name.lower().startswith(("mu", "xmu"))


def find_saturated_counters(raw: RawScan, options: ScanReading) -> list[str]:
    """Return a line for each counter that reads its highest value again and again: it may be
    saturated, and its peaks cut off.

    Parameters
    ----------
    raw : RawScan
        With columns of shape (point,) in units of the counters.
    options : ScanReading
        Columns.

    Returns
    -------
    list of str
    """
    doubts = []
    for name in dict.fromkeys(name for name in _list_used_counters(raw, options) if name):
        values = raw.columns[name]
        values = values[np.isfinite(values)]
        # A constant is a clock or a setting, not a counter at its end.
        if values.size == 0 or np.ptp(values) == 0:
            continue
        highest = values.max()
        count = int((values == highest).sum())
        if count >= SATURATED_POINTS and highest > SATURATED_ABOVE * np.median(values):
            doubts.append(
                f"{name} reads its highest value {highest:g} at {count} points: saturated?"
            )
    return doubts


def _list_used_counters(raw: RawScan, options: ScanReading) -> list[str | None]:
    """Return the counters that the absorption is made of: a column that is not used condemns
    nothing."""
    is_counted = options.mode in ("transmission", "fluorescence") or bool(
        options.transmitted or options.fluorescence
    )
    if options.mode in ("mu", "normalised") or (options.mu and not is_counted):
        return []
    i0 = find_column(raw, "i0", options.i0)
    transmitted = find_column(raw, "transmitted", options.transmitted)
    asks_fluorescence = bool(options.fluorescence) and not options.transmitted
    is_open = options.mode == "auto"
    if options.mode == "fluorescence" or (is_open and (asks_fluorescence or not transmitted)):
        return [i0, *_find_fluorescence(raw, options)]
    return [i0, transmitted]
