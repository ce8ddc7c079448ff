"""Normalised spectra to chi(k), chi(R) and back, whole series at once, with noise carried through
the operators."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ssbchar.constants import ETOK
from ssbchar.typing import Array
from ssbchar.xas import notes
from ssbchar.xas.exafs import autobk, fourier
from ssbchar.xas.exafs.options import Exafs

if TYPE_CHECKING:
    import xarray as xr


def extract_exafs(normalised: xr.Dataset, options: Exafs) -> xr.Dataset:
    """Return chi(k), chi(R) and back-transformed chi(q) of every spectrum of a measurement.

    Parameters
    ----------
    normalised : Dataset
        From `ssbchar.xas.normalisation.normalise_spectra`.
    options : Exafs
        Background and windows.

    Returns
    -------
    Dataset, dims spectrum, k, r, q
        ``chi``, ``chi_stderr``; ``chi_r_real``, ``chi_r_imag``, ``chi_r_magnitude`` with
        ``_stderr`` [1/angstrom**(w+1)]; ``chi_q_real``, ``chi_q_imag``; ``background`` (spectrum,
        energy), ``window_k``, ``window_r``, ``clamp_weight``; scalars ``kmin``, ``kmax``, ``e0``.
        Where the scan ends below ``min_k``: no such variables, attrs ``exafs`` says why.
    """
    import xarray as xr

    energy, mu = normalised["energy"].values, normalised["mu"].values
    e0 = float(normalised["e0"])
    reach = float(np.sqrt(ETOK * max(energy[-1] - e0, 0.0)))
    found = notes.read_notes(normalised.attrs)
    ds = xr.Dataset(attrs={**normalised.attrs, "exafs": ""})
    ds["e0"] = ((), e0, {"units": "eV"})
    if reach < options.min_k:
        ds.attrs["exafs"] = (
            f"the scan ends at k = {reach:.1f}/angstrom, EXAFS needs {options.min_k:g}"
        )
        return ds
    kmax = options.kmax if options.kmax is not None else min(13.0, np.floor(2 * (reach - 1)) / 2)
    if kmax > reach:
        where = str(normalised.attrs.get("measurement", ""))
        found.append(
            notes.make_doubt(
                where, f"the window ends at k = {kmax:g}, the scan at {reach:.2f}/angstrom"
            )
        )
        kmax = reach
    operators = autobk.build_operators(energy, e0, options)
    step = normalised["edge_step"].values
    chi, coefficients, weight = autobk.chi_from_mu(operators, mu, step)
    k_window, weights = fourier.build_k_window(
        operators.k, options.kmin, kmax, options.dk, options.window, options.kweight
    )
    r, chi_r = fourier.chi_r_from_chi(chi, weights)
    q, chi_q, r_window = fourier.chi_q_from_chi_r(
        chi_r, options.rmin, options.rmax, options.dr, options.window
    )
    variance = (
        normalised["mu_stderr"].values[:, operators.first : operators.last + 1] / step[:, None]
    ) ** 2
    to_chi = autobk.build_chi_operator(operators, float(np.median(weight)))
    real, imag, magnitude = chi_r_stderr_from_variance(
        to_chi, fourier.build_transform_matrix(operators.k, weights, r), variance, chi_r
    )
    found += check_low_r(
        r, np.abs(chi_r[-1]), options.rbkg, str(normalised.attrs.get("measurement", ""))
    )
    unit = f"angstrom^-{options.kweight + 1}"
    k_dims, r_dims, q_dims = ("spectrum", "k"), ("spectrum", "r"), ("spectrum", "q")
    ds = ds.assign_coords(
        k=("k", operators.k, {"units": "1/angstrom"}),
        r=("r", r, {"units": "angstrom"}),
        q=("q", q, {"units": "1/angstrom"}),
        energy=("energy", energy, {"units": "eV"}),
    )
    ds["chi"] = (k_dims, chi, {"units": "1", "ancillary_variables": "chi_stderr"})
    ds["chi_stderr"] = (k_dims, np.sqrt(variance @ (to_chi**2).T), {"units": "1"})
    for name, values, stderr in (
        ("chi_r_real", chi_r.real, real),
        ("chi_r_imag", chi_r.imag, imag),
        ("chi_r_magnitude", np.abs(chi_r), magnitude),
    ):
        ds[name] = (r_dims, values, {"units": unit, "ancillary_variables": f"{name}_stderr"})
        ds[f"{name}_stderr"] = (r_dims, stderr, {"units": unit})
    ds["chi_q_real"] = (q_dims, chi_q.real, {"units": f"angstrom^-{options.kweight}"})
    ds["chi_q_imag"] = (q_dims, chi_q.imag, {"units": f"angstrom^-{options.kweight}"})
    ds["background"] = (
        ("spectrum", "energy"),
        autobk.evaluate_background(operators, mu, coefficients),
        {"units": "1"},
    )
    ds["window_k"], ds["window_r"] = (
        ("k", k_window, {"units": "1"}),
        ("r", r_window, {"units": "1"}),
    )
    ds["clamp_weight"] = ("spectrum", weight, {"units": "1"})
    ds["kmin"], ds["kmax"] = (
        ((), options.kmin, {"units": "1/angstrom"}),
        ((), float(kmax), {"units": "1/angstrom"}),
    )
    ds["kweight"] = ((), options.kweight)
    ds["independent_points"] = (
        (),
        2 * (kmax - options.kmin) * (options.rmax - options.rmin) / np.pi,
        {"units": "1"},
    )
    ds["name"], ds["status"] = normalised["name"], normalised["status"]
    ds.attrs["notes"] = json.dumps(found)
    return ds


def check_low_r(r: Array, size: Array, rbkg: float, where: str) -> list[notes.Note]:
    """Return a note where |chi(R)| below the first shell is higher than any shell: the background
    is not all taken."""
    low, high = r < rbkg + 0.2, r >= rbkg + 0.2
    if size[low].max() <= size[high].max():
        return []
    said = f"|chi(R)| is highest at {r[low][np.argmax(size[low])]:.2f} angstrom, below the first shell: background"
    return [
        notes.make_doubt(
            where, f"{said}; raise exafs.rbkg (now {rbkg:g}), or check E0 and glitches"
        )
    ]


def chi_r_stderr_from_variance(
    to_chi: Array, to_r: NDArray[np.complex128], variance: Array, chi_r: NDArray[np.complex128]
) -> tuple[Array, Array, Array]:
    """Return standard errors of the real and imaginary parts and of the magnitude of chi(R).

    With L = to_r to_chi: var Re = (Re L)**2 var, var Im = (Im L)**2 var, cov = (Re L)(Im L) var,
    and var |chi(R)| = (re**2 var Re + im**2 var Im + 2 re im cov) / |chi(R)|**2.

    Parameters
    ----------
    to_chi : array, shape (k, energy)
    to_r : complex array, shape (r, k)
    variance : array, shape (spectrum, energy)
        Of mu / step.
    chi_r : complex array, shape (spectrum, r)
    """
    matrix = to_r @ to_chi
    real2, imag2 = variance @ (matrix.real**2).T, variance @ (matrix.imag**2).T
    both = variance @ (matrix.real * matrix.imag).T
    re, im = chi_r.real, chi_r.imag
    size = np.maximum(re**2 + im**2, 1e-300)
    magnitude = np.maximum((re**2 * real2 + im**2 * imag2 + 2 * re * im * both) / size, 0)
    return np.sqrt(real2), np.sqrt(imag2), np.sqrt(magnitude)
