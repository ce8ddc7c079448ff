"""The rows of a series: every headline quantity, with truth inside its errors, and the right
verdict for each story."""

import json

import numpy as np
import pytest
import xarray as xr
from hexrd.made_lattice import CELLS, MadePhase, add_lines, made, truth

from ssbchar.conclusion import Conclusion
from ssbchar.crystal.cell import volume_from_cell
from ssbchar.decision import find_all_contradictions
from ssbchar.hexrd.expansion import fit
from ssbchar.hexrd.expansion.options import Expansion
from ssbchar.hexrd.onset import find
from ssbchar.hexrd.onset.options import Onset
from ssbchar.hexrd.verdict import conclude
from ssbchar.hexrd.verdict.options import Stability

LABELS = {"sample": "A+B", "source": "results/x/manifest.csv"}


def rows(
    phases: list[MadePhase],
    about: list[xr.Dataset] | None = None,
    options: Stability | None = None,
    explained: float = 1.0,
    frames: slice = slice(None),
    **kind: float,
) -> list[Conclusion]:
    lattice, furnace = made(phases, **kind)
    lattice, furnace = lattice.isel(frame=frames), furnace.isel(frame=frames)
    return concluded(lattice, furnace, about, options, explained)


def concluded(
    lattice: xr.Dataset,
    furnace: xr.Dataset,
    about: list[xr.Dataset] | None = None,
    options: Stability | None = None,
    explained: float = 1.0,
    background: float = 50.0,
    candidates: tuple = (),
    **more: object,
) -> list[Conclusion]:
    curves = fit.fit_expansion(lattice, furnace, Expansion())
    found = find.find_onsets(lattice, furnace, Onset())
    lattice, peaks = add_lines(lattice, explained, background)
    return conclude.conclude_series(
        lattice,
        furnace,
        curves,
        found,
        peaks,
        candidates,
        about or [],
        options or Stability(),
        LABELS,
        **more,
    )


def one(
    found: list[Conclusion], quantity: str, subject: str = "A", condition: str = ""
) -> Conclusion:
    match = [
        r for r in found if (r.quantity, r.subject, r.condition) == (quantity, subject, condition)
    ]
    assert len(match) == 1, [(r.quantity, r.subject, r.condition) for r in found]
    return match[0]


def test_every_row_and_its_truth() -> None:
    first = MadePhase("trigonal", permanent=3e-4)
    second = MadePhase("monoclinic", "B", permanent=-2e-4)
    found = rows([first, second], seed=4)
    for made_phase in (first, second):
        right = truth(made_phase, np.array([25.0]))[0]
        for condition, factor in (
            ("before heating", 1.0),
            ("after cooling", 1 + made_phase.permanent),
        ):
            cell = right.copy()
            cell[:3] *= factor
            for i, name in enumerate(("a", "b", "c", "alpha", "beta", "gamma")):
                told = [
                    r
                    for r in found
                    if (r.quantity, r.subject, r.condition) == (name, made_phase.name, condition)
                ]
                free = CELLS[made_phase.system][1]
                if free[i] is None or free[i] in free[:i]:
                    assert not told
                else:
                    assert abs(told[0].value - cell[i]) < 4 * np.hypot(
                        told[0].stderr, told[0].systematic
                    )
                    assert told[0].unit == ("angstrom" if i < 3 else "degree")
        back = one(found, "volume_return", made_phase.name, "after cooling")
        assert abs(back.value - 100 * ((1 + made_phase.permanent) ** 3 - 1)) < 4 * back.stderr
        assert back.verdict == "returned" and 0 < back.stderr < 0.02
        # The second changed least: as much of either change may be the sample's place.
        assert back.systematic == pytest.approx(100 * 3 * 2.2e-4 / np.sqrt(3), rel=0.1)
    growth = one(found, "mean_volume_expansion", "B", "heating volume")
    ends = volume_from_cell(truth(second, np.array([100.0, 500.0])))
    assert abs(growth.value - (ends[1] / ends[0] - 1) / 400) < 4 * growth.stderr
    assert growth.systematic > 0 and growth.unit == "1/K"
    assert {r.condition for r in found if r.quantity.startswith("mean_") and r.subject == "A"} == {
        f"{s} {x}" for s in ("heating", "cooling") for x in ("a", "c", "volume")
    }
    verdict = one(found, "phase_stability", "A+B")
    assert verdict.verdict == "reversible" and "up to 80" in verdict.reason
    assert all(r.sample == "A+B" and r.technique == "hexrd" and r.source for r in found)


