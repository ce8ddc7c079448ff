"""A pattern from structure factors, with known coordinates, displacement factors, occupancies and
shares of the mass; all of it is synthetic."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import xarray as xr

from ssbchar.crystal import reflections
from ssbchar.crystal.cell import (
    Phase,
    Site,
    d_from_hkl,
    list_allowed_families,
    volume_from_cell,
)
from ssbchar.crystal.options import ReflectionListing
from ssbchar.simulate.hexrd.pattern import calculate_lorentz_factor, calculate_pseudo_voigt

TABLE = Path(__file__).parents[3] / "config/phases/phases.yaml"
WAVELENGTH = 0.24117
AXIS = np.arange(1.8, 15.8, 0.005)
FWHM = 0.03
ETA = 0.3
LEVEL = 4000.0
AMOUNT = 1e10
"""Counts that the strongest lines get by their share of the mass, structure and angle."""


@dataclass(frozen=True, kw_only=True)
class Truth:
    """A phase as it is."""

    known: Phase
    """As the phases file has it."""
    sites: tuple[Site, ...]
    cell: np.ndarray
    weight: float
    """Share of the mass."""

    @property
    def phase(self) -> Phase:
        """The phase as it is, not as listed."""
        return replace(self.known, cell=self.cell, sites=self.sites)


def make_truth(
    name: str, weight: float, *, changes: Mapping[int, Mapping[str, object]], strain: float = 2e-4
) -> Truth:
    """Return a phase whose sites differ from those listed by `changes`."""
    known = reflections.read_phase(TABLE, name, ReflectionListing())
    sites = tuple(replace(s, **changes.get(k, {})) for k, s in enumerate(known.sites))
    cell = known.cell * np.array([1 + strain] * 3 + [1.0] * 3)
    return Truth(known=known, sites=sites, cell=cell, weight=weight)


def draw_counts(truths: tuple[Truth, ...], seed: int, grain: float = 0.0) -> np.ndarray:
    """Return counts: lines of all phases by I = W m |F|^2 L / (M V), each off by a share `grain` as
    with few grains, on a background."""
    rng = np.random.default_rng(seed)
    mean = LEVEL * (1 + 0.3 * np.exp(-(AXIS - AXIS[0]) / 3))
    d_min = WAVELENGTH / (2 * np.sin(np.radians(AXIS[-1] + 1) / 2))
    for truth in truths:
        phase = truth.phase
        hkl, multiplicity = list_allowed_families(phase, d_min)
        angle = 2 * np.degrees(np.arcsin(WAVELENGTH / (2 * d_from_hkl(hkl, phase.cell))))
        strength = multiplicity * reflections.structure_factor_squared(phase, hkl)
        strength = strength * calculate_lorentz_factor(angle)
        volume = float(volume_from_cell(phase.cell))
        mass = reflections.mass_from_sites(phase)
        strength = strength * np.exp(grain * rng.standard_normal(strength.size))
        area = AMOUNT * 1e-9 * truth.weight / (mass * volume) * strength
        for where, size in zip(angle, area, strict=True):
            mean += size * calculate_pseudo_voigt(AXIS - where, FWHM, ETA)
    return rng.poisson(mean).astype(float)


def make_series(
    truths: tuple[Truth, ...],
    seeds: tuple[int, ...],
    temperatures: tuple[float, ...],
    grain: float = 0.0,
) -> dict[str, xr.Dataset]:
    """Return what the step takes of a series: patterns, furnace, lattice."""
    counts = np.array([draw_counts(truths, seed, grain) for seed in seeds])
    frames, phases = np.arange(1, len(seeds) + 1), [t.known.name for t in truths]
    shape = (frames.size, len(phases))
    axes = np.array(["a", "b", "c", "alpha", "beta", "gamma"], object)
    furnace = {
        "temperature": ("frame", np.array(temperatures)),
        "temperature_stderr": ("frame", np.full(frames.size, 0.3)),
        "temperature_systematic": ("frame", np.full(frames.size, 1.0)),
    }
    lattice = {
        "cell": (
            ("frame", "phase", "axis"),
            np.tile(np.array([t.known.cell for t in truths]), (frames.size, 1, 1)),
        ),
        "verdict": (("frame", "phase"), np.full(shape, "ok", object)),
        "size_width": (("frame", "phase"), np.full(shape, 0.008)),
        "strain_width": (("frame", "phase"), np.full(shape, 1e-3)),
        "zero": ("frame", np.zeros(frames.size)),
    }
    along = {"frame": frames, "two_theta": AXIS}
    return {
        "patterns": xr.Dataset(
            {
                "intensity": (("frame", "two_theta"), counts),
                "intensity_stderr": (("frame", "two_theta"), np.sqrt(np.maximum(counts, 1))),
                "status": ("frame", np.full(frames.size, "ok", object)),
            },
            coords=along,
            attrs={"synthetic": 1},
        ),
        "furnace": xr.Dataset(furnace, coords={"frame": frames}),
        "lattice": xr.Dataset(
            lattice,
            coords={**along, "phase": phases, "axis": axes},
            attrs={"wavelength": WAVELENGTH, "length_scale_stderr": 1e-4, "synthetic": 1},
        ),
    }
