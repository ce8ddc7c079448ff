"""An offset of a counter shows where the beam changes and the absorption follows."""

from pathlib import Path

import numpy as np
import pytest
from xas import made_spectra

from ssbchar.xas.scans import read
from ssbchar.xas.scans.offsets import Offset, describe_offset, find_offset
from ssbchar.xas.scans.options import ScanReading

ENERGY = made_spectra.grid()
MU = made_spectra.mu(ENERGY, made_spectra.Truth())
BEAM = 1e8 * np.where(ENERGY > 7400.0, 1.35, 1.0) * np.where(np.abs(ENERGY - 7600) < 12, 0.7, 1.0)
"""A refill and a glitch of the crystal."""


def count(dark: tuple[float, float] = (0.0, 0.0), seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    i0 = random.poisson(BEAM) + dark[0]
    i1 = random.poisson(BEAM * np.exp(-MU)) + dark[1]
    return i0.astype(float), i1.astype(float)


@pytest.mark.parametrize("dark", [(3e6, 0.0), (0.0, 1e6), (-3e6, 0.0)])
def test_an_offset_is_found_with_its_size(dark: tuple[float, float]) -> None:
    found = find_offset(*count(dark))
    assert found is not None
    transmitted = float(np.exp(-np.interp(7500.0, ENERGY, MU)))
    expected = (dark[0] - dark[1] / transmitted) / 1e8
    assert found.share == pytest.approx(expected, rel=0.35)


@pytest.mark.parametrize("seed", range(20))
def test_counters_without_an_offset_tell_none(seed: int) -> None:
    assert find_offset(*count(seed=seed)) is None


@pytest.mark.parametrize("counter", [0, 1])
@pytest.mark.parametrize("factor", [0.1, 0.7, 0.9, 1.2, 8.0])
def test_a_wild_reading_is_no_offset(counter: int, factor: float) -> None:
    counts = count()
    counts[counter][[60, 150]] *= factor
    assert find_offset(*counts) is None


def test_a_steady_beam_tells_nothing() -> None:
    i0 = np.random.default_rng(3).poisson(np.full(ENERGY.size, 1e8)) + 3e6
    assert find_offset(i0.astype(float), i0 * np.exp(-MU)) is None
    assert find_offset(i0[:10].astype(float), i0[:10].astype(float)) is None


def test_it_is_told_and_subtracted(tmp_path: Path) -> None:
    table = np.column_stack([ENERGY, *count((3e6, 0.0))])
    np.savetxt(tmp_path / "a.dat", table, header="energy i0 i1", fmt="%.4f")
    labels = {"measurement": "one"}
    doubtful = read.read_scans(tmp_path, ScanReading(element="Fe"), labels)
    assert "i0 or i1 reads an offset" in doubtful.attrs["notes"]
    assert '"level": "doubt"' in doubtful.attrs["notes"]
    reading = ScanReading(element="Fe", dark=(3e6, 0.0, 0.0))
    assert "offset" not in read.read_scans(tmp_path, reading, labels).attrs["notes"]


QUIET = (-1.0) ** np.arange(120)


def scanned(
    share: float,
    *,
    change: float = 1.3,
    places: tuple[int, ...] = (30, 60, 90),
    usual: float = 0.0,
    noise: float = 1e-7,
    shares: tuple[float, ...] = (),
) -> Offset | None:
    """Counters whose absorption is 1 + share / I0, where I0 changes at some places alone."""
    log_beam = np.zeros(120)
    for number, place in enumerate(places):
        log_beam[place:] += (-1) ** number * np.log(change)
    beam = np.exp(log_beam)
    mu = 1 + share * np.median(beam) / beam
    beam = beam * np.exp(usual * QUIET / 2)
    for number, own in enumerate(shares):
        mu[places[number] :] += (
            (own - share) * np.median(beam) * np.diff(1 / beam)[places[number] - 1]
        )
    still = np.min([np.abs(np.arange(120) - place) for place in places], axis=0) > 4
    mu = mu + noise * QUIET * still
    return find_offset(1e6 * beam, 1e6 * beam * np.exp(-mu))


@pytest.mark.parametrize("share", [0.02, -0.02, 0.28])
def test_the_share_is_that_of_the_beam(share: float) -> None:
    found = scanned(share)
    assert found is not None and found.share == pytest.approx(share, rel=1e-3)
    assert found.largest_change == pytest.approx(np.log(1.3))


@pytest.mark.parametrize(
    ("given", "is_found"),
    [
        # the beam changes by a tenth
        ({"change": np.exp(0.095)}, False),
        ({"change": np.exp(0.105)}, True),
        # and by ten times what it usually does
        ({"change": np.exp(0.175), "usual": 0.02, "noise": 4e-5}, False),
        ({"change": np.exp(0.225), "usual": 0.02, "noise": 4e-5}, True),
        # twice at least, for one may be a switch
        ({"places": (30,)}, False),
        ({"places": (30, 60)}, True),
        # an offset of 0.3 % counts, one of 30 % is none
        ({"share": 0.0028}, False),
        ({"share": 0.0032}, True),
        ({"share": 0.29}, True),
        ({"share": 0.31}, False),
        # changes next to each other tell nothing
        ({"places": (30, 32, 60, 62)}, False),
        # two that agree beside one or two of another size
        ({"shares": (0.02, 0.02, 0.9)}, True),
        ({"shares": (0.02, 0.9, 0.9)}, False),
        ({"shares": (0.02, 0.021, 0.04)}, False),
    ],
)
def test_what_an_offset_needs(given: dict[str, object], is_found: bool) -> None:
    share = float(given.pop("share", 0.02))  # type: ignore[arg-type]
    assert (scanned(share, **given) is not None) == is_found  # type: ignore[arg-type]


@pytest.mark.parametrize(("above", "is_found"), [(0.92, False), (1.08, True)])
def test_six_standard_errors(above: float, is_found: bool) -> None:
    known = scanned(0.02)
    assert known is not None
    noise = 1e-7 * 0.02 / (6 * above * known.stderr)
    assert (scanned(0.02, noise=noise) is not None) == is_found


def test_too_short_a_scan_tells_nothing() -> None:
    for size, is_found in ((19, False), (60, True)):
        beam = np.ones(size)
        beam[size // 3 : 2 * size // 3] = 1.3
        assert (find_offset(beam, beam * np.exp(-1 - 0.02 / beam)) is not None) == is_found


def test_what_is_told() -> None:
    text = describe_offset(Offset(share=-0.031, stderr=0.001, largest_change=np.log(1.3)), "a", "b")
    assert "sudden changes of a (by up to 30 %)" in text and "3.1 % of a by it" in text
