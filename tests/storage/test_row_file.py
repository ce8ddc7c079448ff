"""Rows on disk read as the array they stand for."""

import itertools

import numpy as np
import pytest

from ssbchar.storage import row_file
from ssbchar.storage.row_file import RowFile

VALUES = np.random.default_rng(0).random((20, 3))


def test_an_empty_file_takes_the_rows_that_come_first() -> None:
    rows = RowFile()
    assert len(rows) == 0
    rows.append(VALUES[:8].astype(np.float32).reshape(4, 2, 3))
    rows.append(VALUES[8:12].astype(np.float32).reshape(2, 2, 3))
    assert rows.shape == (6, 2, 3) and rows.dtype == np.float32
    np.testing.assert_array_equal(rows[:], VALUES[:12].astype(np.float32).reshape(6, 2, 3))


def test_rows_never_written_are_zero() -> None:
    rows = RowFile((4, 3))
    rows[1] = 2.0
    assert rows[:].tolist() == [[0.0] * 3, [2.0] * 3, [0.0] * 3, [0.0] * 3]


def test_blocks_cover_every_row_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_file, "BLOCK_BYTES", 3 * 3 * 8)
    parts = list(row_file.split_rows((20, 3)))
    assert [p.stop - p.start for p in parts] == [3] * 6 + [2]
    assert parts[0].start == 0 and all(a.stop == b.start for a, b in itertools.pairwise(parts))
    monkeypatch.setattr(row_file, "BLOCK_BYTES", 1)
    assert [p.stop - p.start for p in row_file.split_rows((2, 3))] == [1, 1]


def test_only_more_than_the_limit_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_file, "LARGE_BYTES", 20 * 3 * 8)
    assert not row_file.is_large((20, 3))
    assert row_file.is_large((21, 3))
    assert isinstance(row_file.allocate_rows((20, 3)), np.ndarray)
    assert isinstance(row_file.allocate_rows((21, 3)), RowFile)


def test_points_are_those_of_the_mask() -> None:
    rows = RowFile(VALUES.shape)
    rows[:] = VALUES
    mask = np.array([True, False, True])
    np.testing.assert_array_equal(row_file.select_points(rows, mask), VALUES[:, mask])
    np.testing.assert_array_equal(row_file.select_points(VALUES, slice(1, 3)), VALUES[:, 1:3])


def test_arrays_overflow_to_disk_when_they_are_large_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(row_file, "LARGE_BYTES", 20 * 3 * 8)
    store = row_file.make_overflow()
    first, second, third = store(VALUES), store(VALUES[:2]), store(VALUES[:5, 0])
    assert first is VALUES
    assert isinstance(second, RowFile) and isinstance(third, RowFile)
    np.testing.assert_array_equal(second[:], VALUES[:2])
    np.testing.assert_array_equal(third[:], VALUES[:5, 0])
    assert store(second) is second
