"""Normalised spectra: glitches, outliers and guards; noise that is what scatters."""

import inspect
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from xas import made_spectra

from ssbchar.xas import edge_features
from ssbchar.xas.calibration import calibrate
from ssbchar.xas.calibration.options import Calibration
from ssbchar.xas.comparison import compare, conclude
from ssbchar.xas.comparison.options import Comparison
from ssbchar.xas.exafs import extract
from ssbchar.xas.exafs.options import Exafs
from ssbchar.xas.normalisation import edge, exafs_free, noise, normalise, thickness
from ssbchar.xas.normalisation.options import Normalisation
from ssbchar.xas.scans import read
from ssbchar.xas.scans.options import ScanReading
from ssbchar.xas.series import linear_combination
from ssbchar.xas.series.options import Mixture

ENERGY = made_spectra.grid()
SIGMA = 1e-3


def calibrated(count: int, seed: int = 0, sigma: float = SIGMA) -> xr.Dataset:
    """Return repeats as the calibration gives them."""
    random = np.random.default_rng(seed)
    clean = made_spectra.mu(ENERGY, made_spectra.Truth())
    mu = clean + sigma * random.standard_normal((count, ENERGY.size))
    dims = ("scan", "point")
    ds = xr.Dataset(
        {"energy": (dims, np.tile(ENERGY, (count, 1))), "mu": (dims, mu), "total": (dims, mu)}
    )
    for name in ("mu_stderr", "mu_foil"):
        ds[name] = (dims, np.full(mu.shape, np.nan))
    ds["i0"] = (dims, 1e6 * (1 + 1e-4 * random.standard_normal(mu.shape)))
    ds["source_file"] = ("scan", [f"{i}.dat" for i in range(count)])
    ds["status"], ds["ledger"] = ("scan", ["ok"] * count), ("scan", ["{}"] * count)
    ds["shift"], ds["shift_stderr"] = ("scan", np.zeros(count)), ("scan", np.zeros(count))
    ds.attrs = {
        "element": "Fe",
        "edge": "K",
        "mode": "transmission",
        "set_aside": "[]",
        "measurement": "m",
    }
    return ds


def said(ds: xr.Dataset) -> list[str]:
    return [e["note"] for e in json.loads(ds.attrs["notes"])]


def test_a_glitch_in_mu_and_i0_is_masked_and_listed() -> None:
    ds = calibrated(2)
    ds["mu"][0, 300] += 0.05
    ds["i0"][0, 300] *= 0.5
    done = normalise.normalise_spectra(ds, Normalisation())
    assert np.flatnonzero(done["masked"].values).tolist() == [300]
    assert said(done) == [f"glitch masked at {ENERGY[300]:.1f} eV"]
    assert abs(done["mu"].values[0, 300] - ds["mu"].values[1, 300]) < 0.01


def test_noise_alone_is_no_glitch() -> None:
    done = normalise.normalise_spectra(calibrated(6, seed=4), Normalisation())
    assert not done["masked"].values.any()
    assert said(done) == []


def test_an_outlying_repeat_is_left_out_of_the_merge() -> None:
    ds = calibrated(5)
    ds["mu"][3] += 0.3 * np.exp(-(((ENERGY - 7140) / 10) ** 2))
    done = normalise.normalise_spectra(ds, Normalisation())
    assert done["status"].values.tolist() == ["ok", "ok", "ok", "outlier", "ok", "ok"]
    assert done.attrs["repeats"] == 4
    kept = ds["mu"].values[[0, 1, 2, 4]].mean(axis=0)
    assert np.abs(done["mu"].values[-1] - kept).max() < 1e-3


def test_thick_and_faint_samples_are_said() -> None:
    thick = calibrated(1)
    thick["total"] += 4
    assert "harmonics or leakage" in said(normalise.normalise_spectra(thick, Normalisation()))[0]
    faint = calibrated(1, sigma=0.0)
    faint["mu"] = faint["mu"] * 0.01
    assert "edge step" in said(normalise.normalise_spectra(faint, Normalisation()))[0]


