"""Reference cells: which frames, at which temperature, with which errors, by hand."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from ssbchar.hexrd.furnace.segments import SegmentKind
from ssbchar.hexrd.verdict import reference_cells as reference
from ssbchar.hexrd.verdict.options import Stability

OPTIONS = Stability(rest_rate=0.5, rest_above=60.0)


def furnace(temperature: list[float], rate: list[float], kinds: str) -> xr.Dataset:
    words = {"h": "heating", "c": "cooling", "r": "hold"}
    segment = np.array([words[k] for k in kinds], dtype=object)
    return xr.Dataset(
        {
            "temperature": ("frame", np.array(temperature, float)),
            "rate": ("frame", np.array(rate, float)),
            "segment": ("frame", segment),
        }
    )


def chosen(*words: object) -> tuple[list[int], list[int], float, bool]:
    found = reference.select_reference_frames(furnace(*words), OPTIONS)  # type: ignore[arg-type]
    return found.before.tolist(), found.after.tolist(), found.temperature, found.on_hold


def test_holds_before_and_after() -> None:
    temperature = [25, 26, 30, 85, 86, 300, 85, 40, 24]
    rate = [0.5, -0.5, 0.51, 5, 5, 5, -5, -0.6, -0.1]
    assert chosen(temperature, rate, "rrhhhhccr"[:9]) == ([0, 1], [8], 25.5, True)


def test_the_cold_range_is_inclusive() -> None:
    found = chosen([24, 84, 84.1, 300, 84.1, 84, 30], [0, 0, 0, 5, 0, 0, 0], "rrrhcrr")
    assert found == ([0, 1], [5, 6], 54.0, True)


def test_without_a_hold_the_first_and_last_frames() -> None:
    count = 12
    up = np.linspace(25, 80, count)
    temperature = [*up, 300.0, *up[::-1]]
    rate = [5.0] * count + [5.0] + [-5.0] * count
    before, after, middle, on_hold = chosen(temperature, rate, "h" * (count + 1) + "c" * count)
    assert before == list(range(8)) and after == list(range(17, 25))
    assert middle == pytest.approx(np.median(up[:8])) and not on_hold


def test_a_long_hold_after_is_used_whole() -> None:
    temperature = [25.0, 300.0, *[30.0] * 12]
    rate = [0.0, 5.0, -3.0, *[0.0] * 11]
    assert chosen(temperature, rate, "rh" + "c" * 12)[1] == list(range(3, 14))


def test_unknown_temperatures_and_rates() -> None:
    assert chosen([np.nan, 25, 300, np.nan, 30], [np.nan, np.nan, 5, 0, 0], "rrhcc") == (
        [1],
        [4],
        25.0,
        True,
    )
    # a few cells are reported without any temperature, all at what it was
    before, after, temperature, on_hold = chosen([np.nan] * 5, [0.0] * 5, "rrhcc")
    assert before == [0, 1, 2] and after == [] and np.isnan(temperature) and not on_hold


def test_without_cooling_there_is_no_after() -> None:
    assert chosen([25, 300, 30], [0, 5, 0], "rhr")[1] == []
    assert chosen([25, 30, 30], [0, 0, 0], "rrc") == ([0, 1, 2], [], 30.0, True)


FRAMES = 4
ANGSTROM = np.array([5.0, 6.0, 7.0])


def series(
    stderr: float = 1e-4,
    shared: float = 0.0,
    temperature: float = 25.0,
    temperature_stderr: float = 0.0,
    systematic: float = 0.0,
    slope: float = 0.0,
    segments: tuple[str, ...] = ("heating",),
    **attrs: float,
) -> reference.RefinedSeries:
    """An orthorhombic phase: b alone scatters, a known slope of b."""
    cell = np.tile([*ANGSTROM, 90.0, 90.0, 90.0], (FRAMES, 1, 1))
    cell[:, 0, 1] += 1e-3 * np.array([1, -1, 1, -1])
    errors = np.tile([stderr, 1e-3, stderr, 0, 0, 0], (FRAMES, 1, 1))
    common = np.tile([shared, 0, 0, 0, 0, 0], (FRAMES, 1, 1))
    covariance = np.einsum("fpi,ij->fpij", errors**2, np.eye(6))
    covariance += np.einsum("fpi,fpj->fpij", common, common)
    dims = ("frame", "phase", "axis")
    lattice = xr.Dataset(
        {
            "cell": (dims, cell),
            "cell_stderr": (dims, errors),
            "cell_covariance": ((*dims, "axis2"), covariance),
            "cell_shared": (dims, common),
            "intensity": (dims[:2], np.full((FRAMES, 1), 50.0)),
            "intensity_stderr": (dims[:2], np.full((FRAMES, 1), 4.0)),
            "significance": (dims[:2], np.full((FRAMES, 1), 12.0)),
            "present": (dims[:2], np.ones((FRAMES, 1))),
            "verdict": (dims[:2], np.full((FRAMES, 1), "ok", dtype=object)),
        },
        attrs=attrs,
    )
    oven = xr.Dataset(
        {
            name: ("frame", np.full(FRAMES, value))
            for name, value in (
                ("temperature", temperature),
                ("temperature_stderr", temperature_stderr),
                ("temperature_systematic", systematic),
            )
        }
    )
    grid = np.array([20.0, 25.0, 30.0])
    curve = np.zeros((1, len(segments), 7, 3))
    for s in range(len(segments)):
        curve[0, s, 1] = 6.0 + (s + 1) * slope * grid
    expansion = xr.Dataset(
        {"cell": (("phase", "segment", "axis", "temperature"), curve)},
        coords={"segment": list(segments), "temperature": grid},
    )
    return reference.RefinedSeries(lattice=lattice, furnace=oven, expansion=expansion)


def averaged(found: reference.RefinedSeries, **more: object) -> reference.ReferenceCell:
    given = {"frames": np.arange(FRAMES), "temperature": 25.0, "segment": SegmentKind.HEATING}
    cell = reference.average_reference_cell(found, 0, **{**given, **more})  # type: ignore[arg-type]
    assert cell is not None
    return cell


def test_the_mean_and_its_error_by_hand() -> None:
    cell = averaged(series())
    np.testing.assert_allclose(cell.value, [5, 6, 7, 90, 90, 90, 210], rtol=1e-6)
    birge = np.sqrt(4 / 3)
    assert cell.stderr[0] == pytest.approx(1e-4 / 2)
    assert cell.stderr[1] == pytest.approx(birge * 1e-3 / 2)
    assert cell.scatter == pytest.approx(4 / 3, rel=1e-3)
    np.testing.assert_array_equal(cell.stderr[3:6], 0)
    one = np.hypot(np.hypot(1e-4 * 42, 1e-3 * 35), 1e-4 * 30)
    assert cell.stderr[6] == pytest.approx(
        one / 2 * max(1, np.sqrt(4 * (35e-3 / one) ** 2 / 3)), rel=1e-3
    )
    assert cell.frames == 4
    np.testing.assert_array_equal(cell.systematic, 0)


def test_what_frames_share_does_not_average_out() -> None:
    cell = averaged(series(shared=3e-4))
    assert cell.common[0] == pytest.approx(3e-4, rel=1e-4)
    assert cell.stderr[0] == pytest.approx(np.hypot(1e-4 / 2, 3e-4), rel=1e-3)
    assert cell.common[6] == pytest.approx(3e-4 * 42, rel=1e-4)
    own = cell.own_relative_stderr
    assert own[0] == pytest.approx(1e-4 / 2 / 5, rel=1e-3)


def test_cells_are_brought_to_the_temperature() -> None:
    """8 K too warm at 2e-4 angstrom/K: 1.6e-3 longer."""
    cell = averaged(series(slope=2e-4, temperature=33.0, temperature_stderr=5.0, systematic=10.0))
    assert cell.value[1] == pytest.approx(6.0 - 8 * 2e-4, rel=1e-9)
    assert cell.value[0] == 5.0
    sigma = np.hypot(1e-3, 5 * 2e-4)
    scatter = max(1.0, 4 * 1e-6 / 3 / sigma**2)
    assert cell.stderr[1] == pytest.approx(np.sqrt(scatter) * sigma / 2, rel=1e-6)
    assert cell.systematic[1] == pytest.approx(10 * 2e-4)


def test_the_wavelength_scales_lengths_and_three_times_the_volume() -> None:
    cell = averaged(series(length_scale_stderr=1e-4))
    np.testing.assert_allclose(cell.systematic[:3], 1e-4 * ANGSTROM, rtol=1e-6)
    np.testing.assert_array_equal(cell.systematic[3:6], 0)
    assert cell.systematic[6] == pytest.approx(3e-4 * 210, rel=1e-6)


def test_the_curve_of_the_segment_is_preferred() -> None:
    both = series(slope=1e-4, temperature=35.0, segments=("heating", "cooling"))
    assert averaged(both).value[1] == pytest.approx(6.0 - 10 * 1e-4)
    cooled = averaged(both, segment=SegmentKind.COOLING)
    assert cooled.value[1] == pytest.approx(6.0 - 10 * 2e-4)
    only = averaged(series(slope=1e-4, temperature=35.0), segment=SegmentKind.COOLING)
    assert only.value[1] == pytest.approx(6.0 - 10 * 1e-4)


def test_the_slope_is_that_at_the_temperature() -> None:
    found = series(temperature=30.0)
    found.expansion["cell"].values[0, 0, 1] = [6.0, 6.001, 6.003]
    assert averaged(found, temperature=20.0).value[1] == pytest.approx(6 - 10 * 2e-4)
    assert averaged(found, temperature=31.0).value[1] == pytest.approx(6 + 1 * 4e-4)
    found.expansion["cell"].values[0, 0, :, 1:] = np.nan
    assert averaged(found, temperature=20.0).value[1] == pytest.approx(6.0)


def test_frames_without_a_good_cell_are_left_out() -> None:
    found = series()
    found.lattice["verdict"].values[:3, 0] = "held"
    assert averaged(found).frames == 1
    found.lattice["present"].values[:] = 0
    given = {"temperature": 25.0, "segment": SegmentKind.HEATING}
    average = reference.average_reference_cell
    assert average(found, 0, frames=np.arange(FRAMES), **given) is None
    assert average(found, 0, frames=np.array([], dtype=int), **given) is None


def test_a_change_cancels_what_both_share() -> None:
    before = averaged(series(shared=3e-4))
    after = replace(before, value=before.value * 1.002, stderr=before.stderr * 1.002)
    after = replace(after, common=before.common * 1.002)
    change = reference.compare_cells(before, after)
    np.testing.assert_allclose(change.value, 0.002, rtol=1e-9)
    assert change.stderr[0] == pytest.approx(1.002 * np.sqrt(2) * 0.5e-4 / 5, rel=1e-3)
    back = reference.compare_cells(after, before)
    np.testing.assert_allclose((1 + back.value) * (1 + change.value), 1.0)


def test_no_stated_length_scale() -> None:
    read = reference.read_length_scale_stderr
    assert read(xr.Dataset()) == 0.0
    assert read(xr.Dataset(attrs={"length_scale_stderr": np.nan})) == 0.0
    assert read(xr.Dataset(attrs={"length_scale_stderr": 2e-4})) == 2e-4


def moving(b: list[float], stderr: float = 1e-5) -> reference.ReferenceCell:
    """The mean of frames whose b is off 6 angstrom by so much, 60 s apart."""
    found = series(stderr=stderr)
    count = len(b)
    lattice = found.lattice.isel(frame=np.zeros(count, dtype=int))
    cell = lattice["cell"].values.copy()
    cell[:, 0, 1] = 6.0 + np.array(b)
    errors = np.tile([stderr, stderr, stderr, 0, 0, 0], (count, 1, 1))
    covariance = np.einsum("fpi,ij->fpij", errors**2, np.eye(6))
    lattice = lattice.assign(
        cell=(lattice["cell"].dims, cell),
        cell_stderr=(lattice["cell"].dims, errors),
        cell_covariance=(lattice["cell_covariance"].dims, covariance),
    )
    furnace = found.furnace.isel(frame=np.zeros(count, dtype=int))
    furnace = furnace.assign(time=("frame", 60.0 * np.arange(count)))
    return averaged(replace(found, lattice=lattice, furnace=furnace), frames=np.arange(count))


def test_a_cell_that_drifts_at_rest_is_not_one_cell() -> None:
    drifting = moving(list(1e-3 * np.linspace(0, 1, 8) + 1e-5 * np.array([1, -1] * 4)))
    assert drifting.is_drifting
    assert drifting.drift[1] == pytest.approx(1e-3, rel=0.05)
    assert drifting.drift[0] == 0.0
    # Anything along the drift is as likely: a rectangle of its length.
    assert drifting.systematic[1] == pytest.approx(1e-3 / 2 / np.sqrt(3), rel=0.05)
    change = reference.compare_cells(moving([0.0] * 8), drifting)
    assert change.drift[1] == pytest.approx(1e-3 / 6 / 2 / np.sqrt(3), rel=0.05)
    few = moving([0.0, 5e-4, 1e-3])
    assert not few.is_drifting, "three frames are scatter as well as drift"


def test_a_drift_within_the_errors_is_carried_and_told_as_one_cell() -> None:
    found = moving(list(1e-3 * np.linspace(0, 1, 8) + 1e-5 * np.array([1, -1] * 4)))
    assert not replace(found, systematic=np.full(7, 1.0)).is_drifting


def test_frames_that_scatter_far_beyond_their_errors_are_not_one_cell() -> None:
    scattered = moving([1e-4, -1e-4, 1e-4, -1e-4, 1e-4, -1e-4])
    assert scattered.is_scattered and not scattered.is_drifting
    assert not moving([2e-5, -2e-5, 2e-5, -2e-5]).is_scattered
    assert not moving([2.5e-5, -2.5e-5]).is_scattered, "two frames may differ by chance"
    assert not moving([1e-4]).is_scattered


def test_frames_that_the_refinement_does_not_explain_are_left_out() -> None:
    oven = furnace([25, 25, 300, 25, 25], [0, 0, 5, 0, 0], "rrhcr")
    misfit = np.array([True, False, False, True, True])
    found = reference.select_reference_frames(oven, OPTIONS, misfit)
    assert found.before.tolist() == [1]
    assert found.after.tolist() == [3, 4], "where none is explained, all"


def test_a_sample_that_may_have_moved_scales_lengths() -> None:
    cell = averaged(replace(series(length_scale_stderr=3e-4), displacement=4e-4))
    np.testing.assert_allclose(cell.systematic[:3], 5e-4 * ANGSTROM, rtol=1e-6)
    assert cell.systematic[6] == pytest.approx(15e-4 * 210, rel=1e-6)
    standard = replace(series(length_scale_stderr=3e-4), length_scale_stderr=0.0)
    np.testing.assert_array_equal(averaged(standard).systematic, 0)
