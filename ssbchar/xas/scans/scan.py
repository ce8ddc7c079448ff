"""One scan as read: its arrays in order of energy, with what was noticed on it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ssbchar.typing import Array


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
    doubts: tuple[str, ...] = ()
    mode: str = "mu"
    eshift: float = 0.0
    synthetic: int = 0


def order_by_energy(scan: Scan) -> Scan:
    """Return the scan with rising energy, points of one energy averaged and unreadable ones
    dropped; each is said."""
    remarks = list(scan.notes)
    energy = scan.energy
    use = np.isfinite(energy) & np.isfinite(scan.mu)
    if not use.all():
        remarks.append(f"{int((~use).sum())} points without a valid reading left out")
    steps = np.diff(energy[use])
    if steps.size and np.median(steps) < 0:
        remarks.append("energy runs downwards: turned round")
    elif (steps < 0).any():
        remarks.append(f"{int((steps < 0).sum())} backward energy steps: points sorted")
    order = np.flatnonzero(use)[np.argsort(energy[use], kind="stable")]
    energy = energy[order]
    first = np.concatenate([[True], np.diff(energy) > 1e-3]) if energy.size else np.zeros(0, bool)
    if not first.all():
        remarks.append(f"{int((~first).sum())} points repeat an energy: averaged")
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
        notes=tuple(remarks),
    )
