"""Errors of a pair by hand: noise or pooled scatter, the larger; axes that no repeat shows."""

import numpy as np
import pytest
import xarray as xr

from ssbchar.xas.comparison import edge_errors
from ssbchar.xas.comparison.edge_errors import PairError, estimate_pair_error


def measurement(
    halves: list[float], alignment: str = "foil", error: float = 0.02, outlier: int | None = None
) -> xr.Dataset:
    """Return repeats with a merged spectrum behind them."""
    status = ["ok"] * (len(halves) + 1)
    if outlier is not None:
        status[outlier] = "outlier"
    return xr.Dataset(
        {
            "e0_half": ("spectrum", [*halves, 99.0]),
            "e0_derivative": ("spectrum", [*(2 * np.array(halves)), float(len(halves))]),
            "e0_derivative_stderr": ("spectrum", [*np.zeros(len(halves)), 0.01]),
            "white_line": ("spectrum", [*(0.1 * np.array(halves)), 99.0]),
            "status": ("spectrum", status),
        },
        attrs={"alignment": alignment, "alignment_error": error},
    )


def errors(first: xr.Dataset, second: xr.Dataset, noise: float = 1e-3) -> dict[str, float]:
    return edge_errors.propagate_edge_errors(
        (first, second),
        half_step_noise=np.array([noise, noise]),
        white_line_noise=np.array([0.1 * noise, 0.2 * noise]),
    )


def test_the_scatter_of_both_parts_is_pooled() -> None:
    """Variances 1 (1, 2, 3) and 2 (0, 2), of 2 and 1 degrees of freedom: 4/3, over 3 and 2."""
    found = estimate_pair_error([np.array([1.0, 2.0, 3.0]), np.array([0.0, 2.0])], [1e-9, 1e-9])
    # In units of equal noise the second part's mean has 2 x 1e-18: ratios 1/3 and 1 of it.
    assert found.dof == pytest.approx(3.0)
    assert found.from_scatter
    assert found.stderr >= np.sqrt(4 / 3 * (1 / 3 + 1 / 2))


def test_scatter_that_grows_with_the_noise_is_shared_by_its_ratio() -> None:
    """Noise of the means 0.1 and 0.4; the first scatters by twice its own noise, 0.2 sqrt(3): the
    second is taken to do so, too."""
    spread = 0.2 * np.sqrt(3.0)
    values = [spread * np.array([-1.0, 0.0, 1.0]), np.array([5.0])]
    found = estimate_pair_error(values, [0.1, 0.4])
    # Noise explains a quarter of the scatter.
    assert found.dof == pytest.approx(2.0 + 8.0 / 4)
    assert found.stderr == pytest.approx(np.hypot(2 * 0.1, 2 * 0.4))


def test_noise_counts_where_the_scatter_is_less() -> None:
    values = [np.array([1.0, 1.01, 1.0]), np.array([2.0, 2.01, 2.0])]
    found = estimate_pair_error(values, [0.3, 0.4])
    assert found.stderr == pytest.approx(0.5)
    # The repeats confirm the noise.
    assert (found.dof, found.from_scatter) == (12.0, True)


def test_two_repeats_each_have_their_scatter() -> None:
    found = estimate_pair_error([np.array([1.0, 3.0]), np.array([1.0, 3.0])], [0.1, 0.1])
    # Variance 2 pooled over 2 degrees of freedom, halved for each mean: a hundred times the noise.
    assert found.stderr == pytest.approx(np.sqrt(2.0))
    assert found.dof == pytest.approx(2.0 + 8.0 / 100)


def test_an_error_that_no_repeat_confirms_counts_as_little_known() -> None:
    found = estimate_pair_error([np.array([1.0]), np.array([2.0])], [0.3, 0.4])
    assert found == PairError(stderr=0.5, dof=4.0, from_scatter=False)
    lost = estimate_pair_error([np.array([np.nan, 1.0]), np.array([])], [0.3, 0.4])
    assert not lost.from_scatter


