"""Nearly equal axes: labels by continuity, and differences that a frame does not show."""

from types import SimpleNamespace

import numpy as np
import pytest
from hexrd.made_splitting import make_cells, make_phase, make_series

from ssbchar.hexrd.refinement import axis_labels as al
from ssbchar.hexrd.refinement import refine
from ssbchar.hexrd.refinement.frame.lattice import Lattice, build_lattice
from ssbchar.hexrd.refinement.options import Refinement


def make_lattice(system: str, *cell: float) -> Lattice:
    return build_lattice(
        system,
        cell=np.array(cell),
        system=system,
        hkl=np.eye(3),
        strength=np.ones(3),
        has_atoms=True,
        refinable=True,
    )


@pytest.mark.parametrize(
    ("system", "cell", "count"),
    [
        ("orthorhombic", (8.2, 5.62, 5.60, 90, 90, 90), 1),
        ("orthorhombic", (5.58, 5.62, 5.60, 90, 90, 90), 3),
        ("orthorhombic", (10.33, 6.01, 4.69, 90, 90, 90), 0),
        ("monoclinic", (5.2, 9.1, 5.3, 90, 90.4, 90), 2),
        ("monoclinic", (5.2, 9.1, 7.3, 90, 98.0, 90), 0),
        ("tetragonal", (4.0, 4.0, 4.02, 90, 90, 90), 0),
    ],
)
def test_axes_that_are_nearly_equal_can_be_exchanged(system: str, cell: tuple, count: int) -> None:
    assert len(al.list_exchanges(make_lattice(system, *cell))) == count


def test_an_exchange_swaps_lengths_and_a_merger_makes_them_equal() -> None:
    lattice = make_lattice("orthorhombic", 8.2, 5.62, 5.60, 90, 90, 90)
    (exchange,) = al.list_exchanges(lattice)
    strain = np.array([1e-3, -2e-3, 3e-3])
    cell = lattice.cell_from_strain(strain)
    other = lattice.cell_from_strain(exchange.apply(lattice, strain))
    np.testing.assert_allclose(other[:3], cell[[0, 2, 1]], rtol=1e-12)
    merged = lattice.cell_from_strain(exchange.merge(lattice, strain))
    assert merged[1] == pytest.approx(merged[2], rel=1e-12) and merged[0] == pytest.approx(cell[0])
    supplement = make_lattice("monoclinic", 5.2, 9.1, 7.0, 90, 90.4, 90)
    (exchange,) = al.list_exchanges(supplement)
    other = supplement.cell_from_strain(exchange.apply(supplement, np.zeros(4)))
    assert other[4] == pytest.approx(89.6)


def differences(*values: float) -> dict[int, tuple[float, float]]:
    return {i: (v, 1.0) for i, v in enumerate(values)}


@pytest.mark.parametrize(
    ("values", "exchanged"),
    [
        ([90, 80, 70, 60], []),
        ([90, -80, 70, -60], [1, 3]),
        # they cross: no jump
        ([90, 60, 30, 3, -30, -60], []),
        ([90, 60, 30, -3, 30, 60], [3, 4, 5]),
        # they meet and part again, and noise between has no sign of its own
        ([90, 60, 45, 35, 30, -2, 1, -3, -30, -35, -45], [5, 7, 8, 9, 10]),
        ([-30, -60, 90, 100], [0, 1]),
        # never apart: nothing to follow
        ([3, -4, 2], []),
        ([], []),
    ],
)
def test_labels_follow_from_the_frame_of_largest_difference(
    values: list[float], exchanged: list[int]
) -> None:
    assert al.find_exchanged(differences(*values)) == exchanged


def test_axes_that_merged_and_parted_again_keep_their_labels() -> None:
    """Heated until they are equal, held so, cooled: symmetric in time. A crossing goes on."""
    merged = np.concatenate([np.linspace(5, 0, 11), np.zeros(30), np.linspace(0, 5, 11)]) * 1e-3
    given = {i: (value, 2e-5) for i, value in enumerate(merged)}
    assert al.find_exchanged(given) == []
    crossing = np.linspace(5, -5, 53) * 1e-3
    assert al.find_exchanged({i: (value, 1e-5) for i, value in enumerate(crossing)}) == []
    folded = {i: (abs(value), 1e-5) for i, value in enumerate(crossing)}
    assert al.find_exchanged(folded) == [*range(27, 53)]


def test_all_frames_may_be_labelled_the_other_way() -> None:
    given = differences(90, 60, 2, -40)
    assert al.find_exchanged(given, is_reversed=True) == [0, 1, 2]
    assert al.find_clearest(given) == 0 and al.find_clearest(differences(3, -4)) is None


@pytest.mark.parametrize("mode", ["pawley", "rietveld"])
@pytest.mark.parametrize("is_heated", [True, False])
def test_labels_stay_and_errors_hold_where_axes_merge(mode: str, is_heated: bool) -> None:
    temperature = np.linspace(25, 325, 20)[:: 1 if is_heated else -1]
    splitting = 0.004 * np.sqrt(np.clip((205 - temperature) / 180, 0, None))
    cells, phase = make_cells(temperature, splitting), make_phase()
    patterns, furnace = make_series(phase, temperature, cells, seed=2)
    ds = refine.refine_series(patterns, furnace, [phase], Refinement(mode=mode))
    found, stderr = ds["cell"].values[:, 0, :3], ds["cell_stderr"].values[:, 0, :3]
    assert np.max(np.abs(found - cells) / stderr) < 4
    is_apart, is_merged = splitting > 0.0015, ds["axes_merged"].values[:, 0] == 1
    assert np.all(found[is_apart, 1] > found[is_apart, 2]) and not is_merged[is_apart].any()
    assert is_merged[splitting == 0].all()
    # where they are apart they are as sharp as ever
    assert np.median(stderr[is_apart, 1] / found[is_apart, 1]) < 2e-4


