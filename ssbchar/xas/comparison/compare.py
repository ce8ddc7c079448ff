"""Cycled against pristine under the same processing, for hundreds of sets of choices: ratios, not
absolute heights."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ssbchar.runtime.progress import report_progress
from ssbchar.typing import Array, Index
from ssbchar.xas import notes
from ssbchar.xas.calibration.calibrate import ON_ONE_AXIS, AlignmentKind
from ssbchar.xas.calibration.foil_alignment import align_edges
from ssbchar.xas.comparison.edge_errors import (
    estimate_pair_error,
    find_repeats,
    propagate_edge_errors,
)
from ssbchar.xas.comparison.options import Comparison
from ssbchar.xas.comparison.outputs import COMPARISON
from ssbchar.xas.comparison.sampling import estimate_sampling_error
from ssbchar.xas.exafs.options import DEFAULT_WINDOW, FourierWindow
from ssbchar.xas.normalisation.merged_spectrum import MergedSpectrum
from ssbchar.xas.normalisation.processing_choices import ProcessingChoice, draw_choices

if TYPE_CHECKING:
    import xarray as xr

NOISE_CHOICES = 5
"""Number of drawn choices for which the noise of the amplitudes is propagated; their median
counts."""
WHOLE_EDGE = (-20.0, 30.0)
"""Range in which two edges are laid on each other as a whole [eV, relative to E0]."""
SHELLS = 3
"""So many shells are found where none are configured."""
LAST_SHELL = 5.5
"""Shells are sought below this R [angstrom]."""
HALF_WIDTH = 0.5
"""A shell's range ends this far from its peak at most [angstrom]."""
CHOICE_FIELDS = (
    "pre1",
    "pre2",
    "norm1",
    "norm2",
    "nnorm",
    "e0_offset",
    "rbkg",
    "kmin",
    "kmax",
    "dk",
    "window",
)
"""Parameters of a choice that the output lists as they are."""


class Pair(NamedTuple):
    """The merged spectra of both measurements."""

    pristine: MergedSpectrum
    cycled: MergedSpectrum


@dataclass(frozen=True, kw_only=True)
class Shells:
    """The shells that are compared."""

    ranges: Array
    """Lower and upper R, shape (shell, 2) [angstrom]."""
    peaks: Array
    """R of the pristine's peaks, shape (shell,) [angstrom]."""

    @property
    def count(self) -> int:
        """Number of shells."""
        return len(self.ranges)


@dataclass(frozen=True, kw_only=True)
class Ensemble:
    """What both spectra give under every choice; noise is NaN where it was not propagated."""

    half_step: Array
    """Shape (choice, part) [eV]."""
    half_step_noise: Array
    """Shape (choice, part) [eV]."""
    white_line: Array
    """Shape (choice, part)."""
    white_line_noise: Array
    """Shape (choice, part)."""
    amplitude: Array
    """Shape (choice, shell, part)."""
    amplitude_noise: Array
    """Shape (choice, shell, part)."""

    @classmethod
    def empty(cls, choices: int, shells: int) -> Ensemble:
        """Return an ensemble to be filled."""
        return cls(
            half_step=np.empty((choices, 2)),
            half_step_noise=np.full((choices, 2), np.nan),
            white_line=np.empty((choices, 2)),
            white_line_noise=np.full((choices, 2), np.nan),
            amplitude=np.full((choices, shells, 2), np.nan),
            amplitude_noise=np.full((choices, shells, 2), np.nan),
        )


