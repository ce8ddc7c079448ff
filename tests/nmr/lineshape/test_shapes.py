"""Lines on a time axis: their formula, their area, their bookkeeping."""

from dataclasses import replace

import numpy as np
import pytest
from nmr.lineshape.lines import shapes

from ssbchar.nmr.lineshape.shapes import evaluate_shapes, make_empty_shapes, width_from_parts

TIME = np.arange(64) * 1e-5
PAIR = shapes((50e3, 900.0, 0), (-20e3, 2500.0, 1))


def formula(nu: float, width: float, gauss: float, tau: np.ndarray) -> np.ndarray:
    lorentz = np.exp(2j * np.pi * nu * tau - np.pi * width * np.abs(tau))
    return lorentz * np.exp(-((np.pi * gauss * tau) ** 2) / (4 * np.log(2)))


@pytest.mark.parametrize("origin", [0.0, 3e-6, -2.5e-5])
def test_a_line_is_its_formula_also_before_the_echo_top(origin: float) -> None:
    bent = replace(PAIR, gauss2=np.array([0.0, 1500.0**2]), origin=origin)
    tau = TIME + origin
    expected = [formula(50e3, 900.0, 0.0, tau), formula(-20e3, 2500.0, 1500.0, tau)]
    np.testing.assert_allclose(evaluate_shapes(bent, TIME), expected, rtol=1e-9)


@pytest.mark.parametrize(("lorentz", "gauss"), [(1000.0, 0.0), (0.0, 1000.0)])
def test_widths_are_full_widths_at_half_maximum(lorentz: float, gauss: float) -> None:
    """The spectrum of one line, summed term by term: half a width off it is half as high."""
    time = np.arange(20000) * 1e-6
    line = replace(
        make_empty_shapes().add_line(nu=0.0, width=lorentz, region=0, low=-1.0, high=1.0),
        gauss2=np.array([gauss**2]),
    )
    f = evaluate_shapes(line, time)[0]
    f[0] *= 0.5
    top, half = (float(np.sum(f * np.exp(-2j * np.pi * nu * time)).real) for nu in (0.0, 500.0))
    assert half == pytest.approx(top / 2, rel=1e-3)


def test_rows_for_the_caller_lie_below() -> None:
    made = evaluate_shapes(PAIR, TIME, 3)
    assert made.shape == (5, 64)
    np.testing.assert_array_equal(made[:2], evaluate_shapes(PAIR, TIME))


def test_one_point_of_time_is_enough() -> None:
    assert evaluate_shapes(PAIR, TIME[:1])[:, 0] == pytest.approx([1.0, 1.0])


def test_lines_are_sorted_by_region_then_falling_frequency() -> None:
    mixed = shapes((-20e3, 1.0, 1), (50e3, 2.0, 0), (10e3, 3.0, 1), (55e3, 4.0, 0))
    assert mixed.sort().nu.tolist() == [55e3, 50e3, 10e3, -20e3]
    assert mixed.sort().width.tolist() == [4.0, 2.0, 3.0, 1.0]
    assert mixed.sort().sort() is not mixed
    ordered = mixed.sort()
    assert ordered.sort() is ordered


def test_selected_lines_keep_all_that_is_known_of_them() -> None:
    late = replace(PAIR, origin=2e-6)
    picked = late.select(np.array([1]))
    assert (picked.n, picked.nu[0], picked.width[0], picked.region[0]) == (1, -20e3, 2500.0, 1)
    assert (picked.low[0], picked.high[0], picked.origin) == (-100e3, 30e3, 2e-6)


def test_a_line_added_is_a_lorentzian_at_the_end() -> None:
    more = PAIR.add_line(nu=1.0, width=2.0, region=2, low=-3.0, high=4.0, held=True)
    assert more.n == 3
    assert (more.nu[2], more.width[2], more.gauss2[2], more.low[2], more.high[2]) == (
        1.0,
        2.0,
        0.0,
        -3.0,
        4.0,
    )
    assert more.held.tolist() == [False, False, True]
    assert more.voigt.tolist() == [False, False, False]
    assert more.region.tolist() == [0, 1, 2]


def test_parameters_go_into_a_row_and_back() -> None:
    late = replace(PAIR, origin=2e-6, gauss2=np.array([4.0, 9.0]))
    row = late.pack_parameters()
    assert row.tolist() == [50e3, -20e3, 900.0, 2500.0, 4.0, 9.0, 2e-6, 0.0]
    back = PAIR.unpack_parameters(row)
    assert back.pack_parameters().tolist() == row.tolist()
    assert back.region is PAIR.region


def test_two_points_of_time_are_a_step_apart() -> None:
    expected = [formula(50e3, 900.0, 0.0, TIME[:2]), formula(-20e3, 2500.0, 0.0, TIME[:2])]
    np.testing.assert_allclose(evaluate_shapes(PAIR, TIME[:2]), expected, rtol=1e-9)


def test_a_line_is_its_formula_on_an_axis_that_begins_late() -> None:
    tau = TIME + 3e-4
    expected = [formula(50e3, 900.0, 0.0, tau), formula(-20e3, 2500.0, 0.0, tau)]
    np.testing.assert_allclose(evaluate_shapes(PAIR, tau), expected, rtol=1e-9)


@pytest.mark.parametrize(("lorentz", "gauss"), [(900.0, 0.0), (0.0, 900.0), (900.0, 700.0)])
def test_the_width_of_a_voigt_line(lorentz: float, gauss: float) -> None:
    from scipy.special import voigt_profile

    axis = np.linspace(0.0, 3000.0, 60001)
    sigma = gauss / (2 * np.sqrt(2 * np.log(2)))
    height = voigt_profile(axis, sigma, lorentz / 2)
    measured = 2 * float(np.interp(-0.5 * height[0], -height, axis))
    assert width_from_parts(lorentz, gauss) == pytest.approx(measured, rel=5e-4)
