"""What the patterns of a series are, in a line, from the first file."""

from pathlib import Path

import numpy as np
import pytest
from hexrd import made_patterns

from ssbchar.errors import BadInput
from ssbchar.hexrd.patterns.describe import describe_patterns, list_notes
from ssbchar.hexrd.patterns.options import PatternReading

HEAD = "# Wavelength: 0.24117 A\n"


def test_a_folder_of_files(tmp_path: Path) -> None:
    for n in range(3):
        made_patterns.xye(tmp_path / f"{n}.xye", n, head=HEAD)
    found = describe_patterns(tmp_path, PatternReading())
    assert found.about.said.startswith("3 frames, 0.24117 A from the header, 2theta 1-8.98 degree")
    assert found.names == ["0.xye", "1.xye", "2.xye"]
    assert found.first.sizes["frame"] == 1
    given = describe_patterns(tmp_path, PatternReading(wavelength=0.2413)).about.said
    assert "0.2413 A from the option; the files state 0.24117 (-539 ppm)" in given


def test_only_the_first_file_is_opened(tmp_path: Path) -> None:
    made_patterns.xye(tmp_path / "1.xye", head=HEAD)
    (tmp_path / "2.xye").write_bytes(b"")
    assert describe_patterns(tmp_path, PatternReading()).about.said.startswith("2 frames, ")
    (tmp_path / "0.xye").write_bytes(b"")
    with pytest.raises(BadInput, match=r"0\.xye"):
        describe_patterns(tmp_path, PatternReading())


def test_a_file_of_many_frames(tmp_path: Path) -> None:
    y = np.array([made_patterns.counts(n) for n in range(5)])
    made_patterns.write_nexus(tmp_path / "a.nxs", y)
    said = describe_patterns(tmp_path, PatternReading()).about.said
    assert said.startswith("5 frames in one file, 0.2413 A from the header")


def test_no_wavelength_is_asked_for(tmp_path: Path) -> None:
    made_patterns.xye(tmp_path / "1.xye")
    with pytest.raises(BadInput, match=r"set hexrd\.read\.wavelength"):
        describe_patterns(tmp_path, PatternReading())


def test_times_exposure_and_assumptions_are_told(tmp_path: Path) -> None:
    head = "# Temp (C) = 100\n# time: 2021-03-01T10:01:00Z\n# exposure: 5 s\n# 2th_deg I sigma\n"
    made_patterns.xye(tmp_path / "1.xye", head=head)
    given = PatternReading(wavelength=0.2413)
    about = describe_patterns(tmp_path, given).about
    assert about.said == (
        "1 frame, 0.2413 A from the option, 2theta 1-8.98 degree (axis '2th_deg' [degree]), "
        "5 s exposure"
    )
    assert about.doubts == ()
    made_patterns.xye(tmp_path / "1.xye")
    found = describe_patterns(tmp_path, given)
    assert found.about.said.endswith("no times in the files")
    assumed = "the axis is taken as 2theta in degree: the files name none"
    assert assumed in found.about.doubts and list_notes(found.first) == [assumed]
