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
