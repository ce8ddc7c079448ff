"""From signals with known truth to conclusions: corrected fractions, N/A with bounds, leak, windows
and tails."""

import numpy as np
import pytest
import xarray as xr
from nmr import signals

from ssbchar.conclusion import Conclusion
from ssbchar.nmr.decay import t2_star
from ssbchar.nmr.decay.options import DecayOptions
from ssbchar.nmr.lineshape import fit as lines
from ssbchar.nmr.lineshape import window_integrals
from ssbchar.nmr.lineshape.options import LineFitOptions, SpectrumOptions
from ssbchar.nmr.quantification import back_correction, quantify
from ssbchar.nmr.quantification.corrected_fractions import QuantifiedSpectrum
from ssbchar.nmr.quantification.options import QuantificationOptions
from ssbchar.nmr.quantification.prelithiation import LEFT_OUT, conclude_prelithiation
from ssbchar.nmr.quantification.region_areas import RegionSignal

T_METAL, T_SI = 4.67e-4, 7.1e-5
DELAYS = np.array([10, 20, 30, 45, 60, 80, 110, 150, 200, 300]) * 1e-6


def sample(metal: float, seed: int, delays: np.ndarray, sigma: float = 0.003, **attrs: object):
    """Echoes whose shares at 10 us are `metal` and the rest."""
    later = delays - 1e-5
    clean = [
        signals.signal(
            (metal * np.exp(-d / T_METAL), (1 - metal) * np.exp(-d / T_SI)),
            (265.0, 10.0),
            (900.0, 3500.0),
            points=2048,
        )
        for d in later
    ]
    return signals.dataset(signals.noisy(np.array(clean), sigma, seed), delays, **attrs)


def conclusions(metal: float, seed: int = 0, **options: object):
    fid = sample(metal, seed, np.array([1e-5]))
    fit = lines.fit_lines(fid, LineFitOptions())
    series = t2_star.fit_decay(
        lines.fit_lines(sample(metal, seed + 1, DELAYS), LineFitOptions()), DecayOptions()
    )
    rows = quantify.quantify_fractions(
        fit,
        window_integrals.integrate_windows(fid, SpectrumOptions(), fit),
        QuantificationOptions(**options),
        series,
    )
    return {(r.subject, r.condition, r.quantity): r for r in rows}


def test_corrected_fraction_and_x() -> None:
    found = conclusions(0.077, x_nominal=1.0, x_nominal_stderr=0.02)
    truth = 100 * back_correction.fractions_from_areas(
        [0.077, 0.923], [T_METAL, T_SI], [1, 1], 1e-5
    )
    corrected = found["li_si", "corrected", "li_si_fraction"]
    assert corrected.verdict == "ok"
    assert corrected.value == pytest.approx(truth[1], abs=3 * corrected.stderr)
    assert corrected.stderr < 0.15
    x = found["sample", "", "x_alloyed"]
    assert x.value == pytest.approx(corrected.value / 100)
    assert x.stderr == pytest.approx(np.hypot(corrected.stderr / 100, 0.02 * corrected.value / 100))
    assert found["li_si", "", "t2_star"].value == pytest.approx(
        T_SI, abs=3 * found["li_si", "", "t2_star"].stderr
    )


def test_bracket_holds_the_conventions() -> None:
    found = conclusions(0.077)
    values = [
        r.value
        for k, r in found.items()
        if k[0] == "li_metal" and k[1].startswith("corrected, t = ")
    ]
    assert len(values) == 4
    assert max(values) - min(values) == pytest.approx(1.0, abs=0.1)


def test_evolving_sample_is_bounded_not_numbered() -> None:
    before = lines.fit_lines(sample(0.758, 1, np.array([1e-5]), date=0), LineFitOptions())
    after = lines.fit_lines(sample(0.722, 2, np.array([1e-5]), date=28800), LineFitOptions())
    series = t2_star.fit_decay(
        lines.fit_lines(sample(0.74, 3, DELAYS), LineFitOptions()), DecayOptions()
    )
    windows = window_integrals.integrate_windows(
        sample(0.758, 1, np.array([1e-5])), SpectrumOptions(), before
    )
    rows = quantify.quantify_fractions(
        before, windows, QuantificationOptions(x_nominal=1.0), series, [after]
    )
    found = {(r.subject, r.condition, r.quantity): r for r in rows}
    drift = found["li_si", "", "drift"]
    assert drift.verdict == "evolving"
    assert drift.value == pytest.approx(3.6 / 8, abs=4 * drift.stderr)
    corrected = found["li_si", "corrected", "li_si_fraction"]
    assert corrected.verdict == "N/A"
    assert corrected.value is None
    assert corrected.lower95 == pytest.approx(25.5, abs=0.4)
    assert corrected.upper95 == pytest.approx(26.6, abs=0.4)


