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
from ssbchar.hexrd.unindexed.cell_matching import list_candidate_lines
from ssbchar.statistics import ONE_SIDED_95
from ssbchar.storage import row_file
from ssbchar.storage.row_file import RowFile
from ssbchar.typing import Array

if TYPE_CHECKING:
    import xarray as xr

THRESHOLD = 5.0
"""Standard deviations from which a phase counts as seen."""


class LimitBasis(StrEnum):
    """What a detection limit in percent refers to."""

    WEIGHT = "by weight"
    INTENSITY = "of the strongest phase's intensity"


def limit_absent_phases(lattice: xr.Dataset, known: Mapping[str, xr.Dataset]) -> list[Conclusion]:
    """Return the detection limit of every phase that some frames do not show.

    Of the frames without the phase, the median of (threshold + 1.64) sigma of its intensity: in
    weight percent where the structures of all present phases are trusted, else relative to the
    usual intensity of the strongest phase.
    """
    rows = []
    intensity, stderr = lattice["intensity"].values, lattice["intensity_stderr"].values
    present = lattice["present"].values == 1
    usual = [
        float(np.median(i[there])) if there.any() else 0.0
        for i, there in zip(intensity.T, present.T, strict=True)
    ]
    strongest = max(usual, default=0.0)
    if not strongest > 0:
        return []
    share = _weights(lattice, known)
    for p, name in enumerate(lattice["phase"].values.astype(str)):
        absent = ~present[:, p] & np.isfinite(stderr[:, p]) & (stderr[:, p] > 0)
        if not absent.any():
            continue
        # this many sigma above the threshold is seen in 95 of 100
        amount = (THRESHOLD + ONE_SIDED_95) * stderr[absent, p]
        relative = 100 * amount / strongest
        basis, values = LimitBasis.INTENSITY, relative
        if share is not None:
            mass = share[name] * amount
            values = 100 * mass / (mass + _total(lattice, share))
            basis = LimitBasis.WEIGHT
        low, high = np.percentile(values, [5, 95])
        reason = f"{basis}; median of {absent.sum()} frames without it, {low:.2g} to {high:.2g} % in nine of ten"
        method = (
            f"{THRESHOLD:g} sigma reached in 95 of 100, from the noise of the refined intensity"
        )
        limit = float(np.median(values))
        rows.append(
            Conclusion(
                "detection_limit",
                value=limit,
                unit="percent",
                verdict="ok",
                reason=reason,
                method=method,
                subject=name,
                basis=basis,
            )
        )
    return rows


