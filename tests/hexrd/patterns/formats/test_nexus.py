"""NeXus: units of axis, wavelength, temperature and time; which group is meant."""

import os
import signal
from pathlib import Path

import h5py
import numpy as np
import pytest

from ssbchar.constants import HC_EV_ANGSTROM
from ssbchar.errors import BadInput
from ssbchar.hexrd.patterns.formats import nexus
from ssbchar.hexrd.patterns.formats.extracted import PatternFile
from ssbchar.storage import hdf5, row_file
from ssbchar.storage.options import ReadingLimits

X = np.linspace(1.0, 2.0, 11)


def write(
    path: Path,
    axis: str = "two_theta",
    unit: str = "degree",
    shape: tuple[int, ...] = (11,),
    **more: tuple[object, str],
) -> Path:
    """Write one group; `more` are datasets below the entry, with unit."""
    with h5py.File(path, "w") as file:
        data = file.create_group("entry/data")
        data.attrs.update({"signal": "intensity", "axes": [".", axis][-len(shape) :]})
        data["intensity"] = np.arange(np.prod(shape), dtype=float).reshape(shape)
        data[axis] = X
        data[axis].attrs["units"] = unit
        for name, (value, its_unit) in more.items():
            file[f"entry/{name.replace('__', '/')}"] = value
            file[f"entry/{name.replace('__', '/')}"].attrs["units"] = its_unit
    return path


