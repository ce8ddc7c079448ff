"""The merged spectra of a run as a project of Athena (Demeter): one group per measurement.

Notes on file structure
-----------------------
Perl's own notation, compressed by gzip: per group its name, a list of parameters and the arrays
``@x`` (energy [eV], on the calibrated axis) and ``@y`` (mu).
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

import ssbchar
from ssbchar.results.export.run_tables import load_result, pick_merged

LETTERS = "abcdefghijklmnopqrstuvwxyz"
NORMALISED = "normalised"


def write_project(run: Path) -> bytes | None:
    """Return the project of a run's merged spectra; None for a run without any.

    Parameters
    ----------
    run : Path
        ``results/<run>``.
    """
    groups: list[str] = []
    for path in sorted(run.glob("xas/*/normalised.nc")):
        normalised = load_result(path)
        merged = None if normalised is None else pick_merged(normalised)
        if merged is None:
            continue
        is_given = str(merged.attrs.get("mode")) == NORMALISED
        arguments = {
            "label": path.parent.name,
            "bkg_e0": f"{float(merged['e0']):.3f}",
            "bkg_eshift": "0",
            "bkg_z": str(merged.attrs.get("element", "")),
            "fft_edge": str(merged.attrs.get("edge", "")).lower(),
            "is_xmu": "0" if is_given else "1",
            "is_nor": "1" if is_given else "0",
            "is_chi": "0",
            "titles": "",
        }
        name = "norm" if is_given else "mu"
        good = np.isfinite(merged["energy"].values) & np.isfinite(merged[name].values)
        arrays = {"x": merged["energy"].values[good], "y": merged[name].values[good]}
        groups.append(_write_group(_make_group_name(len(groups)), arguments, arrays))
    if not groups:
        return None
    head = (
        f"# Athena project file -- written by ssbchar {ssbchar.__version__}\n"
        "# Energies are on the calibrated axis; no shift is left to apply.\n\n"
    )
    text = head + "\n".join(groups) + "\n1;\n"
    return gzip.compress(text.encode("utf-8"), mtime=0)


def _write_group(name: str, arguments: Mapping[str, str], arrays: Mapping[str, np.ndarray]) -> str:
    listed = ",".join(f"'{key}','{_quote(value)}'" for key, value in arguments.items())
    lines = [f"$old_group = '{name}';", f"@args = ({listed});"]
    for key, values in arrays.items():
        numbers = ",".join(f"'{value:.10g}'" for value in values)
        lines.append(f"@{key} = ({numbers});")
    lines.append("[record]   # create object and set arrays")
    return "\n".join(lines) + "\n"


def _quote(text: str) -> str:
    """Return a text for Perl's single quotes."""
    return re.sub(r"([\\'])", r"\\\1", text)


def _make_group_name(number: int) -> str:
    """Return a name of four letters, as Athena gives its groups."""
    digits: Sequence[int] = [number // 26**power % 26 for power in (3, 2, 1, 0)]
    return "".join(LETTERS[digit] for digit in digits)
