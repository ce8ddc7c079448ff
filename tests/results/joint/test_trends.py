"""Trends over samples with known slope: errors, common parts, what is left out."""

import numpy as np
import pytest

from ssbchar.conclusion import Conclusion
from ssbchar.decision import find_contradictions
from ssbchar.results.joint.trends import join_trends

PRESSURES = (50.0, 100.0, 200.0, 300.0, 400.0)


def describe(
    name: str,
    share: float | None,
    *,
    pressure: float | None = None,
    time: float | None = 30.0,
    stderr: float = 0.3,
    common: float = 0.0,
    x: float = 1.0,
    verdict: str = "ok",
) -> list[Conclusion]:
    about = {"sample": name, "technique": "nmr", "source": f"nmr/{name}", "subject": "sample"}
    rows = [
        Conclusion(
            "alloyed_share", value=share, stderr=stderr, systematic=0.0, verdict=verdict, **about
        ),
        Conclusion("alloyed_share", verdict="bounded", condition="visibility", **about),
        Conclusion("x_nominal", value=x, **about),
        Conclusion(
            "shared_error", value=common, condition="corrected", **about | {"subject": "li_si"}
        ),
    ]
    for quantity, value in (("pressing_pressure", pressure), ("pressing_time", time)):
        if value is not None:
            rows.append(Conclusion(quantity, value=value, bound=2.0, **about))
    return rows


def press(slope: float, seed: int, *, common: float = 0.0, scatter: float = 0.0):
    rng = np.random.default_rng(seed)
    together = rng.normal()
    rows = []
    for pressure in PRESSURES:
        error = 0.3 * rng.normal() + common * together + scatter * rng.normal()
        rows += describe(
            f"p{pressure:g}",
            90 + slope * pressure + error,
            pressure=pressure,
            stderr=float(np.hypot(0.3, common)),
            common=common,
        )
    return rows


@pytest.mark.parametrize("common", [0.0, 1.0])
def test_pulls_of_a_slope(common: float) -> None:
    """An error that all samples share is none of the slope's."""
    found = [join_trends(press(0.01, seed, common=common))[0] for seed in range(200)]
    pulls = [(row.value - 0.01) / row.stderr for row in found if "lie off" not in row.reason]
    assert len(pulls) > 180
    assert np.sqrt(np.mean(np.square(pulls))) == pytest.approx(1.0, abs=0.15)
    assert found[0].stderr < 0.002


def test_words() -> None:
    (rising,) = join_trends(press(0.01, 1))
    assert rising.verdict == "changed"
    assert rising.unit == "percent/MPa"
    assert rising.condition == "against pressure; time 30 s, x_nominal 1"
    assert rising.bound == pytest.approx(2.0 / 350)
    (flat,) = join_trends(press(0.0, 2))
    assert flat.verdict == "retained"
    exact = [describe(f"p{p:g}", 90 + 0.0045 * p, pressure=p, stderr=0.4) for p in PRESSURES]
    (between,) = join_trends([row for rows in exact for row in rows])
    assert between.verdict == "inconclusive"
    assert "whether it matters" in between.reason
    assert not [p for row in (rising, flat, between) for p in find_contradictions(row)]


def test_scatter_beyond_the_errors_widens_the_limits() -> None:
    # Five points hardly tell a scatter as large as their errors: 0.89 instead of 0.95.
    for scatter, least in ((0.3, 0.87), (3.0, 0.94)):
        wide = [join_trends(press(0.0, seed, scatter=scatter))[0] for seed in range(300)]
        assert np.mean([row.lower95 < 0 < row.upper95 for row in wide]) >= least
    assert np.mean(["lie off a line" in row.reason for row in wide]) > 0.9
    assert np.mean([row.verdict == "changed" for row in wide]) < 0.06


def test_groups_have_one_composition_and_time_and_what_is_no_share_is_named() -> None:
    rows = [
        *describe("a", 93.0, pressure=100.0),
        *describe("b", 97.0, pressure=400.0),
        *describe("c", None, pressure=0.0, verdict="N/A"),
        *describe("d", 50.0, pressure=400.0, x=2.0),
        *describe("e", 98.0, pressure=400.0, time=180.0),
        *describe("f", 99.0, time=None),
    ]
    found = {row.condition: row for row in join_trends(rows)}
    assert set(found) == {
        "against pressure; time 30 s, x_nominal 1",
        "against time; pressure 400 MPa, x_nominal 1",
    }
    row = found["against pressure; time 30 s, x_nominal 1"]
    assert row.value == pytest.approx(4.0 / 300)
    assert "left out: c (N/A)" in row.reason
    assert "two points" in row.reason
    assert found["against time; pressure 400 MPa, x_nominal 1"].unit == "percent/s"


def test_without_two_shares_nothing_is_concluded() -> None:
    rows = [
        *describe("a", 93.0, pressure=100.0),
        *describe("c", None, pressure=0.0, verdict="N/A"),
    ]
    (row,) = join_trends(rows)
    assert (row.value, row.verdict) == (None, "inconclusive")
    assert join_trends(describe("f", 99.0, time=None)) == []
