"""The share of the line area that the refinement explains, by hand."""

import numpy as np
import pytest
import xarray as xr
from hexrd.made_lattice import MadePhase, add_lines, made

from ssbchar.hexrd.verdict import line_area
from ssbchar.hexrd.verdict.options import Stability

OPTIONS = Stability(explained_area=80.0)


def measured(
    explained: float = 1.0, tracks: xr.Dataset | None = None, **changes: float
) -> line_area.ExplainedArea:
    lattice, _ = made([MadePhase("cubic"), MadePhase(name="B")])
    lattice, peaks = add_lines(lattice, explained)
    for name, value in changes.items():
        peaks[name] = peaks[name] * 0 + value
    return line_area.measure_explained_area(peaks, lattice, tracks, OPTIONS)


@pytest.mark.parametrize("explained", [1.0, 0.9, 0.5, 0.03, 0.0])
def test_what_is_left_over_is_not_explained(explained: float) -> None:
    found = measured(explained)
    np.testing.assert_allclose(found.share, explained, atol=1e-6)
    assert found.usual == pytest.approx(explained, abs=1e-6) and found.is_measured


def test_what_is_calculated_and_not_there_is_not_explained_either() -> None:
    """Twice as much calculated as observed: half of it is explained."""
    np.testing.assert_allclose(measured(2.0).share, 0.5, atol=1e-6)
    np.testing.assert_allclose(measured(200.0).share, 1 / 200, atol=1e-6)


def test_lines_in_the_wrong_place_explain_nothing() -> None:
    lattice, _ = made([MadePhase("cubic")])
    lattice, peaks = add_lines(lattice)
    shift = lattice["calculated"].roll(two_theta=20) - lattice["calculated"]
    wrong = lattice.assign(
        calculated=lattice["calculated"] + shift, residual=lattice["residual"] - shift
    )
    assert line_area.measure_explained_area(peaks, wrong, None, OPTIONS).usual < 0.01


def test_the_shape_of_a_line_alone_is_no_misfit() -> None:
    """A residual that is wiggly and has no net area: the area is explained."""
    lattice, _ = made([MadePhase("cubic")])
    lattice, peaks = add_lines(lattice)
    narrow = lattice.assign(residual=lattice["calculated"].diff("two_theta"))
    narrow = lattice.assign(
        residual=(
            lattice["residual"].dims,
            np.gradient(lattice["calculated"].values, axis=1),
        )
    )
    assert line_area.measure_explained_area(peaks, narrow, None, OPTIONS).usual > 0.99


def test_lines_that_no_phase_explains_count() -> None:
    """Two phases of 100 and a line of 50: 200 of 250 are explained; noise counts as nothing."""
    frames = made([MadePhase()])[0].sizes["frame"]
    both = ("frame", "track")
    tracks = xr.Dataset(
        {
            "area": (both, np.tile([50.0, -40.0, 2.0], (frames, 1))),
            "area_stderr": (both, np.ones((frames, 3))),
        }
    )
    found = measured(tracks=tracks).usual
    window = 0.98
    assert found == pytest.approx(200 * window / (200 * window + 50), abs=0.02)
    assert measured(tracks=tracks.isel(track=[])).usual == pytest.approx(1.0)


@pytest.mark.parametrize("changes", [{"significance": 5.0}, {"position": np.nan}, {"fwhm": 0.0}])
def test_without_a_line_nothing_is_measured(changes: dict[str, float]) -> None:
    found = measured(**changes)
    assert not found.is_measured and np.isnan(found.usual)
    assert not found.misfit.any() and not found.holds_in([0, 1])
    row = line_area.conclude_explained_area(found)
    assert row.verdict == "not_measured" and row.value is None


def test_no_lines_fitted_at_all() -> None:
    lattice, _ = made([MadePhase()])
    with_lines, peaks = add_lines(lattice)
    for one, other in ((xr.Dataset(), with_lines), (peaks, lattice)):
        assert not line_area.measure_explained_area(one, other, None, OPTIONS).is_measured


