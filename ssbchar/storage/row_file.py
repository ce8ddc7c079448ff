"""Rows of one shape on disk, in a file without a name: what is too large for memory while a step
works.

A process that is killed leaves nothing of it behind. Processes forked from the one that made it
write to the same rows.
"""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ssbchar.runtime import timing

LARGE_BYTES = 16e6
"""Arrays of more bytes than this are kept on disk."""
BLOCK_BYTES = 8e6
"""Bytes worked on at once."""

_folder: Path | None = None


@contextmanager
def keep_rows_beside(folder: Path) -> Iterator[None]:
    """Keep stacks on the disk of a folder: that of a step's output, where there must be room for it
    anyway."""
    global _folder
    before, _folder = _folder, folder
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        _folder = before


class RowFile:
    """An array on disk, read and written by rows: ``stack[i]``, ``stack[a:b]``, ``stack[rows]``,
    and `append`."""

    def __init__(
        self,
        shape: tuple[int, ...],
        dtype: DTypeLike,
        file: IO[bytes] | None = None,
        start: int = 0,
    ) -> None:
        """Make a stack of zeros, or the one that begins at byte `start` of a file."""
        self.shape, self.dtype = shape, np.dtype(dtype)
        self._file, self._start = file or tempfile.TemporaryFile(dir=_folder), start
        self._row = math.prod(shape[1:]) * self.dtype.itemsize

    def __len__(self) -> int:
        """Return how many rows."""
        return self.shape[0]

    def __iter__(self) -> Iterator[NDArray[Any]]:
        """Yield every row."""
        for part in split_rows(self.shape, self.dtype):
            yield from self[part]

    def __getitem__(self, rows: Any) -> NDArray[Any]:
        """Return one row, or those of a slice or an array of indices."""
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
        return np.stack([self[int(i)] for i in rows]) if rows.size else self._read(0, 0)

    def __setitem__(self, rows: int | slice, values: Any) -> None:
        """Write one row, or those of a slice without step."""
        first, last, _ = (
            slice(rows, int(rows) + 1) if not isinstance(rows, slice) else rows
        ).indices(len(self))
        block = np.empty((last - first, *self.shape[1:]), self.dtype)
        block[...] = values
        view, at = _bytes(block), self._start + first * self._row
        while view:
            done = self._call(os.pwrite, view, at)
            view, at = view[done:], at + done

    def append(self, values: NDArray[Any]) -> None:
        """Add rows at the end."""
        before = len(self)
        self.shape = (before + len(values), *self.shape[1:])
        self[before : len(self)] = values

    def _read(self, first: int, count: int) -> NDArray[Any]:
        block = np.zeros((count, *self.shape[1:]), self.dtype)
        view, at = _bytes(block), self._start + first * self._row
        while view:
            done = self._call(os.preadv, [view], at)
            if not done:
                break
            view, at = view[done:], at + done
        return block

    def _call(self, call: Any, data: Any, at: int) -> int:
        try:
            with timing.counting(timing.BLOCKS):
                return int(call(self._file.fileno(), data, at))
        except OSError as error:
            error.filename = error.filename or os.fspath(_folder or tempfile.gettempdir())
            raise


def _bytes(block: NDArray[Any]) -> memoryview:
    """Return the bytes of an array, to be read or written in place."""
    return memoryview(block.reshape(-1).view(np.uint8).data)


def split_rows(shape: tuple[int, ...], dtype: DTypeLike = float) -> Iterator[slice]:
    """Yield slices over the rows of an array, each about `BLOCK` bytes."""
    size = max(1, int(BLOCK_BYTES // max(math.prod(shape[1:]) * np.dtype(dtype).itemsize, 1)))
    for first in range(0, shape[0], size):
        yield slice(first, min(first + size, shape[0]))


def is_large(shape: tuple[int, ...], dtype: DTypeLike = float) -> bool:
    """Return whether an array is one to keep on disk."""
    return math.prod(shape) * np.dtype(dtype).itemsize > LARGE_BYTES


def allocate_rows(shape: tuple[int, ...], dtype: DTypeLike = float) -> NDArray[Any] | RowFile:
    """Return an array to be filled by rows, on disk where it is large."""
    return RowFile(shape, dtype) if is_large(shape, dtype) else np.empty(shape, dtype)


def select_points(values: NDArray[Any] | RowFile, which: Any) -> NDArray[Any] | RowFile:
    """Return some entries (a mask or a slice) along the last axis of all rows."""
    count = np.arange(values.shape[-1])[which].size
    out = allocate_rows((*values.shape[:-1], count), values.dtype)
    for part in split_rows(values.shape, values.dtype):
        out[part] = values[part][..., which]
    return out


class Gathered:
    """Rows that come block by block, nobody knows how many: on disk once they are large."""

    def __init__(self) -> None:
        self._held: list[NDArray[Any]] = []
        self._stack: RowFile | None = None

    def append(self, block: NDArray[Any]) -> None:
        """Add rows."""
        self._held.append(block)
        if sum(held.nbytes for held in self._held) > (
            LARGE_BYTES if self._stack is None else BLOCK_BYTES
        ):
            self._stack = self._stack or RowFile((0, *block.shape[1:]), block.dtype)
            self._put()

    def rows(self) -> NDArray[Any] | RowFile:
        """Return all of them."""
        self._put()
        return self._stack if self._stack is not None else np.concatenate(self._held)

    def _put(self) -> None:
        if self._stack is not None:
            for block in self._held:
                self._stack.append(block)
            self._held.clear()


class Pile:
    """Arrays of any shapes put away one after the other: kept in memory until they are large
    together."""

    def __init__(self) -> None:
        self._held = self._written = 0
        self._file: IO[bytes] | None = None

    def put(self, values: NDArray[Any] | RowFile) -> NDArray[Any] | RowFile:
        """Return the array, or its rows on disk."""
        if isinstance(values, RowFile):
            return values
        self._held += values.nbytes
        if self._held <= LARGE_BYTES:
            return values
        self._file = self._file or tempfile.TemporaryFile(dir=_folder)
        stack = RowFile(values.shape, values.dtype, self._file, self._written)
        stack[:] = values
        self._written += values.nbytes
        return stack
