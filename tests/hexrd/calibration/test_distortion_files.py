"""Splines and detector files against the displacement they were made from and against pyFAI."""

import h5py
import numpy as np
import pytest
from hexrd.made_images import radial_shift, write_spline

from ssbchar.errors import BadInput
from ssbchar.hexrd.calibration import distortion_files
from ssbchar.hexrd.calibration.options import CalibrantLimits
from ssbchar.hexrd.calibration.setup import read_poni, read_poni_distortion

SHAPE = (400, 400)
LIMITS = CalibrantLimits()


def read(path, shape=SHAPE, limits=LIMITS):
    return distortion_files.read_detector_file(path, shape, limits)


def write_corners(path, down, right, pixel=(2e-4, 1e-4), **more):
    """A detector file as pyFAI lays it out: corners of each pixel as z, rows, columns [m]."""
    row, column = np.indices(down.shape)
    corners = np.zeros((*down.shape, 4, 3), np.float32)
    for place, (a, b) in enumerate([(0, 0), (1, 0), (1, 1), (0, 1)]):
        corners[..., place, 1] = (row + a + down) * pixel[0]
        corners[..., place, 2] = (column + b + right) * pixel[1]
    with h5py.File(path, "w") as file:
        group = file.create_group("entry/detector")
        values = {"pixel_corners": corners, "pixel_size": np.array(pixel), **more}
        for name, value in values.items():
            group[name] = value
    return path


def test_a_spline_gives_its_displacement_back(tmp_path):
    found = read(write_spline(tmp_path / "a.spline", pixel=150.0))
    down, right = radial_shift(4.0)
    np.testing.assert_allclose(found.distortion.down, down, atol=1e-5)
    np.testing.assert_allclose(found.distortion.right, right, atol=1e-5)
    assert (found.pixel1, found.pixel2) == pytest.approx((1.5e-4, 1.5e-4))
    assert not found.excluded.any()


