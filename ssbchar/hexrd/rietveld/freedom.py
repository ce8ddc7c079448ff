"""What of a structure is refined: everything that the data determine better than a stated error.

Whether a parameter is refined follows from its standard error alone, never from its value: chosen
by value, the values that remain would be biased.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from ssbchar.hexrd.rietveld.options import Rietveld
from ssbchar.hexrd.rietveld.problem import PhaseStart, Problem

MOST_TURNS = 6
"""Most times that parameters are taken back before a group of them is given up."""


@dataclass(frozen=True, kw_only=True)
class BGroup:
    """Sites of a phase whose B are scaled by one factor."""

    phase: int
    sites: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Shift:
    """One of the ways in which the atoms of a place may move."""

    phase: int
    sites: tuple[int, ...]
    """Those that share the place and move together."""
    number: int
    """Which of the ways that the site's symmetry allows."""


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """Two elements on one place, of which one grows as the other shrinks."""

    phase: int
    first: int
    second: int


Parameter = BGroup | Shift | Exchange


@dataclass(frozen=True, kw_only=True)
class Freedom:
    """Parameters of the structures that are refined; all others are held."""

    displacements: tuple[BGroup, ...] = ()
    shifts: tuple[Shift, ...] = ()
    exchanges: tuple[Exchange, ...] = ()

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """All that are refined."""
        return (*self.displacements, *self.shifts, *self.exchanges)


@dataclass(frozen=True, kw_only=True)
class Errors:
    """How well the parameters of one refinement are determined."""

    converged: bool
    stderr: dict[Parameter, float]
    """Of a B group that of its first site's B [angstrom^2], of a shift the length along it
    [angstrom], of an exchange the occupancy [1]; NaN where there is none."""

    def is_carried(self, parameter: Parameter, options: Rietveld) -> bool:
        """Return whether the error of a parameter is below its limit, a bool."""
        limit = find_limit(parameter, options)
        return bool(self.stderr.get(parameter, np.nan) <= limit)


Trial = Callable[[Freedom], Errors]
"""Refine with this freedom."""


def find_limit(parameter: Parameter, options: Rietveld) -> float:
    """Return the largest standard error of a parameter that counts as carried by the data.

    Parameters
    ----------
    parameter : BGroup, Shift or Exchange
    options : Rietveld

    Returns
    -------
    float
        [angstrom^2], [angstrom] or [1].
    """
    match parameter:
        case BGroup():
            return options.displacement_esd
        case Shift():
            return options.coordinate_esd
        case Exchange():
            return options.occupancy_esd


def choose_freedom(
    problem: Problem, shifts: tuple[Shift, ...], options: Rietveld, trial: Trial
) -> Freedom:
    """Return what the data carry, found in the usual order: B of phases, coordinates, B of sites,
    occupancies (L. B. McCusker et al., J. Appl. Cryst. 32 (1999) 36).

    Each group of parameters is freed beside those found before; those whose standard errors are
    above their limits are held again until all that remain are below.

    Parameters
    ----------
    problem : Problem
    shifts : tuple of Shift
        All that symmetry allows.
    options : Rietveld
    trial : callable
        Refines with a given freedom.
    """
    found = Freedom()
    if options.displacement != "off":
        groups = [
            BGroup(phase=p, sites=tuple(range(len(phase.known.sites))))
            for p, phase in enumerate(problem.phases)
        ]
        found = _settle(found, replace(found, displacements=tuple(groups)), options, trial)
    if options.coordinates != "off" and shifts:
        found = _settle(found, replace(found, shifts=shifts), options, trial)
    if options.displacement == "site" and found.displacements:
        found = _split_displacements(found, problem, options, trial)
    exchanges = _list_exchanges(problem.phases)
    if options.occupancies != "off" and exchanges:
        found = _settle(found, replace(found, exchanges=exchanges), options, trial)
    return found


def _settle(before: Freedom, wanted: Freedom, options: Rietveld, trial: Trial) -> Freedom:
    """Return the wanted freedom without what the data do not carry; the one before where the
    refinement does not converge."""
    for _ in range(MOST_TURNS):
        if wanted == before:
            return before
        errors = trial(wanted)
        if not errors.converged:
            return before
        kept = _keep_carried(wanted, errors, options)
        if kept == wanted:
            return wanted
        wanted = kept
    return before


def _keep_carried(freedom: Freedom, errors: Errors, options: Rietveld) -> Freedom:
    return Freedom(
        displacements=tuple(p for p in freedom.displacements if errors.is_carried(p, options)),
        shifts=tuple(p for p in freedom.shifts if errors.is_carried(p, options)),
        exchanges=tuple(p for p in freedom.exchanges if errors.is_carried(p, options)),
    )


def _split_displacements(
    before: Freedom, problem: Problem, options: Rietveld, trial: Trial
) -> Freedom:
    """Return a freedom with a B for each place that carries one; the other places of a phase share
    a factor."""
    groups: list[BGroup] = []
    for whole in before.displacements:
        places = problem.phases[whole.phase].sites_by_position
        groups += [BGroup(phase=whole.phase, sites=place) for place in places]
    for _ in range(MOST_TURNS):
        wanted = replace(before, displacements=tuple(groups))
        if wanted == before:
            return before
        errors = trial(wanted)
        if not errors.converged:
            return before
        joined = _join_weak(groups, errors, options)
        if joined == groups:
            others: tuple[Parameter, ...] = (*wanted.shifts, *wanted.exchanges)
            # what was carried beside one B may not be beside many
            is_sound = all(errors.is_carried(one, options) for one in others)
            return wanted if is_sound else before
        groups = joined
    return before


def _join_weak(groups: Iterable[BGroup], errors: Errors, options: Rietveld) -> list[BGroup]:
    """Return the groups with those of each phase that the data do not carry made into one; where
    one alone is too weak, the next weakest joins it."""
    joined: list[BGroup] = []
    groups = list(groups)
    for phase in dict.fromkeys(group.phase for group in groups):
        own = [group for group in groups if group.phase == phase]
        weak = [group for group in own if not errors.is_carried(group, options)]
        strong = [group for group in own if group not in weak]
        if len(weak) == 1 and strong:
            next_weakest = max(strong, key=lambda group: errors.stderr[group])
            strong.remove(next_weakest)
            weak.append(next_weakest)
        rest = tuple(sorted(site for group in weak for site in group.sites))
        joined += strong + ([BGroup(phase=phase, sites=rest)] if rest else [])
    return sorted(joined, key=lambda group: (group.phase, group.sites))


def _list_exchanges(phases: tuple[PhaseStart, ...]) -> tuple[Exchange, ...]:
    """Return the pairs of elements that share a place; of three the last one is held."""
    return tuple(
        Exchange(phase=p, first=place[0], second=place[1])
        for p, phase in enumerate(phases)
        for place in phase.sites_by_position
        if len(place) > 1
    )
