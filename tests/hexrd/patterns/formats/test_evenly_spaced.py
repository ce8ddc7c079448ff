"""Patterns of a start and a step: the axis by hand, the announced number held against what is
there."""

from pathlib import Path

import numpy as np
import pytest

from ssbchar.errors import BadInput
from ssbchar.hexrd.patterns.formats import columns
from ssbchar.hexrd.patterns.formats.extracted import PatternFile

Y = np.arange(100, 125)


def extracted(folder: Path, text: str) -> PatternFile:
    (folder / "a.gsas").write_text(text)
    return columns.extract(folder / "a.gsas")


def lines(fields: list[str], per_line: int = 10) -> str:
    parts = [fields[n : n + per_line] for n in range(0, len(fields), per_line)]
    return "".join("".join(part) + "\n" for part in parts)


@pytest.mark.parametrize("kind", ["STD", ""])
def test_means_of_counters(kind: str, tmp_path: Path) -> None:
    fields = [f"{4:2d}{y:6d}" for y in Y] + [f"{0:2d}{0:6d}"] * 5
    head = f"a title\nBANK 1 25 3 CONS 1000.0 2.0 0 0 {kind}\n"
    found = extracted(tmp_path, head + lines(fields))
    np.testing.assert_allclose(found.x, 10 + 0.02 * np.arange(25))
    np.testing.assert_array_equal(found.intensity, [Y])
    assert found.stderr is not None and found.unit == "degree"
    np.testing.assert_allclose(found.stderr, [np.sqrt(Y / 4)])


def test_pairs_with_errors(tmp_path: Path) -> None:
    fields = [f"{value:8.2f}" for y in Y for value in (y, y / 10)]
    found = extracted(tmp_path, "BANK 1 25 5 CONS 1000.0 2.0 0 0 ESD\n" + lines(fields))
    np.testing.assert_allclose(found.x, 10 + 0.02 * np.arange(25))
    np.testing.assert_array_equal(found.intensity, [Y])
    assert found.stderr is not None
    np.testing.assert_allclose(found.stderr, [Y / 10], atol=0.006)


def test_fields_that_touch(tmp_path: Path) -> None:
    fields = [f"{4:2d}{y + 100000:6d}" for y in Y]
    found = extracted(tmp_path, "BANK 1 25 3 CONS 1000.0 2.0 0 0 STD\n" + lines(fields))
    np.testing.assert_array_equal(found.intensity, [Y + 100000])


def test_fewer_than_announced(tmp_path: Path) -> None:
    fields = [f"{4:2d}{y:6d}" for y in Y[:20]]
    with pytest.raises(BadInput, match="announces 25 points and holds 20"):
        extracted(tmp_path, "BANK 1 25 3 CONS 1000.0 2.0 0 0 STD\n" + lines(fields))


@pytest.mark.parametrize("per_line", [1, 4, 8, 10])
def test_start_step_stop(per_line: int, tmp_path: Path) -> None:
    body = lines([f"{y:8d}" for y in Y], per_line)
    found = extracted(tmp_path, "10.0 0.02 10.48\n" + body)
    np.testing.assert_allclose(found.x, 10 + 0.02 * np.arange(25))
    np.testing.assert_array_equal(found.intensity, [Y])
    assert found.stderr is None


def test_only_the_exact_number_tells_start_step_stop(tmp_path: Path) -> None:
    for stop in (10.46, 10.50):
        with pytest.raises(BadInput):
            extracted(tmp_path, f"10.0 0.02 {stop}\n" + lines([f"{y:8d}" for y in Y]))
    rows = "10.0 0.02 10.48\n10.1 5 3\n10.2 6 3\n"
    np.testing.assert_array_equal(extracted(tmp_path, rows).x, [10.0, 10.1, 10.2])
