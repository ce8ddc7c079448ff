"""Onset and end: truth inside honest limits on heating and cooling; limits and verdicts where there
is no change."""

from dataclasses import replace

import numpy as np
import pytest
from hexrd.made_lattice import MadePhase, made

from ssbchar.conclusion import Conclusion
from ssbchar.hexrd.furnace.segments import Segment, SegmentKind, split_segments
from ssbchar.hexrd.onset import change_point, find
from ssbchar.hexrd.onset.options import Onset


def one(
    rows: list[Conclusion], quantity: str, condition: str = "heating", phase: str = "A"
) -> Conclusion:
    found = [
        r for r in rows if (r.quantity, r.condition, r.subject) == (quantity, condition, phase)
    ]
    assert len(found) == 1, rows
    return found[0]


def pulls(seeds: int, bend: float, **kind: float) -> np.ndarray:
    out = []
    for seed in range(seeds):
        growing = MadePhase(name="A", onset=600.0, complete=800.0, bend=bend)
        fading = MadePhase(name="B", begin=600.0, end=760.0, bend=bend)
        rows = find.find_onsets(*made([growing, fading], seed=seed, **kind), Onset())
        start, end = one(rows, "onset_temperature"), one(rows, "end_temperature", phase="B")
        out.append([(start.value - 600) / start.stderr, (end.value - 760) / end.stderr])
    return np.array(out)


def judge(pull: np.ndarray) -> None:
    assert np.all(np.abs(pull.mean(axis=0)) < 0.3), pull.mean(axis=0)
    assert np.all((pull.std(axis=0) > 0.7) & (pull.std(axis=0) < 1.4)), pull.std(axis=0)


def test_pulls() -> None:
    judge(pulls(40, 1.3))


@pytest.mark.slow
@pytest.mark.parametrize("bend", [1.0, 1.3, 2.0])
@pytest.mark.parametrize("noise", [0.3, 1.0])
def test_pulls_of_a_hundred_seeds(bend: float, noise: float) -> None:
    judge(pulls(100, bend, noise=noise))


@pytest.mark.slow
@pytest.mark.parametrize(
    "heating",
    [
        pytest.param(
            30,
            marks=pytest.mark.xfail(
                reason="26 K per frame: the end comes out 0.4 sigma early", strict=True
            ),
        ),
        400,
    ],
)
def test_pulls_with_few_and_with_many_frames(heating: int) -> None:
    judge(pulls(100, 1.3, heating=heating))


def test_cooling_runs_the_other_way() -> None:
    """A phase that leaves on cooling and one that comes: conditions and limits are those of
    cooling."""
    lattice, furnace = made([MadePhase(), MadePhase(name="B")], seed=3, cooling=60)
    t = furnace.temperature.values
    down = furnace.segment.values == "cooling"
    rng = np.random.default_rng(1)
    share = np.where(down, np.clip((t - 300) / 200, 0, 1), 1.0)
    size = np.stack([100 * share, 100 * (1 - share)], axis=1)
    sigma = np.sqrt(1 + 0.01 * size)
    size = size + sigma * rng.standard_normal(size.shape)
    dims = ("frame", "phase")
    lattice = lattice.assign(
        intensity=(dims, size),
        intensity_stderr=(dims, sigma),
        significance=(dims, size / sigma),
        present=(dims, (size > 5 * sigma).astype(int)),
    )
    rows = find.find_onsets(lattice, furnace, Onset())
    left, came = (
        one(rows, "end_temperature", "cooling"),
        one(rows, "onset_temperature", "cooling", "B"),
    )
    assert abs(left.value - 300) < 4 * left.stderr and abs(came.value - 500) < 4 * came.stderr
    assert left.lower95 < 300 < left.upper95 and came.lower95 < 500 < came.upper95


def test_verdicts_where_nothing_changes() -> None:
    lattice, furnace = made([MadePhase(), MadePhase(name="B", amount=0.0)])
    rows = find.find_onsets(lattice, furnace, Onset())
    there, still = one(rows, "onset_temperature"), one(rows, "end_temperature")
    assert there.verdict == "present_from_start" and there.value is None and 25 < there.upper95 < 45
    assert still.verdict == "still_present" and still.lower95 > 780 and still.upper95 is None
    never = one(rows, "onset_temperature", phase="B")
    assert never.verdict == "not_seen" and "% of the strongest phase (95 %)" in never.reason
    cold = one(rows, "onset_temperature", "cooling")
    assert cold.lower95 is not None and cold.upper95 is None


