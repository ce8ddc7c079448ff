"""Drawn choices: a nominal one by rule, the others within their ranges, the same for one seed."""

import numpy as np
import pytest

from ssbchar.constants import ETOK
from ssbchar.xas.comparison.options import Comparison
from ssbchar.xas.exafs.options import FourierWindow
from ssbchar.xas.normalisation.processing_choices import ProcessingChoice, draw_choices

E0 = 7112.0


def draw(
    below: float = 200.0, above: float = 900.0, count: int = 0, **more: object
) -> list[ProcessingChoice]:
    energies = [np.array([E0 - below, E0 + above]), np.array([E0 - 300.0, E0 + 2000.0])]
    return draw_choices(energies, [E0, E0], Comparison(choices=count), **more)  # type: ignore[arg-type]


def test_the_nominal_choice_by_hand() -> None:
    """95 % of 200 eV; 30 eV of 35 % = 70; 100 of 20 % = 180; 95 % of 900; 13 of reach 15.4 - 1."""
    (one,) = draw()
    limits = one.fit_limits
    assert (limits.pre1, limits.pre2, limits.norm1, limits.norm2) == (-190.0, -30.0, 100.0, 855.0)
    assert (limits.nnorm, one.nnorm) == (2, 2)
    assert (one.kmin, one.kmax, one.dk, one.window, one.rbkg) == (3.0, 13.0, 1.0, "kaiser", 0.9)
    assert one.tails and one.e0_offset == 0.0


def test_the_nominal_choice_of_a_short_scan() -> None:
    (one,) = draw(below=50.0, above=200.0)
    limits = one.fit_limits
    assert (limits.pre1, limits.pre2, limits.norm1, limits.norm2) == (-47.5, -17.5, 40.0, 190.0)
    reach = np.sqrt(ETOK * 200)
    assert one.kmax == np.floor(2 * (reach - 1)) / 2 == 6.0


@pytest.mark.parametrize(("above", "degree"), [(301, 2), (300, 1), (61, 1), (60, 0)])
def test_the_degree_follows_the_range(above: float, degree: int) -> None:
    assert draw(above=above)[0].nnorm == degree


def test_the_window_ends_with_the_signal_in_half_steps() -> None:
    assert draw(signal_end=9.7)[0].kmax == 9.5
    assert draw(signal_end=10.0)[0].kmax == 10.0
    assert draw(signal_end=2.0)[0].kmax == 6.0, "three beyond its start at least"
    assert draw(signal_end=20.0)[0].kmax == 13.0


def test_a_configured_window_is_taken_as_far_as_the_data() -> None:
    assert draw(window=FourierWindow(kmin=2.5, kmax=11.2))[0].kmax == 11.2
    assert draw(window=FourierWindow(kmin=2.5, kmax=11.2))[0].kmin == 2.5
    short = draw(above=200.0, window=FourierWindow(kmax=11.2))[0]
    assert short.kmax == pytest.approx(np.sqrt(ETOK * 200))


def test_drawn_choices_stay_in_their_ranges_and_fill_them() -> None:
    nominal, *drawn = draw(count=2000)

    def spans(values: list[float], low: float, high: float) -> bool:
        width = high - low
        return low <= min(values) < low + 0.01 * width and high - 0.01 * width < max(values) <= high

    def column(name: str) -> list[float]:
        return [getattr(one, name) for one in drawn]

    assert spans(column("pre1"), -190.0, -114.0)
    assert spans(column("pre2"), -48.0, -27.0)
    assert spans(column("norm1"), 50.0, 150.0)
    assert spans(column("norm2"), 675.0, 891.0)
    assert spans(column("e0_offset"), -3.0, 3.0)
    assert spans(column("rbkg"), 0.85 * 0.9, 1.15 * 0.9)
    assert spans(column("kmin"), 2.5, 3.5)
    assert spans(column("kmax"), 11.5, 13.0)
    assert spans(column("dk"), 0.5, 2.0)
    assert set(column("nnorm")) == {1, 2}
    assert {one.window for one in drawn} == {"kaiser", "hanning"}
    assert {one.tails for one in drawn} == {True, False}
    assert nominal.tails


def test_a_constant_stays_a_constant() -> None:
    assert {one.nnorm for one in draw(above=50.0, count=50)} == {0}


def test_the_draws_are_on_record() -> None:
    """The order of the draws belongs to the results: another order is another ensemble."""
    first, second = draw(count=2)[1:]
    assert first.pre1 == pytest.approx(-190 * np.random.default_rng(20210401).uniform(0.6, 1.0))
    assert draw(count=2)[1:] == [first, second]
    random = np.random.default_rng(20210401)
    draws = [random.uniform() for _ in range(4)]
    assert first.norm2 == pytest.approx(900 * (0.75 + 0.24 * draws[3]))


def test_both_spectra_must_allow_a_choice() -> None:
    energies = [np.array([E0 - 100, E0 + 900]), np.array([E0 - 300, E0 + 500])]
    one = draw_choices(energies, [E0, E0], Comparison(choices=0))[0]
    assert (one.pre1, one.norm2) == (-95.0, 475.0)
