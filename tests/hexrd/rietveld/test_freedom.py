"""What the data carry is chosen by standard errors, group after group; rietx stands aside."""

import numpy as np
from hexrd.rietveld.made_structure import make_truth

from ssbchar.hexrd.rietveld.freedom import (
    BGroup,
    Errors,
    Exchange,
    Freedom,
    Shift,
    Trial,
    choose_freedom,
)
from ssbchar.hexrd.rietveld.options import Rietveld
from ssbchar.hexrd.rietveld.problem import PhaseStart, Problem, list_bond_lengths

OPTIONS = Rietveld(frames=("first",))
GOOD = {BGroup: 0.1, Shift: 0.005, Exchange: 0.01}
LAGP = make_truth("LAGP", 1.0, changes={}).known
START = PhaseStart(known=LAGP, cell=LAGP.cell, size_width=0.01, strain_width=0.0)
PROBLEM = Problem(
    two_theta=np.arange(3.0),
    intensity=np.ones(3),
    stderr=np.ones(3),
    wavelengths=(0.24,),
    doublet_ratio=0.0,
    zero=0.0,
    has_caglioti=False,
    background_terms=3,
    polarisation=1.0,
    phases=(START,),
)
SHIFTS = (Shift(phase=0, sites=(1, 2), number=0), Shift(phase=0, sites=(4,), number=1))


def trial_with(weak: dict[object, float], *, converged: bool = True) -> Trial:
    """Return a trial in which all is determined well but what is listed."""

    def run(freedom: Freedom) -> Errors:
        errors = {one: weak.get(one, GOOD[type(one)]) for one in freedom.parameters}
        return Errors(converged=converged, stderr=errors)

    return run


def test_all_is_free_where_the_data_carry_all() -> None:
    found = choose_freedom(PROBLEM, SHIFTS, OPTIONS, trial_with({}))
    assert found.shifts == SHIFTS
    assert [one.sites for one in found.displacements] == [(0,), (1, 2), (3,), (4,), (5,)]
    assert found.exchanges == (Exchange(phase=0, first=1, second=2),)


def test_what_is_weak_is_held_and_the_rest_stays_free() -> None:
    weak = {SHIFTS[1]: 0.03, Exchange(phase=0, first=1, second=2): np.nan}
    found = choose_freedom(PROBLEM, SHIFTS, OPTIONS, trial_with(weak))
    assert found.shifts == SHIFTS[:1] and not found.exchanges


def test_a_weak_displacement_factor_joins_the_next_weakest() -> None:
    weak = {BGroup(phase=0, sites=(0,)): 0.9, BGroup(phase=0, sites=(4,)): 0.2}
    found = choose_freedom(PROBLEM, SHIFTS, OPTIONS, trial_with(weak))
    assert [one.sites for one in found.displacements] == [(0, 4), (1, 2), (3,), (5,)]


def test_what_does_not_converge_frees_nothing() -> None:
    assert choose_freedom(PROBLEM, SHIFTS, OPTIONS, trial_with({}, converged=False)) == Freedom()


def test_options_hold_what_they_say() -> None:
    held = Rietveld(frames=("first",), coordinates="off", displacement="off", occupancies="off")
    assert choose_freedom(PROBLEM, SHIFTS, held, trial_with({})) == Freedom()


def test_restrained_distances_are_those_of_the_first_shell() -> None:
    bonds = {(b.first, b.second): b.length for b in list_bond_lengths(LAGP, 0.02)}
    # P-O 1.53 and Ge-O 1.865 angstrom, as the prototype was made
    assert abs(bonds[3, 4] - 1.53) < 0.01 and abs(bonds[3, 5] - 1.53) < 0.01
    assert abs(bonds[1, 4] - 1.865) < 0.02 and abs(bonds[1, 5] - 1.865) < 0.02
    assert all(LAGP.sites[i].element != "O" and LAGP.sites[j].element == "O" for i, j in bonds)