@pytest.mark.parametrize("count", [1, 6])
def test_stated_noise_is_what_scatters(count: int) -> None:
    stated, merged = [], []
    clean = made_spectra.mu(ENERGY, made_spectra.Truth())
    for seed in range(12):
        done = normalise.normalise_spectra(calibrated(count, seed), Normalisation(glitch=0))
        stated.append(np.median(done["mu_stderr"].values[-1]))
        merged.append(done["mu"].values[-1] - clean)
    assert np.mean(stated) == pytest.approx(np.std(merged), rel=0.12)
    assert np.mean(stated) == pytest.approx(SIGMA / np.sqrt(count), rel=0.12)


def test_norm_errors_hold_baseline_and_step() -> None:
    random = np.random.default_rng(8)
    clean = made_spectra.mu(ENERGY, made_spectra.Truth())
    limits = edge.choose_fit_ranges(ENERGY, 7119.6)
    many = edge.normalise_edges(
        ENERGY, clean + SIGMA * random.standard_normal((800, ENERGY.size)), limits
    )
    one = edge.normalise_edges(ENERGY, clean[None], limits)
    stated, step = edge.norm_stderr_from_mu_stderr(
        np.full((1, ENERGY.size), SIGMA), one, edge.derive_operators(ENERGY, limits)
    )
    assert np.std(many.edge_step) == pytest.approx(step[0], rel=0.1)
    assert np.median(many.norm.std(axis=0) / stated[0]) == pytest.approx(1, abs=0.05)


def test_chi_errors_are_what_scatters() -> None:
    done = normalise.normalise_spectra(calibrated(40, seed=3), Normalisation(outlier=0, glitch=0))
    found = extract.extract_exafs(done, Exafs())
    k, r = found["k"].values, found["r"].values
    for name, where in (
        ("chi", (k > 4) & (k < 13)),
        ("chi_r_real", (r > 0.5) & (r < 6)),
        ("chi_r_imag", (r > 0.5) & (r < 6)),
    ):
        scatter = found[name].values[:-1].std(axis=0, ddof=1)[where]
        stated = np.median(found[f"{name}_stderr"].values[:-1], axis=0)[where]
        assert np.median(scatter / stated) == pytest.approx(1, abs=0.15), name


def test_jumps_see_points_not_curves() -> None:
    curve = np.sin((ENERGY - ENERGY[0]) / 60)[None]
    assert np.nanmax(np.abs(noise.measure_jumps(ENERGY, curve))) < 2e-3
    random = np.random.default_rng(0).standard_normal((1, ENERGY.size))
    assert np.nanstd(noise.measure_jumps(ENERGY, random)) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("scale", [0.2, 3.0])
def test_scaling_and_a_line_change_nothing_normalised(scale: float) -> None:
    mu = made_spectra.mu(ENERGY, made_spectra.Truth())[None]
    limits = edge.choose_fit_ranges(ENERGY, 7119.6)
    plain = edge.normalise_edges(ENERGY, mu, limits)
    other = edge.normalise_edges(ENERGY, scale * mu + 0.1 - 2e-4 * (ENERGY - 7000), limits)
    assert np.allclose(plain.norm, other.norm, atol=1e-9)
    assert np.allclose(other.edge_step, scale * plain.edge_step)


def test_victoreen_takes_off_its_own_curve() -> None:
    curve = ((3e8 + 2e5 * ENERGY) / ENERGY**3)[None]
    limits = edge.choose_fit_ranges(ENERGY, 7119.6)
    assert np.allclose(edge.fit_pre_edge(ENERGY, curve, limits, 3), curve, rtol=1e-9)
    assert not np.allclose(edge.fit_pre_edge(ENERGY, curve, limits, 0), curve, rtol=1e-6)


def test_edges_move_with_the_axis() -> None:
    for move in (0.0, 0.07, 0.31):
        grid = ENERGY + 0.013
        mu = made_spectra.mu(grid, made_spectra.Truth(edge=7120.0 + move))[None]
        at = edge_features.find_half_step(
            grid, edge.normalise_edges(grid, mu, edge.choose_fit_ranges(grid, 7119.6)).norm
        )[0][0]
        steepest = edge_features.find_inflection(grid, mu)[0][0]
        if move == 0.0:
            first = at, steepest
        assert at - first[0] == pytest.approx(move, abs=0.01)
        assert steepest - first[1] == pytest.approx(move, abs=0.03)


