"""The furnace programme and its log."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ssbchar.simulate.hexrd import programme


def test_programme_corners_and_lag():
    plan = programme.Programme(start=0.0)
    times = plan.corners.time
    assert times[2] - times[1] == pytest.approx(155 * 60)  # 775 K at 5 K/min
    assert times[3] - times[2] == 9 * 3600
    middle = (times[1] + times[2]) / 2
    late = plan.interpolate_temperature(np.array([middle]), 12.0) - plan.interpolate_temperature(
        np.array([middle])
    )
    assert late == pytest.approx(-1.0)  # 12 s at 5 K/min


def test_growth_begins_and_ends_at_its_temperatures():
    t = np.array([599.9, 600.0, 600.1, 700.0, 799.9, 800.0, 900.0])
    for bend in (1.0, 1.3):
        grown = programme.calculate_grown_share(t, 600.0, 800.0, bend)
        assert grown[0] == grown[1] == 0 and grown[2] > 4e-4 and grown[-1] == grown[-2] == 1


def test_furnace_log_is_zoned_and_covers_the_frames(small: Path):
    log = pd.read_csv(
        small / "hexrd" / "heating_LAGP_LFP_furnace.csv", comment="#", parse_dates=["time"]
    )
    assert str(log["time"].dt.tz) == "UTC"
    stamps = []
    for path in sorted((small / "hexrd" / "heating_LAGP_LFP").glob("*.xye")):
        line = next(x for x in path.read_text().splitlines() if x.startswith("# time: "))
        stamps.append(pd.Timestamp(line.removeprefix("# time: ")))
    assert all(s.tzinfo for s in stamps) and stamps == sorted(stamps)
    assert log["time"].min() < stamps[0] and stamps[-1] < log["time"].max()
    noise = (log["thermocouple_degC"] - log["setpoint_degC"]).std()
    assert 0.27 < noise < 0.33  # stated: 0.3 K
    assert log["setpoint_degC"].max() == 800.0 and log["setpoint_degC"].min() == 25.0
