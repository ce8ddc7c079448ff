"""Cycled against pristine under the same processing, for hundreds of sets of choices: ratios, not
absolute heights."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ssbchar.runtime.progress import report_progress
from ssbchar.typing import Array
from ssbchar.xas import notes
from ssbchar.xas.comparison.options import Comparison
from ssbchar.xas.normalisation.processing import MergedSpectrum
from ssbchar.xas.normalisation.processing_choices import ProcessingChoice, draw_choices

if TYPE_CHECKING:
    import xarray as xr

NOISE_CHOICES = 5
"""Number of drawn choices for which the noise of the amplitudes is propagated; their median
counts."""


def compare_pair(pristine: xr.Dataset, cycled: xr.Dataset, options: Comparison) -> xr.Dataset:
    """Return the ensemble of paired comparisons of two merged spectra.

    Parameters
    ----------
    pristine, cycled : Dataset
        From `ssbchar.xas.normalisation.normalise_spectra`.
    options : Comparison
        Ensemble and shells.

    Returns
    -------
    Dataset, dims choice, shell, part (pristine, cycled)
        Per choice ``edge_shift`` [eV], ``white_line_change``, ``amplitude`` (choice, shell, part),
        ``ratio`` (choice, shell) and the drawn parameters; per shell ``ratio_stderr``, ``r_low``,
        ``r_high``, ``r_peak`` [angstrom]; scalars ``white_line_before``, ``white_line_stderr``,
        ``white_line_dof``, ``edge_shift_stderr``, ``edge_shift_systematic`` [eV],
        ``edge_shift_dof``. The first choice is the nominal one. Attrs: ``alignment`` and
        ``alignment_source`` of the pair.
    """
    import xarray as xr

    pair = _pair(pristine, cycled)
    reach = min(p.reach for p in pair)
    has_exafs = reach >= options.min_k
    end = pair[0].signal_end(options.signal) if has_exafs else reach
    drawn = draw_choices([p.energy for p in pair], [p.e0 for p in pair], options, end)
    shells, peaks = np.zeros((0, 2)), np.zeros(0)
    if has_exafs:
        shells, peaks = find_shells(pair[0], drawn[0], options)
    amplitude = np.full((len(drawn), len(shells), 2), np.nan)
    noise = np.full((len(drawn), len(shells), 2), np.nan)
    marks = np.empty((len(drawn), 2, 2))
    marks_noise = np.full((len(drawn), 2, 2), np.nan)
    for i, choice in enumerate(report_progress(drawn, "comparing", "choices")):
        for j, one in enumerate(pair):
            made = one.processed(choice, has_exafs)
            marks[i, j] = one.marks(made)
            if i <= NOISE_CHOICES:
                marks_noise[i, j] = one.marks_stderr(made)
            if len(shells):
                r, chi_r = one.chi_r(made, choice, options.kweight)
                amplitude[i, :, j], place = find_shell_maxima(r, np.abs(chi_r), shells)
                if i <= NOISE_CHOICES:
                    noise[i, :, j] = one.chi_r_stderr(made, choice, options.kweight)[place]
    half, top = marks[..., 0], marks[..., 1]
    ds = xr.Dataset(attrs=combine_alignments(pristine, cycled))
    for name in ("pre1", "pre2", "norm1", "norm2", "e0_offset"):
        ds[name] = ("choice", [getattr(c, name) for c in drawn], {"units": "eV"})
    for name, unit in (
        ("rbkg", "angstrom"),
        ("kmin", "1/angstrom"),
        ("kmax", "1/angstrom"),
        ("dk", "1/angstrom"),
    ):
        ds[name] = ("choice", [getattr(c, name) for c in drawn], {"units": unit})
    ds["tails"] = (
        "choice",
        [int(c.tails) for c in drawn],
        {"long_name": "1: the core level's tails left out"},
    )
    ds["nnorm"], ds["window"] = (
        ("choice", [c.nnorm for c in drawn]),
        ("choice", [c.window for c in drawn]),
    )
    ds["edge_shift"] = ("choice", half[:, 1] - half[:, 0], {"units": "eV"})
    ds["white_line_change"] = ("choice", top[:, 1] - top[:, 0], {"units": "1"})
    ds["amplitude"] = (
        ("choice", "shell", "part"),
        amplitude,
        {"units": f"angstrom^-{options.kweight + 1}"},
    )
    ratio = amplitude[..., 1] / amplitude[..., 0]
    ds["ratio"] = (
        ("choice", "shell"),
        ratio,
        {"units": "1", "ancillary_variables": "ratio_stderr"},
    )
    relative = np.hypot(noise[..., 1], ratio * noise[..., 0]) / amplitude[..., 0]
    ds["ratio_stderr"] = ("shell", np.nanmedian(relative, axis=0), {"units": "1"})
    for name, values in (("r_low", shells[:, 0]), ("r_high", shells[:, 1]), ("r_peak", peaks)):
        ds[name] = ("shell", values, {"units": "angstrom"})
    ds["kweight"] = ((), options.kweight)
    ds["white_line_before"] = ((), float(np.median(top[:, 0])), {"units": "1"})
    _edge_errors(ds, pristine, cycled, np.nanmedian(marks_noise, axis=0))
    return ds


def _pair(pristine: xr.Dataset, cycled: xr.Dataset) -> list[MergedSpectrum]:
    """Return both merged spectra, with one origin E0 (the pristine's) where they lie on one energy
    axis.

    On a common axis the photoelectron of the structure that is still there starts where it did; an
    own E0 for each would move k where a part of the absorber has changed its valence, and with k
    the amplitudes.
    """
    kinds = {ds.attrs.get("alignment", "none") for ds in (pristine, cycled)}
    first = MergedSpectrum(pristine)
    second = MergedSpectrum(cycled, first.e0 if kinds in ({"foil"}, {"project"}) else None)
    first.victoreen, first.exafs_free, first.core_width = (
        second.victoreen,
        second.exafs_free,
        second.core_width,
    )
    first.above = second.above = min(first.above, second.above)
    return [first, second]


def find_shells(
    one: MergedSpectrum, choice: ProcessingChoice, options: Comparison
) -> tuple[Array, Array]:
    """Return R ranges and peaks of the shells [angstrom]: configured, or the three first peaks of
    |chi(R)|.

    A peak counts from R = rbkg on where it exceeds five standard errors and 5 % of the highest; its
    range ends at the neighbouring minima, 0.5 angstrom away at most.
    """
    from scipy.signal import find_peaks

    made = one.processed(choice, with_exafs=True)
    r, chi_r = one.chi_r(made, choice, options.kweight)
    stderr = one.chi_r_stderr(made, choice, options.kweight)
    size = np.abs(chi_r)
    if options.shells:
        given = np.array(options.shells, float)
        return given, r[find_shell_maxima(r, size, given)[1]]
    inside = (r > choice.rbkg + 0.1) & (r < 5.5)
    highest = size[inside].max()
    floor = np.maximum(5 * stderr, 0.05 * highest)
    found = [
        p
        for p in find_peaks(size, prominence=0.03 * highest)[0]
        if inside[p] and size[p] > floor[p]
    ][:3]
    troughs = find_peaks(-size)[0]
    ranges = []
    for p in found:
        low = r[max((t for t in troughs if t < p), default=0)]
        high = r[min((t for t in troughs if t > p), default=size.size - 1)]
        ranges.append([max(low, r[p] - 0.5), min(high, r[p] + 0.5)])
    return np.array(ranges, float).reshape(-1, 2), r[np.array(found, int)]


def find_shell_maxima(r: Array, size: Array, shells: Array) -> tuple[Array, NDArray[np.int_]]:
    """Return the highest |chi(R)| within each R range, and where (index)."""
    places = []
    for low, high in shells:
        inside = np.flatnonzero((r >= low - 1e-9) & (r <= high + 1e-9))
        places.append(int(inside[np.argmax(size[inside])]))
    index = np.array(places, int)
    return size[index], index


def combine_alignments(pristine: xr.Dataset, cycled: xr.Dataset) -> dict[str, object]:
    """Return what the pair's common axis rests on (the foil of both, a repeatability, or nothing);
    pristine's notes."""
    kinds = [ds.attrs.get("alignment", "none") for ds in (pristine, cycled)]
    sources = [str(ds.attrs.get("alignment_source", "")) for ds in (pristine, cycled)]
    about = {k: pristine.attrs.get(k, "") for k in ("element", "edge")}
    about.update(set_aside="[]", notes=json.dumps(notes.read_notes_of_other(pristine.attrs)))
    if "project" in kinds:
        return {**about, "alignment": "none", "alignment_source": "project alignment applied"}
    if "none" in kinds or kinds[0] != kinds[1]:
        return {
            **about,
            "alignment": "none",
            "alignment_source": "no foil on both and no stated repeatability",
        }
    return {**about, "alignment": kinds[0], "alignment_source": sources[1]}


def _edge_errors(
    ds: xr.Dataset, pristine: xr.Dataset, cycled: xr.Dataset, marks_noise: Array
) -> None:
    """Add the standard errors of edge shift and white line: noise, and the scatter of three repeats
    or more.

    `marks_noise` (part, mark) is the noise carried through.
    """
    for mark, (name, what, unit) in enumerate(
        (("edge_shift", "e0_half", "eV"), ("white_line", "white_line", "1"))
    ):
        variance, freedom, systematic = 0.0, 0.0, 0.0
        for j, part in enumerate((pristine, cycled)):
            ok = np.flatnonzero(part["status"].values[:-1] == "ok")
            noise = float(marks_noise[j, mark]) ** 2
            if ok.size >= 3:
                one = max(float(np.var(part[what].values[ok], ddof=1)) / ok.size, noise)
                freedom += one**2 / (ok.size - 1)
            else:
                one = noise
                if what == "e0_half" and part.attrs.get("alignment") == "foil":
                    systematic += float(part.attrs["alignment_error"]) ** 2 / max(ok.size, 1)
            if what == "e0_half" and part.attrs.get("alignment") == "repeatability":
                systematic += float(part.attrs["alignment_error"]) ** 2
            variance += one
        ds[f"{name}_stderr"] = ((), np.sqrt(variance), {"units": unit})
        ds[f"{name}_dof"] = ((), variance**2 / freedom if freedom > 0 else 1e9, {"units": "1"})
        if what == "e0_half":
            ds["edge_shift_systematic"] = ((), np.sqrt(systematic), {"units": "eV"})
