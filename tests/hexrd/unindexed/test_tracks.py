"""Tracks: linked, smoothed, measured and grouped by hand."""

import numpy as np
import pytest
import xarray as xr

from ssbchar.hexrd.unindexed import tracks
from ssbchar.hexrd.unindexed.matched_filter import FilteredSeries, Maxima
from ssbchar.hexrd.unindexed.options import Candidates
from ssbchar.hexrd.unindexed.tracks import Track


def link(*peaks: tuple[int, float], drift: float = 1.0, **options: int) -> list[Track]:
    """Tracks of peaks given as (frame, place)."""
    frame, place = (np.array(values) for values in zip(*peaks, strict=True))
    found = Maxima(frame=frame, place=place.astype(float), significance=10.0 + frame)
    return tracks.link_peaks(found, drift, Candidates(**{"shortest": 1, **options}))


def test_peaks_near_each_other_are_one_track() -> None:
    a, b = link((0, 50.0), (0, 10.0), (1, 10.5), (1, 50.9), (2, 51.0), (2, 10.2))
    assert a.places == [10.0, 10.5, 10.2] and b.places == [50.0, 50.9, 51.0]
    assert a.frames == [0, 1, 2] and a.strengths == [10.0, 11.0, 12.0]


@pytest.mark.parametrize(("place", "count"), [(11.0, 1), (11.01, 2)])
def test_a_track_drifts_no_further_than_allowed(place: float, count: int) -> None:
    assert len(link((0, 10.0), (1, place))) == count


@pytest.mark.parametrize(("frame", "count"), [(3, 1), (4, 2)])
def test_a_track_ends_after_its_longest_gap(frame: int, count: int) -> None:
    """Two frames may be missed; the drift allowed grows with the frames between."""
    assert len(link((0, 10.0), (frame, 12.9), longest_gap=2)) == count
    assert len(link((0, 10.0), (3, 13.1), longest_gap=2)) == 2


def test_ended_tracks_are_kept() -> None:
    found = link((0, 10.0), (1, 10.0), (9, 10.0), (10, 10.0), (11, 10.0))
    assert [t.frames for t in found] == [[0, 1], [9, 10, 11]]


def test_short_tracks_are_dropped() -> None:
    found = link((0, 10.0), (1, 10.0), (0, 50.0), (1, 50.0), (2, 50.0), shortest=3)
    assert [t.places[0] for t in found] == [50.0]


def test_the_nearest_pair_is_joined_first() -> None:
    found = link((0, 10.0), (0, 11.0), (1, 10.8), drift=2.0)
    assert [t.places for t in found] == [[10.0], [11.0, 10.8]]


def test_each_track_takes_one_peak_a_frame() -> None:
    found = link((0, 10.0), (1, 10.1), (1, 10.4))
    assert sorted(len(t.frames) for t in found) == [1, 2]


def test_the_place_expected_is_the_mean_of_the_last_three() -> None:
    track = Track(frames=[0, 1, 2, 3], places=[0.0, 10.0, 11.0, 12.0], strengths=[1.0] * 4)
    assert track.expected_place() == 11.0


def test_no_peaks_no_tracks() -> None:
    none = Maxima(frame=np.empty(0, int), place=np.empty(0), significance=np.empty(0))
    assert tracks.link_peaks(none, 1.0, Candidates()) == []


def test_places_of_a_short_track_are_interpolated_and_held() -> None:
    track = Track(frames=[1, 3], places=[10.0, 12.0], strengths=[1.0, 1.0])
    found = tracks._interpolate_places([track], 6)
    np.testing.assert_allclose(found[:, 0], [10, 10, 11, 12, 12, 12])


def test_places_of_a_long_track_are_smoothed() -> None:
    """Five frames: a line; ten: a parabola; heavier where the peak is stronger."""
    frames = list(range(5))
    track = Track(frames=frames, places=[0.0, 1.0, 5.0, 3.0, 4.0], strengths=[1.0] * 5)
    np.testing.assert_allclose(
        tracks._interpolate_places([track], 5)[:, 0], 2.6 + np.arange(-2.0, 3.0) * 1.0
    )
    track.strengths[2] = 1e-6
    np.testing.assert_allclose(
        tracks._interpolate_places([track], 5)[:, 0], np.arange(5.0), atol=1e-9
    )
    square = Track(
        frames=list(range(10)), places=[0.1 * n**2 for n in range(10)], strengths=[1.0] * 10
    )
    np.testing.assert_allclose(
        tracks._interpolate_places([square], 10)[:, 0], 0.1 * np.arange(10.0) ** 2, atol=1e-9
    )
    four = Track(frames=[0, 1, 2, 3], places=[0.0, 9.0, 0.0, 9.0], strengths=[1.0] * 4)
    np.testing.assert_allclose(tracks._interpolate_places([four], 4)[:, 0], [0, 9, 0, 9])


