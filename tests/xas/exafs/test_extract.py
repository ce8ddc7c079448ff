"""The step: window, noise, doubts, and what a short scan gives."""

import json

import numpy as np
import pytest
import xarray as xr
from xas import made_spectra

from ssbchar.constants import ETOK
from ssbchar.xas.exafs import autobk, extract, fourier
from ssbchar.xas.exafs.options import Exafs, FourierWindow

E0 = 7119.6
SIGMA = 1e-3


def normalised(kmax: float = 15.0) -> xr.Dataset:
    """Return two spectra of known noise as the normalisation gives them, steps 1 and 2."""
    energy = made_spectra.grid(kmax=kmax)
    mu = made_spectra.mu(energy, made_spectra.Truth())
    rows = ("spectrum", "energy")
    return xr.Dataset(
        {
            "mu": (rows, np.stack([mu, 2 * mu])),
            "mu_stderr": (rows, np.full((2, energy.size), SIGMA)),
            "edge_step": ("spectrum", [1.0, 2.0]),
            "e0": ((), E0),
            "name": ("spectrum", ["a", "merged"]),
            "status": ("spectrum", ["ok", "ok"]),
        },
        coords={"energy": energy},
        attrs={"measurement": "m", "notes": "[]"},
    )


@pytest.fixture(scope="module")
def found() -> xr.Dataset:
    return extract.extract_exafs(normalised(), Exafs())


def test_chi_is_that_of_the_absorption_by_the_step(found: xr.Dataset) -> None:
    assert np.allclose(found["chi"][0], found["chi"][1], atol=2e-5)
    k = found["k"].values
    inside = (k > 6) & (k < 13)
    expected = made_spectra.chi(k)[inside]
    assert np.abs(found["chi"].values[0][inside] - expected).max() < 0.25 * np.abs(expected).max()


def test_the_window_ends_an_inverse_angstrom_before_the_data(found: xr.Dataset) -> None:
    assert (float(found["kmin"]), float(found["kmax"]), int(found["kweight"])) == (3.0, 13.0, 2)
    short = extract.extract_exafs(normalised(9.0), Exafs())
    reach = np.sqrt(ETOK * (made_spectra.grid(kmax=9.0)[-1] - E0))
    assert float(short["kmax"]) == np.floor(2 * (reach - 1)) / 2
    assert float(short["kmax"]) == 7.5


def test_a_window_beyond_the_data_is_cut_and_doubted() -> None:
    cut = extract.extract_exafs(normalised(9.0), Exafs(), window=FourierWindow(kmax=11.0))
    reach = np.sqrt(ETOK * (made_spectra.grid(kmax=9.0)[-1] - E0))
    assert float(cut["kmax"]) == pytest.approx(reach)
    (note,) = json.loads(cut.attrs["notes"])
    assert note["level"] == "doubt"
    assert note["where"] == "m"
    assert note["note"].startswith("the window ends at k = 11")


def test_independent_points_are_nyquists(found: xr.Dataset) -> None:
    assert float(found["independent_points"]) == pytest.approx(2 * 10 * 3 / np.pi)


def test_a_short_scan_has_no_exafs_and_says_why() -> None:
    reach = np.sqrt(ETOK * (made_spectra.grid(kmax=7.0)[-1] - E0))
    for least, has_curves in ((reach - 1e-6, True), (reach + 1e-6, False)):
        ds = extract.extract_exafs(normalised(7.0), Exafs(min_k=float(least)))
        assert ("chi" in ds) is has_curves
        assert bool(ds.attrs["exafs"]) is not has_curves
        assert float(ds["e0"]) == E0


