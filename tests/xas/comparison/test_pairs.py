"""What a pair is made of: one origin, one span, shells and maxima found by rule."""

import json

import numpy as np
import pytest
import xarray as xr
from xas.normalisation import test_processing as one_choice

from ssbchar.xas import notes
from ssbchar.xas.comparison import compare
from ssbchar.xas.comparison.compare import Ensemble, Shells
from ssbchar.xas.comparison.options import Comparison
from ssbchar.xas.exafs.options import FourierWindow
from ssbchar.xas.normalisation.options import Normalisation

R = 0.03 * np.arange(201)


def peaks(*places: tuple[float, float]) -> np.ndarray:
    """Return Gaussian peaks of sigma 0.15 angstrom at places of given heights."""
    return sum(h * np.exp(-0.5 * ((R - at) / 0.15) ** 2) for at, h in places)  # type: ignore[return-value]


def found(size: np.ndarray, stderr: float = 1e-6, rbkg: float = 0.9) -> Shells:
    return compare.find_peaks_of_shells(R, size, np.full(R.size, stderr), rbkg)


def test_the_three_first_peaks_are_the_shells() -> None:
    size = peaks((1.5, 1.0), (2.4, 0.8), (3.3, 0.6), (4.2, 0.4))
    shells = found(size)
    assert shells.peaks == pytest.approx([1.5, 2.4, 3.3], abs=0.031)
    assert shells.count == 3
    assert shells.ranges[0] == pytest.approx([1.0, 1.95], abs=0.05)
    assert shells.ranges[1] == pytest.approx([1.95, 2.85], abs=0.05)


def test_a_range_ends_half_an_angstrom_away_at_most() -> None:
    shells = found(peaks((1.5, 1.0), (4.0, 0.8)))
    assert shells.ranges[1] == pytest.approx(shells.peaks[1] + np.array([-0.5, 0.5]))
    lonely = found(peaks((2.0, 1.0)) + 1e-9 * R)
    assert lonely.ranges[0] == pytest.approx([1.5, 2.5], abs=0.02)


def test_peaks_count_from_the_background_on_and_below_5_5_angstrom() -> None:
    """From rbkg + 0.1: a peak at 1.0 counts for rbkg 0.8, for rbkg 0.95 it does not."""
    size = peaks((1.02, 1.0), (2.0, 1.0), (5.7, 1.0))
    assert found(size, rbkg=0.85).peaks == pytest.approx([1.02, 2.0], abs=0.031)
    assert found(size, rbkg=0.95).peaks == pytest.approx([2.0], abs=0.031)
    assert found(peaks((2.0, 1.0), (5.4, 0.5))).peaks == pytest.approx([2.0, 5.4], abs=0.031)


def test_peaks_exceed_five_errors_and_five_percent() -> None:
    assert found(peaks((1.5, 1.0), (3.0, 0.06))).count == 2
    assert found(peaks((1.5, 1.0), (3.0, 0.04))).count == 1
    assert found(peaks((1.5, 1.0), (3.0, 0.5)), stderr=0.099).count == 2
    assert found(peaks((1.5, 1.0), (3.0, 0.5)), stderr=0.101).count == 1


def test_shoulders_are_no_shells() -> None:
    """A peak must stand 3 % of the highest above its flanks."""
    shallow = peaks((1.5, 1.0), (1.86, 0.72))
    deep = peaks((1.5, 1.0), (2.1, 0.72))
    assert found(shallow).count == 1
    assert found(deep).count == 2


def test_maxima_are_sought_in_their_range_ends_included() -> None:
    size = peaks((1.5, 1.0), (2.4, 0.8))
    maxima, places = compare.find_shell_maxima(R, size, np.array([[1.2, 1.8], [1.8, 3.0]]))
    assert maxima == pytest.approx([1.0, 0.8], abs=0.01)
    assert R[places] == pytest.approx([1.5, 2.4])
    one, place = compare.find_shell_maxima(R, R, np.array([[R[10], R[20]]]))
    assert (one[0], place[0]) == (R[20], 20)
    other, place = compare.find_shell_maxima(R, -R, np.array([[R[10], R[20]]]))
    assert (other[0], place[0]) == (-R[10], 10)


def stored(alignment: str = "foil", move: float = 0.0, **options: object) -> xr.Dataset:
    ds = one_choice.stored(Normalisation(**{"core_width": 1.25, **options}))  # type: ignore[arg-type]
    ds["e0"] = ds["e0"] + move
    return ds.assign_attrs(
        alignment=alignment,
        alignment_source=f"{alignment} axis",
        alignment_error=0.02,
        measurement=alignment,
        element="Fe",
        edge="K",
    )


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        ("foil", "foil", True),
        ("project", "project", True),
        ("foil", "project", False),
        ("repeatability", "repeatability", False),
        ("none", "none", False),
    ],
)
def test_one_axis_has_one_origin(first: str, second: str, shared: bool) -> None:
    pair = compare.build_pair(stored(first), stored(second, 1.5))
    assert pair.pristine.e0 == one_choice.E0
    assert pair.cycled.e0 == one_choice.E0 + (0.0 if shared else 1.5)
    assert pair.pristine.span == pair.cycled.span