def test_systematic_and_rate_are_in_the_row() -> None:
    rows = find.find_onsets(*made([MadePhase(onset=600.0)], systematic=3.0), Onset())
    start = one(rows, "onset_temperature")
    assert start.systematic > 3.0 and start.upper95 - start.lower95 > 2 * 1.96 * 3.0
    assert "one frame spans 12.5 K at 5 K/min" in start.reason and "seen in frame" in start.reason


def test_on_a_hold_frames_are_given_and_no_temperature() -> None:
    lattice, furnace = made([MadePhase()], hold=60)
    n = lattice.sizes["frame"]
    first = int(np.flatnonzero(furnace.temperature.values > 790)[8])
    size = 100 * np.clip((np.arange(n) - first) / 20, 0, 1)[:, None]
    size = size + np.random.default_rng(0).standard_normal(size.shape)
    dims = ("frame", "phase")
    lattice = lattice.assign(
        intensity=(dims, size),
        intensity_stderr=(dims, np.ones_like(size)),
        significance=(dims, size),
        present=(dims, (size > 5).astype(int)),
    )
    rows = find.find_onsets(lattice, furnace, Onset())
    start = one(rows, "onset_frame", "hold 2")
    assert start.unit == "1" and abs(start.value - (first + 1)) < 4 * start.stderr
    assert not [r for r in rows if r.condition == "hold 2" and "temperature" in r.quantity]


def test_a_jump_between_two_frames_is_a_bracket() -> None:
    lattice, furnace = made([MadePhase(onset=500.0, complete=500.5)], temperature_stderr=0.01)
    start = one(find.find_onsets(lattice, furnace, Onset()), "onset_temperature")
    assert start.method.startswith("between two frames")
    assert start.lower95 < 500 < start.upper95 and 3 < start.stderr < 4


def test_a_lonely_frame_is_no_phase() -> None:
    lattice, furnace = made([MadePhase(amount=0.0)])
    significance, present = lattice.significance.values.copy(), lattice.present.values.copy()
    significance[30], present[30] = 9.0, 1
    found = lattice.assign(
        significance=(lattice.significance.dims, significance),
        present=(lattice.present.dims, present),
    )
    assert one(find.find_onsets(found, furnace, Onset()), "onset_temperature").verdict == "not_seen"


@pytest.mark.parametrize("shape", ["line", "saturating", "square"])
def test_shapes_of_growth(shape: str) -> None:
    grow = {
        "line": lambda x: x,
        "saturating": lambda x: 1 - np.exp(-4 * x),
        "square": lambda x: x**2,
    }[shape]
    rng, u, covered = np.random.default_rng(7), np.linspace(400, 800, 60), 0
    for _ in range(20):
        y = 100 * grow(np.clip((u - 602) / 190, 0, None))
        stop = int(np.argmax(y > 60)) + 1
        seen = y + rng.standard_normal(60)
        latest = u[np.flatnonzero((seen > 5) & (np.roll(seen, -1) > 5))[0]]
        found = change_point.find_change_point(
            u[:stop], np.full(stop, 0.3), seen[:stop], np.ones(stop), latest
        )
        covered += found.lower95 < 602 < found.upper95
    assert covered >= 16


FLAT = find.PhaseOnSegment(
    segment=Segment(name="heating", kind=SegmentKind.HEATING, frames=np.arange(6)),
    number=np.arange(11, 17),
    temperature=np.array([100.0, 110.0, 120.0, 130.0, 140.0, 150.0]),
    temperature_stderr=np.full(6, 3.0),
    temperature_systematic=np.full(6, 4.0),
    rate=np.full(6, 5.0),
    intensity=np.array([0.0, 0.5, 0.0, 10.0, 12.0, 11.0]),
    stderr=np.ones(6),
    significance=np.array([0.0, 0.5, 0.0, 10.0, 12.0, 11.0]),
    seen=np.array([False, False, False, True, True, True]),
)
COOLING = Segment(name="cooling", kind=SegmentKind.COOLING, frames=np.arange(6))
HOLD = Segment(name="hold", kind=SegmentKind.HOLD, frames=np.arange(6))


