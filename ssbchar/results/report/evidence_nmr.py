"""What a referee asks of an NMR measurement: field, pulses, recycle delay, scans, reference,
windows, lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.nmr.regions import Regions
from ssbchar.results.options import Report
from ssbchar.results.report.evidence_parts import (
    NOT_STATED,
    Fact,
    FactTable,
    read_options,
    write_range,
    write_uncertain,
)

if TYPE_CHECKING:
    import xarray as xr

Tables = Mapping[str, "xr.Dataset"]
"""Tables of a measurement by their names."""


def describe(
    mine: Tables, others: Mapping[str, Tables], phases: Tables, options: Report
) -> tuple[list[Fact], list[FactTable]]:
    """Return facts and tables of an NMR measurement.

    Parameters
    ----------
    mine : mapping
        Its tables: ``fid`` and ``lines``.
    others, phases : mapping
        Not used.
    options : Report
        What the files do not state of the spectrometer.
    """
    facts: list[Fact] = []
    if "fid" in mine:
        facts += _describe_acquisition(mine["fid"], options)
    if "lines" not in mine:
        return facts, []
    lines = mine["lines"]
    given = read_options(lines).get("regions") or {}
    known = Regions()
    windows = [
        f"{name.replace('_', '-')} {low:g} to {high:g} ppm"
        for name in ("li_metal", "li_si")
        for low, high in [given.get(name, getattr(known, name))]
    ]
    facts.append(Fact(name="Windows", value="; ".join(windows)))
    facts.append(
        Fact(
            name="Goodness of fit",
            value=f"chi-square per point {write_range(lines['chi2'])} over "
            f"{lines.sizes['slice']} slices",
        )
    )
    return facts, [_tabulate_lines(lines)]


def _describe_acquisition(fid: xr.Dataset, options: Report) -> list[Fact]:
    about = fid.attrs

    def number(name: str, factor: float, unit: str) -> str:
        value = float(about.get(name, np.nan))
        return f"{factor * value:.4g} {unit}" if np.isfinite(value) else NOT_STATED

    times = fid["decay_time"].values
    known = times[np.isfinite(times)]
    delays = NOT_STATED
    if known.size:
        span = " to ".join(f"{1e3 * v:.4g}" for v in sorted({known.min(), known.max()}))
        delays = f"{about.get('decay_axis') or 'echo'} = {span} ms"
    return [
        Fact(
            name="Spectrometer",
            value=options.nmr_instrument
            or f"{about.get('nucleus')} at {number('sfo1', 1, 'MHz')}, probe "
            f"{about.get('probe') or NOT_STATED}",
        ),
        Fact(
            name="Pulses",
            value=f"program {about.get('pulse_program') or NOT_STATED}; "
            f"{number('pulse_1', 1e6, 'µs')} and {number('pulse_2', 1e6, 'µs')}; "
            f"spinning {number('spinning', 1e-3, 'kHz')}",
        ),
        Fact(
            name="Acquisition",
            value=f"{int(about.get('scans', 0))} scans, recycle delay "
            f"{number('recycle_delay', 1, 's')}, {number('sw', 1e-3, 'kHz')} wide, "
            f"{fid.sizes['time']} points, {fid.sizes['slice']} slices",
        ),
        Fact(name="Decay times", value=delays),
        Fact(name="Shift reference", value=f"SR {number('sr', 1, 'Hz')}"),
    ]


def _tabulate_lines(lines: xr.Dataset) -> FactTable:
    rows: list[tuple[str, ...]] = []
    total = float(lines["area"].values[0].sum()) or np.nan
    for i in range(lines.sizes["component"]):
        values = [
            write_uncertain(float(lines[name][i]), float(lines[f"{name}_stderr"][i]), "")
            for name in ("shift", "fwhm_lorentz", "fwhm_gauss")
        ]
        coupling, error = (
            1e-3 * float(lines[name].values[i]) for name in ("coupling", "coupling_stderr")
        )
        values.append(write_uncertain(coupling, error, "") if np.isfinite(coupling) else "")
        share, of_share = (
            100 * float(lines[name].values[0, i]) / total for name in ("area", "area_stderr")
        )
        values.append(write_uncertain(share, of_share, ""))
        rows.append((str(lines["assignment"].values.astype(str)[i]), *values))
    return FactTable(
        title="Lines of the fit",
        header=(
            "Assigned to",
            "Shift (ppm)",
            "Lorentzian width (Hz)",
            "Gaussian width (Hz)",
            "C_Q (kHz)",
            "Share of the first slice (%)",
        ),
        rows=rows,
    )
