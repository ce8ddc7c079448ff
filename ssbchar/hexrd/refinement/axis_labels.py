"""Axes of a cell that are nearly equal: which is which, and where they cannot be told apart.

An orthorhombic cell with b about c has nearly the same lines with b and c exchanged, a monoclinic
one with beta about 90 degrees with its supplement. Each frame may then end in either; labels follow
from the frame where the axes differ most. Where both lie within a line's width, two lines that are
a little apart fit noise better than one: the difference comes out too large, its error too small.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.hexrd.refinement.frame.fit import FitsByFrame, FrameFit
from ssbchar.hexrd.refinement.frame.lattice import Lattice
from ssbchar.hexrd.refinement.frame.parameters import FrameParameters, replace_entry
from ssbchar.hexrd.refinement.frame.refine import Convergence, refine_frame
from ssbchar.hexrd.refinement.frame.series import FramePattern
from ssbchar.typing import Array

if TYPE_CHECKING:
    from ssbchar.hexrd.refinement.frame_pass import PassSetup

NEAR = 0.06
"""Relative difference of elements of the reciprocal metric up to which axes are nearly equal (3 %
of lengths, 3 degrees)."""
MERGED = 2.0
"""How many times more a line says of two axes than they show where they have merged [1]."""
APART = 10.0
"""Standard errors of the axes' difference from which a frame tells by itself where they go."""
NO_WORSE = 9.0
"""Rise of the weighted squares, over the squared inflation, up to which a fit is as good."""
LARGE = 20.0
"""Standard errors of the axes' difference from which they are told apart without a test."""
EQUAL = 1e-7
"""Standard deviation [1] within which axes are held equal."""
SIGNS: Mapping[str, tuple[tuple[int, ...], ...]] = {
    "orthorhombic": ((1, 0, 2, 3, 4, 5), (0, 2, 1, 3, 4, 5), (2, 1, 0, 3, 4, 5)),
    "monoclinic": ((2, 1, 0, 3, 4, 5),),
}
"""Exchanges of axes by crystal system: orders of g11, g22, g33, g23, g13, g12."""


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """An exchange of axes, or of an angle with its supplement, that a lattice allows."""

    matrix: Array
    """Acts on the elements of the reciprocal metric, shape (6, 6)."""

    def apply(self, lattice: Lattice, strain: Array) -> Array:
        """Return the strains [1] of the exchanged cell, shape (free,)."""
        return strain_from_metric(lattice, self.matrix @ lattice.metric_from_strain(strain))

    def merge(self, lattice: Lattice, strain: Array) -> Array:
        """Return the strains [1] of the cell whose axes are equal, shape (free,)."""
        metric = lattice.metric_from_strain(strain)
        return strain_from_metric(lattice, (metric + self.matrix @ metric) / 2)

    def find_difference(self, lattice: Lattice, strain: Array) -> Array:
        """Return half the difference from the exchanged cell in each strain [1], shape (free,)."""
        return (strain - self.apply(lattice, strain)) / 2


def strain_from_metric(lattice: Lattice, metric: Array) -> Array:
    """Return the strains [1], shape (free,), of a reciprocal metric [1/angstrom^2], shape (6,)."""
    change = metric - lattice.reference
    return np.asarray(np.linalg.lstsq(lattice.directions.T, change, rcond=None)[0])


def list_exchanges(lattice: Lattice) -> list[Exchange]:
    """Return the exchanges that bring the listed cell of a phase nearly onto itself."""
    found = []
    reference = lattice.reference
    for order in SIGNS.get(lattice.system, ()):
        matrix = np.eye(6)[list(order)]
        difference = np.abs(matrix @ reference - reference)
        if np.all(difference <= NEAR * np.max(np.abs(reference))) and _is_near(reference, order):
            found.append(Exchange(matrix=matrix))
    if lattice.system == "monoclinic":
        size = np.sqrt(reference[0] * reference[2])
        if abs(reference[4]) <= NEAR * size:
            found.append(Exchange(matrix=np.diag([1.0, 1.0, 1.0, 1.0, -1.0, 1.0])))
    return found


def _is_near(reference: Array, order: tuple[int, ...]) -> bool:
    """Return whether all elements that an order moves are nearly equal."""
    pairs = [(reference[a], reference[b]) for a, b in enumerate(order) if a != b]
    return all(abs(a - b) <= NEAR * max(a, b) for a, b in pairs)


