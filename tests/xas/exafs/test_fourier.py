"""Windows and transforms: known shapes, Parseval's theorem, shift and scale, Larch's record."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ssbchar.xas.exafs import fourier

Array = NDArray[np.float64]
K = fourier.KSTEP * np.arange(281)
RECORD = Path(__file__).parents[1] / "data/larch.npz"


def at(shape: str, *places: float, low: float = 3.0, high: float = 11.0, slope: float = 2.0):
    """Return the window at places of the grid."""
    window = fourier.build_window(K, low, high, slope, shape)  # type: ignore[arg-type]
    return [float(window[round(place / fourier.KSTEP)]) for place in places]


def test_the_grids_are_the_fields() -> None:
    assert (fourier.KSTEP, fourier.NFFT) == (0.05, 2048)
    assert pytest.approx(0.030679616, rel=1e-8) == fourier.RSTEP


def test_hanning_slopes_are_squared_sines() -> None:
    """Slopes of width 2 about 3 and 11: zero at 2 and 12, a half at 3 and 11, one from 4 to 10."""
    assert at("hanning", 1.95, 2.0, 12.0, 12.05) == pytest.approx([0, 0, 0, 0], abs=1e-12)
    assert at("hanning", 3.0, 11.0) == pytest.approx([0.5, 0.5], abs=1e-3)
    assert at("hanning", 4.0, 7.0, 10.0) == pytest.approx([1, 1, 1], abs=1e-6)
    quarter = np.sin(np.pi / 8) ** 2
    assert at("hanning", 2.5, 11.5) == pytest.approx([quarter, quarter], abs=1e-3)


def test_parzen_slopes_are_lines() -> None:
    expected = [0, 0.25, 0.5, 0.75, 1, 1, 0.75, 0.5, 0.25, 0]
    places = [2.0, 2.5, 3.0, 3.5, 4.0, 10.0, 10.5, 11.0, 11.5, 12.0]
    assert at("parzen", *places) == pytest.approx(expected, abs=1e-3)


def test_welch_slopes_are_parabolas() -> None:
    expected = [0, 1 - 0.75**2, 0.75, 1 - 0.25**2, 1, 1, 1 - 0.25**2, 0.75, 1 - 0.75**2, 0]
    places = [2.0, 2.5, 3.0, 3.5, 4.0, 10.0, 10.5, 11.0, 11.5, 12.0]
    assert at("welch", *places) == pytest.approx(expected, abs=1e-3)


def test_sine_is_half_a_wave_between_the_ends() -> None:
    places = [1.95, 2.0, 4.5, 7.0, 9.5, 12.0, 12.05]
    expected = [0, 0, np.sqrt(0.5), 1, np.sqrt(0.5), 0, 0]
    assert at("sine", *places) == pytest.approx(expected, abs=1e-6)


def test_gaussian_is_centred_with_the_slope_as_sigma() -> None:
    expected = [1, np.exp(-0.5), np.exp(-0.5), np.exp(-2)]
    assert at("gaussian", 7.0, 5.0, 9.0, 11.0) == pytest.approx(expected, rel=1e-6)


def test_kaiser_is_a_bessel_function_over_the_whole_range() -> None:
    """At a distance of u half widths from the middle: (I0(d sqrt(1 - u^2)) - 1)/(I0(d) - 1)."""
    u = 0.6
    expected = (np.i0(2 * np.sqrt(1 - u**2)) - 1) / (np.i0(2.0) - 1)
    assert at("kaiser", 7.0, 4.0, 10.0, 2.0, 12.0) == pytest.approx(
        [1, expected, expected, 0, 0], abs=1e-6
    )


@pytest.mark.parametrize("shape", ["hanning", "parzen", "welch"])
def test_a_window_without_slopes_is_a_box(shape: str) -> None:
    window = fourier.build_window(K, 3.0, 11.0, 0.0, shape)  # type: ignore[arg-type]
    assert set(np.round(window, 6)) == {0.0, 1.0}
    assert np.flatnonzero(window)[[0, -1]] * fourier.KSTEP == pytest.approx([3.0, 11.0], abs=0.06)


@pytest.mark.parametrize("shape", ["hanning", "parzen", "welch"])
def test_slopes_stay_on_the_grid(shape: str) -> None:
    window = fourier.build_window(K, 0.0, 14.0, 2.0, shape)  # type: ignore[arg-type]
    assert np.isfinite(window).all()
    assert window[0] == pytest.approx(0, abs=1e-9)
    assert window[-1] == pytest.approx(0, abs=1e-9)
    assert window[100] == 1.0


def test_an_unknown_window_is_refused() -> None:
    with pytest.raises(AssertionError):
        fourier.build_window(K, 3.0, 11.0, 1.0, "boxcar")  # type: ignore[arg-type]


def test_the_k_window_is_weighted_and_reaches_beyond_the_data() -> None:
    asked = {"kmin": 3.0, "kmax": 14.0, "dk": 1.0, "shape": "hanning"}
    window, weights = fourier.build_k_window(K, **asked, kweight=2)  # type: ignore[arg-type]
    assert np.array_equal(weights, window * K**2)
    assert window[-1] == pytest.approx(0.5, abs=1e-3), "the slope ends at 14.5, the data at 14"
    assert window.size == weights.size == K.size
    far = {**asked, "kmax": 20.0}
    assert fourier.build_k_window(K, **far, kweight=0)[0][-1] == 1.0  # type: ignore[arg-type]


def test_a_wave_in_k_is_a_peak_at_its_distance() -> None:
    """chi = sin(2 k R) transforms to a peak at R of height dk sum(w)/(2 sqrt(pi))."""
    window, weights = fourier.build_k_window(
        K, kmin=3.0, kmax=12.0, dk=1.0, shape="hanning", kweight=0
    )
    r, chi_r = fourier.chi_r_from_chi(np.sin(2 * K * 2.5)[None], weights)
    size = np.abs(chi_r[0])
    assert r[np.argmax(size)] == pytest.approx(2.5, abs=fourier.RSTEP)
    height = fourier.KSTEP * window.sum() / (2 * np.sqrt(np.pi))
    assert size.max() == pytest.approx(height, rel=0.01)
    assert r[0] == 0.0
    assert r[1] == fourier.RSTEP
    assert 10.0 - fourier.RSTEP < r[-1] <= 10.0


def test_many_spectra_give_what_each_gives_alone() -> None:
    chi = np.random.default_rng(0).standard_normal((fourier.TOGETHER + 3, K.size))
    _, together = fourier.chi_r_from_chi(chi, np.ones(K.size), rmax=4.0)
    for i in (0, 63, 64, 66):
        alone = fourier.chi_r_from_chi(chi[i : i + 1], np.ones(K.size), rmax=4.0)[1]
        assert np.array_equal(together[i], alone[0])


def test_the_matrix_is_the_transform() -> None:
    chi = np.random.default_rng(1).standard_normal((2, K.size))
    r, chi_r = fourier.chi_r_from_chi(chi, K**2)
    matrix = fourier.build_transform_matrix(K, K**2, r)
    assert np.allclose(chi @ matrix.T, chi_r, atol=1e-9)


def test_the_back_transform_gives_the_wave_back() -> None:
    """With all of R in the window chi(q) is the analytic signal of the weighted chi: its imaginary
    part is chi for exp(-2ikR), up to the window's ends."""
    _, weights = fourier.build_k_window(K, kmin=3.0, kmax=12.0, dk=3.0, shape="hanning", kweight=0)
    chi = np.sin(2 * K * 2.5)
    _, chi_r = fourier.chi_r_from_chi(chi[None], weights)
    q, chi_q, window = fourier.chi_q_from_chi_r(
        chi_r, rmin=1.0, rmax=4.0, dr=0.2, shape="hanning", qmax=14.0
    )
    middle = (q > 5) & (q < 10)
    assert np.abs(chi_q[0].real[middle] - chi[: q.size][middle]).max() < 0.02
    assert window.size == chi_r.shape[1]
    assert (q[0], q[1]) == (0.0, fourier.KSTEP)
    assert q[-1] == pytest.approx(14.0)


