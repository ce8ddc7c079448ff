"""The temperature at which two lengths of a cell become equal, within its error."""

import numpy as np
import pytest
import xarray as xr
from hexrd.made_splitting import make_cells, make_phase, make_series

from ssbchar.conclusion import Conclusion
from ssbchar.hexrd.onset import transition as tr
from ssbchar.hexrd.refinement import refine
from ssbchar.hexrd.refinement.options import Refinement

TRUE = 205.0


def split(temperature: np.ndarray, power: float, largest: float = 0.004) -> np.ndarray:
    return largest * np.where(
        temperature < TRUE, (np.clip(TRUE - temperature, 0, None) / 180) ** power, 0.0
    )


def made(
    difference: np.ndarray, temperature: np.ndarray, seed: int = 0, noise: float = 1.5e-4
) -> tuple[xr.Dataset, xr.Dataset]:
    """Return cells as refined: below four errors a difference is noise's own, and is flagged."""
    rng = np.random.default_rng(seed)
    found = difference + noise * rng.standard_normal(difference.size)
    merged = np.abs(difference) < 4 * noise
    found = np.where(merged, noise * rng.uniform(0, 5, difference.size), found)
    error = np.where(merged, np.abs(found), noise)
    count = temperature.size
    cell = np.zeros((count, 1, 6))
    cell[:, 0] = [8.2, 5.6, 5.6, 90, 90, 90]
    cell[:, 0, 1] *= 1 + found / 2
    cell[:, 0, 2] *= 1 - found / 2
    covariance = np.zeros((count, 1, 6, 6))
    half = 5.6 * error / 2
    for k, m, sign in ((1, 1, 1), (2, 2, 1), (1, 2, -1), (2, 1, -1)):
        covariance[:, 0, k, m] = sign * half**2
    dims = ("frame", "phase")
    lattice = xr.Dataset(
        {
            "cell": ((*dims, "axis"), cell),
            "cell_covariance": ((*dims, "axis", "axis2"), covariance),
            "present": (dims, np.ones((count, 1), int)),
            "axes_merged": (dims, merged[:, None].astype(int)),
        },
        coords={"phase": ["P"]},
    )
    return lattice, make_furnace(temperature)


def make_furnace(temperature: np.ndarray) -> xr.Dataset:
    kind = np.where(np.arange(temperature.size) <= np.argmax(temperature), "heating", "cooling")
    return xr.Dataset(
        {
            "temperature": ("frame", temperature),
            "temperature_systematic": ("frame", np.full(temperature.size, 1.0)),
            "segment": ("frame", kind.astype(object)),
        }
    )


def find(difference: np.ndarray, temperature: np.ndarray, seed: int = 0) -> list[Conclusion]:
    return tr.find_transitions(*made(difference, temperature, seed), 0)


@pytest.mark.parametrize("power", [0.0, 0.25, 0.5, 1.0])
def test_the_true_temperature_lies_within_the_errors(power: float) -> None:
    temperature = np.linspace(25, 330, 40)
    pulls = []
    for seed in range(12):
        (row,) = find(split(temperature, power), temperature, seed)
        pulls.append((row.value - TRUE) / row.stderr)
        assert row.stderr < 20 and row.unit == "degC" and row.condition == "heating"
        assert "b and c differ by up to 0." in row.reason and "below it" in row.reason
    assert np.max(np.abs(pulls)) < 3.5


def test_heating_and_cooling_have_a_row_each() -> None:
    up = np.linspace(25, 330, 30)
    temperature = np.concatenate([up, up[::-1]])
    rows = find(split(temperature, 0.5), temperature)
    assert [row.condition for row in rows] == ["heating", "cooling"]
    assert all(abs(row.value - TRUE) < 3.5 * row.stderr for row in rows)


def test_axes_that_part_on_heating_are_split_above() -> None:
    temperature = np.linspace(25, 330, 30)
    (row,) = find(split(2 * TRUE - temperature, 0.5), temperature)
    assert abs(row.value - TRUE) < 3.5 * row.stderr and "above it" in row.reason


