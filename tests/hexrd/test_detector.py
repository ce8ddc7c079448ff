"""Images to patterns: geometry from an independent forward model, integration as pyFAI, bad frames, vendor files."""

import json

import h5py
import numpy as np
import pytest
import xarray as xr

from ssbchar.errors import BadInput
from ssbchar.hexrd import azimuthal, detector, images, masks
from ssbchar.hexrd import geometry as geo
from ssbchar.hexrd import header as head
from ssbchar.hexrd.options import Geometry, Integration
from ssbchar.simulate.detector import Detector, write_tiff

D_CEO2 = 5.411651 / np.sqrt([3, 4, 8, 11, 12, 16, 19, 20, 24, 27])
WAVELENGTH = 0.24117
SETUP = Geometry(wavelength=WAVELENGTH, distance=310.0, pixel_size=200.0)
TRUE = Detector(size=400, pixel=0.2, distance=300.0, column=187.3, row=211.6, tilt=1.2, tilt_plane=200.0)


def calibrant_counts(seed, true=TRUE, level=200.0):
    """Counts of rings on a tilted detector, by the simulator's own geometry (FIT2D's, not pyFAI's)."""
    two_theta, _, solid = true.angles(2)
    rate = np.full(two_theta.shape, 20.0)
    for n, d in enumerate(D_CEO2):
        place = 2 * np.arcsin(WAVELENGTH / 2 / d)
        rate += level / (1 + 0.3 * n) * np.exp(-0.5 * ((two_theta - place) / 8e-4) ** 2)
    return np.random.default_rng(seed).poisson((rate * solid).mean(axis=-1)).astype(np.uint16)


def tiff(path, counts, text="test", when="2024:05:06 07:08:09"):
    write_tiff(path, counts, text, when)
    return path


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("calibrant")
    return detector.calibrate(tiff(folder / "ceo2.tif", calibrant_counts(0)), SETUP)


def plane_dataset(plane, shape, orientation=0):
    ds = xr.Dataset({name: ((), value) for name, value in plane._asdict().items()})
    ds["wavelength"], ds["wavelength_stderr"] = (((), v, {"units": "angstrom"}) for v in (WAVELENGTH, 1e-6))
    return ds.assign(rows=shape[0], columns=shape[1], orientation_index=orientation)


PLANE = geo.Plane(0.2, 0.011, 0.009, 0.02, -0.01, 0.0, 1e-4, 1e-4)
SHAPE = (200, 180)
FLAT = plane_dataset(PLANE, SHAPE)


def test_geometry_of_a_tilted_detector(calibrated):
    for name, truth in (("direct_distance", 0.3), ("beam_column", 187.3), ("beam_row", 211.6)):
        error = np.hypot(float(calibrated[f"{name}_stderr"]), float(calibrated[f"{name}_systematic"]))
        assert abs(float(calibrated[name]) - truth) < 4 * error
    assert float(calibrated["direct_distance"]) == pytest.approx(0.3, rel=1e-4)
    assert float(calibrated["beam_row"]) == pytest.approx(211.6, abs=0.05)
    tilt = np.degrees(np.arccos(np.cos(calibrated["tilt1"]) * np.cos(calibrated["tilt2"])))
    assert float(tilt) == pytest.approx(1.2, abs=0.05)
    assert np.nanmax(np.abs(calibrated["ring_held_out"])) < 150


@pytest.mark.slow
def test_pulls_of_the_geometry(tmp_path):
    truth = {"direct_distance": 0.3, "beam_column": 187.3, "beam_row": 211.6}
    found = [detector.calibrate(tiff(tmp_path / "ceo2.tif", calibrant_counts(seed)), SETUP) for seed in range(40)]
    for name, value in truth.items():
        errors = np.array([float(ds[name]) - value for ds in found])
        pulls = errors / np.array([float(ds[f"{name}_stderr"]) for ds in found])
        assert 0.7 < np.std(pulls) < 1.4
        if name == "direct_distance":
            assert abs(np.mean(errors)) < float(found[0][f"{name}_systematic"]), "what does not average out is stated"
        else:
            assert abs(np.mean(pulls)) < 0.6


