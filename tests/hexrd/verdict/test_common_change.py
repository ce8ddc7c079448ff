"""What changes all phases alike is geometry, until a standard says otherwise."""

import json

import numpy as np
import pytest
import xarray as xr
from hexrd.made_lattice import MadePhase, made

from ssbchar.crystal.cell import volume_from_cell
from ssbchar.hexrd.verdict import common_change as common
from ssbchar.hexrd.verdict.common_change import BeamPath, PhaseChange
from ssbchar.hexrd.verdict.options import Stability

UNKNOWN = BeamPath(displacement=0.0, distance=None)
OPTIONS = Stability()


def phase(name: str, *values: float, stderr: float = 2e-5) -> PhaseChange:
    return PhaseChange(name=name, value=np.array(values), stderr=np.full(len(values), stderr))


def found(*phases: PhaseChange, path: BeamPath = UNKNOWN) -> common.CommonChange:
    return common.find_common_change(phases, path, at_rest=True)


@pytest.mark.parametrize(
    ("phases", "value", "name", "alike"),
    [
        ([phase("A", -9e-4, -9e-4), phase("B", -9e-4, -8.9e-4)], -9e-4, "B", True),
        ([phase("A", -9e-4, -9e-4)], -9e-4, "A", True),
        ([phase("A", -9e-4, -9e-4), phase("B", 3e-3)], -9e-4, "A", False),
        ([phase("A", 3e-4, 3e-4), phase("B", -2e-4, -2e-4)], -2e-4, "B", False),
        ([phase("A", 3e-3, -2e-3)], 0.0, "A", False),
        ([phase("A", 3e-3, 1e-3)], 1e-3, "A", True),
        ([phase("A", -9e-4), phase("B", 1e-4, stderr=2e-3)], -9e-4, "A", False),
        ([], 0.0, "", False),
        ([phase("A")], 0.0, "", False),
    ],
    ids=[
        "the sample moved",
        "one phase, alike in all lengths",
        "one changed and one moved",
        "against each other: the smaller",
        "lengths against each other",
        "lengths alike in sign: the smaller",
        "a poor measurement does not decide",
        "nothing compared",
        "no free length",
    ],
)
def test_the_common_change(phases: list, value: float, name: str, alike: bool) -> None:
    change = found(*phases)
    assert change.value == pytest.approx(value, rel=0.02, abs=1e-9)
    assert change.phase == name and change.all_alike == alike


def test_its_systematic_is_a_rectangle_and_triples_in_the_volume() -> None:
    change = found(phase("A", -9e-4, -9e-4))
    # As much as may be common at most: two standard errors of the mean of two lengths more.
    assert change.largest == pytest.approx(9e-4 + 2 * 2e-5 / np.sqrt(2))
    one = change.largest / np.sqrt(3)
    np.testing.assert_allclose(change.systematic, [one] * 3 + [0] * 3 + [3 * one], rtol=1e-9)
    path = BeamPath(displacement=1e-4, distance=1000.0)
    both = found(phase("A", -9e-4, -9e-4), path=path)
    assert both.length_systematic == pytest.approx(np.hypot(one, 1e-4))
    standard = BeamPath(displacement=0.0, distance=None, standard="S")
    assert found(phase("A", -9e-4), path=standard).length_systematic == 0.0
    trend = common.find_common_change([phase("A", -9e-4)], UNKNOWN, at_rest=False)
    assert trend.length_systematic == pytest.approx(9e-4 / np.sqrt(3))


def test_how_far_the_sample_may_have_moved() -> None:
    describe = common.describe_beam_path
    assert describe(None, OPTIONS).displacement == 0.0
    assert describe(500.0, OPTIONS).displacement == pytest.approx(0.1 / 500)
    assert describe(500.0, Stability(distance=1000.0)).displacement == pytest.approx(1e-4)
    assert describe(None, Stability(distance=1000.0, displacement=0.2)).displacement == 2e-4
    standard = describe(500.0, OPTIONS, standard="S")
    assert standard.displacement == 0.0 and standard.uncorrected == pytest.approx(0.1 / 500)


def test_the_row() -> None:
    (row,) = common.conclude_common_change(found(phase("A", -9e-4, -9e-4)), OPTIONS)
    assert row.verdict == "possible displacement" and row.value == pytest.approx(-0.09)
    assert row.condition == "after cooling" and row.unit == "percent"
    (row,) = common.conclude_common_change(found(phase("A", 3e-3), phase("B", -1e-4)), OPTIONS)
    assert row.verdict == "ok"
    (row,) = common.conclude_common_change(found(phase("A", 1e-5, 1e-5)), OPTIONS)
    assert row.verdict == "ok" and "no common change seen" in row.reason
    assert common.conclude_common_change(found(), OPTIONS) == []
    standard = BeamPath(displacement=0.0, distance=None, standard="S")
    (row,) = common.conclude_common_change(found(path=standard), OPTIONS)
    assert row.value is None and "taken out" in row.reason


