"""Normalised spectra to chi(k), chi(R) and back, whole series at once, with noise carried through
the operators."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from ssbchar.constants import ETOK
from ssbchar.typing import Array, Complex
from ssbchar.xas import notes
from ssbchar.xas.exafs import autobk, fourier
from ssbchar.xas.exafs.options import DEFAULT_WINDOW, Exafs, FourierWindow
from ssbchar.xas.exafs.outputs import EXAFS

if TYPE_CHECKING:
    import xarray as xr

LAST_K = 13.0
"""The window ends here at most, where no end is configured [1/angstrom]."""
BELOW_SHELLS = 0.2
"""Shells are sought from so far beyond rbkg on [angstrom]."""


def extract_exafs(
    normalised: xr.Dataset, options: Exafs, *, window: FourierWindow = DEFAULT_WINDOW
) -> xr.Dataset:
    """Return chi(k), chi(R) and back-transformed chi(q) of every spectrum of a measurement.

    Parameters
    ----------
    normalised : Dataset
        From `ssbchar.xas.normalisation.normalise_spectra`.
    options : Exafs
        Background and back transform.
    window : FourierWindow
        Window in k.

    Returns
    -------
    Dataset, dims spectrum, k, r, q
        `ssbchar.xas.exafs.outputs.EXAFS`; k and q in 1/angstrom, R in angstrom. Where the scan ends
        below ``min_k`` there are no curves, and attrs ``exafs`` says why.
    """
    energy = normalised["energy"].values
    e0 = float(normalised["e0"])
    reach = float(np.sqrt(ETOK * max(energy[-1] - e0, 0.0)))
    if reach < options.min_k:
        reason = f"the scan ends at k = {reach:.1f}/angstrom, EXAFS needs {options.min_k:g}"
        return EXAFS.dataset({"e0": e0}, {**normalised.attrs, "exafs": reason})

    where = str(normalised.attrs.get("measurement", ""))
    all_notes = notes.read_notes(normalised.attrs)
    kmax = _choose_kmax(window, reach)
    if kmax > reach:
        text = f"the window ends at k = {kmax:g}, the scan at {reach:.2f}/angstrom"
        all_notes.append(notes.make_doubt(where, text))
        kmax = reach
    values = _transform_spectra(normalised, e0, kmax, options, window)
    size = values["chi_r_magnitude"].values[-1]
    all_notes += check_low_r(values["r"], size, options.rbkg, where)
    attrs = {**normalised.attrs, "exafs": "", "notes": json.dumps(all_notes)}
    return EXAFS.dataset(values, attrs)


def _choose_kmax(window: FourierWindow, reach: float) -> float:
    if window.kmax is not None:
        return window.kmax
    return float(min(LAST_K, np.floor(2 * (reach - 1)) / 2))


def _transform_spectra(
    normalised: xr.Dataset, e0: float, kmax: float, options: Exafs, window: FourierWindow
) -> dict[str, Any]:
    """Return the variables of the output by name."""
    import xarray as xr

    energy, mu = normalised["energy"].values, normalised["mu"].values
    step = normalised["edge_step"].values
    operators = autobk.build_operators(energy, e0, options)
    chi, coefficients, clamp_weight = autobk.chi_from_mu(operators, mu, step)
    k_window, weights = fourier.build_k_window(
        operators.k,
        kmin=window.kmin,
        kmax=kmax,
        dk=window.dk,
        shape=window.shape,
        kweight=options.kweight,
    )
    r, chi_r = fourier.chi_r_from_chi(chi, weights)
    q, chi_q, r_window = fourier.chi_q_from_chi_r(
        chi_r, rmin=options.rmin, rmax=options.rmax, dr=options.dr, shape=window.shape
    )

    mu_stderr = normalised["mu_stderr"].values[:, operators.first : operators.last + 1]
    variance = (mu_stderr / step[:, None]) ** 2
    # One operator for the whole series: the clamp weight changes little between spectra.
    to_chi = autobk.build_chi_operator(operators, float(np.median(clamp_weight)))
    to_r = fourier.build_transform_matrix(operators.k, weights, r)
    real_stderr, imag_stderr, magnitude_stderr = chi_r_stderr_from_variance(
        to_chi, to_r, variance, chi_r
    )

    def along(dim: str, values: Array, power: int, **attrs: str) -> xr.DataArray:
        # The unit follows the power of k, which the table of variables cannot know.
        units = f"angstrom^-{power}"
        return xr.DataArray(values, dims=("spectrum", dim), attrs={"units": units, **attrs})

    values: dict[str, Any] = {
        "k": operators.k,
        "r": r,
        "q": q,
        "energy": energy,
        "chi": chi,
        "chi_stderr": np.sqrt(variance @ (to_chi**2).T),
        "chi_q_real": along("q", chi_q.real, options.kweight),
        "chi_q_imag": along("q", chi_q.imag, options.kweight),
        "background": autobk.evaluate_background(operators, mu, coefficients),
        "window_k": k_window,
        "window_r": r_window,
        "clamp_weight": clamp_weight,
        "e0": e0,
        "kmin": window.kmin,
        "kmax": float(kmax),
        "kweight": options.kweight,
        "independent_points": 2 * (kmax - window.kmin) * (options.rmax - options.rmin) / np.pi,
        "name": normalised["name"],
        "status": normalised["status"],
    }
    for name, part, stderr in (
        ("chi_r_real", chi_r.real, real_stderr),
        ("chi_r_imag", chi_r.imag, imag_stderr),
        ("chi_r_magnitude", np.abs(chi_r), magnitude_stderr),
    ):
        power = options.kweight + 1
        values[name] = along("r", part, power, ancillary_variables=f"{name}_stderr")
        values[f"{name}_stderr"] = along("r", stderr, power)
    return values


def check_low_r(r: Array, size: Array, rbkg: float, where: str) -> list[notes.Note]:
    """Return a doubt where |chi(R)| below the first shell is higher than any shell: part of the
    background is left in.

    Parameters
    ----------
    r : array, shape (r,)
        [angstrom]
    size : array, shape (r,)
        |chi(R)|.
    rbkg : float
        Background distance [angstrom].
    where : str
        The measurement.

    Returns
    -------
    list of Note
        Empty where the highest peak is a shell.
    """
    is_low = r < rbkg + BELOW_SHELLS
    is_shell = r >= rbkg + BELOW_SHELLS
    if size[is_low].max() <= size[is_shell].max():
        return []
    at = r[is_low][np.argmax(size[is_low])]
    text = (
        f"|chi(R)| is highest at {at:.2f} angstrom, below the first shell: background; "
        f"raise exafs.rbkg (now {rbkg:g}), or check E0 and glitches"
    )
    return [notes.make_doubt(where, text)]


def chi_r_stderr_from_variance(
    to_chi: Array, to_r: Complex, variance: Array, chi_r: Complex
) -> tuple[Array, Array, Array]:
    """Return standard errors of the real and imaginary parts and of the magnitude of chi(R).

    With L = to_r to_chi: var Re = (Re L)**2 var, var Im = (Im L)**2 var, cov = (Re L)(Im L) var,
    and var |chi(R)| = (re**2 var Re + im**2 var Im + 2 re im cov) / |chi(R)|**2.

    Parameters
    ----------
    to_chi : array, shape (k, energy)
        From mu to chi times step.
    to_r : complex array, shape (r, k)
        From chi to chi(R).
    variance : array, shape (spectrum, energy)
        Of mu / step.
    chi_r : complex array, shape (spectrum, r)
        [1/angstrom**(w + 1)]

    Returns
    -------
    real, imag, magnitude : array, shape (spectrum, r)
        In the unit of chi(R).
    """
    matrix = to_r @ to_chi
    real2 = variance @ (matrix.real**2).T
    imag2 = variance @ (matrix.imag**2).T
    both = variance @ (matrix.real * matrix.imag).T
    re, im = chi_r.real, chi_r.imag
    size = np.maximum(re**2 + im**2, 1e-300)
    magnitude = np.maximum((re**2 * real2 + im**2 * imag2 + 2 * re * im * both) / size, 0)
    return np.sqrt(real2), np.sqrt(imag2), np.sqrt(magnitude)