def measure_differences(
    fits: FitsByFrame, phase: int, lattice: Lattice, exchange: Exchange
) -> dict[int, tuple[float, float]]:
    """Return, of each frame with a phase, the signed difference of its axes [1] and its standard
    error."""
    found = {}
    for i in sorted(fits):
        fit = fits[i]
        if phase not in fit.present:
            continue
        strain = fit.parameters.strain[phase, : lattice.free]
        half = exchange.find_difference(lattice, strain)
        k = _find_component(lattice, exchange)
        # the difference of two strains, linear in all of them
        row = _differentiate(lattice, exchange, strain)[k]
        covariance = fit.strain_covariance[fit.get_index(phase)]
        found[i] = float(half[k]), float(np.sqrt(max(row @ covariance @ row, 0.0)))
    return found


def _find_component(lattice: Lattice, exchange: Exchange) -> int:
    """Return the first strain that an exchange changes."""
    trial = lattice.strain_from_length_change(0.0) + 0.01 * np.arange(1, lattice.free + 1)
    return int(np.argmax(np.abs(exchange.find_difference(lattice, trial)) > 1e-6))


def _differentiate(lattice: Lattice, exchange: Exchange, strain: Array) -> Array:
    """Return d(half difference) / d(strain), shape (free, free)."""
    columns = []
    for step in 1e-5 * np.eye(lattice.free):
        ahead = exchange.find_difference(lattice, strain + step)
        behind = exchange.find_difference(lattice, strain - step)
        columns.append((ahead - behind) / 2e-5)
    return np.stack(columns, axis=1)


def find_clearest(differences: Mapping[int, tuple[float, float]]) -> int | None:
    """Return the frame whose axes are furthest apart, an int; None where none are well apart.

    Parameters
    ----------
    differences : mapping
        Frame to the signed difference [1] and its standard error.
    """
    clear = [i for i, (value, stderr) in differences.items() if abs(value) > APART * stderr]
    return max(sorted(clear), key=lambda i: abs(differences[i][0])) if clear else None


def find_exchanged(
    differences: Mapping[int, tuple[float, float]], *, is_reversed: bool = False
) -> list[int]:
    """Return the frames whose axes are labelled the other way than continuity asks for.

    From the frame of the largest difference outwards, a frame whose axes are well apart is expected
    on the straight line through the two such before it: axes may cross, they do not jump. Frames
    between, whose axes are hardly apart, are labelled as the last one that was. Where the line says
    far more than a frame beyond such shows, the axes have not gone on along it: they have merged
    and parted again, of which continuity says nothing, and the labels stay.

    Parameters
    ----------
    differences : mapping
        Frame to the signed difference [1] and its standard error.
    is_reversed : bool
        Whether the frame of the largest difference is itself labelled the other way.
    """
    frames = sorted(differences)
    first = find_clearest(differences)
    if first is None:
        return []
    clear = {i for i in frames if abs(differences[i][0]) > APART * differences[i][1]}
    exchanged = []
    for order in (
        [i for i in frames if i >= first],
        [i for i in reversed(frames) if i <= first],
    ):
        seen = [(first, -differences[first][0] if is_reversed else differences[first][0])]
        for i in order:
            value = differences[i][0]
            expected = _continue(seen, i) if i in clear else seen[-1][1]
            if abs(expected) > MERGED * abs(value) and _is_merged_between(
                frames, clear, seen[-1][0], i
            ):
                expected = seen[-1][1]
            if expected * value < 0 and abs(-value - expected) < abs(value - expected):
                exchanged.append(i)
                value = -value
            if i in clear and i != first:
                seen = [*seen[-1:], (i, value)]
    return sorted(set(exchanged))


def _is_merged_between(frames: list[int], clear: set[int], first: int, last: int) -> bool:
    """Return whether the axes are hardly apart in all frames between two, and there are some."""
    low, high = min(first, last), max(first, last)
    between = [i for i in frames if low < i < high]
    return len(between) > 1 and not clear.intersection(between)


def _continue(seen: list[tuple[int, float]], frame: int) -> float:
    """Return what is expected of a frame after those seen."""
    if len(seen) < 2:
        return seen[-1][1]
    (a, first), (b, last) = seen
    return last + (last - first) / (b - a) * (frame - b)


def label_axes(
    setup: PassSetup, fits: FitsByFrame, like: FitsByFrame | None = None
) -> tuple[FitsByFrame, set[int]]:
    """Return the fits with the axes of each phase labelled alike, and the frames that were
    changed.

    A frame is refined again with its axes exchanged, and stays as it was where that fits worse:
    its intensities then know the axes.

    Parameters
    ----------
    setup : PassSetup
    fits : dict of int to FrameFit
        Of one pass; strains dimensionless.
    like : dict of int to FrameFit, optional
        Of the pass before, whose labels are kept; without, those of the listed cell.
    """
    found, changed = dict(fits), set[int]()
    for phase, lattice in enumerate(setup.series.phases):
        for exchange in list_exchanges(lattice):
            differences = measure_differences(found, phase, lattice, exchange)
            clearest = find_clearest(differences)
            if clearest is None:
                continue
            wanted = _find_wanted_sign(lattice, exchange, phase, like, clearest)
            is_reversed = wanted * differences[clearest][0] < 0
            if is_reversed:
                again = _refine_exchanged(setup, found[clearest], clearest, phase, exchange)
                is_reversed = _is_as_good(again, found[clearest], phase, NO_WORSE)
            for i in find_exchanged(differences, is_reversed=is_reversed):
                again = _refine_exchanged(setup, found[i], i, phase, exchange)
                if _is_as_good(again, found[i], phase, NO_WORSE):
                    found[i] = again.drop_curves()
                    changed.add(i)
    return found, changed


