"""Lines that reach beyond their window, and windows solved for them."""

import numpy as np
import pytest
import xarray as xr
from nmr import signals

from ssbchar.nmr.lineshape import fit as lines
from ssbchar.nmr.lineshape import window_integrals
from ssbchar.nmr.lineshape.options import LineFitOptions, SpectrumOptions
from ssbchar.nmr.quantification import window_leakage


@pytest.mark.parametrize(("ppm", "share"), [(1.6, 0.97), (5.0, 0.92), (10.0, 0.83), (20.0, 0.69)])
def test_share_of_a_lorentzian_in_its_window(ppm: float, share: float) -> None:
    assert window_leakage.share_from_edges([265.0], [ppm], [0.0], 240.0, 280.0)[0] == pytest.approx(
        share, abs=0.006
    )


def test_share_of_a_voigt_line_by_direct_integration() -> None:
    from scipy.special import voigt_profile

    grid = np.linspace(-30.0, 50.0, 400001)
    direct = np.trapezoid(voigt_profile(grid - 12.0, 15.0 / 2.3548, 4.0), grid)
    assert window_leakage.share_from_edges([12.0], [8.0], [15.0], -30.0, 50.0)[0] == pytest.approx(
        direct, abs=2e-5
    )


@pytest.mark.parametrize("order", [-1, 0, 1, 2])
def test_tails_bring_windows_to_the_truth(order: int) -> None:
    fid = signals.dataset(signals.signal((0.3, 0.7), (265.0, 10.0), (3000.0, 6000.0), points=16384))
    fit = lines.fit_lines(fid, LineFitOptions())
    ds = window_integrals.integrate_windows(fid, SpectrumOptions(baseline_order=order), fit)
    raw = ds["window_area"].values[0]
    solved = window_leakage.correct_window_leakage(raw, fit, ds)
    if order < 2:  # a parabola takes away as much as the windows cut, by chance
        assert abs(raw[0] / raw.sum() - 0.3) > 0.01
    assert solved[0] / solved.sum() == pytest.approx(0.3, abs=0.003)


def two_lines(**changes: object) -> xr.Dataset:
    """Li metal at 260 ppm; Li-Si at 10 and -10 ppm; 100 Hz are one ppm."""
    data = {
        "area": (("slice", "component"), [[0.2, 0.6, 0.2], [9.0, 9.0, 9.0]]),
        "shift": ("component", [260.0, 10.0, -10.0]),
        "fwhm_lorentz": ("component", [900.0, 3000.0, 500.0]),
        "fwhm_gauss": ("component", [0.0, 0.0, 800.0]),
        "region_of": ("component", ["li_metal", "li_si", "li_si"]),
    }
    coords = {"region": ["li_metal", "li_si"]}
    return xr.Dataset(data | changes, coords=coords, attrs={"sf": 100.0})


def test_the_leak_matrix_weighs_lines_by_their_area() -> None:
    windows = [[280.0, 240.0], [-200.0, 200.0]]
    found = window_leakage.build_leak_matrix(two_lines(), 100.0, windows)
    metal = 2 * np.arctan(2 * 20 / 10) / np.pi
    assert found[0, 0] == pytest.approx(metal)
    shares = window_leakage.share_from_edges(
        [1000.0, -1000.0], [3100.0, 600.0], [0.0, 800.0], -20000.0, 20000.0
    )
    assert found[1, 1] == pytest.approx(0.75 * shares[0] + 0.25 * shares[1])
    across = (np.arctan(2 * 270 / 31) - np.arctan(2 * 230 / 31)) / np.pi
    assert found[0, 1] == pytest.approx(0.75 * across, rel=0.1)


def test_lines_without_area_weigh_alike_and_a_region_without_lines_leaks_nothing() -> None:
    empty = two_lines(area=(("slice", "component"), [[0.2, 0.0, 0.0]]))
    assert window_leakage.weigh_lines(empty, "li_si").tolist() == [0.0, 1.0, 1.0]
    assert window_leakage.weigh_lines(two_lines(), "li_si").tolist() == [0.0, 0.6, 0.2]
    alone = two_lines(region_of=("component", ["li_si", "li_si", "li_si"]))
    found = window_leakage.build_leak_matrix(alone, 0.0, [[240.0, 280.0], [-200.0, 200.0]])
    assert found[:, 0].tolist() == [1.0, 0.0]


