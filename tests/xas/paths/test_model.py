"""The statistics of the fit, residual, chi-square, R factor and noise, by hand."""

import numpy as np
import pytest
import xarray as xr
from xas import made_paths
from xas.made_paths import TRUE, K

from ssbchar.xas.exafs import fourier
from ssbchar.xas.paths import exafs_equation
from ssbchar.xas.paths.exafs_equation import ShellParameters
from ssbchar.xas.paths.model import (
    PathFitProblem,
    Spectrum,
    Transform,
    estimate_noise_in_r,
    stack_parts,
)

TRANSFORM = Transform(kmin=3.0, kmax=12.0, kweight=2, dk=1.0, window="kaiser", rmin=1.0, rmax=3.0)
PLACES = np.array([[1, 3, 5], [2, 4, 6]])


def problem(made: xr.Dataset, chi: np.ndarray, offset: float = 0.0) -> PathFitProblem:
    shells = exafs_equation.group_shells(made, (), rmax=3.4, gap=0.25, legs=2)
    table = exafs_equation.ScatteringPaths(made)
    spectrum = Spectrum(k=K, chi=chi, offset=offset, e0=0, places=PLACES)
    return PathFitProblem([spectrum], table, shells, TRANSFORM)


def test_chi_square_counts_independent_points(made: xr.Dataset) -> None:
    """Of noise alone, chi-square at the truth is the number of independent points, on average over
    seeds."""
    nothing = np.array([0.0, 1e-9, 1e-9, 0, 0, 0.005, 0.005])
    total = []
    for seed in range(200):
        noise = 1e-3 * np.random.default_rng(seed).standard_normal(K.size)
        residual, _ = problem(made, noise).compute_residual(nothing)
        total.append(float((residual**2).sum()))
    assert np.mean(total) == pytest.approx(TRANSFORM.independent, rel=0.1)


def test_independent_points_by_hand() -> None:
    assert TRANSFORM.independent == pytest.approx(2 * 9 * 2 / np.pi + 1)


def test_the_range_in_r_is_larchs(made: xr.Dataset) -> None:
    """RSTEP is pi/102.4 = 0.03068: R = 1 to 3 is the points 32 to 96."""
    one = problem(made, made_paths.chi(K, **TRUE))
    assert one.to_r[0].shape == (65, K.size)
    r = fourier.RSTEP * np.arange(32, 97)
    expected = fourier.build_transform_matrix(K, one.compute_weights(K), r)
    assert np.array_equal(one.to_r[0], expected)
    assert one.size == 7 and one.independent == TRANSFORM.independent


def test_the_model_takes_its_parameters_from_their_places(made: xr.Dataset) -> None:
    values = np.array([2.0, 5.0, 10.0, -0.03, 0.04, 0.006, 0.009])
    one = problem(made, 0 * K, offset=0.5)
    waves, derivatives = one.compute_model(values, 0)
    at = ShellParameters(e0=2.5, number=10.0, delta_r=0.04, sigma2=0.009)
    chi, by = one.paths.differentiate_chi(K, one.shells[1], at)
    assert np.array_equal(waves[1], chi)
    assert np.array_equal(derivatives[[2, 4, 6]], by[1:])
    first = ShellParameters(e0=2.5, number=5.0, delta_r=-0.03, sigma2=0.006)
    both = by[0] + one.paths.differentiate_chi(K, one.shells[0], first)[1][0]
    assert np.allclose(derivatives[0], both)


def test_the_jacobian_is_that_of_the_residual(made: xr.Dataset) -> None:
    one = problem(made, made_paths.chi(K, **TRUE) + 1e-3 * np.cos(60 * K))
    at = np.array([1.0, 5.5, 9.0, 0.01, 0.02, 0.005, 0.008])
    _, jacobian = one.compute_residual(at)
    for place, step in enumerate((1e-3, 1e-4, 1e-4, 1e-6, 1e-6, 1e-7, 1e-7)):
        move = step * (np.arange(7) == place)
        up, down = one.compute_residual(at + move)[0], one.compute_residual(at - move)[0]
        expected = (up - down) / (2 * step)
        assert np.abs(jacobian[:, place] - expected).max() < 1e-4 * np.abs(expected).max()