def test_a_reaction_is_told_with_its_temperatures() -> None:
    a, b = MadePhase(begin=600.0), MadePhase(name="B", begin=600.0)
    found = rows([a, b, MadePhase("monoclinic", "C", onset=600.0)], seed=1)
    verdict = one(found, "phase_stability", "A+B")
    assert verdict.verdict == "reacts"
    assert (
        "new: C from " in verdict.reason
        and "gone: A at 7" in verdict.reason
        and "gone: B at 7" in verdict.reason
    )
    assert one(found, "volume_return", "A", "after cooling").verdict == "gone"
    start = one(found, "onset_temperature", "C", "heating")
    assert abs(start.value - 600) < 4 * start.stderr
    limit = one(found, "detection_limit", "C")
    assert limit.unit == "percent" and 3 < limit.value < 12 and "strongest phase" in limit.reason


LONGER = MadePhase(permanent=4e-3)
STAYS = MadePhase("orthorhombic", "B")
HALF = MadePhase(begin=700.0, end=900.0)


@pytest.mark.parametrize(
    ("phases", "kind", "right"),
    [
        ([MadePhase(), STAYS], {}, "reversible"),
        ([MadePhase()], {}, "reversible"),
        ([MadePhase()], {"cooling": 0}, "unchanged"),
        ([MadePhase(thermal=0.35), STAYS], {"cooling": 0}, "inconclusive"),
        ([MadePhase(thermal=0.1), STAYS], {"cooling": 0}, "unchanged"),
        ([MadePhase(thermal=0.5), STAYS], {}, "reversible"),
        ([MadePhase(), MadePhase(name="C", onset=600.0)], {}, "partly"),
        ([MadePhase(), MadePhase(name="C", onset=600.0)], {"cooling": 0}, "partly"),
        ([LONGER, STAYS], {}, "partly"),
        ([LONGER], {}, "inconclusive"),
        ([LONGER, MadePhase("orthorhombic", "B", permanent=4e-3)], {}, "inconclusive"),
        ([MadePhase(relative_error=2e-3)], {}, "inconclusive"),
        ([MadePhase(amount=0.0)], {}, "inconclusive"),
        ([HALF, STAYS], {}, "partly"),
        ([HALF, STAYS], {"cooling": 0}, "partly"),
        ([HALF], {}, "inconclusive"),
        ([HALF], {"cooling": 0}, "inconclusive"),
        ([MadePhase(begin=600.0), STAYS], {"cooling": 0}, "partly"),
        ([MadePhase(begin=600.0), STAYS], {}, "reacts"),
        ([MadePhase(begin=600.0), MadePhase(name="C", onset=600.0)], {"cooling": 0}, "reacts"),
        ([MadePhase(), STAYS], {"explained": 0.5}, "inconclusive"),
        ([MadePhase()], {"explained": 0.5, "cooling": 0}, "inconclusive"),
        ([MadePhase(), STAYS], {"frames": slice(0, 1)}, "inconclusive"),
        ([MadePhase(), STAYS], {"frames": slice(0, 4)}, "stable"),
        ([MadePhase(), STAYS], {"frames": slice(66, 71)}, "stable"),
        ([MadePhase(), STAYS], {"frames": slice(0, 80, 40)}, "inconclusive"),
        ([MadePhase(), STAYS], {"frames": slice(0, 2)}, "inconclusive"),
        ([MadePhase(begin=600.0), STAYS], {"frames": slice(0, 97, 96)}, "partly"),
        ([MadePhase(), STAYS], {"frames": slice(70, None)}, "unchanged"),
    ],
    ids=[
        "two phases return",
        "one phase returns",
        "no cooling",
        "no cooling, thermal motion or a loss",
        "no cooling, thermal motion within the tolerance",
        "thermal motion returns",
        "a product stays",
        "a product without cooling",
        "one cell of two does not return",
        "the only cell does not return, alike in all lengths",
        "no cell returns, all alike",
        "cells too uncertain",
        "nothing there",
        "half of one phase of two gone",
        "half of one phase gone, no cooling",
        "half of the only phase gone",
        "half of the only phase gone, no cooling",
        "gone without a product, no cooling",
        "gone without a product",
        "gone with a product, no cooling",
        "lines not explained",
        "lines not explained, no cooling",
        "one pattern",
        "at rest only",
        "a hot hold only",
        "two frames at two temperatures",
        "two exposures after one another",
        "two frames before and after, a phase gone",
        "cooling only",
    ],
)
def test_verdicts(phases: list[MadePhase], kind: dict[str, float], right: str) -> None:
    told = one(rows(phases, **kind), "phase_stability", "A+B")
    assert told.verdict == right, told.reason