def test_a_poni_is_found_in_the_orientation_it_was_made_for(tmp_path, calibrated):
    plane = geo.Plane(*(float(calibrated[name]) for name in geo.Plane._fields))
    lines = ["Detector: Detector", 'Detector_config: {"pixel1": 0.0002, "pixel2": 0.0002, "max_shape": null}']
    names = ("Distance", "Poni1", "Poni2", "Rot1", "Rot2", "Rot3")
    lines += [f"{name}: {value!r}" for name, value in zip(names, plane, strict=False)]
    poni = tmp_path / "a.poni"
    poni.write_text("poni_version: 2\n" + "\n".join(lines) + f"\nWavelength: {WAVELENGTH * 1e-10}\n")
    for orientation in (2, 5):
        undo = {5: 6, 6: 5}.get(orientation, orientation)
        counts = np.ascontiguousarray(geo.oriented(calibrant_counts(3), undo))
        ds = detector.calibrate(tiff(tmp_path / f"{orientation}.tif", counts), Geometry(poni=str(poni)))
        assert ds.attrs["orientation"] == geo.ORIENTATIONS[orientation]
        assert abs(float(ds["orientation_cell_offset"][orientation])) < 60


def test_no_rings_no_wavelength_no_image(tmp_path):
    flat = np.random.default_rng(0).poisson(50, (300, 300)).astype(np.uint16)
    path = tiff(tmp_path / "flat.tif", flat)
    with pytest.raises(BadInput, match="no rings of CeO2"):
        detector.calibrate(path, SETUP)
    with pytest.raises(BadInput, match="no wavelength"):
        detector.calibrate(path, Geometry(distance=300.0, pixel_size=200.0))
    with pytest.raises(BadInput, match="no pixel size"):
        detector.calibrate(path, Geometry(wavelength=0.2, distance=300.0))
    with pytest.raises(BadInput, match="no calibrant of that name"):
        detector.calibrate(path, Geometry(wavelength=0.2, distance=300.0, pixel_size=200.0, calibrant="CeO3"))
    (tmp_path / "empty.tif").touch()
    with pytest.raises(BadInput, match="the file is empty"):
        detector.calibrate(tmp_path / "empty.tif", SETUP)


@pytest.mark.parametrize("orientation", [0, 1, 5])
def test_integration_as_pyfai(orientation):
    from pyFAI.integrator.azimuthal import AzimuthalIntegrator

    rng = np.random.default_rng(1)
    stack = rng.poisson(30, (3, *SHAPE)).astype(np.int32)
    flat, dark = rng.uniform(0.8, 1.2, SHAPE), rng.uniform(0, 2, SHAPE)
    valid = rng.uniform(size=SHAPE) > 0.05
    by = azimuthal.integrator(PLANE, orientation, valid, 150, None, 0.95, flat, dark)
    mean, stderr = azimuthal.integrate(by, stack)

    def turn(image):
        return np.ascontiguousarray(geo.oriented(image, orientation))

    theirs = AzimuthalIntegrator(*PLANE[:6], pixel1=1e-4, pixel2=1e-4, wavelength=1e-10)
    for n in range(3):
        expected = theirs.integrate1d_ng(
            turn(stack[n]), 150, mask=~turn(valid), dark=turn(dark), flat=turn(flat), polarization_factor=0.95,
            variance=turn(stack[n] + dark), method=("full", "csr", "cython"), unit="2th_deg",
        )  # fmt: skip
        np.testing.assert_allclose(by.two_theta, expected.radial, rtol=1e-6)
        np.testing.assert_allclose(mean[n], expected.intensity, rtol=2e-5)
        np.testing.assert_allclose(stderr[n], expected.sigma, rtol=2e-4)


def test_errors_are_those_of_counting():
    truth = 4.0
    stack = np.random.default_rng(2).poisson(truth, (400, *SHAPE)).astype(np.int32)
    by = azimuthal.integrator(PLANE, 0, np.ones(SHAPE, bool), 80)
    mean, stderr = azimuthal.integrate(by, stack)
    expected = azimuthal.integrate(by, np.full((1, *SHAPE), truth))[0][0]
    pulls = (mean - expected) / stderr
    assert np.all(np.abs(pulls.mean(axis=0)) < 0.35)
    assert np.median(pulls.std(axis=0)) == pytest.approx(1.0, abs=0.05)


