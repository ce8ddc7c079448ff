"""Space groups by Hermann-Mauguin symbol, Hall symbol, number or list of operations."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ssbchar.crystal.structures import load_group_operations
from ssbchar.errors import BadInput
from ssbchar.typing import Array

# How databases and programs write the setting behind the symbol: `:2`, ICSD's S (origin at a site
# of high symmetry) and Z (origin at a centre), H and R.
_SETTINGS = (
    re.compile(r"\s*:\s*([12hr])\s*$", re.IGNORECASE),
    re.compile(r"\s*[(;,:]?\s*(?:origin(?:\s+choice)?|o)\s*([12])\s*\)?\s*$", re.IGNORECASE),
    re.compile(r"\s+([SZHRszhr])S?\s*$"),
    re.compile(r"(?<=[a-z0-9])([SZHR])\s*$"),
)
_ORIGINS = {"S": "1", "Z": "2"}


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A space group on certain axes, with a certain origin."""

    symbol: str
    number: int
    """In International Tables A; 0 if it is not known."""
    rotations: Array
    """Shape (operation, 3, 3)."""
    translations: Array
    """Shape (operation, 3)."""


def list_settings(symbol: str) -> list[Setting]:
    """Return the settings that a Hermann-Mauguin symbol may mean, the first of the tables first.

    Parameters
    ----------
    symbol : str
        As databases and programs write it: ``F d -3 m :2``, ``Fd-3mZ``, ``R -3 c H``, ``P 21/n``,
        ``P 6(3)/m m c``.

    Returns
    -------
    list of Setting
        Empty for an unknown symbol, or one without the setting it names.
    """
    import gemmi

    plain, extension = _split_setting(_clean_symbol(symbol))
    base = gemmi.find_spacegroup_by_name(plain)
    if base is None:
        return []
    table = list(gemmi.spacegroup_table())
    found = [one for one in table if one.hm == base.hm]
    if extension:
        found = [one for one in found if one.ext == extension]
    if base.crystal_system_str() == "monoclinic" and _strip_ones(base.hm) == _squeeze(plain):
        found += [
            one
            for one in table
            if one.number == base.number
            and one.hm != base.hm
            and _strip_ones(one.hm) == _squeeze(plain)
        ]
    text = " ".join(symbol.split())
    several = len(found) > 1
    return [_convert_group(one, one.xhm() if several else text) for one in found]


def _clean_symbol(symbol: str) -> str:
    text = re.sub(r"\s+\((?:no\.?|#)?\s*\d+\)$", "", symbol.replace("_", "").strip(), flags=re.I)
    text = re.sub(r"\((\d)\)", r"\1", text)
    return re.sub(r"\s*/\s*", "/", text)


def _split_setting(symbol: str) -> tuple[str, str]:
    """Return a symbol without its setting, and the setting: ``1``, ``2``, ``H``, ``R`` or none."""
    for pattern in _SETTINGS:
        found = pattern.search(symbol)
        if found and found.start():
            word = found[1].upper()
            return symbol[: found.start()].strip(), _ORIGINS.get(word, word)
    return symbol, ""


def _squeeze(symbol: str) -> str:
    return "".join(symbol.split()).lower()


def _strip_ones(symbol: str) -> str:
    return "".join(word for word in symbol.split() if word != "1").lower()


def _convert_group(group: Any, symbol: str) -> Setting:
    setting = _convert_operations(list(group.operations()), symbol, group.number)
    return _order_as_pymatgen(setting, group.hm)


def _order_as_pymatgen(setting: Setting, symbol: str) -> Setting:
    """Return a setting with its operations in the order of pymatgen's group, where that is the same
    group."""
    # Sums over the operations have the same last digits with either.
    known = load_group_operations(symbol)
    if known is None or len(known[0]) != len(setting.rotations):
        return setting
    rotations, translations = known
    own = {_make_key(*one) for one in zip(setting.rotations, setting.translations, strict=True)}
    if own != {_make_key(*one) for one in zip(rotations, translations, strict=True)}:
        return setting
    return replace(setting, rotations=rotations, translations=translations)


def _make_key(rotation: Array, translation: Array) -> tuple[int, ...]:
    turns = np.round(24 * translation).astype(int) % 24
    return (*np.round(rotation).astype(int).ravel().tolist(), *turns.tolist())


def _convert_operations(operations: Sequence[Any], symbol: str, number: int) -> Setting:
    rotations = np.array([op.rot for op in operations], float) / operations[0].DEN
    translations = np.array([op.tran for op in operations], float) / operations[0].DEN
    return Setting(
        symbol=symbol, number=number, rotations=rotations, translations=translations % 1.0
    )


def read_hall(hall: str) -> list[Setting]:
    """Return the setting of a Hall symbol, none for an unknown one.

    Parameters
    ----------
    hall : str
    """
    if not hall:
        return []
    import gemmi

    for group in gemmi.spacegroup_table():
        if _squeeze(group.hall) == _squeeze(hall):
            return [_convert_group(group, group.xhm())]
    try:
        operations = gemmi.symops_from_hall(hall)
    except (RuntimeError, ValueError):
        return []
    setting = _convert_operations(list(operations), hall, 0)
    return [replace(setting, number=_find_number(setting))]


def list_settings_of_number(number: int) -> list[Setting]:
    """Return the settings of a group's standard symbol, none for 0.

    Parameters
    ----------
    number : int
        In International Tables A.
    """
    if not number:
        return []
    import gemmi

    standard = gemmi.find_spacegroup_by_number(number).hm
    return [
        _convert_group(one, one.xhm()) for one in gemmi.spacegroup_table() if one.hm == standard
    ]


def read_operations(texts: Sequence[str], where: object) -> Setting | None:
    """Return the group of a list of operations, None for no list.

    Parameters
    ----------
    texts : sequence of str
        Such as ``-x+1/2,y,z``.
    where : object
        The file, for messages.

    Raises
    ------
    BadInput
        One of them is none, or together they form no group.
    """
    if not texts:
        return None
    import gemmi

    operations = []
    for text in texts:
        try:
            if set(re.sub(r"[^A-Za-z]", "", text).lower()) != set("xyz"):
                raise ValueError(text)
            operations.append(gemmi.Op(text.lower()).wrap())
        except (RuntimeError, ValueError) as error:
            raise BadInput(
                where, f"'{text}' is no symmetry operation", "write it as 'x,-y,z+1/2'"
            ) from error
    # An operation listed twice is one.
    operations = list({op.triplet(): op for op in operations}.values())
    if not _is_group(operations):
        raise BadInput(
            where,
            f"its {len(operations)} symmetry operations form no group: some are missing or wrong",
            "list all of them, those of the centring too, or give the symbol alone",
        )
    tabulated = gemmi.find_spacegroup_by_ops(gemmi.GroupOps(operations))
    if tabulated is not None:
        return _convert_operations(operations, tabulated.xhm(), tabulated.number)
    setting = _convert_operations(operations, "", 0)
    number = _find_number(setting)
    return replace(setting, number=number, symbol=f"number {number}, by its operations")


def _is_group(operations: Sequence[Any]) -> bool:
    """Return whether the product of any two operations is one of them."""
    known = {op.triplet() for op in operations}
    if "x,y,z" not in known or len(operations) > 192:
        return False
    return all((a * b).wrap().triplet() in known for a in operations for b in operations)


def _find_number(setting: Setting) -> int:
    """Return the number of a group that stands in no table, 0 if it is not found."""
    import spglib

    found = spglib.get_spacegroup_type_from_symmetry(
        setting.rotations.astype(np.intc), setting.translations
    )
    return int(found.number) if found is not None else 0
