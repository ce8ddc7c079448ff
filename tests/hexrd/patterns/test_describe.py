"""One line on what was understood of a series."""

from pathlib import Path

from hexrd.made_patterns import folder, one, xye

from ssbchar.hexrd.patterns.describe import describe_patterns, list_notes


def test_a_series_in_one_line(tmp_path: Path) -> None:
    for n in range(1, 4):
        head = f"# Temp (C) = {100 * n}\n# time: 2021-03-01T10:0{n}:00Z\n# exposure: 5 s\n"
        xye(tmp_path / f"{n}.xye", n, head=head + "# 2th_deg I sigma\n")
    ds = one(tmp_path)
    assert describe_patterns(ds) == (
        "3 frames, 2theta 1-8.98 degree from '2th_deg' [degree], 0.2413 angstrom (config), "
        "T from headers, 100 to 300 degC, times over 2 min, 5 s exposure"
    )
    assert list_notes(ds) == []


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    ds = one(folder(tmp_path))
    text = describe_patterns(ds)
    assert "no temperature in the files" in text and "no times in the files" in text
    assert "assumed: the axis is taken as 2theta in degree" in text
    assert list_notes(ds) == ["the axis is taken as 2theta in degree: the files name none"]