def compare_pair(
    pristine: xr.Dataset,
    cycled: xr.Dataset,
    options: Comparison,
    *,
    window: FourierWindow = DEFAULT_WINDOW,
) -> xr.Dataset:
    """Return the ensemble of paired comparisons of two merged spectra.

    Parameters
    ----------
    pristine, cycled : Dataset
        From `ssbchar.xas.normalisation.normalise_spectra`.
    options : Comparison
        Ensemble and shells.
    window : FourierWindow
        Nominal window in k.

    Returns
    -------
    Dataset, dims choice, shell, part (pristine, cycled)
        `ssbchar.xas.comparison.outputs.COMPARISON`; energies in eV, R in angstrom. The first choice
        is the nominal one.
    """
    pair = build_pair(pristine, cycled)
    reach = min(one.reach for one in pair)
    has_exafs = reach >= options.min_k
    signal_end = pair.pristine.find_signal_end(options.signal) if has_exafs else reach
    choices = draw_choices(
        [one.energy for one in pair],
        [one.e0 for one in pair],
        options,
        window=window,
        signal_end=signal_end,
    )
    shells = Shells(ranges=np.zeros((0, 2)), peaks=np.zeros(0))
    if has_exafs:
        shells = find_shells(pair.pristine, choices[0], options)
    found = process_pair(pair, choices, shells, has_exafs=has_exafs, kweight=options.kweight)
    repeats = [
        measure_repeats(part, one, choices[0], shells, options.kweight)
        for part, one in zip((pristine, cycled), pair, strict=True)
    ]
    edge_errors = propagate_edge_errors(
        (pristine, cycled),
        half_step_noise=np.nanmedian(found.half_step_noise, axis=0),
        white_line_noise=np.nanmedian(found.white_line_noise, axis=0),
    )
    values = {
        **_list_choices(choices),
        **_compare_ensemble(found, options.kweight),
        **_propagate_ratio_errors(found, repeats),
        "ratio_sampling": estimate_sampling_error(
            pair.pristine.energy,
            pair.cycled.energy - pair.cycled.e0 + pair.pristine.e0,
            pair.pristine.e0,
            k_range=(choices[0].kmin, choices[0].kmax),
            places=shells.peaks,
        ),
        "whole_edge_shift": align_whole_edges(pair, choices[0]),
        "r_low": shells.ranges[:, 0],
        "r_high": shells.ranges[:, 1],
        "r_peak": shells.peaks,
        "kweight": options.kweight,
        **edge_errors,
    }
    return COMPARISON.dataset(values, combine_alignments(pristine, cycled))


def build_pair(pristine: xr.Dataset, cycled: xr.Dataset) -> Pair:
    """Return both merged spectra, to be processed alike.

    Where they lie on one energy axis they share one origin E0, the pristine's: the photoelectron of
    the structure that is still there starts where it did. An own E0 for each would move k where a
    part of the absorber has changed its valence, and with k the amplitudes.

    Both are normalised as the cycled one was, and both use the range above E0 of the shorter one,
    so that their splines have one size.

    Parameters
    ----------
    pristine, cycled : Dataset
        From `ssbchar.xas.normalisation.normalise_spectra`, energies in eV.

    Returns
    -------
    Pair
        Arrays of shape (1, energy).
    """
    kinds = {ds.attrs.get("alignment", AlignmentKind.NONE) for ds in (pristine, cycled)}
    first = MergedSpectrum.from_dataset(pristine)
    on_one_axis = len(kinds) == 1 and kinds <= ON_ONE_AXIS
    second = MergedSpectrum.from_dataset(cycled, first.e0 if on_one_axis else None)
    # Ends a little apart must not give one spline a knot more: ratios would jump by per cents.
    span = min(first.span, second.span)
    return Pair(
        replace(
            first,
            victoreen=second.victoreen,
            exafs_free=second.exafs_free,
            core_width=second.core_width,
            span=span,
        ),
        replace(second, span=span),
    )


def process_pair(
    pair: Pair,
    choices: Sequence[ProcessingChoice],
    shells: Shells,
    *,
    has_exafs: bool,
    kweight: int,
) -> Ensemble:
    """Return half step, white line and amplitudes of both spectra under every choice.

    Parameters
    ----------
    pair : Pair
    choices : sequence of ProcessingChoice
    shells : Shells
        R ranges [angstrom].
    has_exafs : bool
        Both scans reach far enough for EXAFS.
    kweight : int
        Power of k in the Fourier transform.

    Returns
    -------
    Ensemble
        Arrays of shape (choice, part) and (choice, shell, part), energies in eV.
    """
    found = Ensemble.empty(len(choices), shells.count)
    for i, choice in enumerate(report_progress(choices, "comparing", "choices")):
        # Noise depends on the choice little and costs most of the time.
        noisy = i <= NOISE_CHOICES
        for part, one in enumerate(pair):
            processed = one.process(choice, has_exafs)
            half, top = one.measure_edge(processed)
            found.half_step[i, part], found.white_line[i, part] = half, top
            if noisy:
                half, top = one.calculate_edge_stderr(processed)
                found.half_step_noise[i, part], found.white_line_noise[i, part] = half, top
            if not shells.count:
                continue
            r, chi_r = one.calculate_chi_r(processed, choice, kweight)
            amplitude, place = find_shell_maxima(r, np.abs(chi_r), shells.ranges)
            found.amplitude[i, :, part] = amplitude
            if noisy:
                stderr = one.calculate_chi_r_stderr(processed, choice, kweight)
                found.amplitude_noise[i, :, part] = stderr[place]
    return found


