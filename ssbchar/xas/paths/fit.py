"""Fit of first shells: the sample's EXAFS and the pristine one's together, parameters shared."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.typing import Array
from ssbchar.xas.calibration.calibrate import AlignmentKind
from ssbchar.xas.exafs import fourier
from ssbchar.xas.exafs.options import DEFAULT_WINDOW, FourierWindow
from ssbchar.xas.paths.dataset import build_fit_dataset
from ssbchar.xas.paths.exafs_equation import (
    ScatteringPaths,
    Shell,
    ShellParameters,
    group_shells,
)
from ssbchar.xas.paths.model import KINDS, Kind, PathFitProblem, Spectrum, Transform
from ssbchar.xas.paths.options import PathFit

if TYPE_CHECKING:
    import xarray as xr

ON_ONE_AXIS = ({AlignmentKind.FOIL}, {AlignmentKind.PROJECT})
"""Alignments under which a pair shares the shift of the origin: both by the same."""
WEAK = 0.05
"""Share in chi(R), relative to the strongest shell's, below which a shell is not fitted unless it
is asked for."""
MOST_PARAMETERS = 2 / 3
"""Parameters by independent points; with more, errors become as large as the values."""
FREE_R = 0.3
"""A shell belongs to the fit if it lies less than this beyond its end in R [angstrom]."""


def fit_paths(
    paths: xr.Dataset,
    exafs: xr.Dataset,
    pristine: xr.Dataset | None,
    options: PathFit,
    *,
    window: FourierWindow = DEFAULT_WINDOW,
) -> xr.Dataset:
    """Return the parameters of the first shells of a measurement, and of its pristine one.

    Parameters
    ----------
    paths : Dataset
        From `ssbchar.xas.paths.calculate_paths`.
    exafs, pristine : Dataset
        From `ssbchar.xas.exafs.extract_exafs`; the merged spectra are fitted.
    options : PathFit
        Range in R [angstrom], shells, what is shared.
    window : FourierWindow
        Window in k [1/angstrom].

    Returns
    -------
    Dataset, dims part (pristine first), shell, parameter, k, r
        As `ssbchar.xas.paths.outputs.PATH_FIT`. If there are no paths: attrs ``skipped`` alone.

    Raises
    ------
    BadInput
        There is no EXAFS or that of another edge, no shell in range, or more parameters than
        independent points.
    """
    import xarray as xr

    where = str(exafs.attrs.get("measurement", "spectrum"))
    if "skipped" in paths.attrs:
        return xr.Dataset(attrs={"skipped": paths.attrs["skipped"]})
    given = [exafs] if pristine is None else [pristine, exafs]
    for ds in given:
        if "chi" not in ds:
            problem = f"no EXAFS to fit paths to: {ds.attrs.get('exafs', '')}"
            raise BadInput(where, problem, "leave 'phases' empty")
    _check_edges(paths, given, where)
    longest = options.rmax + FREE_R
    shells = group_shells(paths, options.shells, rmax=longest, gap=options.gap, legs=options.legs)
    if not shells:
        problem = f"no path of FEFF is shorter than {longest:g}"
        raise BadInput(where, problem, "raise path_fit.rmax")
    transform, waves = _choose_transform(given, options, window), ScatteringPaths(paths)
    held: list[Shell] = []
    if not options.shells:
        shells, held = choose_shells(given, shells, waves, transform, options)
    task = PathFitProblem(
        assign_parameters(given, len(shells), options),
        waves,
        [scale_by_s02(shell, options.s02) for shell in shells],
        transform,
        [(scale_by_s02(shell, options.s02), _hold_shell(shell, options)) for shell in held],
    )
    # Without a degree of freedom the reduced chi-square, and with it every error, has no meaning.
    if task.size + 1 > task.independent:
        raise BadInput(
            where,
            f"{task.size} parameters for {task.independent:.1f} independent points",
            "fit fewer shells (path_fit.shells), share more (path_fit.shared) or widen R",
        )
    result = task.fit(list_starts(task.spectra, shells, task.size, options))
    ds = build_fit_dataset(given, task, shells, result, options)
    described = ("phase", "made", "simplified", "notice")
    ds.attrs.update({key: paths.attrs[key] for key in described if key in paths.attrs})
    ds.attrs["held"] = ", ".join(shell.label for shell in held)
    return ds


def choose_shells(
    given: list[xr.Dataset],
    shells: list[Shell],
    waves: ScatteringPaths,
    transform: Transform,
    options: PathFit,
) -> tuple[list[Shell], list[Shell]]:
    """Return the shells that are fitted, nearest first, and those that stay as in the crystal.

    A shell is held whose share in chi(R), as the crystal has it, is below 5 % of the strongest's;
    and the weakest ones, where more than two thirds of the independent points would be parameters.

    Parameters
    ----------
    given : list of Dataset
        From `ssbchar.xas.exafs.extract_exafs`.
    shells : list of Shell
        All shells in range.
    waves : ScatteringPaths
    transform : Transform
        Ranges in k [1/angstrom] and R [angstrom].
    options : PathFit
        What is shared, and the mean square displacement [angstrom^2].
    """
    k = given[-1]["k"].values
    weights = transform.compute_weights(k)
    sizes = []
    for shell in shells:
        chi = waves.compute_chi(k, shell, _hold_shell(shell, options))
        r, chi_r = fourier.chi_r_from_chi(chi[None], weights, transform.rmax)
        sizes.append(float(np.linalg.norm(chi_r[0, r >= transform.rmin])))
    by_size = sorted(range(len(shells)), key=lambda i: -sizes[i])
    kept = [i for i in by_size if sizes[i] >= WEAK * max(sizes)]
    most = MOST_PARAMETERS * len(given) * transform.independent
    while len(kept) > 1 and _count_parameters(given, len(kept), options) > most:
        kept.pop()
    return (
        [shell for i, shell in enumerate(shells) if i in kept],
        [shell for i, shell in enumerate(shells) if i not in kept],
    )


def _hold_shell(shell: Shell, options: PathFit) -> ShellParameters:
    """Return a shell's parameters as in the crystal."""
    return ShellParameters(e0=0.0, number=shell.number, delta_r=0.0, sigma2=options.sigma2)


