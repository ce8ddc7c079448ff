"""Series with known cells, made by the simulator: errors within their errors, phases that come, go
or are not there."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from ssbchar.crystal import reflections
from ssbchar.crystal.cell import metric_from_cell
from ssbchar.errors import BadInput
from ssbchar.hexrd.refinement import refine
from ssbchar.hexrd.refinement.options import Refinement
from ssbchar.simulate.effects import IDEAL, Effects
from ssbchar.simulate.hexrd import crystal
from ssbchar.simulate.hexrd import pattern as forward

TABLE = Path(__file__).parent.parent.parent.parent / "config/phases/phases.yaml"
SHORT = forward.Instrument(wavelength=0.24117, first=2.5, step=0.008, points=1100, fwhm=0.03)


def table(*names: str, d_min: float = 1.15) -> list[xr.Dataset]:
    return [
        reflections.tabulate_reflections(
            TABLE, reflections.ReflectionListing(d_min=d_min), {"phase": n}
        )
        for n in names
    ]


def series(
    crystals: list[crystal.Crystal],
    amounts: list[object],
    temperature: np.ndarray,
    seed: int = 1,
    effects: Effects = IDEAL,
    instrument: forward.Instrument = SHORT,
) -> tuple[xr.Dataset, xr.Dataset, list[np.ndarray]]:
    """Return patterns, furnace and the true cells of each phase."""
    rng = np.random.default_rng(seed)
    count = temperature.size
    parts = [
        forward.PhaseSeries(
            crystal=c,
            cell=c.cell_at(temperature),
            amount=np.broadcast_to(np.asarray(a, float), count),
        )
        for c, a in zip(crystals, amounts, strict=True)
    ]
    x = instrument.two_theta
    level = forward.simulate_background(x, instrument.wavelength, 6000.0, effects)
    counts = rng.poisson(forward.simulate_peaks(parts, x, instrument, effects, rng) + level).astype(
        float
    )
    patterns = xr.Dataset(
        {
            "intensity": (("frame", "two_theta"), counts),
            "intensity_stderr": (("frame", "two_theta"), np.sqrt(np.maximum(counts, 1))),
            "status": ("frame", np.full(count, "ok", object)),
            "wavelength": ((), instrument.wavelength),
        },
        coords={"frame": np.arange(1, count + 1), "two_theta": x},
    )
    furnace = xr.Dataset(
        {
            "temperature": ("frame", temperature),
            "segment": ("frame", np.full(count, "heating", object)),
        },
        coords={"frame": patterns["frame"]},
    )
    return patterns, furnace, [p.cell for p in parts]


def test_cells_of_two_phases_lie_within_their_errors() -> None:
    temperature = np.linspace(25, 300, 20)
    pulls, relative = [], []
    for seed in (1, 2, 3):
        patterns, furnace, truth = series(
            [crystal.NCM811, crystal.LFP], [900, 900], temperature, seed
        )
        ds = refine.refine_series(patterns, furnace, table("NCM811", "LFP"), Refinement())
        assert np.all(ds["present"] == 1) and np.all(ds["verdict"] == "ok")
        assert np.all(ds["gof"] < 1.15)
        for k, axes in enumerate(((0, 2), (0, 1, 2))):
            for axis in axes:
                error = ds["cell"].values[:, k, axis] - truth[k][:, axis]
                pulls.append(error / ds["cell_stderr"].values[:, k, axis])
                relative.append(np.abs(error / truth[k][:, axis]))
    pulls = np.array(pulls)
    assert np.median(relative) < 5e-5
    assert 0.7 < np.std(pulls) < 1.4 and np.mean(np.abs(pulls) < 3) > 0.98


def test_unmodelled_effects_do_not_push_cells_out_of_their_errors() -> None:
    patterns, furnace, truth = series(
        [crystal.NCM811, crystal.LFP], [900, 900], np.linspace(25, 300, 20), 4, Effects()
    )
    ds = refine.refine_series(patterns, furnace, table("NCM811", "LFP"), Refinement())
    for k, axes in enumerate(((0, 2), (0, 1, 2))):
        for axis in axes:
            error = ds["cell"].values[:, k, axis] - truth[k][:, axis]
            assert np.max(np.abs(error) / ds["cell_stderr"].values[:, k, axis]) < 5
            assert np.median(np.abs(error / truth[k][:, axis])) < 1e-4


def test_a_phase_enters_and_another_leaves_and_an_absent_one_stays_out() -> None:
    temperature = np.linspace(400, 800, 30)
    growing = np.clip((temperature - 600) / 200, 0, 1) * 900
    fading = np.clip((700 - temperature) / 200, 0, 1) * 900
    patterns, furnace, truth = series(
        [crystal.LFP, crystal.CEO2, crystal.NCM811], [900, growing, fading], temperature
    )
    ds = refine.refine_series(
        patterns, furnace, table("LFP", "CeO2", "NCM811", "GeO2_rutile"), Refinement()
    )
    there = dict(zip(ds["phase"].values, ds["present"].values.T == 1, strict=True))
    assert there["LFP"].all() and not there["GeO2_rutile"].any()
    first, last = temperature[there["CeO2"]].min(), temperature[there["NCM811"]].max()
    assert 600 < first < 640 and 660 < last < 701
    new = there["CeO2"]
    wander = np.abs(ds["cell"].values[new, 1, 0] / truth[1][new, 0] - 1)
    assert wander.max() < 1e-3  # at its onset, too
    gone = ds["intensity"].values[:, 3] / ds["intensity_stderr"].values[:, 3]
    assert np.mean(np.abs(gone) < 3) > 0.9
    np.testing.assert_array_equal(ds["verdict"].values[~there["CeO2"], 1], "absent")


def test_weight_fractions_follow_the_amounts() -> None:
    patterns, furnace, _ = series([crystal.LFP, crystal.CEO2], [900, 900], np.linspace(25, 60, 6))
    ds = refine.refine_series(patterns, furnace, table("LFP", "CeO2"), Refinement(mode="rietveld"))
    fraction = ds["weight_fraction"].values
    np.testing.assert_allclose(fraction.sum(axis=1), 1, rtol=1e-9)
    # the simulator gives the area of the strongest set: undo it with the phase tables
    strongest = []
    for ds_phase in table("LFP", "CeO2"):
        d = ds_phase["d"].values
        theta = np.arcsin(SHORT.wavelength / 2 / d)
        power = (
            ds_phase["multiplicity"]
            * ds_phase["structure_factor_squared"]
            / (np.sin(theta) * np.sin(2 * theta))
        )
        strongest.append(
            900 / float(power.max()) * ds_phase.attrs["cell_mass"] * ds_phase.attrs["volume"]
        )
    expected = strongest[0] / sum(strongest)
    np.testing.assert_allclose(fraction[:, 0], expected, atol=0.03)


def test_bad_frames_are_left_out_and_bad_ranges_refused() -> None:
    patterns, furnace, _ = series([crystal.CEO2], [900], np.linspace(25, 60, 6))
    patterns["status"].values[2] = "zeros"
    patterns["intensity"].values[2] = 0
    patterns["intensity"].values[3, 100:110] = np.nan
    ds = refine.refine_series(patterns, furnace, table("CeO2"), Refinement())
    assert ds["verdict"].values[2, 0] == "not_measured" and np.isnan(ds["rwp"][2])
    assert np.all(ds["verdict"].values[[0, 1, 3, 4, 5], 0] == "ok")
    with pytest.raises(BadInput, match="two_theta_min"):
        refine.refine_series(patterns, furnace, table("CeO2"), Refinement(two_theta_min=30.0))
    with pytest.raises(BadInput, match="no candidate"):
        refine.refine_series(patterns, furnace, [], Refinement())


def test_the_right_of_two_structures_of_one_space_group_type_is_found() -> None:
    temperature = np.linspace(500, 800, 12)
    growing = np.clip((temperature - 560) / 240, 0, 1) * 700
    patterns, furnace, _ = series([crystal.LFP, crystal.Co3PO42], [900, growing], temperature, 7)
    ds = refine.refine_series(patterns, furnace, table("LFP", "Co3PO42", "Ni3PO42"), Refinement())
    assert ds["present"].values[-4:, 1].all() and not ds["present"].values[:, 2].any()


def test_results_repeat_to_the_byte() -> None:
    patterns, furnace, _ = series([crystal.CEO2], [900], np.linspace(25, 60, 4))
    first, second = (
        refine.refine_series(patterns, furnace, table("CeO2"), Refinement()) for _ in range(2)
    )
    xr.testing.assert_identical(first, second)


def test_a_zero_of_the_series_is_that_of_every_frame() -> None:
    temperature = np.linspace(25, 300, 12)
    patterns, furnace, truth = series([crystal.NCM811, crystal.LFP], [900, 900], temperature, 11)
    strong = patterns["intensity"].values
    strong[-1] = strong[-1][
        ::-1
    ]  # the last frame of the forward pass, where the backward one begins, is no guide
    ds = refine.refine_series(patterns, furnace, table("NCM811", "LFP"), Refinement())
    assert np.ptp(ds["zero"].values) == 0 and abs(ds["zero"].values[0]) < 5e-4
    assert np.all(ds["zero_stderr"].values > 0)
    assert abs(ds["zero"].values[0]) < 4 * ds["zero_stderr"].values[0] < 1e-3  # the true one is 0
    good = slice(0, -1)
    pulls = (ds["cell"].values[good, 1, :3] - truth[1][good, :3]) / ds["cell_stderr"].values[
        good, 1, :3
    ]
    assert np.max(np.abs(np.mean(pulls, axis=0))) < 2 and np.all(ds["verdict"].values[good] == "ok")


def test_a_reaction_to_a_phase_without_atoms_leaves_all_cells_within_their_errors() -> None:
    temperature = np.linspace(25, 800, 24)
    fading = np.clip((760 - temperature) / 160, 0, 1) * 900
    growing = np.clip((temperature - 600) / 200, 0, 1) * 600
    patterns, furnace, truth = series(
        [crystal.LAGP, crystal.Co3PO42], [fading, growing], temperature, 5, Effects(), forward.ID11C
    )
    ds = refine.refine_series(patterns, furnace, table("LAGP", "Co3PO42", d_min=1.1), Refinement())
    assert np.max(ds["gof"].values) < 1.35 and np.median(ds["gof"].values) < 1.1
    pulls = []
    for k, axes in ((0, (0, 2)), (1, (0, 1, 2, 4))):
        there = ds["present"].values[:, k] == 1
        assert np.mean(ds["verdict"].values[there, k] == "ok") > 0.8
        for axis in axes:
            error = (ds["cell"].values[there, k] - truth[k][there])[:, axis]
            pulls.append(error / ds["cell_stderr"].values[there, k, axis])
            assert abs(np.median(pulls[-1])) < 2
    assert np.mean(np.abs(np.concatenate(pulls)) < 3) > 0.95


def test_linear_algebra_runs_on_one_thread_whatever_the_caller_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from threadpoolctl import threadpool_info, threadpool_limits

    def threads() -> set[int]:
        return {
            library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"
        }

    seen = []
    monkeypatch.setattr(refine, "_refine_passes", lambda *_: seen.append(threads()))
    with threadpool_limits(2, "blas"):
        assert threads() == {2}
        refine.refine_series(xr.Dataset(), xr.Dataset(), [], Refinement())
        assert threads() == {2}
    assert seen == [{1}]


def test_one_strong_pattern_gives_the_same_cell_without_atoms() -> None:
    """Its lines are not held near their multiplicities."""
    patterns, furnace, truth = series([crystal.LFP], [90000], np.array([25.0]))
    (known,) = table("LFP")
    unknown = known.copy(deep=True)
    unknown["structure_factor_squared"][:] = np.nan
    unknown.attrs["refinable"] = 0
    with_atoms, without = (
        refine.refine_series(patterns, furnace, [one], Refinement()) for one in (known, unknown)
    )
    for ds in (with_atoms, without):
        error = ds["cell"].values[0, 0, :3] - truth[0][0, :3]
        assert np.all(np.abs(error) < 4 * ds["cell_stderr"].values[0, 0, :3])
    ratio = without["cell_stderr"].values[0, 0, :3] / with_atoms["cell_stderr"].values[0, 0, :3]
    assert np.all(ratio < 2), ratio
    assert float(without["rwp"][0]) < 1.1 * float(with_atoms["rwp"][0])


def list_elsewhere(phase: xr.Dataset, *changes: float) -> xr.Dataset:
    """Return a phase whose listed a, b, c are off by these shares."""
    cell = np.array(phase.attrs["cell"], float)
    cell[:3] *= 1 + np.array(changes)
    hkl = np.stack([phase[index].values for index in "hkl"], axis=1).astype(float)
    reciprocal = np.linalg.inv(metric_from_cell(cell))
    d = np.einsum("ri,ij,rj->r", hkl, reciprocal, hkl) ** -0.5
    return phase.assign(d=(phase["d"].dims, d)).assign_attrs(cell=cell.tolist())


@pytest.mark.parametrize(
    ("layered", "olivine", "zero"),
    [
        ((0.009, 0.009, -0.005), (0.004, -0.005, 0.009), 0.0),
        ((0.02, 0.02, -0.02), (0.02, -0.02, 0.01), 0.0),
        ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0), 0.1),
        ((0.01, 0.01, 0.0), (0.0, -0.01, 0.0), -0.06),
    ],
)
def test_one_frame_has_the_same_cells_wherever_they_are_listed(
    layered: tuple[float, ...], olivine: tuple[float, ...], zero: float
) -> None:
    patterns, furnace, truth = series(
        [crystal.NCM811, crystal.LFP], [900, 900], np.array([25.0]), 0
    )
    axis = patterns["two_theta"].values + zero
    phases = table("NCM811", "LFP")
    off = [list_elsewhere(phases[0], *layered), list_elsewhere(phases[1], *olivine)]
    ds = refine.refine_series(patterns.assign_coords(two_theta=axis), furnace, off, Refinement())
    assert np.all(ds["verdict"] == "ok") and float(ds["gof"][0]) < 1.1
    assert abs(float(ds["zero"][0]) - zero) < 4 * float(ds["zero_stderr"][0]) < 1e-3
    for k, axes in enumerate(((0, 2), (0, 1, 2))):
        error = (ds["cell"].values[0, k] - truth[k][0])[list(axes)]
        assert np.max(np.abs(error) / ds["cell_stderr"].values[0, k, list(axes)]) < 4