def test_r_factor_of_no_model_is_one_and_of_the_truth_nothing(made: xr.Dataset) -> None:
    one = problem(made, made_paths.chi(K, **TRUE))
    nothing = np.array([0.0, 0.0, 0.0, 0, 0, 0.005, 0.005])
    assert one.compute_r_factors(nothing) == pytest.approx([1.0])
    truth = np.array([2.0, 5.0, 10.0, -0.03, 0.04, 0.006, 0.009])
    assert one.compute_r_factors(truth)[0] < 1e-4
    half = np.array([2.0, 2.5, 5.0, -0.03, 0.04, 0.006, 0.009])
    assert one.compute_r_factors(half) == pytest.approx([0.25], rel=1e-2)


def test_covariance_is_the_inverse_of_the_curvature_scaled(made: xr.Dataset) -> None:
    noise = 2e-3 * np.random.default_rng(1).standard_normal(K.size)
    one = problem(made, made_paths.chi(K, **TRUE) + noise)
    found = one.fit([np.array([0.0, 6.0, 12.0, 0.0, 0.0, 0.005, 0.005])])
    residual, jacobian = one.compute_residual(found.values)
    assert found.chi_square == pytest.approx(float(residual @ residual))
    assert found.reduced == pytest.approx(found.chi_square / (TRANSFORM.independent - 7))
    expected = np.linalg.inv(jacobian.T @ jacobian) * found.reduced
    assert np.allclose(found.covariance, expected, rtol=1e-5)
    assert found.converged and found.independent == TRANSFORM.independent


def test_the_lowest_of_several_minima_is_kept(made: xr.Dataset) -> None:
    one = problem(made, made_paths.chi(K, **TRUE))
    near = np.array([0.0, 6.0, 12.0, 0.0, 0.0, 0.005, 0.005])
    far = np.array([60.0, 6.0, 12.0, 0.5, 0.5, 0.005, 0.005])
    assert one.fit([near]).chi_square < one.fit([far]).chi_square
    assert one.fit([far, near]).chi_square == one.fit([near]).chi_square


def test_noise_in_r_is_that_of_the_far_end() -> None:
    """White noise s in chi: each part has s sqrt(sum w^2) dk / sqrt(2 pi)."""
    weights = K**2 * ((K > 3) & (K < 12))
    level = 2e-3
    found = [
        estimate_noise_in_r(K, level * np.random.default_rng(i).standard_normal(K.size), weights)
        for i in range(40)
    ]
    expected = level * np.sqrt((weights**2).sum()) * 0.05 / np.sqrt(2 * np.pi)
    assert np.mean(found) == pytest.approx(expected, rel=0.1)
    wave = np.sin(2 * K * 5.0)
    assert estimate_noise_in_r(K, wave, weights) < 0.01 * np.abs(weights).sum() * 0.05
    assert estimate_noise_in_r(K, 0 * K, weights) == 1e-12


def test_noise_is_taken_from_15_to_30_angstrom() -> None:
    """A wave at either end shows half of its square."""
    weights = np.exp(-(((K - 7) / 2) ** 2))
    inside = [estimate_noise_in_r(K, np.sin(2 * K * r), weights) for r in (16.0, 22.0, 29.0)]
    assert np.ptp(inside) < 1e-3 * min(inside)
    assert estimate_noise_in_r(K, np.sin(2 * K * 12.0), weights) < 1e-3 * min(inside)
    edges = [estimate_noise_in_r(K, np.sin(2 * K * r), weights) for r in (15.0, 30.0)]
    assert np.array(edges) == pytest.approx(min(inside) / np.sqrt(2), rel=0.1)


def test_parts_are_stacked_real_first() -> None:
    assert stack_parts(np.array([1 + 2j, 3 - 4j])).tolist() == [1, 3, 2, -4]
