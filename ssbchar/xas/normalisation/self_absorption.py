"""Self-absorption of a thick sample in fluorescence: what it takes from white line and EXAFS, given
back."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.typing import Array
from ssbchar.xas.normalisation.options import SelfAbsorption

LINES = {"K": "Ka1", "L1": "Lb3", "L2": "Lb1", "L3": "La1"}
"""Strongest line that a hole in each level emits."""
BESIDE = 5.0
"""The tabulated step is that between so far below and above the edge [eV]."""
MOST = 0.9
"""Share of what a sample can emit beyond 1 that a spectrum may reach [1]: above, noise decides."""
WHERE = "xas.normalise.self_absorption"


@dataclass(frozen=True, kw_only=True)
class Correction:
    """How much of a sample's absorption is not that of its edge."""

    share: float
    """a = gamma + beta g, in units of the edge step: gamma the absorption at the edge by all else,
    beta that of the emitted line, g = sin(incidence) / sin(exit)."""
    error: float
    """Relative standard error of the share [1]."""

    @property
    def amplitude_error(self) -> float:
        """Relative error of the EXAFS amplitude: that of (1 + a) / a."""
        return self.error / (1 + self.share)


def calculate_correction(options: SelfAbsorption, element: str, edge: str) -> Correction:
    """Return the correction of an infinitely thick, flat sample.

    Parameters
    ----------
    options : SelfAbsorption
        Formula and angles.
    element, edge : str
        Of the scan.

    Returns
    -------
    Correction
        With mass absorption coefficients of W. T. Elam, B. D. Ravel & J. R. Sieber, Radiat. Phys.
        Chem. 63 (2002) 121, by XrayDB.

    Raises
    ------
    BadInput
        The formula is none, or does not hold the element.
    """
    import xraydb

    try:
        atoms = xraydb.chemparse(options.formula)
    except ValueError as fault:
        raise BadInput(
            WHERE, f"'{options.formula}' is no formula", "give one as LiFePO4"
        ) from fault
    if element not in atoms or edge not in LINES:
        problem = f"{options.formula} has no {element} {edge} edge"
        raise BadInput(WHERE, problem, "give the formula of the sample")
    mass = {symbol: count * xraydb.atomic_mass(symbol) for symbol, count in atoms.items()}
    at = float(xraydb.xray_edge(element, edge).energy)
    line = float(xraydb.xray_line(element, LINES[edge]).energy)
    below, above, emitted = (
        {symbol: float(xraydb.mu_elam(symbol, energy)) for symbol in atoms}
        for energy in (at - BESIDE, at + BESIDE, line)
    )
    step = mass[element] * (above[element] - below[element])
    rest = sum(mass[symbol] * below[symbol] for symbol in atoms)
    out = sum(mass[symbol] * emitted[symbol] for symbol in atoms)
    tilt = math.sin(math.radians(options.incidence)) / math.sin(math.radians(options.exit))
    return Correction(share=(rest + out * tilt) / step, error=options.error)


def describe_correction(correction: Correction) -> str:
    """Return what was corrected, and how well it is known, in words."""
    return (
        "fluorescence, corrected for the self-absorption of a thick, flat sample (what is not the "
        f"edge absorbs {correction.share:.3g} edge steps, to {100 * correction.error:.2g} %): "
        f"EXAFS amplitudes are known to {100 * correction.amplitude_error:.2g} %; shares of "
        "references do not hold that"
    )


def norm_from_measured(measured: Array, share: float) -> Array:
    """Return the normalised absorption of a thick sample from its normalised fluorescence.

    A thick sample emits m / (m + a) for an absorption of m edge steps and a of all else; divided by
    its value at m = 1 that is N = m (1 + a) / (m + a), and m = N a / (1 + a - N) (L. Troeger et
    al., Phys. Rev. B 46 (1992) 3283).

    Parameters
    ----------
    measured : array
        N.
    share : float
        a.

    Returns
    -------
    array
        m, of the same shape; infinite or negative where N is more than a sample can emit.
    """
    return np.asarray(measured * share / (1 + share - measured))


def slope_from_measured(measured: Array, share: float) -> Array:
    """Return dm/dN of `norm_from_measured`, a (1 + a) / (1 + a - N)^2, of the same shape."""
    return np.asarray(share * (1 + share) / (1 + share - measured) ** 2)


def correct_spectra(norm: Array, correction: Correction, where: str) -> tuple[Array, Array]:
    """Return corrected spectra, and by what their noise grows.

    Parameters
    ----------
    norm : array, shape (spectrum, energy)
        Normalised fluorescence.
    correction : Correction
    where : str
        For the message.

    Returns
    -------
    norm, slope : array, shape (spectrum, energy)

    Raises
    ------
    BadInput
        A spectrum is higher than a sample of that formula can emit.
    """
    limit = 1 + correction.share
    highest = float(norm.max())
    if highest > 1 + MOST * correction.share:
        raise BadInput(
            where,
            f"the fluorescence rises to {highest:.2f} edge steps; a thick sample of that formula "
            f"emits at most {limit:.2f}",
            f"correct {WHERE}, or leave it out: the sample is thin",
        )
    share = correction.share
    return norm_from_measured(norm, share), slope_from_measured(norm, share)
