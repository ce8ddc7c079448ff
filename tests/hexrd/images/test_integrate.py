"""Images to patterns: integration as pyFAI, errors of counting, sectors, bad frames."""

import json
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from hexrd.made_images import FLAT, PLANE, SHAPE, WAVELENGTH, pyfai_parameters, series, tiff

from ssbchar.errors import BadInput
from ssbchar.hexrd.images import azimuthal, integrate
from ssbchar.hexrd.images import geometry as geo
from ssbchar.hexrd.images.options import ImageLimits, Integration
from ssbchar.hexrd.images.read import read_images
from ssbchar.storage import lazy_rows, row_file


@pytest.mark.parametrize("orientation", [0, 1, 5])
def test_integration_as_pyfai(orientation):
    from pyFAI.integrator.azimuthal import AzimuthalIntegrator

    rng = np.random.default_rng(1)
    stack = rng.poisson(30, (3, *SHAPE)).astype(np.int32)
    flat, dark = rng.uniform(0.8, 1.2, SHAPE), rng.uniform(0, 2, SHAPE)
    valid = rng.uniform(size=SHAPE) > 0.05
    by = azimuthal.build_integrator(
        PLANE, orientation, valid, points=150, polarisation=0.95, flat=flat, dark=dark
    )
    mean, stderr = azimuthal.integrate_stack(by, stack)

    def turn(image):
        return np.ascontiguousarray(geo.orient_image(image, orientation))

    theirs = AzimuthalIntegrator(**pyfai_parameters(PLANE), wavelength=1e-10)
    for n in range(3):
        expected = theirs.integrate1d_ng(
            turn(stack[n]),
            150,
            mask=~turn(valid),
            dark=turn(dark),
            flat=turn(flat),
            polarization_factor=0.95,
            variance=turn(stack[n] + dark),
            method=("full", "csr", "cython"),
            unit="2th_deg",
        )
        np.testing.assert_allclose(by.two_theta, expected.radial, rtol=1e-6)
        np.testing.assert_allclose(mean[n], expected.intensity, rtol=2e-5)
        np.testing.assert_allclose(stderr[n], expected.sigma, rtol=2e-4)


def test_errors_are_those_of_counting():
    truth = 4.0
    stack = np.random.default_rng(2).poisson(truth, (400, *SHAPE)).astype(np.int32)
    by = azimuthal.build_integrator(PLANE, 0, np.ones(SHAPE, bool), points=80)
    mean, stderr = azimuthal.integrate_stack(by, stack)
    expected = azimuthal.integrate_stack(by, np.full((1, *SHAPE), truth))[0][0]
    pulls = (mean - expected) / stderr
    assert np.all(np.abs(pulls.mean(axis=0)) < 0.35)
    assert np.median(pulls.std(axis=0)) == pytest.approx(1.0, abs=0.05)


def test_bins_without_counts_have_the_error_of_one():
    by = azimuthal.build_integrator(PLANE, 0, np.ones(SHAPE, bool), points=80)
    mean, stderr = azimuthal.integrate_stack(by, np.zeros((1, *SHAPE), np.int32))
    assert np.all(mean == 0) and np.all(stderr > 0)


def test_pixels_of_single_frames_are_left_out_exactly():
    stack = np.random.default_rng(3).poisson(100, (2, *SHAPE)).astype(np.int32)
    bad = np.zeros(stack.shape, bool)
    bad[1] = np.random.default_rng(4).uniform(size=SHAPE) > 0.97
    whole = azimuthal.build_integrator(PLANE, 0, np.ones(SHAPE, bool), points=90)
    masked = azimuthal.build_integrator(
        PLANE, 0, ~bad[1], points=90, two_theta=(whole.two_theta[0], whole.two_theta[-1])
    )
    within = azimuthal.build_integrator(
        PLANE, 0, ~bad[0], points=90, two_theta=(whole.two_theta[0], whole.two_theta[-1])
    )
    spoilt = np.where(bad, 10**6, stack)
    mean, stderr = azimuthal.integrate_stack(within, spoilt, bad)
    expected = azimuthal.integrate_stack(masked, spoilt[1:])
    np.testing.assert_allclose(mean[1], expected[0][0], rtol=1e-9)
    np.testing.assert_allclose(stderr[1], expected[1][0], rtol=1e-9)


