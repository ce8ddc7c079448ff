"""The merged spectrum of a measurement, processed under any set of choices: half step, white line,
chi(k), chi(R) and their noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.constants import ETOK
from ssbchar.typing import Array, Complex
from ssbchar.xas.edge_features import find_half_step, measure_white_line
from ssbchar.xas.exafs import autobk, fourier
from ssbchar.xas.exafs.extract import chi_r_stderr_from_variance
from ssbchar.xas.exafs.options import Exafs
from ssbchar.xas.normalisation import edge
from ssbchar.xas.normalisation.exafs_free import ExafsFree
from ssbchar.xas.normalisation.noisy_edges import LINEAR_UP_TO, ON_EDGE, draw_copies, find_spread
from ssbchar.xas.normalisation.processing import (
    NormalisationChoice,
    NormalisedMeasurement,
    StoredNormalisation,
    is_given_normalised,
    normalise_under_choice,
)
from ssbchar.xas.normalisation.processing_choices import ProcessingChoice

if TYPE_CHECKING:
    import xarray as xr

MAX_R = 6.0
"""Last R of chi(R) [angstrom]."""
SIGNAL_POINTS = 31
"""Points of the k grid, 1.5/angstrom, over which signal and noise are averaged."""
FIRST_END = 4
"""The signal is not taken to end below this k [1/angstrom]."""


@dataclass(frozen=True, kw_only=True)
class ProcessedSpectrum:
    """One spectrum under one choice."""

    normalised: NormalisedMeasurement
    background: ExafsFree
    """Spline under the EXAFS, and its operators."""
    chi: Array
    """Shape (1, k); empty where the scan has no EXAFS."""


@dataclass(frozen=True, kw_only=True)
class MergedSpectrum:
    """The merged spectrum of a measurement, and how the measurement was normalised."""

    energy: Array
    """Shape (energy,) [eV]."""
    mu: Array
    """Shape (1, energy)."""
    mu_stderr: Array
    """Shape (1, energy)."""
    e0: float
    """Origin of the photoelectron energy [eV]."""
    as_given: bool
    """The scans came normalised."""
    victoreen: int
    """Power of the pre-edge curve."""
    exafs_free: bool
    """The EXAFS is removed before the fit above the edge."""
    core_width: float
    """Width of the core level [eV]."""
    span: float
    """Range above E0 that is used [eV]."""

    @classmethod
    def from_dataset(cls, normalised: xr.Dataset, e0: float | None = None) -> MergedSpectrum:
        """Return the merged spectrum of a measurement.

        Parameters
        ----------
        normalised : Dataset
            From `ssbchar.xas.normalisation.normalise_spectra`.
        e0 : float, optional
            Origin of the photoelectron energy [eV]; None takes the measurement's own.
        """
        energy = normalised["energy"].values
        origin = float(normalised["e0"]) if e0 is None else e0
        return cls(
            energy=energy,
            mu=normalised["mu"].values[-1:],
            mu_stderr=normalised["mu_stderr"].values[-1:],
            e0=origin,
            as_given=is_given_normalised(normalised.attrs),
            victoreen=StoredNormalisation.read(normalised.attrs).victoreen,
            exafs_free=bool(normalised.attrs.get("exafs_free", 1)),
            core_width=float(normalised.attrs.get("core_width", 0.0)),
            span=float(energy[-1]) - origin,
        )

    @property
    def reach(self) -> float:
        """Last k [1/angstrom]."""
        return float(np.sqrt(ETOK * max(self.energy[-1] - self.e0, 0.0)))

    def find_signal_end(self, ratio: float) -> float:
        """Return the k up to which chi, root mean square over 1.5/angstrom, exceeds its noise.

        Parameters
        ----------
        ratio : float
            Signal to noise at which the signal ends.

        Returns
        -------
        float
            [1/angstrom]
        """
        choice = self._build_choice(edge.FitLimits(), tails=True)
        step = normalise_under_choice(self.energy, self.mu, choice).spectra.edge_step
        operators = autobk.build_operators(self.energy, self.e0, Exafs())
        chi, _, weight = autobk.chi_from_mu(operators, self.mu, step)
        variance = (self.mu_stderr[0, operators.first : operators.last + 1] / step) ** 2
        to_chi = autobk.build_chi_operator(operators, float(weight[0]))
        average = np.full(SIGNAL_POINTS, 1 / SIGNAL_POINTS)
        noise = np.convolve(to_chi**2 @ variance, average, "same")
        power = np.convolve(chi[0] ** 2, average, "same")
        # The power of chi holds that of its noise.
        has_ended = (power < (ratio**2 + 1) * noise) & (operators.k > FIRST_END)
        return float(operators.k[np.argmax(has_ended)] if has_ended.any() else operators.k[-1])

    def process(self, choice: ProcessingChoice, with_exafs: bool) -> ProcessedSpectrum:
        """Return the spectrum normalised under a choice, with its chi(k).

        Parameters
        ----------
        choice : ProcessingChoice
            Fit ranges, background, tails.
        with_exafs : bool
            Make chi(k) [1/angstrom]; False where the scan ends too early.

        Returns
        -------
        ProcessedSpectrum
        """
        background, chi_mu = ExafsFree(), np.zeros((1, 0))
        if with_exafs:
            background, chi_mu = self._subtract_background(choice)
        normalised = normalise_under_choice(
            self.energy,
            self.mu,
            self._build_choice(choice.fit_limits, choice.tails),
            exafs_free=background if self.exafs_free else None,
            mu_stderr=self.mu_stderr,
        )
        chi = chi_mu / normalised.spectra.edge_step[:, None]
        return ProcessedSpectrum(normalised=normalised, background=background, chi=chi)

    def _build_choice(self, limits: edge.FitLimits, tails: bool) -> NormalisationChoice:
        return NormalisationChoice(
            e0=self.e0,
            ranges=edge.choose_fit_ranges(self.energy, self.e0, limits),
            victoreen=self.victoreen,
            core_width=self.core_width if tails else 0.0,
            as_given=self.as_given,
        )

    def _subtract_background(self, choice: ProcessingChoice) -> tuple[ExafsFree, Array]:
        """Return the spline under the EXAFS and chi(k) times the edge step, shape (1, k)."""
        last = float(np.sqrt(ETOK * (self.span - choice.e0_offset)))
        options = Exafs(rbkg=choice.rbkg, kmax_background=last)
        operators = autobk.build_operators(self.energy, self.e0 + choice.e0_offset, options)
        chi, coefficients, weight = autobk.chi_from_mu(operators, self.mu, np.ones(1))
        curve = autobk.evaluate_background(operators, self.mu, coefficients)
        return ExafsFree(curve=curve, operators=operators, clamp_weight=weight), chi

    def measure_edge(self, processed: ProcessedSpectrum) -> tuple[float, float]:
        """Return half-step energy [eV] and white line of the processed spectrum, two floats."""
        spectra = processed.normalised.spectra
        half = find_half_step(self.energy, spectra.norm)
        top = measure_white_line(self.energy, spectra.flat, self.e0)
        return float(half.energy[0]), float(top.height[0])

    def calculate_edge_stderr(self, processed: ProcessedSpectrum) -> tuple[float, float]:
        """Return the standard errors of half-step energy [eV] and white line, two floats; baselines
        and step are in them.

        Both are linear in the noise; where the noise of norm at the half step is no longer small
        against the step, noisy copies of the spectrum tell the errors, and NaN stands where many of
        them have no half step at all.
        """
        normalised = processed.normalised
        half = find_half_step(self.energy, normalised.spectra.norm)
        of_norm = normalised.calculate_functional_stderr(half.rows)
        top = measure_white_line(self.energy, normalised.spectra.flat, self.e0)
        half_stderr = float((of_norm / half.slope)[0])
        top_stderr = float(normalised.calculate_functional_stderr(top.rows)[0])
        if self._find_point_noise(processed) <= LINEAR_UP_TO:
            return half_stderr, top_stderr
        # np.maximum keeps a NaN, which says that there is no error to be had.
        half_copies, top_copies = self._measure_noisy_copies(processed)
        return (
            float(np.maximum(half_stderr, find_spread(half_copies, float(half.energy[0])))),
            float(np.maximum(top_stderr, find_spread(top_copies, float(top.height[0])))),
        )

    def _find_point_noise(self, processed: ProcessedSpectrum) -> float:
        """Return the noise of norm in single points on the edge, in edge steps."""
        step = float(processed.normalised.spectra.edge_step[0])
        on_edge = np.abs(self.energy - self.e0) < ON_EDGE
        return float(np.median(self.mu_stderr[0, on_edge])) / abs(step) if on_edge.any() else 0.0

    def _measure_noisy_copies(self, processed: ProcessedSpectrum) -> tuple[Array, Array]:
        """Return half-step energies [eV] and white lines of copies with as much noise again."""
        spectra = processed.normalised.spectra
        noise = draw_copies(self.mu_stderr[0] / spectra.edge_step[0])
        half = find_half_step(self.energy, spectra.norm + noise)
        top = measure_white_line(self.energy, spectra.flat + noise, self.e0)
        return half.energy, top.height

    def calculate_chi_r(
        self, processed: ProcessedSpectrum, choice: ProcessingChoice, kweight: int
    ) -> tuple[Array, Complex]:
        """Return R and complex chi(R).

        Parameters
        ----------
        processed : ProcessedSpectrum
            With EXAFS.
        choice : ProcessingChoice
            Fourier window.
        kweight : int
            Power of k.

        Returns
        -------
        r : array, shape (r,)
            [angstrom]
        chi_r : complex array, shape (r,)
            [1/angstrom**(kweight + 1)]
        """
        weights = _build_weights(processed, choice, kweight)
        r, chi_r = fourier.chi_r_from_chi(processed.chi, weights, MAX_R)
        return r, chi_r[0]

    def calculate_chi_r_stderr(
        self, processed: ProcessedSpectrum, choice: ProcessingChoice, kweight: int
    ) -> Array:
        """Return the standard error of |chi(R)|, with that of the edge step.

        Parameters
        ----------
        processed : ProcessedSpectrum
            With EXAFS.
        choice : ProcessingChoice
            Fourier window.
        kweight : int
            Power of k.

        Returns
        -------
        array, shape (r,)
            [1/angstrom**(kweight + 1)]; empty where there is no EXAFS.
        """
        operators, weight = processed.background.operators, processed.background.clamp_weight
        if operators is None or weight is None:
            return np.zeros(0)
        weights = _build_weights(processed, choice, kweight)
        r, chi_r = fourier.chi_r_from_chi(processed.chi, weights, MAX_R)
        step = float(processed.normalised.spectra.edge_step[0])
        to_chi = np.zeros((operators.k.size, self.energy.size))
        to_chi[:, operators.first : operators.last + 1] = autobk.build_chi_operator(
            operators, float(weight[0])
        )
        if not self.as_given:
            # chi is divided by the step, which carries noise of the same points.
            to_chi -= np.outer(processed.chi[0], processed.normalised.operators.step_weights)
        to_r = fourier.build_transform_matrix(operators.k, weights, r)
        variance = (self.mu_stderr / step) ** 2
        magnitude = chi_r_stderr_from_variance(to_chi, to_r, variance, chi_r)[2]
        return np.asarray(magnitude[0])


def _build_weights(processed: ProcessedSpectrum, choice: ProcessingChoice, kweight: int) -> Array:
    assert processed.background.operators is not None
    k = processed.background.operators.k
    return fourier.build_k_window(
        k,
        kmin=choice.kmin,
        kmax=choice.kmax,
        dk=choice.dk,
        shape=choice.window,
        kweight=kweight,
    )[1]
