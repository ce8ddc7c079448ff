"""A phase's scattering paths: run FEFF on its crystal, or read the files of another calculation."""

from __future__ import annotations

import importlib.util
import json
import platform
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ssbchar.crystal.options import ReflectionListing
from ssbchar.crystal.phases_file import find_feff_folder, read_entries
from ssbchar.errors import BadInput
from ssbchar.storage import temporary
from ssbchar.xas.elements import ELEMENTS
from ssbchar.xas.paths import feffdat
from ssbchar.xas.paths.cluster import Cluster, build_clusters
from ssbchar.xas.paths.options import Feff

if TYPE_CHECKING:
    import xarray as xr

HOLES = {"K": 1, "L1": 2, "L2": 3, "L3": 4}
"""FEFF's number of the core hole by edge."""
ENVIRONMENT = Path(".venv-larch")
"""Made by ``make feff`` from ``requirements.larch.lock``."""
SECONDS = 600
"""FEFF is stopped after this time."""
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
        The program, the radius of the cluster and the longest path [angstrom].
    labels : dict
        ``phase`` names the phase.

    Returns
    -------
    Dataset, dims path, k
        As `ssbchar.xas.paths.outputs.PATHS`; lengths in angstrom. Where FEFF is needed and not
        installed: no variables, attrs ``skipped`` and ``set_aside``.

    Raises
    ------
    BadInput
        More phases than one, no such phase, no absorber in it, or FEFF failed.
    """
    import ssbchar.crystal.reflections as crystals

    name = labels["phase"]
    if "," in name:
        raise BadInput(
            table,
            f"phases '{name}' of an absorption measurement",
            "name the one whose paths are fitted",
        )
    # Files of another calculation need neither a CIF nor FEFF.
    folder = find_feff_folder(table, read_entries(table).get(name))
    if folder is not None:
        ds = read_folder(folder)
        ds.attrs.update(phase=name, made=f"{ds.attrs['feff']}, own files", simplified="")
        return ds
    phase = crystals.read_phase(table, name, ReflectionListing())
    element, edge = str(normalised.attrs["element"]), str(normalised.attrs["edge"])
    clusters, simplified = build_clusters(phase, element, options.cluster)
    program = find_executable(options)
    if program is None:
        return describe_missing_feff(name)
    paths, sites = [], []
    for site, cluster in enumerate(clusters):
        text = format_feff_input(cluster, edge, options, f"{name}, site {site + 1}")
        for path in run_feff(program, text):
            # A site counts as often as the absorber is on it.
            paths.append(replace(path, degeneracy=path.degeneracy * cluster.share))
            sites.append(site)
    ds = feffdat.build_path_dataset(paths, sites, name)
    made = f"{ds.attrs['feff']}, from its CIF"
    ds.attrs.update(phase=name, made=made, simplified="; ".join([*phase.notes, *simplified]))
    return ds


def describe_missing_feff(name: str) -> xr.Dataset:
    """Return the dataset that stands for the paths of a phase where FEFF is not installed.

    Parameters
    ----------
    name : str
        The phase.

    Returns
    -------
    Dataset
        No variables; attrs ``skipped``, ``set_aside`` and ``phase``.
    """
    import xarray as xr

    remedy = "make feff, or name a folder of feffNNNN.dat as 'feff:' of the phase"
    exclusion = {
        "where": f"phase {name}",
        "problem": f"{ABSENT}: its paths are not fitted",
        "remedy": remedy,
    }
    return xr.Dataset(
        attrs={
            "skipped": f"{ABSENT}; {remedy}",
            "set_aside": json.dumps([exclusion]),
            "phase": name,
        }
    )


def read_folder(folder: Path) -> xr.Dataset:
    """Return the paths of a folder of feffNNNN.dat.

    Parameters
    ----------
    folder : Path
        What FEFF wrote, for one absorbing site.

    Returns
    -------
    Dataset, dims path, k
        As `ssbchar.xas.paths.outputs.PATHS`; lengths in angstrom.

    Raises
    ------
    BadInput
        There is no such folder, or no path in it.
    """
    if not folder.is_dir():
        raise BadInput(
            folder,
            "the folder of FEFF's paths does not exist",
            "correct 'feff:' (relative to the phases file)",
        )
    files = sorted(p for p in folder.iterdir() if re.fullmatch(r"feff\d{4,}\.dat", p.name))
    paths = [feffdat.read_path(path) for path in files]
    return feffdat.build_path_dataset(paths, [0] * len(files), str(folder))


def find_executable(options: Feff) -> Path | None:
    """Return FEFF 6: as configured, or of ``.venv-larch``, an installed Larch or the PATH.

    Parameters
    ----------
    options : Feff
        ``program`` names the executable.

    Returns
    -------
    Path or None
        None where FEFF is not installed.

    Raises
    ------
    BadInput
        The configured program does not exist.
    """
    if options.program:
        given = Path(options.program)
        if not given.is_file():
            remedy = "correct xas.feff.program, or leave it empty"
            raise BadInput(given, "FEFF is not there", remedy)
        return given.absolute()
    folders = {"Linux": "linux64", "Darwin": "darwin64", "Windows": "win64"}
    system = folders.get(platform.system(), "linux64")
    inside = Path("bin") / system / ("feff6l.exe" if system == "win64" else "feff6l")
    homes = [*ENVIRONMENT.glob("lib/python3*/site-packages/larch")]
    larch = importlib.util.find_spec("larch")
    if larch is not None and larch.origin:
        homes.append(Path(larch.origin).parent)
    for home in homes:
        if (home / inside).is_file():
            return (home / inside).absolute()
    on_path = shutil.which("feff6l")
    return Path(on_path) if on_path else None


def is_installed() -> bool:
    """Return whether FEFF is found without being configured."""
    return find_executable(Feff()) is not None


def format_feff_input(cluster: Cluster, edge: str, options: Feff, title: str) -> str:
    """Return feff.inp of FEFF 6: one potential for the absorber and one for each other element.

    Parameters
    ----------
    cluster : Cluster
        Positions of shape (atom, 3) [angstrom], the absorber first.
    edge : str
        ``K``, ``L1``, ``L2`` or ``L3``.
    options : Feff
        Longest half path [angstrom] and most legs.
    title : str
        First line of the file.

    Returns
    -------
    str

    Raises
    ------
    BadInput
        Another edge.
    """
    if edge not in HOLES:
        raise BadInput(title, f"FEFF 6 knows no edge {edge}", f"use {', '.join(HOLES)}")
    absorber, *others = cluster.elements
    kinds = list(dict.fromkeys(others))
    # Deuterium scatters electrons as hydrogen.
    numbers = {kind: ELEMENTS.index("H" if kind == "D" else kind) + 1 for kind in kinds}
    potentials = [f" {i} {numbers[kind]} {kind}" for i, kind in enumerate(kinds, 1)]
    # Neighbours of the absorber's element have a potential of their own: they have no core hole.
    indices = [0, *(1 + kinds.index(kind) for kind in others)]
    atoms = [
        f" {x:11.5f} {y:11.5f} {z:11.5f} {index} {element}"
        for (x, y, z), index, element in zip(
            cluster.positions.tolist(), indices, cluster.elements, strict=True
        )
    ]
    # CONTROL runs all four parts of FEFF, PRINT makes the last one write feffNNNN.dat.
    lines = [
        f"TITLE {title}",
        f"HOLE {HOLES[edge]} 1.0",
        "CONTROL 1 1 1 1",
        "PRINT 0 0 0 3",
        f"RMAX {options.rmax:g}",
        f"NLEG {options.legs}",
        "POTENTIALS",
        f" 0 {ELEMENTS.index(absorber) + 1} {absorber}",
        *potentials,
        "ATOMS",
        *atoms,
        "END",
        "",
    ]
    return "\n".join(lines)


def run_feff(program: Path, text: str) -> list[feffdat.FeffPath]:
    """Return the paths that FEFF writes for an input.

    Parameters
    ----------
    program : Path
        The executable.
    text : str
        feff.inp.

    Returns
    -------
    list of FeffPath
        In the order of FEFF's numbers; arrays of shape (k,).

    Raises
    ------
    BadInput
        FEFF took more than 600 s, or wrote no path.
    """
    title = text.splitlines()[0]
    with temporary.make_folder() as folder:
        (folder / "feff.inp").write_text(text, encoding="ascii")
        try:
            done = subprocess.run(
                [program], cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            remedy = "lower xas.feff.rmax or legs"
            raise BadInput(title, f"FEFF ran for {SECONDS} s", remedy) from error
        files = sorted(folder.glob("feff0*.dat"))
        if not files:
            printed = (done.stdout + done.stderr).strip().splitlines()
            last = printed[-1].strip() if printed else "it printed nothing"
            raise BadInput(title, f"FEFF wrote no path: {last}", "look at the CIF")
        return [feffdat.read_path(path) for path in files]