def _list_choices(choices: Sequence[ProcessingChoice]) -> dict[str, Any]:
    listed: dict[str, Any] = {
        name: [getattr(choice, name) for choice in choices] for name in CHOICE_FIELDS
    }
    return {**listed, "tails": [int(choice.tails) for choice in choices]}


def _compare_ensemble(found: Ensemble, kweight: int) -> dict[str, Any]:
    """Return differences and ratios of the two parts, by the names of the output."""
    import xarray as xr

    before, after = found.amplitude[..., 0], found.amplitude[..., 1]
    ratio = after / before
    # The unit follows the power of k, which the table of variables cannot know.
    units = {"units": f"angstrom^-{kweight + 1}"}
    return {
        "edge_shift": found.half_step[:, 1] - found.half_step[:, 0],
        "white_line_change": found.white_line[:, 1] - found.white_line[:, 0],
        "white_line_before": float(np.median(found.white_line[:, 0])),
        "amplitude": xr.DataArray(found.amplitude, dims=("choice", "shell", "part"), attrs=units),
        "ratio": ratio,
    }


def _propagate_ratio_errors(found: Ensemble, repeats: Sequence[Array]) -> dict[str, Any]:
    """Return the error of each shell's ratio from relative errors of both amplitudes, by noise or
    the scatter of `repeats`, amplitudes of shape (repeat, shell) of each part."""
    noise = np.nanmedian(found.amplitude_noise / found.amplitude, axis=0)
    ratio = np.median(found.amplitude[..., 1] / found.amplitude[..., 0], axis=0)
    errors = [
        estimate_pair_error([np.log(part[:, shell]) for part in repeats], noise[shell].tolist())
        for shell in range(ratio.size)
    ]
    return {
        "ratio_stderr": ratio * np.array([error.stderr for error in errors], float),
        "ratio_dof": np.array([error.dof for error in errors], float),
    }


def measure_repeats(
    normalised: xr.Dataset,
    merged: MergedSpectrum,
    choice: ProcessingChoice,
    shells: Shells,
    kweight: int,
) -> Array:
    """Return the amplitude of every shell in each repeat under one choice.

    Parameters
    ----------
    normalised : Dataset
        From `ssbchar.xas.normalisation.normalise_spectra`.
    merged : MergedSpectrum
        How the measurement is processed in this pair.
    choice : ProcessingChoice
        The nominal one.
    shells : Shells
        R ranges [angstrom].
    kweight : int
        Power of k in the Fourier transform.

    Returns
    -------
    array, shape (repeat, shell)
        In the unit of |chi(R)|; empty without EXAFS.
    """
    good = find_repeats(normalised)
    amplitudes = np.zeros((good.size, shells.count))
    for row, repeat in enumerate(good if shells.count else ()):
        one = replace(
            merged,
            mu=normalised["mu"].values[repeat : repeat + 1],
            mu_stderr=normalised["mu_stderr"].values[repeat : repeat + 1],
        )
        processed = one.process(choice, with_exafs=True)
        r, chi_r = one.calculate_chi_r(processed, choice, kweight)
        amplitudes[row], _ = find_shell_maxima(r, np.abs(chi_r), shells.ranges)
    return amplitudes


def align_whole_edges(pair: Pair, choice: ProcessingChoice) -> float:
    """Return the shift that lays the cycled's whole edge on the pristine's [eV].

    Parameters
    ----------
    pair : Pair
        Merged spectra on one axis.
    choice : ProcessingChoice
        The nominal one.

    Returns
    -------
    float
        Cycled minus pristine [eV]; NaN where none is found.
    """
    norms = [one.process(choice, False).normalised.spectra.norm[0] for one in pair]
    first, second = pair
    window = (first.e0 + WHOLE_EDGE[0], first.e0 + WHOLE_EDGE[1])
    found = align_edges(first.energy, norms[0], second.energy, norms[1], window=window)
    return -found.shift


