"""Headers of patterns: temperature, time, wavelength, exposure and monitor in the spellings in
use; what is not understood is told."""

from datetime import datetime

import numpy as np
import pytest

from ssbchar.constants import HC_EV_ANGSTROM
from ssbchar.hexrd.patterns.formats.header_values import read_header

NAN = float("nan")


@pytest.mark.parametrize(
    ("header", "celsius"),
    [
        ("# Temp (K) =              6.778", 6.778 - 273.15),
        ("! Temp (K) = 6.778", 6.778 - 273.15),
        ("# Temperature: 300 K", 26.85),
        ("# temperature = 523.1 C", 523.1),
        ("# Temp(C)= 25", 25.0),
        ("# Temperature (K): 300", 26.85),
        ("#Temperature_K=300", 26.85),
        ("# Temp. [K] = 300", 26.85),
        (": 25 degC", 25.0),
        ("# T/K = 300", 26.85),
        ("# T: 300 K", 26.85),
        ("# Temperature, K: 300", 26.85),
        ("# Temperature [degF] = 212", 100.0),
        ("# Sample Temperature=25.0°C", 25.0),
        ("# sample_temp_K: 300.15", 27.0),
        ("# temperature 300 K", 26.85),
        ("# Temperature: 26,85 °C", 26.85),
        ("# Temperature = 300.5(3) K", 27.35),
        ("# temp: -20.5 C", -20.5),
        ("' Furnace temperature (deg C): 650", 650.0),
        ("TEMP 295.0", 21.85),
        ("XYDATA\nTEMP 295.0\n! Temp (K) =              295.6 ", 22.45),
        ("# Setpoint temperature (C) = 500\n# Sample temperature (C) = 495.5", 495.5),
        ("# Furnace temp (C) = 500\n# Sample temp (C) = 495.5", 495.5),
        ("# detector temperature = 30 C", NAN),
        ("# sample thermocouple = 250 C", 250.0),
        ("# thermocouple: type K, on the capillary", NAN),
        ("# Temperature controller: Eurotherm 2408", NAN),
        ("# LAGP 5 C/min to 650 C", NAN),
    ],
)
def test_temperatures(header: str, celsius: float) -> None:
    found = read_header(header + "\n")
    np.testing.assert_allclose(found.temperature, celsius, atol=1e-9, equal_nan=True)
    assert np.isnan(found.bare_temperature)


@pytest.mark.parametrize("header", ["# T = 250", "# TEMP 250.0", "# temperature: 250"])
def test_a_temperature_without_a_unit_is_kept_apart(header: str) -> None:
    found = read_header(header)
    assert np.isnan(found.temperature) and found.bare_temperature == 250.0


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ("# Temperature: RT", "states no temperature"),
        ("# Temperature (furlong): 3", "no unit of temperature"),
        ("# Temperature (K): 25 C", "no unit of temperature"),
        ("# Temperature (K) = 0", "not the temperature of a powder"),
        ("# Temperature (K) = -5", "not the temperature of a powder"),
        ("# Temp (C) = 99999", "not the temperature of a powder"),
        ("# Temp A (K) = 300\n# Temp B (K) = 310", "not understood as the sample's"),
        ("# Temp (K) = 300\n# Temperature (K) = 310", "several temperatures"),
    ],
)
def test_temperatures_that_are_told(header: str, problem: str) -> None:
    found = read_header(header)
    assert np.isnan(found.temperature) and problem in found.misread[0].problem
    assert found.misread[0].quantity == "temperature" and found.misread[0].remedy


@pytest.mark.parametrize(
    ("header", "moment"),
    [
        ("# Scan time = APR 25, 2011 12:35:45.325926", datetime(2011, 4, 25, 12, 35, 45, 325926)),
        ("! Scan time =             MAY 31, 2014 22:53 ", datetime(2014, 5, 31, 22, 53)),
        ("#D Mon Apr 25 12:35:45 2011", datetime(2011, 4, 25, 12, 35, 45)),
        ("# Date: 2011-04-25\n# Time: 12:35:45", datetime(2011, 4, 25, 12, 35, 45)),
        ("# Start time: 25/04/2011 1:35:00 PM", datetime(2011, 4, 25, 13, 35)),
        (" &SRS\n SRSRUN=1,SRSDAT=20110425,SRSTIM=123545,\n", datetime(2011, 4, 25, 12, 35, 45)),
        ("# end time: 2011-04-25 12:00\n# start time: 2011-04-25 11:00", datetime(2011, 4, 25, 11)),
        ("# Time per step (sec) =   0.1", None),
        ("# file created: 2011-04-25 12:00", None),
    ],
)
def test_times_without_a_zone(header: str, moment: datetime | None) -> None:
    found = read_header(header)
    assert found.moment == moment and np.isnan(found.epoch) and not found.misread


