"""A series followed frame by frame gives the refinement's cells within their errors, goes on from a
file to the last digit, and is not led astray by temperatures that come late."""

import json

import numpy as np
import pytest
from hexrd.refinement.test_refine import series, table

from ssbchar.hexrd.refinement import follow, refine
from ssbchar.hexrd.refinement.options import Refinement
from ssbchar.simulate.hexrd import crystal

PHASES = ("LFP", "CeO2", "NCM811", "GeO2_rutile")
AT = np.linspace(400, 800, 16)


@pytest.fixture(scope="module")
def reacting():
    growing = np.clip((AT - 600) / 200, 0, 1) * 900
    fading = np.clip((700 - AT) / 200, 0, 1) * 900
    crystals = [crystal.LFP, crystal.CEO2, crystal.NCM811]
    return series(crystals, [900, growing, fading], AT)


def follow_all(patterns, temperature, *, by_file: bool = False) -> list[follow.FollowedFrame]:
    phases, found = table(*PHASES), []
    one = follow.SeriesFollower(phases, Refinement())
    for i in range(temperature.size):
        found += one.refine(patterns.isel(frame=[i]), temperature[i : i + 1])
        if by_file and one.place:
            place = follow.read_place(json.loads(json.dumps(one.place.as_plain())))
            one = follow.SeriesFollower(phases, Refinement(), place)
    return found


def test_cells_are_those_of_the_refinement_and_of_the_truth_within_their_errors(reacting) -> None:
    patterns, furnace, truth = reacting
    found = follow_all(patterns, AT)
    whole = refine.refine_series(patterns, furnace, table(*PHASES), Refinement())
    present = np.array([one.present for one in found])
    assert np.abs(present.astype(int) - whole["present"].values).sum() <= 2
    assert present[:, 0].all() and not present[:, 3].any()
    cell, stderr = (np.array([getattr(one, n) for one in found]) for n in ("cell", "cell_stderr"))
    for k, axes in enumerate(((0, 1, 2), (0,), (0, 2))):
        for axis in axes:
            error = (cell[:, k, axis] - truth[k][:, axis]) / stderr[:, k, axis]
            apart = (cell[:, k, axis] - whole["cell"].values[:, k, axis]) / stderr[:, k, axis]
            assert np.nanmax(np.abs(error)) < 4 and np.nanmax(np.abs(apart)) < 4
    assert all(np.isnan(one.cell[3]).all() for one in found)


def test_a_place_in_a_file_goes_on_to_the_last_digit(reacting) -> None:
    patterns = reacting[0]
    for one, other in zip(
        follow_all(patterns, AT), follow_all(patterns, AT, by_file=True), strict=True
    ):
        assert np.array_equal(one.cell, other.cell, equal_nan=True)
        assert one.rwp == other.rwp


def test_a_temperature_that_comes_late_moves_no_cell(reacting) -> None:
    """The frames before were followed without: their cells are already where it is hot."""
    patterns, _, truth = reacting
    late = AT.copy()
    late[1:12] = np.nan
    found = follow_all(patterns, late)
    assert max(one.gof for one in found) < 1.2
    length = np.array([one.cell[0, 0] for one in found])
    stderr = np.array([one.cell_stderr[0, 0] for one in found])
    assert np.nanmax(np.abs(length - truth[0][:, 0]) / stderr) < 4


def test_a_wrong_start_is_left_for_the_cells_of_the_literature(reacting) -> None:
    patterns = reacting[0]
    one = follow.SeriesFollower(table(*PHASES), Refinement())
    one.refine(patterns.isel(frame=[0, 1, 2, 3, 4, 5]), AT[:6])
    assert one.place is not None
    parameters = one.place.parameters
    wrong = parameters.strain.copy()
    wrong[0, :3] += 0.012
    moved = follow.replace(parameters, strain=wrong)
    one.place = follow.replace(one.place, parameters=moved, is_current=False)
    found = one.refine(patterns.isel(frame=[6]), AT[6:7])[0]
    assert found is not None and found.gof < 1.2


def test_a_frame_that_cannot_be_used_is_none_and_moves_nothing(reacting) -> None:
    patterns = reacting[0].isel(frame=[0, 1]).copy()
    patterns["status"] = ("frame", np.array(["ok", "zeros"], object))
    one = follow.SeriesFollower(table("LFP"), Refinement())
    first, second = one.refine(patterns, AT[:2])
    assert first is not None and second is None and one.place is not None
    assert one.place.frames == 1
    alone = follow.SeriesFollower(table("LFP"), Refinement())
    assert alone.refine(patterns.isel(frame=[1]), AT[1:2]) == [None]
    assert alone.place is None