def test_sectors_add_up_and_dark_leaves_bad_pixels_alone():
    rng = np.random.default_rng(9)
    stack, dark = rng.poisson(50, (2, *SHAPE)).astype(np.int32), rng.uniform(0, 9, SHAPE)
    bad = rng.uniform(size=stack.shape) > 0.98
    whole = azimuthal.build_integrator(PLANE, 1, np.ones(SHAPE, bool), points=90, dark=dark)
    parts = azimuthal.build_integrator(
        PLANE, 1, np.ones(SHAPE, bool), points=90, dark=dark, sectors=12
    )
    np.testing.assert_allclose(
        azimuthal.integrate_stack(parts, stack, bad),
        azimuthal.integrate_stack(whole, stack, bad),
        rtol=1e-9,
    )
    spoilt = np.where(bad, 10**6, stack)
    np.testing.assert_array_equal(
        azimuthal.integrate_stack(whole, spoilt, bad), azimuthal.integrate_stack(whole, stack, bad)
    )


def test_the_robust_mean_leaves_out_grains_and_keeps_texture(tmp_path):
    by = azimuthal.build_integrator(PLANE, 0, np.ones(SHAPE, bool), points=60, sectors=36)
    row, column = np.indices(SHAPE) + 0.5
    _, azimuth = geo.angles_from_pixels(PLANE, row, column)
    textured = 200 * (1 + 0.5 * np.cos(2 * azimuth))
    counts = np.random.default_rng(10).poisson(textured).astype(np.int32)
    spotty = counts.copy()
    spotty[60:63, 150:153] += 50_000
    plain = azimuthal.average_without_grains(azimuthal.sum_bins(by, counts[None]))
    mean, stderr, share = azimuthal.average_without_grains(azimuthal.sum_bins(by, spotty[None]))
    everything = azimuthal.integrate_stack(by, spotty[None])[0]
    clean = azimuthal.integrate_stack(by, counts[None])
    hit = (everything - clean[0])[0] > 10 * clean[1][0]
    assert hit.sum() >= 2 and np.all(share[0, hit] > 0) and np.mean(plain[2]) < 0.01
    pulls = (mean - clean[0])[0] / stderr[0]
    assert np.all(np.abs(pulls[~hit]) < 4), "texture alone loses nothing"
    assert np.all(np.abs(mean - clean[0])[0, hit] < 0.1 * (everything - clean[0])[0, hit])


def test_spots_of_grains_make_no_lines_where_they_are_left_out(tmp_path):
    """A spot of 4 x 4 pixels off the rings, in all frames: a line of many standard errors, and none
    without grains; elsewhere the patterns agree."""
    for name in ("clean", "spotty"):
        (tmp_path / name).mkdir()
        series(tmp_path / name, 3)
    for path in sorted((tmp_path / "spotty").glob("*.tif")):
        image = next(read_images(path, ImageLimits()))
        counts = image.counts.astype(np.uint16)
        counts[60:64, 40:44] += 900
        tiff(path, counts)
    options = Integration(sectors=36)
    left_out = replace(options, without_grains=True)
    clean = integrate.integrate_images(tmp_path / "clean", FLAT, options)
    kept = integrate.integrate_images(tmp_path / "spotty", FLAT, options)
    without = integrate.integrate_images(tmp_path / "spotty", FLAT, left_out)
    assert (kept.attrs["grains"], without.attrs["grains"]) == ("kept", "left out")
    error = without["intensity_stderr"]
    hit = (kept["intensity"] - clean["intensity"]) > 5 * error
    assert hit.any(dim="two_theta").all()
    assert (np.abs(without["intensity"] - clean["intensity"]) < 4 * error).all()


@pytest.mark.parametrize("sectors", [0, 1, 11])
def test_grains_are_told_by_a_dozen_sectors(sectors):
    with pytest.raises(ValueError, match="without_grains tells grains by 12 sectors or more"):
        Integration(sectors=sectors, without_grains=True)
    assert Integration(sectors=12, without_grains=True).without_grains


