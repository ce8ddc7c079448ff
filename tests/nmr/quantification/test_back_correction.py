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
