"""Names are given with care."""

import numpy as np
import pytest

from ssbchar.nmr.lineshape import assignment


def test_satellite_pair_of_the_reference_measurement_is_not_a_phase() -> None:
    names = assignment.assign_lines(
        [265.0, 69.4, 16.0, 3.0, -67.0], [0.1] * 5, [0.08, 0.05, 0.6, 0.22, 0.04]
    )
    assert names[0] == "Li metal"
    assert names[1] == names[4] == "possible satellite pair about 1 ppm"
    assert "bonded Si" in names[2]


def test_lonely_line_outside_the_known_range_stays_unassigned() -> None:
    assert assignment.assign_lines([-67.0], [0.1], [0.04])[0] == "unassigned"


@pytest.mark.parametrize("areas", [(0.3, 0.01), (0.5, 0.5)])
def test_unlike_or_dominant_lines_are_no_pair(areas: tuple[float, float]) -> None:
    names = assignment.assign_lines([69.4, -67.0, 10.0], [0.1] * 3, [*areas, 0.1])
    assert names[0] == names[1] == "unassigned"


def test_coupling_of_the_horns() -> None:
    assert assignment.coupling_from_horns((69.4 + 67) / 2, 311.1) == pytest.approx(85e3, rel=0.01)


def test_mirror_image_of_a_strong_line_about_the_carrier_is_doubted() -> None:
    names = assignment.assign_lines([264.5, -63.2], [0.1, 0.3], [1.0, 0.002], carrier=100.6)
    assert list(names) == ["Li metal", "possible quadrature image of 264 ppm"]
    assert (
        assignment.assign_lines([264.5, -63.2], [0.1, 0.3], [1.0, 0.2], carrier=100.6)[1]
        == "unassigned"
    )
    assert (
        assignment.assign_lines([264.5, -43.2], [0.1, 0.3], [1.0, 0.002], carrier=100.6)[1]
        == "unassigned"
    )


def test_salts_are_named_by_probability_with_the_lines_own_error() -> None:
    """At the edge of the range one half; with an error of hypot(1.2, 0.5) = 1.3 one sigma inside
    84 %."""
    found = assignment.salt_probabilities([0.0, 3.0, 1.7, 4.3], [0.0, 0.0, 1.2, 1.2], [1.0] * 4)
    assert found == pytest.approx([1.0, 0.5, 0.8413, 0.1587], abs=2e-4)


def test_what_is_unassigned_is_no_salt() -> None:
    """Overlithiated silicides lie at -10 ppm, Li-Si in broad spectra up to 40."""
    found = assignment.salt_probabilities([-10.0, 30.0, 18.0, 6.0], [0.3] * 4, [1.0] * 4)
    assert found == pytest.approx(np.zeros(4), abs=1e-6)


def test_noise_does_not_flip_what_a_line_may_be() -> None:
    below, above = (
        assignment.salt_probabilities([shift], [0.05], [1.0])[0] for shift in (2.99, 3.01)
    )
    assert below == pytest.approx(above, abs=0.02)


def test_satellites_go_by_their_centre_and_an_image_is_no_li() -> None:
    lines = ([265.0, 16.0, 69.4, -67.0], [0.1] * 4, [0.08, 0.84, 0.04, 0.04])
    assert assignment.salt_probabilities(*lines)[2:] == pytest.approx([1.0, 1.0], abs=1e-3)
    image = assignment.salt_probabilities([264.5, -63.2], [0.1, 0.3], [1.0, 0.002], carrier=100.6)
    assert image[1] == 1.0


def test_a_broad_line_is_less_sure_of_its_place() -> None:
    """One fiftieth of 100 ppm is 2 ppm: 3 ppm is at the edge, whatever the width."""
    found = assignment.salt_probabilities(
        [3.0, 6.0, 6.0], [0.0] * 3, [1.0] * 3, width=[100.0, 0.0, 100.0]
    )
    assert found == pytest.approx([0.498, 0.0, 0.0728], abs=1e-3)


BESIDE = ([265.0, 16.0, -48.0], [0.1, 0.1, 0.4], [0.1, 0.8, 0.05])
"""A metal, a Li-Si line, and what may be the other satellite of a line at 50 ppm."""


def probability(shift=50.0, stderr=0.4, area=0.05, width=20.0, beside=BESIDE) -> float:
    lines = ([shift, *beside[0]], [stderr, *beside[1]], [area, *beside[2]])
    widths = [width, 20.0, 20.0, 20.0]
    return float(assignment.salt_probabilities(*lines, 100.0, width=widths)[0])


@pytest.mark.parametrize(
    ("name", "low", "high", "steepest"),
    [
        # A place known to half a ppm: at most 0.8 per ppm; pairs and images go by ramps of 1 ppm.
        ("shift", -80.0, 80.0, 1.7),
        ("stderr", 0.0, 10.0, 2.6),
        ("width", 0.0, 300.0, 0.1),
    ],
)
def test_probabilities_are_continuous(name: str, low: float, high: float, steepest: float) -> None:
    grid = np.linspace(low, high, 801)
    for other in ({}, {"shift": 2.99}, {"shift": 3.5, "area": 0.8}):
        found = [probability(**{**other, name: value}) for value in grid]
        assert np.abs(np.diff(found)).max() <= steepest * (grid[1] - grid[0])
        assert 0.0 <= min(found) <= max(found) <= 1.0


