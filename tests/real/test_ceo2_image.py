"""The CeO2 calibrant image of a Pilatus 1M: known geometry, a .poni to verify, a shifted one to
refuse."""

import numpy as np
import pytest

from ssbchar.errors import BadInput
from ssbchar.hexrd.calibration.calibrate import calibrate_detector
from ssbchar.hexrd.calibration.options import Geometry
from ssbchar.hexrd.images.integrate import integrate_images
from ssbchar.hexrd.images.options import Integration

CERTIFICATE = 5.411651
"""Cell behind pyFAI's CeO2 table (SRM 674b) [angstrom]."""


@pytest.fixture(scope="module")
def folder(real_data):
    return real_data / "hexrd" / "ceo2_pilatus1m"


@pytest.fixture(scope="module")
def free(folder):
    return calibrate_detector(
        folder / "CeO2_Pilatus1M.tif", Geometry(wavelength=0.4066, distance=220.0)
    )


@pytest.fixture(scope="module")
def verified(folder):
    options = Geometry(wavelength=0.4066, poni=str(folder / "CeO2_Pilatus1M.poni"))
    return calibrate_detector(folder / "CeO2_Pilatus1M.tif", options)


def test_distance_and_centre_from_the_image_alone(free):
    assert float(free["direct_distance"]) * 1e3 == pytest.approx(208.689, rel=1e-3)
    assert float(free["beam_column"]) == pytest.approx(487.26, abs=0.5)
    assert 1043 - float(free["beam_row"]) == pytest.approx(512.55, abs=0.5)
    for name in ("direct_distance", "beam_row", "beam_column"):
        assert 0 < float(free[f"{name}_stderr"]) < 0.05
        assert float(free[f"{name}_systematic"]) > 0


def test_left_out_rings_are_predicted(free):
    assert free.sizes["ring"] >= 12
    followed = free["ring_sectors"].values > 3
    assert np.nanmax(np.abs(free["ring_held_out"].values[followed])) < 60
    assert np.nanmax(np.abs(free["ring_held_out"])) < 200, "the outermost one in a corner"


def test_its_ten_panels_are_off_their_places(folder, free):
    """By fractions of a pixel: in their places the rings are three times as far off."""
    options = Geometry(wavelength=0.4066, distance=220.0, panels=False)
    even = calibrate_detector(folder / "CeO2_Pilatus1M.tif", options)
    assert np.nanmax(np.abs(even["ring_held_out"])) < 150
    assert free["panel_shift"].shape == (10, 2) and "panel_shift" not in even
    assert 0.1 < np.sqrt(np.mean(free["panel_shift"] ** 2)) < 0.4
    assert float(free["ring_scatter"]) < 0.5 * float(even["ring_scatter"])
    rms = [np.sqrt(np.nanmean(ds["ring_held_out"].values[:-1] ** 2)) for ds in (free, even)]
    assert rms[0] < 0.5 * rms[1]
    # the distance that another program found [mm]
    off = [abs(1e3 * float(ds["direct_distance"]) - 208.689) for ds in (free, even)]
    assert off[0] < 0.006 < off[1]


@pytest.mark.parametrize("rough", [190.0, 240.0])
def test_a_rough_distance_is_enough(folder, free, rough):
    other = calibrate_detector(
        folder / "CeO2_Pilatus1M.tif", Geometry(wavelength=0.4066, distance=rough)
    )
    assert float(other["direct_distance"]) == pytest.approx(
        float(free["direct_distance"]), rel=2e-5
    )


def test_the_poni_matches_in_one_orientation(verified):
    assert verified.attrs["orientation"] == "flipped up-down"
    doubling = verified["orientation_doubling"].values
    assert doubling[1] < 0.6 and np.all(np.delete(doubling, 1) > 5)


def test_cell_with_the_given_poni(verified):
    offset = float(verified["orientation_cell_offset"][1])
    stderr = float(verified["orientation_cell_offset_stderr"][1])
    assert CERTIFICATE * (1 + 1e-6 * offset) == pytest.approx(5.4109, abs=5e-4)
    assert stderr < 92


def test_the_shifted_poni_is_refused_with_the_reason(folder):
    options = Geometry(wavelength=0.4066, poni=str(folder / "CeO2_Pilatus1M_2.poni"))
    with pytest.raises(
        BadInput, match=r"suits none of the eight orientations.*its beam is at row 1093\.9"
    ):
        calibrate_detector(folder / "CeO2_Pilatus1M.tif", options)


def test_a_wavelength_off_by_one_percent_is_seen(folder, free):
    assert free.attrs["wavelength_check"].startswith("agrees")
    with pytest.raises(
        BadInput, match=r"0.410666 angstrom.*differs: the rings' curvature asks for -10\d\d\d\("
    ):
        calibrate_detector(
            folder / "CeO2_Pilatus1M.tif", Geometry(wavelength=0.4066 * 1.01, distance=211.0)
        )


def test_the_wrong_calibrant_is_refused(folder):
    for name in ("LaB6", "Si"):
        with pytest.raises(BadInput, match=name):
            calibrate_detector(
                folder / "CeO2_Pilatus1M.tif", Geometry(wavelength=0.4066, calibrant=name)
            )


def test_pattern_against_the_one_integrated_elsewhere(folder, verified):
    x, y = np.loadtxt(folder / "CeO2_Pilatus1M.xy").T
    step = x[1] - x[0]
    options = Integration(
        points=x.size,
        two_theta=(x[0] - step / 2, x[-1] + step / 2),
        polarisation=None,
        hot_pixel_sigma=0,
    )
    ours = integrate_images(folder / "CeO2_Pilatus1M.tif", verified, options)
    theirs, mean = y, np.interp(x, ours["two_theta"], ours["intensity"][0])
    inner = (x > 3) & (x < 25)
    assert np.corrcoef(mean[inner], theirs[inner])[0, 1] > 0.995  # theirs counts the gaps as zero
    for ring in verified["ring_two_theta"].values[:9]:
        k = int(np.argmin(np.abs(x - ring)))
        near = slice(k - 6, k + 7)
        places = [np.average(x[near], weights=p[near] - p[near].min()) for p in (theirs, mean)]
        assert places[1] == pytest.approx(places[0], abs=0.1 * step)
