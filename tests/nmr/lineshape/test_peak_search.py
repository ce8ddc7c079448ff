"""Where lines start, which are taken out again, how far a fit goes; sums over waves and parts of
the axis."""

from dataclasses import replace

import numpy as np
import pytest
from nmr import signals

from ssbchar.nmr.bruker.axes import make_coordinates
from ssbchar.nmr.lineshape import fit as lines
from ssbchar.nmr.lineshape import model_selection, varpro
from ssbchar.nmr.lineshape.options import LineFitOptions
from ssbchar.nmr.lineshape.peak_search import build_matched_filter
from ssbchar.nmr.lineshape.shapes import LineshapeProblem, LineShapes, make_empty_shapes
from ssbchar.nmr.transform.chemical_shift import offsets_from_time, select_range, shift_from_offset
from ssbchar.nmr.transform.exponentials import build_exponentials, sum_exponentials

LOW, HIGH = np.array([40e3, -100e3]), np.array([60e3, 30e3])


def problem(sigma: float, *which: tuple[float, float, float]) -> LineshapeProblem:
    """Lines of given area, frequency and width [Hz], 4096 points at 1 MHz."""
    time = np.arange(4096) * 1e-6
    clean = sum(a * np.exp((2j * np.pi * nu - np.pi * width) * time) for a, nu, width in which)
    return LineshapeProblem(
        signals.noisy(np.asarray(clean), sigma, 3)[None], time, np.array([sigma])
    ).prepared()


@pytest.mark.parametrize(
    ("nu", "width"), [(-20130.0, 900.0), (1234.0, 3500.0), (-71000.0, 12000.0)]
)
def test_a_lone_line_starts_at_its_frequency_and_width(nu: float, width: float) -> None:
    given = problem(1e-3, (1.0, nu, width))
    peak = build_matched_filter(given, LOW, HIGH).peaks(given.y)[1]
    assert peak.nu == pytest.approx(nu, abs=0.03 * width)
    assert peak.width == pytest.approx(width, rel=0.1)


def test_a_needless_line_is_taken_out_and_a_needed_one_stays() -> None:
    given = replace(problem(1e-2, (1.0, -20e3, 2500.0), (0.05, 50e3, 900.0)), regions=2)
    shapes: LineShapes = make_empty_shapes()
    for nu, region in ((50e3, 0), (-20e3, 1), (-60e3, 1)):
        shapes = shapes.joined(nu, 1500.0, region, float(LOW[region]), float(HIGH[region]))
    kept = model_selection._earning(given, varpro.fit_shapes(given, shapes, 30, 0.1, False))
    assert kept.shapes.nu == pytest.approx([50e3, -20e3], abs=60.0)
    again = model_selection._earning(given, kept)
    assert again.shapes is kept.shapes


def test_a_fit_ends_within_a_thousandth_of_its_errors() -> None:
    given = problem(1e-2, (1.0, -20e3, 2500.0), (0.4, -26e3, 6000.0), (0.05, 50e3, 900.0))
    shapes = make_empty_shapes()
    for nu, region in ((50e3, 0), (-20e3, 1), (-27e3, 1)):
        shapes = shapes.joined(nu, 2000.0, region, float(LOW[region]), float(HIGH[region]))
    found, exact = varpro.fit_shapes(given, shapes), varpro.fit_shapes(given, shapes, 200, 1e-13)
    error = np.sqrt(np.diag(exact.covariance)[exact.free.size :])
    assert np.abs(found.area[0] - exact.area[0]).max() < 2e-3 * error.min()


def test_wave_sums_are_sums_over_exponentials() -> None:
    values, rate = np.random.default_rng(0).normal(size=1000), np.array([2j, -0.3 + 40j])
    direct = build_exponentials(rate, -0.2, 0.01, 1000) @ values
    assert sum_exponentials(values, rate, -0.2, 0.01) == pytest.approx(direct, rel=1e-12)


@pytest.mark.parametrize("limits", [(-300.0, 400.0), (240.0, 280.0), (-1e5, 1e5), (5e4, 6e4)])
def test_the_displayed_part_is_that_of_the_whole_axis(limits: tuple[float, float]) -> None:
    time, sfo1, sf = np.arange(500) * 2e-6, 311.13, 311.1
    whole = shift_from_offset(offsets_from_time(time, 1024), sfo1, sf)
    part, offset, ppm = select_range(time, 1024, limits, sfo1, sf)
    assert np.array_equal(
        np.arange(1024)[part], np.flatnonzero((whole >= limits[0]) & (whole <= limits[1]))
    )
    assert offset == pytest.approx(offsets_from_time(time, 1024)[part], abs=1e-9)
    assert ppm == pytest.approx(whole[part], abs=1e-9)


def test_coordinates_are_as_xarray_makes_them() -> None:
    fit = lines.fit_lines(
        signals.dataset(signals.noisy(signals.signal((0.1, 0.9), (265, 10), (900, 3000)), 0.01, 0)),
        LineFitOptions(),
    )
    plain = {k: (c.dims, c.values, c.attrs) for k, c in fit.coords.items()}
    assert fit.identical(fit.drop_vars(list(fit.coords)).assign_coords(plain))
    assert fit.sel(region="li_si")["region_area"].shape == (1,)
    assert list(make_coordinates(region=("a", "b"), x=(np.arange(3), {}))) == ["x", "region"]


def test_a_line_outside_never_comes_into_a_region_by_the_refined_place_of_its_peak() -> None:
    given = problem(1e-2, (1.0, 61e3, 6000.0))
    seen = build_matched_filter(given, LOW, HIGH)
    peak = replace(seen.peaks(given.y)[2], nu=55e3, at=61e3)
    shapes = model_selection._started(
        given, model_selection.SelectionRules(LOW, HIGH), make_empty_shapes(), 2, peak
    )
    assert shapes.low[0] == HIGH[0] and shapes.nu[0] >= HIGH[0]


def test_two_narrow_lines_under_one_are_told_apart() -> None:
    given = problem(1e-2, (0.5, -20e3, 300.0), (0.5, -20.5e3, 500.0), (0.2, 50e3, 900.0))
    best, _ = model_selection.select_model(given, model_selection.SelectionRules(LOW, HIGH))
    assert best.shapes.nu == pytest.approx([50e3, -20e3, -20.5e3], abs=30.0)


def test_another_time_origin_nearly_as_good_is_grown_too() -> None:
    given = problem(1e-2, (1.0, -20e3, 2500.0), (0.4, 50e3, 900.0))
    late = replace(given, y=given.y * 1, time=given.time - 3e-6, power=np.empty(0))
    best, _ = model_selection.select_model(late, model_selection.SelectionRules(LOW, HIGH))
    assert best.shapes.origin == pytest.approx(3e-6, abs=2e-7)


def test_slope_by_the_gaussian_width_is_that_of_chi_square() -> None:
    given = problem(1e-3, (1.0, -20e3, 2500.0))
    at = varpro.fit_shapes(
        given, make_empty_shapes().joined(-20e3, 2500.0, 1, LOW[1], HIGH[1]), 30, 1e-6, False
    ).state
    for sign in (1.0, -1.0):
        bent = np.exp(-sign * 1e6 * given.time**2)
        data = replace(given, y=given.y * bent, power=np.empty(0)).prepared()
        found = varpro.fit_shapes(data, at.shapes, 30, 1e-6, False).state
        assert varpro.would_gain_by_gaussian(
            data, found, 0, varpro.compute_residual(data, found)
        ) == (sign > 0)
