"""A phase from a CIF: cell, symmetry and atoms that agree with each other, or one line on what does
not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ssbchar.crystal.atoms_in_cell import Fault
from ssbchar.crystal.cell import Phase, metric_from_cell, volume_from_cell
from ssbchar.crystal.cif_file import CELL_TAGS, CifBlock, read_block
from ssbchar.crystal.cif_sites import SiteList, UnknownAtom, read_site_list
from ssbchar.crystal.found_symmetry import find_symmetry
from ssbchar.crystal.group_tables import Setting
from ssbchar.crystal.options import ReflectionListing
from ssbchar.crystal.site_checks import Assessment, CifClaims, judge_sites, read_claims
from ssbchar.crystal.space_group import (
    GroupChoice,
    choose_settings,
    read_statement,
    symmetrise_cell,
)
from ssbchar.errors import BadInput
from ssbchar.typing import Array

SHORTEST_EDGE = 2.0
"""No cell edge is shorter [angstrom]; beryllium's is 2.29."""
LONGEST_EDGE = 500.0
"""Cell edges are shorter [angstrom]."""
VOLUME_DIFFERS = 5e-3
"""Relative difference of the volume stated from that of the cell that counts as one."""
CELL_TOLD = 1e-6
"""Relative change of the metric from which it is told that the cell was made to fit."""


def read_cif(path: Path, name: str, about: dict[str, Any], options: ReflectionListing) -> Phase:
    """Return the phase that a CIF describes.

    Parameters
    ----------
    path : Path
    name : str
        The phase.
    about : dict
        Its entry in the phases file: ``block`` names the data block, ``space_group`` the symbol
        with its setting where the CIF leaves it open, ``atoms: false`` takes the cell alone. Where
        ``refinable`` is false, so do atoms that are no elements.
    options : ReflectionListing
        Gives B [angstrom^2] of atoms whose CIF states none.

    Returns
    -------
    Phase
        Its `notes` say what was resolved or assumed.

    Raises
    ------
    BadInput
        The file is no CIF; cell, space group, sites, formula, Z or density contradict each other
        or are impossible; or what is left open is to be said in the phases file.
    """
    block = read_block(path, str(about.get("block", "")), name)
    cell = _read_cell(block)
    override = str(about.get("space_group", ""))
    stated = read_statement(block, override)
    choice = choose_settings(stated, cell, path, name)
    bare = Phase(
        name=name,
        cell=cell,
        group="",
        rotations=np.eye(3)[None],
        translations=np.zeros((1, 3)),
        about=about,
    )
    claims = read_claims(block)
    listed = SiteList()
    if about.get("atoms", True):
        try:
            listed = read_site_list(block, cell, claims.formula, options.b_iso)
        except UnknownAtom as fault:
            # Atoms that are not trusted need not be there.
            if about.get("refinable", True):
                raise
            listed = SiteList(notes=(f"its atoms are not used: {fault.problem}",))
    reading = _Reading(
        path=path, phase=bare, choice=choice, listed=listed, claims=claims, override=override
    )
    return reading.settle()


def _read_cell(block: CifBlock) -> Array:
    """Return a, b, c [angstrom], alpha, beta, gamma [degree] of a CIF."""
    lengths_and_angles = []
    for tag in CELL_TAGS:
        number = block.read_number(tag)
        if number is None:
            raise BadInput(
                block.path,
                f"the CIF has no cell: {tag} is missing",
                f"add {CELL_TAGS[0]} ... {CELL_TAGS[-1]}",
            )
        lengths_and_angles.append(number)
    cell = np.array(lengths_and_angles)
    check_cell(cell, block.path)
    volume = block.read_number("_cell_volume")
    own = float(volume_from_cell(cell))
    if volume and abs(volume / own - 1) > VOLUME_DIFFERS:
        raise BadInput(
            block.path,
            f"the cell has a volume of {own:.5g} angstrom^3, _cell_volume says {volume:.5g}",
            "correct the cell",
        )
    return cell


def check_cell(cell: Array, where: object) -> None:
    """Raise if lengths and angles are not those of a crystal's cell.

    Parameters
    ----------
    cell : ndarray, shape (6,)
        a, b, c [angstrom], alpha, beta, gamma [degree].
    where : object
        The file, for the message.

    Raises
    ------
    BadInput
        They are those of no cell, or of one in another unit.
    """
    text = ", ".join(f"{x:g}" for x in cell)
    if not _is_possible_cell(cell):
        raise BadInput(where, f"{text} is no cell", "correct the lengths and angles")
    shortest, longest = float(np.min(cell[:3])), float(np.max(cell[:3]))
    if shortest < SHORTEST_EDGE or longest > LONGEST_EDGE:
        edge, unit = (shortest, "nm") if shortest < SHORTEST_EDGE else (longest, "pm")
        raise BadInput(
            where,
            f"{text} is no crystal's cell: an edge of {edge:g} angstrom (is it in {unit}?)",
            "give a, b, c in angstrom",
        )


