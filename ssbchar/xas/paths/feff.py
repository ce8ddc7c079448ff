"""A phase's scattering paths: run FEFF on its crystal, or read the files of another calculation."""

from __future__ import annotations

import importlib.util
import json
import platform
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ssbchar.crystal.options import ReflectionListing
from ssbchar.crystal.phases_file import find_feff_folder, read_entries
from ssbchar.errors import BadInput
from ssbchar.storage import temporary
from ssbchar.xas.paths import feff_ten, feffdat
from ssbchar.xas.paths.cluster import build_clusters
from ssbchar.xas.paths.feff_input import format_feff_input, format_feff_ten_input
from ssbchar.xas.paths.options import Feff

if TYPE_CHECKING:
    import xarray as xr

ENVIRONMENT = Path(".venv-larch")
"""Made by ``make feff`` from ``requirements.larch.lock``."""
SECONDS = 600
"""FEFF is stopped after this time."""
ABSENT = "FEFF is not installed (extra 'paths')"


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
        ds.attrs["element"] = str(normalised.attrs.get("element", ""))
        ds.attrs["edge"] = str(normalised.attrs.get("edge", ""))
        return ds
    phase = crystals.read_phase(table, name, ReflectionListing())
    element, edge = str(normalised.attrs["element"]), str(normalised.attrs["edge"])
    clusters, simplified = build_clusters(phase, element, options.cluster)
    route = choose_route(options)
    if route is None:
        return describe_missing_feff(name)
    paths, sites = [], []
    for site, cluster in enumerate(clusters):
        title = f"{name}, site {site + 1}"
        if isinstance(route, Path):
            found = run_feff(route, format_feff_input(cluster, edge, options, title))
        else:
            text = format_feff_ten_input(cluster, edge, options, title)
            found = feff_ten.run_feff_ten(text)
        for path in found:
            # A site counts as often as the absorber is on it.
            paths.append(replace(path, degeneracy=path.degeneracy * cluster.share))
            sites.append(site)
    ds = feffdat.build_path_dataset(paths, sites, name)
    made = f"{ds.attrs['feff']}, from its CIF"
    ds.attrs.update(phase=name, made=made, simplified="; ".join([*phase.notes, *simplified]))
    ds.attrs.update(element=element, edge=edge)
    if not isinstance(route, Path):
        ds.attrs["notice"] = feff_ten.NOTICE
    return ds


def choose_route(options: Feff) -> Path | str | None:
    """Return what calculates paths: the configured FEFF 6, else FEFF10, else a FEFF 6 that is
    found.

    Parameters
    ----------
    options : Feff
        ``program`` names a FEFF 6 executable.

    Returns
    -------
    Path, str or None
        The executable of FEFF 6; the version of FEFF10's package; None where there is neither.

    Raises
    ------
    BadInput
        The configured program does not exist.
    """
    if options.program:
        return find_executable(options)
    return feff_ten.find_version() or find_executable(options)


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

    remedy = (
        "pip install 'ssbchar[paths]', or name a folder of feffNNNN.dat as 'feff:' of the phase"
    )
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
    files = feffdat.list_files(folder)
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


def name_route() -> str:
    """Return which FEFF is used where none is configured; empty where there is none."""
    route = choose_route(Feff())
    return "" if route is None else str(route)


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
        (folder / "feff.inp").write_text(text, encoding="ascii", errors="replace")
        try:
            done = subprocess.run(
                [program], cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            remedy = "lower xas.feff.rmax or legs"
            raise BadInput(title, f"FEFF ran for {SECONDS} s", remedy) from error
        files = feffdat.list_files(folder)
        if not files:
            printed = (done.stdout + done.stderr).strip().splitlines()
            last = printed[-1].strip() if printed else "it printed nothing"
            raise BadInput(title, f"FEFF wrote no path: {last}", "look at the CIF")
        return [feffdat.read_path(path) for path in files]
