"""Intensities kept, against truth; what all phases share is nobody's loss."""

import numpy as np
import pytest
import xarray as xr
from hexrd.made_lattice import MadePhase, add_lines, made

from ssbchar.hexrd.expansion import fit
from ssbchar.hexrd.expansion.options import Expansion
from ssbchar.hexrd.verdict import intensity_kept
from ssbchar.hexrd.verdict.common_change import BeamPath
from ssbchar.hexrd.verdict.comparison import Decided, decide_all, list_stretches
from ssbchar.hexrd.verdict.line_area import ExplainedArea, measure_explained_area
from ssbchar.hexrd.verdict.options import Stability
from ssbchar.hexrd.verdict.reference_cells import RefinedSeries, select_reference_frames

OPTIONS = Stability(intensity_tolerance=20.0)
UNKNOWN = BeamPath(displacement=0.0, distance=None)
STRONG = {"noise": 0.1}


def decided(
    phases: list[MadePhase],
    gain: float = 1.0,
    background: tuple[float, float] = (50.0, 50.0),
    standard: str = "",
    **kind: float,
) -> dict[tuple[str, str], Decided]:
    """Decisions by phase and stretch; `gain` and the background's change come with cooling."""
    lattice, furnace = made(phases, **kind)
    late = np.arange(lattice.sizes["frame"]) > int(np.argmax(furnace["temperature"].values))
    factor = np.where(late, gain, 1.0)[:, None]
    lattice = lattice.assign(
        intensity=lattice["intensity"] * factor, intensity_stderr=lattice["intensity_stderr"]
    )
    curves = fit.fit_expansion(lattice, furnace, Expansion())
    lattice, peaks = add_lines(lattice)
    level = np.where(late, background[1], background[0])[:, None]
    level = np.broadcast_to(level, lattice["background"].shape)
    lattice = lattice.assign(background=(lattice["background"].dims, level))
    series = RefinedSeries(lattice=lattice, furnace=furnace, expansion=curves)
    explained = measure_explained_area(peaks, lattice, None, OPTIONS)
    found = intensity_kept.compare_intensities(
        series,
        [one.name for one in phases if one.name != standard],
        select_reference_frames(furnace, OPTIONS),
        stretches=list_stretches(furnace, OPTIONS),
        explained=explained,
        path=BeamPath(displacement=0.0, distance=None, standard=standard),
        options=OPTIONS,
    )
    return {(d.comparison.phase, d.comparison.stretch): d for d in decide_all(found)}


A, B = MadePhase(thermal=0.1), MadePhase("orthorhombic", "B", thermal=0.15)


def test_all_stretches_of_phases_that_stay_are_retained() -> None:
    found = decided([A, B], seed=1, **STRONG)
    stretches = {"rest", "heating", "hold", "cooling", "rest 2", "after cooling"}
    assert {stretch for _, stretch in found} == stretches
    for (phase, stretch), one in found.items():
        assert one.decision.verdict == "retained", (phase, stretch, one.decision)
        assert one.decision.reference == 100.0 and one.decision.bound == 20.0
        assert one.decision.lower95 < 100.5 and one.decision.upper95 > 99.5
    assert found["A", "after cooling"].decision.value == pytest.approx(100.0, abs=1.5)


def test_thermal_motion_is_taken_out_and_its_size_carried() -> None:
    """Thermal motion takes 35 %: what of it is a loss nobody knows while hot."""
    found = decided([MadePhase(thermal=0.35), B], seed=1, **STRONG)
    hot = found["A", "heating"].decision
    assert hot.verdict == "inconclusive" and hot.lower95 < 100 < hot.upper95 + 1
    assert found["A", "after cooling"].decision.verdict == "retained"


@pytest.mark.parametrize("other", [A, B])
def test_a_loss_for_good_is_seen_on_heating_and_after_cooling(other: MadePhase) -> None:
    """40 % goes between 700 and 800 degC; its partner shows that the beam stayed."""
    lost = MadePhase(name="L", begin=700.0, end=950.0, thermal=0.1)
    found = decided([lost, other], seed=2, **STRONG)
    for stretch in ("heating", "after cooling"):
        one = found["L", stretch].decision
        assert one.verdict == "changed", (stretch, one)
        assert abs(one.value - 60.0) < 3 * one.sigma
    assert found[other.name, "after cooling"].decision.verdict == "retained"


def test_what_all_phases_lose_alike_is_gain() -> None:
    found = decided([A, B], gain=0.6, seed=3, **STRONG)
    for phase in ("A", "B"):
        one = found[phase, "after cooling"].decision
        assert one.value == pytest.approx(60.0, abs=2.0)
        assert one.verdict == "inconclusive" and one.upper95 > 100
        assert one.systematic == pytest.approx(40 / np.sqrt(3), rel=0.1)


def test_of_one_phase_all_of_a_loss_may_be_gain() -> None:
    one = decided([A], gain=0.6, seed=3, **STRONG)["A", "after cooling"]
    assert one.decision.verdict == "inconclusive" and "one phase" in one.comparison.basis


