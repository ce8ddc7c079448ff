"""One wild reading of one counter in one of three repeats moves nothing."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from xas import made_spectra

from ssbchar.xas.normalisation import calibrate, normalise, wild_readings
from ssbchar.xas.normalisation.options import Calibration, Normalisation
from ssbchar.xas.scans import read
from ssbchar.xas.scans.options import ScanReading

HEADLINES = ("e0_half", "e0_derivative", "white_line", "edge_step")
COUNTERS = {"i0": 1, "i1": 2, "iref": 3}


def measured(folder: Path) -> xr.Dataset:
    scans = read.read_scans(folder, ScanReading(), {"measurement": "one", "role": "pristine"})
    return calibrate.calibrate_energy(scans, None, Calibration())


def headlines(calibrated: xr.Dataset) -> tuple[dict[str, float], dict[str, float], int]:
    """Return values and errors of the merged spectrum, and how many scans it is of."""
    ds = normalise.normalise_spectra(calibrated, Normalisation())
    axis = float(calibrated.attrs["alignment_error"])
    values = {name: float(ds[name][-1]) for name in HEADLINES}
    errors = {name: float(ds[f"{name}_stderr"][-1]) for name in HEADLINES}
    for name in ("e0_half", "e0_derivative"):
        errors[name] = float(np.hypot(errors[name], axis))
    return values, errors, int(ds.attrs["repeats"])


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """Lines of three repeats whose axes are off by some hundredths of an eV."""
    random = np.random.default_rng(11)
    path = tmp_path_factory.mktemp("lines") / "scan.dat"
    lines = []
    for drift in (0.50, 0.57, 0.44):
        made_spectra.write_scan(path, made_spectra.Truth(), random, drift=drift)
        lines.append(path.read_text().splitlines())
    return lines


@pytest.fixture(scope="module")
def clean(
    texts: list[list[str]], tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, float], dict[str, float]]:
    """Values and errors of the three as they are."""
    return headlines(measured(write(tmp_path_factory.mktemp("clean"), texts)))[:2]


def write(folder: Path, texts: list[list[str]]) -> Path:
    folder.mkdir(exist_ok=True)
    for number, lines in enumerate(texts):
        (folder / f"{number}.dat").write_text("\n".join(lines) + "\n")
    return folder


def spoil(texts: list[list[str]], scan: int, point: int, column: int, factor: float) -> list:
    first = next(i for i, line in enumerate(texts[scan]) if not line.startswith("#"))
    lines = list(texts[scan])
    values = lines[first + point].split()
    values[column] = f"{float(values[column]) * factor:.6f}"
    lines[first + point] = " ".join(values)
    return [lines if i == scan else one for i, one in enumerate(texts)]


@pytest.mark.parametrize("seed", range(12))
def test_one_reading_times_a_tenth_to_ten(
    tmp_path: Path,
    texts: list[list[str]],
    clean: tuple[dict[str, float], dict[str, float]],
    seed: int,
) -> None:
    truth, errors = clean
    random = np.random.default_rng([seed, 5])
    counter = list(COUNTERS)[int(random.integers(3))]
    size = made_spectra.grid().size
    # Half of the places lie on the edge, where a reading weighs most; the ends are drawn, too.
    point = int(random.choice([0, 1, size - 2, size - 1, *random.integers(35, 200, 4)]))
    factor = float(10 ** random.uniform(-1, 1))
    spoilt = spoil(texts, int(random.integers(3)), point, COUNTERS[counter], factor)
    found, more, repeats = headlines(measured(write(tmp_path / "spoilt", spoilt)))
    if repeats < 3:
        return
    for name in HEADLINES:
        error = max(errors[name], more[name])
        assert abs(found[name] - truth[name]) < 2 * error, (name, counter, point, factor)


def test_without_a_wild_reading_nothing_is_replaced(tmp_path: Path, texts: list[list[str]]) -> None:
    calibrated = measured(write(tmp_path / "clean", texts))
    same, remarks = wild_readings.replace_wild_readings(calibrated, np.arange(3), Normalisation())
    assert remarks == []
    assert np.array_equal(same["mu"].values, calibrated["mu"].values, equal_nan=True)


def test_the_wild_reading_follows_the_others_and_is_told(
    tmp_path: Path, texts: list[list[str]]
) -> None:
    spoilt = measured(write(tmp_path / "a", spoil(texts, 1, 130, 2, 0.5)))
    clean = measured(write(tmp_path / "b", texts))
    mended, remarks = wild_readings.replace_wild_readings(spoilt, np.arange(3), Normalisation())
    assert mended["mu"].values[1, 130] == pytest.approx(clean["mu"].values[1, 130], abs=0.02)
    assert "a wild reading at" in remarks[0]["note"]
    assert remarks[0]["where"].endswith("1.dat")
    two, none = wild_readings.replace_wild_readings(spoilt, np.arange(2), Normalisation())
    assert two is spoilt and none == []
