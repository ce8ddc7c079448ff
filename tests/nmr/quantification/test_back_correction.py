"""Table 3.1 from its own inputs, to the printed digit, and the conventions it excludes."""

import numpy as np
import pytest

from ssbchar.nmr.quantification import back_correction

TABLE = [
    (7.7, 92.3, 7.10e-5, "6.9", "93.1"),
    (7.6, 92.4, 1.08e-4, "7.1", "92.9"),
    (3.4, 96.6, 6.80e-5, "3.0", "97.0"),
    (2.0, 98.0, 6.90e-5, "1.8", "98.2"),
]
T_METAL, TR = 4.67e-4, 10e-6


@pytest.mark.parametrize(("metal", "li_si", "t2", "metal_printed", "li_si_printed"), TABLE)
def test_table_3_1_to_the_printed_digit(metal, li_si, t2, metal_printed, li_si_printed) -> None:
    shares = 100 * back_correction.fractions_from_areas(
        [metal, li_si], [T_METAL, t2], [1.0, 1.0], TR
    )
    assert (f"{shares[0]:.1f}", f"{shares[1]:.1f}") == (metal_printed, li_si_printed)


def test_table_3_1_excludes_twice_the_delay() -> None:
    twice = [
        100 * back_correction.fractions_from_areas([m, s], [T_METAL, t2], [1.0, 1.0], 2 * TR)[0]
        for m, s, t2, _, _ in TABLE
    ]
    assert twice == pytest.approx([6.17, 6.66, 2.67, 1.57], abs=0.01)
    assert all(f"{v:.1f}" != printed for v, (*_, printed, _) in zip(twice, TABLE, strict=True))


def test_stderr_agrees_with_sampling() -> None:
    rng = np.random.default_rng(3)
    area, t2, b = np.array([7.7, 92.3]), np.array([T_METAL, 7.1e-5]), np.array([1.0, 0.9])
    area_cov = np.array([[0.01, -0.004], [-0.004, 0.09]])
    law_cov = np.stack([np.diag([2e-5, 1e-9]) ** 2, np.array([[4e-12, 2e-8], [2e-8, 4e-4]])])
    decays = back_correction.RegionDecays(t2=t2, exponent=b, covariance=law_cov)
    _, stderr = back_correction.propagate_fractions(area, area_cov, decays, TR)
    n = 40000
    a = rng.multivariate_normal(area, area_cov, n)
    laws = [rng.multivariate_normal([t, e], c, n) for t, e, c in zip(t2, b, law_cov, strict=True)]
    drawn = back_correction.fractions_from_areas(
        a, np.stack([x[:, 0] for x in laws], 1), np.stack([x[:, 1] for x in laws], 1), TR
    )
    assert stderr == pytest.approx(drawn.std(axis=0), rel=0.03)


def laws(slow_share: list[float] | None = None) -> back_correction.RegionDecays:
    return back_correction.RegionDecays(
        t2=np.array([4e-4, 8e-5]),
        exponent=np.array([1.0, 1.2]),
        covariance=np.zeros((2, 4, 4)),
        slow_share=None if slow_share is None else np.array(slow_share),
        slow_t2=None if slow_share is None else np.array([9e-4, 7e-4]),
    )


def test_laws_of_one_part_are_those_of_two_without_the_second() -> None:
    area = np.array([20.0, 80.0])
    plain = back_correction.fractions_from_areas(area, laws().t2, laws().exponent, 3e-5)
    for decays in (laws(), laws([0.0, 0.0])):
        np.testing.assert_allclose(
            back_correction.shares_from_decays(area, decays, 3e-5), plain, rtol=1e-14
        )
    packed = laws([0.0, 0.4]).pack()
    assert packed.tolist() == [4e-4, 8e-5, 1.0, 1.2, 0.0, 0.4, 4e-4, 7e-4]


def test_a_second_part_by_hand() -> None:
    """Of Li-Si 40 % decay with 700 us: 0.6 exp(-(t/T)^1.2) + 0.4 exp(-t/T')."""
    area, time = np.array([20.0, 80.0]), 3e-5
    found = back_correction.shares_from_decays(area, laws([0.0, 0.4]), time)
    left = np.array([np.exp(-3 / 40), 0.6 * np.exp(-((3 / 8) ** 1.2)) + 0.4 * np.exp(-3 / 70)])
    np.testing.assert_allclose(found, area / left / np.sum(area / left), rtol=1e-12)
    faster = laws([0.0, 0.4]).change_t2(np.array([4e-4, 4e-5]))
    assert back_correction.shares_from_decays(area, faster, time)[1] > found[1]


def test_errors_of_all_four_parameters_agree_with_sampling() -> None:
    """T, b, p and T' of Li-Si, with p and T' correlated; the areas are exact."""
    rng = np.random.default_rng(7)
    area, time = np.array([20.0, 80.0]), 5e-5
    spread = np.diag([2e-6, 0.02, 0.02, 2e-5])
    correlation = np.eye(4)
    correlation[2, 3] = correlation[3, 2] = -0.7
    covariance = np.zeros((2, 4, 4))
    covariance[1] = spread @ correlation @ spread
    decays = back_correction.RegionDecays(
        t2=laws().t2,
        exponent=laws().exponent,
        covariance=covariance,
        slow_share=np.array([0.0, 0.4]),
        slow_t2=np.array([0.0, 7e-4]),
    )
    value, stderr = back_correction.propagate_fractions(area, np.zeros((2, 2)), decays, time)
    np.testing.assert_allclose(
        value, back_correction.shares_from_decays(area, decays, time), rtol=1e-14
    )
    drawn = []
    for t2, exponent, share, slow in rng.multivariate_normal(
        [8e-5, 1.2, 0.4, 7e-4], covariance[1], 4000
    ):
        left = (1 - share) * np.exp(-((time / t2) ** exponent)) + share * np.exp(-time / slow)
        back = np.array([20.0 * np.exp(time / 4e-4), 80.0 / left])
        drawn.append(back / back.sum())
    np.testing.assert_allclose(stderr, np.std(drawn, axis=0), rtol=0.05)


def test_the_share_of_an_empty_region_has_an_error() -> None:
    """sigma of 0 +- 0.5 beside 100: half a percent."""
    _, stderr = back_correction.propagate_fractions(
        np.array([0.0, 100.0]), np.diag([0.25, 0.0]), laws(), 0.0
    )
    np.testing.assert_allclose(stderr, [0.005, 0.005], rtol=1e-4)
