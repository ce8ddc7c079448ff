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