def test_thermal_motion_is_no_reaction() -> None:
    """Lines of A weaken by 15 % with temperature, and gain as much on cooling."""
    found = rows([MadePhase(thermal=0.15), STAYS], seed=2, noise=0.3)
    for segment in ("heating", "cooling"):
        row = one(found, "mean_linear_expansion", "A", f"{segment} a")
        assert row.verdict == "ok" and "reacting" not in row.reason


def test_a_sample_that_moved_is_in_the_expansion() -> None:
    """Both phases read 0.1 % shorter after the hold: so much may have come on heating."""
    moved = [MadePhase(permanent=-1e-3), MadePhase("orthorhombic", "B", permanent=-1e-3)]
    still = one(rows([MadePhase(), STAYS], seed=2), "mean_linear_expansion", "A", "heating a")
    growth = one(rows(moved, seed=2), "mean_linear_expansion", "A", "heating a")
    assert growth.systematic == pytest.approx(1e-3 / np.sqrt(3) / 400, rel=0.1)
    assert growth.systematic > 10 * still.systematic
    volume = one(rows(moved, seed=2), "mean_volume_expansion", "A", "heating volume")
    assert volume.systematic == pytest.approx(3 * growth.systematic, rel=0.1)
    assert "moved along the beam is in the systematic" in growth.reason
    # One of them grew for good as well: the other tells how far the sample may have moved.
    grown = [MadePhase(permanent=-1e-3), MadePhase("orthorhombic", "B", permanent=2e-3)]
    beside = one(rows(grown, seed=2), "mean_linear_expansion", "A", "heating a")
    assert beside.systematic == pytest.approx(growth.systematic, rel=0.05)
    # Without cooling and distance the phases' own trends bound what may have moved.
    hot = one(
        rows([MadePhase(), STAYS], seed=2, cooling=0), "mean_linear_expansion", "A", "heating a"
    )
    assert still.systematic < hot.systematic < 3e-7 and "is in the systematic" in hot.reason
    far = Stability(distance=500.0)
    hot = rows([MadePhase(), STAYS], options=far, seed=2, cooling=0)
    told = one(hot, "mean_linear_expansion", "A", "heating a")
    assert told.systematic == pytest.approx(np.hypot(still.systematic, 2e-4 / 400), rel=0.01)
    known = rows([MadePhase(), STAYS], options=far, seed=2)
    told = one(known, "mean_linear_expansion", "A", "heating a")
    assert told.systematic == pytest.approx(np.hypot(still.systematic, 2e-4 / 400), rel=0.01)
    assert told.stderr == still.stderr and told.value == still.value


def test_an_internal_standard_tells_a_moved_sample_from_a_changed_cell() -> None:
    """Both read 0.3 % shorter: with one of them certified the other has not changed."""
    both = [MadePhase(permanent=-3e-3), MadePhase("cubic", "S", permanent=-3e-3)]
    about = [xr.Dataset(attrs={"phase": "S", "volume": 9.4**3, "expansion": "{}"})]
    unsure = rows(both, about, seed=3)
    assert one(unsure, "phase_stability", "A+B").verdict == "inconclusive"
    assert "possible displacement" in one(unsure, "phase_stability", "A+B").reason
    sure = rows(both, about, Stability(standard="S"), seed=3)
    assert one(sure, "phase_stability", "A+B").verdict == "reversible"
    back = one(sure, "volume_return", "A", "after cooling")
    assert back.verdict == "returned" and abs(back.value) < 4 * back.stderr
    assert back.systematic == 0.0 and "relative to the internal standard S" in back.reason
    assert not [r for r in sure if r.quantity == "volume_return" and r.subject == "S"]
    assert "divided by the internal standard S" in one(sure, "a", "A", "after cooling").reason
    assert "divided" not in one(sure, "a", "S", "after cooling").reason
    changed = rows(
        [MadePhase(permanent=-3e-3), MadePhase("cubic", "S")],
        about,
        Stability(standard="S"),
        seed=3,
    )
    assert one(changed, "phase_stability", "A+B").verdict == "partly"


