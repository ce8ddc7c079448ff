"""One energy axis for all: each scan is shifted so that its foil lies on the standard's, once, and
the shift is listed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.typing import Array, Bool
from ssbchar.xas import notes
from ssbchar.xas.calibration.foil_alignment import (
    LARGEST_ERROR,
    StandardFoil,
    align_foils,
    build_standard_foil,
    find_foils,
    identify_foil,
    look_up_foil_energy,
)
from ssbchar.xas.calibration.foil_shape import explain_compound
from ssbchar.xas.calibration.options import Calibration
from ssbchar.xas.calibration.outputs import CALIBRATED
from ssbchar.xas.edge_tables import BEARDEN
from ssbchar.xas.scans.outputs import SCANS
from ssbchar.xas.scans.scan import ScanStatus

if TYPE_CHECKING:
    import xarray as xr


class AlignmentKind(StrEnum):
    """What the energy axis of a measurement rests on."""

    FOIL = "foil"
    """The foil of every scan lies on the standard's, whose inflection is set to its tabulated
    energy."""
    PROJECT = "project"
    """The energy shifts stored in an Athena project are applied."""
    REPEATABILITY = "repeatability"
    """The axis is raw, and the monochromator's repeatability is stated."""
    NONE = "none"
    """The axis is raw, and its error unknown."""


NARROW_TOLD = (
    "; the foils' tops do not lie on each other (saturation or an offset), so that their "
    "inflections alone were aligned"
)
ON_ONE_AXIS = frozenset({AlignmentKind.FOIL, AlignmentKind.PROJECT})
"""Kinds that put two measurements on one axis."""


@dataclass(frozen=True, kw_only=True)
class AxisShifts:
    """The shifts that are applied to the scans of a measurement."""

    kind: AlignmentKind
    source: str
    """What the axis rests on, in words."""
    shift: Array
    """Shape (scan,) [eV]; NaN where a foil could not be aligned."""
    stderr: Array
    """Shape (scan,) [eV]; NaN where unknown."""
    error: float = float("nan")
    """Of one alignment [eV]."""
    common_error: float = 0.0
    """What all scans of the measurement share besides [eV]."""
    origin_error: float = 0.0
    """Of the standard foil's inflection, by its noise: of energies, not of differences [eV]."""
    has_foil: Bool = field(default_factory=lambda: np.zeros(0, bool))
    """Which scans have a foil, shape (scan,)."""
    is_unlike: Bool = field(default_factory=lambda: np.zeros(0, bool))
    """Which scans have a foil whose windows disagree, shape (scan,)."""
    doubt: str = ""
    """Why the origin of the axis is not that of a metal's foil, though scans lie on each other."""


def calibrate_energy(
    scans: xr.Dataset, standard: xr.Dataset | None, options: Calibration
) -> xr.Dataset:
    """Return scans on the calibrated axis, with the ledger of shifts.

    Where every scan has a foil: shift = (foil onto the standard's foil) + (tabulated edge -
    inflection of the standard's foil). Where an Athena project holds shifts, these are applied and
    forbid shift claims. Otherwise the axis stays raw.

    Parameters
    ----------
    scans : Dataset
        From `ssbchar.xas.scans.read_scans`.
    standard : Dataset or None
        Scans whose foil is the common standard (of a pair, the pristine's); None takes these scans'
        own.
    options : Calibration
        Foil, convention, window.

    Returns
    -------
    Dataset, dims scan, point
        `ssbchar.xas.calibration.outputs.CALIBRATED`: the scans with `energy` shifted, `shift` and
        `shift_stderr` [eV] per scan, `ledger` (scan, JSON); attrs ``alignment``
        (`AlignmentKind`), ``alignment_error`` [eV] and ``alignment_source``.

    Raises
    ------
    BadInput
        No scan could be aligned, or the foil is another element's.
    """
    found = _find_shifts(scans, scans if standard is None else standard, options)
    status = np.array(scans["status"].values, dtype=object)
    names = [str(file) for file in scans["source_file"].values]
    exclusions = notes.read_exclusions(scans.attrs)
    for scan in np.flatnonzero(~np.isfinite(found.shift)):
        reason = ScanStatus.FOIL_NOT_ALIGNED if found.has_foil[scan] else ScanStatus.NO_FOIL
        status[scan] = str(reason)
        problem = f"no shift found on its foil ({reason})"
        if found.has_foil[scan] and found.is_unlike[scan]:
            problem = "several windows of its foil give other shifts, those of the others do not"
        exclusions.append(
            notes.make_exclusion(
                names[scan],
                problem,
                "the scan is left out; look at its foil channel",
            )
        )
    if not (status == ScanStatus.OK).any():
        raise BadInput(
            names[0],
            "no scan of the measurement could be aligned on its foil",
            "check read.foil and the foil",
        )

    # Excluded scans keep their raw axis.
    shift = np.where(np.isfinite(found.shift), found.shift, 0.0)
    energy = scans["energy"].values + shift[:, None]
    # A file also holds what wrote it, which is no business of this step.
    kept = {name: scans[name] for name in SCANS.variables if name != "energy" and name in scans}
    return CALIBRATED.dataset(
        {
            **kept,
            "energy": energy,
            "shift": shift,
            "shift_stderr": found.stderr,
            "status": status.astype(str),
            "ledger": [
                _write_entry(names[scan], energy[scan], shift[scan], found.stderr[scan], found)
                for scan in range(shift.size)
            ],
        },
        {
            **scans.attrs,
            "alignment": str(found.kind),
            "alignment_error": found.error,
            "alignment_common_error": found.common_error,
            "alignment_origin_error": found.origin_error,
            "alignment_source": found.source,
            "alignment_doubt": found.doubt,
            "set_aside": json.dumps(exclusions),
            "notes": json.dumps([*notes.read_notes(scans.attrs), *_write_doubts(scans, found)]),
        },
    )