def test_both_are_normalised_as_the_cycled_one_and_span_the_shorter() -> None:
    cycled = stored(victoreen=3, exafs_free=False, core_width=0.5).isel(energy=slice(0, -4))
    pair = compare.build_pair(stored(), cycled)
    for one in pair:
        assert (one.victoreen, one.exafs_free, one.core_width) == (3, False, 0.5)
        assert one.span == pytest.approx(float(cycled["energy"][-1]) - one_choice.E0)


@pytest.mark.parametrize(
    ("first", "second", "kind", "source"),
    [
        ("foil", "foil", "foil", "foil axis"),
        ("repeatability", "repeatability", "repeatability", "repeatability axis"),
        ("foil", "repeatability", "none", "no foil on both and no stated repeatability"),
        ("none", "none", "none", "no foil on both and no stated repeatability"),
        ("foil", "none", "none", "no foil on both and no stated repeatability"),
        ("project", "project", "none", "project alignment applied"),
        ("foil", "project", "none", "project alignment applied"),
    ],
)
def test_what_a_pairs_axis_rests_on(first: str, second: str, kind: str, source: str) -> None:
    attrs = compare.combine_alignments(stored(first), stored(second))
    assert (attrs["alignment"], attrs["alignment_source"]) == (kind, source)
    assert (attrs["element"], attrs["edge"], attrs["set_aside"]) == ("Fe", "K", "[]")
    bare = compare.combine_alignments(xr.Dataset(), xr.Dataset())
    assert bare["alignment"] == "none"


def test_the_pristines_notes_go_with_the_pair() -> None:
    note = notes.make_doubt("0.dat", "thick")
    pristine = stored().assign_attrs(notes=json.dumps([note]))
    attrs = compare.combine_alignments(pristine, stored())
    assert json.loads(str(attrs["notes"]))[0]["where"] == "0.dat (foil)"


def test_ratios_and_their_noise_by_hand() -> None:
    """Amplitudes 2 and 1 with errors 0.2 and 0.3: ratio 1/2, error hypot(0.3, 0.5 0.2)/2."""
    ensemble = Ensemble.empty(1, 1)
    ensemble.amplitude[0, 0], ensemble.amplitude_noise[0, 0] = (2.0, 1.0), (0.2, 0.3)
    ensemble.half_step[0], ensemble.white_line[0] = (7120.0, 7119.5), (1.5, 1.7)
    values = compare._compare_ensemble(ensemble, 1)
    assert values["ratio"] == pytest.approx(0.5)
    single = compare._propagate_ratio_errors(ensemble, [np.ones((1, 1)), np.ones((1, 1))])
    assert single["ratio_stderr"] == pytest.approx(np.hypot(0.3, 0.1) / 2)
    assert single["ratio_dof"].tolist() == [4.0]
    # Amplitudes of e^-1, 1 and e times one: a relative scatter of one, its mean's 1/sqrt(3).
    repeats = [np.exp([[-1.0], [0.0], [1.0]]), np.exp([[-1.0], [0.0], [1.0]])]
    scattered = compare._propagate_ratio_errors(ensemble, repeats)
    assert scattered["ratio_dof"] == pytest.approx(4.0 + 8.0 / 18.52, abs=1e-3)
    # In units of noise, 0.1 and 0.3, the second part's share is the larger by its own.
    factor = (1 / (3 * 0.01) + 1 / (3 * 0.09)) / 2
    expected = 0.5 * np.sqrt(max(1 / 3, 0.01 * factor) + max(1 / 3, 0.09 * factor))
    assert scattered["ratio_stderr"] == pytest.approx(expected)
    assert values["edge_shift"] == pytest.approx(-0.5)
    assert values["white_line_change"] == pytest.approx(0.2)
    assert values["white_line_before"] == 1.5
    assert values["amplitude"].attrs["units"] == "angstrom^-2"


@pytest.fixture(scope="module")
def same() -> xr.Dataset:
    return compare.compare_pair(stored(), stored(), Comparison(choices=7))


def test_a_spectrum_against_itself_has_not_changed(same: xr.Dataset) -> None:
    assert np.array_equal(same["ratio"], np.ones(same["ratio"].shape))
    assert not same["edge_shift"].values.any()
    assert not same["white_line_change"].values.any()
    assert same.sizes["choice"] == 8
    recorded = [0.0078475, 0.018004]
    assert same["ratio_stderr"].values == pytest.approx(recorded, rel=1e-3), "as recorded"


def test_noise_is_propagated_for_the_nominal_and_five_drawn_choices() -> None:
    from ssbchar.xas.normalisation.processing_choices import draw_choices

    pair = compare.build_pair(stored(), stored())
    choices = draw_choices([p.energy for p in pair], [p.e0 for p in pair], Comparison(choices=7))
    shells = compare.find_shells(pair.pristine, choices[0], Comparison())
    made = compare.process_pair(pair, choices, shells, has_exafs=True, kweight=1)
    known = np.isfinite(made.amplitude_noise).all(axis=(1, 2))
    assert known.tolist() == [True] * 6 + [False] * 2
    assert np.isfinite(made.half_step_noise[:, 0]).tolist() == known.tolist()
    assert np.isfinite(made.amplitude).all()


