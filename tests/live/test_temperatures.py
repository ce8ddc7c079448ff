"""Temperatures of frames come with the log: at once where it reaches so far, later where it is
behind, in a new process too."""

import os
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from ssbchar.hexrd.furnace.options import Furnace
from ssbchar.live import temperatures
from ssbchar.live.temperatures import FrameTemperatures

START = 1.6e9
OPTIONS = Furnace(clock_offset_stderr=1.0, thermocouple_stderr=0.3)


def write_log(path: Path, seconds: int) -> None:
    """A furnace that warms by 1 K per second, read every 10 s."""
    rows = [f"{START + t:.0f},{25 + t:.1f}" for t in range(0, seconds + 1, 10)]
    path.write_text("\n".join(["epoch,temperature_degC", *rows]) + "\n")
    os.utime(path, ns=(seconds, seconds))


def frame(at: float) -> xr.Dataset:
    values = {"source_file": np.array(["a.xye"], object), "time": [START + at]}
    values["temperature_header"] = [np.nan]
    return xr.Dataset({k: ("frame", v) for k, v in values.items()}, coords={"frame": [1]})


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(temperatures, "REST", 0.0)
    path = tmp_path / "furnace.csv"
    write_log(path, 100)
    return path


def test_a_frame_the_log_reaches_has_its_temperature_at_once(log: Path) -> None:
    found = FrameTemperatures(log, OPTIONS)
    assert found.find((("a", 0),), frame(55)) == pytest.approx(80)
    assert found.catch_up() == {} and found.fault is None


def test_a_log_that_is_behind_is_waited_for(log: Path) -> None:
    found = FrameTemperatures(log, OPTIONS)
    found.find((("a", 0),), frame(55))
    assert np.isnan(found.find((("b", 0),), frame(155))).all()
    assert np.isnan(found.find((("c", 0),), frame(255))).all()
    assert found.catch_up() == {}
    write_log(log, 200)
    assert found.catch_up() == pytest.approx({("b", 0): 180})
    write_log(log, 300)
    assert found.catch_up() == pytest.approx({("c", 0): 280})
    assert found.catch_up() == {}


def test_frames_of_an_earlier_watch_are_looked_up(log: Path) -> None:
    found = FrameTemperatures(log, OPTIONS)
    found.expect({("a", 0): ("a.xye", START + 55), ("b", 0): ("b.xye", START + 155)})
    assert found.catch_up() == pytest.approx({("a", 0): 80})


def test_a_log_that_is_not_there_yet_is_told_and_read_when_it_is(tmp_path: Path) -> None:
    path = tmp_path / "furnace.csv"
    path.write_text("no log yet\n")
    found = FrameTemperatures(path, OPTIONS)
    assert np.isnan(found.find((("a", 0),), frame(55))).all() and found.fault is not None
    found._not_before = 0.0
    write_log(path, 100)
    assert found.catch_up() == pytest.approx({("a", 0): 80}) and found.fault is None


def test_without_a_log_headers_tell() -> None:
    found = FrameTemperatures(None, OPTIONS)
    stated = frame(0).assign(temperature_header=("frame", [321.0]))
    assert found.find((("a", 0),), stated) == pytest.approx(321)
    assert np.isnan(found.find((("b", 0),), frame(0))).all() and found.catch_up() == {}
