"""Least squares of paths against chi(R) of one or more spectra at once, with ifeffit's
statistics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssbchar.typing import Array
from ssbchar.xas.exafs import fourier
from ssbchar.xas.paths.exafs_equation import ScatteringPaths, Shell

KINDS = ("number", "distance", "displacement")
NOISE_R = (15.0, 30.0)
"""R where a spectrum holds nothing but noise [angstrom]."""


@dataclass(frozen=True)
class Transform:
    """Fourier window and the range in R."""

    kmin: float
    kmax: float
    kweight: int
    dk: float
    window: str
    rmin: float
    rmax: float

    @property
    def independent(self) -> float:
        """Return the number of independent points, 2 dk dR / pi + 1 (E. A. Stern, Phys. Rev. B 48
        (1993) 9825)."""
        return 2 * (self.kmax - self.kmin) * (self.rmax - self.rmin) / np.pi + 1


@dataclass(frozen=True)
class Spectrum:
    """chi(k) of one measurement and which parameters are its own."""

    k: Array
    chi: Array
    offset: float
    """Added to the shared shift of the origin [eV]: the first spectrum's E0 less this one's."""
    e0: int
    """Place of its shift of the origin among the parameters."""
    places: NDArray[np.int_]
    """Places of number, change of distance and displacement of each shell, shape (shell, 3)."""


@dataclass(frozen=True)
class FitResult:
    """Parameters at the minimum."""

    values: Array
    covariance: Array
    """Scaled by the reduced chi-square."""
    chi_square: float
    reduced: float
    r_factor: Array
    """Of each spectrum."""
    noise: Array
    """Noise in chi(R) of each spectrum."""
    independent: float
    converged: bool


class PathFitProblem:
    """Spectra, paths and the transform, ready to be fitted."""

    def __init__(
        self,
        spectra: Sequence[Spectrum],
        paths: ScatteringPaths,
        shells: Sequence[Shell],
        transform: Transform,
    ) -> None:
        self.spectra, self.paths, self.shells, self.transform = (
            list(spectra),
            paths,
            list(shells),
            transform,
        )
        t = transform
        first, last = (int(0.01 + end / fourier.RSTEP) for end in (t.rmin, t.rmax))
        r = fourier.RSTEP * np.arange(first, last, dtype=np.float64)
        self.to_r = [
            fourier.build_transform_matrix(s.k, self.weights(s.k), r) for s in self.spectra
        ]
        self.noise = np.array(
            [estimate_noise_in_r(s.k, s.chi, self.weights(s.k)) for s in self.spectra]
        )
        self.size = 1 + max(max(int(s.places.max()), s.e0) for s in self.spectra)
        self.independent = len(self.spectra) * t.independent

    def weights(self, k: Array) -> Array:
        """Return the window times k^w."""
        t = self.transform
        return fourier.build_k_window(k, t.kmin, t.kmax, t.dk, t.window, t.kweight)[1]

    def model(self, values: Array, i: int) -> tuple[list[Array], Array]:
        """Return chi(k) of each shell of a spectrum and the slopes of their sum, shape (parameter,
        k)."""
        s = self.spectra[i]
        parts, slopes = [], np.zeros((self.size, s.k.size))
        for shell, places in zip(self.shells, s.places, strict=True):
            chi, by = self.paths.slopes(
                s.k, float(values[s.e0]) + s.offset, shell, *values[places].tolist()
            )
            parts.append(chi)
            for place, row in zip((s.e0, *places), by, strict=True):
                slopes[place] += row
        return parts, slopes

    def residual(self, values: Array) -> tuple[Array, Array]:
        """Return (data - model)/noise in chi(R) and its slopes, scaled so that its square sums to
        chi-square.

        chi^2 = (N_idp / N) sum over the N real and imaginary parts, for each spectrum, since chi(R)
        is oversampled.
        """
        rows, slopes = [], []
        for i, (s, matrix) in enumerate(zip(self.spectra, self.to_r, strict=True)):
            parts, by = self.model(values, i)
            scale = np.sqrt(self.transform.independent / (2 * len(matrix))) / self.noise[i]
            rows.append(scale * stack_parts(matrix @ (s.chi - np.sum(parts, axis=0))))
            slopes.append(-scale * stack_parts(matrix @ by.T))
        return np.concatenate(rows), np.concatenate(slopes)

    def fit(self, starts: Sequence[Array]) -> FitResult:
        """Return the lowest of the minima that the starts lead to.

        The covariance is (J'J)^-1 times the reduced chi-square chi^2/(N_idp - N_parameters), as
        ifeffit and Larch scale it: what the model lacks counts as noise (M. Newville, J.
        Synchrotron Rad. 8 (2001) 322).
        """
        from scipy.optimize import least_squares

        found = [
            least_squares(
                lambda x: self.residual(x)[0],
                start,
                jac=lambda x: self.residual(x)[1],
                method="lm",
                x_scale="jac",
            )
            for start in starts
        ]
        best = min(found, key=lambda one: float(one.cost))
        chi_square = 2 * float(best.cost)
        reduced = chi_square / (self.independent - self.size)
        slopes = self.residual(best.x)[1]
        covariance = np.asarray(np.linalg.pinv(slopes.T @ slopes, hermitian=True) * reduced, float)
        return FitResult(
            np.asarray(best.x),
            covariance,
            chi_square,
            reduced,
            self.r_factors(best.x),
            self.noise,
            self.independent,
            bool(best.success),
        )

    def r_factors(self, values: Array) -> Array:
        """Return sum |data - model|^2 / sum |data|^2 over the range in R, of each spectrum."""
        out = []
        for i, (s, matrix) in enumerate(zip(self.spectra, self.to_r, strict=True)):
            rest = s.chi - np.sum(self.model(values, i)[0], axis=0)
            out.append(
                float(np.sum(np.abs(matrix @ rest) ** 2) / np.sum(np.abs(matrix @ s.chi) ** 2))
            )
        return np.array(out)


def stack_parts(values: NDArray[np.complex128]) -> Array:
    """Return real parts, then imaginary parts, along the first axis."""
    return np.concatenate([values.real, values.imag])


def estimate_noise_in_r(k: Array, chi: Array, weights: Array) -> float:
    """Return the standard error of the real and imaginary parts of chi(R), from R = 15 to 30
    angstrom."""
    low, high = (int(r / fourier.RSTEP) for r in NOISE_R)
    wide = fourier.chi_r_from_chi(chi[None], weights, NOISE_R[1])[1][0, low:high]
    return max(float(np.sqrt(np.mean(stack_parts(wide) ** 2))), 1e-12)
