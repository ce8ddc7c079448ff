"""The heating series: cells that are written are the true ones."""

from pathlib import Path

import numpy as np
import pytest

from ssbchar.simulate.effects import IDEAL
from ssbchar.simulate.hexrd import heating, programme
from ssbchar.simulate.hexrd.pattern import BM17
from ssbchar.simulate.hexrd.programme import FrameCounts


@pytest.mark.parametrize("mixture", [heating.STABLE, heating.REACTING], ids=lambda m: m.sample)
def test_the_cells_that_are_written_are_the_true_ones(mixture):
    """The first and the last frame, both at 25 degC, hold the cells that ``truth.json`` states."""
    made = programme.Programme(start=mixture.start)
    time = made.list_frame_times(FrameCounts(heating=10, hold=2, cooling=10, rest=2))
    parts = {p.crystal.name: p for p in heating.place_phases(mixture, made, time, IDEAL)}
    seen = 0
    for truth in heating.list_truths(mixture, made):
        frame = {"before heating": 0, "after cooling": -1}.get(truth.condition)
        if frame is not None and truth.quantity in heating.CELL_NAMES:
            found = parts[truth.subject].cell[frame][heating.CELL_NAMES.index(truth.quantity)]
            assert found == pytest.approx(truth.value, rel=1e-9)
            seen += 1
    assert seen >= 4


def test_xye_is_three_columns_with_counting_errors(small: Path):
    table = np.loadtxt(small / "hexrd" / "heating_LAGP_LFP" / "001.xye")
    assert table.shape == (BM17.points, 3)
    assert np.allclose(table[:, 2], np.sqrt(table[:, 1]), atol=0.06)
    assert np.allclose(np.diff(table[:, 0]), BM17.step, atol=2e-4)
