"""The detector from an image of a calibrant: geometry from an independent forward model, a .poni
verified."""

from dataclasses import replace

import numpy as np
import pytest
from hexrd.made_images import (
    TRUE,
    WAVELENGTH,
    calibrant_counts,
    radial_shift,
    tiff,
    write_spline,
)

from ssbchar.errors import BadInput
from ssbchar.hexrd.calibration.calibrate import calibrate_detector
from ssbchar.hexrd.calibration.options import Geometry
from ssbchar.hexrd.images import geometry as geo
from ssbchar.hexrd.images.integrate import integrate_images
from ssbchar.hexrd.images.options import Integration

SETUP = Geometry(wavelength=WAVELENGTH, distance=310.0, pixel_size=200.0)


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("calibrant")
    return calibrate_detector(tiff(folder / "ceo2.tif", calibrant_counts(0)), SETUP)


def test_geometry_of_a_tilted_detector(calibrated):
    for name, truth in (("direct_distance", 0.3), ("beam_column", 187.3), ("beam_row", 211.6)):
        error = np.hypot(
            float(calibrated[f"{name}_stderr"]), float(calibrated[f"{name}_systematic"])
        )
        assert abs(float(calibrated[name]) - truth) < 4 * error
    assert float(calibrated["direct_distance"]) == pytest.approx(0.3, rel=1e-4)
    assert float(calibrated["beam_row"]) == pytest.approx(211.6, abs=0.05)
    tilt = np.degrees(np.arccos(np.cos(calibrated["tilt1"]) * np.cos(calibrated["tilt2"])))
    assert float(tilt) == pytest.approx(1.2, abs=0.05)
    assert np.nanmax(np.abs(calibrated["ring_held_out"])) < 150


@pytest.mark.parametrize("width", [6.0, 12.0, 16.0])
def test_rings_of_any_width_in_pixels(tmp_path, width):
    """Small pixels far away, or a broad point spread: rings 6 to 16 pixels across."""
    fine = replace(TRUE, size=1100, pixel=0.05, distance=200.0, column=530.4, row=561.8)
    sigma = width * fine.pixel / fine.distance / np.sqrt(8 * np.log(2))
    counts = calibrant_counts(int(width), fine, width=sigma)
    options = Geometry(wavelength=WAVELENGTH, distance=205.0, pixel_size=50.0)
    found = calibrate_detector(tiff(tmp_path / "wide.tif", counts), options)
    for name, truth in (("direct_distance", 0.2), ("beam_column", 530.4), ("beam_row", 561.8)):
        error = np.hypot(float(found[f"{name}_stderr"]), float(found[f"{name}_systematic"]))
        assert abs(float(found[name]) - truth) < 4 * error
    assert float(found["beam_row"]) == pytest.approx(561.8, abs=0.15)
    assert float(found["direct_distance"]) == pytest.approx(0.2, rel=3e-4)
    assert float(found["pixel1"]) == pytest.approx(5e-5)
    # Silicon lacks two of the rings; where they are broad more of them lies near others.
    with pytest.raises(BadInput, match=r"no ring of Si|are not those of Si"):
        calibrate_detector(tmp_path / "wide.tif", replace(options, calibrant="Si"))


@pytest.mark.slow
def test_pulls_of_the_geometry(tmp_path):
    truth = {"direct_distance": 0.3, "beam_column": 187.3, "beam_row": 211.6}
    found = [
        calibrate_detector(tiff(tmp_path / "ceo2.tif", calibrant_counts(seed)), SETUP)
        for seed in range(40)
    ]
    for name, value in truth.items():
        errors = np.array([float(ds[name]) - value for ds in found])
        pulls = errors / np.array([float(ds[f"{name}_stderr"]) for ds in found])
        assert 0.7 < np.std(pulls) < 1.4
        if name == "direct_distance":
            assert abs(np.mean(errors)) < float(found[0][f"{name}_systematic"]), (
                "what does not average out is stated"
            )
        else:
            assert abs(np.mean(pulls)) < 0.6