def test_exchanged_frames_are_labelled_as_the_others() -> None:
    temperature = np.linspace(25, 100, 6)
    cells, phase = make_cells(temperature, np.full(6, 0.004)), make_phase()
    odd = cells.copy()
    odd[2:4] = odd[2:4][:, [0, 2, 1]]
    patterns, furnace = make_series(phase, temperature, odd, seed=3)
    ds = refine.refine_series(patterns, furnace, [phase], Refinement())
    found, stderr = ds["cell"].values[:, 0, :3], ds["cell_stderr"].values[:, 0, :3]
    assert np.max(np.abs(found - cells) / stderr) < 5


def test_axes_that_the_intensities_know_are_not_exchanged() -> None:
    temperature = np.linspace(25, 100, 6)
    cells, phase = make_cells(temperature, np.full(6, 0.004)), make_phase(unlike=0.6)
    odd = cells.copy()
    odd[2:4] = odd[2:4][:, [0, 2, 1]]
    patterns, furnace = make_series(phase, temperature, odd, seed=3)
    ds = refine.refine_series(patterns, furnace, [phase], Refinement(mode="rietveld"))
    found, stderr = ds["cell"].values[:, 0, :3], ds["cell_stderr"].values[:, 0, :3]
    assert np.max(np.abs(found - odd) / stderr) < 5


@pytest.mark.parametrize(
    ("system", "cell", "count"),
    [
        # 1/5.00^2 over 1/5.15^2 is 1.061, over 1/5.14^2 it is 1.057
        ("orthorhombic", (9.0, 5.0, 5.14, 90, 90, 90), 1),
        ("orthorhombic", (9.0, 5.0, 5.17, 90, 90, 90), 0),
        ("orthorhombic", (5.0, 5.14, 9.0, 90, 90, 90), 1),
        # cos(93.3) is 0.0576, cos(93.6) 0.0628
        ("monoclinic", (5.0, 9.0, 7.0, 90, 93.3, 90), 1),
        ("monoclinic", (5.0, 9.0, 7.0, 90, 93.6, 90), 0),
        ("monoclinic", (5.0, 9.0, 7.0, 90, 86.7, 90), 1),
    ],
)
def test_nearly_equal_is_three_percent_of_a_length_and_three_degrees(
    system: str, cell: tuple, count: int
) -> None:
    assert len(al.list_exchanges(make_lattice(system, *cell))) == count


def test_half_the_difference_and_its_error() -> None:
    """Strains of b and c of one scale: half of their difference, with their covariance."""
    lattice = make_lattice("orthorhombic", 8.2, 5.6, 5.6, 90, 90, 90)
    (exchange,) = al.list_exchanges(lattice)
    strain = np.array([1e-3, 4e-3, 1e-3])
    half = exchange.find_difference(lattice, strain)
    np.testing.assert_allclose(half, [0, 1.5e-3, -1.5e-3], atol=1e-12)
    covariance = np.diag([1e-8, 4e-8, 9e-8])
    covariance[1, 2] = covariance[2, 1] = 2e-8
    parameters = SimpleNamespace(strain=np.array([[*strain, 0, 0, 0]]))
    fit = SimpleNamespace(
        present=(0,), parameters=parameters, strain_covariance=(covariance,), get_index=int
    )
    absent = SimpleNamespace(present=(1,))
    found = al.measure_differences({3: fit, 1: absent}, 0, lattice, exchange)  # type: ignore[dict-item]
    assert list(found) == [3]
    assert found[3][0] == pytest.approx(1.5e-3)
    assert found[3][1] == pytest.approx(np.sqrt((4e-8 + 9e-8 - 4e-8) / 4), rel=1e-6)


@pytest.mark.parametrize(("value", "is_clear"), [(9.9, False), (10.1, True)])
def test_axes_are_well_apart_from_ten_errors_on(value: float, is_clear: bool) -> None:
    assert al.find_clearest(differences(1.0, -value, 2.0)) == (1 if is_clear else None)


def test_a_line_that_says_more_than_twice_as_much_has_merged_axes_behind_it() -> None:
    """100, 60, then nothing for three frames: the line goes on to -100, -140 ... Beyond, 60 is no
    less than half of that, and 40 is: merged and parted again."""
    before = [100.0, 60.0, 1.0, 1.0, 1.0]
    assert al.find_exchanged(differences(*before, 60.0)) == [5]
    assert al.find_exchanged(differences(*before, 45.0)) == []
    # one frame between is no merger
    assert al.find_exchanged(differences(100.0, 60.0, 1.0, 15.0)) == [3]


def test_what_a_line_goes_on_to() -> None:
    assert al._continue([(4, 10.0)], 9) == 10.0
    assert al._continue([(2, 10.0), (4, 16.0)], 5) == 19.0
    assert al._continue([(4, 10.0), (2, 16.0)], 1) == 19.0
