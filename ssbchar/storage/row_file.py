"""Rows of one shape in a file without a name: arrays too large for memory while a step works.

The file is deleted as soon as it is opened, so a process that is killed leaves nothing behind.
Processes forked from the one that opened it read and write the same rows.
"""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

LARGE_BYTES = 16e6
"""Arrays larger than this are kept on disk [byte]."""
BLOCK_BYTES = 8e6
"""Amount of data worked on at once [byte]."""

_folder: Path | None = None


@contextmanager
def keep_rows_beside(folder: Path) -> Iterator[None]:
    """Put new row files on the disk of a folder: that of a step's output, which needs the room for
    the output anyway."""
    global _folder
    before, _folder = _folder, folder
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        _folder = before


class RowFile:
    """An array on disk, read and written by rows: ``rows[i]``, ``rows[a:b]``, ``rows[indices]``.

    Parameters
    ----------
    shape : tuple of int, optional
        Shape of the array, filled with zeros. Without it the array is empty, and takes the shape
        and type of its rows from the first block appended.
    dtype : dtype
        Type of its numbers.
    file : binary file, optional
        An open file to share with other arrays; by default a new one.
    start : int
        Where the array begins in that file [byte].
    """

    def __init__(
        self,
        shape: tuple[int, ...] | None = None,
        dtype: DTypeLike = float,
        *,
        file: IO[bytes] | None = None,
        start: int = 0,
    ) -> None:
        self._file = file or tempfile.TemporaryFile(dir=_folder)
        self._start = start
        self._takes_any_rows = shape is None
        self._describe(shape or (0,), np.dtype(dtype))

    def _describe(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.shape, self.dtype = shape, dtype
        self._row_bytes = math.prod(shape[1:]) * dtype.itemsize

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.shape[0]

    def __iter__(self) -> Iterator[NDArray[Any]]:
        """Yield every row."""
        for part in split_rows(self.shape, self.dtype):
            yield from self[part]

    def __getitem__(self, rows: Any) -> NDArray[Any]:
        """Return one row, or the rows of a slice or an array of indices."""
        if isinstance(rows, int | np.integer):
            if not -len(self) <= rows < len(self):
                raise IndexError(rows)
            return np.asarray(self._read(int(rows) % len(self), 1)[0])
        if isinstance(rows, slice):
            first, last, step = rows.indices(len(self))
            if step == 1:
                return self._read(first, max(last - first, 0))
            rows = np.arange(first, last, step)
        rows = np.asarray(rows)
        if not rows.size:
            return self._read(0, 0)
        return np.stack([self[int(i)] for i in rows])

    def __setitem__(self, rows: int | slice, values: Any) -> None:
        """Write one row, or the rows of a slice without step."""
        if not isinstance(rows, slice):
            rows = slice(rows, int(rows) + 1)
        first, last, _ = rows.indices(len(self))
        block = np.empty((last - first, *self.shape[1:]), self.dtype)
        block[...] = values
        view, position = _view_bytes(block), self._start + first * self._row_bytes
        while view:
            done = self._transfer(os.pwrite, view, position)
            view, position = view[done:], position + done

    def append(self, values: NDArray[Any]) -> None:
        """Add rows at the end, shape (n, ...)."""
        if self._takes_any_rows:
            self._describe((0, *values.shape[1:]), values.dtype)
            self._takes_any_rows = False
        before = len(self)
        self.shape = (before + len(values), *self.shape[1:])
        self[before : len(self)] = values

    def _read(self, first: int, count: int) -> NDArray[Any]:
        block = np.zeros((count, *self.shape[1:]), self.dtype)
        view, position = _view_bytes(block), self._start + first * self._row_bytes
        while view:
            done = self._transfer(os.preadv, [view], position)
            if not done:  # rows never written are zeros beyond the end of the file
                break
            view, position = view[done:], position + done
        return block

    def _transfer(self, call: Any, data: Any, position: int) -> int:
        # By position, not by seek: forked processes share the file's offset.
        try:
            return int(call(self._file.fileno(), data, position))
        except OSError as error:
            error.filename = error.filename or os.fspath(_folder or tempfile.gettempdir())
            raise


Rows = NDArray[Any] | RowFile
"""An array in memory or on disk."""


def _view_bytes(block: NDArray[Any]) -> memoryview:
    """Return the bytes of an array, to be read or written in place."""
    return memoryview(block.reshape(-1).view(np.uint8).data)


def split_rows(shape: tuple[int, ...], dtype: DTypeLike = float) -> Iterator[slice]:
    """Yield slices over the rows of an array, each about `BLOCK_BYTES` long."""
    row_bytes = math.prod(shape[1:]) * np.dtype(dtype).itemsize
    size = max(1, int(BLOCK_BYTES // max(row_bytes, 1)))
    for first in range(0, shape[0], size):
        yield slice(first, min(first + size, shape[0]))


def is_large(shape: tuple[int, ...], dtype: DTypeLike = float) -> bool:
    """Return whether an array of this shape is kept on disk."""
    return math.prod(shape) * np.dtype(dtype).itemsize > LARGE_BYTES


def allocate_rows(shape: tuple[int, ...], dtype: DTypeLike = float) -> Rows:
    """Return an array to be filled by rows, on disk if it is large."""
    return RowFile(shape, dtype) if is_large(shape, dtype) else np.empty(shape, dtype)


def select_points(values: Rows, which: Any) -> Rows:
    """Return the entries along the last axis that a mask or a slice selects, for all rows."""
    count = np.arange(values.shape[-1])[which].size
    selected = allocate_rows((*values.shape[:-1], count), values.dtype)
    for part in split_rows(values.shape, values.dtype):
        selected[part] = values[part][..., which]
    return selected


def make_overflow() -> Callable[[Rows], Rows]:
    """Return a function that moves arrays to disk once those given to it are large together.

    The first arrays come back as they are; later ones, of any shape, as row files in one common
    file: a series of thousands of small files needs one descriptor, not thousands.
    """
    in_memory = 0
    on_disk: RowFile | None = None

    def store(values: Rows) -> Rows:
        nonlocal in_memory, on_disk
        if isinstance(values, RowFile):
            return values
        in_memory += values.nbytes
        if in_memory <= LARGE_BYTES:
            return values
        if on_disk is None:
            on_disk = RowFile((0,), np.uint8)
        stored = RowFile(values.shape, values.dtype, file=on_disk._file, start=len(on_disk))
        on_disk.append(np.ascontiguousarray(values).reshape(-1).view(np.uint8))
        return stored

    return store
