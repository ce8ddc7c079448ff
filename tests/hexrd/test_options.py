"""Options of diffraction: a word or number that means nothing is refused in one line."""

import pandas as pd
import pytest

from ssbchar.hexrd.options import Hexrd
from ssbchar.runtime import options


@pytest.mark.parametrize(
    ("stage", "key", "value", "line"),
    [
        ("read", "axis_unit", "deg", "'', 'degree', '1/angstrom', '1/nm' or 'angstrom'"),
        ("read", "other_grid", "rebinned", "'rebin' or 'set_aside'"),
        ("read", "wavelength", 0.0, "greater than 0"),
        ("read", "wavelength", 12.4, "less than 5"),
        ("read", "beam_dump", 1.5, "less than or equal to 1"),
        ("read", "monitor_stderr", -0.1, "greater than or equal to 0"),
        ("furnace", "temperature_unit", "F", "'degC' or 'K'"),
        ("furnace", "hold_rate", 0.0, "greater than 0"),
        ("expansion", "model", "einstien", "'polynomial', 'einstein' or 'debye'"),
        ("expansion", "order", 0, "greater than or equal to 1"),
        ("expansion", "mean_to", 50.0, "mean_from (100 degC) is not below mean_to (50 degC)"),
        ("read", "wavelength", True, "valid number (given: true)"),
        ("read", "wavelength", float("nan"), "finite number"),
        ("stability", "rest_rate", float("inf"), "finite number"),
        ("furnace", "log_timezone", "America/Chicgo", "did you mean 'America/Chicago'?"),
        ("furnace", "log_timezone", "utc", "did you mean 'UTC'?"),
        ("furnace", "log_timezone", "Qq", "'Qq' is unknown; use UTC, America/Chicago or +02:00"),
        ("furnace", "log_timezone", "+24:00", "'+24:00' is unknown"),
        ("furnace", "log_timezone", "+0530", "'+0530' is unknown"),
        ("stability", "cell_tolerance", -0.2, "greater than 0"),
    ],
)
def test_refused_in_one_line(stage: str, key: str, value: object, line: str) -> None:
    with pytest.raises(ValueError) as caught:
        options.build_options(Hexrd, {stage: {key: value}}, "hexrd")
    message = str(caught.value)
    assert message.count("\n") == 0
    assert message.startswith(f"hexrd.{stage}") and line in message


@pytest.mark.parametrize("zone", ["", "UTC", "America/Chicago", "+02:00", "-05:30", "UTC+23:59"])
def test_time_zones_that_pandas_knows_are_allowed(zone: str) -> None:
    built = options.build_options(Hexrd, {"furnace": {"log_timezone": zone}})
    assert built.furnace.log_timezone == zone
    if zone:
        assert pd.Timestamp("2020-01-01").tz_localize(zone).tzinfo is not None


def test_what_is_allowed() -> None:
    built = options.build_options(
        Hexrd,
        {
            "read": {"axis_unit": "1/nm", "wavelength": 0.24},
            "furnace": {"temperature_unit": "K"},
            "expansion": {"model": "debye", "mean_from": 50.0, "mean_to": 60.0},
        },
    )
    assert built.read.axis_unit == "1/nm" and built.expansion.model == "debye"
