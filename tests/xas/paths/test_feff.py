"""FEFF's input, how its program is found, and what is said where it fails."""

import json
from pathlib import Path

import pytest
import xarray as xr
from xas import made_paths

from ssbchar.errors import BadInput
from ssbchar.xas.paths import feff
from ssbchar.xas.paths.options import Feff

TABLE = Path(__file__).parent.parents[2] / "config/phases/phases.yaml"


def test_a_configured_program_that_is_not_there_is_told() -> None:
    with pytest.raises(BadInput, match="FEFF is not there"):
        feff.find_executable(Feff(program="nowhere/feff"))


def test_feff_that_writes_nothing_is_told(tmp_path: Path) -> None:
    program = tmp_path / "feff"
    program.write_text("#!/bin/sh\necho something is wrong\n", encoding="utf-8")
    program.chmod(0o755)
    with pytest.raises(BadInput, match="something is wrong"):
        feff.run_feff(program, "TITLE made\nEND\n")


def write_program(folder: Path, script: str) -> Path:
    program = folder / "feff"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    return program


def test_feff_is_run_for_each_site_and_paths_count_by_its_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that writes one path of degeneracy 6; LAGP has one Ge site, so all of it counts."""
    made_paths.write(tmp_path / "paths", shells=(("O", 6.0, 1.9),))
    program = write_program(tmp_path, f"cp {tmp_path}/paths/feff0001.dat .")
    normalised = xr.Dataset(attrs={"element": "Ge", "edge": "K"})
    ds = feff.calculate_paths(TABLE, normalised, Feff(program=str(program)), {"phase": "LAGP"})
    assert ds["degeneracy"].values.tolist() == [6.0] and ds["site"].values.tolist() == [0]
    assert ds.attrs["made"] == "Feff 6L.02, from its CIF"
    assert ds.attrs["simplified"] == "Ge stands for Al (0.25) on its site"


def test_feff_that_does_not_end_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feff, "SECONDS", 0.2)
    with pytest.raises(BadInput, match=r"FEFF ran for 0\.2 s"):
        feff.run_feff(write_program(tmp_path, "exec sleep 20"), "TITLE made\nEND\n")


def test_feff_that_prints_nothing_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="it printed nothing"):
        feff.run_feff(write_program(tmp_path, "true"), "TITLE made\nEND\n")


def test_without_feff_the_phase_is_excluded_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feff, "find_executable", lambda options: None)
    monkeypatch.setattr(feff.feff_ten, "find_version", lambda: "")
    normalised = xr.Dataset(attrs={"element": "Ge", "edge": "K"})
    ds = feff.calculate_paths(TABLE, normalised, Feff(), {"phase": "LAGP"})
    assert not ds.variables and "ssbchar[paths]" in ds.attrs["skipped"]
    (exclusion,) = json.loads(ds.attrs["set_aside"])
    assert exclusion["where"] == "phase LAGP" and "not installed" in exclusion["problem"]
    assert not feff.name_route()


def test_a_configured_program_comes_first_then_feff_ten_then_feff_six_that_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = write_program(tmp_path, "true")
    monkeypatch.setattr(feff.feff_ten, "find_version", lambda: "0.2.4")
    assert feff.choose_route(Feff(program=str(program))) == program
    assert feff.choose_route(Feff()) == "0.2.4"
    monkeypatch.setattr(feff.feff_ten, "find_version", lambda: "")
    monkeypatch.setattr(feff, "find_executable", lambda options: program)
    assert feff.choose_route(Feff()) == program


def test_feff_is_found_beside_the_run_or_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(feff.platform, "system", lambda: "Linux")
    monkeypatch.setattr(feff.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(feff.shutil, "which", lambda name: f"/somewhere/{name}")
    assert feff.find_executable(Feff()) == Path("/somewhere/feff6l")
    inside = tmp_path / ".venv-larch/lib/python3.11/site-packages/larch/bin/linux64"
    inside.mkdir(parents=True)
    (inside / "feff6l").write_text("")
    assert feff.find_executable(Feff()) == inside / "feff6l"


def test_only_files_of_feff_are_read_from_a_folder(tmp_path: Path) -> None:
    made_paths.write(tmp_path)
    (tmp_path / "feff.inp").write_text("no path")
    (tmp_path / "feff12.dat").write_text("no path")
    ds = feff.read_folder(tmp_path)
    assert ds.sizes["path"] == 2 and ds["site"].values.tolist() == [0, 0]
