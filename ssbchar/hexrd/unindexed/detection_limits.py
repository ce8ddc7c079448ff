"""What would have been missed: the smallest amount of a phase that would have been seen in 95 of
100."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.conclusion import Conclusion
from ssbchar.crystal.cell import d_from_hkl
from ssbchar.hexrd.bragg import two_theta_from_d
from ssbchar.hexrd.unindexed.cell_matching import CandidateLines, list_candidate_lines
from ssbchar.statistics import ONE_SIDED_95
from ssbchar.storage import row_file
from ssbchar.storage.row_file import RowFile
from ssbchar.typing import Array
from ssbchar.verdict import Verdict

if TYPE_CHECKING:
    import xarray as xr

THRESHOLD = 5.0
"""Standard deviations from which a phase counts as seen."""
FEWEST_FRAMES = 3
"""Frames in which a point must be measured to have a limit."""


class LimitBasis(StrEnum):
    """What a detection limit in percent refers to."""

    WEIGHT = "by weight"
    INTENSITY = "of the strongest phase's intensity"


def limit_absent_phases(lattice: xr.Dataset, known: Mapping[str, xr.Dataset]) -> list[Conclusion]:
    """Return the detection limit of every phase that some frames do not show.

    Of the frames without the phase, the median of (threshold + 1.64) sigma of its intensity (L. A.
    Currie, Anal. Chem. 40 (1968) 586): in weight percent where the structures of all present phases
    are trusted, else relative to the usual intensity of the strongest phase.

    Parameters
    ----------
    lattice : Dataset
        ``lattice.nc``: ``intensity`` and ``intensity_stderr`` [count degree] and ``present``, shape
        (frame, phase); ``scale_stderr`` where there are structures.
    known : mapping of str to Dataset
        Reflections of the phases, by name.

    Returns
    -------
    list of Conclusion
        In percent.
    """
    rows = []
    intensity, stderr = lattice["intensity"].values, lattice["intensity_stderr"].values
    present = lattice["present"].values == 1
    strongest = _measure_strongest(intensity, present)
    if not strongest > 0:
        return []
    share = _weigh_intensities(lattice, known)
    for p, name in enumerate(lattice["phase"].values.astype(str)):
        absent = ~present[:, p] & np.isfinite(stderr[:, p]) & (stderr[:, p] > 0)
        if not absent.any():
            continue
        # an amount this many sigma above the threshold is seen in 95 of 100
        amount = (THRESHOLD + ONE_SIDED_95) * stderr[absent, p]
        if share is None:
            basis, values = LimitBasis.INTENSITY, 100 * amount / strongest
        else:
            mass = share[name] * amount
            basis = LimitBasis.WEIGHT
            values = 100 * mass / (mass + _measure_usual_mass(lattice, share))
        low, high = np.percentile(values, [5, 95])
        row = _conclude_limit(name, float(np.median(values)), basis)
        rows.append(
            replace(
                row,
                reason=f"{basis}; median of {absent.sum()} frames without it, "
                f"{low:.2g} to {high:.2g} % in nine of ten",
                method=f"{THRESHOLD:g} sigma reached in 95 of 100, "
                "from the noise of the refined intensity",
            )
        )
    return rows


def _conclude_limit(phase: str, value: float, basis: LimitBasis) -> Conclusion:
    return Conclusion(
        "detection_limit",
        value=value,
        unit="percent",
        verdict=Verdict.OK,
        subject=phase,
        basis=basis,
    )


def _measure_strongest(intensity: Array, present: Array) -> float:
    """Return the usual intensity of the strongest phase: the largest median over the frames that
    show a phase, 0 where none does."""
    usual = [
        float(np.median(values[there])) if there.any() else 0.0
        for values, there in zip(intensity.T, present.T, strict=True)
    ]
    return max(usual, default=0.0)


def select_mixture_limit(limits: Sequence[Conclusion]) -> list[Conclusion]:
    """Return the limit of the mixture: the largest among the phases it was asked for, so that any
    would be seen.

    Parameters
    ----------
    limits : sequence of Conclusion
        Detection limits of phases [percent].

    Returns
    -------
    list of Conclusion, of length 1 (int)
        None where there are no limits [percent].
    """
    # Shares by weight are preferred: those of the intensity depend on the phases' scattering power.
    for basis in LimitBasis:
        comparable = [c for c in limits if c.basis == basis and c.value is not None]
        if comparable:
            worst = max(comparable, key=lambda c: float(c.value or 0.0))
            names = ", ".join(dict.fromkeys(c.subject for c in comparable))
            reason = f"{basis}; the largest limit ({worst.subject}) of {names}"
            return [replace(worst, reason=reason)]
    return []


def find_detectable_area(area: Array | RowFile, stderr: Array | RowFile, threshold: float) -> Array:
    """Return the peak area that would be seen in 95 of 100 frames, at each place.

    A peak put into the residual adds its area to what the matched filter gives there (the filter is
    linear), so the area needed in a frame is threshold times sigma, less what is there; of these
    the 95th percentile over frames.

    Parameters
    ----------
    area, stderr : ndarray or RowFile, shape (frames, points)
        Of the matched filter on the residual [count point].
    threshold : float
        [standard deviations]

    Returns
    -------
    ndarray, shape (points,)
        In the unit of `area`; NaN where fewer than three frames were measured.
    """
    frames, count = area.shape
    out = np.full(count, np.nan)
    # a percentile needs all frames of a point at once: some points at a time bound the memory
    for points in row_file.split_rows((count, frames)):
        needed = np.empty((frames, points.stop - points.start), area.dtype)
        for part in row_file.split_rows(area.shape, area.dtype):
            a, s = area[part][:, points], stderr[part][:, points]
            needed[part] = np.where(np.isfinite(a) & np.isfinite(s), threshold * s - a, np.nan)
        measured = np.isfinite(needed).sum(axis=0) >= FEWEST_FRAMES
        out[points][measured] = percentile_of_measured(needed[:, measured], 95)
    return np.where(out > 0, out, np.nan)


def percentile_of_measured(values: Array, percent: float) -> Array:
    """Return a percentile over the frames where each point was measured, as
    `numpy.nanpercentile`, which takes the points one by one.

    Parameters
    ----------
    values : ndarray, shape (frames, points)
        In any unit; NaN where not measured, not everywhere at any point.
    percent : float
        0 to 100.

    Returns
    -------
    ndarray, shape (points,)
        Linear between the two frames next to it.
    """
    ordered = np.sort(values, axis=0)  # NaN last
    last = np.isfinite(values).sum(axis=0) - 1
    place = percent / 100 * last
    below = np.floor(place).astype(int)
    points = np.arange(values.shape[1])
    low, high = ordered[below, points], ordered[np.minimum(below + 1, last), points]
    return np.asarray(low + (high - low) * (place - below))


def limit_library_phases(
    tracks: xr.Dataset, phases: Iterable[xr.Dataset], strain: float
) -> list[Conclusion]:
    """Return the smallest amount of each phase of a list that its best line would have shown in 95
    of 100 frames.

    The phase's intensity is shared among its lines as its structure says (or as expected of lines
    of unknown structure); at each line the area needed is the median of `find_detectable_area`
    within the strain allowed. In weight percent where the structures of the phase and of all
    refined phases are trusted, else relative to the strongest.

    Parameters
    ----------
    tracks : Dataset
        ``tracks.nc``: ``detectable_area`` [count degree], shape (two_theta,), and
        ``known_intensity`` [count degree], shape (known_phase,).
    phases : iterable of Dataset
        Reflections of the phases.
    strain : float
        How far a line may be from that of the phase's cell [1].

    Returns
    -------
    list of Conclusion
        In percent.
    """
    two_theta = tracks["two_theta"].values
    wavelength, bounds = float(tracks["wavelength"]), (float(two_theta[0]), float(two_theta[-1]))
    tables = {str(p.attrs["phase"]): p for p in phases}
    refined = [str(n) for n in tracks["known_phase"].values]
    intensity = np.nan_to_num(tracks["known_intensity"].values)
    if not intensity.size or intensity.max() <= 0:
        return []
    density = {n: _mass_per_intensity(t, wavelength, bounds) for n, t in tables.items()}
    whole = sum(
        i * density.get(n, np.nan) for n, i in zip(refined, intensity, strict=True) if i > 0
    )
    rows = []
    for name, table in tables.items():
        lines = list_candidate_lines(table, wavelength, bounds)
        if lines is None or name in refined:
            continue
        best = _find_needed_intensity(tracks, lines, wavelength, strain)
        if not np.isfinite(best):
            continue
        mass = best * density[name]
        if np.isfinite(mass) and np.isfinite(whole):
            basis, value = LimitBasis.WEIGHT, 100 * mass / (mass + whole)
        else:
            basis, value = LimitBasis.INTENSITY, 100 * best / intensity.max()
        rows.append(
            replace(
                _conclude_limit(name, value, basis),
                reason=f"{basis}; its best line above {THRESHOLD:g} sigma in 95 of 100 frames "
                "of the residual",
                method="peaks put into the residual (matched filter, linear)",
            )
        )
    return rows


def _find_needed_intensity(
    tracks: xr.Dataset, lines: CandidateLines, wavelength: float, strain: float
) -> float:
    """Return the intensity [count degree] that a phase needs for its best line to be seen; infinite
    where no line is measured."""
    two_theta, needed = tracks["two_theta"].values, tracks["detectable_area"].values
    angles = two_theta_from_d(d_from_hkl(lines.hkl, lines.cell), wavelength)
    shares = lines.strength / lines.strength.sum()
    best = np.inf
    for angle, share in zip(angles, shares, strict=True):
        near = needed[np.abs(two_theta - angle) <= strain * angle]
        if np.isfinite(near).any():
            best = min(best, float(np.nanmedian(near)) / float(share))
    return float(best)


def _mass_per_intensity(table: xr.Dataset, wavelength: float, bounds: tuple[float, float]) -> float:
    """Return cell mass times volume over the summed intensity of the lines in range; NaN where not
    trusted."""
    lines = list_candidate_lines(table, wavelength, bounds)
    if lines is None or not _has_structure(table):
        return float("nan")
    mass, volume = float(table.attrs["cell_mass"]), float(table.attrs["volume"])
    return mass * volume / float(lines.strength.sum())


def _has_structure(table: xr.Dataset) -> bool:
    return bool(table.attrs.get("refinable")) and "cell_mass" in table.attrs


def _weigh_intensities(
    lattice: xr.Dataset, known: Mapping[str, xr.Dataset]
) -> dict[str, float] | None:
    """Return mass per intensity of each phase, cell mass times volume times scale over intensity;
    None if that of any phase is unknown."""
    if "scale_stderr" not in lattice:
        return None
    share = {}
    for p, name in enumerate(lattice["phase"].values.astype(str)):
        table = known.get(name)
        if table is None or not _has_structure(table):
            return None
        # both errors are those of one amount: their ratio is that of scale and intensity
        ratio = lattice["scale_stderr"].values[:, p] / lattice["intensity_stderr"].values[:, p]
        if not np.isfinite(ratio).any():
            return None
        mass, volume = float(table.attrs["cell_mass"]), float(table.attrs["volume"])
        share[name] = float(np.nanmedian(ratio)) * mass * volume
    return share


def _measure_usual_mass(lattice: xr.Dataset, share: Mapping[str, float]) -> float:
    """Return the usual mass of the phases present in a frame, in the unit of `share` times
    intensity."""
    intensity = np.nan_to_num(lattice["intensity"].values)
    present = np.where(lattice["present"].values == 1, intensity, 0.0)
    mass = present @ np.array([share[n] for n in lattice["phase"].values.astype(str)])
    return float(np.median(mass[mass > 0])) if np.any(mass > 0) else float("nan")
