"""What is taken of a decay: good slices, noise, the end of the signal, ringing."""

import numpy as np
import pytest
from nmr import signals

from ssbchar.errors import BadInput
from ssbchar.nmr.lineshape.fid import (
    build_ringing,
    collect_points,
    find_good_slices,
    find_signal_end,
    noise_from_tail,
    offsets_from_regions,
)
from ssbchar.nmr.regions import Regions

ROWS = np.arange(12.0).reshape(3, 4) * (1 + 2j)


def test_good_slices_are_those_that_are_ok() -> None:
    fid = signals.dataset(ROWS)
    fid["status"] = ("slice", np.array(["ok", "zeros", "ok"]))
    assert find_good_slices(fid).tolist() == [0, 2]
    np.testing.assert_array_equal(collect_points(fid, np.array([0, 2])), ROWS[[0, 2]])
    np.testing.assert_array_equal(collect_points(fid, np.arange(3)), ROWS)
    fid["status"] = ("slice", np.array(["no_delay", "zeros", "zeros"]))
    with pytest.raises(BadInput, match="no good slice"):
        find_good_slices(fid)


def test_noise_is_that_of_the_last_tenth_alone() -> None:
    rng = np.random.default_rng(3)
    y = rng.normal(size=(2, 4000)) + 1j * rng.normal(size=(2, 4000))
    y[1] *= 3
    y[:, :3600] += 100.0
    assert noise_from_tail(y) == pytest.approx([1.0, 3.0], rel=0.06)


def test_noise_is_1_4826_times_the_median() -> None:
    tail = np.array([1, 2, 3, 4, 5, 6, 7, 8.0]) * (1 + 1j)
    for before in (5.4, 0.1):
        y = np.concatenate([np.full(8, before) * (1 + 1j), tail])[None]
        assert noise_from_tail(y) == pytest.approx([1.4826 * 4.5])
    longer = np.concatenate([np.full(90, 99.0), np.arange(1.0, 11.0) * (1 + 1j)])[None]
    assert noise_from_tail(longer) == pytest.approx([1.4826 * 5.5])


def decay(points: int, last: int) -> np.ndarray:
    """Points of noise one, with power far above it up to a last point."""
    rng = np.random.default_rng(1)
    y = rng.normal(size=points) + 1j * rng.normal(size=points)
    y[:last] += 5.0
    return y[None]


@pytest.mark.parametrize(
    ("points", "last", "end"),
    [
        (4096, 10 * 64, 20 * 64),
        (4096, 10 * 64 + 40, 22 * 64),
        (4096, 0, 256),
        (4096, 64, 256),
        (1000, 900, 1000),
        (255, 10, 255),
        (256, 10, 256),
        (300, 10, 256),
        (255, 0, 255),
    ],
)
def test_signal_ends_at_twice_the_last_visible_block(points: int, last: int, end: int) -> None:
    assert find_signal_end(decay(points, last), np.ones(1)) == end


def test_any_slice_shows_signal() -> None:
    y = np.concatenate([decay(4096, 128), decay(4096, 640)])
    assert find_signal_end(y, np.ones(2)) == 20 * 64
    assert find_signal_end(y, np.full(2, 100.0)) == 256


@pytest.mark.parametrize(("excess", "end"), [(1.73, 256), (1.77, 1280)])
def test_a_block_is_visible_six_standard_errors_above_noise(excess: float, end: int) -> None:
    """Power of one is noise; its standard error in a block of 64 is an eighth."""
    y = np.full(4096, 1.0 + 1.0j)
    y[576:640] *= np.sqrt(excess)
    assert find_signal_end(y[None], np.ones(1)) == end


def test_ringing_spans_alternating_inverse_powers() -> None:
    points = 4.0 + np.arange(50)
    columns = build_ringing(points)
    np.testing.assert_allclose(columns @ columns.conj().T, np.eye(2), atol=1e-12)
    sign = (-1.0) ** np.arange(50)
    for power in (1, 2):
        target = sign / points**power
        along = columns.conj() @ target
        np.testing.assert_allclose(along @ columns, target, atol=1e-12)


def test_regions_in_hertz_against_the_carrier() -> None:
    fid = signals.dataset(ROWS)
    low, high = offsets_from_regions(Regions(li_metal=(280.0, 240.0)), fid)
    assert low == pytest.approx([140 * signals.SF, -300 * signals.SF])
    assert high == pytest.approx([180 * signals.SF, 100 * signals.SF])


def test_a_block_of_exactly_six_standard_errors_is_not_visible() -> None:
    """Points of power 2 and 5 in turn have 1.75 times that of noise: 1 + 6 / 8."""
    y = np.full(4096, 1.0 + 1.0j)
    y[577:640:2] = 1.0 + 2.0j
    assert find_signal_end(y[None], np.ones(1)) == 256
    y[578] = 1.0 + 1.1j
    assert find_signal_end(y[None], np.ones(1)) == 1280


def test_noise_is_taken_from_all_that_lies_behind_the_signal() -> None:
    """Of a tenth of 2048 points chi-square is known to 12 %, and a good fit called a misfit."""
    rng = np.random.default_rng(8)
    y = rng.normal(size=(300, 2048)) + 1j * rng.normal(size=(300, 2048))
    y[:, :400] += 100.0
    few, all_of_it = noise_from_tail(y), noise_from_tail(y, 400)
    assert np.mean(all_of_it) == pytest.approx(1.0, abs=0.01)
    assert np.std(all_of_it) < 0.45 * np.std(few)
    # A signal that lasts leaves the last tenth.
    np.testing.assert_array_equal(noise_from_tail(y, 2048), few)
