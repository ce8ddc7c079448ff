"""What is hidden is said and not applied."""

import numpy as np
import pytest
import xarray as xr
from nmr import signals

from ssbchar.nmr.lineshape import fit as lines
from ssbchar.nmr.lineshape.options import LineFitOptions
from ssbchar.nmr.quantification import systematics
from ssbchar.nmr.quantification.options import SystematicsOptions


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
    row = rows(fit)["diamagnetic_share", "li_si"]
    assert row.value == pytest.approx(100 * 0.08 / 0.92, abs=0.5)
    assert "possible satellite pair" in row.reason


def test_saturation_of_one_pulse_at_the_ernst_angle() -> None:
    e = np.exp(-0.5)
    full = systematics.saturation_from_t1(0.5, 1.0, e)
    assert full * np.sin(np.arccos(e)) == pytest.approx(np.sqrt((1 - e) / (1 + e)))


def test_limit_of_t1_is_where_one_percent_is_lost(fit) -> None:
    limit = rows(fit)["t1_limit", "sample"].value
    cosine = np.cos(np.pi / 6) * np.cos(np.pi / 3)
    assert systematics.saturation_from_t1(30.0, limit, cosine) == pytest.approx(0.99)


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
        }
    )
    for name, value in (("region_of", region), ("seen", seen), ("shift", 16.0)):
        ds[name] = ("component", [value])
    ds["assignment"] = ("component", ["Li-Si, Li near bonded Si"])
    return ds
