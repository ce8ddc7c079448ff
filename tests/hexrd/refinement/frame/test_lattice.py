"""Cells, metrics and positions: symmetry kept, round trips, Bragg's law and its derivative."""

import itertools

import gemmi
import numpy as np
import pytest

from ssbchar.crystal.cell import d_from_hkl
from ssbchar.hexrd.refinement.frame import lattice, lines

CELLS = {
    "cubic": (9.4, 9.4, 9.4, 90, 90, 90),
    "tetragonal": (3.9, 3.9, 6.6, 90, 90, 90),
    "trigonal": (8.26, 8.26, 20.65, 90, 90, 120),
    "hexagonal": (3.2, 3.2, 5.2, 90, 90, 120),
    "rhombohedral": (5.1, 5.1, 5.1, 55, 55, 55),
    "orthorhombic": (10.33, 6.01, 4.69, 90, 90, 90),
    "monoclinic": (8.92, 5.24, 6.04, 90, 101.3, 90),
    "triclinic": (5.0, 6.0, 7.0, 80, 95, 103),
}
HKL = np.array([(1, 0, 0), (0, 1, 1), (2, -1, 3), (1, 1, 0), (3, 0, -2)], float)


def make_lattice(system: str) -> lattice.Lattice:
    return lattice.build_lattice(
        "X",
        cell=np.array(CELLS[system], float),
        system=system,
        hkl=HKL,
        strength=np.ones(len(HKL)),
        has_atoms=True,
        refinable=True,
    )


@pytest.mark.parametrize("system", CELLS)
def test_cell_and_metric_agree_and_symmetry_is_kept(system: str) -> None:
    phase = make_lattice(system)
    np.testing.assert_allclose(
        phase.cell_from_strain(np.zeros(phase.free)), CELLS[system], rtol=1e-10
    )
    strain = 1e-3 * (1 + np.arange(phase.free))
    cell = phase.cell_from_strain(strain)
    np.testing.assert_allclose(
        (phase.form @ phase.metric_from_strain(strain)) ** -0.5, d_from_hkl(HKL, cell), rtol=1e-10
    )
    reference = np.array(CELLS[system])
    for i, j in ((0, 1), (1, 2), (3, 4), (4, 5)):
        if reference[i] == reference[j] and system not in (
            "monoclinic",
            "orthorhombic",
            "triclinic",
        ):
            assert abs(cell[i] - cell[j]) < 1e-9
    if system not in ("triclinic", "rhombohedral"):
        right = np.isin(reference[3:], (90, 120))
        np.testing.assert_allclose(cell[3:][right], reference[3:][right], atol=1e-9)


@pytest.mark.parametrize("system", CELLS)
def test_isotropic_strain_scales_all_lengths(system: str) -> None:
    phase = make_lattice(system)
    cell = phase.cell_from_strain(phase.strain_from_length_change(np.array(0.01)))
    np.testing.assert_allclose(cell[:3], 1.01 * np.array(CELLS[system][:3]), rtol=1e-9)
    np.testing.assert_allclose(cell[3:], CELLS[system][3:], atol=1e-7)


def test_bragg_and_its_derivative() -> None:
    phase = make_lattice("monoclinic")
    angle, slope = lines.two_theta_from_metric(phase.form, phase.reference, 0.2413)
    d = d_from_hkl(HKL, np.array(CELLS["monoclinic"], float))
    np.testing.assert_allclose(angle, 2 * np.degrees(np.arcsin(0.2413 / 2 / d)), rtol=1e-12)
    q = phase.form @ phase.reference
    higher = 2 * np.degrees(np.arcsin(0.2413 / 2 * np.sqrt(q + 1e-6)))
    lower = 2 * np.degrees(np.arcsin(0.2413 / 2 * np.sqrt(q - 1e-6)))
    np.testing.assert_allclose(slope, (higher - lower) / 2e-6, rtol=1e-6)


