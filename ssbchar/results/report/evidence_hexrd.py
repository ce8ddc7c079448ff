"""What a referee asks of a diffraction measurement: wavelength, detector and calibration, exposure,
phases with their sources, goodness of fit per set of phases."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.constants import HC_EV_ANGSTROM
from ssbchar.hexrd.patterns.frame_status import FrameStatus
from ssbchar.results.options import Report
from ssbchar.results.report.evidence_parts import (
    NOT_STATED,
    Fact,
    FactTable,
    list_inputs,
    write_range,
    write_uncertain,
)

if TYPE_CHECKING:
    import xarray as xr

Tables = Mapping[str, "xr.Dataset"]
"""Tables of a measurement by their names."""
MOST_SETS = 12
"""Sets of phases that are listed; the rest is summed up."""


def describe(
    mine: Tables, others: Mapping[str, Tables], phases: Tables, options: Report
) -> tuple[list[Fact], list[FactTable]]:
    """Return facts and tables of a diffraction measurement.

    Parameters
    ----------
    mine : mapping
        Its tables: ``patterns``, ``furnace``, ``lattice``, or ``geometry`` of a calibrant.
    others : mapping
        Tables of all measurements, by name.
    phases : mapping
        Tables of reflections by phase.
    options : Report
        What the files do not state of beamline and detector.
    """
    if "geometry" in mine:
        return _describe_geometry(mine["geometry"]), []
    facts: list[Fact] = []
    if "patterns" in mine:
        facts += _describe_patterns(mine["patterns"], others, options)
    if "lattice" not in mine:
        return facts, []
    lattice = mine["lattice"]
    facts.append(
        Fact(name="Refinement", value=f"{lattice.attrs.get('mode', 'pawley')}, frame by frame")
    )
    facts.append(
        Fact(
            name="Rwp, Rexp, GOF",
            value=f"Rwp {write_range(lattice['rwp'])} %, Rexp {write_range(lattice['rexp'])} %, "
            f"goodness of fit (Rwp / Rexp) {write_range(lattice['gof'])}: median and range of "
            f"{int(np.isfinite(lattice['rwp'].values).sum())} frames",
        )
    )
    tables = [_tabulate_sets(lattice, mine.get("furnace"))]
    names = [str(name) for name in lattice["phase"].values]
    known = {name: phases[name] for name in names if name in phases}
    if known:
        tables.append(_tabulate_phases(known))
    return facts, tables


def _describe_patterns(
    patterns: xr.Dataset, others: Mapping[str, Tables], options: Report
) -> list[Fact]:
    used = int(np.sum(patterns["status"].values.astype(str) == FrameStatus.OK))
    axis = patterns["two_theta"].values
    value, stderr = (float(patterns[name]) for name in ("wavelength", "wavelength_stderr"))
    exposure = NOT_STATED
    if "exposure" in patterns and np.isfinite(patterns["exposure"].values).any():
        exposure = f"{write_range(patterns['exposure'])} s per frame"
    source = str(patterns.attrs.get("wavelength_source", "")).replace("config", "the config", 1)
    facts = [
        Fact(
            name="Frames",
            value=f"{used} of {patterns.sizes['frame']} used, 2theta {axis[0]:.4g} to "
            f"{axis[-1]:.4g} degree in {axis.size} points",
        ),
        Fact(
            name="Wavelength",
            value=f"{write_uncertain(value, stderr, 'Å')} "
            f"({HC_EV_ANGSTROM / value / 1000:.4g} keV), from {source or 'the files'}",
        ),
        Fact(name="Exposure", value=exposure),
        Fact(name="Beamline and detector", value=options.hexrd_instrument or NOT_STATED),
    ]
    for name in list_inputs(patterns, "geometry"):
        geometry = others.get(name, {}).get("geometry")
        if geometry is not None:
            facts += _describe_geometry(geometry)
    if not list_inputs(patterns, "geometry"):
        facts.append(
            Fact(name="Calibration", value="patterns were integrated before; not known here")
        )
    noise = {"file": "the files' own standard errors", "poisson": "counting statistics"}
    facts.append(Fact(name="Noise", value=noise.get(str(patterns.attrs.get("noise")), "unknown")))
    return facts


def _describe_geometry(geometry: xr.Dataset) -> list[Fact]:
    rows, columns = int(geometry["rows"]), int(geometry["columns"])
    pixels = [1e6 * float(geometry[name]) for name in ("pixel1", "pixel2")]
    name = "direct_distance" if "direct_distance" in geometry else "distance"
    error = f"{name}_stderr"
    distance = write_uncertain(
        1e3 * float(geometry[name]),
        1e3 * float(geometry[error]) if error in geometry else np.nan,
        "mm",
    )
    rings = int(geometry.sizes.get("ring", 0))
    check = str(geometry.attrs.get("wavelength_check", ""))
    return [
        Fact(
            name="Detector",
            value=f"{columns} x {rows} pixels of {pixels[1]:.4g} x {pixels[0]:.4g} µm, "
            f"{distance} from the sample",
        ),
        Fact(
            name="Calibration",
            value=f"{rings} rings of {geometry.attrs.get('calibrant', 'a standard')}"
            + (f"; wavelength {check}" if check else ""),
        ),
    ]


def _tabulate_sets(lattice: xr.Dataset, furnace: xr.Dataset | None) -> FactTable:
    """Return goodness of fit per set of phases that is present."""
    names = [str(name) for name in lattice["phase"].values]
    present = lattice["present"].transpose("frame", "phase").values > 0
    members: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for frame, row in enumerate(present):
        members[tuple(name for name, there in zip(names, row, strict=True) if there)].append(frame)
    temperature = None
    if furnace is not None and furnace.sizes.get("frame") == lattice.sizes["frame"]:
        temperature = furnace["temperature"].values
    ranked = sorted(members.items(), key=lambda one: (-len(one[1]), one[0]))
    rows: list[tuple[str, ...]] = []
    for phases, frames in ranked[:MOST_SETS]:
        rows.append(_describe_set(", ".join(phases) or "none", frames, lattice, temperature))
    if len(ranked) > MOST_SETS:
        rest = sorted(frame for _, frames in ranked[MOST_SETS:] for frame in frames)
        rows.append(
            _describe_set(f"{len(ranked) - MOST_SETS} other sets", rest, lattice, temperature)
        )
    return FactTable(
        title="Goodness of fit per set of phases: median and range over its frames",
        header=("Phases present", "Frames", "T (°C)", "Rwp (%)", "Rexp (%)", "GOF"),
        rows=rows,
    )


def _describe_set(
    name: str, frames: list[int], lattice: xr.Dataset, temperature: np.ndarray | None
) -> tuple[str, ...]:
    span = "unknown"
    if temperature is not None and np.isfinite(temperature[frames]).any():
        known = temperature[frames]
        span = f"{np.nanmin(known):.0f} to {np.nanmax(known):.0f}"
    fits = [write_range(lattice[key].values[frames]) for key in ("rwp", "rexp", "gof")]
    return (name, str(len(frames)), span, *fits)


def _tabulate_phases(phases: Tables) -> FactTable:
    rows: list[tuple[str, ...]] = []
    for name, table in phases.items():
        about = table.attrs
        cell = [float(value) for value in np.asarray(about["cell"], float)]
        lengths = ", ".join(f"{value:.5g}" for value in cell[:3])
        angles = ", ".join(f"{value:.5g}" for value in cell[3:])
        rows.append(
            (
                name,
                str(about.get("space_group", "")) or "listed operations",
                f"{lengths}; {angles}",
                f"{float(about.get('temperature', 25)):.4g}",
                _name_cif(table),
                str(about.get("source", "")),
            )
        )
    return FactTable(
        title="Phases as the refinement began",
        header=("Phase", "Space group", "a, b, c (Å); α, β, γ (°)", "at T (°C)", "CIF", "Source"),
        rows=rows,
    )


def _name_cif(table: xr.Dataset) -> str:
    if table.attrs.get("cif"):
        return str(table.attrs["cif"])
    has_atoms = np.isfinite(table["structure_factor_squared"].values).all()
    return "name not recorded" if has_atoms else "none: cell and space group alone"