def test_configured_shells_and_window_are_taken() -> None:
    options = Comparison(choices=0, shells=((1.2, 1.9),), kweight=2)
    ds = compare.compare_pair(stored(), stored(), options, window=FourierWindow(kmax=11.0))
    assert (float(ds["r_low"][0]), float(ds["r_high"][0])) == (1.2, 1.9)
    assert 1.2 <= float(ds["r_peak"][0]) <= 1.9
    assert float(ds["kmax"][0]) == 11.0
    assert ds["amplitude"].attrs["units"] == "angstrom^-3"
    assert int(ds["kweight"]) == 2


def test_pairs_that_end_early_are_compared_in_xanes_only() -> None:
    reach = compare.build_pair(stored(), stored()).cycled.reach
    for least, shells in ((reach - 1e-9, True), (reach + 1e-9, False)):
        ds = compare.compare_pair(stored(), stored(), Comparison(choices=0, min_k=float(least)))
        assert bool(ds.sizes["shell"]) is shells
        assert float(ds["white_line_before"]) > 1


def test_a_peak_exactly_at_an_end_of_the_range_is_no_shell() -> None:
    """On a grid of quarters: rbkg + 0.1 and 5.5 angstrom themselves do not count."""
    r = 0.25 * np.arange(33)
    size = np.zeros(33)
    size[[4, 10, 22]] = [0.9, 1.0, 0.8]
    shells = compare.find_peaks_of_shells(r, size, np.full(33, 1e-6), 0.9)
    assert shells.peaks.tolist() == [2.5]
    size[[5, 21]] = size[[4, 22]]
    size[[4, 22]] = 0.0
    shells = compare.find_peaks_of_shells(r, size, np.full(33, 1e-6), 0.9)
    assert shells.peaks.tolist() == [1.25, 2.5, 5.25]


def test_a_peak_exactly_five_errors_high_is_no_shell() -> None:
    r, size = 0.25 * np.arange(33), np.zeros(33)
    size[[8, 14]] = [1.0, 0.625]
    for stderr, count in ((0.125, 1), (0.124, 2)):
        found = compare.find_peaks_of_shells(r, size, np.full(33, stderr), 0.9)
        assert found.count == count


@pytest.mark.parametrize(("height", "count"), [(0.051, 2), (0.05, 1), (0.049, 1)])
def test_a_peak_is_above_a_twentieth_of_the_highest(height: float, count: int) -> None:
    r, size = 0.25 * np.arange(33), np.zeros(33)
    size[[8, 14]] = [1.0, height]
    assert compare.find_peaks_of_shells(r, size, np.zeros(33), 0.9).count == count


@pytest.mark.parametrize(("rise", "count"), [(0.031, 2), (0.029, 1)])
def test_a_peak_stands_three_percent_above_its_flanks(rise: float, count: int) -> None:
    r = 0.25 * np.arange(33)
    size = np.interp(r, [0.0, 2.0, 3.0, 3.25, 6.0], [0.0, 1.0, 0.5, 0.5 + rise, 0.0])
    assert compare.find_peaks_of_shells(r, size, np.zeros(33), 0.9).count == count


def test_a_range_without_a_neighbouring_minimum_is_that_of_the_data() -> None:
    """The first and the last point bound it where they are nearer than half an angstrom."""
    r = 1.25 + 0.25 * np.arange(8)
    size = np.array([0.5, 1.0, 0.8, 0.5, 0.3, 0.6, 0.9, 0.4])
    shells = compare.find_peaks_of_shells(r, size, np.zeros(8), 0.9)
    assert shells.peaks.tolist() == [1.5, 2.75]
    assert shells.ranges.tolist() == [[1.25, 2.0], [2.25, 3.0]]


def test_an_end_of_a_range_that_rounds_off_a_point_holds_it() -> None:
    r = 0.1 * np.arange(40)
    maxima, places = compare.find_shell_maxima(r, r, np.array([[0.3, r[17] - 5e-10]]))
    assert (maxima[0], places[0]) == (r[17], 17)
    _, places = compare.find_shell_maxima(r, -r, np.array([[r[6] + 5e-10, 2.0]]))
    assert places[0] == 6
    _, places = compare.find_shell_maxima(r, -r, np.array([[r[6] + 1.1e-9, 2.0]]))
    assert places[0] == 7
    _, places = compare.find_shell_maxima(r, r, np.array([[0.3, r[17] - 1.1e-9]]))
    assert places[0] == 16


@pytest.mark.parametrize(("rbkg", "counts"), [(1.14, True), (1.15, False), (1.16, False)])
def test_a_tenth_of_an_angstrom_beyond_the_background_a_peak_counts(rbkg, counts: bool) -> None:
    r, size = 0.25 * np.arange(33), np.zeros(33)
    size[[5, 10]] = [0.9, 1.0]
    shells = compare.find_peaks_of_shells(r, size, np.zeros(33), rbkg)
    assert (1.25 in shells.peaks) is counts
