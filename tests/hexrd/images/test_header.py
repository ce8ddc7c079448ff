"""Header values as beamlines write them."""

import numpy as np
import pytest

from ssbchar.hexrd.images import header as head

WHEN = 1714979289.0
"""2024-05-06 07:08:09 UTC [s]."""


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("301.5 K", 301.5),
        ("-5", -5.0),
        ("T = 1.5e2", 150.0),
        (".25", 0.25),
        ("+3.", 3.0),
        ("none", np.nan),
    ],
)
def test_first_number_of_a_value(text, number):
    assert head.read_number({"temp": text}, ("temp",)) == pytest.approx(number, nan_ok=True)


def test_names_are_tried_in_order_and_in_any_case():
    header = {"temp": "25", "sample_temperature": "n/a", "t": "7"}
    assert head.read_number(header, head.TEMPERATURE_KEYS) == 25.0
    assert head.read_number(header, ("T", "temp")) == 7.0
    assert np.isnan(head.read_number(header, ("nothing",)))


@pytest.mark.parametrize(
    ("text", "metres"),
    [
        ("0.21143 m", 0.21143),
        ("0.21143", 0.21143),
        ("50 cm", 0.5),
        ("500 mm", 0.5),
        ("400 um", 4e-4),
        ("400 µm", 4e-4),
        ("172 micron", 1.72e-4),
        ("2e5 nm", 2e-4),
        ("5 parsec", np.nan),
        ("far", np.nan),
    ],
)
def test_lengths_with_their_units(text, metres):
    found = head.read_length({"distance": text}, ("pixel", "distance"))
    assert found == pytest.approx(metres, rel=1e-12, nan_ok=True)


def test_the_next_name_is_tried_where_a_unit_is_unknown():
    header = {"detector_distance": "5 parsec", "distance": "300 mm"}
    assert head.read_length(header, head.DISTANCE_KEYS) == pytest.approx(0.3)


def test_wavelength_with_its_rounding():
    value, stderr = head.read_wavelength({"wavelength": "0.4066 angstrom"})
    assert value == 0.4066 and stderr == pytest.approx(1e-4 / np.sqrt(12))
    assert head.read_wavelength({"date": "today"}) is None


def test_synthetic_in_any_value_and_case():
    assert head.is_synthetic({"a": "x", "b": "Synthetic data"})
    assert not head.is_synthetic({"synthetic": "no"})


@pytest.mark.parametrize(
    ("header", "expected", "stated"),
    [
        ({"date": "2024:05:06 07:08:09"}, WHEN, False),
        ({"date": "2024.05.06 : 07:08:09.500"}, WHEN + 0.5, False),
        ({"date": "Mon May 06 07:08:09 2024"}, WHEN, False),
        ({"date": "06/05/2024 07:08:09"}, WHEN, False),
        ({"time": "2024-05-06T01:08:09-06:00"}, WHEN, True),
        ({"time": "2024-05-06T07:08:09"}, WHEN, False),
        ({"time_of_day": "1714979289.25"}, WHEN + 0.25, True),
        ({"time_of_day": "171497928"}, 171497928.0, True),
        ({"time_of_day": "17149792"}, np.nan, False),
        ({"_array_data.header_contents": "# 2024-05-06T07:08:09.500\n# Pixel"}, WHEN + 0.5, False),
        ({"date": "yesterday"}, np.nan, False),
        ({}, np.nan, False),
    ],
)
def test_times_as_headers_write_them(header, expected, stated):
    when, zone = head.read_time(header, "", 0.0)
    assert when == pytest.approx(expected, abs=1e-6, nan_ok=True) and zone is stated


def test_the_usual_names_of_the_time_are_tried_in_order():
    header = {"date": "2024:05:06 07:08:10", "timestamp": "2024:05:06 07:08:09"}
    assert head.read_time(header, "", 0.0)[0] == WHEN
    assert head.read_time(header, "Date", 0.0)[0] == WHEN + 1


def test_a_key_that_is_given_is_the_only_one():
    header = {
        "date": "2024:05:06 07:08:09",
        "_array_data.header_contents": "2024-05-06T07:08:09",
    }
    assert np.isnan(head.read_time(header, "scan_time", 0.0)[0])


def test_local_time_is_converted_to_utc():
    assert head.read_time({"date": "2024:05:06 02:08:09"}, "", -5.0)[0] == WHEN
    with_zone = {"date": "2024-05-06T07:08:09+00:00"}
    assert head.read_time(with_zone, "", -5.0)[0] == WHEN, "a stated zone is kept"


@pytest.mark.parametrize("first", ["2024:05:06 07:08:09", "1714979289"])
def test_frames_follow_each_other_within_a_file(first):
    header = {"date": first, "frame_time": "2.5 s", "frame_in_file": "4"}
    assert head.read_time(header, "", 0.0)[0] == WHEN + 7.5
    del header["frame_in_file"]
    assert head.read_time(header, "", 0.0)[0] == WHEN


def test_without_a_frame_time_all_frames_have_the_time_of_their_file():
    assert head.read_time({"date": "2024:05:06 07:08:09", "frame_in_file": "4"}, "", 0.0)[0] == WHEN


@pytest.mark.parametrize(
    ("key", "text", "celsius", "stated"),
    [
        ("temperature", "301.5 K", 28.35, True),
        ("temperature", "25.0 C", 25.0, True),
        ("temperature", "77 degF", 25.0, True),
        ("temperature_k", "301.5", 28.35, True),
        ("temperature_c", "25", 25.0, True),
        ("temp", "25", 25.0, False),
        ("temp", "5 V", np.nan, False),
        ("temp", "n/a", np.nan, False),
    ],
)
def test_temperatures_with_their_units(key, text, celsius, stated):
    found, unit_stated = head.read_temperature({key: text}, head.TEMPERATURE_KEYS)
    assert found == pytest.approx(celsius, nan_ok=True) and unit_stated is stated


@pytest.mark.parametrize(
    ("header", "angstrom"),
    [
        ({"wavelength": "0.04066 nm"}, 0.4066),
        ({"incident_wavelength": "4.066e-5 um"}, 0.4066),
        ({"wavelength (nm)": "0.04066"}, 0.4066),
        ({"photon_energy": "51400 eV"}, 0.2412144),
        ({"_array_data.header_contents": "# Wavelength 0.4066 A\n# Pixel"}, 0.4066),
        ({"wavelength": "0.4 furlong"}, None),
        ({"wavelength": "41.3"}, None),
    ],
)
def test_wavelengths_with_their_units(header, angstrom):
    found = head.read_wavelength(header)
    assert found is None if angstrom is None else found[0] == pytest.approx(angstrom, rel=1e-6)


@pytest.mark.parametrize(
    ("text", "metres"),
    [("172e-6 m x 172e-6 m", 1.72e-4), ("172 μm", 1.72e-4), ("75 UM", 7.5e-5), ("200 MM", 0.2)],
)
def test_lengths_of_other_writers(text, metres):
    assert head.read_length({"pixel": text}, ("pixel",)) == pytest.approx(metres, rel=1e-12)


def test_dates_of_other_writers():
    for text in ("06.05.2024 07:08:09", "May 06, 2024 07:08:09 AM", "2024/05/06 07:08:09"):
        assert head.read_time({"date": text}, "", 0.0)[0] == WHEN
    assert np.isnan(head.read_time({"date": "05/13/2024 07:08:09"}, "", 0.0)[0])
