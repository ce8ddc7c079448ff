"""Volumes, scales, weight fractions and joint cells of a data set, by hand."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from hexrd.made_frame import WAVELENGTH, make_series

from ssbchar.hexrd.refinement import dataset as ds
from ssbchar.hexrd.refinement.result_table import create_table


def test_volumes_and_their_errors() -> None:
    cells = np.array([[[2.0, 3, 4, 90, 90, 90]], [[np.nan] * 6], [[2.0, 2, 3, 90, 90, 120]]])
    covariance = np.zeros((3, 1, 6, 6))
    covariance[0, 0] = np.diag([0.01, 0.02, 0.03, 0, 0, 0]) ** 2
    covariance[2, 0, 5, 5] = 0.1**2
    found = ds.estimate_volumes(cells, covariance)
    np.testing.assert_allclose(found.value[:, 0], [24.0, np.nan, 12 * np.sin(np.radians(60))])
    expected = np.sqrt((12 * 0.01) ** 2 + (8 * 0.02) ** 2 + (6 * 0.03) ** 2)
    np.testing.assert_allclose(found.stderr[0, 0], expected, rtol=1e-6)
    by_gamma = abs(12 * np.cos(np.radians(120))) * np.radians(0.1)
    np.testing.assert_allclose(found.stderr[2, 0], by_gamma, rtol=1e-6)
    assert ds.volume_from_lattice(make_series().phases[1]) == pytest.approx(4.4**2 * 6.1)


def test_correlated_errors_of_a_cubic_cell_add_up() -> None:
    covariance = np.zeros((1, 1, 6, 6))
    covariance[0, 0, :3, :3] = 0.01**2
    found = ds.estimate_volumes(np.array([[[2.0, 2, 2, 90, 90, 90]]]), covariance)
    np.testing.assert_allclose(found.stderr, 3 * 4 * 0.01, rtol=1e-6)


def scale_of(two_theta: np.ndarray, strength: np.ndarray) -> float:
    theta = np.radians(two_theta) / 2
    return float(np.sum(strength / (np.sin(theta) ** 2 * np.cos(theta))))


def test_scales_are_intensities_over_what_the_structure_scatters() -> None:
    series = make_series()
    phase = series.phases[0]
    intensity = ds.Estimate(value=np.array([[10.0, 1.0]] * 3), stderr=np.array([[2.0, 1.0]] * 3))
    # all lengths 1 % longer in the median frame
    volume = np.array([5.4**3 * np.array([1.01**3, 1.0, 1.02**3]), [np.nan] * 3]).T
    found = ds.estimate_scales(intensity, series, volume)
    d = 1.01 * (phase.form @ phase.reference) ** -0.5
    power = scale_of(2 * np.degrees(np.arcsin(WAVELENGTH / 2 / d)), phase.strength)
    np.testing.assert_allclose(found.value[:, 0], 10 / power, rtol=1e-9)
    np.testing.assert_allclose(found.stderr[:, 0], 2 / power, rtol=1e-9)
    # without a volume the reference cell stands
    other = series.phases[1]
    d = (other.form @ other.reference) ** -0.5
    power = scale_of(2 * np.degrees(np.arcsin(WAVELENGTH / 2 / d)), other.strength)
    np.testing.assert_allclose(found.value[:, 1], 1 / power, rtol=1e-9)
    by_cell = replace(series, phases=(replace(phase, refinable=False), other))
    assert np.isnan(ds.estimate_scales(intensity, by_cell, volume).value[:, 0]).all()


def test_weight_fractions_by_hand() -> None:
    scale = ds.Estimate(value=np.array([[1.0, 2.0]]), stderr=np.array([[0.1, 0.4]]))
    mass, volume = np.array([10.0, 5.0]), np.array([[3.0, 1.0]])
    found = ds.estimate_weight_fractions(scale, mass, volume, np.array([[True, True]]))
    np.testing.assert_allclose(found.value, [[0.75, 0.25]])
    # masses 30 +- 3 and 10 +- 2 of 40
    first = np.hypot(0.25 * 3, 0.75 * 2) / 40
    np.testing.assert_allclose(found.stderr, [[first, first]])


def test_phases_without_scale_or_amount_have_no_share() -> None:
    scale = ds.Estimate(
        value=np.array([[1.0, 2.0, np.nan], [1.0, 1.0, 1.0]]), stderr=np.full((2, 3), 0.1)
    )
    volume = np.array([[1.0, 1.0, 1.0], [1.0, np.nan, 1.0]])
    present = np.array([[True, False, True], [False, True, False]])
    found = ds.estimate_weight_fractions(scale, np.ones(3), volume, present)
    np.testing.assert_allclose(found.value, [[1.0, np.nan, np.nan], [np.nan] * 3])
    np.testing.assert_allclose(found.stderr[0], [0.0, np.nan, np.nan])


def test_the_error_of_the_monitor_is_in_every_intensity() -> None:
    intensity, stderr = np.array([[100.0, -50.0], [10.0, 10.0]]), np.full((2, 2), 3.0)
    patterns = xr.Dataset({"monitor_scale": ("frame", [2.0, 2.0])})
    assert ds.add_monitor_error(intensity, stderr, patterns) is stderr
    patterns["monitor_scale_stderr"] = ("frame", [0.08, np.nan])
    found = ds.add_monitor_error(intensity, stderr, patterns)
    np.testing.assert_allclose(found, [[5.0, np.hypot(3, 2)], [3.0, 3.0]])


def test_joint_cells_stand_where_a_phase_has_none_of_its_own() -> None:
    series = make_series()
    table = create_table(range(3), 2)
    table.rwp[:2] = 1.0
    table.present[:, 0] = 1
    table.cell[0, 0] = 1.0
    priors = SimpleNamespace(
        has_joint_cell=np.array([True, False]),
        strain=np.full((3, 2, 6), 1e-3),
        strain_sigma=np.full((3, 2, 6), 1e-4),
    )
    ds.write_joint_cells(table, series, priors)
    a = 5.4 * 1.001**-0.5
    stderr = a / 2 / 1.001 * 1e-4
    np.testing.assert_allclose(table.joint_cell[:2, 0], [[a, a, a, 90, 90, 90]] * 2)
    np.testing.assert_allclose(
        table.joint_cell_stderr[:2, 0], [[stderr] * 3 + [0] * 3] * 2, rtol=1e-6
    )
    assert np.isnan(table.joint_cell[2]).all() and np.isnan(table.joint_cell[:, 1]).all()
    np.testing.assert_array_equal(table.cell[0, 0], 1.0)
    np.testing.assert_allclose(table.cell[1, 0], table.joint_cell[1, 0])
    np.testing.assert_allclose(table.cell_covariance[1, 0, :3, :3], stderr**2, rtol=1e-6)
    assert np.isnan(table.cell_covariance[0, 0]).all()
    absent = create_table(range(1), 2)
    absent.rwp[:] = 1.0
    ds.write_joint_cells(
        absent,
        series,
        SimpleNamespace(
            **{**vars(priors), "strain": priors.strain[:1], "strain_sigma": priors.strain_sigma[:1]}
        ),
    )
    assert np.isnan(absent.cell).all() and np.isfinite(absent.joint_cell[0, 0]).all()
