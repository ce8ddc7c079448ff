"""Tracked peaks: known truth comes back with honest errors, and absent peaks give limits."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hexrd.made_peaks import WAVELENGTH, D, phase, series

from ssbchar.hexrd.bragg import two_theta_from_d
from ssbchar.hexrd.peaks import known_lines, pseudo_voigt
from ssbchar.hexrd.peaks.options import Tracking
from ssbchar.hexrd.peaks.reflections import KnownLines
from ssbchar.hexrd.peaks.select import _make_empty
from ssbchar.storage import store


def test_pulls_of_position_width_and_area() -> None:
    frames = 300
    area = np.tile([60.0, 40.0, 25.0], (frames, 1))
    strain = 1.2e-5 * np.linspace(0, 575, frames)
    patterns, furnace, truth = series(frames, area, strain)
    found = known_lines.fit_known_lines(patterns, furnace, [phase()], Tracking())
    order = np.argsort(-D)
    assert np.all(found.verdict.values == "ok")
    for name, right in (
        ("position", truth[:, order]),
        ("area", area[:, order]),
        ("fwhm", 0.045),
        ("eta", 0.4),
    ):
        pull = ((found[name] - right) / found[f"{name}_stderr"]).values
        assert np.all(np.abs(pull.mean(axis=0)) < 0.3), name
        assert np.all((pull.std(axis=0) > 0.7) & (pull.std(axis=0) < 1.4)), (name, pull.std(axis=0))


def test_a_peak_that_vanishes_is_an_upper_limit() -> None:
    frames = 200
    area = np.tile([60.0, 40.0, 25.0], (frames, 1))
    area[100:] = 0
    patterns, furnace, _ = series(frames, area, 1.2e-5 * np.linspace(0, 575, frames), seed=3)
    found = known_lines.fit_known_lines(patterns, furnace, [phase()], Tracking())
    assert np.all(found.verdict.values[:100] == "ok")
    gone = found.verdict.values[100:]
    assert np.mean(gone == "no_peak") > 0.97
    assert np.all(np.isnan(found.area.values[100:][gone == "no_peak"]))
    limit = found.area_upper95.values[100:]
    assert np.all(limit > 0) and np.median(limit) < 8


def test_no_phase_is_said() -> None:
    from ssbchar.errors import BadInput

    patterns, furnace, _ = series(5, np.full((5, 3), 10.0), np.zeros(5))
    with pytest.raises(BadInput, match="no candidate phases"):
        known_lines.fit_known_lines(patterns, furnace, [], Tracking())


def two_phases(
    frames: int, gone: slice, seed: int = 11
) -> tuple[xr.Dataset, xr.Dataset, list[xr.Dataset], np.ndarray]:
    """Two phases, the second absent in some frames; one line of each nearly coincides, and B
    expands twice as fast."""
    rng = np.random.default_rng(seed)
    x = np.arange(2.0, 9.0, 0.006)
    warm = np.linspace(0, 575, frames)
    da, db = D, np.array([3.0, 2.71, 2.4, 1.95])
    ta = two_theta_from_d(da * (1 + 1e-5 * warm[:, None]), WAVELENGTH)
    tb = two_theta_from_d(db * (1 + 2e-5 * warm[:, None]), WAVELENGTH)
    there = np.ones(frames)
    there[gone] = 0
    clean = np.full((frames, x.size), 500.0)
    for j, area in enumerate(lorentz(da, 60.0)):
        clean = clean + area * pseudo_voigt.pseudo_voigt(x, ta[:, j : j + 1], 0.045, 0.4)
    for j, area in enumerate(lorentz(db, 40.0)):
        clean = clean + there[:, None] * area * pseudo_voigt.pseudo_voigt(
            x, tb[:, j : j + 1], 0.05, 0.4
        )
    y = rng.normal(clean, np.sqrt(clean))
    patterns = xr.Dataset(
        {
            "intensity": (("frame", "two_theta"), y),
            "intensity_stderr": (("frame", "two_theta"), np.sqrt(np.maximum(y, 1))),
            "wavelength": ((), WAVELENGTH),
            "status": ("frame", np.array(["ok"] * frames, dtype=object)),
        },
        coords={"frame": np.arange(1, frames + 1), "two_theta": x},
    )
    furnace = xr.Dataset({"temperature": ("frame", 25 + warm)}, coords={"frame": patterns.frame})
    return patterns, furnace, [phase("A", da), phase("B", db)], tb


def lorentz(d: np.ndarray, first: float) -> np.ndarray:
    """Areas of lines of equal structure factor and multiplicity: 1 / (sin^2 theta cos theta), the
    first one given."""
    theta = np.arcsin(WAVELENGTH / 2 / d)
    power = 1 / (np.sin(theta) ** 2 * np.cos(theta))
    return first * power / power[0]


def test_a_phase_that_enters_keeps_its_lines() -> None:
    patterns, furnace, phases, tb = two_phases(240, slice(0, 120))
    found = known_lines.fit_known_lines(patterns, furnace, phases, Tracking())
    a, b = found.phase.values == "A", found.phase.values == "B"
    close = np.flatnonzero(b)[1]
    free = np.setdiff1d(np.flatnonzero(b), [close])
    assert np.mean(found.verdict.values[:120][:, free] == "no_peak") > 0.97
    assert np.isnan(found.area.values[:120, close]).all()  # under a line of A: nothing can be said
    assert np.mean(found.verdict.values[120:][:, free] == "ok") > 0.98
    pull = (found.position.values - found.predicted.values)[120:][:, free]
    assert np.nanmax(np.abs(pull)) < 0.05
    right = tb[120:][:, [0, 2, 3]]
    error = (found.position.values[120:][:, free] - right) / found.position_stderr.values[120:][
        :, free
    ]
    assert 0.7 < np.nanstd(error) < 1.4 and abs(np.nanmean(error)) < 0.3
    touching = (
        np.abs(found.predicted.values[:, close] - found.predicted.values[:, np.flatnonzero(a)[1]])
        < 0.02
    )
    assert np.mean(found.verdict.values[120:, close][touching[120:]] == "overlap") > 0.95
    lone = np.flatnonzero(a)[[0, 2]]
    assert np.mean(found.verdict.values[:, lone] == "ok") > 0.98


def test_limits_cover_small_areas() -> None:
    """A weak line's true area lies below its 95 % limit in about 95 of 100 frames where it was not
    found."""
    frames = 400
    area = np.tile([60.0, 40.0, 0.6], (frames, 1))
    patterns, furnace, _ = series(frames, area, 1.2e-5 * np.linspace(0, 575, frames), seed=21)
    found = known_lines.fit_known_lines(patterns, furnace, [phase()], Tracking())
    missed = found.verdict.values[:, 2] == "no_peak"
    assert missed.mean() > 0.8
    covered = np.mean(found.area_upper95.values[missed, 2] >= 0.6)
    assert covered > 0.90


def test_bad_frames_have_no_data_and_disturb_nothing() -> None:
    patterns, furnace, _ = series(40, np.tile([60.0, 40.0, 25.0], (40, 1)), np.zeros(40))
    whole = known_lines.fit_known_lines(patterns, furnace, [phase()], Tracking())
    patterns.status.values[7] = "beam_dump"
    patterns.intensity.values[7] = np.nan
    found = known_lines.fit_known_lines(patterns, furnace, [phase()], Tracking())
    assert set(found.verdict.values[7]) == {"no_data"} and np.isnan(found.position.values[7]).all()
    keep = np.arange(40) != 7
    moved = np.abs((found.position - whole.position) / whole.position_stderr).values
    assert np.nanmax(moved[keep]) < 0.2


def test_schema_and_saving(tmp_path: Path) -> None:
    patterns, furnace, _ = series(6, np.tile([60.0, 40.0, 25.0], (6, 1)), np.zeros(6))
    patterns.attrs["synthetic"] = 1
    found = known_lines.fit_known_lines(patterns, furnace, [phase()], Tracking())
    both = ("frame", "peak")
    values = ("position", "fwhm", "area", "eta", "d")
    assert {n: v.dims for n, v in found.data_vars.items()} == {
        **{n: both for n in values},
        **{f"{n}_stderr": both for n in values},
        **{n: both for n in ("significance", "area_upper95", "chi2", "predicted", "verdict")},
        "covariance": ("frame", "peak", "par", "par2"),
        **{
            f"{n}{e}": ("frame", "candidate")
            for n in ("inverse_size", "microstrain")
            for e in ("", "_stderr")
        },
    }
    assert (
        found.par.values.tolist() == ["position", "fwhm", "area", "eta"]
        and found.attrs["synthetic"] == 1
    )
    np.testing.assert_allclose(
        np.sqrt(found.covariance.values[..., 0, 0]), found.position_stderr, rtol=1e-12
    )
    store.save(
        found,
        tmp_path / "peaks.nc",
        store.describe_provenance("hexrd.peaks.fit_known_lines", {}, {}),
        {},
    )
    back = store.load(tmp_path / "peaks.nc")
    assert isinstance(back, xr.Dataset)
    np.testing.assert_array_equal(back.position, found.position)
    assert back.phase.values.tolist() == ["A", "A", "A"]


def test_pure_noise_gives_no_peak() -> None:
    """Three lines in 300 frames of background alone: at four sigma a false one in thousands; tests
    are calibrated."""
    patterns, furnace, _ = series(300, np.zeros((300, 3)), np.zeros(300), seed=77)
    found = known_lines.fit_known_lines(patterns, furnace, [phase()], Tracking())
    assert np.mean(found.verdict.values == "no_peak") > 0.995
    assert 0.8 < np.nanstd(found.significance.values) < 1.25


@pytest.mark.slow
def test_cost_per_frame_is_flat() -> None:
    import time

    cost = []
    for frames in (200, 4000):
        area = np.tile([60.0, 40.0, 25.0], (frames, 1))
        patterns, furnace, _ = series(frames, area, 1.2e-5 * np.linspace(0, 575, frames))
        begun = time.process_time()
        found = known_lines.fit_known_lines(patterns, furnace, [phase()], Tracking())
        cost.append((time.process_time() - begun) / frames)
        assert np.mean(found.verdict.values == "ok") > 0.99
    print(f"{1e3 * cost[1]:.2f} ms per frame")
    assert cost[1] < 1.5 * cost[0]


def test_a_range_without_width_is_refused() -> None:
    with pytest.raises(ValueError, match="two_theta_min must be below two_theta_max"):
        Tracking(two_theta_min=5.0, two_theta_max=5.0)


def test_windows_end_halfway_to_the_next_plausible_line() -> None:
    centre = np.array([[4.0, 4.2], [4.0, 4.2], [4.0, 4.2]])
    others = np.array([[3.9, 4.5], [3.0, 9.0], [np.nan, 4.1]])
    low, high = known_lines._limit_window(centre, others, 0.2)
    np.testing.assert_allclose(low, [3.95, 3.8, 3.8])
    np.testing.assert_allclose(high, [4.35, 4.4, 4.4])
    low, high = known_lines._limit_window(centre, np.empty((3, 0)), 0.2)
    np.testing.assert_allclose([low[0], high[0]], [3.8, 4.4])


def frames_of(intensity: np.ndarray, stderr: np.ndarray) -> known_lines._GoodFrames:
    return known_lines._GoodFrames(
        two_theta=np.arange(10.0),
        wavelength=WAVELENGTH,
        index=np.arange(len(intensity)),
        intensity=intensity,
        stderr=stderr,
        width=1.0,
    )


def test_points_of_a_window_by_hand() -> None:
    """From the first point at or above the lower end to the last below or at the upper one."""
    y, error = np.arange(20.0).reshape(2, 10), np.full((2, 10), 2.0)
    y[0, 3], error[0, 4] = np.nan, 0.0
    data = known_lines._cut_windows(
        frames_of(y, error), np.arange(2), np.array([2.0, 6.5]), np.array([6.5, 20.0])
    )
    np.testing.assert_array_equal(data.x, [[2, 3, 4, 5, 6], [7, 8, 9, 9, 9]])
    np.testing.assert_array_equal(data.weight > 0, [[1, 0, 0, 1, 1], [1, 1, 1, 0, 0]])
    np.testing.assert_array_equal(data.weight[0, [0, 3]], 0.25)
    np.testing.assert_array_equal(data.y, [[2, 0, 0, 5, 6], [17, 18, 19, 0, 0]])


def test_a_window_is_written_to_the_columns_of_its_reported_lines() -> None:
    table = known_lines._make_empty_table(3, 2)
    found = _make_empty(2, 3)
    found.present[...] = [[True, True, False], [True, True, True]]
    found.at_edge[...] = [[False, False, False], [False, True, False]]
    found.converged[...] = [True, False]
    for name, values in (("position", found.position), ("significance", found.significance)):
        values[...] = [[1, 2, 3], [4, 5, 6]] if name == "position" else 7.0
    found.upper95[...] = 8.0
    found.chi2[...] = [1.5, 2.5]
    found.covariance[...] = 9.0
    tracked = np.array([True, False, False, True])
    known_lines._write_window(table, found, np.array([0, 2]), np.array([3, 1, 0]), tracked)
    np.testing.assert_array_equal(table.values["position"], [[3, 1], [np.nan] * 2, [6, 4]])
    np.testing.assert_array_equal(table.values["chi2"][:, 0], [1.5, np.nan, 2.5])
    np.testing.assert_array_equal(table.values["area_upper95"][0], 8.0)
    np.testing.assert_array_equal(table.covariance[2], 9.0)
    assert table.verdict.tolist() == [
        ["no_peak", "ok"],
        ["no_data", "no_data"],
        ["not_converged", "not_converged"],
    ]
    found.converged[1] = True
    known_lines._write_window(table, found, np.array([0, 2]), np.array([1, 3, 0]), tracked)
    assert table.verdict.tolist()[2] == ["ok", "at_edge"]
    np.testing.assert_array_equal(table.present, [[False, True], [False, False], [True, True]])


def test_doubtful_lines_by_hand() -> None:
    """Frames: undisturbed; phase absent; disturbed; hidden and absent; hidden and fitted."""
    table = known_lines._make_empty_table(6, 1)
    good = np.arange(1, 6)
    table.present[good, 0] = [True, True, True, False, True]
    table.verdict[good, 0] = ["ok", "ok", "ok", "no_peak", "at_edge"]
    for values in (*table.values.values(), table.covariance):
        values[...] = 1.0
    yes = np.ones((5, 2), bool)
    expected = known_lines._Expectation(
        seen=yes,
        hidden=np.array([[0, 0], [0, 0], [0, 0], [1, 0], [1, 0]], bool),
        disturbed=np.array([[0, 1], [0, 1], [1, 1], [0, 1], [0, 1]], bool),
        phase_present=np.array([[1, 0], [0, 0], [1, 0], [1, 0], [1, 0]], bool),
    )
    known_lines._mark_doubtful_lines(table, good, np.array([True, False]), expected)
    assert table.verdict[:, 0].tolist() == [
        "no_data",
        "ok",
        "alone",
        "overlap",
        "overlap",
        "overlap",
    ]
    blank = [False, False, False, False, True, False]
    for name in ("position", "significance", "area_upper95"):
        np.testing.assert_array_equal(np.isnan(table.values[name][:, 0]), blank)
    np.testing.assert_array_equal(np.isnan(table.covariance[:, 0, 0, 0]), blank)
    assert np.isfinite(table.values["predicted"]).all()


def test_lines_expected_by_hand() -> None:
    """A line is seen from two errors of its height on, of a phase of more than three."""
    x = np.arange(2.0, 6.0, 0.01)
    lines = KnownLines(
        phase=np.zeros(3, int),
        hkl=[""] * 3,
        d=np.ones(3),
        strength=np.array([1.0, 0.5, 0.01]),
        tracked=np.ones(3, bool),
        beside=np.ones(3, bool),
        named=np.zeros_like(np.ones(3, bool)),
    )
    places = np.tile([3.0, 4.0, 5.0], (2, 1))
    y = np.full((2, x.size), 100.0)
    for place, strength in zip((3.0, 4.0, 5.0), lines.strength, strict=True):
        y[0] += 500 * strength * np.exp(-4 * np.log(2) * ((x - place) / 0.05) ** 2)
    frames = known_lines._GoodFrames(
        two_theta=x,
        wavelength=WAVELENGTH,
        index=np.arange(2),
        intensity=y,
        stderr=np.sqrt(y),
        width=0.05,
    )
    found = known_lines._expect_lines(frames, lines, places, 1)
    assert found.seen.tolist() == [[True, True, False], [False] * 3]
    assert found.phase_present.tolist() == [[True] * 3, [False] * 3]
    assert not found.hidden.any() and not found.disturbed.any()