def select_mixture_limit(limits: Sequence[Conclusion]) -> list[Conclusion]:
    """Return the limit of the mixture: the largest among the phases it was asked for, so that any
    would be seen."""
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
    area, stderr : ndarray or Stack, shape (frames, points)
        Of the matched filter on the residual.
    threshold : float
        [standard deviations]
    """
    out = np.full(area.shape[1], np.nan)
    for points in row_file.split_rows(
        (area.shape[1], area.shape[0])
    ):  # all frames of some points at once
        needed = np.empty((area.shape[0], points.stop - points.start), area.dtype)
        for part in row_file.split_rows(area.shape, area.dtype):
            a, s = area[part][:, points], stderr[part][:, points]
            needed[part] = np.where(np.isfinite(a) & np.isfinite(s), threshold * s - a, np.nan)
        measured = np.isfinite(needed).sum(axis=0) >= 3
        out[points][measured] = np.nanpercentile(needed[:, measured], 95, axis=0)
    return np.where(out > 0, out, np.nan)


def limit_library_phases(
    tracks: xr.Dataset, phases: Iterable[xr.Dataset], strain: float
) -> list[Conclusion]:
    """Return the smallest amount of each phase of a list that its best line would have shown in 95
    of 100 frames.

    The phase's intensity is shared among its lines as its structure says (or as expected of lines
    of unknown structure); at each line the area needed is the median of `detectable` within the
    strain allowed. In weight percent where the structures of the phase and of all refined phases
    are trusted, else relative to the strongest.
    """
    x = tracks["two_theta"].values
    needed = tracks["detectable_area"].values
    wavelength, bounds = float(tracks["wavelength"]), (float(x[0]), float(x[-1]))
    tables = {str(p.attrs["phase"]): p for p in phases}
    known = [str(n) for n in tracks["known_phase"].values]
    intensity = np.nan_to_num(tracks["known_intensity"].values)
    density = {n: _mass_per_intensity(t, wavelength, bounds) for n, t in tables.items()}
    whole = sum(i * density.get(n, np.nan) for n, i in zip(known, intensity, strict=True) if i > 0)
    rows = []
    for name, table in tables.items():
        lines = list_candidate_lines(table, wavelength, bounds)
        if lines is None or name in known or not intensity.size or intensity.max() <= 0:
            continue
        angle, share = (
            two_theta_from_d(d_from_hkl(lines.hkl, lines.cell), wavelength),
            lines.strength / lines.strength.sum(),
        )
        best = np.inf
        for at, part in zip(angle, share, strict=True):
            near = needed[np.abs(x - at) <= strain * at]
            if np.isfinite(near).any():
                best = min(best, float(np.nanmedian(near)) / float(part))
        if not np.isfinite(best):
            continue
        mass = best * density[name]
        by_weight = np.isfinite(mass) and np.isfinite(whole)
        value = 100 * mass / (mass + whole) if by_weight else 100 * best / intensity.max()
        basis = LimitBasis.WEIGHT if by_weight else LimitBasis.INTENSITY
        reason = (
            f"{basis}; its best line above {THRESHOLD:g} sigma in 95 of 100 frames of the residual"
        )
        method = "peaks put into the residual (matched filter, linear)"
        rows.append(
            Conclusion(
                "detection_limit",
                value=value,
                unit="percent",
                verdict="ok",
                reason=reason,
                method=method,
                subject=name,
                basis=basis,
            )
        )
    return rows


def _mass_per_intensity(table: xr.Dataset, wavelength: float, bounds: tuple[float, float]) -> float:
    """Return cell mass times volume over the summed intensity of the lines in range; NaN where not
    trusted."""
    lines = list_candidate_lines(table, wavelength, bounds)
    if lines is None or not table.attrs.get("refinable") or "cell_mass" not in table.attrs:
        return float("nan")
    return (
        float(table.attrs["cell_mass"]) * float(table.attrs["volume"]) / float(lines.strength.sum())
    )


def _weights(lattice: xr.Dataset, known: Mapping[str, xr.Dataset]) -> dict[str, float] | None:
    """Return mass per intensity of each phase, cell mass times volume times scale over intensity;
    None if unknown."""
    out = {}
    if "scale_stderr" not in lattice:
        return None
    for p, name in enumerate(lattice["phase"].values.astype(str)):
        about = known.get(name)
        if about is None or not about.attrs.get("refinable") or "cell_mass" not in about.attrs:
            return None
        ratio = lattice["scale_stderr"].values[:, p] / lattice["intensity_stderr"].values[:, p]
        if not np.isfinite(ratio).any():
            return None
        out[name] = (
            float(np.nanmedian(ratio))
            * float(about.attrs["cell_mass"])
            * float(about.attrs["volume"])
        )
    return out


def _total(lattice: xr.Dataset, share: Mapping[str, float]) -> float:
    """Return the usual mass of the phases present in a frame, in the unit of `share` times
    intensity."""
    names = lattice["phase"].values.astype(str)
    there = np.where(
        lattice["present"].values == 1, np.nan_to_num(lattice["intensity"].values), 0.0
    )
    mass = there @ np.array([share[n] for n in names])
    return float(np.median(mass[mass > 0])) if np.any(mass > 0) else float("nan")
