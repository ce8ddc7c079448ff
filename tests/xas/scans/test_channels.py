"""Channels of a detector: dead, dying and switched ones are left out, those on the edge are not."""

import numpy as np
import pytest

from ssbchar.xas.scans.channels import select_live_channels

ENERGY = np.arange(7000.0, 7300.0, 1.0)
EDGE = 0.1 + np.arctan((ENERGY - 7120) / 2) / np.pi + 0.5


def channels(seed: int = 0) -> dict[str, np.ndarray]:
    """Counts of four elements with unlike backgrounds."""
    random = np.random.default_rng(seed)
    means = [800 * EDGE, 600 * (EDGE + 0.5), 900 * (EDGE + 2.0), 300 * EDGE]
    return {f"f{i}": random.poisson(mean).astype(float) for i, mean in enumerate(means)}


@pytest.mark.parametrize("seed", range(20))
def test_unlike_backgrounds_and_noise_are_no_fault(seed: int) -> None:
    live, remarks = select_live_channels(channels(seed), ["f0", "f1", "f2", "f3"])
    assert live == ["f0", "f1", "f2", "f3"] and not remarks


@pytest.mark.parametrize("factor", [0.0, 0.3, 3.0])
@pytest.mark.parametrize("place", [60, 200, 250])
def test_a_channel_that_changes_is_left_out(factor: float, place: int) -> None:
    columns = channels()
    columns["f1"][place:] *= factor
    live, remarks = select_live_channels(columns, [*columns])
    assert live == ["f0", "f2", "f3"]
    # Without counts from before the edge on it is dead.
    said = "reads nothing" if (factor, place) == (0.0, 60) else "changes suddenly at point "
    assert remarks[0].startswith(f"channel f1 {said}")


def test_a_channel_without_counts_is_dead() -> None:
    columns = channels()
    columns["f3"][:] = 0.0
    assert select_live_channels(columns, [*columns])[0] == ["f0", "f1", "f2"]


def test_of_two_none_can_be_told() -> None:
    columns = channels()
    columns["f1"][100:] = 0.0
    assert select_live_channels(columns, ["f0", "f1"]) == (["f0", "f1"], [])


def steady(level: float, factor: float, size: int = 60) -> np.ndarray:
    """Counts without noise that change once, in the middle."""
    return np.where(np.arange(size) < size // 2, level, factor * level)


def left_out(*counts: np.ndarray) -> list[str]:
    columns = {f"f{i}": one for i, one in enumerate(counts)}
    live, _ = select_live_channels(columns, [*columns])
    return [name for name in columns if name not in live]


@pytest.mark.parametrize(
    ("factor", "is_fault"), [(1.45, False), (1.55, True), (1 / 1.45, False), (1 / 1.55, True)]
)
def test_a_change_of_half_is_a_fault(factor: float, is_fault: bool) -> None:
    flat = steady(1e5, 1.0)
    assert left_out(steady(1e5, factor), flat, flat) == (["f0"] if is_fault else [])


@pytest.mark.parametrize(("other", "is_fault"), [(1.15, True), (1.25, False)])
def test_where_others_change_as_well_it_is_the_sample(other: float, is_fault: bool) -> None:
    counts = steady(1e5, 2.0), steady(1e5, other), steady(1e5, 1.0)
    assert left_out(*counts) == (["f0"] if is_fault else [])


@pytest.mark.parametrize(("other", "is_fault"), [(85.0, True), (130.0, False)])
def test_a_change_of_others_within_their_noise_does_not_count(other: float, is_fault: bool) -> None:
    """By 1.5: three standard errors of sqrt(1.5 n) are 0.5 n at n = 54."""
    counts = steady(1e5, 2.0), steady(other * 54 / 108, 1.5), steady(1e5, 1.0)
    assert left_out(*counts) == (["f0"] if is_fault else [])


@pytest.mark.parametrize(("level", "is_fault"), [(120.0, False), (136.0, True)])
def test_a_change_is_eight_standard_errors(level: float, is_fault: bool) -> None:
    """A doubling: n / sqrt(2 n) is 8 at n = 128."""
    flat = steady(1e5, 1.0)
    assert left_out(steady(level, 2.0), flat, flat) == (["f0"] if is_fault else [])


@pytest.mark.parametrize(("share", "is_dead"), [(0.48, False), (0.52, True)])
def test_a_channel_without_counts_at_half_of_its_points(share: float, is_dead: bool) -> None:
    """Elsewhere by turns, so that it does not change suddenly."""
    rare = np.where(np.arange(100) % 25 < 25 * share, 0.0, 1e5)
    flat = np.full(100, 1e5)
    _, remarks = select_live_channels({"a": rare, "b": flat, "c": flat, "d": flat}, [*"abcd"])
    assert any("reads nothing" in text for text in remarks) == is_dead


def test_few_points_or_few_live_channels_are_not_judged() -> None:
    """Twice seven points are needed."""
    for size, is_fault in ((13, False), (20, True)):
        flat = np.full(size, 1e5)
        changed = steady(1e5, 3.0, size)
        assert left_out(changed, flat, flat) == (["f0"] if is_fault else [])
    assert left_out(steady(1e5, 3.0), np.zeros(60), np.full(60, 1e5)) == ["f1"]
    assert left_out(np.zeros(60), np.zeros(60), np.zeros(60)) == []
