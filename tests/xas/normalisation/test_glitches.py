"""Glitches by hand: what counts as one, where, and which repeats differ."""

import numpy as np
import pytest
import xarray as xr
from xas import made_spectra

from ssbchar.xas.normalisation import glitches
from ssbchar.xas.normalisation.options import Normalisation

ENERGY = np.arange(7000.0, 7300.0, 0.5)
CLEAN = made_spectra.mu(ENERGY, made_spectra.Truth())
FAR = 400
"""A point far above the edge at 7120 eV."""


def measured(seed: int = 0) -> tuple[xr.Dataset, np.ndarray]:
    random = np.random.default_rng(seed)
    mu = CLEAN + 1e-3 * random.standard_normal((2, ENERGY.size))
    i0 = 1e6 * (1 + 1e-4 * random.standard_normal(mu.shape))
    dims = ("scan", "point")
    ds = xr.Dataset(
        {
            "energy": (dims, np.tile(ENERGY, (2, 1))),
            "i0": (dims, i0),
            "mu_foil": (dims, np.full(mu.shape, np.nan)),
            "source_file": ("scan", ["0.dat", "1.dat"]),
        }
    )
    return ds, mu


def masked(ds: xr.Dataset, mu: np.ndarray, **options: float) -> list[int]:
    found = glitches.mask_glitches(ENERGY, ds, np.arange(2), mu, Normalisation(**options))  # type: ignore[arg-type]
    return np.flatnonzero(found.masked).tolist()


def test_noise_is_no_glitch() -> None:
    assert masked(*measured()) == []


def test_a_jump_of_mu_alone_must_be_three_times_as_high() -> None:
    ds, mu = measured()
    for sigmas, found in ((14, []), (60, [FAR])):
        jumped = mu.copy()
        jumped[0, FAR] += sigmas * 1e-3
        assert masked(ds, jumped) == found


@pytest.mark.parametrize("name", ["i0", "mu_foil"])
def test_a_jump_seen_twice_is_a_glitch(name: str) -> None:
    ds, mu = measured()
    mu[0, FAR] += 0.018
    ds["mu_foil"][:] = 1 + 1e-4 * np.random.default_rng(1).standard_normal(mu.shape)
    assert masked(ds, mu) == []
    ds[name][0, FAR] *= 1.01
    assert masked(ds, mu) == [FAR]
    assert masked(ds, mu, glitch=30.0) == []
    assert masked(ds, mu, glitch=0.0) == []
    assert masked(ds, mu, min_glitch=0.1) == []


def test_the_neighbours_line_takes_its_place_and_the_scan_is_named() -> None:
    ds, mu = measured()
    mu[1, FAR] -= 0.1
    found = glitches.mask_glitches(ENERGY, ds, np.arange(2), mu, Normalisation())
    assert found.mu[1, FAR] == pytest.approx((mu[1, FAR - 1] + mu[1, FAR + 1]) / 2)
    others = np.ones(mu.shape, bool)
    others[1, FAR] = False
    assert np.array_equal(found.mu[others], mu[others])
    (note,) = found.remarks
    assert note["where"] == "1.dat"
    assert note["note"] == f"glitch masked at {ENERGY[FAR]:.1f} eV"


def test_the_edge_is_left_alone() -> None:
    """From 15 eV below to 25 eV above the inflection at 7120 eV."""
    for place, found in ((7103.0, True), (7108.0, False), (7142.0, False), (7148.0, True)):
        ds, mu = measured()
        point = int(np.searchsorted(ENERGY, place))
        mu[:, point] += 0.3
        assert (point in masked(ds, mu)) is found, place


def test_a_counter_of_few_readings_is_no_witness() -> None:
    ds, mu = measured()
    mu[0, FAR] += 0.018
    ds["i0"][0, FAR] *= 1.01
    ds["i0"][1, 21:] = np.nan
    assert masked(ds, mu) == [FAR]
    ds["i0"][1, 20:] = np.nan
    assert masked(ds, mu) == []


