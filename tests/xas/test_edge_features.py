"""Half step, inflection and white line of curves whose features are known."""

import numpy as np
import pytest

from ssbchar.xas import edge_features

E0 = 7112.0
GRID = E0 + np.arange(-60.0, 60.0, 0.25) + 0.1


def arctangent(energy: np.ndarray, at: float = E0, width: float = 2.5) -> np.ndarray:
    return 0.5 + np.arctan(2 * (energy - at) / width) / np.pi


def test_a_local_fit_gives_a_polynomial_back() -> None:
    """Value, slope and half the bend of 1 + 2 x - 3 x^2 about the centre."""
    x = GRID - 7110.0
    fit = edge_features.fit_locally(GRID, 7110.0, 1.0)
    y = 1 + 2 * x - 3 * x**2
    assert fit.matrix @ y[fit.points] == pytest.approx([1, 2, -3, 0], abs=1e-9)
    assert fit.matrix.shape == (4, fit.points.size)


def test_a_local_fit_reaches_three_widths_with_gaussian_weights() -> None:
    fit = edge_features.fit_locally(GRID, 7110.0, 1.0)
    distance = np.abs(GRID[fit.points] - 7110.0)
    assert distance.max() <= 3.0
    assert fit.points.size == (np.abs(GRID - 7110.0) <= 3.0).sum()
    assert fit.root_weights == pytest.approx(np.exp(-0.25 * distance**2))


def test_a_local_fit_on_a_coarse_grid_takes_the_points_it_needs() -> None:
    """Seven points for a cubic, weights as wide as half the fifth nearest distance."""
    coarse = np.arange(0.0, 100.0, 5.0)
    fit = edge_features.fit_locally(coarse, 50.0, 1.0)
    assert sorted(coarse[fit.points]) == [35, 40, 45, 50, 55, 60, 65]
    x = coarse[fit.points] - 50.0
    assert fit.root_weights == pytest.approx(np.exp(-0.25 * (x / 5.0) ** 2))
    assert edge_features.fit_locally(coarse, 50.0, 1.0, 5).points.size == 9


@pytest.mark.parametrize("shift", [0.0, 0.07, 0.13, 0.21])
def test_half_steps_of_arctangents_lie_below_the_grid(shift: float) -> None:
    norm = np.stack([arctangent(GRID, E0 + shift), 2 * arctangent(GRID, E0 + shift)])
    found = edge_features.find_half_step(GRID, norm)
    assert found.energy[0] == pytest.approx(E0 + shift, abs=2e-4)
    assert found.slope[0] == pytest.approx(2 / (np.pi * 2.5), rel=0.02)
    # Of twice the edge the half step is a quarter: tan(-pi/4) = -1.
    assert found.energy[1] == pytest.approx(E0 + shift - 1.25, abs=2e-3)


def test_the_rows_of_a_half_step_give_its_value() -> None:
    norm = arctangent(GRID)[None]
    found = edge_features.find_half_step(GRID, norm)
    assert (found.rows * norm).sum() == pytest.approx(0.5, abs=1e-5)
    assert found.rows.sum() == pytest.approx(1.0)


def test_another_level() -> None:
    found = edge_features.find_half_step(GRID, arctangent(GRID)[None], level=0.75)
    assert found.energy[0] == pytest.approx(E0 + 1.25, abs=2e-3)


def test_a_spectrum_that_never_rises_has_no_half_step() -> None:
    found = edge_features.find_half_step(GRID, np.stack([0.4 + 0 * GRID, arctangent(GRID)]))
    assert np.isnan(found.energy[0]) and np.isnan(found.slope[0])
    assert not found.rows[0].any()
    assert found.energy[1] == pytest.approx(E0, abs=1e-3)


