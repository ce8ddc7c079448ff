"""Effects that the fitters do not model can be switched off."""

from pathlib import Path

from ssbchar.simulate import demo
from ssbchar.simulate.effects import IDEAL, Effects


def test_ideal_switches_everything_off():
    assert Effects().shape_mismatch > 0
    assert all(value in (0.0, 1.0) for value in IDEAL.__dict__.values())


def test_effects_change_the_raw_files(tmp_path: Path):
    demo.write_demo(tmp_path / "real", small=True, parts=("xas", "nmr"))
    demo.write_demo(tmp_path / "ideal", small=True, ideal=True, parts=("xas", "nmr"))
    for name in ("xas/Ge_pristine/Ge_pristine.001.xdi", "nmr/Li1Si_100MPa_30s/10/fid"):
        assert (tmp_path / "real" / name).read_bytes() != (tmp_path / "ideal" / name).read_bytes()
    assert Effects() != IDEAL