def test_repeats_of_a_stable_sample_agree() -> None:
    fits = [
        lines.fit_lines(sample(0.077, seed, np.array([1e-5]), date=3600 * seed), LineFitOptions())
        for seed in range(3)
    ]
    windows = window_integrals.integrate_windows(
        sample(0.077, 0, np.array([1e-5])), SpectrumOptions(), fits[0]
    )
    rows = quantify.quantify_fractions(fits[0], windows, QuantificationOptions(), None, fits[1:])
    assert next(r for r in rows if r.quantity == "drift").verdict == "stable"


def test_no_decay_series_says_so() -> None:
    fit = lines.fit_lines(sample(0.077, 1, np.array([1e-5])), LineFitOptions())
    windows = window_integrals.integrate_windows(
        sample(0.077, 1, np.array([1e-5])), SpectrumOptions(), fit
    )
    row = next(
        r
        for r in quantify.quantify_fractions(fit, windows, QuantificationOptions())
        if r.condition == "corrected"
    )
    assert (row.verdict, row.value) == ("N/A", None)
    assert "no decay series" in row.reason


def test_leak_of_pure_lithium_has_an_upper_limit() -> None:
    limits = []
    for seed in range(20):
        y = signals.noisy(signals.signal((1.0,), (265.0,), (900.0,), points=2048), 0.003, seed)
        (row,) = quantify.measure_leakage(lines.fit_lines(signals.dataset(y), LineFitOptions()))
        assert row.verdict == "upper limit"
        limits.append(row.upper95)
        assert row.value is not None
        assert row.value < 3 * row.stderr + 1e-9
    assert 0.0 < np.median(limits) < 0.5


def test_lines_that_may_be_salts_lower_what_is_sure() -> None:
    parts, at = (0.1, 0.7, 0.2), (265.0, 16.0, 0.0)
    fid = signals.dataset(
        signals.noisy(signals.signal(parts, at, (900.0, 2500.0, 600.0), points=2048), 0.002, 5)
    )
    fit = lines.fit_lines(fid, LineFitOptions())
    series = t2_star.fit_decay(
        lines.fit_lines(sample(0.1, 3, DELAYS), LineFitOptions()), DecayOptions()
    )
    windows = window_integrals.integrate_windows(fid, SpectrumOptions(), fit)
    asked = QuantificationOptions(x_nominal=2.0, x_nominal_stderr=0.1)
    found = {
        (r.quantity, r.condition): r
        for r in quantify.quantify_fractions(fit, windows, asked, series)
    }
    share, sure, x = (
        found[q, c]
        for q, c in (("alloyed_share", ""), ("alloyed_share", LEFT_OUT), ("x_alloyed", LEFT_OUT))
    )
    doubtful = found["diamagnetic_share", "at most"]
    assert {sure.verdict, x.verdict} == {"lower limit"}
    assert {sure.value, sure.stderr, sure.upper95, x.value, x.upper95} == {None}
    assert sure.lower95 == pytest.approx(share.with_limits().lower95 * (1 - doubtful.upper95 / 100))
    assert 0.9 * share.value * 7 / 9 < sure.lower95 < share.value * 7 / 9
    assert x.lower95 == pytest.approx(sure.lower95 / 100 * (2.0 - 1.96 * 0.1), rel=1e-3)
    bounded = {
        (r.quantity, r.condition): r
        for r in quantify.quantify_fractions(fit, windows, QuantificationOptions())
    }["alloyed_share", ""]
    assert bounded.value is None
    assert bounded.lower95 < 0.8 * bounded.upper95
    assert "may be salts" in bounded.reason


