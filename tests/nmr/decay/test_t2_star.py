"""T2* of each region by either route, the metal's shared with pure Li."""

import numpy as np
import pytest
import xarray as xr

from ssbchar.nmr.decay import decay_law as laws
from ssbchar.nmr.decay import t2_star
from ssbchar.nmr.decay.common_causes import find_metal_deviation
from ssbchar.nmr.decay.options import DecayOptions

TIME = np.array([20, 40, 60, 80, 110, 140, 180, 230, 300, 400, 600, 900]) * 1e-6


def series(metal_t2: float, *, windows: bool = False) -> xr.Dataset:
    """Areas of Li metal and Li-Si over decay time."""
    metal = laws.evaluate_decay(TIME, 0.2, metal_t2, 1.0)
    area = np.stack([metal, laws.evaluate_decay(TIME, 0.8, 1e-4, 1.0)], axis=1)
    names = ("slice", "region", "slice2", "region2")
    covariance = np.einsum("st,rq->srtq", 1e-6 * np.eye(12), [[1.0, 0.2], [0.2, 4.0]])
    data = {
        "decay_time": ("slice", TIME),
        "region_area": (("slice", "region"), np.maximum(area, 0.001)),
        "region_area_free": (("slice", "region"), area),
        "region_covariance": (names, covariance),
    }
    if windows:
        data = {
            "decay_time": ("slice", TIME),
            "window_area": (("slice", "region"), area),
            "window_area_stderr": (("slice", "region"), np.full((12, 2), 1e-3) * [1.0, 2.0]),
        }
    coords = {"slice": np.arange(1, 13), "region": ["li_metal", "li_si"]}
    return xr.Dataset(data, coords=coords, attrs={"decay_axis": "vd", "set_aside": "[]"})


@pytest.mark.parametrize("windows", [False, True])
def test_both_routes_give_t2_of_each_region(windows: bool) -> None:
    found = t2_star.fit_decay(series(4e-4, windows=windows), DecayOptions())
    assert found["t2_star"].values == pytest.approx([4e-4, 1e-4], rel=1e-4)
    assert found["amplitude"].values == pytest.approx([0.2, 0.8], rel=1e-4)
    assert found["decay_area_stderr"].values[0] == pytest.approx([1e-3, 2e-3])
    cross = found["decay_area_covariance"].values[0, 0, 1]
    assert cross == pytest.approx(0.0 if windows else 0.2e-6)
    assert found["shared"].values.tolist() == [0, 0]
    assert found.attrs == {"decay_axis": "vd"}


def test_areas_without_the_bound_are_taken_on_request() -> None:
    late = series(2e-5)
    bounded, covariance = t2_star.select_region_areas(late)
    free, _ = t2_star.select_region_areas(late, free=True)
    assert bounded.min() == 0.001 > free.min()
    assert covariance.shape == (12, 2, 12, 2)
    _, made = t2_star.select_region_areas(series(4e-4, windows=True))
    assert made[3, 1, 3, 1] == pytest.approx(4e-6)
    assert made[3, 0, 3, 1] == made[3, 0, 4, 0] == 0.0


def test_the_metal_of_a_sample_shares_the_t2_of_pure_li() -> None:
    pure = t2_star.fit_decay(series(4.67e-4), DecayOptions())
    found = t2_star.fit_decay(series(4e-4), DecayOptions(), pure)
    assert found["shared"].values.tolist() == [1, 0]
    assert float(found["t2_star"][0]) == pytest.approx(4.67e-4, rel=1e-4)
    assert float(found["t2_star_stderr"][0]) == float(pure["t2_star_stderr"][0])
    assert "sample's own is 400 +-" in str(found["reason"].values[0])
    shape = laws.evaluate_decay(TIME, 1.0, float(pure["t2_star"][0]), 1.0)
    metal = series(4e-4)["region_area_free"].values[:, 0]
    amplitude = shape @ metal / (shape @ shape)
    assert float(found["amplitude"][0]) == pytest.approx(amplitude, rel=1e-6)
    assert float(found["amplitude_stderr"][0]) == pytest.approx(1e-3 / np.sqrt(shape @ shape))
    left = metal - amplitude * shape
    assert float(found["chi2"][0]) == pytest.approx(left @ left / 1e-6, rel=1e-5)
    alike = t2_star.fit_decay(series(4.67e-4), DecayOptions(), pure)
    assert str(alike["reason"].values[0]) == "T2* of pure Li"
    own = t2_star.fit_decay(series(4e-4), DecayOptions(share_metal=False), pure)
    assert own["shared"].values.tolist() == [0, 0]


