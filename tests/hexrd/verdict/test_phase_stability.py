"""The verdict on a mixture, from fields alone: every word, and every limit from both sides."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from hexrd.verdict.made_decided import compared, decided, kept

from ssbchar.conclusion import Conclusion
from ssbchar.hexrd.furnace.segments import SegmentKind
from ssbchar.hexrd.verdict import phase_stability as stability
from ssbchar.hexrd.verdict.comparison import Stretch
from ssbchar.hexrd.verdict.options import Stability
from ssbchar.hexrd.verdict.phase_stability import MixtureHistory, PhaseHistory, UnexplainedGroup
from ssbchar.hexrd.verdict.reference_cells import ReferenceFrames

OPTIONS = Stability(cell_tolerance=0.2, intensity_tolerance=20.0, unexplained_area=2.0)
BACK = PhaseHistory(
    name="A",
    first=True,
    last=True,
    ever=True,
    decided=decided(
        compared(0.01, 0.01),
        compared(0.03, 0.02, axis="volume"),
        kept(100.0),
        compared(0.01, 0.01, stretch="heating", is_against_trend=True),
        kept(98.0, stretch="heating", is_against_trend=True),
        compared(0.01, 0.01, stretch="hold"),
        kept(101.0, stretch="hold"),
    ),
)
NEW = replace(BACK, name="C", first=False)
GROUP = UnexplainedGroup(
    name="unexplained 1", lines=5, verdict="not_named", candidate="", stays=False
)
HISTORY = MixtureHistory(
    phases=[],
    unexplained=[],
    highest=800.0,
    lowest=25.0,
    frames=40,
    at_one_temperature=False,
    duration=60.0,
    cooled=True,
    stretches=["heating", "hold"],
    explained_at_first=True,
    explained=True,
    explained_share=0.99,
    beam_stayed=True,
)


def judged(*phases: PhaseHistory, groups: tuple = (), **more: object) -> str:
    history = replace(HISTORY, phases=phases, unexplained=groups, **more)
    return stability.judge_mixture(history, OPTIONS)


def with_(*comparisons) -> PhaseHistory:  # type: ignore[no-untyped-def]
    """A phase of which this was compared besides."""
    return replace(BACK, decided=[*BACK.decided, *decided(*comparisons)])


HOT = {"cooled": False}
TRANSITION = Conclusion("transition_temperature", value=205.0, condition="heating", subject="A")
ONE_T = {"cooled": False, "at_one_temperature": True, "stretches": ["hold"]}


@pytest.mark.parametrize(
    ("phases", "more", "word"),
    [
        ([BACK], {}, "reversible"),
        ([BACK, replace(BACK, last=False)], {}, "reacts"),
        ([replace(BACK, last=False), NEW], {}, "reacts"),
        ([replace(BACK, last=False), NEW], HOT, "reacts"),
        ([replace(BACK, last=False)], HOT, "partly"),
        ([replace(BACK, last=False)], {}, "reacts"),
        ([replace(BACK, last=False)], {"beam_stayed": False}, "inconclusive"),
        ([replace(BACK, last=False)], {"beam_stayed": False, **HOT}, "inconclusive"),
        ([replace(BACK, last=False), BACK], {"beam_stayed": False, **HOT}, "partly"),
        ([replace(BACK, last=False)], {"groups": (GROUP,), **HOT}, "reacts"),
        ([BACK, NEW], {}, "partly"),
        ([BACK, replace(NEW, last=False)], {}, "reversible"),
        ([BACK, replace(NEW, last=False)], HOT, "partly"),
        ([BACK, replace(NEW, last=False, ever=False)], HOT, "unchanged"),
        ([BACK], HOT, "unchanged"),
        ([BACK], {"transitions": (TRANSITION,), **HOT}, "partly"),
        ([BACK], {"transitions": (TRANSITION,)}, "reversible"),
        ([BACK], ONE_T, "stable"),
        ([BACK], {**ONE_T, "duration": 10.0}, "stable"),
        ([BACK], {**ONE_T, "duration": 9.9}, "inconclusive"),
        ([BACK], {**ONE_T, "duration": np.nan}, "inconclusive"),
        ([BACK], {**HOT, "duration": 1.0}, "unchanged"),
        ([BACK], {**ONE_T, "frames": 1}, "inconclusive"),
        ([BACK], {"frames": 1}, "inconclusive"),
        ([BACK], {"stretches": [], **HOT}, "unchanged"),
        ([BACK], {"groups": (GROUP,)}, "reversible"),
        ([BACK], {"groups": (replace(GROUP, stays=True),)}, "partly"),
        ([BACK], {"groups": (replace(GROUP, stays=True, share=0.021),)}, "partly"),
        ([BACK], {"groups": (replace(GROUP, stays=True, share=0.019),)}, "reversible"),
        (
            [BACK],
            {"groups": (replace(GROUP, stays=True, share=0.019, verdict="named"),)},
            "partly",
        ),
        ([BACK], {"groups": (GROUP,), **HOT}, "partly"),
        ([BACK], {"groups": (GROUP,), **ONE_T}, "partly"),
        ([BACK], {"highest": None}, "inconclusive"),
        ([NEW], {}, "inconclusive"),
        ([], {}, "inconclusive"),
        ([replace(BACK, decided=[])], {}, "inconclusive"),
        ([replace(BACK, decided=[])], HOT, "inconclusive"),
        ([replace(BACK, decided=[])], ONE_T, "inconclusive"),
        ([BACK], {"explained": False}, "inconclusive"),
        ([BACK], {"explained": False, **HOT}, "inconclusive"),
        ([BACK], {"explained": False, **ONE_T}, "inconclusive"),
        ([replace(BACK, last=False), NEW], {"explained": False}, "reacts"),
        ([replace(BACK, last=False), NEW], {"explained_at_first": False}, "inconclusive"),
        ([BACK, NEW], {"explained": False, "explained_at_first": False}, "inconclusive"),
        ([with_(compared(1.0, 0.1))], {}, "partly"),
        ([with_(compared(1.0, 1.0))], {}, "inconclusive"),
        ([with_(kept(50.0))], {}, "partly"),
        ([with_(kept(70.0, 20.0))], {}, "inconclusive"),
        ([with_(kept(50.0, stretch="hold"))], {}, "reversible"),
        ([with_(kept(50.0, stretch="hold"))], HOT, "partly"),
        ([with_(kept(50.0, stretch="heating", is_against_trend=True))], HOT, "partly"),
        ([with_(kept(70.0, 20.0, stretch="heating"))], HOT, "inconclusive"),
        ([with_(compared(1.0, 0.1, stretch="hold"))], HOT, "partly"),
        ([with_(compared(1.0, 0.1, stretch="hold"))], ONE_T, "partly"),
        ([with_(compared(0.15, 0.1, stretch="hold"))], ONE_T, "inconclusive"),
        (
            [with_(compared(1.0, 0.1, stretch="heating", is_against_trend=True))],
            HOT,
            "inconclusive",
        ),
        ([BACK], {"stretches": ["heating", "cooling"], **HOT}, "inconclusive"),
        ([with_(compared(1.0, 1.0, stretch="hold 2"))], HOT, "unchanged"),
    ],
)
def test_every_verdict(phases: list[PhaseHistory], more: dict, word: str) -> None:
    if more.get("stretches") == []:
        word = "inconclusive"
    assert judged(*phases, **more) == word


def test_intensity_alone_or_cell_alone_is_not_enough() -> None:
    only_cell = replace(BACK, decided=decided(compared(0.01, 0.01)))
    only_kept = replace(BACK, decided=decided(kept(100.0)))
    assert not only_cell.has_returned and not only_kept.has_returned and BACK.has_returned
    assert judged(only_cell) == judged(only_kept) == "inconclusive"
    hold = replace(BACK, decided=decided(compared(0.01, 0.01, stretch="hold")))
    assert not hold.was_kept(["hold"]) and not BACK.was_kept([]) and BACK.was_kept(["hold"])


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


END_FRAME = np.array([0])


def described(
    series: xr.Dataset, chosen: ReferenceFrames, *, at_one_temperature: bool = False
) -> PhaseHistory:
    ends = stability.select_ends(series, chosen, at_one_temperature=at_one_temperature)
    return stability.describe_history("A", series, *ends, BACK.decided)


def test_presence_is_that_of_most_reference_frames() -> None:
    found = described(lattice([1, 0, 0, 1, 1, 0]), frames([0, 1], [3, 4, 5]))
    assert not found.first and found.last and found.ever
    assert not described(lattice([1, 0, 0]), frames()).ever
    assert len(found.decided) == len(BACK.decided)
    others = decided(compared(0.0, 1.0, phase="B"))
    assert stability.describe_history("A", lattice([1]), END_FRAME, END_FRAME, others).decided == []


def test_without_reference_frames_three_at_either_end_count() -> None:
    present = [0, 1, 1, 0, 0, 0, 0, 1, 0]
    found = described(lattice(present, [0, 1, 1, 1, 1, 1, 1, 1, 0]), frames())
    assert found.first and not found.last
    none = described(lattice([1, 1], [0, 0]), frames())
    assert not none.first and not none.last and none.ever


def test_the_ends_of_a_few_frames_share_none() -> None:
    for count, few in ((1, 1), (2, 1), (3, 1), (4, 2), (5, 2), (6, 3), (40, 3)):
        first, last = stability.select_ends(
            lattice([1] * count), frames(), at_one_temperature=False
        )
        assert first.tolist() == list(range(few)), count
        assert last.tolist() == list(range(count - few, count)), count


def test_at_one_temperature_a_few_frames_at_either_end_count() -> None:
    """All frames are at rest: a phase that is gone after a third was there at first."""
    series, chosen = lattice([1, 1, 1, 0, 0, 0, 0, 0, 0]), frames(range(9))
    found = described(series, chosen, at_one_temperature=True)
    assert found.first and not found.last
    assert not described(series, chosen).first


def test_short_stretches_are_not_asked_for_beside_long_ones() -> None:
    made = [
        Stretch(name=name, kind=SegmentKind.HOLD, frames=np.arange(count))
        for name, count in (("hold", 3), ("heating", 4), ("hold 2", 30))
    ]
    assert stability.list_asked_stretches(made) == ["heating", "hold 2"]
    assert stability.list_asked_stretches(made[:1]) == ["hold"]
    assert stability.list_asked_stretches([]) == []


def test_the_share_of_a_group_is_that_of_its_best_frames() -> None:
    """Groups of three lines and more are numbered in order, as their rows are named."""
    area = np.zeros((5, 7))
    area[1:4, :3] = 1.0
    area[0, 3] = 50.0
    area[:, 4:] = 10.0
    tracks = xr.Dataset(
        {
            "area": (("frame", "track"), area),
            "group": ("track", [0, 0, 0, 1, 2, 2, 2]),
            "known_intensity": ("known_phase", [50.0, 47.0]),
        }
    )
    assert stability.measure_group_shares(tracks) == pytest.approx(
        {"unexplained 1": 0.03, "unexplained 2": 30 / 127}
    )
    assert stability.measure_group_shares(None) == {}


def test_the_beam_stayed_where_half_of_the_background_did() -> None:
    level = np.array([[100.0], [100.0], [51.0], [51.0], [49.0]]) * np.ones((5, 4))
    series = xr.Dataset({"background": (("frame", "two_theta"), level)})
    first = np.array([0, 1])
    assert stability.has_beam(series, first, np.array([2, 3]))
    assert not stability.has_beam(series, first, np.array([4]))
    assert not stability.has_beam(xr.Dataset(), first, np.array([2]))
    assert not stability.has_beam(series, first, np.array([], dtype=int))


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
    (group,) = stability.find_unexplained_groups([LINES, *CANDIDATES], [ONSET, END], {"g": 0.01})
    assert group.share == 0.01
    (unnamed,) = stability.find_unexplained_groups(
        [LINES], [replace(ONSET, quantity="onset_frame"), replace(END, verdict="ok")]
    )
    assert unnamed.candidate == "" and not unnamed.stays
    (open_end,) = stability.find_unexplained_groups([LINES], [ONSET])
    assert not open_end.stays


@pytest.mark.parametrize(
    ("order", "number"),
    [
        (("hold came", "heating not_seen"), 0),
        (("hold came", "heating not_seen", "hold 2 not_seen", "cooling not_seen"), 0),
        (("hold came", "heating present_from_start"), 1),
        (("hold came", "heating not_seen", "cooling came"), 1),
        (("hold came", "heating not_seen", "hold 2 present_from_start"), 1),
        (("heating not_seen", "hold came"), 1),
        (("hold came",), 1),
    ],
)
def test_what_is_gone_before_heating_is_no_product(order: tuple[str, ...], number: int) -> None:
    onsets = []
    for words in order:
        segment, _, state = words.rpartition(" ")
        came = state == "came"
        onsets.append(
            Conclusion(
                "onset_temperature" if segment.startswith(("heat", "cool")) else "onset_frame",
                value=7.0 if came else None,
                verdict="ok" if came else state,
                subject="g",
                condition=segment,
            )
        )
    assert len(stability.find_unexplained_groups([LINES], onsets)) == number


def test_when_leftovers_came_is_doubtful() -> None:
    ok = replace(ONSET, verdict="ok", reason="r")
    rows = [replace(LINES, verdict="not_named"), ok, END, replace(ok, subject="h")]
    for share, word in ((0.01, "doubtful"), (0.03, "ok")):
        groups = stability.find_unexplained_groups(rows, rows, {"g": share})
        (_, onset, end, other) = stability.doubt_leftovers(rows, groups, Stability())
        assert onset.verdict == word and end == END and other.verdict == "ok"
        assert onset.reason == ("r" if word == "ok" else f"r; {stability.LEFTOVERS}")
    known = [replace(LINES, verdict="known_phase"), ok]
    assert stability.doubt_leftovers(known, [], Stability())[1].verdict == "doubtful"


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


def test_three_of_five_reference_frames_are_most() -> None:
    found = described(lattice([1, 1, 1, 0, 0, 1, 0]), frames([0, 1, 2, 3, 4], [5, 6]))
    assert found.first and not found.last
