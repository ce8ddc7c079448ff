"""Which columns of a scan are what, and the absorption they give; counters are used as they are."""

from __future__ import annotations

import fnmatch
from dataclasses import replace

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.typing import Array
from ssbchar.xas.scans.formats import RawScan
from ssbchar.xas.scans.options import ScanReading

NAMES: dict[str, tuple[str, ...]] = {
    "energy": (
        "energy",
        "mono energy",
        "monoenergy",
        "mono energy (alt)",
        "e",
        "ev",
        "energy_ev",
        "mono",
        "x",
    ),
    "i0": ("i0", "io", "izero", "i_0", "monitor"),
    "transmitted": ("i1", "it", "itrans", "trans", "i_1", "itransmission"),
    "fluorescence": (
        "if",
        "iff",
        "ifluor",
        "ifl",
        "fluor",
        "fluorescence",
        "if*",
        "fluor*",
        "mca*",
        "sca*",
    ),
    "foil": ("iref", "irefer", "i2", "ir", "ref", "ifoil", "refer"),
    "mu": (
        "xmu",
        "mu",
        "mutrans",
        "mufluor",
        "absorption",
        "mu(e)",
        "y",
        "norm",
        "normtrans",
        "normfluor",
        "intensity",
    ),
}
"""Usual names of the columns, in lower case; the first that fits is taken."""


def read_unit(raw: RawScan, name: str) -> str:
    """Return the unit of a column by its XDI field, empty where there is none."""
    for key, value in raw.header.items():
        words = value.split()
        if key.startswith("column.") and len(words) > 1 and words[0] == name:
            return words[1]
    return ""


def find_column(raw: RawScan, quantity: str, given: str) -> str | None:
    """Return the file's name for a quantity, by the option or by the usual names."""
    lower = {name.lower(): name for name in raw.columns}
    if given:
        return lower.get(given.lower())
    for known in NAMES[quantity]:
        if "*" not in known and known in lower:
            return lower[known]
    if quantity == "energy" and "column 1" in lower:
        return lower["column 1"]
    if (
        quantity == "mu"
        and len(raw.columns) == 2
        and list(raw.columns)[1].lower() not in NAMES["i0"]
    ):
        return list(raw.columns)[1]
    return None


