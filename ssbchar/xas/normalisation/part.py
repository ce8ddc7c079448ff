"""A measurement's spectra under one choice of normalisation, with the operators that carry their
noise."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.typing import Array
from ssbchar.xas.exafs.options import Exafs
from ssbchar.xas.normalisation import edge
from ssbchar.xas.normalisation.exafs_free import ExafsFree, remove_exafs
from ssbchar.xas.normalisation.processing_choices import ProcessingChoice

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class NormalisedMeasurement:
    """A measurement under one choice: norm = (A mu) / step of its spectra, step = w . mu."""

    energy: Array
    norm: Array
    stderr: Array
    """Of mu."""
    step: Array
    rest: Array
    """A."""
    weights: Array
    """w."""


def normalise_under_choice(
    ds: xr.Dataset, smooth: ExafsFree, choice: ProcessingChoice | None, with_operators: bool
) -> NormalisedMeasurement:
    """Return a measurement under a choice, None being its own normalisation; Victoreen's power
    stays its own."""
    energy, mu, stderr = ds["energy"].values, ds["mu"].values, ds["mu_stderr"].values
    size = energy.size
    if ds.attrs.get("mode") == "normalised":
        return NormalisedMeasurement(
            energy, mu, stderr, np.ones(len(mu)), np.eye(size), np.zeros(size)
        )
    p1, p2, n1, n2, at, degree, victoreen, _ = json.loads(ds.attrs["ranges"])
    limits = edge.FitRanges(slice(p1, p2), slice(n1, n2), at, degree)
    if choice is not None:
        e0 = float(ds["e0"])
        limits = edge.choose_fit_ranges(
            energy, e0, choice.pre1, choice.pre2, choice.norm1, choice.norm2, choice.nnorm
        )
    left_out = choice is None or choice.tails
    tail = edge.calculate_tail(
        energy, float(ds["e0"]), float(ds.attrs.get("core_width", 0.0)) if left_out else 0.0
    )
    done = edge.normalise_edges(energy, mu, limits, victoreen, smooth.curve, tail)
    empty = np.zeros((0, 0)), np.zeros(0)
    rest, weights = empty
    if with_operators:
        rest, weights = edge.derive_operators(
            energy, limits, victoreen, smooth.operator(size), tail
        )
    return NormalisedMeasurement(energy, done.norm, stderr, done.edge_step, rest, weights)


def remove_exafs_of_measurement(ds: xr.Dataset) -> ExafsFree:
    """Return a measurement's spectra without EXAFS, none where its normalisation takes them with
    it."""
    if ds.attrs.get("mode") == "normalised" or not json.loads(ds.attrs["ranges"])[-1]:
        return ExafsFree(None)
    return remove_exafs(ds["energy"].values, ds["mu"].values, float(ds["e0"]), Exafs())
