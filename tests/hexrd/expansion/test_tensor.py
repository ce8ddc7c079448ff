"""The expansion tensor: textbook cases, rotation laws, and what symmetry fixes."""

import numpy as np
import pytest
from hexrd.made_lattice import CELLS, RATES

from ssbchar.crystal.cell import d_from_hkl, metric_from_cell, volume_from_cell
from ssbchar.hexrd.expansion import tensor


def rate_of(system: str) -> tuple[np.ndarray, np.ndarray]:
    cell, follows = CELLS[system]
    cell = np.array(cell, float)
    return cell, np.array([0.0 if f is None else cell[i] * RATES[f] for i, f in enumerate(follows)])


@pytest.mark.parametrize("system", CELLS)
def test_axes_reproduce_the_metric(system: str) -> None:
    m = tensor.basis_from_cell(np.array(CELLS[system][0], float))
    np.testing.assert_allclose(m.T @ m, metric_from_cell(CELLS[system][0]), atol=1e-10)
    assert np.linalg.det(m) > 0


@pytest.mark.parametrize("system", CELLS)
def test_tensor_predicts_every_plane_spacing(system: str) -> None:
    """(1/d) dd/dT of a plane is n . alpha . n along its normal: the definition of the tensor."""
    cell, rate = rate_of(system)
    alpha = tensor.tensor_from_cell_rate(cell, rate)
    hkl = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, -2, 3], [2, 1, -1]], float)
    normal = np.linalg.inv(tensor.basis_from_cell(cell)).T @ hkl.T
    normal /= np.linalg.norm(normal, axis=0)
    h = 1e-2
    numeric = np.log(d_from_hkl(hkl, cell + h * rate) / d_from_hkl(hkl, cell - h * rate)) / (2 * h)
    np.testing.assert_allclose(
        np.einsum("ir,ij,jr->r", normal, alpha, normal), numeric, rtol=1e-6, atol=1e-12
    )
    numeric_volume = np.log(
        volume_from_cell(cell + h * rate) / volume_from_cell(cell - h * rate)
    ) / (2 * h)
    assert np.trace(alpha) == pytest.approx(float(numeric_volume), rel=1e-6)


def test_symmetry_fixes_what_it_should() -> None:
    alpha = tensor.tensor_from_cell_rate(*rate_of("cubic"))
    np.testing.assert_allclose(alpha, RATES[0] * np.eye(3), atol=1e-15)
    alpha = tensor.tensor_from_cell_rate(*rate_of("trigonal"))
    np.testing.assert_allclose(alpha, np.diag([RATES[0], RATES[0], RATES[1]]), atol=1e-15)
    alpha = tensor.tensor_from_cell_rate(*rate_of("monoclinic"))
    assert abs(alpha[0, 1]) < 1e-15 and abs(alpha[1, 2]) < 1e-15 and abs(alpha[0, 2]) > 1e-7


def test_monoclinic_by_hand() -> None:
    """alpha_33 = c'/c, alpha_22 = b'/b, alpha_11 = a'/a + beta' cot(beta), alpha_13 from the turn
    of a."""
    cell, rate = rate_of("monoclinic")
    alpha = tensor.tensor_from_cell_rate(cell, rate)
    beta, turn = np.radians(cell[4]), np.radians(rate[4])
    along_a, along_c = rate[0] / cell[0], rate[2] / cell[2]
    assert alpha[0, 0] == pytest.approx(along_a + turn / np.tan(beta), rel=1e-9)
    assert alpha[1, 1] == pytest.approx(rate[1] / cell[1])
    assert alpha[2, 2] == pytest.approx(along_c)
    assert alpha[0, 2] == pytest.approx(0.5 * ((along_a - along_c) / np.tan(beta) - turn), rel=1e-9)


def test_small_lagrangian_strain_is_the_integral_of_the_tensor() -> None:
    cell, rate = rate_of("triclinic")
    strain = tensor.strain_from_cell(cell + 0.1 * rate, cell - 0.1 * rate)
    np.testing.assert_allclose(
        strain, 0.2 * tensor.tensor_from_cell_rate(cell, rate), rtol=1e-4, atol=1e-12
    )


def test_principal_axes_keep_their_names_through_a_crossing() -> None:
    t = np.linspace(0, 1, 21)
    turn = np.radians(20)
    r = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
    series = np.array([r @ np.diag([1e-5 * (1 + s), 1.2e-5, 2e-5 * (1.05 - s)]) @ r.T for s in t])
    values, vectors = tensor.find_principal_axes(series)
    np.testing.assert_allclose(values[:, 0], 1e-5 * (1 + t), rtol=1e-6)
    np.testing.assert_allclose(values[:, 2], 2e-5 * (1.05 - t), rtol=1e-6)
    np.testing.assert_allclose(np.abs(np.einsum("nij,ij->nj", vectors, r)), 1, atol=1e-6)


