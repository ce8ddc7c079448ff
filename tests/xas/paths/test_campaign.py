"""From simulated raw scans to the joint fit of shells, with paths of the simulator's own waves in
FEFF's format."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from xas import made_paths

from ssbchar.simulate.effects import IDEAL
from ssbchar.simulate.xas import absorption, scans
from ssbchar.xas.calibration import calibrate
from ssbchar.xas.calibration.options import Calibration
from ssbchar.xas.exafs import extract
from ssbchar.xas.exafs.options import Exafs
from ssbchar.xas.normalisation import normalise
from ssbchar.xas.normalisation.options import Normalisation
from ssbchar.xas.paths import feff, feffdat
from ssbchar.xas.paths import fit as path_fit
from ssbchar.xas.paths.conclude import conclude_paths
from ssbchar.xas.paths.options import Feff, PathFit
from ssbchar.xas.scans import read
from ssbchar.xas.scans.options import ScanReading

TRUE_RATIO = 0.85
"""A reduced share of 0.15 without EXAFS."""


def write_paths(folder: Path) -> None:
    """Write the simulator's waves as FEFF would: tables in k, no disorder."""
    folder.mkdir()
    waves = absorption.read_waves()
    for i, shell in enumerate(absorption.LAGP_GE.shells, 1):
        path = f"LAGP {shell.scatterer} {shell.calculated_at:.4f}"
        size, phase = waves[f"{path} amplitude"], waves[f"{path} phase"]
        lines = made_paths.text(shell.scatterer, shell.number, shell.distance, 1.0).splitlines()[:9]
        rows = zip(
            waves["k"], size, phase, waves["LAGP free_path"], waves["LAGP momentum"], strict=True
        )
        lines += [
            f" {at:6.3f} 0.0 {a: .9E} {p: .9E} 1.0 {m: .6E} {q: .6E}" for at, a, p, m, q in rows
        ]
        (folder / f"feff{i:04d}.dat").write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[xr.Dataset]]:
    folder = tmp_path_factory.mktemp("campaign")
    wanted = [s for s in scans.SPECIMENS if s.measurement in ("Ge_pristine", "Ge_reduced")]
    scans.write_scans(folder, IDEAL, np.random.default_rng(4), specimens=wanted)
    found = [
        read.read_scans(folder / s.measurement, ScanReading(), {"measurement": s.measurement})
        for s in wanted
    ]
    made = []
    for ds in found:
        done = normalise.normalise_spectra(
            calibrate.calibrate_energy(ds, found[0], Calibration()), Normalisation()
        )
        made.append(extract.extract_exafs(done, Exafs()))
    write_paths(folder / "feff_LAGP")
    (folder / "phases.yaml").write_text(
        "LAGP:\n  feff: feff_LAGP\n  source: made\n", encoding="utf-8"
    )
    return folder, made


def test_shells_of_a_simulated_pair(pair: tuple[Path, list[xr.Dataset]]) -> None:
    folder, (pristine, cycled) = pair
    ds = feff.calculate_paths(
        folder / "phases.yaml",
        xr.Dataset(attrs={"element": "Ge", "edge": "K"}),
        Feff(),
        {"phase": "LAGP"},
    )
    assert ds.attrs["made"] == "Feff 6L.02, own files"
    fit = path_fit.fit_paths(
        ds, cycled, pristine, PathFit(s02=absorption.LAGP_GE.s02, shared=("displacement",))
    )
    assert fit.attrs["verdict"] == "ok", fit.attrs["reason"]
    assert [str(s) for s in fit["shell"].values] == ["Ge-O 1.86", "Ge-P 3.24"]
    rows = {(r.quantity, r.condition): r for r in conclude_paths(fit, "Ge K")}
    # Oxygen beyond 4 angstrom leaks into the range of phosphorus.
    for shell, distance, limit in (("Ge-O 1.86", 1.8649, 0.1), ("Ge-P 3.24", 3.2422, 0.15)):
        ratio = rows["coordination_ratio", shell]
        assert abs(ratio.value - TRUE_RATIO) < 3 * ratio.stderr and ratio.stderr < limit
        change = rows["shell_distance_change", shell]
        assert abs(change.value) < 3 * change.stderr and change.stderr < 0.02
        assert rows["shell_distance", shell].value == pytest.approx(distance, abs=0.02)
    assert rows["coordination_ratio", "Ge-O 1.86"].verdict == "changed"
    assert rows["shell_distance_change", "Ge-O 1.86"].verdict == "retained"


def test_a_folder_that_is_not_there_or_empty(
    pair: tuple[Path, list[xr.Dataset]], tmp_path: Path
) -> None:
    for entry, said in (("nowhere", "does not exist"), (".", "no path of FEFF")):
        (tmp_path / "phases.yaml").write_text(f"X:\n  feff: {entry}\n", encoding="utf-8")
        with pytest.raises(feff.BadInput, match=said):
            feff.calculate_paths(tmp_path / "phases.yaml", xr.Dataset(), Feff(), {"phase": "X"})
    with pytest.raises(feff.BadInput, match="name the one"):
        feff.calculate_paths(tmp_path / "phases.yaml", xr.Dataset(), Feff(), {"phase": "X,Y"})


def test_paths_on_other_grids_are_refused(pair: tuple[Path, list[xr.Dataset]]) -> None:
    found = [feffdat.read_path(p) for p in sorted((pair[0] / "feff_LAGP").glob("*.dat"))]
    moved = feffdat.FeffPath(**{**vars(found[1]), "k": found[1].k + 0.01})
    with pytest.raises(feff.BadInput, match="not on one k grid"):
        feffdat.build_path_dataset([found[0], moved], [0, 0], "made")