def test_fluorescence_and_a_high_step_are_doubts_not_set_aside() -> None:
    glow = calibrated(1)
    glow.attrs["mode"] = "fluorescence"
    done = normalise.normalise_spectra(glow, Normalisation())
    assert "self-absorption" in said(done)[0]
    assert json.loads(done.attrs["set_aside"]) == []
    assert [e["level"] for e in json.loads(done.attrs["notes"])] == ["doubt"]
    high = calibrated(1)
    high["mu"] = 2.5 * high["mu"]
    assert "edge step" in said(normalise.normalise_spectra(high, Normalisation()))[0]


def test_leakage_takes_the_stated_share_of_the_white_line() -> None:
    mu = made_spectra.mu(ENERGY, made_spectra.Truth(loss=1.0)) + 3.2
    leaky = -np.log((np.exp(-mu) + 1e-3) / (1 + 1e-3))
    limits = edge.choose_fit_ranges(ENERGY, 7119.6)
    true, seen = (edge.normalise_edges(ENERGY, m[None], limits) for m in (mu, leaky))
    top = int(np.argmax(true.norm[0]))
    loss = 1 - (seen.flat[0, top] - 1) / (true.flat[0, top] - 1)
    stated = thickness.estimate_thickness_loss(
        float(mu[top]), float(true.edge_step[0]), float(true.norm[0, top]), 1e-3
    )
    assert stated > 0.03
    assert stated == pytest.approx(loss, rel=0.25)
    assert thickness.estimate_thickness_loss(4.0, 1.0, 1.5, 0.0) == pytest.approx(0, abs=1e-12)


def test_the_edge_step_free_of_exafs_depends_less_on_its_range() -> None:
    mu = made_spectra.mu(ENERGY, made_spectra.Truth())[None]
    bare = made_spectra.mu(ENERGY, made_spectra.Truth(loss=1.0))[None]
    spreads = []
    for free in (False, True):
        errors = []
        for start in (30.0, 60.0, 90.0, 120.0, 150.0):
            limits = edge.choose_fit_ranges(
                ENERGY, 7119.6, edge.FitLimits(norm1=start, norm2=650.0, nnorm=2)
            )
            curve = exafs_free.remove_exafs(ENERGY, mu, 7119.6, Exafs()).curve if free else None
            step = edge.normalise_edges(ENERGY, mu, limits, exafs_free=curve).edge_step[0]
            errors.append(step / edge.normalise_edges(ENERGY, bare, limits).edge_step[0] - 1)
        spreads.append(np.abs(errors).max())
    assert spreads[1] < 0.5 * spreads[0]


def test_interpolated_repeats_state_their_full_noise() -> None:
    """Fits over many points scatter as the noise of the raw points says, however the repeats are
    interpolated."""
    random = np.random.default_rng(8)
    near = (ENERGY > 7105) & (ENERGY < 7145)
    stated, means = [], []
    for _ in range(40):
        ds = calibrated(4, int(random.integers(1 << 30)))
        ds["energy"] = ds["energy"] + 0.15 * np.arange(4)[:, None] % 0.3
        for i in range(4):
            axis = ds["energy"].values[i]
            noise_here = SIGMA * random.standard_normal(axis.size)
            ds["mu"][i] = made_spectra.mu(axis, made_spectra.Truth()) + noise_here
        done = normalise.normalise_spectra(ds, Normalisation(glitch=0))
        inside = near[: done.sizes["energy"]]
        stated.append(
            float(np.sqrt((done["mu_stderr"].values[-1][inside] ** 2).sum()) / inside.sum())
        )
        energy = done["energy"].values[inside]
        means.append(
            float(
                (
                    done["mu"].values[-1][inside] - made_spectra.mu(energy, made_spectra.Truth())
                ).mean()
            )
        )
    assert np.std(means) == pytest.approx(np.median(stated), rel=0.35)


