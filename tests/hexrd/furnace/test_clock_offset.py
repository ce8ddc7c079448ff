"""The log's clock from the sample's expansion: strains and offsets that are known."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from ssbchar.hexrd.furnace import clock_offset as clock
from ssbchar.hexrd.furnace.clock_offset import ClockOffset, StrainSteps
from ssbchar.hexrd.furnace.log import FurnaceLog

Q = np.linspace(1.0, 6.0, 1200)


def pattern(strain: float, scale: float = 1.0, background: float = 0.0) -> np.ndarray:
    centres = np.array([2.1, 3.4, 4.9]) / (1 + strain)
    lines = np.exp(-(((Q[:, None] - centres) / 0.03) ** 2)).sum(axis=1)
    return scale * 4000 * lines + 400 + background


@pytest.mark.parametrize("strain", [1e-4, -3e-4])
@pytest.mark.parametrize(("scale", "background"), [(1.0, 0.0), (1.1, 50.0)])
def test_the_strain_of_a_step(strain: float, scale: float, background: float) -> None:
    rows = np.stack([pattern(0.0), pattern(strain, scale, background)])
    found = clock.fit_strain_steps(Q, rows, np.sqrt(rows))
    assert found.value.shape == (1,)
    assert found.value[0] == pytest.approx(strain, rel=0.05)


def test_the_error_of_a_strain_is_that_of_counting() -> None:
    rng = np.random.default_rng(0)
    rows = rng.poisson(np.tile(pattern(0.0), (80, 1))).astype(float)
    found = clock.fit_strain_steps(Q, rows, np.sqrt(rows))
    assert np.std(found.value / found.stderr) == pytest.approx(1.0, abs=0.2)
    halved = clock.fit_strain_steps(Q, rows, 2 * np.sqrt(rows))
    np.testing.assert_allclose(halved.stderr, 2 * found.stderr)


def test_empty_patterns_have_no_strain() -> None:
    found = clock.fit_strain_steps(Q, np.zeros((2, Q.size)), np.ones((2, Q.size)))
    assert np.isnan(found.value).all() and np.isnan(found.stderr).all()


LOG_TIME = np.arange(-4000.0, 8000.0, 10.0)


def oven(t: np.ndarray) -> np.ndarray:
    return 25 + np.clip((t - 600) / 12, 0, 150)


def steps_of(
    shift: float, alpha: float = 1e-5, count: int = 120, noise: float = 2e-7
) -> tuple[np.ndarray, StrainSteps]:
    """Strains of a sample whose log must be moved by `shift`."""
    time = 30.0 * np.arange(count)
    strain = alpha * np.diff(oven(time - shift))
    scatter = noise * np.random.default_rng(1).standard_normal(count - 1)
    return time, StrainSteps(value=strain + scatter, stderr=np.full(count - 1, noise))


def fitted(time: np.ndarray, steps: StrainSteps, span: float = 1800.0) -> ClockOffset:
    return clock.fit_clock_offset(
        time, steps, log_time=LOG_TIME, log_temperature=oven(LOG_TIME), span=span
    )


@pytest.mark.parametrize("shift", [0.0, 437.0, -290.0])
def test_a_known_offset(shift: float) -> None:
    found = fitted(*steps_of(shift))
    assert abs(found.value - shift) < 4 * found.stderr and found.stderr < 10
    assert found.is_known


@pytest.mark.parametrize("shift", [1785.0, -1785.0])
def test_an_offset_just_inside_the_span(shift: float) -> None:
    found = fitted(*steps_of(shift))
    assert found.is_known and found.value == pytest.approx(shift, abs=2.0)


@settings(max_examples=10, deadline=None)
@given(st.floats(-200, 200))
def test_moving_the_log_moves_the_offset(shift: float) -> None:
    time, steps = steps_of(100.0)
    plain = fitted(time, steps)
    moved = clock.fit_clock_offset(
        time,
        steps,
        log_time=LOG_TIME + shift,
        log_temperature=oven(LOG_TIME),
        span=1800.0,
    )
    assert moved.value == pytest.approx(plain.value - shift, abs=3.0)


def test_more_noise_makes_a_larger_error() -> None:
    quiet, loud = (fitted(*steps_of(100.0, noise=noise)) for noise in (3e-6, 12e-6))
    assert 2 < loud.stderr / quiet.stderr < 8
    exact = fitted(*steps_of(150.0, noise=1e-9))
    assert exact.stderr == pytest.approx(7.5 / np.sqrt(12))
    assert exact.value == pytest.approx(150.0, abs=0.5)


@pytest.mark.parametrize(
    ("time", "steps"),
    [
        steps_of(100.0, alpha=0.0),
        steps_of(100.0, alpha=-1e-5),
        steps_of(2000.0),
        steps_of(-1800.0),
        steps_of(0.0, count=10),
    ],
    ids=["no expansion", "shrinks", "beyond the span", "at its end", "too few frames"],
)
def test_what_cannot_be_determined(time: np.ndarray, steps: StrainSteps) -> None:
    assert not fitted(time, steps).is_known


def test_a_log_must_have_readings_and_cover_the_frames() -> None:
    time, steps = steps_of(100.0)
    few = slice(None, None, 300)
    assert LOG_TIME[few].size == 4
    assert not clock.fit_clock_offset(
        time, steps, log_time=LOG_TIME[few], log_temperature=oven(LOG_TIME[few]), span=1800.0
    ).is_known
    short = (LOG_TIME > 300) & (LOG_TIME < 2500)
    assert not clock.fit_clock_offset(
        time, steps, log_time=LOG_TIME[short], log_temperature=oven(LOG_TIME[short]), span=1800.0
    ).is_known


def test_steps_without_an_error_do_not_count() -> None:
    time, steps = steps_of(100.0)
    steps.value[5] = np.nan
    steps.stderr[8] = 0.0
    steps.value[8] = 1.0
    assert abs(fitted(time, steps).value - 100.0) < 4 * fitted(time, steps).stderr


def test_averages_by_hand() -> None:
    time = np.array([0.0, 10.0, 20.0, 99.0])
    rows = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [99.0, 99.0]])
    at, mean, error = clock.average_frames(time, rows, np.full((4, 2), 3.0), np.arange(3), 2)
    np.testing.assert_array_equal(at, [5.0, 20.0])
    np.testing.assert_array_equal(mean, [[2.0, 3.0], [5.0, 6.0]])
    np.testing.assert_allclose(error, [[np.sqrt(18) / 2] * 2, [3.0] * 2])


def few_steps(count: int, readings: list[float]) -> ClockOffset:
    """Steps of 300 s, and a log of the corners of the ramp and whatever else is read."""
    time = 300.0 * np.arange(count + 1) + 150
    log_time = np.array(readings)
    steps = StrainSteps(value=1e-5 * np.diff(oven(time)), stderr=np.full(count, 2e-7))
    return clock.fit_clock_offset(
        time, steps, log_time=log_time, log_temperature=oven(log_time), span=600.0
    )


CORNERS = [-4000.0, 600.0, 2400.0, 8000.0]


@pytest.mark.parametrize(("count", "is_known"), [(9, False), (10, True)])
def test_ten_good_steps_are_needed(count: int, is_known: bool) -> None:
    assert few_steps(count, [*CORNERS[:2], 1500.0, *CORNERS[2:]]).is_known is is_known


@pytest.mark.parametrize(
    ("readings", "is_known"), [(CORNERS, False), ([*CORNERS[:2], 1500.0, *CORNERS[2:]], True)]
)
def test_five_readings_are_needed(readings: list[float], is_known: bool) -> None:
    found = few_steps(12, readings)
    assert found.is_known is is_known
    assert not is_known or found.value == pytest.approx(0.0, abs=5.0)


@pytest.mark.parametrize("shift", [153.0, 147.0, -147.5])
def test_an_offset_between_the_shifts_is_that_of_a_parabola(shift: float) -> None:
    """Shifts are 7.5 s apart, a quarter of a frame."""
    found = fitted(*steps_of(shift, noise=1e-9))
    assert found.value == pytest.approx(shift, abs=1.2)


@pytest.mark.parametrize(("frames", "is_known"), [(10, False), (11, True)])
def test_more_than_ten_good_frames_are_compared(
    monkeypatch: pytest.MonkeyPatch, frames: int, is_known: bool
) -> None:
    """The usual time between frames is the median, here 20 s."""
    seen = []

    def fit(time, steps, **log):
        seen.append((time.size, log["log_time"].tolist(), log["log_temperature"].tolist()))
        return ClockOffset(value=5.0, stderr=1.0)

    monkeypatch.setattr(clock, "fit_clock_offset", fit)
    count = frames + 2
    rows = np.tile(pattern(0.0), (count, 1))
    times = 20.0 * np.arange(count)
    times[-2] = np.nan
    patterns = xr.Dataset(
        {
            "intensity": (("frame", "point"), rows),
            "intensity_stderr": (("frame", "point"), np.sqrt(rows)),
            "time": ("frame", times),
            "q": ("point", Q),
            "status": ("frame", np.array(["ok"] * (count - 1) + ["dark"], dtype=object)),
        }
    )
    table = FurnaceLog(
        time=np.array([3.0, 1.0, np.nan, 2.0, 2.0]),
        temperature=np.array([30.0, 10.0, 1.0, 20.0, 99.0]),
        columns=pd.DataFrame(),
    )
    found = clock.measure_clock_offset(patterns, table, 600.0)
    assert found.is_known is is_known
    if is_known:
        assert seen == [(11, [1.0, 2.0, 3.0], [10.0, 20.0, 30.0])]
        assert found == ClockOffset(value=5.0, stderr=1.0, frame_interval=20.0)
    assert not clock.measure_clock_offset(patterns.drop_vars("intensity"), table, 600.0).is_known


def test_at_most_fifteen_hundred_steps_are_compared() -> None:
    count = 3001
    ones = np.ones((count, 1))
    at, _, _ = clock.average_frames(np.arange(float(count)), ones, ones, np.arange(count))
    assert at.size == 1500
    assert at[:2].tolist() == [1.0, 3.5]


@pytest.mark.parametrize(("end", "is_known"), [(3075.0, True), (3060.0, False)])
def test_a_shift_whose_neighbour_is_not_covered_is_no_minimum(end: float, is_known: bool) -> None:
    """Nine in ten of 120 frames end at 3210 s: moved by 150 s the log covers them to the second,
    moved by a quarter of a frame less it does not."""
    time, steps = steps_of(150.0, noise=1e-9)
    known = LOG_TIME <= end
    log_time = np.append(LOG_TIME[known], end)
    log_time = np.unique(log_time)
    found = clock.fit_clock_offset(
        time, steps, log_time=log_time, log_temperature=oven(log_time), span=600.0
    )
    assert np.isfinite(found.value) == np.isfinite(found.stderr) == is_known
