"""The space group that a CIF states, by symbol, Hall symbol, number or operations, on its cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ssbchar.crystal.cell import (
    CrystalSystem,
    Phase,
    find_absent,
    identify_crystal_system,
    metric_from_cell,
)
from ssbchar.crystal.cif_file import CifBlock
from ssbchar.crystal.group_tables import (
    Setting,
    list_settings,
    list_settings_of_number,
    read_hall,
    read_operations,
)
from ssbchar.errors import BadInput
from ssbchar.typing import Array

SAME_METRIC = 2e-4
"""A cell fits a group if no operation changes its metric by more [relative]: 0.01 % of a length,
0.01 degree."""
_SYMBOL_TAGS = (
    "_symmetry_space_group_name_h-m",
    "_space_group_name_h-m_alt",
    "_space_group_name_h-m_full",
)
_HALL_TAGS = ("_space_group_name_hall", "_symmetry_space_group_name_hall")
_NUMBER_TAGS = ("_space_group_it_number", "_symmetry_int_tables_number")
_OPERATION_TAGS = ("_symmetry_equiv_pos_as_xyz", "_space_group_symop_operation_xyz")
_FOREIGN_TAGS = {
    "_space_group_symop_magn_operation_xyz": "a magnetic structure",
    "_space_group_magn_name_bns": "a magnetic structure",
    "_space_group_symop_ssg_operation_algebraic": "a modulated structure",
    "_space_group_ssg_name": "a modulated structure",
}
_DEMANDS = {
    CrystalSystem.CUBIC: "a = b = c and angles of 90",
    CrystalSystem.HEXAGONAL: "a = b, alpha = beta = 90, gamma = 120",
    CrystalSystem.TRIGONAL: "a = b, alpha = beta = 90, gamma = 120",
    CrystalSystem.RHOMBOHEDRAL: "a = b = c and equal angles, or a = b, 90, 90, 120",
    CrystalSystem.TETRAGONAL: "two equal lengths and angles of 90",
    CrystalSystem.ORTHORHOMBIC: "angles of 90",
    CrystalSystem.MONOCLINIC: "two angles of 90",
    CrystalSystem.TRICLINIC: "nothing",
}


@dataclass(frozen=True, kw_only=True)
class GroupStatement:
    """What is said of the space group."""

    symbols: tuple[str, ...] = ()
    hall: str = ""
    number: int = 0
    operations: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class GroupChoice:
    """The settings that may be meant."""

    settings: tuple[Setting, ...]
    """All fit the cell; several differ by their origin."""
    notes: tuple[str, ...] = ()
    symbol: str = ""
    """Of the group, as stated where it is."""
    expected: int = 0
    """Number of the group stated beside the identity as the only operation; else 0."""


def read_statement(block: CifBlock, override: str) -> GroupStatement:
    """Return what a CIF says of its space group.

    Parameters
    ----------
    block : CifBlock
    override : str
        Symbol of the phases file, which replaces the CIF's; empty for none.

    Raises
    ------
    BadInput
        The CIF is of a magnetic or modulated structure, or its number is none.
    """
    for tag, what in _FOREIGN_TAGS.items():
        if block.read_column(tag):
            raise BadInput(
                block.path, f"is the CIF of {what}", "give one of the average crystal structure"
            )
    number = read_number(block.read_text(*_NUMBER_TAGS) or "", block.path)
    symbols = [text for tag in _SYMBOL_TAGS if (text := block.read_text(tag))]
    operations = block.read_column(*_OPERATION_TAGS) or []
    return GroupStatement(
        symbols=(override,) if override else tuple(dict.fromkeys(symbols)),
        hall=block.read_text(*_HALL_TAGS) or "",
        number=number,
        operations=tuple(text for text in operations if text is not None),
    )


def read_number(text: str, where: object) -> int:
    """Return the number of a space group, 0 for an empty text.

    Parameters
    ----------
    text : str
    where : object
        The file, for the message.

    Raises
    ------
    BadInput
        There is no group of that number.
    """
    if text and not (text.isascii() and text.isdigit() and 1 <= int(text) <= 230):
        raise BadInput(where, f"space group number '{text}' does not exist", "give 1 to 230")
    return int(text or 0)


def choose_settings(stated: GroupStatement, cell: Array, where: object, name: str) -> GroupChoice:
    """Return the settings that fit what is stated and the cell.

    Operations come before the Hall symbol, that before the Hermann-Mauguin symbol, the number
    last; all that is stated must be of one group. Axes that a symbol leaves open are those of the
    cell (`R` groups, the unique axis of short monoclinic symbols).

    Parameters
    ----------
    stated : GroupStatement
    cell : ndarray, shape (6,)
        a, b, c [angstrom], alpha, beta, gamma [degree].
    where : object
        The file, for messages.
    name : str
        The phase.

    Raises
    ------
    BadInput
        Nothing is stated, the statements contradict each other or the cell, or no group is known
        by the symbol.
    """
    by_symbol = {symbol: list_settings(symbol) for symbol in stated.symbols}
    unknown = [symbol for symbol, found in by_symbol.items() if not found]
    of_symbol = next((found for found in by_symbol.values() if found), [])
    of_hall = read_hall(stated.hall)
    of_number = list_settings_of_number(stated.number)
    listed = read_operations(stated.operations, where)
    claims: dict[str, list[Setting]] = {
        **{f"the symbol {symbol}": found for symbol, found in by_symbol.items() if found},
        **({f"the Hall symbol {stated.hall}": of_hall} if of_hall else {}),
    }
    is_bare = listed is not None and len(listed.rotations) == 1
    if listed is not None and not is_bare:
        claims = {"the list of operations": [listed], **claims}
    _check_claims(claims, stated.number, where, name)
    expected = next((found[0].number for found in claims.values()), stated.number)
    if listed is not None and is_bare and expected > 1:
        return GroupChoice(settings=(listed,), expected=expected)
    possible = ([listed] if listed is not None else []) or of_hall or of_symbol or of_number
    if not possible:
        raise BadInput(
            where,
            f"phase '{name}': space group '{unknown[0]}' is not known"
            if unknown
            else "no space group",
            "give its Hermann-Mauguin symbol, or a CIF that lists its operations",
        )
    notes = [f"symbol '{x}' is not tabulated: not used" for x in unknown if not of_symbol]
    fitting = [one for one in possible if is_cell_of(one.rotations, cell)]
    if not fitting:
        _refuse_cell(possible, cell, where, name)
    notes += _describe_choice(stated, possible, fitting)
    text = next((" ".join(symbol.split()) for symbol, found in by_symbol.items() if found), "")
    # What the statement alone decides keeps the symbol stated.
    if text and len(fitting) == 1 and fitting[0] is possible[0]:
        fitting = [replace(fitting[0], symbol=text)]
    return GroupChoice(
        settings=tuple(fitting), notes=tuple(notes), symbol=text or fitting[0].symbol
    )


def _describe_choice(
    stated: GroupStatement, possible: Sequence[Setting], fitting: Sequence[Setting]
) -> list[str]:
    """Return what the cell has decided, in words."""
    if stated.operations or stated.hall:
        return []
    if not stated.symbols:
        return [f"only the number {stated.number} is stated: taken as {fitting[0].symbol}"]
    if fitting[0] is possible[0]:
        return []
    return [f"'{stated.symbols[0]}' names no axes: by the cell {fitting[0].symbol}"]


def _check_claims(claims: dict[str, list[Setting]], number: int, where: object, name: str) -> None:
    """Raise if two statements are of different groups, or of settings that differ in more than
    their origin; a number is of a group on whatever axes."""
    if not claims:
        return
    (first, settings), *others = claims.items()
    contradicting = [
        f"{what} ({_name_group(found[0])})"
        for what, found in others
        if not any(_is_same_group(a, b) for a in settings for b in found)
    ]
    if number and settings[0].number not in (0, number):
        contradicting.append(f"number {number}")
    if contradicting:
        raise BadInput(
            where,
            f"phase '{name}': {first} ({_name_group(settings[0])}) and {contradicting[0]} "
            "contradict each other",
            "correct the CIF, which states both",
        )


def _name_group(setting: Setting) -> str:
    return f"{setting.symbol}, number {setting.number}" if setting.number else setting.symbol


def _is_same_group(first: Setting, second: Setting) -> bool:
    """Return whether two settings are of one group and have the same absences, which depend on its
    axes and not on its origin."""
    if first.number != second.number:
        return False
    hkl = np.stack(np.meshgrid(*[np.arange(-4, 5)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    of_first, of_second = (
        find_absent(hkl.astype(float), one.rotations, one.translations) for one in (first, second)
    )
    return bool(np.array_equal(of_first, of_second))


def is_cell_of(rotations: Array, cell: Array) -> bool:
    """Return whether a cell's metric has the symmetry of these rotations, within `SAME_METRIC`.

    Parameters
    ----------
    rotations : ndarray, shape (operation, 3, 3)
    cell : ndarray, shape (6,)
        Lengths [angstrom], angles [degree].
    """
    return bool(np.all(_measure_misfit(rotations, cell) < SAME_METRIC))


def _measure_misfit(rotations: Array, cell: Array) -> Array:
    """Return by how much operations change the metric, relative, shape (operation, 3, 3)."""
    metric = metric_from_cell(cell)
    length = np.sqrt(np.diag(metric))
    turned = np.swapaxes(rotations, 1, 2) @ metric @ rotations
    return np.asarray(np.abs(turned - metric) / np.outer(length, length))


def symmetrise_cell(rotations: Array, cell: Array) -> tuple[Array, float]:
    """Return a cell whose metric is the mean over the operations, and the largest change of the
    metric, relative; a cell that fits to rounding comes back as it is.

    Parameters
    ----------
    rotations : ndarray, shape (operation, 3, 3)
    cell : ndarray, shape (6,)
        Lengths [angstrom], angles [degree].
    """
    misfit = float(np.max(_measure_misfit(rotations, cell)))
    if misfit < 1e-8:
        return cell, 0.0
    metric = np.mean(np.swapaxes(rotations, 1, 2) @ metric_from_cell(cell) @ rotations, axis=0)
    length = np.sqrt(np.diag(metric))
    cosine = metric / np.outer(length, length)
    angles = np.degrees(np.arccos([cosine[1, 2], cosine[0, 2], cosine[0, 1]]))
    return np.r_[length, angles], misfit


def _refuse_cell(possible: Sequence[Setting], cell: Array, where: object, name: str) -> None:
    system = identify_crystal_system(
        Phase(
            name=name,
            cell=cell,
            group="",
            rotations=possible[0].rotations,
            translations=possible[0].translations,
        )
    )
    numbers = ", ".join(f"{x:g}" for x in cell)
    raise BadInput(
        where,
        f"phase '{name}': the cell {numbers} is not that of {possible[0].symbol} "
        f"({system}: {_DEMANDS[system]})",
        "correct the cell or the space group",
    )