def find_shells(one: MergedSpectrum, choice: ProcessingChoice, options: Comparison) -> Shells:
    """Return the shells: configured, or the three first peaks of |chi(R)|.

    A peak counts from R = rbkg on where it exceeds five standard errors and 5 % of the highest; its
    range ends at the neighbouring minima, 0.5 angstrom away at most.

    Parameters
    ----------
    one : MergedSpectrum
        The pristine.
    choice : ProcessingChoice
        The nominal one.
    options : Comparison
        Configured shells, power of k.

    Returns
    -------
    Shells
        R in angstrom, shape (shell, 2).
    """
    processed = one.process(choice, with_exafs=True)
    r, chi_r = one.calculate_chi_r(processed, choice, options.kweight)
    size = np.abs(chi_r)
    if options.shells:
        given = np.array(options.shells, float)
        return Shells(ranges=given, peaks=r[find_shell_maxima(r, size, given)[1]])
    stderr = one.calculate_chi_r_stderr(processed, choice, options.kweight)
    return find_peaks_of_shells(r, size, stderr, choice.rbkg)


def find_peaks_of_shells(r: Array, size: Array, stderr: Array, rbkg: float) -> Shells:
    """Return the three first peaks of |chi(R)| that stand above noise and background.

    Parameters
    ----------
    r, size, stderr : array, shape (r,)
        R [angstrom], |chi(R)| and its standard error.
    rbkg : float
        Background distance [angstrom].

    Returns
    -------
    Shells
        R in angstrom.
    """
    from scipy.signal import find_peaks

    inside = (r > rbkg + 0.1) & (r < LAST_SHELL)
    highest = size[inside].max()
    floor = np.maximum(5 * stderr, 0.05 * highest)
    candidates = find_peaks(size, prominence=0.03 * highest)[0]
    peaks = [peak for peak in candidates if inside[peak] and size[peak] > floor[peak]][:SHELLS]
    troughs = find_peaks(-size)[0]
    ranges = []
    for peak in peaks:
        low = r[max((trough for trough in troughs if trough < peak), default=0)]
        high = r[min((trough for trough in troughs if trough > peak), default=size.size - 1)]
        ranges.append([max(low, r[peak] - HALF_WIDTH), min(high, r[peak] + HALF_WIDTH)])
    return Shells(ranges=np.array(ranges, float).reshape(-1, 2), peaks=r[np.array(peaks, int)])


def find_shell_maxima(r: Array, size: Array, ranges: Array) -> tuple[Array, Index]:
    """Return the highest |chi(R)| within each R range, and where.

    Parameters
    ----------
    r, size : array, shape (r,)
        R [angstrom] and |chi(R)|.
    ranges : array, shape (shell, 2)
        Lower and upper R [angstrom].

    Returns
    -------
    maxima : array, shape (shell,)
        In the unit of |chi(R)|.
    places : array of int, shape (shell,)
        Indices into r.
    """
    places = []
    for low, high in ranges:
        inside = np.flatnonzero((r >= low - 1e-9) & (r <= high + 1e-9))
        places.append(int(inside[np.argmax(size[inside])]))
    index = np.array(places, int)
    return size[index], index


def combine_alignments(pristine: xr.Dataset, cycled: xr.Dataset) -> dict[str, object]:
    """Return what the pair's common axis rests on, with the pristine's notes, as attributes.

    A shift is claimed where both lie on the foil or both on a stated repeatability; an Athena
    project's own shifts, or different kinds, forbid it.

    Parameters
    ----------
    pristine, cycled : Dataset
        From `ssbchar.xas.normalisation.normalise_spectra`.

    Returns
    -------
    dict
    """
    kinds = [ds.attrs.get("alignment", AlignmentKind.NONE) for ds in (pristine, cycled)]
    if AlignmentKind.PROJECT in kinds:
        kind, source = AlignmentKind.NONE, "project alignment applied"
    elif AlignmentKind.NONE in kinds or kinds[0] != kinds[1]:
        kind, source = AlignmentKind.NONE, "no foil on both and no stated repeatability"
    else:
        kind, source = AlignmentKind(kinds[0]), str(cycled.attrs.get("alignment_source", ""))
    return {
        "element": pristine.attrs.get("element", ""),
        "edge": pristine.attrs.get("edge", ""),
        "set_aside": "[]",
        "notes": json.dumps(notes.read_notes_of_other(pristine.attrs)),
        "alignment": str(kind),
        "alignment_source": source,
    }
