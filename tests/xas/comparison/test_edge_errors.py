"""Errors of a pair by hand: noise or scatter, whichever is larger; axes that no repeat shows."""

import numpy as np
import pytest
import xarray as xr

from ssbchar.xas.comparison import edge_errors
from ssbchar.xas.comparison.edge_errors import MeanError


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


def test_the_scatter_of_three_repeats_counts() -> None:
    """1, 2, 3: variance 1, of the mean 1/3; two degrees of freedom."""
    found = edge_errors.estimate_mean_error(np.array([1.0, 2.0, 3.0]), 0.1)
    assert found.variance == pytest.approx(1 / 3)
    assert found.freedom_term == pytest.approx(1 / 9 / 2)
    assert found.from_scatter


def test_noise_counts_where_the_scatter_is_less() -> None:
    found = edge_errors.estimate_mean_error(np.array([1.0, 2.0, 3.0]), 2.0)
    assert (found.variance, found.freedom_term) == (4.0, 8.0)


def test_two_repeats_have_their_noise() -> None:
    found = edge_errors.estimate_mean_error(np.array([1.0, 3.0]), 0.5)
    assert found == MeanError(variance=0.25, freedom_term=0.0, from_scatter=False)


def test_good_repeats_are_counted_without_their_mean() -> None:
    assert edge_errors.find_repeats(measurement([1.0, 2.0, 3.0], outlier=1)).tolist() == [0, 2]


def test_freedom_is_welchs() -> None:
    """Variances 1 and 3 of 2 and 6 degrees of freedom: 16/(1/2 + 9/6) = 8."""
    parts = [
        MeanError(variance=1.0, freedom_term=0.5, from_scatter=True),
        MeanError(variance=3.0, freedom_term=1.5, from_scatter=True),
    ]
    assert edge_errors.combine_freedom(parts) == 8.0
    noise = MeanError(variance=1.0, freedom_term=0.0, from_scatter=False)
    assert edge_errors.combine_freedom([noise, noise]) == 1e9


@pytest.mark.parametrize(
    ("alignment", "repeats", "seen", "variance"),
    [
        ("foil", 2, False, 0.02),
        ("foil", 0, False, 0.04),
        ("foil", 4, True, 0.0),
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


def test_a_pair_with_repeats_and_one_without() -> None:
    """Scatter 1/3 and noise 0.01 squared; the foil of two scans adds 0.02^2/2; 2 degrees of
    freedom, a little more by the noise."""
    found = errors(measurement([1.0, 2.0, 3.0]), measurement([1.0, 3.0]), noise=0.01)
    assert found["edge_shift_stderr"] == pytest.approx(np.sqrt(1 / 3 + 1e-4))
    assert found["edge_shift_systematic"] == pytest.approx(0.02 / np.sqrt(2))
    assert found["edge_shift_dof"] == pytest.approx((1 / 3 + 1e-4) ** 2 / (1 / 18))
    assert found["white_line_stderr"] == pytest.approx(np.sqrt(1 / 300 + 4e-6))
    assert found["white_line_dof"] == pytest.approx((1 / 300 + 4e-6) ** 2 / (1e-4 / 9 / 2))


def test_a_repeatability_adds_for_both() -> None:
    pair = [measurement([1.0, 2.0, 3.0], "repeatability", 0.3) for _ in range(2)]
    found = errors(*pair)
    assert found["edge_shift_systematic"] == pytest.approx(0.3 * np.sqrt(2))
    assert found["edge_shift_stderr"] == pytest.approx(np.sqrt(2 / 3))
    assert found["edge_shift_dof"] == pytest.approx(4.0)


def test_without_an_axis_nothing_is_added() -> None:
    bare = measurement([1.0, 2.0]).drop_attrs()
    found = errors(bare, bare, noise=0.3)
    assert found["edge_shift_systematic"] == 0.0
    assert found["edge_shift_stderr"] == pytest.approx(0.3 * np.sqrt(2))
    assert found["white_line_stderr"] == pytest.approx(np.hypot(0.03, 0.06))
    assert found["edge_shift_dof"] == 1e9