def test_the_last_rise_before_the_top_counts() -> None:
    """A pre-edge peak above one half is not the edge; an oscillation after the top is neither."""
    peak = 0.6 * np.exp(-0.5 * ((GRID - E0 + 20) / 1.0) ** 2)
    dip = 0.8 * np.exp(-0.5 * ((GRID - E0 - 30) / 1.0) ** 2)
    norm = (arctangent(GRID) + peak - dip)[None]
    assert edge_features.find_half_step(GRID, norm).energy[0] == pytest.approx(E0, abs=0.02)


def test_a_step_between_two_points_is_interpolated() -> None:
    """A jump has no polynomial; the line between its points is the crossing: rows 1/2 and 1/2."""
    energy = np.arange(0.0, 40.0)
    norm = np.where(energy < 20, 0.0, 1.0)[None]
    found = edge_features.find_half_step(energy, norm, width=1e-3)
    assert found.energy[0] == pytest.approx(19.5, abs=0.01)


@pytest.mark.parametrize("shift", [0.0, 0.07, 0.13, 0.21])
def test_inflections_of_arctangents_lie_below_the_grid(shift: float) -> None:
    mu = 2 * arctangent(GRID, E0 + shift)[None] + 0.3
    energy, stderr = edge_features.find_inflection(GRID, mu)
    assert energy[0] == pytest.approx(E0 + shift, abs=0.012)
    assert 0 <= stderr[0] < 0.05


def test_the_error_of_an_inflection_is_what_scatters() -> None:
    random = np.random.default_rng(0)
    mu = arctangent(GRID, width=6.0) + 3e-3 * random.standard_normal((400, GRID.size))
    energy, stderr = edge_features.find_inflection(GRID, mu)
    assert np.median(stderr) == pytest.approx(np.std(energy), rel=0.25)


def test_the_first_of_two_steps_is_taken_where_it_is_steep_enough() -> None:
    """Slopes 0.6 and 1 at 7100 and 7120: a metal's first inflection, or the steepest one."""
    mu = (0.6 * arctangent(GRID, E0 - 12, 3.0) + arctangent(GRID, E0 + 8, 3.0))[None]
    steepest = edge_features.find_inflection(GRID, mu)[0][0]
    assert steepest == pytest.approx(E0 + 8, abs=0.05)
    assert edge_features.find_inflection(GRID, mu, first=0.5)[0][0] == pytest.approx(
        E0 - 12, abs=0.05
    )
    assert edge_features.find_inflection(GRID, mu, first=0.7)[0][0] == pytest.approx(steepest)


def test_without_an_inflection_the_steepest_point_stands() -> None:
    mu = np.exp((GRID - GRID[-1]) / 5.0)[None]
    energy, stderr = edge_features.find_inflection(GRID, mu)
    assert energy[0] in GRID
    assert stderr[0] == 1.2


def test_a_triangle_averages() -> None:
    """Width 1 at a spacing of 0.25: two neighbours on each side, 1 2 3 2 1 over 9."""
    spike = np.zeros((1, GRID.size))
    spike[0, 100] = 9.0
    smooth = edge_features.smooth_spectra(GRID, spike, 1.0)
    assert smooth[0, 97:104] == pytest.approx([0, 1, 2, 3, 2, 1, 0])
    coarse = edge_features.smooth_spectra(
        np.arange(0.0, 4000.0, 10.0)[: GRID.size], spike[:, :400], 1.0
    )
    assert coarse[0, 99:102] == pytest.approx([2.25, 4.5, 2.25])


def test_coarse_steps_do_not_count_for_the_spacing() -> None:
    """Steps of 3 eV and more, however many, say nothing of the grid on the edge."""
    energy = np.concatenate([np.arange(0.0, 600.0, 3.0), 600.0 + np.arange(0.0, 20.0, 0.25)])
    spike = np.zeros((1, energy.size))
    spike[0, 240] = 9.0
    assert edge_features.smooth_spectra(energy, spike, 1.0)[0, 240] == pytest.approx(3.0)


