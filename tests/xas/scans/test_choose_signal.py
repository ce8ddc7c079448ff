"""Which signal a scan with several gives: what is named, else the one that shows an edge."""

from pathlib import Path

import numpy as np
import pytest
from xas import made_spectra

from ssbchar.xas.scans import choose_signal, jumps, read
from ssbchar.xas.scans.columns import list_absorption_columns
from ssbchar.xas.scans.describe import describe_scans
from ssbchar.xas.scans.formats.raw_scan import RawScan
from ssbchar.xas.scans.options import ScanReading
from ssbchar.xas.scans.scan import Mode

LABELS = {"measurement": "one", "role": "pristine"}
ENERGY = made_spectra.grid()
MU = made_spectra.mu(ENERGY, made_spectra.Truth())


def write(path: Path, share: float) -> Path:
    """Transmission of `share` of the sample's step, and its fluorescence."""
    random = np.random.default_rng(3)
    i0 = np.full(ENERGY.size, 1e6)
    noise = 1e-4 * random.standard_normal((3, ENERGY.size))
    i1 = i0 * np.exp(-share * MU + noise[0])
    foil = i1 * np.exp(-made_spectra.foil(ENERGY))
    columns = {
        "energy": ENERGY,
        "i0": i0,
        "it": i1,
        "iref": foil,
        "other": foil * 1.01,
        "if1": 1e4 * (MU + 0.1 + 20 * noise[1]),
        "if2": 2e4 * (MU + 0.1 + 20 * noise[2]),
        "ready": 2 * MU,
    }
    np.savetxt(path, np.column_stack(list(columns.values())), header=" ".join(columns), fmt="%.6f")
    return path


def mode_of(path: Path, **options: object) -> str:
    return str(read.read_scans(path, ScanReading(**options), LABELS).attrs["mode"])


@pytest.mark.parametrize(("share", "mode"), [(0.005, "fluorescence"), (0.5, "transmission")])
def test_a_transmission_without_an_edge_gives_way(tmp_path: Path, share: float, mode: str) -> None:
    path = write(tmp_path / "a.dat", share)
    assert mode_of(path) == mode
    said = describe_scans(path, ScanReading()).said
    assert ("fluorescence = column 6 'if1' + column 7 'if2'" in said) == (mode == "fluorescence")
    assert mode_of(path, mode="transmission") == "transmission"
    assert mode_of(path, transmitted="it") == "transmission"