def test_limit_without_salts_holds_in_95_of_100() -> None:
    rng, p, d = np.random.default_rng(2), 80.0, 20.0
    for dp, dd in ((2.0, 0.1), (2.0, 3.0), (0.1, 3.0)):
        missed = []
        for by_p, by_d in rng.normal(size=(2000, 2)):
            share, salts = p + dp * by_p, d + dd * by_d
            doubtful = Conclusion("diamagnetic_share", value=salts, upper95=salts + 1.645 * dd)
            rows = conclude_prelithiation(
                Conclusion("li_si_fraction", value=share, stderr=dp),
                QuantificationOptions(),
                None,
                doubtful,
            )
            missed.append(rows[-1].lower95 > p * (1 - d / 100))
        assert np.mean(missed) < 0.065


def test_limits_of_x_hold_the_nominal_composition() -> None:
    bounded = Conclusion(
        "li_si_fraction", lower95=40.0, upper95=60.0, unit="percent", verdict="N/A"
    )
    x = conclude_prelithiation(bounded, QuantificationOptions(x_nominal=1.0, x_nominal_stderr=0.1))[
        1
    ]
    assert (x.lower95, x.upper95) == pytest.approx((0.4 * (1 - 0.196), 0.6 * (1 + 0.196)), rel=1e-3)


def test_no_metal_line_ends_the_question() -> None:
    y = signals.noisy(signals.signal((1.0,), (10.0,), (3500.0,), points=2048), 0.003, 5)
    fid = signals.dataset(y)
    fit = lines.fit_lines(fid, LineFitOptions())
    series = t2_star.fit_decay(
        lines.fit_lines(sample(0.077, 3, DELAYS), LineFitOptions()), DecayOptions()
    )
    rows = quantify.quantify_fractions(
        fit,
        window_integrals.integrate_windows(fid, SpectrumOptions(), fit),
        QuantificationOptions(x_nominal=1.0),
        series,
    )
    for row in (r for r in rows if r.quantity in ("alloyed_share", "x_alloyed")):
        assert (row.verdict, row.value, row.lower95, row.upper95) == ("N/A", None, None, None)
        assert "no li_metal line" in row.reason
    for row in (r for r in rows if r.quantity in ("visible_share", "echo_efficiency_ratio")):
        assert (row.verdict, row.value, row.lower95, row.upper95) == ("N/A", None, None, None)
        assert "no li_metal line" in row.reason
    metal = next(r for r in rows if (r.quantity, r.condition) == ("li_metal_fraction", "corrected"))
    assert metal.value is None
    assert 0 < metal.upper95 < 2.0


def test_error_of_the_shared_t2_is_the_covariance_of_samples() -> None:
    """Two samples with one pure-Li T2*: over draws of that T2* their corrected shares move together
    as stated."""
    pure = t2_star.fit_decay(
        lines.fit_lines(sample(1.0, 7, DELAYS, sigma=0.05), LineFitOptions()), DecayOptions()
    )
    both = []
    for metal, seed in ((0.3, 1), (0.6, 2)):
        fid = sample(metal, seed, np.array([1e-5]))
        fit = lines.fit_lines(fid, LineFitOptions())
        series = t2_star.fit_decay(
            lines.fit_lines(sample(metal, seed + 10, DELAYS), LineFitOptions()),
            DecayOptions(),
            pure,
        )
        windows = window_integrals.integrate_windows(fid, SpectrumOptions(), fit)
        rows = quantify.quantify_fractions(fit, windows, QuantificationOptions(), series)
        stated = next(r for r in rows if (r.quantity, r.subject) == ("shared_error", "li_metal"))
        whole = next(
            r for r in rows if (r.quantity, r.condition) == ("li_metal_fraction", "corrected")
        )
        assert abs(stated.value) <= whole.stderr
        t2 = series["t2_star"].values
        draws = np.random.default_rng(9).normal(t2[0], float(pure["t2_star_stderr"][0]), 20000)
        area = fit["region_area"].values[0]
        shares = 100 * back_correction.fractions_from_areas(
            area, np.stack([draws, np.full(draws.size, t2[1])], 1), [1.0, 1.0], 1e-5
        )
        both.append((stated.value, shares[:, 0]))
    expected = np.cov(both[0][1], both[1][1])[0, 1]
    assert both[0][0] * both[1][0] == pytest.approx(expected, rel=0.05)


