"""What is hidden is said and not applied."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from nmr import signals

from ssbchar.conclusion import Conclusion
from ssbchar.nmr.lineshape import fit as lines
from ssbchar.nmr.lineshape.assignment import salt_probabilities
from ssbchar.nmr.lineshape.options import LineFitOptions
from ssbchar.nmr.quantification import echo_efficiency, saturation, skin_effect, systematics
from ssbchar.nmr.quantification.options import QuantificationOptions, SystematicsOptions
from ssbchar.nmr.quantification.prelithiation import conclude_prelithiation


@pytest.fixture(scope="module")
def fit():
    y = signals.signal(
        (0.08, 0.84, 0.04, 0.04),
        (265.0, 16.0, 69.4, -67.0),
        (900.0, 3500.0, 600.0, 600.0),
        points=4096,
    )
    return lines.fit_lines(
        signals.dataset(signals.noisy(y, 0.002, 4), recycle_delay=30.0), LineFitOptions()
    )


def rows(fit, **options: object):
    return {
        (r.quantity, r.subject): r
        for r in systematics.conclude_systematics(fit, SystematicsOptions(**options))
    }


def test_every_row_says_that_it_is_not_applied(fit) -> None:
    found = rows(fit, t1_metal=5.0)
    assert found["visible_share", "li_metal"].verdict == "not applied"
    assert found["visible_share", "li_metal"].lower95 == pytest.approx(0.31, abs=0.01)
    assert found["visible_share", "li_metal"].upper95 == pytest.approx(0.993, abs=0.005)
    assert found["echo_efficiency_ratio", "li_metal"].lower95 < 1
    assert found["saturation", "li_metal"].value == pytest.approx(1.0, abs=0.01)


def test_satellites_bound_what_is_not_li_si(fit) -> None:
    """The pair goes by its centre, 1.2 ppm, which is that of a salt."""
    row = rows(fit)["diamagnetic_share", "li_si"]
    assert row.value == pytest.approx(100 * 0.08 / 0.92, abs=0.5)
    assert "69.4 ppm (100 %), -67.0 ppm (100 %)" in row.reason


def test_saturation_of_one_pulse_at_the_ernst_angle() -> None:
    e = np.exp(-0.5)
    full = saturation.saturation_from_t1(0.5, 1.0, e)
    assert full * np.sin(np.arccos(e)) == pytest.approx(np.sqrt((1 - e) / (1 + e)))


def test_limit_of_t1_is_where_one_percent_is_lost(fit) -> None:
    limit = rows(fit)["t1_limit", "sample"].value
    cosine = np.cos(np.pi / 6) * np.cos(np.pi / 3)
    assert saturation.saturation_from_t1(30.0, limit, cosine) == pytest.approx(0.99)


@pytest.mark.parametrize(
    ("region", "seen", "area"),
    [("li_metal", 1, 1.0), ("li_si", 0, 1.0), ("li_si", 1, 0.0), ("li_si", 1, -1.0)],
)
def test_without_signal_of_li_si_no_share_of_it_is_stated(
    region: str, seen: int, area: float
) -> None:
    assert systematics._conclude_diamagnetic(one_line(region, seen, area)) == []
    (row,) = systematics._conclude_diamagnetic(one_line("li_si", 1, 1.0))
    assert row.value == 0.0


def one_line(region: str, seen: int, area: float) -> xr.Dataset:
    """Return a fit of one line that is Li-Si by its assignment."""
    ds = xr.Dataset(
        {
            "area": (("slice", "component"), [[area]]),
            "area_stderr": (("slice", "component"), [[0.1]]),
            "hidden_gain": 0.0,
            "hidden_penalty": 16.0,
        }
    )
    for name, value in (("region_of", region), ("seen", seen), ("shift", 16.0)):
        ds[name] = ("component", [value])
    ds["salt_probability"] = ("component", [0.0])
    return ds


def acquired(**attrs: object) -> xr.Dataset:
    """One line of metal 150 ppm above the carrier, two of Li-Si; 100 Hz are one ppm."""
    ds = xr.Dataset(
        {
            "area": (("slice", "component"), [[1.0, 3.0, 1.0]]),
            "area_stderr": (("slice", "component"), [[0.1, 0.2, 0.08]]),
            "shift": ("component", [250.0, 24.0, 0.0]),
            "region_of": ("component", ["li_metal", "li_si", "li_si"]),
            "seen": ("component", [1, 1, 1]),
            "salt_probability": ("component", [0.0, 0.0, 1.0]),
            "hidden_gain": 0.0,
            "hidden_penalty": 16.0,
        }
    )
    about = {"sfo1": 100.01, "sf": 100.0, "pulse_1": 2e-6, "echo_delay": 1e-5}
    return ds.assign_attrs(about | attrs)


def test_the_skin_effect_is_that_of_eleven_sizes() -> None:
    row = systematics._conclude_skin_effect(acquired(), SystematicsOptions())
    depth = float(skin_effect.depth_from_resistivity(9.28e-8, 100.01e6))
    flips = (np.pi / 6, np.pi / 3)
    sizes = np.linspace(10e-6, 60e-6, 11)
    seen = np.abs(skin_effect.integrate_visible_signal(sizes, depth, flips))
    assert row.value == pytest.approx(
        skin_effect.share_from_diameters(sizes, np.ones(11), depth, flips)
    )
    assert (row.lower95, row.upper95) == pytest.approx((seen.min(), seen.max()))
    assert row.reason == f"skin depth {1e6 * depth:.1f} um; spheres 10 to 60 um"
    assert row.reason.startswith("skin depth 15.3 um")


def test_the_echo_efficiency_says_where_and_how_strong() -> None:
    """30 degrees in 2 us are 41.7 kHz; metal 150 ppm off the carrier are 15 kHz, Li-Si (3 parts at
    24 ppm and one at 0) at 18 - 100 ppm."""
    row = systematics._conclude_efficiency(acquired(), SystematicsOptions())
    assert row.reason == "C_Q of Li-Si 0 to 200 kHz, offsets 15 and -8 kHz, rf 42 kHz"
    echo = echo_efficiency.SolidEcho(rf=1 / 12 / 2e-6, flips=(np.pi / 6, np.pi / 3), delay=1e-5)
    low, high = echo_efficiency.scan_efficiency_ratio(
        (15e3, -8.2e3), np.linspace(0.0, 200e3, 11), echo
    )
    assert (row.lower95, row.upper95) == pytest.approx((low, high))
    assert row.value == pytest.approx(np.sqrt(low * high))


@pytest.mark.parametrize("attrs", [{"pulse_1": 0.0}, {"pulse_1": -1.0}, {"echo_delay": np.nan}])
def test_without_pulse_or_delay_there_is_no_efficiency(attrs: dict) -> None:
    row = systematics._conclude_efficiency(acquired(**attrs), SystematicsOptions())
    assert (row.verdict, row.value) == ("N/A", None)


def test_lines_that_may_be_salts_have_an_upper_limit() -> None:
    """One of four parts, known to 2 %: 25 + 1.645 x 2."""
    (row,) = systematics._conclude_diamagnetic(acquired())
    assert row.value == pytest.approx(25.0)
    assert row.upper95 == pytest.approx(25.0 + 1.645 * 2.0)
    assert row.lower95 == 0.0
    assert row.reason == "lines that may be salts, with their probability: 0.0 ppm (100 %)"
    vague = acquired().assign(area_stderr=(("slice", "component"), [[0.1, 0.2, 4.0]]))
    assert systematics._conclude_diamagnetic(vague)[0].upper95 == 100.0


def test_satellites_that_the_residual_asks_for_may_be_those_of_the_salt() -> None:
    """The central transition is 4 of 10 parts: 2.5 times what is seen, if they are there."""
    seen = 25.0 + 1.645 * 2.0
    sure, likely = (acquired().assign(hidden_gain=gain) for gain in (1e6, 16.0))
    assert systematics._conclude_diamagnetic(sure)[0].upper95 == pytest.approx(2.5 * seen)
    assert systematics._conclude_diamagnetic(likely)[0].upper95 == pytest.approx(1.75 * seen)
    assert systematics._conclude_diamagnetic(sure)[0].value == pytest.approx(25.0)
    # A model with satellites that is as good says the same; one that was fitted says it itself.
    beside = likely.assign_attrs(satellite_models=1)
    assert systematics._conclude_diamagnetic(beside)[0].upper95 == pytest.approx(2.5 * seen)


@given(
    shift=st.floats(-20, 45),
    error=st.floats(0, 3),
    width=st.floats(0, 200),
    gain=st.floats(-5, 60),
    step=st.sampled_from(["shift", "error", "width", "gain"]),
)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_limits_do_not_jump(shift, error, width, gain, step: str) -> None:
    """One part of five of the Li-Si region, with noise of a hundredth of a unit on each input."""
    found = []
    for noise in (0.0, 0.01):
        now = {"shift": shift, "error": error, "width": width, "gain": gain}
        now[step] += noise
        fitted = acquired().assign(hidden_gain=now["gain"])
        fitted["shift"][2] = now["shift"]
        places, errors, areas = ([250.0, 24.0, now["shift"]], [0.1, 0.1, now["error"]], [1, 4, 1])
        fitted["area"][:] = [areas]
        widths = [20.0, 20.0, now["width"]]
        fitted["salt_probability"][:] = salt_probabilities(places, errors, areas, width=widths)
        salts = systematics._conclude_diamagnetic(fitted)[0]
        share = Conclusion("li_si_fraction", value=80.0, stderr=0.5, unit="percent")
        lower = conclude_prelithiation(share, QuantificationOptions(), None, salts)[-1]
        lower = lower.with_limits()
        found.append((salts.upper95, lower.lower95))
    (most, least), (most_after, least_after) = found
    assert abs(most_after - most) < 1.0
    assert abs(least_after - least) < 1.0


def test_a_line_that_may_be_a_salt_counts_by_its_probability() -> None:
    """One of four parts, a salt with 20 %: 5 %, and sqrt(0.2 x 0.8) of 25 % besides."""
    given = acquired()
    given["salt_probability"][:] = [0.0, 0.0, 0.2]
    (row,) = systematics._conclude_diamagnetic(given)
    assert row.value == pytest.approx(5.0)
    assert row.upper95 == pytest.approx(5.0 + 1.645 * np.hypot(10.0, 0.2 * 2.0))
    assert "0.0 ppm (20 %)" in row.reason and "24" not in row.reason


def test_the_visibility_is_the_product_of_both_factors_bounds() -> None:
    rows = systematics.conclude_systematics(acquired(), SystematicsOptions())
    skin, echo = (row for row in rows if row.quantity in systematics.OF_METAL)
    found = systematics.find_visibility(rows)
    assert found == pytest.approx((skin.lower95 * echo.lower95, skin.upper95 * echo.upper95))
    unknown = systematics.conclude_systematics(acquired(pulse_1=0.0), SystematicsOptions())
    assert systematics.find_visibility(unknown) is None
    assert systematics.find_visibility([]) is None
