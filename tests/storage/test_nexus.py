"""Each output is netCDF-4 for xarray and NeXus for NeXus programs: one set of numbers, two ways
in."""

import hashlib
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import xarray as xr

from ssbchar.storage import nexus, store

MADE = {"step": "hexrd.refinement.refine_series", "version": "0.1.0", "options": {}}


def fit() -> xr.Dataset:
    """Cells of two phases in five frames."""
    random = np.random.default_rng(1)
    shape = ("frame", "phase", "axis")
    cell = {"units": "angstrom", "ancillary_variables": "cell_stderr"}
    return xr.Dataset(
        {
            "rwp": ("frame", random.random(5), {"units": "percent"}),
            "cell": (shape, random.random((5, 2, 6)), cell),
            "cell_stderr": (shape, random.random((5, 2, 6)), {"units": "angstrom"}),
            "verdict": (("frame", "phase"), np.full((5, 2), "ok")),
        },
        coords={"frame": np.arange(1, 6), "phase": ["LAGP", "LFP"], "axis": list("abcdef")},
        attrs={"measurement": "heat", "sample": "LAGP+LFP"},
    )


def images() -> xr.Dataset:
    """Patterns made of images."""
    counts = np.random.default_rng(2).poisson(100, (3, 200)).astype(float)
    return xr.Dataset(
        {
            "intensity": (("frame", "two_theta"), counts, {"units": "counts"}),
            "intensity_stderr": (("frame", "two_theta"), np.sqrt(counts), {"units": "counts"}),
            "wavelength": ((), 0.2, {"units": "angstrom"}),
            "monitor": ("frame", np.array([1.0, 0.9, np.nan]), {"units": "counts"}),
        },
        coords={
            "frame": np.arange(1, 4),
            "two_theta": ("two_theta", np.linspace(1, 9, 200), {"units": "degree"}),
            "q": ("two_theta", np.linspace(0.5, 5, 200), {"units": "1/angstrom"}),
            "two_theta_common": ("two_theta", np.linspace(1, 9, 200), {"units": "degree"}),
        },
    )


def saved(ds: xr.Dataset, path: Path, **made: Any) -> Path:
    store.save(ds, path, {**MADE, **made}, {})
    return path


def test_xarray_reads_what_was_saved(tmp_path: Path) -> None:
    read = store.load(saved(fit(), tmp_path / "lattice.nc"))
    assert isinstance(read, xr.Dataset)
    assert read.drop_vars("provenance").identical(fit())
    plain = xr.load_dataset(tmp_path / "lattice.nc", engine="h5netcdf")
    assert plain["cell"].equals(fit()["cell"])


def test_the_default_plot_and_the_parameters_are_the_same_numbers(tmp_path: Path) -> None:
    with h5py.File(saved(fit(), tmp_path / "lattice.nc")) as file:
        data = file[file.attrs["default"]]["data"]
        assert data.attrs["NX_class"] == "NXdata"
        assert data.attrs["signal"] == "cell"
        assert list(data.attrs["axes"]) == ["frame", ".", "."]
        assert data["cell"] == file["cell"], "a copy, not a link"
        assert data["cell_errors"] == file["cell_stderr"]
        parameters = file["entry/process/parameters"]
        assert parameters.attrs["NX_class"] == "NXparameters"
        assert set(parameters) == {"rwp", "verdict", "phase", "axis"}
        assert file["entry/sample/name"][()].decode() == "LAGP+LFP"


def test_the_same_dataset_gives_the_same_bytes(tmp_path: Path) -> None:
    digests = {
        hashlib.sha256(saved(fit(), tmp_path / name).read_bytes()).hexdigest()
        for name in ("a.nc", "b.nc")
    }
    assert len(digests) == 1


def test_a_set_aside_output_has_an_entry_without_a_plot(tmp_path: Path) -> None:
    assert nexus.choose_signal(xr.Dataset()) == ""
    with h5py.File(saved(xr.Dataset(), tmp_path / "lost.nc")) as file:
        assert "data" not in file["entry"]


