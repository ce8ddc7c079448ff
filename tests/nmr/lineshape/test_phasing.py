"""Phases that were put in come out, from lines or from peaks."""

import numpy as np
import pytest
import xarray as xr
from nmr import signals

from ssbchar.nmr.lineshape.fit import fit_lines
from ssbchar.nmr.lineshape.options import LineFitOptions
from ssbchar.nmr.lineshape.phasing import SpectrumPhase, phases_from_lines, phases_from_peaks

OFFSET = np.arange(2000)[::-1] * 50.0 - 50e3
WIDTH = 50.0
MASKS = np.stack([(OFFSET > 30e3) & (OFFSET < 49e3), (OFFSET > -40e3) & (OFFSET < 10e3)])


def spectra(phases: list[tuple[float, float]], areas: list[tuple[float, float]]) -> np.ndarray:
    """Two complex Lorentzians at +40 and -15 kHz, each of its phase."""
    rows = []
    for (first, second), (one, two) in zip(phases, areas, strict=True):
        lines = [
            area * np.exp(1j * phase) / (np.pi * (400.0 - 1j * (OFFSET - nu)))
            for area, phase, nu in ((one, first, 40e3), (two, second, -15e3))
        ]
        rows.append(sum(lines))
    return np.array(rows)


def peaks(phases, areas, spread=1e-4) -> SpectrumPhase:
    return phases_from_peaks(
        spectra(phases, areas), OFFSET, MASKS, np.full((len(phases), 2), spread), WIDTH
    )


def evaluate(phase: SpectrumPhase, nu: float) -> np.ndarray:
    return phase.zero_order + phase.first_order * (nu - phase.pivot)


def test_a_common_phase_is_found_and_shared_by_all_slices() -> None:
    found = peaks([(0.7, 0.7)] * 2, [(1.0, 3.0), (0.9, 2.7)])
    assert evaluate(found, 40e3) == pytest.approx([0.7, 0.7], abs=0.1)
    assert evaluate(found, -15e3) == pytest.approx([0.7, 0.7], abs=0.02)
    assert found.pivot == pytest.approx(-15e3, abs=500.0)


def test_two_phases_run_linearly_between_the_peaks() -> None:
    found = peaks([(1.2, -0.3)], [(3.0, 1.0)])
    assert evaluate(found, 40e3) == pytest.approx([1.2], abs=0.02)
    assert evaluate(found, -15e3) == pytest.approx([-0.3], abs=0.05)
    assert found.pivot == pytest.approx(40e3, abs=500.0)


def test_the_short_way_round() -> None:
    found = peaks([(3.0, -3.0)], [(3.0, 1.0)])
    turn = found.first_order * (found.pivot + 15e3)
    assert abs(turn[0]) < 0.4


def test_a_window_of_noise_fixes_no_slope() -> None:
    found = peaks([(0.7, 0.7)], [(1e-6, 1.0)], spread=1e-1)
    assert found.first_order.tolist() == [0.0]
    assert found.zero_order == pytest.approx([0.7], abs=0.02)
    assert found.has_one_slope


def test_slices_that_differ_beyond_noise_have_phases_of_their_own() -> None:
    found = peaks([(0.7, 0.7), (1.5, 1.5)], [(1.0, 3.0), (1.0, 3.0)])
    assert evaluate(found, -15e3) == pytest.approx([0.7, 1.5], abs=0.02)
    alike = peaks([(0.7, 0.7), (0.73, 0.73)], [(1.0, 3.0), (1.0, 3.0)])
    assert np.ptp(alike.zero_order) == 0.0
    noisy = peaks([(0.7, 0.7), (1.5, 1.5)], [(1.0, 3.0), (1.0, 3.0)], spread=0.5)
    assert np.ptp(noisy.zero_order) == 0.0


def test_a_turn_takes_the_phase_away() -> None:
    axis = OFFSET[500:600]
    phase = SpectrumPhase(
        zero_order=np.array([0.4, 0.9]), first_order=np.array([1e-5, -2e-5]), pivot=3e3
    )
    turn = phase.build_turn(axis)
    expected = np.exp(-1j * (phase.zero_order[:, None] + phase.first_order[:, None] * (axis - 3e3)))
    np.testing.assert_allclose(turn, expected, atol=1e-10)
    assert not phase.has_one_slope
    alike = SpectrumPhase(zero_order=np.full(3, 0.4), first_order=np.full(3, 1e-5), pivot=0.0)
    assert alike.build_turn(axis).shape == (1, 100)
    assert alike.has_one_slope
    one_slope = SpectrumPhase(
        zero_order=np.array([0.4, 0.5]), first_order=np.full(2, 1e-5), pivot=0.0
    )
    assert one_slope.build_turn(axis).shape == (2, 100)