def test_bins_without_counts_have_the_error_of_one():
    by = azimuthal.integrator(PLANE, 0, np.ones(SHAPE, bool), 80)
    mean, stderr = azimuthal.integrate(by, np.zeros((1, *SHAPE), np.int32))
    assert np.all(mean == 0) and np.all(stderr > 0)


def test_pixels_of_single_frames_are_left_out_exactly():
    stack = np.random.default_rng(3).poisson(100, (2, *SHAPE)).astype(np.int32)
    bad = np.zeros(stack.shape, bool)
    bad[1] = np.random.default_rng(4).uniform(size=SHAPE) > 0.97
    whole = azimuthal.integrator(PLANE, 0, np.ones(SHAPE, bool), 90)
    masked = azimuthal.integrator(PLANE, 0, ~bad[1], 90, two_theta=(whole.two_theta[0], whole.two_theta[-1]))
    within = azimuthal.integrator(PLANE, 0, ~bad[0], 90, two_theta=(whole.two_theta[0], whole.two_theta[-1]))
    spoilt = np.where(bad, 10**6, stack)
    mean, stderr = azimuthal.integrate(within, spoilt, bad)
    expected = azimuthal.integrate(masked, spoilt[1:])
    np.testing.assert_allclose(mean[1], expected[0][0], rtol=1e-9)
    np.testing.assert_allclose(stderr[1], expected[1][0], rtol=1e-9)


def test_sectors_add_up_and_dark_leaves_bad_pixels_alone():
    rng = np.random.default_rng(9)
    stack, dark = rng.poisson(50, (2, *SHAPE)).astype(np.int32), rng.uniform(0, 9, SHAPE)
    bad = rng.uniform(size=stack.shape) > 0.98
    whole = azimuthal.integrator(PLANE, 1, np.ones(SHAPE, bool), 90, dark=dark)
    parts = azimuthal.integrator(PLANE, 1, np.ones(SHAPE, bool), 90, dark=dark, sectors=12)
    np.testing.assert_allclose(
        azimuthal.integrate(parts, stack, bad), azimuthal.integrate(whole, stack, bad), rtol=1e-9
    )
    spoilt = np.where(bad, 10**6, stack)
    np.testing.assert_array_equal(azimuthal.integrate(whole, spoilt, bad), azimuthal.integrate(whole, stack, bad))


def test_the_robust_mean_leaves_out_grains_and_keeps_texture(tmp_path):
    by = azimuthal.integrator(PLANE, 0, np.ones(SHAPE, bool), 60, sectors=36)
    row, column = np.indices(SHAPE) + 0.5
    _, azimuth = geo.angles_from_pixels(PLANE, row, column)
    textured = 200 * (1 + 0.5 * np.cos(2 * azimuth))
    counts = np.random.default_rng(10).poisson(textured).astype(np.int32)
    spotty = counts.copy()
    spotty[60:63, 150:153] += 50_000
    plain = azimuthal.robust(azimuthal.sums(by, counts[None]))
    mean, stderr, share = azimuthal.robust(azimuthal.sums(by, spotty[None]))
    everything = azimuthal.integrate(by, spotty[None])[0]
    clean = azimuthal.integrate(by, counts[None])
    hit = (everything - clean[0])[0] > 10 * clean[1][0]
    assert hit.sum() >= 2 and np.all(share[0, hit] > 0) and np.mean(plain[2]) < 0.01
    pulls = (mean - clean[0])[0] / stderr[0]
    assert np.all(np.abs(pulls[~hit]) < 4), "texture alone loses nothing"
    assert np.all(np.abs(mean - clean[0])[0, hit] < 0.1 * (everything - clean[0])[0, hit])


def test_caked_output(tmp_path):
    series(tmp_path, 3)
    ds = detector.integrate(tmp_path, FLAT, Integration(sectors=18, chunk=2))
    assert ds["caked"].dims == ("frame", "azimuth", "two_theta") and ds.sizes["azimuth"] == 18
    assert {"intensity_robust", "intensity_robust_stderr", "grain_share", "caked_stderr"} <= set(ds)
    plain = detector.integrate(tmp_path, FLAT, Integration())
    np.testing.assert_allclose(ds["intensity"], plain["intensity"], rtol=1e-9)
    assert "caked" not in plain


