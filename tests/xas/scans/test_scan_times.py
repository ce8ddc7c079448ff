"""When scans began, and the channel beside them."""

import math
from pathlib import Path

import h5py
import numpy as np
import pytest
from xas import made_spectra

from ssbchar.errors import BadInput
from ssbchar.storage import store
from ssbchar.xas.calibration import calibrate
from ssbchar.xas.calibration.options import Calibration
from ssbchar.xas.normalisation.options import Normalisation
from ssbchar.xas.scans import read
from ssbchar.xas.scans.formats.raw_scan import RawScan
from ssbchar.xas.scans.options import ScanReading
from ssbchar.xas.scans.scan_times import read_channel, read_start
from ssbchar.xas.series.normalise import normalise_series

NOON = 1_614_600_000.0
"""2021-03-01 12:00 UTC."""
ENERGY = made_spectra.grid(kmax=10.0)


def raw(**header: str) -> RawScan:
    columns = {
        "energy": np.arange(3.0),
        "epoch": NOON + np.arange(3.0),
        "volt": np.array([3, 4, 5.0]),
    }
    fields = {key.replace("__", "."): text for key, text in header.items()}
    return RawScan(where="a.dat", columns=columns, header=fields)


@pytest.mark.parametrize(
    "header",
    [
        {"scan__start_time": "2021-03-01T12:00:00Z"},
        {"scan__start_time": "2021-03-01T13:00:00+01:00"},
        {"scan__start_time": "2021-03-01 12:00:00"},
        {"date": "Mon Mar 01 12:00:00 2021"},
        {"date": "2021-03-01", "time": "12:00:00"},
        {"timestamp": "1614600000"},
    ],
)
def test_the_header_says_when_a_scan_began(header: dict[str, str]) -> None:
    assert read_start(raw(**header), "") == NOON


@pytest.mark.parametrize("header", [{}, {"time": "0.5"}, {"date": "04/05/2021 12:00:00"}])
def test_what_is_no_time_or_may_be_two_is_none(header: dict[str, str]) -> None:
    assert math.isnan(read_start(raw(**header), ""))


def test_a_column_or_a_field_that_is_named_wins() -> None:
    assert read_start(raw(scan__start_time="2020-01-01T00:00:00"), "epoch") == NOON
    assert read_start(raw(began="2021-03-01T12:00:00"), "began") == NOON
    with pytest.raises(BadInput, match="no time in 'nothing'"):
        read_start(raw(), "nothing")


def test_the_channel_is_the_mean_over_the_scan() -> None:
    assert read_channel(raw(), "volt") == 4.0
    assert math.isnan(read_channel(raw(), ""))
    with pytest.raises(BadInput, match=r"no column 'voltage' \(energy, epoch, volt\)"):
        read_channel(raw(), "voltage")


def normalise(path: Path, **options: str) -> object:
    scans = read.read_scans(path, ScanReading(element="Fe", **options), {"role": "series"})
    return normalise_series(calibrate.calibrate_energy(scans, None, Calibration()), Normalisation())


def spectra(count: int) -> np.ndarray:
    truth = made_spectra.Truth()
    noise = 1e-3 * np.random.default_rng(1).standard_normal((count, ENERGY.size))
    return made_spectra.mu(ENERGY, truth) + noise


def test_a_spec_file_of_a_series_has_hours_and_a_voltage(tmp_path: Path) -> None:
    lines = []
    for i, mu in enumerate(spectra(5)):
        lines += [f"#S {i + 1} ascan", f"#D Mon Mar 01 {12 + i}:30:00 2021", "#L energy  mu  volt"]
        lines += [f"{e:.3f} {m:.6f} {3.0 + 0.1 * i:.3f}" for e, m in zip(ENERGY, mu, strict=True)]
    path = tmp_path / "series.spec"
    path.write_text("\n".join(lines) + "\n")
    found = normalise(path, mu="mu", channel="volt")
    assert found["time"].values[:-1] == pytest.approx(np.arange(5.0))
    assert found["channel"].values[:-1] == pytest.approx(3.0 + 0.1 * np.arange(5))
    assert np.isnan(found["time"].values[-1])
    assert "channel" not in normalise(path, mu="mu")
    # What is stored has its units.
    scans = read.read_scans(path, ScanReading(element="Fe", mu="mu"), {"role": "series"})
    for name, ds in (("scans", scans), ("normalised", found)):
        store.save(ds, tmp_path / f"{name}.nc", {"step": "s", "options": {}, "version": "1"}, {})


def test_a_stack_has_its_times_and_voltages_once_for_each_scan(tmp_path: Path) -> None:
    path = tmp_path / "stack.h5"
    with h5py.File(path, "w") as file:
        file["energy"] = ENERGY
        file["mu"] = spectra(4)
        file["clock"] = NOON + 1800 * np.arange(4)
        file["volt"] = np.linspace(3.0, 4.0, 4)
    found = normalise(path, mu="mu", time="clock", channel="volt")
    assert found["time"].values[:-1] == pytest.approx(0.5 * np.arange(4))
    assert found["channel"].values[:-1] == pytest.approx(np.linspace(3.0, 4.0, 4))


def test_clocks_that_go_back_are_no_axis(tmp_path: Path) -> None:
    for i, mu in enumerate(spectra(4)):
        head = f"# Scan.start_time: 2021-03-01T{12 - i}:00:00\n# energy mu"
        table = np.column_stack([ENERGY, mu])
        np.savetxt(tmp_path / f"{i}.dat", table, header=head, fmt="%.6f", comments="")
    assert "time" not in normalise(tmp_path)