def test_directions_of_a_monoclinic_cell_by_hand() -> None:
    phase = make_lattice("monoclinic")
    g = lattice.reciprocal_metric_from_cell(np.array(CELLS["monoclinic"], float))
    expected = np.zeros((4, 6))
    expected[[0, 1, 2], [0, 1, 2]] = g[:3]
    expected[3, 4] = np.sqrt(g[0] * g[2])
    np.testing.assert_allclose(phase.directions, expected)
    sine = np.sin(np.radians(101.3))
    np.testing.assert_allclose(
        g[[0, 1, 2]], [(8.92 * sine) ** -2, 5.24**-2, (6.04 * sine) ** -2], rtol=1e-12
    )
    assert phase.free == 4 and phase.reflection_count == 5


@pytest.mark.parametrize(
    ("system", "moved"),
    [
        ("cubic", [[0, 1, 2]]),
        ("tetragonal", [[0, 1], [2]]),
        ("trigonal", [[0, 1, 5], [2]]),
        ("hexagonal", [[0, 1, 5], [2]]),
        ("rhombohedral", [[0, 1, 2], [3, 4, 5]]),
        ("orthorhombic", [[0], [1], [2]]),
        ("monoclinic", [[0], [1], [2], [4]]),
        ("triclinic", [[0], [1], [2], [3], [4], [5]]),
    ],
)
def test_each_free_direction_moves_its_elements_alone(system: str, moved: list[list[int]]) -> None:
    basis = np.array(lattice.BASES[system])
    assert [np.flatnonzero(row).tolist() for row in basis] == moved
    # of the metric of hexagonal axes g12 is half of g11; all others move as one
    half = system in ("trigonal", "hexagonal")
    expected = {1.0, 0.5} if half else {1.0}
    assert set(basis[basis != 0]) == expected and (not half or basis[0, 5] == 0.5)


def test_the_angle_of_a_rhombohedral_cell_is_scaled_by_its_lengths() -> None:
    phase = make_lattice("rhombohedral")
    np.testing.assert_allclose(phase.directions[1], [0, 0, 0, *[phase.reference[0]] * 3])


def test_hexagonal_axes_keep_their_angle() -> None:
    phase = make_lattice("hexagonal")
    g11 = 4 / 3 / 3.2**2
    np.testing.assert_allclose(phase.directions[0], [g11, g11, 0, 0, 0, g11 / 2], atol=1e-15)


@pytest.mark.parametrize("system", CELLS)
def test_metric_and_cell_are_each_others_inverse(system: str) -> None:
    cell = np.array(CELLS[system], float)
    g = lattice.reciprocal_metric_from_cell(cell)
    np.testing.assert_allclose(lattice.cell_from_reciprocal_metric(g), cell, rtol=1e-12)
    np.testing.assert_allclose(
        (lattice.quadratic_form_from_hkl(HKL) @ g) ** -0.5, d_from_hkl(HKL, cell), rtol=1e-12
    )


@pytest.mark.parametrize("system", CELLS)
def test_gradients_of_the_cell_are_those_of_larger_steps(system: str) -> None:
    phase = make_lattice(system)
    strain = np.stack([np.zeros(phase.free), 1e-3 * (1 + np.arange(phase.free))])
    cell, gradient = phase.differentiate_cell(strain)
    np.testing.assert_allclose(cell, phase.cell_from_strain(strain), rtol=1e-14)
    for k in range(phase.free):
        step = np.zeros(phase.free)
        step[k] = 1e-5
        change = phase.cell_from_strain(strain + step) - phase.cell_from_strain(strain - step)
        np.testing.assert_allclose(gradient[..., k], change / 2e-5, rtol=1e-5, atol=1e-4)
    right = np.isin(cell[0], (90, 120))
    if system in ("cubic", "orthorhombic", "hexagonal"):
        np.testing.assert_array_equal(gradient[:, right], 0.0)


def test_lengths_are_scaled_about_a_strained_cell() -> None:
    phase = make_lattice("monoclinic")
    strain = 1e-3 * np.arange(4.0)
    found = phase.cell_from_strain(phase.scale_lengths(strain, np.array([-0.02, 0.0, 0.01])))
    cell = phase.cell_from_strain(strain)
    np.testing.assert_allclose(found[:, :3], np.array([[0.98], [1], [1.01]]) * cell[:3], rtol=1e-9)
    np.testing.assert_allclose(found[:, 3:], np.tile(cell[3:], (3, 1)), rtol=1e-9)


