"""FEFF10 in its process: its paths, and what is said where it crashes, hangs or fails."""

import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from ssbchar.errors import BadInput
from ssbchar.xas.paths import feff_ten
from ssbchar.xas.paths.cluster import Cluster
from ssbchar.xas.paths.feff_input import format_feff_ten_input
from ssbchar.xas.paths.options import Feff

needs_feff_ten = pytest.mark.skipif(
    not feff_ten.find_version(), reason="FEFF10 is not installed (extra 'paths')"
)
OCTAHEDRON = Cluster(
    share=1.0,
    elements=("Ge", *["O"] * 6),
    positions=1.87 * np.array([[0, 0, 0], *np.eye(3), *-np.eye(3)]),
)


@needs_feff_ten
def test_the_paths_of_an_octahedron() -> None:
    text = format_feff_ten_input(OCTAHEDRON, "K", Feff(rmax=2.5, cluster=3.0, legs=2), "Ge in feff")
    (path,) = feff_ten.run_feff_ten(text)
    assert (path.legs, path.degeneracy, path.scatterer) == (2, 6.0, "O")
    assert path.reff == pytest.approx(1.87, abs=1e-4)
    assert path.version.startswith("FEFF 10")
    # Oxygen scatters less the faster the electron is.
    at = np.interp([4.0, 8.0, 14.0], path.k, path.amplitude)
    assert 1 > at[0] > at[1] > at[2] > 0


@needs_feff_ten
def test_atoms_that_feff_refuses_are_told() -> None:
    text = format_feff_ten_input(OCTAHEDRON, "K", Feff(), "made").replace(" 0 32 Ge", " 0 932 Ge")
    with pytest.raises(BadInput, match="FEFF10 wrote no path: ") as told:
        feff_ten.run_feff_ten(text)
    assert "printed nothing" not in told.value.problem


def replace_process(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> None:
    (folder / "process.py").write_text(script, encoding="utf-8")
    monkeypatch.setattr(feff_ten, "PROCESS", folder / "process.py")


def test_a_crash_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_process(
        monkeypatch, tmp_path, "import os\nprint('before', flush=True)\nos.kill(os.getpid(), 11)\n"
    )
    with pytest.raises(BadInput, match="wrote no path: before"):
        feff_ten.run_feff_ten("TITLE made\nEND\n")


def test_one_that_does_not_end_is_stopped_with_what_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = tmp_path / "child.pid"
    replace_process(
        monkeypatch,
        tmp_path,
        "import subprocess, sys, time\n"
        "one = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"open({str(child)!r}, 'w').write(str(one.pid))\n"
        "time.sleep(600)\n",
    )
    monkeypatch.setattr(feff_ten, "SECONDS", 5)
    begun = time.monotonic()
    with pytest.raises(BadInput, match="FEFF10 ran for 5 s"):
        feff_ten.run_feff_ten("TITLE made\nEND\n")
    assert time.monotonic() - begun < 300  # it was ended, it did not end by itself
    assert has_ended(int(child.read_text()))


def has_ended(process: int) -> bool:
    """Return whether a process is gone, or waits only to be buried, within some seconds."""
    status = Path(f"/proc/{process}/stat")
    for _ in range(100):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        if status.exists() and status.read_text().split()[2] == "Z":
            return True
        time.sleep(0.05)
    return False


def test_files_without_the_end_of_the_run_are_no_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_process(
        monkeypatch,
        tmp_path,
        "open('feff0001.dat', 'w').write('half')\nraise SystemExit('disk full')\n",
    )
    with pytest.raises(BadInput, match="disk full"):
        feff_ten.run_feff_ten("TITLE made\nEND\n")


def test_no_package_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "feff10", None)
    monkeypatch.setattr(feff_ten.importlib.util, "find_spec", lambda name: None)
    assert feff_ten.find_version() == ""
