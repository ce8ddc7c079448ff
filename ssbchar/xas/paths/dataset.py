"""The result of a fit of paths as a Dataset, and whether its minimum is a plausible structure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from ssbchar.verdict import Verdict
from ssbchar.xas import notes
from ssbchar.xas.exafs import fourier
from ssbchar.xas.paths.exafs_equation import Shell
from ssbchar.xas.paths.model import KINDS, FitResult, Kind, PathFitProblem
from ssbchar.xas.paths.options import PathFit
from ssbchar.xas.paths.outputs import DEPEND_ON_KWEIGHT, PATH_FIT

if TYPE_CHECKING:
    import xarray as xr

SHOWN_R = 6.0
"""Last R that is kept [angstrom]."""
FAR = 0.2
"""Change of a distance beyond which a fit is doubtful [angstrom]."""
MOVED = 10.0
"""Shift of the energy origin beyond which a fit is doubtful [eV]."""
MISFIT = 0.05
"""R factor beyond which a fit is doubtful."""


def build_fit_dataset(
    given: Sequence[xr.Dataset],
    problem: PathFitProblem,
    shells: Sequence[Shell],
    result: FitResult,
    options: PathFit,
) -> xr.Dataset:
    """Return the Dataset of `ssbchar.xas.paths.fit_paths`.

    Parameters
    ----------
    given : sequence of Dataset
        From `ssbchar.xas.exafs.extract_exafs`, the pristine one first.
    problem : PathFitProblem
        What was fitted.
    shells : sequence of Shell
        Numbers and distances [angstrom] of the crystal.
    result : FitResult
        The minimum.
    options : PathFit
        Changes that would matter.

    Returns
    -------
    Dataset, dims part, shell, parameter, k, r
        As `ssbchar.xas.paths.outputs.PATH_FIT`; E0 in eV.
    """
    parts = ["pristine", "cycled"] if len(given) > 1 else ["sample"]
    values = {
        "parameter": name_parameters(problem, shells, parts),
        "part": parts,
        "shell": [shell.label for shell in shells],
        "value": result.values,
        "stderr": np.sqrt(np.diag(result.covariance)),
        "covariance": result.covariance,
        "crystal_number": [shell.number for shell in shells],
        "crystal_distance": [shell.distance for shell in shells],
        "r_factor": result.r_factor,
        "noise_r": result.noise,
        "chi_square": result.chi_square,
        "reduced_chi_square": result.reduced,
        "independent_points": result.independent,
        "s02": options.s02,
        **_tabulate_shells(problem, shells, result),
        **_compute_curves(problem, result),
    }
    ds = PATH_FIT.dataset(values, attrs=_describe(given, problem, options))
    for name in DEPEND_ON_KWEIGHT:
        ds[name].attrs["units"] = f"angstrom^-{problem.transform.kweight + 1}"
    doubts = find_doubts(ds, result)
    verdict = Verdict.DOUBTFUL if doubts else Verdict.OK
    ds.attrs.update(verdict=verdict.value, reason="; ".join(doubts))
    return ds


def _tabulate_shells(
    problem: PathFitProblem, shells: Sequence[Shell], result: FitResult
) -> dict[str, Any]:
    """Return number, distance and displacement by part and shell, and the origin by part."""
    stderr = np.sqrt(np.diag(result.covariance))
    places = np.array([spectrum.places for spectrum in problem.spectra])
    crystal_distance = np.array([shell.distance for shell in shells])
    table: dict[str, Any] = {}
    for column, kind in enumerate(KINDS):
        place = places[:, :, column]
        values = result.values[place]
        # The parameter is the change of the distance from that in the crystal.
        if kind is Kind.DISTANCE:
            values = values + crystal_distance
        table[kind.value] = values
        table[f"{kind}_stderr"] = stderr[place]
        table[f"{kind}_place"] = place
    table["e0"] = [float(result.values[s.e0]) + s.offset for s in problem.spectra]
    table["e0_stderr"] = stderr[[s.e0 for s in problem.spectra]]
    return table


def _compute_curves(problem: PathFitProblem, result: FitResult) -> dict[str, Any]:
    """Return data, model and shells on a common k grid, data and model in R."""
    # Spectra may end at different k.
    end = min(spectrum.k.size for spectrum in problem.spectra)
    k = problem.spectra[0].k[:end]
    weights = problem.compute_weights(k)
    chi = np.array([spectrum.chi[:end] for spectrum in problem.spectra])
    of_shells = np.array(
        [
            [one[:end] for one in problem.compute_model(result.values, i)[0]]
            for i in range(len(problem.spectra))
        ]
    )
    model = of_shells.sum(axis=1)
    of_shells = of_shells[:, : len(problem.shells)]
    r, chi_r = fourier.chi_r_from_chi(chi, weights, SHOWN_R)
    _, model_r = fourier.chi_r_from_chi(model, weights, SHOWN_R)
    return {
        "k": k,
        "r": r,
        "chi": chi,
        "model": model,
        "parts": of_shells,
        "chi_r_real": chi_r.real,
        "chi_r_imag": chi_r.imag,
        "model_r_real": model_r.real,
        "model_r_imag": model_r.imag,
    }


def _describe(
    given: Sequence[xr.Dataset], problem: PathFitProblem, options: PathFit
) -> dict[str, Any]:
    """Return the attributes: of the measurement, the transform, and the changes that matter."""
    last = given[-1].attrs
    inherited = ("element", "edge", "alignment", "measurement")
    found = [note for ds in given for note in notes.read_notes(ds.attrs)]
    return {
        **{key: last[key] for key in inherited if key in last},
        **{f"fit_{key}": value for key, value in asdict(problem.transform).items()},
        **{f"max_{kind}": getattr(options, f"max_{kind}") for kind in KINDS},
        "notes": json.dumps(found),
    }


def name_parameters(
    problem: PathFitProblem, shells: Sequence[Shell], parts: Sequence[str]
) -> list[str]:
    """Return the name of each parameter, with the part it belongs to unless all parts share it.

    Parameters
    ----------
    problem : PathFitProblem
        One spectrum per part.
    shells : sequence of Shell
        Labels with the distance [angstrom].
    parts : sequence of str

    Returns
    -------
    list of str, length parameter
    """
    owners: list[list[str]] = [[] for _ in range(problem.size)]
    names = [""] * problem.size
    for spectrum, part in zip(problem.spectra, parts, strict=True):
        names[spectrum.e0] = "e0"
        owners[spectrum.e0].append(part)
        for row, shell in zip(spectrum.places, shells, strict=True):
            for place, kind in zip(row, KINDS, strict=True):
                fitted = "change of distance" if kind is Kind.DISTANCE else kind.value
                names[place] = f"{fitted} {shell.label}"
                owners[place].append(part)
    return [
        name if len(own) == len(parts) else f"{name}, {own[0]}"
        for name, own in zip(names, owners, strict=True)
    ]


def find_doubts(ds: xr.Dataset, result: FitResult) -> list[str]:
    """Return why a minimum is not a plausible structure; empty if it is one.

    Parameters
    ----------
    ds : Dataset, dims part, shell
        ``number``, ``distance`` [angstrom], ``displacement`` [angstrom^2], ``e0`` [eV],
        ``r_factor``, ``crystal_distance`` [angstrom].
    result : FitResult
        Whether the fit converged.
    """
    doubts = [] if result.converged else ["the fit did not converge"]
    if (ds["number"].values <= 0).any() or (ds["displacement"].values < 0).any():
        doubts.append("a number or a mean square displacement is negative")
    moved = np.abs(ds["distance"].values - ds["crystal_distance"].values).max()
    if moved > FAR:
        doubts.append(f"a distance is more than {FAR:g} angstrom from the crystal's")
    if np.abs(ds["e0"].values).max() > MOVED:
        doubts.append(f"the energy origin has moved by more than {MOVED:g} eV")
    if (ds["r_factor"].values > MISFIT).any():
        doubts.append(f"R factor {float(ds['r_factor'].max()):.2g} above {MISFIT:g}")
    return doubts
