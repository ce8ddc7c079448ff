"""What a refinement takes in: ranges, weights, temperatures, reflections and where it starts."""

import numpy as np
import pytest
import xarray as xr

from ssbchar.errors import BadInput
from ssbchar.hexrd.refinement import inputs
from ssbchar.hexrd.refinement.options import Refinement

AXIS = np.arange(2.0, 12.0, 0.1)


def made(temperature=(20.0, np.nan, 40.0), status=("ok", "ok", "bad"), **options) -> inputs.Frames:
    count = len(temperature)
    intensity = np.tile(AXIS * 10, (count, 1))
    intensity[0, 50] = np.nan
    stderr = np.full((count, AXIS.size), 2.0)
    stderr[0, 60] = 0.0
    stderr[0, 61] = np.nan
    patterns = xr.Dataset(
        {
            "intensity": (("frame", "two_theta"), intensity),
            "intensity_stderr": (("frame", "two_theta"), stderr),
            "wavelength": ((), 0.5),
        },
        coords={"two_theta": AXIS, "frame": np.arange(count)},
    )
    if status:
        patterns["status"] = ("frame", np.array(status, object))
    furnace = xr.Dataset(
        {
            "temperature": ("frame", np.array(temperature)),
            "segment": ("frame", np.full(count, "heating")),
        }
    )
    return inputs.Frames(patterns, furnace, Refinement(**options))


def test_the_range_includes_its_ends() -> None:
    low, high = float(AXIS[10]), float(AXIS[80])
    frames = made(two_theta_min=low, two_theta_max=high)
    assert frames.two_theta[0] == low and frames.two_theta[-1] == high
    assert frames.two_theta.size == 71


def test_a_range_of_too_few_points_is_refused() -> None:
    low = float(AXIS[10])
    assert made(two_theta_min=low, two_theta_max=float(AXIS[59])).two_theta.size == 50
    with pytest.raises(BadInput, match="49 points"):
        made(two_theta_min=low, two_theta_max=float(AXIS[58]))


def test_points_without_intensity_or_error_have_no_weight() -> None:
    pattern = made().read_pattern(0)
    assert pattern.weight[0] == 0.25 and pattern.intensity[1] == pytest.approx(21.0)
    np.testing.assert_array_equal(np.flatnonzero(pattern.weight == 0), [50, 60, 61])
    np.testing.assert_array_equal(pattern.intensity[[50, 60, 61]], 0.0)


def test_frames_without_temperature_take_those_of_their_neighbours() -> None:
    np.testing.assert_allclose(made().temperature, [20, 30, 40])
    np.testing.assert_allclose(made(temperature=[np.nan] * 3).temperature, 25.0)


def test_only_frames_that_are_ok_are_used() -> None:
    np.testing.assert_array_equal(made().usable, [True, True, False])
    assert made(status=()).usable.all()


def test_curves_are_stored_on_the_whole_axis() -> None:
    frames = made(two_theta_min=float(AXIS[10]))
    one = np.ones(90)
    frames.store_curves(1, 3 * one, one, 5 * one)
    for name, value in (("calculated", 3), ("background", 1), ("residual", 2)):
        row = frames.curves[name][1]
        assert np.isnan(row[:10]).all() and np.all(row[10:] == value), name
        assert np.isnan(frames.curves[name][0]).all()


def phase(d, strength=None, refinable: bool = True, name: str = "X") -> xr.Dataset:
    d = np.asarray(d, float)
    squared = np.ones(d.size) if strength is None else np.asarray(strength, float)
    return xr.Dataset(
        {
            "d": ("reflection", d),
            "h": ("reflection", np.arange(d.size) + 1),
            "k": ("reflection", np.zeros(d.size, int)),
            "l": ("reflection", np.zeros(d.size, int)),
            "multiplicity": ("reflection", np.full(d.size, 2)),
            "structure_factor_squared": ("reflection", squared),
        },
        attrs={
            "phase": name,
            "cell": [4.0, 4, 4, 90, 90, 90],
            "crystal_system": "cubic",
            "refinable": int(refinable),
        },
    )


def d_at(two_theta: float) -> float:
    return float(0.5 / 2 / np.sin(np.radians(two_theta) / 2))


