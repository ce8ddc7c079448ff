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
from ssbchar.xas.normalisation.exafs_free import Smooth, without_exafs
from ssbchar.xas.normalisation.processing_choices import Choice

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class Part:
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


def part_of(ds: xr.Dataset, smooth: Smooth, choice: Choice | None, with_operators: bool) -> Part:
    """Return a measurement under a choice, None being its own normalisation; Victoreen's power
    stays its own."""
    energy, mu, stderr = ds["energy"].values, ds["mu"].values, ds["mu_stderr"].values
    size = energy.size
    if ds.attrs.get("mode") == "normalised":
        return Part(energy, mu, stderr, np.ones(len(mu)), np.eye(size), np.zeros(size))
    p1, p2, n1, n2, at, degree, victoreen, _ = json.loads(ds.attrs["ranges"])
    limits = edge.Ranges(slice(p1, p2), slice(n1, n2), at, degree)
    if choice is not None:
        e0 = float(ds["e0"])
        limits = edge.ranges(
            energy, e0, choice.pre1, choice.pre2, choice.norm1, choice.norm2, choice.nnorm
        )
    left_out = choice is None or choice.tails
    tail = edge.tail(
        energy, float(ds["e0"]), float(ds.attrs.get("core_width", 0.0)) if left_out else 0.0
    )
    done = edge.normalised(energy, mu, limits, victoreen, smooth.curve, tail)
    empty = np.zeros((0, 0)), np.zeros(0)
    rest, weights = empty
    if with_operators:
        rest, weights = edge.linear_part(energy, limits, victoreen, smooth.operator(size), tail)
    return Part(energy, done.norm, stderr, done.edge_step, rest, weights)


def exafs_free(ds: xr.Dataset) -> Smooth:
    """Return a measurement's spectra without EXAFS, none where its normalisation takes them with
    it."""
    if ds.attrs.get("mode") == "normalised" or not json.loads(ds.attrs["ranges"])[-1]:
        return Smooth(None)
    return without_exafs(ds["energy"].values, ds["mu"].values, float(ds["e0"]), Exafs())