@pytest.mark.parametrize("shift", [0.0, 0.06, 0.12])
def test_white_lines_are_found_below_the_grid(shift: float) -> None:
    line = 0.7 * np.exp(-0.5 * ((GRID - E0 - 6 - shift) / 2.2) ** 2)
    flat = np.stack([1 + line, 1 + 2 * line])
    found = edge_features.measure_white_line(GRID, flat, E0)
    assert found.height == pytest.approx([1.7, 2.4], abs=5e-4)
    assert found.energy == pytest.approx([E0 + 6 + shift] * 2, abs=2e-3)
    assert (found.rows * flat).sum(axis=1) == pytest.approx(found.height, abs=1e-4)


def test_white_lines_are_sought_from_5_ev_below_to_40_above() -> None:
    def height_of_peak_at(place: float, **more: float) -> float:
        peak = np.exp(-0.5 * ((GRID - E0 - place) / 1.5) ** 2)
        return float(edge_features.measure_white_line(GRID, peak[None], E0, **more).height[0])

    assert height_of_peak_at(-4.0) == pytest.approx(1, abs=0.01)
    assert height_of_peak_at(38.0) == pytest.approx(1, abs=0.01)
    assert height_of_peak_at(-12.0) < 0.1
    assert height_of_peak_at(48.0) < 0.1
    assert height_of_peak_at(38.0, reach=20.0) < 0.1


def test_without_a_maximum_the_highest_point_stands_for_it() -> None:
    rising = np.linspace(0, 1, GRID.size)[None]
    found = edge_features.measure_white_line(GRID, rising, E0)
    inside = np.flatnonzero((GRID > E0 - 5) & (GRID < E0 + 40))
    assert found.rows[0, inside[-1]] == 1.0
    assert found.height[0] == pytest.approx(rising[0, inside[-1]], abs=0.03)


def test_four_ev_at_either_end_are_not_the_steepest() -> None:
    """Slopes that grow towards an end, without an inflection: the last place before it stands."""
    rising = np.exp((GRID - GRID[-1]) / 5.0)
    falling_off = -np.exp(-(GRID - GRID[0]) / 5.0)
    energy, _ = edge_features.find_inflection(GRID, np.stack([rising, falling_off]))
    assert energy == pytest.approx([GRID[-1] - 4.0, GRID[0] + 4.0], abs=0.3)


def test_the_white_line_is_sought_strictly_inside_its_range() -> None:
    """Without a maximum the highest point stands: the first beyond 5 eV below E0, or the last
    before 40 eV above."""
    grid = np.arange(E0 - 20.0, E0 + 60.0, 0.5)
    falling = np.exp(-(grid - E0) / 20.0)[None]
    rising = np.exp((grid - E0) / 20.0)[None]
    found = edge_features.measure_white_line(grid, np.vstack([falling, rising]), E0)
    assert found.energy.tolist() == [E0 - 4.5, E0 + 39.5]


def test_a_half_step_on_a_point_of_the_grid_is_that_point() -> None:
    grid = E0 + np.arange(-60.0, 60.0, 0.25)
    found = edge_features.find_half_step(grid, arctangent(grid)[None])
    assert found.energy[0] == pytest.approx(E0, abs=1e-6)


def test_an_edge_has_risen_at_nine_tenths() -> None:
    """One that reaches 0.95 may fall and rise again; one that reaches 0.85 has not risen yet."""
    for top, place in ((0.95, E0 - 20.0), (0.85, E0 + 10.0)):
        first = top * (arctangent(GRID, E0 - 20.0, 0.5) - arctangent(GRID, E0 - 5.0, 0.5))
        norm = first + 1.3 * arctangent(GRID, E0 + 10.0, 0.5)
        found = edge_features.find_half_step(GRID, norm[None]).energy[0]
        assert found == pytest.approx(place, abs=1.0)