def test_a_metal_far_from_pure_li_is_its_own_and_doubtful() -> None:
    """A drift of the gain, or metal that turns into Li-Si meanwhile, would look the same."""
    pure = t2_star.fit_decay(series(4.67e-4), DecayOptions())
    found = t2_star.fit_decay(series(3e-4), DecayOptions(), pure)
    assert found["shared"].values.tolist() == [0, 0]
    assert float(found["t2_star"][0]) == pytest.approx(3e-4, rel=1e-4)
    assert float(found["t2_star_systematic"][0]) == pytest.approx(1.67e-4, rel=1e-2)
    assert found["verdict"].values.tolist() == ["doubtful", "doubtful"]
    assert "the sample's own; pure Li has 467 us" in str(found["reason"].values[0])


def test_a_reference_without_a_law_is_not_shared() -> None:
    pure = t2_star.fit_decay(series(4.67e-4), DecayOptions())
    pure["verdict"] = ("region", np.array(["misfit", "ok"]))
    found = t2_star.fit_decay(series(4e-4), DecayOptions(), pure)
    assert found["shared"].values.tolist() == [0, 0]


def share_and_compare(metal, pure, own) -> tuple[laws.DecayLaw, float]:
    """Return the law that the metal shares with pure Li, doubted by its own."""
    covariance = 1e-6 * np.eye(12)
    shared = t2_star._share_reference(TIME, metal, covariance, pure.sel(region="li_metal"))
    deviation = find_metal_deviation(TIME, metal, covariance, shared)
    return t2_star._compare_with_own(shared, own, deviation)


def test_what_is_shared_has_the_errors_of_pure_li_and_no_link_to_the_amplitude() -> None:
    pure = t2_star.fit_decay(series(4.67e-4), DecayOptions())
    pure["covariance"].values[0, 1, 1] = 9e-12
    own = laws.DecayLaw(t2=4e-4, covariance=np.diag([1.0, 16e-12, 1.0]))
    metal = series(4e-4)["region_area_free"].values[:, 0]
    shared, systematic = share_and_compare(metal, pure, own)
    assert shared.covariance is not None
    assert shared.covariance[1, 1] == 9e-12
    assert (shared.covariance[0, 1:] == 0).all() and (shared.covariance[1:, 0] == 0).all()
    assert shared.reason.endswith("the sample's own is 400 +- 5 us")
    assert shared.points == 12
    assert systematic == pytest.approx(0.67e-4, rel=1e-3)
    assert shared.verdict == "doubtful"


@pytest.mark.parametrize(("own", "noted"), [(4.82e-4, False), (4.83e-4, True), (4.51e-4, True)])
def test_a_difference_of_three_standard_errors_is_noted(own: float, noted: bool) -> None:
    pure = t2_star.fit_decay(series(4.67e-4), DecayOptions())
    pure["t2_star"].values[0] = 4.67e-4
    pure["covariance"].values[0, 1, 1] = 9e-12
    law = laws.DecayLaw(t2=own, covariance=np.diag([1.0, 16e-12, 1.0]))
    metal = series(4e-4)["region_area_free"].values[:, 0]
    shared, systematic = share_and_compare(metal, pure, law)
    assert ("own is" in shared.reason) == noted
    assert systematic == pytest.approx(abs(own - 4.67e-4) if noted else 0.0)
    assert shared.verdict == ("doubtful" if noted else "ok")


def test_a_signal_that_does_not_decay_shares_no_law() -> None:
    pure = t2_star.fit_decay(series(4.67e-4), DecayOptions())
    rising = series(4e-4)
    rising["region_area_free"].values[5, 0] = 0.5
    found = t2_star.fit_decay(rising, DecayOptions(), pure)
    assert str(found["verdict"].values[0]) == "not_decaying"
    assert found["shared"].values.tolist() == [0, 0]
    assert np.isnan(found["covariance"].values[0]).all()


def with_ringing(bound_share: float, status: str = "at the largest width") -> xr.Dataset:
    """A series whose metal holds a component that lives half as long, a share of it at first."""
    ds = series(4e-4)
    line = ds["region_area"].values[:, 0]
    ringing = bound_share * line[0] * np.exp(-(TIME - TIME[0]) / 1e-4)
    ds["region_area_free"].values[:, 0] += ringing
    names = ("slice", "component")
    ds["area"] = (names, np.stack([line, ringing, ds["region_area"].values[:, 1]], axis=1))
    ds["region_of"] = ("component", ["li_metal", "li_metal", "li_si"])
    ds["line_status"] = ("component", ["line", status, "line"])
    return ds


