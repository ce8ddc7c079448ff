"""Decays cut off by the receiver, and what only looks like it."""

import json
from pathlib import Path

import numpy as np
import pytest
from nmr import signals

from ssbchar.nmr.bruker import clipping, read
from ssbchar.nmr.bruker.options import Reading
from ssbchar.nmr.lineshape.fit import fit_lines
from ssbchar.nmr.lineshape.options import LineFitOptions, SpectrumOptions
from ssbchar.nmr.lineshape.window_integrals import integrate_windows
from ssbchar.nmr.quantification.options import QuantificationOptions
from ssbchar.nmr.quantification.quantify import quantify_fractions
from ssbchar.verdict import Verdict

CLEAN = signals.signal((0.3, 0.7), (264.0, 10.0), (900.0, 2500.0), points=2048)
SIGNAL = 1e6 * signals.noisy(CLEAN, 1e-3, 3)


def clip(y: np.ndarray, share: float) -> np.ndarray:
    end = share * np.abs(np.concatenate([y.real, y.imag])).max()
    return np.clip(y.real, -end, end) + 1j * np.clip(y.imag, -end, end)


@pytest.mark.parametrize("share", [0.5, 0.7, 0.85])
def test_a_decay_cut_off_at_both_ends(share: float) -> None:
    rows = np.stack([SIGNAL, clip(SIGNAL, share)])
    assert clipping.find_clipped_slices(rows, 1.0).tolist() == [False, True]


def test_the_ends_of_an_integer_range_differ_by_one() -> None:
    y = np.rint(clip(SIGNAL, 0.6))
    end = y.real.max()
    y = np.where(y.real == -end, y - 1.0, y)
    assert clipping.find_clipped_slices(y[None], 1.0).tolist() == [True]


@pytest.mark.parametrize(
    "y",
    [
        np.rint(5 * np.random.default_rng(1).normal(size=4096)) + 0j,  # noise of a few steps
        1e6 * np.exp(-np.arange(2000) / 1e5) + 0j,  # on resonance, hardly decaying
        np.rint(2000 * np.cos(np.arange(4000) / 300)) + 0j,  # a slow wave in whole numbers
        np.rint(1e5 * np.exp(-np.arange(200.0) / 40)) * (1 + 1j),  # its top twice, by phase
        np.zeros(100, complex),
        np.full(100, np.nan + 0j),
    ],
)
def test_what_is_not_cut_off(y: np.ndarray) -> None:
    assert clipping.find_clipped_slices(y[None], 1.0).tolist() == [False]


def conclude(folder: Path) -> dict[tuple[str, str], object]:
    fid = read.read_fid(folder, Reading(), {})
    lines = fit_lines(fid, LineFitOptions())
    spectrum = integrate_windows(fid, SpectrumOptions(), lines)
    rows = quantify_fractions(lines, spectrum, QuantificationOptions())
    return {(row.quantity, row.condition): row for row in rows}


def test_no_share_of_a_clipped_decay_is_ok(tmp_path: Path) -> None:
    whole = conclude(signals.write_bruker(tmp_path / "1", SIGNAL))
    assert whole["li_metal_fraction", "raw"].verdict == Verdict.OK
    cut = conclude(signals.write_bruker(tmp_path / "2", clip(SIGNAL, 0.7)))
    row = cut["li_metal_fraction", "raw"]
    assert row.verdict in (Verdict.MISFIT, Verdict.NOT_APPLICABLE)
    assert "the receiver clipped the signal" in row.reason


def test_a_clipped_slice_of_a_series_is_set_aside(tmp_path: Path) -> None:
    rows = np.stack([clip(SIGNAL, 0.7), 0.5 * SIGNAL, 0.3 * SIGNAL])
    folder = signals.write_bruker(tmp_path / "1", rows, vdlist="10u\n20u\n40u\n")
    ds = read.read_fid(folder, Reading(), {"role": "decay"})
    assert ds["status"].values.tolist() == ["clipped", "ok", "ok"]
    (one,) = json.loads(ds.attrs["set_aside"])
    assert one["remedy"] == "measure it again with a lower RG"
    assert ds.attrs["clipped"] == 0