def test_doubts_on_what_a_sample_is_held_against_are_told_with_the_sample() -> None:
    sample, glow = calibrated(2), calibrated(1)
    glow.attrs.update(mode="fluorescence", measurement="other")
    glow["mu"][0, 300] += 0.05
    glow["i0"][0, 300] *= 1.05
    own, other = (normalise.normalise_spectra(ds, Normalisation()) for ds in (sample, glow))
    pair = compare.compare_pair(other, own, Comparison(choices=1))
    taken_apart = linear_combination.fit_mixture(own, [other], Mixture(choices=0))
    assert conclude.conclude_quality("Fe K", own).verdict == "ok"
    for parts in ((pair, None), (None, taken_apart), (pair, taken_apart)):
        row = next(
            r
            for r in conclude.conclude_measurement(own, *parts, Comparison())
            if r.quantity == "quality"
        )
        assert row.verdict == "doubtful"
        assert row.reason.startswith("other: fluorescence")
        assert row.reason.count("self-absorption") == 1
        assert "; 0.dat (other): " in row.reason


def test_the_theory_page_states_the_widths_of_the_fits() -> None:
    fits = (
        edge_features.find_half_step,
        edge_features.find_inflection,
        edge_features.measure_white_line,
    )
    half, steepest, top = (inspect.signature(f).parameters["width"].default for f in fits)
    page = (Path(__file__).parent.parents[2] / "docs/theory/xas.md").read_text(encoding="utf-8")
    assert f"Gaussian weights of sigma {half}, {steepest} and {top} eV" in page


def test_repeats_are_merged_by_the_inverse_square_of_their_relative_noise() -> None:
    """Noise of 0.01 and 0.04 of steps 1 and 2: relative 1 to 2, weights 0.8 and 0.2."""
    ones = np.ones((3, 5))
    scans = SimpleNamespace(
        norm=ones * [[1.0], [2.0], [9.0]],
        pre_edge=ones * [[0.0], [5.0], [9.0]],
        edge_step=np.array([1.0, 2.0, 9.0]),
    )
    given = ones * [[0.01], [0.04], [1e-9]]
    keep = np.array([True, True, False])
    merged = normalise.merge_repeats(np.arange(5.0), scans, given, keep, ones)
    assert merged.mu == pytest.approx(1.2 * 1.2 + 0.2 * 5.0)
    assert merged.stderr == pytest.approx(np.hypot(0.8 * 0.01, 0.2 * 0.02) * 1.2)
    assert merged.step_spread == pytest.approx(np.sqrt(0.5) / 1.2)


@pytest.mark.parametrize(("apart", "same"), [(0.25, True), (0.5, False)])
def test_scans_nearer_than_the_tolerance_are_not_interpolated(
    monkeypatch: pytest.MonkeyPatch, apart: float, same: bool
) -> None:
    """With a tolerance of half an eV, which is exact: that far apart is another axis."""
    monkeypatch.setattr(normalise, "SAME_GRID", 0.5)
    ds = calibrated(2)
    ds["energy"] = (("scan", "point"), np.tile(np.arange(7000.0, 7000.0 + ENERGY.size), (2, 1)))
    ds["energy"][1, 50] += apart
    found = normalise.regrid_scans(ds, np.arange(2))
    assert np.array_equal(found.mu[1], ds["mu"].values[1]) is same
    assert bool((found.jump_scale[1] == 1).all()) is same
    assert normalise.SAME_GRID == 0.5


def test_axes_a_millionth_ev_apart_are_one() -> None:
    for apart, same in ((0.9e-6, True), (1.1e-6, False)):
        ds = calibrated(2)
        ds["energy"][1, 50] += apart
        found = normalise.regrid_scans(ds, np.arange(2))
        assert bool((found.jump_scale[1] == 1).all()) is same


def test_the_common_grid_is_within_the_range_of_all_scans() -> None:
    ds = calibrated(2)
    shifted = np.arange(7000.0, 7000.0 + ENERGY.size)
    ds["energy"] = (("scan", "point"), np.stack([shifted, shifted + 3.0]))
    found = normalise.regrid_scans(ds, np.arange(2))
    assert found.energy[[0, -1]].tolist() == [7003.0, shifted[-1]]
    assert np.array_equal(found.mu[1], ds["mu"].values[1, :-3])
    ds["energy"][1] += 0.25
    ds["mu_stderr"][:] = shifted
    found = normalise.regrid_scans(ds, np.arange(2))
    assert found.energy[[0, -1]].tolist() == [7004.0, shifted[-1]]
    assert found.counted_stderr[1, 0] == pytest.approx(7000.75)