def test_the_highest_of_neighbours_is_the_peak() -> None:
    bad = np.array([True, True, True, True, False, True])
    size = np.array([3.0, 3.9, 5.0, 3.7, 9.0, 2.0])
    assert glitches._find_peaks(bad, size).tolist() == [False, True, True, False, False, False]


def test_jumps_are_counted_in_local_sigmas() -> None:
    """Where the noise is ten times higher a jump counts a tenth; less than the floor is none."""
    random = np.random.default_rng(2)
    values = random.standard_normal((1, 600)) * np.where(np.arange(600) < 300, 1.0, 10.0)
    values[0, [150, 450]] += 200.0
    free = np.ones(600, bool)
    size = glitches._measure_in_sigmas(ENERGY, values, free)
    assert size[0, 150] > 2 * size[0, 450] > 10
    assert glitches._measure_in_sigmas(ENERGY, values, free, floor=1e3).max() == 0
    quiet = np.where(free, 0, 0)[None].astype(float)
    assert glitches._measure_in_sigmas(ENERGY, quiet, free).max() == 0
    half = np.arange(600) < 200
    assert glitches._measure_in_sigmas(ENERGY, values, half)[0, 450] == 0


def test_outliers_are_those_beyond_the_limit() -> None:
    """Distances 1, 1, 1, 1 and 6 from the median spectrum, the typical one 1."""
    rows = np.zeros((5, 4))
    rows[:, 0] = [1.0, -1.0, 0.0, 0.0, 0.0]
    rows[4, 1] = 6.0
    rows[2, 2], rows[3, 2] = 1.0, -1.0
    assert glitches.find_consistent_repeats(rows, 5.9).tolist() == [True] * 4 + [False]
    assert glitches.find_consistent_repeats(rows, 6.0).all()
    assert glitches.find_consistent_repeats(rows, 0.0).all()
    assert glitches.find_consistent_repeats(rows[[0, 4]], 1e-3).all(), "two cannot tell"
    assert not glitches.find_consistent_repeats(rows[[0, 1, 4]], 1e-3).all(), "three can"
    assert glitches.find_consistent_repeats(np.ones((4, 3)), 2.0).all(), "all the same"


def test_the_local_sigma_is_that_of_25_points_on_each_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """26 jumps of 10 are the median of 51 points where all 26 are among these, 1 elsewhere."""
    jumps = np.ones((1, 600))
    jumps[0, 200:226] = 10.0
    monkeypatch.setattr(glitches, "measure_jumps", lambda energy, values: -jumps)
    monkeypatch.setattr(glitches, "measure_structure", lambda energy, values: 0 * jumps)
    size = glitches._measure_in_sigmas(ENERGY, jumps, np.ones(600, bool))[0] / jumps[0]
    high = np.flatnonzero(size < 0.5)
    assert (high[0], high[-1], high.size) == (200, 225, 26)
    assert size[[0, 199, 226]] == pytest.approx([1 / 1.4826] * 3, rel=1e-4)
    assert size[[200, 225]] == pytest.approx([0.1 / 1.4826] * 2, rel=1e-4)
    at_floor = glitches._measure_in_sigmas(ENERGY, jumps, np.ones(600, bool), floor=1.0)
    assert np.flatnonzero(at_floor).tolist() == list(range(200, 226))


@pytest.mark.parametrize(
    ("place", "found"), [(7104.5, True), (7105.0, False), (7145.0, False), (7145.5, True)]
)
def test_the_edge_is_left_alone_to_the_point(
    monkeypatch: pytest.MonkeyPatch, place: float, found: bool
) -> None:
    """Exactly 15 eV below an inflection at 7120 eV is still the edge, and 25 eV above."""
    monkeypatch.setattr(
        glitches, "find_inflection", lambda energy, mu: (np.array([7120.0]), np.array([0.1]))
    )
    ds, mu = measured()
    point = int(np.searchsorted(ENERGY, place))
    mu[:, point] += 0.3
    assert (point in masked(ds, mu)) is found


