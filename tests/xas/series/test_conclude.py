"""Conclusions of a series: every number and verdict by hand."""

import numpy as np
import pytest
import xarray as xr

from ssbchar.xas.series import conclude
from ssbchar.xas.series.options import Series


def components(rank: int, held: list[int]) -> xr.Dataset:
    ds = xr.Dataset(
        {"eigenvalue": ("component", [50.0, 20.0, 3.0]), "score": ("spectrum", [0.0] * 40)}
    )
    ds["edge"] = ("component", [2.0, 2.0, 4.0])
    ds["rank"], ds["rank_indicator"], ds["noise_ratio"] = ((), rank), ((), 2), ((), 1.05)
    ds["species"], ds["doubtful"], ds["is_limited"] = ((), rank), ((), 0), ((), 0)
    ds["crossing_energy"] = ("crossing", 7120.0 + 2 * np.arange(len(held)))
    ds["crossing_held"] = ("crossing", np.array(held, int))
    return ds


@pytest.mark.parametrize(
    ("rank", "verdict", "text"),
    [
        (0, "inconclusive", "0 components are above the noise, the next 25.00 times"),
        (1, "unchanging", "the last is 25 times its limit, the next 10.00 times"),
        (2, "exchanging", "the last is 10 times its limit, the next 0.75 times"),
        (3, "several species", "3 components are above the noise, the last is 0.75 times"),
    ],
)
def test_species(rank: int, verdict: str, text: str) -> None:
    row = conclude._conclude_species(components(rank, []), "Fe K")
    assert (row.value, row.verdict) == (float(rank), verdict)
    assert text in row.reason and "indicator gives 2" in row.reason
    assert "nan" not in row.reason and "drift" not in row.reason
    assert "40 spectra" in row.method


def test_drifts_and_limits_are_told_apart_from_species() -> None:
    ds = components(12, [])
    ds["species"], ds["doubtful"] = ((), 2), ((), 1)
    row = conclude._conclude_species(ds, "Fe K")
    assert (row.value, row.verdict) == (2.0, "exchanging")
    assert "12 components are above the noise;" in row.reason
    assert "9 of them by drift" in row.reason and "1 as weak as" in row.reason
    ds["is_limited"] = ((), 1)
    row = conclude._conclude_species(ds, "Fe K")
    assert row.verdict == "inconclusive" and row.reason.startswith("at least 2 species")


@pytest.mark.parametrize(("width", "verdict"), [(0.02, "ok"), (0.4, "inconclusive")])
def test_a_resolved_fraction_is_as_good_as_its_range(width: float, verdict: str) -> None:
    ds = components(2, [])
    fraction = np.linspace(0, 1, 40)
    both = np.column_stack([1 - fraction, fraction])
    dims = ("spectrum", "species_number")
    ds["fraction"] = (dims, both)
    ds["fraction_lower"] = (dims, both - width / 2)
    ds["fraction_upper"] = (dims, both + width / 2)
    ds["resolution_r_factor"] = ((), 1e-6)
    start, end = conclude._conclude_resolved(ds, "Fe K")
    assert start.value == pytest.approx(fraction[:4].mean())
    assert end.upper95 == pytest.approx(fraction[-4:].mean() + width / 2)
    assert {start.verdict, end.verdict} == {verdict}
    open_range = ds.assign(fraction_lower=(dims, np.full(both.shape, np.nan)))
    row = conclude._conclude_resolved(open_range, "Fe K")[0]
    assert row.verdict == "inconclusive" and row.lower95 is None


@pytest.mark.parametrize(
    ("held", "verdict", "reason"),
    [
        ([], "none", "start and end of the series do not cross"),
        ([1, 1], "held", "all spectra meet at 7120.0, 7122.0 eV: two species exchange"),
        ([0, 0], "broken", "spectra do not meet at 7120.0, 7122.0 eV"),
        ([1, 0], "broken", "spectra do not meet at 7122.0 eV (they do at 7120.0 eV)"),
    ],
)
def test_isosbestic_points(held: list[int], verdict: str, reason: str) -> None:
    row = conclude._conclude_isosbestic_points(components(2, held), "Fe K", Series())
    assert (row.value, row.verdict, row.reason) == (float(sum(held)), verdict, reason)


def series(alignment: str, move: float = 1.0, count: int = 40) -> xr.Dataset:
    half = 7120 + move * np.linspace(0, 1, count)
    ds = xr.Dataset({"e0_half": ("spectrum", np.append(half, 0.0))})
    ds["e0_half_stderr"] = ("spectrum", np.append(np.linspace(0.01, 0.02, count), 9.0))
    ds.attrs = {"alignment": alignment, "alignment_error": 0.03, "alignment_source": "foil"}
    return ds


