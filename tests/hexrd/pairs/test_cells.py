"""Cells of two specimens: what both share cancels, what all lengths share may be geometry."""

import numpy as np
import pytest
from hexrd.made_pairs import CELLS, make_specimen

from ssbchar.hexrd.pairs import cells
from ssbchar.hexrd.pairs.cells import ComparedCells, Specimen
from ssbchar.hexrd.verdict.common_change import BeamPath

NOWHERE = BeamPath(displacement=0.0, distance=None)
A, C, VOLUME, RATIO = 0, 2, 6, 8


def compare(
    pristine: Specimen, cycled: Specimen, path: BeamPath = NOWHERE, apart: float = 0.0
) -> ComparedCells:
    return cells.compare_cells(pristine, cycled, path, expansion=1.5e-5, temperature_apart=apart)


def test_one_zero_of_both_leaves_the_changes_and_their_own_errors() -> None:
    """The published cycled electrolyte, its zeros off by many times what cells are known to."""
    pristine = make_specimen({"LAGP": (0, 0, 0)}, 1, zero_seen=4e-4)
    cycled = make_specimen({"LAGP": (0.003, 0.003, -0.002)}, 2, zero_seen=-3e-4)
    found = compare(pristine, cycled)
    change = found.changes["LAGP"]
    assert change.has_one_zero
    assert list(change.free) == [A, C, VOLUME, RATIO]
    true = {A: 0.003, C: -0.002, VOLUME: 1.003**2 * 0.998 - 1, RATIO: 0.998 / 1.003 - 1}
    for place, value in true.items():
        assert change.value[place] == pytest.approx(value, abs=4 * change.stderr[place])
        assert 1e-5 < change.stderr[place] < 5e-5
    # What the two routes differ by: 7e-4 degree of the zero.
    assert change.zero_systematic[A] == pytest.approx(0.36 * 7e-4 / np.sqrt(3), rel=0.1)
    assert change.zero_systematic[RATIO] < 1e-6
    assert found.common.largest < 5e-4


def test_zeros_that_differ_are_not_made_one() -> None:
    pristine = make_specimen({"LAGP": (0, 0, 0)}, 1, zero=0.0)
    cycled = make_specimen({"LAGP": (0, 0, 0)}, 2, zero=0.01)
    change = compare(pristine, cycled).changes["LAGP"]
    assert not change.has_one_zero
    assert change.value[A] == pytest.approx(0, abs=1e-4)
    assert change.stderr[A] == pytest.approx(0.36 * 5e-4 * np.sqrt(2), rel=0.05)
    assert change.stderr[RATIO] < 5e-5


def test_a_zero_that_is_part_of_every_frame_stays_in_its_errors() -> None:
    """Refined frame by frame, or held: nothing is known to move the cells along."""
    one = make_specimen({"LAGP": (0, 0, 0)}, 1)
    one.lattice["cell_shared"] *= 0
    mean = cells.average_cell(one, "LAGP")
    assert mean is not None
    assert mean.zero_stderr == 0
    assert mean.stderr[A] / mean.value[A] == pytest.approx(0.36 * 5e-4, rel=0.01)
    assert not compare(one, one).changes["LAGP"].has_one_zero


def test_pulls_of_many_pairs() -> None:
    pulls, rng = [], np.random.default_rng(0)
    for seed in range(200):
        off = 5e-4 * rng.standard_normal(2)
        pristine = make_specimen({"LAGP": (0, 0, 0)}, 2 * seed, zero_seen=off[0])
        cycled = make_specimen({"LAGP": (1e-3, 1e-3, -5e-4)}, 2 * seed + 1, zero_seen=off[1])
        change = compare(pristine, cycled).changes["LAGP"]
        total = np.hypot(change.stderr, change.zero_systematic)[[A, C]]
        pulls.append((change.value[[A, C]] - [1e-3, -5e-4]) / total)
    assert 0.2 < np.sqrt(np.mean(np.square(pulls))) < 1.1


def test_a_specimen_that_was_displaced_may_explain_what_all_lengths_share() -> None:
    pristine = make_specimen({"LAGP": (0, 0, 0), "LFP": (0, 0, 0)}, 1)
    cycled = make_specimen({"LAGP": [0.001] * 3, "LFP": [0.001] * 3}, 2)
    found = compare(pristine, cycled)
    assert found.common.is_seen
    assert found.common.all_alike
    for name in ("LAGP", "LFP"):
        systematic = found.find_systematic(name)
        assert abs(found.changes[name].value[A]) < 1.96 * systematic[A]
        assert np.all(systematic[7:] < 1e-5)