@pytest.mark.parametrize("kind", ["apart", "equal", "few", "crossing"])
def test_without_a_transition_there_is_no_row(kind: str) -> None:
    temperature = np.linspace(25, 330, 30)
    differences = {
        "apart": np.full(30, 0.004),
        "equal": np.zeros(30),
        "few": np.where(temperature > 310, 0.0, 0.004),
        # they cross: frames that tell them apart lie on both sides
        "crossing": 0.004 * (TRUE - temperature) / 180,
    }
    for seed in range(5):
        assert find(differences[kind], temperature, seed) == []


@pytest.mark.parametrize("is_heated", [True, False])
def test_the_transition_of_refined_patterns(is_heated: bool) -> None:
    temperature = np.linspace(25, 325, 20)[:: 1 if is_heated else -1]
    phase = make_phase()
    patterns, furnace = make_series(
        phase, temperature, make_cells(temperature, split(temperature, 0.5)), seed=5
    )
    if not is_heated:
        furnace["segment"] = ("frame", np.full(20, "cooling", object))
    lattice = refine.refine_series(patterns, furnace, [phase], Refinement())
    furnace = furnace.assign(temperature_systematic=("frame", np.zeros(20)))
    (row,) = tr.find_transitions(lattice, furnace, 0)
    # frames are 16 K apart, and those next to it do not tell the axes apart
    assert abs(row.value - TRUE) < 3 * row.stderr < 75


def axes(
    difference: list[float],
    is_merged: list[int],
    stderr: float = 1e-4,
    temperature: list[float] | None = None,
) -> tr.AxesOnSegment:
    count = len(difference)
    place = temperature or [100.0 + 10 * n for n in range(count)]
    return tr.AxesOnSegment(
        names="bc",
        temperature=np.array(place),
        systematic=np.full(count, 2.0),
        difference=np.array(difference),
        stderr=np.full(count, stderr),
        is_merged=np.array(is_merged, bool),
    )


STEP = [0.004] * 5 + [0.0] * 5
FLAGS = [0] * 5 + [1] * 5


def test_a_step_lies_between_two_frames() -> None:
    found = tr.locate_transition(axes(STEP, FLAGS))
    assert found is not None
    # 140 is the last that is split; no power law but a step goes through
    assert found.temperature == pytest.approx(145.0, abs=3) and found.stderr < 5
    assert found.stderr >= 10 / np.sqrt(12)
    assert (found.is_split_below, found.merged, found.largest) == (True, 5, 0.004)
    turned = tr.locate_transition(axes(STEP[::-1], FLAGS[::-1]))
    assert turned is not None and not turned.is_split_below
    assert turned.temperature == pytest.approx(145.0, abs=3)


@pytest.mark.parametrize(("height", "is_seen"), [(4.9e-4, False), (5.1e-4, True)])
def test_axes_differ_from_five_errors_on(height: float, is_seen: bool) -> None:
    found = tr.locate_transition(axes([height] * 5 + [0.0] * 5, FLAGS))
    assert (found is not None) == is_seen


@pytest.mark.parametrize(
    ("split", "merged", "is_seen"), [(3, 3, True), (2, 5, False), (5, 2, False)]
)
def test_three_frames_on_either_side(split: int, merged: int, is_seen: bool) -> None:
    found = tr.locate_transition(axes([0.004] * split + [0.0] * merged, [0] * split + [1] * merged))
    assert (found is not None) == is_seen


@pytest.mark.parametrize(("left", "is_seen"), [(0.0019, True), (0.0021, False)])
def test_frames_that_leave_half_of_the_difference_open_show_nothing(
    left: float, is_seen: bool
) -> None:
    found = tr.locate_transition(axes([*STEP[:7], left, 0.0, 0.0], FLAGS))
    assert (found is not None) == is_seen


