"""What a leaking beam takes of a white line, and the doubts on heights."""

import math

import numpy as np
import pytest
import xarray as xr

from ssbchar.xas.normalisation import edge, thickness
from ssbchar.xas.normalisation.options import Normalisation


def test_the_loss_by_hand() -> None:
    """mu 3 at the top of a white line of 1.5 on a step of 1, h = 1/100: by the three logarithms."""

    def seen(mu: float) -> float:
        return -math.log((math.exp(-mu) + 0.01) / 1.01)

    expected = 1 - (seen(3.0) - seen(2.5)) / (seen(2.5) - seen(1.5)) / 0.5
    assert thickness.estimate_thickness_loss(3.0, 1.0, 1.5, 0.01) == pytest.approx(expected)
    assert expected > 0.05


def test_without_leakage_nothing_is_lost() -> None:
    assert thickness.estimate_thickness_loss(3.0, 0.7, 1.4, 0.0) == pytest.approx(0, abs=1e-12)


def test_thicker_and_leakier_lose_more() -> None:
    losses = [
        thickness.estimate_thickness_loss(total, 1.0, 1.5, h)
        for total, h in ((2.0, 1e-3), (4.0, 1e-3), (4.0, 1e-2))
    ]
    assert losses == sorted(losses)


def doubts(
    mode: str, total: float, step: float, top: float = 1.5, options: Normalisation | None = None
) -> list[str]:
    row = np.array([[0.0, top]])
    ds = xr.Dataset(
        {"total": (("scan", "point"), [[9.9, 9.9], [total, np.nan]])},
        attrs={"mode": mode, "measurement": "m"},
    )
    spectra = edge.NormalisedSpectra(
        pre_edge=row, post_edge=row, edge_step=np.array([step]), norm=row, flat=row
    )
    found = thickness.check_heights(
        ds, np.array([1]), spectra, options or Normalisation(), ["a", "b"]
    )
    assert all(note["level"] == "doubt" for note in found)
    assert all(note["where"] == ("m" if mode == "fluorescence" else "b") for note in found)
    return [note["note"] for note in found]


def test_a_thick_sample_states_what_it_would_lose() -> None:
    assert doubts("transmission", 4.0, 1.0) == []
    (text,) = doubts("transmission", 4.1, 1.0)
    loss = 100 * thickness.estimate_thickness_loss(4.1, 1.0, 1.5, 1e-3)
    assert text.startswith("total absorption 4.1 above 4: harmonics or leakage of 0.001")
    assert f"would take {loss:.1f} % of its white line" in text


def test_very_thick_and_flat_ones_count_as_the_limits() -> None:
    (text,) = doubts("transmission", 50.0, 1.0)
    limit = 100 * thickness.estimate_thickness_loss(20.0, 1.0, 1.5, 1e-3)
    assert f"{limit:.1f} %" in text
    (text,) = doubts("transmission", 5.0, 1.0, top=1.0)
    limit = 100 * thickness.estimate_thickness_loss(5.0, 1.0, 1.05, 1e-3)
    assert f"{limit:.1f} %" in text


def test_a_high_and_a_low_step_are_doubted() -> None:
    assert doubts("transmission", 1.0, 2.0) == []
    assert doubts("transmission", 1.0, 2.1)[0].startswith("edge step 2.10 above 2:")
    assert doubts("transmission", 1.0, 0.02) == []
    assert doubts("transmission", 1.0, 0.019)[0].startswith("edge step 0.019 below 0.02:")
    both = doubts("transmission", 4.1, 0.019)
    assert [text[:9] for text in both] == ["total abs", "edge step"]
    assert len(doubts("transmission", 4.1, 2.5)) == 1, (
        "a thick one's step needs no doubt of its own"
    )


def test_fluorescence_is_doubted_and_other_modes_are_not() -> None:
    (text,) = doubts("fluorescence", 9.0, 9.0)
    assert "not corrected for self-absorption" in text
    assert doubts("mu", 9.0, 9.0) == []
    assert doubts("normalised", 9.0, 9.0) == []