def test_an_internal_standard_takes_the_displacement_out() -> None:
    pristine = make_specimen({"LAGP": (0, 0, 0), "NiO": (0, 0, 0)}, 1)
    cycled = make_specimen({"LAGP": (0.002, 0.002, 0.001), "NiO": [0.001] * 3}, 2)
    found = compare(pristine, cycled, BeamPath(displacement=0.0, distance=None, standard="NiO"))
    change = found.changes["LAGP"]
    assert change.value[A] == pytest.approx(0.001, abs=1e-4)
    assert change.value[C] == pytest.approx(0.0, abs=1e-4)
    assert found.common.length_systematic == 0


def test_temperatures_that_differ_or_are_unknown_are_in_the_systematic() -> None:
    warm = make_specimen({"LAGP": (0, 0, 0)}, 1, temperature=35.0)
    cold = make_specimen({"LAGP": (0, 0, 0)}, 2, temperature=25.0)
    unknown = make_specimen({"LAGP": (0, 0, 0)}, 3, temperature=np.nan)
    assert compare(warm, cold).temperature == pytest.approx(1.5e-4)
    assert compare(warm, unknown, apart=3.0).temperature == pytest.approx(4.5e-5)
    assert compare(cold, cold, apart=3.0).temperature == 0


def test_two_wavelengths_or_distances_are_two_setups() -> None:
    one, other = (make_specimen({"LAGP": (0, 0, 0)}, seed) for seed in (1, 2))
    assert compare(one, other).scale == 0
    other.lattice.attrs["wavelength"] = 0.2
    found = compare(one, other)
    assert not found.changes["LAGP"].has_one_zero
    assert found.scale == pytest.approx(2e-4 * np.sqrt(2))
    near, far = (
        Specimen(
            lattice=one.lattice,
            furnace=one.furnace,
            frames=one.frames,
            is_fitted=True,
            distance=distance,
        )
        for distance in (1000.0, 1001.0)
    )
    assert cells.is_one_setup(near, near)
    assert not cells.is_one_setup(near, far)


def test_several_frames_are_averaged_and_those_of_a_programme_left_out() -> None:
    one = make_specimen({"LFP": (0, 0, 0)}, 4, frames=9)
    mean = cells.average_cell(one, "LFP")
    assert mean is not None
    assert mean.frames == 9
    assert mean.own[A] / CELLS["LFP"][0] == pytest.approx(1e-5 / 3, rel=0.6)
    misfit = np.zeros(9, bool)
    misfit[0] = True
    assert list(cells.select_frames(one.furnace, one.lattice, misfit)) == [*range(1, 9)]
    heated = one.furnace.assign(
        temperature=("frame", [25.0, 25, 25, 100, 200, 300, 400, 500, 600]),
        rate=("frame", np.repeat([0.0, 10.0], [3, 6])),
        segment=("frame", np.array(["hold"] * 3 + ["heating"] * 6, object)),
    )
    assert list(cells.select_frames(heated, one.lattice, misfit)) == [1, 2]


def make_mean(value: float, *, by_zero: float, zero: float, zero_stderr: float) -> cells.MeanCell:
    return cells.MeanCell(
        value=np.full(9, value),
        own=np.full(9, 1e-4),
        by_zero=np.full(9, by_zero),
        zero=zero,
        zero_stderr=zero_stderr,
        free=[A],
        frames=3,
        scatter=1.0,
    )


def test_one_zero_is_the_weighted_mean_by_hand() -> None:
    """Zeros 0 +- 3e-4 and 5e-4 +- 4e-4 degree: weights 16 : 9, their mean 1.8e-4 +- 2.4e-4."""
    first = make_mean(8.0, by_zero=2.0, zero=0.0, zero_stderr=3e-4)
    second = make_mean(8.08, by_zero=4.04, zero=5e-4, zero_stderr=4e-4)
    found = cells.compare_means(first, second, one_setup=True)
    assert found.has_one_zero
    assert found.zeros == pytest.approx((1.8e-4, 1.8e-4))
    moved = 0.5 * (1.8e-4 - 5e-4) - 0.25 * 1.8e-4
    assert found.value[A] == pytest.approx(1.01 * (1 + moved) - 1)
    own = np.hypot(1e-4 / 8, 1e-4 / 8.08)
    ratio = 1.01 * (1 + moved)
    assert found.stderr[A] == pytest.approx(ratio * np.hypot(own, 0.25 * 2.4e-4))
    assert found.zero_systematic[A] == pytest.approx(abs(moved) / np.sqrt(3))
    apart = cells.compare_means(first, second, one_setup=False)
    assert apart.value[A] == pytest.approx(0.01)
    assert apart.stderr[A] == pytest.approx(
        1.01 * np.hypot(own, np.hypot(0.25 * 3e-4, 0.5 * 4e-4)), rel=1e-6
    )