def test_reflections_in_the_range_and_three_percent_beyond_are_used() -> None:
    frames = made()
    long, short = d_at(AXIS[0]), d_at(AXIS[-1])
    d = [1.031 * long, 1.029 * long, 3.0, 0.971 * short, 0.969 * short]
    lattice, weight = inputs._select_reflections(frames, phase(d), Refinement())
    np.testing.assert_array_equal(lattice.form[:, 0], [4, 9, 16])
    np.testing.assert_allclose(weight, 2 * np.array(d[1:4]) ** 2)
    np.testing.assert_allclose(lattice.strength, 2.0)


def test_reflections_too_weak_to_matter_are_left_out_where_atoms_are_known() -> None:
    frames = made()
    lattice, _ = inputs._select_reflections(
        frames, phase([3.0] * 3, [1.0, 1.01e-3, 0.99e-3]), Refinement()
    )
    assert lattice.reflection_count == 2 and lattice.has_atoms
    strong, weight = inputs._select_reflections(frames, phase([3.0, 2.5], [5.0, 7.0]), Refinement())
    np.testing.assert_allclose(strong.strength, [10.0, 14.0])
    np.testing.assert_allclose(weight, [90.0, 87.5])
    by_cell, weight = inputs._select_reflections(
        frames, phase([3.0, 4.0], [np.nan, 1.0]), Refinement()
    )
    assert not by_cell.has_atoms
    np.testing.assert_allclose(by_cell.strength, 2.0)
    np.testing.assert_allclose(weight, [18, 32])


def test_phases_outside_the_range_are_refused() -> None:
    with pytest.raises(BadInput, match="none of its reflections"):
        inputs._select_reflections(made(), phase([0.5]), Refinement())


def test_the_strongest_reflections_are_free() -> None:
    options = Refinement(free_reflections=2)
    weight = np.array([1.0, 5.0, 3.0, 5.0])
    np.testing.assert_array_equal(inputs.select_free_reflections(weight, True, options), [1, 3])
    np.testing.assert_array_equal(
        inputs.select_free_reflections(weight, False, options), [0, 1, 2, 3]
    )


def test_all_are_free_until_a_pattern_is_learnt() -> None:
    assert inputs.free_more(Refinement(free_reflections=2)).free_reflections == 400
    assert inputs.free_more(Refinement(free_reflections=500)).free_reflections == 500
    spacings = [3.0, 2.9, 2.8, 2.7]
    series = inputs.build_series_model(made(), [phase(spacings)], Refinement(free_reflections=2))
    assert series.free_reflections[0].size == len(spacings)


def test_structures_that_are_trusted_are_followed_by_rietveld() -> None:
    frames = made()
    phases = [phase([3.0, 4.0]), phase([3.0], refinable=False), phase([3.0], [np.nan])]
    phases[2].attrs["refinable"] = 0
    pawley = inputs.build_series_model(frames, phases, Refinement(intensity_freedom=0.7))
    assert [f.size for f in pawley.free_reflections] == [2, 1, 1]
    np.testing.assert_allclose(pawley.intensity_freedom, [0.7, 0.7, 3.0])
    rietveld = inputs.build_series_model(frames, phases, Refinement(mode="rietveld", reach=5.0))
    assert [f.size for f in rietveld.free_reflections] == [0, 1, 1]
    assert rietveld.reach == 5.0 and rietveld.wavelength == 0.5
    assert rietveld.background_terms.shape == (18, 100)
    with pytest.raises(BadInput, match="no candidate"):
        inputs.build_series_model(frames, [], Refinement())


def test_a_series_starts_from_the_options_and_expected_widths() -> None:
    frames = made()
    series = inputs.build_series_model(frames, [phase([3.0])], Refinement())
    start = inputs.choose_start(series, frames, Refinement(zero_start=0.1))
    assert start.zero == 0.1 and start.gauss_fwhm == pytest.approx(0.5)
    np.testing.assert_allclose(np.exp(start.log_size_width), 0.01)
    np.testing.assert_allclose(np.exp(start.log_strain_width), 0.05)
    assert np.isnan(start.amount).all() and start.inflation[0] == 1.0
    assert not start.strain.any() and not start.overall_b.any() and start.goodness == 1.0
    assert inputs.choose_start(series, frames, Refinement(gauss_fwhm=0.02)).gauss_fwhm == 0.02