def test_caked_output(tmp_path):
    series(tmp_path, 3)
    ds = integrate.integrate_images(tmp_path, FLAT, Integration(sectors=18, chunk=2))
    assert ds["caked"].dims == ("frame", "azimuth", "two_theta") and ds.sizes["azimuth"] == 18
    assert {"intensity_robust", "intensity_robust_stderr", "grain_share", "caked_stderr"} <= set(ds)
    plain = integrate.integrate_images(tmp_path, FLAT, Integration())
    np.testing.assert_allclose(ds["intensity"], plain["intensity"], rtol=1e-9)
    assert "caked" not in plain


def test_a_series_in_chunks_gives_the_same_bytes(tmp_path):
    series(tmp_path)
    one = integrate.integrate_images(tmp_path, FLAT, Integration(chunk=1))
    many = integrate.integrate_images(tmp_path, FLAT, Integration(chunk=5))
    xr.testing.assert_identical(one, many)
    assert one["frame"].values.tolist() == list(range(1, 8))
    assert one["temperature_header"].values.tolist() == [float(20 + n) for n in range(1, 8)]
    assert np.diff(one["time"]).tolist() == [1.0] * 6
    assert one.attrs["clock"] == "taken as UTC+0 h" and "synthetic" not in one.attrs
    assert one.attrs["pixels_left_out"] == 31, "one hot pixel and thirty dead ones"
    for name, variable in one.variables.items():
        assert variable.dtype.kind != "f" or "units" in variable.attrs, name


def test_a_series_beyond_memory_gives_the_same(tmp_path, monkeypatch):
    series(tmp_path)
    options = Integration(sectors=18, chunk=2)
    whole = integrate.integrate_images(tmp_path, FLAT, options)
    monkeypatch.setattr(row_file, "LARGE_BYTES", 1e4)
    monkeypatch.setattr(row_file, "BLOCK_BYTES", 3e4)
    parts = integrate.integrate_images(tmp_path, FLAT, options)
    assert lazy_rows.is_on_disk(parts["caked"]) and lazy_rows.is_on_disk(parts["intensity"])
    xr.testing.assert_identical(parts.load(), whole)


def test_one_wavelength_through_d(tmp_path):
    series(tmp_path, 1)
    ds = integrate.integrate_images(tmp_path, FLAT, Integration(common_wavelength=0.1173))
    d = WAVELENGTH / 2 / np.sin(np.radians(ds["two_theta"]) / 2)
    np.testing.assert_allclose(
        0.1173 / 2 / np.sin(np.radians(ds["two_theta_common"]) / 2), d, rtol=1e-12
    )
    np.testing.assert_allclose(2 * np.pi / ds["q"], d, rtol=1e-12)


