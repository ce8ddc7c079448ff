"""Temperatures joined to frames: by time, by file name, from headers; what the log must say, and
what is refused."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from ssbchar.errors import BadInput
from ssbchar.hexrd.furnace import clock_offset as clock
from ssbchar.hexrd.furnace import join as furnace
from ssbchar.hexrd.furnace.interpolation import LogReadings
from ssbchar.hexrd.furnace.log import FurnaceLog
from ssbchar.hexrd.furnace.options import Furnace

START = datetime(2021, 3, 1, 10, tzinfo=UTC).timestamp()


def frames(
    count: int = 60, every: float = 60.0, start: float = START, header: float = np.nan
) -> xr.Dataset:
    """A series without patterns: what `join` looks at."""
    return xr.Dataset(
        {
            "time": ("frame", start + every * np.arange(count)),
            "temperature_header": ("frame", np.full(count, header) + np.arange(count)),
            "source_file": (
                "frame",
                np.array([f"f_{n:04d}.xye" for n in range(1, count + 1)], dtype=object),
            ),
        },
        coords={"frame": np.arange(1, count + 1)},
    )


def ramp(t: np.ndarray) -> np.ndarray:
    """25 degC, then 5 K/min from the 10th to the 40th minute, then hold."""
    return 25 + 5 * np.clip((t - START) / 60 - 10, 0, 30)


def log(
    path: Path, zone: str = "+00:00", shift: float = 0.0, every: float = 10.0, **columns: object
) -> Path:
    t = START - 600 + every * np.arange(int(5400 / every))
    stamp = [
        datetime.fromtimestamp(v + shift, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + zone for v in t
    ]
    table = pd.DataFrame({"time": stamp, "temperature_C": np.round(ramp(t), 2), **columns})
    table.to_csv(path, index=False)
    return path


def join(path: Path | None, patterns: xr.Dataset | None = None, **options: object) -> xr.Dataset:
    return furnace.join_temperatures(
        frames() if patterns is None else patterns, path, Furnace(**options)
    )  # type: ignore[arg-type]


def told(ds: xr.Dataset) -> list[dict[str, str]]:
    return json.loads(ds.attrs.get("set_aside", "[]"))


def test_join_by_time(tmp_path: Path) -> None:
    ds = join(log(tmp_path / "log.csv"))
    np.testing.assert_allclose(ds.temperature, ramp(frames().time.values), atol=0.05)
    assert set(ds.status.values) == {"ok"} and ds.attrs["joined_by"] == "time"
    assert {n: v.dims for n, v in ds.data_vars.items()} == dict.fromkeys(ds.data_vars, ("frame",))
    assert set(ds.data_vars) == {
        "temperature",
        "temperature_stderr",
        "temperature_systematic",
        "rate",
        "time",
        "segment",
        "status",
    }
    assert (
        ds.segment.values[5] == "hold"
        and ds.segment.values[25] == "heating"
        and ds.segment.values[55] == "hold"
    )
    np.testing.assert_allclose(ds.rate.values[20:30], 5.0, atol=0.1)


def test_resolution_tolerance_and_clock_make_the_errors(tmp_path: Path) -> None:
    ds = join(log(tmp_path / "log.csv"), clock_offset_stderr=60.0)
    assert 0.001 < float(ds.temperature_stderr[25]) < 0.1
    warm = float(ds.temperature[25])
    assert float(ds.temperature_systematic[25]) == pytest.approx(
        np.hypot(max(2.2, 0.0075 * warm) / 3**0.5, 5.0), rel=0.05
    )
    assert float(ds.temperature_systematic[58]) == pytest.approx(2.2 / 3**0.5, rel=0.01)
    stated = join(log(tmp_path / "b.csv"), thermocouple_stderr=0.5).temperature_stderr
    assert float(stated[25]) == pytest.approx(0.5, abs=0.01)


def test_scatter_of_the_log_is_part_of_the_stated_error(tmp_path: Path) -> None:
    path = log(tmp_path / "log.csv")
    table = pd.read_csv(path)
    column = next(c for c in table.columns if "time" not in c)
    table[column] += 0.5 * np.random.default_rng(0).standard_normal(len(table))
    table.to_csv(path, index=False)
    without, stated = (
        join(path, thermocouple_stderr=s).temperature_stderr.values[20:30] for s in (0.0, 0.5)
    )
    assert np.all(without > 0.3) and np.all(stated < 0.56)


def test_epoch_kelvin_and_semicolons(tmp_path: Path) -> None:
    t = START - 600 + 10.0 * np.arange(540)
    pd.DataFrame({"epoch_s": t, "T": ramp(t) + 273.15}).to_csv(
        tmp_path / "log.csv", sep=";", index=False
    )
    ds = join(tmp_path / "log.csv", temperature_unit="K")
    np.testing.assert_allclose(ds.temperature, ramp(frames().time.values), atol=0.05)


@pytest.mark.parametrize(("zone", "hours"), [("Z", 0), ("+02:00", 2), ("-06:00", -6)])
def test_time_zones(zone: str, hours: int, tmp_path: Path) -> None:
    ds = join(log(tmp_path / "log.csv", zone=zone, shift=3600.0 * hours))
    np.testing.assert_allclose(ds.temperature, ramp(frames().time.values), atol=0.05)


def test_a_log_without_zone_needs_the_option(tmp_path: Path) -> None:
    log(tmp_path / "log.csv", zone="", shift=-6 * 3600)
    with pytest.raises(BadInput, match=r"state no time zone; set hexrd\.furnace\.log_timezone"):
        join(tmp_path / "log.csv")
    ds = join(tmp_path / "log.csv", log_timezone="America/Chicago")
    np.testing.assert_allclose(ds.temperature, ramp(frames().time.values), atol=0.05)
    with pytest.raises(BadInput, match="'Atlantis' is unknown"):
        join(tmp_path / "log.csv", log_timezone="Atlantis")


def test_a_log_that_covers_nothing_says_by_how_much(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"covers none of the frames: it ends 1\.67 h before them"):
        join(log(tmp_path / "log.csv", shift=-3 * 3600))
    with pytest.raises(BadInput, match=r"it begins 3\.85 h after them"):
        join(log(tmp_path / "log.csv", shift=5 * 3600))


def test_frames_outside_the_log_are_marked(tmp_path: Path) -> None:
    ds = join(log(tmp_path / "log.csv", shift=-3600.0))
    outside = ds.status.values == "outside_log"
    assert 20 < outside.sum() < 60 and outside[-1] and not outside[0]
    assert (
        np.isnan(ds.temperature.values[outside]).all()
        and np.isnan(ds.temperature_stderr.values[outside]).all()
    )
    assert told(ds)[0]["problem"].startswith(f"{outside.sum()} of 60 frames are outside the log")
    assert set(ds.segment.values[outside]) == {"none"}


def test_a_gap_in_the_log(tmp_path: Path) -> None:
    table = pd.read_csv(log(tmp_path / "log.csv"))
    table.drop(table.index[150:210]).to_csv(tmp_path / "log.csv", index=False)
    ds = join(tmp_path / "log.csv")
    assert (ds.status.values == "outside_log").sum() == 10
    assert set(join(tmp_path / "log.csv", largest_gap=1000.0).status.values) == {"ok"}


def test_clock_offset(tmp_path: Path) -> None:
    ds = join(log(tmp_path / "log.csv", shift=-137.0), clock_offset=137.0)
    np.testing.assert_allclose(ds.temperature, ramp(frames().time.values), atol=0.05)


def test_a_row_per_frame_is_joined_by_file_name(tmp_path: Path) -> None:
    names = [f"f_{n:04d}.tif" for n in range(60, 0, -1)]
    t = START + 60.0 * np.arange(59, -1, -1)
    pd.DataFrame({"image": names, "timestamp_s": t, "T_C": ramp(t), "exposure_s": 1.0}).iloc[
        5:
    ].to_csv(tmp_path / "frames.csv", index=False)
    patterns = frames().assign(time=("frame", np.full(60, np.nan)))
    ds = join(tmp_path / "frames.csv", patterns)
    assert ds.attrs["joined_by"] == "file name"
    assert (ds.status.values == "outside_log").tolist() == [False] * 55 + [True] * 5
    np.testing.assert_allclose(ds.temperature[:55], ramp(frames().time.values)[:55])
    np.testing.assert_allclose(ds.time[:55], frames().time[:55])


def test_without_a_log_the_header_stands() -> None:
    ds = join(None, frames(header=100.0))
    np.testing.assert_allclose(ds.temperature, 100.0 + np.arange(60))
    assert ds.attrs["joined_by"] == "header" and set(ds.segment.values) == {"heating"}
    none = join(None)
    assert set(none.status.values) == {"no_temperature"} and none.attrs["joined_by"] == "none"
    assert np.isnan(none.temperature).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no table"),
        ("time,temperature_C\n", "no readings"),
        (
            "time,pressure\n2021-03-01T10:00:00Z,1\n2021-03-01T12:00:00Z,1\n",
            "no column looks like a temperature",
        ),
        (
            "time,temp_a,temp_b\n2021-03-01T10:00:00Z,1,2\n",
            r"several columns could be .* \(temp_a, temp_b\)",
        ),
        ("time,temperature\n2021-03-01T10:00:00Z,hot\n", "holds no numbers"),
        ("time,temperature\nyesterday+00:00,20\n", "no ISO 8601"),
        ("time_s,temperature\n0,20\n10,30\n", "neither ISO 8601 nor seconds since 1970"),
        ("time,temperature\n2021-03-01T10:00:00Z,-400\n", "below absolute zero"),
        ("time,temperature\n2021-03-01T10:00:00Z,20\n", "fewer than two readings"),
    ],
)
def test_a_log_that_cannot_be_used(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(text)
    with pytest.raises(BadInput, match=message):
        join(tmp_path / "log.csv")


def test_set_points_are_left_aside_and_columns_can_be_named(tmp_path: Path) -> None:
    log(tmp_path / "log.csv", setpoint_temperature_C=0.0)
    np.testing.assert_allclose(
        join(tmp_path / "log.csv").temperature, ramp(frames().time.values), atol=0.05
    )
    ds = join(tmp_path / "log.csv", temperature_column="setpoint_temperature_C")
    np.testing.assert_allclose(ds.temperature, 0.0)
    with pytest.raises(BadInput, match="no column 'sample_T'"):
        join(tmp_path / "log.csv", temperature_column="sample_T")


def test_patterns_without_time(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="carry no time"):
        join(log(tmp_path / "log.csv"), frames().assign(time=("frame", np.full(60, np.nan))))


def heated(count: int = 200, alpha: float = 1.2e-5, seed: int = 3) -> xr.Dataset:
    """A series with two lines that expand with the programme (its times are right), and one that
    grows in."""
    rng = np.random.default_rng(seed)
    patterns = frames(count, every=30.0)
    q = np.linspace(1.0, 6.0, 900)
    warm = ramp(patterns.time.values) - 25
    rows = np.full((count, q.size), 400.0)
    for centre in (2.1, 3.4, 4.9):
        rows += 4000 * np.exp(-(((q - centre / (1 + alpha * warm[:, None])) / 0.02) ** 2))
    rows += 30 * np.arange(count)[:, None] * np.exp(-(((q - 2.7) / 0.02) ** 2))
    y = rng.poisson(rows).astype(float)
    return patterns.assign(
        intensity=(("frame", "point"), y),
        intensity_stderr=(("frame", "point"), np.sqrt(np.maximum(y, 1))),
        q=("point", q),
        status=("frame", np.array(["ok"] * count, dtype=object)),
    )


def long_log(path: Path, shift: float) -> Path:
    t = START - 7200 + 10.0 * np.arange(2400)
    stamp = [datetime.fromtimestamp(v + shift, UTC).isoformat() for v in t]
    pd.DataFrame({"time": stamp, "temperature_C": np.round(ramp(t), 2)}).to_csv(path, index=False)
    return path


@pytest.mark.parametrize("shift", [0.0, 3600.0, -1500.0])
def test_a_log_whose_clock_is_off_is_seen_by_the_expansion(shift: float, tmp_path: Path) -> None:
    path = long_log(tmp_path / "log.csv", shift)
    ds = join(path, heated())
    seen, stderr = ds.attrs["clock_offset_seen"], ds.attrs["clock_offset_seen_stderr"]
    assert abs(seen + shift) < 4 * stderr and stderr < 60
    assert [("clock" in e["problem"]) for e in told(ds)] == ([True] if shift else [])
    fitted = join(path, heated(), fit_clock=True)
    error = fitted.temperature.values - ramp(heated().time.values)
    assert np.max(np.abs(error)) < 5 * 4 * stderr / 60 + 0.1
    assert not told(fitted)
    assert float(fitted.temperature_systematic[60]) > float(ds.temperature_systematic[60]) - 1e-9


def test_pulls_of_the_clock(tmp_path: Path) -> None:
    path = long_log(tmp_path / "log.csv", 900.0)
    found = [join(path, heated(seed=n)).attrs for n in range(12)]
    pull = np.array(
        [(f["clock_offset_seen"] + 900.0) / f["clock_offset_seen_stderr"] for f in found]
    )
    assert np.abs(pull).max() < 4 and abs(pull.mean()) < 1


def test_of_a_long_series_neighbours_are_averaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = long_log(tmp_path / "log.csv", 900.0)
    every = join(path, heated()).attrs
    monkeypatch.setattr(clock.average_frames, "__defaults__", (60,))
    fewer = join(path, heated()).attrs
    apart = fewer["clock_offset_seen"] - every["clock_offset_seen"]
    assert (
        0
        < abs(apart)
        < 4 * np.hypot(fewer["clock_offset_seen_stderr"], every["clock_offset_seen_stderr"])
    )
    assert abs(fewer["clock_offset_seen"] + 900.0) < 4 * fewer["clock_offset_seen_stderr"]


def test_averaged_patterns_keep_all_frames_and_their_errors() -> None:
    rng = np.random.default_rng(1)
    counts = rng.poisson(400, (100, 50)).astype(float)
    good = np.setdiff1d(np.arange(100), [3, 50])
    at, mean, error = clock.average_frames(np.arange(100.0), counts, np.sqrt(counts), good)
    assert at.size == good.size and np.array_equal(mean, counts[good])
    blocks = 7
    at, mean, error = clock.average_frames(np.arange(100.0), counts, np.sqrt(counts), good, blocks)
    assert at.size == blocks and np.all(np.diff(at) > 0)
    assert np.mean(mean) == pytest.approx(counts[good].mean(), rel=1e-3)
    assert np.std((mean - 400) / error) == pytest.approx(1.0, abs=0.15)


def test_a_sample_that_does_not_expand_tells_nothing(tmp_path: Path) -> None:
    ds = join(long_log(tmp_path / "log.csv", 3600.0), heated(alpha=0.0))
    assert "clock_offset_seen" not in ds.attrs and not told(ds)


def test_a_rest_of_two_frames_is_told_as_well_as_the_log_tells_it(tmp_path: Path) -> None:
    """Frames every five minutes: two at rest before the ramp, six on it, then the hold; edges are
    not blurred."""
    series = frames(count=15, every=300.0)
    ds = join(log(tmp_path / "log.csv"), series)
    minutes = (series.time.values - START) / 60
    expected = np.where(minutes < 10, "hold", np.where(minutes < 40, "heating", "hold"))
    clear = np.min(np.abs(minutes[:, None] - np.array([10, 40])), axis=1) > 0
    assert ds.segment.values[clear].tolist() == expected[clear].tolist()
    np.testing.assert_allclose(
        ds.rate.values[clear], np.where(expected == "heating", 5.0, 0.0)[clear], atol=0.2
    )


def test_without_compared_clocks_the_tolerance_alone_is_systematic() -> None:
    ds = join(None, frames(header=100.0), clock_offset_stderr=1000.0)
    np.testing.assert_allclose(ds.temperature_systematic, 2.2 / np.sqrt(3), rtol=1e-12)
    hot = join(None, frames(header=1000.0))
    np.testing.assert_allclose(
        hot.temperature_systematic, 0.0075 * (1000.0 + np.arange(60)) / np.sqrt(3), rtol=1e-12
    )


@pytest.mark.parametrize(
    ("configured", "told_off"),
    [(100.0, 0), (79.0, 1), (81.0, 0), (121.0, 1), (119.0, 0), (-100.0, 1)],
)
def test_a_configured_offset_that_the_sample_contradicts(configured: float, told_off: int) -> None:
    """Seen 100 +- 3 s, configured +- 4 s: apart beyond 20 s is more than four sigma."""
    seen = clock.ClockOffset(value=100.0, stderr=3.0, frame_interval=5.0)
    options = Furnace(clock_offset=configured, clock_offset_stderr=4.0)
    assert len(furnace._describe_disagreement(Path("log.csv"), seen, options)) == told_off
    slow = clock.ClockOffset(value=100.0, stderr=3.0, frame_interval=300.0)
    assert furnace._describe_disagreement(Path("log.csv"), slow, options) == []


def readings(*times: float) -> LogReadings:
    return LogReadings(time=np.array(times), temperature=np.arange(float(len(times))))


def test_readings_two_frames_beyond_the_first_and_the_last_are_near() -> None:
    """Frames 10 s apart from 0 to 30 s: from -20 to 50 s, these included."""
    times = np.array([30.0, 0.0, 10.0, 20.0])
    near = furnace._select_near(readings(-20.5, -20.0, 5.0, 50.0, 50.5), times)
    assert near is not None and near.time.tolist() == [-20.0, 5.0, 50.0]
    assert near.temperature.tolist() == [1.0, 2.0, 3.0]
    assert furnace._select_near(None, times) is None
    assert furnace._select_near(readings(0.0, 1.0), times[:1]) is None
    two = furnace._select_near(readings(0.0, 1.0), times[1:3])
    assert two is not None and two.time.size == 2


def test_the_nearest_reading_is_the_later_one_of_two_alike() -> None:
    at = np.array([0.0, 10.0, 20.0])
    times = np.array([-5.0, 0.0, 4.9, 5.0, 5.1, 10.0, 19.0, 99.0])
    assert furnace._find_nearest(at, times).tolist() == [0, 0, 0, 1, 1, 1, 2, 2]


def joined_of(temperature: list[float], times: list[float], log_times: list[float] | None = None):
    count = len(times)
    return furnace.JoinedTemperatures(
        temperature=np.array(temperature),
        stderr=np.full(count, 0.1),
        time=np.array(times),
        status=np.full(count, "ok"),
        joined_by=furnace.JoinedBy.TIME,
        readings=None if log_times is None else readings(*log_times),
    )


@pytest.mark.parametrize(("extra", "denser"), [(1, False), (2, True)])
def test_a_log_of_twice_as_many_readings_tells_the_segments(
    monkeypatch: pytest.MonkeyPatch, extra: int, denser: bool
) -> None:
    """Three frames with a temperature; five readings are not enough, six are."""
    asked = []

    def label(time, temperature, hold_rate):
        asked.append(time.size)
        return np.arange(time.size, dtype=float), np.full(time.size, "hold")

    monkeypatch.setattr(furnace, "label_segments", label)
    log_times = [0.0, 5.0, 10.0, 15.0, 20.0, 25.0][: 4 + extra]
    joined = joined_of([1.0, 2.0, 3.0, np.nan], [0.0, 10.0, 20.0, np.nan], log_times)
    rate, labels = furnace._label_frames(joined, 0.5)
    assert asked == [6 if denser else 4]
    if denser:
        np.testing.assert_array_equal(rate, [0.0, 2.0, 4.0, np.nan])
        assert labels.tolist() == ["hold", "hold", "hold", "none"]


def test_without_times_the_order_of_the_frames_has_segments_but_no_rate() -> None:
    joined = joined_of((25.0 + 10 * np.arange(30)).tolist(), [np.nan] * 30)
    rate, labels = furnace._label_frames(joined, 0.5)
    assert np.isnan(rate).all() and set(labels) == {"heating"}


def test_the_systematic_error_of_a_frame_by_hand() -> None:
    """2.2 K or 0.75 % of 400 degC, over root three; a clock off by 30 s at 6 K/min is 3 K."""
    joined = replace(joined_of([100.0, -400.0, 100.0], [0.0, 1.0, 2.0]), clock_offset_stderr=30.0)
    found = furnace._estimate_systematic(joined, np.array([0.0, -6.0, np.nan]), Furnace())
    root = np.sqrt(3)
    np.testing.assert_allclose(found, [2.2 / root, np.hypot(3.0 / root, 3.0), 2.2 / root])


def test_an_offset_exactly_two_frames_or_four_sigma_away_is_told() -> None:
    options = Furnace(clock_offset=0.0, clock_offset_stderr=4.0)
    for value, interval, told_off in (
        (20.0, 1.0, 1),
        (19.9, 1.0, 0),
        (40.0, 20.0, 1),
        (39.9, 20.0, 0),
        (45.0, 20.0, 1),
    ):
        seen = clock.ClockOffset(value=value, stderr=3.0, frame_interval=interval)
        assert len(furnace._describe_disagreement(Path("a"), seen, options)) == told_off


def test_readings_of_frames_are_as_exact_as_they_are_printed() -> None:
    found = furnace._stderr_from_readings(np.array([25.0, 31.0]), 3, Furnace())
    np.testing.assert_allclose(found, np.full(3, 1 / np.sqrt(12)))
    stated = furnace._stderr_from_readings(
        np.array([25.0, 31.0]), 2, Furnace(thermocouple_stderr=1.0)
    )
    np.testing.assert_allclose(stated, np.full(2, np.sqrt(1 + 1 / 12)))


def test_a_row_named_by_no_frame_leaves_it_outside() -> None:
    table = FurnaceLog(
        time=np.array([7.0, 8.0]), temperature=np.array([20.0, 30.0]), columns=pd.DataFrame()
    )
    found = furnace._join_by_file(table, np.array([0, -1, 1]), Furnace())
    np.testing.assert_array_equal(found.temperature, [20.0, np.nan, 30.0])
    np.testing.assert_array_equal(found.time, [7.0, np.nan, 8.0])
    assert found.status.tolist() == ["ok", "outside_log", "ok"]


def test_a_log_without_usable_times_joins_by_file(tmp_path: Path) -> None:
    names = [f"f_{n:04d}.xye" for n in range(1, 61)]
    table = pd.DataFrame({"file": names, "time": np.arange(60.0), "T_K": 300.0 + np.arange(60)})
    table.to_csv(tmp_path / "log.csv", index=False)
    ds = join(tmp_path / "log.csv")
    np.testing.assert_allclose(ds.temperature, 26.85 + np.arange(60))
    assert ds.attrs["joined_by"] == "file name"
    table.drop(columns="file").to_csv(tmp_path / "log.csv", index=False)
    with pytest.raises(BadInput, match="neither ISO 8601 nor seconds since 1970"):
        join(tmp_path / "log.csv")


@pytest.mark.parametrize("wild", [9999.0, -200.0, 2.5])
def test_a_wild_reading_changes_no_frame(wild: float, tmp_path: Path) -> None:
    path = log(tmp_path / "log.csv")
    clean = join(path)
    table = pd.read_csv(path)
    table.loc[100, "temperature_C"] = wild
    table.to_csv(path, index=False)
    ds = join(path)
    np.testing.assert_allclose(ds.temperature, clean.temperature, atol=0.05)
    assert "1 wild reading that no furnace has is set aside" in told(ds)[0]["problem"]


def test_without_any_temperature_the_report_says_what_to_write() -> None:
    ds = join(None)
    assert ds.attrs["joined_by"] == "none" and told(ds)[0]["problem"] == "no temperature is known"
    assert "give the furnace log" in told(ds)[0]["remedy"]
    named = frames()
    named["source_file"].values[:] = [f"LFP_{25 + n}C.xye" for n in range(60)]
    assert "temperature_pattern" in told(join(None, named))[0]["remedy"]


def test_what_was_chosen_and_assumed_goes_with_the_temperatures(tmp_path: Path) -> None:
    path = log(tmp_path / "log.csv", setpoint_C=25.0)
    patterns = frames()
    patterns.attrs["assumed"] = "q is taken in 1/angstrom: its unit is not stated"
    notes = json.loads(join(path, patterns).attrs["notes"])
    assert notes == [
        "q is taken in 1/angstrom: its unit is not stated",
        "temperature from column 'temperature_C'; 'setpoint_C' no measurement",
    ]


@pytest.mark.parametrize("wild", [9999.0, -200.0, 2.5])
def test_a_wild_temperature_of_one_header_is_set_aside(wild: float) -> None:
    patterns = frames(header=25.0)
    patterns["temperature_header"].values[:] = 25.0
    patterns["temperature_header"].values[7] = wild
    ds = join(None, patterns)
    assert np.flatnonzero(np.isnan(ds.temperature.values)).tolist() == [7]
    assert ds.status.values[7] == "no_temperature"
    assert [entry["where"] for entry in told(ds)] == ["f_0008.xye"]
