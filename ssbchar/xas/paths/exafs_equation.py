"""The EXAFS equation over FEFF's paths: chi(k) of shells and its derivatives."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ssbchar.constants import ETOK
from ssbchar.typing import Array

if TYPE_CHECKING:
    import xarray as xr

SMALLEST_Q = 0.05
"""Smallest wavenumber of the photoelectron [1/angstrom]; windows begin far above."""
STEP_E0 = 1e-3
"""Step of the central difference by E0 [eV]."""


@dataclass(frozen=True, kw_only=True)
class Shell:
    """Paths that share one number, one change of distance and one mean square displacement."""

    label: str
    """Absorber, scatterer and mean distance, such as ``Fe-O 2.14``; without the absorber where
    that is not known."""
    paths: NDArray[np.int_]
    """Indices into `ScatteringPaths`, shape (path,)."""
    number: float
    """Neighbours in the crystal: sum of the degeneracies."""
    distance: float
    """Mean half length of the paths [angstrom]."""


@dataclass(frozen=True, kw_only=True)
class ShellParameters:
    """What is fitted of a shell."""

    e0: float
    """Shift of the photoelectron's energy origin [eV]."""
    number: float
    """Neighbours times the passive electrons' factor S0^2."""
    delta_r: float
    """Change of the distance [angstrom]."""
    sigma2: float
    """Mean square displacement [angstrom^2]."""


@dataclass(frozen=True, kw_only=True)
class ShellWaves:
    """Complex waves of a shell, shape (k,); the imaginary part of `wave` is chi(k)."""

    wave: NDArray[np.complex128]
    by_delta_r: NDArray[np.complex128]
    """Derivative by the change of distance [1/angstrom]."""
    by_sigma2: NDArray[np.complex128]
    """Derivative by the mean square displacement [1/angstrom^2]."""


class ScatteringPaths:
    """FEFF's paths, their tables as cubic splines in k.

    Parameters
    ----------
    ds : Dataset
        From `ssbchar.xas.paths.feffdat.build_path_dataset`.
    """

    def __init__(self, ds: xr.Dataset) -> None:
        from scipy.interpolate import CubicSpline

        self.reff: Array = ds["reff"].values
        self.degeneracy: Array = ds["degeneracy"].values
        names = ("amplitude", "phase", "momentum", "free_path")
        table = np.stack([ds[n].values for n in names])
        self._spline = CubicSpline(ds["k"].values, np.moveaxis(table, 2, 0))

    def compute_chi(self, k: Array, shell: Shell, at: ShellParameters) -> Array:
        """Return chi(k) of a shell, shape (k,) (see `compute_waves`).

        Parameters
        ----------
        k : array, shape (k,)
            From the spectrum's own E0 [1/angstrom].
        shell : Shell
        at : ShellParameters
            Values of the parameters [eV, angstrom, angstrom^2].
        """
        return np.asarray(self.compute_waves(k, shell, at).wave.imag)

    def compute_waves(self, k: Array, shell: Shell, at: ShellParameters) -> ShellWaves:
        """Return the complex wave of a shell, whose imaginary part is chi, and its derivatives.

        sum_j N_j F_j / (q (R_j + dR)^2) exp(-2 R_j Im p - 2 p^2 s2 + i (2 q R_j + phi_j + 2 p (dR -
        2 s2 / R_j))), with q^2 = k^2 - 2 m E0 / hbar^2, p FEFF's complex momentum at q, N_j in
        proportion to the degeneracies and `number` in all (S. I. Zabinsky, J. J. Rehr, A.
        Ankudinov, R. C. Albers & M. J. Eller, Phys. Rev. B 52 (1995) 2995; M. Newville, J.
        Synchrotron Rad. 8 (2001) 322, whose code fits this form).

        Parameters
        ----------
        k : array, shape (k,)
            From the spectrum's own E0 [1/angstrom].
        shell : Shell
        at : ShellParameters
            Values of the parameters [eV, angstrom, angstrom^2].

        Returns
        -------
        ShellWaves
            Arrays of shape (k,).
        """
        q = np.sqrt(np.maximum(k**2 - ETOK * at.e0, SMALLEST_Q**2))[:, None]
        table = self._spline(q[:, 0])[:, :, shell.paths]
        size, phase, real, free_path = np.moveaxis(table, 1, 0)
        p, reff = real + 1j / free_path, self.reff[shell.paths]
        share = at.number * self.degeneracy[shell.paths] / shell.number
        # p is complex: disorder and a change of distance act on the loss as well as on the phase.
        exponent = (
            -2 * reff * p.imag
            - 2 * p**2 * at.sigma2
            + 1j * (2 * q * reff + phase + 2 * p * (at.delta_r - 2 * at.sigma2 / reff))
        )
        wave = share * size / (q * (reff + at.delta_r) ** 2) * np.exp(exponent)
        by_delta_r = wave * (2j * p - 2 / (reff + at.delta_r))
        by_sigma2 = wave * (-2 * p**2 - 4j * p / reff)
        return ShellWaves(
            wave=wave.sum(axis=1),
            by_delta_r=by_delta_r.sum(axis=1),
            by_sigma2=by_sigma2.sum(axis=1),
        )

    def differentiate_chi(self, k: Array, shell: Shell, at: ShellParameters) -> tuple[Array, Array]:
        """Return chi of a shell, and its derivatives by E0, number, distance and displacement.

        Parameters
        ----------
        k : array, shape (k,)
            [1/angstrom]
        shell : Shell
        at : ShellParameters
            Values of the parameters [eV, angstrom, angstrom^2].

        Returns
        -------
        chi : array, shape (k,)
        derivatives : array, shape (4, k)
            Per eV, per neighbour, per angstrom and per angstrom^2.
        """
        waves = self.compute_waves(k, shell, at)
        one_neighbour = self.compute_waves(k, shell, replace(at, number=1.0)).wave.imag
        # E0 moves q and with it every entry of FEFF's tables: a central difference is simpler than
        # the chain rule.
        up = self.compute_chi(k, shell, replace(at, e0=at.e0 + STEP_E0))
        down = self.compute_chi(k, shell, replace(at, e0=at.e0 - STEP_E0))
        by_e0 = (up - down) / (2 * STEP_E0)
        derivatives = [by_e0, one_neighbour, waves.by_delta_r.imag, waves.by_sigma2.imag]
        return waves.wave.imag, np.stack(derivatives)


