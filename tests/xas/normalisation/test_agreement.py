"""Repeats whose edges or white lines lie apart: refused where it is certain, else told and in the
errors; what repeats of one sample do is neither."""

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from xas import made_spectra
from xas.made_spectra import Truth

from ssbchar.errors import BadInput
from ssbchar.xas.calibration import calibrate
from ssbchar.xas.calibration.options import Calibration
from ssbchar.xas.normalisation import normalise
from ssbchar.xas.normalisation.options import Normalisation
from ssbchar.xas.scans import read
from ssbchar.xas.scans.options import ScanReading

SAME = Truth()


def merge(
    folder: Path,
    truths: list[Truth],
    seed: int = 0,
    drifts: tuple[float, ...] = (),
    counts: float = 2e6,
    with_foil: bool = True,
) -> xr.Dataset:
    random = np.random.default_rng(seed)
    for i, truth in enumerate(truths):
        made_spectra.write_scan(
            folder / f"{i}.dat",
            truth,
            random,
            counts,
            drift=drifts[i] if drifts else 0.0,
            with_foil=with_foil,
        )
    scans = read.read_scans(folder, ScanReading(), {"measurement": "m", "role": "pristine"})
    calibrated = calibrate.calibrate_energy(scans, None, Calibration())
    # What lies far off the others as a whole is another rule's.
    return normalise.normalise_spectra(calibrated, Normalisation(outlier=0))


def doubts(ds: xr.Dataset) -> list[str]:
    return [note["note"] for note in json.loads(ds.attrs["notes"]) if note["level"] == "doubt"]


def test_two_samples_on_the_axis_of_one_foil_are_refused_and_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"edges of 0\.dat and 1\.dat lie 0\.5\d? eV apart"):
        merge(tmp_path, [SAME, Truth(edge=7120.5)])


def test_of_three_the_other_sample_is_left_out(tmp_path: Path) -> None:
    ds = merge(tmp_path, [SAME, Truth(edge=7120.5), SAME])
    assert ds["status"].values.tolist() == ["ok", "outlier", "ok", "ok"]
    assert ds.attrs["repeats"] == 2
    left_out = json.loads(ds.attrs["set_aside"])
    assert [one["where"].rpartition("/")[2] for one in left_out] == ["1.dat"]
    assert "it is no repeat of the others" in left_out[0]["problem"]
    assert float(ds["e0_half"][-1]) == pytest.approx(float(ds["e0_half"][0]), abs=0.02)
    assert float(ds["e0_half_stderr"][-1]) < 0.02


def test_of_two_and_two_it_is_open_which(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no repeats of one sample"):
        merge(tmp_path, [SAME, SAME, Truth(edge=7120.5), Truth(edge=7120.5)])


@pytest.mark.parametrize(
    ("other", "name", "size"),
    [(Truth(edge=7120.2), "e0_half", 0.2), (Truth(white=0.65), "white_line", 0.05)],
)
def test_what_may_be_one_sample_is_told_and_in_the_error(
    tmp_path: Path, other: Truth, name: str, size: float
) -> None:
    ds = merge(tmp_path, [SAME, other])
    (told,) = doubts(ds)
    assert "0.dat and 1.dat" in told
    assert float(ds[f"{name}_stderr"][-1]) == pytest.approx(size / 2, rel=0.15)
    assert float(ds[f"{name}_stderr"][0]) < size / 10
    assert ds.attrs["repeats"] == 2


def test_axes_that_no_foil_ties_are_told_and_kept(tmp_path: Path) -> None:
    ds = merge(tmp_path, [SAME, SAME], drifts=(0.0, 0.5), with_foil=False)
    assert ds.attrs["repeats"] == 2
    (told,) = doubts(ds)
    assert "an axis that moved" in told
    assert float(ds["e0_half_stderr"][-1]) == pytest.approx(0.25, rel=0.1)


@pytest.mark.parametrize("counts", [4e3, 2e6])
@pytest.mark.parametrize("with_foil", [True, False])
def test_repeats_of_one_sample_agree(tmp_path: Path, counts: float, with_foil: bool) -> None:
    """Noise up to 4 % of a step, thickness by a third, an axis that wanders."""
    for seed in range(2):
        drifts = (0.0, 0.9, -0.4) if with_foil else (0.0, 0.1, -0.1)
        truths = [SAME, Truth(step=0.8), Truth(step=0.65)]
        folder = tmp_path / str(seed)
        folder.mkdir()
        ds = merge(folder, truths, seed, drifts, counts, with_foil)
        assert ds.attrs["repeats"] == 3
        assert [text for text in doubts(ds) if "lie" in text] == []