def rise(phase: find.PhaseOnSegment, backward: bool = False, begin: int = 3) -> find._Rise:
    order = np.arange(phase.seen.size)[:: -1 if backward else 1]
    return find._Rise(phase=phase, backward=backward, order=order, begin=begin)


def test_a_jump_by_hand() -> None:
    """Between 120 and 130 degC: 125 +- 10 / sqrt(12), 95 % within 4.75 K, with 1.96 x 4 K of the
    thermocouple."""
    start = find._conclude_change(rise(FLAT), 120.0, Onset())
    assert start.method == find.METHOD_OF_JUMP and start.verdict == "ok"
    assert (start.quantity, start.unit) == ("onset_temperature", "degC")
    assert start.value == 125.0 and start.stderr == pytest.approx(10 / 12**0.5)
    half = (4.75**2 + (1.96 * 4) ** 2) ** 0.5
    assert (start.lower95, start.upper95) == pytest.approx((125 - half, 125 + half))
    assert start.systematic == 4.0
    assert "one frame spans 10.0 K at 5 K/min" in start.reason
    assert "seen in frame 14 (130 degC, 10 sigma), not in frame 13" in start.reason
    assert "times the stated errors" not in start.reason


@pytest.mark.parametrize(
    ("intensity", "is_jump"),
    [
        ([0, 0, 0, 10, 12, 11], True),
        ([0, 0, 0, 6, 10, 9], False),  # 0.6 of the largest of four is not above it
        ([0, 0, 0, 6.1, 10, 9], True),
        ([0, 0, 1, 10, 8, 8], False),  # a tenth of it in the frame before
        ([0, 0, 0.94, 10, 8, 8], True),
        ([0, 0, 0.96, 10, 8, 8], False),  # with its error of 0.05
    ],
)
def test_what_counts_as_a_jump(intensity: list[float], is_jump: bool) -> None:
    phase = replace(FLAT, intensity=np.array(intensity, float), stderr=np.full(6, 0.05))
    _, method = find._locate_change(rise(phase), phase.temperature, Onset())
    assert (method == find.METHOD_OF_JUMP) is is_jump


def test_a_weak_phase_in_dense_frames_has_not_jumped() -> None:
    """Five standard errors where the next frames are by chance no stronger: it may have grown for
    long."""
    y = np.array([0.3, -0.4, 0.2, 5.2, 5.6, 5.1, 7.0, 9.0, 11.0, 13.0, 15.0, 17.0])
    t = 600 + 2 * np.arange(float(y.size))
    phase = replace(
        FLAT,
        intensity=y,
        stderr=np.ones(y.size),
        temperature=t,
        temperature_stderr=np.full(y.size, 0.3),
        seen=y > 5,
    )
    assert find._locate_change(rise(phase), t, Onset())[1] != find.METHOD_OF_JUMP


def test_only_the_next_frames_tell_the_full_intensity() -> None:
    """A phase that goes on growing after four frames has still jumped."""
    y = np.array([0, 0, 0, 10, 12, 11, 11, 40])
    phase = replace(
        FLAT,
        intensity=y.astype(float),
        stderr=np.ones(8),
        temperature=np.arange(8.0),
        seen=np.arange(8) > 2,
    )
    assert find._locate_change(rise(phase), phase.temperature, Onset())[1] == find.METHOD_OF_JUMP


@pytest.mark.parametrize(
    ("segment", "backward", "lower", "upper", "verdict"),
    [
        (FLAT.segment, False, None, 109.8, "present_from_start"),
        (FLAT.segment, True, 140.2, None, "still_present"),
        (COOLING, False, 90.2, None, "present_from_start"),
        (COOLING, True, None, 159.8, "still_present"),
    ],
)
def test_limits_of_a_phase_at_the_segments_end_by_hand(
    segment: Segment, backward: bool, lower: float | None, upper: float | None, verdict: str
) -> None:
    """1.96 hypot(3, 4) = 9.8 K beyond the first (100 degC) or last (150 degC) frame."""
    row = find._conclude_one_sided(rise(replace(FLAT, segment=segment), backward, 0))
    assert (row.value, row.verdict, row.unit) == (None, verdict, "degC")
    assert row.quantity == ("end_temperature" if backward else "onset_temperature")
    assert row.lower95 == (None if lower is None else pytest.approx(lower))
    assert row.upper95 == (None if upper is None else pytest.approx(upper))


