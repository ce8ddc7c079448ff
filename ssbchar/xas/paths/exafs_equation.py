"""The EXAFS equation over FEFF's paths: chi(k) of shells with their number, distance and disorder,
and its slopes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ssbchar.constants import ETOK
from ssbchar.typing import Array

if TYPE_CHECKING:
    import xarray as xr

SMALLEST_Q = 0.05
"""The photoelectron's wavenumber is not taken below this [1/angstrom]; windows begin far above."""
STEP_E0 = 1e-3
"""Step of the central difference by E0 [eV]."""


@dataclass(frozen=True)
class Shell:
    """Paths that share one number, one change of distance and one mean square displacement."""

    label: str
    """Scatterer and mean distance, such as ``O 2.14``."""
    paths: NDArray[np.int_]
    number: float
    """Neighbours in the crystal: the degeneracies' sum."""
    distance: float
    """Their mean half length [angstrom]."""


class ScatteringPaths:
    """FEFF's paths, their tables as cubic splines in k.

    Parameters
    ----------
    ds : Dataset
        From `ssbchar.xas.paths.feffdat.dataset`.
    """

    def __init__(self, ds: xr.Dataset) -> None:
        from scipy.interpolate import CubicSpline

        self.reff: Array = ds["reff"].values
        self.degeneracy: Array = ds["degeneracy"].values
        self.scatterer = [str(s) for s in ds["scatterer"].values]
        self.last_k = float(ds["k"].values[-1])
        names = ("amplitude", "phase", "momentum", "free_path")
        table = np.stack([ds[n].values for n in names])
        self._spline = CubicSpline(ds["k"].values, np.moveaxis(table, 2, 0))

    def chi(
        self, k: Array, e0: float, shell: Shell, number: float, delta_r: float, sigma2: float
    ) -> Array:
        """Return chi(k) of a shell (see `waves`)."""
        return np.asarray(self.waves(k, e0, shell, number, delta_r, sigma2)[0].imag)

    def waves(
        self, k: Array, e0: float, shell: Shell, number: float, delta_r: float, sigma2: float
    ) -> tuple[NDArray[np.complex128], NDArray[np.complex128], NDArray[np.complex128]]:
        """Return the complex wave of a shell, whose imaginary part is chi, and its slopes by
        `delta_r` and `sigma2`.

        sum_j N_j F_j / (q (R_j + dR)^2) exp(-2 R_j Im p - 2 p^2 s2 + i (2 q R_j + phi_j + 2 p (dR -
        2 s2 / R_j))), with q^2 = k^2 - 2 m E0 / hbar^2, p FEFF's complex momentum at q, N_j in
        proportion to the degeneracies and `number` in all (S. I. Zabinsky, J. J. Rehr, A.
        Ankudinov, R. C. Albers & M. J. Eller, Phys. Rev. B 52 (1995) 2995; M. Newville, J.
        Synchrotron Rad. 8 (2001) 322, whose code fits this form).

        Parameters
        ----------
        k : array, shape (k,)
            From the spectrum's own E0 [1/angstrom].
        e0 : float
            Shift of the origin [eV].
        shell : Shell
        number : float
            Neighbours times the passive electrons' factor S0^2.
        delta_r, sigma2 : float
            [angstrom], [angstrom^2]

        Returns
        -------
        complex array, shape (k,), three times
        """
        q = np.sqrt(np.maximum(k**2 - ETOK * e0, SMALLEST_Q**2))[:, None]
        size, phase, real, free = np.moveaxis(self._spline(q[:, 0])[:, :, shell.paths], 1, 0)
        p, reff = real + 1j / free, self.reff[shell.paths]
        share = number * self.degeneracy[shell.paths] / shell.number
        wave = (
            share
            * size
            / (q * (reff + delta_r) ** 2)
            * np.exp(
                -2 * reff * p.imag
                - 2 * p**2 * sigma2
                + 1j * (2 * q * reff + phase + 2 * p * (delta_r - 2 * sigma2 / reff))
            )
        )
        by_r = wave * (2j * p - 2 / (reff + delta_r))
        by_sigma2 = wave * (-2 * p**2 - 4j * p / reff)
        return wave.sum(axis=1), by_r.sum(axis=1), by_sigma2.sum(axis=1)

    def slopes(
        self, k: Array, e0: float, shell: Shell, number: float, delta_r: float, sigma2: float
    ) -> tuple[Array, Array]:
        """Return chi of a shell and its slopes by E0, number, delta_r and sigma2, shapes (k,) and
        (4, k)."""
        wave, by_r, by_sigma2 = self.waves(k, e0, shell, number, delta_r, sigma2)
        unit = self.waves(k, e0, shell, 1.0, delta_r, sigma2)[0].imag
        up, down = (
            self.chi(k, e0 + d, shell, number, delta_r, sigma2) for d in (STEP_E0, -STEP_E0)
        )
        return wave.imag, np.stack([(up - down) / (2 * STEP_E0), unit, by_r.imag, by_sigma2.imag])


def group_shells(
    ds: xr.Dataset, limits: tuple[tuple[float, float], ...], rmax: float, gap: float, legs: int
) -> list[Shell]:
    """Return the shells that are fitted, nearest first.

    Parameters
    ----------
    ds : Dataset
        From `ssbchar.xas.paths.feffdat.dataset`.
    limits : tuple of (low, high)
        Ranges of the half lengths of each shell's paths [angstrom]; empty groups paths of one
        scatterer with no gap wider than `gap`, whose shortest is below `rmax`.
    rmax, gap : float
        [angstrom]
    legs : int
        Paths of more legs are left out.
    """
    reff, degeneracy = ds["reff"].values, ds["degeneracy"].values
    names = np.array([str(s) for s in ds["scatterer"].values])
    used = ds["legs"].values <= legs
    groups: list[NDArray[np.int_]] = []
    if limits:
        groups = [np.flatnonzero(used & (reff >= low) & (reff <= high)) for low, high in limits]
    else:
        for name in sorted(set(names[used])):
            own = np.flatnonzero(used & (names == name))
            groups += np.split(own, np.flatnonzero(np.diff(reff[own]) > gap) + 1)
        groups = sorted((g for g in groups if reff[g[0]] < rmax), key=lambda g: float(reff[g[0]]))
    found = []
    for g in groups:
        if g.size:
            number = float(degeneracy[g].sum())
            mean = float(degeneracy[g] @ reff[g] / number)
            found.append(Shell(f"{'+'.join(sorted(set(names[g])))} {mean:.2f}", g, number, mean))
    return found
