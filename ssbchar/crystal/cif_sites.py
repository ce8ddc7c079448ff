"""The site list of a CIF: elements, positions, occupancies and displacement parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ssbchar.crystal.cell import Site, metric_from_cell
from ssbchar.crystal.cif_file import CifBlock
from ssbchar.crystal.structures import is_element
from ssbchar.errors import BadInput
from ssbchar.typing import Array

LARGEST_FRACTION = 5.0
"""Coordinates beyond this are no fractions of a cell edge."""
MOST_OCCUPANCY = 1.02
"""Occupancy above which a site holds more than one atom: 0.34 three times is one."""
MOST_SITES = 5000
"""Sites of a list [1]; larger ones are of simulations, not of a phase."""
LISTED = 6
"""Labels that a note lists."""
_POSITION_TAGS = tuple(f"_atom_site_fract_{axis}" for axis in "xyz")
_TYPE = re.compile(r"\d{0,3}([A-Za-z]{1,2})\s?\(?\d?\.?\d*[+-]?\d?\.?\d*\)?")
_VACANCIES = ("va", "vac", "vacancy", "[]", "\u25a1")
_ANISOTROPIC = ("11", "22", "33", "12", "13", "23")


class UnknownAtom(BadInput):
    """A site whose type is no element."""


@dataclass(frozen=True, kw_only=True)
class SiteList:
    """The sites of a CIF as they are listed."""

    sites: tuple[Site, ...] = ()
    multiplicities: tuple[float | None, ...] = ()
    """As stated, one per site."""
    notes: tuple[str, ...] = ()


def list_labels(labels: Sequence[str]) -> str:
    """Return labels of sites as text, the first few of many.

    Parameters
    ----------
    labels : sequence of str
    """
    more = f" and {len(labels) - LISTED} more" if len(labels) > LISTED else ""
    return ", ".join(labels[:LISTED]) + more


@dataclass(kw_only=True)
class _Remarks:
    """Labels of sites by what is to be told of them; filled site by site."""

    labels: dict[str, list[str]] = field(default_factory=dict)

    def add(self, what: str, label: str) -> None:
        self.labels.setdefault(what, []).append(label)

    def as_notes(self) -> tuple[str, ...]:
        return tuple(f"{list_labels(labels)}: {what}" for what, labels in self.labels.items())


def read_site_list(
    block: CifBlock, cell: Array, formula: Mapping[str, float], b_iso: float
) -> SiteList:
    """Return the atoms that a CIF lists; none if it lists none.

    Parameters
    ----------
    block : CifBlock
    cell : ndarray, shape (6,)
        Lengths [angstrom], angles [degree].
    formula : mapping
        Atoms by element as the CIF states them; settles labels such as CO1. Empty if it does not.
    b_iso : float
        B [angstrom^2] of atoms whose CIF states none.

    Raises
    ------
    BadInput
        A coordinate or an occupancy is missing or impossible.
    UnknownAtom
        A type is no element.
    """
    columns = [block.read_column(tag) for tag in _POSITION_TAGS]
    if all(column is None for column in columns):
        return SiteList()
    rows = max(len(column) for column in columns if column is not None)
    if rows > MOST_SITES:
        raise BadInput(
            block.path,
            f"lists {rows} atoms (up to {MOST_SITES})",
            "give the asymmetric unit, or 'atoms: false' of the phase to use its cell alone",
        )
    reader = _SiteReader(block=block, cell=cell, formula=formula, b_iso=b_iso, remarks=_Remarks())
    sites, multiplicities = [], []
    for row in range(rows):
        site = reader.read_site(row)
        if site is not None:
            sites.append(site)
            multiplicities.append(reader.read_multiplicity(row))
    return SiteList(
        sites=tuple(sites),
        multiplicities=tuple(multiplicities),
        notes=reader.remarks.as_notes(),
    )


@dataclass(frozen=True, kw_only=True)
class _SiteReader:
    """Reads one row of the site list after the other."""

    block: CifBlock
    cell: Array
    formula: Mapping[str, float]
    b_iso: float
    remarks: _Remarks

    def read_site(self, row: int) -> Site | None:
        """Return the site of a row; None for a vacancy, a dummy or an empty site."""
        kind = self._read(row, "_atom_site_type_symbol")
        label = self._read(row, "_atom_site_label") or kind or f"row {row + 1}"
        if self._read(row, "_atom_site_calc_flag") == "dum":
            self.remarks.add("marked as a dummy: left out", label)
            return None
        if _is_vacancy(kind or label):
            self.remarks.add("a vacancy: left out", label)
            return None
        occupancy = self._read_occupancy(row, label)
        if occupancy == 0.0:
            self.remarks.add("of occupancy 0: left out", label)
            return None
        return Site(
            element=self._read_element(kind, label),
            position=self._read_position(row, label),
            occupancy=occupancy,
            b_iso=self._read_b_iso(row, label),
            label=label,
        )

    def read_multiplicity(self, row: int) -> float | None:
        """Return the number of equivalent positions that a row states."""
        tags = ("_atom_site_symmetry_multiplicity", "_atom_site_site_symmetry_multiplicity")
        text = next((found for tag in tags if (found := self._read(row, tag))), None)
        return None if text is None or not text.isdigit() else float(text)

    def _read(self, row: int, tag: str) -> str | None:
        column = self.block.read_column(tag)
        return None if column is None or row >= len(column) else column[row]

    def _read_position(self, row: int, label: str) -> tuple[float, float, float]:
        texts = [self._read(row, tag) for tag in _POSITION_TAGS]
        missing = [axis for axis, text in zip("xyz", texts, strict=True) if text is None]
        if missing:
            raise BadInput(
                self.block.path,
                f"atom '{label}' has no {' and '.join(missing)}",
                "complete its coordinates, or take the row out",
            )
        x, y, z = (
            self.block.parse_number(text or "", f"{axis} of atom '{label}'")
            for axis, text in zip("xyz", texts, strict=True)
        )
        if max(abs(x), abs(y), abs(z)) > LARGEST_FRACTION:
            raise BadInput(
                self.block.path,
                f"atom '{label}' at {x:g}, {y:g}, {z:g}: no fractions of the cell edges",
                "give _atom_site_fract_x, _y and _z (check the order of the columns)",
            )
        return x, y, z

    def _read_occupancy(self, row: int, label: str) -> float:
        text = self._read(row, "_atom_site_occupancy")
        if text is None:
            if self.block.read_column("_atom_site_occupancy"):
                self.remarks.add("no occupancy stated: taken as 1", label)
            return 1.0
        occupancy = self.block.parse_number(text, f"the occupancy of atom '{label}'")
        if not 0 <= occupancy <= MOST_OCCUPANCY:
            percent = " (percent?)" if occupancy > 1 else ""
            raise BadInput(
                self.block.path,
                f"atom '{label}' has an occupancy of {occupancy:g}{percent}",
                "give the share of the site that it fills, 0 to 1",
            )
        return occupancy

    def _read_b_iso(self, row: int, label: str) -> float:
        """Return B [angstrom^2], isotropic or the mean of the anisotropic one."""
        for kind, factor in (("B", 1.0), ("U", 8 * np.pi**2)):
            for tag in (f"_atom_site_{kind}_iso_or_equiv", f"_atom_site_{kind}_equiv_geom_mean"):
                text = self._read(row, tag)
                if text is None:
                    continue
                value = factor * self.block.parse_number(text, f"{kind} of atom '{label}'")
                if value > 0:
                    return value
                self.remarks.add(f"{kind} {text} is no displacement: B {self.b_iso:g} used", label)
                return self.b_iso
        equivalent = self._read_anisotropic(label)
        if equivalent is not None and equivalent > 0:
            return equivalent
        self.remarks.add(f"no displacement stated: B {self.b_iso:g} angstrom^2 used", label)
        return self.b_iso

    def _read_anisotropic(self, label: str) -> float | None:
        """Return B_eq = 8 pi^2 / 3 sum_ij U_ij a*_i a*_j a_i.a_j, None if no U_ij are stated.

        R. X. Fischer & E. Tillmanns, Acta Cryst. C 44 (1988) 775.
        """
        labels = self.block.read_column("_atom_site_aniso_label") or []
        if label not in labels:
            return None
        row = labels.index(label)
        for kind, factor in (("U", 8 * np.pi**2), ("B", 1.0)):
            texts = [self._read(row, f"_atom_site_aniso_{kind}_{ij}") for ij in _ANISOTROPIC]
            if any(text is None for text in texts):
                continue
            xx, yy, zz, xy, xz, yz = (
                self.block.parse_number(text or "", f"{kind}_ij of atom '{label}'")
                for text in texts
            )
            metric = metric_from_cell(self.cell)
            reciprocal = np.sqrt(np.diag(np.linalg.inv(metric)))
            tensor = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
            trace = np.sum(tensor * metric * np.outer(reciprocal, reciprocal))
            return float(factor * trace / 3)
        return None

    def _read_element(self, kind: str | None, label: str) -> str:
        element = _parse_type(kind) if kind else self._parse_label(label)
        if element is None:
            raise UnknownAtom(
                self.block.path,
                f"atom '{label}' of type '{kind or label}' is no element",
                "correct _atom_site_type_symbol, or give 'atoms: false' of the phase to use its "
                "cell alone",
            )
        return element

    def _parse_label(self, label: str) -> str | None:
        """Return the element of a label such as Li1, OA2, SiT or CL1; the formula settles what is
        left open.

        Raises
        ------
        BadInput
            Two elements are possible.
        """
        found = re.match(r"[A-Za-z]+", label)
        if not found:
            return None
        letters = found[0]
        one, two = letters[:1].upper(), letters[:2].capitalize()
        possible = [x for x in (two, one) if is_element(x)]
        if self.formula:
            possible = [x for x in possible if x in self.formula]
        elif letters[1:2].islower():
            # Written as an element's symbol: Si and not S; `Wat` is no W.
            possible = [two] if letters[2:3].islower() is False and is_element(two) else []
        if len(set(possible)) > 1 and letters[1:2].islower():
            possible = [two]
        if len(set(possible)) > 1:
            raise BadInput(
                self.block.path,
                f"atom '{label}' may be {one} or {two}",
                "give _atom_site_type_symbol",
            )
        return possible[0] if possible else None


def _is_vacancy(text: str) -> bool:
    return text.lower().rstrip("0123456789") in _VACANCIES


def _parse_type(text: str) -> str | None:
    """Return the element of a type symbol such as Fe2+, O2-, 7Li or D."""
    found = _TYPE.fullmatch(text)
    if not found:
        return None
    element = found[1].capitalize()
    return element if is_element(element) else None
