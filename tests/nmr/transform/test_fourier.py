"""Spectra: a plain Fourier sum, any start of the axis, any part of it."""

import numpy as np
import pytest

from ssbchar.nmr.transform.chemical_shift import shift_from_offset
from ssbchar.nmr.transform.fourier import offsets_from_time, select_range, transform_signal

TIME, SFO1, SF = np.arange(50) * 2e-6 - 7e-6, 311.13, 311.1


def direct(signal: np.ndarray, time: np.ndarray, size: int) -> np.ndarray:
    offset = offsets_from_time(time, size)
    return (signal * np.exp(-2j * np.pi * offset[:, None] * time)).sum(axis=1)


def test_the_axis_falls_from_half_the_spectral_width() -> None:
    assert offsets_from_time(np.arange(5) * 0.25, 4) == pytest.approx([2.0, 1.0, 0.0, -1.0])
    assert offsets_from_time(np.arange(5) * 0.25, 5) == pytest.approx([2.4, 1.6, 0.8, 0.0, -0.8])


@pytest.mark.parametrize("size", [50, 64, 65, 128])
def test_a_spectrum_is_the_fourier_sum_over_its_own_time_axis(size: int) -> None:
    rng = np.random.default_rng(1)
    signal = rng.normal(size=50) + 1j * rng.normal(size=50)
    np.testing.assert_allclose(
        transform_signal(signal, TIME, size), direct(signal, TIME, size), atol=1e-10
    )


@pytest.mark.parametrize("part", [slice(0, 20), slice(30, 32), slice(33, 64), slice(10, 60)])
def test_a_part_of_a_spectrum_is_that_of_the_whole(part: slice) -> None:
    rng = np.random.default_rng(2)
    signal = rng.normal(size=(2, 50)) + 1j * rng.normal(size=(2, 50))
    whole = transform_signal(signal, TIME, 64)
    np.testing.assert_allclose(transform_signal(signal, TIME, 64, part), whole[:, part], atol=1e-11)


@pytest.mark.parametrize("limits", [(-300.0, 400.0), (240.0, 280.0), (-1e5, 1e5), (5e4, 6e4)])
@pytest.mark.parametrize("size", [1024, 1025])
def test_the_displayed_part_is_that_of_the_whole_axis(
    limits: tuple[float, float], size: int
) -> None:
    time = np.arange(500) * 2e-6
    whole = shift_from_offset(offsets_from_time(time, size), SFO1, SF)
    shown = select_range(time, size, limits, sfo1=SFO1, sf=SF)
    inside = np.flatnonzero((whole >= limits[0]) & (whole <= limits[1]))
    assert np.array_equal(np.arange(size)[shown.part], inside)
    assert shown.offset == pytest.approx(offsets_from_time(time, size)[shown.part], abs=1e-9)
    assert shown.ppm == pytest.approx(whole[shown.part], abs=1e-9)
    turned = select_range(time, size, limits[::-1], sfo1=SFO1, sf=SF)
    assert turned.part == shown.part


def test_limits_on_points_of_the_axis_are_inside() -> None:
    shown = select_range(np.arange(9) * 0.125, 8, (-1.0, 2.0), sfo1=1.0, sf=1.0)
    assert shown.offset == pytest.approx([2.0, 1.0, 0.0, -1.0])


def test_a_part_of_one_point_is_that_point() -> None:
    signal = np.exp(2j * np.pi * 0.1 * np.arange(50))
    whole = transform_signal(signal, TIME, 65)
    for place in (0, 31, 32, 33, 34, 64):
        part = slice(place, place + 1)
        assert transform_signal(signal, TIME, 65, part) == pytest.approx(whole[part])
