"""What is known of a detector before its rings are looked at, and which statement counts."""

from dataclasses import replace

import numpy as np
import pytest
from hexrd.made_images import tiff

from ssbchar.errors import BadInput
from ssbchar.hexrd.calibration import setup
from ssbchar.hexrd.calibration.options import Geometry
from ssbchar.hexrd.images import geometry as geo

SHAPE = (6, 5)
KNOWN = Geometry(wavelength=0.2411, distance=310.0, pixel_size=200.0)
PONI = """poni_version: 2
Detector: Detector
Detector_config: {"pixel1": 0.0002, "pixel2": 0.0001, "max_shape": null}
Distance: 0.2
Poni1: 0.03
Poni2: 0.04
Rot1: 0.1
Rot2: 0.2
Rot3: 0.3
Wavelength: 4.066e-11
"""


def counts(value=7):
    return np.full(SHAPE, value, np.uint16)


@pytest.fixture
def image(tmp_path):
    text = "wavelength: 0.4000 angstrom; pixel: 150 um; nominal distance: 500 mm"
    return tiff(tmp_path / "a_1.tif", counts(), text)


@pytest.fixture
def poni(tmp_path):
    path = tmp_path / "a.poni"
    path.write_text(PONI)
    return str(path)


def test_binned_pixels_are_the_mean_of_their_valid_ones(image):
    whole = setup.read_setup(image, KNOWN)
    rows, columns = whole.counts.shape
    pixels = np.arange(rows * columns, dtype=float).reshape(rows, columns)
    valid = np.ones((rows, columns), bool)
    valid[0, 0] = False
    valid[0:2, 2:4] = [[False, False], [False, True]]
    found = replace(whole, counts=np.where(valid, pixels, 0.0), valid=valid).bin(2)
    assert found.counts.shape == (rows // 2, columns // 2)
    assert found.counts[0, 0] == pytest.approx(np.mean([1, columns, columns + 1]))
    assert found.valid[0, 0] and not found.valid[0, 1] and found.counts[0, 1] == 0
    assert (found.pixel1, found.pixel2) == (2 * whole.pixel1, 2 * whole.pixel2)
    assert whole.bin(1) is whole


def test_options_come_first(image):
    found = setup.read_setup(image, KNOWN)
    assert found.wavelength == 0.2411 and found.distance == pytest.approx(0.31)
    assert found.wavelength_stderr == pytest.approx(1e-4 / np.sqrt(12))
    assert found.pixel1 == found.pixel2 == pytest.approx(2e-4)
    assert found.wavelength_source == "config; the header states 0.4 (+659063 ppm)"
    assert found.poni is None and not found.synthetic and found.faults == []


def test_a_poni_comes_before_the_header(image, poni):
    found = setup.read_setup(image, Geometry(poni=poni))
    assert found.wavelength == pytest.approx(0.4066, rel=1e-12)
    assert found.wavelength_source.startswith("the .poni file; the header states 0.4 (-16232 ppm)")
    assert found.distance == pytest.approx(0.2 / (np.cos(0.1) * np.cos(0.2)), rel=1e-12)
    assert (found.pixel1, found.pixel2) == (2e-4, 1e-4)


def test_the_header_comes_last(image):
    found = setup.read_setup(image, Geometry())
    assert found.wavelength == 0.4 and found.wavelength_source == "the header"
    assert found.wavelength_stderr == pytest.approx(1e-4 / np.sqrt(12))
    assert found.distance == pytest.approx(0.5) and found.pixel1 == pytest.approx(1.5e-4)


def test_a_stated_error_of_the_wavelength_counts(image):
    found = setup.read_setup(image, Geometry(wavelength_stderr=3e-5))
    assert found.wavelength_stderr == 3e-5


@pytest.mark.parametrize(("ppm", "told"), [(9.0, False), (11.0, True), (-11.0, True)])
def test_wavelengths_that_differ_by_more_than_ten_ppm_are_reported(tmp_path, ppm, told):
    text = f"wavelength: {0.2411 * (1 + 1e-6 * ppm):.9f} angstrom"
    found = setup.read_setup(tiff(tmp_path / "a.tif", counts(), text), KNOWN)
    assert ("the header states" in found.wavelength_source) is told


@pytest.mark.parametrize("wavelength", [0.01, 5.0])
def test_no_x_rays(image, wavelength):
    with pytest.raises(BadInput, match="not that of X-rays"):
        setup.read_setup(image, Geometry(wavelength=wavelength))


@pytest.mark.parametrize("wavelength", [0.011, 4.9])
def test_x_rays(image, wavelength):
    assert setup.read_setup(image, Geometry(wavelength=wavelength)).wavelength == wavelength


@pytest.mark.parametrize(
    ("options", "missing"),
    [
        (Geometry(distance=310.0, pixel_size=200.0), "no wavelength is stated"),
        (Geometry(wavelength=0.24, pixel_size=200.0), "no rough distance"),
        (Geometry(wavelength=0.24, distance=310.0), "no pixel size"),
    ],
)
def test_what_is_stated_nowhere_is_asked_for(tmp_path, options, missing):
    with pytest.raises(BadInput, match=missing):
        setup.read_setup(tiff(tmp_path / "a.tif", counts()), options)


def test_the_mean_of_the_frames_that_can_be_used(tmp_path):
    tiff(tmp_path / "a_1.tif", counts(4))
    tiff(tmp_path / "a_2.tif", np.ones((3, 3), np.uint16))
    tiff(tmp_path / "a_3.tif", counts(0))
    spoilt = counts(8)
    spoilt[1, 2] = 65535
    tiff(tmp_path / "a_4.tif", spoilt)
    (tmp_path / "a_5.tif").touch()
    found = setup.read_setup(tmp_path, KNOWN)
    assert found.valid.sum() == 29 and not found.valid[1, 2]
    assert np.all(found.counts[found.valid] == 6.0) and found.counts[1, 2] == 0.0
    assert [fault.problem for fault in found.faults] == [
        "has (3, 3) pixels and not (6, 5)",
        "holds no counts",
        "the file is empty",
    ]


def test_pixels_at_the_header_cut_off_are_not_valid(tmp_path):
    spoilt = counts(8)
    spoilt[0, 0], spoilt[0, 1] = 100, 99
    path = tiff(tmp_path / "a.tif", spoilt, "count_cutoff: 100")
    found = setup.read_setup(path, KNOWN)
    assert not found.valid[0, 0] and found.valid.sum() == 29


def test_no_frame_at_all(tmp_path):
    path = tiff(tmp_path / "a.tif", counts(0))
    with pytest.raises(BadInput, match="holds no counts"):
        setup.read_setup(path, KNOWN)


def test_a_mask_excludes_what_is_not_zero(image, tmp_path):
    mask = counts(0)
    mask[2, 3], mask[4, 4] = 1, 200
    path = tiff(tmp_path / "mask.tif", mask)
    options = Geometry(wavelength=0.24, mask=str(path))
    found = setup.read_setup(image, options)
    assert np.argwhere(~found.valid).tolist() == [[2, 3], [4, 4]]
    assert np.array_equal(setup.read_mask(path, SHAPE), mask > 0)


def test_a_poni_is_read_in_metres_radians_and_angstrom(poni):
    plane, wavelength = setup.read_poni(setup.Path(poni))
    assert plane == geo.Plane(
        distance=0.2,
        poni1=0.03,
        poni2=0.04,
        rot1=0.1,
        rot2=0.2,
        rot3=0.3,
        pixel1=2e-4,
        pixel2=1e-4,
    )
    assert wavelength == pytest.approx(0.4066, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (PONI.replace("Distance: 0.2", "Distance: 0.0"), "lacks a distance"),
        (PONI.replace("Distance: 0.2", "Distance: -0.2"), "lacks a distance"),
        (PONI.replace("Poni1: 0.03", "Poni1: nan"), "lacks a distance"),
        ("not a geometry", "poni"),
    ],
)
def test_damaged_ponis_are_refused(tmp_path, text, problem):
    path = tmp_path / "b.poni"
    path.write_text(text)
    with pytest.raises(BadInput, match=problem):
        setup.read_poni(path)
    with pytest.raises(BadInput, match="does not exist"):
        setup.read_poni(tmp_path / "nowhere.poni")


def test_a_poni_without_wavelength(tmp_path):
    path = tmp_path / "b.poni"
    path.write_text(PONI.partition("Wavelength")[0])
    assert setup.read_poni(path)[1] is None


def test_a_poni_file_that_is_cut_is_refused(tmp_path):
    lines = [
        "poni_version: 2",
        "Detector: Detector",
        'Detector_config: {"pixel1": 1e-4, "pixel2": 1e-4}',
    ]
    lines += [
        "Distance: 0.2",
        "Poni1: 0.01",
        "Poni2: 0.02",
        "Rot1: 0.02",
        "Rot2: -0.01",
        "Rot3: 0.03",
    ]
    path, whole = tmp_path / "a.poni", "\n".join([*lines, "Wavelength: 2.413e-11", ""])
    path.write_text(whole)
    assert setup.read_poni(path)[1] == pytest.approx(0.2413)
    for text, said in (
        ("\n".join(lines[:-1]) + "\n", "states no rot3"),
        ("\n".join(lines)[:-1], "'rot3'. has no end"),
        (whole[: whole.index("e-11") + 3], "states a wavelength of 0.2413 m"),
    ):
        path.write_text(text)
        with pytest.raises(BadInput, match=said):
            setup.read_poni(path)
