"""Spectra without EXAFS: nothing below E0, smooth above, linear in mu, none of short scans."""

import numpy as np
import pytest
from xas import made_spectra

from ssbchar.constants import ETOK
from ssbchar.xas.exafs.options import Exafs
from ssbchar.xas.normalisation.exafs_free import ExafsFree, remove_exafs

ENERGY = made_spectra.grid()
E0 = 7119.6


def test_the_oscillations_go_and_the_rest_stays() -> None:
    mu = made_spectra.mu(ENERGY, made_spectra.Truth())
    bare = made_spectra.mu(ENERGY, made_spectra.Truth(loss=1.0))
    free = remove_exafs(ENERGY, np.stack([mu, bare]), E0, Exafs())
    assert free.curve is not None
    assert np.array_equal(free.curve[0, ENERGY < 7119], mu[ENERGY < 7119])
    far = (ENERGY > 7200) & (ENERGY < 7900)
    assert np.abs(free.curve[0] - bare)[far].max() < 0.3 * np.abs(mu - bare)[far].max()
    assert np.abs(free.curve[1] - bare)[far].max() < 1e-2


def test_the_smoother_is_the_curves_operator() -> None:
    mu = made_spectra.mu(ENERGY, made_spectra.Truth())[None]
    free = remove_exafs(ENERGY, mu, E0, Exafs())
    smoother = free.build_smoother(ENERGY.size)
    assert smoother is not None and free.curve is not None
    assert np.allclose(smoother @ mu[0], free.curve[0], atol=1e-9)


def test_a_series_has_the_smoother_of_its_median_weight() -> None:
    mu = np.stack(
        [made_spectra.mu(ENERGY, made_spectra.Truth(loss=loss)) for loss in (0.0, 0.5, 1.0)]
    )
    free = remove_exafs(ENERGY, mu, E0, Exafs())
    assert free.clamp_weight is not None
    middle = int(np.argsort(free.clamp_weight)[1])
    alone = remove_exafs(ENERGY, mu[middle : middle + 1], E0, Exafs())
    one, other = free.build_smoother(ENERGY.size), alone.build_smoother(ENERGY.size)
    assert np.allclose(one, other, atol=1e-12)


def test_a_short_scan_has_no_exafs_to_remove() -> None:
    reach = float(np.sqrt(ETOK * (ENERGY[-1] - E0)))
    mu = made_spectra.mu(ENERGY, made_spectra.Truth())[None]
    assert remove_exafs(ENERGY, mu, E0, Exafs(min_k=reach + 1e-9)).curve is None
    assert remove_exafs(ENERGY, mu, E0, Exafs(min_k=reach - 1e-9)).curve is not None
    assert remove_exafs(ENERGY, mu, ENERGY[-1] + 5, Exafs()).curve is None


def test_nothing_has_no_smoother() -> None:
    assert ExafsFree().build_smoother(4) is None
    assert ExafsFree(clamp_weight=np.ones(1)).build_smoother(4) is None


@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_the_clamp_depends_on_the_height_little(scale: float) -> None:
    mu = made_spectra.mu(ENERGY, made_spectra.Truth())[None]
    one = remove_exafs(ENERGY, mu, E0, Exafs()).curve
    other = remove_exafs(ENERGY, scale * mu, E0, Exafs()).curve
    assert one is not None and other is not None
    assert np.allclose(other / scale, one, atol=1e-3)
