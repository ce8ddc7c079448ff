"""Phases on the peaks of a pattern: those that are there, and no others."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from ssbchar.campaign.new import phase_match
from ssbchar.crystal.library import split_phases, tabulate_library
from ssbchar.crystal.options import ReflectionListing
from ssbchar.hexrd.bragg import two_theta_from_d
from ssbchar.hexrd.unindexed.cell_matching import list_candidate_lines
from ssbchar.typing import Array

WAVELENGTH = 0.2413
X = np.arange(1.0, 12.0, 0.006)
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def library() -> dict[str, xr.Dataset]:
    table = ROOT / "config/phases/phases.yaml"
    phases = split_phases(tabulate_library(table, ReflectionListing()))
    return {str(phase.attrs["phase"]): phase for phase in phases}


def pattern(phases: dict[str, xr.Dataset], shares: dict[str, float], strain: float) -> Array:
    y = np.full(X.size, 300.0) + 200 * np.exp(-X / 4)
    for name, share in shares.items():
        phase = phases[name]
        lines = list_candidate_lines(phase, WAVELENGTH, (X[0], X[-1]))
        assert lines is not None
        table = {tuple(h): d for h, d in zip(hkl_of(phase), phase["d"].values, strict=True)}
        d = np.array([table[tuple(one)] for one in lines.hkl])
        place = two_theta_from_d(d * (1 + strain), WAVELENGTH)
        height = 4000 * share * lines.strength / lines.strength.max()
        for at, high in zip(place, height, strict=True):
            y += high * np.exp(-4 * np.log(2) * ((X - at) / 0.03) ** 2)
    return y


def hkl_of(phase: xr.Dataset) -> Array:
    return np.stack([phase[i].values for i in "hkl"], axis=1).astype(float)


@pytest.mark.parametrize(
    "shares",
    [
        {"LAGP": 1.0, "NCM811": 0.6},
        {"LFP": 1.0, "LAGP": 0.4},
        {"CeO2": 1.0},
        {"Al2O3": 0.3, "NiO": 1.0},
        {},
    ],
)
@pytest.mark.parametrize("strain", [-0.004, 0.0, 0.005])
def test_the_phases_that_are_there(
    library: dict[str, xr.Dataset], shares: dict[str, float], strain: float
) -> None:
    rng = np.random.default_rng(len(shares) + int(1e4 * abs(strain)))
    y = rng.poisson(pattern(library, shares, strain)).astype(float)
    peaks = phase_match.find_peaks(X, y, np.sqrt(np.maximum(y, 1)))
    found = phase_match.match_phases(library.values(), peaks, WAVELENGTH)
    assert {match.name for match in found if match.is_likely} == set(shares)
    for match in found:
        assert match.on_peaks <= match.looked_for


def test_errors_that_are_stated_too_small_make_no_peaks(library: dict[str, xr.Dataset]) -> None:
    rng = np.random.default_rng(3)
    y = rng.normal(500, 40, X.size)
    peaks = phase_match.find_peaks(X, y, np.full(X.size, 2.0))
    assert peaks.position.size < 3