def test_noise_of_an_area_flips_no_pair_and_no_image() -> None:
    sizes = np.geomspace(1e-4, 10.0, 801)
    step = np.log(sizes[1] / sizes[0])
    for shift in (50.0, -65.0):
        found = np.array([probability(shift=shift, area=size) for size in sizes])
        assert np.abs(np.diff(found)).max() <= 2.6 * step
        # From an image or a pair to neither, one step at a time.
        assert found.max() > 0.9 and found.min() < 0.1


def pair(first: float, second: float, *areas: float, stderr: float = 0.0) -> str:
    """The name of the first of two weak lines beside a strong one of Li metal and one of Li-Si."""
    sizes = areas or (1.0, 1.0)
    names = assignment.assign_lines([first, second, 260.0, 18.0], [stderr] * 4, [*sizes, 9.0, 9.0])
    return str(names[0])


@pytest.mark.parametrize(
    ("first", "second", "centre"),
    [
        (35.0, -55.0, "about -10 ppm"),
        (35.0, -55.2, None),
        (60.0, -30.0, "about 15 ppm"),
        (60.2, -30.0, None),
        (26.0, -26.0, "about 0 ppm"),
        (199.0, -199.0, "about 0 ppm"),
        (201.0, -199.0, None),
    ],
)
def test_satellites_lie_about_a_centre_near_zero(first, second, centre) -> None:
    name = pair(first, second)
    assert (name == f"possible satellite pair {centre}") == (centre is not None)


def test_satellites_are_apart_beyond_their_errors() -> None:
    assert pair(-25.0, 31.0, stderr=1.9).startswith("possible satellite")
    assert pair(-25.0, 31.0, stderr=2.1) == "unassigned"
    assert pair(-17.0, 27.0).startswith("possible satellite")
    assert pair(-14.0, 26.0) == "Li-Si, overlithiated, possible"


def test_satellites_are_alike_and_weak() -> None:
    assert pair(40.0, -40.0, 1.0, 2.9).startswith("possible satellite")
    assert pair(40.0, -40.0, 1.0, 3.0) == "Li-Si, Li near bonded Si, possible"
    assert pair(40.0, -40.0, 4.4, 4.4).startswith("possible satellite")
    assert pair(40.0, -40.0, 9.0, 9.0) == "Li-Si, Li near bonded Si, possible"
    assert pair(40.0, -40.0, 0.0, 1.0) == "Li-Si, Li near bonded Si, possible"


@pytest.mark.parametrize(
    ("shift", "name"),
    [
        (240.0, "Li metal"),
        (280.0, "Li metal"),
        (281.0, "unassigned"),
        (25.0, "Li-Si, Li near bonded Si"),
        (12.0, "Li-Si, Li near bonded Si"),
        (11.9, "Li-Si, Li near isolated Si"),
        (3.0, "Li-Si, Li near isolated Si"),
        (2.9, "diamagnetic Li possible"),
        (-3.0, "diamagnetic Li possible"),
        (-3.1, "Li-Si, overlithiated, possible"),
        (-15.0, "Li-Si, overlithiated, possible"),
        (-15.1, "unassigned"),
        (25.1, "Li-Si, Li near bonded Si, possible"),
        (40.0, "Li-Si, Li near bonded Si, possible"),
        (40.1, "unassigned"),
    ],
)
def test_kinds_have_ranges_of_shift(shift: float, name: str) -> None:
    assert assignment.assign_lines([shift], [0.1], [1.0]).tolist() == [name]


@pytest.mark.parametrize(
    ("shift", "area", "stderr", "image"),
    [
        (-40.0, 0.02, 0.0, True),
        (-40.0, 0.021, 0.0, False),
        (-41.9, 0.01, 0.0, True),
        (-42.1, 0.01, 0.0, False),
        (-42.9, 0.01, 1.0, True),
        (-43.1, 0.01, 1.0, False),
        (-40.0, 0.0, 0.0, False),
    ],
)
def test_images_are_weak_and_opposite(shift, area, stderr, image: bool) -> None:
    """The carrier is at 100 ppm, the strong line at 240."""
    names = assignment.assign_lines([shift, 240.0], [stderr, 0.0], [area, 1.0], carrier=100.0)
    assert (names[0] == "possible quadrature image of 240 ppm") == image


@pytest.mark.parametrize(("shift", "stderr"), [(-42.0, 0.0), (-46.0, 2.0)])
def test_an_image_is_nearer_than_its_tolerance(shift: float, stderr: float) -> None:
    """Two ppm, or three standard errors, off its place: exactly that is too far."""
    names = assignment.assign_lines([shift, 240.0], [stderr, 0.0], [0.01, 1.0], carrier=100.0)
    assert names[0] == "unassigned"
