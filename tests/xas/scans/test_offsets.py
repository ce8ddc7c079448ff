"""An offset of a counter shows where the beam changes and the absorption follows."""

from pathlib import Path

import numpy as np
import pytest
from xas import made_spectra

from ssbchar.xas.scans import read
from ssbchar.xas.scans.offsets import find_offset
from ssbchar.xas.scans.options import ScanReading

ENERGY = made_spectra.grid()
MU = made_spectra.mu(ENERGY, made_spectra.Truth())
BEAM = 1e8 * np.where(ENERGY > 7400.0, 1.35, 1.0) * np.where(np.abs(ENERGY - 7600) < 12, 0.7, 1.0)
"""A refill and a glitch of the crystal."""


def count(dark: tuple[float, float] = (0.0, 0.0), seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    i0 = random.poisson(BEAM) + dark[0]
    i1 = random.poisson(BEAM * np.exp(-MU)) + dark[1]
    return i0.astype(float), i1.astype(float)


@pytest.mark.parametrize("dark", [(3e6, 0.0), (0.0, 1e6), (-3e6, 0.0)])
def test_an_offset_is_found_with_its_size(dark: tuple[float, float]) -> None:
    found = find_offset(*count(dark))
    assert found is not None
    transmitted = float(np.exp(-np.interp(7500.0, ENERGY, MU)))
    expected = (dark[0] - dark[1] / transmitted) / 1e8
    assert found.share == pytest.approx(expected, rel=0.35)


@pytest.mark.parametrize("seed", range(20))
def test_counters_without_an_offset_tell_none(seed: int) -> None:
    assert find_offset(*count(seed=seed)) is None


@pytest.mark.parametrize("counter", [0, 1])
@pytest.mark.parametrize("factor", [0.1, 0.7, 0.9, 1.2, 8.0])
def test_a_wild_reading_is_no_offset(counter: int, factor: float) -> None:
    counts = count()
    counts[counter][[60, 150]] *= factor
    assert find_offset(*counts) is None


def test_a_steady_beam_tells_nothing() -> None:
    i0 = np.random.default_rng(3).poisson(np.full(ENERGY.size, 1e8)) + 3e6
    assert find_offset(i0.astype(float), i0 * np.exp(-MU)) is None
    assert find_offset(i0[:10].astype(float), i0[:10].astype(float)) is None


def test_it_is_told_and_subtracted(tmp_path: Path) -> None:
    table = np.column_stack([ENERGY, *count((3e6, 0.0))])
    np.savetxt(tmp_path / "a.dat", table, header="energy i0 i1", fmt="%.4f")
    labels = {"measurement": "one"}
    doubtful = read.read_scans(tmp_path, ScanReading(element="Fe"), labels)
    assert "i0 or i1 reads an offset" in doubtful.attrs["notes"]
    assert '"level": "doubt"' in doubtful.attrs["notes"]
    reading = ScanReading(element="Fe", dark=(3e6, 0.0, 0.0))
    assert "offset" not in read.read_scans(tmp_path, reading, labels).attrs["notes"]
