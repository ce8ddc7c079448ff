"""Variables of a data set that are too large for memory: wrapped, read by rows, and written to
netCDF by blocks."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ssbchar.runtime import timing
from ssbchar.storage import row_file
from ssbchar.storage.row_file import RowFile

if TYPE_CHECKING:
    import xarray as xr

DIMENSIONS = ("frame", "two_theta")
"""Variables along the first and the last of these are left in their file until they are asked
for."""
CHUNK_BYTES = 1e6
"""Bytes of a chunk of such a variable in its file."""


def is_read_by_rows(variable: xr.Variable | xr.DataArray) -> bool:
    """Return whether a variable is one to be read by rows: the frames of a long series, pattern
    beside pattern."""
    dims = variable.dims
    along = len(dims) > 1 and (dims[0], dims[-1]) == DIMENSIONS
    return along and row_file.is_large(variable.shape, variable.dtype)


def make_variable(
    dims: Sequence[str], values: Any, attrs: dict[str, Any] | None = None
) -> xr.Variable:
    """Return a variable of an array or a stack; of a large stack the rows are read where they are
    used."""
    import xarray as xr

    if isinstance(values, RowFile):
        values = _lazy(values) if row_file.is_large(values.shape, values.dtype) else values[:]
    return xr.Variable(dims, values, attrs)


def _lazy(values: RowFile) -> Any:
    from xarray.backends import BackendArray
    from xarray.core import indexing

    class Rows(BackendArray):
        """A stack, as xarray reads the arrays of a file."""

        shape, dtype = values.shape, values.dtype

        def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
            return indexing.explicit_indexing_adapter(
                key, self.shape, indexing.IndexingSupport.BASIC, self._read
            )

        @staticmethod
        def _read(key: tuple[Any, ...]) -> Any:
            rows, rest = key[0], key[1:]
            found = values[rows]
            return (
                found[rest] if isinstance(rows, int | np.integer) else found[(slice(None), *rest)]
            )

    return indexing.LazilyIndexedArray(Rows())


def is_on_disk(variable: xr.Variable | xr.DataArray) -> bool:
    """Return whether a variable's values are on disk."""
    own = getattr(variable, "variable", variable)
    return not own._in_memory


class RowReader:
    """Rows of a variable, in memory or in a file, a block at a time: ``reader[i]``,
    ``reader[a:b]``, ``reader[rows]``.

    Numbers kept in single precision are given in double: sums of them stay exact enough. A forked
    process opens the file for itself.
    """

    def __init__(self, values: xr.DataArray) -> None:
        self._values, self._process = values, os.getpid()
        self.shape, self.dtype = values.shape, values.dtype
        self._size = next(row_file.split_rows(values.shape, values.dtype), slice(0, 1)).stop
        self._first, self._block = 0, np.empty((0, *values.shape[1:]), values.dtype)

    def __len__(self) -> int:
        """Return how many rows."""
        return self.shape[0]

    def __getitem__(self, rows: Any) -> NDArray[Any]:
        """Return one row, or those of a slice without step or of an ascending array of indices."""
        if isinstance(rows, int | np.integer):
            self._hold(int(rows), int(rows) + 1)
            return np.asarray(self._block[int(rows) - self._first])
        if isinstance(rows, slice):
            first, last, _ = rows.indices(len(self))
            self._hold(first, last)
            return np.asarray(self._block[first - self._first : max(last, first) - self._first])
        rows = np.asarray(rows)
        if not rows.size:
            return self._block[:0]
        if rows[-1] - rows[0] >= 2 * max(rows.size, self._size):
            return np.stack([self[int(i)] for i in rows])
        self._hold(int(rows[0]), int(rows[-1]) + 1)
        return np.asarray(self._block[rows - self._first])

    def _hold(self, first: int, last: int) -> None:
        """Have the rows from `first` to before `last` in memory, with those of the blocks they
        begin and end in."""
        if first >= last or (first >= self._first and last <= self._first + len(self._block)):
            return
        if os.getpid() != self._process:
            self._values, self._process = _opened_again(self._values), os.getpid()
        self._first = first // self._size * self._size
        with timing.counting(timing.BLOCKS):
            block = self._values[self._first : max(last, self._first + self._size)].values
        self._block = block.astype(float) if block.dtype == np.float32 else block


