"""Scans of one sample agree within drift and noise; those of others do not."""

from dataclasses import replace

import numpy as np
import pytest
from xas import made_spectra

from ssbchar.xas.scans import repeats
from ssbchar.xas.scans.scan import Mode, Scan
from ssbchar.xas.slopes import find_steepest

ENERGY = made_spectra.grid()
SAME = made_spectra.Truth()


def scan(
    name: str, truth: made_spectra.Truth = SAME, noise: float = 3e-4, drift: float = 0.0
) -> Scan:
    random = np.random.default_rng(sum(map(ord, name)))
    mu = made_spectra.mu(ENERGY, truth) + noise * random.standard_normal(ENERGY.size)
    none = np.full(ENERGY.size, np.nan)
    return Scan(
        where=name,
        energy=ENERGY + drift,
        mu=mu,
        mu_stderr=none,
        i0=none,
        mu_foil=none,
        total=none,
        element="Fe",
        edge="K",
        mode=Mode.MU,
    )


def group(*scans: Scan) -> tuple[list[int], str]:
    return repeats.group_repeats(scans, [find_steepest(one.energy, one.mu) for one in scans])


OTHER = replace(SAME, white=0.7)


def test_drift_scale_baseline_and_noise_are_no_difference() -> None:
    moved = scan("b", drift=1.7)
    thick = replace(scan("c"), mu=2.2 * scan("c").mu + 0.4 + 1e-3 * (ENERGY - 7000))
    assert group(scan("a"), moved, thick) == ([0, 1, 2], "")
    assert group(scan("a", noise=0.02), scan("b", noise=0.02)) == ([0, 1], "")
    wild = scan("d")
    wild.mu[200] *= 3
    assert group(scan("a"), wild) == ([0, 1], "")


def test_two_that_differ_are_both_refused_and_named() -> None:
    kept, apart = group(scan("a"), scan("b", OTHER))
    assert kept == []
    assert apart.startswith("a and b differ by ")


def test_of_more_the_larger_group_is_kept() -> None:
    kept, apart = group(scan("a"), scan("b", OTHER), scan("c"), scan("d"))
    assert kept == [0, 2, 3]
    assert "b" in apart
    assert group(scan("a"), scan("b", OTHER), scan("c"), scan("d", OTHER))[0] == []


def test_what_has_nothing_in_common_is_not_compared() -> None:
    short = scan("a")
    part = ENERGY < 7060
    short = replace(short, energy=short.energy[part], mu=short.mu[part])
    assert repeats.compare_scans(scan("b"), short, (7120.0, 7120.0)) is None


@pytest.mark.parametrize("size", [0.0, 0.004])
def test_the_difference_is_a_share_of_the_step(size: float) -> None:
    bent = scan("b", noise=0.0)
    wave = size * np.sin((ENERGY - 7120) / 5)
    bent = replace(bent, mu=bent.mu + SAME.step * wave)
    found = repeats.compare_scans(scan("a", noise=0.0), bent, (7120.0, 7120.0))
    assert found.size == pytest.approx(size / np.sqrt(2), rel=0.25, abs=2e-4)


def test_a_noisy_scan_that_agrees_with_all_keeps_no_others_together() -> None:
    """Three scans of one compound, two of another, and one too noisy to tell."""
    one = [scan(name) for name in "abc"]
    other = [scan(name, OTHER) for name in "de"]
    noisy = scan("n", noise=0.3)
    kept, apart = group(*one, *other, noisy)
    assert kept == [0, 1, 2, 5] and "differ by" in apart


def test_compounds_without_an_edge_step_are_told_apart() -> None:
    """White lines on a background that falls: the median after the edge is below that before."""
    falling = -0.02 * (ENERGY - ENERGY[0])
    scans = [
        replace(
            scan(name),
            mu=scan(name).mu * 1e-3 + falling + 2 * np.exp(-0.5 * ((ENERGY - 7114.0) / width) ** 2),
        )
        for name, width in (("a", 3.0), ("b", 3.0), ("c", 8.0))
    ]
    kept, apart = group(*scans)
    assert kept == [0, 1] and "1000000" not in apart


@pytest.mark.parametrize(
    ("size", "noise", "is_real"),
    [(0.0059, 0.0, False), (0.0061, 0.0, True), (0.029, 0.01, False), (0.031, 0.01, True)],
)
def test_what_counts_as_a_difference(size: float, noise: float, is_real: bool) -> None:
    assert repeats.Difference(size=size, noise=noise).is_real == is_real


def test_the_largest_twentieth_is_left_out() -> None:
    residual = np.r_[np.full(19, 2.0), 99.0]
    assert repeats._trim_and_average(residual) == pytest.approx(2.0)
    assert repeats._trim_and_average(np.r_[np.full(18, 2.0), 99.0, 99.0]) > 20


def test_the_height_of_an_edge() -> None:
    """Medians beyond 30 of 100 and half of -25 eV; 0.3 of the range where these say less."""
    x = np.arange(-25.0, 100.0)
    steps = np.select([x < -12.5, x <= 30], [1.0, 9.0], 3.0)
    assert repeats._measure_height(x, steps) == pytest.approx(0.3 * 8)
    steps = np.select([x < -12.5, x <= 30], [1.0, 4.0], 3.0)
    assert repeats._measure_height(x, steps) == pytest.approx(2.0)


def test_noise_from_third_differences() -> None:
    one = scan("a", noise=0.0)
    noisy = replace(one, mu=one.mu + 0.01 * np.random.default_rng(2).standard_normal(ENERGY.size))
    found = repeats._estimate_noise(noisy, 7120.0)
    assert found == pytest.approx(0.01 / SAME.step, rel=0.25)
    assert repeats._estimate_noise(one, 7120.0) < 0.1 * found
    near = np.flatnonzero((ENERGY > 7095) & (ENERGY < 7220))
    for count, is_known in ((19, False), (20, True)):
        few = near[:: near.size // 20][:count]
        short = replace(noisy, energy=ENERGY[few], mu=noisy.mu[few])
        assert (repeats._estimate_noise(short, 7120.0) > 0) == is_known


@pytest.mark.parametrize(("drift", "is_laid"), [(2.9, True), (-2.9, True), (3.6, False)])
def test_axes_are_moved_by_three_ev(drift: float, is_laid: bool) -> None:
    found = repeats.compare_scans(
        scan("a", noise=0.0), scan("b", noise=0.0, drift=drift), (7120.0, 7120.0)
    )
    assert found is not None and (found.size < 2e-3) == is_laid


def test_twenty_ev_in_common_can_be_compared() -> None:
    """Forty points of half an eV, three eV of each end being left to the shift."""
    for width, is_known in ((25.4, False), (26.6, True)):
        part = (ENERGY > 7110) & (ENERGY < 7110 + width)
        inside = np.flatnonzero(part)
        one = scan("a")
        short = replace(one, energy=ENERGY[inside], mu=one.mu[inside])
        span = short.energy[-1] - short.energy[0] - 6.0
        found = repeats.compare_scans(scan("b"), short, (7120.0, 7120.0))
        assert (found is not None) == (span > 19.5), is_known
