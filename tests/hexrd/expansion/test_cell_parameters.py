"""Free parameters of a cell: ties, what symmetry fixes, and covariances, by hand."""

import numpy as np
import pytest
import xarray as xr
from hexrd.made_lattice import CELLS

from ssbchar.crystal.cell import volume_from_cell
from ssbchar.hexrd.expansion import cell_parameters, tensor


def free_of(cell: list[float], errors: list[float]) -> cell_parameters.FreeParameters:
    rows = np.tile(np.array(cell, float), (3, 1)) + 1e-4 * np.arange(3)[:, None]
    rows = np.where(np.array(errors) > 0, rows, cell)
    return cell_parameters.find_free_parameters(rows, np.tile(np.array(errors, float), (3, 1)))


def test_a_rhombohedral_cell_has_a_length_and_an_angle() -> None:
    found = free_of([6, 6, 6, 58, 58, 58], [1] * 6)
    assert found.free.tolist() == [0, 3] and found.count == 2
    np.testing.assert_array_equal(found.spread, [[1, 0]] * 3 + [[0, 1]] * 3)
    np.testing.assert_array_equal(
        found.build_cell(np.array([[7.0, 60.0]])), [[7, 7, 7, 60, 60, 60]]
    )
    np.testing.assert_array_equal(found.build_rate(np.array([0.1, 0.2])), [0.1] * 3 + [0.2] * 3)


def test_what_has_no_error_is_fixed() -> None:
    found = free_of([5, 6, 7, 90, 94, 90], [1, 1, 1, 0, 1, 0])
    assert found.free.tolist() == [0, 1, 2, 4]
    np.testing.assert_array_equal(found.fixed, [0, 0, 0, 90, 0, 90])
    np.testing.assert_array_equal(
        found.build_cell(np.array([5.0, 6.0, 7.0, 95.0])), [5, 6, 7, 90, 95, 90]
    )


def test_a_length_equal_to_an_angle_is_not_tied_to_it() -> None:
    assert free_of([60, 61, 62, 60, 90, 90], [1, 1, 1, 1, 0, 0]).free.tolist() == [0, 1, 2, 3]


def test_equal_in_one_frame_alone_is_not_tied() -> None:
    cell = np.array([[5.0, 5.0, 7, 90, 90, 90], [5.0, 5.0 + 1e-7, 7, 90, 90, 90]])
    errors = np.array([[1.0, 1, 1, 0, 0, 0], [np.nan] * 6])
    assert cell_parameters.find_free_parameters(cell, errors).free.tolist() == [0, 1, 2]


@pytest.mark.parametrize("system", CELLS)
def test_every_system_builds_its_own_cell(system: str) -> None:
    cell, follows = CELLS[system]
    errors = [0.0 if f is None else 1.0 for f in follows]
    found = free_of(cell, errors)
    np.testing.assert_allclose(found.build_cell(np.array(cell)[found.free]), cell)


def lattice(**changes: object) -> xr.Dataset:
    dims = ("frame", "phase")
    values = {
        "cell": ((*dims, "axis"), np.full((4, 1, 6), 5.0)),
        "cell_stderr": ((*dims, "axis"), np.full((4, 1, 6), 1e-3)),
        "present": (dims, np.ones((4, 1))),
        "significance": (dims, np.full((4, 1), 8.0)),
        "verdict": (dims, np.full((4, 1), "ok", dtype=object)),
    }
    return xr.Dataset({**values, **changes})  # type: ignore[dict-item]


def usable(ds: xr.Dataset, temperature: float = 25.0, significance: float = 8.0) -> list[bool]:
    furnace = xr.Dataset({"temperature": ("frame", np.full(4, temperature))})
    return cell_parameters.select_usable(
        ds, furnace, 0, frames=np.array([1, 2]), significance=significance
    ).tolist()


def test_usable_frames() -> None:
    assert usable(lattice()) == [True, True]
    assert usable(lattice(), temperature=np.nan) == [False, False]
    assert usable(lattice(), significance=8.1) == [False, False]
    for name, value in (
        ("cell", np.nan),
        ("cell_stderr", 0.0),
        ("present", 0),
        ("significance", np.nan),
    ):
        ds = lattice()
        ds[name].values[1] = value
        assert usable(ds) == [False, True], name
    for word in ("held", "not_converged", "absent", "not_measured", "departs", "inconsistent"):
        ds = lattice()
        ds["verdict"].values[2, 0] = word
        assert usable(ds) == [True, word in ("departs", "inconsistent")], word
    ds = lattice()
    ds["cell_stderr"].values[1, 0, :5] = 0.0
    assert usable(ds) == [True, True], "one free parameter is enough"


def test_shared_and_own_covariance_add_up() -> None:
    full = np.tile(np.diag([4.0, 9, 16, 1, 1, 1]), (3, 1, 1, 1))
    shared = np.zeros((3, 1, 6))
    shared[..., :3] = [1.0, -2.0, 4.0]
    dims = ("frame", "phase", "axis")
    ds = xr.Dataset({"cell_covariance": ((*dims, "axis2"), full), "cell_shared": (dims, shared)})
    own, common = cell_parameters.split_covariance(ds, np.array([0, 2]), 0)
    assert own.shape == (2, 6, 6) and common.tolist() == [shared[0, 0].tolist()] * 2
    np.testing.assert_allclose(np.diag(own[0]), [3.0, 5.0, 16e-6, 1, 1, 1])
    assert own[0, 0, 1] == 2.0 and own[1, 0, 2] == -4.0
    alone, none = cell_parameters.split_covariance(ds.drop_vars("cell_shared"), np.array([0]), 0)
    np.testing.assert_array_equal(alone[0], full[0, 0])
    np.testing.assert_array_equal(none, np.zeros((1, 6)))


def test_correlations_stop_short_of_one() -> None:
    singular = np.array([[[4.0, 6.0], [6.0, 9.0]]])
    found = cell_parameters.condition_covariance(singular)
    np.testing.assert_allclose(np.diag(found[0]), [4, 9], rtol=1e-12)
    assert found[0, 0, 1] == pytest.approx(6 * (1 - 1e-6), rel=1e-12)
    np.linalg.cholesky(found)


def test_quantities_of_a_state() -> None:
    """Monoclinic: the trace of the tensor is the relative rate of the volume."""
    free = free_of([5, 6, 7, 90, 94, 90], [1, 1, 1, 0, 1, 0])
    state = np.array([[5.0, 6, 7, 94, 5e-5, 12e-5, 21e-5, 1e-3]])
    cell = free.build_cell(state[:, :4])
    found = cell_parameters.cell_and_volume_from_state(free, state)
    np.testing.assert_allclose(found, [[*cell[0], volume_from_cell(cell)[0]]])
    expansion = cell_parameters.expansion_from_state(free, state)[0]
    np.testing.assert_allclose(expansion[:3], [1e-5, 2e-5, 3e-5])
    turn = np.radians(1e-3) / np.tan(np.radians(94.0))
    assert expansion[3] == pytest.approx(6e-5 + turn, rel=1e-9)
    six = cell_parameters.tensor_from_state(free, state)
    matrix = cell_parameters.matrix_from_components(six)
    assert np.trace(matrix[0]) == pytest.approx(expansion[3])
    np.testing.assert_array_equal(cell_parameters.components_from_matrix(matrix), six)
    rate = free.build_rate(state[:, 4:])
    expected = tensor.tensor_from_cell_rate(cell, rate)
    np.testing.assert_allclose(matrix, expected, rtol=1e-12, atol=1e-18)
