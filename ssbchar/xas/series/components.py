"""How many species a series holds: principal components above the known noise, and isosbestic
points."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ssbchar.errors import BadInput
from ssbchar.typing import Array
from ssbchar.xas.normalisation.part import normalise_under_choice, remove_exafs_of_measurement
from ssbchar.xas.series.options import Series

if TYPE_CHECKING:
    import xarray as xr

TRACY_WIDOM_95 = 0.9793
"""95 % quantile of the Tracy-Widom law of real matrices."""
NOISE_KNOWN = 1.03
"""Factor to which the level of the noise is known; components below its share are not told from
noise."""


def find_components(normalised: xr.Dataset, options: Series) -> xr.Dataset:
    """Return the principal components of a series, their number above the noise, and its isosbestic
    points.

    Spectra are whitened by the covariance of their noise: that of points, of pre-edge line and edge
    step (which follow from it), and of the energy axis. What is left of noise has unit variance, so
    its greatest squared singular value follows a known law (`noise_edge`); components above its 95
    % point are species.

    Parameters
    ----------
    normalised : Dataset
        From `ssbchar.xas.series.normalise_series`.
    options : Series
        Range.

    Returns
    -------
    Dataset, dims spectrum, component, energy, crossing
        ``eigenvalue`` (component; squared singular value over the larger dimension), ``edge``
        (component; greatest that noise gives once the earlier ones are taken out), ``indicator``
        (component; Malinowski's), ``score`` (spectrum, component), ``loading`` (component, energy);
        scalars ``rank``, ``rank_indicator``, ``noise_ratio`` (noise seen over noise stated); per
        crossing ``crossing_energy`` [eV], ``crossing_value``, ``crossing_chi2``, ``crossing_p``,
        ``crossing_held`` (1: all spectra meet there, p not below `isosbestic_p` over the number of
        crossings); per spectrum ``number``.
    """
    import xarray as xr

    energy = normalised["energy"].values
    e0 = float(normalised["e0"])
    use = (energy >= e0 + options.window[0]) & (energy <= e0 + options.window[1])
    rows, stderr = (
        normalised["norm"].values[:-1][:, use],
        normalised["norm_stderr"].values[:-1][:, use],
    )
    if use.sum() < 10 or len(rows) < 5:
        where = str(normalised.attrs.get("measurement", "series"))
        raise BadInput(
            where,
            f"{len(rows)} spectra of {int(use.sum())} points in the window",
            "widen series.window",
        )
    scale = estimate_noise_scale(normalised)
    white = build_whitener(normalised, use)
    left, size, right = np.linalg.svd((rows / scale[:, None]) @ white.T, full_matrices=False)
    n, p = rows.shape
    shown = min(options.shown, size.size)
    edges = np.array([compute_noise_edge(n - k, p - k) for k in range(shown)])
    ratio = estimate_noise_ratio(size**2, n, p)
    edges *= (max(1.0, ratio) * NOISE_KNOWN) ** 2
    above = size[:shown] ** 2 > edges
    rank = int(np.argmin(above)) if not above.all() else shown
    ind = compute_indicator(size**2, n, p)
    ds = xr.Dataset(
        coords={"energy": ("energy", energy[use], {"units": "eV"})}, attrs=dict(normalised.attrs)
    )
    larger = max(n, p)
    ds["eigenvalue"] = ("component", size[:shown] ** 2 / larger, {"units": "1"})
    ds["edge"] = ("component", edges / larger, {"units": "1"})
    ds["indicator"] = ("component", ind[:shown], {"units": "1"})
    ds["score"] = (
        ("spectrum", "component"),
        (left * size)[:, :shown] * scale[:, None],
        {"units": "1"},
    )
    ds["loading"] = (
        ("component", "energy"),
        np.linalg.solve(white, right[:shown].T).T,
        {"units": "1"},
    )
    ds["rank"], ds["rank_indicator"] = ((), rank), ((), int(np.nanargmin(ind[: max(shown, 2)])) + 1)
    ds["noise_ratio"] = ((), ratio, {"units": "1"})
    ds["number"] = ("spectrum", normalised["number"].values[:-1])
    steady = max(1.0, ratio) * np.outer(scale, np.median(stderr / scale[:, None], axis=0))
    own = normalised["mu_stderr"].values[:-1][:, use] / normalised["edge_step"].values[:-1, None]
    point = steady * np.minimum(np.median(own / stderr, axis=0), 1.0)
    halves = normalised["e0_half"].values[:-1]
    found = find_crossings(energy[use], rows, steady, point, halves, _read_axis_error(normalised))
    for name, values in zip(("energy", "value", "chi2", "p"), found, strict=True):
        ds[f"crossing_{name}"] = ("crossing", values, {"units": "eV" if name == "energy" else "1"})
    ds["crossing_held"] = (
        "crossing",
        (found[3] >= options.isosbestic_p / max(found[3].size, 1)).astype(int),
    )
    return ds


def estimate_noise_scale(normalised: xr.Dataset, width: int = 31) -> Array:
    """Return the noise of each spectrum over that of the typical one.

    Noise of a point, from all points of a scan and the running median over `width` scans (one scan
    tells its noise to 10 % only, the beam changes slowly), over the scan's own edge step.
    """
    from scipy.ndimage import median_filter

    noise = normalised["mu_stderr"].values[:-1]
    factor = np.median(noise / np.median(noise, axis=0), axis=1)
    step = normalised["edge_step"].values[:-1]
    return np.asarray(
        median_filter(factor, size=min(width, factor.size), mode="nearest") * np.median(step) / step
    )


def compute_noise_edge(n: int, p: int) -> float:
    """Return the 95 % point of the greatest squared singular value of an n x p matrix of unit white
    noise.

    mu + 0.98 sigma, mu = (sqrt(n - 1) + sqrt(p))^2, sigma = (sqrt(n - 1) + sqrt(p)) (1/sqrt(n - 1)
    + 1/sqrt(p))^(1/3) (I. M. Johnstone, Ann. Statist. 29 (2001) 295).
    """
    a, b = np.sqrt(max(n - 1, 1)), np.sqrt(p)
    return float((a + b) ** 2 + TRACY_WIDOM_95 * (a + b) * (1 / a + 1 / b) ** (1 / 3))


def estimate_noise_ratio(squares: Array, n: int, p: int) -> float:
    """Return the noise seen over the noise stated: the lower half of the eigenvalues against those
    of white noise.

    The expected ones are quantiles of the Marchenko-Pastur law (V. A. Marchenko & L. A. Pastur,
    Math. USSR Sb. 1 (1967) 457), so that a few large components do not count.
    """
    small, large = min(n, p), max(n, p)
    shape = small / large
    low, high = (1 - np.sqrt(shape)) ** 2, (1 + np.sqrt(shape)) ** 2
    x = np.linspace(low, high, 4001)[1:-1]
    share = np.cumsum(np.sqrt((high - x) * (x - low)) / x)
    lower = np.sort(squares[:small])[: small // 2] / large
    expected = np.interp((np.arange(lower.size) + 0.5) / small, share / share[-1], x)
    return float(np.sqrt(lower.sum() / expected.sum()))


def compute_indicator(squares: Array, n: int, p: int) -> Array:
    """Return Malinowski's indicator after 1, 2 ... components; it is least at the number of
    species.

    IND(k) = sqrt(sum_{j>k} s_j^2 / (r (c - k))) / (c - k)^2 with c the smaller and r the larger
    dimension (E. R. Malinowski, Anal. Chem. 49 (1977) 612).
    """
    c, r = min(n, p), max(n, p)
    k = np.arange(1, c)
    left = np.cumsum(squares[:c][::-1])[::-1][1:]
    return np.asarray(np.append(np.sqrt(left / (r * (c - k))) / (c - k) ** 2, np.nan))


def build_whitener(normalised: xr.Dataset, use: NDArray[np.bool_]) -> Array:
    """Return W with W C W' = 1, C the covariance of the noise of a typical normalised spectrum in
    the window.

    norm = (A mu) / step: C = L S L', L = (A - norm w) / step, S that of points, which
    interpolation correlates (``noise_correlation``); an error of the energy axis adds
    its square times g g' for the slopes g of the first, middle and last third of the series.
    """
    mean = normalised.isel(spectrum=[-1])
    part = normalise_under_choice(
        mean, remove_exafs_of_measurement(mean), None, with_operators=True
    )
    rest, weights = part.rest, part.weights
    norm = normalised["norm"].values[:-1]
    step = float(np.median(normalised["edge_step"].values[:-1]))
    noise = np.median(normalised["mu_stderr"].values[:-1], axis=0)
    change = ((rest - np.outer(norm.mean(axis=0), weights)) / step)[use]
    change *= noise
    covariance = change @ normalised["noise_correlation"].values @ change.T
    for third in np.array_split(np.arange(len(norm)), 3):
        slope = np.gradient(norm[third].mean(axis=0), normalised["energy"].values)[use]
        covariance += _read_axis_error(normalised) ** 2 * np.outer(slope, slope)
    return np.asarray(np.linalg.inv(np.linalg.cholesky(covariance)))


def _read_axis_error(normalised: xr.Dataset) -> float:
    """Return the error of one scan's energy axis against the others' [eV], 0 where unknown."""
    error = float(normalised.attrs.get("alignment_error", np.nan))
    return error if np.isfinite(error) else 0.0


def _measure_scatter(
    energy: Array, norm: Array, stderr: Array, point: Array, at: float, axis_error: float
) -> tuple[float, float]:
    """Return the mean of a series at an energy and the chi^2 of its scatter about it."""
    i = min(max(int(np.searchsorted(energy, at)) - 1, 0), energy.size - 2)
    share = (at - energy[i]) / (energy[i + 1] - energy[i])
    value = (1 - share) * norm[:, i] + share * norm[:, i + 1]
    slope = (norm[:, i + 1] - norm[:, i]) / (energy[i + 1] - energy[i])
    square = (
        ((1 - share) * point[:, i]) ** 2
        + (share * point[:, i + 1]) ** 2
        + (axis_error * slope) ** 2
    )
    square += (1 - share) * (stderr**2 - point**2)[:, i] + share * (stderr**2 - point**2)[:, i + 1]
    mean = float((value / square).sum() / (1 / square).sum())
    return mean, float(((value - mean) ** 2 / square).sum())


def find_crossings(
    energy: Array, norm: Array, stderr: Array, point: Array, halves: Array, axis_error: float
) -> tuple[Array, Array, Array, Array]:
    """Return energies [eV] where the first and the last tenth of a series cross, norm there, chi^2
    and its p.

    At an isosbestic point all spectra of two species in changing shares meet: the scatter of the
    series there is its noise. A crossing counts where the difference reaches five standard errors
    on both sides; its place is the energy of least scatter within two standard errors of where the
    two means cross.

    Parameters
    ----------
    energy, norm, stderr, point : array, shapes (energy,), (spectrum, energy) ...
        `point` is the part of `stderr` that neighbouring points do not share (baseline and step
        they do).
    halves : array, shape (spectrum,)
        Half-step energies [eV]; crossings below the first are left out (pre-edge).
    axis_error : float
        [eV]
    """
    from scipy.special import chdtrc

    tenth = max(len(norm) // 10, 2)
    change = norm[-tenth:].mean(axis=0) - norm[:tenth].mean(axis=0)
    sigma = np.sqrt(
        (stderr[-tenth:] ** 2).mean(axis=0) + (stderr[:tenth] ** 2).mean(axis=0)
    ) / np.sqrt(tenth)
    sign = np.where(change > 5 * sigma, 1, np.where(change < -5 * sigma, -1, 0))
    marked = np.flatnonzero((sign != 0) & (energy > float(np.nanmin(halves)) - 5))
    found = []
    for a, b in itertools.pairwise(marked):
        if sign[a] == sign[b]:
            continue
        i = a + int(np.flatnonzero(np.diff(np.sign(change[a : b + 1])))[0])
        width = energy[i + 1] - energy[i]
        middle = energy[i] + width * change[i] / (change[i] - change[i + 1])
        reach = 2 * sigma[i] * width / max(abs(change[i] - change[i + 1]), 1e-12)
        places = np.linspace(max(middle - reach, energy[0]), min(middle + reach, energy[-1]), 21)
        scatter = [
            _measure_scatter(energy, norm, stderr, point, float(x), axis_error) for x in places
        ]
        best = int(np.argmin([chi2 for _, chi2 in scatter]))
        dof = len(norm) - 2
        mean, chi2 = scatter[best]
        found.append((places[best], mean, chi2 / dof, float(chdtrc(dof, chi2))))
    columns = np.array(found, float).reshape(-1, 4).T
    return columns[0], columns[1], columns[2], columns[3]