def test_a_change_at_the_segments_end_has_one_limit() -> None:
    lattice, furnace = made([MadePhase(onset=40.0, complete=400.0)], noise=5.0)
    start = one(find.find_onsets(lattice, furnace, Onset()), "onset_temperature")
    assert start.verdict == "one_sided" and start.value is None and start.stderr is None
    assert start.lower95 is None and start.upper95 is not None and 40 < start.upper95 < 200
    assert start.reason.startswith("the change reaches the segment's end; seen in frame")


def test_runs_shorter_than_asked_do_not_count() -> None:
    seen = np.array([True, False, True, True, False, True, True, True])
    kept = find._drop_short_runs(seen, 3)
    np.testing.assert_array_equal(kept, np.arange(8) > 4)
    np.testing.assert_array_equal(find._drop_short_runs(seen, 1), seen)
    assert find._drop_short_runs(np.ones(3, bool), 9).all()  # no more frames to be had


def test_growth_ends_at_its_share_of_the_maximum() -> None:
    """Begins at 30, reaches 0.6 of 40 at the 24th frame after it: 24 frames, and 48 > 30 before."""
    y = np.concatenate([np.zeros(60), np.arange(1.0, 41.0)])
    growth = find._select_growth(y, 60, 0.6)
    # the median of five reaches 0.6 x 40 = 24 where the ramp does (and 39, the largest, at its end)
    assert (growth[0], growth[-1]) == (60 - 2 * 24, 60 + 23)
    short = find._select_growth(y, 60, 0.01)
    assert (short[0], short[-1]) == (60 - 20, 64)
    assert find._select_growth(y[50:], 10, 0.6)[0] == 0


def test_frames_left_out_by_the_refinement_count_as_zero() -> None:
    lattice, furnace = made([MadePhase(onset=600.0)])
    values = lattice.intensity.values.copy()
    values[8] = np.nan
    lattice = lattice.assign(intensity=(lattice.intensity.dims, values))
    segment = split_segments(furnace.segment.values)[1]
    phase = find._select_phase(lattice, furnace, 0, segment, Onset())
    assert phase is not None
    place = list(segment.frames).index(8)
    limit = float(lattice.intensity_upper95.values[8, 0])
    assert phase.intensity[place] == 0.0
    assert phase.stderr[place] == pytest.approx(limit / 1.6448536269514722)
    assert np.all(phase.stderr > 0) and phase.number[place] == 9


def test_unusable_frames_and_short_segments() -> None:
    lattice, furnace = made([MadePhase()])
    temperature = furnace.temperature.values.copy()
    segment = split_segments(furnace.segment.values)[1]
    temperature[segment.frames[3:]] = np.nan
    furnace = furnace.assign(temperature=("frame", temperature))
    phase = find._select_phase(lattice, furnace, 0, segment, Onset())
    assert phase is not None and phase.temperature.size == 3
    temperature[segment.frames[2]] = np.nan
    furnace = furnace.assign(temperature=("frame", temperature))
    assert find._select_phase(lattice, furnace, 0, segment, Onset()) is None


def test_a_phase_that_is_not_seen_by_hand() -> None:
    """The largest upper limit, 0.5 + 1.645, of a strongest intensity of 100; none on a hold."""
    phase = replace(FLAT, intensity=np.array([-3.0, 0.5, 0, 0, 0, 0]), seen=np.zeros(6, bool))
    row = find._conclude_not_seen(phase, 100.0)[0]
    assert row.verdict == "not_seen" and "below 2.1 % of the strongest" in row.reason
    assert "between 100 and 150 degC" in row.reason
    assert "without a limit" in find._conclude_not_seen(phase, 0.0)[0].reason
    assert find._conclude_not_seen(replace(phase, segment=HOLD), 100.0) == []


def test_gaps_are_named_at_the_onset_only() -> None:
    seen = np.array([False, True, False, False, True, True])
    phase = replace(FLAT, seen=seen)
    assert "not seen in 2 frames in between" in find._describe_frames(rise(phase, begin=1))
    assert "in between" not in find._describe_frames(rise(phase, True, 0))


