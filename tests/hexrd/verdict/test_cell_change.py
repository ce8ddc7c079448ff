"""Cells against themselves, with known truth: over holds, against their own expansion, at rest."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from hexrd.made_lattice import CELLS, MadePhase, add_lines, made

from ssbchar.crystal.cell import volume_from_cell
from ssbchar.hexrd.expansion import fit
from ssbchar.hexrd.expansion.options import Expansion
from ssbchar.hexrd.verdict import cell_change
from ssbchar.hexrd.verdict.common_change import BeamPath
from ssbchar.hexrd.verdict.comparison import Compared, Decided, decide_all, list_stretches
from ssbchar.hexrd.verdict.line_area import ExplainedArea
from ssbchar.hexrd.verdict.options import Stability
from ssbchar.hexrd.verdict.reference_cells import ReferenceCell, ReferenceFrames, RefinedSeries

OPTIONS = Stability(cell_tolerance=0.2)
UNKNOWN = BeamPath(displacement=0.0, distance=None)


def decided(
    phases: list[MadePhase],
    change: np.ndarray | None = None,
    path: BeamPath = UNKNOWN,
    misfit: tuple[int, ...] = (),
    **kind: float,
) -> dict[tuple[str, str], Decided]:
    """Decisions by phase and condition; the lengths of the first phase change by so much."""
    lattice, furnace = made(phases, **kind)
    curves = fit.fit_expansion(lattice, furnace, Expansion())
    if change is not None:
        cell = lattice["cell"].values.copy()
        cell[:, 0, :3] *= 1 + change[:, None]
        lattice = lattice.assign(cell=(lattice["cell"].dims, cell))
    lattice, _ = add_lines(lattice)
    share = np.ones(lattice.sizes["frame"])
    share[list(misfit)] = 0.0
    series = RefinedSeries(lattice=lattice, furnace=furnace, expansion=curves)
    found, shared = cell_change.compare_over_stretches(
        series,
        [one.name for one in phases],
        list_stretches(furnace, OPTIONS),
        ExplainedArea(share=share, bound=0.8),
        path,
        OPTIONS,
    )
    assert set(shared) == {one.name for one in list_stretches(furnace, OPTIONS)}
    return {(d.comparison.phase, d.comparison.condition): d for d in decide_all(found)}


TWO = [MadePhase(), MadePhase("monoclinic", "B")]
FRAMES = 4 + 62 + 5 + 22 + 4
HOLD = slice(66, 71)


def test_phases_that_only_expand_have_changed_nowhere() -> None:
    found = decided(TWO, seed=1)
    conditions = {c for phase, c in found if phase == "B"}
    for stretch in ("rest", "heating", "hold", "cooling", "rest 2"):
        assert {f"{stretch} {x}" for x in ("a", "b", "c", "beta", "volume")} <= conditions
    assert ("A", "rest b") not in found, "b follows a"
    for key, one in found.items():
        assert one.decision.verdict == "retained", (key, one.decision)
        assert abs(one.decision.value) < 4 * one.decision.sigma
    assert found["B", "rest beta"].comparison.unit == "degree"
    assert found["B", "rest beta"].decision.bound == pytest.approx(np.degrees(0.002))


def test_a_change_over_the_hold_is_measured() -> None:
    """0.4 % over the hot hold, by a straight line: 0.32 % between its first and last frame."""
    change = np.zeros(FRAMES)
    change[HOLD] = 4e-3 * (np.arange(5) + 0.5) / 5
    change[71:] = 4e-3
    found = decided(TWO, change, seed=2)
    one = found["A", "hold a"].decision
    assert one.verdict == "changed" and one.value == pytest.approx(0.32, abs=0.02)
    volume = found["A", "hold volume"].decision
    assert volume.value == pytest.approx(3 * one.value, rel=0.05)
    assert found["B", "hold a"].decision.verdict == "retained"


def test_what_all_phases_change_by_may_be_displacement() -> None:
    change = np.zeros(FRAMES)
    change[HOLD] = 4e-3 * (np.arange(5) + 0.5) / 5
    found = decided([MadePhase()], change, seed=2)
    one = found["A", "hold a"].decision
    assert one.verdict == "inconclusive" and one.lower95 < 0
    assert one.systematic == pytest.approx(one.value / np.sqrt(3), rel=0.1)
    assert "may be displacement" in found["A", "hold a"].comparison.basis


def test_a_sample_that_may_have_moved_widens_every_change() -> None:
    path = BeamPath(displacement=2e-3, distance=50.0)
    found = decided(TWO, path=path, seed=1)
    assert found["A", "rest a"].decision.verdict == "inconclusive"
    assert found["A", "rest a"].decision.systematic == pytest.approx(0.2, rel=0.01)
    assert found["A", "rest volume"].decision.systematic == pytest.approx(0.6, rel=0.01)
    # Angles do not depend on where the sample is.
    assert found["B", "rest beta"].decision.verdict == "retained"


def test_a_cell_that_leaves_its_own_expansion() -> None:
    """Longer by 0.4 % between 600 and 800 degC, as of a phase that loses lithium."""
    temperature = made(TWO, seed=3)[1]["temperature"].values
    change = 4e-3 * np.clip((np.maximum.accumulate(temperature) - 600) / 150, 0, 1)
    found = decided(TWO, change, seed=3)
    one = found["A", "heating a"]
    assert one.comparison.is_against_trend and one.decision.verdict == "changed"
    assert abs(one.decision.value - 0.4) < 3 * one.decision.sigma
    assert found["B", "heating a"].decision.verdict == "retained"


def test_frames_that_are_not_explained_are_left_out() -> None:
    change = np.zeros(FRAMES)
    change[67] = 0.05
    wild = decided(TWO, change, seed=1)["A", "hold a"].decision
    left_out = decided(TWO, change, misfit=(67,), seed=1)["A", "hold a"]
    assert wild.verdict == "inconclusive" and left_out.decision.verdict == "retained"
    assert "4 frames at 800 degC" in left_out.comparison.basis


def test_one_frame_is_not_compared() -> None:
    assert decided(TWO, heating=1, hold=0, cooling=0, rest=0) == {}


def cell(scale: float = 1.0, beta: float = 94.0) -> ReferenceCell:
    base = np.array(CELLS["monoclinic"][0], float)
    base[:3] *= scale
    base[4] = beta
    value = np.append(base, volume_from_cell(base[None]))
    stderr = value * 1e-5 * np.array([1, 1, 1, 0, 1, 0, 3])
    zero = np.zeros(7)
    return ReferenceCell(
        value=value, stderr=stderr, common=zero, systematic=zero, frames=4, scatter=1.0
    )


def test_after_cooling_by_hand() -> None:
    frames = ReferenceFrames(
        before=np.arange(4), after=np.arange(8, 12), temperature=25.0, on_hold=True
    )
    free = {"A": [0, 1, 2, 4, 6], "B": [0, 6], "C": [0]}
    before = {"A": cell(), "B": cell(), "C": cell()}
    after = {"A": cell(1.003, beta=94.2), "B": cell(1.0001)}
    found, common = cell_change.compare_at_rest(before, after, free, frames, UNKNOWN, OPTIONS)
    by = {(one.phase, one.quantity, one.axis): one for one in found}
    assert {phase for phase, _, _ in by} == {"A", "B"}, "C has nothing to compare with"
    assert common.phase == "B" and common.value == pytest.approx(1e-4, rel=0.01)
    a = by["A", "cell_change", "a"]
    assert a.estimate.value == pytest.approx(0.3) and a.condition == "after cooling a"
    # B's three lengths changed by 1e-4, each known to sqrt(2) 1e-5: two of the mean's errors more.
    most = 1e-4 + 2 * np.sqrt(2 / 3) * 1e-5
    assert a.estimate.systematic == pytest.approx(100 * most / np.sqrt(3), rel=0.01)
    beta = by["A", "cell_change", "beta"]
    assert beta.estimate.value == pytest.approx(0.2) and beta.unit == "degree"
    assert beta.estimate.systematic == 0.0
    volume = by["A", "volume_return", ""]
    assert volume.estimate.systematic == pytest.approx(300 * most / np.sqrt(3), rel=0.01)
    assert volume.condition == "after cooling"
    words = {key: one.decision.verdict for key, one in zip(by, decide_all(found), strict=True)}
    assert words["A", "cell_change", "a"] == words["A", "volume_return", ""] == "changed"
    assert words["B", "cell_change", "a"] == words["B", "volume_return", ""] == "retained"


def test_a_drift_at_rest_widens_the_return() -> None:
    frames = ReferenceFrames(
        before=np.arange(4), after=np.arange(8, 12), temperature=25.0, on_hold=True
    )
    drifting = cell()
    drifting.drift[0] = 0.01
    found, _ = cell_change.compare_at_rest(
        {"A": drifting}, {"A": cell()}, {"A": [0]}, frames, UNKNOWN, OPTIONS
    )
    right = 100 * 0.01 / CELLS["monoclinic"][0][0] / 2 / np.sqrt(3)
    noise = 100 * 2 * np.sqrt(2 / 3) * 1e-5 / np.sqrt(3)
    assert found[0].estimate.systematic == pytest.approx(np.hypot(right, noise), rel=1e-3)


def widths(before: float, after: float, scatter: float = 0.0) -> xr.Dataset:
    """Two times six frames of one phase with lines of two breadths [degree]."""
    rng = np.random.default_rng(0)
    breadth = np.repeat([before, after], 6) * (1 + scatter * rng.normal(size=12))
    return xr.Dataset({"strain_width": (("frame", "phase"), breadth[:, None])})


@pytest.mark.parametrize(
    ("before", "after", "scatter", "breadth"),
    [
        (0.03, 0.05, 0.0, 0.04),
        (0.0, 0.2, 0.0, 0.2),
        (0.05, 0.03, 0.0, 0.0),
        (0.05, 0.055, 0.0, 0.0),
        (0.03, 0.04, 0.3, 0.0),
    ],
)
def test_lines_that_became_broader(
    before: float, after: float, scatter: float, breadth: float
) -> None:
    found = cell_change.measure_broadening(
        widths(before, after, scatter), 0, np.arange(6), np.arange(6, 12)
    )
    assert found == pytest.approx(np.radians(breadth) / 2)
    assert cell_change.measure_broadening(xr.Dataset(), 0, np.arange(6), np.arange(6, 12)) == 0.0


def test_a_cell_whose_lines_became_broader_is_not_said_to_be_kept() -> None:
    """0.17 % of d: a cubic cell may have parted by that."""
    frames = ReferenceFrames(
        before=np.arange(4), after=np.arange(4, 7), temperature=25.0, on_hold=True
    )
    free = {"A": [0, 1, 2, 6]}

    def words(broadening: float) -> set[str]:
        found, _ = cell_change.compare_at_rest(
            {"A": cell()},
            {"A": cell()},
            free,
            frames,
            UNKNOWN,
            OPTIONS,
            broadening={"A": broadening},
        )
        told = all("may have parted" in one.basis for one in found)
        assert told == (broadening > 0)
        return {str(one.decision.verdict) for one in decide_all(found)}

    (beta,) = cell_change.compare_at_rest(
        {"A": cell()}, {"A": cell()}, {"A": [4]}, frames, UNKNOWN, OPTIONS, broadening={"A": 0.001}
    )[0]
    assert beta.unit == "degree" and beta.estimate.systematic == pytest.approx(np.degrees(0.001))
    assert words(0.0) == {"retained"}
    assert words(0.0017) == {"inconclusive"}


def test_cells_of_frames_that_are_not_explained_are_not_compared() -> None:
    frames = ReferenceFrames(
        before=np.arange(4), after=np.arange(4, 7), temperature=25.0, on_hold=True
    )
    unfitted = replace(cell(), is_fitted=False)
    found, _ = cell_change.compare_at_rest(
        {"A": cell()}, {"A": unfitted}, {"A": [0, 1, 2, 6]}, frames, UNKNOWN, OPTIONS
    )
    assert [one.quantity for one in found] == [Compared.VOLUME]
    parted = replace(cell(), is_one=False)
    found, _ = cell_change.compare_at_rest(
        {"A": cell()}, {"A": parted}, {"A": [0, 1, 2, 6]}, frames, UNKNOWN, OPTIONS
    )
    assert [one.quantity for one in found] == [Compared.VOLUME]
