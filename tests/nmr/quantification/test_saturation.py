"""Saturated shares are corrected where T1 of both regions is known, with its error; the forward
model (a steady state under repeated echoes) stands here."""

import numpy as np
import pytest
import xarray as xr
from nmr import signals

from ssbchar.nmr.decay import t2_star
from ssbchar.nmr.decay.options import DecayOptions
from ssbchar.nmr.lineshape import fit as lines
from ssbchar.nmr.lineshape import window_integrals
from ssbchar.nmr.lineshape.options import LineFitOptions, SpectrumOptions
from ssbchar.nmr.quantification import quantify
from ssbchar.nmr.quantification.options import QuantificationOptions, SystematicsOptions
from ssbchar.nmr.quantification.saturation import conclude_saturation, find_saturation

T1 = (0.15, 6.0)
RECYCLE = 3.5
T2 = (4.67e-4, 9e-5)
DELAYS = np.array([10, 20, 30, 45, 60, 80, 110, 150, 200, 300]) * 1e-6
COSINE = np.cos(np.pi / 6) * np.cos(np.pi / 3)


def steady_state(t1: float) -> float:
    """Magnetisation before a pass, after many: what is left grows back."""
    z = 1.0
    for _ in range(200):
        z = 1 - (1 - z * COSINE) * np.exp(-(RECYCLE + 0.5) / t1)
    return z


def acquire(metal: float, seed: int, delays: np.ndarray) -> xr.Dataset:
    """Echoes of a sample with this share of metal at zero delay, saturated."""
    seen = np.array([metal, 1 - metal]) * [steady_state(t1) for t1 in T1]
    rows = [
        signals.signal(
            tuple(seen * np.exp(-d / np.array(T2))), (265.0, 10.0), (900.0, 3500.0), points=2048
        )
        for d in delays
    ]
    about = {"recycle_delay": RECYCLE, "acquisition_time": 0.5}
    return signals.dataset(signals.noisy(np.array(rows), 0.003, seed), delays, **about)


def relaxation(values: tuple[float, float], error: float = 0.03, **attrs: object) -> xr.Dataset:
    return xr.Dataset(
        {
            "t1": ("region", np.array(values)),
            "t1_stderr": ("region", error * np.array(values)),
            "t1_systematic": ("region", np.zeros(2)),
            "exponent": ("region", np.ones(2)),
            "verdict": ("region", np.array(["ok", "ok"])),
        },
        coords={"region": ["li_metal", "li_si"]},
        attrs={"kind": "recovery", "measurement": "T1_series"} | attrs,
    )


def conclude(seed: int, relaxations: list[xr.Dataset]) -> dict:
    fid = acquire(0.1, seed, np.array([1e-5]))
    fit = lines.fit_lines(fid, LineFitOptions())
    series = lines.fit_lines(acquire(0.1, seed + 1, DELAYS), LineFitOptions())
    rows = quantify.quantify_fractions(
        fit,
        window_integrals.integrate_windows(fid, SpectrumOptions(), fit),
        QuantificationOptions(),
        t2_star.fit_decay(series, DecayOptions()),
        relaxations=relaxations,
    )
    return {(row.subject, row.condition.split(",")[0], row.quantity): row for row in reversed(rows)}


def test_a_measured_t1_corrects_the_share() -> None:
    plain, corrected = conclude(1, []), conclude(1, [relaxation(T1)])
    key = ("li_metal", "corrected", "li_metal_fraction")
    wrong, right = plain[key], corrected[key]
    seen = 0.1 * steady_state(T1[0]) / (0.1 * steady_state(T1[0]) + 0.9 * steady_state(T1[1]))
    assert wrong.value == pytest.approx(
        100 * seen, abs=3 * np.hypot(wrong.stderr, wrong.systematic)
    )
    assert (
        "not corrected for saturation: no single T1 of li_metal and li_si is known" in wrong.method
    )
    error = np.hypot(right.stderr, right.systematic)
    assert right.value == pytest.approx(10.0, abs=3 * error)
    assert 0.3 < error < 1.5  # three percent of T1 and the flip angles
    assert "areas over their steady states" in right.method
    raw = ("li_metal", "raw", "li_metal_fraction")
    assert corrected[raw].value == plain[raw].value


def test_t1_of_one_region_or_of_a_spin_lock_corrects_nothing() -> None:
    one = relaxation(T1)
    one["verdict"].values[1] = "undetermined"
    stretched = relaxation(T1)
    stretched["exponent"].values[1] = 0.8
    for given in (one, stretched, relaxation(T1, kind="spin_lock")):
        found = find_saturation(acquire(0.1, 1, DELAYS[:1]), SystematicsOptions(), [given])
        assert not found.is_known
    half = find_saturation(acquire(0.1, 1, DELAYS[:1]), SystematicsOptions(), [one])
    (row,) = conclude_saturation(half)
    assert row.subject == "li_metal"
    assert "the other region's T1 is not known: shares are not corrected" in row.reason


def test_rows_with_their_errors() -> None:
    given = acquire(0.1, 1, DELAYS[:1])
    found = find_saturation(given, SystematicsOptions(), [relaxation(T1)])
    rows = conclude_saturation(found)
    assert [row.value for row in rows] == pytest.approx([steady_state(t1) for t1 in T1])
    step = 0.03 * T1[1]
    slope = (steady_state(T1[1] + step) - steady_state(T1[1] - step)) / 2
    assert rows[1].stderr == pytest.approx(abs(slope), rel=0.01)
    nothing_left = 1 - np.exp(-4.0 / T1[1])
    assert rows[1].systematic == pytest.approx((rows[1].value - nothing_left) / np.sqrt(12))


def test_by_options_and_the_t1_that_would_matter() -> None:
    """Every 4 s, of which the pulses leave cos 30 cos 60."""
    given = acquire(0.1, 1, DELAYS[:1])
    options = SystematicsOptions(t1_metal=2.0, t1_li_si=8.0)
    rows = conclude_saturation(find_saturation(given, options))
    cosine = np.sqrt(3) / 4
    e = np.exp([-2.0, -0.5])
    assert [row.value for row in rows] == pytest.approx((1 - e) / (1 - e * cosine))
    assert [row.subject for row in rows] == ["li_metal", "li_si"]
    assert rows[0].condition == "D1 + acquisition 4 s"
    (limit,) = conclude_saturation(find_saturation(given, SystematicsOptions()))
    assert limit.value == pytest.approx(4.0 / np.log((1 - 0.99 * cosine) / 0.01))
    unstated = given.copy()
    del unstated.attrs["recycle_delay"]
    for without in (unstated, given.assign_attrs(recycle_delay=0.0)):
        assert conclude_saturation(find_saturation(without, SystematicsOptions())) == []


def test_what_is_no_echo_is_one_pulse() -> None:
    given = acquire(0.1, 1, DELAYS[:1]).assign_attrs(echo_delay=np.nan)
    found = find_saturation(given, SystematicsOptions())
    assert found.cosine == pytest.approx(np.cos(np.pi / 6))