def test_a_background_that_rises_is_no_gain() -> None:
    risen = decided([A], gain=0.6, background=(50.0, 55.0), seed=3, **STRONG)
    assert risen["A", "after cooling"].decision.verdict == "changed"
    fallen = decided([A], gain=0.6, background=(50.0, 45.0), seed=3, **STRONG)
    assert fallen["A", "after cooling"].decision.verdict == "inconclusive"


def test_a_background_that_rises_while_all_phases_lose_alike_tells_nothing() -> None:
    """A beam that decays beside dark counts that grow; of two phases one alone loses for good."""
    risen = decided([A, B], gain=0.6, background=(50.0, 60.0), seed=3, **STRONG)
    for phase in ("A", "B"):
        assert risen[phase, "after cooling"].decision.verdict == "inconclusive"
    lost = MadePhase(name="L", begin=700.0, end=950.0, thermal=0.1)
    found = decided([lost, B], background=(50.0, 60.0), seed=3, **STRONG)
    assert found["L", "after cooling"].decision.verdict == "changed"


@pytest.mark.parametrize("gone_frames", [slice(-4, None), slice(0, 4), slice(10, 40)])
def test_a_phase_that_is_gone_was_not_kept_by_the_frames_that_show_it(gone_frames: slice) -> None:
    """Gone at the end of heating, not yet there at its beginning, or gone for half of it."""
    lattice, furnace = made([A, B], seed=1, **STRONG)
    heating = np.flatnonzero(furnace["segment"].values == "heating")
    gone = heating[gone_frames]
    present = lattice["present"].values.copy()
    present[gone, 0] = 0
    lattice = lattice.assign(present=(lattice["present"].dims, present))
    curves = fit.fit_expansion(lattice, furnace, Expansion())
    lattice, peaks = add_lines(lattice)
    series = RefinedSeries(lattice=lattice, furnace=furnace, expansion=curves)
    explained = measure_explained_area(peaks, lattice, None, OPTIONS)
    (stretch,) = [one for one in list_stretches(furnace, OPTIONS) if one.name == "heating"]
    assert intensity_kept.measure_over_stretch(series, "A", stretch, explained) is None
    assert intensity_kept.measure_over_stretch(series, "B", stretch, explained) is not None


def test_frames_that_are_not_explained_keep_no_intensity() -> None:
    lattice, furnace = made([A, B], seed=1, **STRONG)
    curves = fit.fit_expansion(lattice, furnace, Expansion())
    lattice, _ = add_lines(lattice)
    series = RefinedSeries(lattice=lattice, furnace=furnace, expansion=curves)
    frames = select_reference_frames(furnace, OPTIONS)
    share = np.ones(lattice.sizes["frame"])
    good = intensity_kept.measure_at_rest(
        series, "A", frames, ExplainedArea(share=share, bound=0.8)
    )
    assert good is not None
    share[frames.after] = 0.5
    assert (
        intensity_kept.measure_at_rest(series, "A", frames, ExplainedArea(share=share, bound=0.8))
        is None
    )


def test_a_standard_tells_a_gain_from_a_loss() -> None:
    """The standard keeps its intensity: the sample's loss is its own; and has no row itself."""
    lost = MadePhase(name="L", begin=700.0, end=950.0)
    found = decided([lost, MadePhase("cubic", "S")], standard="S", seed=4, **STRONG)
    assert {phase for phase, _ in found} == {"L"}
    assert found["L", "after cooling"].decision.verdict == "changed"


def test_a_phase_that_is_gone_has_lost_all() -> None:
    gone = MadePhase(name="G", begin=600.0, end=750.0)
    one = decided([gone, B], seed=5, **STRONG)["G", "after cooling"].decision
    assert one.verdict == "changed" and 0 < one.value < 2 and one.upper95 < 5


def test_a_short_series_has_no_trend() -> None:
    found = decided([A, B], heating=6, cooling=0, hold=0, rest=0)
    assert found == {}


def test_background_of_frames() -> None:
    level = np.array([[10.0], [12.0], [11.0], [30.0]]) * np.ones((4, 5))
    lattice = xr.Dataset({"background": (("frame", "two_theta"), level)})
    mean, stderr = intensity_kept.average_background(lattice, np.array([2, 0, 1]))
    assert mean == 11.0 and stderr == pytest.approx(1 / np.sqrt(3))
    assert intensity_kept.average_background(lattice, np.array([3])) == (30.0, pytest.approx(0.6))
    rise = intensity_kept.measure_background_rise
    risen = rise(lattice, np.array([0, 1, 2]), np.array([3]))
    assert risen is not None and risen.value == pytest.approx(np.log(30 / 11))
    assert rise(lattice, np.array([3]), np.array([0, 1, 2])) is None
    assert rise(lattice, np.array([0]), np.array([1, 2])) is not None
    assert rise(xr.Dataset(), np.array([0]), np.array([1])) is None
    whole = np.arange(3)
    assert rise(lattice, whole, whole) is not None, "a stretch: its first against its last"