def test_components_at_a_bound_move_t2_and_are_doubted() -> None:
    found = t2_star.fit_decay(with_ringing(0.1), DecayOptions())
    metal, li_si = (found.sel(region=name) for name in ("li_metal", "li_si"))
    assert abs(float(metal["t2_star"]) - 4e-4) <= 1.01 * float(metal["t2_star_systematic"])
    assert str(metal["verdict"].values) == "doubtful"
    assert "without components at a bound" in str(metal["reason"].values)
    assert float(li_si["t2_star_systematic"]) == 0.0
    assert str(li_si["verdict"].values) == "ok"
    plain = t2_star.fit_decay(with_ringing(0.1, "line"), DecayOptions())
    # What is left is the other decay law that the areas admit.
    assert float(plain["t2_star_systematic"][0]) < float(metal["t2_star_systematic"])
    assert "at a bound" not in str(plain["reason"].values[0])


def test_what_is_doubtful_of_pure_li_is_doubtful_of_the_sample() -> None:
    pure = t2_star.fit_decay(with_ringing(0.1), DecayOptions())
    found = t2_star.fit_decay(series(float(pure["t2_star"][0])), DecayOptions(), pure)
    assert found["shared"].values.tolist() == [1, 0]
    assert str(found["verdict"].values[0]) == "doubtful"
    assert float(found["t2_star_systematic"][0]) == pytest.approx(
        float(pure["t2_star_systematic"][0])
    )


def test_scatter_of_the_gain_is_one_factor_of_all_regions_of_a_slice() -> None:
    covariance = np.zeros((2, 2, 2, 2))
    area = np.array([[1.0, 10.0], [2.0, -1.0]])
    reference = xr.Dataset({"scatter": 0.1})
    found = t2_star._add_gain_scatter(covariance, area, reference)
    assert found[0, :, 0] == pytest.approx(np.array([[0.01, 0.1], [0.1, 1.0]]))
    assert found[1, :, 1] == pytest.approx(np.array([[0.04, 0.0], [0.0, 0.0]]))
    assert found[0, :, 1] == pytest.approx(np.zeros((2, 2)))
    for none in (None, xr.Dataset({"scatter": 0.0}), xr.Dataset({"scatter": np.nan})):
        assert t2_star._add_gain_scatter(covariance, area, none) is covariance


GAIN = np.array([9.1, 3.6, 0.3, -6.2, -4.3, -2.8, 0.2, -0.9, 4.5, -17, 67, 0]) * 1e-3
"""Gains that scatter by 0.4 % and happen to look like a stretched decay; the last are noise."""


def test_a_law_does_not_follow_the_scatter_that_pure_li_shows() -> None:
    """Too few slices tell the scatter: a stretched law followed it, T2* off by many errors."""
    time = np.array([10, 20, 30, 40, 55, 70, 90, 115, 150, 200, 300, 450]) * 1e-6
    clean = [laws.evaluate_decay(time, i0, t2, 1.0) for i0, t2 in ((0.02, 4.67e-4), (0.98, 7e-5))]
    sample = series(4.67e-4)
    area = np.stack(clean, axis=1) * (1 + GAIN)[:, None]
    sample["decay_time"] = ("slice", time)
    sample["region_area_free"] = sample["region_area"] = (("slice", "region"), area)
    covariance = np.einsum("st,rq->srtq", np.eye(12), np.diag([3.4e-4, 1.25e-3]) ** 2)
    sample["region_covariance"] = (("slice", "region", "slice2", "region2"), covariance)
    pure = t2_star.fit_decay(series(4.67e-4), DecayOptions())
    options = DecayOptions(models=("exponential", "stretched"))
    pulls = []
    for scatter in (0.0, 4e-3):
        known = pure.assign(scatter=("region", [scatter, 0.0]))
        found = t2_star.fit_decay(sample, options, known).isel(region=1)
        error = np.hypot(found["t2_star_stderr"], found["t2_star_systematic"])
        pulls.append(abs(float((found["t2_star"] - 7e-5) / error)))
    assert pulls[0] > 4.0
    assert pulls[1] < 1.0
