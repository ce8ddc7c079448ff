"""A series refined in chunks: what is concluded depends on neither the chunks nor the number of
processes."""

import os

import numpy as np
import pytest
import xarray as xr
from hexrd.refinement.test_refine import series, table

from ssbchar.hexrd.refinement import chunks, refine
from ssbchar.hexrd.refinement.options import Refinement
from ssbchar.runtime import processes
from ssbchar.simulate.hexrd import crystal


@pytest.fixture
def cores(monkeypatch: pytest.MonkeyPatch):
    def give(count: int) -> None:
        monkeypatch.setenv(processes.CORES_VARIABLE, str(count))

    return give


def reacting(frames: int) -> tuple[xr.Dataset, xr.Dataset]:
    """Return a series in which NCM811 goes and Co3PO42 comes, heated by 600 K."""
    at = np.linspace(25, 625, frames)
    leaves = np.clip((560 - at) / 150, 0, 1) * 900
    comes = np.clip((at - 400) / 200, 0, 1) * 600
    patterns, furnace, _ = series(
        [crystal.LFP, crystal.NCM811, crystal.Co3PO42], [900, leaves, comes], at, 5
    )
    return patterns, furnace


def refined(frames: int, sizes: list[int]) -> list[xr.Dataset]:
    patterns, furnace = reacting(frames)
    phases = table("LFP", "NCM811", "Co3PO42", d_min=1.6)
    return [
        refine.refine_series(patterns, furnace, phases, Refinement(chunk=size)) for size in sizes
    ]


def compare(whole: xr.Dataset, cut: xr.Dataset) -> None:
    """Presence differs by a frame at an edge at most; no cell by a standard error, 99 in 100 by
    less than a fifth.

    A fit stops where its last step is a tenth of its errors (`Refinement.tolerance`), wherever it
    started from.
    """
    different = np.abs(whole["present"].values - cut["present"].values).sum(axis=0)
    assert np.all(different <= 1), different
    both = (
        (whole["present"].values == 1)
        & (cut["present"].values == 1)
        & (whole["verdict"].values == "ok")
    )
    stderr = whole["cell_stderr"].values
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = np.abs(cut["cell"].values - whole["cell"].values) / stderr
    apart = apart[both[..., None] & (stderr > 0)]
    assert np.median(apart) < 0.05
    assert np.quantile(apart, 0.99) < 0.2
    assert np.max(apart) < 1.0
    more = (whole["intensity"] - cut["intensity"]) / whole["intensity_stderr"]
    assert float(np.abs(more).max()) < 0.5


def test_chunks_of_20_40_and_all_conclude_the_same() -> None:
    whole, *cuts = refined(100, [500, 40, 20])
    assert int(whole["present"].sel(phase="NCM811").sum()) < 100
    for cut in cuts:
        compare(whole, cut)


@pytest.mark.slow
def test_chunks_of_50_500_and_all_conclude_the_same() -> None:
    whole, *cuts = refined(1200, [1200, 500, 50])
    for cut in cuts:
        compare(whole, cut)


def test_two_processes_give_the_same_bytes_as_one(cores) -> None:
    answers = []
    for count in (1, 2):
        cores(count)
        answers.append(refined(24, [8])[0])
    for name in answers[0].variables:
        one, two = (np.asarray(ds[name].values) for ds in answers)
        if one.dtype.kind in "fiu":
            assert one.tobytes() == two.tobytes(), name
        else:
            assert np.array_equal(one, two), name


def test_chunks_cover_the_series_and_none_is_short() -> None:
    for count in (1, 7, 384, 749, 751, 10_000):
        parts = chunks.split_chunks(count, 500)
        assert [i for part in parts for i in part] == list(range(count))
        assert len(parts) == 1 or min(map(len, parts)) >= 250


def _process(shared: int, part: int) -> tuple[int, int]:
    if part < 0:
        raise ValueError("a part that cannot be done")
    return shared + part, os.getpid()


def test_parts_are_answered_in_order_and_side_by_side(cores) -> None:
    cores(2)
    answers = list(processes.map_parts(_process, 100, range(6)))
    assert [a for a, _ in answers] == [100, 101, 102, 103, 104, 105]
    assert os.getpid() not in {p for _, p in answers}
    with pytest.raises(ValueError, match="cannot be done"):
        list(processes.map_parts(_process, 0, [1, -1, 2]))
