"""The merged spectrum as an XDI file: XAS Data Interchange, version 1.0 of the specification and
its dictionary."""

from __future__ import annotations

import numpy as np
import xarray as xr

import ssbchar

LABELS = {"fluorescence": ("mufluor", "normfluor")}
"""Names of absorption and normalised absorption by mode; ``mutrans`` and ``normtrans``
otherwise."""


def export_xdi(normalised: xr.Dataset) -> dict[str, str]:
    """Return the file by its name, ``merged.xdi``.

    Its columns are energy, absorption and normalised absorption with their standard errors; no
    absorption and no edge step where the scans came normalised.

    ``Mono.d_spacing`` is left out: raw files seldom state it, and it plays no part here.

    Parameters
    ----------
    normalised : Dataset
        From `ssbchar.xas.normalisation.normalise_spectra`; its last spectrum is the merged one.
    """
    last = normalised.isel(spectrum=-1)
    about = normalised.attrs
    given = about.get("mode") == "normalised"
    measured, normal = LABELS.get(str(about.get("mode", "")), ("mutrans", "normtrans"))
    columns = [("energy", "eV", last["energy"])]
    for label, name in ((measured, "mu"), (normal, "norm"))[given:]:
        columns += [(label, "", last[name]), (f"{label}_stderr", "", last[f"{name}_stderr"])]
    fields = {
        f"Column.{i}": f"{label} {unit}".strip() for i, (label, unit, _) in enumerate(columns, 1)
    }
    fields |= {
        "Element.symbol": about["element"],
        "Element.edge": about["edge"],
        "Scan.edge_energy": f"{float(normalised['e0']):.3f} eV",
        "Sample.name": about.get("sample", ""),
        "Ssbchar.measurement": about.get("measurement", ""),
        "Ssbchar.repeats": about.get("repeats", 1),
        "Ssbchar.edge_step": "" if given else f"{float(last['edge_step']):.6g}",
        "Ssbchar.energy_alignment": about.get("alignment", "none"),
    }
    kept = [
        f"# {name}: {' '.join(str(text).split())}"
        for name, text in fields.items()
        if str(text).strip()
    ]
    synthetic = " (synthetic data)" if int(about.get("synthetic", 0)) else ""
    kind = "normalised mu as given, " if given else ""
    comment = f"# {kind}mean of the good repeats, energy as calibrated; one standard error beside each column{synthetic}"
    head = [f"# XDI/1.0 ssbchar/{ssbchar.__version__}", *kept, "# ///", comment, "#" + "-" * 40]
    head.append("#" + " ".join(label for label, _, _ in columns))
    numbers = np.column_stack([values.values for _, _, values in columns])
    rows = [
        "  ".join(f"{x:.4f}" if i == 0 else f"{x:.9g}" for i, x in enumerate(row))
        for row in numbers
    ]
    return {"merged.xdi": "\n".join([*head, *rows, ""])}