@pytest.mark.parametrize(
    ("in_mu", "elsewhere", "found"),
    [
        (8.1, 8.1, True),
        (8.0, 9.9, False),
        (9.9, 8.0, False),
        (24.1, 0.0, True),
        (24.0, 0.0, False),
        (25.0, 0.0, True),
    ],
)
def test_eight_sigmas_twice_or_twenty_four_once(
    monkeypatch: pytest.MonkeyPatch, in_mu: float, elsewhere: float, found: bool
) -> None:
    def jump(size: float) -> np.ndarray:
        return size * (np.arange(ENERGY.size) == FAR) * np.ones((2, 1))

    monkeypatch.setattr(glitches, "_measure_in_sigmas", lambda *a: jump(in_mu))
    monkeypatch.setattr(glitches, "_measure_in_counters", lambda *a: jump(elsewhere))
    assert masked(*measured()) == ([FAR] if found else [])


def test_a_masked_point_is_marked_by_a_one() -> None:
    ds, mu = measured()
    mu[:, FAR] += 0.3
    found = glitches.mask_glitches(ENERGY, ds, np.arange(2), mu, Normalisation())
    assert set(found.masked.tolist()) == {0, 1} and found.masked.sum() == 1


def test_the_smallest_glitch_is_a_share_of_the_rise(monkeypatch: pytest.MonkeyPatch) -> None:
    """The median over spectra of highest less lowest absorption, times min_glitch."""
    floors = []

    def measure(energy, values, free, floor=0.0):
        floors.append(floor)
        return np.zeros(values.shape)

    monkeypatch.setattr(glitches, "_measure_in_sigmas", measure)
    ds, mu = measured()
    masked(ds, np.stack([mu[0], 3 * mu[0]]), min_glitch=0.01)
    assert floors[0] == pytest.approx(0.01 * 2 * np.ptp(mu[0]))


def test_three_quarters_of_the_highest_of_four_neighbours_is_a_peak_too() -> None:
    bad = np.ones(7, bool)
    size = np.array([3.0, 2.9, 4.0, 2.9, 3.0, 2.0, 1.0])
    assert glitches._find_peaks(bad, size).tolist() == [
        True,
        False,
        True,
        False,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize("noise", [0.0, 1e-5])
def test_a_feature_of_sample_and_foil_is_no_glitch(noise: float) -> None:
    """Copper at 9004 eV: 25 eV above the edge, where steps of k are already coarse, sample and foil
    have a narrow maximum."""
    k = np.arange(2.6, 14.0, 0.05)
    energy = np.concatenate([np.arange(8800.0, 8960.0, 5.0), np.arange(8960.0, 9004.5, 0.5)])
    energy = np.concatenate([energy, 8979.0 + k**2 / 0.2624682917])
    x = energy - 8979.0
    mu = np.arctan(x / 1.5) / np.pi + 0.5 + 0.12 * np.exp(-(((x - 25.5) / 2.0) ** 2))
    mu = np.tile(mu, (2, 1)) + noise * np.random.default_rng(1).standard_normal((2, x.size))
    dims = ("scan", "point")
    ds = xr.Dataset(
        {
            "energy": (dims, np.tile(energy, (2, 1))),
            "i0": (dims, np.full(mu.shape, 1e6)),
            "mu_foil": (dims, 1.3 * mu),
            "source_file": ("scan", ["0.dat", "1.dat"]),
        }
    )
    found = glitches.mask_glitches(energy, ds, np.arange(2), mu, Normalisation())
    assert not found.masked.any()
    spoilt = mu.copy()
    spoilt[0, 150] += 0.05
    found = glitches.mask_glitches(energy, ds, np.arange(2), spoilt, Normalisation())
    assert np.flatnonzero(found.masked).tolist() == [150]
