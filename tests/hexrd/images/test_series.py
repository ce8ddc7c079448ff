"""Frames of a series: which are looked at, in what chunks, with what status and header."""

from pathlib import Path

import numpy as np
import pytest
from hexrd.made_images import tiff

from ssbchar.hexrd.images import azimuthal, series
from ssbchar.hexrd.images.options import Integration
from ssbchar.hexrd.images.read import Image
from ssbchar.hexrd.patterns.frame_status import FrameStatus

SHAPE = (12, 10)
NO_DEFECTS = Integration(hot_pixel_sigma=0)


def frame(counts, **header):
    return Image(source="a.tif", counts=np.asarray(counts), header=header)


def level(value=10):
    return np.full(SHAPE, value, np.uint16)


def write(folder, count, bad=()):
    for n in range(1, count + 1):
        tiff(folder / f"a_{n:03d}.tif", level(0 if n in bad else n))
    return sorted(folder.glob("*.tif"))


def test_five_frames_spread_over_the_series_are_looked_at(tmp_path):
    paths = write(tmp_path, 21)
    seen = [int(image.counts[0, 0]) for image in series.read_samples(paths, SHAPE, Integration())]
    assert seen == [1, 6, 11, 16, 21]
    assert len(series.read_samples(paths[:3], SHAPE, Integration())) == 3
    assert len(series.read_samples(paths[:1], SHAPE, Integration())) == 1


def test_samples_have_counts_and_the_right_shape(tmp_path):
    paths = write(tmp_path, 5, bad=(2,))
    tiff(paths[2], np.ones((3, 3), np.uint16))
    paths[3].write_text("no image")
    seen = [int(image.counts[0, 0]) for image in series.read_samples(paths, SHAPE, Integration())]
    assert seen == [1, 5]


def test_pixels_that_are_bad_in_every_sample_are_not_valid():
    one, two = level(), level()
    one[0, 0] = two[0, 0] = 65535
    one[1, 1] = 65535
    one[2, 2], two[2, 2] = 300, 500
    one[3, 3], two[3, 3] = 299, 500
    masked = np.zeros(SHAPE, bool)
    masked[5, 5] = True
    options = Integration(hot_pixel_sigma=0, saturation=300)
    valid = series.find_valid_pixels([frame(one), frame(two)], masked, options)
    assert np.argwhere(~valid).tolist() == [[0, 0], [2, 2], [5, 5]]
    assert np.array_equal(series.find_valid_pixels([], masked, options), ~masked)


def test_defects_are_excluded_as_well():
    counts = level(100)
    counts[4, 4], counts[7, 7] = 5000, 0
    valid = series.find_valid_pixels([frame(counts)], np.zeros(SHAPE, bool), Integration())
    assert np.argwhere(~valid).tolist() == [[4, 4], [7, 7]]


def test_the_header_limits_the_counts():
    counts = level()
    counts[0, 0], counts[0, 1] = 80, 79
    assert np.argwhere(
        series._find_saturated(frame(counts, count_cutoff="80"), NO_DEFECTS)
    ).tolist() == [[0, 0]]


@pytest.mark.parametrize(
    ("counts", "bad_share", "status"),
    [
        (level(0), 0.0, "zeros"),
        (level(0), 1.0, "zeros"),
        (level(), 0.001, "ok"),
        (level(), 0.0011, "saturated"),
        (-np.ones(SHAPE), 0.0, "zeros"),
    ],
)
def test_the_status_of_a_frame(counts, bad_share, status):
    assert series._judge_frame(frame(counts), bad_share, Integration()) == status


def test_what_the_header_says_of_a_frame():
    image = frame(
        level(),
        date="2024:05:06 07:08:09",
        temp="301.5",
        i0="0.97",
        t_set="25",
        ring="101",
        note="synthetic",
    )
    usual = series.record_frame(image, 0.0, Integration())
    assert usual.name == "a.tif" and usual.status is FrameStatus.OK and usual.synthetic
    assert (usual.time, usual.zone_stated) == (1714979289.0, False)
    assert (usual.temperature, usual.monitor) == (301.5, 0.97)
    options = Integration(temperature_key="t_set", monitor_key="ring", utc_offset=1.0)
    named = series.record_frame(image, 0.0, options)
    assert (named.temperature, named.monitor) == (25.0, 101.0)
    assert named.time == 1714979289.0 - 3600


