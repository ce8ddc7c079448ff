"""Single points that are no measurement lose their weight and are told; nothing else does."""

from pathlib import Path

import numpy as np
import pytest
from hexrd.made_patterns import X, counts, one, told, xye

from ssbchar.hexrd.patterns import odd_points


def write(
    folder: Path, frame: int, point: int, *, factor: float = 1.0, sigma: float | None = None
) -> None:
    y = counts(frame)
    error = np.sqrt(np.maximum(y, 1))
    if frame == 5:
        y[point] *= factor
        error[point] = sigma or error[point]
    rows = zip(X, y, error, strict=True)
    (folder / f"{frame}.xye").write_text("".join(f"{a:.6f} {b:.6f} {c:.9f}\n" for a, b, c in rows))


@pytest.mark.parametrize(("factor", "sigma"), [(10.0, None), (0.1, None), (1.0, 1e-6)])
@pytest.mark.parametrize("point", [0, 60, 155, 158, 300, 399])
def test_one_point_of_one_frame(
    factor: float, sigma: float | None, point: int, tmp_path: Path
) -> None:
    for n in range(1, 10):
        write(tmp_path, n, point, factor=factor, sigma=sigma)
    ds = one(tmp_path)
    assert set(ds.status.values) == {"ok"}
    assert [entry["where"] for entry in told(ds)] == ["5.xye"]
    assert told(ds)[0]["problem"].startswith("one point ")
    assert f"{X[point]:.4g}" in told(ds)[0]["problem"]
    weight = 1 / ds.intensity_stderr.values[4] ** 2
    assert weight[point] < 1e-7 * np.median(weight)
    true = counts(5)
    assert ds.intensity.values[4, point] == pytest.approx(true[point], rel=0.5)
    others = np.arange(X.size) != point
    np.testing.assert_allclose(ds.intensity.values[4, others], true[others], rtol=1e-6)


def test_one_point_of_a_single_pattern(tmp_path: Path) -> None:
    write(tmp_path, 5, 60, factor=10.0)
    assert [entry["where"] for entry in told(one(tmp_path / "5.xye"))] == ["5.xye"]


def test_noise_lines_and_what_lasts_are_left_alone(tmp_path: Path) -> None:
    for n in range(1, 40):
        y = np.random.default_rng(n).poisson(3 + 2e4 * np.exp(-(((X - 4.1) / 0.018) ** 2)))
        if n > 20:
            # A line of few points appears, and one point is hot from then on.
            y = y + np.round(500 * np.exp(-(((X - 6.01) / 0.015) ** 2)))
            y[100] = 5000
        xye(tmp_path / f"{n}.xye", y=y.astype(float))
    assert not told(one(tmp_path))


def test_many_points_are_no_single_ones(tmp_path: Path) -> None:
    for n in range(1, 10):
        y = counts(n)
        if n == 5:
            y[::7] *= 10
        xye(tmp_path / f"{n}.xye", y=y)
    assert not [entry for entry in told(one(tmp_path)) if "set aside" in entry["problem"]]


FLAT = np.full(41, 100.0)


def beside(
    value: float, *, before: np.ndarray | None = FLAT, error: float = 0.1, flanks: float = 100.0
) -> odd_points._Rows:
    """A frame of 100 counts with one value in the middle, and the frames around it."""
    own = FLAT.copy()
    own[19:22] = flanks, value, flanks
    return odd_points._Rows(before=before, own=own, after=before, stderr=np.full(41, error))


def is_odd(rows: odd_points._Rows, point: int = 20) -> bool:
    found = odd_points.find_odd_intensities(rows)
    assert not np.delete(found, point).any()
    return bool(found[point])


@pytest.mark.parametrize(
    ("value", "found"), [(199.0, False), (201.0, True), (51.0, False), (49.0, True)]
)
def test_twice_and_half_of_all_neighbours(value: float, found: bool) -> None:
    assert is_odd(beside(value)) == found


@pytest.mark.parametrize(
    ("value", "error", "found"),
    [(300.0, 24.9, True), (300.0, 25.1, False), (20.0, 9.9, True), (20.0, 10.1, False)],
)
def test_eight_errors_beyond_all_neighbours(value: float, error: float, found: bool) -> None:
    """300 rises by 200, 20 falls by 80."""
    assert is_odd(beside(value, error=error)) == found