def _is_possible_cell(cell: Array) -> bool:
    """Return whether lengths and angles are those of a cell with a volume."""
    lengths, angles = cell[:3], cell[3:]
    if not (np.all(np.isfinite(cell)) and np.all(lengths > 0)):
        return False
    is_angle = (angles > 0) & (angles < 180)
    return bool(np.all(is_angle) and np.linalg.det(metric_from_cell(cell)) > 0)


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """What a CIF says, before it is settled what it means."""

    path: Path
    phase: Phase
    """Its cell, no symmetry."""
    choice: GroupChoice
    listed: SiteList
    claims: CifClaims
    override: str
    """Space group of the phases file."""

    def settle(self) -> Phase:
        """Return the phase with the setting that fits its atoms."""
        notes = [*self.choice.notes, *self.listed.notes]
        settings = self.choice.settings
        if not self.listed.sites:
            self._refuse_identity_alone()
            if self.phase.about.get("atoms", True) and not self.listed.notes:
                notes.append("the CIF lists no atoms: known by its cell alone")
            return self._apply(settings[0], notes)
        assessed = [self._assess(setting) for setting in settings]
        sound = [one for one in assessed if not one.faults]
        if not sound:
            return self._do_without_atoms(assessed, notes)
        without_doubt = [one for one in sound if not one.doubts] or sound
        if len(without_doubt) > 1:
            self._ask(without_doubt)
        chosen = without_doubt[0]
        notes += [*chosen.doubts, *chosen.notes]
        if len(settings) > 1:
            notes.append(self._describe_choice(chosen, assessed))
        phase = chosen.phase
        if settings[0].number == 1 and not self.override:
            phase, told = self._find_symmetry(phase)
            notes += told
        return self._apply_cell(phase, notes)

    def _do_without_atoms(self, assessed: Sequence[Assessment], notes: Sequence[str]) -> Phase:
        """Return the phase by its cell alone where nothing else is in doubt.

        Raises
        ------
        BadInput
            The site list contradicts cell, group, formula or density.
        """
        least = min(assessed, key=lambda one: len(one.faults))
        if not all(fault.of_atoms_alone for fault in least.faults):
            self._refuse(next(fault for fault in least.faults if not fault.of_atoms_alone))
        told = f"its atoms are not used: {least.faults[0].problem}"
        return self._apply(self.choice.settings[0], [*notes, told])

    def _assess(self, setting: Setting) -> Assessment:
        phase = replace(
            self.phase,
            group=setting.symbol,
            rotations=setting.rotations,
            translations=setting.translations,
            sites=self.listed.sites,
        )
        return judge_sites(phase, self.listed, self.claims)

    def _apply(self, setting: Setting, notes: Sequence[str]) -> Phase:
        phase = replace(
            self.phase,
            # Without atoms the origin does not matter.
            group=self.choice.symbol,
            rotations=setting.rotations,
            translations=setting.translations,
        )
        return self._apply_cell(phase, notes)

    def _apply_cell(self, phase: Phase, notes: Sequence[str]) -> Phase:
        """Return the phase on a cell that has its symmetry to rounding."""
        cell, misfit = symmetrise_cell(phase.rotations, phase.cell)
        told = list(notes)
        if misfit > CELL_TOLD:
            numbers = ", ".join(f"{x:.6g}" for x in cell)
            told.append(f"the cell was averaged over the operations of {phase.group}: {numbers}")
        return replace(phase, cell=cell, notes=tuple(told))

    def _find_symmetry(self, phase: Phase) -> tuple[Phase, list[str]]:
        """Return a phase written in P 1 with the symmetry of its atoms, and what to say of it."""
        found = find_symmetry(phase)
        expected = self.choice.expected
        if expected and found.number != expected:
            self._refuse(
                Fault(
                    problem=f"lists x,y,z as its only operation under space group number "
                    f"{expected}, and its sites alone have number {found.number}",
                    remedy="list all operations, or take x,y,z out if the sites are those of the "
                    "asymmetric unit",
                )
            )
        if found.number == 1:
            return phase, ["written in P 1, and no symmetry was found in its atoms"]
        numbers = ", ".join(f"{x:.6g}" for x in found.phase.cell)
        given = ", ".join(f"{x:.6g}" for x in phase.cell)
        moved = "" if np.allclose(found.phase.cell, phase.cell, rtol=1e-6) else f" (given {given})"
        told = (
            f"written in P 1; its atoms have {found.phase.group} (number {found.number}, found by "
            f"spglib): cell {numbers}{moved}"
        )
        return found.phase, [told]

    def _refuse_identity_alone(self) -> None:
        if self.choice.expected:
            self._refuse(
                Fault(
                    problem=f"lists x,y,z as its only operation under space group number "
                    f"{self.choice.expected}",
                    remedy="list all operations, or none",
                )
            )

    def _refuse(self, fault: Fault) -> None:
        raise BadInput(
            self.path,
            f"phase '{self.phase.name}': {fault.problem}",
            f"{fault.remedy}; 'atoms: false' of the phase takes the cell alone",
        )

    def _ask(self, open_settings: Sequence[Assessment]) -> None:
        options = "; ".join(f"{one.phase.group}: {one.content}" for one in open_settings)
        raise BadInput(
            self.path,
            f"phase '{self.phase.name}': the origin of its space group is not stated ({options})",
            f"write 'space_group: {open_settings[0].phase.group}' (or the other) in the phase's "
            "entry",
        )

    def _describe_choice(self, chosen: Assessment, assessed: Sequence[Assessment]) -> str:
        others = [
            f"{one.phase.group}: {(one.faults[0].problem if one.faults else one.doubts[0])}"
            for one in assessed
            if one is not chosen
        ]
        return (
            f"the origin is not stated: taken as {chosen.phase.group} ({chosen.content}); not "
            f"{'; not '.join(others)}"
        )