def test_lines_with_one_phase_turn_by_their_time_origin() -> None:
    y = signals.signal((0.3, 0.7), (264.0, 10.0), (900.0, 3000.0), late=3e-6, phase=0.5)
    fit = fit_lines(signals.dataset(signals.noisy(y, 1e-3, 0)), LineFitOptions())
    found = phases_from_lines(fit)
    assert found.pivot == 0.0
    assert found.zero_order == pytest.approx([0.5], abs=0.01)
    assert found.first_order == pytest.approx([2 * np.pi * 3e-6], rel=0.05)


def test_lines_with_a_phase_per_region_turn_between_their_strongest() -> None:
    fit = xr.Dataset(
        {
            "area": (("slice", "component"), [[1.0, 5.0, 2.0], [1.0, 4.0, 2.0]]),
            "phase": (("slice", "component"), [[0.3, 0.8, 9.0], [3.0, -3.0, 9.0]]),
            "shift": ("component", [260.0, 10.0, 50.0]),
            "region_of": ("component", ["li_metal", "li_si", "li_si"]),
            "line_status": ("component", ["line"] * 3),
            "area_stderr": (("slice", "component"), np.full((2, 3), 1e-4)),
        },
        attrs={"phases": "region", "sfo1": 100.0, "sf": 100.0},
    )
    found = phases_from_lines(fit)
    assert found.pivot == pytest.approx(26000.0)
    assert evaluate(found, 26000.0) == pytest.approx([0.3, 3.0])
    assert evaluate(found, 1000.0) == pytest.approx([0.8, 2 * np.pi - 3.0])


def test_the_common_phase_weighs_slices_by_the_square_of_their_peaks() -> None:
    """Peaks of 1 and 2, too noisy for phases of their own: the angle of e^0.5i + 4 e^0.9i."""
    found = peaks([(0.5, 0.5), (0.9, 0.9)], [(1e-6, 1.0), (1e-6, 2.0)], spread=0.5)
    common = np.angle(np.exp(0.5j) + 4 * np.exp(0.9j))
    assert evaluate(found, -15e3) == pytest.approx([common] * 2, abs=1e-3)


def bars(*slices: tuple[complex, complex]) -> np.ndarray:
    """Spectra of one point in each window: total and peak of a window are that point."""
    made = np.zeros((len(slices), OFFSET.size), complex)
    made[:, np.flatnonzero(MASKS[0])[10]] = [first for first, _ in slices]
    made[:, np.flatnonzero(MASKS[1])[20]] = [second for _, second in slices]
    return made


def phases_of(*slices: tuple[complex, complex]) -> SpectrumPhase:
    """The phase where windows' integrals have a standard error of one."""
    return phases_from_peaks(bars(*slices), OFFSET, MASKS, np.ones((len(slices), 2)), 1.0)


@pytest.mark.parametrize(("size", "own"), [(10.01, True), (9.99, False)])
def test_a_window_of_ten_standard_errors_may_have_a_phase_of_its_own(size, own: bool) -> None:
    found = phases_of((1e-3, 1e6), (1e-3, size * np.exp(1j)))
    assert np.ptp(found.zero_order) == pytest.approx(1.0 if own else 0.0, abs=1e-6)


def test_a_window_of_exactly_ten_standard_errors_has_not() -> None:
    found = phases_of((1e-3, 1e6), (1e-3, 10.0j))
    assert np.ptp(found.zero_order) == 0.0


@pytest.mark.parametrize(
    ("size", "off", "own"),
    [(1e2, 0.061, True), (1e2, 0.059, False), (1e4, 0.051, True), (1e4, 0.049, False)],
)
def test_phases_differ_beyond_six_standard_errors_and_a_twentieth_radian(size, off, own) -> None:
    """The standard error of a phase is one over the window's size."""
    found = phases_of((1e-3, 1e8), (1e-3, size * np.exp(1j * off)))
    assert np.ptp(found.zero_order) == pytest.approx(off if own else 0.0, abs=1e-6)


