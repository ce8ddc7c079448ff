"""What a fit of paths found, as a Dataset: parameters by shell, their covariance, curves, and
whether to believe it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from ssbchar.xas import notes
from ssbchar.xas.exafs import fourier
from ssbchar.xas.paths.exafs_equation import Shell
from ssbchar.xas.paths.model import KINDS, FitResult, PathFitProblem
from ssbchar.xas.paths.options import PathFit

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray as xr

UNITS = ("1", "angstrom", "angstrom^2")
"""Of `KINDS`."""
SHOWN_R = 6.0
"""Last R that is kept [angstrom]."""
FAR, MOVED, MISFIT = 0.2, 10.0, 0.05
"""Change of a distance [angstrom], of the origin [eV] and R factor beyond which a fit is
doubted."""


def build_fit_dataset(
    given: list[xr.Dataset],
    problem: PathFitProblem,
    found: list[Shell],
    done: FitResult,
    options: PathFit,
    about: Mapping[Any, Any],
) -> xr.Dataset:
    """Return the Dataset of `ssbchar.xas.paths.fit_paths`.

    Parameters
    ----------
    given : list of Dataset
        From `ssbchar.xas.exafs.extract_exafs`.
    problem, found, done, options
        What was fitted, its shells and the minimum.
    about : mapping
        Attributes of the paths.
    """
    import xarray as xr

    last, stderr = given[-1], np.sqrt(np.diag(done.covariance))
    parts = ["pristine", "cycled"] if len(given) > 1 else ["sample"]
    kept = {
        k: last.attrs[k] for k in ("element", "edge", "alignment", "measurement") if k in last.attrs
    }
    ds = xr.Dataset(
        attrs={**kept, **{k: about[k] for k in ("phase", "made", "simplified") if k in about}}
    )
    ds["parameter"] = ("parameter", name_parameters(problem, found, parts))
    ds["part"], ds["shell"] = ("part", parts), ("shell", [s.label for s in found])
    each = {
        "units": "1",
        "long_name": "in units of number 1, distance angstrom, displacement angstrom^2, e0 eV",
    }
    ds["value"], ds["stderr"] = ("parameter", done.values, each), ("parameter", stderr, each)
    ds["covariance"] = (("parameter", "parameter2"), done.covariance, each)
    places = np.array([s.places for s in problem.spectra])
    for column, (kind, unit) in enumerate(zip(KINDS, UNITS, strict=True)):
        values = done.values[places[:, :, column]]
        values = values + np.array([s.distance for s in found]) if kind == "distance" else values
        ds[kind] = (("part", "shell"), values, {"units": unit})
        ds[f"{kind}_stderr"] = (("part", "shell"), stderr[places[:, :, column]], {"units": unit})
        ds[f"{kind}_place"] = (("part", "shell"), places[:, :, column])
    ds["e0"] = (
        "part",
        [float(done.values[s.e0]) + s.offset for s in problem.spectra],
        {"units": "eV"},
    )
    ds["e0_stderr"] = ("part", stderr[[s.e0 for s in problem.spectra]], {"units": "eV"})
    ds["crystal_number"] = ("shell", [s.number for s in found], {"units": "1"})
    ds["crystal_distance"] = ("shell", [s.distance for s in found], {"units": "angstrom"})
    ds["r_factor"] = ("part", done.r_factor, {"units": "1"})
    ds["noise_r"] = ("part", done.noise, {"units": f"angstrom^-{problem.transform.kweight + 1}"})
    for name, number in (
        ("chi_square", done.chi_square),
        ("reduced_chi_square", done.reduced),
        ("independent_points", done.independent),
        ("s02", options.s02),
    ):
        ds[name] = ((), number, {"units": "1"})
    ds.attrs.update({f"fit_{key}": value for key, value in vars(problem.transform).items()})
    ds.attrs.update({f"max_{kind}": getattr(options, f"max_{kind}") for kind in KINDS})
    doubts = find_doubts(ds, done)
    ds.attrs.update(verdict="doubtful" if doubts else "ok", reason="; ".join(doubts))
    ds.attrs["notes"] = json.dumps([n for one in given for n in notes.read_notes(one.attrs)])
    return add_curves(ds, problem, done)


def name_parameters(problem: PathFitProblem, found: list[Shell], parts: list[str]) -> list[str]:
    """Return what each parameter is: of a pair with the part it belongs to, none where both share
    it."""
    owners: list[list[str]] = [[] for _ in range(problem.size)]
    what = [""] * problem.size
    for s, part in zip(problem.spectra, parts, strict=True):
        what[s.e0] = "e0"
        owners[s.e0].append(part)
        for row, shell in zip(s.places, found, strict=True):
            for place, kind in zip(row, KINDS, strict=True):
                what[place] = f"{'change of ' if kind == 'distance' else ''}{kind} {shell.label}"
                owners[place].append(part)
    return [
        w if len(own) == len(parts) else f"{w}, {own[0]}"
        for w, own in zip(what, owners, strict=True)
    ]


def find_doubts(ds: xr.Dataset, done: FitResult) -> list[str]:
    """Return what says that the minimum is no structure: signs, distances, origin, misfit."""
    said = [] if done.converged else ["the fit did not converge"]
    if (ds["number"].values <= 0).any() or (ds["displacement"].values < 0).any():
        said.append("a number or a mean square displacement is negative")
    if np.abs(ds["distance"].values - ds["crystal_distance"].values).max() > FAR:
        said.append(f"a distance is more than {FAR:g} angstrom from the crystal's")
    if np.abs(ds["e0"].values).max() > MOVED:
        said.append(f"the origin has moved by more than {MOVED:g} eV")
    if (ds["r_factor"].values > MISFIT).any():
        said.append(f"R factor {float(ds['r_factor'].max()):.2g} above {MISFIT:g}")
    return said


def add_curves(ds: xr.Dataset, problem: PathFitProblem, done: FitResult) -> xr.Dataset:
    """Return the Dataset with data, model and shells on a common k grid, data and model in R."""
    end = min(s.k.size for s in problem.spectra)
    k = problem.spectra[0].k[:end]
    weights = problem.weights(k)
    chi = np.array([s.chi[:end] for s in problem.spectra])
    parts = np.array(
        [[c[:end] for c in problem.model(done.values, i)[0]] for i in range(len(problem.spectra))]
    )
    ds = ds.assign_coords(k=("k", k, {"units": "1/angstrom"}))
    unit = f"angstrom^-{problem.transform.kweight + 1}"
    for name, values in (("chi", chi), ("model", parts.sum(axis=1))):
        ds[name] = (("part", "k"), values, {"units": "1"})
        r, waves = fourier.chi_r_from_chi(values, weights, SHOWN_R)
        ds = ds.assign_coords(r=("r", r, {"units": "angstrom"}))
        ds[f"{name}_r_real"] = (("part", "r"), waves.real, {"units": unit})
        ds[f"{name}_r_imag"] = (("part", "r"), waves.imag, {"units": unit})
    ds["parts"] = (("part", "shell", "k"), parts, {"units": "1"})
    return ds
