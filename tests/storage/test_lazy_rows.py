"""Variables too large for memory: which ones, read a block at a time, and written by chunks."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5netcdf
import numpy as np
import pytest
import xarray as xr

from ssbchar.storage import lazy_rows, row_file
from ssbchar.storage.lazy_rows import RowReader
from ssbchar.storage.row_file import RowFile

VALUES = np.random.default_rng(0).random((20, 3))
ROW_BYTES = 3 * 8


def rows_on_disk(values: np.ndarray = VALUES) -> RowFile:
    rows = RowFile(values.shape, values.dtype)
    rows[:] = values
    return rows


@pytest.fixture
def everything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_file, "LARGE_BYTES", ROW_BYTES)


class Recorder:
    """Values that note which rows are read."""

    def __init__(self, values: np.ndarray) -> None:
        self.values, self.read = values, []  # type: ignore[var-annotated]
        self.shape, self.dtype = values.shape, values.dtype

    def __getitem__(self, rows: slice) -> Any:
        self.read.append((rows.start, rows.stop))
        return SimpleNamespace(values=self.values[rows])


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_a_reader_gives_rows_in_double_precision(
    monkeypatch: pytest.MonkeyPatch, dtype: type
) -> None:
    monkeypatch.setattr(row_file, "BLOCK_BYTES", 3 * 3 * np.dtype(dtype).itemsize)
    values = (10 * VALUES).astype(dtype)
    reader = RowReader(xr.DataArray(values, dims=("frame", "two_theta")))
    assert len(reader) == 20
    assert reader[4].dtype == (np.float64 if dtype == np.float32 else dtype)
    for rows in (4, slice(2, 11), slice(5, 5), np.array([3, 4, 9]), np.array([0, 19]), slice(None)):
        np.testing.assert_array_equal(reader[rows], values[rows])
    assert reader[np.array([], int)].shape == (0, 3)


def test_mapped_blocks_are_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_file, "BLOCK_BYTES", 7 * 3 * 8)
    values = xr.DataArray(VALUES, dims=("frame", "two_theta"), attrs={"units": "1"})
    factor = np.arange(20.0)[:, None]
    mapped = lazy_rows.map_blocks(values, lambda block, rows: block * factor[rows])
    np.testing.assert_array_equal(mapped.values, VALUES * factor)
    assert mapped.dims == ("frame", "two_theta") and mapped.attrs == {"units": "1"}


@pytest.mark.parametrize(
    ("asked", "read"),
    [
        ([0], [(0, 3)]),
        ([4, 5, 3], [(3, 6)]),
        ([5, 6], [(3, 6), (6, 9)]),
        ([4, 2], [(3, 6), (0, 3)]),
        ([slice(2, 11)], [(0, 11)]),
        ([3, slice(4, 7)], [(3, 6), (3, 7)]),
        ([slice(4, 6), slice(3, 6)], [(3, 6)]),
        ([slice(5, 5)], []),
        ([slice(3, 5)], [(3, 6)]),
        ([np.array([5, 9])], [(3, 10)]),
        ([np.array([0, 5])], [(0, 6)]),
        ([np.array([0, 6])], [(0, 3), (6, 9)]),
        ([np.array([0, 1, 2, 7])], [(0, 8)]),
        ([np.array([0, 1, 2, 8])], [(0, 3), (6, 9)]),
    ],
)
def test_blocks_of_three_rows_are_read_once(
    asked: list[Any], read: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_file, "BLOCK_BYTES", 3 * ROW_BYTES)
    recorder = Recorder(VALUES)
    reader = RowReader(recorder)  # type: ignore[arg-type]
    for rows in asked:
        np.testing.assert_array_equal(reader[rows], VALUES[rows])
    assert recorder.read == read


def test_only_large_patterns_of_a_series_are_read_by_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(row_file, "LARGE_BYTES", 20 * ROW_BYTES - 1)
    cube = np.zeros((20, 3, 1))
    assert lazy_rows.is_read_by_rows(xr.Variable(("frame", "two_theta"), VALUES))
    assert lazy_rows.is_read_by_rows(xr.Variable(("frame", "azimuth", "two_theta"), cube))
    assert not lazy_rows.is_read_by_rows(xr.Variable(("frame", "two_theta"), VALUES[:19]))
    assert not lazy_rows.is_read_by_rows(xr.Variable(("frame", "r"), VALUES))
    assert not lazy_rows.is_read_by_rows(xr.Variable(("ring", "two_theta"), VALUES))
    assert not lazy_rows.is_read_by_rows(xr.Variable(("frame",), np.zeros(99)))


def test_rows_of_a_large_file_stay_there(everything_is_large: None) -> None:
    variable = lazy_rows.make_variable(("frame", "two_theta"), rows_on_disk(), {"units": "1"})
    assert lazy_rows.is_on_disk(variable) and variable.attrs == {"units": "1"}
    for key in (4, slice(2, 9), (3, 1), (slice(1, 7, 2), slice(0, 2)), (slice(None), 2)):
        np.testing.assert_array_equal(variable[key].values, VALUES[key])  # type: ignore[index]
    assert not lazy_rows.is_on_disk(xr.DataArray(VALUES))
    assert lazy_rows.is_on_disk(xr.DataArray(variable))


def test_rows_of_a_small_file_are_read_at_once() -> None:
    variable = lazy_rows.make_variable(("frame", "two_theta"), rows_on_disk())
    assert not lazy_rows.is_on_disk(variable)
    np.testing.assert_array_equal(variable.values, VALUES)


def written(path: Path, **more: Any) -> Path:
    ds = xr.Dataset(
        {"intensity": (("frame", "two_theta"), VALUES, {"units": "1"}), **more},
        coords={"frame": np.arange(20)},
    )
    ds.to_netcdf(path, engine="h5netcdf")
    return path


def test_a_forked_process_opens_the_file_for_itself(
    tmp_path: Path, everything_is_large: None
) -> None:
    path = written(tmp_path / "a.nc")
    with xr.open_dataset(path, engine="h5netcdf", cache=False) as ds:
        reader = RowReader(ds["intensity"])
        before = reader._values
        np.testing.assert_array_equal(reader[3], VALUES[3])
        assert reader._values is before
        reader._process, reader._block = os.getpid() + 1, reader._block[:0]
        np.testing.assert_array_equal(reader[3], VALUES[3])
        assert reader._values is not before and reader._process == os.getpid()


def test_values_in_memory_need_no_file() -> None:
    values = xr.DataArray(VALUES, dims=("frame", "two_theta"))
    assert lazy_rows._reopen(values) is values


def test_only_values_that_are_in_a_file_are_reopened(
    tmp_path: Path, everything_is_large: None
) -> None:
    loaded = xr.DataArray(VALUES, dims=("frame", "two_theta"), name="intensity")
    loaded.encoding["source"] = str(written(tmp_path / "a.nc"))
    assert lazy_rows._reopen(loaded) is loaded
    nameless = xr.DataArray(lazy_rows.make_variable(("frame", "two_theta"), rows_on_disk()))
    assert lazy_rows._reopen(nameless) is nameless


def test_a_chunk_is_a_megabyte(tmp_path: Path, everything_is_large: None) -> None:
    """Rows of 100 000 bytes: ten in a chunk."""
    wide = rows_on_disk(np.zeros((25, 12500)))
    variable = lazy_rows.make_variable(("frame", "two_theta"), wide, {"units": "1"})
    ds = xr.Dataset({"intensity": variable}, coords={"frame": np.arange(25)})
    ds[["frame"]].assign(x=("two_theta", np.zeros(12500))).to_netcdf(
        tmp_path / "a.nc", engine="h5netcdf"
    )
    with open(tmp_path / "a.nc", "r+b") as file:
        lazy_rows.write_large_variables(ds, ["intensity"], file)
    with h5netcdf.File(tmp_path / "a.nc", "r") as stored:
        assert stored.variables["intensity"].chunks == (10, 12500)


def test_small_variables_are_loaded_and_large_ones_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[bool] = []
    monkeypatch.setattr(xr.Dataset, "close", lambda self: closed.append(True))
    path = written(tmp_path / "a.nc", time=("frame", np.arange(20.0)))
    closed.clear()
    whole = lazy_rows.load_small_variables(xr.open_dataset(path, engine="h5netcdf", cache=False))
    assert not lazy_rows.is_on_disk(whole["intensity"]) and closed == [True]
    monkeypatch.setattr(row_file, "LARGE_BYTES", ROW_BYTES)
    closed.clear()
    parts = lazy_rows.load_small_variables(xr.open_dataset(path, engine="h5netcdf", cache=False))
    assert lazy_rows.is_on_disk(parts["intensity"]) and not lazy_rows.is_on_disk(parts["time"])
    assert not closed
    xr.testing.assert_identical(parts.load(), whole)


@pytest.mark.parametrize(
    ("size", "rows"), [(4 * ROW_BYTES, 4), (5 * ROW_BYTES - 1, 4), (1, 1), (1e6, 20)]
)
def test_chunks_hold_whole_rows(
    size: float,
    rows: int,
    tmp_path: Path,
    everything_is_large: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lazy_rows, "CHUNK_BYTES", size)
    monkeypatch.setattr(row_file, "BLOCK_BYTES", 7 * ROW_BYTES)
    counts = np.arange(60).reshape(20, 3)
    dims = ("frame", "two_theta")
    ds = xr.Dataset(
        {
            "intensity": lazy_rows.make_variable(dims, rows_on_disk(), {"units": "1"}),
            "count": lazy_rows.make_variable(dims, rows_on_disk(counts), {"long_name": "n"}),
        },
        coords={"frame": np.arange(20)},
    )
    path = tmp_path / "a.nc"
    ds.drop_vars(["intensity", "count"]).assign(x=("two_theta", np.zeros(3))).to_netcdf(
        path, engine="h5netcdf"
    )
    with open(path, "r+b") as file:
        lazy_rows.write_large_variables(ds, ["intensity", "count"], file)
    with h5netcdf.File(path, "r") as stored:
        assert stored.variables["intensity"].chunks == (rows, 3)
        assert np.isnan(stored.variables["intensity"].attrs["_FillValue"])
        assert "_FillValue" not in stored.variables["count"].attrs
    with xr.open_dataset(path, engine="h5netcdf") as back:
        np.testing.assert_array_equal(back["intensity"], VALUES)
        np.testing.assert_array_equal(back["count"], counts)
        assert back["intensity"].attrs == {"units": "1"} and back["count"].attrs["long_name"] == "n"
