"""Sets of processing choices a careful analyst might have made, drawn once for both spectra of a
pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ssbchar.constants import ETOK
from ssbchar.typing import Array
from ssbchar.xas.comparison.options import Comparison


@dataclass(frozen=True)
class ProcessingChoice:
    """One set of processing choices; energies are relative to each spectrum's own E0 [eV]."""

    pre1: float
    pre2: float
    norm1: float
    norm2: float
    nnorm: int
    e0_offset: float
    rbkg: float
    kmin: float
    kmax: float
    dk: float
    window: str
    tails: bool
    """The core level's tails are left out of baseline and step
    (`ssbchar.xas.normalisation.edge.tail`), or fitted with the rest as Larch and Athena do."""


def draw_choices(
    energies: Sequence[Array], e0s: Sequence[float], options: Comparison, signal_end: float = 13.0
) -> list[ProcessingChoice]:
    """Return the nominal choice and `choices` drawn ones that both spectra allow.

    Parameters
    ----------
    energies : sequence of array
        Energy axis of each spectrum [eV].
    e0s : sequence of float
        Its E0 [eV].
    options : Comparison
        Number, seed and nominal k range.
    signal_end : float
        Where the signal ends [1/angstrom].
    """
    below = min(e0 - e[0] for e, e0 in zip(energies, e0s, strict=True))
    above = min(e[-1] - e0 for e, e0 in zip(energies, e0s, strict=True))
    reach = float(np.sqrt(ETOK * above))
    kmax = min(13.0, signal_end, reach - 1) if options.kmax is None else min(reach, options.kmax)
    kmax = float(np.floor(2 * max(kmax, options.kmin + 3)) / 2) if options.kmax is None else kmax
    low, high = 0.95 * below, min(30.0, 0.35 * below)
    start = min(100.0, 0.2 * above)
    degree = 2 if above > 300 else 1 if above > 60 else 0
    made = [
        ProcessingChoice(
            -low,
            -high,
            start,
            0.95 * above,
            degree,
            0.0,
            options.rbkg,
            options.kmin,
            kmax,
            1.0,
            "kaiser",
            True,
        )
    ]
    random = np.random.default_rng(options.seed)
    for _ in range(options.choices):
        made.append(
            ProcessingChoice(
                pre1=-low * random.uniform(0.6, 1.0),
                pre2=-high * random.uniform(0.9, 1.6),
                norm1=start * random.uniform(0.5, 1.5),
                norm2=above * random.uniform(0.75, 0.99),
                nnorm=int(random.integers(max(degree - 1, 0), degree + 1)),
                e0_offset=random.uniform(-3.0, 3.0),
                rbkg=options.rbkg * random.uniform(0.85, 1.15),
                kmin=options.kmin + random.uniform(-0.5, 0.5),
                kmax=kmax - random.uniform(0.0, 1.5),
                dk=random.uniform(0.5, 2.0),
                window=("kaiser", "hanning")[int(random.integers(0, 2))],
                tails=bool(random.integers(0, 2)),
            )
        )
    return made
