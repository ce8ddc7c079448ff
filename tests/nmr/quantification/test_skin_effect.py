"""Skin depth and visible share against independent numbers and the field equations."""

import numpy as np
import pytest

from ssbchar.nmr.quantification import skin_effect

FLIPS = (np.pi / 6, np.pi / 3)
DEPTH = float(skin_effect.depth_from_resistivity(9.28e-8, 311.1e6))


def test_skin_depth_of_lithium() -> None:
    assert pytest.approx(8.7e-6, abs=0.05e-6) == DEPTH
    assert float(skin_effect.depth_from_resistivity(1 / 1.1e7, 311.1e6)) == pytest.approx(
        8.6e-6, abs=0.05e-6
    )


def test_published_depths_ask_for_other_conductivities() -> None:
    """The figures of docs/theory/nmr.md: 902 um at 1000 S/m; 7.4 and 570 um are published."""
    ours = np.array([DEPTH, float(skin_effect.depth_from_resistivity(1e-3, 311.1e6))])
    assert ours[1] == pytest.approx(902e-6, abs=1e-6)
    assert (ours / np.array([7.4e-6, 570e-6])) ** 2 == pytest.approx([1.4, 2.5], abs=0.03)


@pytest.mark.parametrize(
    ("micrometre", "share"), [(10, 0.993), (20, 0.90), (30, 0.64), (40, 0.41), (60, 0.31)]
)
def test_visible_share_of_a_sphere(micrometre: float, share: float) -> None:
    assert skin_effect.share_from_diameters(
        [micrometre * 1e-6], [1.0], DEPTH, FLIPS
    ) == pytest.approx(share, abs=0.005)


def test_small_spheres_are_seen_whole_and_large_ones_through_their_skin() -> None:
    tiny, large, larger = skin_effect.integrate_visible_signal([1e-7, 2e-3, 4e-3], DEPTH, FLIPS)
    assert tiny == pytest.approx(1.0, abs=1e-4)
    assert abs(large) / abs(larger) == pytest.approx(2.0, rel=0.05)


@pytest.mark.parametrize("size", [2e-5, 2e-4])
def test_field_obeys_the_diffusion_equation_and_joins_a_uniform_field(size: float) -> None:
    """div H = 0 inside, and outside a dipole field: H_r + 2 (H_t-part) fixes the applied field to
    one."""
    r = np.linspace(0.2, 1.0, 1601) * size
    radial, tangential = skin_effect.evaluate_field_in_sphere(r, size, DEPTH)
    divergence = np.gradient(r**2 * radial, r) / r**2 - 2 * tangential / r
    assert np.abs(divergence[5:-5] * size).max() < 1e-2 * np.abs(tangential).max() * (
        size / DEPTH + 1
    )
    # outside: H_r = 1 + 2 m, tangential = 1 - m at the surface
    assert (radial[-1] + 2 * tangential[-1]) / 3 == pytest.approx(1.0, abs=1e-9)
    k2 = (1j * 2) / DEPTH**2
    curl = (np.gradient(r * -tangential, r) + radial) / r
    second = np.gradient(np.gradient(r * curl, r), r) / r - 2 * curl / r**2
    inner = slice(20, -20)
    assert np.abs(second + k2 * curl)[inner].max() < 2e-2 * np.abs(k2 * curl)[inner].max()


def test_mixture_lies_between_its_sizes() -> None:
    both = skin_effect.share_from_diameters([1e-5, 6e-5], [1.0, 1.0], DEPTH, FLIPS)
    assert 0.31 < both < 0.993


def test_the_field_in_a_small_sphere_is_the_applied_one() -> None:
    """Also where the Bessel function is its series, near the centre of a larger one."""
    radial, tangential = skin_effect.evaluate_field_in_sphere([0.0, 1e-9, 5e-9], 1e-8, DEPTH)
    assert radial == pytest.approx(np.ones(3), abs=1e-5)
    assert tangential == pytest.approx(np.ones(3), abs=1e-5)
    near, far = (0.0099 * DEPTH / np.sqrt(2), 0.0101 * DEPTH / np.sqrt(2))
    fields = skin_effect.evaluate_field_in_sphere([near, far], 2 * DEPTH, DEPTH)
    for field in fields:
        assert field[0] == pytest.approx(field[1], rel=1e-4)


def test_the_field_at_the_centre_of_a_sphere() -> None:
    """C 2/3 with C = 3 / (2 j0(k a)): k a / sin(k a)."""
    z = 2.0 * (1 + 1j)
    radial, tangential = skin_effect.evaluate_field_in_sphere(0.0, 2.0, 1.0)
    assert complex(radial) == pytest.approx(z / np.sin(z), rel=1e-6)
    assert complex(tangential) == pytest.approx(z / np.sin(z), rel=1e-6)


def test_a_sphere_half_as_large_as_the_skin_depth_by_plain_sums() -> None:
    """The signal of the docstring, summed over even points of radius, polar angle and azimuth."""
    size, depth = 1.5, 1.0
    radius = (np.arange(60) + 0.5) / 60 * size
    cosine = (np.arange(60) + 0.5) / 30 - 1
    azimuth = 2 * np.pi * np.arange(24) / 24
    radial, tangential = skin_effect.evaluate_field_in_sphere(radius, size, depth)
    radial, tangential = radial[:, None, None], tangential[:, None, None]
    c, s = cosine[None, :, None], np.sqrt(1 - cosine**2)[None, :, None]
    along = radial * c**2 + tangential * s**2
    across = (radial - tangential) * s * c * np.sin(azimuth)
    field = along + 1j * across
    b = np.abs(field)
    signal = np.sin(b * FLIPS[0]) * np.sin(b * FLIPS[1] / 2) ** 2
    signal = signal * field / b * (along - 1j * across)
    weight = radius[:, None, None] ** 2 + 0 * b
    whole = np.sin(FLIPS[0]) * np.sin(FLIPS[1] / 2) ** 2
    expected = np.sum(signal * weight) / np.sum(weight) / whole
    found = skin_effect.integrate_visible_signal([2 * size], depth, FLIPS)[0]
    assert found == pytest.approx(expected, rel=2e-3)
