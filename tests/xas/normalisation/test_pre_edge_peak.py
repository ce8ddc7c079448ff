"""Area and centroid of a peak of known size on a known flank."""

import numpy as np
import pytest

from ssbchar.xas.normalisation.pre_edge_peak import (
    SHAPES,
    PeakLimits,
    fit_best_peak,
    fit_peak,
    spread_over_limits,
)

ENERGY = np.arange(7090.0, 7130.0, 0.2)
LIMITS = PeakLimits(start=7098.0, peak_start=7109.0, peak_stop=7117.0, stop=7121.0)
AREA, CENTROID = 0.12, 7113.1


def build(area: float = AREA, shape: str = "lorentzian") -> np.ndarray:
    """Return the flank of an edge at 7124 eV with two lines before it, of one area."""
    u = (ENERGY - 7125.0) / 3.0
    rise = 1 / (1 + u**2) if shape == "lorentzian" else 0.5 + np.arctan(u) / np.pi
    flank = 0.01 + 0.0004 * (ENERGY - 7100.0) + 0.5 * rise
    peak = np.zeros(ENERGY.size)
    for share, at in ((0.6, -0.6), (0.4, 0.9)):
        x = (ENERGY - CENTROID - at) / 0.7
        peak += share * np.exp(-0.5 * x**2) / (0.7 * np.sqrt(2 * np.pi))
    return flank + area * peak


@pytest.mark.parametrize("shape", SHAPES)
def test_a_known_peak_comes_back(shape: str) -> None:
    found, *_ = fit_best_peak(ENERGY, build(shape=shape), LIMITS) or [None]
    assert found is not None
    assert found.shape == shape
    assert found.area == pytest.approx(AREA, abs=2e-4)
    assert found.centroid == pytest.approx(CENTROID, abs=2e-3)
    inside = (ENERGY >= LIMITS.start) & (ENERGY <= LIMITS.stop)
    assert found.flank[inside] == pytest.approx(build(0.0, shape)[inside], abs=2e-4)
    assert np.isnan(found.flank[~inside]).all()


def test_the_errors_are_those_of_noisy_copies() -> None:
    random = np.random.default_rng(4)
    sigma = 2e-3
    found = fit_peak(ENERGY, build(), LIMITS, "lorentzian")
    assert found is not None
    copies = [
        fit_peak(
            ENERGY, build() + sigma * random.standard_normal(ENERGY.size), LIMITS, "lorentzian"
        )
        for _ in range(60)
    ]
    for name, row in (("area", found.area_row), ("centroid", found.centroid_row)):
        scatter = np.std([getattr(one, name) for one in copies], ddof=1)
        assert sigma * np.linalg.norm(row) == pytest.approx(scatter, rel=0.35), name


def test_other_limits_move_it_by_little() -> None:
    area, centroid = spread_over_limits(ENERGY, build(), LIMITS, "lorentzian")
    assert 0 < area < 0.05 * AREA
    assert 0 < centroid < 0.05


def test_too_few_points_are_no_peak() -> None:
    assert fit_best_peak(ENERGY[::20], build()[::20], LIMITS) is None
    few = spread_over_limits(ENERGY[::20], build()[::20], LIMITS, "arctangent")
    assert np.isnan(few).all()


def test_a_flank_of_another_shape_is_in_the_error() -> None:
    u = (ENERGY - 7124.0) / 2.5
    other = build() - build(0.0) + 0.6 * np.exp(-0.5 * u**2) + 0.3 / (1 + np.exp(-u))
    found = fit_best_peak(ENERGY, other, LIMITS)
    assert found is not None
    peak, area, centroid = found
    assert abs(peak.area - AREA) < 3 * area
    assert abs(peak.centroid - CENTROID) < 3 * centroid