def test_the_noise_of_chi_is_carried_by_its_operator(found: xr.Dataset) -> None:
    """Of one operator L and noise s in every point: s |L_k| / step."""
    operators = autobk.build_operators(made_spectra.grid(), E0, Exafs())
    to_chi = autobk.build_chi_operator(operators, float(np.median(found["clamp_weight"])))
    expected = SIGMA * np.linalg.norm(to_chi, axis=1)
    assert np.allclose(found["chi_stderr"].values[0], expected, rtol=1e-9)
    assert np.allclose(found["chi_stderr"].values[1], expected / 2, rtol=1e-9)


def test_back_transform_and_windows_are_the_rooms_own(found: xr.Dataset) -> None:
    window, weights = fourier.build_k_window(
        found["k"].values, kmin=3.0, kmax=13.0, dk=1.0, shape="kaiser", kweight=2
    )
    assert np.array_equal(found["window_k"], window)
    _, chi_r = fourier.chi_r_from_chi(found["chi"].values, weights)
    assert np.array_equal(found["chi_r_real"], chi_r.real)
    assert np.array_equal(found["chi_r_imag"], chi_r.imag)
    assert np.array_equal(found["chi_r_magnitude"], np.abs(chi_r))
    _, chi_q, r_window = fourier.chi_q_from_chi_r(chi_r, rmin=1.0, rmax=4.0, dr=0.5, shape="kaiser")
    assert np.array_equal(found["chi_q_real"], chi_q.real)
    assert np.array_equal(found["chi_q_imag"], chi_q.imag)
    assert np.array_equal(found["window_r"], r_window)


def test_units_follow_the_power_of_k() -> None:
    ds = extract.extract_exafs(normalised(9.0), Exafs(kweight=3))
    assert ds["chi_r_real"].attrs["units"] == "angstrom^-4"
    assert ds["chi_r_magnitude_stderr"].attrs["units"] == "angstrom^-4"
    assert ds["chi_r_imag"].attrs["ancillary_variables"] == "chi_r_imag_stderr"
    assert ds["chi_q_imag"].attrs["units"] == "angstrom^-3"


def test_errors_of_a_complex_number_by_hand() -> None:
    """One point of mu with variance 4, L = 3 + 4i: errors 6 and 8; at chi(R) = 1 the magnitude has
    that of the real part, at i that of the imaginary, at (1 + i)/sqrt(2) their full sum."""
    to_chi, to_r = np.ones((1, 1)), np.array([[3 + 4j]])
    cases = ((1 + 0j, 6.0), (1j, 8.0), (1 + 1j, 14 / np.sqrt(2)), (1 - 1j, np.sqrt(2)))
    for chi_r, magnitude in cases:
        real, imag, size = extract.chi_r_stderr_from_variance(
            to_chi, to_r, np.array([[4.0]]), np.array([[chi_r]])
        )
        assert (real[0, 0], imag[0, 0]) == (6.0, 8.0)
        assert size[0, 0] == pytest.approx(magnitude)


def test_errors_of_independent_points_add_in_squares() -> None:
    to_chi, to_r = np.array([[1.0, 2.0]]), np.array([[1 + 0j]])
    real, _, _ = extract.chi_r_stderr_from_variance(
        to_chi, to_r, np.array([[9.0, 4.0]]), np.array([[1 + 0j]])
    )
    assert real[0, 0] == pytest.approx(5.0)


def test_a_peak_below_the_first_shell_is_doubted() -> None:
    """Low R ends 0.2 angstrom beyond rbkg = 0.8: a peak at 1.0 is a shell, one at 0.9 is not."""
    r = np.array([0.5, 0.9, 1.0, 1.5])
    none = extract.check_low_r(r, np.array([1.0, 1.0, 2.0, 1.0]), 0.8, "m")
    assert none == []
    assert extract.check_low_r(r, np.array([1.0, 2.0, 2.0, 1.0]), 0.8, "m") == []
    (note,) = extract.check_low_r(r, np.array([1.0, 2.1, 2.0, 1.0]), 0.8, "m")
    assert note["level"] == "doubt"
    assert "at 0.90 angstrom" in note["note"]
    assert "(now 0.8)" in note["note"]