def _find_wanted_sign(
    lattice: Lattice, exchange: Exchange, phase: int, like: FitsByFrame | None, frame: int
) -> float:
    """Return a number of the sign that the difference of axes has in another pass, or in the listed
    cell."""
    k = _find_component(lattice, exchange)
    if like and frame in like and phase in like[frame].present:
        strain = like[frame].parameters.strain[phase, : lattice.free]
        return float(exchange.find_difference(lattice, strain)[k])
    listed = exchange.find_difference(lattice, np.zeros(lattice.free))
    return float(listed[k]) if abs(listed[k]) > EQUAL else 0.0


def _refine_exchanged(
    setup: PassSetup, fit: FrameFit, i: int, phase: int, exchange: Exchange
) -> FrameFit:
    lattice = setup.series.phases[phase]
    strain = fit.parameters.strain[phase].copy()
    strain[: lattice.free] = exchange.apply(lattice, strain[: lattice.free])
    start = _move(fit.parameters, phase, strain)
    strains = {p: start.strain[p] for p in fit.present}
    return refine_frame(
        setup.series,
        setup.frames.read_pattern(i),
        fit.present,
        start=start,
        prior=setup.priors.build_frame_prior(i, strains, setup.options.search / 2),
        convergence=_finish(setup),
    )


def _move(parameters: FrameParameters, phase: int, strain: Array) -> FrameParameters:
    return replace(parameters, strain=replace_entry(parameters.strain, phase, strain))


def _finish(setup: PassSetup) -> Convergence:
    return Convergence(iterations=2 * setup.options.iterations, tolerance=setup.options.tolerance)


def _is_as_good(after: FrameFit, before: FrameFit, phase: int, allowed: float) -> bool:
    """Return whether a frame fits no worse, on the scale of its own misfit."""
    inflation = before.parameters.inflation[phase]
    return bool(after.misfit - before.misfit < allowed * inflation**2)


def _allow_for_pairs(setup: PassSetup, phase: int, exchange: Exchange) -> float:
    """Return the rise of the weighted squares that axes held equal make by chance.

    Each pair of lines that they split has two free intensities where it had one: it follows noise
    that one line cannot.
    """
    form = setup.series.phases[phase].form[setup.series.free_reflections[phase]]
    pairs = np.sum(np.any(np.abs(form @ exchange.matrix - form) > 0, axis=1)) / 2
    return float(NO_WORSE + pairs + 3 * np.sqrt(2 * pairs))


def find_merged_axes(
    setup: PassSetup, fit: FrameFit, pattern: FramePattern, i: int, phase: int
) -> list[Array]:
    """Return the differences of axes of a phase that a frame does not show: half differences of the
    strains [1], shape (free,) each.

    The frame is refined again with the axes held equal; where that fits as well, their difference
    may be anything between both labellings.

    Parameters
    ----------
    setup : PassSetup
    fit : FrameFit
        Of the frame.
    pattern : FramePattern
        [counts].
    i, phase : int
        The frame and the phase.
    """
    lattice = setup.series.phases[phase]
    merged = []
    for exchange in list_exchanges(lattice):
        value, stderr = measure_differences({i: fit}, phase, lattice, exchange)[i]
        if abs(value) > LARGE * stderr:
            continue
        strain = fit.parameters.strain[phase].copy()
        half = exchange.find_difference(lattice, strain[: lattice.free])
        strain[: lattice.free] = exchange.merge(lattice, strain[: lattice.free])
        start = _move(fit.parameters, phase, strain)
        # lines a little apart stand for broad ones where widths are held: here they are free
        prior = setup.priors.build_free_prior(i, {p: start.strain[p] for p in fit.present})
        sigma = prior.strain.sigma.copy()
        sigma[phase, np.flatnonzero(np.abs(half) > 0)] = EQUAL
        held = refine_frame(
            setup.series,
            pattern,
            fit.present,
            start=start,
            prior=replace(prior, strain=replace(prior.strain, sigma=sigma)),
            convergence=_finish(setup),
        )
        if _is_as_good(held, fit, phase, _allow_for_pairs(setup, phase, exchange)):
            merged.append(half)
    return merged