def test_no_row_says_more_than_its_limits() -> None:
    for seed, phases in enumerate(([LONGER, STAYS], [HALF, STAYS], [MadePhase(), STAYS])):
        found = rows(phases, seed=seed)
        assert find_all_contradictions(found) == []
        verdicts = {row.verdict for row in found if row.bound is not None}
        assert "retained" in verdicts


def test_without_cooling_reversibility_is_not_measured() -> None:
    found = rows([MadePhase()], cooling=0)
    assert one(found, "volume_return", "A", "after cooling").verdict == "not_measured"
    assert "reversibility not measured" in one(found, "phase_stability", "A+B").reason
    assert not [r for r in found if r.condition == "after cooling" and r.quantity == "a"]


def test_no_rest_takes_the_first_frames() -> None:
    found = rows([MadePhase()], rest=0, cooling=0)
    a = one(found, "a", "A", "before heating")
    assert "no hold before heating" in a.reason
    temperature = float(a.reason.split("brought to ")[1].split()[0])
    assert abs(a.value - truth(MadePhase(), np.array([temperature]))[0, 0]) < 4 * np.hypot(
        a.stderr, a.systematic
    )


def test_published_expansion_is_compared() -> None:
    entry = {
        "a": {
            "value": 1.1e-5,
            "stderr": 1e-7,
            "range": "25-500 degC",
            "source": "made for this test",
        }
    }
    about = xr.Dataset(attrs={"phase": "A", "expansion": json.dumps(entry), "refinable": 0})
    told = one(rows([MadePhase("cubic")], [about]), "mean_linear_expansion", "A", "heating a")
    assert "differs from 1.1e-05 1/K (25-500 degC; made for this test)" in told.reason


def test_weight_percent_where_structures_are_trusted() -> None:
    lattice, furnace = made([MadePhase(), MadePhase(name="B", amount=0.0)])
    lattice = lattice.assign(scale=lattice.intensity * 2, scale_stderr=lattice.intensity_stderr * 2)
    about = [
        xr.Dataset(attrs={"phase": n, "refinable": 1, "cell_mass": m, "volume": 100.0})
        for n, m in (("A", 100.0), ("B", 300.0))
    ]
    curves = fit.fit_expansion(lattice, furnace, Expansion())
    found = conclude.conclude_series(
        lattice, furnace, curves, [], xr.Dataset(), [], about, Stability(), LABELS
    )
    limit = one(found, "detection_limit", "B")
    light = 100 * (5 + 1.645) / 100
    assert "by weight" in limit.reason
    assert limit.value == pytest.approx(100 * 3 * light / (3 * light + 100), rel=0.02)


def pulls(seeds: int) -> np.ndarray:
    out = []
    for seed in range(seeds):
        found = rows([MadePhase(permanent=3e-4)], seed=seed, systematic=0.0)
        right = truth(
            MadePhase(),
            np.array(
                [float(one(found, "a", "A", "before heating").reason.split("to ")[1].split()[0])]
            ),
        )[0]
        a, v = one(found, "a", "A", "before heating"), one(found, "volume", "A", "after cooling")
        back = one(found, "volume_return", "A", "after cooling")
        out.append(
            [
                (a.value - right[0]) / a.stderr,
                (v.value - volume_from_cell(right) * (1.0003) ** 3) / v.stderr,
                (back.value - 100 * (1.0003**3 - 1)) / back.stderr,
            ]
        )
    return np.array(out)


def judge(pull: np.ndarray) -> None:
    assert np.all(np.abs(pull.mean(axis=0)) < 0.3), pull.mean(axis=0)
    assert np.all((pull.std(axis=0) > 0.7) & (pull.std(axis=0) < 1.4)), pull.std(axis=0)


@pytest.mark.slow
def test_pulls_of_a_hundred_seeds() -> None:
    judge(pulls(100))