def require_column(raw: RawScan, quantity: str, given: str) -> str:
    """Return the file's name for a quantity; raise where there is none."""
    name = find_column(raw, quantity, given)
    if name is None:
        wanted = f"'{given}'" if given else f"for {quantity}"
        has = ", ".join(list(raw.columns)[:12])
        raise BadInput(
            raw.where,
            f"no column {wanted} (it has {has})",
            f"set read.{quantity} to the column's name",
        )
    return name


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
        Name of the energy, empty takes the usual ones.
    """
    flat = {n: v for n, v in raw.columns.items() if v.ndim == 1}
    name = find_column(raw, "energy", energy)
    if name is None or len(flat) == len(raw.columns):
        return [raw]
    axis = raw.columns[name]
    shapes = [
        v.shape for v in raw.columns.values() if v.ndim == 2 and v.shape[-axis.ndim :] == axis.shape
    ]
    if not shapes:
        return [replace(raw, columns=flat)]
    shape = max(set(shapes), key=shapes.count)
    rows = {n: v for n, v in raw.columns.items() if v.shape in (shape, shape[1:])}
    return [
        replace(
            raw,
            where=f"{raw.where}[{i + 1}]",
            columns={n: v[i] if v.ndim == 2 else v for n, v in rows.items()},
        )
        for i in range(shape[0])
    ]


def calculate_absorption(
    raw: RawScan, options: ScanReading
) -> tuple[str, Array, Array, Array, Array]:
    """Return mode, mu, I0, total absorption and the variance of mu for one photon per count.

    Transmission mu = ln(I0/I1), variance 1/I0 + 1/I1; fluorescence mu = F/I0, variance mu**2 (1/F +
    1/I0).
    """
    mode = options.mode
    has_i0 = find_column(raw, "i0", options.i0) is not None
    if mode == "auto":
        if options.transmitted or (has_i0 and find_column(raw, "transmitted", "")):
            mode = "transmission"
        elif options.fluorescence or (has_i0 and _fluorescence(raw, options) and not options.mu):
            mode = "fluorescence"
        elif has_i0 and "label" not in raw.header and find_column(raw, "mu", options.mu) is None:
            has = ", ".join(list(raw.columns)[:12])
            problem = f"no column of the transmitted or the fluorescence beam (it has {has})"
            raise BadInput(
                raw.where,
                problem,
                "the scan lacks it, or set read.transmitted or read.fluorescence",
            )
        else:
            mode = "normalised" if _is_normalised(raw) else "mu"
    if mode in ("mu", "normalised"):
        name = require_column(raw, "mu", "" if "label" in raw.header else options.mu)
        mu = raw.columns[name]
        i0_name = find_column(raw, "i0", options.i0)
        i0 = raw.columns[i0_name] if i0_name else np.full_like(mu, np.nan)
        return mode, mu, i0, np.full_like(mu, np.nan), np.full_like(mu, np.nan)
    i0 = _positive(raw, require_column(raw, "i0", options.i0))
    if mode == "transmission":
        i1 = _positive(raw, require_column(raw, "transmitted", options.transmitted))
        mu = np.log(i0 / i1)
        return mode, mu, i0, mu, 1 / i0 + 1 / i1
    names = _fluorescence(raw, options)
    if not names:
        has = ", ".join(list(raw.columns)[:12])
        raise BadInput(raw.where, f"no fluorescence column (it has {has})", "set read.fluorescence")
    total = np.sum([raw.columns[n] for n in names], axis=0)
    mu = total / i0
    return (
        mode,
        mu,
        i0,
        np.full_like(mu, np.nan),
        np.abs(mu**2 * (1 / np.maximum(total, 1e-300) + 1 / i0)),
    )


def _fluorescence(raw: RawScan, options: ScanReading) -> list[str]:
    for pattern in options.fluorescence or NAMES["fluorescence"]:
        found = [n for n in raw.columns if fnmatch.fnmatchcase(n.lower(), pattern.lower())]
        if found and not options.fluorescence:
            return found
        if options.fluorescence and not found:
            raise BadInput(
                raw.where, f"no column '{pattern}'", "set read.fluorescence to the columns' names"
            )
    if not options.fluorescence:
        return []
    return [
        n
        for n in raw.columns
        if any(fnmatch.fnmatchcase(n.lower(), p.lower()) for p in options.fluorescence)
    ]


def _is_normalised(raw: RawScan) -> bool:
    said = "normalized mu" in raw.text.lower() or "normalised mu" in raw.text.lower()
    return said or raw.header.get("is_nor", "0") not in ("0", "")


def _positive(raw: RawScan, name: str) -> Array:
    """Return a beam reading with its zeros and negatives masked; many of them make the scan
    useless."""
    values = raw.columns[name]
    bad = ~(values > 0)
    if bad.mean() > 0.05 or bad.all():
        problem = f"{int(bad.sum())} of {bad.size} readings of {name} are zero or negative"
        raise BadInput(
            raw.where,
            problem,
            "the beam or detector was off: take the scan out, or correct its offset",
        )
    return np.where(bad, np.nan, values)


def calculate_foil_absorption(raw: RawScan, options: ScanReading) -> tuple[Array, list[str]]:
    """Return mu of the foil behind the sample, ln(I1/Iref), NaN where there is none."""
    none = np.full(next(iter(raw.columns.values())).shape, np.nan)
    if options.foil == "none":
        return none, []
    for ready in ("murefer", "mu_ref", "mufoil"):
        for name in raw.columns:
            if name.lower() == ready:
                return raw.columns[name], []
    name_or_none = find_column(raw, "foil", options.foil)
    before = find_column(raw, "transmitted", options.transmitted)
    if options.foil and name_or_none is None:
        has = ", ".join(list(raw.columns)[:12])
        raise BadInput(
            raw.where, f"no column '{options.foil}' of the foil (it has {has})", "set read.foil"
        )
    if name_or_none is None or before is None:
        return none, []
    i1, i2 = raw.columns[before], raw.columns[name_or_none]
    bad = ~((i1 > 0) & (i2 > 0))
    if bad.mean() > 0.05:
        return none, [
            f"{int(bad.sum())} of {bad.size} readings of the foil are zero or negative: no foil"
        ]
    return np.log(np.where(bad, np.nan, i1) / np.where(bad, np.nan, i2)), []


CLIPPED = 5
"""So many points that read exactly a counter's highest value are taken for the end of its range."""


def find_saturated_counters(raw: RawScan, options: ScanReading) -> list[str]:
    """Return a line for each counter that reads its highest value again and again: saturated, its
    peaks cut off."""
    used = [find_column(raw, q, getattr(options, q)) for q in ("i0", "transmitted")]
    if options.mode in ("auto", "fluorescence"):
        used += _fluorescence(raw, options)
    found = []
    for name in dict.fromkeys(n for n in used if n):
        values = raw.columns[name]
        values = values[np.isfinite(values)]
        if values.size == 0 or np.ptp(values) == 0:
            continue
        count = int((values == values.max()).sum())
        if count >= CLIPPED and values.max() > 1.02 * np.median(values):
            found.append(
                f"{name} reads its highest value {values.max():g} at {count} points: saturated?"
            )
    return found
