"""Which frames of a series have their structures refined."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ssbchar.errors import BadInput
from ssbchar.hexrd.rietveld.options import NamedFrame
from ssbchar.typing import Array, Bool

WHERE = "hexrd.rietveld.frames"


def choose_frames(
    asked: Sequence[NamedFrame | int],
    numbers: NDArray[np.int64],
    temperature: Array,
    usable: Bool,
) -> list[int]:
    """Return the frames asked for, in the order asked, each once.

    Parameters
    ----------
    asked : sequence of str or int
        ``first``, ``hottest``, ``last``, or numbers of frames.
    numbers : ndarray of int, shape (frame,)
        Numbers of the frames in the series.
    temperature : ndarray, shape (frame,)
        [degC], NaN where not known.
    usable : ndarray of bool, shape (frame,)
        Frames that were measured and have a phase with atoms and a cell.

    Returns
    -------
    list of int
        Positions in the series [1].

    Raises
    ------
    BadInput
        A number is not in the series or not usable, no frame is usable, or the hottest is asked for
        and no temperature is known.
    """
    good = np.flatnonzero(usable)
    if not good.size:
        raise BadInput(
            WHERE,
            "no frame has a phase with atoms whose cell was refined",
            "give the phases a cif, or name no frames",
        )
    chosen = []
    for one in asked:
        match one:
            case "first":
                chosen.append(int(good[0]))
            case "last":
                chosen.append(int(good[-1]))
            case "hottest":
                chosen.append(_find_hottest(good, temperature))
            case int():
                chosen.append(_find_number(one, numbers, usable))
    return list(dict.fromkeys(chosen))


def _find_hottest(good: NDArray[np.intp], temperature: Array) -> int:
    known = good[np.isfinite(temperature[good])]
    if not known.size:
        raise BadInput(
            WHERE, "'hottest' is asked for, no temperature is known", "give numbers of frames"
        )
    return int(known[np.argmax(temperature[known])])


def _find_number(number: int, numbers: NDArray[np.int64], usable: Bool) -> int:
    found = np.flatnonzero(numbers == number)
    if not found.size:
        raise BadInput(
            WHERE,
            f"no frame {number} in the series",
            f"frames are numbered {numbers.min()} to {numbers.max()}",
        )
    if not usable[found[0]]:
        raise BadInput(
            WHERE,
            f"frame {number} has no phase with atoms whose cell was refined",
            "name another frame",
        )
    return int(found[0])
