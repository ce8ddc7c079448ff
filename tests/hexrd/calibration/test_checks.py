"""What a calibration refuses, each limit met from both sides."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hexrd.calibration.test_refine_geometry import ANGLES, BEAM, PIXEL, TRUE, points

from ssbchar.errors import BadInput
from ssbchar.hexrd.calibration import checks
from ssbchar.hexrd.calibration import refine_geometry as cal
from ssbchar.hexrd.calibration.checks import Agreement, Systematic, WavelengthCheck
from ssbchar.hexrd.calibration.options import Geometry
from ssbchar.hexrd.calibration.setup import Setup
from ssbchar.hexrd.images import geometry as geo

SHAPE = (400, 420)
SOURCE = Path("ceo2.tif")
SETUP = Setup(
    counts=np.full(SHAPE, 20.0),
    valid=np.ones(SHAPE, bool),
    wavelength=0.24,
    wavelength_stderr=2.4e-5,
    wavelength_source="config",
    distance=0.3,
    pixel1=PIXEL,
    pixel2=PIXEL,
    poni=None,
    synthetic=False,
    faults=[],
)
NONE = Systematic(beam=np.zeros(5), log_wavelength=0.0)


def refine(**about):
    made = points(**about)
    fit = cal.refine_beam(made, about.get("angles", ANGLES), TRUE)
    plane = cal.plane_from_beam(fit.beam, PIXEL, PIXEL)
    return cal.RefinedGeometry(plane=plane, fit=fit, points=made)


def check(ratio=1.0, stderr=1e-4, agreement=Agreement.AGREES):
    return WavelengthCheck(
        wavelength=0.24 * ratio,
        stderr=0.24 * stderr,
        ratio=ratio,
        ratio_stderr=stderr,
        agreement=agreement,
    )


def draw(angles, extra=()):
    """An image with rings of these angles."""
    row, column = np.indices(SHAPE) + 0.5
    two_theta, _ = geo.angles_from_pixels(TRUE, row, column)
    rate = np.full(SHAPE, 20.0)
    for angle in (*angles, *extra):
        rate += 200 * np.exp(-0.5 * ((two_theta - angle) / 1e-3) ** 2)
    return np.random.default_rng(0).poisson(rate).astype(float)


SMALL = np.radians([1.5, 2.2, 2.9, 3.5])
DRAWN = replace(SETUP, counts=draw(SMALL))


def check_rings(setup=DRAWN, angles=SMALL, known=SMALL, held_out=0.0):
    refined = refine(angles=angles)
    checks.check_rings(
        SOURCE,
        setup,
        refined,
        known,
        held_out=np.array([held_out, -held_out, np.nan, held_out]),
        wavelength=check(),
        calibrant="CeO2",
    )


def test_a_good_calibration_passes():
    check_rings()
    check_rings(held_out=400.0)


def test_three_rings_are_too_few():
    with pytest.raises(BadInput, match="only 3 rings of CeO2 can be followed, 4 are needed"):
        check_rings(angles=SMALL[:3])


def test_left_out_rings_that_are_far_off_are_refused():
    with pytest.raises(BadInput, match=r"left-out rings are 401 ppm off; agrees: the rings'"):
        check_rings(held_out=401.0)


def test_strong_rings_of_something_else_are_refused():
    other = replace(SETUP, counts=draw(SMALL, extra=np.radians([1.85, 2.55])))
    with pytest.raises(BadInput, match=r": \d\d % of the rings' intensity lies on no ring of CeO2"):
        check_rings(setup=other)


def test_systematic_error_of_the_distance_by_hand():
    """A ring of radius r that is larger by e gives a distance longer by L e / r; one per mille of
    the wavelength gives, near the beam, one per mille of the distance."""
    flat = BEAM * np.array([1, 1, 1, 0, 0])
    single = np.radians([4.0, 4.0001, 4.0002])
    refined = refine(beam=flat, angles=single)
    radius = 0.3 * np.tan(single[1]) / PIXEL
    exact = replace(SETUP, wavelength_stderr=0.0)
    found = checks.estimate_systematic(exact, refined, single)
    assert found.beam[0] == pytest.approx(0.3 * checks.RADIUS_ERROR / radius, rel=0.01)
    rough = replace(SETUP, wavelength_stderr=2.4e-4)
    both = checks.estimate_systematic(rough, refined, single)
    change = np.sqrt(both.beam[0] ** 2 - found.beam[0] ** 2)
    assert change == pytest.approx(0.3e-3, rel=0.02)
    assert both.log_wavelength == pytest.approx(found.log_wavelength, rel=1e-6)


def test_systematic_error_of_the_wavelength_is_positive_and_grows_with_the_radius_error(
    monkeypatch,
):
    refined = refine()
    one = checks.estimate_systematic(SETUP, refined, ANGLES).log_wavelength
    monkeypatch.setattr(checks, "RADIUS_ERROR", 2 * checks.RADIUS_ERROR)
    two = checks.estimate_systematic(SETUP, refined, ANGLES).log_wavelength
    assert one > 0 and two == pytest.approx(2 * one, rel=0.05)


WIDE = np.radians([10.0, 20.0, 30.0, 40.0, 50.0])


def stretched(ratio):
    return 2 * np.arcsin(ratio * np.sin(WIDE / 2))


def test_the_wavelength_of_the_rings_and_its_error():
    refined = refine(angles=WIDE, noise=1e-5)
    systematic = Systematic(beam=np.zeros(5), log_wavelength=2e-3)
    found = checks.check_wavelength(SETUP, refined, WIDE, systematic)
    assert found.wavelength == pytest.approx(0.24, rel=1e-4)
    assert found.wavelength == 0.24 * found.ratio
    assert found.ratio_stderr == pytest.approx(2e-3, rel=1e-3)
    assert found.stderr == 0.24 * found.ratio_stderr
    assert found.agreement is Agreement.AGREES


@pytest.mark.parametrize(
    ("log_wavelength", "ratio", "agreement"),
    [
        (1e-3, 1 + 2.9e-3, "agrees"),
        (1e-3, 1 + 3.2e-3, "differs"),
        (1e-3, 1 - 3.2e-3, "differs"),
        (2.99e-3, 1.0, "agrees"),
        (3.02e-3, 1.0, "not checked"),
        (3.02e-3, 1.02, "not checked"),
    ],
)
def test_three_standard_errors_decide_below_three_permille(log_wavelength, ratio, agreement):
    made = points(angles=stretched(ratio))
    fit = cal.refine_beam(made, WIDE, TRUE)
    refined = cal.RefinedGeometry(plane=TRUE, fit=fit, points=made)
    systematic = Systematic(beam=np.zeros(5), log_wavelength=log_wavelength)
    found = checks.check_wavelength(SETUP, refined, WIDE, systematic)
    assert found.ratio == pytest.approx(ratio, abs=1e-4)
    assert found.agreement == agreement


def test_the_check_in_words():
    assert check(1.0005, 2e-4).sentence == (
        "agrees: the rings' curvature asks for +500(200) ppm of the one given"
    )
    assert check(0.99, 4e-3, Agreement.NOT_CHECKED).sentence == (
        "not checked: the rings do not reach far enough; the rings' curvature asks for "
        "-10000(4000) ppm of the one given"
    )


def choose(setup, **options):
    return checks.choose_orientation(SOURCE, setup, refine(noise=1e-6), ANGLES, Geometry(**options))


def test_without_a_poni_the_refined_plane_is_used_as_stored():
    found = choose(SETUP)
    assert found.orientation == 0 and found.fits == []
    np.testing.assert_allclose(cal.beam_from_plane(found.plane), BEAM, rtol=1e-4, atol=1e-5)


def test_a_poni_is_used_in_the_orientation_that_fits():
    found = choose(replace(SETUP, poni=TRUE))
    assert found.plane is TRUE and found.orientation == 0 and len(found.fits) == 8
    turned = cal.plane_from_beam(
        BEAM * np.array([1, 1, 1, 1, -1]) + np.array([0, 400 - 2 * BEAM[1], 0, 0, 0]), PIXEL, PIXEL
    )
    other = choose(replace(SETUP, poni=turned))
    assert other.orientation == geo.Orientation.FLIPPED_UP_DOWN and other.plane is turned


def moved(**by):
    names = dict(zip(cal.BEAM_PARAMETERS, BEAM, strict=True))
    beam = np.array([names[n] * by.get(n, 1.0) + by.get(f"{n}_plus", 0.0) for n in names])
    return replace(SETUP, poni=cal.plane_from_beam(beam, PIXEL, PIXEL))


def test_rings_may_double_by_one_pixel():
    """A centre off by x pixels doubles rings by 2 x."""
    assert choose(moved(beam_row_plus=0.4)).orientation == 0
    with pytest.raises(BadInput, match=r"none of the eight orientations of ceo2.tif") as told:
        choose(moved(beam_row_plus=0.6), poni="a.poni")
    assert told.value.where == "a.poni"
    assert "at best (as stored) rings double by 1.2 pixels (calibrant's" in told.value.problem
    assert "its beam is at row 212.2, column 187.3" in told.value.problem
    assert told.value.problem.endswith("the rings' centre at 211.6, 187.3")


@pytest.mark.parametrize(
    ("doubling", "words"),
    [(99.9, "99.9 pixels (calibrant's cell +7 ppm)"), (100.0, "more than 100 pixels")],
)
def test_a_doubling_beyond_a_hundred_pixels_is_not_given_as_a_number(doubling, words):
    fit = cal.OrientationFit(
        orientation=geo.Orientation.FLIPPED_UP_DOWN,
        doubling=doubling,
        cell_offset=7.0,
        cell_offset_stderr=1.0,
    )
    told = checks._explain_mismatch(SOURCE, TRUE, refine(), fit, SHAPE)
    assert f"at best (flipped up-down) rings double by {words}; its beam" in told
    assert told.endswith("the rings' centre at 188.4, 187.3")


@pytest.mark.parametrize(("ppm", "accepted"), [(1900, True), (2100, False), (-2100, False)])
def test_the_cell_may_be_off_by_two_permille(ppm, accepted):
    given = moved(direct_distance=1 + 1.04e-6 * ppm)
    if accepted:
        assert choose(given, doubling_tolerance=5.0).orientation == 0
    else:
        with pytest.raises(BadInput, match=f"calibrant's cell [+-]{str(abs(ppm))[0]}"):
            choose(given, doubling_tolerance=5.0)


def test_the_radius_error_of_the_wavelength_does_not_depend_on_its_offset():
    made = points(angles=stretched(1.003))
    offset = cal.RefinedGeometry(plane=TRUE, fit=cal.refine_beam(made, WIDE, TRUE), points=made)
    exact = cal.RefinedGeometry(
        plane=TRUE, fit=cal.refine_beam(points(angles=WIDE), WIDE, TRUE), points=points(angles=WIDE)
    )
    one, two = (checks.estimate_systematic(SETUP, r, WIDE).log_wavelength for r in (exact, offset))
    assert two == pytest.approx(one, rel=0.2) and one < 1e-3


@pytest.mark.parametrize(
    ("share", "told"), [(0.95, None), (0.949, "5 % of the rings"), (0.2, ": 80 % of the rings")]
)
def test_rings_must_explain_95_percent(monkeypatch, share, told):
    monkeypatch.setattr(checks.rings, "measure_explained_share", lambda *a: share)
    if told is None:
        check_rings()
    else:
        with pytest.raises(BadInput, match=told):
            check_rings()


def test_rings_that_cannot_be_predicted_do_not_count():
    """The median of the offsets that are known: 100, 100, 500 ppm."""
    refined = refine(angles=SMALL)
    about = {"wavelength": check(), "calibrant": "CeO2"}
    held_out = np.array([np.nan, 100.0, -100.0, 500.0])
    checks.check_rings(SOURCE, DRAWN, refined, SMALL, held_out=held_out, **about)
    with pytest.raises(BadInput, match="left-out rings are 500 ppm off"):
        checks.check_rings(SOURCE, DRAWN, refined, SMALL, held_out=held_out[[0, 3]], **about)


@pytest.mark.parametrize(("doubling", "accepted"), [(1.0, True), (1.001, False)])
def test_rings_that_double_by_exactly_the_tolerance_are_accepted(monkeypatch, doubling, accepted):
    fit = cal.OrientationFit(
        orientation=geo.Orientation.TRANSPOSED,
        doubling=doubling,
        cell_offset=-1000.0,
        cell_offset_stderr=1.0,
    )
    worse = replace(fit, orientation=geo.Orientation.AS_STORED, doubling=2.0)
    monkeypatch.setattr(checks.refine_geometry, "compare_orientations", lambda *a: [worse, fit])
    how = {"doubling_tolerance": 1.0, "cell_tolerance": 1000.0}
    if accepted:
        assert choose(replace(SETUP, poni=TRUE), **how).orientation == geo.Orientation.TRANSPOSED
        with pytest.raises(BadInput):
            choose(replace(SETUP, poni=TRUE), **{**how, "cell_tolerance": 999.0})
    else:
        with pytest.raises(BadInput):
            choose(replace(SETUP, poni=TRUE), **how)
