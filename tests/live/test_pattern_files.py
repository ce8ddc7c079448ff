"""Files read one by one are what a run reads of them together."""

import json
from pathlib import Path

import numpy as np
import pytest
from hexrd import made_images, made_patterns

from ssbchar.errors import BadInput
from ssbchar.hexrd.images.integrate import integrate_images
from ssbchar.hexrd.images.options import Integration
from ssbchar.hexrd.patterns.options import PatternReading
from ssbchar.hexrd.patterns.read import read_patterns
from ssbchar.live import pattern_files

OPTIONS = PatternReading(wavelength=made_patterns.LAMBDA)


def test_patterns_one_by_one_are_those_of_the_series(tmp_path: Path) -> None:
    """Points that are zero in all frames at the ends, as a beam stop leaves them, are cut off."""
    for n in range(1, 6):
        y = made_patterns.counts(n)
        y[:7] = 0.0
        made_patterns.xye(tmp_path / f"{n}.xye", n, y=y)
    whole = read_patterns(tmp_path, OPTIONS)
    reader = pattern_files.PatternFiles(tmp_path, OPTIONS)
    single = [reader.read(path) for path in reader.list_files()]
    assert whole.sizes["two_theta"] == made_patterns.X.size - 7
    for name in ("intensity", "intensity_stderr"):
        values = np.concatenate([ds[name].values for ds in single])
        np.testing.assert_array_equal(values, whole[name].values)
    assert all(np.array_equal(ds["two_theta"], whole["two_theta"]) for ds in single)


def test_a_frame_on_another_axis_is_brought_to_that_of_the_first(tmp_path: Path) -> None:
    made_patterns.xye(tmp_path / "1.xye", 1)
    x = np.arange(0.9, 9.1, 0.02) + 0.004
    y = np.interp(x, made_patterns.X, made_patterns.counts(2))
    made_patterns.xye(tmp_path / "2.xye", 2, x=x, y=y)
    reader = pattern_files.PatternFiles(tmp_path, OPTIONS)
    first, second = (reader.read(path) for path in reader.list_files())
    assert np.array_equal(first["two_theta"], second["two_theta"])
    assert second["rebinned"].values.tolist() == [1]


def test_images_one_by_one_are_those_of_the_series(tmp_path: Path) -> None:
    made_images.series(tmp_path, 3)
    whole = integrate_images(tmp_path, made_images.FLAT, Integration())
    reader = pattern_files.ImageFiles(tmp_path, made_images.FLAT, Integration())
    single = [reader.read(path) for path in reader.list_files()]
    assert all(np.array_equal(ds["two_theta"], whole["two_theta"]) for ds in single)
    # Defects are searched for in the first image alone: a pixel more or less.
    values = np.concatenate([ds["intensity"].values for ds in single])
    apart = np.abs(values - whole["intensity"].values) / whole["intensity_stderr"].values
    assert np.median(apart) < 0.01 and apart.max() < 1


def test_a_file_that_is_no_image_is_refused(tmp_path: Path) -> None:
    made_images.series(tmp_path, 1)
    reader = pattern_files.ImageFiles(tmp_path, made_images.FLAT, Integration())
    reader.read(reader.list_files()[0])
    (tmp_path / "scan_0002.tif").write_text("not an image")
    with pytest.raises(BadInput, match="no usable image"):
        reader.read(tmp_path / "scan_0002.tif")


def test_a_frame_without_beam_is_told_by_those_before_it() -> None:
    watch = pattern_files.BeamWatch(0.5)
    frames = [np.full(10, level) for level in (100, 101, 99, 102, 20, 100)]
    assert [watch.is_lost(frame) for frame in frames] == [False] * 4 + [True, False]
    # What stays low is another condition, not a lost beam.
    low = [watch.is_lost(np.full(10, 20.0)) for _ in range(8)]
    assert low[0] and not low[-1]


def test_a_series_told_apart_by_its_status() -> None:
    assert pattern_files.refuse_frame("a", "ok") is None
    fault = pattern_files.refuse_frame("a", "zeros")
    assert fault is not None and json.dumps(fault.as_record())