@pytest.mark.parametrize(("size", "slope"), [(5.0, True), (4.99, False)])
def test_a_second_window_of_five_standard_errors_gives_a_slope(size: float, slope: bool) -> None:
    found = phases_of((size * np.exp(0.5j), 100.0))
    first, second = (
        float(OFFSET[np.flatnonzero(m)[k]]) for m, k in zip(MASKS, (10, 20), strict=True)
    )
    assert found.pivot == pytest.approx(second)
    expected = 0.5 / (first - second) if slope else 0.0
    assert found.first_order == pytest.approx([expected])


def test_the_second_windows_strength_is_its_root_mean_square_over_slices() -> None:
    """Sizes of 3 and 6.5: 7.16 in all, against 5 times the square root of two, 7.07."""
    assert phases_of((3.0j, 100.0), (6.5j, 100.0)).first_order[0] != 0.0
    assert phases_of((3.0j, 100.0), (6.3j, 100.0)).first_order[0] == 0.0


def test_the_pivot_is_the_centre_of_power_of_its_window() -> None:
    """Points of 3 and 4 at two places: their squares weigh 9 and 16."""
    raw = bars((1e-3, 3.0))
    first, second = np.flatnonzero(MASKS[1])[[20, 45]]
    raw[0, second] = 4.0
    found = phases_from_peaks(raw, OFFSET, MASKS, np.ones((1, 2)), 1.0)
    assert found.pivot == pytest.approx((9 * OFFSET[first] + 16 * OFFSET[second]) / 25)


def test_the_phase_of_a_window_is_weighed_by_the_cube_of_its_points() -> None:
    """Points of 1 and 2, a radian apart: the angle of 1 + 8 e^i."""
    raw = bars((1e-3, 1.0))
    raw[0, np.flatnonzero(MASKS[1])[45]] = 2.0 * np.exp(1j)
    found = phases_from_peaks(raw, OFFSET, MASKS, np.full((1, 2), 10.0), 1.0)
    assert found.zero_order == pytest.approx([np.angle(1 + 8 * np.exp(1j))])


def test_the_strongest_line_of_a_region_is_its_own_however_weak() -> None:
    """Metal of 0.01 and 0.02 beside Li-Si of 0.9, all signals small against one."""
    fit = xr.Dataset(
        {
            "area": (("slice", "component"), [[0.9, 0.01, 0.02], [0.9, 0.01, 0.02]]),
            "phase": (("slice", "component"), [[0.8, 9.0, 0.3], [0.8, 9.0, 0.3]]),
            "shift": ("component", [10.0, 250.0, 260.0]),
            "region_of": ("component", ["li_si", "li_metal", "li_metal"]),
            "line_status": ("component", ["line"] * 3),
            "area_stderr": (("slice", "component"), np.full((2, 3), 1e-4)),
        },
        attrs={"phases": "region", "sfo1": 100.0, "sf": 100.0},
    )
    found = phases_from_lines(fit)
    assert found.pivot == pytest.approx(26000.0)
    assert evaluate(found, 1000.0) == pytest.approx([0.8, 0.8])


@pytest.mark.parametrize(
    "status", ["at the largest width", "stand-in", "at the edge of its region"]
)
def test_a_region_without_a_line_lends_no_phase(status: str) -> None:
    """Its component has whatever phase the noise gives it: the windows were off by 94 % with it."""
    rows = np.stack([np.full(3, 0.7), np.array([2.5, -1.0, 0.3])], axis=1)
    component = ("slice", "component")
    lines = xr.Dataset(
        {
            "area": (component, np.full((3, 2), [1.0, 0.4])),
            "area_stderr": (component, np.full((3, 2), 0.01)),
            "phase": (component, rows),
            "shift": ("component", [5.0, 262.0]),
            "region_of": ("component", ["li_si", "li_metal"]),
            "line_status": ("component", ["line", status]),
        },
        attrs={"phases": "region", "sfo1": 311.1, "sf": 311.1},
    )
    found = phases_from_lines(lines)
    assert found.zero_order == pytest.approx([0.7] * 3)
    assert found.first_order.tolist() == [0.0] * 3
    lines["line_status"] = ("component", ["line", "line"])
    assert np.ptp(phases_from_lines(lines).first_order) > 0
    lines["area_stderr"] = (component, np.full((3, 2), [0.01, 0.4]))
    assert phases_from_lines(lines).first_order.tolist() == [0.0] * 3
