"""How many species a series holds: principal components above the noise, and isosbestic points."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ssbchar.errors import BadInput
from ssbchar.typing import Array
from ssbchar.xas.normalisation.processing import normalise_again, remove_exafs_again
from ssbchar.xas.series.drifts import build_drifts, count_above, count_species
from ssbchar.xas.series.noise_edge import compute_noise_edge
from ssbchar.xas.series.options import Series
from ssbchar.xas.series.outputs import COMPONENTS
from ssbchar.xas.series.resolution import Resolution, resolve_species

if TYPE_CHECKING:
    import xarray as xr

NOISE_KNOWN = 1.03
"""Factor to which the noise level is known; weaker components cannot be told from noise."""
MOST_RESOLVED = 4
"""Species above which no pure spectra are sought."""
FEWEST_POINTS = 10
"""Points of the window that components need."""
FEWEST_SPECTRA = 5
"""Spectra that components need."""
SCANS_OF_LEVEL = 31
"""Scans over which the noise level is a running median: one scan gives it to 10 % only."""
CROSSING_SIGMA = 5
"""Standard errors that the difference of start and end must reach on both sides of a crossing."""
REACH_SIGMA = 2
"""Standard errors around a crossing within which the place of least scatter is sought."""
PLACES = 21
"""Energies that are tried there."""
BELOW_EDGE = 5
"""Crossings further below the first half step are left out [eV]: they lie in the pre-edge."""


@dataclass(frozen=True, kw_only=True)
class SeriesWindow:
    """Spectra of a series in the window of the analysis."""

    energy: Array
    """Shape (energy,) [eV]."""
    norm: Array
    """Shape (spectrum, energy)."""
    stderr: Array
    """Standard error of `norm`, shape (spectrum, energy)."""
    point_stderr: Array
    """The part of `stderr` that neighbouring points do not share (they share baseline and step)."""
    half_steps: Array
    """Half-step energy of each spectrum, shape (spectrum,) [eV]."""
    axis_error: float
    """Error of one scan's energy axis against the others' [eV]."""


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """An energy where start and end of a series cross."""

    energy: float
    """[eV]"""
    value: float
    """Normalised absorption."""
    reduced_chi_square: float
    """Of the scatter of all spectra there."""
    p: float
    """Probability of a greater chi-square."""


def find_components(normalised: xr.Dataset, options: Series) -> xr.Dataset:
    """Return the principal components of a series, those above the noise, and isosbestic points.

    Spectra are whitened by the covariance of their noise: that of points, of pre-edge line and edge
    step (which follow from it), and of the energy axis. The remaining noise has unit variance, so
    its greatest squared singular value follows a known law (`compute_noise_edge`). Components above
    its 95 % point are more than noise; those that stay when drifts of axis, scale and baseline are
    taken out (`count_species`), and one for the mean, are species. Two to four species are resolved
    (`resolve_species`).

    Parameters
    ----------
    normalised : Dataset, dims spectrum, energy
        From `ssbchar.xas.series.normalise_series`; the last spectrum is the mean.
    options : Series
        Window [eV] and the test of isosbestic points.

    Returns
    -------
    Dataset, dims spectrum, component, energy, crossing
        As `ssbchar.xas.series.outputs.COMPONENTS`; energies in eV.

    Raises
    ------
    BadInput
        The window holds fewer than 10 points, or the series fewer than 5 spectra.
    """
    # The last spectrum is the mean, not a scan.
    scans = normalised.isel(spectrum=slice(None, -1))
    energy, e0 = normalised["energy"].values, float(normalised["e0"])
    use = (energy >= e0 + options.window[0]) & (energy <= e0 + options.window[1])
    norm = scans["norm"].values[:, use]
    if use.sum() < FEWEST_POINTS or len(norm) < FEWEST_SPECTRA:
        raise BadInput(
            str(normalised.attrs.get("measurement", "series")),
            f"{len(norm)} spectra of {int(use.sum())} points in the window",
            "widen series.window",
        )
    scale = estimate_noise_scale(normalised)
    white = build_whitener(normalised, use)
    whitened = (norm / scale[:, None]) @ white.T
    left, size, right = np.linalg.svd(whitened, full_matrices=False)
    n, p = norm.shape
    shown = min(options.shown, size.size)
    ratio = estimate_noise_ratio(size**2, n, p)
    # Noise below the stated level is no reason to find more components.
    level = (max(1.0, ratio) * NOISE_KNOWN) ** 2
    # Each component that is removed leaves a smaller matrix of noise; the noise itself is known
    # from the lower half.
    most = max(size.size // 2, shown)
    edges = level * np.array([compute_noise_edge(n - k, p - k) for k in range(most)])
    # The first component at or below its edge ends them.
    rank = count_above(size**2, edges)
    drifts = build_drifts(energy[use], norm, e0) @ white.T
    found = count_species(whitened, drifts, level)
    indicator = compute_indicator(size**2, n, p)
    stderr = _separate_noise(scans, use, scale, max(1.0, ratio))
    crossings = find_crossings(
        SeriesWindow(
            energy=energy[use],
            norm=norm,
            stderr=stderr.whole,
            point_stderr=stderr.point,
            half_steps=scans["e0_half"].values,
            axis_error=_read_axis_error(normalised),
        )
    )
    # Bonferroni: one improbable crossing of many is no surprise.
    least_p = options.isosbestic_p / max(len(crossings), 1)
    crossing_p = np.array([one.p for one in crossings], float)
    return COMPONENTS.dataset(
        {
            "energy": energy[use],
            "number": scans["number"].values,
            "eigenvalue": size[:shown] ** 2 / max(n, p),
            "edge": edges[:shown] / max(n, p),
            "indicator": indicator[:shown],
            "score": (left * size)[:, :shown] * scale[:, None],
            "loading": np.linalg.solve(white, right[:shown].T).T,
            "rank": rank,
            "species": min(found.species, rank),
            "doubtful": found.doubtful,
            "is_limited": int(found.is_limited or rank == most),
            "rank_indicator": int(np.nanargmin(indicator[: max(shown, 2)])) + 1,
            "noise_ratio": ratio,
            "crossing_energy": np.array([one.energy for one in crossings], float),
            "crossing_value": np.array([one.value for one in crossings], float),
            "crossing_chi2": np.array([one.reduced_chi_square for one in crossings], float),
            "crossing_p": crossing_p,
            "crossing_held": (crossing_p >= least_p).astype(int),
            **_tabulate_resolution(norm, stderr.whole, min(found.species, rank)),
        },
        attrs=normalised.attrs,
    )


def _tabulate_resolution(norm: Array, stderr: Array, species: int) -> dict[str, Array | float]:
    """Return the pure spectra and fractions of a series; empty where one species or too many are
    there."""
    if 2 <= species <= MOST_RESOLVED:
        found = resolve_species(norm, stderr, species)
    else:
        nothing = np.empty((len(norm), 0))
        found = Resolution(
            fraction=nothing,
            spectrum=np.empty((0, norm.shape[1])),
            lower=nothing,
            upper=nothing,
            r_factor=math.nan,
        )
    return {
        "pure": found.spectrum,
        "fraction": found.fraction,
        "fraction_lower": found.lower,
        "fraction_upper": found.upper,
        "resolution_r_factor": found.r_factor,
    }


@dataclass(frozen=True, kw_only=True)
class _SeparatedNoise:
    """Standard errors of a series with a steady profile over energy, shape (spectrum, energy)."""

    whole: Array
    point: Array
    """The part that neighbouring points do not share."""


def _separate_noise(
    scans: xr.Dataset, use: NDArray[np.bool_], scale: Array, ratio: float
) -> _SeparatedNoise:
    """Return standard errors from the series' profile and each scan's level, times `ratio`."""
    stderr = scans["norm_stderr"].values[:, use]
    of_points = scans["mu_stderr"].values[:, use] / scans["edge_step"].values[:, None]
    whole = ratio * np.outer(scale, np.median(stderr / scale[:, None], axis=0))
    point = whole * np.minimum(np.median(of_points / stderr, axis=0), 1.0)
    return _SeparatedNoise(whole=whole, point=point)


def estimate_noise_scale(normalised: xr.Dataset, width: int = SCANS_OF_LEVEL) -> Array:
    """Return the noise of each spectrum over that of the typical one.

    Noise of a point, from all points of a scan and the running median over `width` scans (the beam
    changes slowly), over the scan's own edge step.

    Parameters
    ----------
    normalised : Dataset, dims spectrum, energy
        ``mu_stderr`` [1] and ``edge_step`` [1]; the last spectrum is the mean.
    width : int
        Scans.

    Returns
    -------
    array, shape (spectrum - 1,)
    """
    from scipy.ndimage import median_filter

    noise = normalised["mu_stderr"].values[:-1]
    level = np.median(noise / np.median(noise, axis=0), axis=1)
    step = normalised["edge_step"].values[:-1]
    smooth = median_filter(level, size=min(width, level.size), mode="nearest")
    return np.asarray(smooth * np.median(step) / step)


def estimate_noise_ratio(squares: Array, n: int, p: int) -> float:
    """Return the noise observed over the noise stated, from the lower half of the eigenvalues.

    Expected eigenvalues of white noise are quantiles of the Marchenko-Pastur law (V. A. Marchenko &
    L. A. Pastur, Math. USSR Sb. 1 (1967) 457); in the lower half a few large components do not
    count.

    Parameters
    ----------
    squares : array, shape (min(n, p),)
        Squared singular values [noise variance].
    n, p : int
        Shape of the matrix.
    """
    small, large = min(n, p), max(n, p)
    shape = small / large
    low, high = (1 - np.sqrt(shape)) ** 2, (1 + np.sqrt(shape)) ** 2
    x = np.linspace(low, high, 4001)[1:-1]
    # The density vanishes at both ends, which the grid leaves out.
    share = np.cumsum(np.sqrt((high - x) * (x - low)) / x)
    lower = np.sort(squares[:small])[: small // 2] / large
    expected = np.interp((np.arange(lower.size) + 0.5) / small, share / share[-1], x)
    return float(np.sqrt(lower.sum() / expected.sum()))


def compute_indicator(squares: Array, n: int, p: int) -> Array:
    """Return Malinowski's indicator after 1, 2 ... components, least at the number of species.

    IND(k) = sqrt(sum_{j>k} s_j^2 / (r (c - k))) / (c - k)^2 with c the smaller and r the larger
    dimension (E. R. Malinowski, Anal. Chem. 49 (1977) 612).

    Parameters
    ----------
    squares : array, shape (min(n, p),)
        Squared singular values [noise variance].
    n, p : int
        Shape of the matrix.

    Returns
    -------
    array, shape (min(n, p),)
        NaN at the last.
    """
    c, r = min(n, p), max(n, p)
    k = np.arange(1, c)
    rest = np.cumsum(squares[:c][::-1])[::-1][1:]
    return np.asarray(np.append(np.sqrt(rest / (r * (c - k))) / (c - k) ** 2, np.nan))


def build_whitener(normalised: xr.Dataset, use: NDArray[np.bool_]) -> Array:
    """Return W with W C W' = 1, C the noise covariance of a typical normalised spectrum.

    norm = (A mu) / step: C = L S L', L = (A - norm w) / step, S that of points, which
    interpolation correlates (``noise_correlation``); an error of the energy axis adds
    its square times g g' for the slopes g of the first, middle and last third of the series.

    Parameters
    ----------
    normalised : Dataset, dims spectrum, energy
        From `ssbchar.xas.series.normalise_series`; energies in eV.
    use : array of bool, shape (energy,)
        The window.

    Returns
    -------
    array, shape (window, window)
    """
    mean = normalised.isel(spectrum=[-1])
    of_mean = normalise_again(mean, remove_exafs_again(mean), None).operators
    norm = normalised["norm"].values[:-1]
    step = float(np.median(normalised["edge_step"].values[:-1]))
    noise = np.median(normalised["mu_stderr"].values[:-1], axis=0)
    change = ((of_mean.subtraction - np.outer(norm.mean(axis=0), of_mean.step_weights)) / step)[use]
    change *= noise
    covariance = change @ normalised["noise_correlation"].values @ change.T
    axis_error = _read_axis_error(normalised)
    # The edge moves along a series, and with it the slope that an error of the axis acts on.
    for third in np.array_split(np.arange(len(norm)), 3):
        slope = np.gradient(norm[third].mean(axis=0), normalised["energy"].values)[use]
        covariance += axis_error**2 * np.outer(slope, slope)
    # C = K K' gives W = K^-1.
    return np.asarray(np.linalg.inv(np.linalg.cholesky(covariance)))


def _read_axis_error(normalised: xr.Dataset) -> float:
    """Return the error of one scan's energy axis against the others' [eV], 0 where unknown."""
    error = float(normalised.attrs.get("alignment_error", np.nan))
    return error if np.isfinite(error) else 0.0


def find_crossings(series: SeriesWindow) -> list[Crossing]:
    """Return where the first and the last tenth of a series cross, with the scatter there.

    At an isosbestic point all spectra of two species in changing shares meet: the scatter of the
    series there is its noise. A crossing counts if the difference reaches five standard errors on
    both sides; its place is the energy of least scatter within two standard errors of where the two
    means cross.

    Parameters
    ----------
    series : SeriesWindow
        Spectra of shape (spectrum, energy), energies in eV.

    Returns
    -------
    list of Crossing
        In the order of energy.
    """
    energy, norm, stderr = series.energy, series.norm, series.stderr
    tenth = max(len(norm) // 10, 2)
    change = norm[-tenth:].mean(axis=0) - norm[:tenth].mean(axis=0)
    variance = (stderr[-tenth:] ** 2).mean(axis=0) + (stderr[:tenth] ** 2).mean(axis=0)
    sigma = np.sqrt(variance) / np.sqrt(tenth)
    sign = np.zeros(energy.size, int)
    sign[change > CROSSING_SIGMA * sigma] = 1
    sign[change < -CROSSING_SIGMA * sigma] = -1
    above_pre_edge = energy > float(np.nanmin(series.half_steps)) - BELOW_EDGE
    marked = np.flatnonzero((sign != 0) & above_pre_edge)
    crossings = []
    for before, after in itertools.pairwise(marked):
        if sign[before] == sign[after]:
            continue
        # Noise may make the difference turn several times between two clear signs.
        turns = np.flatnonzero(np.diff(np.sign(change[before : after + 1])))
        i = before + int(turns[0])
        width = energy[i + 1] - energy[i]
        middle = energy[i] + width * change[i] / (change[i] - change[i + 1])
        steepness = max(abs(change[i] - change[i + 1]), 1e-12)
        reach = REACH_SIGMA * sigma[i] * width / steepness
        low, high = max(middle - reach, energy[0]), min(middle + reach, energy[-1])
        crossings.append(_find_least_scatter(series, np.linspace(low, high, PLACES)))
    return crossings


def _find_least_scatter(series: SeriesWindow, places: Array) -> Crossing:
    """Return the crossing at that of several energies where the series scatters least."""
    from scipy.special import chdtrc

    scatter = [_measure_scatter(series, float(place)) for place in places]
    best = int(np.argmin([chi_square for _, chi_square in scatter]))
    # One degree of freedom for the mean, one for the place.
    dof = len(series.norm) - 2
    mean, chi_square = scatter[best]
    return Crossing(
        energy=float(places[best]),
        value=mean,
        reduced_chi_square=chi_square / dof,
        p=float(chdtrc(dof, chi_square)),
    )


def _measure_scatter(series: SeriesWindow, at: float) -> tuple[float, float]:
    """Return the mean of a series at an energy and the chi-square of its scatter about it."""
    energy, norm = series.energy, series.norm
    i = min(max(int(np.searchsorted(energy, at)) - 1, 0), energy.size - 2)
    share = (at - energy[i]) / (energy[i + 1] - energy[i])
    value = (1 - share) * norm[:, i] + share * norm[:, i + 1]
    slope = (norm[:, i + 1] - norm[:, i]) / (energy[i + 1] - energy[i])
    point = series.point_stderr[:, i : i + 2]
    variance = (
        ((1 - share) * point[:, 0]) ** 2
        + (share * point[:, 1]) ** 2
        + (series.axis_error * slope) ** 2
    )
    # Baseline and step err alike at both points, so that their variance is interpolated.
    shared = series.stderr[:, i : i + 2] ** 2 - point**2
    variance += (1 - share) * shared[:, 0] + share * shared[:, 1]
    mean = float((value / variance).sum() / (1 / variance).sum())
    return mean, float(((value - mean) ** 2 / variance).sum())
