"""Encodings that loggers and spreadsheets write, and numbers with points or commas."""

import numpy as np
import pytest

from ssbchar.number_text import decode_text, ends_within_number, number_from_text

TEXT = "T [°C]\n25,0 µm\n"


@pytest.mark.parametrize(
    "raw",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        b"\xfe\xff" + TEXT.encode("utf-16-be"),
        TEXT.encode("utf-16-le"),
        TEXT.encode("utf-32"),
        TEXT.encode("latin-1"),
        TEXT.encode("cp1252"),
        TEXT.replace("\n", "\r\n").encode(),
        TEXT.replace("\n", "\r").encode(),
    ],
)
def test_encodings(raw: bytes) -> None:
    assert decode_text(raw) == TEXT


def test_numbers() -> None:
    assert number_from_text(' "26.1" ') == 26.1
    assert number_from_text("26,1", decimal_comma=True) == 26.1
    assert number_from_text("1.0D+3") == 1000.0
    for text in ("26,1", "1_000", "", "abc", "1,234.5"):
        assert np.isnan(number_from_text(text))


def test_a_column_that_ends_within_a_number() -> None:
    ends = ends_within_number
    assert ends(["1.25", "2.75", "3.1"]) and ends(["1,5", "25"])
    roots = [str(count**0.5) for count in range(180, 230)]  # 14.0 and 15.0 among them
    assert ends([*roots, "13.7477"]) and ends([*roots, "1"]) and not ends(roots)
    assert sum(ends(roots[:last]) for last in range(20, 51)) <= 3  # sound ones that end in few
    assert not ends(["1.25", "2.7", "3.1"]) and not ends(["1", "2", "3"]) and not ends(["7.5"])
    assert ends(["298."]) and ends(["298,"]) and not ends([])