def test_a_spectrum_of_coarse_steps_counts_as_one_of_3_ev() -> None:
    """12 eV are four such steps: two neighbours on each side."""
    spike = np.zeros((1, 101))
    spike[0, 50] = 9.0
    smooth = edge_features.smooth_spectra(np.arange(0.0, 1010.0, 10.0), spike, 12.0)
    assert smooth[0, 47:54] == pytest.approx([0, 1, 2, 3, 2, 1, 0])


def test_the_error_of_an_inflection_by_propagation() -> None:
    """Residuals of given weights over their sum less four; d(-c / 3d) = -dc / 3d + c dd / 3d^2."""
    x = np.linspace(-2.0, 2.0, 9)
    root = np.exp(-0.25 * x**2)
    design = np.vander(x, 4, increasing=True)
    matrix = np.linalg.pinv(design * root[:, None]) * root
    fit = edge_features.LocalFit(points=np.arange(9), matrix=matrix, root_weights=root)
    y = 0.5 + x - 0.1 * x**2 - 0.2 * x**3 + 0.01 * (-1.0) ** np.arange(9)
    a = matrix @ y
    residual = root * (y - design @ a)
    sigma = np.sqrt(np.sum(residual**2) / max(np.sum(root**2) - 4, 1.0))
    covariance = matrix @ matrix.T
    c, d = a[2], a[3]
    gradient = np.array([-1 / (3 * d), c / (3 * d**2)])
    expected = sigma * np.sqrt(gradient @ covariance[2:, 2:] @ gradient)
    assert edge_features._propagate_to_inflection(fit, x, y, a) == pytest.approx(expected)
    heavy = edge_features.LocalFit(points=np.arange(9), matrix=matrix, root_weights=2 * root)
    more = np.sqrt(4 * np.sum(residual**2) / (4 * np.sum(root**2) - 4))
    assert edge_features._propagate_to_inflection(heavy, x, y, a) == pytest.approx(
        expected / sigma * more
    )


def test_a_spectrum_below_nine_tenths_has_no_half_step() -> None:
    norm = np.stack([0.89 * arctangent(GRID), 0.92 * arctangent(GRID)])
    found = edge_features.find_half_step(GRID, norm).energy
    assert np.isnan(found[0]) and np.isfinite(found[1])


def test_points_a_thousandth_apart_make_no_edge() -> None:
    """A continuous scan that rests at its end: noise over a meV is no slope."""
    energy = np.concatenate([GRID, GRID[-1] + 0.3 + 1e-3 * np.arange(200)])
    noise = 2e-3 * np.random.default_rng(5).standard_normal(energy.size)
    found, _ = edge_features.find_inflection(energy, (arctangent(energy) + noise)[None])
    assert found[0] == pytest.approx(E0, abs=0.1)


def test_where_the_fit_falls_the_line_between_two_points_stands() -> None:
    """A rise of 0.8 over 2 eV on a slope that falls: rows 3/8 and 5/8, slope 0.4."""
    energy = np.arange(0.0, 80.0, 2.0)
    norm = 40.0 - energy
    norm[19:21] = 0.0, 0.8
    found = edge_features.HalfSteps(
        energy=np.full(1, np.nan), slope=np.full(1, np.nan), rows=np.zeros((1, 40))
    )
    edge_features._refine_half_step(found, 0, 19, energy, norm, level=0.5, width=20.0)
    assert found.energy[0] == pytest.approx(38 + 2 * 0.625)
    assert found.slope[0] == pytest.approx(0.4)
    assert found.rows[0, 19:21] == pytest.approx([0.375, 0.625])


def test_an_inflection_that_is_none_leaves_the_steepest_place() -> None:
    """A kink that only steepens: the bend grows to the end."""
    mu = np.exp((GRID - E0) / 3.0)
    at, stderr = edge_features._refine_inflection(GRID, mu, E0, 1.2)
    assert (at, stderr) == (E0, 1.2)