def test_unexplained_lines_count_as_a_product() -> None:
    lattice, furnace = made([MadePhase()])
    strange = [
        Conclusion(
            "unexplained_lines",
            value=9.0,
            verdict="named",
            reason="X, by 12 in log-likelihood",
            subject="unexplained 1",
        ),
        Conclusion("candidate", subject="X", condition="unexplained 1"),
        Conclusion("candidate", subject="Y", condition="unexplained 1"),
        Conclusion(
            "onset_temperature",
            value=612.0,
            stderr=3.0,
            subject="unexplained 1",
            condition="heating",
        ),
        Conclusion(
            "end_temperature", verdict="still_present", subject="unexplained 1", condition="cooling"
        ),
    ]
    rows = concluded(lattice, furnace, candidates=tuple(strange))
    told = one(rows, "phase_stability", "A+B")
    assert (
        told.verdict == "partly"
        and "9 unexplained lines from 612 degC on heating: X" in told.reason
    )
    few = [Conclusion("unexplained_lines", value=2.0, subject="unexplained 1"), *strange[1:]]
    rows = concluded(lattice, furnace, candidates=tuple(few))
    assert one(rows, "phase_stability", "A+B").verdict == "reversible"


@pytest.mark.parametrize(("area", "right"), [(5.0, "partly"), (0.5, "reversible")])
def test_what_strong_lines_leave_over_is_no_product(area: float, right: str) -> None:
    """Three lines of 0.5 % each of the line area are; of 0.05 % they are not."""
    lattice, furnace = made([MadePhase()])
    count = lattice.sizes["frame"]
    both = ("frame", "track")
    tracks = xr.Dataset(
        {
            "area": (both, np.full((count, 3), area / 3)),
            "area_stderr": (both, np.full((count, 3), 0.01)),
            "group": ("track", [0, 0, 0]),
            "known_intensity": ("known_phase", [100.0]),
        }
    )
    strange = (
        Conclusion("unexplained_lines", value=3.0, verdict="not_named", subject="unexplained 1"),
        Conclusion("onset_temperature", value=612.0, subject="unexplained 1", condition="heating"),
        Conclusion(
            "end_temperature", verdict="still_present", subject="unexplained 1", condition="cooling"
        ),
    )
    found = concluded(lattice, furnace, candidates=strange, tracks=tracks)
    told = one(found, "phase_stability", "A+B")
    assert told.verdict == right
    assert ("than strong lines leave over" in told.reason) == (right == "reversible")


def test_an_error_all_frames_share_does_not_average_out() -> None:
    """A zero held for the series moves all cells alike: it stays in their errors and leaves their
    return alone."""
    lattice, furnace = made([MadePhase()], seed=6)
    shared = 1e-4 * lattice.cell.values
    shared[..., 3:] = 0
    full = lattice.cell_covariance.values + shared[..., :, None] * shared[..., None, :]
    other = lattice.assign(
        cell_shared=(lattice.cell.dims, shared),
        cell_covariance=(lattice.cell_covariance.dims, full),
        cell_stderr=(lattice.cell.dims, np.sqrt(np.einsum("fpii->fpi", full))),
    )
    told = []
    for one_lattice in (lattice, other):
        curves = fit.fit_expansion(one_lattice, furnace, Expansion())
        found = conclude.conclude_series(
            one_lattice, furnace, curves, [], xr.Dataset(), [], [], Stability(), LABELS
        )
        told.append(
            [
                one(found, "a", "A", "before heating"),
                one(found, "volume_return", "A", "after cooling"),
                one(found, "mean_linear_expansion", "A", "heating a"),
            ]
        )
    assert told[1][0].stderr == pytest.approx(np.hypot(told[0][0].stderr, 1e-4 * 8.26), rel=0.05)
    assert told[1][1].stderr == pytest.approx(told[0][1].stderr, rel=0.05)
    assert told[1][2].stderr == pytest.approx(told[0][2].stderr, rel=0.05)


