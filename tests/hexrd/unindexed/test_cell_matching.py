"""Matching of cells: likelihoods and errors by hand, cells found again, evidence calibrated."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from ssbchar.crystal.cell import d_from_hkl
from ssbchar.hexrd.bragg import two_theta_from_d
from ssbchar.hexrd.unindexed import cell_matching
from ssbchar.hexrd.unindexed.cell_matching import CandidateLines, FoundLines, match_cell
from ssbchar.typing import Array

WAVELENGTH, BOUNDS = 0.1173, (1.0, 6.0)
HKL = np.array([[1, 1, 1], [2, 0, 0], [2, 2, 0], [3, 1, 1], [2, 2, 2], [4, 0, 0], [3, 3, 1]], float)


def candidate(system: str = "cubic", cell: tuple[float, ...] = (4.2, 4.2, 4.2, 90, 90, 90)):
    return CandidateLines(
        name="made",
        system=system,
        cell=np.array(cell, float),
        hkl=HKL,
        strength=np.array([10.0, 8.0, 6.0, 5.0, 4.0, 3.0, 2.0]),
    )


def found_at(position: list[float] | Array, error: float = 0.002) -> FoundLines:
    x = np.asarray(position, float)
    return FoundLines(
        position=x, stderr=np.full(x.size, error), wavelength=WAVELENGTH, bounds=BOUNDS
    )


def places(lines: CandidateLines, cell: Array | None = None) -> Array:
    return two_theta_from_d(d_from_hkl(lines.hkl, lines.cell if cell is None else cell), WAVELENGTH)


def test_density_by_hand() -> None:
    """0.85 v exp(-z^2 / 2) / (sqrt(2 pi) s): one error off and on the line."""
    own = cell_matching._density_from_places(
        np.array([[2.0, 3.0]]), found_at([2.002]), np.array([0.25, 0.75])
    )
    assert own[0, 0, 0] == pytest.approx(0.85 * 0.25 * np.exp(-0.5) / (2.5066283 * 0.002))
    assert own[0, 0, 1] == pytest.approx(0.0, abs=1e-30)


def test_likelihood_and_shares_by_hand() -> None:
    """Against a uniform background of 0.15 over 5 degree."""
    weight, found = np.array([0.25, 0.75]), found_at([2.002, 5.0])
    place = np.array([[2.0, 3.0]])
    own = 0.85 * 0.25 * np.exp(-0.5) / (2.5066283 * 0.002)
    likelihood = cell_matching._likelihood_from_places(place, found, weight)
    assert likelihood[0] == pytest.approx(np.log(own * 5 + 0.15) + np.log(0.15))
    share = cell_matching._assign_lines(place, found, weight)
    assert share[0, 0, 0] == pytest.approx(own / (own + 0.03))
    np.testing.assert_allclose(share[0, 1], 0.0, atol=1e-30)


def test_soft_shares_by_hand() -> None:
    """Lines of equal weight at z = 0 and 2; what is given up counts as exp(-4.5) of the mean."""
    off, share = cell_matching._share_softly(
        np.array([[2.0, 2.02]]), found_at([2.0], 0.01), np.array([0.5, 0.5])
    )
    np.testing.assert_allclose(off[0, 0], [0.0, -0.02], atol=1e-12)
    total = 0.5 + 0.5 * np.exp(-2) + 0.5 * np.exp(-4.5)
    np.testing.assert_allclose(share[0, 0], [0.5 / total, 0.5 * np.exp(-2) / total])


def test_a_step_by_hand() -> None:
    """One line, one parameter: load 1 / s^2 times its share, and a prior of unit width."""
    found, weight = found_at([2.05], 0.1), np.array([1.0])
    start, slope = np.array([2.0]), np.array([[0.2]])
    share = np.exp(-0.125) / (np.exp(-0.125) + np.exp(-4.5))
    load = share / 0.01
    expected = load * 0.05 * 0.2 / (load * 0.04 + 1)
    changes = np.array([[0.0]])
    step = cell_matching._step_cells(changes, start, slope, found, weight)
    assert step[0, 0] == pytest.approx(expected)
    # from where the line is met, only the prior pulls
    share = 1 / (1 + np.exp(-4.5))
    load = share / 0.01
    step = cell_matching._step_cells(np.array([[0.25]]), start, slope, found, weight)
    assert step[0, 0] == pytest.approx(load * 0.25 * 0.04 / (load * 0.04 + 1))
    far = found_at([2.5], 0.1)
    assert cell_matching._step_cells(np.array([[1.0]]), start, 3 * slope, far, weight) <= 1.0


@settings(deadline=None)
@given(st.integers(1, 6))
def test_shares_of_what_is_seen(count: int) -> None:
    """Chances exp(-t / I) sum to the number seen; shares of the kept ones sum to one."""
    lines = candidate()
    kept, share = lines.select_seen(count)
    assert share.sum() == pytest.approx(1.0)
    if not kept.all():
        return
    # ratios of chances tell t: ln(share_i / share_j) = t (1 / I_j - 1 / I_i)
    t = np.log(share[0] / share[1]) / (1 / 8.0 - 1 / 10.0)
    assert np.exp(-t / lines.strength).sum() == pytest.approx(count, rel=1e-6)


def test_lines_too_weak_to_be_seen_are_left_out() -> None:
    lines = replace(candidate(), strength=np.array([10.0, 10, 10, 10, 10, 10, 0.5]))
    kept, share = lines.select_seen(3)
    assert kept.tolist() == [True] * 6 + [False]
    np.testing.assert_allclose(share, 1 / 6)


def test_changes_of_the_cell_by_hand() -> None:
    lines = candidate("monoclinic", (5.0, 6.0, 7.0, 90.0, 95.0, 90.0))
    changed = cell_matching._change_cell(lines, np.array([0.01, 0.0, -0.01, 0.02]))
    np.testing.assert_allclose(
        changed, [5 * np.exp(0.01), 6, 7 * np.exp(-0.01), 90, 95 + np.degrees(0.02), 90]
    )
    rhombohedral = candidate("rhombohedral", (5.0, 5.0, 5.0, 60.0, 60.0, 60.0))
    changed = cell_matching._change_cell(rhombohedral, np.array([0.01, -0.02]))
    np.testing.assert_allclose(changed[:3], 5 * np.exp(0.01))
    np.testing.assert_allclose(changed[3:], 60 - np.degrees(0.02))


@pytest.mark.parametrize("system", list(cell_matching.FREE))
def test_systems_keep_their_symmetry(system: str) -> None:
    """Free parameters and those tied to them are all that change."""
    cell = np.array([5.0, 5.0, 5.0, 80.0, 80.0, 80.0])
    lines = candidate(system, tuple(cell))
    free = cell_matching.FREE[system]
    changed = cell_matching._change_cell(lines, np.full(len(free), 0.01)) != cell
    expected = {
        "cubic": [1, 1, 1, 0, 0, 0],
        "tetragonal": [1, 1, 1, 0, 0, 0],
        "hexagonal": [1, 1, 1, 0, 0, 0],
        "trigonal": [1, 1, 1, 0, 0, 0],
        "rhombohedral": [1, 1, 1, 1, 1, 1],
        "orthorhombic": [1, 1, 1, 0, 0, 0],
        "monoclinic": [1, 1, 1, 0, 1, 0],
        "triclinic": [1, 1, 1, 1, 1, 1],
    }
    np.testing.assert_array_equal(changed, np.array(expected[system], bool))
    if system in ("tetragonal", "hexagonal", "trigonal"):
        one = cell_matching._change_cell(lines, np.array([0.01, 0.0]))
        assert one[0] == one[1] != one[2]


def test_slopes_are_those_of_braggs_law() -> None:
    """d ln a = e moves every line of a cubic cell by -2 tan(theta) e."""
    lines = candidate()
    slope = cell_matching._differentiate_places(lines, WAVELENGTH)
    expected = -np.degrees(2 * np.tan(np.radians(places(lines)) / 2))
    np.testing.assert_allclose(slope[:, 0], expected, rtol=1e-6)


def test_errors_of_the_cell_by_hand() -> None:
    cell = np.array([5.0, 6.0, 7.0, 90.0, 95.0, 90.0])
    covariance = np.diag([1.0, 4.0, 9.0, 16.0])
    size = np.array([0.01, 0.01, 0.01, 0.005])
    found = cell_matching._cell_stderr_from_covariance("monoclinic", cell, covariance, size)
    np.testing.assert_allclose(found, [0.05, 0.12, 0.21, 0, np.degrees(0.02), 0])
    cubic = cell_matching._cell_stderr_from_covariance(
        "cubic", cell, np.array([[4.0]]), np.array([0.01])
    )
    np.testing.assert_allclose(cubic, [0.1, 0.1, 0.1, 0, 0, 0])


def test_occam_factor_by_hand() -> None:
    """A Gaussian of unit width in a range of 2: sqrt(2 pi) / 2; per parameter."""
    assert cell_matching._occam_factor(np.eye(1)) == pytest.approx(np.log(2.5066283 / 2))
    found = cell_matching._occam_factor(np.diag([0.01, 0.04]))
    assert found == pytest.approx(2 * np.log(2.5066283 / 2) + np.log(0.1) + np.log(0.2))


def test_starts_cover_the_strain_allowed() -> None:
    starts = cell_matching._draw_starts((0, 1, 2, 4))
    assert starts.shape == (240, 4) and np.all(np.abs(starts) <= 1)
    np.testing.assert_allclose(starts[:80, :3], np.linspace(-1, 1, 80)[:, None] * np.ones(3))
    assert not starts[:80, 3].any() and starts[80:, 3].std() > 0.4


@pytest.mark.parametrize("strain", [-0.012, 0.004, 0.013])
def test_a_cell_is_found_again(strain: float) -> None:
    lines = candidate()
    cell = lines.cell * np.array([1 + strain] * 3 + [1, 1, 1])
    x = places(lines, cell)[:5]
    one = match_cell(lines, found_at(np.append(x, 5.9)), 0.015)
    np.testing.assert_allclose(one.cell, cell, rtol=2e-4)
    assert one.explained.tolist() == [True] * 5 + [False]
    assert (one.found, one.name) == (5, "made")
    assert 5 <= one.expected <= 7 and one.misfit < 0.3 and one.evidence > 10


def test_reference_values_of_a_match() -> None:
    lines = candidate("orthorhombic", (4.2, 4.3, 4.5, 90, 90, 90))
    cell = lines.cell * np.array([1.006, 0.996, 1.003, 1, 1, 1])
    off = 0.002 * np.array([1.0, -0.5, 0.3, -1.2, 0.8, 0.1])
    one = match_cell(lines, found_at(places(lines, cell)[:6] + off), 0.015)
    np.testing.assert_allclose(
        [one.evidence, one.misfit, *one.cell[:3], *one.cell_stderr[:3]], REFERENCE, rtol=1e-6
    )


REFERENCE = [
    19.0676614,
    0.571767875,
    4.22593004,
    4.28073746,
    4.51014226,
    0.00104275551,
    0.00405651154,
    0.00653499736,
]


def test_a_cell_too_far_off_explains_nothing() -> None:
    lines = candidate()
    cell = lines.cell * np.array([1.04] * 3 + [1, 1, 1])
    one = match_cell(lines, found_at(places(lines, cell)[:5]), 0.015)
    assert one.evidence < 3 and one.explained.sum() < 3


def test_a_known_cell_is_weighed_without_a_fit() -> None:
    lines = candidate()
    place = places(lines)
    evidence, own = cell_matching.weigh_known_cell(lines, found_at(np.append(place[:3], 5.9)))
    assert own.tolist() == [True, True, True, False]
    peak = 0.85 / 7 / (2.5066283 * 0.002)
    assert evidence == pytest.approx(3 * np.log(peak * 5 + 0.15) + np.log(0.15), rel=1e-6)


def phase(structure: bool = True) -> xr.Dataset:
    d = np.array([5.0, 3.0, 2.0, 1.2, 0.9])
    factor = np.array([4.0, 2.0, 0.001, 3.0, 1.0]) if structure else np.full(5, np.nan)
    return xr.Dataset(
        {
            "d": ("reflection", d),
            "h": ("reflection", np.arange(5)),
            "k": ("reflection", np.ones(5, int)),
            "l": ("reflection", np.zeros(5, int)),
            "multiplicity": ("reflection", np.array([2, 4, 2, 8, 2])),
            "structure_factor_squared": ("reflection", factor),
        },
        attrs={"phase": "P", "crystal_system": "cubic", "cell": [5, 5, 5, 90, 90, 90]},
    )


def lorentz(d: Array) -> Array:
    theta = np.arcsin(WAVELENGTH / (2 * d))
    return 1 / (np.sin(theta) ** 2 * np.cos(theta))


def test_strengths_of_candidate_lines_by_hand() -> None:
    """|F|^2 x multiplicity x Lorentz factor inside the range, down to a thousandth."""
    lines = cell_matching.list_candidate_lines(phase(), WAVELENGTH, BOUNDS)
    assert lines is not None and (lines.name, lines.system) == ("P", "cubic")
    d = np.array([5.0, 3.0, 1.2])
    np.testing.assert_allclose(lines.strength, np.array([8.0, 8.0, 24.0]) * lorentz(d))
    np.testing.assert_array_equal(lines.hkl, [[0, 1, 0], [1, 1, 0], [3, 1, 0]])
    every = cell_matching.list_candidate_lines(phase(), WAVELENGTH, BOUNDS, 0.0)
    assert every is not None and len(every.hkl) == 4


def test_strengths_without_atoms_fall_with_angle() -> None:
    lines = cell_matching.list_candidate_lines(phase(False), WAVELENGTH, BOUNDS)
    assert lines is not None
    d = np.array([5.0, 3.0, 2.0, 1.2])
    expected = np.exp(-7.0 / (4 * d**2)) * np.array([2, 4, 2, 8]) * lorentz(d)
    np.testing.assert_allclose(lines.strength, expected)


def test_no_line_in_the_range() -> None:
    assert cell_matching.list_candidate_lines(phase(), WAVELENGTH, (50.0, 60.0)) is None


def test_changes_stay_within_what_is_allowed() -> None:
    """From the bound, a line one error (0.05) further out asks for 1.17."""
    found, weight = found_at([2.25], 0.05), np.array([1.0])
    step = cell_matching._step_cells(
        np.array([[1.0]]), np.array([2.0]), np.array([[0.2]]), found, weight
    )
    assert step[0, 0] == 1.0
    step = cell_matching._step_cells(
        np.array([[-1.0]]), np.array([2.5]), np.array([[0.2]]), found, weight
    )
    assert step[0, 0] == -1.0


def test_a_third_of_the_starts_keeps_angles() -> None:
    starts = cell_matching._draw_starts((0, 3))
    assert not starts[:80, 1].any() and starts[:80, 0].tolist() == np.linspace(-1, 1, 80).tolist()


@pytest.mark.parametrize(("z", "is_explained"), [(3.6, True), (3.7, False)])
def test_a_line_is_explained_if_that_is_likelier_than_background(
    z: float, is_explained: bool
) -> None:
    """0.85 / 7 exp(-z^2 / 2) / (2.507 x 0.002) = 0.03 at z = 3.66."""
    lines = candidate()
    _, own = cell_matching.weigh_known_cell(lines, found_at(places(lines)[:1] - z * 0.002))
    assert bool(own[0]) is is_explained


def test_reference_values_of_a_monoclinic_match() -> None:
    lines = candidate("monoclinic", (4.2, 4.3, 4.5, 90, 95.0, 90))
    cell = lines.cell + np.array([0.02, -0.01, 0.015, 0, 0.2, 0])
    one = match_cell(lines, found_at(places(lines, cell)[:6], 0.004), 0.015)
    values = [one.evidence, *one.cell[[0, 1, 2, 4]], *one.cell_stderr[[0, 1, 2, 4]]]
    np.testing.assert_allclose(values, MONOCLINIC_REFERENCE, rtol=1e-6)


MONOCLINIC_REFERENCE = [
    17.520681,
    4.21905103,
    4.29057585,
    4.50674711,
    95.112144,
    0.00318939346,
    0.0080722484,
    0.0246853005,
    0.247174651,
]
