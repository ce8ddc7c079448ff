"""Pairs from files to their rows: the published cycled electrolyte, a second pellet, a sample that
moved."""

import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hexrd.made_pairs import Powder, write_pattern
from hexrd.made_series import PHASES, call, phase_table

from ssbchar.conclusion import Conclusion
from ssbchar.decision import find_all_contradictions
from ssbchar.hexrd.pairs.options import Pair

PRODUCTS = PHASES.with_name("products.yaml")
Steps = dict[str, xr.Dataset]


def refine(folder: Path, phases: Sequence[str]) -> Steps:
    about = {"measurement": "m", "sample": "S", "role": "cycled"}
    patterns = call("hexrd.patterns.read_patterns", None, about, source=folder)
    furnace = call("hexrd.furnace.join_temperatures", None, about, patterns=patterns, log=None)
    both = {"patterns": patterns, "furnace": furnace, "phases": [phase_table(n) for n in phases]}
    return {
        "patterns": patterns,
        "furnace": furnace,
        "peaks": call("hexrd.peaks.fit_known_lines", None, about, **both),
        "lattice": call("hexrd.refinement.refine_series", None, about, **both),
    }


@functools.cache
def tabulate(table: Path) -> xr.Dataset:
    return call("crystal.tabulate_library", table=table)


def conclude(pristine: Steps, cycled: Steps, phases: Sequence[str]) -> list[Conclusion]:
    before = {f"pristine_{name}": one for name, one in pristine.items()}
    lines = call("hexrd.pairs.find_new_lines", **cycled, **before)
    named = call(
        "hexrd.pairs.name_new_lines",
        new_lines=lines,
        library=tabulate(PHASES),
        products=tabulate(PRODUCTS),
    )
    rows = call(
        "hexrd.pairs.conclude_measurement",
        None,
        {"sample": "S", "source": "m"},
        **cycled,
        **before,
        phases=[phase_table(n) for n in phases],
        new_lines=iter(named),
        pair=Pair(),
    )
    assert find_all_contradictions(rows) == []
    return rows


def find(rows: Sequence[Conclusion], quantity: str, end: str = "") -> Conclusion:
    (row,) = [r for r in rows if r.quantity == quantity and r.condition.endswith(end)]
    return row


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Steps:
    folder = tmp_path_factory.mktemp("pristine")
    return refine(write_pattern(folder, [Powder(phase="LAGP")], 1), ["LAGP"])


def test_the_published_cycled_electrolyte(pristine: Steps, tmp_path: Path) -> None:
    """a +0.3 %, c -0.2 %, lines 1.8 times as broad, and a Li-Ge alloy."""
    powders = [
        Powder(phase="LAGP", change=(0.003, 0.003, -0.002), fwhm=0.028),
        Powder(phase="Li15Ge4", amount=0.06, fwhm=0.03, table=PRODUCTS),
    ]
    rows = conclude(pristine, refine(write_pattern(tmp_path, powders, 2), ["LAGP"]), ["LAGP"])
    true = {"a": 0.3, "c": -0.2, "volume": 0.4000, "c/a": -0.4985}
    for name, value in true.items():
        row = find(rows, "cell_change", f"pristine {name}")
        assert row.verdict == "changed"
        assert abs((row.value or 0) - value) < 3 * np.hypot(row.stderr or 0, row.systematic or 0)
        assert np.hypot(row.stderr or 0, row.systematic or 0) < 0.09
    breadth = find(rows, "breadth_ratio")
    assert breadth.verdict == "changed"
    assert breadth.value == pytest.approx(0.028 / 0.0155, abs=4 * (breadth.stderr or 0))
    new = find(rows, "new_lines")
    # Li15Si4 of the same type explains them as well, but there is no silicon.
    assert new.verdict == "named"
    assert [r.subject for r in rows if r.quantity == "candidate"] == ["Li15Ge4"]
    verdict = find(rows, "structure")
    assert verdict.verdict == "changed"
    for said in ("a of LAGP changed by +0.", "breadth of LAGP changed by +8", "of Li15Ge4"):
        assert said in verdict.reason


def test_a_second_pellet_is_retained(pristine: Steps, tmp_path: Path) -> None:
    """Of another exposure and on another grid."""
    folder = write_pattern(
        tmp_path,
        [Powder(phase="LAGP")],
        3,
        axis=(0.9, 4.5, 0.003),
        counts=15_000.0,
        background=2400.0,
    )
    rows = conclude(pristine, refine(folder, ["LAGP"]), ["LAGP"])
    assert find(rows, "structure").verdict == "retained"
    assert not [row for row in rows if row.verdict == "changed"]


def test_a_pellet_that_was_moved_has_not_changed(pristine: Steps, tmp_path: Path) -> None:
    """1.2 mm of a metre along the beam: all lengths 0.12 % larger."""
    folder = write_pattern(tmp_path, [Powder(phase="LAGP")], 4, displacement=0.0012)
    rows = conclude(pristine, refine(folder, ["LAGP"]), ["LAGP"])
    common = find(rows, "common_change")
    assert common.verdict == "possible displacement"
    assert common.value == pytest.approx(0.12, abs=0.03)
    assert not [row for row in rows if row.verdict == "changed"]
    assert find(rows, "structure").verdict == "inconclusive"
    assert find(rows, "cell_change", "c/a").verdict == "retained"