def _count_parameters(given: list[xr.Dataset], count: int, options: PathFit) -> int:
    spectra = assign_parameters(given, count, options)
    return 1 + max(max(int(s.places.max()), s.e0) for s in spectra)


def _check_edges(paths: xr.Dataset, given: list[xr.Dataset], where: str) -> None:
    """Refuse paths of another edge than a spectrum's."""
    own = _name_edge(paths)
    for ds in given:
        if own and own != _name_edge(ds):
            raise BadInput(
                where,
                f"the paths are of {own}, the spectrum is of {_name_edge(ds)}",
                "compare measurements of one edge, or leave 'phases' empty",
            )


def _name_edge(ds: xr.Dataset) -> str:
    return f"{ds.attrs.get('element', '')} {ds.attrs.get('edge', '')}".strip()


def _choose_transform(
    given: list[xr.Dataset], options: PathFit, window: FourierWindow
) -> Transform:
    """Return the ranges in k and R; unless set, k ends where the shorter spectrum's window does."""
    kmax = window.kmax
    if kmax is None:
        kmax = min(float(ds["kmax"]) for ds in given)
    return Transform(
        kmin=window.kmin,
        kmax=kmax,
        kweight=options.kweight,
        dk=window.dk,
        window=window.shape,
        rmin=options.rmin,
        rmax=options.rmax,
    )


def scale_by_s02(shell: Shell, s02: float) -> Shell:
    """Return a shell whose number counts neighbours, the passive electrons' factor taken out.

    Parameters
    ----------
    shell : Shell
        Distance in angstrom.
    s02 : float
        Passive electrons' factor S0^2.
    """
    return replace(shell, number=shell.number / s02)


def assign_parameters(given: list[xr.Dataset], count: int, options: PathFit) -> list[Spectrum]:
    """Return the spectra with the places of their parameters; what is shared has one place.

    On one axis the origin of the photoelectron's energy is the same energy for both: the shift of a
    spectrum is the shared one, plus the first spectrum's E0 less its own.

    Parameters
    ----------
    given : list of Dataset
        From `ssbchar.xas.exafs.extract_exafs`; k in 1/angstrom, E0 in eV.
    count : int
        Number of shells.
    options : PathFit
        What is shared.

    Returns
    -------
    list of Spectrum
        Places of shape (shell, 3).
    """
    alignments = {str(ds.attrs.get("alignment", AlignmentKind.NONE)) for ds in given}
    one_origin = len(given) > 1 and alignments in ON_ONE_AXIS
    spectra: list[Spectrum] = []
    # The shifts of the origin come first among the parameters.
    next_place = 1 if one_origin else len(given)
    for i, ds in enumerate(given):
        places = np.empty((count, len(KINDS)), int)
        for column, kind in enumerate(KINDS):
            if i and kind in options.shared:
                places[:, column] = spectra[0].places[:, column]
            else:
                places[:, column] = next_place + np.arange(count)
                next_place += count
        spectra.append(
            Spectrum(
                k=ds["k"].values,
                chi=ds["chi"].values[-1],
                offset=float(given[0]["e0"]) - float(ds["e0"]) if one_origin else 0.0,
                e0=0 if one_origin else i,
                places=places,
            )
        )
    return spectra


def list_starts(
    spectra: list[Spectrum], shells: list[Shell], size: int, options: PathFit
) -> list[Array]:
    """Return where the fit starts: the crystal, for each configured shift of the origin.

    Parameters
    ----------
    spectra : list of Spectrum
    shells : list of Shell
        Numbers of the crystal.
    size : int
        Number of parameters.
    options : PathFit
        Shifts of the origin [eV] and mean square displacement [angstrom^2].

    Returns
    -------
    list of array, shape (parameter,)
    """
    starts = []
    for e0 in options.e0:
        values = np.zeros(size)
        for spectrum in spectra:
            values[spectrum.e0] = e0
            numbers = spectrum.places[:, KINDS.index(Kind.NUMBER)]
            values[numbers] = [shell.number for shell in shells]
            values[spectrum.places[:, KINDS.index(Kind.DISPLACEMENT)]] = options.sigma2
        starts.append(values)
    return starts