def test_what_is_named_wins_over_what_is_found(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dat", 0.5)
    assert mode_of(path, fluorescence=("if2",)) == "fluorescence"
    ds = read.read_scans(path, ScanReading(mu="ready"), LABELS)
    assert ds.attrs["mode"] == "mu"
    np.testing.assert_allclose(ds["mu"].values[0], 2 * MU, atol=1e-5)
    named = read.read_scans(path, ScanReading(foil="other"), LABELS)
    found = read.read_scans(path, ScanReading(), LABELS)
    difference = found["mu_foil"].values - named["mu_foil"].values
    np.testing.assert_allclose(difference, np.log(1.01), atol=1e-5)


def test_a_foil_column_without_an_edge_is_none_unless_it_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dat", 0.5)
    table = np.loadtxt(path)
    table[:, 3] = 0.5 * table[:, 2]
    np.savetxt(path, table, header="energy i0 it iref other if1 if2 ready", fmt="%.6f")
    ds = read.read_scans(path, ScanReading(), LABELS)
    assert not np.isfinite(ds["mu_foil"].values).any()
    assert "shows no edge: taken for none" in ds.attrs["notes"]
    named = read.read_scans(path, ScanReading(foil="iref"), LABELS)
    assert np.isfinite(named["mu_foil"].values).all()


def write_emission_lines(path: Path, *names: str) -> Path:
    """The sample's fluorescence in each column of these names, beside a counter in the dark."""
    random = np.random.default_rng(4)
    i0 = np.full(ENERGY.size, 1e6)
    columns = {"Energy": ENERGY, "I0_KEITHLEY1": i0}
    columns |= {
        name: random.poisson(2e4 * (MU + 0.2) * (number + 1)).astype(float)
        for number, name in enumerate(names)
    }
    columns["I1_KEITHLEY2"] = -900 + 20 * random.standard_normal(ENERGY.size)
    np.savetxt(path, np.column_stack(list(columns.values())), header=" ".join(columns), fmt="%.6f")
    return path


@pytest.mark.parametrize(
    ("names", "taken"),
    [
        (("MgKa_sum", "FeKa_sum"), "column 4 'FeKa_sum'"),
        (("FeKa_1", "FeKa_2", "FeKa_Sum"), "column 5 'FeKa_Sum'"),
        (("FeKa_1", "FeKa_2", "FeKa_dead"), "column 3 'FeKa_1' + column 4 'FeKa_2'"),
    ],
)
def test_emission_lines_of_the_element_that_is_scanned(
    tmp_path: Path, names: tuple[str, ...], taken: str
) -> None:
    path = write_emission_lines(tmp_path / "a.dat", *names)
    assert mode_of(path) == "fluorescence"
    assert f"fluorescence = {taken}," in describe_scans(path, ScanReading()).said


def test_lines_of_two_elements_that_are_scanned_are_asked_for(tmp_path: Path) -> None:
    path = write_emission_lines(tmp_path / "a.dat", "FeKa", "Ho La")
    raw = read.list_raw_scans(path, ScanReading())[0]
    assert list_absorption_columns(raw, ScanReading(), Mode.FLUORESCENCE) == []


GRID = np.arange(7022.0, 7262.0, 3.0)


def make_step(height: float, significance: float) -> np.ndarray:
    """An absorption with a step at 7112 eV so many standard errors high."""
    offset = GRID - 7112.0
    noise = np.where(np.abs(offset) > 8, (-1.0) ** np.arange(GRID.size), 0.0)
    fitted = jumps.measure_step(GRID, (offset > 0) + noise, 7112.0)
    assert fitted is not None
    unit = fitted[1]  # of noise one beside a step of one
    return 1.0 + height * (offset > 0) + height / significance / unit * noise


def choose(transmitted: np.ndarray, fluorescence: np.ndarray) -> str:
    i0 = np.full(GRID.size, 1e6)
    columns = {"energy": GRID, "i0": i0, "it": i0 * np.exp(-transmitted), "if": i0 * fluorescence}
    raw = RawScan(where="a.dat", columns=columns)
    return choose_signal.prefer_fluorescence(raw, GRID, ScanReading())[0].mode


@pytest.mark.parametrize(
    ("transmitted", "fluorescence", "mode"),
    [
        # a large step is taken, whatever the fluorescence shows
        ((0.105, 50), (1.0, 1000), "auto"),
        ((0.095, 50), (1.0, 1000), "fluorescence"),
        # one of some size unless the fluorescence is five times clearer
        ((0.05, 50), (1.0, 240), "auto"),
        ((0.05, 50), (1.0, 260), "fluorescence"),
        # a weak one is not trusted where the fluorescence is half as clear
        ((0.021, 50), (1.0, 100), "auto"),
        ((0.019, 50), (1.0, 100), "fluorescence"),
        ((0.019, 50), (1.0, 24), "auto"),
        ((0.019, 50), (1.0, 26), "fluorescence"),
        # and none is taken that is not above its own noise
        ((0.001, 6), (1.0, 4.4), "auto"),
        ((0.001, 6), (1.0, 5.6), "fluorescence"),
    ],
)
def test_steps_at_each_limit(
    transmitted: tuple[float, float], fluorescence: tuple[float, float], mode: str
) -> None:
    assert choose(make_step(*transmitted), make_step(*fluorescence)) == mode
