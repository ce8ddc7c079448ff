"""A measurement normalised under one choice of processing, with the operators that carry its
noise."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.typing import Array
from ssbchar.xas.exafs.options import Exafs
from ssbchar.xas.normalisation import edge
from ssbchar.xas.normalisation.exafs_free import ExafsFree, remove_exafs
from ssbchar.xas.normalisation.processing_choices import ProcessingChoice
from ssbchar.xas.scans.scan import Mode

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray as xr


@dataclass(frozen=True, kw_only=True)
class NormalisationChoice:
    """One choice of how the spectra of a measurement are normalised."""

    e0: float
    """Origin of the photoelectron energy [eV]."""
    ranges: edge.FitRanges
    """Points of the fits below and above the edge."""
    victoreen: int = 0
    """Power of the pre-edge curve."""
    core_width: float = 0.0
    """Width of the core level whose tails are left out of both fits [eV]; 0 leaves them in."""
    as_given: bool = False
    """The spectra came normalised and stay as they are."""


@dataclass(frozen=True, kw_only=True)
class NormalisedMeasurement:
    """A measurement normalised under one choice: norm = (A mu) / step with step = w . mu."""

    energy: Array
    """Shape (energy,) [eV]."""
    mu: Array
    """Absorption, shape (spectrum, energy)."""
    mu_stderr: Array
    """Shape (spectrum, energy); NaN where the noise is not known yet."""
    choice: NormalisationChoice
    exafs_free: ExafsFree
    """What the polynomial above the edge was fitted to."""
    tail: Array
    """Tails of the edge left out of both fits, in steps, shape (energy,)."""
    spectra: edge.NormalisedSpectra

    @cached_property
    def operators(self) -> edge.EdgeOperators:
        """A and w, made when they are first asked for: of most choices no noise is wanted."""
        if self.choice.as_given:
            return edge.accept_operators(self.energy.size)
        return edge.derive_operators(
            self.energy,
            self.choice.ranges,
            victoreen=self.choice.victoreen,
            smoother=self.exafs_free.build_smoother(self.energy.size),
            tail=self.tail,
        )

    def calculate_norm_stderr(self) -> tuple[Array, Array]:
        """Return the standard errors of norm, shape (spectrum, energy), and of the edge step, shape
        (spectrum,) in the unit of mu.

        See `ssbchar.xas.normalisation.edge.norm_stderr_from_mu_stderr`.
        """
        return edge.norm_stderr_from_mu_stderr(self.mu_stderr, self.spectra, self.operators)

    def calculate_functional_stderr(self, rows: Array) -> Array:
        """Return the standard error of h . norm, shape (spectrum,), for rows h of shape (spectrum,
        energy), in the unit of h . norm.

        See `ssbchar.xas.normalisation.edge.functional_stderr_from_mu_stderr`.
        """
        return edge.functional_stderr_from_mu_stderr(
            rows, self.mu_stderr, self.spectra, self.operators
        )


def normalise_under_choice(
    energy: Array,
    mu: Array,
    choice: NormalisationChoice,
    exafs_free: ExafsFree | None = None,
    mu_stderr: Array | None = None,
) -> NormalisedMeasurement:
    """Return spectra normalised under one choice.

    Parameters
    ----------
    energy : array, shape (energy,)
        [eV], rising.
    mu : array, shape (spectrum, energy)
        Absorption.
    choice : NormalisationChoice
        Fit ranges, pre-edge curve, tails.
    exafs_free : ExafsFree, optional
        The spectra without EXAFS, for the polynomial above the edge; None fits it to mu.
    mu_stderr : array, shape (spectrum, energy), optional
        Standard error of each point of mu; None where it is not known yet.

    Returns
    -------
    NormalisedMeasurement
    """
    free = ExafsFree() if exafs_free is None else exafs_free
    tail = edge.calculate_tail(energy, choice.e0, choice.core_width)
    if choice.as_given:
        spectra = edge.accept_normalised(mu)
    else:
        spectra = edge.normalise_edges(
            energy,
            mu,
            choice.ranges,
            victoreen=choice.victoreen,
            exafs_free=free.curve,
            tail=tail,
        )
    return NormalisedMeasurement(
        energy=energy,
        mu=mu,
        mu_stderr=np.full_like(mu, np.nan) if mu_stderr is None else mu_stderr,
        choice=choice,
        exafs_free=free,
        tail=tail,
        spectra=spectra,
    )


@dataclass(frozen=True, kw_only=True)
class StoredNormalisation:
    """What a file of normalised spectra keeps of its normalisation, as its attribute ``ranges``."""

    pre_start: int
    pre_stop: int
    post_start: int
    post_stop: int
    at_e0: int
    nnorm: int
    victoreen: int
    exafs_removed: bool
    """The polynomial above the edge was fitted to spectra without EXAFS."""

    @classmethod
    def of(cls, measurement: NormalisedMeasurement) -> StoredNormalisation:
        """Return what is kept of a normalised measurement."""
        ranges = measurement.choice.ranges
        return cls(
            pre_start=ranges.pre.start,
            pre_stop=ranges.pre.stop,
            post_start=ranges.post.start,
            post_stop=ranges.post.stop,
            at_e0=ranges.at_e0,
            nnorm=ranges.nnorm,
            victoreen=measurement.choice.victoreen,
            exafs_removed=measurement.exafs_free.curve is not None,
        )

    @classmethod
    def read(cls, attrs: Mapping[str, object]) -> StoredNormalisation:
        """Return what the attributes of a file of normalised spectra hold."""
        return cls(**json.loads(str(attrs["ranges"])))

    def to_json(self) -> str:
        """Return the attribute."""
        return json.dumps(asdict(self))

    @property
    def ranges(self) -> edge.FitRanges:
        """The points that were fitted."""
        return edge.FitRanges(
            pre=slice(self.pre_start, self.pre_stop),
            post=slice(self.post_start, self.post_stop),
            at_e0=self.at_e0,
            nnorm=self.nnorm,
        )


def is_given_normalised(attrs: Mapping[str, object]) -> bool:
    """Return whether the scans of a measurement came normalised, by its attributes."""
    return attrs.get("mode") == Mode.NORMALISED


def normalise_again(
    normalised: xr.Dataset, exafs_free: ExafsFree, choice: ProcessingChoice | None
) -> NormalisedMeasurement:
    """Return the spectra of a file of normalised spectra, normalised under another choice.

    Parameters
    ----------
    normalised : Dataset
        From `ssbchar.xas.normalisation.normalise_spectra`, energies in eV.
    exafs_free : ExafsFree
        From `remove_exafs_again`; the same for all choices.
    choice : ProcessingChoice or None
        Fit ranges and tails; None takes the measurement's own. The power of the pre-edge curve is
        always its own.

    Returns
    -------
    NormalisedMeasurement
        Arrays of shape (spectrum, energy).
    """
    energy = normalised["energy"].values
    e0 = float(normalised["e0"])
    core_width = float(normalised.attrs.get("core_width", 0.0))
    stored = StoredNormalisation.read(normalised.attrs)
    ranges = stored.ranges
    if choice is not None:
        ranges = edge.choose_fit_ranges(energy, e0, choice.fit_limits)
        core_width = core_width if choice.tails else 0.0
    return normalise_under_choice(
        energy,
        normalised["mu"].values,
        NormalisationChoice(
            e0=e0,
            ranges=ranges,
            victoreen=stored.victoreen,
            core_width=core_width,
            as_given=is_given_normalised(normalised.attrs),
        ),
        exafs_free=exafs_free,
        mu_stderr=normalised["mu_stderr"].values,
    )


def remove_exafs_again(normalised: xr.Dataset) -> ExafsFree:
    """Return the spectra of a file of normalised spectra without EXAFS.

    Parameters
    ----------
    normalised : Dataset
        From `ssbchar.xas.normalisation.normalise_spectra`, energies in eV.

    Returns
    -------
    ExafsFree
        Curves of shape (spectrum, energy); empty where their own normalisation was fitted to the
        EXAFS too.
    """
    if is_given_normalised(normalised.attrs):
        return ExafsFree()
    if not StoredNormalisation.read(normalised.attrs).exafs_removed:
        return ExafsFree()
    energy, mu = normalised["energy"].values, normalised["mu"].values
    return remove_exafs(energy, mu, float(normalised["e0"]), Exafs())