def series(folder, count=7):
    rng = np.random.default_rng(5)
    for n in range(1, count + 1):
        counts = rng.poisson(40, SHAPE).astype(np.uint16)
        counts[50, 60] = 9000
        counts[51, 90:120] = 0
        tiff(folder / f"scan_{n:04d}.tif", counts, f"frame: {n}; temperature: {20 + n} C", f"2024:05:06 07:08:{n:02d}")


def test_a_series_in_chunks_gives_the_same_bytes(tmp_path):
    series(tmp_path)
    one = detector.integrate(tmp_path, FLAT, Integration(chunk=1))
    many = detector.integrate(tmp_path, FLAT, Integration(chunk=5))
    xr.testing.assert_identical(one, many)
    assert one["frame"].values.tolist() == list(range(1, 8))
    assert one["temperature_header"].values.tolist() == [float(20 + n) for n in range(1, 8)]
    assert np.diff(one["time"]).tolist() == [1.0] * 6
    assert one.attrs["clock"] == "taken as UTC+0 h" and "synthetic" not in one.attrs
    assert one.attrs["pixels_left_out"] == 31, "one hot pixel and thirty dead ones"
    for name, variable in one.variables.items():
        assert variable.dtype.kind != "f" or "units" in variable.attrs, name


def test_one_wavelength_through_d(tmp_path):
    series(tmp_path, 1)
    ds = detector.integrate(tmp_path, FLAT, Integration(common_wavelength=0.1173))
    d = WAVELENGTH / 2 / np.sin(np.radians(ds["two_theta"]) / 2)
    np.testing.assert_allclose(0.1173 / 2 / np.sin(np.radians(ds["two_theta_common"]) / 2), d, rtol=1e-12)
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
    ds = detector.integrate(tmp_path, FLAT, Integration())
    assert ds["frame"].values.tolist() == [1, 3, 6, 8]
    assert ds["status"].values.tolist() == ["ok", "zeros", "saturated", "ok"]
    aside = json.loads(ds.attrs["set_aside"])
    assert [str(a["where"]).rsplit("/", 1)[-1][:9] for a in aside] == [f"scan_000{n}" for n in (2, 4, 5, 7, 3, 6)]
    assert all(a["problem"] and a["remedy"] and "\n" not in a["problem"] for a in aside)
    assert "10 x 10 pixels" in aside[1]["problem"]


def test_nothing_usable_is_refused(tmp_path):
    tiff(tmp_path / "a_1.tif", np.zeros(SHAPE, np.uint16))
    with pytest.raises(BadInput, match="no usable image of 1 files"):
        detector.integrate(tmp_path, FLAT, Integration())
    with pytest.raises(BadInput, match="no file"):
        detector.integrate(tmp_path / "nowhere", FLAT, Integration())
    with pytest.raises(BadInput, match=r"the flat has \(10, 10\) pixels"):
        tiff(tmp_path / "flat.tif", np.ones((10, 10), np.uint16))
        detector.integrate(tmp_path / "a_1.tif", FLAT, Integration(flat=str(tmp_path / "flat.tif")))


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9, 0.99])
@pytest.mark.parametrize("kind", ["cbf", "edf", "tif", "h5"])
def test_files_cut_short_never_hang_nor_pass(tmp_path, kind, share):
    counts = np.random.default_rng(6).poisson(10, SHAPE).astype(np.int32)
    path = write_as(tmp_path / f"whole.{kind}", counts)
    (good,) = images.images(path)
    np.testing.assert_array_equal(good.counts, counts)
    whole = path.read_bytes()
    cut = tmp_path / f"cut.{kind}"
    cut.write_bytes(whole[: int(len(whole) * share)])
    assert all(isinstance(image, BadInput) for image in images.images(cut))


def write_as(path, counts):
    import fabio

    if path.suffix == ".h5":
        with h5py.File(path, "w") as file:
            file["entry/data/data_000001"] = counts[None]
        return path
    kinds = {".cbf": fabio.cbfimage.CbfImage, ".edf": fabio.edfimage.EdfImage, ".tif": fabio.tifimage.TifImage}
    kinds[path.suffix](data=counts, header={}).write(str(path))
    return path


