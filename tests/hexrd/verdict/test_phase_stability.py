"""The verdict on a mixture, from fields alone: every word, and every limit from both sides."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from ssbchar.conclusion import Conclusion
from ssbchar.hexrd.verdict import phase_stability as stability
from ssbchar.hexrd.verdict.options import Stability
from ssbchar.hexrd.verdict.phase_stability import MixtureHistory, PhaseHistory, UnexplainedGroup
from ssbchar.hexrd.verdict.reference_cells import ReferenceCell, ReferenceFrames

OPTIONS = Stability(cell_tolerance=0.2, intensity_tolerance=20.0)
BACK = PhaseHistory(
    name="A",
    first=True,
    last=True,
    ever=True,
    change=0.01,
    change_stderr=0.01,
    kept=100.0,
    kept_stderr=1.0,
)
NEW = replace(BACK, name="C", first=False)
GROUP = UnexplainedGroup(
    name="unexplained 1", lines=5, verdict="not_named", candidate="", stays=False
)


def judged(*phases: PhaseHistory, groups: tuple = (), cooled: bool = True, highest=800.0) -> str:
    history = MixtureHistory(phases=phases, unexplained=groups, highest=highest, cooled=cooled)
    return stability.judge_mixture(history, OPTIONS)


@pytest.mark.parametrize(
    ("phases", "more", "word"),
    [
        ([BACK], {}, "reversible"),
        ([BACK, replace(BACK, last=False)], {}, "reacts"),
        ([replace(BACK, last=False), NEW], {}, "reacts"),
        ([BACK, NEW], {}, "partly"),
        ([BACK, replace(NEW, last=False)], {}, "reversible"),
        ([BACK, replace(NEW, last=False)], {"cooled": False}, "partly"),
        ([BACK, replace(NEW, last=False, ever=False)], {"cooled": False}, "stable"),
        ([BACK], {"cooled": False}, "stable"),
        ([BACK], {"groups": (GROUP,)}, "reversible"),
        ([BACK], {"groups": (replace(GROUP, stays=True),)}, "partly"),
        ([BACK], {"groups": (GROUP,), "cooled": False}, "partly"),
        ([BACK], {"highest": None}, "inconclusive"),
        ([NEW], {}, "inconclusive"),
        ([], {}, "inconclusive"),
        ([replace(BACK, change=np.nan)], {}, "inconclusive"),
        ([replace(BACK, change=np.nan)], {"cooled": False}, "stable"),
        ([replace(BACK, change=1.0)], {}, "partly"),
        ([replace(BACK, kept=50.0)], {}, "partly"),
        ([replace(BACK, change_stderr=1.0)], {}, "inconclusive"),
    ],
)
def test_every_verdict(phases: list[PhaseHistory], more: dict, word: str) -> None:
    assert judged(*phases, **more) == word


@pytest.mark.parametrize("sign", [1, -1])
def test_a_changed_cell_is_beyond_the_tolerance_with_certainty(sign: int) -> None:
    error = 0.1 / 1.96
    outside = replace(BACK, change=0.301 * sign, change_stderr=error)
    inside = replace(BACK, change=0.299 * sign, change_stderr=error)
    assert outside.has_changed_cell(OPTIONS) and outside.has_changed(OPTIONS)
    assert not inside.has_changed_cell(OPTIONS) and inside.is_open(OPTIONS)
    closed = replace(BACK, change=0.099 * sign, change_stderr=error)
    assert not closed.is_open(OPTIONS) and not outside.is_open(OPTIONS)
    assert replace(BACK, change=0.101 * sign, change_stderr=error).is_open(OPTIONS)
    assert inside.change_limit == pytest.approx(0.399)


def test_at_the_tolerance_nothing_has_changed() -> None:
    exact = replace(BACK, change=0.2, change_stderr=0.0)
    assert not exact.has_changed_cell(OPTIONS) and not exact.is_open(OPTIONS)
    kept = replace(BACK, kept=80.0, kept_stderr=0.0)
    assert not kept.has_lost_intensity(OPTIONS)


def test_lost_intensity() -> None:
    assert replace(BACK, kept=77.9, kept_stderr=1.0).has_lost_intensity(OPTIONS)
    assert not replace(BACK, kept=78.1, kept_stderr=1.0).has_lost_intensity(OPTIONS)
    assert not replace(BACK, kept=np.nan).has_lost_intensity(OPTIONS)


def test_a_phase_that_is_gone_is_not_open() -> None:
    assert not replace(BACK, last=False, change=np.nan).is_open(OPTIONS)


def cell(
    scale: float = 1.0, intensity: float = 100.0, stderr: float = 1e-4, beta: float = 94.0
) -> ReferenceCell:
    value = np.array([5.0, 6.0 * scale, 7.0, 90.0, beta, 90.0, 210.0 * scale])
    errors = value * stderr
    errors[[3, 5]] = 0.0
    return ReferenceCell(
        value=value,
        stderr=errors,
        common=np.zeros(7),
        systematic=np.zeros(7),
        frames=4,
        scatter=1.0,
        intensity=intensity,
        intensity_stderr=3.0,
    )


def lattice(present: list[int], measured: list[int] | None = None) -> xr.Dataset:
    good = np.array(measured if measured is not None else [1] * len(present))
    return xr.Dataset(
        {
            "present": (("frame", "phase"), np.array([present]).T),
            "intensity_stderr": (("frame", "phase"), np.where(good == 1, 1.0, np.nan)[:, None]),
        },
        coords={"phase": ["A"]},
    )


def frames(before: list[int] | tuple = (), after: list[int] | tuple = ()) -> ReferenceFrames:
    return ReferenceFrames(
        before=np.array(before, dtype=np.intp),
        after=np.array(after, dtype=np.intp),
        temperature=25.0,
        on_hold=True,
    )


def test_change_and_intensity_by_hand() -> None:
    found = stability.describe_history(
        "A", lattice([1] * 6), frames([0, 1], [5]), cell(), cell(1.002, 80.0, beta=110.0)
    )
    assert found.change == pytest.approx(0.2)
    assert found.change_stderr == pytest.approx(100 * 1.002 * np.sqrt(2) * 1e-4)
    assert found.kept == pytest.approx(80.0)
    assert found.kept_stderr == pytest.approx(80 * np.hypot(3 / 80, 3 / 100))
    assert found.first and found.last and found.ever


def test_what_symmetry_fixes_does_not_change() -> None:
    before = cell()
    before.stderr[1] = before.stderr[6] = 0.0
    found = stability.describe_history("A", lattice([1] * 6), frames([0], [5]), before, cell(1.5))
    assert found.change == 0.0


def test_presence_is_that_of_most_reference_frames() -> None:
    found = stability.describe_history(
        "A", lattice([1, 0, 0, 1, 1, 0]), frames([0, 1], [3, 4, 5]), None, None
    )
    assert not found.first and found.last and found.ever and np.isnan(found.change)
    assert not stability.describe_history("A", lattice([1, 0, 0]), frames(), None, None).ever


def test_without_reference_frames_three_at_either_end_count() -> None:
    present = [0, 1, 1, 0, 0, 0, 0, 1, 0]
    found = stability.describe_history(
        "A", lattice(present, [0, 1, 1, 1, 1, 1, 1, 1, 0]), frames(), None, None
    )
    assert found.first and not found.last
    none = stability.describe_history("A", lattice([1, 1], [0, 0]), frames(), None, None)
    assert not none.first and not none.last and none.ever


LINES = Conclusion("unexplained_lines", value=3.0, verdict="named", subject="g")
ONSET = Conclusion("onset_temperature", value=600.0, subject="g", condition="heating")
END = Conclusion("end_temperature", verdict="still_present", subject="g", condition="cooling")
CANDIDATES = [
    Conclusion("candidate", value=90.0, subject="X", condition="g"),
    Conclusion("candidate", value=80.0, subject="Y", condition="g"),
    Conclusion("candidate", value=99.0, subject="Z", condition="other"),
]


def test_groups_that_came() -> None:
    (group,) = stability.find_unexplained_groups([LINES, *CANDIDATES], [ONSET, END])
    assert group == UnexplainedGroup(
        name="g", lines=3.0, verdict="named", candidate="X", stays=True
    )
    (unnamed,) = stability.find_unexplained_groups(
        [LINES], [replace(ONSET, quantity="onset_frame"), replace(END, verdict="ok")]
    )
    assert unnamed.candidate == "" and not unnamed.stays
    (open_end,) = stability.find_unexplained_groups([LINES], [ONSET])
    assert not open_end.stays


@pytest.mark.parametrize(
    ("lines", "changes"),
    [
        (replace(LINES, value=2.0), [ONSET]),
        (replace(LINES, value=None), [ONSET]),
        (replace(LINES, verdict="known_phase"), [ONSET]),
        (replace(LINES, quantity="candidate"), [ONSET]),
        (LINES, [replace(ONSET, value=None)]),
        (LINES, [replace(ONSET, subject="other")]),
        (LINES, [replace(END, value=600.0)]),
        (LINES, []),
    ],
)
def test_groups_that_are_no_product(lines: Conclusion, changes: list[Conclusion]) -> None:
    assert stability.find_unexplained_groups([lines], changes) == []


def test_what_the_furnace_did() -> None:
    furnace = xr.Dataset(
        {
            "temperature": ("frame", [25.0, np.nan, 700.0]),
            "segment": ("frame", np.array(["hold", "heating", "cooling"], dtype=object)),
        }
    )
    history = stability.collect_history([BACK, NEW], [], furnace)
    assert history.highest == 700.0 and history.cooled
    assert history.initial == [BACK] and history.new == [NEW] and history.gone == []
    none = stability.collect_history([], [], furnace.isel(frame=[1]))
    assert none.highest is None and not none.cooled


def test_three_of_five_reference_frames_are_most() -> None:
    found = stability.describe_history(
        "A", lattice([1, 1, 1, 0, 0, 1, 0]), frames([0, 1, 2, 3, 4], [5, 6]), None, None
    )
    assert found.first and not found.last
