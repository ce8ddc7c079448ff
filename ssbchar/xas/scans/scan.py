"""One scan as read: its arrays in order of energy, with what was noticed on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from ssbchar.typing import Array, Bool, Index
from ssbchar.xas.scans.jumps import FINE, find_jump
from ssbchar.xas.slopes import find_steepest, remove_spikes

COARSER, FINEST = 3.0, 10.0
"""Steps this many times as wide as those of this percentile are no steps of an edge [1, %]."""
SAME_ENERGY = 1e-3
"""Points closer than this are readings of one energy [eV]."""


class ScanStatus(StrEnum):
    """Whether a scan is used, and if not, why."""

    OK = "ok"
    NO_FOIL = "no_foil"
    """Other scans of the measurement have a foil, this one has none."""
    FOIL_NOT_ALIGNED = "foil_not_aligned"
    """No shift lays its foil on the standard's."""
    OUTLIER = "outlier"
    """It differs from the other repeats far beyond their scatter."""


class Mode(StrEnum):
    """What the absorption of a scan was made of."""

    TRANSMISSION = "transmission"
    FLUORESCENCE = "fluorescence"
    MU = "mu"
    """The file holds an absorption."""
    NORMALISED = "normalised"
    """The file holds a normalised absorption."""


@dataclass(frozen=True, kw_only=True)
class Scan:
    """One scan, ordered by energy, with its absorption; arrays have shape (point,)."""

    where: str
    """File, and group within it."""
    energy: Array
    """[eV], as the monochromator read it."""
    mu: Array
    """Absorption, dimensionless."""
    mu_stderr: Array
    """NaN where the counts are unknown."""
    i0: Array
    """Incident beam, counts."""
    mu_foil: Array
    """Absorption of the foil behind the sample, NaN where there is none."""
    total: Array
    """ln(I0/I1) of a transmission scan, NaN otherwise."""
    element: str
    edge: str
    mode: Mode
    notes: tuple[str, ...] = ()
    """What was done to the scan."""
    doubts: tuple[str, ...] = ()
    """What may make its numbers wrong."""
    eshift: float = 0.0
    """Energy shift stored in an Athena project, not yet applied [eV]."""
    start: float = float("nan")
    """When it began [s]; NaN where the file does not say."""
    channel: float = float("nan")
    """Mean of what was read beside it, in the unit of the file; NaN where nothing was asked for."""
    synthetic: int = 0
    """1 where the header says that the data are made."""
    is_rebinned: bool = False
    """Its points are means (`ssbchar.xas.scans.rebin`)."""


def find_edge_place(energy: Array, mu: Array) -> float:
    """Return where mu rises most, single wild readings and a jump of a coarse part left out.

    Scans have their finest steps at their edge: a rise within one much coarser step that stays is a
    counter's range, switched.

    Parameters
    ----------
    energy, mu : array, shape (point,)
        Rising energies [eV], and the absorption there.

    Returns
    -------
    float
        [eV]
    """
    mu = remove_spikes(mu)
    at = find_steepest(energy, mu)
    steps = np.diff(energy)
    here = steps[min(max(int(np.searchsorted(energy, at)) - 1, 0), steps.size - 1)]
    if here <= max(FINE, COARSER * float(np.percentile(steps, FINEST))):
        return at
    jump = find_jump(energy, mu, np.inf)
    if jump is None or abs(jump.energy - at) > here:
        return at
    return find_steepest(energy, np.where(energy > jump.energy, mu - jump.height, mu))


def cut_scan(scan: Scan, end: float, note: str) -> Scan:
    """Return what of a scan lies below an energy, with a note.

    Parameters
    ----------
    scan : Scan
        Arrays of shape (point,).
    end : float
        [eV]
    note : str
        Why.
    """
    kept = scan.energy < end
    arrays = ("energy", "mu", "mu_stderr", "i0", "mu_foil", "total")
    parts = {name: getattr(scan, name)[kept] for name in arrays}
    return replace(scan, **parts, notes=(*scan.notes, note))


def order_by_energy(scan: Scan) -> Scan:
    """Return the scan with rising energy, points of one energy averaged and unreadable ones
    dropped.

    Parameters
    ----------
    scan : Scan
        Arrays of shape (point,), energy [eV].

    Returns
    -------
    Scan
        With a note on every change.
    """
    remarks = list(scan.notes)
    readable = np.isfinite(scan.energy) & np.isfinite(scan.mu)
    if not readable.all():
        remarks.append(f"{int((~readable).sum())} points without a valid reading left out")
    steps = np.diff(scan.energy[readable])
    # Most steps tell the direction of the scan; single backward ones are the monochromator's.
    if steps.size and np.median(steps) < 0:
        remarks.append("energy runs downwards: reversed")
    elif (steps < 0).any():
        remarks.append(f"{int((steps < 0).sum())} backward energy steps: points sorted")

    order = np.flatnonzero(readable)[np.argsort(scan.energy[readable], kind="stable")]
    is_first = _find_first_of_each_energy(scan.energy[order])
    if not is_first.all():
        remarks.append(f"{int((~is_first).sum())} points repeat an energy: averaged")
    group = np.cumsum(is_first) - 1
    count = np.bincount(group).astype(float) if group.size else np.ones(0)

    def average(values: Array) -> Array:
        return _average_groups(values[order], group, count)

    return replace(
        scan,
        energy=average(scan.energy),
        mu=average(scan.mu),
        mu_stderr=np.sqrt(average(scan.mu_stderr**2) / count),
        i0=average(scan.i0),
        mu_foil=average(scan.mu_foil),
        total=average(scan.total),
        notes=tuple(remarks),
    )


def _find_first_of_each_energy(energy: Array) -> Bool:
    if not energy.size:
        return np.zeros(0, bool)
    return np.concatenate([[True], np.diff(energy) > SAME_ENERGY])


def _average_groups(values: Array, group: Index, count: Array) -> Array:
    return np.bincount(group, weights=values, minlength=count.size) / count
