"""Whether the cell that was refined is that of the phase listed: lines are found a few percent from
where they are listed, and may be another phase's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.conclusion import Conclusion
from ssbchar.hexrd.verdict.reference_cells import ReferenceCell
from ssbchar.typing import Array
from ssbchar.verdict import Verdict

if TYPE_CHECKING:
    import xarray as xr

LENGTHS = 3
FAR = 0.01
"""Relative difference of a length from the listed one that composition seldom makes [1]."""
EXPANSION = 3e-5
"""Relative change of a length that temperature may make [1/K]."""
LISTED_AT = 25.0
"""Temperature of a listed cell that states none [degC]."""
MUCH_NEARER = 0.5
"""Share of the difference up to which another phase's listed cell is named."""
METHOD = "largest relative difference of a, b, c before heating from the listed cell"


def compare_with_listed(
    name: str,
    cell: ReferenceCell | None,
    known: Mapping[str, xr.Dataset],
    temperature: float,
    library: Mapping[str, xr.Dataset] | None = None,
) -> list[Conclusion]:
    """Return the row of a cell that is far from the listed one [percent]; none where it is not.

    Parameters
    ----------
    name : str
        The phase.
    cell : ReferenceCell or None
        Before heating [angstrom, degree]; None where the phase was not there.
    known : mapping
        Phase to its table, attributes ``cell`` and ``crystal_system``.
    temperature : float
        Of the cell [degC]; NaN where it is not known.
    library : mapping, optional
        The same of every phase of the library, listed or not.
    """
    if cell is None or name not in known or "cell" not in known[name].attrs:
        return []
    listed = known[name]
    lengths = cell.value[:LENGTHS]
    differences = _find_differences(lengths, listed)
    place = int(np.argmax(np.abs(differences)))
    largest = float(differences[place])
    at = float(listed.attrs.get("temperature", LISTED_AT))
    warming = abs(temperature - at) if np.isfinite(temperature) else 0.0
    if abs(largest) <= FAR + EXPANSION * warming:
        return []
    told = ", ".join(f"{axis} {100 * d:+.2f} %" for axis, d in zip("abc", differences, strict=True))
    nearer = [
        other
        for other, table in {**(library or {}), **known}.items()
        if other != name
        and table.attrs.get("crystal_system") == listed.attrs.get("crystal_system")
        and "cell" in table.attrs
        and np.max(np.abs(_find_differences(lengths, table))) < MUCH_NEARER * abs(largest)
    ]
    other = (
        f"the listed cell of {' and of '.join(nearer)} is nearer"
        if nearer
        else "another composition, or another phase that is not listed"
    )
    return [
        Conclusion(
            "listed_cell",
            value=100 * largest,
            stderr=100 * float(cell.stderr[place] / cell.value[place]),
            systematic=100 * float(cell.systematic[place] / cell.value[place]),
            unit="percent",
            verdict=Verdict.FAR,
            reason=f"the cell is not the one listed ({told}): {other}",
            method=METHOD,
            condition="before heating",
        )
    ]


def _find_differences(lengths: Array, table: xr.Dataset) -> Array:
    """Return a, b, c [angstrom] over those listed, less one, shape (3,)."""
    return np.asarray(lengths / np.array(table.attrs["cell"], float)[:LENGTHS] - 1)
