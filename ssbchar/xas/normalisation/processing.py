"""The merged spectrum of a measurement, processed by any set of choices, with the noise of what
comes out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ssbchar.constants import ETOK
from ssbchar.typing import Array
from ssbchar.xas.exafs import autobk, fourier
from ssbchar.xas.exafs.extract import chi_r_stderr_from_variance
from ssbchar.xas.exafs.options import Exafs
from ssbchar.xas.normalisation import edge
from ssbchar.xas.normalisation.edge_features import find_half_step, measure_white_line
from ssbchar.xas.normalisation.exafs_free import ExafsFree
from ssbchar.xas.normalisation.processing_choices import ProcessingChoice

if TYPE_CHECKING:
    import xarray as xr

MAX_R = 6.0
"""Last R of chi(R) [angstrom]."""


@dataclass(frozen=True)
class Processed:
    """One spectrum under one choice; `chi` is empty where the scan has no EXAFS."""

    limits: edge.FitRanges
    done: edge.NormalisedSpectra
    smooth: ExafsFree
    chi: Array
    tail: Array
    """Of the edge, as left out of baseline and step."""


class MergedSpectrum:
    """The merged spectrum of a measurement.

    Parameters
    ----------
    ds : Dataset
        From `ssbchar.xas.normalisation.normalise_spectra`.
    e0 : float or None
        Origin of the photoelectron energy [eV]; none takes the measurement's own.
    """

    def __init__(self, ds: xr.Dataset, e0: float | None = None) -> None:
        self.energy: Array = ds["energy"].values
        self.mu: Array = ds["mu"].values[-1:]
        self.stderr: Array = ds["mu_stderr"].values[-1:]
        self.e0 = float(ds["e0"]) if e0 is None else e0
        self.ready = ds.attrs.get("mode") == "normalised"
        self.victoreen = int(json.loads(ds.attrs["ranges"])[6])
        self.exafs_free = bool(ds.attrs.get("exafs_free", 1))
        self.core_width = float(ds.attrs.get("core_width", 0.0))
        """As `normalise` was told; a pair gets the cycled one's, so that both are processed
        alike."""
        self.above = float(self.energy[-1]) - self.e0
        """Range above E0 that is used [eV]; of a pair, the shorter one's, so that both get splines
        of one size."""

    @property
    def reach(self) -> float:
        """Last k [1/angstrom]."""
        return float(np.sqrt(ETOK * max(self.energy[-1] - self.e0, 0.0)))

    def signal_end(self, ratio: float) -> float:
        """Return the k [1/angstrom] up to which chi, root mean square over 1.5/angstrom, exceeds
        `ratio` noises."""
        limits = edge.choose_fit_ranges(self.energy, self.e0)
        done = edge.normalise_edges(
            self.energy, self.mu, limits, self.victoreen, None, self._tail(True)
        )
        step = np.ones(1) if self.ready else done.edge_step
        operators = autobk.build_operators(self.energy, self.e0, Exafs())
        chi, _, weight = autobk.chi_from_mu(operators, self.mu, step)
        variance = (self.stderr[0, operators.first : operators.last + 1] / step) ** 2
        noise = np.convolve(
            autobk.build_chi_operator(operators, float(weight[0])) ** 2 @ variance,
            np.full(31, 1 / 31),
            "same",
        )
        power = np.convolve(chi[0] ** 2, np.full(31, 1 / 31), "same")
        gone = (power < (ratio**2 + 1) * noise) & (operators.k > 4)
        return float(operators.k[np.argmax(gone)] if gone.any() else operators.k[-1])

    def processed(self, choice: ProcessingChoice, with_exafs: bool) -> Processed:
        """Return the spectrum normalised by a choice, and chi(k); the step is found without EXAFS
        if `exafs_free`."""
        limits = edge.choose_fit_ranges(
            self.energy, self.e0, choice.pre1, choice.pre2, choice.norm1, choice.norm2, choice.nnorm
        )
        chi, smooth, tail = np.zeros((1, 0)), ExafsFree(None), self._tail(choice.tails)
        if with_exafs:
            last = float(np.sqrt(ETOK * (self.above - choice.e0_offset)))
            how = Exafs(rbkg=choice.rbkg, kmax_background=last)
            operators = autobk.build_operators(self.energy, self.e0 + choice.e0_offset, how)
            chi, coefficients, weight = autobk.chi_from_mu(operators, self.mu, np.ones(1))
            smooth = ExafsFree(
                autobk.evaluate_background(operators, self.mu, coefficients), operators, weight
            )
        if self.ready:
            unit = np.ones_like(self.mu)
            return Processed(
                limits,
                edge.NormalisedSpectra(0 * unit, unit, np.ones(1), self.mu, self.mu),
                smooth,
                chi,
                tail,
            )
        curve = smooth.curve if self.exafs_free else None
        done = edge.normalise_edges(self.energy, self.mu, limits, self.victoreen, curve, tail)
        return Processed(limits, done, smooth, chi / done.edge_step[:, None], tail)

    def marks(self, one: Processed) -> tuple[float, float]:
        """Return half-step energy [eV] and white line."""
        half = find_half_step(self.energy, one.done.norm)[0][0]
        return float(half), float(measure_white_line(self.energy, one.done.flat, self.e0)[0][0])

    def marks_stderr(self, one: Processed) -> tuple[float, float]:
        """Return the standard errors of half-step energy [eV] and white line, baselines and step
        included."""
        rest, weights = np.eye(self.energy.size), np.zeros(self.energy.size)
        if not self.ready:
            rest, weights = self._linear_part(one)
        _, slope, rows = find_half_step(self.energy, one.done.norm)
        half = (
            edge.functional_stderr_from_mu_stderr(rows, self.stderr, one.done, rest, weights)
            / slope
        )
        rows = measure_white_line(self.energy, one.done.flat, self.e0)[2]
        return float(half[0]), float(
            edge.functional_stderr_from_mu_stderr(rows, self.stderr, one.done, rest, weights)[0]
        )

    def chi_r(
        self, one: Processed, choice: ProcessingChoice, kweight: int
    ) -> tuple[Array, NDArray[np.complex128]]:
        """Return R [angstrom] and complex chi(R)."""
        r, chi_r = fourier.chi_r_from_chi(one.chi, self._weights(one, choice, kweight), MAX_R)
        return r, chi_r[0]

    def chi_r_stderr(self, one: Processed, choice: ProcessingChoice, kweight: int) -> Array:
        """Return the standard error of |chi(R)|, the edge step's included."""
        operators, weight = one.smooth.operators, one.smooth.weight
        if operators is None or weight is None:
            return np.zeros(0)
        weights = self._weights(one, choice, kweight)
        r, chi_r = fourier.chi_r_from_chi(one.chi, weights, MAX_R)
        inside = slice(operators.first, operators.last + 1)
        step = float(one.done.edge_step[0])
        to_chi = np.zeros((operators.k.size, self.energy.size))
        to_chi[:, inside] = autobk.build_chi_operator(operators, float(weight[0]))
        if not self.ready:
            to_chi -= np.outer(one.chi[0], self._linear_part(one)[1])
        variance = (self.stderr / step) ** 2
        magnitude = chi_r_stderr_from_variance(
            to_chi, fourier.build_transform_matrix(operators.k, weights, r), variance, chi_r
        )[2]
        return np.asarray(magnitude[0])

    def _linear_part(self, one: Processed) -> tuple[Array, Array]:
        smoother = one.smooth.operator(self.energy.size) if self.exafs_free else None
        return edge.derive_operators(self.energy, one.limits, self.victoreen, smoother, one.tail)

    def _tail(self, left_out: bool) -> Array:
        return edge.calculate_tail(self.energy, self.e0, self.core_width if left_out else 0.0)

    def _weights(self, one: Processed, choice: ProcessingChoice, kweight: int) -> Array:
        assert one.smooth.operators is not None
        k = one.smooth.operators.k
        return fourier.build_k_window(
            k, choice.kmin, choice.kmax, choice.dk, choice.window, kweight
        )[1]