def _write_doubts(scans: xr.Dataset, found: AxisShifts) -> list[notes.Note]:
    where = str(scans.attrs.get("measurement", ""))
    return [notes.make_doubt(where, found.doubt)] if found.doubt else []


def _find_shifts(scans: xr.Dataset, standard: xr.Dataset, options: Calibration) -> AxisShifts:
    count = scans.sizes["scan"]
    unknown = np.full(count, np.nan)
    why = "no foil"
    if find_foils(scans).any() and find_foils(standard).any():
        found = _align_to_foil(scans, standard, options)
        # One scan whose foil is given up is named; an axis that none knows is none.
        if found.error <= LARGEST_ERROR:
            return found
        why = f"foils by which an axis is known to {found.error:.2g} eV alone"
    if np.any(scans["eshift"].values != 0):
        return AxisShifts(
            kind=AlignmentKind.PROJECT,
            source="energy shifts stored in the Athena project, applied",
            shift=np.array(scans["eshift"].values, float),
            stderr=unknown,
        )
    if options.repeatability > 0:
        return AxisShifts(
            kind=AlignmentKind.REPEATABILITY,
            source=options.repeatability_source,
            shift=np.zeros(count),
            stderr=np.full(count, options.repeatability),
            error=options.repeatability,
        )
    return AxisShifts(
        kind=AlignmentKind.NONE,
        source=f"{why}: the raw axis is kept",
        shift=np.zeros(count),
        stderr=unknown,
    )


def _align_to_foil(scans: xr.Dataset, standard: xr.Dataset, options: Calibration) -> AxisShifts:
    element, edge = str(scans.attrs["element"]), str(scans.attrs["edge"])
    foil_element, foil_edge = identify_foil(standard, options, element, edge)
    tabulated = look_up_foil_energy(options, foil_element, foil_edge)
    foil = build_standard_foil(standard, tabulated, options)
    doubt = ""
    if not options.foil_energy:
        doubt = explain_compound(foil.energy, foil.mu, foil.inflection, foil_element, foil_edge)
    if not doubt and foil.inflection_stderr > LARGEST_ERROR:
        doubt = f"the foil's inflection is known to {foil.inflection_stderr:.2g} eV alone"
    if doubt:
        doubt += ": scans are laid on each other by it, the origin of the axis stays raw"
        tabulated = foil.inflection
    found = align_foils(scans, foil, options)
    shift = found.shift
    error = found.error
    convention: str = "configured" if options.foil_energy else options.convention
    if convention == "bearden" and (foil_element, foil_edge) not in BEARDEN:
        convention = "XrayDB, in whole eV"
    of_foil = f"{foil_element} {foil_edge} foil"
    if (foil_element, foil_edge) != (element, edge) and not options.foil_element:
        of_foil += " (found by the energy of its edge)"
    owner = standard.attrs.get("measurement", "the scans")
    return AxisShifts(
        kind=AlignmentKind.FOIL,
        source=doubt
        or f"{of_foil} of {owner}, {_describe_standard(foil)} ({convention})"
        + (NARROW_TOLD if found.narrow else ""),
        shift=shift + (tabulated - foil.inflection),
        stderr=np.where(np.isfinite(shift), error, np.nan),
        error=error,
        common_error=found.common_error,
        origin_error=foil.inflection_stderr,
        has_foil=find_foils(scans),
        is_unlike=found.is_unlike,
        doubt=doubt,
    )


def _describe_standard(foil: StandardFoil) -> str:
    return f"inflection {foil.inflection:.3f} eV set to {foil.tabulated:g} eV"


def _write_entry(name: str, energy: Array, shift: float, stderr: float, found: AxisShifts) -> str:
    entry = {
        "scan": name,
        "raw_start_eV": round(float(energy[0]) - float(shift), 4),
        "shift_eV": round(float(shift), 4),
        "stderr_eV": None if np.isnan(stderr) else round(float(stderr), 4),
        "by": str(found.kind),
        "source": found.source,
    }
    return json.dumps(entry, sort_keys=True)