@pytest.fixture
def validate(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, int]]:
    """nxvalidate's check of a file or an application definition: numbers of warnings and errors."""
    if (
        "nxvalidate.validate" not in sys.modules
    ):  # it asks for the width of the terminal when imported
        monkeypatch.setattr(os, "get_terminal_size", lambda *_: os.terminal_size((120, 40)))
    module = pytest.importorskip("nxvalidate.validate", reason="nxvalidate is not installed")

    def check(path: Path, application: str = "", definitions: str | None = None) -> tuple[int, int]:
        module.logger.total.update({"warning": 0, "error": 0})
        if application:
            found = module.validate_application(str(path), application, definitions=definitions)
        else:
            found = module.validate_file(str(path))
        assert found is not None
        return found  # type: ignore[no-any-return]

    return check


@pytest.mark.parametrize("make", [fit, images, xr.Dataset])
def test_the_entry_changes_nothing_for_xarray(
    make: Callable[[], xr.Dataset], tmp_path: Path
) -> None:
    ds = make()
    loaded = store.load(saved(ds, tmp_path / "good.nc", step=nexus.INTEGRATION_STEP))
    assert isinstance(loaded, xr.Dataset)
    assert set(loaded.variables) - {"provenance"} == set(ds.variables)
    for name, variable in ds.variables.items():
        assert loaded[name].dims == variable.dims
        xr.testing.assert_equal(loaded[name].variable, variable)


@pytest.mark.parametrize("make", [fit, images, xr.Dataset])
def test_nxvalidate_finds_no_error(
    make: Callable[[], xr.Dataset], tmp_path: Path, validate: Callable[..., tuple[int, int]]
) -> None:
    assert validate(saved(make(), tmp_path / "good.nc", step=nexus.INTEGRATION_STEP))[1] == 0


def test_nxvalidate_finds_an_axis_that_is_not_there(
    tmp_path: Path, validate: Callable[..., tuple[int, int]]
) -> None:
    path = saved(images(), tmp_path / "bad.nc")
    with h5py.File(path, "r+") as file:
        del file["entry/data/two_theta"]
    assert validate(path)[1] > 0


def test_images_are_an_nxazint1d(tmp_path: Path) -> None:
    with h5py.File(
        saved(
            images(), tmp_path / "p.nc", step=nexus.INTEGRATION_STEP, options={"polarisation": None}
        )
    ) as file:
        sub = file["entry/azint1d"]
        assert sub["definition"][()] == b"NXazint1d"
        assert not sub["polarization_applied"][()]
        assert sub["solid_angle_applied"][()]
        assert sub["data/I"] == file["intensity"]
        assert np.array_equal(sub["data/radial_axis"][()], file["two_theta"][()])
        assert sub["data/radial_axis"].attrs["units"] == file["two_theta"].attrs["units"]
        assert sub["instrument/monochromator/energy"][()] == pytest.approx(61.9921, abs=1e-3)


@pytest.fixture
def definitions(tmp_path: Path) -> str:
    """NeXus's definitions as nexusformat ships them, `optional` said as nxvalidate reads it (NXDL:
    the same)."""
    given = Path(pytest.importorskip("nexusformat").__file__).parent / "definitions"
    if not (given / "applications/NXazint1d.nxdl.xml").is_file():
        pytest.skip("this nexusformat ships no NXazint1d")
    shutil.copytree(given, tmp_path / "definitions")
    path = tmp_path / "definitions/applications/NXazint1d.nxdl.xml"
    text = path.read_text(encoding="utf-8")
    assert 'optional="true"' in text
    path.write_text(text.replace('optional="true"', 'minOccurs="0"'), encoding="utf-8")
    return str(tmp_path / "definitions")


@pytest.mark.parametrize(
    "name", ["solid_angle_applied", "data/radial_axis", "instrument/source/probe"]
)
def test_images_fulfil_the_definition_nxazint1d(
    name: str, tmp_path: Path, definitions: str, validate: Callable[..., tuple[int, int]]
) -> None:
    path = saved(images(), tmp_path / "p.nc", step=nexus.INTEGRATION_STEP)
    assert validate(path, "/entry/azint1d", definitions)[1] == 0
    with h5py.File(path, "r+") as file:
        del file[f"entry/azint1d/{name}"]
    assert validate(path, "/entry/azint1d", definitions)[1] > 0