@pytest.mark.parametrize(("readings", "kept"), [(20, False), (21, True)])
def test_a_foil_of_more_than_twenty_readings_is_kept(readings: int, kept: bool) -> None:
    ds = calibrated(2)
    ds["mu_foil"][0] = ENERGY
    ds["mu_foil"][1, :readings] = ENERGY[:readings] + 2.0
    done = normalise.normalise_spectra(ds, Normalisation(glitch=0))
    assert ("mu_foil" in done) is kept
    if kept:
        assert done["mu_foil"].values[:21] == pytest.approx(ENERGY[:21] + 1.0)


def test_the_origin_is_found_in_two_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    how = normalise.normalise_by_options

    def watch(energy, mu, e0, options, **more):
        asked.append(e0)
        return how(energy, mu, e0, options, **more)

    monkeypatch.setattr(normalise, "normalise_by_options", watch)
    mu = calibrated(2)["mu"].values
    found = normalise.find_origin(ENERGY, mu, Normalisation(core_width=1.25), "a", False)
    assert len(asked) == 2
    assert found == pytest.approx(asked[1], abs=0.05) and found != asked[0]
    assert normalise.find_origin(ENERGY, mu, Normalisation(e0=7119.0), "a", False) == 7119.0


@pytest.mark.parametrize(("count", "scatters"), [(2, False), (3, True)])
def test_three_repeats_tell_their_scatter(
    monkeypatch: pytest.MonkeyPatch, count: int, scatters: bool
) -> None:
    """Of equal weights 1/n the noise of the mean is that of one repeat over root n."""
    monkeypatch.setattr(normalise, "estimate_repeat_noise", lambda *a: np.full(5, 0.6))
    ones = np.ones((count, 5))
    scans = SimpleNamespace(norm=ones, pre_edge=0 * ones, edge_step=np.full(count, 2.0))
    given = 0.2 * ones
    merged = normalise.merge_repeats(np.arange(5.0), scans, given, ones[:, 0] > 0, ones)
    one = 0.6 if scatters else 0.1
    assert merged.stderr == pytest.approx(2.0 * one / np.sqrt(count) * np.ones(5))


def test_repeats_without_noise_weigh_alike() -> None:
    ones = np.ones((2, 5))
    scans = SimpleNamespace(
        norm=ones * [[1.0], [2.0]], pre_edge=0 * ones, edge_step=np.array([1.0, 3.0])
    )
    keep = np.array([True, True])
    merged = normalise.merge_repeats(np.arange(5.0), scans, 0 * ones, keep, ones)
    assert merged.mu == pytest.approx(1.5 * 2.0 * np.ones(5))
    assert merged.stderr == pytest.approx(np.zeros(5))
    one = SimpleNamespace(norm=ones[:1], pre_edge=0 * ones[:1], edge_step=np.array([1.0]))
    single = normalise.merge_repeats(np.arange(5.0), one, ones[:1], keep[:1], ones[:1])
    assert single.step_spread == 0.0


def test_an_outlier_has_no_part_in_the_origin(tmp_path: Path) -> None:
    """Four repeats, one bent: with it left out E0 and edge are those of the three."""
    random = np.random.default_rng(6)
    for number in range(4):
        made_spectra.write_scan(tmp_path / f"{number}.dat", made_spectra.Truth(), random)
    scans = read.read_scans(tmp_path, ScanReading(), {"measurement": "one"})
    calibrated = calibrate.calibrate_energy(scans, None, Calibration())
    bent = calibrated.copy(deep=True)
    bent["mu"][3] += 0.4 * np.exp(-(((bent["energy"][3] - 7117.0) / 3.0) ** 2))
    three = normalise.normalise_spectra(calibrated.isel(scan=[0, 1, 2]), Normalisation())
    four = normalise.normalise_spectra(bent, Normalisation())
    assert four.attrs["repeats"] == 3
    assert float(four["e0"]) == pytest.approx(float(three["e0"]), abs=1e-3)
    assert float(four["e0_half"][-1]) == pytest.approx(float(three["e0_half"][-1]), abs=2e-3)