def test_the_last_gap_is_counted_too() -> None:
    seen = np.array([False, True, False, True, False, False])
    phase = replace(FLAT, seen=seen)
    assert "not seen in 1 frames in between" in find._describe_frames(rise(phase, begin=1))


def test_an_intensity_without_an_error_counts_as_left_out() -> None:
    """Zero with the error that the upper limit stands for."""
    lattice, furnace = made([MadePhase()])
    stderr = lattice.intensity_stderr.values.copy()
    stderr[8] = 0.0
    lattice = lattice.assign(intensity_stderr=(lattice.intensity_stderr.dims, stderr))
    segment = split_segments(furnace.segment.values)[1]
    phase = find._select_phase(lattice, furnace, 0, segment, Onset())
    assert phase is not None
    place = list(phase.number).index(9)
    limit = float(lattice.intensity_upper95.values[8, 0])
    assert phase.intensity[place] == 0.0
    assert phase.stderr[place] == pytest.approx(limit / 1.6448536269514722)


def test_a_frame_without_any_error_is_not_usable() -> None:
    lattice, furnace = made([MadePhase()])
    stderr, upper = (lattice[n].values.copy() for n in ("intensity_stderr", "intensity_upper95"))
    stderr[8] = upper[8] = 0.0
    dims = lattice.intensity_stderr.dims
    lattice = lattice.assign(intensity_stderr=(dims, stderr), intensity_upper95=(dims, upper))
    segment = split_segments(furnace.segment.values)[1]
    phase = find._select_phase(lattice, furnace, 0, segment, Onset())
    assert phase is not None and 9 not in phase.number


@pytest.mark.parametrize(("inflation", "named"), [(1.5, False), (1.51, True)])
def test_scatter_beyond_half_of_the_errors_is_named(
    monkeypatch: pytest.MonkeyPatch, inflation: float, named: bool
) -> None:
    made_point = replace(find._bracket_jump(120.0, 130.0), inflation=inflation)
    monkeypatch.setattr(find, "_locate_change", lambda *a: (made_point, "m"))
    reason = find._conclude_change(rise(FLAT), np.nan, Onset()).reason
    assert ("times the stated errors" in reason) is named
    assert "one frame spans" not in reason


def test_an_end_is_where_the_last_frame_shows_the_phase() -> None:
    """Backwards, the jump lies between the fourth and the third frame of six."""
    phase = replace(FLAT, intensity=FLAT.intensity[::-1].copy(), seen=FLAT.seen[::-1].copy())
    end = find._conclude_change(rise(phase, backward=True), np.nan, Onset())
    assert (end.quantity, end.value) == ("end_temperature", 125.0)
    assert end.lower95 < 125.0 < end.upper95
    cooling = replace(phase, segment=COOLING, temperature=FLAT.temperature[::-1].copy())
    end = find._conclude_change(rise(cooling, backward=True), np.nan, Onset())
    assert end.value == 125.0


def test_a_fit_at_the_edge_takes_all_frames_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """The flat part that was cut off is taken where the change reaches its beginning."""
    asked = []

    def fit(rising, u, growth):
        asked.append((int(growth[0]), int(growth[-1])))
        return replace(find._bracket_jump(0.0, 1.0), at_edge=len(asked) == 1)

    monkeypatch.setattr(find, "_fit_growth", fit)
    count = 80
    y = np.concatenate([np.zeros(60), np.arange(1.0, 21.0)])
    phase = replace(
        FLAT,
        intensity=y,
        stderr=np.ones(count),
        seen=y > 0,
        temperature=np.arange(float(count)),
    )
    found, _ = find._locate_change(rise(phase, begin=60), phase.temperature, Onset())
    assert asked[1] == (0, asked[0][1]) and asked[0][0] > 0
    assert not found.at_edge