def test_a_poni_is_found_in_the_orientation_it_was_made_for(tmp_path, calibrated):
    plane = [float(calibrated[name]) for name in geo.PLANE_PARAMETERS]
    lines = [
        "Detector: Detector",
        'Detector_config: {"pixel1": 0.0002, "pixel2": 0.0002, "max_shape": null}',
    ]
    names = ("Distance", "Poni1", "Poni2", "Rot1", "Rot2", "Rot3")
    lines += [f"{name}: {value!r}" for name, value in zip(names, plane, strict=False)]
    poni = tmp_path / "a.poni"
    poni.write_text(
        "poni_version: 2\n" + "\n".join(lines) + f"\nWavelength: {WAVELENGTH * 1e-10}\n"
    )
    for orientation in (2, 5):
        undo = {5: 6, 6: 5}.get(orientation, orientation)
        counts = np.ascontiguousarray(geo.orient_image(calibrant_counts(3), undo))
        ds = calibrate_detector(
            tiff(tmp_path / f"{orientation}.tif", counts), Geometry(poni=str(poni))
        )
        assert ds.attrs["orientation"] == geo.ORIENTATIONS[orientation]
        assert abs(float(ds["orientation_cell_offset"][orientation])) < 60


def write_poni(path, plane, detector_config):
    names = ("Distance", "Poni1", "Poni2", "Rot1", "Rot2", "Rot3")
    lines = ["poni_version: 2", "Detector: Detector", f"Detector_config: {detector_config}"]
    lines += [f"{name}: {value!r}" for name, value in zip(names, plane, strict=False)]
    path.write_text("\n".join([*lines, f"Wavelength: {WAVELENGTH * 1e-10}", ""]))
    return path


def test_the_pixels_of_a_poni_whose_detector_is_distorted(tmp_path):
    """pyFAI reads the spline of the detector with the .poni: to leave it out moves the rings."""
    spline = write_spline(tmp_path / "a.spline", most=4.0)
    config = f'{{"pixel1": 0.0002, "pixel2": 0.0002, "splineFile": "{spline}"}}'
    counts = calibrant_counts(0, shift=radial_shift(4.0))
    options = replace(SETUP, distortion=str(spline))
    free = calibrate_detector(tiff(tmp_path / "a.tif", counts), options)
    plane = [float(free[name]) for name in geo.PLANE_PARAMETERS]
    poni = write_poni(tmp_path / "a.poni", plane, config)
    found = calibrate_detector(tmp_path / "a.tif", Geometry(poni=str(poni)))
    assert found.attrs["distortion"] == "the detector of a.poni"
    assert found.attrs["orientation"] == "as stored"
    assert abs(float(found["orientation_cell_offset"][0])) < 60
    assert np.allclose(found["shift_down"], free["shift_down"], atol=1e-3)
    even = write_poni(tmp_path / "b.poni", plane, '{"pixel1": 0.0002, "pixel2": 0.0002}')
    with pytest.raises(BadInput):
        calibrate_detector(tmp_path / "a.tif", Geometry(poni=str(even)))
    # A radial distortion about the middle is the same in images that are flipped: the plane is not.
    flipped = np.ascontiguousarray(counts[::-1])
    with pytest.raises(BadInput, match="has uneven pixels, but it suits the image only flipped"):
        calibrate_detector(tiff(tmp_path / "c.tif", flipped), Geometry(poni=str(poni)))
    file = Geometry(poni=str(poni), distortion=str(spline))
    turned = calibrate_detector(tmp_path / "c.tif", file)
    assert turned.attrs["orientation"] == "flipped up-down"
    pattern = [
        integrate_images(tmp_path / name, ds, Integration())["intensity"].values[0]
        for name, ds in (("a.tif", found), ("c.tif", turned))
    ]
    assert np.corrcoef(*pattern)[0, 1] > 0.9999


def test_no_rings_no_wavelength_no_image(tmp_path):
    flat = np.random.default_rng(0).poisson(50, (300, 300)).astype(np.uint16)
    path = tiff(tmp_path / "flat.tif", flat)
    with pytest.raises(BadInput, match="no rings of CeO2"):
        calibrate_detector(path, SETUP)
    with pytest.raises(BadInput, match="no wavelength"):
        calibrate_detector(path, Geometry(distance=300.0, pixel_size=200.0))
    with pytest.raises(BadInput, match="no pixel size"):
        calibrate_detector(path, Geometry(wavelength=0.2, distance=300.0))
    with pytest.raises(BadInput, match="no calibrant of that name"):
        calibrate_detector(
            path, Geometry(wavelength=0.2, distance=300.0, pixel_size=200.0, calibrant="CeO3")
        )
    (tmp_path / "empty.tif").touch()
    with pytest.raises(BadInput, match="the file is empty"):
        calibrate_detector(tmp_path / "empty.tif", SETUP)
