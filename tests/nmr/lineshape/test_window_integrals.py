"""Window integrals of known lines, and their noise."""

import numpy as np
import pytest
import xarray as xr
from nmr import signals

from ssbchar.nmr.lineshape.fit import fit_lines
from ssbchar.nmr.lineshape.options import LineFitOptions, SpectrumOptions
from ssbchar.nmr.lineshape.phasing import SpectrumPhase
from ssbchar.nmr.lineshape.window_integrals import (
    _find_window,
    _transform_phased,
    build_apodisation,
    integrate_windows,
    propagate_noise,
)
from ssbchar.nmr.regions import Regions
from ssbchar.nmr.transform.fourier import select_range, transform_signal

WIDE = Regions(li_metal=(205.0, 330.0), li_si=(-200.0, 200.0))
CLEAN = signals.signal((0.3, 0.7), (264.0, 10.0), (300.0, 300.0), phase=0.5, points=4096)


@pytest.mark.parametrize("phase", ["lines", "peaks"])
def test_areas_of_narrow_lines_are_their_integrals(phase: str) -> None:
    fid = signals.dataset(np.stack([CLEAN, 0.5 * CLEAN]), np.array([1e-5, 2e-5]))
    lines = fit_lines(fid, LineFitOptions())
    options = SpectrumOptions(broadening=20.0, phase=phase, baseline_order=-1)
    found = integrate_windows(fid, options, lines, regions=WIDE)
    # The integral of a signal that begins at zero is half its first point.
    expected = [[0.15, 0.35], [0.075, 0.175]]
    np.testing.assert_allclose(found["window_area"], expected, rtol=0.02)
    assert found.attrs["windows"] == [205.0, 330.0, -200.0, 200.0]
    assert found.attrs["broadening"] == 20.0


def test_without_lines_peaks_give_the_phase() -> None:
    fid = signals.dataset(CLEAN)
    asked = integrate_windows(fid, SpectrumOptions(phase="peaks"))
    missing = integrate_windows(fid, SpectrumOptions(phase="lines"))
    assert asked.equals(missing)


def test_slices_with_slopes_of_their_own_are_phased_one_by_one() -> None:
    first = signals.signal((0.3,), (264.0,), (300.0,), phase=0.2, points=4096)
    second = signals.signal((0.7,), (10.0,), (300.0,), phase=0.9, points=4096)
    rows = np.stack([first + second, first * np.exp(1j) + second, first + second * np.exp(-1j)])
    fid = signals.dataset(signals.noisy(rows, 1e-3, 1), 1e-5 * np.arange(1, 4))
    lines = fit_lines(fid, LineFitOptions())
    assert lines.attrs["phases"] == "region"
    found = integrate_windows(fid, SpectrumOptions(broadening=20.0), lines, regions=WIDE)
    np.testing.assert_allclose(found["window_area"], [[0.15, 0.35]] * 3, rtol=0.1)
    assert np.ptp(found["phase_1"].values) > 0


def test_a_baseline_is_taken_away_outside_the_regions() -> None:
    fid = signals.dataset(CLEAN)
    plain = integrate_windows(fid, SpectrumOptions(baseline_order=-1), regions=WIDE)
    flat = integrate_windows(fid, SpectrumOptions(baseline_order=0), regions=WIDE)
    ppm = plain["ppm"].values
    outside = (ppm > 330.0) | ((ppm < 205.0) & (ppm > 200.0)) | (ppm < -200.0)
    assert abs(float(flat["real"][0, outside].mean())) < 1e-12
    off = plain["real"].values[0] - flat["real"].values[0]
    np.testing.assert_allclose(off, plain["real"].values[0, outside].mean())


def test_apodisation_counts_half_of_a_sharp_start() -> None:
    time = np.arange(4) * 1e-3
    weight = build_apodisation(time, 100.0)
    assert weight == pytest.approx(np.exp(-np.pi * 0.1 * np.arange(4)) * [0.5, 1, 1, 1])
    early = build_apodisation(time - 1.5e-3, 100.0)
    assert early == pytest.approx([1.0, 1.0, np.exp(-np.pi * 0.05), np.exp(-np.pi * 0.15)])


