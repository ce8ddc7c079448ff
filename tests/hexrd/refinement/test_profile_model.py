"""Profiles and positions against numerical derivatives, exact integrals, and the exact Voigt
function."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import voigt_profile

from ssbchar.crystal.cell import d_from_hkl
from ssbchar.hexrd.refinement import profile_model

CELLS = {
    "cubic": (9.4, 9.4, 9.4, 90, 90, 90),
    "tetragonal": (3.9, 3.9, 6.6, 90, 90, 90),
    "trigonal": (8.26, 8.26, 20.65, 90, 90, 120),
    "hexagonal": (3.2, 3.2, 5.2, 90, 90, 120),
    "rhombohedral": (5.1, 5.1, 5.1, 55, 55, 55),
    "orthorhombic": (10.33, 6.01, 4.69, 90, 90, 90),
    "monoclinic": (8.92, 5.24, 6.04, 90, 101.3, 90),
    "triclinic": (5.0, 6.0, 7.0, 80, 95, 103),
}
HKL = np.array([(1, 0, 0), (0, 1, 1), (2, -1, 3), (1, 1, 0), (3, 0, -2)], float)


def lattice(system: str) -> profile_model.Lattice:
    return profile_model.lattice(
        "X", np.array(CELLS[system], float), system, HKL, np.ones(len(HKL)), True, True
    )


@pytest.mark.parametrize("system", CELLS)
def test_cell_and_metric_agree_and_symmetry_is_kept(system: str) -> None:
    phase = lattice(system)
    np.testing.assert_allclose(phase.cell(np.zeros(phase.free)), CELLS[system], rtol=1e-10)
    strain = 1e-3 * (1 + np.arange(phase.free))
    cell = phase.cell(strain)
    np.testing.assert_allclose(
        (phase.form @ phase.metric_at(strain)) ** -0.5, d_from_hkl(HKL, cell), rtol=1e-10
    )
    reference = np.array(CELLS[system])
    for i, j in ((0, 1), (1, 2), (3, 4), (4, 5)):
        if reference[i] == reference[j] and system not in (
            "monoclinic",
            "orthorhombic",
            "triclinic",
        ):
            assert abs(cell[i] - cell[j]) < 1e-9
    if system not in ("triclinic", "rhombohedral"):
        right = np.isin(reference[3:], (90, 120))
        np.testing.assert_allclose(cell[3:][right], reference[3:][right], atol=1e-9)


@pytest.mark.parametrize("system", CELLS)
def test_isotropic_strain_scales_all_lengths(system: str) -> None:
    phase = lattice(system)
    cell = phase.cell(phase.isotropic(np.array(0.01)))
    np.testing.assert_allclose(cell[:3], 1.01 * np.array(CELLS[system][:3]), rtol=1e-9)
    np.testing.assert_allclose(cell[3:], CELLS[system][3:], atol=1e-7)


def test_bragg_and_its_derivative() -> None:
    phase = lattice("monoclinic")
    angle, slope = profile_model.two_theta(phase.form, phase.reference, 0.2413)
    d = d_from_hkl(HKL, np.array(CELLS["monoclinic"], float))
    np.testing.assert_allclose(angle, 2 * np.degrees(np.arcsin(0.2413 / 2 / d)), rtol=1e-12)
    q = phase.form @ phase.reference
    higher = 2 * np.degrees(np.arcsin(0.2413 / 2 * np.sqrt(q + 1e-6)))
    lower = 2 * np.degrees(np.arcsin(0.2413 / 2 * np.sqrt(q - 1e-6)))
    np.testing.assert_allclose(slope, (higher - lower) / 2e-6, rtol=1e-6)


@given(st.floats(0.005, 0.2), st.floats(1e-4, 0.2))
@settings(max_examples=40, deadline=None)
def test_pseudo_voigt_stands_for_a_voigt(gauss: float, lorentz: float) -> None:
    g, m = np.array([gauss]), np.array([lorentz])
    width, eta, *_ = profile_model.pseudo_voigt_widths(g, m)
    x = np.linspace(-1, 1, 401) * 5 * width
    exact = voigt_profile(x, gauss / np.sqrt(8 * np.log(2)), lorentz / 2)
    ours = profile_model.pseudo_voigt_value(x, width, eta)
    assert np.max(np.abs(ours - exact)) < 0.015 * exact.max()


@given(st.floats(0.01, 0.1), st.floats(0.001, 0.1), st.floats(-0.05, 0.05))
@settings(max_examples=40, deadline=None)
def test_profile_derivatives_against_differences(
    gauss: float, lorentz: float, shift: float
) -> None:
    x = np.linspace(0, 2, 801)

    def shape(dx: float = 0, dg: float = 0, dl: float = 0) -> np.ndarray:
        at = (np.array([1 + shift + dx]), np.array([gauss + dg]), np.array([lorentz + dl]))
        return profile_model.profiles(x, *at, 8.0).shape.toarray()[:, 0]

    found = profile_model.profiles(
        x,
        np.array([1 + shift]),
        np.array([gauss]),
        np.array([lorentz]),
        8.0,
        ("position", "lorentz", "gauss"),
    )
    h = 1e-7
    for name, move in (
        ("by_position", {"dx": h}),
        ("by_gauss", {"dg": h}),
        ("by_lorentz", {"dl": h}),
    ):
        back = {k: -v for k, v in move.items()}
        numerical = (shape(**move) - shape(**back)) / (2 * h)
        analytic = getattr(found, name).toarray()[:, 0]
        inside = np.abs(x - 1 - shift) < 6 * max(
            gauss, lorentz
        )  # a window's edge may move by a point
        assert np.max(np.abs(numerical - analytic)[inside]) < 1e-4 * np.max(np.abs(analytic))


def test_profiles_have_unit_area_and_splines_sum_to_one() -> None:
    x = np.linspace(0, 10, 5001)
    found = profile_model.profiles(
        x, np.array([3.0, 7.0]), np.array([0.05, 0.08]), np.array([1e-4, 1e-4]), 8.0
    )
    np.testing.assert_allclose(found.shape.toarray().sum(axis=0) * (x[1] - x[0]), 1.0, atol=1e-3)
    np.testing.assert_allclose(profile_model.splines(x, 12).sum(axis=1), 1.0, atol=1e-9)
    assert profile_model.splines(x, 12).shape == (5001, 12)
