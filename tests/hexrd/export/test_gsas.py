"""Files for GSAS-II line by line, and the widths in them."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from ssbchar.hexrd.export import gsas


def voigt_width(gauss: float, lorentz: float) -> float:
    """Width of a Voigt function (J. J. Olivero & R. L. Longbothum, J. Quant. Spectrosc. Radiat.
    Transfer 17, 233)."""
    return float(0.5346 * lorentz + np.sqrt(0.2166 * lorentz**2 + gauss**2))


@given(st.floats(1e-3, 1.0), st.floats(0.0, 1.0))
def test_width_components_make_the_width(width: float, share: float) -> None:
    gauss, lorentz = gsas.widths_from_pseudo_voigt(np.array(width), np.array(share))
    assert voigt_width(float(gauss), float(lorentz)) == pytest.approx(width, rel=0.02)


def test_pure_gaussians_and_pure_lorentzians():
    gauss, lorentz = gsas.widths_from_pseudo_voigt(np.array([0.02, 0.02]), np.array([0.0, 1.0]))
    np.testing.assert_allclose(gauss, [0.02, 0.0], atol=3e-4)
    np.testing.assert_allclose(lorentz, [0.0, 0.02])


X = np.array([1.0, 1.01, 1.02, 1.03, 1.04])


def data():
    patterns = xr.Dataset(
        {
            "intensity": (("frame", "two_theta"), [[10.0, 20.0, np.nan, 40.0, 50.0]]),
            "intensity_stderr": (("frame", "two_theta"), [[3.0, 4.0, 5.0, 0.0, 7.0]]),
            "source_file": ("frame", np.array(["a.xye"], dtype=object)),
            "status": ("frame", np.array(["ok"], dtype=object)),
            "wavelength": ((), 0.2411),
        },
        coords={"frame": [3], "two_theta": X},
    )
    return patterns, xr.Dataset({"temperature": ("frame", [123.46])})


def test_a_pattern_by_hand():
    patterns, furnace = data()
    lines = gsas.format_pattern(patterns, furnace, 0, "sample").splitlines()
    assert lines[0] == "sample, frame 3, a.xye"
    assert lines[1:4] == [
        "Instrument parameter file:instrument.instprm",
        "# wavelength 0.2411 angstrom",
        "# temperature 123.5 degC, from the furnace's log",
    ]
    assert lines[4] == "BANK 1 3 3 CONS 100.0000 2.00000 0 0 FXYE"
    rows = [[float(word) for word in line.split()] for line in lines[5:]]
    assert rows == [[100.0, 10.0, 3.0], [101.0, 20.0, 4.0], [104.0, 50.0, 7.0]]


def test_long_titles_are_cut_and_an_unknown_temperature_is_said():
    patterns, furnace = data()
    furnace["temperature"] = ("frame", [np.nan])
    lines = gsas.format_pattern(patterns, furnace, 0, "s" * 90).splitlines()
    assert lines[0] == "s" * 80 and lines[3] == "# temperature unknown"


def peaks(verdict):
    return xr.Dataset(
        {
            "verdict": (("frame", "peak"), np.array([verdict], dtype=object)),
            "fwhm": (("frame", "peak"), [[0.02, 0.03, 0.9]]),
            "eta": (("frame", "peak"), [[0.0, 0.0, 0.0]]),
            "position": (("frame", "peak"), [[5.0, 6.0, 7.0]]),
        }
    )


def test_widths_are_the_median_of_the_good_peaks():
    patterns, _ = data()
    gauss, lorentz = gsas.estimate_widths(patterns, peaks(["ok", "ok", "overlap"]))
    assert gauss == pytest.approx(0.025) and lorentz == 0.0


def test_lorentzian_widths_are_taken_at_zero_angle():
    patterns, _ = data()
    wide = peaks(["ok", "no_peak", "no_peak"])
    wide["eta"] = (("frame", "peak"), [[1.0, 0.0, 0.0]])
    wide["position"] = (("frame", "peak"), [[90.0, 0.0, 0.0]])
    assert gsas.estimate_widths(patterns, wide)[1] == pytest.approx(0.02 * np.cos(np.pi / 4))


@pytest.mark.parametrize(
    ("zeros", "text"), [([0.001, np.nan, 0.003], "0.002"), ([np.nan, np.nan], "0")]
)
def test_the_instrument_file_by_hand(zeros, text):
    patterns, _ = data()
    found = gsas.format_instrument(
        patterns,
        xr.Dataset({"zero": ("frame", zeros)}),
        peaks(["ok", "no_peak", "no_peak"]),
        polarisation=0.99,
        note="sample",
    )
    pairs = dict(line.split(":", 1) for line in found.splitlines() if not line.startswith("#"))
    assert pairs["Zero"] == text and pairs["Polariz."] == "0.99" and pairs["Lam"] == "0.2411"
    assert float(pairs["W"]) == pytest.approx((2.0 / 2.3548200450309493) ** 2, rel=1e-5)
    assert float(pairs["X"]) == 0.0
