"""The merged spectrum as an XDI file: XAS Data Interchange, version 1.0 of the specification and
its dictionary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

import ssbchar
from ssbchar.typing import Array
from ssbchar.xas.normalisation.processing import is_given_normalised
from ssbchar.xas.scans.scan import Mode

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of the file."""

    label: str
    values: Array
    """Shape (energy,)."""
    unit: str = ""


def export_xdi(normalised: xr.Dataset) -> dict[str, str]:
    """Return the file by its name, ``merged.xdi``.

    Its columns are energy [eV], absorption and normalised absorption with their standard errors; no
    absorption and no edge step where the scans came normalised.

    ``Mono.d_spacing`` is left out: raw files seldom state it, and it plays no part here.

    Parameters
    ----------
    normalised : Dataset
        From `ssbchar.xas.normalisation.normalise_spectra`; its last spectrum is the merged one.

    Returns
    -------
    dict of str to str
    """
    columns = _list_columns(normalised)
    head = [
        f"# XDI/1.0 ssbchar/{ssbchar.__version__}",
        *_write_fields(normalised, columns),
        "# ///",
        _write_comment(normalised),
        "#" + "-" * 40,
        "#" + " ".join(column.label for column in columns),
    ]
    numbers = np.column_stack([column.values for column in columns])
    return {"merged.xdi": "\n".join([*head, *(_write_row(row) for row in numbers), ""])}


def _list_columns(normalised: xr.Dataset) -> list[Column]:
    last = normalised.isel(spectrum=-1)
    is_fluorescence = normalised.attrs.get("mode") == Mode.FLUORESCENCE
    measured, normal = ("mufluor", "normfluor") if is_fluorescence else ("mutrans", "normtrans")
    quantities = [(normal, "norm")]
    if not is_given_normalised(normalised.attrs):
        quantities.insert(0, (measured, "mu"))
    columns = [Column(label="energy", unit="eV", values=last["energy"].values)]
    for label, name in quantities:
        columns += [
            Column(label=label, values=last[name].values),
            Column(label=f"{label}_stderr", values=last[f"{name}_stderr"].values),
        ]
    return columns


def _write_fields(normalised: xr.Dataset, columns: list[Column]) -> list[str]:
    """Return the header's fields; those without a text are left out."""
    attrs = normalised.attrs
    fields = {
        f"Column.{i}": f"{column.label} {column.unit}".strip()
        for i, column in enumerate(columns, 1)
    }
    fields |= {
        "Element.symbol": attrs["element"],
        "Element.edge": attrs["edge"],
        "Scan.edge_energy": f"{float(normalised['e0']):.3f} eV",
        "Sample.name": attrs.get("sample", ""),
        "Ssbchar.measurement": attrs.get("measurement", ""),
        "Ssbchar.repeats": attrs.get("repeats", 1),
    }
    if not is_given_normalised(attrs):
        fields["Ssbchar.edge_step"] = f"{float(normalised['edge_step'][-1]):.6g}"
    fields["Ssbchar.energy_alignment"] = attrs.get("alignment", "none")
    one_line = {name: " ".join(str(text).split()) for name, text in fields.items()}
    return [f"# {name}: {text}" for name, text in one_line.items() if text]


def _write_comment(normalised: xr.Dataset) -> str:
    kind = "normalised mu as given, " if is_given_normalised(normalised.attrs) else ""
    synthetic = " (synthetic data)" if int(normalised.attrs.get("synthetic", 0)) else ""
    return (
        f"# {kind}mean of the good repeats, energy as calibrated; "
        f"one standard error beside each column{synthetic}"
    )


def _write_row(row: Array) -> str:
    return "  ".join([f"{row[0]:.4f}", *(f"{value:.9g}" for value in row[1:])])
