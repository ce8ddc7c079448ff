"""Bruker folders read by nmrglue."""

from pathlib import Path

import numpy as np
import pytest

from ssbchar.simulate.nmr import bruker, pressing


def test_nmrglue_reads_what_was_written(tmp_path: Path):
    nmrglue = pytest.importorskip("nmrglue")
    rng = np.random.default_rng(1)
    data = np.round(1e6 * (rng.standard_normal((3, 300)) + 1j * rng.standard_normal((3, 300))))
    about = pressing.list_acquisition_parameters(1.6e9, 8, decay=True)
    bruker.write_experiment(
        tmp_path / "ser",
        data,
        about,
        pressing.PROCESSING,
        title="synthetic",
        program="",
        delays=[1e-5, 2e-5, 3.5e-5],
    )
    parameters, back = nmrglue.bruker.read(str(tmp_path / "ser"))
    assert (
        np.array_equal(back[:, :300], data) and not back[:, 300:].any()
    )  # rows are padded to whole blocks
    assert parameters["acqus"]["TD"] == 600 and parameters["acqu2s"]["TD"] == 3
    assert parameters["acqus"]["P"][1] == pressing.PULSE and parameters["acqus"]["NUC1"] == "7Li"
    assert (tmp_path / "ser" / "vdlist").read_text().split() == ["10u", "20u", "35u"]
    bruker.write_experiment(
        tmp_path / "fid",
        data[0],
        pressing.list_acquisition_parameters(1.6e9, 8, decay=False),
        pressing.PROCESSING,
        title="synthetic",
        program="",
    )
    assert np.array_equal(nmrglue.bruker.read(str(tmp_path / "fid"))[1], data[0])