def integrator(sectors=1, bins=30):
    size = sectors * bins
    return azimuthal.Integrator(
        two_theta=np.arange(bins, dtype=float),
        sectors=sectors,
        blocks=(),
        response=np.ones(SHAPE[0] * SHAPE[1]),
        seen=np.ones(size),
        single=np.ones(size),
        dark=None,
    )


@pytest.mark.parametrize(
    ("memory", "chunk", "size"),
    [
        # 120 pixels and 90 numbers per frame: 960 bytes
        (256e6, 16, 16),
        (256e6, 3, 3),
        (960 * 5, 16, 5),
        (960 * 5 - 1, 16, 4),
        (10, 16, 1),
    ],
)
def test_a_chunk_fits_into_its_memory(monkeypatch, memory, chunk, size):
    monkeypatch.setattr(series, "CHUNK_BYTES", memory)
    valid = np.ones(SHAPE, bool)
    options = Integration(chunk=chunk)
    assert series._choose_chunk_size(valid, integrator(), options) == size


def test_sectors_take_memory_too(monkeypatch):
    """300 numbers three times over are more than 120 pixels: 7200 bytes per frame."""
    monkeypatch.setattr(series, "CHUNK_BYTES", 7200 * 2)
    valid = np.ones(SHAPE, bool)
    assert series._choose_chunk_size(valid, integrator(10), Integration()) == 2


def test_chunks_in_order_and_the_rest():
    found = list(series._cut_into_chunks(iter(range(7)), 3))
    assert found == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(series._cut_into_chunks(iter(()), 3)) == []


def test_frames_of_another_shape_are_faults(tmp_path):
    paths = write(tmp_path, 3)
    tiff(paths[1], np.ones((3, 4), np.uint16))
    faults = []
    frames = list(series._read_frames(paths, SHAPE, faults, Integration()))
    assert [Path(image.source).name for image in frames] == ["a_001.tif", "a_003.tif"]
    assert [fault.problem for fault in faults] == ["has 3 x 4 pixels, the calibrant 12 x 10"]


def test_bad_pixels_of_a_frame_are_gaps_and_saturated_ones():
    counts = level()
    counts[0, 0], counts[0, 1] = 65535, 300
    options = Integration(saturation=300)
    assert np.argwhere(series._find_bad_pixels(frame(counts), options)).tolist() == [[0, 0], [0, 1]]
    plain = series._find_bad_pixels(frame(counts), Integration())
    assert np.argwhere(plain).tolist() == [[0, 0]]
    negative = series._find_bad_pixels(frame(-level().astype(int)), Integration())
    assert negative.all()


def sums(sectors):
    shape = (3, sectors, 4)
    return azimuthal.BinSums(
        total=np.full(shape, 8.0),
        variance=np.full(shape, 8.0),
        seen=np.full(shape, 2.0),
        single=np.ones(shape[1:]),
    )


def test_sectors_are_stored_where_there_are_several():
    one, two = series.IntegratedSeries(), series.IntegratedSeries()
    one.append(sums(1))
    two.append(sums(2))
    for found in (one, two):
        assert np.all(found.intensity[:] == 4.0) and found.intensity[:].shape == (3, 4)
    np.testing.assert_allclose(one.stderr[:], np.sqrt(8) / 2)
    np.testing.assert_allclose(two.stderr[:], np.sqrt(16) / 4)
    assert len(one.sectors.caked) == 0 == len(one.sectors.robust)
    assert two.sectors.caked[:].shape == (3, 2, 4)
    assert two.sectors.caked[:].dtype == two.sectors.caked_stderr[:].dtype == np.float32
    assert np.all(two.sectors.robust[:] == 4.0) and not np.any(two.sectors.grain_share[:])
    np.testing.assert_allclose(two.sectors.robust_stderr[:], 1.0)
