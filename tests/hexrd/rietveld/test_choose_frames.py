"""The frames asked for are those refined."""

import numpy as np
import pytest

from ssbchar.errors import BadInput
from ssbchar.hexrd.rietveld.choose_frames import choose_frames

NUMBERS = np.array([10, 11, 12, 13])
HOT = np.array([25.0, 700.0, 400.0, 30.0])
ALL = np.ones(4, bool)


def test_names_and_numbers_are_found_each_once() -> None:
    asked = ("first", "hottest", "last", 11, 12)
    assert choose_frames(asked, NUMBERS, HOT, ALL) == [0, 1, 3, 2]
    usable = np.array([False, False, True, True])
    assert choose_frames(("first", "hottest", "last"), NUMBERS, HOT, usable) == [2, 3]


def test_unknown_temperatures_are_passed_over() -> None:
    some = np.where(HOT > 500, np.nan, HOT)
    assert choose_frames(("hottest",), NUMBERS, some, ALL) == [2]
    with pytest.raises(BadInput, match="no temperature"):
        choose_frames(("hottest",), NUMBERS, np.full(4, np.nan), ALL)


@pytest.mark.parametrize(
    ("asked", "usable", "problem"),
    [
        ((14,), ALL, "no frame 14.*numbered 10 to 13"),
        ((11,), np.array([True, False, True, True]), "frame 11 has no phase with atoms"),
        (("first",), ~ALL, "no frame has a phase with atoms"),
    ],
)
def test_frames_that_are_not_there_are_refused(
    asked: tuple[int | str, ...], usable: np.ndarray, problem: str
) -> None:
    with pytest.raises(BadInput, match=problem):
        choose_frames(asked, NUMBERS, HOT, usable)  # type: ignore[arg-type]