def test_raw_shares_by_both_routes_and_half_their_difference() -> None:
    """Lines 1 to 3, windows 3 to 5 and, without leakage, 2 to 3: shares 25, 37.5 and 40 %."""
    lines_area = RegionSignal(area=np.array([1.0, 3.0]), covariance=np.diag([0.01, 0.04]))
    windows_area = RegionSignal(area=np.array([3.0, 5.0]), covariance=np.diag([0.09, 0.01]))
    for headline, value, other in (("lines", 25.0, 40.0), ("windows", 37.5, 25.0)):
        measured = QuantifiedSpectrum(
            routes={"lines": lines_area, "windows": windows_area},
            headline=headline,
            misfits=(),
            doubts=(),
            without_leakage=np.array([2.0, 3.0]),
            times={},
        )
        rows = quantify._conclude_raw_fractions(measured)
        found = {(row.subject, row.condition): row for row in rows}
        metal = found["li_metal", "raw"]
        assert (metal.value, metal.systematic) == pytest.approx((value, abs(value - other) / 2))
        assert found["li_si", "raw"].value == pytest.approx(100.0 - value)
        signal = lines_area if headline == "lines" else windows_area
        assert metal.stderr == pytest.approx(100 * signal.compute_shares()[1][0])
        assert found["li_metal", "raw, lines"].value == pytest.approx(25.0)
        assert found["li_metal", "raw, windows"].value == pytest.approx(37.5)
        tails = found["li_metal", "raw, windows with tails"]
        assert tails.value == pytest.approx(40.0)
        assert tails.stderr == pytest.approx(100 * windows_area.compute_shares()[1][0])


def test_plain_windows_count_where_lines_are_doubted() -> None:
    """Lines 25 %, plain windows 37.5 %, without the lines' tails 26 %: half of each difference."""
    covariance = np.diag([1e-4, 4e-4])
    measured = QuantifiedSpectrum(
        routes={
            "lines": RegionSignal(area=np.array([1.0, 3.0]), covariance=covariance),
            "windows": RegionSignal(area=np.array([3.0, 5.0]), covariance=covariance),
        },
        headline="lines",
        misfits=("no fit",),
        doubts=(),
        without_leakage=np.array([26.0, 74.0]),
        times={},
    )
    metal = quantify._conclude_raw_fractions(measured)[0]
    assert (metal.condition, metal.verdict) == ("raw", "misfit")
    assert metal.systematic == pytest.approx(np.hypot(0.5, 6.25))


def leaking(metal: float, li_si: float, seen: int = 1) -> xr.Dataset:
    """A fit of pure Li with a line at 5 ppm; errors of 0.01 and 0.02, not correlated."""
    covariance = np.zeros((1, 2, 1, 2))
    covariance[0, :, 0, :] = np.diag([1e-4, 4e-4])
    return xr.Dataset(
        {
            "region_area": (("slice", "region"), [[metal, li_si]]),
            "region_covariance": (("slice", "region", "slice2", "region2"), covariance),
            "region_of": ("component", ["li_metal", "li_si"]),
            "seen": ("component", [1, seen]),
            "shift": ("component", [260.0, 5.0]),
            "assignment": ("component", ["Li metal", "unassigned"]),
        },
        attrs={"conflicts": '["a", "b"]'},
    )


def test_the_leak_of_pure_lithium_by_hand() -> None:
    """A tenth of 0.9 + 0.1: d share = 0.9 db - 0.1 da; 1.645 errors above it is the limit."""
    row, conflicts = quantify.measure_leakage(leaking(0.9, 0.1))
    error = 100 * np.hypot(0.1 * 0.01, 0.9 * 0.02)
    assert (row.value, row.stderr) == pytest.approx((10.0, error), rel=1e-5)
    assert (row.lower95, row.upper95) == pytest.approx((0.0, 10.0 + 1.645 * error), rel=1e-4)
    assert row.reason == "lines there: 5.0 ppm unassigned"
    assert (conflicts.value, conflicts.reason) == (2.0, "a; b")
    unseen, _ = quantify.measure_leakage(leaking(0.9, 0.0, seen=0))
    assert unseen.upper95 == pytest.approx(100 * 1.645 * 0.02 / 0.9, rel=1e-4)
    assert unseen.reason == "lines there: none seen"