def list_operations(symbol: str) -> np.ndarray:
    """Return the distinct rotations of a space group."""
    operations = gemmi.SpaceGroup(symbol).operations()
    rotations = [np.array(op.rot) / op.DEN for op in operations.sym_ops]
    return np.unique(rotations, axis=0)


HKL_BOX = np.array([h for h in itertools.product(range(-3, 4), repeat=3) if any(h)], float)


@pytest.mark.parametrize(
    ("symbol", "cell", "count"),
    [
        ("P -1", (4.1, 5.2, 6.3, 81, 93, 104), 14),
        ("P 1 21/c 1", (4.1, 5.2, 6.3, 90, 103, 90), 8),
        ("P n m a", (10.3, 6.0, 4.7, 90, 90, 90), 5),
        ("I 41/a", (5.2, 5.2, 11.4, 90, 90, 90), 4),
        ("I 41/a m d", (3.8, 3.8, 9.5, 90, 90, 90), 3),
        ("R -3:H", (5.0, 5.0, 14.0, 90, 90, 120), 4),
        ("R -3 c:H", (8.25, 8.25, 20.6, 90, 90, 120), 3),
        ("P 63/m m c", (3.2, 3.2, 5.2, 90, 90, 120), 2),
        ("F m -3 m", (5.4, 5.4, 5.4, 90, 90, 90), 1),
    ],
)
def test_terms_of_anisotropic_strain_by_laue_class(symbol: str, cell: tuple, count: int) -> None:
    """As many as the forms of fourth order of P. W. Stephens's table, less the isotropic one."""
    operations = list_operations(symbol)
    metric = lattice.reciprocal_metric_from_cell(np.array(cell, float))
    terms = lattice.list_anisotropy_terms(HKL_BOX, metric, operations)
    assert terms.shape == (len(HKL_BOX), count)
    np.testing.assert_allclose(terms.mean(axis=0), 0, atol=1e-10)
    np.testing.assert_allclose(terms.T @ terms / len(terms), np.eye(count), atol=1e-10)
    # equivalent reflections have the same terms
    for operation in operations[:6]:
        moved = np.round(HKL_BOX @ operation).astype(int)
        places = {tuple(h): i for i, h in enumerate(HKL_BOX.astype(int).tolist())}
        pairs = [(i, places[tuple(h)]) for i, h in enumerate(moved.tolist()) if tuple(h) in places]
        first, second = np.array(pairs).T
        np.testing.assert_allclose(terms[first], terms[second], atol=1e-9)
    assert lattice.list_anisotropy_terms(HKL_BOX, metric, None).shape == (len(HKL_BOX), 0)


def test_normals_and_an_axis_by_hand() -> None:
    operations = list_operations("P n m a")
    metric = lattice.reciprocal_metric_from_cell(np.array([3.0, 4.0, 5.0, 90, 90, 90]))
    hkl = np.array([(1, 0, 0), (0, 2, 0), (1, 1, 0)], float)
    found = lattice.compute_alignment(hkl, metric, operations, np.array([0.0, 1.0, 0.0]))
    # of (110) to b*: (1/4)^2 / ((1/3)^2 + (1/4)^2)
    expected = [0.0, 1.0, (1 / 16) / (1 / 9 + 1 / 16)]
    np.testing.assert_allclose(found, np.broadcast_to(expected, (8, 3)).T, atol=1e-12)
    cubic = list_operations("F m -3 m")
    metric = lattice.reciprocal_metric_from_cell(np.array([4.0, 4.0, 4.0, 90, 90, 90]))
    found = lattice.compute_alignment(hkl[:1], metric, cubic, np.array([0.0, 0.0, 1.0]))
    assert np.mean(found) == pytest.approx(1 / 3)
    assert lattice.compute_alignment(hkl, metric, cubic, None).shape == (3, 0)
