"""SPEC files: scans by their numbers, repeats only where they agree."""

from pathlib import Path

import numpy as np
import pytest
from xas import made_spectra

from ssbchar.errors import BadInput
from ssbchar.xas.scans import read
from ssbchar.xas.scans.describe import describe_scans
from ssbchar.xas.scans.formats import spec
from ssbchar.xas.scans.options import ScanReading

LABELS = {"measurement": "one", "role": "pristine"}


def write(
    path: Path, *truths: made_spectra.Truth | None, labels: str = "energy  i0  itrans"
) -> Path:
    """Return a file with a scan per truth, None for a scan of a motor."""
    energy = made_spectra.grid()
    random = np.random.default_rng(5)
    parts = ["#F x\n#E 1371554237\n"]
    for number, truth in enumerate(truths, 1):
        if truth is None:
            parts.append(f"#S {number}  ascan z 0 1 2 1\n#N 2\n#L z  diode\n0 1\n0.5 2\n1 1\n")
            continue
        mu = made_spectra.mu(energy, truth) + 3e-4 * random.standard_normal(energy.size)
        rows = np.column_stack([energy, np.full(energy.size, 1e6), 1e6 * np.exp(-mu)])
        body = "\n".join(" ".join(f"{v:.5f}" for v in row) for row in rows)
        parts.append(f"#S {number}  escan\n#T 1 (s)\n#N 3\n#L {labels}\n{body}\n")
    path.write_text("\n".join(parts))
    return path


SAME = made_spectra.Truth()
OTHER = made_spectra.Truth(white=1.0)


def test_repeats_are_scans(tmp_path: Path) -> None:
    ds = read.read_scans(write(tmp_path / "a.spec", SAME, SAME), ScanReading(), LABELS)
    assert ds.sizes["scan"] == 2
    assert [str(name).rpartition("[")[2] for name in ds["source_file"].values] == [
        "scan 1]",
        "scan 2]",
    ]


def test_two_samples_are_no_repeats_and_the_pair_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.spec", SAME, OTHER)
    with pytest.raises(BadInput, match=r"no repeats of one sample: .*scan 1\] and .*scan 2\] diff"):
        read.read_scans(path, ScanReading(), LABELS)
    for number in ("1", "2"):
        ds = read.read_scans(path, ScanReading(scan=number), LABELS)
        assert ds.sizes["scan"] == 1
        assert f"scan {number}]" in str(ds["source_file"].values[0])


def test_a_series_may_change(tmp_path: Path) -> None:
    path = write(tmp_path / "a.spec", SAME, OTHER)
    ds = read.read_scans(path, ScanReading(), LABELS | {"role": "series"})
    assert ds.sizes["scan"] == 2
    assert describe_scans(path, ScanReading(), "series").said.startswith("2 scans in one file")
    with pytest.raises(BadInput, match="no repeats of one sample"):
        describe_scans(path, ScanReading(), "pristine")


@pytest.mark.parametrize(("asked", "count"), [("2", 1), ("1,3", 2), ("1-3", 3), (" 2 - 9 ", 2)])
def test_numbers_of_scans(tmp_path: Path, asked: str, count: int) -> None:
    path = write(tmp_path / "a.spec", SAME, SAME, SAME)
    assert read.read_scans(path, ScanReading(scan=asked), LABELS).sizes["scan"] == count


@pytest.mark.parametrize(("asked", "said"), [("7", "no scan 7"), ("x", "'x'")])
def test_numbers_that_are_not_there(tmp_path: Path, asked: str, said: str) -> None:
    path = write(tmp_path / "a.spec", SAME)
    with pytest.raises(BadInput, match=said):
        read.read_scans(path, ScanReading(scan=asked), LABELS)


def test_a_number_that_stands_twice(tmp_path: Path) -> None:
    path = write(tmp_path / "a.spec", SAME, SAME)
    path.write_text(path.read_text().replace("#S 2 ", "#S 1 "))
    assert read.read_scans(path, ScanReading(scan="1"), LABELS).sizes["scan"] == 2
    for asked in ("1.1", "1.2"):
        ds = read.read_scans(path, ScanReading(scan=asked), LABELS)
        assert str(ds["source_file"].values[0]).endswith(f"[scan {asked}]")


def test_scans_of_motors_are_set_aside(tmp_path: Path) -> None:
    path = write(tmp_path / "a.spec", None, SAME)
    ds = read.read_scans(path, ScanReading(), LABELS)
    assert ds.sizes["scan"] == 1
    assert "[scan 1]" in ds.attrs["set_aside"]


def test_labels_between_single_blanks_or_none(tmp_path: Path) -> None:
    path = write(tmp_path / "a.spec", SAME, labels="energy i0 itrans")
    assert list(spec.parse_spec(path, path.read_text())[0].columns) == ["energy", "i0", "itrans"]
    path = write(tmp_path / "b.spec", SAME, labels="energy  i0")
    assert "column 1" in spec.parse_spec(path, path.read_text())[0].columns


def test_a_row_that_is_cut_is_named(tmp_path: Path) -> None:
    text = "#F x\n#S 1 escan\n#L e  mu\n1 2\n3 4\n5\n"
    with pytest.raises(BadInput, match="a:6: 1 columns where 2 were before"):
        spec.parse_spec(Path("a"), text)
    with pytest.raises(BadInput, match="no scan of the SPEC file has points"):
        spec.parse_spec(Path("a"), "#S 1 escan\n#L e  mu\n1 2\n")
    assert not spec.is_spec("#S is a word\n1 2\n")


def test_the_case(cases_folder: Path) -> None:
    path = cases_folder / "xas/spec2.spec"
    with pytest.raises(BadInput, match="no repeats of one sample"):
        read.read_scans(path, ScanReading(), LABELS)
    one = read.read_scans(path, ScanReading(scan="1"), LABELS)
    assert one.sizes == {"scan": 1, "point": 462}