def test_eiger_master_with_linked_data(tmp_path):
    stack = np.random.default_rng(7).poisson(30, (5, *SHAPE)).astype(np.uint32)
    stack[:, 3, 3] = 2**32 - 1
    for k, part in enumerate((stack[:3], stack[3:]), 1):
        with h5py.File(tmp_path / f"run_data_{k:06d}.h5", "w") as file:
            file["entry/data/data"] = part
    with h5py.File(tmp_path / "run_master.h5", "w") as file:
        for k in (1, 2):
            file[f"entry/data/data_{k:06d}"] = h5py.ExternalLink(f"run_data_{k:06d}.h5", "/entry/data/data")
        specific = file.create_group("entry/instrument/detector/detectorSpecific")
        specific["data_collection_date"] = "2024-05-06T07:08:09.5+00:00"
        file["entry/instrument/detector/frame_time"] = 2.0
        file["entry/sample/temperature"] = 301.5
    ds = detector.integrate(tmp_path, FLAT, Integration(hot_pixel_sigma=0))
    assert ds.sizes["frame"] == 5 and np.all(ds["status"] == "ok")
    assert ds.attrs["pixels_left_out"] == 1 and ds.attrs["clock"] == "zone stated"
    np.testing.assert_allclose(ds["time"], 1714979289.5 + 2.0 * np.arange(5))
    assert np.all(ds["temperature_header"] == 301.5)
    by = azimuthal.integrator(PLANE, 0, stack[0] < 2**31, 0, None, 0.99)
    np.testing.assert_allclose(ds["intensity"][4].values, azimuthal.integrate(by, stack[4:])[0][0], rtol=1e-9)


def test_synthetic_is_carried(tmp_path):
    tiff(tmp_path / "a_1.tif", np.full(SHAPE, 7, np.uint16), "synthetic demonstration data")
    assert detector.integrate(tmp_path, FLAT, Integration()).attrs["synthetic"] == 1


@pytest.mark.parametrize(
    ("header", "expected", "stated"),
    [
        ({"date": "2024:05:06 07:08:09"}, 1714979289.0, False),
        ({"time": "2024-05-06T01:08:09-06:00"}, 1714979289.0, True),
        ({"time_of_day": "1714979289.25"}, 1714979289.25, True),
        ({"_array_data.header_contents": "# 2024-05-06T07:08:09.500\n# Pixel"}, 1714979289.5, False),
        ({"date": "yesterday"}, np.nan, False),
    ],
)
def test_times_as_headers_write_them(header, expected, stated):
    when, zone = head.time(header, "", 0.0)
    assert when == pytest.approx(expected, nan_ok=True) and zone is stated


def test_local_time_is_brought_to_utc():
    assert head.time({"date": "2024:05:06 02:08:09"}, "", -5.0)[0] == 1714979289.0


def test_lengths_with_their_units():
    assert head.length({"pixel": "400 um"}, ("pixel",)) == pytest.approx(4e-4)
    assert head.length({"detector_distance": "0.21143 m"}, head.DISTANCE_KEYS) == pytest.approx(0.21143)
    assert head.length({"nominal distance": "500 mm"}, head.DISTANCE_KEYS) == pytest.approx(0.5)
    assert np.isnan(head.length({"distance": "5 parsec"}, ("distance",)))


def test_grains_are_no_hot_pixels():
    row, column = np.indices((60, 60))
    spot = 5000 * np.exp(-0.5 * ((row - 30.3) ** 2 + (column - 29.6) ** 2))
    counts = np.random.default_rng(8).poisson(20 + spot)
    counts[10, 10] = 4000
    found = masks.defects([counts], np.zeros((60, 60), bool), 10.0)
    assert found[10, 10] and found.sum() == 1


def test_counts_above_the_header_cut_off_are_saturated():
    assert masks.ceiling(np.dtype("i4"), 1097223.0, None) == 1097223.0
    assert masks.ceiling(np.dtype("u2"), np.nan, None) == 65535
    assert masks.ceiling(np.dtype("u2"), np.nan, 4000.0) == 4000.0
