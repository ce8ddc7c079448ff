"""Shares against time from decays with known truth, and what is concluded from them."""

import json

import numpy as np
import pytest
from nmr import signals

from ssbchar.errors import BadInput
from ssbchar.nmr.lineshape import fit, window_integrals
from ssbchar.nmr.lineshape.options import LineFitOptions, SpectrumOptions
from ssbchar.nmr.time_course.conclude import conclude_time_course
from ssbchar.nmr.time_course.follow import follow_shares, propagate_shares
from ssbchar.nmr.time_course.options import TimeCourseOptions

HOURS = np.arange(12) * 0.5


def follow(shares: np.ndarray, seed: int = 1, gains: np.ndarray | None = None):
    """Return the course of decays with these Li-Si shares."""
    gains = np.ones(shares.size) if gains is None else gains
    rows = [
        gain * signals.signal((1 - f, f), (265.0, 10.0), (900.0, 3500.0), points=1024)
        for f, gain in zip(shares, gains, strict=True)
    ]
    fid = signals.dataset(signals.noisy(np.array(rows), 0.004, seed))
    fid["acquired"] = ("slice", 1.7e9 + 3600 * HOURS[: shares.size])
    fid.attrs["experiments"] = json.dumps([str(10 + n) for n in range(shares.size)])
    lines = fit.fit_lines(fid, LineFitOptions())
    windows = window_integrals.integrate_windows(fid, SpectrumOptions(), lines)
    return follow_shares(fid, lines, windows, TimeCourseOptions())


def conclude(course) -> dict:
    rows = conclude_time_course(course, TimeCourseOptions())
    return {
        (row.quantity, row.condition.partition(",")[2].split(",")[0].strip()): row for row in rows
    }


def test_a_linear_drift_with_one_bad_spectrum_and_a_gain_that_wanders() -> None:
    true = 0.20 + 0.012 * HOURS
    measured = true.copy()
    measured[4] = 0.5
    course = follow(measured, gains=np.linspace(1.0, 1.3, 12))
    assert course.attrs["law"] == "linear"
    assert course["used"].values.tolist() == [1] * 4 + [0] + [1] * 7
    assert json.loads(course.attrs["left_out"]) == ["spectrum 5 (14): it lies off all others"]
    rows = conclude(course)
    change = rows["share_change", ""]
    assert change.verdict == "evolving"
    assert change.value == pytest.approx(
        100 * 0.012 * 5.5, abs=3 * np.hypot(change.stderr, change.systematic)
    )
    assert rows["drift", ""].value == pytest.approx(1.2, abs=0.1)
    # The drift is the change over 5.5 h, and so are its errors.
    for name in ("stderr", "systematic"):
        assert getattr(rows["drift", ""], name) == pytest.approx(getattr(change, name) / 5.5)
        assert getattr(change, name) > 0
    first = rows["li_si_fraction", "first spectrum"]
    assert first.value == pytest.approx(20.0, abs=3 * np.hypot(first.stderr, first.systematic))
    assert course["signal"].values[-1] == pytest.approx(1.3, abs=0.02)


def test_an_exponential_approach() -> None:
    course = follow(0.5 - 0.2 * np.exp(-0.8 * HOURS))
    rows = conclude(course)
    assert course.attrs["law"] == "exponential"
    rate, end = rows["drift_rate", ""], rows["end_share", ""]
    assert rate.value == pytest.approx(0.8, abs=3 * rate.stderr)
    assert end.value == pytest.approx(50.0, abs=3 * np.hypot(end.stderr, end.systematic))


def test_a_sample_at_rest_is_stable_and_few_spectra_say_nothing() -> None:
    rows = conclude(follow(np.full(12, 0.4)))
    change = rows["share_change", ""]
    assert change.verdict == "stable"
    assert change.lower95 < 0 < change.upper95
    with pytest.raises(BadInput, match="2 spectra can be used"):
        follow(np.full(2, 0.4))


def test_a_region_outside_the_width_is_not_followed() -> None:
    rows = np.array([signals.signal((0.5, 0.5), (265.0, 10.0), (900.0, 3500.0))] * 3)
    fid = signals.dataset(signals.noisy(rows, 0.004, 1))
    lines = fit.fit_lines(fid, LineFitOptions()).assign_attrs(unmeasured="li_metal lies outside")
    with pytest.raises(BadInput, match="li_metal lies outside; no share of it can be followed"):
        follow_shares(fid, lines, lines, TimeCourseOptions())


def test_shares_and_their_covariance() -> None:
    rng = np.random.default_rng(3)
    area = np.array([[3.0, 1.0], [2.0, 2.0]])
    root = 0.01 * rng.normal(size=(4, 4))
    covariance = root @ root.T
    share, of_share = propagate_shares(area, covariance.reshape(2, 2, 2, 2))
    drawn = area.ravel() + rng.multivariate_normal(np.zeros(4), covariance, 20000)
    drawn = drawn.reshape(-1, 2, 2)
    drawn_share = drawn[:, :, 1] / drawn.sum(axis=2)
    assert share.tolist() == [0.25, 0.5]
    assert of_share == pytest.approx(np.cov(drawn_share.T), rel=0.1, abs=1e-7)
