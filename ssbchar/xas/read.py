"""Raw scans as one Dataset: which columns are what, what cannot be used, and the absorption they give."""

from __future__ import annotations

import fnmatch
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ssbchar import sources
from ssbchar.errors import BadInput
from ssbchar.xas.formats import Array, RawScan, raw_scans
from ssbchar.xas.options import Reading
from ssbchar.xas.tables import BEARDEN, nearest_edge

if TYPE_CHECKING:
    import xarray as xr

NAMES: dict[str, tuple[str, ...]] = {
    "energy": ("energy", "mono energy", "monoenergy", "mono energy (alt)", "e", "ev", "energy_ev", "mono", "x"),
    "i0": ("i0", "io", "izero", "i_0", "monitor"),
    "transmitted": ("i1", "it", "itrans", "trans", "i_1", "itransmission"),
    "fluorescence": ("if", "iff", "ifluor", "ifl", "fluor", "fluorescence", "if*", "fluor*", "mca*", "sca*"),
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


@dataclass(frozen=True)
class Scan:
    """One scan, ordered by energy, with its absorption."""

    where: str
    energy: Array
    mu: Array
    mu_stderr: Array
    i0: Array
    mu_foil: Array
    total: Array
    element: str
    edge: str
    notes: tuple[str, ...] = ()
    mode: str = "mu"
    eshift: float = 0.0
    synthetic: int = 0


def scans(source: Path, options: Reading, labels: dict[str, str]) -> xr.Dataset:
    """Return every scan of a measurement, on its own raw energy axis.

    Parameters
    ----------
    source : path
        A file, a folder or a glob: each file (each group of a project) is one scan of the same sample.
    options : Reading
        Columns, mode, element.
    labels : dict
        ``measurement``, ``sample``, ``role``.

    Returns
    -------
    Dataset, dims scan, point
        ``energy`` [eV], ``mu``, ``mu_stderr`` (NaN where the counts are unknown), ``mu_foil``, ``i0``; per scan
        ``source_file``, ``status``, ``eshift`` [eV] (an Athena project's own shift, not yet applied), ``n_points``;
        attrs ``element``, ``edge``, ``mode``, ``notes``, ``set_aside``. Shorter scans are filled with NaN.

    Raises
    ------
    BadInput
        No scan can be used.
    """
    good: list[Scan] = []
    faults: list[BadInput] = []
    for path in sources.files(source):
        try:
            for raw in _chosen(raw_scans(path), path, options):
                good += _each(raw, options)
        except BadInput as fault:
            faults.append(fault)
    kept: list[Scan] = []
    for scan in good:
        try:
            kept.append(_checked(scan, options))
        except BadInput as fault:
            faults.append(fault)
    if not kept:
        raise faults[0]
    element = kept[0].element, kept[0].edge
    for scan in [s for s in kept if (s.element, s.edge) != element]:
        kept.remove(scan)
        problem = f"its edge is {scan.element} {scan.edge}, the others' {' '.join(element)}"
        faults.append(BadInput(scan.where, problem, "give it a row of its own"))
    return _dataset(kept, faults, labels)


def _chosen(found: list[RawScan], path: Path, options: Reading) -> list[RawScan]:
    """Return the groups of a project that `mu` names; of other files the one scan."""
    if "x" not in found[0].columns or "label" not in found[0].header or not options.mu:
        return found
    wanted = [s for s in found if fnmatch.fnmatchcase(s.header["label"], options.mu)]
    if not wanted:
        names = ", ".join(s.header["label"] for s in found)
        raise BadInput(path, f"no group named '{options.mu}'", f"set read.mu to one of: {names}")
    return wanted


def _each(raw: RawScan, options: Reading) -> list[Scan]:
    """Return the scan of a raw one, or one per absorption column where ``mu`` holds a ``*``."""
    project = "bkg_eshift" in raw.header
    if "*" not in options.mu or project:
        return [_scan(raw, options)]
    energy = _column(raw, "energy", options.energy)
    names = [n for n in raw.columns if n != energy and fnmatch.fnmatchcase(n, options.mu)]
    named = [replace(raw, where=f"{raw.where}[{name}]") for name in names]
    return [_scan(one, replace(options, mu=name)) for one, name in zip(named, names, strict=True)]


def _scan(raw: RawScan, options: Reading) -> Scan:
    energy_name = _needed(raw, "energy", options.energy)
    energy = raw.columns[energy_name]
    columns = {k: v for k, v in raw.columns.items() if v.shape == energy.shape}
    raw = replace(raw, columns=columns)
    notes: list[str] = []
    unit = (_unit(raw, energy_name) or "").lower()
    if unit.startswith("kev") or (not unit and np.nanmax(energy) < 150):
        energy = energy * 1000.0
        notes.append("energy given in keV")
    mode, mu, i0, total, variance = _absorption(raw, options)
    foil, foil_note = _foil(raw, options, mode)
    notes += foil_note
    eshift = float(raw.header.get("bkg_eshift") or 0.0)
    if eshift and not options.apply_eshift:
        problem = f"the project holds an energy shift of {eshift:g} eV that is not applied to the data"
        raise BadInput(raw.where, problem, "set read.apply_eshift, or export the shifted data")
    stderr = np.sqrt(variance / options.photons_per_count) if options.photons_per_count else np.full_like(mu, np.nan)
    element, edge = _element(raw, options)
    made = Scan(
        raw.where, energy, mu, stderr, i0, foil, total, element, edge, tuple(notes), mode, eshift, _synthetic(raw)
    )
    return _ordered(made)


def _synthetic(raw: RawScan) -> int:
    return int("synthetic" in raw.text.lower())


def _unit(raw: RawScan, name: str) -> str:
    for key, value in raw.header.items():
        words = value.split()
        if key.startswith("column.") and len(words) > 1 and words[0] == name:
            return words[1]
    return ""


def _column(raw: RawScan, quantity: str, given: str) -> str | None:
    """Return the file's name for a quantity, by the option or by the usual names."""
    lower = {name.lower(): name for name in raw.columns}
    if given:
        return lower.get(given.lower())
    for known in NAMES[quantity]:
        if "*" not in known and known in lower:
            return lower[known]
    if quantity == "energy" and "column 1" in lower:
        return lower["column 1"]
    if quantity == "mu" and len(raw.columns) == 2:
        return list(raw.columns)[1]
    return None


def _needed(raw: RawScan, quantity: str, given: str) -> str:
    name = _column(raw, quantity, given)
    if name is None:
        wanted = f"'{given}'" if given else f"for {quantity}"
        has = ", ".join(list(raw.columns)[:12])
        raise BadInput(raw.where, f"no column {wanted} (it has {has})", f"set read.{quantity} to the column's name")
    return name


def _fluorescence(raw: RawScan, options: Reading) -> list[str]:
    for pattern in options.fluorescence or NAMES["fluorescence"]:
        found = [n for n in raw.columns if fnmatch.fnmatchcase(n.lower(), pattern.lower())]
        if found and not options.fluorescence:
            return found
        if options.fluorescence and not found:
            raise BadInput(raw.where, f"no column '{pattern}'", "set read.fluorescence to the columns' names")
    if not options.fluorescence:
        return []
    return [n for n in raw.columns if any(fnmatch.fnmatchcase(n.lower(), p.lower()) for p in options.fluorescence)]


def _absorption(raw: RawScan, options: Reading) -> tuple[str, Array, Array, Array, Array]:
    """Return mode, mu, I0, total absorption and the variance of mu for one photon per count.

    Transmission mu = ln(I0/I1), variance 1/I0 + 1/I1; fluorescence mu = F/I0, variance mu**2 (1/F + 1/I0).
    """
    mode = options.mode
    has_i0 = _column(raw, "i0", options.i0) is not None
    if mode == "auto":
        if has_i0 and _column(raw, "transmitted", options.transmitted):
            mode = "transmission"
        elif has_i0 and _fluorescence(raw, options) and not options.mu:
            mode = "fluorescence"
        else:
            mode = "normalised" if _is_normalised(raw) else "mu"
    if mode in ("mu", "normalised"):
        name = _needed(raw, "mu", "" if "label" in raw.header else options.mu)
        mu = raw.columns[name]
        i0_name = _column(raw, "i0", options.i0)
        i0 = raw.columns[i0_name] if i0_name else np.full_like(mu, np.nan)
        return mode, mu, i0, np.full_like(mu, np.nan), np.full_like(mu, np.nan)
    i0 = _positive(raw, _needed(raw, "i0", options.i0))
    if mode == "transmission":
        i1 = _positive(raw, _needed(raw, "transmitted", options.transmitted))
        mu = np.log(i0 / i1)
        return mode, mu, i0, mu, 1 / i0 + 1 / i1
    names = _fluorescence(raw, options)
    if not names:
        has = ", ".join(list(raw.columns)[:12])
        raise BadInput(raw.where, f"no fluorescence column (it has {has})", "set read.fluorescence")
    total = np.sum([raw.columns[n] for n in names], axis=0)
    mu = total / i0
    return mode, mu, i0, np.full_like(mu, np.nan), np.abs(mu**2 * (1 / np.maximum(total, 1e-300) + 1 / i0))


def _is_normalised(raw: RawScan) -> bool:
    said = "normalized mu" in raw.text.lower() or "normalised mu" in raw.text.lower()
    return said or raw.header.get("is_nor", "0") not in ("0", "")


def _positive(raw: RawScan, name: str) -> Array:
    """Return a beam reading with its zeros and negatives masked; many of them make the scan useless."""
    values = raw.columns[name]
    bad = ~(values > 0)
    if bad.mean() > 0.05 or bad.all():
        problem = f"{int(bad.sum())} of {bad.size} readings of {name} are zero or negative"
        raise BadInput(raw.where, problem, "the beam or detector was off: take the scan out, or correct its offset")
    return np.where(bad, np.nan, values)


def _foil(raw: RawScan, options: Reading, mode: str) -> tuple[Array, list[str]]:
    """Return mu of the foil behind the sample, ln(I1/Iref), NaN where there is none."""
    none = np.full(next(iter(raw.columns.values())).shape, np.nan)
    if options.foil == "none":
        return none, []
    for ready in ("murefer", "mu_ref", "mufoil"):
        for name in raw.columns:
            if name.lower() == ready:
                return raw.columns[name], []
    name_or_none = _column(raw, "foil", options.foil)
    before = _column(raw, "transmitted", options.transmitted)
    if options.foil and name_or_none is None:
        has = ", ".join(list(raw.columns)[:12])
        raise BadInput(raw.where, f"no column '{options.foil}' of the foil (it has {has})", "set read.foil")
    if name_or_none is None or before is None:
        return none, []
    i1, i2 = raw.columns[before], raw.columns[name_or_none]
    bad = ~((i1 > 0) & (i2 > 0))
    if bad.mean() > 0.05:
        return none, [f"{int(bad.sum())} of {bad.size} readings of the foil are zero or negative: no foil"]
    return np.log(np.where(bad, np.nan, i1) / np.where(bad, np.nan, i2)), []


def _element(raw: RawScan, options: Reading) -> tuple[str, str]:
    header = raw.header
    element = options.element or header.get("element.symbol") or header.get("bkg_z") or ""
    edge = options.edge or header.get("element.edge") or header.get("fft_edge") or ""
    return element.strip().capitalize(), edge.strip().upper()


def _ordered(scan: Scan) -> Scan:
    """Return the scan with rising energy, points of one energy averaged and unreadable ones dropped; each is said."""
    notes = list(scan.notes)
    energy = scan.energy
    use = np.isfinite(energy) & np.isfinite(scan.mu)
    if not use.all():
        notes.append(f"{int((~use).sum())} points without a valid reading left out")
    steps = np.diff(energy[use])
    if steps.size and np.median(steps) < 0:
        notes.append("energy runs downwards: turned round")
    elif (steps < 0).any():
        notes.append(f"{int((steps < 0).sum())} backward energy steps: points sorted")
    order = np.flatnonzero(use)[np.argsort(energy[use], kind="stable")]
    energy = energy[order]
    first = np.concatenate([[True], np.diff(energy) > 1e-3]) if energy.size else np.zeros(0, bool)
    if not first.all():
        notes.append(f"{int((~first).sum())} points repeat an energy: averaged")
    group = np.cumsum(first) - 1
    count = np.bincount(group) if group.size else np.ones(0)

    def mean(values: Array, power: int = 1) -> Array:
        return np.bincount(group, weights=values[order] ** power, minlength=count.size) / count

    return replace(
        scan,
        energy=mean(scan.energy),
        mu=mean(scan.mu),
        mu_stderr=np.sqrt(mean(scan.mu_stderr, 2) / count),
        i0=mean(scan.i0),
        mu_foil=mean(scan.mu_foil),
        total=mean(scan.total),
        notes=tuple(notes),
    )


def _checked(scan: Scan, options: Reading) -> Scan:
    """Return the scan with its element settled; raise where the edge is wrong or the scan does not span it."""
    energy = scan.energy
    if energy.size < 20:
        raise BadInput(scan.where, f"only {energy.size} usable points", "measure again")
    element, edge = scan.element, scan.edge or "K"
    if (element, edge) in BEARDEN:
        expected = BEARDEN[element, edge]
        if not energy[0] < expected < energy[-1]:
            found = nearest_edge(_steepest(energy, scan.mu))
            looks = f"; it looks like {' '.join(found)}" if found else ""
            problem = (
                f"the {element} {edge} edge ({expected:g} eV) is not in {energy[0]:.0f}-{energy[-1]:.0f} eV{looks}"
            )
            raise BadInput(scan.where, problem, "correct read.element and read.edge, or the path")
    at = _steepest(energy, scan.mu)
    guess = nearest_edge(at, options.edge_tolerance)
    if not element:
        if guess is None:
            raise BadInput(scan.where, f"no tabulated edge near {at:.0f} eV", "set read.element and read.edge")
        element, edge = guess
    elif (element, edge) in BEARDEN and abs(at - BEARDEN[element, edge]) > options.edge_tolerance:
        looks = f" ({' '.join(guess)}?)" if guess else ""
        problem = f"its edge is at {at:.0f} eV{looks}, {element} {edge} would be at {BEARDEN[element, edge]:g} eV"
        raise BadInput(scan.where, problem, "correct read.element and read.edge, or the path")
    if energy[-1] - at < options.min_above:
        problem = f"the scan ends {energy[-1] - at:.0f} eV above the edge: no post-edge to normalise by"
        raise BadInput(scan.where, problem, f"needs {options.min_above:g} eV; measure again")
    if at - energy[0] < options.min_below:
        problem = f"the scan starts {at - energy[0]:.0f} eV below the edge: no pre-edge"
        raise BadInput(scan.where, problem, f"needs {options.min_below:g} eV; measure again")
    return replace(scan, element=element, edge=edge)


def _steepest(energy: Array, mu: Array) -> float:
    """Return where mu rises most over 3 eV [eV], away from the ends."""
    grid = np.arange(energy[0], energy[-1], 1.0)
    rise = np.interp(grid + 1.5, energy, mu) - np.interp(grid - 1.5, energy, mu)
    inner = slice(4, -4) if grid.size > 20 else slice(None)
    return float(grid[inner][np.argmax(rise[inner])])


def _dataset(kept: list[Scan], faults: list[BadInput], labels: dict[str, str]) -> xr.Dataset:
    import xarray as xr

    size = max(s.energy.size for s in kept)

    def padded(name: str) -> tuple[tuple[str, str], Array]:
        rows = [getattr(s, name) for s in kept]
        return ("scan", "point"), np.array([np.pad(r, (0, size - r.size), constant_values=np.nan) for r in rows])

    units = {"energy": "eV", "i0": "counts"}
    ds = xr.Dataset(
        {
            name: (*padded(name), {"units": units.get(name, "1")})
            for name in ("energy", "mu", "mu_stderr", "mu_foil", "i0", "total")
        }
    )
    ds["mu"].attrs["ancillary_variables"] = "mu_stderr"
    ds["source_file"] = ("scan", [s.where for s in kept])
    ds["status"] = ("scan", ["ok"] * len(kept))
    ds["eshift"] = ("scan", [s.eshift for s in kept], {"units": "eV", "long_name": "the project's own shift"})
    ds["n_points"] = ("scan", [s.energy.size for s in kept])
    entries = [{"where": f.where, "problem": f.problem, "remedy": f.remedy} for f in faults]
    entries += [{"where": s.where, "problem": note, "remedy": "nothing to do"} for s in kept for note in s.notes]
    ds.attrs = {
        "element": kept[0].element,
        "edge": kept[0].edge,
        "mode": kept[0].mode,
        "synthetic": max(s.synthetic for s in kept),
        "set_aside": json.dumps(entries),
        **{k: v for k, v in labels.items() if k in ("measurement", "sample", "role")},
    }
    return ds