def test_what_rises_has_the_largest_error_at_hand_and_what_falls_its_neighbours() -> None:
    for value, place, found in (
        (300.0, 20, False),
        (300.0, 19, False),
        (300.0, 22, True),
        (20.0, 20, True),
        (20.0, 21, True),
    ):
        rows = beside(value)
        rows.stderr[place] = 30.0
        assert is_odd(rows) == found, (value, place)
    rows = beside(20.0)
    rows.stderr[[19, 21]] = 30.0
    assert not is_odd(rows)


@pytest.mark.parametrize("shift", [-1, 0, 1])
@pytest.mark.parametrize(("level", "found"), [(160.0, False), (140.0, True)])
def test_a_line_that_moves_by_a_point_is_no_odd_one(shift: int, level: float, found: bool) -> None:
    """In the frame before it stood at the next point: 300 is less than twice 160."""
    before = FLAT.copy()
    before[20 + shift] = level
    assert is_odd(beside(300.0, before=before)) == found


@pytest.mark.parametrize(("value", "found"), [(345.0, False), (355.0, True)])
def test_alone_it_is_five_times_as_high_above_the_background(value: float, found: bool) -> None:
    """Flanks of 150 lie 50 above the median of 100."""
    assert is_odd(beside(value, before=None, flanks=150.0)) == found


@pytest.mark.parametrize(("value", "found"), [(21.0, False), (19.0, True)])
def test_alone_it_is_a_fifth(value: float, found: bool) -> None:
    assert is_odd(beside(value, before=None)) == found


def test_an_end_is_judged_in_a_series_alone() -> None:
    for before, found in ((FLAT, True), (None, False)):
        for end in (0, 40):
            own = FLAT.copy()
            own[end] = 1000.0
            rows = odd_points._Rows(before=before, own=own, after=None, stderr=np.full(41, 0.1))
            assert is_odd(rows, end) == found


@pytest.mark.parametrize(("share", "found"), [(0.019, True), (0.021, False)])
def test_an_error_of_a_fiftieth(share: float, found: bool) -> None:
    intensity = np.linspace(100.0, 400.0, 201)
    stderr = np.sqrt(intensity)
    stderr[[0, 200]] = 0.001, 60.0  # a point that is odd by itself, and one with a large error
    stderr[100] *= share
    assert bool(odd_points.find_small_errors(intensity, stderr)[100]) == found


def test_errors_are_compared_with_those_around() -> None:
    """A ratio that grows a hundredfold over the pattern is none of single points; a small ratio of
    a small error beside small ones neither."""
    intensity = np.full(401, 100.0)
    grown = 10.0 * np.geomspace(0.01, 1.0, 401)
    assert not odd_points.find_small_errors(intensity, grown).any()
    grown[50] *= 0.019
    assert np.flatnonzero(odd_points.find_small_errors(intensity, grown)).tolist() == [50]
    nothing = np.full(401, 1e-6)
    peak = np.where(np.arange(401) == 200, 1e6, nothing)
    error = np.full(401, 5.0)
    error[10] = 0.01
    found = odd_points.find_small_errors(peak, error)
    assert np.flatnonzero(found).tolist() == [10]
    assert not odd_points.find_small_errors(intensity, np.zeros(401)).any()


def test_a_point_is_mended_between_its_neighbours_without_a_weight() -> None:
    own, stderr = np.array([1.0, 2.0, 50.0, 6.0, 7.0]), np.array([1.0, 2.0, 9.0, 2.0, 3.0])
    mended, error = odd_points._mend(own, stderr, np.array([0, 0, 1, 0, 0], bool))
    assert mended.tolist() == [1, 2, 4, 6, 7] and error.tolist() == [1, 2, 2e4, 2, 3]


@pytest.mark.parametrize(("count", "is_mended"), [(2, True), (3, False)])
def test_more_than_five_in_a_thousand_are_no_single_points(
    tmp_path: Path, count: int, is_mended: bool
) -> None:
    """Of 400 points two are, three are not."""
    for n in range(1, 10):
        y = counts(n)
        if n == 5:
            y[60 : 60 + 20 * count : 20] *= 10
        xye(tmp_path / f"{n}.xye", y=y)
    assert bool([entry for entry in told(one(tmp_path)) if "set aside" in entry["problem"]]) == (
        is_mended
    )
