"""A phase's scattering paths: FEFF is run on its crystal, or files of an own FEFF calculation are
read."""

from __future__ import annotations

import importlib.util
import json
import platform
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ssbchar.crystal.options import ReflectionListing
from ssbchar.errors import BadInput
from ssbchar.xas.paths import feffdat
from ssbchar.xas.paths.cluster import Cluster, build_clusters
from ssbchar.xas.paths.options import Feff

if TYPE_CHECKING:
    import xarray as xr

ELEMENTS = (
    "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y Zr Nb "
    "Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au "
    "Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U"
).split()
HOLES = {"K": 1, "L1": 2, "L2": 3, "L3": 4}
ENVIRONMENT = Path(".venv-larch")
"""Made by ``make feff`` from ``requirements.larch.lock``."""
SECONDS = 600
"""FEFF is given up after this."""
ABSENT = "FEFF is not installed (extra 'larch')"


def calculate_paths(
    table: Path, normalised: xr.Dataset, options: Feff, labels: dict[str, str]
) -> xr.Dataset:
    """Return the scattering paths of the phase in the row's ``phases`` column.

    Parameters
    ----------
    table : Path
        The phases file; an entry with ``feff:`` names a folder of feffNNNN.dat (relative to the
        file), else FEFF is run on its ``cif:``.
    normalised : Dataset
        From `ssbchar.xas.normalisation.normalise_spectra`: element and edge.
    options : Feff
    labels : dict
        ``phase`` names the phase.

    Returns
    -------
    Dataset
        As `ssbchar.xas.paths.feffdat.dataset`; attrs ``phase``, ``made`` (how) and ``simplified``.
        Where FEFF is needed and not there: no variables, attrs ``skipped`` says so, and
        ``set_aside``.

    Raises
    ------
    BadInput
        More phases than one, no such phase, no absorber in it, or FEFF failed.
    """
    import yaml

    import ssbchar.crystal.reflections as crystals

    name = labels["phase"]
    if "," in name:
        raise BadInput(
            table,
            f"phases '{name}' of an absorption measurement",
            "name the one whose paths are fitted",
        )
    entry = (yaml.safe_load(table.read_text(encoding="utf-8")) or {}).get(name, {})
    if entry.get("feff"):
        ds = read_folder(table.parent / str(entry["feff"]))
        ds.attrs.update(phase=name, made=f"{ds.attrs['feff']}, own files", simplified="")
        return ds
    phase = crystals.read_phase(table, name, ReflectionListing())
    element, edge = str(normalised.attrs["element"]), str(normalised.attrs["edge"])
    around, simplified = build_clusters(phase, element, options.cluster)
    program = find_executable(options)
    if program is None:
        return describe_missing_feff(name)
    found, sites = [], []
    for i, one in enumerate(around):
        for path in run_feff(
            program, format_feff_input(one, edge, options, f"{name}, site {i + 1}")
        ):
            found.append(
                feffdat.FeffPath(**{**vars(path), "degeneracy": path.degeneracy * one.share})
            )
            sites.append(i)
    ds = feffdat.build_path_dataset(found, sites, name)
    ds.attrs.update(
        phase=name, made=f"{ds.attrs['feff']}, from its CIF", simplified="; ".join(simplified)
    )
    return ds


def describe_missing_feff(name: str) -> xr.Dataset:
    """Return what stands for paths where there is no FEFF: nothing, and why."""
    import xarray as xr

    remedy = "make feff, or name a folder of feffNNNN.dat as 'feff:' of the phase"
    aside = [
        {
            "where": f"phase {name}",
            "problem": f"{ABSENT}: its paths are not fitted",
            "remedy": remedy,
        }
    ]
    return xr.Dataset(
        attrs={"skipped": f"{ABSENT}; {remedy}", "set_aside": json.dumps(aside), "phase": name}
    )


def read_folder(folder: Path) -> xr.Dataset:
    """Return the paths of a folder of feffNNNN.dat."""
    if not folder.is_dir():
        raise BadInput(
            folder,
            "the folder of FEFF's paths does not exist",
            "correct 'feff:' (relative to the phases file)",
        )
    files = sorted(p for p in folder.iterdir() if re.fullmatch(r"feff\d{4,}\.dat", p.name))
    return feffdat.build_path_dataset(
        [feffdat.read_path(p) for p in files], [0] * len(files), str(folder)
    )


def find_executable(options: Feff) -> Path | None:
    """Return FEFF 6: the configured one, that of ``.venv-larch``, of an installed Larch or on the
    PATH."""
    if options.program:
        given = Path(options.program)
        if not given.is_file():
            raise BadInput(
                given, "FEFF is not there", "correct xas.feff.program, or leave it empty"
            )
        return given.absolute()
    system = {"Linux": "linux64", "Darwin": "darwin64", "Windows": "win64"}.get(
        platform.system(), "linux64"
    )
    inside = Path("bin") / system / ("feff6l.exe" if system == "win64" else "feff6l")
    larch = importlib.util.find_spec("larch")
    homes = [*ENVIRONMENT.glob("lib/python3*/site-packages/larch")]
    homes += [Path(larch.origin).parent] if larch is not None and larch.origin else []
    there = [home / inside for home in homes if (home / inside).is_file()]
    on_path = shutil.which("feff6l")
    return there[0].absolute() if there else Path(on_path) if on_path else None


def is_installed() -> bool:
    """Return whether FEFF is found without being configured."""
    return find_executable(Feff()) is not None


def format_feff_input(cluster: Cluster, edge: str, options: Feff, title: str) -> str:
    """Return feff.inp of FEFF 6: one potential for the absorber and one for each other element."""
    if edge not in HOLES:
        raise BadInput(title, f"FEFF 6 knows no edge {edge}", f"use {', '.join(HOLES)}")
    absorber, *others = cluster.elements
    kinds = list(dict.fromkeys(others))
    lines = [
        f"TITLE {title}",
        f"HOLE {HOLES[edge]} 1.0",
        "CONTROL 1 1 1 1",
        "PRINT 0 0 0 3",
        f"RMAX {options.rmax:g}",
        f"NLEG {options.legs}",
        "POTENTIALS",
        f" 0 {ELEMENTS.index(absorber) + 1} {absorber}",
    ]
    lines += [f" {i} {ELEMENTS.index(kind) + 1} {kind}" for i, kind in enumerate(kinds, 1)]
    lines.append("ATOMS")
    places = [0, *(1 + kinds.index(kind) for kind in others)]
    for (x, y, z), place, kind in zip(
        cluster.positions.tolist(), places, cluster.elements, strict=True
    ):
        lines.append(f" {x:11.5f} {y:11.5f} {z:11.5f} {place} {kind}")
    return "\n".join([*lines, "END", ""])


def run_feff(program: Path, text: str) -> list[feffdat.FeffPath]:
    """Return the paths that FEFF writes for an input."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "feff.inp").write_text(text, encoding="ascii")
        try:
            done = subprocess.run(
                [program], cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise BadInput(
                text.splitlines()[0], f"FEFF ran for {SECONDS} s", "lower xas.feff.rmax or legs"
            ) from error
        files = sorted(folder.glob("feff0*.dat"))
        if not files:
            last = (done.stdout + done.stderr).strip().splitlines()[-1:] or ["nothing said"]
            raise BadInput(
                text.splitlines()[0], f"FEFF wrote no path: {last[0].strip()}", "look at the CIF"
            )
        return [feffdat.read_path(p) for p in files]
