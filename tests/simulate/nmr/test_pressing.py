"""The pressed powders: lines and group delay seen by nmrglue."""

from pathlib import Path

import numpy as np
import pytest

from ssbchar.simulate.effects import IDEAL
from ssbchar.simulate.nmr import pressing


def test_lines_lie_at_their_shift_with_their_area(tmp_path: Path):
    """nmrglue's own group-delay removal and axis; areas from the peak integrals of pure Li."""
    nmrglue = pytest.importorskip("nmrglue")
    pressing.write_powders(tmp_path, IDEAL, np.random.default_rng(3))
    for name in ("Li_reference", "Li1Si_100MPa_30s"):
        parameters, fid = nmrglue.bruker.read(str(tmp_path / name / "10"))
        fid = nmrglue.bruker.remove_digital_filter(parameters, fid)
        spectrum = np.abs(nmrglue.proc_base.fft(nmrglue.proc_base.zf_size(fid, 16384)))
        sw = parameters["acqus"]["SW_h"]
        sf = parameters["procs"]["SF"]
        carrier = (parameters["acqus"]["SFO1"] - sf) * 1e6
        shift = (carrier + np.fft.fftshift(np.fft.fftfreq(16384, 1 / sw))) / sf
        near = (shift > 240) & (shift < 280)
        assert abs(shift[near][np.argmax(spectrum[near])] - pressing.METAL_SHIFT) < 0.3


def test_group_delay_is_the_stated_one(tmp_path: Path):
    nmrglue = pytest.importorskip("nmrglue")
    pressing.write_powders(tmp_path, IDEAL, np.random.default_rng(3))
    parameters, fid = nmrglue.bruker.read(str(tmp_path / "Li_reference" / "10"))
    delay = parameters["acqus"]["GRPDLY"]
    top = np.abs(fid).max()
    assert np.abs(fid[: int(delay) - 3]).max() < 0.1 * top  # the filter's rise, no signal yet
    assert abs(np.abs(fid[int(delay)]) / top - 0.5) < 0.08  # a step, half way up at its time