def test_fixed_and_unmeasured_lengths_do_not_count() -> None:
    listed = common.list_length_changes(
        "A", np.array([1.0, np.nan, 2.0, 5.0]), np.array([0.1, 0.1, 0.0, 0.1])
    )
    np.testing.assert_array_equal(listed.value, [1.0])


def table(size: float, /, **expansion: float) -> xr.Dataset:
    entries = {axis: {"value": value} for axis, value in expansion.items()}
    return xr.Dataset(
        attrs={
            "phase": "S",
            "volume": size,
            "cell": [9.4, 9.4, 9.4, 90.0, 90.0, 90.0],
            "temperature": 25.0,
            "expansion": json.dumps(entries),
        }
    )


def moved(scale: np.ndarray) -> tuple[xr.Dataset, xr.Dataset]:
    """A standard and a sample whose lengths all read too long by a factor per frame."""
    lattice, furnace = made([MadePhase("cubic", "S"), MadePhase(name="A")], seed=3)
    cell = lattice["cell"].values.copy()
    cell[..., :3] *= scale[:, None, None]
    volume = volume_from_cell(cell.reshape(-1, 6)).reshape(cell.shape[:2])
    return lattice.assign(
        cell=(lattice["cell"].dims, cell),
        volume=(lattice["volume"].dims, volume),
        volume_stderr=(lattice["volume"].dims, 3 * 2e-5 * volume),
    ), furnace


@pytest.mark.parametrize("growth", [{"a": 1.1e-5}, {"volume": 3.3e-5}, {}])
def test_a_standard_takes_the_displacement_out(growth: dict[str, float]) -> None:
    lattice, furnace = made([MadePhase("cubic", "S"), MadePhase(name="A")], seed=3)
    scale = 1 - 9e-4 * np.linspace(0, 1, lattice.sizes["frame"])
    shifted, _ = moved(scale)
    known = {"S": table(9.4**3, **growth)}
    corrected, ratio = common.divide_by_standard(shifted, furnace, known, Stability(standard="S"))
    assert ratio is not None and ratio.is_absolute == bool(growth)
    rest = slice(-4, None)
    right = lattice["cell"].values[rest, 1, 0].mean() / lattice["cell"].values[:4, 1, 0].mean()
    cell = corrected["cell"].values[:, 1, 0]
    assert cell[rest].mean() / cell[:4].mean() == pytest.approx(right, abs=6e-5)
    # Angles stay, and so does the standard itself.
    np.testing.assert_array_equal(
        corrected["cell"].values[..., 3:], shifted["cell"].values[..., 3:]
    )
    np.testing.assert_array_equal(corrected["cell"].values[:, 0], shifted["cell"].values[:, 0])
    # The standard's own error is added: 2e-5 of both, in the covariance too.
    stderr = corrected["cell_stderr"].values[5, 1, 0] / corrected["cell"].values[5, 1, 0]
    assert stderr == pytest.approx(np.hypot(2e-5, 2e-5), rel=0.05)
    variance = corrected["cell_covariance"].values[:, 1, 0, 0]
    np.testing.assert_allclose(np.sqrt(variance), corrected["cell_stderr"].values[:, 1, 0])
    assert corrected["cell_stderr"].values[5, 1, 3] == 0.0


def test_a_standard_of_known_expansion_gives_the_scale_itself() -> None:
    shifted, furnace = moved(np.full(97, 1.001))
    _, ratio = common.divide_by_standard(
        shifted, furnace, {"S": table(9.4**3, a=1.1e-5)}, Stability(standard="S")
    )
    assert ratio is not None
    np.testing.assert_allclose(ratio.value[:4], 1.001, atol=1e-4)


def test_without_a_usable_standard_nothing_is_divided() -> None:
    lattice, furnace = made([MadePhase("cubic", "S"), MadePhase(name="A")])
    known = {"S": table(9.4**3)}
    for options, tables in (
        (Stability(), known),
        (Stability(standard="X"), known),
        (Stability(standard="S"), {}),
        (Stability(standard="S"), {"S": xr.Dataset(attrs={"phase": "S"})}),
    ):
        same, ratio = common.divide_by_standard(lattice, furnace, tables, options)
        assert ratio is None and same is lattice
    gone = lattice.assign(present=lattice["present"] * 0)
    assert common.divide_by_standard(gone, furnace, known, Stability(standard="S"))[1] is None


@pytest.mark.parametrize(
    ("rates", "right"),
    [
        ({"a": 1e-5, "c": 2e-5}, 4e-5),
        ({"a": 1e-5}, None),
        ({"c": 1e-5}, None),
        ({"a": 1e-5, "volume": 7e-5}, 7e-5),
        ({}, None),
    ],
)
def test_the_expansion_of_a_volume_needs_every_axis(rates: dict, right: float | None) -> None:
    """Of a trigonal cell: b follows a, c is its own."""
    trigonal = table(1.0, **rates)
    trigonal.attrs["cell"] = [8.26, 8.26, 20.64, 90.0, 90.0, 120.0]
    assert common._read_volume_expansion(trigonal) == (
        None if right is None else pytest.approx(right)
    )