def test_a_merged_frame_among_split_ones_is_no_transition() -> None:
    """Three merged frames must lie beyond the last that is split."""
    mixed = [0.004, 0.0, 0.004, 0.0, 0.0, 0.004, 0.0, 0.0]
    assert tr.locate_transition(axes(mixed, [0, 1, 0, 1, 1, 0, 1, 1])) is None
    longer = [0.004, 0.0, 0.004, 0.004, 0.0, 0.0, 0.0]
    found = tr.locate_transition(axes(longer, [0, 1, 0, 0, 1, 1, 1]))
    assert found is not None and found.merged == 3


def test_landaus_square_root_reaches_zero_at_the_transition() -> None:
    """D = A sqrt(T0 - T) with T0 = 155 and the frames at 100, 110 ... degC."""
    temperature = 100 + 10.0 * np.arange(10)
    value = 0.004 * np.sqrt(np.clip(155 - temperature, 0, None) / 55)
    found = tr.locate_transition(axes(value.tolist(), [0] * 6 + [1] * 4, stderr=1e-6))
    assert found is not None and found.temperature == pytest.approx(155.0, abs=2)


def test_the_difference_over_the_mean_and_its_error() -> None:
    """(b - c) / mean with covariance; frames in order of temperature; the sign is taken off."""
    temperature = np.linspace(330.0, 25.0, 10)
    lattice, _ = made(split(temperature, 0.5), temperature, noise=1e-5)
    cell = lattice["cell"].values[:, 0]
    furnace = make_furnace(temperature).assign(
        temperature_systematic=("frame", np.arange(10.0)),
        segment=("frame", np.full(10, "cooling", object)),
    )
    (segment,) = tr.split_segments(furnace["segment"].values)
    for places, sign in (((1, 2), 1), ((2, 1), -1)):
        found = tr.select_axes(lattice, furnace, 0, segment, places)
        assert found is not None and found.names == ("bc" if sign == 1 else "cb")
        order = np.argsort(temperature)
        np.testing.assert_array_equal(found.temperature, temperature[order])
        np.testing.assert_array_equal(found.systematic, np.arange(10.0)[order])
        right = (cell[:, 1] - cell[:, 2]) / (0.5 * (cell[:, 1] + cell[:, 2]))
        np.testing.assert_allclose(found.difference, right[order], rtol=1e-9, atol=1e-15)
        covariance = lattice["cell_covariance"].values[:, 0]
        variance = covariance[:, 1, 1] + covariance[:, 2, 2] - 2 * covariance[:, 1, 2]
        np.testing.assert_allclose(found.stderr, (np.sqrt(variance) / 5.6)[order], rtol=3e-3)
    assert tr.select_axes(lattice, furnace, 0, segment, (0, 1)) is None


@pytest.mark.parametrize(("apart", "are_near"), [(0.039, True), (0.041, False)])
def test_lengths_that_may_become_equal(apart: float, are_near: bool) -> None:
    temperature = np.linspace(25.0, 330.0, 10)
    lattice, furnace = made(np.full(10, apart), temperature, noise=1e-6)
    (segment,) = tr.split_segments(furnace["segment"].values)
    assert (tr.select_axes(lattice, furnace, 0, segment, (1, 2)) is not None) == are_near
    lattice["present"][:5] = 0
    assert tr.select_axes(lattice, furnace, 0, segment, (1, 2)) is None
    lattice["present"][4] = 1
    assert (tr.select_axes(lattice, furnace, 0, segment, (1, 2)) is not None) == are_near


def test_a_row_holds_both_errors() -> None:
    found = tr.Transition(
        axes=axes(STEP, FLAGS),
        temperature=145.0,
        stderr=1.5,
        is_split_below=True,
        largest=0.004,
        merged=5,
    )
    segment = tr.split_segments(np.array(["heating"] * 10, object))[0]
    row = tr._describe(found, segment)
    assert (row.value, row.stderr, row.systematic) == (145.0, 1.5, 2.0)
    assert row.lower95 == pytest.approx(145 - 1.96 * 2.5, abs=1e-3)
    assert row.upper95 == pytest.approx(145 + 1.96 * 2.5, abs=1e-3)
    assert row.reason.startswith("b and c differ by up to 0.4 % below it")
