"""Corrected shares: the time, the bracket, the obstacles, the interval."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from ssbchar.nmr.quantification.back_correction import (
    RegionDecays,
    fractions_from_areas,
    propagate_fractions,
    read_decays,
)
from ssbchar.nmr.quantification.corrected_fractions import (
    MISFIT_REASON,
    QuantifiedSpectrum,
    conclude_corrected_fractions,
    list_correction_times,
)
from ssbchar.nmr.quantification.fit_doubts import FitDoubt
from ssbchar.nmr.quantification.options import QuantificationOptions
from ssbchar.nmr.quantification.region_areas import RegionSignal

TIMES = {"axis": 1e-5, "TR": 2e-5, "2TR": 4e-5, "2TR+pulses": np.nan}
LINES = RegionSignal(area=np.array([0.1, 0.9]), covariance=np.diag([1e-6, 4e-6]))
WINDOWS = RegionSignal(area=np.array([0.2, 0.8]), covariance=np.diag([4e-6, 4e-6]))
SPECTRUM = QuantifiedSpectrum(
    routes={"lines": LINES, "windows": WINDOWS},
    headline="lines",
    misfits=(),
    doubts=(),
    without_leakage=LINES.area,
    times=TIMES,
)
T2, EXPONENT = np.array([4.67e-4, 7e-5]), np.array([1.0, 0.9])
OPTIONS = QuantificationOptions()


def decay(**changes: object) -> xr.Dataset:
    covariance = np.zeros((2, 3, 3))
    covariance[:, 1, 1] = [1e-12, 4e-12]
    covariance[1, 2, 2] = 1e-4
    data = {
        "t2_star": ("region", T2),
        "exponent": ("region", EXPONENT),
        "covariance": (("region", "par", "par2"), covariance),
        "t2_star_systematic": ("region", [0.0, 0.0]),
        "verdict": ("region", ["ok", "ok"]),
        "reason": ("region", ["", ""]),
        "shared": ("region", [0, 0]),
    }
    coords = {"region": ["li_metal", "li_si"]}
    return xr.Dataset(data | changes, coords=coords)


def conclude(spectrum=SPECTRUM, laws=None, options=OPTIONS, *, evolves=False, no_metal=None):
    laws = decay() if laws is None else laws
    rows = conclude_corrected_fractions(spectrum, laws, options, evolves=evolves, no_metal=no_metal)
    return {(row.subject, row.condition, row.quantity): row for row in rows}


def headline(rows, region: str = "li_metal"):
    return rows[region, "corrected", f"{region}_fraction"]


def test_the_headline_goes_back_over_the_time_asked_for() -> None:
    for name in ("axis", "TR", "2TR"):
        row = headline(conclude(options=QuantificationOptions(time=name)))
        expected = fractions_from_areas([0.1, 0.9], T2, EXPONENT, TIMES[name])
        assert row.value == pytest.approx(100 * expected[0])
        assert row.verdict == "ok"
        assert f"t = {TIMES[name]:.4g} s" in row.method


def test_the_bracket_holds_each_time_with_and_without_stretching() -> None:
    rows = conclude()
    names = [c for s, c, q in rows if s == "li_metal" and c.startswith("corrected, ")]
    assert names == [
        f"corrected, t = {time}, b {b}" for time in ("axis", "TR", "2TR") for b in ("fitted", "= 1")
    ]
    simple = rows["li_metal", "corrected, t = TR, b = 1", "li_metal_fraction"]
    assert simple.value == pytest.approx(
        100 * fractions_from_areas([0.1, 0.9], T2, [1.0, 1.0], 2e-5)[0]
    )
    laws = RegionDecays(
        t2=T2, exponent=np.ones(2), covariance=np.array([np.diag([1e-12, 0]), np.diag([4e-12, 0])])
    )
    _, stderr = propagate_fractions(LINES.area, LINES.covariance, laws, 2e-5)
    assert simple.stderr == pytest.approx(100 * stderr[0])
    _, own = propagate_fractions(LINES.area, LINES.covariance, read_decays(decay()), 1e-5)
    for r, region in enumerate(("li_metal", "li_si")):
        assert headline(rows, region).stderr == pytest.approx(100 * own[r])
        fitted = rows[region, "corrected, t = axis, b fitted", f"{region}_fraction"]
        assert fitted.stderr == pytest.approx(100 * own[r])
        assert fitted.value == pytest.approx(headline(rows, region).value)
    values = [rows["li_metal", name, "li_metal_fraction"].value for name in names]
    row = headline(rows)
    assert row.systematic == pytest.approx((max(values) - min(values)) / np.sqrt(12))
    assert row.reason == f"bracket of conventions {min(values):.2f} to {max(values):.2f}"


def test_simple_laws_need_one_exponent_alone() -> None:
    rows = conclude(laws=decay(exponent=("region", [1.0, 1.0])))
    assert [c for s, c, _ in rows if s == "li_si" and c.startswith("corrected, ")] == [
        f"corrected, t = {time}, b = 1" for time in ("axis", "TR", "2TR")
    ]


@pytest.mark.parametrize(
    "spectrum",
    [replace(SPECTRUM, headline="windows"), replace(SPECTRUM, misfits=[MISFIT_REASON])],
)
def test_half_the_difference_of_the_routes_is_added_where_lines_are_doubted(spectrum) -> None:
    rows = conclude(spectrum)
    values = [row.value for (s, c, _), row in rows.items() if s == "li_metal" and "t = " in c]
    row = headline(rows)
    spread = (max(values) - min(values)) / np.sqrt(12)
    assert row.systematic == pytest.approx(np.hypot(5.0, spread))
    assert ("within its noise" in row.reason) == (row.verdict == "misfit")
    assert row.verdict == ("misfit" if spectrum.misfits else "ok")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"evolves": True}, "the sample evolves during the measurement"),
        ({"no_metal": "no line", "evolves": True}, "no line"),
        (
            {"laws": decay(verdict=("region", ["ok", "far"]), reason=("region", ["", "ratio 2"]))},
            "li_si: far (ratio 2)",
        ),
        (
            {"options": QuantificationOptions(time="2TR+pulses")},
            "the time 2TR+pulses of the first echo is unknown (read.decay_axis)",
        ),
    ],
)
def test_an_obstacle_leaves_an_interval_or_nothing(given, reason: str) -> None:
    row = headline(conclude(**given))
    assert (row.verdict, row.value, row.reason) == ("N/A", None, reason)
    assert row.lower95 is not None and row.upper95 is not None


def test_without_a_decay_series_there_is_an_interval() -> None:
    rows = conclude_corrected_fractions(SPECTRUM, None, OPTIONS, evolves=False, no_metal=None)
    assert rows[0].reason == "no decay series of this sample"
    assert len(rows) == 2


def test_the_interval_spans_the_assumed_t2_and_two_standard_errors() -> None:
    """A constant of the literature holds on its own axis, TR (2e-5 s here); the axis of this
    measurement (1e-5 s) stays in the interval, too."""
    corners = [
        100 * fractions_from_areas([0.1, 0.9], [4.67e-4, t2], [1.0, 1.0], time)[0]
        for t2 in (6.8e-5, 1.08e-4)
        for time in (1e-5, 2e-5)
    ]
    stderr = 100 * LINES.compute_shares()[1][0]
    row = headline(conclude(evolves=True))
    assert row.lower95 == pytest.approx(min(corners) - 1.959964 * stderr, abs=1e-6)
    assert row.upper95 == pytest.approx(max(corners) + 1.959964 * stderr, abs=1e-6)
    doubted = headline(conclude(replace(SPECTRUM, misfits=[MISFIT_REASON]), evolves=True))
    assert doubted.upper95 > 19.0 > row.upper95
    pure = replace(LINES, area=np.array([0.0, 1.0]))
    empty = replace(SPECTRUM, routes={"lines": pure, "windows": WINDOWS})
    assert headline(conclude(empty, evolves=True)).lower95 == 0.0
    assert headline(conclude(empty, evolves=True), "li_si").upper95 == 100.0


def test_the_error_of_a_shared_t2_is_signed() -> None:
    rows = conclude(laws=decay(shared=("region", [1, 0])))
    metal = rows["li_metal", "corrected", "shared_error"]
    li_si = rows["li_si", "corrected", "shared_error"]
    step = 1e-6
    above, below = (
        100 * fractions_from_areas([0.1, 0.9], T2 + np.array([sign * step, 0]), EXPONENT, 1e-5)[0]
        for sign in (1, -1)
    )
    assert metal.value == pytest.approx((above - below) / (2 * step) * 1e-6, rel=1e-4)
    assert metal.value < 0
    assert li_si.value == pytest.approx(-metal.value)
    assert not [key for key in conclude() if key[2] == "shared_error"]


def test_times_of_the_correction() -> None:
    given = xr.Dataset(
        {"decay_time": ("slice", [3e-5, 1.0])},
        attrs={"echo_delay": 1e-5, "pulse_1": 2e-6, "pulse_2": 4e-6},
    )
    times = list_correction_times(given)
    assert list(times.values()) == pytest.approx([3e-5, 1e-5, 2e-5, 2.5e-5])
    del given.attrs["echo_delay"]
    assert np.isnan(list_correction_times(given)["2TR"])


def doubt(area: list[float], weight: float = 0.5, *, decisive: bool = False) -> FitDoubt:
    return FitDoubt(reason="a doubt", area=np.array(area), weight=weight, decisive=decisive)


def test_routes_and_doubts_are_systematics_of_the_corrected_share() -> None:
    """Half of 2 points between the routes, half of 4 points by the doubt."""
    plain = headline(conclude())
    of_routes = replace(SPECTRUM, without_leakage=np.array([0.12, 0.88]))
    assert headline(conclude(of_routes)).systematic == pytest.approx(
        np.hypot(1.0, plain.systematic)
    )
    doubted = replace(SPECTRUM, doubts=[doubt([0.14, 0.86])])
    assert headline(conclude(doubted)).systematic == pytest.approx(np.hypot(2.0, plain.systematic))
    assert headline(conclude(doubted)).verdict == "ok"


def test_models_far_apart_leave_an_interval_that_holds_them_all() -> None:
    near = replace(SPECTRUM, misfits=["a doubt"], doubts=[doubt([0.149, 0.851], decisive=True)])
    assert headline(conclude(near)).verdict == "misfit"
    assert headline(conclude(near)).value is not None
    far = replace(SPECTRUM, misfits=["a doubt"], doubts=[doubt([0.151, 0.849], decisive=True)])
    row = headline(conclude(far))
    assert (row.verdict, row.value, row.reason) == ("N/A", None, "a doubt")
    raw = (0.1, 0.2, 0.151)
    assert row.lower95 < 100 * min(raw) and row.upper95 > 17.0
    undecided = replace(SPECTRUM, doubts=[doubt([0.5, 0.5])])
    assert headline(conclude(undecided)).value is not None


def test_a_doubtful_t2_counts_by_what_it_moves() -> None:
    """2 us on the 70 us of Li-Si move the share at 10 us by 0.04 points, 20 us by 0.3."""
    for systematic, limit in ((2e-6, 0.1), (20e-6, 1.0)):
        laws = decay(
            verdict=("region", ["ok", "doubtful"]),
            t2_star_systematic=("region", [0.0, systematic]),
        )
        row = headline(conclude(laws=laws))
        moved = 100 * np.diff(
            [
                fractions_from_areas([0.1, 0.9], T2 + np.array([0, more]), EXPONENT, 1e-5)[0]
                for more in (0.0, systematic)
            ]
        )
        assert 0 < abs(moved[0]) < limit
        assert row.systematic == pytest.approx(np.hypot(moved[0], headline(conclude()).systematic))
        assert row.verdict == "ok"
    far = decay(t2_star_systematic=("region", [0.0, 5e-2]), t2_star=("region", [4.67e-4, 2e-5]))
    assert headline(conclude(laws=far)).verdict == "doubtful"


def test_limits_stay_within_what_is_possible() -> None:
    few = replace(SPECTRUM, doubts=[doubt([0.2, 0.8], weight=1.0)])
    assert headline(conclude(few)).lower95 == 0.0
    assert headline(conclude(few), "li_si").upper95 == 100.0


@pytest.mark.parametrize(
    ("formula", "time"),
    [("vd", 2e-5), ("2*vd+p2", 4.3e-5), ("vd+p2+vd", 4.3e-5), ("vc*(2*d6+p2)", 4.3e-5)],
)
def test_one_time_axis_for_spectrum_and_decay(formula: str, time: float) -> None:
    """The spectrum's own row has another axis (1e-5 s): T2* and time never come from two."""
    spectrum = replace(SPECTRUM, pulses={"p1": 1.5e-6, "p2": 3e-6})
    row = headline(conclude(spectrum, decay().assign_attrs(decay_axis=formula)))
    expected = fractions_from_areas([0.1, 0.9], T2, EXPONENT, time)
    assert row.value == pytest.approx(100 * expected[0])
    assert f"t = {time:.4g} s" in row.method
    assert row.reason.startswith(f"time axis {formula} of the T2* fit (the spectrum's own would be")
    # The axis is known: other conventions are shown, and are no error of it.
    assert row.systematic == 0.0


def test_an_axis_that_the_spectrum_cannot_follow_leaves_its_own_time() -> None:
    row = headline(conclude(laws=decay().assign_attrs(decay_axis="times as given")))
    assert "t = 1e-05 s" in row.method


def test_a_region_of_two_parts_goes_back_by_both() -> None:
    covariance = np.zeros((2, 5, 5))
    covariance[:, 1, 1] = [1e-12, 4e-12]
    covariance[1, 3, 3] = 1e-4
    laws = decay(
        exponent=("region", np.ones(2)),
        slow_share=("region", [0.0, 0.3]),
        slow_t2=("region", [np.nan, 7e-4]),
        covariance=(("region", "par", "par2"), covariance),
    )
    row = headline(conclude(laws=laws))
    left = 0.7 * np.exp(-1e-5 / 7e-5) + 0.3 * np.exp(-1e-5 / 7e-4)
    metal, alloy = 0.1 / np.exp(-1e-5 / 4.67e-4), 0.9 / left
    assert row.value == pytest.approx(100 * metal / (metal + alloy))
    covariance[1, 3, 3] = 1e-2
    assert headline(conclude(laws=laws)).stderr > row.stderr