def test_tracks_are_measured_at_the_nearest_point() -> None:
    area = np.arange(20.0).reshape(2, 10)
    filtered = FilteredSeries(area=area, stderr=area + 100)
    found, error = tracks._measure_tracks(filtered, np.array([[2.4, 30.0], [2.6, -5.0]]))
    np.testing.assert_array_equal(found, [[2, 9], [13, 10]])
    np.testing.assert_array_equal(error, [[102, 109], [113, 110]])


def test_comparison_of_tracks_by_hand() -> None:
    """Errors of 1: ratio (1 x 2 + 2 x 5) / (1 + 4) = 2.4, and the scaled error and a tenth of the
    intensity count."""
    area = np.array([[1.0, 2.0], [2.0, 5.0], [np.nan, 9.0]])
    ratio, chi2 = tracks.compare_courses(area, np.ones((3, 2)))
    assert ratio == pytest.approx(2.4)
    expected = (0.4**2 / (1 + 5.76 + 0.04) + 0.2**2 / (1 + 5.76 + 0.25)) / 2
    assert chi2 == pytest.approx(expected)


def test_proportional_tracks_are_one_group() -> None:
    rise, fall = np.arange(1.0, 11.0), np.arange(10.0, 0.0, -1.0)
    area = 100 * np.stack([0.5 * rise, fall, 3 * rise, 2 * fall, -rise], axis=1)
    found = tracks._group_tracks(area, np.full(area.shape, 1.0), Candidates())
    # the strongest is number 0; a track that falls as another rises is in no group with it
    assert found.tolist() == [0, 1, 0, 1, 2]


@pytest.mark.parametrize(("off", "is_together"), [(2.9, True), (3.1, False)])
def test_tracks_agree_within_three_errors(off: float, is_together: bool) -> None:
    """Deviations that cancel in the ratio, of `off` combined errors each."""
    a = np.full(400, 1.0)
    sign = np.tile([1.0, -1.0], 200)
    error = np.hypot(1.0, 0.0)
    b = 1.0 + off * sign * np.sqrt(error)
    area, stderr = np.stack([a, b], 1), np.stack([np.full(400, 1e-9), np.ones(400)], 1)
    variance = 1 + (0.1 * b) ** 2
    chi2 = np.mean((b - 1) ** 2 / variance)
    ratio, found = tracks.compare_courses(area, stderr)
    assert ratio == pytest.approx(1.0) and found == pytest.approx(chi2)
    options = Candidates(together=float(np.sqrt(chi2)) * (1.001 if is_together else 0.999))
    assert (tracks._group_tracks(area, stderr, options)[1] == 0) is np.bool_(is_together)


def test_error_of_a_place_by_hand() -> None:
    """fwhm / 2.355 over the significance of all frames (5 of 3 and 4), and a twentieth point."""
    track = Track(frames=[0, 1], places=[1.0, 1.0], strengths=[3.0, 4.0])
    found = tracks._estimate_place_error([track], 0.2355, 0.1)
    assert found[0] == pytest.approx(np.hypot(0.02, 0.005))


def test_what_is_stored_of_tracks_by_hand() -> None:
    two = [
        Track(frames=[0, 2, 3], places=[1.0] * 3, strengths=[5.0, 9.0, 6.0]),
        Track(frames=[1, 2], places=[3.0] * 2, strengths=[8.0, 7.0]),
    ]
    patterns = xr.Dataset(
        {"wavelength": ((), 0.2)},
        coords={"frame": [11, 12, 13, 14], "two_theta": [2.0, 2.5, 3.0, 3.5]},
    )
    measured = tracks._MeasuredTracks(
        tracks=two, places=np.tile([1.0, 2.5], (4, 1)), area=np.ones(1), stderr=np.ones(1), fwhm=0.1
    )
    found = tracks._describe_tracks(measured, patterns, patterns["two_theta"].values)
    np.testing.assert_allclose(found["position"][0], [2.5, 3.25])
    assert found["first_frame"].tolist() == [11, 12] and found["last_frame"].tolist() == [14, 13]
    assert found["best_frame"].tolist() == [13, 12] and found["frames_seen"].tolist() == [3, 2]
    assert found["significance"].tolist() == [9.0, 8.0]
    assert found["two_theta_range"].tolist() == [2.0, 3.5]
    np.testing.assert_allclose(found["d"][0, 0], 0.1 / np.sin(np.radians(1.25)))


def test_usual_intensity_of_refined_phases_by_hand() -> None:
    dims = ("frame", "phase")
    lattice = xr.Dataset(
        {
            "intensity": (dims, [[4.0, 1.0], [6.0, 2.0], [100.0, 3.0], [np.nan, 4.0]]),
            "intensity_stderr": (dims, np.ones((4, 2))),
            "present": (dims, [[1, 0], [1, 0], [0, 0], [1, 0]]),
            "cell": ((*dims, "axis"), np.ones((4, 2, 6))),
        },
        coords={"phase": ["A", "B"]},
    )
    found = tracks._describe_refined_phases(lattice)
    assert found["known_intensity"].tolist() == [5.0, 0.0]
    assert found["known_phase"].tolist() == ["A", "B"]
