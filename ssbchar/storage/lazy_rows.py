"""Variables of a data set that are too large for memory: read by rows where they are used, and
written to netCDF by blocks."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ssbchar.storage import row_file
from ssbchar.storage.row_file import RowFile

if TYPE_CHECKING:
    import xarray as xr

DIMENSIONS = ("frame", "two_theta")
"""First and last dimension of the variables that stay in their file until they are used."""
CHUNK_BYTES = 1e6
"""Size of one chunk of such a variable in its netCDF file [byte]."""


def is_read_by_rows(variable: xr.Variable | xr.DataArray) -> bool:
    """Return whether a variable is read by rows: the patterns of a long series, frame by frame."""
    dims = variable.dims
    is_series = len(dims) > 1 and (dims[0], dims[-1]) == DIMENSIONS
    return is_series and row_file.is_large(variable.shape, variable.dtype)


def make_variable(
    dims: Sequence[str], values: Any, attrs: dict[str, Any] | None = None
) -> xr.Variable:
    """Return a variable of an array or a `RowFile`; the rows of a large file stay on disk."""
    import xarray as xr

    if isinstance(values, RowFile):
        if row_file.is_large(values.shape, values.dtype):
            values = _wrap_rows(values)
        else:
            values = values[:]
    return xr.Variable(dims, values, attrs)


def _wrap_rows(values: RowFile) -> Any:
    """Return a `RowFile` as xarray wraps the arrays of a file."""
    from xarray.backends import BackendArray
    from xarray.core import indexing

    class RowFileAdapter(BackendArray):
        shape, dtype = values.shape, values.dtype

        def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
            return indexing.explicit_indexing_adapter(
                key, self.shape, indexing.IndexingSupport.BASIC, self._read
            )

        @staticmethod
        def _read(key: tuple[Any, ...]) -> Any:
            rows, rest = key[0], key[1:]
            block = values[rows]
            if isinstance(rows, int | np.integer):
                return block[rest]
            return block[(slice(None), *rest)]

    return indexing.LazilyIndexedArray(RowFileAdapter())


def is_on_disk(variable: xr.Variable | xr.DataArray) -> bool:
    """Return whether a variable's values are on disk."""
    inner = getattr(variable, "variable", variable)
    return not inner._in_memory


class RowReader:
    """Rows of a variable in memory or in a file, read a block at a time: ``reader[i]``,
    ``reader[a:b]``, ``reader[indices]``.

    Numbers stored in single precision are returned in double precision, so that sums over them keep
    their digits. A forked process opens the file for itself.
    """

    def __init__(self, values: xr.DataArray) -> None:
        self._values, self._process = values, os.getpid()
        self.shape, self.dtype = values.shape, values.dtype
        first_block = next(row_file.split_rows(values.shape, values.dtype), slice(0, 1))
        self._block_rows = first_block.stop
        self._first = 0
        self._block = np.empty((0, *values.shape[1:]), values.dtype)

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.shape[0]

    def __getitem__(self, rows: Any) -> NDArray[Any]:
        """Return one row, or those of a slice without step or of an ascending array of indices."""
        if isinstance(rows, int | np.integer):
            self._load_rows(int(rows), int(rows) + 1)
            return np.asarray(self._block[int(rows) - self._first])
        if isinstance(rows, slice):
            first, last, _ = rows.indices(len(self))
            self._load_rows(first, last)
            return np.asarray(self._block[first - self._first : max(last, first) - self._first])
        rows = np.asarray(rows)
        if not rows.size:
            return self._block[:0]
        is_sparse = rows[-1] - rows[0] >= 2 * max(rows.size, self._block_rows)
        if is_sparse:
            return np.stack([self[int(i)] for i in rows])
        self._load_rows(int(rows[0]), int(rows[-1]) + 1)
        return np.asarray(self._block[rows - self._first])

    def _load_rows(self, first: int, last: int) -> None:
        """Load the rows from `first` to before `last`, with the rest of the block they begin in."""
        is_loaded = first >= self._first and last <= self._first + len(self._block)
        if first >= last or is_loaded:
            return
        if os.getpid() != self._process:
            # HDF5 files do not survive a fork: two processes would move one file offset.
            self._values, self._process = _reopen(self._values), os.getpid()
        self._first = first // self._block_rows * self._block_rows
        block = self._values[self._first : max(last, self._first + self._block_rows)].values
        self._block = block.astype(float) if block.dtype == np.float32 else block


def _reopen(values: xr.DataArray) -> xr.DataArray:
    import xarray as xr

    source = values.encoding.get("source", "")
    if not is_on_disk(values) or not Path(source).is_file():
        return values
    return xr.open_dataset(source, engine="h5netcdf", cache=False)[values.name]


def map_blocks(
    values: xr.DataArray, call: Callable[[NDArray[Any], slice], NDArray[Any]]
) -> xr.Variable:
    """Return a variable whose blocks of rows are ``call(block, rows)`` of another variable's."""
    mapped = row_file.allocate_rows(values.shape, values.dtype)
    for rows in row_file.split_rows(values.shape, values.dtype):
        mapped[rows] = call(values[rows].values, rows)
    return make_variable(tuple(map(str, values.dims)), mapped, dict(values.attrs))


def load_small_variables(ds: xr.Dataset) -> xr.Dataset:
    """Load all variables of an opened data set but those read by rows; close its file if nothing is
    left in it."""
    left = [name for name, variable in ds.variables.items() if is_read_by_rows(variable)]
    for name, variable in ds.variables.items():
        if name not in left:
            variable.load()
    if not left:
        ds.close()
    return ds


def write_large_variables(ds: xr.Dataset, names: Sequence[str], file: Any) -> None:
    """Add variables that are on disk to the netCDF-4 file with the rest of a data set, by blocks.

    They are not compressed: compression takes ten times as long as writing, and saves two fifths of
    the space.

    Parameters
    ----------
    ds : Dataset
        The whole data set.
    names : sequence of str
        The variables to add.
    file : binary file
        The file, changed in place.
    """
    import h5netcdf

    # xarray decides which attributes a variable has in a file: ask it with the first frame alone.
    head = io.BytesIO()
    ds.isel(frame=slice(0, 1)).to_netcdf(head, engine="h5netcdf")
    with h5netcdf.File(head, "r") as pattern, h5netcdf.File(file, "a") as out:
        for name in names:
            values = ds[name]
            row_bytes = values.nbytes // max(values.shape[0], 1)
            rows_per_chunk = max(1, min(len(values), int(CHUNK_BYTES // row_bytes)))
            stored = out.create_variable(
                name,
                values.dims,
                values.dtype,
                chunks=(rows_per_chunk, *values.shape[1:]),
                **({"fillvalue": np.nan} if values.dtype.kind == "f" else {}),
            )
            for key, value in pattern.variables[name].attrs.items():
                if key != "_FillValue":
                    stored.attrs[key] = value
            for rows in row_file.split_rows(values.shape, values.dtype):
                stored[rows] = values[rows].values