def _opened_again(values: xr.DataArray) -> xr.DataArray:
    import xarray as xr

    source = values.encoding.get("source", "")
    if not is_on_disk(values) or not Path(source).is_file():
        return values
    return xr.open_dataset(source, engine="h5netcdf", cache=False)[values.name]


def map_blocks(
    values: xr.DataArray, call: Callable[[NDArray[Any], slice], NDArray[Any]]
) -> xr.Variable:
    """Return a variable whose blocks of rows are ``call(block, rows)`` of another's."""
    out = row_file.allocate_rows(values.shape, values.dtype)
    for part in row_file.split_rows(values.shape, values.dtype):
        out[part] = call(values[part].values, part)
    return make_variable(tuple(map(str, values.dims)), out, dict(values.attrs))


def load_small_variables(ds: xr.Dataset) -> xr.Dataset:
    """Load what an opened data set holds in memory, but variables to be read by rows; close its
    file if it can be."""
    left = [name for name, variable in ds.variables.items() if is_read_by_rows(variable)]
    for name, variable in ds.variables.items():
        if name not in left:
            variable.load()
    if not left:
        ds.close()
    return ds


class FaultKeepingFile(io.RawIOBase):
    """A file for the HDF5 library, which crashes its process where a write fails: the first fault
    is kept and told.

    After a fault writes go nowhere; `check` raises it.
    """

    def __init__(self, path: Path) -> None:
        self._file = open(path, "w+b", buffering=0)
        self._fault: OSError | None = None

    def check(self) -> None:
        """Raise the first fault there was."""
        if self._fault is not None:
            raise self._fault

    def write(self, data: Any) -> int:
        """Write all, or keep the fault."""
        view = memoryview(data).cast("B")
        size = len(view)
        try:
            while self._fault is None and view:
                view = view[self._file.write(view) :]
        except OSError as error:
            self._fault = error
        return size

    def readinto(self, data: Any) -> int:
        """Read as a file does."""
        return int(self._file.readinto(data) or 0)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Return the place."""
        return self._file.tell()

    def truncate(self, size: int | None = None) -> int:
        """Cut or extend the file, or keep the fault."""
        try:
            return self._file.truncate(size)
        except OSError as error:
            self._fault = self._fault or error
            return size or 0

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def writable(self) -> bool:
        """Return that it can be written."""
        return True

    def seekable(self) -> bool:
        """Return that it has places."""
        return True

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


def write_large_variables(ds: xr.Dataset, names: Sequence[str], file: Any) -> None:
    """Add variables that are on disk to the netCDF-4 file that holds all else of a data set, some
    rows at a time.

    They are not compressed: that takes ten times as long as writing them, and saves two fifths of
    the room.

    Parameters
    ----------
    names : sequence of str
        The variables.
    file : binary file
        It is changed.
    """
    import h5netcdf

    head = io.BytesIO()  # xarray says which attributes a variable has in a file
    ds.isel(frame=slice(0, 1)).to_netcdf(head, engine="h5netcdf")
    with h5netcdf.File(head, "r") as like, h5netcdf.File(file, "a") as out:
        for name in names:
            values, row = ds[name], ds[name].nbytes // max(ds[name].shape[0], 1)
            fill = {"fillvalue": np.nan} if values.dtype.kind == "f" else {}
            chunk = (max(1, min(len(values), int(CHUNK_BYTES // row))), *values.shape[1:])
            put = out.create_variable(name, values.dims, values.dtype, chunks=chunk, **fill)
            for key, value in like.variables[name].attrs.items():
                if key != "_FillValue":
                    put.attrs[key] = value
            for part in row_file.split_rows(values.shape, values.dtype):
                put[part] = values[part].values