def test_an_error_that_is_not_to_be_had_is_none() -> None:
    values = [np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0])]
    assert np.isnan(estimate_pair_error(values, [0.1, np.nan]).stderr)


def test_without_noise_the_scatter_alone_counts() -> None:
    found = estimate_pair_error([np.array([1.0, 2.0, 3.0]), np.array([1.0])], [0.0, 0.0])
    assert found.stderr == pytest.approx(np.sqrt(1 / 3 + 1.0))


def test_good_repeats_are_counted_without_their_mean() -> None:
    assert edge_errors.find_repeats(measurement([1.0, 2.0, 3.0], outlier=1)).tolist() == [0, 2]


@pytest.mark.parametrize(
    ("alignment", "repeats", "seen", "variance"),
    [
        ("foil", 2, False, 0.02),
        ("foil", 0, False, 0.04),
        ("foil", 4, True, 0.005),
        ("repeatability", 4, True, 0.04),
        ("repeatability", 2, False, 0.04),
        ("project", 2, False, 0.0),
        ("none", 2, False, 0.0),
    ],
)
def test_axes_add_what_repeats_do_not_show(
    alignment: str, repeats: int, seen: bool, variance: float
) -> None:
    found = edge_errors.axis_variance_from_alignment(
        alignment, 0.2, repeats=repeats, seen_in_scatter=seen
    )
    assert found == pytest.approx(variance)


def test_a_pair_of_repeats_by_hand() -> None:
    """Variances of 1 and 4: 2.5 pooled, 5/3 for both means; equal noise shares it alike."""
    found = errors(measurement([1.0, 2.0, 3.0]), measurement([2.0, 4.0, 6.0]), noise=0.01)
    assert found["edge_shift_stderr"] == pytest.approx(np.sqrt(5 / 3))
    assert found["edge_shift_dof"] == pytest.approx(4.0, abs=0.01)
    # Half the variance of the mean foils, 0.02^2 / 3 for each part.
    assert found["edge_shift_systematic"] == pytest.approx(0.02 / np.sqrt(3))
    assert found["inflection_shift"] == 0.0
    assert found["inflection_shift_stderr"] == pytest.approx(2 * np.sqrt(5 / 3))
    # The white line's scatter is a tenth; in units of noise the second part has half of it.
    pooled, factor = 0.025 / 3, (1 / (3e-6) + 4 / (4 * 3e-6)) / 2 * 1e-2
    first, second = max(pooled, factor * 1e-6), max(pooled, factor * 4e-6)
    assert found["white_line_stderr"] == pytest.approx(np.sqrt(first + second))


def test_a_pair_of_single_scans_has_its_noise_and_its_axes() -> None:
    found = errors(measurement([1.0]), measurement([3.0]), noise=0.01)
    assert found["edge_shift_stderr"] == pytest.approx(0.01 * np.sqrt(2))
    assert found["edge_shift_dof"] == 4.0
    assert found["edge_shift_systematic"] == pytest.approx(0.02 * np.sqrt(2))
    assert found["inflection_shift_stderr"] == pytest.approx(0.01 * np.sqrt(2))


def test_a_repeatability_adds_for_both() -> None:
    pair = [measurement([1.0, 2.0, 3.0], "repeatability", 0.3) for _ in range(2)]
    found = errors(*pair)
    assert found["edge_shift_systematic"] == pytest.approx(0.3 * np.sqrt(2))
    assert found["edge_shift_stderr"] == pytest.approx(np.sqrt(2 / 3))
    assert found["edge_shift_dof"] == pytest.approx(4.0, abs=1e-4)


def test_without_an_axis_nothing_is_added() -> None:
    bare = measurement([1.0]).drop_attrs()
    assert errors(bare, bare, noise=0.3)["edge_shift_systematic"] == 0.0