@pytest.mark.parametrize("start", [0.0, -3e-6, 0.4e-6])
def test_noise_of_an_integral_is_that_of_a_linear_form(start: float) -> None:
    """Sum over frequencies of the transform, written out as weights of the points of the decay."""
    time, step = start + np.arange(400) * 1e-6, 1e-6
    weight = build_apodisation(time, 300.0) * step
    low, high = -20e3, 45e3
    nu = np.linspace(low, high, 4001)
    middle = (nu[1:] + nu[:-1]) / 2
    kernel = np.exp(-2j * np.pi * middle[:, None] * time).sum(axis=0) * (nu[1] - nu[0])
    expected = np.sqrt(np.sum(np.abs(kernel * weight) ** 2))
    noise = np.array([1.0, 3.0])
    found = propagate_noise([high - low, 1.0], time, weight, noise=noise, step=step)
    assert found.shape == (2, 2)
    assert found[:, 0] == pytest.approx([expected, 3 * expected], rel=1e-3)
    assert found[0, 1] < 1e-3 * found[0, 0]


def test_edges_on_points_of_the_axis_count() -> None:
    ppm = np.array([5.0, 4.0, 3.0, 2.0, 1.0, 0.0])
    assert ppm[_find_window(ppm, (1.0, 4.0))].tolist() == [4.0, 3.0, 2.0, 1.0]
    assert ppm[_find_window(ppm, (1.5, 3.5))].tolist() == [3.0, 2.0]
    assert ppm[_find_window(ppm, (-9.0, 9.0))].size == 6
    assert ppm[_find_window(ppm, (7.0, 9.0))].size == 0


def test_one_slice_is_phased_by_its_lines() -> None:
    fid = signals.dataset(CLEAN)
    lines = fit_lines(fid, LineFitOptions())
    options = SpectrumOptions(broadening=20.0, baseline_order=0)
    found = integrate_windows(fid, options, lines, regions=WIDE)
    np.testing.assert_allclose(found["window_area"], [[0.15, 0.35]], rtol=0.05)
    assert float(found["phase_0"][0]) == pytest.approx(0.5, abs=0.01)


def test_one_slope_is_a_shift_of_the_time_axis() -> None:
    """Phased in time, spectra are those phased point by point."""
    time = np.arange(1024) * 1e-6
    rows = signals.signal((0.3, 0.7), (264.0, 10.0), (900.0, 3000.0), points=1024)
    y = np.stack([rows, 0.5j * rows])
    shown = select_range(time, 2048, (-400.0, 500.0), sfo1=311.1, sf=311.1)
    phase = SpectrumPhase(zero_order=np.array([0.4, 0.9]), first_order=np.full(2, 2e-5), pivot=20e3)
    turned = transform_signal(y, time, 2048, shown.part) * np.exp(
        -1j * (phase.zero_order[:, None] + 2e-5 * (shown.offset - 20e3))
    )
    found = _transform_phased(y.copy(), time, 2048, shown, phase)
    np.testing.assert_allclose(found, turned, atol=1e-9 * np.abs(turned).max())


@pytest.mark.parametrize(
    ("points", "fill", "size"), [(4096, 2, 8192), (4096, 1, 4096), (4097, 2, 16384)]
)
def test_spectra_are_filled_with_zeros_to_a_power_of_two(points: int, fill: int, size: int) -> None:
    y = signals.signal((0.3, 0.7), (264.0, 10.0), (300.0, 300.0), points=points)
    options = SpectrumOptions(phase="peaks", zero_fill=fill)
    ppm = integrate_windows(signals.dataset(y), options)["ppm"].values
    assert ppm[0] - ppm[1] == pytest.approx(1e6 / size / signals.SF)


def test_the_noise_of_a_window_is_the_scatter_of_its_integral() -> None:
    """Noise alone, phased as it comes: each integral over its error is N(0, 1)."""
    rng = np.random.default_rng(5)
    y = rng.normal(size=(400, 512)) + 1j * rng.normal(size=(400, 512))
    fid = signals.dataset(y, 1e-5 * np.arange(1, 401))
    lines = xr.Dataset(
        {"area": (("slice", "component"), np.ones((400, 1))), "time_origin": 0.0}
        | {"phase": (("slice", "component"), np.zeros((400, 1)))},
        attrs={"phases": "shared"},
    )
    found = integrate_windows(fid, SpectrumOptions(baseline_order=-1), lines)
    pull = found["window_area"].values / found["window_area_stderr"].values
    assert np.std(pull, axis=0) == pytest.approx([1.0, 1.0], abs=0.1)