@pytest.mark.parametrize(
    ("header", "epoch"),
    [
        ("# date: 2019-03-04T08:05:00Z", 1551686700.0),
        ("# timestamp = 1551708300.0", 1551708300.0),
        ("# epoch_s: 1551708300", 1551708300.0),
        ("# timestamp=1551708300000", 1551708300.0),
        ("# time: 2019-03-04T08:05:00-06:00", 1551708300.0),
        ("# Acquisition date: 2019-03-04 09:05:00+01:00", 1551686700.0),
    ],
)
def test_times_with_a_zone(header: str, epoch: float) -> None:
    assert read_header(header).epoch == epoch


def test_times_that_are_told() -> None:
    assert read_header("# date = 04/05/2011 10:00").ambiguous_time == "04/05/2011 10:00"
    found = read_header("# time: soon")
    assert "neither a date nor seconds since 1970" in found.misread[0].problem


@pytest.mark.parametrize(
    ("header", "angstrom"),
    [
        ("! Calibrated wavelength = 0.413671", 0.413671),
        ("# Wavelength: 4.066e-11 m", 0.4066),
        ("# Wavelength: 4.066e-11", 0.4066),
        ("# Wavelength (nm): 0.0413", 0.413),
        ("# Wavelength (nm) 0.0413", 0.413),
        ("# lambda = 41.3 pm", 0.413),
        ("# wavelength [um] = 4.13e-5", 0.413),
        ("# λ = 0.2 Å", 0.2),
        ("# Wavelength: 0.4066 A (from calibrant)", 0.4066),
        ("K-Alpha1 wavelength,1.540598", 1.540598),
        ('*HW_XG_WAVE_LENGTH_ALPHA1 "1.540593"', 1.540593),
        ("energy: 51.4 keV", HC_EV_ANGSTROM / 51400),
        ("# Energy (eV) = 51400", HC_EV_ANGSTROM / 51400),
        ("# Photon energy/keV: 51.4", HC_EV_ANGSTROM / 51400),
        ("# energy = 51.4", HC_EV_ANGSTROM / 51400),
        ("# Energy: 51400", HC_EV_ANGSTROM / 51400),
        ("# energy: 50 keV; wavelength: 0.24 A", 0.24),
    ],
)
def test_wavelengths(header: str, angstrom: float) -> None:
    found = read_header(header).wavelength
    assert found is not None and found[0] == pytest.approx(angstrom, rel=1e-9)
    assert 0 < found[1] < 0.2 * found[0]


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ("# wavelength: 0.41 furlong", "'furlong' is no unit of length; use angstrom, nm"),
        ("# wavelength: 41.3", "not within 0.01 to 5 angstrom"),
        ("# wavelength: 41.3 nm", "not within 0.01 to 5 angstrom"),
        ("# wavelength: unknown", "no number"),
        ("# wavelength (nm): 0.0413 A", "in two units"),
    ],
)
def test_wavelengths_that_are_told(header: str, problem: str) -> None:
    found = read_header(header)
    assert found.wavelength is None and found.misread[0].quantity == "wavelength"
    assert problem in found.misread[0].problem


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("# exposure: 20 s (time is its middle)", 20.0),
        ("# Exposure_time 0.5", 0.5),
        ("# exposure time [ms] = 500", 0.5),
        ("! Time per step (sec) =   0.1", 0.1),
        ("# count_time: 2 min", 120.0),
        ("# exposure: long", NAN),
    ],
)
def test_exposures(header: str, seconds: float) -> None:
    np.testing.assert_allclose(read_header(header).exposure, seconds, equal_nan=True)


def test_an_exposure_in_no_unit_of_time_is_told() -> None:
    assert "no unit of time" in read_header("# exposure: 3 furlong").misread[0].problem


@pytest.mark.parametrize(
    ("header", "counts"),
    [
        ("# monitor: 0.998", 0.998),
        ("I0 = 1.5e3", 1500.0),
        ("! Monitor I0 [0] =        92715.5  ", 92715.5),
        ("! Monitor I1 [0] =        75723.2", NAN),
        ("# ion_chamber: 5", 5.0),
        ("# monitor: off", NAN),
    ],
)
def test_monitors(header: str, counts: float) -> None:
    np.testing.assert_allclose(read_header(header).monitor, counts, equal_nan=True)