def test_principal_errors_match_a_monte_carlo() -> None:
    rng = np.random.default_rng(3)
    alpha = np.array([[1.0, 0.1, 0.4], [0.1, 1.6, -0.2], [0.4, -0.2, 2.4]]) * 1e-5
    root = 1e-8 * rng.standard_normal((6, 6))
    covariance = (root @ root.T)[None]
    value, vector = tensor.find_principal_axes(alpha[None])
    draws = (
        np.array([alpha[i, j] for i, j in tensor.PAIRS]) + rng.standard_normal((4000, 6)) @ root.T
    )
    many = np.empty((4000, 3, 3))
    for n, (i, j) in enumerate(tensor.PAIRS):
        many[:, i, j] = many[:, j, i] = draws[:, n]
    values, vectors = tensor.find_principal_axes(many)
    np.testing.assert_allclose(
        tensor.propagate_to_principal_values(vector, covariance)[0], values.std(axis=0), rtol=0.08
    )
    cosine = np.clip(np.abs(np.einsum("nij,ij->nj", vectors, vector[0])), 0, 1)
    turned = np.degrees(np.sqrt(np.mean(np.arccos(cosine) ** 2, axis=0)))
    np.testing.assert_allclose(
        tensor.propagate_to_principal_axes(value, vector, covariance)[0], turned, rtol=0.1
    )


def test_equal_principal_values_have_no_direction() -> None:
    alpha = tensor.tensor_from_cell_rate(*rate_of("trigonal"))[None]
    value, vector = tensor.find_principal_axes(alpha)
    covariance = np.diag([1e-7, 1e-7, 1e-7, 0, 0, 0])[None] ** 2
    direction = tensor.propagate_to_principal_axes(value, vector, covariance)[0]
    assert direction[0] == direction[1] == 90 and direction[2] < 1e-9


@pytest.mark.parametrize(("gap", "defined"), [(1.05e-12, True), (0.95e-12, False)])
def test_principal_values_nearer_than_ten_steps_have_no_direction(
    gap: float, defined: bool
) -> None:
    """Turned by 1e-15 / gap."""
    values = np.array([[1e-5, 1e-5 + gap, 2e-5]])
    covariance = np.zeros((1, 6, 6))
    covariance[0, 5, 5] = 1e-15**2
    found = tensor.propagate_to_principal_axes(values, np.eye(3)[None], covariance)[0]
    expected = np.degrees(1e-15 / gap) if defined else 90.0
    np.testing.assert_allclose(found[:2], expected, rtol=1e-3)
    assert found[2] == 0.0


def test_directions_and_values_of_a_diagonal_tensor_by_hand() -> None:
    """The error of alpha_12 turns x towards y by itself over the difference; that of alpha_11 is
    the error of the first value."""
    values = np.array([[1e-5, 3e-5, 7e-5]])
    covariance = np.diag([1e-7, 2e-7, 3e-7, 4e-7, 5e-7, 6e-7])[None] ** 2
    found = tensor.propagate_to_principal_axes(values, np.eye(3)[None], covariance)[0]
    by_yz, by_xz, by_xy = 4e-7 / 4e-5, 5e-7 / 6e-5, 6e-7 / 2e-5
    expected = [np.hypot(by_xy, by_xz), np.hypot(by_xy, by_yz), np.hypot(by_xz, by_yz)]
    np.testing.assert_allclose(found, np.degrees(expected))
    errors = tensor.propagate_to_principal_values(np.eye(3)[None], covariance)[0]
    np.testing.assert_allclose(errors, [1e-7, 2e-7, 3e-7])


def test_equal_principal_values_keep_the_axes_of_the_frame_and_their_size() -> None:
    values, vectors = tensor.find_principal_axes(2e-5 * np.eye(3)[None])
    np.testing.assert_allclose(vectors[0], np.eye(3), atol=1e-12)
    np.testing.assert_allclose(values[0], 2e-5, rtol=1e-12)


def test_differences_of_a_function_by_hand() -> None:
    """x^2 y has the central differences 2 x y and x^2, whatever the half-width of y."""

    def function(x: np.ndarray) -> np.ndarray:
        return np.stack([x[:, 0] ** 2 * x[:, 1], x[:, 1]], axis=1)

    at = np.array([[3.0, 5.0], [1.0, 2.0]])
    found = tensor.differentiate(function, at, np.array([[0.5, 0.25], [0.25, 1.0]]))
    np.testing.assert_allclose(found, [[[30.0, 9.0], [0.0, 1.0]], [[4.0, 1.0], [0.0, 1.0]]])
