"""Sets of processing choices that a careful analyst might have made, drawn once for both spectra of
a pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.constants import ETOK
from ssbchar.typing import Array
from ssbchar.xas.exafs.options import DEFAULT_WINDOW, FourierWindow, Window
from ssbchar.xas.normalisation.edge import FitLimits

if TYPE_CHECKING:
    from ssbchar.xas.comparison.options import Comparison

LAST_K = 13.0
"""The nominal window ends here at most [1/angstrom]."""
SHORTEST = 3
"""The nominal window is at least this long [1/angstrom]."""
DRAWN_WINDOWS: tuple[Window, ...] = ("kaiser", "hanning")
"""Shapes of the Fourier window that are drawn."""


@dataclass(frozen=True, kw_only=True)
class ProcessingChoice:
    """One set of processing choices; energies are relative to each spectrum's own E0 [eV]."""

    pre1: float
    pre2: float
    norm1: float
    norm2: float
    nnorm: int
    e0_offset: float
    """What E0 is moved by for the background spline [eV]."""
    rbkg: float
    """[angstrom]"""
    kmin: float
    """[1/angstrom]"""
    kmax: float
    """[1/angstrom]"""
    dk: float
    """[1/angstrom]"""
    window: Window
    tails: bool
    """The core level's tails are left out of baseline and step
    (`ssbchar.xas.normalisation.edge.calculate_tail`), or fitted with the rest as Larch and Athena
    do."""

    @property
    def fit_limits(self) -> FitLimits:
        """Limits of the fits below and above the edge."""
        return FitLimits(
            pre1=self.pre1, pre2=self.pre2, norm1=self.norm1, norm2=self.norm2, nnorm=self.nnorm
        )


def draw_choices(
    energies: Sequence[Array],
    e0s: Sequence[float],
    options: Comparison,
    *,
    window: FourierWindow = DEFAULT_WINDOW,
    signal_end: float = LAST_K,
) -> list[ProcessingChoice]:
    """Return the nominal choice and `options.choices` drawn ones that all spectra allow.

    Parameters
    ----------
    energies : sequence of array, shape (energy,) each
        Energy axis of each spectrum [eV].
    e0s : sequence of float
        Its E0 [eV].
    options : Comparison
        Number, seed and background distance.
    window : FourierWindow
        Nominal k range [1/angstrom].
    signal_end : float
        k at which the signal ends [1/angstrom].

    Returns
    -------
    list of ProcessingChoice
        The nominal one first.
    """
    below = min(e0 - energy[0] for energy, e0 in zip(energies, e0s, strict=True))
    above = min(energy[-1] - e0 for energy, e0 in zip(energies, e0s, strict=True))
    kmax = _choose_kmax(above, window, signal_end)
    nominal = _choose_nominal(below, above, rbkg=options.rbkg, kmin=window.kmin, kmax=kmax)
    random = np.random.default_rng(options.seed)
    drawn = [_draw_about(nominal, above, random) for _ in range(options.choices)]
    return [nominal, *drawn]


def _choose_nominal(
    below: float, above: float, *, rbkg: float, kmin: float, kmax: float
) -> ProcessingChoice:
    """Return the choice that the others are drawn about, for `below` and `above` eV of scan."""
    return ProcessingChoice(
        pre1=-(0.95 * below),
        pre2=-min(30.0, 0.35 * below),
        norm1=min(100.0, 0.2 * above),
        norm2=0.95 * above,
        nnorm=_choose_degree(above),
        e0_offset=0.0,
        rbkg=rbkg,
        kmin=kmin,
        kmax=kmax,
        dk=1.0,
        window="kaiser",
        tails=True,
    )


def _choose_kmax(above: float, window: FourierWindow, signal_end: float) -> float:
    reach = float(np.sqrt(ETOK * above))
    if window.kmax is not None:
        return min(reach, window.kmax)
    end = max(min(LAST_K, signal_end, reach - 1), window.kmin + SHORTEST)
    # In half steps, so that a little noise does not change the nominal window.
    return float(np.floor(2 * end) / 2)


def _choose_degree(above: float) -> int:
    if above > 300:
        return 2
    if above > 60:
        return 1
    return 0


def _draw_about(
    nominal: ProcessingChoice, above: float, random: np.random.Generator
) -> ProcessingChoice:
    """Return a choice about the nominal one; the order of the draws belongs to the results."""
    return ProcessingChoice(
        pre1=nominal.pre1 * random.uniform(0.6, 1.0),
        pre2=nominal.pre2 * random.uniform(0.9, 1.6),
        norm1=nominal.norm1 * random.uniform(0.5, 1.5),
        norm2=above * random.uniform(0.75, 0.99),
        nnorm=int(random.integers(max(nominal.nnorm - 1, 0), nominal.nnorm + 1)),
        e0_offset=random.uniform(-3.0, 3.0),
        rbkg=nominal.rbkg * random.uniform(0.85, 1.15),
        kmin=nominal.kmin + random.uniform(-0.5, 0.5),
        kmax=nominal.kmax - random.uniform(0.0, 1.5),
        dk=random.uniform(0.5, 2.0),
        window=DRAWN_WINDOWS[int(random.integers(0, 2))],
        tails=bool(random.integers(0, 2)),
    )