def test_bad_frames_are_set_aside_one_line_each(tmp_path):
    series(tmp_path, 8)
    whole = (tmp_path / "scan_0002.tif").read_bytes()
    (tmp_path / "scan_0002.tif").write_bytes(whole[: len(whole) // 2])
    tiff(tmp_path / "scan_0003.tif", np.zeros(SHAPE, np.uint16))
    tiff(tmp_path / "scan_0004.tif", np.ones((10, 10), np.uint16))
    (tmp_path / "scan_0005.tif").write_text("not an image")
    tiff(tmp_path / "scan_0006.tif", np.full(SHAPE, 65535, np.uint16))
    (tmp_path / "scan_0007.tif").write_bytes(b"")
    ds = integrate.integrate_images(tmp_path, FLAT, Integration())
    assert ds["frame"].values.tolist() == [1, 3, 6, 8]
    assert ds["status"].values.tolist() == ["ok", "zeros", "saturated", "ok"]
    aside = json.loads(ds.attrs["set_aside"])
    assert [str(a["where"]).rsplit("/", 1)[-1][:9] for a in aside] == [
        f"scan_000{n}" for n in (2, 4, 5, 7, 3, 6)
    ]
    assert all(a["problem"] and a["remedy"] and "\n" not in a["problem"] for a in aside)
    assert "10 x 10 pixels" in aside[1]["problem"]


def test_nothing_usable_is_refused(tmp_path):
    tiff(tmp_path / "a_1.tif", np.zeros(SHAPE, np.uint16))
    with pytest.raises(BadInput, match="no usable image of 1 files"):
        integrate.integrate_images(tmp_path, FLAT, Integration())
    with pytest.raises(BadInput, match="no file"):
        integrate.integrate_images(tmp_path / "nowhere", FLAT, Integration())
    with pytest.raises(BadInput, match=r"the flat has \(10, 10\) pixels"):
        tiff(tmp_path / "flat.tif", np.ones((10, 10), np.uint16))
        integrate.integrate_images(
            tmp_path / "a_1.tif", FLAT, Integration(flat=str(tmp_path / "flat.tif"))
        )


def test_the_mean_of_images_with_their_dark_subtracted(tmp_path):
    import h5py

    stack = (3 + 6 * np.random.default_rng(5).standard_normal((6, *SHAPE))).astype(np.float32)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["entry/data/data"] = stack
    ds = integrate.integrate_images(tmp_path, FLAT, Integration(polarisation=None))
    assert ds.attrs["pixels_left_out"] == 0 and set(ds["status"].values) == {"ok"}
    one = np.ones((1, *SHAPE), np.float32)
    everything = azimuthal.build_integrator(PLANE, 0, np.ones(SHAPE, bool), polarisation=None)
    scale, _ = azimuthal.integrate_stack(everything, one)
    # Divided by the pattern of a count per pixel: solid angles drop out.
    level = ds["intensity"].values / scale[0][: ds.sizes["two_theta"]]
    assert np.median(level.mean(axis=0)) == pytest.approx(3.0, abs=0.15)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, 0.0),
        ({"ring_scatter": 376.0}, 376e-6),
        ({"orientation_cell_offset": [900.0, -300.0]}, 300e-6),
        ({"ring_scatter": 400.0, "orientation_cell_offset": [900.0, -300.0]}, 500e-6),
    ],
)
def test_what_the_calibration_does_not_follow_is_an_error_of_all_lengths(more, expected):
    """Rings off their places, and the calibrant's cell by a geometry that was given."""
    geometry = FLAT.drop_vars("wavelength_stderr").assign(orientation_index=1)
    for name, value in more.items():
        geometry[name] = ("orientation", value) if isinstance(value, list) else value
    assert integrate._combine_scale_errors(geometry) == pytest.approx(expected)


def test_stray_events_make_no_line(tmp_path):
    random = np.random.default_rng(8)
    clean = random.poisson(40, (5, *SHAPE)).astype(np.uint16)
    hit = clean.copy()
    hit[2, 100, 90] = 60000
    hit[3, 20:22, 150] = 20000
    for name, stack in (("clean", clean), ("hit", hit)):
        (tmp_path / name).mkdir()
        for number, counts in enumerate(stack, 1):
            tiff(tmp_path / name / f"a_{number}.tif", counts)
    expected, found = (
        integrate.integrate_images(tmp_path / name, FLAT, Integration())
        for name in ("clean", "hit")
    )
    assert (expected.attrs["stray_pixels"], found.attrs["stray_pixels"]) == (0, 3)
    pulls = (found["intensity"] - expected["intensity"]) / expected["intensity_stderr"]
    assert np.nanmax(np.abs(pulls)) < 2
    xr.testing.assert_identical(found["intensity"][[0, 1, 4]], expected["intensity"][[0, 1, 4]])
    kept = integrate.integrate_images(tmp_path / "hit", FLAT, Integration(stray_event_sigma=0))
    assert kept.attrs["stray_pixels"] == 0
    line = (kept["intensity"] - expected["intensity"]) / expected["intensity_stderr"]
    assert np.nanmax(line[2]) > 50


@pytest.mark.parametrize(("gain", "readout"), [(12.0, 0.0), (1.0, 8.0), (5.0, 10.0)])
@pytest.mark.parametrize("with_dark", [False, True])
def test_gain_and_readout_noise_are_in_the_errors(gain, readout, with_dark):
    random = np.random.default_rng(4)
    photons, level = 6.0, 20.0

    def expose(mean, frames):
        return gain * random.poisson(mean, (frames, *SHAPE)) + readout * random.standard_normal(
            (frames, *SHAPE)
        )

    # One dark image is an error that all frames share: each has its own here.
    noise = azimuthal.PixelNoise(gain=gain, readout=readout)
    valid = np.ones(SHAPE, bool)
    means, errors = [], []
    for _ in range(60):
        dark = expose(level, 1)[0] if with_dark else None
        by = azimuthal.build_integrator(PLANE, 0, valid, points=60, dark=dark, noise=noise)
        mean, stderr = azimuthal.integrate_stack(by, expose(photons + level * with_dark, 1))
        means.append(mean[0])
        errors.append(stderr[0])
    response = azimuthal.integrate_stack(
        azimuthal.build_integrator(PLANE, 0, valid, points=60), np.ones((1, *SHAPE))
    )[0][0]
    pulls = (np.array(means) - gain * photons * response) / np.array(errors)
    assert np.median(pulls.std(axis=0)) == pytest.approx(1.0, abs=0.1)
    assert abs(np.median(pulls.mean(axis=0))) < 0.2


