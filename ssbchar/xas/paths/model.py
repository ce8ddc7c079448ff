"""Least squares of paths against chi(R) of one or more spectra, with ifeffit's statistics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from ssbchar.typing import Array
from ssbchar.xas.exafs import fourier
from ssbchar.xas.exafs.options import Window
from ssbchar.xas.paths.exafs_equation import ScatteringPaths, Shell, ShellParameters


class Kind(StrEnum):
    """What is fitted of each shell; the order of columns in `Spectrum.places`."""

    NUMBER = "number"
    DISTANCE = "distance"
    DISPLACEMENT = "displacement"


KINDS = tuple(Kind)
NOISE_R = (15.0, 30.0)
"""Range of R where a spectrum holds nothing but noise [angstrom]."""
LEAST_NOISE = 1e-12
"""Noise in chi(R) of a spectrum without any, so that it can be divided by."""


@dataclass(frozen=True, kw_only=True)
class Transform:
    """Fourier window and the range in R."""

    kmin: float
    """[1/angstrom]"""
    kmax: float
    """[1/angstrom]"""
    kweight: int
    dk: float
    """[1/angstrom]"""
    window: Window
    rmin: float
    """[angstrom]"""
    rmax: float
    """[angstrom]"""

    @property
    def independent(self) -> float:
        """Number of independent points by Larch's convention, 2 dk dR / pi + 1.

        E. A. Stern, Phys. Rev. B 48 (1993) 9825 counts 2 dk dR / pi + 2; without the constant it is
        the sampling theorem's number.
        """
        return 2 * (self.kmax - self.kmin) * (self.rmax - self.rmin) / np.pi + 1

    def compute_weights(self, k: Array) -> Array:
        """Return the window times k^kweight, shape (k,), for k in 1/angstrom."""
        return fourier.build_k_window(
            k,
            kmin=self.kmin,
            kmax=self.kmax,
            dk=self.dk,
            shape=self.window,
            kweight=self.kweight,
        )[1]


@dataclass(frozen=True, kw_only=True)
class Spectrum:
    """chi(k) of one measurement and the places of its parameters."""

    k: Array
    """Shape (k,) [1/angstrom]."""
    chi: Array
    """Shape (k,)."""
    offset: float
    """Added to the shared shift of the origin [eV]: the first spectrum's E0 less this one's."""
    e0: int
    """Place of its shift of the origin among the parameters."""
    places: NDArray[np.int_]
    """Places of number, change of distance and displacement of each shell, shape (shell, 3)."""


@dataclass(frozen=True, kw_only=True)
class FitResult:
    """Parameters at the minimum."""

    values: Array
    """Shape (parameter,)."""
    covariance: Array
    """Scaled by the reduced chi-square, shape (parameter, parameter)."""
    chi_square: float
    reduced: float
    """Chi-square by the independent points less the parameters."""
    r_factor: Array
    """Shape (spectrum,)."""
    noise: Array
    """Noise in chi(R), shape (spectrum,) [angstrom^-(kweight + 1)]."""
    independent: float
    """Independent points of all spectra."""
    converged: bool


class PathFitProblem:
    """Spectra, paths and the transform, ready to be fitted.

    Parameters
    ----------
    spectra : sequence of Spectrum
    paths : ScatteringPaths
    shells : sequence of Shell
        In the order of the rows of `Spectrum.places`.
    transform : Transform
        Ranges in k [1/angstrom] and R [angstrom].
    held : sequence of (Shell, ShellParameters)
        Shells that are not fitted, with their number, distance and displacement; the origin of
        energy [eV] is that of the fit.
    """

    def __init__(
        self,
        spectra: Sequence[Spectrum],
        paths: ScatteringPaths,
        shells: Sequence[Shell],
        transform: Transform,
        held: Sequence[tuple[Shell, ShellParameters]] = (),
    ) -> None:
        self.spectra = list(spectra)
        self.paths = paths
        self.shells = list(shells)
        self.held = list(held)
        self.transform = transform
        # Larch cuts the grid of R this way; the small term keeps 1.0 / RSTEP from falling short.
        ends = (transform.rmin, transform.rmax)
        first, last = (int(0.01 + end / fourier.RSTEP) for end in ends)
        r = fourier.RSTEP * np.arange(first, last, dtype=np.float64)
        weights = [self.compute_weights(s.k) for s in self.spectra]
        both = list(zip(self.spectra, weights, strict=True))
        self.to_r = [fourier.build_transform_matrix(s.k, w, r) for s, w in both]
        self.noise = np.array([estimate_noise_in_r(s.k, s.chi, w) for s, w in both])
        self.size = 1 + max(max(int(s.places.max()), s.e0) for s in self.spectra)
        self.independent = len(self.spectra) * transform.independent

    def compute_weights(self, k: Array) -> Array:
        """Return the window times k^kweight, shape (k,), for k in 1/angstrom."""
        return self.transform.compute_weights(k)

    def compute_model(self, values: Array, i: int) -> tuple[list[Array], Array]:
        """Return chi(k) of each shell of a spectrum, those that are held last, and the derivatives
        of their sum.

        Parameters
        ----------
        values : array, shape (parameter,)
        i : int
            Index of the spectrum.

        Returns
        -------
        chi : list of array, shape (k,)
            One per shell.
        derivatives : array, shape (parameter, k)
        """
        spectrum = self.spectra[i]
        chi_of_shells = []
        derivatives = np.zeros((self.size, spectrum.k.size))
        for shell, places in zip(self.shells, spectrum.places, strict=True):
            number, delta_r, sigma2 = values[places].tolist()
            at = ShellParameters(
                e0=float(values[spectrum.e0]) + spectrum.offset,
                number=number,
                delta_r=delta_r,
                sigma2=sigma2,
            )
            chi, by_parameter = self.paths.differentiate_chi(spectrum.k, shell, at)
            chi_of_shells.append(chi)
            # Shared parameters collect the derivatives of all shells.
            for place, row in zip((spectrum.e0, *places), by_parameter, strict=True):
                derivatives[place] += row
        origin = float(values[spectrum.e0]) + spectrum.offset
        for shell, at in self.held:
            chi, by_parameter = self.paths.differentiate_chi(
                spectrum.k, shell, replace(at, e0=origin)
            )
            chi_of_shells.append(chi)
            derivatives[spectrum.e0] += by_parameter[0]
        return chi_of_shells, derivatives

    def compute_residual(self, values: Array) -> tuple[Array, Array]:
        """Return (data - model)/noise in chi(R), whose squares sum to chi-square, and its Jacobian.

        chi^2 = (N_idp / N) sum over the N real and imaginary parts, for each spectrum, since chi(R)
        is oversampled.

        Parameters
        ----------
        values : array, shape (parameter,)

        Returns
        -------
        residual : array, shape (point,)
        jacobian : array, shape (point, parameter)
        """
        rows, jacobian = [], []
        for i, (spectrum, matrix) in enumerate(zip(self.spectra, self.to_r, strict=True)):
            chi_of_shells, derivatives = self.compute_model(values, i)
            scale = np.sqrt(self.transform.independent / (2 * len(matrix))) / self.noise[i]
            misfit = spectrum.chi - np.sum(chi_of_shells, axis=0)
            rows.append(scale * stack_parts(matrix @ misfit))
            jacobian.append(-scale * stack_parts(matrix @ derivatives.T))
        return np.concatenate(rows), np.concatenate(jacobian)

    def fit(self, starts: Sequence[Array]) -> FitResult:
        """Return the lowest of the minima that the starts lead to.

        The covariance is (J'J)^-1 times the reduced chi-square chi^2/(N_idp - N_parameters), as
        ifeffit and Larch scale it: what the model lacks counts as noise (M. Newville, J.
        Synchrotron Rad. 8 (2001) 322).

        Parameters
        ----------
        starts : sequence of array, shape (parameter,)
            Distances in angstrom, displacements in angstrom^2, origins in eV.
        """
        from scipy.optimize import least_squares

        # Levenberg-Marquardt, as in ifeffit; several starts, since distances have false minima.
        minima = [
            least_squares(
                lambda x: self.compute_residual(x)[0],
                start,
                jac=lambda x: self.compute_residual(x)[1],
                method="lm",
                x_scale="jac",
            )
            for start in starts
        ]
        best = min(minima, key=lambda one: float(one.cost))
        chi_square = 2 * float(best.cost)
        reduced = chi_square / (self.independent - self.size)
        jacobian = self.compute_residual(best.x)[1]
        # A pseudo-inverse: a parameter without effect must not stop the fit.
        inverse = np.linalg.pinv(jacobian.T @ jacobian, hermitian=True)
        return FitResult(
            values=np.asarray(best.x),
            covariance=np.asarray(inverse * reduced, float),
            chi_square=chi_square,
            reduced=reduced,
            r_factor=self.compute_r_factors(best.x),
            noise=self.noise,
            independent=self.independent,
            converged=bool(best.success),
        )

    def compute_r_factors(self, values: Array) -> Array:
        """Return sum |data - model|^2 / sum |data|^2 over the range in R, shape (spectrum,).

        Parameters
        ----------
        values : array, shape (parameter,)
            [eV, angstrom, angstrom^2]
        """
        factors = []
        for i, (spectrum, matrix) in enumerate(zip(self.spectra, self.to_r, strict=True)):
            misfit = spectrum.chi - np.sum(self.compute_model(values, i)[0], axis=0)
            squares = np.sum(np.abs(matrix @ misfit) ** 2)
            factors.append(float(squares / np.sum(np.abs(matrix @ spectrum.chi) ** 2)))
        return np.array(factors)


def stack_parts(values: NDArray[np.complex128]) -> Array:
    """Return real parts, then imaginary parts, along the first axis.

    Parameters
    ----------
    values : complex array, shape (point, ...)

    Returns
    -------
    array, shape (2 point, ...)
    """
    return np.concatenate([values.real, values.imag])


def estimate_noise_in_r(k: Array, chi: Array, weights: Array) -> float:
    """Return the noise of the real and imaginary parts of chi(R), from R = 15 to 30 angstrom.

    Parameters
    ----------
    k, chi, weights : array, shape (k,)
        Wavenumber [1/angstrom], EXAFS, and window times k^kweight.

    Returns
    -------
    float
        Root mean square [angstrom^-(kweight + 1)].
    """
    low, high = (int(r / fourier.RSTEP) for r in NOISE_R)
    far = fourier.chi_r_from_chi(chi[None], weights, NOISE_R[1])[1][0, low:high]
    return max(float(np.sqrt(np.mean(stack_parts(far) ** 2))), LEAST_NOISE)