def test_rows_and_columns_are_not_exchanged(tmp_path):
    text = write_spline(tmp_path / "a.spline").read_text()
    above, _, below = text.partition("  Y-DISTORTION")
    numbers, zeros = below.splitlines()[:], []
    skipped = 1 + 3 + 3
    zeros = numbers[:skipped] + [f"{0.0:14.7E}" * (len(n) // 14) for n in numbers[skipped:]]
    (tmp_path / "x.spline").write_text(above + "  Y-DISTORTION" + "\n".join(zeros))
    found = read(tmp_path / "x.spline").distortion
    assert not found.down.any()
    np.testing.assert_allclose(found.right, radial_shift(4.0)[1], atol=1e-5)


def test_a_spline_as_pyfai_takes_it(tmp_path):
    detectors = pytest.importorskip("pyFAI.detectors")
    path = write_spline(tmp_path / "a.spline")
    row, column, _ = detectors.Detector(splinefile=str(path)).calc_cartesian_positions()
    found = read(path).distortion
    index = np.indices(SHAPE) + 0.5
    np.testing.assert_allclose(2e-4 * (index[0] + found.down), row, atol=2e-8)
    np.testing.assert_allclose(2e-4 * (index[1] + found.right), column, atol=2e-8)


def test_a_detector_file_that_pyfai_saved(tmp_path):
    detectors = pytest.importorskip("pyFAI.detectors")
    spline = write_spline(tmp_path / "a.spline")
    detectors.Detector(splinefile=str(spline)).save(str(tmp_path / "a.h5"))
    one, two = read(spline).distortion, read(tmp_path / "a.h5").distortion
    # it holds corners in single precision
    np.testing.assert_allclose(one.down, two.down, atol=2e-3)
    np.testing.assert_allclose(one.right, two.right, atol=2e-3)


def test_pixels_without_a_place_and_masked_ones_are_excluded(tmp_path):
    down, right = np.full((40, 60), 0.25), np.zeros((40, 60))
    down[3, 4] = np.nan
    mask = np.zeros((40, 60), np.int8)
    mask[7, 8] = 1
    found = read(write_corners(tmp_path / "a.h5", down, right, mask=mask), (40, 60))
    assert np.argwhere(found.excluded).tolist() == [[3, 4], [7, 8]]
    assert found.distortion.down[0, 0] == pytest.approx(0.25, abs=1e-4)
    assert found.distortion.down[3, 4] == 0 and (found.pixel1, found.pixel2) == (2e-4, 1e-4)


@pytest.mark.parametrize("suffix", ["spline", "h5"])
def test_binned_images_have_binned_distortions(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    shift = radial_shift(4.0)
    write_spline(path) if suffix == "spline" else write_corners(path, *shift, pixel=(2e-4, 2e-4))
    found = read(path, (200, 200))
    expected = shift[0].reshape(200, 2, 200, 2).mean(axis=(1, 3)) / 2
    np.testing.assert_allclose(found.distortion.down, expected, atol=1e-3)
    assert found.pixel1 == pytest.approx(4e-4)


@pytest.mark.parametrize("shape", [(400, 200), (399, 399), (800, 800), (150, 150)])
def test_another_detector_is_refused(tmp_path, shape):
    path = write_spline(tmp_path / "a.spline")
    with pytest.raises(BadInput, match="describes 400 x 400 pixels, the images have"):
        read(path, shape)


def test_what_is_no_such_file(tmp_path):
    with pytest.raises(BadInput, match="does not exist"):
        read(tmp_path / "no.spline")
    (tmp_path / "text.spline").write_text("nothing of the kind\n1 2 3\n")
    with pytest.raises(BadInput, match="no spline file: it has no valid region"):
        read(tmp_path / "text.spline")
    whole = write_spline(tmp_path / "a.spline").read_text()
    (tmp_path / "cut.spline").write_text(whole[: len(whole) * 9 // 10])
    with pytest.raises(BadInput, match=r"its splines are cut: .* knots ask for"):
        read(tmp_path / "cut.spline")
    (tmp_path / "half.spline").write_text(whole[: whole.index("  Y-DIST")])
    with pytest.raises(BadInput, match="it has no y-distortion"):
        read(tmp_path / "half.spline")
    with h5py.File(tmp_path / "even.h5", "w") as file:
        file["pixel_size"] = [1e-4, 1e-4]
    with pytest.raises(BadInput, match=r"no corners of pixels; leave it out"):
        read(tmp_path / "even.h5")
    (tmp_path / "broken.h5").write_bytes(b"nothing")
    with pytest.raises(BadInput):
        read(tmp_path / "broken.h5")


def test_detectors_that_are_not_flat_or_turned(tmp_path):
    zero = np.zeros((40, 60))
    path = write_corners(tmp_path / "a.h5", zero, zero)
    with h5py.File(path, "a") as file:
        file["entry/detector/pixel_corners"][:, 30:, :, 0] = 1e-3
    with pytest.raises(BadInput, match="do not lie in one plane"):
        read(path, (40, 60))
    row, _ = np.indices((40, 60))
    path = write_corners(tmp_path / "b.h5", 39.0 - 2 * row, zero)
    with pytest.raises(BadInput, match=r"moves pixels by up to 78 pixels .* orientation stored"):
        read(path, (40, 60))


def test_the_limit_of_pixels(tmp_path):
    zero = np.zeros((40, 60))
    path = write_corners(tmp_path / "a.h5", zero, zero)
    with pytest.raises(BadInput, match=r"hexrd\.geometry\.limits\.pixels"):
        read(path, (40, 60), CalibrantLimits(pixels=2000))


def write_poni(path, detector, config):
    lines = ["poni_version: 2", f"Detector: {detector}", f"Detector_config: {config}"]
    lines += ["Distance: 0.3", "Poni1: 0.04", "Poni2: 0.04", "Rot1: 0.0", "Rot2: 0.0", "Rot3: 0.0"]
    path.write_text("\n".join([*lines, "Wavelength: 2.4e-11", ""]))
    return path


def test_the_detector_that_a_poni_names(tmp_path):
    spline = write_spline(tmp_path / "a.spline")
    config = f'{{"pixel1": 0.0002, "pixel2": 0.0002, "splineFile": "{spline}"}}'
    poni = write_poni(tmp_path / "a.poni", "Detector", config)
    plane, _ = read_poni(poni)
    assert plane.pixel1 == pytest.approx(2e-4)
    found = read_poni_distortion(poni, SHAPE)
    np.testing.assert_allclose(found.down, radial_shift(4.0)[0], atol=1e-3)
    np.testing.assert_allclose(found.right, radial_shift(4.0)[1], atol=1e-3)
    with pytest.raises(BadInput, match=r"uneven pixels .* hexrd\.geometry\.distortion"):
        read_poni_distortion(poni, (200, 400))
    config = '{"pixel1": 0.0002, "pixel2": 0.0002, "max_shape": null}'
    even = write_poni(tmp_path / "b.poni", "Detector", config)
    assert read_poni_distortion(even, SHAPE) is None