def write_ring(folder, change=None, frames=10):
    """A series of a ring on a background; `change` adds counts to (frame, row, column)."""
    row, column = np.indices(SHAPE) + 0.5
    two_theta, _ = geo.angles_from_pixels(PLANE, row, column)
    rate = 40 + 300 * np.exp(-0.5 * ((two_theta - np.median(two_theta)) / 4e-4) ** 2)
    counts = np.random.default_rng(3).poisson(rate, (frames, *SHAPE))
    if change is not None:
        change(counts)
    folder.mkdir()
    for n, one in enumerate(counts):
        tiff(folder / f"scan_{n:04d}.tif", one.astype(np.uint16), f"frame: {n}")
    return folder


def add_zingers(counts):
    for n in range(1, 9):
        counts[n, 20 * n, 15 * n] += 8000
        counts[n, 20 * n + 1, 15 * n + 7] += 1000


def add_hot_pixels(counts):
    counts[:, 50, 120] += 6000
    counts[:, 90, 30:32] += 6000


def add_pixels_that_become_hot(counts):
    counts[4:, 50, 120] += 6000
    counts[::2, 90, 30] += 6000
    counts[[0, 1, 2, 4, 5, 7, 9], 150, 100] += 500


@pytest.mark.parametrize("change", [add_zingers, add_hot_pixels, add_pixels_that_become_hot])
def test_hot_spots_and_zingers_make_no_lines(tmp_path, change):
    """Pixels that are wrong in one frame, in all, or from some frame on: no bin of any frame is off
    by more than the noise that the lost pixels had."""
    clean = integrate.integrate_images(write_ring(tmp_path / "a"), FLAT, Integration())
    spoilt = integrate.integrate_images(write_ring(tmp_path / "b", change), FLAT, Integration())
    off = (spoilt["intensity"] - clean["intensity"]) / clean["intensity_stderr"]
    assert float(np.abs(off).max()) < 1.0
    kept = integrate.integrate_images(
        tmp_path / "b", FLAT, Integration(hot_pixel_sigma=0, stray_event_sigma=0)
    )
    off = (kept["intensity"] - clean["intensity"]) / clean["intensity_stderr"]
    assert float(np.abs(off).max()) > 20.0, "the case is none"


def test_spots_of_crystals_make_no_lines_in_the_mean_without_them(tmp_path):
    """Spots of a single crystal off rings, some that stay and some of one frame: in the mean over
    all azimuths they are lines, in the one without single grains they are not."""
    row, column = np.indices(SHAPE)

    def add_spots(counts):
        rng = np.random.default_rng(6)
        for r, c, frames in ((50, 120, slice(None)), (150, 60, slice(3, 4)), (20, 30, slice(5, 9))):
            spot = 3000 * np.exp(-0.5 * ((row - r) ** 2 + (column - c) ** 2) / 1.2**2)
            counts[frames] += rng.poisson(spot, counts[frames].shape)

    options = Integration(sectors=36)
    clean = integrate.integrate_images(write_ring(tmp_path / "a"), FLAT, options)
    spoilt = integrate.integrate_images(write_ring(tmp_path / "b", add_spots), FLAT, options)
    off = {
        name: float(np.abs((spoilt[name] - clean[name]) / clean[f"{name}_stderr"]).max())
        for name in ("intensity", "intensity_robust")
    }
    assert off["intensity"] > 30 and off["intensity_robust"] < 4
    # the ring itself is the same in both means
    assert float(np.abs(clean["intensity_robust"] / clean["intensity"] - 1).max()) < 0.1
