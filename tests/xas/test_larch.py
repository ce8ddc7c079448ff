"""Every stage against recorded outputs of Larch on made spectra (``python -m benchmarks.oracle_xas
--record``)."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import oracle_xas

RECORD = Path(__file__).parent / "data" / "larch.npz"


@pytest.fixture(scope="module")
def recorded() -> dict[str, np.ndarray]:
    with np.load(RECORD, allow_pickle=False) as file:
        return dict(file)


@pytest.mark.parametrize("name", ["clean", "noisy", "lossy", "thick"])
def test_every_array_agrees_to_a_millionth(name: str, recorded: dict[str, np.ndarray]) -> None:
    mine = oracle_xas.ours(*oracle_xas.made()[name])
    for quantity, values in mine.items():
        theirs = recorded[f"{name}/{quantity}"]
        assert np.abs(np.squeeze(values) - theirs).max() <= 1e-6 * np.abs(theirs).max(), quantity


def test_the_record_is_of_a_named_version_and_complete(recorded: dict[str, np.ndarray]) -> None:
    assert str(recorded["larch_version"])
    assert len(recorded) == 1 + 4 * sum(len(stage) for stage in oracle_xas.STAGES.values())


def test_a_series_gives_what_its_spectra_give_alone() -> None:
    energy, mu, e0 = oracle_xas.made()["noisy"]
    random = np.random.default_rng(1)
    series = mu + 1e-3 * random.standard_normal((60, mu.size))
    together = oracle_xas.ours(energy, series, e0)
    for i in (0, 59):
        alone = oracle_xas.ours(energy, series[i], e0)
        for name, values in alone.items():
            assert np.allclose(
                np.squeeze(values),
                together[name][i] if together[name].ndim > 1 else together[name],
                atol=1e-9,
            )