def test_most_of_the_frames_decide() -> None:
    found = line_area.ExplainedArea(share=np.array([0.9, 0.9, 0.1, np.nan]), bound=0.8)
    assert found.holds_in([0, 1, 2]) and found.holds_in([0, 3])
    assert not found.holds_in([2]) and not found.holds_in([3]) and not found.holds_in([])
    np.testing.assert_array_equal(found.misfit, [False, False, True, False])


@pytest.mark.parametrize(("share", "verdict"), [(0.8, "ok"), (0.799, "misfit")])
def test_the_row(share: float, verdict: str) -> None:
    found = line_area.ExplainedArea(share=np.array([share, share, 0.99, 0.1]), bound=0.8)
    row = line_area.conclude_explained_area(found)
    assert row.value == pytest.approx(100 * share) and row.unit == "percent"
    assert row.verdict == verdict
    assert "median of 4 frames" in row.reason and "below 80 % in" in row.reason
    assert ("no verdict rests on it" in row.reason) == (verdict == "misfit")


def test_the_limits_of_the_median_are_its_neighbours_in_rank() -> None:
    """Of a hundred frames the 40th and the 61st (9.8 to each side of the middle, outwards); of
    three all."""
    hundred = line_area.ExplainedArea(share=np.arange(1, 101) / 100, bound=0.8)
    assert hundred.limits == (0.40, 0.61)
    few = line_area.ExplainedArea(share=np.array([0.9, np.nan, 0.7, 0.8]), bound=0.8)
    assert few.limits == (0.7, 0.9)
    row = line_area.conclude_explained_area(few)
    assert (row.lower95, row.value, row.upper95) == pytest.approx((70.0, 80.0, 90.0))
    nothing = line_area.ExplainedArea(share=np.array([np.nan]), bound=0.8)
    assert line_area.conclude_explained_area(nothing).lower95 is None


def test_the_limits_hold_the_median_in_95_of_100() -> None:
    random = np.random.default_rng(4)
    held = 0
    for _ in range(1000):
        share = 0.9 + 0.05 * random.standard_exponential(40)
        low, high = line_area.ExplainedArea(share=share, bound=0.8).limits
        held += low <= 0.9 + 0.05 * np.log(2) <= high
    assert held >= 940


def test_a_misfit_says_whether_places_or_intensities_are_wrong() -> None:
    lattice, _ = made([MadePhase("cubic"), MadePhase(name="B")])
    lattice, peaks = add_lines(lattice)
    good = line_area.measure_explained_area(peaks, lattice, None, OPTIONS)
    assert good.placed == pytest.approx(1.0)
    # every second line calculated as a third of what is there, the others as three times
    lines = (lattice["calculated"] - lattice["background"]).values
    factor = np.where(np.arange(lines.shape[1]) // 40 % 2, 3.0, 1 / 3)
    changed = lattice.assign(
        calculated=(lattice["calculated"].dims, lattice["background"].values + lines * factor),
        residual=(lattice["residual"].dims, lattice["residual"].values + lines * (1 - factor)),
    )
    other = line_area.measure_explained_area(peaks, changed, None, OPTIONS)
    assert other.usual < 0.6 and other.placed > 0.95
    row = line_area.conclude_explained_area(other)
    assert row.verdict == "misfit" and "neutrons" in row.reason
    # lines where nothing is calculated
    shift = lattice["calculated"].roll(two_theta=20) - lattice["calculated"]
    wrong = lattice.assign(
        calculated=lattice["calculated"] + shift, residual=lattice["residual"] - shift
    )
    other = line_area.measure_explained_area(peaks, wrong, None, OPTIONS)
    row = line_area.conclude_explained_area(other)
    assert row.verdict == "misfit" and "another compound" in row.reason and other.placed < 0.2