def extracted(folder: Path, *words: object, **more: object) -> PatternFile:
    return nexus.extract(write(folder / "a.nxs", *words, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("axis", "unit", "found", "factor"),
    [
        ("two_theta", "degree", "degree", 1.0),
        ("two_theta", "rad", "degree", 180 / np.pi),
        ("two_theta", "", "degree", 1.0),
        ("polar_angle", "", "degree", 1.0),
        ("q", "1/nm", "1/nm", 1.0),
        ("q", "Å^-1", "1/angstrom", 1.0),
        ("q", "", "1/angstrom", 1.0),
        ("d", "angstrom", "angstrom", 1.0),
        ("x", "", "", 1.0),
    ],
)
def test_the_unit_of_the_axis(
    axis: str, unit: str, found: str, factor: float, tmp_path: Path
) -> None:
    pattern = extracted(tmp_path, axis, unit)
    assert pattern.unit == found
    np.testing.assert_allclose(pattern.x, factor * X, rtol=1e-12)
    assert pattern.intensity.shape == (1, 11) and pattern.stderr is None


@pytest.mark.parametrize(
    ("name", "value", "unit", "angstrom"),
    [
        ("wavelength", 2.5e-11, "m", 0.25),
        ("incident_wavelength", 0.025, "nm", 0.25),
        ("wavelength", 25.0, "pm", 0.25),
        ("wavelength", 0.25, "", 0.25),
        ("energy", 50.0, "keV", HC_EV_ANGSTROM / 50e3),
        ("incident_energy", 50e3, "eV", HC_EV_ANGSTROM / 50e3),
    ],
)
def test_the_wavelength(
    name: str, value: float, unit: str, angstrom: float, tmp_path: Path
) -> None:
    found = extracted(tmp_path, **{f"beam__{name}": (value, unit)}).wavelength
    assert found is not None and found[0] == pytest.approx(angstrom, rel=1e-12)
    assert found[1] == pytest.approx(1e-7 * angstrom)


def test_no_wavelength(tmp_path: Path) -> None:
    assert extracted(tmp_path).wavelength is None


def test_temperature_and_time_of_frames(tmp_path: Path) -> None:
    kelvin = {"sample__temperature": ([300.0, 310.0], "K")}
    np.testing.assert_allclose(
        extracted(tmp_path, shape=(2, 11), **kelvin).temperature, [26.85, 36.85]
    )
    celsius = {"sample__temperature": (30.0, "degC")}
    np.testing.assert_array_equal(
        extracted(tmp_path, shape=(2, 11), **celsius).temperature, [30, 30]
    )
    wrong = {"sample__temperature": ([1.0, 2.0, 3.0], "K")}
    assert np.isnan(extracted(tmp_path, shape=(2, 11), **wrong).temperature).all()
    seconds = {"sample__time": ([1e8, 2e9], "s")}
    np.testing.assert_array_equal(extracted(tmp_path, shape=(2, 11), **seconds).time, [np.nan, 2e9])


@pytest.mark.parametrize(
    ("start", "first"),
    [("1970-01-02T00:00:00Z", 86410.0), ("1970-01-02T00:00:00", np.nan)],
)
def test_time_from_a_start_needs_a_zone(start: str, first: float, tmp_path: Path) -> None:
    path = write(tmp_path / "a.nxs", shape=(2, 11), time=([10.0, 20.0], "s"))
    with h5py.File(path, "a") as file:
        file["entry/time"].attrs["start"] = start
    np.testing.assert_array_equal(nexus.extract(path).time, [first, first + 10])


def test_the_dataset_nearest_to_the_top_counts(tmp_path: Path) -> None:
    found = extracted(tmp_path, beam__deep__wavelength=(9.0, ""), wavelength=(0.25, ""))
    assert found.wavelength is not None and found.wavelength[0] == 0.25


@pytest.mark.parametrize("where", [b"entry/\xfftemperature", b"\xffentry/data/intensity"])
def test_names_that_are_no_utf8_hide_nothing(where: bytes, tmp_path: Path) -> None:
    path = write(tmp_path / "a.nxs", entry__wavelength=(0.2, "angstrom"))
    with h5py.File(path, "a") as file:
        if where.startswith(b"\xff"):
            file.move("entry", where.split(b"/")[0])
        else:
            file[where] = 1.0
    found = nexus.extract(path)
    assert found.wavelength is not None
    assert found.x.size == X.size and found.wavelength[0] == 0.2


def test_errors_and_header(tmp_path: Path) -> None:
    path = write(tmp_path / "a.nxs", title=("Synthetic data", ""))
    with h5py.File(path, "a") as file:
        file["entry/data/errors"] = np.full(11, 2.0)
    found = nexus.extract(path)
    assert found.synthetic
    np.testing.assert_array_equal(found.stderr, np.full((1, 11), 2.0))


def test_several_groups_need_a_default(tmp_path: Path) -> None:
    path = write(tmp_path / "a.nxs")
    with h5py.File(path, "a") as file:
        file.copy("entry/data", "entry/other")
    with pytest.raises(BadInput, match=r"one NXdata group of patterns, has /entry/data, /entry/ot"):
        nexus.extract(path)
    with h5py.File(path, "a") as file:
        file.attrs["default"] = "entry"
        file["entry"].attrs["default"] = "other"
        file["entry/other/intensity"][0] = 77.0
    assert nexus.extract(path).intensity[0, 0] == 77.0


def test_the_old_way_of_naming_signal_and_axes(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.nxs", "w") as file:
        data = file.create_group("entry/data")
        data["counts"] = np.arange(11.0)
        data["counts"].attrs.update({"signal": 1, "axes": "q"})
        data["q"] = X
    found = nexus.extract(tmp_path / "a.nxs")
    np.testing.assert_array_equal(found.intensity, [np.arange(11.0)])


def test_a_long_series_is_read_by_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_file, "LARGE_BYTES", 100)
    monkeypatch.setattr(row_file, "BLOCK_BYTES", 200)
    found = extracted(tmp_path, shape=(7, 11)).intensity
    assert isinstance(found, row_file.RowFile)
    np.testing.assert_array_equal(found[:], np.arange(77.0).reshape(7, 11))


def test_what_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.nxs")
    with h5py.File(path, "a") as file:
        del file["entry/data"].attrs["axes"]
    with pytest.raises(BadInput, match="axis is not named"):
        nexus.extract(path)
    with h5py.File(path, "a") as file:
        file["entry/data"].attrs["axes"] = "two_theta"
        del file["entry/data/two_theta"]
        file["entry/data/two_theta"] = X[:-1]
    with pytest.raises(BadInput, match="11 points on an axis of 10"):
        nexus.extract(path)


@pytest.mark.parametrize(
    ("axis", "unit", "found", "factor"),
    [
        ("two_theta", "mrad", "degree", 0.18 / np.pi),
        ("two_theta", "centidegree", "degree", 0.01),
        ("tth", "°", "degree", 1.0),
        ("x", "deg", "degree", 1.0),
        ("radial", "2th_deg", "degree", 1.0),
        ("radial", "q_nm^-1", "1/nm", 1.0),
        ("q", "nm^-1", "1/nm", 1.0),
        ("q", "A^-1", "1/angstrom", 1.0),
        ("q", "Angstrom-1", "1/angstrom", 1.0),
        ("q", "1/m", "1/angstrom", 1e-10),
        ("d", "nm", "angstrom", 10.0),
        ("d", "pm", "angstrom", 0.01),
    ],
)
def test_units_that_are_converted(
    axis: str, unit: str, found: str, factor: float, tmp_path: Path
) -> None:
    pattern = extracted(tmp_path, axis, unit)
    assert pattern.unit == found and not pattern.misread
    np.testing.assert_allclose(pattern.x, factor * X, rtol=1e-12)


@pytest.mark.parametrize(
    ("axis", "unit"),
    [
        ("two_theta", "furlong"),
        ("two_theta", "1/nm"),
        ("q", "deg"),
        ("x", "mm"),
        ("energy", "keV"),
        ("tof", ""),
        ("r", "angstrom"),
    ],
)
def test_axes_that_are_not_understood(axis: str, unit: str, tmp_path: Path) -> None:
    pattern = extracted(tmp_path, axis, unit)
    assert [one.quantity for one in pattern.misread] == ["axis"]


def test_the_long_name_of_an_axis(tmp_path: Path) -> None:
    path = write(tmp_path / "a.nxs", "x", "")
    with h5py.File(path, "a") as file:
        file["entry/data/x"].attrs["long_name"] = r"Scattering vector $q$ ($nm^{-1}$)"
    assert nexus.extract(path).unit == "1/nm"


@pytest.mark.parametrize(
    ("name", "value", "unit", "angstrom"),
    [
        ("wavelength", 2.5e-5, "um", 0.25),
        ("wavelength", 2.5e-5, "µm", 0.25),
        ("wavelength", 2.5e-8, "mm", 0.25),
        ("wavelength", 0.25, "Å", 0.25),
        ("wavelength", 2.5e-11, "", 0.25),
        ("energy", 50.0, "", HC_EV_ANGSTROM / 50e3),
        ("energy", 50e3, "", HC_EV_ANGSTROM / 50e3),
    ],
)
def test_wavelengths_in_any_unit(
    name: str, value: float, unit: str, angstrom: float, tmp_path: Path
) -> None:
    found = extracted(tmp_path, **{f"beam__{name}": (value, unit)})
    assert found.wavelength is not None and not found.misread
    assert found.wavelength[0] == pytest.approx(angstrom, rel=1e-12)


@pytest.mark.parametrize(
    ("name", "value", "unit", "quantity"),
    [
        ("wavelength", 0.25, "furlong", "wavelength"),
        ("wavelength", 0.25, "um", "wavelength"),
        ("wavelength", [0.25, 0.26], "angstrom", "wavelength"),
        ("energy", 50.0, "J", "wavelength"),
        ("temperature", 300.0, "furlong", "temperature"),
        ("count_time", 300.0, "furlong", "exposure"),
    ],
)
def test_units_that_are_told(
    name: str, value: object, unit: str, quantity: str, tmp_path: Path
) -> None:
    found = extracted(tmp_path, **{name: (value, unit)})
    assert [one.quantity for one in found.misread] == [quantity] and found.misread[0].remedy


def test_temperatures_without_a_unit_and_times(tmp_path: Path) -> None:
    found = extracted(tmp_path, temperature=(300.0, ""), count_time=(500.0, "ms"))
    assert np.isnan(found.temperature).all() and found.bare_temperature.tolist() == [300.0]
    assert found.exposure.tolist() == [0.5]
    minutes = write(tmp_path / "b.nxs", shape=(2, 11), time=([0.0, 1.0], "min"))
    with h5py.File(minutes, "a") as file:
        file["entry/time"].attrs["start"] = "1970-01-02T00:00:00Z"
    assert nexus.extract(minutes).time.tolist() == [86400.0, 86460.0]


@pytest.mark.parametrize(
    ("start", "time"), [("1970-01-02T00:00:00Z", 86400.0), ("1970-01-02T00:00:00", np.nan)]
)
def test_the_start_of_a_single_pattern(start: str, time: float, tmp_path: Path) -> None:
    found = extracted(tmp_path, start_time=(start, ""))
    np.testing.assert_array_equal(found.time, [time])
    assert (found.local_time is None) == np.isfinite(time)


def test_a_group_called_monitor_is_no_number(tmp_path: Path) -> None:
    path = write(tmp_path / "a.nxs")
    with h5py.File(path, "a") as file:
        file.create_group("entry/data/monitor")
    assert np.isnan(nexus.extract(path).monitor).all()


def test_a_number_beyond_single_precision(tmp_path: Path) -> None:
    path = write(tmp_path / "a.nxs")
    with h5py.File(path, "a") as file:
        file["entry/data/intensity"][3] = 1e40
    with pytest.raises(BadInput, match="beyond single precision"):
        nexus.extract(path)


def test_defaults_that_lead_in_a_circle_end(tmp_path: Path) -> None:
    path = write(tmp_path / "a.nxs")
    with h5py.File(path, "a") as file:
        for group in ("a", "b"):
            file.create_group(group)
        file["a/again"] = h5py.SoftLink("/b")
        file["b/again"] = h5py.SoftLink("/a")
        file["a"].attrs["default"] = file["b"].attrs["default"] = "again"
        file.attrs["default"] = "a"
    assert nexus.extract(path).intensity.shape[1] > 2
    with h5py.File(path, "a") as file:
        file.attrs["default"] = "."
    assert nexus.extract(path).intensity.shape[1] > 2


def test_patterns_stored_outside_of_the_file_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.nxs")
    (tmp_path / "secret").write_bytes(bytes(800))
    with h5py.File(path, "a") as file:
        file.create_dataset("x", (100,), float, external=[(str(tmp_path / "secret"), 0, 800)])
    with pytest.raises(BadInput, match="stored outside of HDF5"):
        nexus.extract(path)


def test_a_pattern_of_too_many_points_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.nxs", "w") as file:
        group = file.create_group("entry")
        group.attrs.update({"signal": "I", "axes": ["frame", "two_theta"]})
        group.create_dataset("I", (2, 10**10), float, chunks=(1, 10**4))
        group.create_dataset("two_theta", (10**10,), float, chunks=(10**4,))
    with pytest.raises(BadInput, match=r"10000000000 points.*hexrd\.read\.limits\.points"):
        nexus.extract(tmp_path / "a.nxs")


def test_a_file_over_which_the_library_crashes_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.nxs")

    def crash(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGSEGV)

    monkeypatch.setattr(hdf5, "_open_everything", crash)
    with pytest.raises(BadInput, match=r"the library that reads it crashes \(SIGSEGV\)"):
        nexus.extract(path)

    def search(*_: object) -> None:
        while True:
            sum(range(1000))

    monkeypatch.setattr(hdf5, "_open_everything", search)
    with pytest.raises(BadInput, match=r"did not end within 0\.\d+ s"):
        hdf5.find_linked_files(path, ReadingLimits(time=0.3))
    monkeypatch.undo()
    assert nexus.extract(path).intensity.size