def test_the_shift_along_a_series_by_hand() -> None:
    """Tenths of four scans; each scan has its own error of the axis where a foil was measured."""
    ds = series("foil")
    half, stderr = ds["e0_half"].values[:-1], ds["e0_half_stderr"].values[:-1]
    row = conclude._conclude_edge_shift(ds, "Fe K")
    assert row.value == pytest.approx(half[-4:].mean() - half[:4].mean())
    error = np.sqrt((stderr[-4:] ** 2).sum() + (stderr[:4] ** 2).sum()) / 4
    assert row.stderr == pytest.approx(error)
    assert row.systematic == pytest.approx(0.03 * np.sqrt(2 / 4))
    other = conclude._conclude_edge_shift(series("repeatability"), "Fe K")
    assert other.systematic == pytest.approx(0.03 * np.sqrt(2))
    seen = 2 * 1.959964 * np.hypot(error, 0.03 * np.sqrt(0.5))
    assert f"{seen:.3f} eV would have been seen" in row.reason


def test_a_shift_is_changed_from_two_standard_errors_on() -> None:
    row = conclude._conclude_edge_shift(series("foil"), "Fe K")
    limit = 1.959964 * np.hypot(row.stderr or 0, row.systematic or 0)
    per_move = row.value or 1.0
    for factor, verdict in ((0.99, "not seen"), (1.01, "changed"), (-1.01, "changed")):
        ds = series("foil", move=factor * limit / per_move)
        assert conclude._conclude_edge_shift(ds, "Fe K").verdict == verdict


def test_a_short_series_is_compared_by_pairs() -> None:
    row = conclude._conclude_edge_shift(series("foil", count=8), "Fe K")
    assert "last 2 scans" in row.method


@pytest.mark.parametrize("alignment", ["none", "project"])
def test_without_an_axis_a_shift_is_inconclusive(alignment: str) -> None:
    row = conclude._conclude_edge_shift(series(alignment), "Fe K")
    assert (row.value, row.verdict) == (None, "inconclusive") and "not testable" in row.reason


def mixture(at_edge: int = 0) -> xr.Dataset:
    weight = np.column_stack([np.linspace(1, 0, 40), np.linspace(0, 1, 40)])
    ds = xr.Dataset({"weight": (("spectrum", "reference"), np.vstack([weight, [9.0, 9.0]]))})
    stderr = np.vstack([np.outer(np.linspace(0.01, 0.02, 40), [1, 2]), [9.0, 9.0]])
    ds["weight_stderr"] = (("spectrum", "reference"), stderr)
    ds["weight_systematic"] = ("reference", [0.05, 0.06])
    ds["verdict"] = ("spectrum", ["at_edge"] * at_edge + ["ok"] * (41 - at_edge))
    ds["reference"] = ("reference", ["A", "B"])
    return ds


def test_fractions_at_both_ends_by_hand() -> None:
    ds = mixture()
    rows = conclude._conclude_fractions(ds, "Fe K")
    assert [row.condition for row in rows] == ["A, start", "A, end", "B, start", "B, end"]
    weight, stderr = ds["weight"].values[:-1], ds["weight_stderr"].values[:-1]
    assert rows[0].value == pytest.approx(weight[:4, 0].mean())
    assert rows[3].value == pytest.approx(weight[-4:, 1].mean())
    assert rows[3].stderr == pytest.approx(np.sqrt((stderr[-4:, 1] ** 2).mean() / 4))
    assert (rows[0].systematic, rows[3].systematic) == (0.05, 0.06)


@pytest.mark.parametrize(("at_edge", "verdict"), [(1, "ok"), (2, "at_edge")])
def test_fractions_are_good_where_more_than_95_percent_are(at_edge: int, verdict: str) -> None:
    assert {r.verdict for r in conclude._conclude_fractions(mixture(at_edge), "Fe K")} == {verdict}


def test_rows_of_a_series_in_their_order() -> None:
    ds = series("foil").assign_attrs(element="Fe", edge="K")
    rows = conclude.conclude_series(ds, components(2, [1]), None, Series())
    names = [row.quantity for row in rows]
    assert names == ["quality", "species", "isosbestic_points", "edge_shift"]
    assert len(conclude.conclude_series(ds, components(2, [1]), mixture(), Series())) == 8
