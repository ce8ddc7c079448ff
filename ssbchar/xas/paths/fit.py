"""First shells from FEFF's paths: the sample's EXAFS and the pristine one's fitted together, with
shared parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.typing import Array
from ssbchar.xas.paths.dataset import build_fit_dataset
from ssbchar.xas.paths.exafs_equation import ScatteringPaths, Shell, group_shells
from ssbchar.xas.paths.model import KINDS, PathFitProblem, Spectrum, Transform
from ssbchar.xas.paths.options import PathFit

if TYPE_CHECKING:
    import xarray as xr

ON_ONE_AXIS = ({"foil"}, {"project"})
"""What both of a pair must be aligned by to share the shift of the origin."""
FREE_R = 0.3
"""A shell belongs to the fit where it lies less than this beyond its end in R [angstrom]."""


def fit_paths(
    paths: xr.Dataset, exafs: xr.Dataset, pristine: xr.Dataset | None, options: PathFit
) -> xr.Dataset:
    """Return the parameters of the first shells of a measurement, and of its pristine one.

    Parameters
    ----------
    paths : Dataset
        From `ssbchar.xas.paths.calculate_paths`.
    exafs, pristine : Dataset
        From `ssbchar.xas.exafs.extract_exafs`; the merged spectra count.
    options : PathFit

    Returns
    -------
    Dataset, dims part (pristine first), shell, parameter, k, r
        ``value``, ``stderr``, ``covariance`` (parameter, parameter2) of all parameters; ``number``,
        ``distance`` [angstrom], ``displacement`` [angstrom^2], ``e0`` [eV] with ``_place`` among
        the parameters; per shell ``crystal_number``, ``crystal_distance``; per part ``r_factor``;
        ``chi``, ``model``, ``parts`` (part, shell, k), ``chi_r``, ``model_r`` with ``_imag`` (part,
        r); scalars ``chi_square``, ``reduced_chi_square``, ``independent_points``; attrs
        ``verdict``, ``reason``. Where there are no paths: attrs ``skipped`` alone.

    Raises
    ------
    BadInput
        There is no EXAFS, no shell in range, or more parameters than independent points.
    """
    import xarray as xr

    where = str(exafs.attrs.get("measurement", "spectrum"))
    if "skipped" in paths.attrs:
        return xr.Dataset(attrs={"skipped": paths.attrs["skipped"]})
    given = [exafs] if pristine is None else [pristine, exafs]
    for ds in given:
        if "chi" not in ds:
            raise BadInput(
                where,
                f"no EXAFS to fit paths to: {ds.attrs.get('exafs', '')}",
                "leave 'phases' empty",
            )
    kmax = min(float(ds["kmax"]) for ds in given) if options.kmax is None else options.kmax
    transform = Transform(
        options.kmin, kmax, options.kweight, options.dk, options.window, options.rmin, options.rmax
    )
    found = group_shells(paths, options.shells, options.rmax + FREE_R, options.gap, options.legs)
    if not found:
        raise BadInput(
            where,
            f"no path of FEFF is shorter than {options.rmax + FREE_R:g}",
            "raise path_fit.rmax",
        )
    spectra = assign_parameters(given, len(found), options)
    problem = PathFitProblem(
        spectra, ScatteringPaths(paths), [scale_by_s02(s, options.s02) for s in found], transform
    )
    if problem.size + 1 > problem.independent:
        said = f"{problem.size} parameters for {problem.independent:.1f} independent points"
        raise BadInput(
            where,
            said,
            "fit fewer shells (path_fit.shells), share more (path_fit.shared) or widen R",
        )
    done = problem.fit(list_starts(spectra, found, problem.size, options))
    return build_fit_dataset(given, problem, found, done, options, paths.attrs)


def scale_by_s02(shell: Shell, s02: float) -> Shell:
    """Return a shell whose number counts neighbours, the passive electrons' factor taken out."""
    return Shell(shell.label, shell.paths, shell.number / s02, shell.distance)


def assign_parameters(given: list[xr.Dataset], count: int, options: PathFit) -> list[Spectrum]:
    """Return the spectra with the places of their parameters; what is shared has one place.

    On one axis the origin of the photoelectron's energy is the same energy for both: the shift of a
    spectrum is the shared one, plus the first spectrum's E0 less its own.
    """
    kinds = {str(ds.attrs.get("alignment", "none")) for ds in given}
    together = len(given) > 1 and kinds in ON_ONE_AXIS
    spectra: list[Spectrum] = []
    taken = 1 if together or len(given) == 1 else len(given)
    for i, ds in enumerate(given):
        places = np.empty((count, len(KINDS)), int)
        for column, kind in enumerate(KINDS):
            if i and kind in options.shared:
                places[:, column] = spectra[0].places[:, column]
            else:
                places[:, column] = taken + np.arange(count)
                taken += count
        offset = float(given[0]["e0"]) - float(ds["e0"]) if together else 0.0
        spectra.append(
            Spectrum(ds["k"].values, ds["chi"].values[-1], offset, 0 if together else i, places)
        )
    return spectra


def list_starts(
    spectra: list[Spectrum], found: list[Shell], size: int, options: PathFit
) -> list[Array]:
    """Return where the fit starts: the crystal, for each configured shift of the origin."""
    out = []
    for e0 in options.e0:
        values = np.zeros(size)
        for s in spectra:
            values[s.e0] = e0
            values[s.places[:, 0]] = [shell.number for shell in found]
            values[s.places[:, 2]] = options.sigma2
        out.append(values)
    return out
