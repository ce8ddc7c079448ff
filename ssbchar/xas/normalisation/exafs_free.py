"""Spectra without their EXAFS, whose oscillations would bend the polynomial above the edge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ssbchar.constants import ETOK
from ssbchar.typing import Array
from ssbchar.xas.exafs import autobk
from ssbchar.xas.exafs.options import Exafs


@dataclass(frozen=True, kw_only=True)
class ExafsFree:
    """Spectra without EXAFS, and the operators that made them; empty where there is no EXAFS."""

    curve: Array | None = None
    """Shape (spectrum, energy)."""
    operators: autobk.BackgroundOperators | None = None
    clamp_weight: Array | None = None
    """Effective weight of the clamp, shape (spectrum,)."""

    def build_smoother(self, size: int) -> Array | None:
        """Return B of curve = B mu, for variances, at the median clamp weight of the series.

        Parameters
        ----------
        size : int
            Points of the energy axis.

        Returns
        -------
        array, shape (energy, energy), dimensionless, or None
            None where there is no EXAFS.
        """
        if self.operators is None or self.clamp_weight is None:
            return None
        weight = float(np.median(self.clamp_weight))
        return autobk.build_background_operator(self.operators, weight, size)


def remove_exafs(energy: Array, mu: Array, e0: float, options: Exafs) -> ExafsFree:
    """Return each spectrum with the background spline of AUTOBK in its place above E0.

    A polynomial through some periods of EXAFS takes part of them for the atomic absorption: on made
    spectra of Ge in oxygen the edge step so found moves by 2.8 % (one standard deviation) over
    usual fit ranges, by 0.6 % without the EXAFS.

    Parameters
    ----------
    energy : array, shape (energy,)
        [eV]
    mu : array, shape (spectrum, energy)
    e0 : float
        [eV]
    options : Exafs
        Background; a scan that ends below ``min_k`` has no EXAFS to remove.

    Returns
    -------
    ExafsFree
        Its curve has shape (spectrum, energy).
    """
    reach = float(np.sqrt(ETOK * max(float(energy[-1]) - e0, 0.0)))
    if reach < options.min_k:
        return ExafsFree()
    operators = autobk.build_operators(energy, e0, options)
    _, coefficients, weight = autobk.chi_from_mu(operators, mu, np.ones(len(mu)))
    curve = autobk.evaluate_background(operators, mu, coefficients)
    return ExafsFree(curve=curve, operators=operators, clamp_weight=weight)