def test_the_response_is_the_leak_matrix_where_no_baseline_is_taken() -> None:
    ppm = np.linspace(4000.0, -4000.0, 160001)
    spectrum = xr.Dataset(
        coords={"ppm": ppm},
        attrs={"windows": [240.0, 280.0, 200.0, -200.0], "broadening": 100.0},
    )
    found = window_leakage.build_window_response(two_lines(), spectrum)
    leak = window_leakage.build_leak_matrix(two_lines(), 100.0, [[240.0, 280.0], [-200.0, 200.0]])
    assert found == pytest.approx(leak, rel=2e-3, abs=1e-5)
    solved = window_leakage.correct_window_leakage(leak @ [0.3, 0.7], two_lines(), spectrum)
    assert solved == pytest.approx([0.3, 0.7], rel=5e-3)


def test_a_gaussian_without_lorentzian_width_is_the_error_function() -> None:
    from scipy.special import erf

    sigma = 10.0 / 2.3548200450309493
    found = window_leakage.share_from_edges([0.0], [3.0], [10.0], -15.0, 15.0)[0]
    assert found < erf(15.0 / sigma / np.sqrt(2))
    assert window_leakage.share_from_edges([0.0], [0.0], [0.0], -1.0, 1.0)[0] == pytest.approx(1.0)


def test_a_drawn_line_has_its_height_and_its_half_width() -> None:
    """Per Hz: 2 / (pi w) of a Lorentzian, 2 sqrt(ln 2 / pi) / w of a Gaussian; both half as high
    half a width away (100 Hz are one ppm)."""
    ppm = np.array([260.0, 264.0, 256.0])
    gauss = two_lines(
        fwhm_lorentz=("component", [1e-6, 1.0, 1.0]), fwhm_gauss=("component", [800.0, 1.0, 1.0])
    )
    top = 2 * np.sqrt(np.log(2) / np.pi) / 800.0
    found = window_leakage._draw_region(gauss, "li_metal", ppm, 0.0)
    assert found == pytest.approx([top, top / 2, top / 2], rel=1e-6)
    lorentz = two_lines(fwhm_lorentz=("component", [700.0, 1.0, 1.0]))
    found = window_leakage._draw_region(lorentz, "li_metal", ppm, 100.0)
    top = 2 / (np.pi * 800.0)
    assert found == pytest.approx([top, top / 2, top / 2], rel=1e-6)


def test_edges_of_a_window_belong_to_it(monkeypatch) -> None:
    """Five points 100 Hz apart, each of height one."""
    monkeypatch.setattr(window_leakage, "_draw_region", lambda *a: np.ones(5))
    spectrum = xr.Dataset(
        coords={"ppm": [2.0, 1.0, 0.0, -1.0, -2.0]},
        attrs={"windows": [1.0, 2.0, 1.0, -1.0], "broadening": 0.0},
    )
    found = window_leakage.build_window_response(two_lines(), spectrum)
    assert found.tolist() == [[200.0, 200.0], [300.0, 300.0]]


def test_a_pattern_is_the_sum_of_its_lines_on_any_spacing() -> None:
    """Three lines on points of an axis that falls by 4 Hz, one between two points."""
    hertz = np.arange(400.0, -400.0, -4.0)

    def draw(i: int, at: np.ndarray) -> np.ndarray:
        return np.exp(-0.5 * (at / 30.0) ** 2)

    offset, weight = np.array([-80.0, 0.0, 41.0]), np.array([0.2, 0.5, 0.3])
    found = window_leakage._convolve_pattern(draw, 0, hertz, (offset, weight))
    expected = 0.2 * draw(0, hertz + 80) + 0.5 * draw(0, hertz)
    # What lies between two points is shared by both.
    expected += 0.3 * (0.75 * draw(0, hertz - 40) + 0.25 * draw(0, hertz - 44))
    assert found == pytest.approx(expected, abs=1e-12)
