"""A file that runs its energies up and down again holds several scans."""

from pathlib import Path

import numpy as np
import pytest
from xas import made_spectra

from ssbchar.xas.scans import read
from ssbchar.xas.scans.formats.raw_scan import RawScan
from ssbchar.xas.scans.options import ScanReading
from ssbchar.xas.scans.passes import split_passes

LABELS = {"measurement": "one", "role": "pristine"}
UP = np.linspace(6920.0, 7700.0, 400)


def count_points(energy: np.ndarray) -> list[int]:
    raw = RawScan(where="a.dat", columns={"energy": energy, "i0": np.arange(energy.size * 1.0)})
    parts = split_passes(raw, "energy")
    for part in parts:
        assert part.columns["i0"].size == part.columns["energy"].size
    return [part.columns["energy"].size for part in parts]


@pytest.mark.parametrize(
    ("energy", "points"),
    [
        (UP, [400]),
        (UP[::-1], [400]),
        (np.concatenate([UP, UP[::-1]]), [400, 400]),
        (np.concatenate([UP, UP[::-1], UP]), [400, 400, 400]),
        (np.concatenate([UP, UP]), [400, 400]),
        (np.concatenate([UP, UP[::-40], UP]), [400, 400]),
        # A step back, an encoder's jitter and a region that is measured again are one scan.
        (np.concatenate([UP[:200], UP[190:]]), [410]),
        (UP + 3 * (-1.0) ** np.arange(400), [400]),
        (np.concatenate([UP, UP[100:200]]), [500]),
    ],
)
def test_runs_over_most_of_the_range_are_scans(energy: np.ndarray, points: list[int]) -> None:
    found = count_points(energy)
    # A point at a turn belongs to either side.
    assert len(found) == len(points)
    assert found == pytest.approx(points, abs=1)


def test_a_quick_scan_up_and_down_is_two_repeats(tmp_path: Path) -> None:
    """Its axis lags behind by 0.5 eV on both ways."""
    energy = np.concatenate([np.linspace(6920, 7500, 1500), np.linspace(7500, 6920, 1500)])
    lag = np.where(np.arange(3000) < 1500, -0.5, 0.5)
    i0 = np.full(3000, 1e6)
    mu = made_spectra.mu(energy, made_spectra.Truth())
    foil = made_spectra.foil(energy)
    table = np.column_stack([energy + lag, i0, i0 * np.exp(-mu), i0 * np.exp(-mu - foil)])
    np.savetxt(tmp_path / "a.dat", table, header="energy i0 i1 iref")
    ds = read.read_scans(tmp_path / "a.dat", ScanReading(), LABELS)
    assert [str(name).rpartition("[")[2] for name in ds["source_file"].values] == [
        "pass 1]",
        "pass 2]",
    ]
    for scan, moved in ((0, 0.5), (1, -0.5)):
        x, y = ds["energy"].values[scan], ds["mu"].values[scan]
        good = np.isfinite(x)
        near = good & (np.abs(x - 7120) < 20)
        expected = np.interp(x[near] + moved, np.sort(energy), mu[np.argsort(energy)])
        assert y[near] == pytest.approx(expected, abs=0.01)