def test_windows_and_transforms_are_larchs() -> None:
    with np.load(RECORD, allow_pickle=False) as record:
        chi, kwin = record["clean/chi"], record["clean/kwin"]
        real, imag = record["clean/chir_re"], record["clean/chir_im"]
        back = record["clean/chiq_re"], record["clean/chiq_im"]
    k = fourier.KSTEP * np.arange(chi.size)
    window, weights = fourier.build_k_window(
        k, kmin=3.0, kmax=13.0, dk=1.0, shape="kaiser", kweight=2
    )
    assert np.abs(window - kwin).max() < 1e-9
    _, chi_r = fourier.chi_r_from_chi(chi[None], weights)
    assert np.abs(chi_r[0].real - real).max() < 1e-9
    assert np.abs(chi_r[0].imag - imag).max() < 1e-9
    _, chi_q, _ = fourier.chi_q_from_chi_r(chi_r, rmin=1.0, rmax=4.0, dr=0.5, shape="kaiser")
    assert np.abs(chi_q[0].real - back[0]).max() < 1e-9
    assert np.abs(chi_q[0].imag - back[1]).max() < 1e-9


@pytest.mark.parametrize("shape", ["hanning", "parzen", "welch"])
def test_a_window_that_leaves_the_grid_falls_within_its_last_step(shape: str) -> None:
    window = fourier.build_window(K, 3.0, 20.0, 2.0, shape)  # type: ignore[arg-type]
    assert window[-2] == pytest.approx(1.0) and window[-1] == pytest.approx(0.0, abs=1e-12)
    low = fourier.build_window(K, -5.0, 11.0, 2.0, shape)  # type: ignore[arg-type]
    assert low[0] == pytest.approx(0.0, abs=1e-6) or low[0] == pytest.approx(1.0)
    assert low[1] == pytest.approx(1.0)


def test_corners_lie_on_grid_points() -> None:
    """Slopes of width 1 about 3 and 11: from 2.5 to 3.5 and from 10.5 to 11.5, in steps of 0.05."""
    assert fourier._place_corners(K, 3.0, 11.0, 1.0) == (50, 70, 210, 230)
    assert fourier._place_corners(K, 3.0, 11.0, 0.0) == (59, 60, 219, 220)
    assert fourier._place_corners(K, 0.0, 14.0, 0.0) == (0, 0, 279, 280)
    assert fourier._place_corners(K, 3.0, 30.0, 1.0)[2:] == (279, 280)


def test_no_more_distances_than_the_transform_has() -> None:
    """Half of 2048, up to 31.4 angstrom."""
    r, chi_r = fourier.chi_r_from_chi(np.ones((1, K.size)), np.ones(K.size), rmax=1e6)
    assert r.size == chi_r.shape[1] == 1024
    assert r[-1] == pytest.approx(np.pi / 0.1 * 1023 / 1024)
    r, _ = fourier.chi_r_from_chi(np.ones((1, K.size)), np.ones(K.size), rmax=10 * fourier.RSTEP)
    assert r.size == 11
    q, chi_q, _ = fourier.chi_q_from_chi_r(
        chi_r, rmin=1.0, rmax=4.0, dr=0.2, shape="hanning", qmax=2.0
    )
    assert q.size == chi_q.shape[1] == 41
