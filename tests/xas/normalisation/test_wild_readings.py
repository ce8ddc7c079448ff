"""One wild reading of one counter in one of three repeats moves nothing."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from xas import made_spectra

from ssbchar.xas.calibration import calibrate
from ssbchar.xas.calibration.options import Calibration
from ssbchar.xas.normalisation import normalise, wild_readings
from ssbchar.xas.normalisation.options import Normalisation
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


def test_a_reading_sticks_out_of_all_others_on_one_side() -> None:
    """Beyond six deviations, and no less than three quarters of the highest of five."""
    nothing = np.zeros(9)

    def find(*sizes: dict[int, float]) -> list[int]:
        rows = []
        for one in sizes:
            row = nothing.copy()
            row[list(one)] = list(one.values())
            rows.append(row)
        return np.flatnonzero(wild_readings._find_wild(rows)).tolist()

    assert find({4: 6.1}, {4: 20.0}) == [4] and find({4: -6.1}, {4: -20.0}) == [4]
    assert find({4: 5.9}, {4: 20.0}) == [] and find({4: 6.1}, {4: -20.0}) == []
    assert find({4: 20.0}, {}) == []
    assert find({4: 20.0, 6: 15.1}, {4: 20.0, 6: 15.1}) == [4, 6]
    assert find({4: 20.0, 6: 14.9}, {4: 20.0, 6: 14.9}) == [4]
    assert find({4: 20.0, 7: 7.0}, {4: 20.0, 7: 7.0}) == [4, 7]
    assert find({0: 9.0}, {0: 9.0}) == [0] and find({8: 9.0}, {8: 9.0}) == [8]


def test_the_local_scatter_is_that_of_31_points_and_no_less_than_of_all() -> None:
    size = np.full(200, 1.0)
    size[100:] = 3.0
    found = wild_readings._find_local_scatter(size)
    assert found[40] == pytest.approx(2 * 1.4826) and found[160] == pytest.approx(3 * 1.4826)
    size[:] = 1.0
    size[50:66] = 9.0  # 16 of 31
    found = wild_readings._find_local_scatter(size)
    assert found[57] == pytest.approx(9 * 1.4826, rel=1e-4)
    size[50] = 1.0
    assert wild_readings._find_local_scatter(size)[57] == pytest.approx(1.4826, rel=1e-4)


def test_the_ends_are_held_against_the_six_beside_them() -> None:
    x = np.arange(30.0)
    deviation = np.zeros(30)
    deviation[[0, 1, 28, 29]] = 1.0, 2.0, 3.0, 4.0
    found = wild_readings._measure_jumps_to_ends(x, deviation)
    assert found[[0, 1, 28, 29]].tolist() == [1.0, 2.0, 3.0, 4.0]
    deviation[:8] = [9.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    # of 0, 1 ... 6 the median is 3; of 9, 1 ... 6 it is 4
    found = wild_readings._measure_jumps_to_ends(x, deviation)
    assert found[[0, 1]].tolist() == [6.0, -4.0]


def test_what_a_slope_and_the_smallest_glitch_allow() -> None:
    """A line of 0.02 per eV over 100 eV: 1 % of 2, and 0.05 eV of the slope."""
    x = np.arange(0.0, 100.5, 0.5)
    floor = wild_readings._calculate_floor(x, 0.02 * x, 0.01)
    np.testing.assert_allclose(floor[20:-20], 0.01 * 2 + 0.05 * 0.02, rtol=1e-3)


def test_a_scan_against_one_of_another_thickness_and_baseline() -> None:
    x = np.arange(0.0, 100.0)
    other = np.tanh((x - 50) / 5)
    own = 2.5 * other + 0.3 + 0.004 * x
    spoilt = own.copy()
    spoilt[70] += 0.5
    found = wild_readings._compare(x, spoilt, (x, other), np.full(100, 0.01))
    np.testing.assert_allclose(found.fitted, own, atol=1e-3)
    assert found.deviation[70] == pytest.approx(0.5, abs=1e-3) and np.argmax(found.size) == 70
    wild = np.arange(100) == 70
    np.testing.assert_allclose(wild_readings._mend(x, found, wild), own, atol=1e-3)
    assert not np.any(wild_readings._compare(x, spoilt, (x, other), np.full(100, 9.0)).size)
    # where the other does not reach nothing is known
    short = wild_readings._compare(x, spoilt, (x[:60], other[:60]), np.full(100, 0.01))
    assert not np.any(short.size[60:])