def test_the_law_of_the_growth_is_in_the_systematic_by_hand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """4 K of the thermocouple and 3 K of the law: 5 K; on a hold the law alone."""
    point = replace(find._bracket_jump(120.0, 130.0), law=3.0)
    monkeypatch.setattr(find, "_locate_change", lambda *a: (point, "m"))
    start = find._conclude_change(rise(FLAT), np.nan, Onset())
    assert start.systematic == pytest.approx(5.0)
    half = (4.75**2 + (1.96 * 5) ** 2) ** 0.5
    assert (start.lower95, start.upper95) == pytest.approx((125 - half, 125 + half))
    assert "leaves 3.0 K open" in start.reason
    held = find._conclude_change(rise(replace(FLAT, segment=HOLD)), np.nan, Onset())
    assert held.systematic == 3.0 and "leaves 3.0 frames open" in held.reason
    monkeypatch.setattr(find, "_locate_change", lambda *a: (replace(point, law=2.0), "m"))
    assert "open" not in find._conclude_change(rise(FLAT), np.nan, Onset()).reason


@pytest.mark.parametrize(("backward", "is_upper"), [(False, True), (True, False)])
def test_a_single_limit_holds_the_systematic_too(
    monkeypatch: pytest.MonkeyPatch, backward: bool, is_upper: bool
) -> None:
    """1.96 x 5 K beyond the 97.5 % quantile, of 4 K of the thermocouple and 3 K of the law."""
    bracket = find._bracket_jump(*((-130.0, -120.0) if backward else (120.0, 130.0)))
    point = replace(bracket, law=3.0, at_edge=True)
    monkeypatch.setattr(find, "_locate_change", lambda *a: (point, "m"))
    row = find._conclude_change(rise(FLAT, backward), np.nan, Onset())
    assert row.verdict == "one_sided" and row.value is None
    limit = 129.75 + 1.96 * 5 if is_upper else 120.25 - 1.96 * 5
    assert (row.upper95 if is_upper else row.lower95) == pytest.approx(limit)
    assert (row.lower95 if is_upper else row.upper95) is None


def fading(wild: float = 1.0) -> find.PhaseOnSegment:
    """A phase on a plateau that thermal motion bends, gone linearly between 560 and 770 degC; one
    frame of it, at 585 degC, has lost beam."""
    t = np.append(np.arange(25.0, 800.0, 20.0), 800.0)
    size = 2500 * (1 - 5e-4 * (t - 25)) * np.clip((770 - t) / 210, 0, 1)
    error = np.hypot(4.0, 0.01 * size)
    y = size + error * np.random.default_rng(5).standard_normal(t.size)
    y[t == 585.0] *= wild
    return find.PhaseOnSegment(
        segment=FLAT.segment,
        number=np.arange(t.size),
        temperature=t,
        temperature_stderr=np.full(t.size, 0.3),
        temperature_systematic=np.zeros(t.size),
        rate=np.full(t.size, 10.0),
        intensity=y,
        stderr=error,
        significance=y / error,
        seen=y > 5 * error,
    )


@pytest.mark.parametrize("wild", [1.0, 0.6])
def test_what_happens_far_above_does_not_spoil_an_end(wild: float) -> None:
    phase = fading(wild)
    begin = int(np.argmax(phase.seen[::-1]))
    end = find._conclude_change(rise(phase, True, begin), np.nan, Onset())
    assert end.verdict == "ok" and end.stderr < 3
    assert end.lower95 < 770 < end.upper95
    assert abs(end.value - 770) < 3 * np.hypot(end.stderr, end.systematic)


@pytest.mark.parametrize(
    ("scatter", "share"),
    [
        ({0.6: 1.5}, 0.6),
        ({0.6: 1.6, 0.3: 1.5}, 0.3),
        ({0.6: 1.6, 0.3: 1.6, 0.15: 1.0}, 0.15),
        ({0.6: 1.6, 0.3: 1.7, 0.15: 1.8}, 0.6),
    ],
)
def test_less_of_the_growth_is_modelled_where_all_of_it_scatters(
    monkeypatch: pytest.MonkeyPatch, scatter: dict[float, float], share: float
) -> None:
    """The first part that agrees with its errors; all of it where none does."""

    def fit(_: object, u: object, part: float) -> change_point.ChangePoint:
        place = find._bracket_jump(part, part)
        return replace(place, inflation=scatter[round(part, 6)])

    monkeypatch.setattr(find, "_fit_growth_up_to", fit)
    phase = replace(FLAT, intensity=np.array([0, 0, 0, 4.0, 8, 12]))
    found, method = find._locate_change(rise(phase), phase.temperature, Onset())
    assert found.value == pytest.approx(share)
    assert (f"up to {share} of the largest" in method) is (share != 0.6)