def group_shells(
    ds: xr.Dataset,
    limits: tuple[tuple[float, float], ...],
    *,
    rmax: float,
    gap: float,
    legs: int,
) -> list[Shell]:
    """Return the shells that are fitted, nearest first.

    Parameters
    ----------
    ds : Dataset
        From `ssbchar.xas.paths.feffdat.build_path_dataset`.
    limits : tuple of (low, high)
        Ranges of the half lengths of each shell's paths [angstrom]. If empty, paths of one
        scatterer with no gap wider than `gap` are a shell, where the shortest is below `rmax`.
    rmax, gap : float
        [angstrom]
    legs : int
        Paths of more legs are left out.

    Returns
    -------
    list of Shell
        Distances in angstrom, path indices of shape (path,).
    """
    reff, degeneracy = ds["reff"].values, ds["degeneracy"].values
    scatterers = np.array([str(s) for s in ds["scatterer"].values])
    used = ds["legs"].values <= legs
    absorber = f"{ds.attrs['element']}-" if ds.attrs.get("element") else ""
    groups: list[NDArray[np.int_]] = []
    if limits:
        groups = [np.flatnonzero(used & (reff >= low) & (reff <= high)) for low, high in limits]
    else:
        for scatterer in sorted(set(scatterers[used])):
            # Paths are sorted by length, so that neighbours in the list are neighbours in length.
            own = np.flatnonzero(used & (scatterers == scatterer))
            groups += np.split(own, np.flatnonzero(np.diff(reff[own]) > gap) + 1)
        near = [group for group in groups if reff[group[0]] < rmax]
        groups = sorted(near, key=lambda group: float(reff[group[0]]))
    shells = []
    for group in groups:
        if group.size:
            number = float(degeneracy[group].sum())
            mean = float(degeneracy[group] @ reff[group] / number)
            label = f"{absorber}{'+'.join(sorted(set(scatterers[group])))} {mean:.2f}"
            shells.append(Shell(label=label, paths=group, number=number, distance=mean))
    return shells
