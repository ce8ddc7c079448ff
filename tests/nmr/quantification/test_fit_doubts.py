"""Other models that a decay admits: components at a bound, a hidden pattern, what they change."""

import numpy as np
import pytest
import xarray as xr

from ssbchar.nmr.quantification.fit_doubts import (
    FitDoubt,
    change_shares,
    find_fit_doubts,
    is_relevant,
    probability_of_hidden_signal,
    systematic_from_doubts,
)
from ssbchar.nmr.quantification.region_areas import RegionSignal


def lines(
    status: tuple[str, ...] = ("line", "line", "line"),
    gain: float = 0.0,
    penalty: float = 16.0,
    spread: float = 0.0,
) -> xr.Dataset:
    """Metal 10, Li-Si 70 and 20, in percent; with a pattern metal 8, Li-Si 92."""
    return xr.Dataset(
        {
            "area": (("slice", "component"), [[10.0, 70.0, 20.0]]),
            "shift": ("component", [265.0, 15.0, 199.0]),
            "region_of": ("component", ["li_metal", "li_si", "li_si"]),
            "line_status": ("component", list(status)),
            "region_area": (("slice", "region"), [[10.0, 90.0]]),
            "model_spread": ("region", [spread, spread]),
            "hidden_gain": gain,
            "hidden_penalty": penalty,
            "hidden_coupling": 80e3,
            "hidden_area": 25.0,
            "hidden_region_area": ("region", [8.0, 92.0]),
        },
        coords={"region": ["li_metal", "li_si"]},
        attrs={"models": 3, "satellite_models": 1},
    )


def test_the_spread_of_admissible_models_is_a_systematic() -> None:
    (doubt,) = find_fit_doubts(lines(spread=0.02))
    assert not doubt.decisive
    assert doubt.reason.startswith("2 other models, 1 of them with satellites")
    systematic = systematic_from_doubts([doubt], np.array([0.1, 0.9]))
    assert systematic == pytest.approx([0.02, 0.02])


def test_lines_alone_leave_no_doubt() -> None:
    assert find_fit_doubts(lines()) == []
    assert find_fit_doubts(lines(("stand-in", "line", "line"))) == []


def test_a_component_at_a_bound_is_left_out_in_the_other_model() -> None:
    (doubt,) = find_fit_doubts(lines(("line", "line", "at the edge of its region")))
    assert doubt.area.tolist() == [10.0, 70.0]
    assert doubt.decisive
    assert doubt.weight == pytest.approx(1 / np.sqrt(3))
    assert doubt.reason == (
        "components that are no lines: 199 ppm at the edge of its region (20 % of the signal)"
    )
    (both,) = find_fit_doubts(lines(("at the largest width", "line", "at the largest width")))
    assert both.area.tolist() == [0.0, 70.0]


@pytest.mark.parametrize(
    ("gain", "weight", "decisive"),
    [(14.0, 0.26894, False), (16.2, 0.52498, True), (1e9, 1.0, True)],
)
def test_a_hidden_pattern_counts_by_its_probability(
    gain: float, weight: float, decisive: bool
) -> None:
    (doubt,) = find_fit_doubts(lines(gain=gain))
    assert doubt.weight == pytest.approx(weight, abs=1e-5)
    assert doubt.decisive == decisive
    assert doubt.area.tolist() == [8.0, 92.0]
    assert "25 % of the signal, C_Q about 80 kHz" in doubt.reason
    assert probability_of_hidden_signal(lines(gain=gain)) == doubt.weight
    assert probability_of_hidden_signal(lines(gain=np.nan)) == 0.0


def test_what_a_doubt_changes() -> None:
    """Shares of 10 and 90 %: a model with 8 and 92 %, by half; one with 13 and 87 %, whole."""
    share = np.array([0.1, 0.9])
    one = FitDoubt(reason="", area=np.array([8.0, 92.0]), weight=0.5, decisive=True)
    other = FitDoubt(reason="", area=np.array([1.3, 8.7]), weight=1.0, decisive=True)
    assert change_shares(one, share) == pytest.approx([-0.02, 0.02])
    assert systematic_from_doubts([one], share) == pytest.approx([0.01, 0.01])
    assert systematic_from_doubts([one, other], share) == pytest.approx([np.hypot(0.01, 0.03)] * 2)
    assert systematic_from_doubts([], share).tolist() == [0.0, 0.0]
    nothing = FitDoubt(reason="", area=np.zeros(2), weight=1.0, decisive=True)
    assert change_shares(nothing, share).tolist() == [1.0, 1.0]


@pytest.mark.parametrize(("stderr", "relevant"), [(0.0199, True), (0.0201, False)])
def test_a_change_matters_above_one_standard_error(stderr: float, relevant: bool) -> None:
    one = FitDoubt(reason="", area=np.array([8.0, 92.0]), weight=1.0, decisive=True)
    # d(m / (m + s)) = s dm / (m + s)^2: an error of the metal's area alone.
    covariance = np.diag([(stderr * 100 / 90) ** 2, 0.0])
    signal = RegionSignal(area=np.array([0.1, 0.9]), covariance=covariance)
    _, of_share = signal.compute_shares()
    assert of_share[0] == pytest.approx(stderr, rel=1e-3)
    assert is_relevant(one, signal) == relevant


@pytest.mark.parametrize(
    ("gain", "weight", "decisive"),
    [(0.0, np.sqrt(0.5), True), (2.0, 0.5186, False), (10.0, 0.5, False), (14.0, None, False)],
)
def test_another_time_origin_counts_by_its_probability(gain, weight, decisive: bool) -> None:
    """Two standard deviations reach it as long as it is not left out."""
    given = lines().assign(
        rival_gain=gain,
        rival_origin=14e-6,
        time_origin=1.3e-6,
        rival_region_area=("region", [9.0, 91.0]),
    )
    doubts = find_fit_doubts(given)
    if weight is None:
        assert doubts == []
        return
    (doubt,) = doubts
    assert doubt.weight == pytest.approx(weight, abs=1e-3)
    assert doubt.decisive is decisive
    assert doubt.area.tolist() == [9.0, 91.0]
    assert "14.0 us before the first point instead of 1.3 us" in doubt.reason
