"""Scans as files, and their noise."""

from pathlib import Path

import numpy as np
import pytest

from ssbchar.simulate.effects import IDEAL
from ssbchar.simulate.xas import scans


@pytest.mark.parametrize("element", ["Ge", "Fe"])
def test_chi_noise_is_the_stated_one(element: str):
    """Scatter of mu t / edge step over many seeds at k = 10, merged over the repeats: 1e-3."""
    specimen = next(s for s in scans.SPECIMENS if s.element == element)
    k = np.array([9.9, 10.0, 10.1])
    energy = specimen.intact.energy + k**2 / 0.2624682843
    energy = np.repeat(energy, 200)
    mu = []
    for seed in range(scans.REPEATS):
        i0, i1, _ = scans.simulate_counts(
            energy, specimen, IDEAL, np.random.default_rng(seed), shift=0.0, scan=1
        )
        mu.append(np.log(i0 / i1))
    merged = np.mean(mu, axis=0).reshape(3, 200) / scans.STEP
    assert abs(merged.std(axis=1, ddof=1).mean() / scans.CHI_NOISE - 1) < 0.1


def test_xdi_and_columns_have_all_channels(small: Path):
    ge = np.loadtxt(next((small / "xas" / "Ge_pristine").glob("*.xdi")))
    fe = np.loadtxt(next((small / "xas" / "Fe_pristine").iterdir()))
    assert ge.shape[1] == 4 and fe.shape[1] == 5
    for energy, mu, foil, edge in (
        (ge[:, 0], np.log(ge[:, 1] / ge[:, 2]), np.log(ge[:, 2] / ge[:, 3]), 11103.0),
        (fe[:, 0], np.log(fe[:, 2] / fe[:, 3]), np.log(fe[:, 3] / fe[:, 4]), 7112.0),
    ):
        jump = mu[energy > edge + 150].mean() - mu[energy < edge - 50].mean()
        assert 0.6 < jump < 1.1
        steepest = energy[np.argmax(np.gradient(np.convolve(foil, np.ones(5) / 5, "same"), energy))]
        assert abs(steepest - edge - scans.MISCALIBRATION) < 1.2  # the monochromator reads high