def test_how_the_refinement_went_is_a_row() -> None:
    lattice, furnace = made([MadePhase("cubic")], seed=1)
    for frame, word in ((3, "held"), (4, "inconsistent"), (5, "not_converged")):
        lattice["verdict"].values[frame, 0] = word
    curves = fit.fit_expansion(lattice, furnace, Expansion())
    found = conclude.conclude_series(
        lattice, furnace, curves, [], xr.Dataset(), [], [], Stability(), LABELS
    )
    row = one(found, "frames_refined")
    total = lattice.sizes["frame"]
    assert row.value == total - 3 and row.verdict == "ok"
    for text in (
        f"{total - 3} of {total} frames",
        "1 held",
        "1 different in the forward and the backward pass",
    ):
        assert text in row.reason


def test_breadths_at_rest_are_weighted_means() -> None:
    lattice, furnace = made([MadePhase("cubic")], seed=2)
    frames = lattice.sizes["frame"]
    rng = np.random.default_rng(3)
    both, stderr = ("frame", "candidate"), np.full((frames, 1), 2e-4)
    peaks = xr.Dataset(
        {
            "inverse_size": (both, 1.5e-3 + 2e-4 * rng.standard_normal((frames, 1))),
            "inverse_size_stderr": (both, stderr),
            "microstrain": (both, np.full((frames, 1), 1.2e-3)),
            "microstrain_stderr": (both, stderr),
        },
        coords={"candidate": ["A"]},
    )
    curves = fit.fit_expansion(lattice, furnace, Expansion())
    found = conclude.conclude_series(
        lattice, furnace, curves, [], peaks, [], [], Stability(), LABELS
    )
    for condition in ("before heating", "after cooling"):
        size = one(found, "inverse_size", "A", condition)
        assert size.unit == "1/nm" and abs(size.value - 1.5e-2) < 4 * size.stderr < 4 * 2e-3
        assert one(found, "microstrain", "A", condition).value == pytest.approx(0.12)
        assert size.verdict == "upper limit" and "instrument's breadth is included" in size.reason
    known = conclude.conclude_series(
        lattice,
        furnace,
        curves,
        [],
        peaks.assign_attrs(instrument_breadth=0.02),
        [],
        [],
        Stability(),
        LABELS,
    )
    assert one(known, "inverse_size", "A", "before heating").verdict == "ok"


def test_limits_of_the_library_count_for_the_mixture() -> None:
    lattice, furnace = made([MadePhase()])
    curves = fit.fit_expansion(lattice, furnace, Expansion())
    others = [
        Conclusion(name, value=value, basis="by weight", subject=subject)
        for name, value, subject in (
            ("detection_limit", 3.0, "X"),
            ("detection_limit", 4.0, "Y"),
            ("candidate", 99.0, "Z"),
        )
    ]
    found = conclude.conclude_series(
        lattice, furnace, curves, [], xr.Dataset(), others, [], Stability(), LABELS
    )
    assert one(found, "detection_limit", "A+B").value == 4.0
    assert "above 4 % (by weight) would" in one(found, "phase_stability", "A+B").reason


def test_what_was_resolved_in_a_cif_is_told_of_its_phase() -> None:
    about = xr.Dataset(attrs={"phase": "A", "notes": json.dumps(["the origin is not stated"])})
    told = [row for row in rows([MadePhase()], [about]) if row.quantity == "phase_as_read"]
    assert [(row.subject, row.reason) for row in told] == [("A", "the origin is not stated")]
    assert not [row for row in rows([MadePhase()]) if row.quantity == "phase_as_read"]


@pytest.mark.parametrize("frames", [1, 2, 6])
def test_frames_without_a_temperature_have_their_cells(frames: int) -> None:
    lattice, furnace = made([MadePhase("trigonal")])
    lattice, furnace = lattice.isel(frame=slice(0, frames)), furnace.isel(frame=slice(0, frames))
    unknown = np.full(frames, np.nan)
    furnace = furnace.assign(
        temperature=("frame", unknown),
        temperature_stderr=("frame", unknown),
        temperature_systematic=("frame", unknown),
        rate=("frame", unknown),
        segment=("frame", np.full(frames, "", object)),
    )
    found = concluded(lattice, furnace)
    for axis, place in (("a", 0), ("c", 2)):
        row = one(found, axis, condition="before heating")
        assert row.verdict == "ok" and "no temperature is known" in row.reason
        assert abs(row.value - CELLS["trigonal"][0][place]) < 4 * row.stderr
    assert not find_all_contradictions(found)
